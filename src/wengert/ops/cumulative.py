"""Running sums, products and extremes along a dimension, differences and integrals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, return_types
from .._core.compat import i64
from .._core.dtypes import BOOL, COMPLEX, FLOATING, DType, bool_, dtype_of, float16, float32, int64, parse_dtype
from .._core.tensor_base import TensorBase
from .._record.common import (
    RESULT,
    SELF,
    cast_array,
    cast_grad,
    converted,
    int_of,
    make,
    number_of,
    untracked,
    wrap_dim,
)
from .._record.general import General, general_many
from .._record.selection import check_order, deliver
from .._record.unary import Unary, unary
from ..kernels import bulk as kernels
from ..kernels.arrays import move_axis
from .scaled import DivBackward1, MulBackward1

if TYPE_CHECKING:
    from .._tensor import Tensor

_add: Final[Any] = np.add.accumulate
_multiply: Final[Any] = np.multiply.accumulate
_maximum: Final[Any] = np.maximum.accumulate
_minimum: Final[Any] = np.minimum.accumulate

# How many elements a running sum holds in float64 at once.
BLOCK: Final = 1 << 16
# Below this many elements a ufunc's own loop is as fast as a kernel's.
TINY: Final = 64


class Scan(Unary):
    """Base of running reductions along dimension ``dim``; ``target`` is the dtype asked for."""

    target: DType | None = None
    source: DType | None = None

    def __init__(self, dim: int) -> None:
        self.dim: int = dim

    def fresh(self) -> Unary:
        return self

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def out_dtype(self, dt: DType) -> DType:
        if self.target is not None:
            return self.target
        return dt if dt.category >= FLOATING else int64

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}

    def run(self, accumulate: Any, x: Any) -> Any:
        """Accumulate in a wider dtype: rounding would add up along the way."""
        dt = self.out_dtype(dtype_of(x))
        if x.dtype != dt.np:
            x = cast_array(x, dt)
        if x.ndim == 0:
            return x[()]
        kind = x.dtype
        if x.size >= TINY and (kernels.handles(x) or (kind == int64.np and kernels.moves(x))):
            return kernels.running("sum" if accumulate is _add else "product", x, self.dim, False)
        if kind == float32.np or kind == float16.np:
            return wide_scan(accumulate, x, self.dim, np.empty(x.shape, kind))
        return accumulate(x, self.dim, kind, np.empty(x.shape, kind))


def wide_scan(accumulate: Any, x: Any, axis: int, out: Any) -> Any:
    """``accumulate`` in float64, written to ``out``: in blocks along the axis, so that few elements are wide at once."""
    n = x.shape[axis]
    if x.size <= BLOCK:
        out[...] = accumulate(x, axis, np.float64)
        return out
    step = max(1, BLOCK * n // x.size)
    carried = 0  # how many places the block before lends: its last one, after the first block
    last: Any = None
    for start in range(0, n, step):
        place = (slice(None),) * axis
        part = x[(*place, slice(start, start + step))]
        shape = list(part.shape)
        shape[axis] += carried
        work = np.empty(shape, np.float64)
        if carried > 0:
            work[(*place, slice(0, 1))] = last
        work[(*place, slice(carried, None))] = part
        accumulate(work, axis, None, work)
        out[(*place, slice(start, start + step))] = work[(*place, slice(carried, None))]
        last = work[(*place, slice(-1, None))]
        carried = 1
    return out


class CumsumBackward0(Scan):
    """Running sum.  d/dx_i = sum of the gradients from i on."""

    reads: i64 = 0

    def forward(self, x: Any) -> Any:
        return self.run(_add, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        if self.source is not None:
            grad = cast_grad(grad, self.source)
        return sum_of_rest(grad, self.dim)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return cumsum(tangent, self.dim, dtype=self.target)


class CumprodBackward0(Scan):
    """Running product.  d result_j / dx_i = product of the x_k, k <= j, without x_i; exact at zeros."""

    reads: i64 = SELF | RESULT

    def forward(self, x: Any) -> Any:
        return self.run(_multiply, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        if self.source is not None:
            grad = cast_grad(grad, self.source)
            result = cast_grad(result, self.source)
        if len(x.shp) == 0:
            return grad
        if np.all(x.array):
            return sum_of_rest(grad * result.conj(), self.dim) / x.conj()
        if untracked(grad) and untracked(x):
            return make(product_gradient(grad.array, x.array, result.array, self.dim))
        return (grad.unsqueeze(self.dim) * products_without(x, self.dim).conj()).sum(self.dim + 1)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        if len(x.shp) == 0:
            return tangent
        if np.all(x.array):
            return converted(result * cumsum(tangent / x, self.dim), result.dt)
        return converted((tangent.unsqueeze(self.dim + 1) * products_without(x, self.dim)).sum(self.dim), result.dt)


def sum_of_rest(t: Tensor, dim: int) -> Tensor:
    """At each place the sum of the elements from there on."""
    if len(t.shp) == 0:
        return t
    if untracked(t):
        return make(rest_array(t.array, dim))
    return cumsum(t.flip(dim), dim).flip(dim)


def rest_array(x: Any, axis: int) -> Any:
    """``sum_of_rest`` for arrays."""
    if x.size >= TINY and kernels.handles(x):
        return kernels.running("sum", x, axis, True)
    backwards = np.flip(x, axis)
    if x.dtype != float32.np and x.dtype != float16.np:
        return np.flip(_add(backwards, axis), axis)
    out = np.empty(x.shape, x.dtype)
    wide_scan(_add, backwards, axis, np.flip(out, axis))
    return out


def product_gradient(grad: Any, x: Any, result: Any, axis: int) -> Any:
    """Gradient of the running product where there are zeros.

    Before the first zero, the usual quotient; behind it nothing, since that zero stays a factor; at the first zero the products
    with a 1 in its place.
    """
    zero = x == 0
    seen = _maximum(zero, axis)
    first = zero & ~np.roll(seen, 1, axis) if x.shape[axis] > 1 else zero
    head = [slice(None)] * x.ndim
    head[axis] = slice(0, 1)
    first[tuple(head)] = zero[tuple(head)]
    filled = np.where(first, x.dtype.type(1), x)
    at_zero = rest_array(grad * np.conj(_multiply(filled, axis)), axis)
    before = rest_array(grad * np.conj(result), axis) / np.conj(np.where(seen, x.dtype.type(1), x))
    return np.where(first, at_zero, np.where(seen, x.dtype.type(0), before))


def products_without(x: Tensor, dim: int) -> Tensor:
    """``P[.., i, j, ..]``: product of the first j + 1 elements along ``dim`` without element i; 0 for i > j.

    Takes the square of the memory, and is exact and differentiable at zeros: used only for derivatives of derivatives there.
    """
    n = x.shp[dim]
    tail = (1,) * (len(x.shp) - dim - 1)
    place = np.arange(n)
    itself = make((place[:, None] == place).reshape(n, n, *tail))
    below = make((place[:, None] > place).reshape(n, n, *tail))
    shape = (*x.shp[:dim], n, *x.shp[dim:])
    rows = x.unsqueeze(dim).expand(shape).masked_fill(itself, 1)
    return cumprod(rows, dim + 1).masked_fill(below, 0)


class LogcumsumexpBackward0(Scan):
    """Logarithm of the running sum of exponentials.  d result_j / dx_i = exp(x_i - result_j) for i <= j."""

    reads: i64 = SELF | RESULT

    def forward(self, x: Any) -> Any:
        if x.ndim == 0:
            return x[()]
        if x.dtype.kind == "c":
            return complex_logcumsumexp(x, self.dim)
        if kernels.handles(x):
            return kernels.running("logsumexp", x, self.dim, False)
        return np.logaddexp.accumulate(x, self.dim, None, np.empty(x.shape, x.dtype))

    def prepare(self, x: TensorBase) -> TensorBase:
        return Unary.prepare(self, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        if len(x.shp) == 0:
            return grad
        if x.dt.category == COMPLEX:
            return complex_logcumsumexp_gradient(grad, x, result, self.dim)
        # Positive and negative gradients are added up as logarithms: their exponentials may be out of range.
        if untracked(grad):
            return self.part(grad, x, result) - self.part(-grad, x, result)
        shift = positive_shift(grad)
        return self.part(grad + shift, x, result) - self.part(shift, x, result)

    def part(self, grad: Tensor, x: Tensor, result: Tensor) -> Tensor:
        """Contribution of the positive gradients."""
        none = make(np.asarray(grad.array <= 0))
        logs = grad.masked_fill(none, 1).log().masked_fill(none, np.finfo(grad.dt.np).min.item()) - result
        return (logcumsumexp(logs.flip(self.dim), self.dim).flip(self.dim) + x).exp()

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        if len(x.shp) == 0:
            return tangent
        if x.dt.category == COMPLEX:
            top = make(np.max(x.array.real, self.dim, keepdims=True))
            weights = (x - top).exp()
            return cumsum(tangent * weights, self.dim) / cumsum(weights, self.dim)
        # As logarithms, too: weights relative to the largest element are all zero before it when it is far above them.
        # Where all elements so far are -inf the difference is inf - inf; the tangent there is zero, as in PyTorch.
        finite = result.masked_fill(make(np.asarray(np.isneginf(result.array))), 0)
        if untracked(tangent):
            return self.forward_part(tangent, x, finite) - self.forward_part(-tangent, x, finite)
        shift = positive_shift(tangent)
        return self.forward_part(tangent + shift, x, finite) - self.forward_part(shift, x, finite)

    def forward_part(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        """Contribution of the positive tangents."""
        none = make(np.asarray(tangent.array <= 0))
        logs = (tangent.masked_fill(none, 1).log() + x).masked_fill(none, np.finfo(x.dt.np).min.item())
        return (logcumsumexp(logs, self.dim) - result).exp()


def positive_shift(t: Tensor) -> Tensor:
    """What makes every element positive when added: a map that is linear in ``t`` can then be differentiated at 0, too."""
    size = np.abs(t.array)
    return make(np.asarray(np.where(size == 0, np.max(size, initial=0) or 1, 2 * size), dtype=t.dt.np))


def complex_logcumsumexp_gradient(grad: Tensor, x: Tensor, result: Tensor, dim: int) -> Tensor:
    """Gradient for complex numbers, relative to the largest real part, or pair by pair where that is too far off."""
    if x.array.size == 0:
        return grad
    top = make(np.max(x.array.real, dim, keepdims=True))
    if not in_reach(x.array, top.array):
        steps = x.movedim(dim, -1).unsqueeze(-1) - result.movedim(dim, -1).unsqueeze(-2)
        later = make(np.tri(x.shp[dim], k=-1, dtype=np.bool_))
        slopes = steps.masked_fill(later, -np.inf).exp().conj()
        return (slopes * grad.movedim(dim, -1).unsqueeze(-2)).sum(-1).movedim(-1, dim)
    return (x - top).exp().conj() * sum_of_rest(grad * (top - result).exp().conj(), dim)


class RunningExtreme(General):
    """Base of running maximum and minimum: the gradient goes to the place each value came from (the latest of ties)."""

    largest: bool = True

    def __init__(self, x: TensorBase, dim: Any) -> None:
        self.dim: int = wrap_dim(dim, len(x.shp))

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        if x.ndim == 0:
            return [x[()], np.int64(0)]
        if kernels.handles(x):
            return list(kernels.running_extreme(x, self.dim, self.largest))
        values = (_maximum if self.largest else _minimum)(x, self.dim, None, np.empty(x.shape, x.dtype))
        return [values, latest_places(x, values, self.dim)]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        indices = self.tensor("indices")
        if grad is None or len(indices.shp) == 0:
            return [grad]
        zeros: Tensor = make(np.zeros(indices.shp, grad.dt.np))
        return [zeros.scatter_add(self.dim, indices, grad)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [tangent.gather(self.dim, results[1]) if len(tangent.shp) > 0 else tangent, None]

    def output_names(self) -> list[str]:
        return ["values", "indices"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False]

    def saves(self) -> list[str]:
        return ["indices"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


def latest_places(x: Any, values: Any, dim: int) -> Any:
    """Where running extremes ``values`` of ``x`` were found last, for a block of places along ``dim`` at a time."""
    n = x.shape[dim]
    out = np.empty(x.shape, np.int64)
    x, values, lines = [move_axis(a, dim, -1) for a in (x, values, out)]
    last: Any = 0
    step = max(1, BLOCK * n // max(1, x.size))
    for start in range(0, n, step):
        part = slice(start, start + step)
        found = x[..., part] == values[..., part]
        if x.dtype.kind == "f":
            found |= np.isnan(x[..., part])
        place = np.where(found, np.arange(start, min(start + step, n)), 0)
        np.maximum(place[..., :1], last, out=place[..., :1])
        _maximum(place, -1, None, lines[..., part])
        last = lines[..., min(start + step, n) - 1, None]
    return out


class CummaxBackward0(RunningExtreme):
    """Running maximum."""


class CumminBackward0(RunningExtreme):
    """Running minimum."""

    largest: bool = False


def cumsum(self: Tensor, dim: Any, *, dtype: Any = None) -> Tensor:
    """Running sum along a dimension; integers and masks as int64.

    Args:
        self: tensor of any dtype.
        dim: dimension.
        dtype: convert to this dtype first.

    Gradient:
        At each place the sum of the gradients from there on.

    Variants: function method inplace out
    """
    return unary(scan(CumsumBackward0(wrap_dim(dim, len(self.shp))), self, dtype, "cumsum"), self)


def cumprod(self: Tensor, dim: Any, *, dtype: Any = None) -> Tensor:
    """Running product along a dimension; integers and masks as int64.

    Gradient:
        ``sum_j grad_j prod_{k <= j, k != i} self_k``; exact where elements are zero, and again differentiable.

    Variants: function method inplace out
    """
    return unary(scan(CumprodBackward0(wrap_dim(dim, len(self.shp))), self, dtype, "cumprod"), self)


def complex_logcumsumexp(x: Any, dim: int) -> Any:
    """Value for complex numbers: sums of exponentials below that of the largest, or one by one where these would vanish."""
    if x.shape[dim] == 0:
        return x.copy()
    top = np.max(x.real, dim, keepdims=True)
    if in_reach(x, top):
        return np.log(_add(np.exp(x - top), dim)) + top
    out = move_axis(x.copy(), dim, 0)
    for i in range(1, len(out)):
        before, here = out[i - 1 : i], out[i : i + 1]
        larger = np.maximum(before.real, here.real)
        larger[~np.isfinite(larger)] = 0
        here[...] = np.log(np.exp(before - larger) + np.exp(here - larger)) + larger
    return move_axis(out, 0, dim)


def in_reach(x: Any, top: Any) -> bool:
    """Whether no exponential of complex numbers vanishes beside that of the largest real part."""
    return bool(np.all(x.real - top > np.log(np.finfo(x.dtype).tiny)))


def scan(op: Scan, x: TensorBase, dtype: Any, name: str) -> Scan:
    """``op`` with the dtype asked for."""
    if dtype is not None:
        op.target = parse_dtype(dtype, name)
        op.source = x.dt
    return op


def logcumsumexp(self: Tensor, dim: Any) -> Tensor:
    """Logarithm of the running sum of exponentials along a dimension, without overflow.

    Variants: function method out
    """
    return unary(LogcumsumexpBackward0(wrap_dim(dim, len(self.shp))), self)


def cummax(self: Tensor, dim: Any, *, out: Any = None) -> Any:
    """Running maximum along a dimension and where it was found (the latest place of ties).

    Returns:
        Named tuple ``(values, indices)``.

    Gradient:
        To the place each value came from.

    Variants: function method
    """
    check_order(self, "cummax_cpu")
    return return_types.cummax(deliver("cummax", out, general_many(CummaxBackward0(self, dim), [self])))


def cummin(self: Tensor, dim: Any, *, out: Any = None) -> Any:
    """Running minimum along a dimension and where it was found (the latest place of ties).

    Variants: function method
    """
    check_order(self, "cummin_cpu")
    return return_types.cummin(deliver("cummin", out, general_many(CumminBackward0(self, dim), [self])))


def diff(self: Tensor, n: Any = 1, dim: Any = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along a dimension, taken ``n`` times; for masks, whether they differ.

    Args:
        self: tensor with at least one dimension.
        n: how often.
        dim: dimension.
        prepend, append: tensors put in front and behind first.

    Variants: function method out
    """
    if len(self.shp) == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    d = wrap_dim(dim, len(self.shp))
    parts = [t for t in (prepend, self, append) if t is not None]
    t: Tensor = self if len(parts) == 1 else join.cat(parts, d)
    for _ in range(min(n, t.shp[d])):
        length = t.shp[d] - 1
        after, before = t.narrow(d, 1, length), t.narrow(d, 0, length)
        t = after.logical_xor(before) if t.dt.category == BOOL else after - before
    return t


def trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: Any = -1) -> Tensor:
    """Integral along a dimension by the trapezoidal rule.

    Args:
        y: values.
        x: places, with the size of ``dim`` or the shape of ``y``; by default ``dx`` apart.
        dx: distance of the places, 1 by default.
        dim: dimension.

    Variants: function
    Aliases: trapz
    """
    d = sampled_dim("trapezoid", y, dim)
    if y.shp[d] == 0:
        return y.sum(d).to(y.dt)
    if x is not None:
        return unary(DivBackward1(2.0), (widths_of(x, y, d) * pair_sums(y, d)).sum(d))
    ends = unary(MulBackward1(0.5), y.select(d, 0) + y.select(d, -1))
    return unary(MulBackward1(1.0 if dx is None else dx), y.sum(d) - ends)


def cumulative_trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: Any = -1) -> Tensor:
    """Running integral along a dimension by the trapezoidal rule, as :func:`trapezoid`; one element shorter than ``y``.

    Variants: function
    """
    d = sampled_dim("cumulative_trapezoid", y, dim)
    if x is not None:
        return unary(DivBackward1(2.0), cumsum(widths_of(x, y, d) * pair_sums(y, d), d))
    width = 1.0 if dx is None else number_of(dx, "cumulative_trapezoid", "dx")
    return cumsum(unary(MulBackward1(width / 2.0), pair_sums(y, d)), d)


