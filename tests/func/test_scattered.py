"""Jacobians whose backward pass begins with rows of the identity: each row is what an ordinary pass gives for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import func as F
from wengert.func import _scattered

PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda x: x,
    "elementwise": lambda x: wg.tanh(x * x + x) * 2 - x.exp() / (1 + x * x),
    "negative and absolute": lambda x: -x.abs() + wg.relu(x) - wg.maximum(x, x.flip(0)),
    "slices": lambda x: x[1:] * x[:-1] + x[2:].sum(),
    "one index": lambda x: x[0] * x + x[-1],
    "many neighbours": lambda x: sum(x[i : i + 3] * x[2 - i : 5 - i] for i in range(3)),
    "written over": lambda x: (x * 2).mul_(x).add_(1),
    "written over by a sine": lambda x: (x * 2).sin_(),
    "written over by products": lambda x: (x * 2).addcmul_(x, x).clamp_(-1, 1),
    "matrix and vector": lambda x: wg.tanh(matrix() @ x.sin()),
    "vector of another dtype": lambda x: (x.float() * 2).double() * x,
    "views": lambda x: (x.reshape(2, 3).t() * 3).reshape(-1).exp(),
    "broadcast": lambda x: x.reshape(2, 3) * x[:3] * x[0],
    "sums and products": lambda x: x * x.sum() + x.prod() + x.cumsum(0),
    "softmax": lambda x: x.softmax(0) * x,
    "where": lambda x: wg.where(x > 0, x * x, x.exp()),
    "two dimensions": lambda x: wg.stack([x * 2, x.cos()]) ** 3,
}


def matrix() -> Any:
    return wg.tensor(np.random.default_rng(1).normal(size=(4, 6)))


def point() -> Any:
    return wg.tensor(np.random.default_rng(0).normal(size=6))


def check_close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found.detach().numpy(), wanted.detach().numpy(), rtol=1e-12, atol=1e-12)


def row_by_row(program: Callable[[Any], Any], x: Any) -> Any:
    x = x.detach().requires_grad_()
    out = program(x)
    rows = [
        wg.autograd.grad(y, x, retain_graph=True, allow_unused=True, materialize_grads=True)[0] for y in out.reshape(-1)
    ]
    return wg.stack(rows).reshape(out.shape + x.shape)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_row_is_that_of_an_ordinary_pass(name: str) -> None:
    program, x = PROGRAMS[name], point()
    wanted = row_by_row(program, x)
    for found in (
        F.jacrev(program)(x),
        F.jacrev(program, chunk_size=2)(x),
        wg.autograd.functional.jacobian(program, x),
        wg.autograd.functional.jacobian(program, x, vectorize=True),
    ):
        check_close(found, wanted)


@pytest.mark.parametrize("name", ["elementwise", "slices", "matrix and vector", "views", "sums and products"])
def test_second_derivatives_too(name: str) -> None:
    def total(v: Any) -> Any:
        return PROGRAMS[name](v).square().sum()

    x = point()
    wanted = row_by_row(lambda v: wg.autograd.grad(total(v), v, create_graph=True)[0], x)
    for found in (F.hessian(total)(x), F.jacrev(F.grad(total))(x), wg.autograd.functional.hessian(total, x)):
        check_close(found, wanted)


@pytest.mark.parametrize(
    ("program", "values"),
    [
        (wg.sqrt, [0.0, 1.0, 4.0]),
        (wg.log, [0.0, 1.0, 2.0]),
        (lambda x: x / x.detach(), [0.0, 1.0, 2.0]),
        (lambda x: x * wg.tensor([1.0, float("inf"), 2.0]), [1.0, 2.0, 3.0]),
        (lambda x: (x * wg.tensor([1.0, float("nan"), 2.0])) * 0, [1.0, 2.0, 3.0]),
        (lambda x: wg.tensor([[1.0, float("inf"), 2.0], [3.0, 4.0, 5.0]]) @ x, [1.0, 2.0, 3.0]),
    ],
)
def test_an_infinite_derivative_makes_nan_of_zeros_as_in_an_ordinary_pass(program: Any, values: list[float]) -> None:
    x = wg.tensor(values)
    wanted = row_by_row(program, x)
    assert wanted.isnan().any()
    check_close(F.jacrev(program)(x), wanted)
    check_close(wg.autograd.functional.jacobian(program, x), wanted)


def test_hooks_see_every_row() -> None:
    seen = []

    def program(v: Any) -> Any:
        inner = v * 2
        inner.register_hook(lambda g: seen.append(g.tolist()))
        return inner.sin()

    wg.autograd.functional.jacobian(program, wg.zeros(3))
    assert seen == np.eye(3).tolist()


def test_a_function_without_a_rule_for_rows_is_called_for_each_without_a_word() -> None:
    calls = []

    class Double(wg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            calls.append(grad.shape)
            return grad * 2

    found = wg.autograd.functional.jacobian(Double.apply, wg.ones(3))
    assert found.tolist() == (2 * np.eye(3)).tolist() and calls == [(3,)] * 3


def test_the_graph_of_a_recorded_jacobian_can_be_differentiated() -> None:
    x = point().requires_grad_()
    jacobian = wg.autograd.functional.jacobian(lambda v: v**3, x, create_graph=True)
    (found,) = wg.autograd.grad(jacobian.sum(), x)
    check_close(found, 6 * x.detach())


def test_many_rows_come_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from wengert.autograd import functional

    monkeypatch.setattr(functional, "_TOGETHER", 20)
    for name in ("elementwise", "matrix and vector", "softmax"):
        wanted = row_by_row(PROGRAMS[name], point())
        found = wg.autograd.functional.jacobian(PROGRAMS[name], point())
        check_close(found, wanted)


def test_only_rows_of_the_identity_are_scattered() -> None:
    identity = np.eye(4)
    for rows in (identity, identity[:2], identity[2:], np.eye(6, dtype=np.float32).reshape(6, 2, 3)):
        found = _scattered.scattered(wg.tensor(rows))
        assert isinstance(found, _scattered.Scattered)
        np.testing.assert_array_equal(found.dense().numpy(), rows)
    others = [
        identity[:1], identity[::-1], identity * 2, identity + 1e-300, -identity, np.zeros((3, 3)), np.eye(4, 2), identity[:, :0],
        np.eye(3, dtype=complex), np.eye(3, dtype=np.float16),
    ]  # fmt: skip
    for rows in others:
        tensor = wg.tensor(np.ascontiguousarray(rows))
        assert _scattered.scattered(tensor) is tensor


@pytest.mark.parametrize("name", PROGRAMS)
def test_jacobians_have_tangents(name: str) -> None:
    program, x, direction = PROGRAMS[name], point(), point().cos()
    found = F.jvp(F.jacrev(program), (x,), (direction,))[1]
    wanted = F.jacrev(F.jacrev(program))(x) @ direction
    np.testing.assert_allclose(
        found.numpy(), wanted.numpy(), rtol=1e-6, atol=1e-12
    )  # one program is in single precision
