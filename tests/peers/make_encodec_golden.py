#!/usr/bin/env python3
"""Golden vectors of EnCodec itself: encoder and decoder of transformers' EncodecModel, 24 kHz, full size.

    make_encodec_golden.py OUT_DIR [WEIGHTS.safetensors] [SEED]

WEIGHTS is a checkpoint of the published model (without it, weights drawn from SEED). OUT_DIR then holds
codec_published_encoder and codec_published_decoder, with gradients, to which build/tests/golden OUT_DIR holds the C, and
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


def save_case(path, module, x, x_name, meta):
    """Outputs, and the gradients of sum(output * weight) by all that is differentiable."""
    x = x.clone().requires_grad_(True)
    y = module(x)
    weight = torch.randn_like(y)
    (y * weight).sum().backward()
    tensors = {"in." + x_name: x.detach(), "in.grad_weight": weight, "out.y": y.detach(), "grad.in." + x_name: x.grad}
    for name, p in module.named_parameters():
        tensors["param." + older(name)] = p.detach()
        tensors["grad." + older(name)] = p.grad
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
