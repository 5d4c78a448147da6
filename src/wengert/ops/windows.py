"""Window functions: what a signal is multiplied with before its spectrum is taken, so that the ends do not count as jumps.

Windows are computed in double precision and then rounded to the dtype asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import device as devices
from .._core import errors
from .._core.dtypes import COMPLEX, FLOATING, DType
from .._record.common import number_of
from .creation import chosen, finish

if TYPE_CHECKING:
    from .._tensor import Tensor

HANN: Final = (0.5, 0.5)
BLACKMAN: Final = (0.42, 0.5, 0.08)
"""Coefficients of sums of cosines, from the constant on."""


def cosine_sum(length: int, periodic: bool, coefficients: Any) -> Any:
    """``sum_i (-1)^i a_i cos(2 pi i k / n)``, n being the length (periodic) or one less."""
    if length == 1:
        return np.ones(1)
    phase = 2 * np.pi * np.arange(length) / (length if periodic else length - 1)
    total = np.zeros(length)
    for i, a in enumerate(coefficients):
        total += (-1) ** i * a * np.cos(i * phase)
    return total


def triangle(length: int, periodic: bool) -> Any:
    """``1 - |2 k / n - 1|``."""
    if length == 1:
        return np.ones(1)
    return 1 - np.abs(2 * np.arange(length) / (length if periodic else length - 1) - 1)


def kaiser(length: int, periodic: bool, beta: float) -> Any:
    """``I0(beta sqrt(1 - (2 k / n - 1)^2)) / I0(beta)``, where I0 is a modified Bessel function."""
    if length == 1:
        return np.ones(1)
    x = 2 * np.arange(length) / (length if periodic else length - 1) - 1
    return np.i0(beta * np.sqrt(np.maximum(1 - x * x, 0))) / np.i0(beta)


def length_of(value: Any, name: str) -> int:
    """A number of points.

    Raises:
        TypeError: for what is no integer.
        RuntimeError: for negative ones.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise errors.argument_type(name, "window_length", 1, "int", value)
    length: int = value.__index__()
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    return length


def window_dtype(dtype: Any, name: str) -> DType:
    """Dtype of a window.

    Raises:
        RuntimeError: for integers.
    """
    dt = chosen(dtype, name)
    if dt.category < FLOATING:
        raise RuntimeError(
            f"{name} expects floating point dtypes, got: TensorOptions(dtype={errors.c_type(dt)}, device=cpu, layout=Strided "
            "(default), requires_grad=false (default), pinned_memory=false, memory_format=(nullopt))"
        )
    if dt.category == COMPLEX:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dt.title}'")
    return dt


def is_periodic(value: Any, name: str) -> bool:
    """The flag ``periodic``.

    Raises:
        TypeError: for what is no bool.
    """
    if not isinstance(value, bool):
        raise errors.argument_type(name, "periodic", 2, "bool", value)
    return value


def hann_window(window_length: Any, periodic: Any = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
                requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Hann window: ``0.5 - 0.5 cos(2 pi k / n)``.

    Args:
        window_length: number of points.
        periodic: n is the length, so that copies can be lined up, as for ``stft``; otherwise n is one less and the window
            symmetric.

    Raises:
        RuntimeError: for a negative length and for integer dtypes.

    Example:
        >>> import wengert as wg
        >>> wg.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])

    Variants: function
    """
    return made_of_cosines("hann_window", window_length, periodic, HANN, dtype, device, requires_grad)


def hamming_window(window_length: Any, periodic: Any = True, alpha: Any = 0.54, beta: Any = 0.46, *, dtype: Any = None,
                   layout: Any = None, device: Any = None, requires_grad: bool = False,
                   pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Hamming window: ``alpha - beta cos(2 pi k / n)``; arguments as of ``hann_window``.

    Variants: function
    """
    return made_of_cosines("hamming_window", window_length, periodic, (alpha, beta), dtype, device, requires_grad)


def blackman_window(window_length: Any, periodic: Any = True, *, dtype: Any = None, layout: Any = None,
                    device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Blackman window: ``0.42 - 0.5 cos(2 pi k / n) + 0.08 cos(4 pi k / n)``; arguments as of ``hann_window``.

    Variants: function
    """
    return made_of_cosines("blackman_window", window_length, periodic, BLACKMAN, dtype, device, requires_grad)


def bartlett_window(window_length: Any, periodic: Any = True, *, dtype: Any = None, layout: Any = None,
                    device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Bartlett window, a triangle: ``1 - |2 k / n - 1|``; arguments as of ``hann_window``.

    Variants: function
    """
    length, dt = common("bartlett_window", window_length, dtype, device)
    return finish(triangle(length, is_periodic(periodic, "bartlett_window")).astype(dt.np), requires_grad)


def kaiser_window(window_length: Any, periodic: Any = True, beta: Any = 12.0, *, dtype: Any = None, layout: Any = None,
                  device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Kaiser window: ``I0(beta sqrt(1 - (2 k / n - 1)^2)) / I0(beta)``, I0 being a modified Bessel function.

    Args:
        beta: the larger, the narrower the window.

    Other arguments as of ``hann_window``.

    Variants: function
    """
    length, dt = common("kaiser_window", window_length, dtype, device)
    shape = number_of(beta, "kaiser_window", "beta", 3)
    return finish(kaiser(length, is_periodic(periodic, "kaiser_window"), shape).astype(dt.np), requires_grad)


def common(name: str, length: Any, dtype: Any, device: Any) -> tuple[int, DType]:
    """The arguments that all windows have, checked."""
    devices.check_device(device)
    dt = window_dtype(dtype, name)
    return length_of(length, name), dt


def made_of_cosines(
    name: str, window_length: Any, periodic: Any, coefficients: Any, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    """A window that is a sum of cosines."""
    length, dt = common(name, window_length, dtype, device)
    array = cosine_sum(length, is_periodic(periodic, name), coefficients)
    return finish(array.astype(dt.np), requires_grad)
