"""Norms and distances.

Gradients at kinks: 0 where a norm is 0; for infinite p shared by the elements that tie, with their signs.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import COMPLEX, FLOATING, DType, float16, parse_dtype, promote_types
from .._core.tensor_base import TensorBase
from .._record.common import (
    RESULT,
    SELF,
    broadcast_size,
    converted,
    int_of,
    make,
    number_of,
    result_type,
    sum_to,
    untracked,
    wrap_dim,
)
from .._record.general import General, general
from .._record.reduction import Reduction, axes, over, reduce
from ..kernels import blocks, formulas, reductions
from ..kernels import bulk as kernels
from .linalg_checks import check_floating

if TYPE_CHECKING:
    from .._tensor import Tensor

_add: Final[Any] = np.add.reduce
INF: Final = float("inf")
KERNELS: Final[dict[Any, Any]] = {1: reductions.norm_1, 2: reductions.norm_2, INF: reductions.norm_inf}
SLOPES: Final[dict[Any, Any]] = {1: formulas.norm_1_slope, 2: formulas.norm_2_slope}
BLOCK: Final = 1 << 18  # differences of coordinates in memory at once


class LinalgVectorNormBackward0(Reduction):
    """p-norm over dimensions: sum(|x|**p)**(1/p); number of nonzero elements for p = 0, largest for inf, smallest for -inf."""

    reads: i64 = SELF | RESULT
    ord: Any = 2

    def forward(self, x: Any) -> Any:
        if x.dtype == float16.np:
            return self.forward(x.astype(np.float32)).astype(x.dtype)
        return norm_array(x, self.ord, axes(self), self.keepdim)

    def out_dtype(self, dt: DType) -> DType:
        return dt.to_real()

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        if self.ord in SLOPES and x.dt.np.char in "fd" and untracked(grad) and untracked(x):
            return make(SLOPES[self.ord](self.opened(grad).array, x.array, self.opened(result).array))
        return self.spread(grad) * norm_slope(x, self.opened(result), self.ord, axes(self))

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """A count has no gradient."""
        return (None, None) if self.ord == 0 else Reduction.vjp(self, grad)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        product = tangent * norm_slope(x, self.opened(result), self.ord, axes(self)).conj()
        if product.dt.category == COMPLEX:
            product = product.real
        return product.sum(self.dims, self.keepdim)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dims, "keepdim": self.keepdim, "ord": self.ord}


class NormBackward1(LinalgVectorNormBackward0):
    """The same, in distances of pairs."""

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dims, "keepdim": self.keepdim, "p": self.ord}


class DistBackward0(General):
    """p-norm of a difference."""

    def __init__(self, p: Any) -> None:
        self.p: Any = p

    def forward(self, arrays: list[Any]) -> Any:
        return norm_array(np.asarray(arrays[0] - arrays[1]), self.p, None, False)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        x, y = self.tensor("self"), self.tensor("other")
        slope = grad * norm_slope(x - y, self.tensor("result"), self.p, None)
        return [
            sum_to(slope, x.shp) if self.wanted(0) else None,
            sum_to(-slope, y.shp) if self.wanted(1) else None,
        ]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        first, second = tangents
        change = first if second is None else -second if first is None else first - second
        assert change is not None
        product = change * norm_slope(inputs[0] - inputs[1], results[0], self.p, None).conj()
        return [(product.real if product.dt.category == COMPLEX else product).sum()]

    def input_names(self) -> list[str]:
        return ["self", "other"]

    def saves(self) -> list[str]:
        return ["self", "other", "result"]

    def parameters(self) -> dict[str, Any]:
        return {"p": self.p}


class CdistBackward0(General):
    """p-norm distance of each row of one matrix to each row of another."""

    def __init__(self, p: Any) -> None:
        self.p: Any = p

    def forward(self, arrays: list[Any]) -> Any:
        x, y = arrays
        if self.direct(x, y):
            return kernels.distances(x, y, int(self.p))
        blocks = self.blocks(x.shape, y.shape)
        if len(blocks) == 1:
            return norm_array(x[..., :, None, :] - y[..., None, :, :], self.p, -1, False)
        stack = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        out = np.empty((*stack, x.shape[-2], y.shape[-2]), x.dtype)
        for rows in blocks:
            out[..., rows, :] = norm_array(x[..., rows, None, :] - y[..., None, :, :], self.p, -1, False)
        return out

    def direct(self, x: Any, y: Any) -> bool:
        """Whether kernels take these matrices."""
        return self.p in (1, 2) and x.shape[:-2] == y.shape[:-2] and kernels.handles(x, y)

    def blocks(self, first: tuple[int, ...], second: tuple[int, ...]) -> list[slice]:
        """Rows of x1 to take at once, so that about ``BLOCK`` differences stand in memory."""
        each = second[-2] * second[-1]
        for n in np.broadcast_shapes(first[:-2], second[:-2]):
            each *= n
        step = max(1, BLOCK // max(1, each))
        return [slice(start, start + step) for start in range(0, max(first[-2], 1), step)]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        x, y, result = self.tensor("x1"), self.tensor("x2"), self.tensor("result")
        blocks = self.blocks(x.shp, y.shp)
        plain = untracked(grad) and untracked(x) and untracked(y)
        if plain and self.direct(x.array, y.array):
            weight = pair_weight(grad.array, result.array, self.p)
            return [
                make(kernels.distance_sums(x.array, y.array, weight, int(self.p), False)) if self.wanted(0) else None,
                make(kernels.distance_sums(y.array, x.array, weight, int(self.p), True)) if self.wanted(1) else None,
            ]
        if len(blocks) == 1 or not plain:
            return self.slopes(grad, x, y, result)
        firsts: list[Any] = []
        second: Any = 0
        for rows in blocks:
            part = make(x.array[..., rows, :])
            a, b = self.slopes(make(grad.array[..., rows, :]), part, y, make(result.array[..., rows, :]))
            if a is not None:
                firsts.append(a.array)
            if b is not None:
                second = second + b.array
        return [
            make(np.concatenate(firsts, -2)) if self.wanted(0) else None,
            make(second) if self.wanted(1) else None,
        ]

    def slopes(self, grad: Tensor, x: Tensor, y: Tensor, result: Tensor) -> list[Tensor | None]:
        """Gradients of both matrices, over all pairs of their rows at once."""
        steps = x.unsqueeze(-2) - y.unsqueeze(-3)
        slope = grad.unsqueeze(-1) * norm_slope(steps, result.unsqueeze(-1), self.p, -1)
        return [
            sum_to(slope.sum(-2), x.shp) if self.wanted(0) else None,
            sum_to(-slope.sum(-3), y.shp) if self.wanted(1) else None,
        ]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        first = None if tangents[0] is None else tangents[0].unsqueeze(-2)
        second = None if tangents[1] is None else tangents[1].unsqueeze(-3)
        change = first if second is None else -second if first is None else first - second
        assert change is not None
        steps = inputs[0].unsqueeze(-2) - inputs[1].unsqueeze(-3)
        return [(change * norm_slope(steps, results[0].unsqueeze(-1), self.p, -1)).sum(-1)]

    def input_names(self) -> list[str]:
        return ["x1", "x2"]

    def saves(self) -> list[str]:
        return ["x1", "x2", "result"]

    def parameters(self) -> dict[str, Any]:
        return {"p": self.p}


def pair_weight(grad: Any, distance: Any, p: Any) -> Any:
    """What the difference of a pair (for p = 1 its sign) is multiplied by in the gradient; 0 for equal rows."""
    return grad if p == 1 else formulas.quotient_or_zero(grad, distance)


class RenormBackward0(General):
    """Slices scaled down to a norm of at most ``maxnorm``: x f(norm) with f(n) = maxnorm / (n + 1e-7) above, 1 below."""

    def __init__(self, p: Any, dim: int, maxnorm: Any) -> None:
        self.p: Any = p
        self.dim: int = dim
        self.maxnorm: Any = maxnorm

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        sizes = norm_array(x, self.p, self.others(x.ndim), True)
        factor = np.where(sizes > self.maxnorm, self.maxnorm / (sizes + 1e-7), 1)
        return x * factor.astype(x.dtype, copy=False)

    def others(self, ndim: int) -> tuple[int, ...]:
        """The dimensions of a slice."""
        return tuple([i for i in range(ndim) if i != self.dim])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        x = self.tensor("self")
        factor, slope, towards = self.factors(x)
        inner = x * grad.conj()
        along = (inner.real if inner.dt.category == COMPLEX else inner).sum(self.others(len(x.shp)), True)
        return [grad * factor + towards * (along * slope)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        factor, slope, towards = self.factors(inputs[0])
        inner = towards.conj() * tangent
        along = (inner.real if inner.dt.category == COMPLEX else inner).sum(self.others(len(tangent.shp)), True)
        return [tangent * factor + inputs[0] * (along * slope)]

    def factors(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """f(n), f'(n), and the derivative of the norm n."""
        axis = self.others(len(x.shp))
        sizes = vector_norm(x, self.p, axis, True)
        small = make(sizes.array <= self.maxnorm)
        factor = ((sizes + 1e-7).reciprocal() * self.maxnorm).masked_fill(small, 1)
        slope = ((sizes + 1e-7).pow(-2) * -self.maxnorm).masked_fill(small, 0)
        return factor, slope, norm_slope(x, sizes, self.p, axis)

    def saves(self) -> list[str]:
        return ["self"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "maxnorm": self.maxnorm, "p": self.p}


