"""Discrete Fourier transforms: the three kinds (complex to complex, real to complex, complex to real) and their front ends.

SciPy computes them, in the precision of the operand. All three are linear; with real factors w_k on the half spectrum that
stands for the whole one of a real signal, the two half-sided kinds are each other's adjoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import COMPLEX, FLOATING
from .._core.tensor_base import TensorBase
from .._record.common import converted, float_dtype_for, int_of, make, write_out
from .._record.general import General, general
from ..kernels import get_num_threads
from ..kernels.copies import MANY
from .pad import constant_pad_nd

if TYPE_CHECKING:
    from .._tensor import Tensor

NONE: Final = 0
BY_ROOT_N: Final = 1
BY_N: Final = 2
"""How a transform is scaled; PyTorch's codes, shown as ``_saved_normalization``."""
FORWARD_NORMS: Final = ("backward", "ortho", "forward")
INVERSE_NORMS: Final = ("forward", "ortho", "backward")
"""SciPy's words for the codes: they name the direction that carries the factor 1/n."""


class Transform(General):
    """Base of the three kinds.

    Attributes:
        dim: transformed dimensions; the last one is the halved one of the half-sided kinds.
        normalization: ``NONE``, ``BY_ROOT_N`` or ``BY_N``.
    """

    def __init__(self, dim: tuple[int, ...], normalization: int) -> None:
        self.dim: tuple[int, ...] = dim
        self.normalization: int = normalization

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "normalization": self.normalization}

    def adjoint(self, grad: Tensor) -> Tensor:
        """Gradient of the operand."""
        raise NotImplementedError

    def again(self) -> Transform:
        """The same transform as a new node."""
        raise NotImplementedError

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [self.adjoint(grad)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [general(self.again(), [tangent])]


class FftC2CBackward0(Transform):
    """y_k = sum_j x_j e^(-2 pi i j k / n) (``forward``) or with e^(+...).  The adjoint runs in the other direction."""

    def __init__(self, dim: tuple[int, ...], normalization: int, forward: bool) -> None:
        super().__init__(dim, normalization)
        self.is_forward: bool = forward

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "forward": self.is_forward, "normalization": self.normalization}

    def forward(self, arrays: list[Any]) -> Any:
        return c2c(np.asarray(arrays[0]), self.dim, self.normalization, self.is_forward)

    def adjoint(self, grad: Tensor) -> Tensor:
        return general(FftC2CBackward0(self.dim, self.normalization, not self.is_forward), [grad])

    def again(self) -> Transform:
        return FftC2CBackward0(self.dim, self.normalization, self.is_forward)


class FftR2CBackward0(Transform):
    """The forward transform of real numbers; ``onesided``, only the first n/2 + 1 results along the last dimension."""

    def __init__(self, dim: tuple[int, ...], normalization: int, onesided: bool, size: int) -> None:
        super().__init__(dim, normalization)
        self.onesided: bool = onesided
        self.last: int = size

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "normalization": self.normalization, "onesided": self.onesided}

    def forward(self, arrays: list[Any]) -> Any:
        from scipy import fft as scipy_fft

        x = arrays[0]
        order = memory_order(x, self.dim, True)
        run = scipy_fft.rfftn if self.onesided else scipy_fft.fftn
        axes = last_axes(x.ndim, self.dim)
        y = run(x.transpose(order), axes=axes, norm=FORWARD_NORMS[self.normalization], workers=threads_for(x))
        return y.transpose(np.argsort(order))

    def adjoint(self, grad: Tensor) -> Tensor:
        if not self.onesided:
            return general(FftC2CBackward0(self.dim, self.normalization, False), [grad]).real
        # The inverse reads each inner number as a pair of conjugates, of which only one was a result.
        weighted = grad * half_weights(grad, self.dim[-1], self.last, 0.5)
        return general(FftC2RBackward0(self.dim, self.normalization, self.last), [weighted])

    def again(self) -> Transform:
        return FftR2CBackward0(self.dim, self.normalization, self.onesided, self.last)


