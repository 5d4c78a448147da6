"""Minimisation of a function with one value."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .._core.tensor_base import detached
from .._gen.functions import ones_like
from ..func._implicit_graph import Recording, as_array, jacobian
from ..func._implicit_modes import untangled
from ..func._implicit_problem import Objective
from ._constraints import bounds_for, constraints_for
from ._variables import Variables, last_call, unbatched

NO_GRADIENT: Final = ("nelder-mead", "powell", "cobyla", "cobyqa")
WITH_MATRIX: Final = ("dogleg", "trust-exact")
WITH_PRODUCTS: Final = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")


class Derivatives:
    """Value, gradient and second derivatives of an objective on SciPy's arrays."""

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...], variables: Variables) -> None:
        self._unknowns = variables.unknowns
        tree = variables.unknowns.tree
        self._objective = Objective(lambda x: fun(tree(x), *args), variables.name)
        self._second = last_call(self._recorded_gradient)

    def value(self, array: Any) -> float:
        """The value alone."""
        return float(unbatched(self._objective.value, self._unknowns.tensor(array)))

    def value_and_gradient(self, array: Any) -> tuple[float, Any]:
        """Both from one recorded call."""
        recording = unbatched(self._objective.recording, self._unknowns.tensor(array))
        gradient = recording.pull(ones_like(detached(recording.output)))
        return float(recording.output.array), as_array(gradient)

    def _recorded_gradient(self, array: Any) -> Recording:
        return Recording(self._objective.gradient, self._unknowns.tensor(array))

    def hessian(self, array: Any) -> Any:
        """The symmetric matrix of second derivatives."""
        matrix = jacobian(self._second(array), np.size(array))
        return (matrix + matrix.T) / 2

    def product(self, array: Any, v: Any) -> Any:
        """The Hessian times an array, without the matrix."""
        found = self._second(array).pull(self._unknowns.tensor(v))
        return np.zeros(np.size(array)) if found is None else as_array(found)


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str | Callable[..., Any] | None = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """The minimum of a function of one or many variables, by SciPy with exact derivatives.

    Args:
        fun: called as ``fun(x, *args)``; gives a tensor with one element.
        x0: the starting point: tensors, nested in tuples, lists and dicts, or an array of numbers. The function is called
            with tensors of the same form and dtype; SciPy computes in float64, and so does the function if ``x0`` is an
            array of integers or float64.
        args: what else the function takes.
        method: a method of ``scipy.optimize.minimize``; None chooses as SciPy does.
        jac, hess, hessp: None: exact derivatives where the method uses them. Functions of your own are called with tensors;
            what else SciPy knows (``"2-point"``, ``BFGS()``) it is given.
        bounds: a sequence of pairs, or ``scipy.optimize.Bounds`` whose limits may have the form of ``x0``.
        constraints: SciPy's dicts, ``NonlinearConstraint`` and ``LinearConstraint``; their functions take tensors, and their
            derivatives are exact unless they are functions of your own.
        tol, options: as SciPy's.
        callback: called with ``x`` in the form of ``x0``, or with ``intermediate_result`` if its parameter is called so.

    Returns:
        SciPy's ``OptimizeResult``; ``x`` is a constant in the form of ``x0``.

    Raises:
        ValueError: when the function gives more than one number.
        TypeError: for complex or integer tensors in ``x0``.
        RuntimeError: when the value does not depend on ``x``.

    Example:
        >>> import wengert as wg
        >>> from wengert.optimize import minimize
        >>> result = minimize(lambda x: (1 - x[0])**2 + 100 * (x[1] - x[0]**2)**2, [-1.2, 1.0], method="trust-exact")
        >>> result.x.round(6).tolist(), result.success
        ([1.0, 1.0], True)

    Source:
        ``scipy.optimize.minimize``; there derivatives are differences unless they are given.
    """
    variables = Variables(x0, "optimize.minimize")
    args = args if isinstance(args, tuple) else (args,)
    derivatives = Derivatives(fun, args, variables)
    name = _name(method, bounds, constraints)
    value, given = _derivatives_for(name, derivatives, variables, args, jac, hess, hessp)
    from scipy import optimize

    result = untangled(
        optimize.minimize,
        value,
        variables.start,
        method=method,
        bounds=bounds_for(bounds, variables.start.size),
        constraints=constraints_for(constraints, variables, name == "trust-constr"),
        tol=tol,
        callback=_callback(callback, variables),
        options=options,
        **given,
    )
    result.x = variables.given_back(result.x)
    return result


def _name(method: Any, bounds: Any, constraints: Any) -> str:
    """The method in lower case; the one SciPy would choose for None."""
    if method is None:
        has_constraints = not isinstance(constraints, (list, tuple)) or len(constraints) > 0
        return "slsqp" if has_constraints else "l-bfgs-b" if bounds is not None else "bfgs"
    return method.lower() if isinstance(method, str) else ""


def _derivatives_for(
    name: str, derivatives: Derivatives, variables: Variables, args: tuple[Any, ...], jac: Any, hess: Any, hessp: Any
) -> tuple[Any, dict[str, Any]]:
    """The function SciPy calls, and its ``jac``, ``hess`` and ``hessp``."""
    if name in NO_GRADIENT:
        return derivatives.value, {}
    given: dict[str, Any] = {}
    value: Any = derivatives.value
    if jac is None or jac is True:
        value, given["jac"] = derivatives.value_and_gradient, True
    else:
        given["jac"] = variables.arrays(jac, args) if callable(jac) else jac
    if hess is not None:
        given["hess"] = variables.arrays(hess, args) if callable(hess) else hess
    elif hessp is not None:
        given["hessp"] = lambda array, v: variables.arrays(hessp, args)(array, variables.nested(v))
    elif name in WITH_MATRIX:
        given["hess"] = derivatives.hessian
    elif name in WITH_PRODUCTS:
        given["hessp"] = derivatives.product
    return value, given


def _callback(callback: Callable[..., Any] | None, variables: Variables) -> Any:
    """The user's callback, shown ``x`` in the form of ``x0``."""
    if callback is None:
        return None
    if set(inspect.signature(callback).parameters) == {"intermediate_result"}:

        def with_result(intermediate_result: Any) -> Any:
            shown = type(intermediate_result)(intermediate_result)
            shown.x = variables.given_back(intermediate_result.x)
            return callback(intermediate_result=shown)

        return with_result
    return lambda array, *more: callback(variables.given_back(array), *more)
