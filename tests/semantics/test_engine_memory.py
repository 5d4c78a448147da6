"""Gradients become ``.grad`` without a copy where nobody else holds them, and never share memory where somebody does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def noting(package: Any, pointers: list[int], count: int) -> Any:
    """A function of ``count`` tensors whose gradients are fresh; where they lie is noted."""

    class Noting(package.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            return sum(t.sum() for t in inputs)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            grads = [package.full(shape, float(grad)) for shape in shapes]
            pointers.extend(g.data_ptr() for g in grads)
            return tuple(grads)

    shapes: list[Any] = []

    def apply(*inputs: Any) -> Any:
        shapes.extend(t.shape for t in inputs)
        return Noting.apply(*inputs)

    return apply


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_fresh_gradients_of_any_number_of_inputs_become_grad(package: Any, count: int) -> None:
    leaves = [package.ones(1000, requires_grad=True) for _ in range(count)]
    pointers: list[int] = []
    noting(package, pointers, count)(*leaves).backward()
    assert [leaf.grad.data_ptr() for leaf in leaves] == pointers


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.view(10, 100),
        lambda t: t.reshape(4, 5, 50).flatten(),
        lambda t: t.unsqueeze(0),
        lambda t: t.view(10, 100).squeeze().view(1000),
    ],
)
def test_the_gradient_behind_views_of_everything_becomes_grad(package: Any, view: Callable[[Any], Any]) -> None:
    leaf = package.ones(1000, requires_grad=True)
    pointers: list[int] = []
    noting(package, pointers, 1)(view(leaf)).backward()
    assert [leaf.grad.data_ptr()] == pointers
    assert leaf.grad.shape == leaf.shape


def test_leaves_whose_gradients_are_views_of_one_array_get_memory_of_their_own(package: Any) -> None:
    x, y, z = (package.ones(12, requires_grad=True) for _ in range(3))
    (x.view(3, 4) + y.view(3, 4) + z.view(2, 6).view(3, 4)).exp().sum().backward()
    x.grad.zero_()
    y.grad.fill_(1)
    np.testing.assert_allclose(z.grad.numpy(), np.full(12, np.exp(3)), rtol=1e-6)


def test_a_gradient_that_a_hook_keeps_is_not_taken_over_through_a_view(package: Any) -> None:
    kept: list[Any] = []
    x = package.ones(12, requires_grad=True)
    y = x.view(3, 4)
    y.register_hook(kept.append)
    (y * 2).sum().backward()
    x.grad.zero_()
    assert kept[0].tolist() == [[2.0] * 4] * 3


def test_a_gradient_that_shows_part_of_an_array_or_repeats_elements_is_copied(package: Any) -> None:
    x = package.ones(2, 3, requires_grad=True)
    x.expand(2, 3).sum().backward()
    x.grad.add_(package.arange(6.0).view(2, 3))
    assert x.grad.tolist() == [[1, 2, 3], [4, 5, 6]]
    part = package.ones(3, requires_grad=True)
    package.cat([part, package.ones(3)]).mul(2).sum().backward()
    base = part.grad.numpy().base
    assert base is None or base.nbytes == 12


@pytest.mark.parametrize(
    "keep", [lambda g: g.detach(), lambda g: g.data, lambda g: g.numpy(), lambda g: g, lambda g: g.t()]
)
def test_a_gradient_that_a_function_keeps_is_not_taken_over_from_behind_a_view(
    package: Any, keep: Callable[[Any], Any]
) -> None:
    kept: list[Any] = []

    class Keeping(package.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            kept.append(keep(grad))
            return grad

    x = package.randn(20, 30, requires_grad=True)
    (package.randn(40, 30) @ Keeping.apply(x.t())).sum().backward()
    assert not np.shares_memory(np.asarray(kept[0]), x.grad.numpy())
