"""Sums, means and products over dimensions, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core.compat import i64
from .._core.dtypes import BOOL, COMPLEX, FLOATING, DType, bool_, float16, int64, parse_dtype, uint8
from .._core.tensor_base import TensorBase
from .._record.common import RESULT, SELF, cast_array, cast_grad, converted, make, untracked, wrap_dims
from .._record.reduction import Reduction, axes, over, reduce
from ..kernels import arrays, blocks, formulas, reductions

if TYPE_CHECKING:
    from .._tensor import Tensor

_add: Final[Any] = np.add.reduce
_add_up: Final[Any] = arrays.add_up
_divide: Final[Any] = arrays.divide
_multiply: Final[Any] = np.multiply.reduce
_maximum: Final[Any] = np.maximum.reduce
_float32: Final[Any] = np.dtype("float32")
_float16: Final[Any] = np.dtype("float16")


def add_up(x: Any, axis: Any, keepdim: bool) -> Any:
    """Sum of an array; half precision is added up in single precision."""
    if x.dtype == _float16:
        return _add(x, axis, _float32, None, keepdim).astype(_float16)
    return _add_up(x, axis, keepdim)


class SumBackward0(Reduction):
    """Sum of all elements.  d/dx_i = 1."""

    reads: i64 = 0
    silent: bool = True
    source: DType | None = None
    target: DType | None = None

    def forward(self, x: Any) -> Any:
        target = self.target
        if target is not None:
            x = cast_array(x, target)
        elif x.dtype.kind in "biu":
            return reductions.whole_sum(x, axes(self), self.keepdim)
        return add_up(x, axes(self), self.keepdim) if target is None else add_as(x, self, target)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        spread = self.spread(grad)
        return spread if self.source is None else cast_grad(spread, self.source)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return sum(tangent, self.dims, self.keepdim, dtype=self.target)

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def out_dtype(self, dt: DType) -> DType:
        if self.target is not None:
            return self.target
        return dt if dt.category >= FLOATING else int64

    def parameters(self) -> dict[str, Any]:
        return {**Reduction.parameters(self), "self_sym_sizes": self.shape}


def add_as(x: Any, op: Reduction, dt: DType) -> Any:
    """Sum of an array in its own dtype ``dt`` (NumPy widens small integers unless told not to)."""
    return add_up(x, axes(op), op.keepdim) if dt is float16 else _add(x, axes(op), dt.np, None, op.keepdim)


class SumBackward1(SumBackward0):
    """Sum over dimensions that were given, be it as None for all."""

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dims, "keepdim": self.keepdim, "self_sym_sizes": self.shape}


class MeanBackward0(Reduction):
    """Mean of all elements.  d/dx_i = 1/n."""

    reads: i64 = 0
    silent: bool = True
    source: DType | None = None
    target: DType | None = None

    def forward(self, x: Any) -> Any:
        if self.target is not None:
            x = cast_array(x, self.target)
        if x.dtype == _float16:
            return (_add(x, axes(self), _float32, None, self.keepdim) / self.count()).astype(_float16)
        total = _add_up(x, axes(self), self.keepdim)
        return _divide(total, total.dtype.type(self.count()))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        if untracked(grad):
            found: Tensor = _tensor.Tensor(self.spread_array(grad.array / self.count()), grad.dt, self.shape)
        else:
            found = self.spread(grad) / self.count()
        return found if self.source is None else cast_grad(found, self.source)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return mean(tangent, self.dims, self.keepdim, dtype=self.target)

    def prepare(self, x: TensorBase) -> TensorBase:
        if self.target is None:
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
                + x.dt.title
            )
        return x

    def out_dtype(self, dt: DType) -> DType:
        return dt if self.target is None else self.target

    def parameters(self) -> dict[str, Any]:
        return {**Reduction.parameters(self), "self_sym_numel": self.count(), "self_sym_sizes": self.shape}


class MeanBackward1(MeanBackward0):
    """Mean over dimensions that were given, be it as None for all."""

    def parameters(self) -> dict[str, Any]:
        return {**MeanBackward0.parameters(self), "dim": self.dims, "keepdim": self.keepdim}


class NansumBackward0(SumBackward0):
    """Sum of the elements that are not NaN.  d/dx_i = 1, at NaN 0."""

    reads: i64 = SELF

    def forward(self, x: Any) -> Any:
        if x.dtype.kind in "biu":
            return SumBackward0.forward(self, x)
        fused = reductions.sum_of_numbers(x, axes(self), self.keepdim) if self.target is None else None
        if fused is not None:
            return fused
        if isinstance(x, np.ndarray) and x.size > blocks.BLOCK and self.target is None:
            found = blocks.reduced(np.add, without_nan, [x], self.dims)
            return found if self.keepdim else found.squeeze(self.dims)[()]
        return SumBackward0.forward(self, without_nan(x))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return SumBackward0.grad_self(self, grad, x, result) * ~x.isnan()

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return sum(tangent * ~x.isnan(), self.dims, self.keepdim, dtype=self.target)


def without_nan(x: Any) -> Any:
    """Zeros in place of NaN."""
    return np.where(np.isnan(x), x.dtype.type(0), x)


class ProdBackward0(Reduction):
    """Product of all elements.  d/dx_i = product of the others."""

    reads: i64 = SELF | RESULT
    source: DType | None = None
    target: DType | None = None

    def forward(self, x: Any) -> Any:
        if self.target is not None:
            x = cast_array(x, self.target)
        elif x.dtype.kind in "biu":
            return _multiply(x, axes(self), int64.np, None, self.keepdim)
        if x.dtype == _float16:
            return _multiply(x, axes(self), _float32, None, self.keepdim).astype(_float16)
        fused = reductions.product(x, axes(self), self.keepdim)
        return _multiply(x, axes(self), x.dtype, None, self.keepdim) if fused is None else fused

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        if len(self.shape) == 0:
            found = grad
        else:
            found = self.spread(grad) * self.others(converted(x, result.dt), result).conj()
        return found if self.source is None else cast_grad(found, self.source)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        if len(self.shape) == 0:
            return tangent
        return sum(tangent * self.others(converted(x, result.dt), result), self.dims, self.keepdim, dtype=self.target)

    def others(self, x: Tensor, result: Tensor) -> Tensor:
        """Product of all elements but this one: a quotient where no zero is in the way, else exact."""
        if np.all(x.array):
            return self.opened(result) / x
        if self.dims is None:
            return leave_one_out(x.reshape(-1), 0).reshape(self.shape)
        return leave_one_out(x, self.dims[0])

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def out_dtype(self, dt: DType) -> DType:
        if self.target is not None:
            return self.target
        return dt if dt.category >= FLOATING else int64


class ProdBackward1(ProdBackward0):
    """Product over one dimension."""

    def parameters(self) -> dict[str, Any]:
        return {} if self.dims is None else {"dim": self.dims[0], "keepdim": self.keepdim}


class LogsumexpBackward0(Reduction):
    """log(sum(exp(x))) over dimensions, without overflow.  d/dx_i = exp(x_i - result)."""

    reads: i64 = SELF | RESULT

    def forward(self, x: Any) -> Any:
        axis = axes(self)
        if x.size == 0:
            return np.log(_add(np.exp(x), axis, None, None, self.keepdim))
        fused = reductions.logsumexp(x, axis, self.keepdim)
        if fused is not None:
            return fused
        top = _maximum(x.real if x.dtype.kind == "c" else x, axis, None, None, True)
        top = np.where(np.isinf(top), top.dtype.type(0), top)
        if isinstance(x, np.ndarray) and x.size > blocks.BLOCK and x.dtype.kind == "f":
            result = np.log(blocks.reduced(np.add, exp_difference, [x, top], axis)) + top
        else:
            result = np.log(add_up(exp_difference(x, top), axis, True)) + top
        return result if self.keepdim else np.squeeze(result, () if len(self.shape) == 0 else axis)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        if x.dt.np.char in "fd" and untracked(grad) and untracked(x):
            return make(formulas.logsumexp_slope(self.opened(grad).array, x.array, self.opened(result).array))
        return self.spread(grad) * (x - self.opened(result)).exp().conj()

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return sum(tangent * (x - self.opened(result)).exp(), self.dims, self.keepdim)


def exp_difference(x: Any, y: Any) -> Any:
    """exp(x - y)."""
    found = x - y
    return np.exp(found, out=found) if isinstance(found, np.ndarray) and found.ndim > 0 else np.exp(found)


def leave_one_out(x: Tensor, dim: int) -> Tensor:
    """Product of all elements along ``dim`` but the one at hand: exclusive products from the left times from the right."""
    n = x.shp[dim]
    column = [1] * len(x.shp)
    column[dim] = n
    place = np.arange(n).reshape(column)
    left = x.roll(1, dim).masked_fill(make(place == 0), 1).cumprod(dim)
    right = x.roll(-1, dim).masked_fill(make(place == n - 1), 1).flip(dim).cumprod(dim).flip(dim)
    return left * right


def sum(self: Tensor, dim: Any = ..., keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum of the elements, over all dimensions or some.

    Args:
        self: tensor of any dtype.
        dim: dimension or several; left out, None or empty for all.
        keepdim: keep reduced dimensions with size 1.
        dtype: convert to this dtype first; by default masks and integers add up as int64.

    Gradient:
        The gradient of the sum, for every element.

    Raises:
        IndexError: for a dimension that does not exist.

    Example:
        >>> sum(tensor([[1., 2.], [3., 4.]]), 0)
        tensor([4., 6.])

    Variants: function method out
    """
    op = SumBackward0() if dim is ... and not keepdim else SumBackward1()
    if dtype is not None:
        op.target = parse_dtype(dtype, "sum")
        op.source = self.dt
        op.silent = False
    return reduce(over(op, self, None if dim is ... else dim, keepdim), self)


