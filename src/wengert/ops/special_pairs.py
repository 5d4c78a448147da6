"""Special functions of two numbers, and those for which PyTorch has no derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core.compat import i64
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary, number_binary
from .._record.common import FUSED, OTHER, SELF, is_number
from ..kernels import special_formulas as formulas
from .transcendental import FloatBinary

if TYPE_CHECKING:
    from .._core.dtypes import Number
    from .._tensor import Tensor


class XlogyBackward0(FloatBinary):
    """self log(other) of each pair, 0 where ``self`` is 0 (unless ``other`` is NaN)."""

    reads_self: i64 = SELF | OTHER | FUSED
    reads_other: i64 = SELF | OTHER | FUSED
    silent: bool = True

    def forward(self, x: Any, y: Any) -> Any:
        return formulas.xlogy(x, y)

    def slopes(self, grad: Any, x: Any, other: Any, result: Any, first: bool) -> Any:
        return formulas.xlogy_slope(grad, x, other) if first else formulas.xlogy_slope_other(grad, x, other)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return xlogy(grad, other).masked_fill((x == 0) & (other <= 0), 0)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * x / other

    def fresh(self) -> Binary:
        return XlogyBackward0()


class XlogyBackward1(XlogyBackward0):
    """The same with a number for ``self``."""

    def __init__(self, number: Any) -> None:
        self.number: Any = number

    def fresh(self) -> Binary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"self": self.number}

    def saved_names(self) -> list[str]:
        return ["other", "self"]


class XlogyBackward2(XlogyBackward0):
    """The same with a number for ``other``."""

    def __init__(self, number: Any) -> None:
        self.number: Any = number

    def fresh(self) -> Binary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"other": self.number}

    def saved_names(self) -> list[str]:
        return ["other", "self"]


class SpecialXlog1PyBackward0(FloatBinary):
    """self log(1 + other) of each pair, 0 where ``self`` is 0 (unless ``other`` is NaN)."""

    reads_self: i64 = SELF | OTHER | FUSED
    reads_other: i64 = SELF | OTHER | FUSED
    silent: bool = True

    def forward(self, x: Any, y: Any) -> Any:
        return formulas.xlog1py(x, y)

    def slopes(self, grad: Any, x: Any, other: Any, result: Any, first: bool) -> Any:
        return formulas.xlog1py_slope(grad, x, other) if first else formulas.xlog1py_slope_other(grad, x, other)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return xlog1py(grad, other).masked_fill((x == 0) & (other <= -1), 0)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * x / (other + 1)

    def fresh(self) -> Binary:
        return SpecialXlog1PyBackward0()


class SpecialXlog1PyBackward1(SpecialXlog1PyBackward0):
    """The same with a number for ``self``."""

    def __init__(self, number: Any) -> None:
        self.number: Any = number

    def fresh(self) -> Binary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"self": self.number}

    def saved_names(self) -> list[str]:
        return ["other", "self"]


class SpecialXlog1PyBackward2(SpecialXlog1PyBackward0):
    """The same with a number for ``other``."""

    def __init__(self, number: Any) -> None:
        self.number: Any = number

    def fresh(self) -> Binary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"other": self.number}

    def saved_names(self) -> list[str]:
        return ["other", "self"]


class Partial(FloatBinary):
    """Base of functions that have a derivative with respect to ``other`` only."""

    def operator(self) -> str:
        """PyTorch's name of the operator in errors."""
        raise NotImplementedError

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        raise NotImplementedError(f"the derivative for '{self.operator()}: self' is not implemented.")


class SpecialZetaBackward0(Partial):
    """Hurwitz zeta function of each pair, sum of (other + k)**-self for k >= 0.  d/dother = -self zeta(self + 1, other)."""

    def forward(self, x: Any, y: Any) -> Any:
        return in_dtype(_special().zeta(x.astype(np.float64), y.astype(np.float64)), x)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * -x * binary(ZETA, x + 1, other)

    def operator(self) -> str:
        return "zeta"

    def fresh(self) -> Binary:
        return SpecialZetaBackward0()


class IgammaBackward0(Partial):
    """Regularised lower incomplete gamma function.  d/dother = other**(self-1) exp(-other) / gamma(self)."""

    SCHEMA: Final = "igamma(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any, y: Any) -> Any:
        return in_dtype(_special().gammainc(x, y), x)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * gamma_density(x, other)

    def operator(self) -> str:
        return "igamma"

    def fresh(self) -> Binary:
        return IgammaBackward0()


class IgammacBackward0(Partial):
    """Regularised upper incomplete gamma function, 1 - igamma."""

    SCHEMA: Final = "igammac(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any, y: Any) -> Any:
        return in_dtype(_special().gammaincc(x, y), x)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return -grad * gamma_density(x, other)

    def operator(self) -> str:
        return "igammac"

    def fresh(self) -> Binary:
        return IgammacBackward0()


XLOGY: Final = XlogyBackward0()
XLOG1PY: Final = SpecialXlog1PyBackward0()
ZETA: Final = SpecialZetaBackward0()
IGAMMA: Final = IgammaBackward0()
IGAMMAC: Final = IgammacBackward0()


def _special() -> Any:
    """SciPy's module, imported at first use."""
    from scipy import special

    return special


def in_dtype(value: Any, x: Any) -> Any:
    """SciPy's result in the dtype of its operand (half precision is computed in single)."""
    return value if value.dtype == x.dtype else value.astype(x.dtype)


def gamma_density(a: Tensor, x: Tensor) -> Tensor:
    """x**(a-1) exp(-x) / gamma(a)."""
    return ((a - 1) * x.log() - x - a.lgamma()).exp()


def xlogy(self: Tensor | Number, other: Tensor | Number) -> Tensor:
    """self log(other) of each pair, 0 where ``self`` is 0; one of them may be a number.

    Gradient:
        log(other) (0 where both ``self`` is 0 and ``other`` not positive) and self/other.

    Variants: function method inplace special out
    """
    if not isinstance(self, TensorBase):
        return number_binary(XlogyBackward1(self), self, other)  # type: ignore[arg-type]
    return binary(XlogyBackward2(other) if is_number(other) else XLOGY, self, other)


def xlog1py(self: Tensor | Number, other: Tensor | Number) -> Tensor:
    """self log(1 + other) of each pair, 0 where ``self`` is 0; one of them may be a number.

    Gradient:
        log(1 + other) (0 where both ``self`` is 0 and ``other`` at most -1) and self/(1 + other).

    Variants: special out
    """
    if not isinstance(self, TensorBase):
        return number_binary(SpecialXlog1PyBackward1(self), self, other)  # type: ignore[arg-type]
    return binary(SpecialXlog1PyBackward2(other) if is_number(other) else XLOG1PY, self, other)


def zeta(self: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Hurwitz zeta function of each pair, sum of (other + k)**-self for k = 0, 1, ...; one of them may be a number.

    Gradient:
        -self zeta(self + 1, other) for ``other``; not implemented for ``self`` (as in PyTorch).

    Variants: special out
    """
    return binary(ZETA, self, other) if isinstance(self, TensorBase) else number_binary(ZETA, self, other)  # type: ignore[arg-type]


def gammainc(self: Tensor, other: Tensor) -> Tensor:
    """Regularised lower incomplete gamma function P(self, other).

    Variants: special out
    """
    return binary(IGAMMA, self, other)


def gammaincc(self: Tensor, other: Tensor) -> Tensor:
    """Regularised upper incomplete gamma function Q(self, other).

    Variants: special out
    """
    return binary(IGAMMAC, self, other)
