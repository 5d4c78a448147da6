"""Comparisons in place: ones and zeros written over ``self``. They are recorded, with derivative zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.compat import i64
from .._core.dtypes import DType
from .._record.binary import Binary, binary_
from .._record.common import is_number
from .compare import EQ, GE, GT, LE, LT, NE, Comparison
from .rounding import zeros_as

if TYPE_CHECKING:
    from .._core.dtypes import Number
    from .._tensor import Tensor


class Answer(Binary):
    """Base of the nodes of comparisons in place; ``question`` is the comparison."""

    reads_self: i64 = 0
    reads_other: i64 = 0
    makes_mask: bool = True

    def __init__(self, question: Comparison) -> None:
        self.question: Comparison = question

    def forward(self, x: Any, y: Any) -> Any:
        return self.question.forward(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return zeros_as(grad)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return zeros_as(grad)

    def fresh(self) -> Binary:
        return self

    def common_dtype(self, x: Any, y: Any) -> DType:
        return self.question.common_dtype(x, y)


class EqBackward0(Answer):
    """``eq_`` with a number."""


class EqBackward1(Answer):
    """``eq_`` with a tensor."""


class NeBackward0(Answer):
    """``ne_`` with a number."""


class NeBackward1(Answer):
    """``ne_`` with a tensor."""


class LtBackward0(Answer):
    """``lt_`` with a number."""


class LtBackward1(Answer):
    """``lt_`` with a tensor."""


class LeBackward0(Answer):
    """``le_`` with a number."""


class LeBackward1(Answer):
    """``le_`` with a tensor."""


class GtBackward0(Answer):
    """``gt_`` with a number."""


class GtBackward1(Answer):
    """``gt_`` with a tensor."""


class GeBackward0(Answer):
    """``ge_`` with a number."""


class GeBackward1(Answer):
    """``ge_`` with a tensor."""


def eq_(self: Tensor, other: Tensor | Number) -> Tensor:
    """Write 1 where ``self`` is equal to ``other``, else 0; the gradient is 0.

    Variants: method
    """
    return binary_(EqBackward0(EQ) if is_number(other) else EqBackward1(EQ), self, other)


def ne_(self: Tensor, other: Tensor | Number) -> Tensor:
    """Write 1 where ``self`` is different from ``other``, else 0; the gradient is 0.

    Variants: method
    Aliases: not_equal_
    """
    return binary_(NeBackward0(NE) if is_number(other) else NeBackward1(NE), self, other)


def lt_(self: Tensor, other: Tensor | Number) -> Tensor:
    """Write 1 where ``self`` is smaller than ``other``, else 0; the gradient is 0.

    Variants: method
    Aliases: less_
    """
    return binary_(LtBackward0(LT) if is_number(other) else LtBackward1(LT), self, other)


def le_(self: Tensor, other: Tensor | Number) -> Tensor:
    """Write 1 where ``self`` is smaller than or equal to ``other``, else 0; the gradient is 0.

    Variants: method
    Aliases: less_equal_
    """
    return binary_(LeBackward0(LE) if is_number(other) else LeBackward1(LE), self, other)


def gt_(self: Tensor, other: Tensor | Number) -> Tensor:
    """Write 1 where ``self`` is greater than ``other``, else 0; the gradient is 0.

    Variants: method
    Aliases: greater_
    """
    return binary_(GtBackward0(GT) if is_number(other) else GtBackward1(GT), self, other)


def ge_(self: Tensor, other: Tensor | Number) -> Tensor:
    """Write 1 where ``self`` is greater than or equal to ``other``, else 0; the gradient is 0.

    Variants: method
    Aliases: greater_equal_
    """
    return binary_(GeBackward0(GE) if is_number(other) else GeBackward1(GE), self, other)
