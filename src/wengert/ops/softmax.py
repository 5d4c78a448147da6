"""Softmax and its logarithm, with the operators of their backward pass."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import COMPLEX, Size, dtype_of, parse_dtype
from .._core.tensor_base import TensorBase
from .._core.unwritten import Unwritten
from .._record.binary import Binary
from .._record.common import FUSED, OTHER, RESULT, SELF, converted, make, wrap_dim
from .._record.matmul import product
from .._record.unary import Unary, unary
from ..kernels import COMPILED, along, array_sum, bulk, formulas, zeros

if TYPE_CHECKING:
    from .._tensor import Tensor

_maximum: Final[Any] = np.maximum.reduce
_reciprocal: Final[Any] = np.reciprocal
_contiguous: Final[Any] = np.ascontiguousarray
SMALL: Final = 1 << 14  # elements: temporaries of this size stay in the cache
COLUMNS: Final = 1 << 14  # elements: rows that lie across memory cost a kernel a cache line for each element


class Normalizing(Unary):
    """Base of softmax and log-softmax along dimension ``dim``."""

    reads: i64 = RESULT | FUSED

    def __init__(self, dim: int) -> None:
        self.dim: int = dim

    def fresh(self) -> Unary:
        return self

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return self.gradient().forward(grad, result)

    def gradient(self) -> NormalizingBackward:
        """The operator of the backward pass."""
        raise NotImplementedError

    def prepare(self, x: TensorBase) -> TensorBase:
        raise NotImplementedError(f"\"softmax_lastdim_kernel_impl\" not implemented for '{x.dt.title}'")

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


class SoftmaxBackward0(Normalizing):
    """Exponentials along a dimension, divided by their sum.  dy/dx = diag(y) - y y^T, which is symmetric."""

    def forward(self, x: Any) -> Any:
        if x.ndim == 0:
            return np.exp(x - x)
        if x.shape[self.dim] == 0:
            return x.copy()
        if bulk.in_rows(self.dim, x):
            return bulk.softmax_rows(x, False)
        if bulk.in_columns(self.dim, x):
            return bulk.softmax_columns(x, self.dim, False)
        if not whole(x, self.dim):
            return in_order(along(formulas.softmax, self.dim, [x]))
        out = formulas.exp_difference(x, _maximum(x, self.dim, None, None, True))
        out *= _reciprocal(array_sum(out, self.dim, True))
        return in_order(out)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return product(self.gradient(), grad, result)

    def gradient(self) -> NormalizingBackward:
        return SoftmaxBackwardDataBackward0(self.dim)


class LogSoftmaxBackward0(Normalizing):
    """Logarithm of the softmax, without overflow.  dx = g - softmax sum(g)."""

    def forward(self, x: Any) -> Any:
        if x.ndim == 0:
            return x - x
        if x.shape[self.dim] == 0:
            return x.copy()
        if bulk.in_rows(self.dim, x):
            return bulk.softmax_rows(x, True)
        if bulk.in_columns(self.dim, x):
            return bulk.softmax_columns(x, self.dim, True)
        if not whole(x, self.dim):
            return in_order(along(formulas.log_softmax, self.dim, [x]))
        top = _maximum(x, self.dim, None, None, True)
        total = array_sum(formulas.exp_difference(x, top), self.dim, True)
        out = x - top
        out -= np.log(total)
        return in_order(out)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return product(self.gradient(), grad, result)

    def gradient(self) -> NormalizingBackward:
        return LogSoftmaxBackwardDataBackward0(self.dim)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return tangent - (result.exp() * tangent).sum(self.dim, True)

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        kept = self.result
        if not isinstance(grad, PickedGrad):
            return super().vjp(grad)
        if self.released or kept is None:
            raise errors.freed(self)
        result = kept.unpack(self).array
        if bulk.in_rows(self.dim, result):
            return make(bulk.log_softmax_rows_slope_picked(result, grad.index, grad.values)), None
        array = formulas.log_softmax_slope_picked(result, np.expand_dims(grad.values, self.dim))
        array[places_along(grad.dim, grad.index)] += grad.values
        return make(array), None


class PickedGrad(Unwritten):
    """A gradient that is zero but for one element along a dimension: Note [Unwritten gradients].

    Attributes:
        dim: this dimension.
        index: the places of these elements along it.
        values: the elements.
    """

    def __init__(self, dim: int, index: Any, values: Any, shape: Size) -> None:
        super().__init__(None, dtype_of(values), shape)
        self.dim: int = dim
        self.index: Any = index
        self.values: Any = values

    def written(self) -> TensorBase:
        out = zeros(self.shp, self.values.dtype)
        out[places_along(self.dim, self.index)] = self.values
        return make(out)


def places_along(dim: int, index: Any) -> tuple[Any, ...]:
    """Index arrays of one element along ``dim`` for each place in the other dimensions."""
    places = [np.arange(n).reshape((n,) + (1,) * (index.ndim - i - 1)) for i, n in enumerate(index.shape)]
    places.insert(dim, index)
    return tuple(places)


class NormalizingBackward(Binary):
    """Base of the operators that turn the gradient of the output ``result`` into that of the input."""

    reads_self: i64 = OTHER
    reads_other: i64 = SELF | OTHER

    def __init__(self, dim: int) -> None:
        self.dim: int = dim

    def fresh(self) -> Binary:
        return self

    def other_name(self) -> str:
        return "output"

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


class SoftmaxBackwardDataBackward0(NormalizingBackward):
    """``(grad - sum(grad * output)) * output``: the gradient of the softmax as an operator of its own."""

    def forward(self, x: Any, y: Any) -> Any:
        if x.ndim == 0:
            return x - x
        if x.dtype == y.dtype and x.size > 0:
            if bulk.in_columns(self.dim, x, y):
                return bulk.softmax_columns_slope(x, y, self.dim, False)
            if whole(x, self.dim):
                return formulas.softmax_slope_given(x, y, array_sum(x * y, self.dim, True))
            if bulk.in_rows(self.dim, x, y):
                return bulk.softmax_rows_slope(x, y, False)
            return along(formulas.softmax_slope, self.dim, [x, y])
        out = x * y
        return out - array_sum(out, self.dim, True) * y

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return product(SoftmaxBackwardDataBackward0(self.dim), grad, other)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        inner = x - (x * other).sum(self.dim, True)
        return grad * inner - x * (grad * other).sum(self.dim, True)

    def forward_grad(self, tx: Tensor | None, ty: Tensor | None, x: Tensor, y: Tensor, result: Tensor) -> Tensor | None:
        first = None if tx is None else (tx - (tx * y).sum(self.dim, True)) * y
        if ty is None:
            return first
        second = ty * (x - (x * y).sum(self.dim, True)) - y * (x * ty).sum(self.dim, True)
        return second if first is None else first + second


class LogSoftmaxBackwardDataBackward0(NormalizingBackward):
    """``grad - exp(output) sum(grad)``: the gradient of the log-softmax as an operator of its own."""

    def forward(self, x: Any, y: Any) -> Any:
        if x.ndim == 0:
            return x - x
        if x.dtype == y.dtype and x.size > 0:
            if bulk.in_columns(self.dim, x, y):
                return bulk.softmax_columns_slope(x, y, self.dim, True)
            if whole(x, self.dim):
                return formulas.log_softmax_slope_given(x, y, array_sum(x, self.dim, True))
            if bulk.in_rows(self.dim, x, y):
                return bulk.softmax_rows_slope(x, y, True)
            return along(formulas.log_softmax_slope, self.dim, [x, y])
        out = np.exp(y)
        out *= array_sum(x, self.dim, True)
        return np.subtract(x, out, out=out)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return grad - (grad * other.exp()).sum(self.dim, True)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return -grad * other.exp() * x.sum(self.dim, True)

    def forward_grad(self, tx: Tensor | None, ty: Tensor | None, x: Tensor, y: Tensor, result: Tensor) -> Tensor | None:
        first = None if tx is None else tx - y.exp() * tx.sum(self.dim, True)
        if ty is None:
            return first
        second = -ty * y.exp() * x.sum(self.dim, True)
        return second if first is None else first + second


def softmax(self: Tensor, dim: Any, dtype: Any = None) -> Tensor:
    """Exponentials along a dimension, divided by their sum: positive numbers that add up to 1.

    Args:
        self: floating tensor.
        dim: dimension.
        dtype: convert to this dtype first.

    Gradient:
        ``(grad - sum(grad * result)) * result``.

    Raises:
        NotImplementedError: for integers, unless ``dtype`` is given.

    Variants: function method out special
    """
    return unary(SoftmaxBackward0(wrap_dim(dim, len(self.shp))), in_dtype(self, dtype, "softmax"))


def log_softmax(self: Tensor, dim: Any, dtype: Any = None) -> Tensor:
    """Logarithm of the softmax along a dimension, computed without overflow.

    Args:
        self: floating tensor.
        dim: dimension.
        dtype: convert to this dtype first.

    Gradient:
        ``grad - exp(result) * sum(grad)``.

    Variants: function method out special
    """
    return unary(LogSoftmaxBackward0(wrap_dim(dim, len(self.shp))), in_dtype(self, dtype, "log_softmax"))


def whole(x: Any, dim: int) -> bool:
    """Whether NumPy's functions of the whole array are better than a row kernel.

    They are where ``dim`` runs across contiguous memory, and for small arrays where kernels were not compiled: what stands in
    for them goes by blocks (the log-softmax of 64 x 10 takes 8 us, by blocks 55).
    """
    if x.dtype.char not in "fd":
        return False
    if COMPILED is None and x.size <= SMALL:
        return True
    return x.ndim > dim + 1 and x.shape[-1] >= 16 and x.size >= COLUMNS and x.flags.c_contiguous


def in_order(array: Any) -> Any:
    """The array in row-major order."""
    return array if array.flags.c_contiguous else _contiguous(array)


def in_dtype(x: Tensor, dtype: Any, name: str) -> Tensor:
    """The operand in the dtype asked for.

    Raises:
        NotImplementedError: for complex numbers, which have no order and no largest one.
    """
    found = x if dtype is None else converted(x, parse_dtype(dtype, name))
    if found.dt.category == COMPLEX:
        raise NotImplementedError(f"\"{name}_lastdim_kernel_impl\" not implemented for '{found.dt.title}'")
    return found


def functional_softmax(input: Tensor, dim: Any = None, _stacklevel: Any = 3, dtype: Any = None) -> Tensor:
    """Softmax, see :func:`wengert.softmax`; without ``dim`` it is guessed, with a warning.

    Variants: nn
    Name: softmax
    """
    return softmax(input, guessed("softmax", input, dim, _stacklevel), dtype)


def functional_log_softmax(input: Tensor, dim: Any = None, _stacklevel: Any = 3, dtype: Any = None) -> Tensor:
    """Logarithm of the softmax, see :func:`wengert.log_softmax`; without ``dim`` it is guessed, with a warning.

    Variants: nn
    Name: log_softmax
    """
    return log_softmax(input, guessed("log_softmax", input, dim, _stacklevel), dtype)


def softmin(input: Tensor, dim: Any = None, _stacklevel: Any = 3, dtype: Any = None) -> Tensor:
    """Softmax of ``-input``.

    Variants: nn
    """
    return softmax(-input, guessed("softmin", input, dim, _stacklevel), dtype)


def guessed(name: str, x: TensorBase, dim: Any, stacklevel: Any) -> Any:
    """PyTorch's old choice of a dimension that was not given."""
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        UserWarning,
        stacklevel=stacklevel,
    )
    return 0 if len(x.shp) in (0, 1, 3) else 1
