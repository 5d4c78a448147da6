"""Window functions of a given number of points, symmetric unless ``sym=False`` asks for one period of a periodic window.

All take ``dtype`` (float32 or float64), ``layout``, ``device`` and ``requires_grad``, which makes the window a leaf, and raise
``ValueError`` for a negative number of points and for other dtypes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.device import STRIDED, check_device
from .._core.dtypes import DEFAULTS, DType
from .._tensor import Tensor
from ..ops import windows
from ..ops.creation import finish

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]

NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)


def _checked(name: str, M: Any, dtype: Any, layout: Any, device: Any) -> DType:
    """The arguments that all windows have: their dtype, or an error."""
    if isinstance(M, bool) or not hasattr(M, "__index__"):
        raise TypeError(f"{name}(): argument 'M' must be int, not {type(M).__name__}")
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not STRIDED and layout is not None:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    dt = DEFAULTS.float if dtype is None else dtype
    if not isinstance(dt, DType) or dt.name not in ("float32", "float64"):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dt}")
    check_device(device)
    return dt


def _centre(M: int, sym: bool) -> float:
    """Where the middle of a window lies."""
    return (M if not sym and M > 1 else M - 1) / 2


def general_cosine(
    M: int,
    *,
    a: Any,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``sum_i (-1)^i a_i cos(2 pi i k / n)``, n being ``M - 1`` (``M`` with ``sym=False``).

    Args:
        M: number of points.
        a: list of coefficients, from the constant on.

    Raises:
        TypeError, ValueError: for coefficients that are no list of numbers, or none at all.
    """
    dt = _checked("general_cosine", M, dtype, layout, device)
    if M > 0:
        if not isinstance(a, (list, tuple)):
            raise TypeError("Coefficients must be a list/tuple")
        if not a:
            raise ValueError("Coefficients cannot be empty")
    return finish(windows.cosine_sum(M, not sym, a).astype(dt.np), requires_grad)


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``alpha - (1 - alpha) cos(2 pi k / n)``."""
    return general_cosine(
        M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def hamming(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``0.54 - 0.46 cos(2 pi k / n)``."""
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``0.5 - 0.5 cos(2 pi k / n)``.

    Example:
        >>> import wengert as wg
        >>> wg.signal.windows.hann(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def blackman(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``0.42 - 0.5 cos(2 pi k / n) + 0.08 cos(4 pi k / n)``."""
    a = list(windows.BLACKMAN)
    return general_cosine(M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def nuttall(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Nuttall's sum of four cosines with the smallest side lobes.

    Source:
        A. H. Nuttall, "Some windows with very good sidelobe behavior", IEEE Trans. ASSP 29 (1981), 84-91.
    """
    a = list(NUTTALL)
    return general_cosine(M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A triangle: ``1 - |2 k / n - 1|``."""
    dt = _checked("bartlett", M, dtype, layout, device)
    return finish(windows.triangle(M, not sym).astype(dt.np), requires_grad)


def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Half a wave: ``sin(pi (k + 1/2) / n)``, n being ``M`` (``M + 1`` with ``sym=False``)."""
    dt = _checked("cosine", M, dtype, layout, device)
    n = M + 1 if not sym and M > 1 else M
    return finish(np.sin(np.pi * (np.arange(M) + 0.5) / max(n, 1)).astype(dt.np), requires_grad)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``exp(-|k - center| / tau)``.

    Args:
        M: number of points.
        center: place of the maximum, in the middle unless given; only with ``sym=False``.
        tau: how fast the window decays, positive.

    Raises:
        ValueError: for ``tau <= 0``, and for a ``center`` of a symmetric window.
    """
    dt = _checked("exponential", M, dtype, layout, device)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = _centre(M, sym) if center is None else center
    return finish(np.exp(-np.abs(np.arange(M) - middle) / tau).astype(dt.np), requires_grad)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``exp(-((k - middle) / std)^2 / 2)``.

    Args:
        M: number of points.
        std: standard deviation in points, positive.

    Raises:
        ValueError: for ``std <= 0``.
    """
    dt = _checked("gaussian", M, dtype, layout, device)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    away = (np.arange(M) - _centre(M, sym)) / std
    return finish(np.exp(-away * away / 2).astype(dt.np), requires_grad)


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = STRIDED,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``I0(beta sqrt(1 - (2 k / n - 1)^2)) / I0(beta)``, I0 being a modified Bessel function.

    Args:
        M: number of points.
        beta: the larger, the narrower the window; not negative.

    Raises:
        ValueError: for ``beta < 0``.
    """
    dt = _checked("kaiser", M, dtype, layout, device)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return finish(windows.kaiser(M, not sym, beta).astype(dt.np), requires_grad)
