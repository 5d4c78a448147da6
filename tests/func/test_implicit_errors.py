"""What func.root, fixed_point and argmin refuse, and what they say."""

from __future__ import annotations

from typing import Any

import pytest

import wengert as wg
from wengert.func import ConvergenceError, argmin, fixed_point, root

D = wg.float64
ONE = wg.ones((), dtype=D)


@pytest.mark.parametrize("method", [None, "newton", "lm"])
def test_equations_without_a_solution_are_an_error_that_says_how_far_it_got(method: Any) -> None:
    with pytest.raises(
        ConvergenceError, match=r"func.root found no solution: the largest component of f\(x\) is [1-9].*wanted"
    ) as e:
        root(lambda x: x * x + 1, ONE, method=method)
    assert "try: another x0" in str(e.value)
    assert "evaluations" in str(e.value)


def test_an_iteration_that_does_not_contract_is_an_error() -> None:
    with pytest.raises(ConvergenceError, match=r"func.fixed_point found no solution.*after 50 iterations"):
        fixed_point(lambda x: -x + 2.5, ONE, maxiter=50)
    with pytest.raises(ConvergenceError, match="left the finite numbers"):
        fixed_point(lambda x: x**3 + 1, 2 * ONE)


@pytest.mark.parametrize("solve", [root, fixed_point, argmin])
@pytest.mark.parametrize("start", [float("inf"), float("nan"), 1.0])
def test_values_that_are_not_finite_at_the_beginning_are_an_error(solve: Any, start: float) -> None:
    with pytest.raises(ConvergenceError, match="not finite"):
        solve(lambda x: x * x * (float("nan") if start == 1 else 1), start * ONE)


def test_a_function_without_minimum_is_an_error() -> None:
    with pytest.raises(ConvergenceError, match=r"func.argmin found no solution: the largest component of the gradient"):
        argmin(lambda x: x.exp() + x, ONE)


def test_a_solver_of_the_users_own_is_checked() -> None:
    with pytest.raises(ConvergenceError, match="found no solution"):
        root(lambda x: x - 3, ONE, method=lambda f, x0: x0)


def test_a_singular_jacobian_is_an_error_in_the_derivative_only() -> None:
    a = wg.tensor(0.0, dtype=D, requires_grad=True)
    x = root(lambda x, a: x * x - a, 0 * ONE, a)
    assert x.item() == 0
    with pytest.raises(wg.linalg.LinAlgError, match="the Jacobian at the solution is singular"):
        x.backward()


def test_a_singular_jacobian_stops_the_iterative_solvers_too() -> None:
    a = wg.ones(2, dtype=D, requires_grad=True)

    def f(x: Any, a: Any) -> Any:
        return wg.stack([x.sum() - a.sum(), 2 * x.sum() - 2 * a.sum()])

    x = root(f, wg.ones(2, dtype=D), a, linear_solver="gmres")
    with pytest.raises(
        ConvergenceError, match="gmres did not solve the linear system with the Jacobian: relative residual"
    ):
        (x[0] * 2).backward()


def test_a_singular_sparse_jacobian_is_an_error() -> None:
    a = wg.ones(2, dtype=D, requires_grad=True)
    x = root(
        lambda x, a: wg.stack([x[0] - a[0], 0 * x[1]]), wg.ones(2, dtype=D), a, linear_solver="sparse", method="lm"
    )
    with pytest.raises(wg.linalg.LinAlgError, match="the Jacobian at the solution is singular"):
        x.sum().backward()


def test_a_stationary_point_that_is_no_minimum_is_an_error() -> None:
    a = wg.ones((), dtype=D, requires_grad=True)
    saddle = argmin(lambda x, a: a * (x[0] ** 2 - x[1] ** 2), wg.zeros(2, dtype=D), a, method="BFGS")
    with pytest.raises(wg.linalg.LinAlgError, match=r"not positive definite \(smallest eigenvalue -2"):
        saddle.sum().backward()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: root(lambda x: x[:1], wg.ones(2)), ValueError, "nested and shaped like x0"),
        (lambda: root(lambda x: (x, x), wg.ones(2)), ValueError, "nested and shaped like x0"),
        (lambda: root(lambda x: 1.0, wg.ones(2)), TypeError, "the function must return tensors"),
        (lambda: root(lambda x: x * 1j, ONE), TypeError, "gave torch.complex128 for torch.float64"),
        (lambda: root(lambda x: x, 1.0), TypeError, "x0 must be a tensor"),
        (
            lambda: root(lambda x: x, wg.ones(2, dtype=wg.int64)),
            TypeError,
            "real floating point numbers, got torch.int64",
        ),
        (lambda: root(lambda x: x, wg.ones(2, dtype=wg.complex64)), TypeError, "real floating point numbers"),
        (lambda: root(lambda x: x, ()), ValueError, "x0 holds no tensor"),
        (lambda: root(lambda x: x, wg.ones(2), tol=0), ValueError, "tol must be positive"),
        (
            lambda: argmin(lambda x: x, wg.ones(2)),
            ValueError,
            "the function must return a tensor with one element, got \\(2,\\)",
        ),
        (lambda: argmin(lambda x: x.detach().sum(), wg.ones(2)), RuntimeError, "does not depend on x"),
        (
            lambda: argmin(lambda x: x * x, ONE, linear_solver="lu"),
            ValueError,
            "linear_solver must be 'dense', .*, got 'lu'",
        ),
    ],
)
def test_mistakes_in_a_call_are_named(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_taylor_mode_is_refused_in_words() -> None:
    jet = getattr(wg.func, "jet", None)
    if jet is None:
        pytest.skip("Taylor mode is not there yet")
    with pytest.raises(NotImplementedError, match=r"implicit differentiation inside func.jet"):
        jet(lambda a: root(lambda x, a: x * x - a, ONE, a), (ONE * 2,), ([ONE, ONE],))
