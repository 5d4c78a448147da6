"""``grad`` computes the gradients that lead to its inputs, and no others that cost a product."""

from __future__ import annotations

from typing import Any

import pytest

import wengert as torch
from wengert.nn import functional as F

CASES = {
    "mm": lambda x, w: x @ w,
    "bmm": lambda x, w: x[None].expand(2, -1, -1).bmm(w[None].expand(2, -1, -1)),
    "mv": lambda x, w: x.mv(w[:, 0]),
    "linear": lambda x, w: F.linear(x, w.t(), w[0]),
    "addmm": lambda x, w: torch.addmm(w[0], x, w, beta=2, alpha=3),
    "conv1d": lambda x, w: F.conv1d(x[None], w.t().reshape(5, 4, 1).expand(5, 4, 2)),
}


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    x = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    return x, torch.randn(4, 5, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_of_one_input_are_those_of_all(name: str, create_graph: bool) -> None:
    x, w = inputs()
    out = CASES[name](x * 1, w * 1).square().sum()
    both = torch.autograd.grad(out, (x, w), retain_graph=True, create_graph=create_graph)
    for wanted, expected in zip((x, w), both, strict=True):
        (alone,) = torch.autograd.grad(out, wanted, retain_graph=True, create_graph=create_graph)
        assert torch.equal(alone, expected)
        if create_graph:
            slopes = torch.autograd.grad(alone.sum(), (x, w), retain_graph=True)
            again = torch.autograd.grad(expected.sum(), (x, w), retain_graph=True)
            assert all(torch.allclose(a, b) for a, b in zip(slopes, again, strict=True))


@pytest.mark.parametrize("name", ["mm", "linear", "addmm", "conv1d"])
def test_the_node_returns_nothing_for_an_input_that_is_not_asked_for(name: str) -> None:
    x, w = inputs()
    out = CASES[name](x * 1, w.detach().requires_grad_())
    seen: list[Any] = []
    out.grad_fn.register_hook(lambda grads, _: seen.append([g is not None for g in grads]))
    torch.autograd.grad(out.sum(), x, retain_graph=True)
    assert sum(seen[0]) == 1
    out.sum().backward()
    assert sum(seen[1]) > 1


def test_an_operand_that_was_overwritten_is_refused_even_if_its_gradient_does_not_need_it(oracle: Any) -> None:
    for package in (oracle, torch):
        x, w = [package.ones(2, 2, requires_grad=True) for _ in range(2)]
        y = x @ w
        with package.no_grad():
            w.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            package.autograd.grad(y.sum(), w)
