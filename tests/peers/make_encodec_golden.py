#!/usr/bin/env python3
"""Golden vectors of EnCodec itself: transformers' EncodecModel, of 24 kHz and of 48 kHz, without its quantiser.

    make_encodec_golden.py OUT_DIR [WEIGHTS_24.safetensors] [SEED]
    make_encodec_golden.py --small tests/golden

OUT_DIR then holds, computed in double, with gradients, what build/tests/golden OUT_DIR holds the C to: encoder and
decoder of the model of 24 kHz (of WEIGHTS_24, a checkpoint of the published model; without it, of weights drawn from
SEED) and of the one of 48 kHz, and the round trip of the latter through the library's own encode and decode: segments,
their scales, their overlap. Its folders 24khz and 48khz hold model.safetensors and config.json as the library writes
them, which antiphon codec --codec takes. With --small: a stereo model of a few channels, for tests/golden.
Needs torch, transformers and safetensors.
"""
import json
import os
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import EncodecConfig, EncodecModel

STEREO = {"audio_channels": 2, "use_causal_conv": False, "norm_type": "time_group_norm", "normalize": True}
FULL_48KHZ = dict(STEREO, sampling_rate=48000, chunk_length_s=1.0, overlap=0.01, target_bandwidths=[3.0, 6.0, 12.0, 24.0])
# odd strides, whose padding is not even, and segments that are no whole number of frames
SMALL = dict(STEREO, sampling_rate=1000, chunk_length_s=0.1, overlap=0.13, target_bandwidths=[24.0], num_filters=4,
             hidden_size=6, upsampling_ratios=[3, 2], num_lstm_layers=1, codebook_size=16)


def older(name):
    """The name as weight norm had it before PyTorch 2.1, which is how the C names its parameters."""
    return name.replace("parametrizations.weight.original0", "weight_g").replace("parametrizations.weight.original1", "weight_v")


def make(seed, **settings):
    """A model of random weights, the gains and offsets of its norms away from their first values."""
    torch.manual_seed(seed)
    model = EncodecModel(EncodecConfig(**settings)).train()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if ".norm." in name:
                p.add_(0.3 * torch.randn_like(p))
    return model


class Through(torch.nn.Module):
    """The round trip by the model's own encode and decode: the quantiser hands on what it is given."""

    class Quantizer(torch.nn.Module):
        def encode(self, embeddings, bandwidth):
            return embeddings

        def decode(self, codes):
            return codes

    def __init__(self, model):
        super().__init__()
        self.encoder, self.decoder = model.encoder, model.decoder  # for their names
        self.model = [model]
        model.quantizer = Through.Quantizer()

    def forward(self, x):
        model = self.model[0]
        codes, scales, padded = model.encode(x, return_dict=False)
        y = model.decode(codes, scales, torch.ones_like(x).bool(), return_dict=False, last_frame_pad_length=padded)[0]
        frames = [codes[k].transpose(0, 1) for k in range(len(codes))]
        frames[-1] = frames[-1][..., : frames[-1].shape[-1] - padded]
        self.others = {"z": torch.cat(frames, -1), "scale": torch.cat(scales)[:, 0]}
        return y


def differentiate(module, x, x_name, weight):
    """Outputs, and the gradients of sum(output * weight) by all that is differentiable."""
    x = x.clone().requires_grad_(True)
    module.zero_grad()
    y = module(x)
    (y * weight).sum().backward()
    tensors = {"out.y": y.detach(), "grad.in." + x_name: x.grad}
    tensors.update({"out." + name: t.detach() for name, t in getattr(module, "others", {}).items()})
    for name, p in module.named_parameters():
        tensors["grad." + older(name)] = p.grad.clone()
    return tensors


def save_case(path, module, x, x_name, meta):
    """In double: in float, PyTorch's gradients of biases, sums of many numbers that cancel, can be off by 6e-4."""
    with torch.no_grad():
        weight = torch.randn_like(module(x))
    inputs = {"in." + x_name: x, "in.grad_weight": weight}
    inputs.update({"param." + older(name): p.detach().clone() for name, p in module.named_parameters()})
    single = differentiate(module, x, x_name, weight)
    exact = differentiate(module.double(), x.double(), x_name, weight.double())
    module.float()
    off = {k: float((single[k] - v).norm() / v.norm()) for k, v in exact.items()}
    worst = max((k for k in off if k != "out.y"), key=off.get)
    print("%s: PyTorch in float: out=%.2e grad=%.2e (%s)" % (os.path.basename(path), off["out.y"], off[worst], worst))
    tensors = {**inputs, **{k: v.float() for k, v in exact.items()}}
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, metadata={k: str(v) for k, v in meta.items()})


def meta_of(config):
    return {"ratios": tuple(config.upsampling_ratios), "lstm": config.num_lstm_layers, "width": config.num_filters,
            "dim": config.hidden_size, "channels": config.audio_channels, "norm": config.norm_type,
            "causal": int(config.use_causal_conv), "normalize": int(config.normalize),
            "segment": config.chunk_length or 0, "stride": config.chunk_stride or 1}


def sound(config, samples):
    """A decaying tone at 220 Hz or a fifth of half the rate, and noise, unlike in each channel, louder from second to
    second: [1, channels, samples]."""
    time = torch.arange(samples) / config.sampling_rate
    tone = torch.sin(2 * torch.pi * min(220, config.sampling_rate / 10) * time) * torch.exp(-3 * (time % 0.25))
    x = 0.3 * tone + 0.02 * torch.randn(config.audio_channels, samples)
    return (x * (0.2 + time))[None]


def save_halves(out, name, model, samples, frames):
    config = model.config
    z = torch.randn(1, config.hidden_size, frames)
    save_case(os.path.join(out, name + "_encoder.safetensors"), model.encoder, sound(config, samples), "x", meta_of(config))
    save_case(os.path.join(out, name + "_decoder.safetensors"), model.decoder, z, "z", meta_of(config))


def save_round_trip(out, name, model, samples, items=1):
    x = torch.cat([sound(model.config, samples) for _ in range(items)])
    save_case(os.path.join(out, "codec_round_trip_%s.safetensors" % name), Through(model), x, "x", meta_of(model.config))


def save_model(folder, model):
    """As save_pretrained names and describes it."""
    os.makedirs(folder, exist_ok=True)
    save_file({k: v.contiguous().clone() for k, v in model.state_dict().items()}, os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(model.config.to_dict(), f)


def full(out, weights, seed):
    model = make(seed)
    if weights:
        model.load_state_dict(load_file(weights))
    save_model(os.path.join(out, "24khz"), model)
    save_halves(out, "codec_24khz", model, 24000 + 77, 75)  # not a whole number of frames
    model = make(seed, **FULL_48KHZ)
    save_model(os.path.join(out, "48khz"), model)
    save_halves(out, "codec_48khz", model, 48000 - 77, 150)
    save_round_trip(out, "48khz", model, 2 * 48000 + 12345)


def small(out):
    save_halves(out, "codec_stereo", make(0, **SMALL), 97, 17)
    save_round_trip(out, "stereo", make(1, **SMALL), 2 * 87 + 61, items=2)


def main(arguments):
    if arguments and arguments[0] == "--small":
        return small(arguments[1])
    out = arguments[0]
    os.makedirs(out, exist_ok=True)
    full(out, arguments[1] if len(arguments) > 1 else None, int(arguments[2]) if len(arguments) > 2 else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
