"""Nonlinear least squares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..func._implicit_modes import untangled
from ._constraints import flat_limits
from ._variables import Residuals, Variables


def least_squares(
    fun: Callable[..., Any],
    x0: Any,
    jac: Any = None,
    bounds: Any = (-np.inf, np.inf),
    method: str = "trf",
    *,
    sparse: bool = False,
    jac_sparsity: Any = None,
    args: Any = (),
    kwargs: dict[str, Any] | None = None,
    callback: Callable[..., Any] | None = None,
    **settings: Any,
) -> Any:
    """The ``x`` with the least sum of squares of residuals, by SciPy with an exact Jacobian.

    Args:
        fun: called as ``fun(x, *args, **kwargs)``; gives the residuals, in tensors nested in any way.
        x0: the starting point: tensors, nested in tuples, lists and dicts, or an array of numbers; see ``minimize``.
        jac: None: the exact matrix, in forward mode if there are far fewer variables than residuals, else in reverse mode.
            ``"operator"``: products with it only (``tr_solver="lsmr"``). A function of your own is called with tensors.
        bounds: two limits, each a number or in the form of ``x0``; or ``scipy.optimize.Bounds``.
        method: ``"trf"``, ``"dogbox"`` or ``"lm"``.
        sparse: compute the Jacobian as a sparse matrix by few products (``func.sparse_jacobian``).
        jac_sparsity: where that may differ from zero, a matrix with as many rows as residuals; None: found from a recorded run.
        args, kwargs: what else the function takes.
        callback: called with ``x`` in the form of ``x0``, or with ``intermediate_result`` if its parameter is called so.
        settings: the other arguments of ``scipy.optimize.least_squares`` (``ftol``, ``loss``, ``x_scale``, ``max_nfev``...).

    Returns:
        SciPy's ``OptimizeResult``; ``x`` is a constant in the form of ``x0``, ``fun`` and ``jac`` are arrays.

    Raises:
        TypeError: for complex or integer tensors in ``x0``, and when the function gives no tensors.
        ValueError: when there are not as many limits as variables.

    Example:
        >>> import wengert as wg
        >>> from wengert.optimize import least_squares
        >>> t = wg.linspace(0, 2, 9, dtype=wg.float64)
        >>> y = 3 * wg.exp(-1.5 * t)
        >>> least_squares(lambda p: p[0] * wg.exp(-p[1] * t) - y, [1.0, 1.0]).x.round(6).tolist()
        [3.0, 1.5]

    Source:
        ``scipy.optimize.least_squares``.
    """
    from scipy import optimize

    from ._minimize import _callback

    variables = Variables(x0, "optimize.least_squares")
    args = args if isinstance(args, tuple) else (args,)
    more = kwargs or {}
    residuals = Residuals(lambda x: fun(x, *args, **more), (), variables)
    if callable(jac):
        given = variables.arrays(lambda x: jac(x, *args, **more))
    elif jac == "operator":
        given = residuals.operator
    elif jac is None:
        given = residuals.sparse_jacobian(jac_sparsity) if sparse or jac_sparsity is not None else residuals.jacobian
    else:
        given = jac
    if not isinstance(bounds, optimize.Bounds):
        low, high = bounds
        bounds = optimize.Bounds(low, high)
    size = variables.start.size
    limits = (flat_limits(bounds.lb, size), flat_limits(bounds.ub, size))
    if callback is not None:
        settings["callback"] = _callback(callback, variables)
    result = untangled(optimize.least_squares, residuals.value, variables.start, given, limits, method, **settings)
    result.x = variables.given_back(result.x)
    return result
