"""Discrete Fourier transforms over several dimensions, and what goes with them: sample frequencies, shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import device as devices
from .._core.dtypes import COMPLEX, FLOATING
from .._core.errors import shape_text
from .._core.tensor_base import TensorBase
from .._record.common import write_out
from .._record.general import general
from .creation import chosen, finish
from .fourier import (
    FftC2CBackward0,
    FftC2RBackward0,
    FftR2CBackward0,
    check_points,
    check_real,
    deliver,
    dim_of,
    normalization_code,
    promoted,
    resized,
    whole,
)

if TYPE_CHECKING:
    from .._tensor import Tensor


def several(value: Any, name: str, argument: str) -> list[int] | None:
    """An argument that is None, one integer, or a sequence of them."""
    if value is None:
        return None
    items = value if isinstance(value, (tuple, list)) else (value,)
    return [whole(v, name, argument) for v in items]


def geometry(x: TensorBase, s: Any, dim: Any, name: str) -> tuple[tuple[int, ...], list[int]]:
    """Transformed dimensions and their sizes, from ``s`` and ``dim`` where given.

    Raises:
        RuntimeError: for repeated dimensions, or when ``s`` does not fit.
    """
    ndim = len(x.shp)
    sizes, given = several(s, name, "s"), several(dim, name, "dim")
    dims = list(range(ndim)) if given is None else [dim_of(d, ndim, name) for d in given]
    if len(set(dims)) != len(dims):
        raise RuntimeError("FFT dims must be unique")
    if sizes is None:
        sizes = [x.shp[d] for d in dims]
    else:
        if given is not None and len(given) != len(sizes):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(sizes) > ndim:
            raise RuntimeError(f"Got shape with {len(sizes)} values but input tensor only has {ndim} dimensions.")
        dims = dims if given is not None else list(range(ndim - len(sizes), ndim))
        sizes = [x.shp[d] if n == -1 else n for d, n in zip(dims, sizes, strict=True)]
    for n in sizes:
        check_points(n)
    return tuple(dims), sizes


def half_geometry(x: TensorBase, s: Any, dim: Any, name: str) -> tuple[tuple[int, ...], list[int], int]:
    """Dimensions and sizes of a half spectrum, and the size of the last dimension of the real signal."""
    dims, sizes = geometry(x, s, dim, name)
    check_some(dims, name)
    given = several(s, name, "s")
    last = 2 * (x.shp[dims[-1]] - 1) if given is None or given[-1] == -1 else sizes[-1]
    check_points(last)
    sizes[-1] = last // 2 + 1
    return dims, sizes, last


def check_some(dims: tuple[int, ...], name: str) -> None:
    """Refuse a half-sided transform over no dimension: there is none to halve."""
    if len(dims) == 0:
        raise RuntimeError(f"{name} must transform at least one axis")


def full(x: Tensor, s: Any, dim: Any, norm: Any, forward: bool, name: str) -> Tensor:
    """``fftn`` and ``ifftn``."""
    dims, sizes = geometry(x, s, dim, name)
    code = normalization_code(norm, forward, name)
    x = resized(promoted(x, True), dims, sizes)
    return general(FftC2CBackward0(dims, code, forward), [x])


def fftn(self: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """Discrete Fourier transform along several dimensions.

    Args:
        self: real or complex.
        s: cut the signal, or fill it up with zeros, to these sizes first (-1 leaves a size as it is).
        dim: dimensions; without it all, or the last ``len(s)``.
        norm: as in ``fft``, n being the product of the transformed sizes.

    Gradient:
        the adjoint: the unscaled inverse transform, with the same factor.

    Raises:
        RuntimeError: for no data points, repeated dimensions, half precision, and unknown ``norm``.

    Variants: fft
    """
    return deliver("fftn", full(self, s, dim, norm, True, "fftn"), out)


def ifftn(self: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """Inverse of ``fftn``; ``s`` and ``dim`` as there, ``norm`` as in ``ifft``.

    Gradient:
        the adjoint: the unscaled forward transform, with the same factor.

    Variants: fft
    """
    return deliver("ifftn", full(self, s, dim, norm, False, "ifftn"), out)


def rfftn(self: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """``fftn`` of a real signal, halved along the last of the dimensions as in ``rfft``.

    Gradient:
        the adjoint, as of ``rfft``.

    Raises:
        RuntimeError: for complex signals, and for no dimension.

    Variants: fft
    """
    check_real(self, "rfftn expects a real-valued input tensor, but got ")
    dims, sizes = geometry(self, s, dim, "rfftn")
    check_some(dims, "rfftn")
    code = normalization_code(norm, True, "rfftn")
    x = resized(promoted(self, False), dims, sizes)
    return deliver("rfftn", general(FftR2CBackward0(dims, code, True, sizes[-1]), [x]), out)


def irfftn(self: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """Inverse of ``rfftn``: the real signal with the given half spectrum.

    Args:
        self: half spectrum.
        s: sizes of the result; without it, or with -1, the last is ``2 (m - 1)`` for m numbers.
        dim, norm: as in ``ifftn``.

    Gradient:
        as of ``irfft``.

    Variants: fft
    """
    dims, sizes, last = half_geometry(self, s, dim, "irfftn")
    code = normalization_code(norm, False, "irfftn")
    x = resized(promoted(self, True), dims, sizes)
    return deliver("irfftn", general(FftC2RBackward0(dims, code, last), [x]), out)


def hfftn(self: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """``fftn`` of a signal with ``x[-j] = conj(x[j])``, halved along the last of the dimensions: real.

    Args:
        self: half of the signal.
        s: sizes of the result, as in ``irfftn``.
        dim, norm: as in ``fftn``.

    Gradient:
        as of ``hfft``.

    Variants: fft
    """
    dims, sizes, last = half_geometry(self, s, dim, "hfftn")
    code = normalization_code(norm, True, "hfftn")
    x = resized(promoted(self, True), dims, sizes)
    if len(dims) > 1:
        x = general(FftC2CBackward0(dims[:-1], code, True), [x])
    return deliver("hfftn", general(FftC2RBackward0(dims[-1:], code, last), [x.conj()]), out)


def ihfftn(self: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Tensor:
    """Inverse of ``hfftn``: half of the inverse transform of a real spectrum.

    Gradient:
        as of ``ihfft``.

    Raises:
        RuntimeError: for complex spectra, and for no dimension.

    Variants: fft
    """
    dims, sizes = geometry(self, s, dim, "ihfftn")
    check_some(dims, "ihfftn")
    check_real(self, "Only supports floating-point dtypes, but found: ")
    code = normalization_code(norm, False, "ihfftn")
    x = resized(promoted(self, False), dims, sizes)
    y = general(FftR2CBackward0(dims[-1:], code, True, sizes[-1]), [x])
    if len(dims) == 1:
        return deliver("ihfftn", y.conj(), out)
    y = general(FftC2CBackward0(dims[:-1], code, False), [y.conj_physical()])
    return deliver("ihfftn", y, out)


def fft2(self: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Tensor:
    """``fftn`` along two dimensions.

    Variants: fft
    """
    return fftn(self, s, dim, norm, out=out)


def ifft2(self: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Tensor:
    """``ifftn`` along two dimensions.

    Variants: fft
    """
    return ifftn(self, s, dim, norm, out=out)


def rfft2(self: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Tensor:
    """``rfftn`` along two dimensions.

    Variants: fft
    """
    return rfftn(self, s, dim, norm, out=out)


def irfft2(self: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Tensor:
    """``irfftn`` along two dimensions.

    Variants: fft
    """
    return irfftn(self, s, dim, norm, out=out)


def hfft2(self: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Tensor:
    """``hfftn`` along two dimensions.

    Variants: fft
    """
    return hfftn(self, s, dim, norm, out=out)


def ihfft2(self: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Tensor:
    """``ihfftn`` along two dimensions.

    Variants: fft
    """
    return ihfftn(self, s, dim, norm, out=out)


def fftshift(self: Tensor, dim: Any = None) -> Tensor:
    """Spectra with frequency 0 moved to the middle, along ``dim`` (all dimensions without it).

    Gradient: shifted back.

    Variants: fft
    """
    return shifted(self, dim, 0, "fftshift")


def ifftshift(self: Tensor, dim: Any = None) -> Tensor:
    """Inverse of ``fftshift``.

    Gradient: shifted back.

    Variants: fft
    """
    return shifted(self, dim, 1, "ifftshift")


def shifted(x: Tensor, dim: Any, round_up: int, name: str) -> Tensor:
    """``x`` rolled by half of each dimension."""
    given = several(dim, name, "dim")
    dims = list(range(len(x.shp))) if given is None else [dim_of(d, len(x.shp), name) for d in given]
    return x.roll([(x.shp[d] + round_up) // 2 for d in dims], dims)


def fftfreq(n: Any, d: Any = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None,
            requires_grad: bool = False, pin_memory: bool = False, out: Any = None) -> Tensor:  # fmt: skip
    """Frequencies that go with the results of ``fft``: ``[0, 1, ..., -2, -1] / (n d)``.

    Args:
        n: number of points.
        d: distance between samples.

    Raises:
        RuntimeError: for integer dtypes.

    Example:
        >>> import wengert as wg
        >>> wg.fft.fftfreq(4, d=0.5)
        tensor([ 0.0000,  0.5000, -1.0000, -0.5000])

    Variants: fft
    """
    points = whole(n, "fftfreq", "n")
    if points < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {points}: {shape_text((points,))}")
    numbers = np.arange(points)
    numbers[(points + 1) // 2 :] -= points
    return frequencies(numbers, points, d, "fftfreq", dtype, device, requires_grad, out)


def rfftfreq(n: Any, d: Any = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False, pin_memory: bool = False, out: Any = None) -> Tensor:  # fmt: skip
    """Frequencies that go with the results of ``rfft``: ``[0, 1, ..., n/2] / (n d)``.

    Args:
        n: number of points of the real signal.
        d: distance between samples.

    Raises:
        RuntimeError: for integer dtypes.

    Variants: fft
    """
    points = whole(n, "rfftfreq", "n")
    return frequencies(np.arange(int(points / 2) + 1), points, d, "rfftfreq", dtype, device, requires_grad, out)


def frequencies(
    numbers: Any, n: int, d: Any, name: str, dtype: Any, device: Any, requires_grad: bool, out: Any
) -> Tensor:
    """Numbers of oscillations in n samples, as frequencies."""
    devices.check_device(device)
    dt = out.dt if dtype is None and isinstance(out, TensorBase) else chosen(dtype, name)
    if isinstance(out, TensorBase) and out.dt is not dt:
        raise RuntimeError(f"dtype {dt.title} does not match dtype of out parameter ({out.dt.title})")
    if isinstance(d, (complex, str)):
        raise TypeError(f"fft_{name}(): argument 'd' must be float, not {type(d).__name__}")
    if dt.category < FLOATING:
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    if dt.category == COMPLEX:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dt.title}'")
    with np.errstate(all="ignore"):  # no distance between samples: infinite frequencies
        array = numbers.astype(dt.np) * (np.float64(1) / (n * np.float64(d))).astype(dt.np)
    made = finish(array, requires_grad)
    return made if out is None else write_out(name, out, made)