def norm_array(x: Any, p: Any, axis: Any, keepdim: bool) -> Any:
    """p-norm of an array."""
    fused = KERNELS[p](x, axis, keepdim) if p in KERNELS else None
    if fused is not None:
        return fused
    if isinstance(x, np.ndarray) and x.size > blocks.BLOCK:
        return norm_by_blocks(x, p, axis, keepdim)
    if p == 2:
        return np.sqrt(_add(squares(x), axis, None, None, keepdim))
    size = np.abs(x)
    if p == 1:
        return _add(size, axis, None, None, keepdim)
    if p == 0:
        return _add(size != 0, axis, size.dtype, None, keepdim)
    if p == INF:
        return (
            np.max(size, axis, keepdims=keepdim, initial=0) if size.size == 0 else np.max(size, axis, keepdims=keepdim)
        )
    if p == -INF:
        return np.min(size, axis, keepdims=keepdim)
    return _add(size**p, axis, None, None, keepdim) ** (1.0 / p)


def norm_by_blocks(x: Any, p: Any, axis: Any, keepdim: bool) -> Any:
    """The same of a large array: only a block of powers is in memory."""
    over_axes = (axis,) if isinstance(axis, int) else axis
    if p == 2:
        found = np.sqrt(blocks.reduced(np.add, squares, [x], over_axes))
    elif p == 1:
        found = blocks.reduced(np.add, np.abs, [x], over_axes)
    elif p == 0:
        found = blocks.reduced(np.add, np.not_equal, [x, np.zeros((1,) * x.ndim, x.dtype)], over_axes)
        found = found.astype(x.real.dtype)
    elif abs(p) == INF:
        found = blocks.reduced(np.maximum if p > 0 else np.minimum, np.abs, [x], over_axes)
    else:
        found = blocks.reduced(np.add, partial(powers, p), [x], over_axes) ** (1.0 / p)
    return found if keepdim else found.squeeze(over_axes)[()]


