"""Solvers for the values: SciPy's with exact derivatives, Newton's method, fixed-point iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .._core.dynamic import LinAlgError
from ._implicit_graph import as_array
from ._implicit_linear import DENSE_SIZE, ConvergenceError, Inverse, LinearOptions
from ._implicit_problem import Objective, Problem, largest

Solver = Callable[[Callable[[Any], Any], Any], Any]
"""``solver(function, x0)`` on float64 arrays gives an array, or a result with ``x``."""

WITH_JACOBIAN: Final = ("hybr", "lm")
REFINEMENTS: Final = 4
HALVINGS: Final = 12


class Outcome:
    """What a solver found.

    Attributes:
        x: the array.
        steps: how many iterations (or evaluations) it says it took; None if it does not say.
        message: its own words.
        left: by how much Newton's method would still change ``x``; inf where that is not known.
    """

    def __init__(self, x: Any, steps: Any = None, message: str = "", left: float = np.inf) -> None:
        self.x = np.asarray(x, np.float64).reshape(-1)
        self.steps = steps
        self.message = message
        self.left = left


def from_result(result: Any) -> Outcome:
    """A result of SciPy, or what a user's solver gave."""
    if not hasattr(result, "x"):
        return Outcome(result)
    return Outcome(result.x, getattr(result, "nit", getattr(result, "nfev", None)), str(getattr(result, "message", "")))


def find_root(
    problem: Problem, method: Any, tol: float, maxiter: int | None, options: Any, linear: LinearOptions
) -> Outcome:
    """Solve the equations by the method named, or by a function of the user's."""
    start = as_array(problem.unknowns.start)
    if start.size == 0:
        return Outcome(start)
    problem.accuracy(tol)  # refuses what is not finite before a solver stumbles over it
    if callable(method):
        return from_result(method(problem.value, start))
    if method is None:
        method = "hybr" if start.size <= DENSE_SIZE else "newton"
    if method == "newton":
        return newton(problem, start, tol, maxiter or 100, linear)
    from scipy import optimize

    jac = problem.jacobian if method in WITH_JACOBIAN else None
    given = dict(options or {})
    if maxiter is not None:
        given["maxfev" if method == "hybr" else "maxiter"] = maxiter
    return from_result(optimize.root(problem.value, start, method=method, jac=jac, tol=tol, options=given))


def newton(problem: Problem, start: Any, tol: float, maxiter: int, linear: LinearOptions) -> Outcome:
    """Newton's method; a step that does not make the residual smaller is halved."""
    x = start
    value = problem.value(x)
    for step in range(maxiter):
        size = float(np.linalg.norm(value))
        try:
            direction = _newton_step(problem, x, value, linear)
        except (LinAlgError, ConvergenceError) as error:
            return Outcome(x, step, str(error).partition("\n")[0])
        if largest(direction) <= tol * (1 + largest(x)):
            return Outcome(x, step, left=largest(direction))
        for k in range(HALVINGS):
            trial = x - direction / 2**k
            found = problem.value(trial)
            if float(np.linalg.norm(found)) < (1 - 0.1 / 2**k) * size:
                break
        else:
            return Outcome(x, step, "no step along Newton's direction makes the residual smaller")
        x, value = trial, found
    return Outcome(x, maxiter, f"stopped after {maxiter} steps")


def _newton_step(problem: Problem, x: Any, value: Any, linear: LinearOptions) -> Any:
    """The solution of the linearised equations."""
    inverse = Inverse(problem.recording(x), linear)
    return as_array(inverse.solve(problem.unknowns.tensor(value)))


def iterate(problem: Problem, tol: float, maxiter: int) -> Outcome:
    """Fixed-point iteration: the equations are ``x - g(x) = 0``, so a step subtracts them."""
    x = as_array(problem.unknowns.start)
    problem.accuracy(tol)
    for step in range(maxiter):
        difference = problem.value(x)
        size = largest(difference)
        if size <= tol * (1 + largest(x)):
            return Outcome(x, step)
        if not np.isfinite(size):
            return Outcome(x, step, "the iteration left the finite numbers")
        x = x - difference
    return Outcome(x, maxiter, f"stopped after {maxiter} steps")