def nansum(self: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum of the elements that are not NaN.

    Gradient:
        The gradient of the sum for every element that was added, 0 at NaN.

    Variants: function method out
    """
    if self.dt.category == COMPLEX:
        raise RuntimeError("nansum does not support complex inputs")
    op = NansumBackward0()
    if dtype is not None:
        op.target = parse_dtype(dtype, "nansum")
        op.source = self.dt
    return reduce(over(op, self, dim, keepdim), self)


def mean(self: Tensor, dim: Any = ..., keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Mean of the elements, over all dimensions or some; NaN for none.

    Args:
        self: floating or complex tensor.
        dim: dimension or several; left out, None or empty for all.
        keepdim: keep reduced dimensions with size 1.
        dtype: floating or complex dtype to convert to first.

    Gradient:
        1/n of the gradient of the mean, for every element.

    Raises:
        RuntimeError: for integers and masks, unless ``dtype`` says how to compute.

    Variants: function method out
    """
    op = MeanBackward0() if dim is ... and not keepdim else MeanBackward1()
    if dtype is not None:
        target = parse_dtype(dtype, "mean")
        if target.category < FLOATING:
            raise RuntimeError(
                "mean(): could not infer output dtype. Optional dtype must be either a floating point or complex dtype. "
                f"Got: {target.title}"
            )
        op.target = target
        op.source = self.dt
        op.silent = False
    return reduce(over(op, self, None if dim is ... else dim, keepdim), self)


def nanmean(self: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Mean of the elements that are not NaN.

    Variants: function method out
    """
    if self.dt.category < FLOATING:
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {self.dt.title}")
    return nansum(self, dim, keepdim, dtype=dtype) / sum(~self.isnan(), dim, keepdim)


def prod(self: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Product of the elements, over all dimensions or one.

    Args:
        self: tensor of any dtype.
        dim: one dimension; None for all.
        keepdim: keep the reduced dimension with size 1.
        dtype: convert to this dtype first; by default masks and integers multiply as int64.

    Gradient:
        Product of the other elements; exact where elements are zero, and again differentiable.

    Variants: function method out
    """
    op = ProdBackward0() if dim is None else ProdBackward1()
    if dtype is not None:
        op.target = parse_dtype(dtype, "prod")
        op.source = self.dt
    return reduce(over(op, self, dim, keepdim), self)


def logsumexp(self: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Logarithm of the sum of exponentials over dimensions; does not overflow, and -inf elements count as nothing.

    Gradient:
        ``exp(self - result)``, the softmax.

    Variants: function method out special
    """
    return reduce(over(LogsumexpBackward0(), self, dim, keepdim), self)


def all(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether all elements (along dimensions) are nonzero; a mask, for uint8 a uint8 tensor.

    Variants: function method out
    """
    return truth(self, dim, keepdim, True)


def any(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether some element (along dimensions) is nonzero; a mask, for uint8 a uint8 tensor.

    Variants: function method out
    """
    return truth(self, dim, keepdim, False)


def truth(x: TensorBase, dim: Any, keepdim: bool, every: bool) -> Tensor:
    """Whether all or some elements along dimensions are nonzero."""
    array = x.array if x.dt.category == BOOL else np.asarray(x.array != 0)
    dims = wrap_dims(dim, len(x.shp))
    if isinstance(dim, (tuple, list)) and len(dim) == 0:
        found = array.copy()  # no dimension, not all of them as for sums
    else:
        found = reductions.truth(array, dims if len(x.shp) > 0 else None, keepdim and len(x.shp) > 0, every)
    return make(found.astype(uint8.np) if x.dt is uint8 else found.astype(bool_.np))


def is_nonzero(x: Any) -> Any:
    """Whether elements are not zero."""
    return x != 0


def count_nonzero(self: Tensor, dim: Any = None) -> Tensor:
    """Number of nonzero elements, along dimensions or in all; int64.

    Variants: function method
    """
    dims = wrap_dims(dim, len(self.shp))
    axis = dims if len(self.shp) > 0 else None
    x = np.asarray(self.array)
    if x.size <= blocks.BLOCK:
        return make(_add(x != 0, axis, int64.np))
    return make(blocks.reduced(np.add, is_nonzero, [x], axis).squeeze(axis)[()])


from .. import _tensor  # noqa: E402
