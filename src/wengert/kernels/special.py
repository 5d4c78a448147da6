"""Special functions of arrays, in the dtype of their argument: SciPy's, for instructions that nothing was compiled for."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np


def by_scipy(name: str, x: Any, *_: Any) -> Any:
    """The function of ``scipy.special`` with that name."""
    return _in_dtype(getattr(_special(), name)(x), x)


def erfinv(x: Any, *_: Any) -> Any:
    """Inverse error function, with the sign of zero."""
    return np.copysign(by_scipy("erfinv", x), x)


def lgamma(x: Any, *_: Any) -> Any:
    """log|gamma(x)|, infinite at both infinities and, unlike SciPy's, not next to 0."""
    size = np.absolute(x)
    return np.where(size == math.inf, size, np.where(size < 1e-30, -np.log(size), by_scipy("gammaln", x)))


def trigamma(x: Any, *_: Any) -> Any:
    """Derivative of digamma; infinite at its poles."""
    angle, mirrored = _reflected(x, 2.0)
    return _in_dtype(np.where(x < 0, np.square(math.pi / np.sin(angle)) - mirrored, mirrored), x)


def tetragamma(x: Any, *_: Any) -> Any:
    """Derivative of trigamma; -infinity at its poles."""
    angle, mirrored = _reflected(x, 3.0)
    turned = np.where(x < 0, math.pi**3 * np.cos(angle) / np.sin(angle) ** 3, 0.0)
    return _in_dtype(np.where((x < 0) & (angle == 0), -math.inf, -2 * (mirrored + turned)), x)


def _reflected(x: Any, order: float) -> tuple[Any, Any]:
    """pi times the distance to the nearest whole number, and the zeta function of that order at x, or at 1 - x below 0."""
    wide = np.asarray(x, np.float64)
    distance = wide - np.rint(wide)
    return math.pi * distance, _special().zeta(order, np.where(wide < 0, 1 - wide, wide))


def _in_dtype(value: Any, x: Any) -> Any:
    return value if value.dtype == x.dtype else value.astype(x.dtype)


def _special() -> Any:
    """SciPy's module, imported at first use."""
    from scipy import special

    return special


erf: Final[Any] = partial(by_scipy, "erf")

#: By the name of the instruction.
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "erf": erf,
    "erfinv": erfinv,
    "lgamma": lgamma,
    "digamma": partial(by_scipy, "psi"),
    "trigamma": trigamma,
    "tetragamma": tetragamma,
    **{name: partial(by_scipy, name) for name in ("erfc", "erfcx", "i0", "i0e", "i1", "i1e")},
}
