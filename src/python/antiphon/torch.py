"""The correlation cost as a term of a loss in PyTorch.

    from antiphon.torch import CorrelationCost
    loss = reconstruction + 0.5 * CorrelationCost()(input, target, output)
    loss.backward()
"""
from __future__ import annotations

from typing import Any

import torch

from ._cost import BARRIERS, Barrier, cost

__all__ = ["CorrelationCost", "correlation_cost"]


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, target: torch.Tensor, output: torch.Tensor, segments: int,
                barrier: Barrier) -> torch.Tensor:
        tensors = (input, target, output)
        arrays = [t.detach().reshape(-1, t.shape[-1]).cpu().float().numpy() for t in tensors]
        value, slope = cost(*arrays, segments, barrier, gradient=True)
        slopes = [None, None, slope]
        for k in range(2):
            if ctx.needs_input_grad[k]:
                # r is symmetric: the source takes the output's part, and silence, with which r is 0, the other source's
                slopes[k] = cost(arrays[2], 0 * arrays[2], arrays[k], segments, barrier, gradient=True)[1]
        ctx.slopes = [None if s is None else torch.from_numpy(s).reshape(t.shape).to(t) for s, t in zip(slopes, tensors)]
        return output.new_tensor(value)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return (*(None if s is None else s * upstream for s in ctx.slopes), None, None)


def correlation_cost(input: torch.Tensor, target: torch.Tensor, output: torch.Tensor, segments: int = 250,
                     barrier: Barrier = "original") -> torch.Tensor:
    """`antiphon.cost` as a scalar tensor, differentiable in all three signals.

    The signals have the same shape, [samples], [batch, samples] or [batch, 1, samples]. The cost is computed in single
    precision on the processor, whatever the tensors' type and device. Where several samples of a segment share its
    maximum, the first gets the gradient.
    """
    if not input.shape == target.shape == output.shape:
        shapes = ", ".join(str(list(t.shape)) for t in (input, target, output))
        raise ValueError(f"input, target and output have the shapes {shapes}")
    if output.dim() == 3 and output.shape[1] != 1 or not 1 <= output.dim() <= 3:
        raise ValueError(f"shape {list(output.shape)}: neither [samples], [batch, samples] nor [batch, 1, samples]")
    return _Function.apply(input, target, output, segments, barrier)


class CorrelationCost(torch.nn.Module):
    """`correlation_cost` with its settings, as a module."""

    def __init__(self, segments: int = 250, barrier: Barrier = "original") -> None:
        super().__init__()
        if barrier not in BARRIERS:
            raise ValueError(f"barrier {barrier!r}, neither 'original' nor 'extended'")
        self.segments, self.barrier = segments, barrier

    def forward(self, input: torch.Tensor, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        return correlation_cost(input, target, output, self.segments, self.barrier)

    def extra_repr(self) -> str:
        return f"segments={self.segments}, barrier={self.barrier!r}"
