"""Bounds and constraints in SciPy's forms, with exact Jacobians and Hessians."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.tensor_base import TensorBase
from ..func._implicit_graph import as_array, jacobian
from ..func._tree import flatten
from ._variables import Residuals, Variables


def flat_limits(value: Any, size: int) -> Any:
    """A limit: a number, or one for each variable in the form of ``x0``, as SciPy takes it."""
    if isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
        value = value.item()  # what ``Bounds`` makes of a dict
    leaves = [as_array(leaf) if isinstance(leaf, TensorBase) else np.asarray(leaf, float) for leaf in flatten(value)[0]]
    flat = np.concatenate([leaf.reshape(-1) for leaf in leaves])
    if flat.size not in (1, size):
        raise ValueError(f"bounds: {flat.size} limits for {size} variables")
    return np.broadcast_to(flat, size).copy()


def bounds_for(bounds: Any, size: int) -> Any:
    """Bounds with one flat array for each side; sequences of pairs as they are."""
    from scipy.optimize import Bounds

    if isinstance(bounds, Bounds):
        return Bounds(flat_limits(bounds.lb, size), flat_limits(bounds.ub, size), bounds.keep_feasible)
    return bounds


def constraints_for(constraints: Any, variables: Variables, second: bool) -> Any:
    """SciPy's constraints with functions of arrays in the place of those of tensors.

    Args:
        second: whether the method uses second derivatives of constraints; the others warn about them.
    """
    if isinstance(constraints, (list, tuple)):
        return [_constraint(c, variables, second) for c in constraints]
    return _constraint(constraints, variables, second)


def _constraint(constraint: Any, variables: Variables, second: bool) -> Any:
    from scipy.optimize import NonlinearConstraint

    if isinstance(constraint, dict):
        made = dict(constraint)
        args = made.pop("args", ())
        residuals = Residuals(made["fun"], args, variables)
        made["fun"] = residuals.value
        own = made.get("jac")
        made["jac"] = variables.arrays(own, args) if callable(own) else residuals.jacobian
        return made
    if not isinstance(constraint, NonlinearConstraint):
        return constraint
    residuals = Residuals(constraint.fun, (), variables)
    own, hess = constraint.jac, constraint.hess
    if callable(hess):
        hess = variables.arrays(hess)
    elif second:
        hess = weighted_hessian(residuals, variables)
    return NonlinearConstraint(
        residuals.value,
        constraint.lb,
        constraint.ub,
        jac=variables.arrays(own) if callable(own) else residuals.jacobian,
        hess=hess,
        keep_feasible=constraint.keep_feasible,
    )


def weighted_hessian(residuals: Residuals, variables: Variables) -> Any:
    """``hess(x, v)``: the second derivatives of ``v`` times the results."""
    from ..func._implicit_graph import Recording

    def hess(array: Any, v: Any) -> Any:
        weights = variables.unknowns.tensor(v)

        def gradient(x: Any) -> Any:
            found = Recording(residuals.flat, x).pull(weights, True)
            return x * 0 if found is None else found

        recording = Recording(gradient, variables.unknowns.tensor(array))
        return jacobian(recording, np.size(array))

    return hess
