"""Variance and standard deviation, covariance, median, mode, quantiles, counts."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, return_types
from .._core.compat import i64
from .._core.dtypes import COMPLEX, FLOATING, DType, float16, float32, float64
from .._core.tensor_base import TensorBase
from .._record.common import RESULT, SELF, make, wrap_dim
from .._record.general import General, general_many
from .._record.reduction import Reduction, axes, over, reduce
from .._record.selection import Selection, check_not_empty, check_order, deliver
from ..kernels import array_sum, formulas
from ..kernels.arrays import move_axis
from ..kernels.blocks import BLOCK

if TYPE_CHECKING:
    from .._tensor import Tensor

_add: Final[Any] = np.add.reduce


class Spread(Reduction):
    """Base of the nodes of variance and standard deviation.

    The sum of squared distances to the mean is divided by ``n - correction``.
    """

    correction: Any = 1

    def variance(self, x: Any) -> Any:
        """Variance of an array, from its deviations from the mean (two passes: no cancellation)."""
        if x.dtype == float16.np:
            x = x.astype(np.float32)
        axis = axes(self)
        count = self.count()
        left = count - self.correction
        freedom = float(left) if left > 0 else 0.0
        if x.dtype.kind == "f" and x.ndim > 0 and x.size > 0:
            fused = self.fused_variance(x, tuple(range(x.ndim)) if axis is None else axis, freedom)
            if fused is not None:
                return fused
        deviation = x - _add(x, axis, None, None, True) / count
        if deviation.dtype.kind == "c":
            deviation = np.abs(deviation)
        deviation *= deviation
        total = _add(deviation, axis, None, None, self.keepdim)
        return total / freedom

    def fused_variance(self, x: Any, axis: tuple[int, ...], freedom: float) -> Any:
        """The same by kernels, where the reduced dimensions come last or first."""
        kept = x.ndim - len(axis)
        if axis == tuple(range(kept, x.ndim)):
            found = formulas.variance(len(axis), x, freedom)
        elif axis == tuple(range(len(axis))):
            mean = array_sum(x, axis, True) / x.dtype.type(self.count())
            found = formulas.squares_below(kept, x, mean) / x.dtype.type(freedom)
        else:
            return None
        return found if self.keepdim else found.reshape([n for i, n in enumerate(x.shape) if i not in axis])[()]

    def freedom(self) -> Any:
        """Degrees of freedom: what the sum of squares is divided by."""
        left = self.count() - self.correction
        return left if left > 0 else 0.0

    def deviation(self, x: Tensor) -> Tensor:
        """Distance of each element to its mean."""
        return x - x.mean(self.dims, True) if self.dims is not None else x - x.mean()

    def out_dtype(self, dt: DType) -> DType:
        return dt.to_real()

    def rise(self, grad: Tensor, x: Tensor) -> Tensor:
        """Gradient of the variance: 2 (x - mean) / (n - correction)."""
        return self.spread(grad) * (self.deviation(x) * (2.0 / self.freedom() if self.freedom() else np.inf))

    def tangent(self, tangent: Tensor, x: Tensor) -> Tensor:
        """Tangent of the variance."""
        product = tangent * self.deviation(x).conj()
        if product.dt.category == COMPLEX:
            product = product.real
        return product.sum(self.dims, self.keepdim) * (2.0 / self.freedom() if self.freedom() else np.inf)

    def parameters(self) -> dict[str, Any]:
        return {"correction": self.correction, "dim": self.dims, "keepdim": self.keepdim}


class VarBackward0(Spread):
    """Variance.  d/dx_i = 2 (x_i - mean) / (n - correction)."""

    reads: i64 = SELF

    def forward(self, x: Any) -> Any:
        return self.variance(x).astype(x.real.dtype, copy=False)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return self.rise(grad, x)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return self.tangent(tangent, x)


class StdBackward0(Spread):
    """Standard deviation.  d/dx_i = (x_i - mean) / (result (n - correction)), 0 where the result is 0."""

    reads: i64 = SELF | RESULT

    def forward(self, x: Any) -> Any:
        return np.sqrt(self.variance(x)).astype(x.real.dtype, copy=False)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        return self.rise((grad / (result * 2)).masked_fill(make(result.array == 0), 0), x)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return (self.tangent(tangent, x) / (result * 2)).masked_fill(make(result.array == 0), 0)


class VarMeanBackward0(General):
    """Variance and mean at once."""

    def __init__(self, x: TensorBase, dim: Any, keepdim: bool, correction: Any) -> None:
        self.first: Spread = self.kind()
        self.first.correction = correction
        over(self.first, x, dim, keepdim)

    def kind(self) -> Spread:
        """The operator of the first result."""
        return VarBackward0()

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        op = self.first
        wide = x.astype(np.float32) if x.dtype == float16.np else x
        average = _add(wide, axes(op), None, None, op.keepdim) / op.count()
        return [op.forward(x), average.astype(x.dtype, copy=False)]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        op = self.first
        total: Tensor | None = None
        if grads[0] is not None:
            x = self.tensor("self")
            total = op.grad_self(grads[0], x, self.tensor("result0") if op.reads & RESULT else None)
        if grads[1] is not None:
            part = op.spread(grads[1]) / op.count()
            total = part if total is None else total + part
        return [total]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        op = self.first
        return [op.forward_grad(tangent, inputs[0], results[0]), tangent.mean(op.dims, op.keepdim)]

    def output_names(self) -> list[str]:
        return ["result0", "result1"]

    def saves(self) -> list[str]:
        return ["self"]

    def parameters(self) -> dict[str, Any]:
        return self.first.parameters()


class StdMeanBackward0(VarMeanBackward0):
    """Standard deviation and mean at once."""

    def kind(self) -> Spread:
        return StdBackward0()

    def saves(self) -> list[str]:
        return ["self", "result0"]


def set_up(name: str, op: Spread, x: TensorBase, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> Spread:
    """Parameters of a variance as PyTorch takes them: ``var(False)`` is ``unbiased=False``."""
    check_spread(x)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    over(op, x, dim, keepdim)
    op.correction = correction_of(unbiased, correction)
    warn_freedom(name, op)
    return op


def check_spread(x: TensorBase) -> None:
    """Integers have no variance in their own dtype."""
    if x.dt.category < FLOATING:
        raise RuntimeError(
            errors.with_hints("std and var only support floating point and complex dtypes", "try: x.float() first")
        )


def correction_of(unbiased: Any, correction: Any) -> Any:
    """``unbiased`` is the old way to say ``correction=1``."""
    if correction is None:
        return 1 if unbiased is None or unbiased else 0
    return correction


def warn_freedom(name: str, op: Spread) -> None:
    """Dividing by nothing gives NaN or inf: PyTorch warns."""
    if op.count() - op.correction <= 0 and 0 not in [n for i, n in enumerate(op.shape) if op.dims and i not in op.dims]:
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel "
            "divided by output numel).",
            UserWarning,
            stacklevel=4,
        )


def var(
    self: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    """Variance of the elements, over all dimensions or some.

    Args:
        self: floating or complex tensor.
        dim: dimension or several; None for all.
        unbiased: False for ``correction=0``.
        keepdim: keep reduced dimensions with size 1.
        correction: the sum of squared deviations is divided by ``n - correction``; 1 by default.

    Gradient:
        ``2 (self - mean) / (n - correction)``.

    Raises:
        RuntimeError: for integers and masks.

    Variants: function method out
    """
    return reduce(set_up("var", VarBackward0(), self, dim, unbiased, keepdim, correction), self)


def std(
    self: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    """Standard deviation of the elements, over all dimensions or some: square root of :meth:`var`.

    Gradient:
        ``(self - mean) / (result (n - correction))``; 0 where all elements are equal.

    Variants: function method out
    """
    return reduce(set_up("std", StdBackward0(), self, dim, unbiased, keepdim, correction), self)


def var_mean(
    self: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """Variance and mean as a tuple.

    Variants: function
    """
    check_spread(self)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    op = VarMeanBackward0(self, dim, keepdim, correction_of(unbiased, correction))
    warn_freedom("var_mean", op.first)
    return tuple(general_many(op, [self]))


def std_mean(
    self: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """Standard deviation and mean as a tuple.

    Variants: function
    """
    check_spread(self)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    op = StdMeanBackward0(self, dim, keepdim, correction_of(unbiased, correction))
    warn_freedom("std_mean", op.first)
    return tuple(general_many(op, [self]))


def cov(self: Tensor, *, correction: Any = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
    """Covariance matrix of the rows (variables) over the columns (observations).

    Args:
        self: (variables, observations), or the observations of one variable.
        correction: the sums are divided by ``n - correction``.
        fweights: how often each observation counts, integers.
        aweights: importance of each observation.

    Variants: function method
    """
    if len(self.shp) > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {len(self.shp)} dimensions"
        )
    x = self if len(self.shp) == 2 else self.reshape(1, -1)
    weights = None if fweights is None else fweights
    if aweights is not None:
        weights = aweights if weights is None else weights * aweights
    if weights is None:
        centred = x - (x.sum(1) / x.shp[1]).unsqueeze(1)
        right = centred
        norm: Any = x.shp[1] - correction
    else:
        total = weights.sum()
        centred = x - ((x * weights).sum(1) / total).unsqueeze(1)
        right = centred * weights
        average = total if aweights is None else (weights * aweights).sum() / total
        norm = (total - average * correction if aweights is not None else total - correction).item()
    products: Tensor = centred.mm(right.t().conj())
    return (products / (norm if norm > 0 else 0)).squeeze()


def corrcoef(self: Tensor) -> Tensor:
    """Matrix of Pearson's correlation coefficients of the rows.

    Variants: function method
    """
    c = cov(self)
    if len(c.shp) == 0:
        return c / c
    scale = c.diagonal().sqrt() if c.dt.category < COMPLEX else c.diagonal().real.sqrt()
    c = c / scale.view(-1, 1) / scale.view(1, -1)
    return c.clamp(-1, 1) if c.dt.category < COMPLEX else c


class MedianBackward1(Selection):
    """Median along a dimension: of an even number of elements the lower; NaN where there is one."""

    block: int = BLOCK

    def choose(self, x: Any) -> tuple[Any, Any]:
        values = lower_median(x, self.dim)
        return values, first_place(x, values, self.dim)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "keepdim": not self.drops, "self_sym_sizes": self.shape}


class NanmedianBackward1(MedianBackward1):
    """Median along a dimension, leaving NaN out."""

    def choose(self, x: Any) -> tuple[Any, Any]:
        values = lower_nanmedian(x, self.dim)
        return values, first_place(x, values, self.dim)


class ModeBackward0(Selection):
    """Most frequent element along a dimension, the smallest of those as frequent; its last place."""

    block: int = BLOCK // 4  # with many temporaries

    def choose(self, x: Any) -> tuple[Any, Any]:
        ranked = move_axis(np.sort(x, self.dim), self.dim, -1)
        n = x.shape[self.dim]
        position = np.arange(n)
        starts = np.ones(ranked.shape, np.bool_)
        starts[..., 1:] = ranked[..., 1:] != ranked[..., :-1]
        run = position - np.maximum.accumulate(np.where(starts, position, 0), -1)
        best = np.argmax(run, -1, keepdims=True)
        equal = np.flip(x == move_axis(np.take_along_axis(ranked, best, -1), -1, self.dim), self.dim)
        # A row of NaN has no element that equals its mode: its first counts.
        indices = n - 1 - np.argmax(equal, self.dim, keepdims=True)
        indices[~equal.any(self.dim, keepdims=True)] = 0
        return np.take_along_axis(x, indices, self.dim), indices

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "keepdim": not self.drops, "self_sym_sizes": self.shape}


def lower_median(x: Any, axis: int) -> Any:
    """The element in the middle of the sorted ones; NaN, which sorts last, spreads."""
    k = (x.shape[axis] - 1) // 2
    values = np.take(np.partition(x, k, axis), [k], axis)
    return (
        np.where(np.isnan(x).any(axis, keepdims=True), np.nan, values).astype(x.dtype)
        if x.dtype.kind == "f"
        else values
    )


def lower_nanmedian(x: Any, axis: int) -> Any:
    """The element in the middle of those that are not NaN."""
    if x.dtype.kind != "f":
        return lower_median(x, axis)
    count = (~np.isnan(x)).sum(axis, keepdims=True)
    return np.take_along_axis(np.sort(x, axis), np.maximum(count - 1, 0) // 2, axis)


def first_place(x: Any, values: Any, axis: int) -> Any:
    """Where the values come first."""
    found = x == values
    if x.dtype.kind == "f":
        found |= np.isnan(x) & np.isnan(values)
    return np.argmax(found, axis, keepdims=True)


def median(self: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """Median of all elements, or along a dimension with its place; of an even number of elements the lower of the two.

    Returns:
        A 0-d tensor; with ``dim`` a named tuple ``(values, indices)``.

    Gradient:
        Of all elements: shared equally by those that tie. Along a dimension: to the one at the returned index.

    Variants: function method
    """
    check_order(self, "median_out")
    check_some(self, dim)
    if dim is None:
        return reduce(over(MedianBackward0(), self, None, False), self)
    op = MedianBackward1(self, dim, not keepdim)
    check_not_empty("median", self, op.dim)
    return return_types.median(deliver("median", out, general_many(op, [self])))


def check_some(x: TensorBase, dim: Any) -> None:
    """Refuse the median of no integers: there is no number that stands for none."""
    if dim is None and x.array.size == 0 and x.dt.category < FLOATING:
        raise RuntimeError(
            f"median(): expected {x.dt.title} elements, got a tensor of shape {list(x.shp)} that has none"
        )


def nanmedian(self: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """Median as :meth:`median`, of the elements that are not NaN.

    Variants: function method
    """
    check_order(self, "median_out")
    check_some(self, dim)
    if dim is None:
        return reduce(over(NanmedianBackward0(), self, None, False), self)
    op = NanmedianBackward1(self, dim, not keepdim)
    check_not_empty("nanmedian", self, op.dim)
    return return_types.nanmedian(deliver("nanmedian", out, general_many(op, [self])))


def mode(self: Tensor, dim: Any = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """Most frequent element along a dimension (the smallest of those as frequent) and its last place.

    Variants: function method
    """
    check_order(self, "mode")
    op = ModeBackward0(self, dim, not keepdim)
    check_not_empty("mode", self, op.dim)
    return return_types.mode(deliver("mode", out, general_many(op, [self])))


def quantile(self: Tensor, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear") -> Tensor:
    """Values below which the fractions ``q`` of the elements lie.

    Args:
        self: float32 or float64.
        q: number or 1-d tensor of numbers between 0 and 1; the latter puts its dimension first.
        dim: one dimension; None for all elements.
        keepdim: keep the reduced dimension with size 1.
        interpolation: between the two nearest elements: ``linear``, ``lower``, ``higher``, ``midpoint``, ``nearest``.

    Gradient:
        To the two nearest elements, with the weights of the interpolation.

    Variants: function method out
    """
    return quantiles("quantile", self, q, dim, keepdim, interpolation, False)


def nanquantile(
    self: Tensor, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Quantiles as :meth:`quantile`, of the elements that are not NaN.

    Variants: function method out
    """
    return quantiles("nanquantile", self, q, dim, keepdim, interpolation, True)