def find_minimum(
    objective: Objective, problem: Problem, method: Any, tol: float, maxiter: int | None, options: Any
) -> Outcome:
    """Minimise by the method named, with exact derivatives, or by a function of the user's."""
    from scipy import optimize

    unknowns = problem.unknowns
    start = as_array(unknowns.start)

    def value(array: Any) -> float:
        return objective.value(unknowns.tensor(array))

    def product(array: Any, v: Any) -> Any:
        found = problem.recording(array).pull(unknowns.tensor(v))
        return np.zeros(start.size) if found is None else as_array(found)

    wanted = problem.accuracy(tol)
    if start.size == 0:
        return Outcome(start)
    if callable(method):
        return from_result(method(value, start))
    if method is None:
        method = "trust-exact" if start.size <= DENSE_SIZE else "trust-ncg"
    given: dict[str, Any] = {"jac": problem.value}
    if method in ("dogleg", "trust-exact"):
        given["hess"] = problem.jacobian
    elif method in ("Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"):
        given["hessp"] = product
    elif method in ("Nelder-Mead", "Powell", "COBYLA", "COBYQA"):
        del given["jac"]
    settings = dict(options or {})
    if maxiter is not None:
        settings["maxiter"] = maxiter
    return from_result(optimize.minimize(value, start, method=method, tol=wanted, options=settings, **given))


def accepted(name: str, problem: Problem, outcome: Outcome, tol: float, linear: LinearOptions) -> Any:
    """The solution if it is good enough; what is nearly so is refined by Newton's method, which needs a few steps.

    Residuals say little: multiplied by 1e-12, equations have the same solutions. The measure is the step that Newton's method
    would still take. The residual of a fixed point is a step itself.

    Raises:
        ConvergenceError: when it is not.
    """
    wanted = problem.accuracy(tol)
    x = outcome.x
    residual = problem.residual(x)
    step = outcome.left
    for _ in range(REFINEMENTS):
        small = tol * (1 + largest(x))
        if residual == 0 or step <= small or (name == "fixed_point" and residual <= small):
            step = 0.0
            break
        if not residual <= wanted / np.sqrt(tol):
            break
        try:
            direction = _newton_step(problem, x, problem.value(x), linear._replace(definite=False))
        except (LinAlgError, ConvergenceError):  # a derivative there will be refused; the value may do
            step = 0.0 if residual <= wanted else np.inf
            break
        step = largest(direction)
        if step > small:
            found = problem.residual(x - direction)
            if not found < residual:
                break
            x, residual = x - direction, found
    if step <= tol * (1 + largest(x)) or (residual <= wanted and step <= np.sqrt(tol) * (1 + largest(x))):
        return np.asarray(x, problem.unknowns.start.dt.np)
    raise _not_found(name, problem, outcome, residual, wanted, step)


def _not_found(
    name: str, problem: Problem, outcome: Outcome, residual: float, wanted: float, step: float
) -> ConvergenceError:
    what = {"argmin": "the largest component of the gradient", "fixed_point": "the largest difference x - f(x)"}
    steps = "" if outcome.steps is None else f" after {outcome.steps} iterations"
    lines = [
        f"func.{name} found no solution: {what.get(name, 'the largest component of f(x)')} is {residual:.1e}{steps} "
        f"({problem.calls} evaluations), wanted {wanted:.1e}"
    ]
    if outcome.message:
        lines.append(f"the solver says: {outcome.message}")
    if np.isfinite(step) and step > 0:
        lines.append(f"Newton's method would still change x by {step:.1e}")
    lines.append("try: another x0, method= or maxiter=; float64; tol= if that is as near as the equations allow")
    return ConvergenceError("\n  ".join(lines))
