"""Products of matrices and vectors.

``matmul`` is built from four products with nodes of their own (dot, mv, mm, bmm), as in PyTorch; the linear algebra is
NumPy's BLAS. Products do not promote: both operands have one dtype.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import BOOL, COMPLEX
from .._core.tensor_base import TensorBase, requires_grad
from .._record.binary import Binary
from .._record.common import untracked
from .._record.general import general
from .._record.matmul import Product, adjoint_times, computed, conjugated, multiply_arrays, product, times_adjoint
from ..kernels import arrays, formulas, products
from .shape import UnsafeViewBackward0

if TYPE_CHECKING:
    from .._tensor import Tensor

by_columns: Final[Any] = arrays.by_columns


class MmBackward0(Product):
    """Product of two matrices.  dA = G B^H, dB = A^H G.

    A gradient is laid out like its matrix: that of a transposed weight is made transposed, so that the weight itself receives
    it without a copy.
    """

    columns0: bool = False
    columns1: bool = False

    def forward(self, x: Any, y: Any) -> Any:
        self.columns0 = by_columns(x)
        self.columns1 = by_columns(y)
        return multiply_arrays(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return times_adjoint(grad, other, self.columns0)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return adjoint_times(x, grad, self.columns1)

    def fresh(self) -> Binary:
        return MmBackward0()

    def other_name(self) -> str:
        return "mat2"


class BmmBackward0(Product):
    """Products of two stacks of matrices.  dA = G B^H, dB = A^H G."""

    def forward(self, x: Any, y: Any) -> Any:
        return multiply_stacks(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        if untracked(grad) and untracked(other):
            return computed(multiply_stacks(grad.array, conjugated(other).swapaxes(1, 2)), grad.dt)
        return bmm(grad, other.transpose(1, 2).conj())

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        if untracked(grad) and untracked(x):
            return computed(multiply_stacks(conjugated(x).swapaxes(1, 2), grad.array), grad.dt)
        return bmm(x.transpose(1, 2).conj(), grad)

    def fresh(self) -> Binary:
        return BmmBackward0()

    def other_name(self) -> str:
        return "mat2"


def multiply_stacks(x: Any, y: Any) -> Any:
    """Products of the matrices of two stacks; a single product where one stack is an expanded matrix.

    That is what gradients of samples multiply with: 256 of 32 x 16 with a vector each take 75 us, as one product 6.
    """
    count, rows, inner = x.shape
    columns = y.shape[2]
    if count > 1 and y.strides[0] == 0 and x.strides[0] != 0:
        return multiply_arrays(x.reshape(count * rows, inner), y[0]).reshape(count, rows, columns)
    if count > 1 and x.strides[0] == 0 and columns == 1:
        return multiply_arrays(y.reshape(count, inner), x[0].T).reshape(count, rows, 1)
    if inner == 1 and count > 1 and products.takes(x, y):
        return arrays.multiply(x, y)
    if rows == 1 and columns == 1 and len(y) == count and products.takes(x, y):
        return formulas.inner_product(1, x[:, 0], y[..., 0]).reshape(count, 1, 1)
    return multiply_arrays(x, y)


class MvBackward0(Product):
    """Product of a matrix and a vector.  dA = g v^H, dv = A^H g."""

    def forward(self, x: Any, y: Any) -> Any:
        return multiply_arrays(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        if untracked(grad) and untracked(other):
            return computed(arrays.multiply(grad.array[:, None], conjugated(other)[None]), grad.dt)
        return outer(grad, other.conj())

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        if untracked(grad) and untracked(x):
            return computed(multiply_arrays(conjugated(x).T, grad.array), grad.dt)
        return mv(x.t().conj(), grad)

    def fresh(self) -> Binary:
        return MvBackward0()

    def other_name(self) -> str:
        return "vec"


class DotBackward0(Product):
    """Sum of the products of two vectors.  dx = g conj(y), dy = g conj(x)."""

    def forward(self, x: Any, y: Any) -> Any:
        return multiply_arrays(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return grad * (other if other.dt.category < COMPLEX else other.conj())

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return grad * (x if x.dt.category < COMPLEX else x.conj())

    def fresh(self) -> Binary:
        return DotBackward0()

    def other_name(self) -> str:
        return "tensor"


class VdotBackward0(Product):
    """Sum of the products of the conjugate of one vector with another.  dx = conj(g) y, dy = g x."""

    def forward(self, x: Any, y: Any) -> Any:
        return multiply_arrays(x.conj() if x.dtype.kind == "c" else x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return grad.conj() * other

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return grad * x

    def fresh(self) -> Binary:
        return VdotBackward0()


def mm(self: Tensor, mat2: Tensor) -> Tensor:
    """Product of two matrices.

    Args:
        self: (n, k).
        mat2: (k, m), of the same dtype.

    Returns:
        New tensor (n, m).

    Gradient:
        ``grad @ mat2^H`` and ``self^H @ grad``.

    Raises:
        RuntimeError: for other numbers of dimensions, shapes that do not fit, or different dtypes.

    Variants: function method out
    """
    check_matrices(self, mat2)
    return product(MmBackward0(), self, mat2)


def check_matrices(x: TensorBase, y: TensorBase) -> None:
    """What ``mm`` asks of its operands."""
    xs: tuple[int, ...] = x.shp  # as plain tuples, which compiled code reads at once
    ys: tuple[int, ...] = y.shp
    if len(xs) != 2:
        raise RuntimeError(errors.with_hints("self must be a matrix", f"mm: shapes {shapes(x, y)}; matmul takes any"))
    if len(ys) != 2:
        raise RuntimeError(errors.with_hints("mat2 must be a matrix", f"mm: shapes {shapes(x, y)}; matmul takes any"))
    _, columns = xs
    rows, _ = ys
    if columns != rows:
        raise not_multiplicable(x.shp, y.shp)
    if x.dt is not y.dt:
        raise RuntimeError(
            errors.with_hints(
                f"expected m1 and m2 to have the same dtype, but got: {errors.c_type(x.dt)} != {errors.c_type(y.dt)}",
                PROMOTE,
            )
        )
    if x.dt.category == BOOL:
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")


PROMOTE = "products do not promote: convert one with .to(dtype)"


def shapes(x: TensorBase, y: TensorBase) -> str:
    """Both shapes, for messages."""
    return f"{errors.shape_text(x.shp)} and {errors.shape_text(y.shp)}"


def not_multiplicable(a: Any, b: Any) -> RuntimeError:
    """Inner sizes differ."""
    return RuntimeError(
        errors.with_hints(
            f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})",
            f"the inner sizes {a[1]} and {b[0]} must be equal",
        )
    )


def bmm(self: Tensor, mat2: Tensor) -> Tensor:
    """Products of the matrices of two stacks.

    Args:
        self: (b, n, k).
        mat2: (b, k, m), of the same dtype.

    Returns:
        New tensor (b, n, m).

    Variants: function method out
    """
    if len(self.shp) != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if len(mat2.shp) != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    if self.shp[0] != mat2.shp[0] or self.shp[2] != mat2.shp[1]:
        raise RuntimeError(
            errors.with_hints(
                f"Expected size for first two dimensions of batch2 tensor to be: [{self.shp[0]}, {self.shp[2]}] but got: "
                f"[{mat2.shp[0]}, {mat2.shp[1]}].",
                f"bmm: shapes {shapes(self, mat2)}",
            )
        )
    if self.dt is not mat2.dt:
        raise RuntimeError(f"expected scalar type {self.dt.title} but found {mat2.dt.title}")
    return product(BmmBackward0(), self, mat2)


def mv(self: Tensor, vec: Tensor) -> Tensor:
    """Product of a matrix (n, m) and a vector (m,): a vector (n,).

    Variants: function method out
    """
    if len(self.shp) != 2 or len(vec.shp) != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {len(self.shp)}, {len(vec.shp)}")
    if self.shp[1] != vec.shp[0]:
        raise RuntimeError(
            f"size mismatch, got input ({self.shp[0]}), mat ({self.shp[0]}x{self.shp[1]}), vec ({vec.shp[0]})"
        )
    if self.dt is not vec.dt:
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {vec.dt.title}, {self.dt.title}, and {vec.dt.title}"
        )
    return product(MvBackward0(), self, vec)


def dot(self: Tensor, tensor: Tensor) -> Tensor:
    """Sum of the products of two vectors' elements; a 0-d tensor.

    Variants: function method out
    """
    check_vectors("dot", self, tensor)
    return product(DotBackward0(), self, tensor)


def vdot(self: Tensor, other: Tensor) -> Tensor:
    """Sum of the products of the conjugate of one vector with another; a 0-d tensor.

    Variants: function method out
    """
    check_vectors("vdot", self, other)
    return product(VdotBackward0(), self, other)


def check_vectors(name: str, x: TensorBase, y: TensorBase) -> None:
    """What ``dot`` and ``vdot`` ask of their operands."""
    if len(x.shp) != 1 or len(y.shp) != 1:
        raise RuntimeError(f"1D tensors expected, but got {len(x.shp)}D and {len(y.shp)}D tensors")
    if x.dt is not y.dt:
        raise RuntimeError(
            errors.with_hints(
                f"{name} : expected both vectors to have same dtype, but found {x.dt.title} and {y.dt.title}", PROMOTE
            )
        )
    if x.shp != y.shp:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{x.shp[0]}] and src [{y.shp[0]}] to have the same number of "
            f"elements, but got {x.shp[0]} and {y.shp[0]} elements respectively"
        )
    if x.dt.category == BOOL:
        raise NotImplementedError(f"\"{name}\" not implemented for 'Bool'")


def outer(self: Tensor, vec2: Tensor) -> Tensor:
    """All products of an element of one vector and an element of another: (n,) and (m,) give (n, m).

    Variants: function method out
    Aliases: ger
    """
    for name, t in (("self", self), ("vec2", vec2)):
        if len(t.shp) != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {len(t.shp)}-D")
    return self.reshape((self.shp[0], 1)) * vec2


def matmul(self: Tensor, other: Tensor) -> Tensor:
    """Matrix product of tensors with any number of dimensions: ``self @ other``.

    The last two dimensions are multiplied as matrices, those before are broadcast; a tensor with one dimension counts as a
    row on the left and as a column on the right.

    Args:
        self: (..., n, k) or (k,).
        other: (..., k, m) or (k,), of the same dtype.

    Gradient:
        ``grad @ other^H`` and ``self^H @ grad``, summed over broadcast dimensions.

    Raises:
        RuntimeError: for 0-d operands, sizes that do not fit, or different dtypes.

    Variants: function method out linalg
    """
    n = len(self.shp)
    m = len(other.shp)
    if n == 2 and m == 2:
        return mm(self, other)
    if n == 1 and m == 1:
        return dot(self, other)
    if n == 2 and m == 1:
        return mv(self, other)
    if n == 0 or m == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {n}D and {m}D")
    if n == 1 and m == 2:
        return mm(self.unsqueeze(0), other).squeeze_(0)
    if n == 3 and m == 3 and self.shp[0] == other.shp[0] and untracked(self) and untracked(other):
        return bmm(self, other)  # without the views that PyTorch records
    x, y = without_stack(self, other) if n == 3 and m == 3 else (self, other)
    return folded(x, y) if folds(x, y) else batched(x, y)


def without_stack(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """A stack of one matrix, times a stack of several, as a matrix."""
    if x.shp[0] == 1 and y.shp[0] != 1:
        return x.squeeze(0), y
    return (x, y.squeeze(0)) if y.shp[0] == 1 and x.shp[0] != 1 else (x, y)


def folds(x: Tensor, y: Tensor) -> bool:
    """Whether one product of two matrices does the work of a stack: all but the last dimension of the larger are rows."""
    first = len(x.shp) >= len(y.shp)
    large, small = (x, y) if first else (y, x)
    if len(large.shp) < 3 or len(small.shp) > 2:
        return False
    if requires_grad(small):
        return True
    if not first and len(small.shp) == 2:
        return False
    array = large.array if first else large.array.swapaxes(-1, -2)
    for i in range(array.ndim - 2):
        if array.strides[i] != array.strides[i + 1] * array.shape[i + 1]:
            return bool(array.size == 0)
    return True


def folded(x: Tensor, y: Tensor) -> Tensor:
    """A tensor times a matrix or vector, as one product of matrices."""
    first = len(x.shp) >= len(y.shp)
    large = x if first else y.transpose(-1, -2)
    small = y if first else x
    shape = tuple(large.shp[:-1])
    rows = large.reshape((-1, large.shp[-1]) if large.array.size > 0 else (count(shape), large.shp[-1]))
    if len(small.shp) == 1:
        return unsafe_view(mv(rows, small), shape)
    if first:
        return unsafe_view(mm(rows, small), (*shape, small.shp[1]))
    return unsafe_view(mm(rows, small.t()), (*shape, small.shp[0])).transpose(-1, -2).contiguous()


def batched(x: Tensor, y: Tensor) -> Tensor:
    """Stacks of matrices: leading dimensions are broadcast and joined to one."""
    xs = tuple(x.shp) if len(x.shp) > 1 else (1, x.shp[0])
    ys = tuple(y.shp) if len(y.shp) > 1 else (y.shp[0], 1)
    batch = broadcast_batch(x, y, xs, ys)
    total = count(batch)
    column = len(y.shp) == 1
    if column:
        y = y.unsqueeze(1)
    a = x.expand((*batch, *xs[-2:])).reshape((total, *xs[-2:]))
    b = y.expand((*batch, *ys[-2:])).reshape((total, *ys[-2:]))
    shape = (*batch, *([xs[-2]] if len(x.shp) > 1 else []), *([] if column else [ys[-1]]))
    return unsafe_view(bmm(a, b), shape)


def broadcast_batch(x: TensorBase, y: TensorBase, xs: tuple[int, ...], ys: tuple[int, ...]) -> tuple[int, ...]:
    """Common leading dimensions."""
    try:
        return tuple(np.broadcast_shapes(xs[:-2], ys[:-2]))
    except ValueError:
        raise errors.broadcast(xs[:-2], ys[:-2], f"matmul of shapes {shapes(x, y)}: leading dimensions") from None


def count(shape: tuple[int, ...]) -> int:
    """Number of elements of a shape."""
    total = 1
    for n in shape:
        total *= n
    return total


def unsafe_view(t: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A fresh tensor in another shape; not a view, because nobody else holds its memory."""
    return general(UnsafeViewBackward0(shape, t.shp), [t])
