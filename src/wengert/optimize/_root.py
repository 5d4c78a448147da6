"""Solutions of equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..func._implicit_modes import untangled
from ._variables import Residuals, Variables

WITH_JACOBIAN: Final = ("hybr", "lm")


def root(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """A root of a vector function, by SciPy with an exact Jacobian.

    Args:
        fun: called as ``fun(x, *args)``; gives as many numbers as ``x`` has, in tensors nested in any way.
        x0: the starting point: tensors, nested in tuples, lists and dicts, or an array of numbers; see ``minimize``.
        args: what else the function takes.
        method: a method of ``scipy.optimize.root``; ``"hybr"`` and ``"lm"`` use the Jacobian.
        jac: None: exact. A function of your own is called with tensors.
        tol, options: as SciPy's.
        callback: called with ``x`` in the form of ``x0`` and the residual as an array, by the methods that know it.

    Returns:
        SciPy's ``OptimizeResult``; ``x`` is a constant in the form of ``x0``. Look at ``success``. ``func.root`` gives a
        solution that can be differentiated and raises where there is none.

    Raises:
        TypeError: for complex or integer tensors in ``x0``, and when the function gives no tensors.

    Example:
        >>> import wengert as wg
        >>> from wengert.optimize import root
        >>> result = root(lambda x: wg.stack([x[0] + x[1] - 3, x[0] * x[1] - 2]), [0.0, 5.0])
        >>> result.x.round(6).tolist(), result.njev
        ([1.0, 2.0], 1)

    Source:
        ``scipy.optimize.root``.
    """
    from scipy import optimize

    variables = Variables(x0, "optimize.root")
    args = args if isinstance(args, tuple) else (args,)
    residuals = Residuals(fun, args, variables)
    if jac is not None:
        given = variables.arrays(jac, args) if callable(jac) else jac
    else:
        given = residuals.jacobian if method in WITH_JACOBIAN else None
    shown = None
    if callback is not None:
        user = callback

        def shown(array: Any, residual: Any) -> Any:
            return user(variables.given_back(array), residual)

    result = untangled(
        optimize.root,
        residuals.value,
        variables.start,
        method=method,
        jac=given,
        tol=tol,
        callback=shown,
        options=options or {},
    )
    result.x = variables.given_back(result.x)
    return result