def squares(x: Any) -> Any:
    """Squares of absolute values."""
    return x * x if x.dtype.kind != "c" else x.real * x.real + x.imag * x.imag


def powers(p: Any, x: Any) -> Any:
    """Powers of absolute values."""
    size = np.abs(x)
    return np.power(size, p, out=size)


def norm_slope(x: Tensor, result: Tensor, p: Any, axis: Any) -> Tensor:
    """Derivative of the p-norm ``result`` (shaped so that it broadcasts to x) for each element of x."""
    if p == 0:
        return x * 0
    if p == 1:
        return x.sgn()
    still = make(result.array == 0)
    if p == 2:
        return (x / result).masked_fill(still, 0)
    if p == INF or p == -INF:
        mask = np.abs(x.array) == result.array
        mask |= np.isnan(x.array) & np.isnan(result.array)
        return x.sgn() * make(mask / _add(mask, axis, None, None, axis is not None)).to(result.dt)
    if p < 1:
        powers = (x.sgn() * x.abs().pow(p - 1)).masked_fill(make(x.array == 0), 0)
        return powers * result.pow(1 - p)
    powers = x.sgn() * x.abs().pow(p - 1) if p < 2 else x * x.abs().pow(p - 2)
    return powers / result.pow(p - 1).masked_fill(still, INF)


def order_of(p: Any) -> Any:
    """An order as a real Python number."""
    order = (
        p.array.item()
        if isinstance(p, TensorBase) and p.array.size == 1
        else number_of(p, "linalg_vector_norm", "ord", 2)
    )
    if isinstance(order, complex):
        raise RuntimeError("linalg.vector_norm: Expected a non-complex scalar as the order of norm.")
    return order


