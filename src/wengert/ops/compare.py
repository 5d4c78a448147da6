"""Comparisons, logic and bits: results carry no gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core.compat import i64
from .._core.dtypes import BOOL, COMPLEX, INTEGER, DType, bool_
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary
from .._record.common import make, result_type
from .._record.unary import Unary

if TYPE_CHECKING:
    from .._core.dtypes import Number
    from .._tensor import Tensor

INVERT: Final = "~ (operator.invert) is only implemented on integer and Boolean-type tensors"


class Comparison(Binary):
    """Base of operators on pairs of elements whose result is a mask."""

    def saves(self, for_self: bool, for_other: bool) -> i64:
        return 0

    def fresh(self) -> Binary:
        return self

    def out_dtype(self, dt: DType) -> DType:
        return bool_

    def differentiable(self) -> bool:
        return False

    def noisy(self) -> bool:
        return False

    def direct(self, dt: DType) -> bool:
        return dt.category < COMPLEX


class Ordering(Comparison):
    """Base of ``< <= > >=``, which complex numbers do not have."""

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        if dt.category == COMPLEX:
            raise NotImplementedError(f"\"{self.title()}_cpu\" not implemented for '{dt.title}'")
        return dt


class Eq(Comparison):
    """Whether elements are equal."""

    SCHEMA: Final = "eq(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any, y: Any) -> Any:
        return x == y


class Ne(Comparison):
    """Whether elements differ."""

    SCHEMA: Final = "ne(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: not_equal"

    def forward(self, x: Any, y: Any) -> Any:
        return x != y


class Lt(Ordering):
    """Whether elements of ``self`` are smaller."""

    SCHEMA: Final = "lt(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: less"

    def forward(self, x: Any, y: Any) -> Any:
        return x < y


class Le(Ordering):
    """Whether elements of ``self`` are smaller or equal."""

    SCHEMA: Final = "le(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: less_equal"

    def forward(self, x: Any, y: Any) -> Any:
        return x <= y


class Gt(Ordering):
    """Whether elements of ``self`` are greater."""

    SCHEMA: Final = "gt(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: greater"

    def forward(self, x: Any, y: Any) -> Any:
        return x > y


class Ge(Ordering):
    """Whether elements of ``self`` are greater or equal."""

    SCHEMA: Final = "ge(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: greater_equal"

    def forward(self, x: Any, y: Any) -> Any:
        return x >= y


EQ: Final = Eq()
NE: Final = Ne()
LT: Final = Lt()
LE: Final = Le()
GT: Final = Gt()
GE: Final = Ge()


def invert(self: Tensor) -> Tensor:
    """``~self``: logical not of a mask, bits of integers.

    Raises:
        TypeError: for other dtypes.
    """
    if self.dt.category > INTEGER:
        raise TypeError(INVERT)
    return make(~self.array)


__all__ = ["BOOL", "TensorBase", "Unary", "binary", "np"]