class FftC2RBackward0(Transform):
    """The inverse transform of the half spectrum of a real signal, whose last dimension has size ``last``."""

    def __init__(self, dim: tuple[int, ...], normalization: int, last: int) -> None:
        super().__init__(dim, normalization)
        self.last: int = last

    def forward(self, arrays: list[Any]) -> Any:
        from scipy import fft as scipy_fft

        x = arrays[0]
        if len(self.dim) > 1:
            x = c2c(x, self.dim[:-1], self.normalization, False)
        last = self.dim[-1:]
        order = memory_order(x, last, True)
        norm = INVERSE_NORMS[self.normalization]
        y = scipy_fft.irfft(x.transpose(order), n=self.last, axis=-1, norm=norm, workers=threads_for(x))
        return y.transpose(np.argsort(order))

    def adjoint(self, grad: Tensor) -> Tensor:
        half = general(FftR2CBackward0(self.dim, self.normalization, True, self.last), [grad])
        return half * half_weights(half, self.dim[-1], self.last, 2.0)

    def again(self) -> Transform:
        return FftC2RBackward0(self.dim, self.normalization, self.last)


def c2c(x: Any, dim: tuple[int, ...], normalization: int, forward: bool) -> Any:
    """The complex transform of an array."""
    from scipy import fft as scipy_fft

    if len(dim) == 0:
        return x.copy(order="K")
    order = memory_order(x, dim, False)
    axes = last_axes(x.ndim, dim)
    if forward:
        y = scipy_fft.fftn(x.transpose(order), axes=axes, norm=FORWARD_NORMS[normalization], workers=threads_for(x))
    else:
        y = scipy_fft.ifftn(x.transpose(order), axes=axes, norm=INVERSE_NORMS[normalization], workers=threads_for(x))
    return y.transpose(np.argsort(order))


def threads_for(x: Any) -> int:
    """How many of SciPy's threads transform an array: each takes whole lines, whose bits do not depend on it."""
    return get_num_threads() if x.size >= MANY else 1


def memory_order(x: Any, dim: tuple[int, ...], keep_last: bool) -> list[int]:
    """Order of the dimensions in the result's memory: transformed ones innermost, as PyTorch lays them out.

    Within both groups the order is that of the operand; ``keep_last`` leaves the last (halved) dimension last.
    """
    strides = x.strides
    free = sorted([d for d in range(x.ndim) if d not in dim], key=strides.__getitem__, reverse=True)
    moved = sorted(dim[:-1] if keep_last else dim, key=strides.__getitem__, reverse=True)
    return free + moved + (list(dim[-1:]) if keep_last else [])


def last_axes(ndim: int, dim: tuple[int, ...]) -> tuple[int, ...]:
    """The last ``len(dim)`` axes."""
    return tuple(range(ndim - len(dim), ndim))


def half_weights(half: TensorBase, dim: int, n: int, inner: float) -> Tensor:
    """Factors of a half spectrum along ``dim``: 1 for the numbers that are their own conjugates, ``inner`` for the others."""
    size = half.shp[dim]
    weights = np.full(size, inner, half.dt.to_real().np)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    return make(weights.reshape((size,) + (1,) * (len(half.shp) - 1 - dim)))


def promoted(x: TensorBase, need_complex: bool) -> Tensor:
    """Integers in the default dtype, real numbers as complex ones where asked for.

    Raises:
        RuntimeError: for half precision.
    """
    dt = float_dtype_for(x)
    if dt.name == "float16":
        raise RuntimeError("Unsupported dtype Half")
    return converted(x, dt.to_complex() if need_complex else dt)


def check_real(x: TensorBase, text: str) -> None:
    """Refuse complex operands."""
    if x.dt.category == COMPLEX:
        raise RuntimeError(f"{text}{x.dt.title}")


