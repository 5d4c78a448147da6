"""What wengert.integrate refuses, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

import wengert as wg
from wengert.func import jvp, vmap
from wengert.integrate import IntegrationError, odeint, solve_ivp

D = wg.float64
ONE = wg.ones((), dtype=D)
SPAN = [0.0, 1.0]


def falling(y: Any, t: Any) -> Any:
    return -y


@pytest.mark.parametrize("method", ["dopri5", "bosh3", "Radau"])
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
def test_a_solution_that_grows_without_bound_is_an_error(method: str) -> None:
    with pytest.raises(IntegrationError, match=r"integrate.odeint: .* at t = "):
        odeint(lambda y, t: y * y, ONE, [0.0, 2.0], method=method)


def test_a_function_that_is_not_a_number_is_an_error() -> None:
    with pytest.raises(IntegrationError, match="check that f is finite there"):
        odeint(lambda y, t: y * float("nan"), ONE, SPAN)


def test_too_many_steps_are_an_error_that_says_how_far_it_got() -> None:
    with pytest.raises(IntegrationError, match=r"7 steps lead to t = 0\.\d+ only, wanted 1"):
        odeint(lambda y, t: 100 * wg.cos(100 * t), ONE, SPAN, max_num_steps=7)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: odeint(lambda y, t: y[:1], wg.ones(2), SPAN),
            ValueError,
            r"must return the shape of y \(2,\), got \(1,\)",
        ),
        (lambda: odeint(lambda y, t: (y[0], 1.0), (wg.ones(2), wg.ones(1)), SPAN), TypeError, "must return tensors"),
        (lambda: odeint(lambda y, t: {"b": y["a"]}, {"a": wg.ones(2)}, SPAN), ValueError, "nested and shaped like y0"),
        (lambda: odeint(lambda y, t: 1.0, ONE, SPAN), TypeError, "must return a tensor like y, got <class 'float'>"),
        (lambda: odeint(lambda y, t: 1j * y, ONE, SPAN), TypeError, "gave torch.complex128 for y of torch.float64"),
        (lambda: odeint(falling, wg.ones(2, dtype=wg.int64), SPAN), TypeError, "y0 must hold floating point numbers"),
        (lambda: odeint(falling, ONE, 1.0), ValueError, "t must have one dimension"),
        (lambda: odeint(falling, ONE, []), ValueError, "at least one element"),
        (lambda: odeint(falling, ONE, [0.0, 1.0, 1.0]), ValueError, "strictly increasing or strictly decreasing"),
        (lambda: odeint(falling, ONE, SPAN, method="rk5"), ValueError, "method must be one of euler, .*, got 'rk5'"),
        (lambda: odeint(falling, ONE, SPAN, gradient="exact"), ValueError, "gradient must be 'direct' or 'adjoint'"),
        (
            lambda: odeint(falling, ONE, SPAN, method="BDF", gradient="direct"),
            ValueError,
            "SciPy's BDF cannot be recorded",
        ),
        (lambda: odeint(falling, ONE, SPAN, step_size=0.1), ValueError, "step_size is for euler, midpoint, rk4"),
        (lambda: odeint(falling, ONE, SPAN, rtol=0.0), ValueError, "must be positive"),
        (lambda: odeint(falling, ONE, SPAN, atol=-1.0), ValueError, "atol not negative"),
        (
            lambda: odeint(falling, ONE * 1j, SPAN, method="BDF"),
            NotImplementedError,
            "complex states by gradient='direct'",
        ),
        (lambda: solve_ivp(falling, SPAN, ONE, "rk4", dense_output=True), ValueError, "dense_output needs"),
        (lambda: solve_ivp(falling, SPAN, ONE, t_eval=[0.0, 2.0]), ValueError, "t_eval must lie within t_span"),
        (
            lambda: solve_ivp(lambda t, y: -y, SPAN, ONE, dense_output=True).sol(1.5),
            ValueError,
            r"is known from 0.0 to 1.0, not at 1.5",
        ),
        (
            lambda: jvp(lambda k: odeint(lambda y, t: -k * y, ONE, SPAN, method="Radau"), (ONE,), (ONE,)),
            NotImplementedError,
            "differentiated in reverse mode only",
        ),
        (
            lambda: vmap(lambda k: solve_ivp(lambda t, y: -k * y, SPAN, k, gradient="adjoint").y)(wg.ones(2)),
            NotImplementedError,
            "try: odeint",
        ),
        (
            lambda: vmap(lambda t: odeint(falling, ONE, t))(wg.ones(3, 1)),
            NotImplementedError,
            "the same for all samples",
        ),
    ],
)
def test_mistakes_in_a_call_are_named(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_what_is_read_only_now_and_then_is_refused_by_the_adjoint_method() -> None:
    k = wg.ones((), dtype=D, requires_grad=True)

    def f(y: Any, t: Any) -> Any:
        return -k * y if 0.3 < t.item() < 0.6 else -y

    y = odeint(f, ONE.clone().requires_grad_(), SPAN, gradient="adjoint", max_step=0.05)
    with pytest.raises(RuntimeError, match="but not at the times asked for"):
        y[1].backward()