def quantiles(name: str, x: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str, skip_nan: bool) -> Tensor:
    """Sort, pick the neighbours of each rank, interpolate."""
    fractions = check_quantile(name, x, q, interpolation)
    ranked = (
        x.flatten() if dim is None else x.moveaxis(wrap_dim(dim, len(x.shp)), -1) if len(x.shp) > 0 else x.view(1)
    ).sort(-1)[0]
    n = ranked.shp[-1]
    ranks = fractions.reshape(-1) * (count_present(ranked.array, skip_nan) - 1)
    if not skip_nan:
        ranks = np.where(np.isnan(ranked.array[..., -1:]), ranked.dt.np.type(n - 1), ranks)
    ranks = np.maximum(ranks, 0)
    if interpolation == "lower":
        ranks = np.floor(ranks)
    elif interpolation == "higher":
        ranks = np.ceil(ranks)
    elif interpolation == "nearest":
        ranks = np.rint(ranks)
    below = np.floor(ranks).astype(np.int64)
    chosen = ranked.gather(-1, make(below))
    if interpolation in ("linear", "midpoint"):
        weight = np.full_like(ranks, 0.5) if interpolation == "midpoint" else ranks - below
        above = ranked.gather(-1, make(np.ceil(ranks).astype(np.int64)))
        chosen = chosen.lerp(above, make(weight.astype(x.dt.np)))
    return arranged(chosen, fractions, x, dim, keepdim)


