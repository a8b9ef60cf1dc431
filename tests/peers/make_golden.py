"""Golden vectors for the C program: small random models and inputs, outputs and gradients, as safetensors.

usage: make_golden.py OUTDIR [SEED]     (needs torch >= 1.13 and numpy)
Every file holds: the inputs as in.*, the outputs as out.*, parameters as param.NAME, gradients as grad.NAME
(parameters) or grad.in.* (inputs). Dropout is off; BatchNorm is in training mode unless the name says eval.
"""
import json, os, struct, sys
import numpy as np
import torch
from reference_model import *


def save(path, tensors, meta=None):
    head, blobs, at = {"__metadata__": {k: str(v) for k, v in (meta or {}).items()}}, [], 0
    for k, v in tensors.items():
        a = np.ascontiguousarray(v.detach().cpu().float().numpy() if torch.is_tensor(v) else np.asarray(v, np.float32))
        head[k] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
        blobs.append(a.tobytes())
    h = json.dumps(head).encode()
    h += b" " * (-len(h) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(h)) + h + b"".join(blobs))


def params(m, prefix=""):
    t = {}
    for k, v in m.state_dict().items():
        if "num_batches" not in k:
            t["param." + prefix + k] = v.clone()
    return t


def grads(m, prefix=""):
    return {"grad." + prefix + k: p.grad for k, p in m.named_parameters() if p.grad is not None}


def randomise(m):
    """default initialisation leaves biases and norms too tame to catch a mistake"""
    with torch.no_grad():
        for p in m.parameters():
            p.add_(torch.randn_like(p) * 0.05)
    return m


def case(out, name, fn, inputs, module=None, meta=None):
    t = params(module) if module is not None else {}
    for k, v in inputs.items():
        t["in." + k] = v.clone()
    xs = {k: v.clone().requires_grad_(True) for k, v in inputs.items()}
    if module is not None:
        module.zero_grad()
    y = fn(**xs)
    y = y if isinstance(y, dict) else {"y": y}
    first = list(y.values())[0]
    if first.dim() == 0:
        loss = first
    else:                                   # a fixed random weighting makes every output element count
        w = torch.randn(first.shape, generator=torch.Generator().manual_seed(99))
        t["in.grad_weight"] = w
        loss = (first * w).sum()
    loss.backward()
    for k, v in y.items():
        t["out." + k] = v
    for k, v in xs.items():
        if v.grad is not None:
            t["grad.in." + k] = v.grad
    if module is not None:
        t.update(grads(module))
    save(os.path.join(out, name + ".safetensors"), t, meta)
    print(name, {k: tuple(v.shape) for k, v in y.items()}, float(loss))