def widened(name: str, x: Tensor, dtype: Any) -> Tensor:
    """``x`` in the dtype that a call asks for, which must hold all its numbers."""
    check_floating(name, x, half=True)
    if dtype is None:
        return x
    target = parse_dtype(dtype, name)
    if target.category < FLOATING:
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {target.title}")
    if target.category != x.dt.category:
        kind = "complex" if x.dt.category == COMPLEX else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {target.title}")
    if promote_types(x.dt, target) is not target:
        raise RuntimeError(
            errors.with_hints(
                f"{name}: the dtype of the input ({x.dt.title}) should be convertible without narrowing to the specified dtype "
                f"({target.title})",
                "try: convert the tensor first with .to(dtype)",
            )
        )
    return converted(x, target)


def vector_norm(self: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """p-norm over dimensions, ``sum(abs(x)**p)**(1/p)``; a real tensor.

    Args:
        self: floating or complex tensor.
        ord: the order p; 0 counts nonzero elements, inf takes the largest, -inf the smallest.
        dim: dimension or several; None for all.
        keepdim: keep reduced dimensions with size 1.
        dtype: convert to this dtype first.

    Gradient:
        ``x abs(x)**(p-2) / result**(p-1)``; 0 where the norm is 0; for infinite p shared by ties, with their signs.

    Raises:
        RuntimeError: for integers.

    Variants: linalg out
    """
    return p_norm(LinalgVectorNormBackward0(), self, ord, dim, keepdim, dtype)


def p_norm(op: LinalgVectorNormBackward0, x: Tensor, p: Any, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
    """Check and run."""
    x = widened("linalg.vector_norm", x, dtype)
    op.ord = order_of(p)
    over(op, x, None if isinstance(dim, (tuple, list)) and len(dim) == 0 else dim, keepdim)
    if op.ord < 0 or op.ord == INF:
        check_identity(op)
    return reduce(op, x)


def check_identity(op: LinalgVectorNormBackward0) -> None:
    """The largest of nothing does not exist."""
    name = "inf" if op.ord == INF else "-inf" if op.ord == -INF else f"{op.ord:g}"
    if 0 not in op.shape:
        return
    if op.dims is None or len(op.dims) == len(op.shape):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {name} norm on an empty tensor because the operation does not have an "
            "identity"
        )
    for d in op.dims:
        if op.shape[d] == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {name} norm on the dimension {d}because this dimension is empty and "
                "the operation does not have an identity"
            )


def norm(self: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Norm of all elements or over dimensions: ``"fro"`` (the 2-norm), ``"nuc"`` (sum of singular values), or a p-norm.

    Gradient:
        As for ``linalg.vector_norm``.

    Variants: function method out
    """
    if p is None or (p == "fro" and not (isinstance(dim, (tuple, list)) and len(dim) > 2)):
        return vector_norm(self, 2, dim, keepdim, dtype=dtype)
    if isinstance(p, str):
        return matrix_norm(self, p, range(len(self.shp)) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(self, p, dim, keepdim, dtype=dtype)


def linalg_norm(self: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Norm of a vector or matrix.

    Args:
        self: floating or complex tensor.
        ord: None for the 2-norm of all elements; else the order of a vector norm (one dimension) or matrix norm (two).
        dim: one dimension for vectors, two for matrices; None to go by the tensor's own.
        keepdim: keep reduced dimensions with size 1.
        dtype: convert to this dtype first.

    Variants: linalg out
    Name: norm
    """
    if isinstance(dim, (tuple, list)) and len(dim) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    if ord is None:
        return vector_norm(self, 2, dim, keepdim, dtype=dtype)
    dims = dim
    if dims is None:
        if len(self.shp) not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {len(self.shp)}D."
            )
        dims = tuple(range(len(self.shp)))
    if isinstance(ord, str) or (isinstance(dims, (tuple, list)) and len(dims) == 2):
        return matrix_norm(self, ord, dims, keepdim, dtype=dtype)
    return vector_norm(self, ord, dims, keepdim, dtype=dtype)


