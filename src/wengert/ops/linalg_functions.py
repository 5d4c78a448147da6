"""Functions of square matrices: exponential and powers; Vandermonde matrices; diagonals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import BOOL, INTEGER, int64
from .._record.common import converted, int_of, make
from .._record.general import General, general
from .join import cat
from .linalg_arrays import exponential
from .linalg_checks import check_floating, check_square
from .linalg_solve import inverted
from .shape_parts import diagonal

if TYPE_CHECKING:
    from .._tensor import Tensor


class LinalgMatrixExpBackward0(General):
    """Exponential of A.  Its derivative along E is the upper right block of the exponential of ((A, E), (0, A)).

    Source: R. Mathias, "A chain rule for matrix functions and applications" (1996). For gA the same with A^H and G.
    """

    def forward(self, arrays: list[Any]) -> Any:
        return exponential(arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [exp_derivative(self.tensor("self").mH, grad)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [exp_derivative(inputs[0], tangent)]

    def saves(self) -> list[str]:
        return ["self"]


def exp_derivative(a: Tensor, direction: Tensor) -> Tensor:
    """Derivative of the exponential of ``a`` along ``direction``."""
    n = a.shp[-1]
    upper = cat([a, direction], -1)
    lower = cat([make(np.zeros(a.shp, a.dt.np)), a], -1)
    return matrix_exp(cat([upper, lower], -2))[..., :n, n:]


def matrix_exp(self: Tensor) -> Tensor:
    """Exponential of square matrices (..., n, n): the sum of all ``A^k / k!``.

    Gradient:
        From the exponential of a matrix of twice the size.

    Variants: function method linalg
    """
    check_square("linalg.matrix_exp", self)
    check_floating("linalg.matrix_exp", self)
    return general(LinalgMatrixExpBackward0(), [self])


def matrix_power(self: Tensor, n: Any) -> Tensor:
    """Power of square matrices by repeated squaring.

    Args:
        self: (..., n, n).
        n: the exponent; 0 for the identity, negative for powers of the inverse.

    Raises:
        LinAlgError: for a negative power of a singular matrix.

    Variants: function method linalg out
    """
    if not hasattr(n, "__index__") or isinstance(n, bool):
        raise errors.argument_type("linalg_matrix_power", "n", 2, "int", n)
    power = int_of(n)
    check_square("linalg.matrix_power", self)
    if power == 0:
        return self.clone().copy_(make(np.eye(self.shp[-1], dtype=self.dt.np)))
    if power < 0:
        return positive_power(inverted("linalg.inv", self), -power)
    return self.clone() if power == 1 else positive_power(self, power)


def positive_power(a: Tensor, power: int) -> Tensor:
    """a @ a @ ... by repeated squaring."""
    if power == 3:
        return (a @ a) @ a
    found: Tensor | None = None
    square: Tensor | None = None
    while power > 0:
        square = a if square is None else square @ square
        if power % 2 == 1:
            found = square if found is None else found @ square
        power //= 2
    assert found is not None
    return found


def linalg_vander(x: Tensor, N: Any = None) -> Tensor:
    """Vandermonde matrix: the powers 0 to N - 1 of each element as rows.

    Args:
        x: (..., n).
        N: number of columns, at least 2; n when None.

    Returns:
        New tensor (..., n, N); integers become int64.

    Variants: linalg
    Name: vander
    """
    count = (x.shp[-1] if len(x.shp) > 0 else 1) if N is None else int_of(N, "N")
    if x.dt.category == BOOL:
        raise RuntimeError(f"linalg.vander supports floating point, complex, and integer tensors, but got {x.dt.title}")
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    return powers(x, count)


def powers(x: Tensor, count: int) -> Tensor:
    """The powers 0 to count - 1, along a new last dimension."""
    base = converted(x, int64) if x.dt.category <= INTEGER else x
    ones = make(np.ones((*x.shp, 1), base.dt.np))
    if count == 1:
        return ones
    return cat([ones, base.unsqueeze(-1).expand(*x.shp, count - 1).cumprod(-1)], -1)


def vander(x: Tensor, N: Any = None, increasing: bool = False) -> Tensor:
    """Vandermonde matrix of a vector: the powers N - 1 to 0 of each element as rows.

    Args:
        x: (n,).
        N: number of columns; n when None.
        increasing: start with power 0.

    Returns:
        New tensor (n, N); integers and bools become int64.

    Variants: function
    """
    if len(x.shp) != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shp[0] if N is None else int_of(N, "N")
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    if count == 0:
        return make(np.empty((x.shp[0], 0), int64.np if x.dt.category <= INTEGER else x.dt.np))
    found = powers(x, count)
    return found if increasing else found.flip((1,))


def linalg_diagonal(A: Tensor, *, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> Tensor:
    """View of a diagonal of matrices; ``Tensor.diagonal`` for the last two dimensions.

    Variants: linalg
    Name: diagonal
    """
    return diagonal(A, offset, dim1, dim2)
