#!/usr/bin/env python3
"""Golden vectors of EnCodec itself: encoder and decoder of transformers' EncodecModel, 24 kHz, full size.

    make_encodec_golden.py OUT_DIR [WEIGHTS.safetensors] [SEED]

WEIGHTS is a checkpoint of the published model (without it, weights drawn from SEED). OUT_DIR then holds
codec_published_encoder and codec_published_decoder, with gradients, computed in double, to which build/tests/golden OUT_DIR holds the C, and
whole.safetensors, the weights of the whole model as its authors' library names them, which codec.weights takes.
Needs torch, transformers and safetensors.
"""
import os
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import EncodecConfig, EncodecModel

SAMPLES = 24000 + 77  # not a whole number of frames
FRAMES = 75


def older(name):
    """The name as weight norm had it before PyTorch 2.1, which is how the C names its parameters."""
    return name.replace("parametrizations.weight.original0", "weight_g").replace("parametrizations.weight.original1", "weight_v")


def differentiate(module, x, x_name, weight):
    """Outputs, and the gradients of sum(output * weight) by all that is differentiable."""
    x = x.clone().requires_grad_(True)
    module.zero_grad()
    y = module(x)
    (y * weight).sum().backward()
    tensors = {"out.y": y.detach(), "grad.in." + x_name: x.grad}
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
    off = {k: float((single[k] - v).norm() / v.norm()) for k, v in exact.items()}
    worst = max((k for k in off if k != "out.y"), key=off.get)
    print("%s: PyTorch in float: out=%.2e grad=%.2e (%s)" % (os.path.basename(path), off["out.y"], off[worst], worst))
    tensors = {**inputs, **{k: v.float() for k, v in exact.items()}}
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, metadata={k: str(v) for k, v in meta.items()})


def main(out, weights=None, seed=0):
    os.makedirs(out, exist_ok=True)
    torch.manual_seed(seed)
    config = EncodecConfig()
    model = EncodecModel(config).train()
    if weights:
        model.load_state_dict(load_file(weights))
    save_file({k: v.contiguous().clone() for k, v in model.state_dict().items()}, os.path.join(out, "whole.safetensors"))
    time = torch.arange(SAMPLES) / config.sampling_rate
    x = 0.3 * torch.sin(2 * torch.pi * 220 * time) * torch.exp(-3 * (time % 0.25)) + 0.02 * torch.randn(SAMPLES)
    z = torch.randn(1, config.hidden_size, FRAMES)
    meta = {"ratios": tuple(config.upsampling_ratios), "lstm": config.num_lstm_layers, "width": config.num_filters}
    save_case(os.path.join(out, "codec_published_encoder.safetensors"), model.encoder, x[None, None], "x", meta)
    save_case(os.path.join(out, "codec_published_decoder.safetensors"), model.decoder, z, "z", meta)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