def normalization_code(norm: Any, forward: bool, name: str) -> int:
    """Code of a ``norm=`` argument for a transform in one direction."""
    if norm is None:
        norm = "backward"
    elif not isinstance(norm, str):
        raise TypeError(f"fft_{name}(): argument 'norm' must be str, not {type(norm).__name__}")
    if norm not in FORWARD_NORMS:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return (FORWARD_NORMS if forward else INVERSE_NORMS).index(norm)


def whole(value: Any, name: str, argument: str) -> int:
    """An integer argument.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, (bool, float, str)):
        raise TypeError(f"fft_{name}(): argument '{argument}' must be int, not {type(value).__name__}")
    return int_of(value, argument)


def dim_of(dim: Any, ndim: int, name: str) -> int:
    """A dimension counted from the front; a 0-d tensor has none."""
    d = whole(dim, name, "dim")
    if ndim == 0:
        raise errors.no_dimensions(d)
    if d < -ndim or d >= ndim:
        raise errors.dim_range(d, ndim)
    return d + ndim if d < 0 else d


def check_points(n: int) -> None:
    """Refuse transforms of nothing."""
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")


def resized(x: Tensor, dims: tuple[int, ...], sizes: list[int]) -> Tensor:
    """``x`` cut, or filled up with zeros at the end, to the given sizes."""
    pads = [0] * (2 * len(x.shp))
    for d, n in zip(dims, sizes, strict=True):
        if x.shp[d] < n:
            pads[len(pads) - 2 * d - 1] = n - x.shp[d]
        elif x.shp[d] > n:
            x = x.narrow(d, 0, n)
    return constant_pad_nd(x, tuple(pads)) if any(pads) else x


def deliver(name: str, result: Tensor, out: Any) -> Tensor:
    """The result, or ``out`` with it.

    Raises:
        RuntimeError: when ``out`` is real and the result complex, or the other way round.
    """
    if out is None:
        return result
    if isinstance(out, TensorBase):
        want = "complex" if result.dt.category == COMPLEX else "floating point"
        category = COMPLEX if result.dt.category == COMPLEX else FLOATING
        if out.dt.category != category:
            raise RuntimeError(f"{name} expects a {want} output tensor, but got {out.dt.title}")
    return write_out(name, out, result)


# -- one dimension -----------------------------------------------------------------------------------------------------


def one_dim(x: Tensor, n: Any, dim: Any, name: str) -> tuple[Tensor, int]:
    """Operand, cut or filled up to ``n``, and dimension of a transform of one dimension."""
    d = dim_of(dim, len(x.shp), name)
    size = x.shp[d] if n is None else whole(n, name, "n")
    check_points(size)
    return (x if n is None else resized(x, (d,), [size])), d


def full(x: Tensor, n: Any, dim: Any, norm: Any, forward: bool, name: str) -> Tensor:
    """``fft`` and ``ifft``."""
    code = normalization_code(norm, forward, name)
    x, d = one_dim(promoted(x, False), n, dim, name)
    if x.dt.category == COMPLEX:
        return general(FftC2CBackward0((d,), code, forward), [x])
    y = general(FftR2CBackward0((d,), code, False, x.shp[d]), [x])
    return y if forward else y.conj()


def half(x: Tensor, n: Any, dim: Any, norm: Any, forward: bool, name: str) -> Tensor:
    """``rfft`` and ``ihfft``."""
    code = normalization_code(norm, forward, name)
    check_real(x, f"{name} expects a real input tensor, but got ")
    x, d = one_dim(promoted(x, False), n, dim, name)
    y = general(FftR2CBackward0((d,), code, True, x.shp[d]), [x])
    return y if forward else y.conj()


def from_half(x: Tensor, n: Any, dim: Any, norm: Any, forward: bool, name: str) -> Tensor:
    """``irfft`` and ``hfft``."""
    code = normalization_code(norm, forward, name)
    x = promoted(x, True)
    d = dim_of(dim, len(x.shp), name)
    size = 2 * (x.shp[d] - 1) if n is None else whole(n, name, "n")
    check_points(size)
    x = resized(x, (d,), [size // 2 + 1])
    return general(FftC2RBackward0((d,), code, size), [x.conj() if forward else x])


def fft(self: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """Discrete Fourier transform along one dimension: ``y_k = sum_j x_j exp(-2 pi i j k / n)``.

    Args:
        self: real or complex.
        n: cut the signal, or fill it up with zeros, to this length first.
        dim: dimension.
        norm: ``"backward"`` (the default) leaves ``y`` unscaled, ``"ortho"`` divides it by sqrt(n), ``"forward"`` by n.

    Returns:
        Complex, of the shape of the (cut or filled) signal.

    Gradient:
        the adjoint: the unscaled inverse transform, with the same factor; its real part for a real signal.

    Raises:
        RuntimeError: for no data points, half precision, and unknown ``norm``.

    Variants: fft
    """
    return deliver("fft", full(self, n, dim, norm, True, "fft"), out)


def ifft(self: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """Inverse of ``fft``: ``y_j = sum_k x_k exp(2 pi i j k / n) / n``.

    Args:
        self: real or complex.
        n, dim: as in ``fft``.
        norm: ``"backward"`` (the default) divides by n, ``"ortho"`` by sqrt(n), ``"forward"`` leaves unscaled.

    Gradient:
        the adjoint: the unscaled forward transform, with the same factor.

    Variants: fft
    """
    return deliver("ifft", full(self, n, dim, norm, False, "ifft"), out)


def rfft(self: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """The first n/2 + 1 numbers of the Fourier transform of a real signal; the others are their conjugates.

    Args:
        self: real.
        n, dim, norm: as in ``fft``.

    Returns:
        Complex, with n/2 + 1 (rounded down) numbers along ``dim``.

    Gradient:
        the adjoint: ``Re(sum_k grad_k exp(2 pi i j k / n))`` over the numbers that are results.

    Raises:
        RuntimeError: for complex signals.

    Example:
        >>> import wengert as wg
        >>> wg.fft.rfft(wg.tensor([0.0, 1.0, 0.0, -1.0]))
        tensor([0.+0.j, 0.-2.j, 0.+0.j])

    Variants: fft
    """
    return deliver("rfft", half(self, n, dim, norm, True, "rfft"), out)


def irfft(self: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """Inverse of ``rfft``: the real signal of length ``n`` with the given half spectrum.

    Args:
        self: half spectrum; imaginary parts of the numbers that would be their own conjugates are not read.
        n: length of the result, ``2 (m - 1)`` for m numbers unless given: an odd length must be.
        dim: dimension.
        norm: as in ``ifft``.

    Gradient:
        the half spectrum of the gradient, twice for the numbers that stand for a pair of conjugates.

    Variants: fft
    """
    return deliver("irfft", from_half(self, n, dim, norm, False, "irfft"), out)


def hfft(self: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """Forward transform of a signal with ``x[-j] = conj(x[j])``, of which one half is given: real.

    Args:
        self: the first n/2 + 1 numbers of the signal.
        n: length of the result, ``2 (m - 1)`` for m numbers unless given.
        dim, norm: as in ``fft``.

    Gradient:
        as of ``irfft``, conjugated.

    Variants: fft
    """
    return deliver("hfft", from_half(self, n, dim, norm, True, "hfft"), out)


def ihfft(self: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Tensor:
    """Inverse of ``hfft``: the first n/2 + 1 numbers of the inverse transform of a real spectrum.

    Args:
        self: real.
        n, dim: as in ``fft``.
        norm: as in ``ifft``.

    Gradient:
        as of ``rfft``, conjugated.

    Raises:
        RuntimeError: for complex spectra.

    Variants: fft
    """
    return deliver("ihfft", half(self, n, dim, norm, False, "ihfft"), out)
