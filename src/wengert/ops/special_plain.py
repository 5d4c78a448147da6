"""Special functions without derivatives, as in PyTorch: Bessel and Airy functions, orthogonal polynomials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core.compat import i64
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary, number_binary
from .._record.unary import Unary, unary
from .special import Special
from .special_pairs import in_dtype
from .transcendental import FloatBinary

if TYPE_CHECKING:
    from .._core.dtypes import Number
    from .._tensor import Tensor


class Plain(Special):
    """A function of SciPy, by name, whose result carries no gradient."""

    reads: i64 = 0
    differentiable: bool = False

    def __init__(self, name: str, kernel: str) -> None:
        self.function: str = name
        self.title: str = kernel

    def value(self, x: Any) -> Any:
        from scipy import special

        value = getattr(special, self.function)(x)
        return value[0] if self.function == "airy" else value

    def kernel(self) -> str:
        return self.title

    def fresh(self) -> Unary:
        return self


class SphericalJ0(Plain):
    """sin(x)/x, 1 at 0."""

    def value(self, x: Any) -> Any:
        return np.where(x == 0, x.dtype.type(1), np.sin(x) / x)


class Polynomial(FloatBinary):
    """A family of orthogonal polynomials of SciPy, by name: value at ``self`` of the one of degree ``other``."""

    reads_self: i64 = 0
    reads_other: i64 = 0
    differentiable: bool = False

    def __init__(self, name: str) -> None:
        self.function: str = name

    def forward(self, x: Any, y: Any) -> Any:
        degree = y.astype(np.int64)
        return np.where(degree < 0, x.dtype.type(0), in_dtype(self.value(degree, x), x))

    def value(self, degree: Any, x: Any) -> Any:
        """Value for integer degrees."""
        from scipy import special

        return getattr(special, self.function)(degree, x)

    def fresh(self) -> Binary:
        return self


class OddChebyshev(Polynomial):
    """Chebyshev polynomials of the third kind, ``V_n = U_n - U_(n-1)``, and of the fourth, ``W_n = U_n + U_(n-1)``.

    Source:
        J. C. Mason, D. C. Handscomb, "Chebyshev Polynomials" (2003), section 1.2.3.
    """

    def __init__(self, name: str, sign: int) -> None:
        super().__init__(name)
        self.sign: int = sign

    def value(self, degree: Any, x: Any) -> Any:
        before = np.where(degree > 0, super().value(degree - 1, x), 0)
        return super().value(degree, x) + self.sign * before


BESSEL_J0: Final = Plain("j0", "bessel_j0_cpu")
BESSEL_J1: Final = Plain("j1", "bessel_j1_cpu")
BESSEL_Y0: Final = Plain("y0", "bessel_y0_cpu")
BESSEL_Y1: Final = Plain("y1", "bessel_y1_cpu")
MODIFIED_I0: Final = Plain("i0", "modified_bessel_i0_cpu")
MODIFIED_I1: Final = Plain("i1", "modified_bessel_i1_cpu")
MODIFIED_K0: Final = Plain("k0", "modified_bessel_k0_cpu")
MODIFIED_K1: Final = Plain("k1", "modified_bessel_k1_cpu")
SCALED_K0: Final = Plain("k0e", "scaled_modified_bessel_k0_cpu")
SCALED_K1: Final = Plain("k1e", "scaled_modified_bessel_k1_cpu")
AIRY_AI: Final = Plain("airy", "airy_ai_cpu")
SPHERICAL_J0: Final = SphericalJ0("", "spherical_bessel_j0_cpu")
CHEBYSHEV_T: Final = Polynomial("eval_chebyt")
CHEBYSHEV_U: Final = Polynomial("eval_chebyu")
SHIFTED_CHEBYSHEV_T: Final = Polynomial("eval_sh_chebyt")
SHIFTED_CHEBYSHEV_U: Final = Polynomial("eval_sh_chebyu")
CHEBYSHEV_V: Final = OddChebyshev("eval_chebyu", -1)
CHEBYSHEV_W: Final = OddChebyshev("eval_chebyu", 1)
SHIFTED_CHEBYSHEV_V: Final = OddChebyshev("eval_sh_chebyu", -1)
SHIFTED_CHEBYSHEV_W: Final = OddChebyshev("eval_sh_chebyu", 1)
HERMITE_H: Final = Polynomial("eval_hermite")
HERMITE_HE: Final = Polynomial("eval_hermitenorm")
LAGUERRE_L: Final = Polynomial("eval_laguerre")
LEGENDRE_P: Final = Polynomial("eval_legendre")


def polynomial(op: Polynomial, x: Any, n: Any) -> Tensor:
    """Apply a family; argument or degree may be a number."""
    return binary(op, x, n) if isinstance(x, TensorBase) else number_binary(op, x, n)


def bessel_j0(self: Tensor) -> Tensor:
    """Bessel function of the first kind of order 0; without gradient.

    Variants: special out
    """
    return unary(BESSEL_J0, self)


def bessel_j1(self: Tensor) -> Tensor:
    """Bessel function of the first kind of order 1; without gradient.

    Variants: special out
    """
    return unary(BESSEL_J1, self)


def bessel_y0(self: Tensor) -> Tensor:
    """Bessel function of the second kind of order 0; without gradient.

    Variants: special out
    """
    return unary(BESSEL_Y0, self)


def bessel_y1(self: Tensor) -> Tensor:
    """Bessel function of the second kind of order 1; without gradient.

    Variants: special out
    """
    return unary(BESSEL_Y1, self)


def modified_bessel_i0(self: Tensor) -> Tensor:
    """Modified Bessel function of the first kind of order 0; without gradient (``i0`` has one).

    Variants: special out
    """
    return unary(MODIFIED_I0, self)


def modified_bessel_i1(self: Tensor) -> Tensor:
    """Modified Bessel function of the first kind of order 1; without gradient (``i1`` has one).

    Variants: special out
    """
    return unary(MODIFIED_I1, self)


def modified_bessel_k0(self: Tensor) -> Tensor:
    """Modified Bessel function of the second kind of order 0; without gradient.

    Variants: special out
    """
    return unary(MODIFIED_K0, self)


def modified_bessel_k1(self: Tensor) -> Tensor:
    """Modified Bessel function of the second kind of order 1; without gradient.

    Variants: special out
    """
    return unary(MODIFIED_K1, self)


def scaled_modified_bessel_k0(x: Tensor) -> Tensor:
    """exp(x) times the modified Bessel function of the second kind of order 0; without gradient.

    Variants: special out
    """
    return unary(SCALED_K0, x)


def scaled_modified_bessel_k1(x: Tensor) -> Tensor:
    """exp(x) times the modified Bessel function of the second kind of order 1; without gradient.

    Variants: special out
    """
    return unary(SCALED_K1, x)


def airy_ai(x: Tensor) -> Tensor:
    """Airy function Ai; without gradient.

    Variants: special out
    """
    return unary(AIRY_AI, x)


def spherical_bessel_j0(x: Tensor) -> Tensor:
    """Spherical Bessel function of the first kind of order 0, sin(x)/x; without gradient.

    Variants: special out
    """
    return unary(SPHERICAL_J0, x)


def chebyshev_polynomial_t(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev polynomial of the first kind and degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(CHEBYSHEV_T, self, n)


def chebyshev_polynomial_u(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev polynomial of the second kind and degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(CHEBYSHEV_U, self, n)


def chebyshev_polynomial_v(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev polynomial of the third kind and degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(CHEBYSHEV_V, self, n)


def chebyshev_polynomial_w(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev polynomial of the fourth kind and degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(CHEBYSHEV_W, self, n)


def shifted_chebyshev_polynomial_t(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev polynomial of the first kind on [0, 1], of degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(SHIFTED_CHEBYSHEV_T, self, n)


def shifted_chebyshev_polynomial_u(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev polynomial of the second kind on [0, 1], of degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(SHIFTED_CHEBYSHEV_U, self, n)


def shifted_chebyshev_polynomial_v(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev polynomial of the third kind on [0, 1], of degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(SHIFTED_CHEBYSHEV_V, self, n)


def shifted_chebyshev_polynomial_w(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev polynomial of the fourth kind on [0, 1], of degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(SHIFTED_CHEBYSHEV_W, self, n)


def hermite_polynomial_h(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Physicist's Hermite polynomial of degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(HERMITE_H, self, n)


def hermite_polynomial_he(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Probabilist's Hermite polynomial of degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(HERMITE_HE, self, n)


def laguerre_polynomial_l(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Laguerre polynomial of degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(LAGUERRE_L, self, n)


def legendre_polynomial_p(self: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Legendre polynomial of degree ``n`` at ``self``; without gradient.

    Variants: special out
    """
    return polynomial(LEGENDRE_P, self, n)
