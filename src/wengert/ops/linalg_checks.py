"""What the operators on matrices check, and how they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, float16
from .._core.dynamic import LinAlgError
from .._core.tensor_base import TensorBase

if TYPE_CHECKING:
    from .._tensor import Tensor


def check_dims(name: str, x: TensorBase, argument: str = "A") -> None:
    """Matrices have rows and columns."""
    if len(x.shp) < 2:
        raise RuntimeError(
            errors.with_hints(
                f"{name}: The input tensor {argument} must have at least 2 dimensions.",
                f"its shape is {errors.shape_text(x.shp)}",
            )
        )


def check_square(name: str, x: TensorBase, argument: str = "A") -> None:
    """As many rows as columns."""
    check_dims(name, x, argument)
    check_rows(f"{name}: ", x, argument)


def check_rows(start: str, x: TensorBase, argument: str = "A") -> None:
    """As many rows as columns; ``start`` begins the message."""
    m, n = x.shp[-2:]
    if m != n:
        raise RuntimeError(
            errors.with_hints(
                f"{start}{argument} must be batches of square matrices, but they are {m} by {n} matrices",
                f"its shape is {errors.shape_text(x.shp)}",
            )
        )


def check_floating(name: str, x: TensorBase, half: bool = False) -> None:
    """Factorisations are of real and complex numbers in single or double precision; with ``half`` also in half."""
    if x.dt.category < FLOATING:
        raise RuntimeError(
            errors.with_hints(
                f"{name}: Expected a floating point or complex tensor as input. Got {x.dt.title}",
                "try: x.float() first",
            )
        )
    if x.dt is float16 and not half:
        raise RuntimeError(
            errors.with_hints(f"{name}: Low precision dtypes not supported. Got {x.dt.title}", "try: x.float() first")
        )


def check_same_dtype(name: str, a: TensorBase, b: TensorBase, first: str = "A", second: str = "B") -> None:
    """Both sides of an equation have one dtype."""
    if a.dt is not b.dt:
        raise RuntimeError(
            errors.with_hints(
                f"{name}: Expected {first} and {second} to have the same dtype, but found {first} of type {a.dt.title} "
                f"and {second} of type {b.dt.title} instead",
                "try: convert one of them with .to(dtype)",
            )
        )


def check_equation(name: str, a: TensorBase, b_shape: Any, left: bool) -> None:
    """``a x = b`` needs as many rows in b as in a; ``x a = b`` as many columns."""
    m, n = a.shp[-2:]
    rows, columns = b_shape[-2:]
    if (left and m != rows) or (not left and n != columns):
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({m}x{n} and {rows}x{columns})"
        )


def failed(info: Any) -> tuple[str, int] | None:
    """Of the first matrix with an info that is not 0: the batch element as text, and the info."""
    codes = np.asarray(info)
    if not codes.any():
        return None
    first = int(np.flatnonzero(codes)[0])
    where = f"(Batch element {first}): " if codes.ndim > 0 else ""
    return where, int(codes.ravel()[first])


def check_inverted(name: str, info: Tensor) -> None:
    """Refuse singular matrices."""
    found = failed(info.array)
    if found is not None:
        raise LinAlgError(
            errors.with_hints(
                f"{name}: {found[0]}The diagonal element {found[1]} is zero, the inversion could not be completed because "
                "the input matrix is singular.",
                "the element of the factor U; try: linalg.pinv, or linalg.inv_ex to go on without an error",
            )
        )


def check_solved(name: str, info: Tensor) -> None:
    """Refuse equations with a singular matrix."""
    found = failed(info.array)
    if found is not None:
        raise LinAlgError(
            errors.with_hints(
                f"{name}: {found[0]}The solver failed because the input matrix is singular.",
                f"element {found[1]} of the diagonal of the factor U is zero; try: linalg.lstsq",
            )
        )


def check_positive(name: str, info: Tensor) -> None:
    """Refuse matrices without a Cholesky factor."""
    found = failed(info.array)
    if found is not None:
        raise LinAlgError(
            errors.with_hints(
                f"{name}: {found[0]}The factorization could not be completed because the input is not positive-definite "
                f"(the leading minor of order {found[1]} is not positive-definite).",
                "try: a small multiple of the identity added to the matrix, or linalg.cholesky_ex to go on without an error",
            )
        )


def check_phase(name: str, diagonal: Any, text: str) -> None:
    """Refuse a loss that depends on the phases of singular or eigenvectors, which are arbitrary.

    ``diagonal`` (complex) has an imaginary part where changing a phase changes the loss.
    """
    if diagonal.dtype.kind == "c" and not np.allclose(diagonal.imag, 0, rtol=1e-2, atol=1e-2):
        raise RuntimeError(
            errors.with_hints(
                f"{name}: The {text}", "try: a loss of what does not change with the phase, such as abs() or v v^H"
            )
        )
