"""Multiplication and division by a number as they occur inside other operators: PyTorch names these nodes differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.compat import i64
from .._record.unary import Unary

if TYPE_CHECKING:
    from .._tensor import Tensor


class MulBackward1(Unary):
    """Product with a number."""

    reads: i64 = 0

    def __init__(self, other: Any) -> None:
        self.other: Any = other

    def forward(self, x: Any) -> Any:
        return x * self.other

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        found: Tensor = grad * self.other
        return found

    def fresh(self) -> Unary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"other": self.other}


class DivBackward1(MulBackward1):
    """Quotient by a number."""

    def forward(self, x: Any) -> Any:
        return x / x.dtype.type(self.other)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        found: Tensor = grad / self.other
        return found
