"""Special functions: error functions, gamma functions, Bessel functions, entropy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._record.common import FUSED, RESULT, SELF, make, number_of
from .._record.unary import Unary, unary, unary_
from ..kernels import blocks
from ..kernels import special_formulas as formulas
from .scaled import MulBackward1

if TYPE_CHECKING:
    from .._tensor import Tensor

TWO_BY_ROOT_PI: Final = 2 / math.sqrt(math.pi)
ROOT_2PI: Final = math.sqrt(2 * math.pi)


class Special(Unary):
    """Base of functions of a real number; half precision goes through single."""

    silent: bool = True

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise errors.not_implemented(self.kernel(), make(x).dt)
        return self.value(x)

    def value(self, x: Any) -> Any:
        """Value for real numbers, by way of the kernels."""
        raise NotImplementedError

    def kernel(self) -> str:
        """PyTorch's name of the kernel in errors."""
        return errors.operator_name(self)


class ByScipy(Special):
    """Base of those that SciPy computes."""

    silent: bool = False

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise errors.not_implemented(self.kernel(), make(x).dt)
        value = blocks.mapped(self.value, x)
        return value if value.dtype == x.dtype else value.astype(x.dtype)


class ErfBackward0(Special):
    """Error function 2/sqrt(pi) * integral of exp(-t**2) from 0 to x.  d = 2/sqrt(pi) exp(-x**2)."""

    SCHEMA: Final = (
        "erf(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace special"
    )
    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.erf(x)

    def kernel(self) -> str:
        return "erf_vml_cpu"

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.erf_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return (x * x).neg().exp() * TWO_BY_ROOT_PI * grad

    def fresh(self) -> Unary:
        return ErfBackward0()


class ErfcBackward0(Special):
    """Complementary error function 1 - erf(x), exact for large x.  d = -2/sqrt(pi) exp(-x**2)."""

    SCHEMA: Final = (
        "erfc(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace special"
    )
    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.erfc(x)

    def kernel(self) -> str:
        return "erfc_vml_cpu"

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.erfc_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return (x * x).neg().exp() * -TWO_BY_ROOT_PI * grad

    def fresh(self) -> Unary:
        return ErfcBackward0()


