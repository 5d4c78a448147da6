"""Backward formulas write over gradients that nobody else holds, and over no others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import kernels
from wengert._core.accumulate import LARGE

N = 2 * LARGE
FUNCTIONS = ["exp", "log", "tanh", "sigmoid", "relu", "sqrt", "log1p", "abs", "erf", "reciprocal"]


def leaf(seed: int = 0) -> Any:
    return wg.tensor(np.random.default_rng(seed).uniform(0.5, 2.0, N), requires_grad=True)


def expected(name: str, x: Any, grad: Any) -> Any:
    small = [wg.tensor(x[i : i + 1000], requires_grad=True) for i in range(0, N, 1000)]
    for i, part in enumerate(small):
        getattr(wg, name)(part).backward(wg.tensor(grad[1000 * i : 1000 * i + 1000]))
    return np.concatenate([part.grad.numpy() for part in small])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_is_that_of_small_arrays_which_are_never_lent(name: str) -> None:
    x, weight = leaf(), wg.tensor(np.random.default_rng(1).normal(size=N))
    (getattr(wg, name)(x) * weight).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), expected(name, x.detach().numpy(), weight.numpy()))


@pytest.mark.skipif(kernels.COMPILED is None, reason="NumPy's formulas allocate")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_memory_of_a_gradient_that_nobody_else_holds_goes_on_to_the_leaf(name: str) -> None:
    class Notes(wg.autograd.Function):
        address = 0

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            fresh = grad * 2
            Notes.address = fresh.numpy().ctypes.data
            return fresh

    x = leaf()
    Notes.apply(getattr(wg, name)(x)).sum().backward()
    assert x.grad.numpy().ctypes.data == Notes.address


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_gradient_given_by_the_caller_keeps_its_values(name: str) -> None:
    x, grad = leaf(), wg.tensor(np.random.default_rng(1).normal(size=N))
    before = grad.numpy().copy()
    getattr(wg, name)(x).backward(grad)
    y = getattr(wg, name)(x)
    y.grad_fn(grad)
    wg.autograd.grad(getattr(wg, name)(x), x, grad)
    np.testing.assert_array_equal(grad.numpy(), before)


def test_gradients_that_hooks_captures_and_retained_ones_hold_keep_their_values() -> None:
    x, weight = leaf(), wg.tensor(np.random.default_rng(1).normal(size=N))
    held: list[Any] = []
    y = x.exp()
    y.retain_grad()
    z = y.tanh()
    z.register_hook(held.append)
    z.grad_fn.register_prehook(lambda grads: held.append(grads[0]))
    (z * weight).sum().backward(retain_graph=True)
    slope = weight.numpy() * (1 - z.detach().numpy() ** 2)
    for grad in held:
        np.testing.assert_array_equal(grad.numpy(), weight.numpy())
    np.testing.assert_allclose(y.grad.numpy(), slope, 1e-12)
    np.testing.assert_allclose(x.grad.numpy(), slope * y.detach().numpy(), 1e-12)
    inner, outer = wg.autograd.grad((z * weight).sum(), [y, x])
    np.testing.assert_allclose(inner.numpy(), slope, 1e-12)
    np.testing.assert_allclose(outer.numpy(), slope * y.detach().numpy(), 1e-12)


def test_a_gradient_that_goes_two_ways_keeps_its_values() -> None:
    x, y = leaf(), leaf(1)
    weight = wg.tensor(np.random.default_rng(2).normal(size=N))
    ((x.exp() + y.tanh()) * weight).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), weight.numpy() * np.exp(x.detach().numpy()), 1e-12)
    np.testing.assert_allclose(y.grad.numpy(), weight.numpy() / np.cosh(y.detach().numpy()) ** 2, 1e-12)


def test_a_gradient_that_a_function_of_the_user_keeps_is_not_written_to() -> None:
    class Keeps(wg.autograd.Function):
        kept: Any = None

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            Keeps.kept = grad * 2
            return Keeps.kept

    class Shares(wg.autograd.Function):
        memory = np.full(N, 7.0)

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return wg.from_numpy(Shares.memory)

    x = leaf()
    weight = wg.tensor(np.random.default_rng(2).normal(size=N))
    (Keeps.apply(x.exp()) * weight).sum().backward()
    np.testing.assert_array_equal(Keeps.kept.numpy(), 2 * weight.numpy())
    Shares.apply(x.exp()).sum().backward()
    np.testing.assert_array_equal(Shares.memory, np.full(N, 7.0))


def test_saved_results_and_second_derivatives_survive() -> None:
    x = leaf()
    weight = wg.tensor(np.random.default_rng(2).normal(size=N))
    y = (x.exp() * weight).sum()
    for _ in range(2):
        (g,) = wg.autograd.grad(y, x, retain_graph=True)
        np.testing.assert_allclose(g.numpy(), weight.numpy() * np.exp(x.detach().numpy()), 1e-12)
    (g,) = wg.autograd.grad((x.tanh() * weight).sum(), x, create_graph=True)
    (h,) = wg.autograd.grad(g.sum(), x)
    t = np.tanh(x.detach().numpy())
    np.testing.assert_allclose(h.numpy(), weight.numpy() * -2 * t * (1 - t * t), 1e-9)


@pytest.mark.parametrize("uses", [2, 3, 6])
def test_contributions_to_a_leaf_are_added_up_and_none_of_them_changes(uses: int) -> None:
    x = leaf()
    weights = [wg.tensor(np.random.default_rng(i).normal(size=N)) for i in range(uses)]
    held: list[Any] = []
    parts = [x * weight for weight in weights]
    for part in parts:
        part.grad_fn.register_hook(lambda into, out: held.append(into[0]))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    total.backward(wg.ones(N, dtype=wg.float64))
    np.testing.assert_allclose(x.grad.numpy(), sum(w.numpy() for w in weights), 1e-12, 1e-12)
    for grad, weight in zip(held, reversed(weights)):
        np.testing.assert_array_equal(grad.numpy(), weight.numpy())
