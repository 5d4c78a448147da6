"""Gradients of several parts of a tensor meet in one array of zeros, and nobody can tell."""

from __future__ import annotations

import pytest

import wengert as torch


def parts(x: torch.Tensor) -> torch.Tensor:
    """Parts of all kinds, some of them twice."""
    pieces = [x[0] * 2, x[1] * x[0], x[1:, 2:], x.diagonal() ** 2, x.narrow(1, 1, 2) * 3, x[:, 0], x.unfold(1, 2, 1)]
    total = x.new_zeros(())
    for piece in pieces:
        total = total + piece.sum()
    return total


@pytest.mark.parametrize("through", ["a leaf", "a node", "a node with several results"])
def test_parts_of_a_tensor_have_the_gradients_of_recorded_passes(through: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    base = {"a leaf": x, "a node": x * 1, "a node with several results": torch.stack([x, x]).unbind(0)[1]}[through]
    (expected,) = torch.autograd.grad(parts(base), x, create_graph=True)  # embeds each part by itself
    (found,) = torch.autograd.grad(parts(base), x, retain_graph=True)
    parts(base).backward()
    assert torch.allclose(found, expected, rtol=1e-14, atol=0)
    assert torch.allclose(x.grad, expected, rtol=1e-14, atol=0)


def test_other_gradients_that_arrive_in_between_stay_whole() -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * 1
    weight = torch.tensor([1.0, 2.0, 3.0])
    seen: list[torch.Tensor] = []
    first, whole, second = y[0] * 5, y * weight, y[1] * 7
    whole.register_hook(seen.append)
    (first + whole.sum() + second + y[2]).backward()
    assert x.grad.tolist() == [6.0, 9.0, 4.0]
    assert seen[0].tolist() == [1.0, 1.0, 1.0]


def test_a_hook_of_a_part_sees_the_whole_gradient_that_it_sends() -> None:
    x = torch.ones(3, requires_grad=True)
    parts = [x[0], x[1], x[2]]
    seen: list[list[float]] = []
    parts[1].grad_fn.register_hook(lambda inputs, outputs: seen.append(inputs[0].tolist()))
    (parts[0] + 2 * parts[1] + 3 * parts[2]).backward()
    assert x.grad.tolist() == [1.0, 2.0, 3.0]
    assert seen == [[0.0, 2.0, 0.0]]


def test_the_gradient_of_a_leaf_is_kept_apart_from_later_passes() -> None:
    x = torch.zeros(2, requires_grad=True)
    (x[0] + x[1]).backward()
    first = x.grad
    (x[0] + x[1]).backward()
    assert first is x.grad
    assert x.grad.tolist() == [2.0, 2.0]


def test_every_step_of_a_loop_over_rows_has_its_gradient() -> None:
    x = torch.zeros(200, 1000, requires_grad=True)
    total = x.new_zeros(1000)
    for t in range(200):
        total = total + x[t] * t
    grad = torch.autograd.grad(total.sum(), x)[0]
    assert (grad == torch.arange(200.0)[:, None]).all()