def sampled_dim(function: str, y: Tensor, dim: Any) -> int:
    """The dimension of the samples of an integral."""
    d = wrap_dim(dim, len(y.shp))
    if len(y.shp) == 0:
        raise errors.no_dimensions(int_of(dim, "dim"))
    if y.dt is bool_:
        raise RuntimeError(f"{function}: received a bool input for `y`, but bool is not supported")
    return d


def pair_sums(y: Tensor, d: int) -> Tensor:
    """Sums of neighbours along a dimension."""
    n = max(y.shp[d] - 1, 0)
    return y.narrow(d, y.shp[d] - n, n) + y.narrow(d, 0, n)


def widths_of(x: Tensor, y: Tensor, d: int) -> Tensor:
    """Distances of neighbours, ready to be multiplied with values of the shape of ``y``."""
    if x.shp[-1 if len(x.shp) == 1 else d] != y.shp[d]:
        raise RuntimeError("trapezoid: There must be one `x` value for each sample point")
    e = d
    if len(x.shp) == 1:
        x = x.reshape((-1,) + (1,) * (len(y.shp) - d - 1))
        e = 0
    n = max(x.shp[e] - 1, 0)
    widths: Tensor = x.narrow(e, x.shp[e] - n, n) - x.narrow(e, 0, n)
    return widths


from . import join  # noqa: E402
