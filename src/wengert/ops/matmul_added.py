"""Matrix products added to a tensor, ``beta * self + alpha * (A times B)``, and the linear layer made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import BOOL, COMPLEX, FLOATING, INTEGER, dtype
from .._core.tensor_base import TensorBase
from .._record.common import converted, make, number_of, result_type, untracked
from .._record.matmul import (
    AddedProduct,
    Product,
    added_product,
    adjoint_times,
    multiply_arrays,
    times_adjoint,
)
from ..kernels import arrays, formulas
from ..kernels.blocks import BLOCK
from .fill import filling_integer
from .matmul import BmmBackward0, MmBackward0, MvBackward0, bmm, by_columns, mm, mv, not_multiplicable, outer
from .sizes import count

if TYPE_CHECKING:
    from .._tensor import Tensor


_product: Final[Any] = arrays.product


class AddmmBackward0(AddedProduct):
    """``beta * self + alpha * mat1 @ mat2``.  dmat1 = alpha G mat2^H, dmat2 = alpha mat1^H G."""

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

    def sum(self, summand: Any, x: Any, y: Any) -> Any:
        array = _product(x, y, summand, 0) if self.alpha == 1 and self.beta == 1 else None
        if array is None:
            return super().sum(summand, x, y)
        self.columns0 = by_columns(x)
        self.columns1 = by_columns(y)
        return array

    def plain(self) -> Product:
        return MmBackward0()


class AddmvBackward0(AddedProduct):
    """``beta * self + alpha * mat @ vec``."""

    def forward(self, x: Any, y: Any) -> Any:
        return multiply_arrays(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return outer(grad, other.conj())

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return mv(x.t().conj(), grad)

    def plain(self) -> Product:
        return MvBackward0()

    def factor_names(self) -> tuple[str, str]:
        return ("mat", "vec")


class OuterProduct(Product):
    """All products of the elements of two vectors, as one step of ``addr``."""

    silent: bool = False

    def forward(self, x: Any, y: Any) -> Any:
        return np.multiply(x[:, None], y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return mv(grad, other.conj())

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return mv(grad.t(), x.conj())


class AddrBackward0(AddedProduct):
    """``beta * self + alpha * outer(vec1, vec2)``."""

    def forward(self, x: Any, y: Any) -> Any:
        return np.multiply(x[:, None], y)

    def sum(self, summand: Any, x: Any, y: Any) -> Any:
        shape = (x.size, y.size)
        if self.beta == 1 and summand.shape == shape and x.dtype == y.dtype == summand.dtype and x.dtype.char in "fd":
            return formulas.addcmul(summand, x[:, None], y, self.alpha)
        return super().sum(summand, x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return mv(grad, other.conj())

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return mv(grad.t(), x.conj())

    def plain(self) -> Product:
        return OuterProduct()

    def factor_names(self) -> tuple[str, str]:
        return ("vec1", "vec2")


class BaddbmmBackward0(AddedProduct):
    """``beta * self + alpha * batch1 @ batch2``, for stacks of matrices."""

    def forward(self, x: Any, y: Any) -> Any:
        return multiply_arrays(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return bmm(grad, other.transpose(1, 2).conj())

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return bmm(x.transpose(1, 2).conj(), grad)

    def plain(self) -> Product:
        return BmmBackward0()

    def factor_names(self) -> tuple[str, str]:
        return ("batch1", "batch2")


class SummedBmm(BmmBackward0):
    """Sum of the products of two stacks of matrices, as one step of ``addbmm``."""

    def forward(self, x: Any, y: Any) -> Any:
        return summed_products(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return super().grad_self(for_each(other, grad), x, other, result)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return super().grad_other(for_each(x, grad), x, other, result)


def for_each(stack: Tensor, grad: Tensor) -> Tensor:
    """The gradient of a sum over a stack, for each of its matrices."""
    return grad.unsqueeze(0).expand((stack.shp[0], *grad.shp))


class AddbmmBackward0(AddedProduct):
    """``beta * self + alpha * sum(batch1 @ batch2)`` over the stack."""

    def forward(self, x: Any, y: Any) -> Any:
        return summed_products(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return bmm(for_each(other, grad), other.transpose(1, 2).conj())

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return bmm(x.transpose(1, 2).conj(), for_each(x, grad))

    def plain(self) -> Product:
        return SummedBmm()

    def factor_names(self) -> tuple[str, str]:
        return ("batch1", "batch2")


def summed_products(x: Any, y: Any) -> Any:
    """Sum of matrix products, as one product of longer matrices."""
    count, n, k = x.shape
    return multiply_arrays(x.swapaxes(0, 1).reshape(n, count * k), y.reshape(count * k, y.shape[2]))


def with_factors(op: AddedProduct, x: TensorBase, alpha: Any, beta: Any) -> AddedProduct:
    """``op`` with its two numbers, which must suit the dtype."""
    function = errors.operator_name(op)
    op.beta = factor_for(x.dt, number_of(beta, function, "beta"), "beta")
    op.alpha = factor_for(x.dt, number_of(alpha, function, "alpha"), "alpha")
    return op


def factor_for(dt: dtype, value: Any, name: str) -> Any:
    """``alpha`` or ``beta`` as a number that keeps the dtype of what it multiplies."""
    if isinstance(value, float) and dt.category < FLOATING:
        raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    if isinstance(value, complex) and dt.category < COMPLEX:
        raise RuntimeError(f"For non-complex input tensors, argument {name} must not be a complex number.")
    if dt.category == BOOL:
        return bool(value)
    return int(filling_integer(value, dt)) if dt.category == INTEGER else value


def check_summand(x: TensorBase, shape: tuple[int, ...]) -> None:
    """The summand must broadcast to the result."""
    lead = len(shape) - len(x.shp)
    for i in range(len(x.shp)):
        n = x.shp[i]
        if lead < 0 or (n != 1 and n != shape[i + lead]):
            raise RuntimeError(
                errors.with_hints(
                    f"The expanded size of the tensor ({shape[i + lead]}) must match the existing size ({n}) at "
                    f"non-singleton dimension {i + lead}.  Target sizes: {list(shape)}.  Tensor sizes: {list(x.shp)}",
                    f"the product has shape {list(shape)}; the tensor added to it must broadcast to that",
                )
            )


def check_dtypes(x: TensorBase, first: TensorBase, second: TensorBase, name: str) -> None:
    """All three of one dtype."""
    if x.dt is not second.dt:
        raise RuntimeError(f"self and {name} must have the same dtype, but got {x.dt.title} and {second.dt.title}")
    if first.dt is not second.dt:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {first.dt.c_name} != {second.dt.c_name}"
        )


def addmm(self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * self + alpha * mat1 @ mat2``; ``self`` is broadcast.

    Args:
        self: tensor that broadcasts to (n, m); ignored when ``beta`` is 0.
        mat1: (n, k).
        mat2: (k, m).

    Gradient:
        ``beta * grad`` summed to the shape of ``self``, ``alpha * grad @ mat2^H``, ``alpha * mat1^H @ grad``.

    Raises:
        RuntimeError: for shapes that do not fit, or different dtypes.

    Variants: function method inplace out
    """
    if len(mat1.shp) != 2 or len(mat2.shp) != 2:
        raise RuntimeError(f"mat1 and mat2 must be matrices, but got {len(mat1.shp)}-D and {len(mat2.shp)}-D tensors")
    if mat1.shp[1] != mat2.shp[0]:
        raise not_multiplicable(mat1.shp, mat2.shp)
    check_summand(self, (mat1.shp[0], mat2.shp[1]))
    check_dtypes(self, mat1, mat2, "mat2")
    if self.dt.category == BOOL:
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
    return added_product(with_factors(AddmmBackward0(), self, alpha, beta), self, mat1, mat2)