def count_present(ranked: Any, skip_nan: bool) -> Any:
    """Number of elements (of those that are not NaN) in each row, in the rows' dtype."""
    if not skip_nan:
        return ranked.dtype.type(ranked.shape[-1])
    return (~np.isnan(ranked)).sum(-1, keepdims=True).astype(ranked.dtype)


def arranged(chosen: Tensor, fractions: Any, x: TensorBase, dim: Any, keepdim: bool) -> Tensor:
    """Quantiles, which lie along the last dimension, in the shape the caller wants."""
    if keepdim and len(x.shp) > 0:
        d = None if dim is None else wrap_dim(dim, len(x.shp))
        chosen = chosen.reshape((1,) * (len(x.shp) - len(chosen.shp) + 1) + tuple(chosen.shp)) if d is None else (
            chosen.unsqueeze(-2).moveaxis(-2, d)
        )  # fmt: skip
    if fractions.ndim > 0:
        chosen = chosen.unsqueeze(0).transpose(0, -1)
    return chosen.squeeze_(-1)


def check_quantile(name: str, x: TensorBase, q: Any, interpolation: str) -> Any:
    """The fractions as an array of the operand's dtype."""
    if x.array.size == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if x.dt is not float32 and x.dt is not float64:
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if isinstance(q, TensorBase):
        if len(q.shp) > 1:
            raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
        if q.dt is not x.dt:
            raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
        fractions = np.asarray(q.array)
    else:
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
        fractions = np.asarray(q, x.dt.np)
    if not np.all((fractions >= 0) & (fractions <= 1)):
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    return fractions


from .extremes import MaxBackward1  # noqa: E402


class MedianBackward0(MaxBackward1):
    """Median of all elements; those that tie share the gradient."""

    def forward(self, x: Any) -> Any:
        flat = np.asarray(x).reshape(-1)
        return x.dtype.type(np.nan) if flat.size == 0 else lower_median(flat, 0)[0]


class NanmedianBackward0(MaxBackward1):
    """Median of all elements that are not NaN; those that tie share the gradient."""

    def forward(self, x: Any) -> Any:
        flat = np.asarray(x).reshape(-1)
        return x.dtype.type(np.nan) if flat.size == 0 else lower_nanmedian(flat, 0)[0]
