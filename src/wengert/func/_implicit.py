"""Implicit differentiation: solutions of equations, fixed points and minima as functions of parameters.

See Note [Implicit function theorem] for the mathematics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._implicit_linear import ConvergenceError as ConvergenceError
from ._implicit_linear import LinearOptions, LinearSolver
from ._implicit_modes import untangled
from ._implicit_node import solution
from ._implicit_problem import Objective, Problem, Unknowns, each_sample
from ._implicit_solve import Solver, accepted, find_minimum, find_root, iterate


def _tolerance(tol: float | None, unknowns: Unknowns) -> float:
    if tol is not None and not tol > 0:
        raise ValueError(f"{unknowns.name}: tol must be positive, got {tol}")
    return tol or (1e-10 if unknowns.start.dt.np == np.float64 else 1e-5)


def root(
    f: Callable[..., Any],
    x0: Any,
    *params: Any,
    method: str | Solver | None = None,
    tol: float | None = None,
    maxiter: int | None = None,
    options: dict[str, Any] | None = None,
    linear_solver: str | LinearSolver | None = None,
    linear_tol: float | None = None,
    linear_maxiter: int = 1000,
) -> Any:
    """The ``x`` near ``x0`` where ``f(x, *params) = 0``, as a differentiable function of the parameters.

    Args:
        f: takes ``x`` and the parameters; gives one equation per unknown, nested and shaped like ``x0``.
        x0: where the search starts: a real floating tensor, or nested tuples, lists and dicts of them.
        params: what else ``f`` takes. Tensors that ``f`` reads without being given them count as parameters too.
        method: a method of ``scipy.optimize.root``; ``"newton"`` (matrix-free for many unknowns); or
            ``solver(function, x0)`` on arrays, giving an array. None: ``"hybr"``, above 100 unknowns ``"newton"``.
        tol: accuracy of ``x``: Newton's method would change it by at most ``tol (1 + |x|)``; None: 1e-10, 1e-5 for less than
            float64.
        maxiter: most steps; None leaves it to the method.
        options: for SciPy's method.
        linear_solver: for the systems of the derivatives: ``"dense"``, ``"sparse"`` (``sparse_jacobian``), ``"gmres"``,
            ``"bicgstab"``, ``"cg"``, or ``solver(operator, b)`` with a ``scipy.sparse.linalg.LinearOperator``. None: dense up
            to 100 unknowns, then gmres.
        linear_tol: largest residual of these, relative to ``b``; None: 1e-10, 1e-5 for less than float64.
        linear_maxiter: most products of an iterative method.

    Returns:
        New tensors nested, shaped and typed like ``x0``.

    Gradient:
        With ``A = df/dx``: ``dx = -A^-1 (df/dp) dp``, in reverse and forward mode and of every order; zero for ``x0``. Under
        ``vmap`` the samples are solved one after the other.

    Raises:
        ConvergenceError: when no solution is found, or a linear system is not solved.
        LinAlgError: in a derivative, when the Jacobian at the solution is singular.
        ValueError: when ``f`` gives another shape than ``x0``.

    Example:
        >>> import wengert as wg
        >>> a = wg.tensor(2.0, dtype=wg.float64)
        >>> def square_root(a):
        ...     return wg.func.root(lambda x, a: x * x - a, wg.ones((), dtype=wg.float64), a)
        >>> square_root(a), wg.func.grad(square_root)(a)
        (tensor(1.4142, dtype=torch.float64), tensor(0.3536, dtype=torch.float64))

    Source:
        Implicit function theorem; own derivation, see docs/implicit.md. The names of the arguments are SciPy's.
    """
    linear = LinearOptions(linear_solver, linear_tol, linear_maxiter).checked()

    def single(f: Any, x0: Any, *params: Any) -> Any:
        unknowns = Unknowns(x0, "func.root")
        problem = Problem(lambda x: unknowns.flat(f(unknowns.tree(x), *params)), unknowns)
        accuracy = _tolerance(tol, unknowns)
        found = untangled(find_root, problem, method, accuracy, maxiter, options, linear)
        array = untangled(accepted, "root", problem, found, accuracy, linear)
        return unknowns.tree(solution(problem.equations, array, linear))

    return each_sample(single, f, (x0, *params))


def fixed_point(
    f: Callable[..., Any],
    x0: Any,
    *params: Any,
    method: str | Solver | None = None,
    tol: float | None = None,
    maxiter: int | None = None,
    options: dict[str, Any] | None = None,
    linear_solver: str | LinearSolver | None = None,
    linear_tol: float | None = None,
    linear_maxiter: int = 1000,
) -> Any:
    """The ``x`` with ``f(x, *params) = x``, as a differentiable function of the parameters.

    Args:
        f: takes ``x`` and the parameters; gives what is nested and shaped like ``x0``.
        x0: where the iteration starts: a real floating tensor, or nested tuples, lists and dicts of them.
        params: what else ``f`` takes. Tensors that ``f`` reads without being given them count as parameters too.
        method: None repeats ``x <- f(x)``; else see ``root``, which is applied to ``x - f(x)``.
        tol: largest accepted ``|x - f(x)|``, times ``1 + |x|``; None: 1e-10, 1e-5 for less than float64.
        maxiter: most steps; None: 1000 for the iteration.
        options, linear_solver, linear_tol, linear_maxiter: see ``root``.

    Returns:
        New tensors nested, shaped and typed like ``x0``.

    Gradient:
        ``dx = (1 - df/dx)^-1 (df/dp) dp``: the steps are not differentiated, and memory does not grow with their number.

    Raises:
        ConvergenceError, LinAlgError, ValueError: see ``root``.

    Example:
        >>> import wengert as wg
        >>> a = wg.tensor(0.5, dtype=wg.float64, requires_grad=True)
        >>> x = wg.func.fixed_point(lambda x, a: wg.cos(a * x), wg.zeros((), dtype=wg.float64), a)
        >>> x.backward()
        >>> x.detach(), a.grad
        (tensor(0.9004, dtype=torch.float64), tensor(-0.3218, dtype=torch.float64))

    Source:
        As ``root``.
    """
    linear = LinearOptions(linear_solver, linear_tol, linear_maxiter).checked()

    def single(f: Any, x0: Any, *params: Any) -> Any:
        unknowns = Unknowns(x0, "func.fixed_point")
        problem = Problem(lambda x: x - unknowns.flat(f(unknowns.tree(x), *params)), unknowns)
        accuracy = _tolerance(tol, unknowns)
        if method is None:
            found = untangled(iterate, problem, accuracy, maxiter or 1000)
        else:
            found = untangled(find_root, problem, method, accuracy, maxiter, options, linear)
        return unknowns.tree(
            solution(problem.equations, accepted("fixed_point", problem, found, accuracy, linear), linear)
        )

    return each_sample(single, f, (x0, *params))


def argmin(
    f: Callable[..., Any],
    x0: Any,
    *params: Any,
    method: str | Solver | None = None,
    tol: float | None = None,
    maxiter: int | None = None,
    options: dict[str, Any] | None = None,
    linear_solver: str | LinearSolver | None = None,
    linear_tol: float | None = None,
    linear_maxiter: int = 1000,
) -> Any:
    """The ``x`` near ``x0`` where ``f(x, *params)`` is least, as a differentiable function of the parameters.

    Args:
        f: takes ``x`` and the parameters; gives a tensor with one element, twice differentiable by ``x``.
        x0: where the search starts: a real floating tensor, or nested tuples, lists and dicts of them.
        params: what else ``f`` takes. Tensors that ``f`` reads without being given them count as parameters too.
        method: an unconstrained method of ``scipy.optimize.minimize``, which is given exact derivatives; or
            ``solver(function, x0)`` on arrays. None: ``"trust-exact"``, above 100 unknowns ``"trust-ncg"``.
        tol: accuracy of ``x``, see ``root``.
        maxiter: most steps; None leaves it to the method.
        options: for SciPy's method.
        linear_solver, linear_tol, linear_maxiter: see ``root``; None: Cholesky up to 100 unknowns, then ``"cg"``.

    Returns:
        New tensors nested, shaped and typed like ``x0``.

    Gradient:
        With the Hessian ``H = d^2 f / dx^2``: ``dx = -H^-1 (d^2 f / dx dp) dp``.

    Raises:
        ConvergenceError: when no minimum is found, or a linear system is not solved.
        LinAlgError: in a derivative, when the Hessian at the solution is singular or not positive definite.
        ValueError: when ``f`` gives more than one number.
        RuntimeError: when its value does not depend on ``x``.

    Example:
        >>> import wengert as wg
        >>> def mean(data):
        ...     return wg.func.argmin(lambda m, data: ((data - m) ** 2).sum(), wg.zeros((), dtype=wg.float64), data)
        >>> wg.func.grad(mean)(wg.tensor([1.0, 2.0, 6.0, 7.0], dtype=wg.float64))
        tensor([0.2500, 0.2500, 0.2500, 0.2500], dtype=torch.float64)

    Source:
        As ``root``, for the gradient of ``f``.
    """
    linear = LinearOptions(linear_solver, linear_tol, linear_maxiter, True).checked()

    def single(f: Any, x0: Any, *params: Any) -> Any:
        unknowns = Unknowns(x0, "func.argmin")
        objective = Objective(lambda x: f(unknowns.tree(x), *params), "func.argmin")
        problem = Problem(objective.gradient, unknowns)
        accuracy = _tolerance(tol, unknowns)
        found = untangled(find_minimum, objective, problem, method, accuracy, maxiter, options)
        array = untangled(accepted, "argmin", problem, found, accuracy, linear)
        return unknowns.tree(solution(problem.equations, array, linear))

    return each_sample(single, f, (x0, *params))
