"""The training step of a configuration in PyTorch, on demand: one answer a line for each request a line.

usage: bench_torch.py CONFIG [MODE]      (CONFIG: what `antiphon config` prints; needs torch >= 1.13)
  MODE      float (unless told otherwise); medium: torch.set_float32_matmul_precision("medium"); bfloat16: the models and
            the codec under autocast, the loss in float; compiled: the three through torch.compile
  step      takes a training step and answers with its seconds
  decode    decodes the target's latents without gradients and answers with the seconds
  memory    answers with the peak memory of the process so far, in bytes
The first line it writes is the version of PyTorch. Latents are encoded before, as in training with a codec that does
not change; its weight norm is removed, so that PyTorch does not compute the same weights again in each step.
"""
import json, resource, sys, time
import torch
import torch.nn as nn
import reference_model as model

RATE = 24000
LEVEL = 0.1                 # RMS of the noise that stands for audio: what a step costs does not depend on it
TERMS = ("rms_input", "rms_target", "spectral", "novelty", "corr_weight")


def refuse(reason):
    sys.exit("bench_torch.py: " + reason)


class SeanetCodec(nn.Module):
    def __init__(self, dim, width, ratios, lstm):
        super().__init__()
        self.encode = model.Encoder(dim, width, ratios, lstm)
        self.decoder = model.Decoder(dim, width, ratios, lstm)
        for module in self.modules():
            if hasattr(module, "weight_g"):
                nn.utils.remove_weight_norm(module)

    def decode(self, z, samples):
        return self.decoder(z)[..., :samples]


def make_codec(c):
    codec = model.Mdct(c["dim"], c["hop"], c["gain"]) if c["type"] == "mdct" else \
        SeanetCodec(c["dim"], c["width"], c["ratios"], c["lstm"])
    return codec.requires_grad_(False)


class Step:
    def __init__(self, config, mode):
        data, agent, cascade, train = config["data"], config["agent"], config["cascade"], config["train"]
        self.loss, dim = config["loss"], config["codec"]["dim"]
        batch, self.samples = train["batch_size"], round(data["seconds"] * RATE)
        self.codec = make_codec(config["codec"])
        self.agent = model.Agent(dim, agent["component"], agent["model"], agent["attention_heads"], agent["layers"], agent["ff"],
                                 agent["dropout"])
        self.cascade = model.Cascade(dim, cascade["attention_heads"], cascade["layers"], cascade["dropout"]) \
            if agent["output"] == "cascade" else None
        self.bfloat16 = mode == "bfloat16"
        self.parameters = list(self.agent.parameters()) + (list(self.cascade.parameters()) if self.cascade else [])
        self.clip = train["clip"]
        self.optimiser = torch.optim.AdamW(self.parameters, train["lr"], (train["beta1"], train["beta2"]), train["eps"],
                                           train["weight_decay"])
        self.input, self.target = (LEVEL * torch.randn(batch, 1, self.samples) for _ in range(2))
        with torch.no_grad():       # item by item, as before a training
            self.zi, self.zt = (torch.cat([self.codec.encode(item[None]) for item in x]) for x in (self.input, self.target))
        if mode == "compiled":
            self.agent = torch.compile(self.agent)
            self.cascade = torch.compile(self.cascade) if self.cascade else None
            self.codec.decode = torch.compile(self.codec.decode)

    def terms(self, z, logits, output):
        o, i, t = output[:, 0], self.input[:, 0], self.target[:, 0]
        w = self.loss
        if w["rms_input"]:
            yield w["rms_input"] * model.rms_loss(o, i)
        if w["rms_target"]:
            yield w["rms_target"] * model.rms_loss(o, t)
        if w["spectral"]:
            yield w["spectral"] * 0.5 * (model.stft_loss(o, i) + model.stft_loss(o, t))
        if w["novelty"]:
            yield w["novelty"] * (model.novelty(z, self.zi, self.zt) + w["balance"] * model.balance(logits))
        if w["corr_weight"]:
            yield w["corr_weight"] * model.modulation_cost(self.input, self.target, output, w["corr_segments"])

    def step(self):
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            z, _, logits = self.agent(self.zi, self.zt)
            output = self.codec.decode(self.cascade(z, self.zt) if self.cascade else z, self.samples)
        z, logits, output = z.float(), logits.float(), output.float()
        loss = sum(self.terms(z, logits, output))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimiser.step()
        return time.perf_counter() - began

    def decode(self):
        began = time.perf_counter()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            self.codec.decode(self.zt, self.samples)
        return time.perf_counter() - began

    def memory(self):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def check(config):
    loss = config["loss"]
    others = [k for k in ("mel", "onset", "chroma", "timbre", "variation", "level") if loss[k]]
    if others:
        refuse("loss." + others[0] + ": only " + ", ".join(TERMS) + " are stated here")
    if not config["agent"]["compositional"] or config["agent"]["output"] == "gates" or config["codec"]["train"]:
        refuse("only the compositional agent with output cascade or direct and a codec that is not trained")


def main():
    config = json.loads(sys.argv[1])
    check(config)
    if config["train"]["threads"]:
        torch.set_num_threads(config["train"]["threads"])
    mode = sys.argv[2] if len(sys.argv) > 2 else "float"
    if mode == "medium":
        torch.set_float32_matmul_precision("medium")
    torch.manual_seed(0)
    step = Step(config, mode)
    print(torch.__version__, flush=True)
    for request in sys.stdin:
        print(getattr(step, request.strip())(), flush=True)


if __name__ == "__main__":
    main()
