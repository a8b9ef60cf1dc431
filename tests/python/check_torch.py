"""Holds antiphon.torch to the same cost written in PyTorch: tests/peers/reference_model.py."""
import sys

import torch

from antiphon.torch import CorrelationCost, correlation_cost

sys.path.insert(0, sys.argv[1])
from reference_model import modulation_cost  # noqa: E402

torch.manual_seed(1)
for shape, segments in (((1003,), 7), ((3, 24000), 250), ((2, 1, 5000), 99)):
    signals = [torch.randn(shape, requires_grad=True) for _ in range(3)]
    own = [s.detach().clone().requires_grad_() for s in signals]
    # sources that the output follows: r well away from 0, where the formula has a corner
    wanted = modulation_cost(*(s.reshape(-1, shape[-1]) for s in (signals[0], signals[1], signals[2] + signals[0])), m=segments)
    cost = correlation_cost(own[0], own[1], own[2] + own[0], segments)
    assert cost.shape == () and abs(cost.item() - wanted.item()) < 1e-5 * wanted.item()
    (3 * wanted).backward()
    (3 * cost).backward()
    for a, b in zip(own, signals):
        assert b.grad.abs().max() > 0
        assert (a.grad - b.grad).abs().max() < 1e-4 * b.grad.abs().max(), (shape, (a.grad - b.grad).abs().max())

# only what wants a gradient gets one; the type stays; a step down the gradient costs less
source, target = torch.randn(2, 2, 2400, dtype=torch.float64)
output = (source + 0.1 * target).requires_grad_()
term = CorrelationCost(segments=25, barrier="extended")
cost = term(source, target, output)
cost.backward()
assert cost.dtype == torch.float64 and output.grad.dtype == torch.float64 and source.grad is None
assert term(source, target, output - 0.1 * output.grad / output.grad.abs().max()) < cost
assert "segments=25, barrier='extended'" in repr(term)
for call in (lambda: term(source, target, output[:1]), lambda: CorrelationCost(barrier="none"),
             lambda: term(*[torch.randn(2, 2, 100)] * 3)):
    try:
        call()
    except ValueError:
        continue
    raise AssertionError("takes what it should not")
