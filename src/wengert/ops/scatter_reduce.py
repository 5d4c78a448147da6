"""Scatter that combines all the values of a place: sums, products, means, largest and smallest values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import Size
from .._core.tensor_base import TensorBase
from .._record.common import make, wrap_dim
from .._record.general import General, general, general_
from .._record.writing import zeros_like
from .gather_scatter import (
    check_index,
    check_source,
    gather,
    padded,
    scatter,
    scatter_add,
    scatter_with,
    scattered,
)
from .masked import where

if TYPE_CHECKING:
    from .._tensor import Tensor

MOST: Final = np.iinfo(np.int32).max - 1

_ufunc_at: Final[dict[str, Any]] = {
    "sum": np.add.at,
    "mean": np.add.at,
    "prod": np.multiply.at,
    "amax": np.maximum.at,
    "amin": np.minimum.at,
}


class ScatterReduceBackward0(General):
    """Groups of elements of a source reduced into the target.

    Every result is a function of one element of ``self`` and of the elements of ``src`` that went there, so the derivative is
    two tensors of factors, ``slopes()``: the gradient multiplies by them after gathering, the tangent before scattering.
    """

    def __init__(self, dim: int, reduce: str, include_self: bool) -> None:
        self.dim: int = dim
        self.reduce: str = reduce
        self.include_self: bool = include_self

    def differentiable_inputs(self, count: int) -> int:
        return 2

    def input_names(self) -> list[str]:
        return ["self", "src", "index"]

    def again(self) -> ScatterReduceBackward0:
        """A new node with the same parameters."""
        return ScatterReduceBackward0(self.dim, self.reduce, self.include_self)

    def forward(self, arrays: list[Any]) -> Any:
        target = np.array(arrays[0], order="C")
        src = np.asarray(arrays[1])
        index = arrays[2]
        dim = self.dim
        if not self.include_self:
            scattered(target, dim, index, np.asarray(identity(self.reduce, target.dtype)))
        scatter_with(_ufunc_at[self.reduce], target, dim, index, src)
        if self.reduce == "mean":
            kind = np.int32 if index.size <= MOST else np.int64
            counts = np.full(target.shape, 1 if self.include_self else 0, kind)
            scatter_with(np.add.at, counts, dim, index, np.ones((), kind))
            np.maximum(counts, 1, out=counts)
            quotient = np.floor_divide if target.dtype.kind in "iu" else np.divide
            return quotient(target, counts, out=target, casting="unsafe")
        return target

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        a, b = self.slopes(self.tensor("self"), self.tensor("src"), self.tensor("index"), self.tensor("result"))
        first = grad if a is None else grad * a.conj()
        second = gather(grad, self.dim, self.tensor("index"))
        if b is not None:
            second = second * b.conj()
        src = self.tensor("src")
        return [first if self.wanted(0) else None, padded(second, src.shp) if self.wanted(1) else None]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        x, src, index = inputs
        a, b = self.slopes(x, src, index, results[0])
        out = zeros_like(x)
        if tangents[0] is not None:
            out = tangents[0] if a is None else tangents[0] * a
        if tangents[1] is not None:
            step = corner(tangents[1], index.shp)
            out = scatter_add(out, self.dim, index, step if b is None else step * b)
        return [out]

    def slopes(self, x: Tensor, src: Tensor, index: Tensor, result: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """d result / d self (shape of self) and d result / d src (shape of index); None for ones.

        Ties of amax and amin share the gradient equally; a product is differentiated exactly where factors are zero.
        """
        src = corner(src, index.shp)
        dim = self.dim
        a: Tensor | None = None
        b: Tensor | None = None
        if self.reduce == "mean":
            counts = ones_like(x) if self.include_self else zeros_like(x)
            counts = scatter_add(counts, dim, index, ones_like(src))
            a = 1 / counts.masked_fill(counts == 0, 1)
            b = gather(a, dim, index)
        elif self.reduce == "prod":
            a, b = self.product_slopes(x, src, index, result)
        elif self.reduce != "sum":
            own = (x == result).to(x.dt)
            if not self.include_self:
                own = scatter(own, dim, index, 0)
            chosen = (src == gather(result, dim, index)).to(x.dt)
            share = 1 / scatter_add(own, dim, index, chosen).clamp(1)
            a = own * share
            b = chosen * gather(share, dim, index)
        if not self.include_self:
            a = scatter(ones_like(x) if a is None else a, dim, index, 0)
        return a, b

    def product_slopes(self, x: Tensor, src: Tensor, index: Tensor, result: Tensor) -> tuple[Tensor, Tensor]:
        """Products of all other factors: by division where a factor is not zero, by a product without it where it is."""
        dim = self.dim
        solid = x.masked_fill(x == 0, 1)
        a = general(self.again(), [solid, src, index]) / solid
        empty = src == 0
        zeros = gather(scatter_add(zeros_like(x), dim, index, empty.to(x.dt)), dim, index)
        alone = empty & (zeros == 1)
        without = general(self.again(), [x, src.masked_fill(alone, 1), index])
        b = where(alone, gather(without, dim, index), gather(result, dim, index) / src.masked_fill(empty, 1))
        return a, b

    def saves(self) -> list[str]:
        return ["index", "result", "self", "src"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "include_self": self.include_self, "reduce": self.reduce}


def corner(t: Tensor, sizes: Size) -> Tensor:
    """The first corner of ``t`` with these sizes."""
    for d in range(len(t.shp)):
        if t.shp[d] != sizes[d]:
            t = t.narrow(d, 0, sizes[d])
    return t


def ones_like(t: TensorBase) -> Tensor:
    """Ones of the shape and dtype of ``t``."""
    return make(np.ones(t.shp, t.dt.np))


def identity(reduce: str, dt: Any) -> Any:
    """The value that a reduction starts from."""
    if reduce == "prod":
        return dt.type(1)
    if reduce in ("sum", "mean"):
        return dt.type(0)
    if dt.kind == "f":
        return dt.type(-np.inf if reduce == "amax" else np.inf)
    if dt.kind == "b":
        return dt.type(reduce == "amin")
    info = np.iinfo(dt)
    return dt.type(info.min if reduce == "amax" else info.max)


def reduce_parts(
    x: TensorBase, dim: Any, index: Any, src: Any, reduce: Any, include_self: bool
) -> tuple[General, list[TensorBase]]:
    """The operator and the inputs of a call of ``scatter_reduce``."""
    d = wrap_dim(dim, len(x.shp))
    if reduce not in _ufunc_at:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    check_index(x, d, index, "scatter_reduce", 2)
    if not isinstance(src, TensorBase):
        raise errors.argument_type("scatter_reduce", "src", 3, "Tensor", src)
    check_source(x, d, index, src)
    return ScatterReduceBackward0(d, reduce, include_self), [x, src, index]


def scatter_reduce(
    self: Tensor, dim: Any, index: Tensor, src: Tensor, reduce: Any, *, include_self: bool = True
) -> Tensor:
    """Copy of ``self`` in which all elements of ``src`` that share a place are combined there.

    Args:
        reduce: "sum", "prod", "mean", "amax" or "amin".
        include_self: whether the old value takes part; without it, places that ``index`` does not name keep it.

    Gradient: of the reduction; ties of amax and amin share it equally.

    Variants: function method out
    """
    op, inputs = reduce_parts(self, dim, index, src, reduce, include_self)
    return general(op, inputs)


def scatter_reduce_(
    self: Tensor, dim: Any, index: Tensor, src: Tensor, reduce: Any, *, include_self: bool = True
) -> Tensor:
    """In-place version of :meth:`scatter_reduce`.

    Variants: method
    """
    op, inputs = reduce_parts(self, dim, index, src, reduce, include_self)
    return general_(op, inputs)