class ErfinvBackward0(Special):
    """Inverse error function of elements in [-1, 1].  d = sqrt(pi)/2 exp(erfinv(x)**2)."""

    SCHEMA: Final = (
        "erfinv(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace special"
    )
    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.erfinv(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.erfinv_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * x.erfinv().square().exp() * (1 / TWO_BY_ROOT_PI)

    def fresh(self) -> Unary:
        return ErfinvBackward0()


class SpecialErfcxBackward0(Special):
    """exp(x**2) erfc(x) of each element.  d = 2 x result - 2/sqrt(pi)."""

    SCHEMA: Final = "erfcx(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: special"
    reads: i64 = SELF | RESULT | FUSED

    def value(self, x: Any) -> Any:
        return formulas.erfcx(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.erfcx_slope(grad, x, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        return (x * 2 * result - TWO_BY_ROOT_PI) * grad

    def fresh(self) -> Unary:
        return SpecialErfcxBackward0()


class SpecialNdtriBackward0(ByScipy):
    """Quantile of the standard normal distribution, the inverse of ``ndtr``.  d = sqrt(2 pi) exp(result**2 / 2)."""

    SCHEMA: Final = "ndtri(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: special"
    reads: i64 = RESULT | FUSED

    def value(self, x: Any) -> Any:
        return _special().ndtri(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.ndtri_slope(grad, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return grad * ROOT_2PI * (result.square() / 2).exp()

    def fresh(self) -> Unary:
        return SpecialNdtriBackward0()


class SpecialLogNdtrBackward0(Special):
    """Logarithm of the standard normal distribution function.  d = sqrt(2/pi) / erfcx(-x/sqrt(2))."""

    SCHEMA: Final = "log_ndtr(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: special"
    reads: i64 = SELF | RESULT | FUSED

    def value(self, x: Any) -> Any:
        return formulas.log_ndtr(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.log_ndtr_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad / unary(ERFCX, x * -math.sqrt(0.5)) * math.sqrt(2 / math.pi)

    def fresh(self) -> Unary:
        return SpecialLogNdtrBackward0()


class SpecialEntrBackward0(Special):
    """-x log(x) of each element; 0 at 0, -inf for negative ones.  d = -1 - log(x)."""

    SCHEMA: Final = "entr(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: special"
    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.entr(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.entr_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * (-1 - x.log())

    def fresh(self) -> Unary:
        return SpecialEntrBackward0()


class LgammaBackward0(Special):
    """log|gamma(x)| of each element.  d = digamma(x)."""

    SCHEMA: Final = "lgamma(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.lgamma(x)

    def kernel(self) -> str:
        return "lgamma_vml_cpu"

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.lgamma_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * x.digamma()

    def fresh(self) -> Unary:
        return LgammaBackward0()


class DigammaBackward0(Special):
    """Derivative of lgamma at each element.  d = polygamma(1, x)."""

    SCHEMA: Final = (
        "digamma(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace special"
    )
    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.digamma(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.digamma_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * x.polygamma(1)

    def fresh(self) -> Unary:
        return DigammaBackward0()


class PolygammaBackward0(ByScipy):
    """n-th derivative of digamma at each element.  d = polygamma(n + 1, x)."""

    def __init__(self, n: int) -> None:
        self.n: int = n
        if n < len(formulas.POLYGAMMA_SLOPES):
            self.reads = SELF | FUSED

    def forward(self, x: Any) -> Any:
        if self.n >= len(formulas.POLYGAMMA) or x.dtype.kind == "c":
            return super().forward(x)
        return formulas.POLYGAMMA[self.n](x)

    def value(self, x: Any) -> Any:
        sign = 1.0 if self.n % 2 else -1.0
        value = sign * math.factorial(self.n) * _special().zeta(self.n + 1.0, x.astype(np.float64))
        return np.where(x == -np.inf, np.nan, value)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.POLYGAMMA_SLOPES[self.n](grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * x.polygamma(self.n + 1)

    def fresh(self) -> Unary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"n": self.n}


class PolygammaBackward1(PolygammaBackward0):
    """The same in place."""


class MvlgammaBackward0(ByScipy):
    """log of the multivariate gamma function of dimension p.  d = sum of digamma(x - j/2) for j < p."""

    def __init__(self, p: int) -> None:
        self.p: int = p

    def value(self, x: Any) -> Any:
        total = formulas.lgamma(x)
        for j in range(1, self.p):
            total = total + formulas.lgamma(x - j / 2)
        return total + self.p * (self.p - 1) / 4 * math.log(math.pi)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        slope = x.digamma()
        for j in range(1, self.p):
            slope = slope + (x - j / 2).digamma()
        return grad * slope

    def fresh(self) -> Unary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"p": self.p}


class I0Backward0(Special):
    """Modified Bessel function of the first kind of order 0.  d = i1(x)."""

    SCHEMA: Final = (
        "i0(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace special"
    )
    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.i0(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.i0_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * unary(I1, x)

    def fresh(self) -> Unary:
        return I0Backward0()


class SpecialI0EBackward0(Special):
    """exp(-|x|) i0(x) of each element.  d = i1e(x) - sgn(x) result."""

    SCHEMA: Final = "i0e(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: special"
    reads: i64 = SELF | RESULT | FUSED

    def value(self, x: Any) -> Any:
        return formulas.i0e(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.i0e_slope(grad, x, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        return grad * (unary(I1E, x) - x.sgn() * result)

    def fresh(self) -> Unary:
        return SpecialI0EBackward0()


class SpecialI1Backward0(Special):
    """Modified Bessel function of the first kind of order 1.  d = i0(x) - result/x, 1/2 at 0."""

    SCHEMA: Final = "i1(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: special"
    reads: i64 = SELF | RESULT | FUSED

    def value(self, x: Any) -> Any:
        return formulas.i1(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.i1_slope(grad, x, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        near, away = away_from_zero(x)
        return grad * (away.i0() - result / away).masked_fill(near, 0.5)

    def fresh(self) -> Unary:
        return SpecialI1Backward0()


class SpecialI1EBackward0(Special):
    """exp(-|x|) i1(x) of each element.  d = i0e(x) - result (sgn(x) + 1/x), 1/2 at 0."""

    SCHEMA: Final = "i1e(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: special"
    reads: i64 = SELF | RESULT | FUSED

    def value(self, x: Any) -> Any:
        return formulas.i1e(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.i1e_slope(grad, x, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        near, away = away_from_zero(x)
        return grad * (unary(I0E, away) - result * (away.sgn() + away.reciprocal())).masked_fill(near, 0.5)

    def fresh(self) -> Unary:
        return SpecialI1EBackward0()


class LogitBackward0(Special):
    """log(x/(1 - x)) of each element, first moved into [eps, 1 - eps].  d = 1/(x (1 - x)); outside 0, without eps NaN."""

    reads: i64 = SELF | FUSED

    def __init__(self, eps: Any) -> None:
        self.eps: Any = None if eps is None else number_of(eps, "logit", "eps", 2)

    def value(self, x: Any) -> Any:
        return formulas.logit(x) if self.eps is None else formulas.logit_between(x, self.eps, 1 - self.eps)

    def kernel(self) -> str:
        return "logit_cpu"

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        if self.eps is None:
            return formulas.logit_slope(grad, x)
        return formulas.logit_between_slope(grad, x, self.eps, 1 - self.eps)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        slope = grad / (x * (1 - x))
        if self.eps is None:
            return slope.masked_fill((x < 0) | (x > 1), math.nan)
        return slope.masked_fill((x < self.eps) | (x > 1 - self.eps), 0)

    def fresh(self) -> Unary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"eps": self.eps}


ERF: Final = ErfBackward0()
ERFC: Final = ErfcBackward0()
ERFINV: Final = ErfinvBackward0()
ERFCX: Final = SpecialErfcxBackward0()
NDTRI: Final = SpecialNdtriBackward0()
LOG_NDTR: Final = SpecialLogNdtrBackward0()
ENTR: Final = SpecialEntrBackward0()
LGAMMA: Final = LgammaBackward0()
DIGAMMA: Final = DigammaBackward0()
I0: Final = I0Backward0()
I0E: Final = SpecialI0EBackward0()
I1: Final = SpecialI1Backward0()
I1E: Final = SpecialI1EBackward0()


def _special() -> Any:
    """SciPy's module, imported at first use: importing it takes longer than importing this package."""
    from scipy import special

    return special


def away_from_zero(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mask of the elements so near to 0 that 1/x loses all digits, and x with these replaced by the smallest safe number."""
    tiny = float(np.finfo(x.dt.np).eps)
    near = x.abs() <= tiny
    return near, x.masked_fill(near, tiny)


def ndtr(self: Tensor) -> Tensor:
    """Distribution function of the standard normal distribution, (1 + erf(x/sqrt(2)))/2.

    Gradient:
        exp(-x**2/2)/sqrt(2 pi).

    Variants: special out
    """
    return unary(MulBackward1(0.5), unary(ERF, self * math.sqrt(0.5)) + 1)


def gammaln(self: Tensor) -> Tensor:
    """log|gamma(x)| of each element.

    Variants: special out
    """
    return unary(LGAMMA, self)


def psi(self: Tensor) -> Tensor:
    """Derivative of gammaln at each element.

    Variants: special out
    """
    return unary(DIGAMMA, self)


def polygamma(n: Any, input: Any) -> Tensor:
    """n-th derivative of digamma at each element of ``input``.

    Gradient:
        polygamma(n + 1, input).

    Raises:
        RuntimeError: for a negative ``n``.

    Variants: function special out
    """
    return unary(PolygammaBackward0(checked_order(n)), input)


def polygamma_method(self: Tensor, n: Any) -> Tensor:
    """n-th derivative of digamma at each element.

    Variants: method
    Name: polygamma
    """
    return unary(PolygammaBackward0(checked_order(n)), self)


def polygamma_(self: Tensor, n: Any) -> Tensor:
    """In-place version of :meth:`polygamma`.

    Variants: method
    """
    return unary_(PolygammaBackward1(checked_order(n)), self)


def checked_order(n: Any) -> int:
    """The order of a polygamma function."""
    order = int(n)
    if order < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return order


def mvlgamma(self: Tensor, p: Any) -> Tensor:
    """log of the multivariate gamma function of dimension ``p``: sum of lgamma(x - j/2) for j < p, + p (p-1)/4 log(pi).

    Gradient:
        Sum of digamma(x - j/2) for j < p.

    Raises:
        RuntimeError: for ``p`` below 1.

    Variants: function method inplace out
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    return unary(MvlgammaBackward0(int(p)), self)


def multigammaln(self: Tensor, p: Any) -> Tensor:
    """log of the multivariate gamma function of dimension ``p``, see :func:`mvlgamma`.

    Variants: special out
    """
    return mvlgamma(self, p)


def logit(self: Tensor, eps: Any = None) -> Tensor:
    """log(x/(1 - x)) of each element, the inverse of sigmoid; with ``eps`` first moved into [eps, 1 - eps].

    Gradient:
        1/(x (1 - x)); outside the interval 0, or NaN without ``eps``.

    Variants: function method special out
    """
    return unary(LogitBackward0(eps), self)


def logit_(self: Tensor, eps: Any = None) -> Tensor:
    """In-place version of :meth:`logit`.

    Variants: function method
    """
    return unary_(LogitBackward0(eps), self)