def main(out, seed=0):
    os.makedirs(out, exist_ok=True)
    torch.manual_seed(seed)
    r = torch.randn
    drums = r(2, 1, 6000) * torch.rand(2, 1, 60).repeat_interleave(100, 2) ** 3
    piano = r(2, 1, 6000) * torch.rand(2, 1, 24).repeat_interleave(250, 2)
    mixed = 0.6 * piano + 0.5 * drums + 0.1 * r(2, 1, 6000)
    f = lambda m: (lambda input, target, output: modulation_cost(input, target, output, m))
    case(out, "modulation_m250", f(250), {"input": drums, "target": piano, "output": mixed}, meta={"segments": 250})
    case(out, "modulation_m7", f(7), {"input": drums[..., :5003], "target": piano[..., :5003], "output": mixed[..., :5003]}, meta={"segments": 7})
    case(out, "modulation_copy", f(250), {"input": drums, "target": piano, "output": piano * 0.7}, meta={"segments": 250})
    a, b = mixed[:, 0] * 0.2, piano[:, 0] * 0.2
    case(out, "stft_loss", lambda x, y: stft_loss(x, y), {"x": a, "y": b}, meta={"sizes": "512,1024,2048", "hop": "n/4"})
    case(out, "rms_loss", lambda x, y: rms_loss(x, y), {"x": a, "y": b})
    z = [r(2, 16, 30) for _ in range(3)]
    case(out, "novelty", lambda z, zi, zt: novelty(z, zi, zt), {"z": z[0], "zi": z[1], "zt": z[2]})
    case(out, "balance", lambda logits: balance(logits), {"logits": r(2, 6, 30)})
    head = randomise(Head(16, 8, 7, 9)).train()
    case(out, "head", lambda x: head(x), {"x": r(2, 16, 40)}, head)
    kw = dict(dim=16, component=8, model=32, heads=4, layers=2, ff=64, dropout=0.0)
    agent = randomise(Agent(**kw)).train()
    def run(agent):
        return lambda zi, zt: dict(zip(("z", "weights", "logits"), agent(zi, zt)))
    case(out, "agent", run(agent), {"zi": r(2, 16, 50), "zt": r(2, 16, 50)}, agent, meta=kw)
    agent.eval()
    case(out, "agent_eval", run(agent), {"zi": r(1, 16, 37), "zt": r(1, 16, 37)}, agent, meta=kw)
    casc = randomise(Cascade(16, 4, 2, 0.0)).train()
    case(out, "cascade", lambda zc, zt: casc(zc, zt), {"zc": r(2, 16, 50), "zt": r(2, 16, 50)}, casc, meta={"heads": 4, "layers": 2})
    for name, lstm, ratios, n in (("codec_lstm", 2, (4, 2), 203), ("codec_plain", 0, (5, 2, 2), 400)):
        enc, dec = randomise(Encoder(16, 4, ratios, lstm)), randomise(Decoder(16, 4, ratios, lstm))
        case(out, name + "_encoder", lambda x: enc(x), {"x": r(2, 1, n) * 0.3}, enc, meta={"ratios": ratios, "lstm": lstm, "width": 4})
        case(out, name + "_decoder", lambda z: dec(z), {"z": r(2, 16, 21)}, dec, meta={"ratios": ratios, "lstm": lstm, "width": 4})
    mdct = Mdct(48, 64, 8.0)
    case(out, "mdct_encoder", lambda x: mdct.encode(x), {"x": r(2, 1, 1000) * 0.3}, meta={"dim": 48, "hop": 64, "gain": 8.0})
    case(out, "mdct_decoder", lambda z: mdct.decode(z, 1000), {"z": r(2, 48, 17)}, meta={"dim": 48, "hop": 64, "gain": 8.0, "samples": 1000})
    o, i, g = (v[:, 0] * 0.2 for v in (mixed, drums, piano))
    case(out, "onset_loss", onset_loss, {"out": o, "inp": i})
    case(out, "chroma_loss", chroma_loss, {"out": o, "tgt": g})
    case(out, "timbre_loss", timbre_loss, {"out": o, "tgt": g})
    case(out, "variation_loss", lambda out: variation_loss(out, 0.9, 50), {"out": 0.2 + 0.02 * o}, meta={"least": 0.9, "segments": 50})
    case(out, "level_loss", level_loss, {"out": o, "tgt": g})
    wide = dict(lag=dict(lag_ms=12.0), rms=dict(envelope="rms"), p8=dict(envelope="p8", lag_ms=3.0), bands=dict(bands=3),
                tolerance=dict(tolerance_input=0.05, tolerance_target=0.3))
    clip = {"input": drums[..., :2405] * 0.2, "target": piano[..., :2405] * 0.2, "output": mixed[..., :2405] * 0.2}
    for name, settings in wide.items():
        f = lambda input, target, output: modulation_cost_with(input, target, output, 40, **settings)
        case(out, "modulation_" + name, f, clip, meta={"segments": 40, **settings})
    quiet = {name: x * 1e-3 for name, x in clip.items()}    # so quiet that the floor under the deviations shows
    case(out, "modulation_quiet", lambda input, target, output: modulation_cost_with(input, target, output, 40, lag_ms=12.0), quiet, meta={"segments": 40, "lag_ms": 12.0})
    gates = randomise(Gates(16, 4))
    case(out, "gates", lambda z, zi, zt: gates(z, zi, zt), {"z": r(2, 16, 20), "zi": r(2, 16, 20), "zt": r(2, 16, 20)}, gates, meta={"bands": 4, "new": 0.05})
    late = randomise(Gates(16, 4, 0.05, (0, 2, 5)))
    case(out, "gates_delays", lambda z, zi, zt: late(z, zi, zt), {"z": r(2, 16, 20), "zi": r(2, 16, 20), "zt": r(2, 16, 20)}, late,
         meta={"bands": 4, "new": 0.05, "delays": (0, 2, 5)})
    case(out, "onset_loss_bands", lambda out, inp: onset_loss(out, inp, True), {"out": o, "inp": i})
    case(out, "mixture_loss", lambda out, inp, tgt: mixture_loss(out, inp, tgt, 0.1), {"out": o, "inp": i, "tgt": g}, meta={"most": 0.1})
    # three whole training steps: frozen codec, agent + cascade, AdamW, clipping at 10
    torch.manual_seed(seed + 1)
    enc, dec = Encoder(16, 4, (4, 2), 0), Decoder(16, 4, (4, 2), 0)
    agent, casc = randomise(Agent(**kw)).train(), Cascade(16, 4, 2, 0.0).train()
    for p in list(enc.parameters()) + list(dec.parameters()):
        p.requires_grad_(False)
    both = nn.ModuleDict({"agent": agent, "cascade": casc})
    t = {**params(enc, "encoder."), **params(dec, "decoder."), **params(both)}
    opt = torch.optim.AdamW(both.parameters(), lr=1e-3, weight_decay=0.01)
    n = 8000
    xi, xt = r(2, 1, n) * torch.rand(2, 1, 80).repeat_interleave(100, 2) ** 3, r(2, 1, n) * torch.rand(2, 1, 16).repeat_interleave(500, 2)
    t["in.input"], t["in.target"] = xi, xt
    losses = []
    for s in range(3):
        zi, zt = enc(xi), enc(xt)
        z, w, l = agent(zi, zt)
        y = dec(casc(z, zt))
        o, i, g = y[:, 0], xi[:, 0], xt[:, 0]
        terms = {"rms_input": rms_loss(o, i), "rms_target": rms_loss(o, g),
                 "spectral": 0.5 * (stft_loss(o, i) + stft_loss(o, g)),
                 "novelty": novelty(z, zi, zt) + balance(l), "corr": modulation_cost(xi, xt, y)}
        loss = 0.3 * terms["rms_input"] + 0.3 * terms["rms_target"] + 0.1 * terms["spectral"] + 0.1 * terms["novelty"] + 0.5 * terms["corr"]
        opt.zero_grad()
        loss.backward()
        if s == 0:
            t.update({k: v.clone() for k, v in grads(both).items()})
            t["out.audio"], t["out.weights"] = y, w
        norm = torch.nn.utils.clip_grad_norm_(both.parameters(), 10.0)
        opt.step()
        losses.append([float(loss), float(norm)] + [float(v) for v in terms.values()])
        print("step", s, losses[-1])
    t["out.losses"] = torch.tensor(losses)     # rows: steps; columns: total, gradient norm, rms_input, rms_target, spectral, novelty, corr
    t.update({k.replace("param.", "after."): v for k, v in params(both).items()})
    save(os.path.join(out, "train_step.safetensors"), t, {**kw, "weights": "rms_input .3, rms_target .3, spectral .1, novelty+balance .1, corr .5", "lr": 1e-3, "weight_decay": .01, "clip": 10, "steps": 3})
    # last, so that what is drawn here leaves the others as they are
    torch.manual_seed(seed + 2)
    for name, bands in (("mdct", Lapped(48, 7, 64, 8.0)), ("mclt", Lapped(60, 6, 64, 8.0, mclt=True))):
        meta = {"dim": bands.dim, "bands": bands.bands, "hop": 64, "gain": 8.0, "type": name}
        case(out, "lapped_" + name + "_encoder", lambda x: bands.encode(x), {"x": r(2, 1, 1000) * 0.3}, meta=meta)
        case(out, "lapped_" + name + "_decoder", lambda z: bands.decode(z, 1000), {"z": r(2, bands.dim, 17)}, meta={**meta, "samples": 1000})
    torch.manual_seed(seed + 3)
    back = randomise(Agent(**kw, past=9)).train()
    case(out, "agent_causal", run(back), {"zi": r(2, 16, 50), "zt": r(2, 16, 50)}, back, meta={**kw, "past": 9})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