def addmv(self: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * self + alpha * mat @ vec``; ``self`` is broadcast to (n,).

    Variants: function method inplace out
    """
    if len(mat.shp) != 2 or len(vec.shp) != 1 or len(self.shp) > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {len(self.shp)}, {len(mat.shp)}, {len(vec.shp)}")
    size = self.shp[0] if len(self.shp) == 1 else 1
    if mat.shp[1] != vec.shp[0] or (size != 1 and size != mat.shp[0]):
        raise RuntimeError(f"size mismatch, got input ({size}), mat ({mat.shp[0]}x{mat.shp[1]}), vec ({vec.shp[0]})")
    if not (self.dt is mat.dt and mat.dt is vec.dt):
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {self.dt.title}, {mat.dt.title}, and {vec.dt.title}"
        )
    return added_product(with_factors(AddmvBackward0(), self, alpha, beta), self, mat, vec)


def addr(self: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * self + alpha * outer(vec1, vec2)``; ``self`` is broadcast to (n, m), dtypes are promoted.

    Variants: function method inplace out
    """
    for name, t in (("vec1", vec1), ("vec2", vec2)):
        if len(t.shp) != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {len(t.shp)}-D")
    check_summand(self, (vec1.shp[0], vec2.shp[0]))
    dt = result_type([self, vec1, vec2])
    for name, factor in (("beta", beta), ("alpha", alpha)):
        if isinstance(factor, bool) and dt.category != BOOL:
            raise RuntimeError(f"Boolean {name} only supported for Boolean results.")
    summand = converted(self, dt)
    op = with_factors(AddrBackward0(), summand, alpha, beta)
    return added_product(op, summand, converted(vec1, dt), converted(vec2, dt))


def baddbmm(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * self + alpha * batch1 @ batch2`` for stacks of matrices; ``self`` is broadcast to (b, n, m).

    Variants: function method inplace out
    """
    check_batches(batch1, batch2)
    check_summand(self, (batch1.shp[0], batch1.shp[1], batch2.shp[2]))
    check_dtypes(self, batch1, batch2, "batch2")
    return added_product(with_factors(BaddbmmBackward0(), self, alpha, beta), self, batch1, batch2)


def addbmm(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * self + alpha * sum(batch1 @ batch2)`` over the stack; ``self`` is broadcast to (n, m).

    Variants: function method inplace out
    """
    check_batches(batch1, batch2)
    check_summand(self, (batch1.shp[1], batch2.shp[2]))
    check_dtypes(self, batch1, batch2, "batch2")
    return added_product(with_factors(AddbmmBackward0(), self, alpha, beta), self, batch1, batch2)


def check_batches(x: TensorBase, y: TensorBase) -> None:
    """Two stacks of matrices that can be multiplied."""
    if len(x.shp) != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if len(y.shp) != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    if x.shp[0] != y.shp[0] or x.shp[2] != y.shp[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{x.shp[0]}, {x.shp[2]}] but got: "
            f"[{y.shp[0]}, {y.shp[1]}]."
        )


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map of the last dimension: ``input @ weight^T + bias``.

    Args:
        input: (..., in) floating or complex tensor.
        weight: (out, in), or (in,) for one output without a dimension.
        bias: (out,) or None.

    Gradient:
        ``grad @ weight``, ``grad^T @ input``, and ``grad`` summed over all but the last dimension.

    Raises:
        RuntimeError: for sizes that do not fit, or different dtypes.

    Example:
        >>> linear(ones(1, 2), tensor([[1., 2.]]), tensor([0.5]))
        tensor([[3.5000]])

    Variants: nn
    """
    if len(weight.shp) > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {len(weight.shp)}D")
    turned = weight.t()
    if len(weight.shp) != 2:
        product = input.matmul(turned)
        return product if bias is None else product + bias
    if len(input.shp) == 2:
        return mm(input, turned) if bias is None else addmm(bias, input, turned)
    if bias is None:
        return input.matmul(turned)
    shape = tuple(input.shp[:-1])
    rows = input.view((-1, input.shp[-1])) if input.array.flags.c_contiguous and input.array.size > 0 else None
    if rows is None:
        return input.matmul(turned) + bias
    return addmm(bias, rows, turned).view((*shape, weight.shp[0]))


def bilinear_array(x: Any, y: Any, weight: Any) -> Any:
    """``bilinear`` of arrays (rows, in1) and (rows, in2): products with the weight stand in memory for a block of rows only."""
    outs, inner, width = weight.shape
    out = np.empty((len(x), outs), x.dtype)
    flat = weight.transpose(1, 0, 2).reshape(inner, outs * width)
    step = max(1, BLOCK // max(1, outs * width))
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        half = (x[part] @ flat).reshape(len(x[part]), outs, width)
        np.matmul(half, y[part, :, None], out=out[part, :, None])
    return out


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``y_o = input1 @ weight_o @ input2 + bias_o`` along the last dimensions.

    Args:
        input1: (..., in1).
        input2: (..., in2), with the same leading dimensions.
        weight: (out, in1, in2).
        bias: (out,) or None.

    Variants: function nn
    """
    if input1.shp[:-1] != input2.shp[:-1] or weight.shp[1] != input1.shp[-1] or weight.shp[2] != input2.shp[-1]:
        raise RuntimeError(
            errors.with_hints(
                "bilinear(): input and weight sizes do not match",
                f"inputs {list(input1.shp)} and {list(input2.shp)}, weight {list(weight.shp)}",
            )
        )
    rows = count(input1.shp[:-1])
    x = input1.reshape(rows, input1.shp[-1])
    y = input2.reshape(rows, input2.shp[-1])
    plain = untracked(x) and untracked(y) and untracked(weight) and isinstance(x.array, np.ndarray)
    if plain and x.dt is y.dt and x.dt is weight.dt:
        found = make(bilinear_array(x.array, y.array, weight.array)).reshape((*input1.shp[:-1], weight.shp[0]))
        return found if bias is None else found + bias
    outs, inner, width = weight.shp
    half = mm(x, weight.permute(1, 0, 2).reshape(inner, outs * width)).reshape(x.shp[0], outs, width)
    result = bmm(half, y.unsqueeze(2)).reshape((*input1.shp[:-1], weight.shp[0]))
    return result if bias is None else result + bias