def matrix_norm(
    self: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Norm of the matrices in two dimensions.

    Args:
        self: (..., n, m).
        ord: ``"fro"``; ``"nuc"``, sum of singular values; 1 and -1, largest and smallest sum of a column; inf and -inf, of a
            row; 2 and -2, largest and smallest singular value.
        dim: the two dimensions.
        keepdim: keep them with size 1.
        dtype: convert to this dtype first.

    Variants: linalg out
    """
    if len(self.shp) < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    check_floating("linalg.matrix_norm", self, half=ord not in ("nuc", 2, -2))
    given = tuple(dim) if isinstance(dim, (tuple, list, range)) else (int_of(dim, "dim"),)
    if len(given) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(str(d) for d in given)}")
    rows, columns = wrap_dim(given[0], len(self.shp)), wrap_dim(given[1], len(self.shp))
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({given[0]}, {given[1]})")
    x = widened("linalg.matrix_norm", self, dtype)
    if ord == "fro":
        return vector_norm(x, 2, (rows, columns), keepdim)
    if ord in (1, -1, INF, -INF):
        return by_sums(x, rows, columns, ord, keepdim)
    if ord in ("nuc", 2, -2):
        return by_singular_values(x, rows, columns, ord, keepdim)
    raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")


def by_sums(x: Tensor, rows: int, columns: int, ord: Any, keepdim: bool) -> Tensor:
    """Extreme of the sums of columns or rows."""
    added, kept = (rows, columns) if abs(ord) == 1 else (columns, rows)
    if not keepdim and added < kept:
        kept -= 1
    sums = vector_norm(x, 1, added, keepdim)
    return largest(sums, kept, keepdim) if ord > 0 else sums.amin(kept, keepdim)


def largest(sizes: Tensor, dim: int, keepdim: bool = False) -> Tensor:
    """Maximum of numbers that are not negative: 0 of none."""
    if sizes.shp[dim] == 0:
        return sizes.sum(dim, keepdim)
    return sizes.amax(dim, keepdim)


def by_singular_values(x: Tensor, rows: int, columns: int, ord: Any, keepdim: bool) -> Tensor:
    """Sum or extreme of the singular values."""
    from .linalg_svd import svdvals  # that page's neighbours use this one

    values = svdvals(x.movedim((rows, columns), (-2, -1)))
    found = values.sum(-1) if ord == "nuc" else largest(values, -1) if ord == 2 else values.amin(-1)
    if not keepdim:
        return found
    for d in sorted((rows, columns)):
        found = found.unsqueeze(d)
    return found


def dist(self: Tensor, other: Tensor, p: Any = 2) -> Tensor:
    """p-norm of ``self - other``, which are broadcast; a 0-d tensor.

    Raises:
        RuntimeError: for shapes that do not broadcast; where both are integers or masks.

    Variants: function method
    """
    dt = result_type([self, other])
    broadcast_size(self.shp, other.shp, "dist")
    if dt.category < FLOATING:
        raise RuntimeError(f"norm(): input dtype should be either floating point or complex. Got {dt.title} instead.")
    return general(DistBackward0(order_of(p)), [converted(self, dt), converted(other, dt)])


def cdist(x1: Tensor, x2: Tensor, p: Any = 2.0, compute_mode: Any = None) -> Tensor:
    """p-norm distance of each row of one matrix to each row of another.

    Args:
        x1: (..., n, d).
        x2: (..., m, d); leading dimensions are broadcast.
        p: order of the norm.
        compute_mode: PyTorch's choice of method; distances are always computed from the differences here.

    Returns:
        New tensor (..., n, m).

    Gradient:
        0 for rows at distance 0.

    Variants: function
    """
    for name, t in (("X1", x1), ("X2", x2)):
        if len(t.shp) < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {len(t.shp)}D")
        if t.dt.category != FLOATING:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {t.dt.title}")
    if x1.shp[-1] != x2.shp[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shp[-1]} X2: {x2.shp[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if x1.dt is not x2.dt:
        raise RuntimeError(f"expected scalar type {x1.dt.title} but found {x2.dt.title}")
    return general(CdistBackward0(p), [x1, x2])


def pairwise_distance(x1: Tensor, x2: Tensor, p: Any = 2.0, eps: Any = 1e-6, keepdim: bool = False) -> Tensor:
    """p-norm of ``x1 - x2 + eps`` along the last dimension.

    Variants: function nn
    """
    for i, t in enumerate((x1, x2)):
        if not isinstance(t, TensorBase):
            raise errors.argument_type("pairwise_distance", f"x{i + 1}", i + 1, "Tensor", t)
    return p_norm(NormBackward1(), x1 - x2 + eps, p, -1, keepdim, None)


def renorm(self: Tensor, p: Any, dim: Any, maxnorm: Any) -> Tensor:
    """Slices along a dimension scaled down so that none has a p-norm above ``maxnorm``.

    Variants: function method inplace out
    """
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if len(self.shp) < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {len(self.shp)} dimensions")
    check_floating("linalg.vector_norm", self, half=True)
    return general(RenormBackward0(p, wrap_dim(dim, len(self.shp)), maxnorm), [self])
