"""Backward formulas with rows in front: products of matrices and vectors, solvers, convolutions, transforms."""

from __future__ import annotations

from typing import Any

from ..._core.dtypes import COMPLEX
from ..._core.modes import is_grad_enabled
from ..._gen import functions
from ..._record.common import OTHER, SELF
from ..._record.matmul import AddedProduct, scaled
from ...ops.conv_nodes import ConvolutionBackward0, ConvolutionBackwardBackward0, convolution_gradients, convolve
from ...ops.diagonals import TrilBackward0, TriuBackward0
from ...ops.fourier import FftC2CBackward0, FftC2RBackward0, FftR2CBackward0
from ...ops.linalg_cholesky import LinalgCholeskyExBackward0
from ...ops.linalg_eigen import LinalgEigBackward0, LinalgEighBackward0
from ...ops.linalg_lu import LinalgLuBackward0, LinalgLuFactorExBackward0, LuUnpackBackward0
from ...ops.linalg_qr import LinalgQrBackward0, OrmqrBackward0
from ...ops.linalg_solve import LinalgDetBackward0, LinalgSlogdetBackward0, LinalgSolveExBackward0, solve
from ...ops.linalg_svd import LinalgSvdBackward0
from ...ops.matmul import BmmBackward0, DotBackward0, MmBackward0, MvBackward0, VdotBackward0
from ...ops.matmul_added import OuterProduct, SummedBmm
from ...ops.pad import ConstantPadNdBackward0
from ...ops.shuffle import PixelShuffleBackward0, PixelUnshuffleBackward0
from ...ops.unfold import Col2ImBackward0, Im2ColBackward0
from .._formulas import formula, summed


def conjugate(t: Any) -> Any:
    """The conjugate; real tensors as they are."""
    return t if t.dt.category < COMPLEX else t.conj()


def adjoint(t: Any) -> Any:
    """Conjugate transposes of the matrices in the last two dimensions."""
    return conjugate(t.transpose(-2, -1))


def factors(node: Any) -> tuple[Any, Any]:
    """The saved operands; None for what no wanted gradient reads."""
    names = node.factor_names() if isinstance(node, AddedProduct) else ("self", node.other_name())
    x = node.saved_value(names[0]) if node.kept & SELF else None
    y = node.saved_value(names[1]) if node.kept & OTHER else None
    return x, y


def of_matrices(grad: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """dA = G B^H, dB = A^H G."""
    return None if y is None else grad @ adjoint(y), None if x is None else adjoint(x) @ grad


def of_summed_matrices(grad: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Every product of the stack has the gradient of the sum."""
    return of_matrices(grad.unsqueeze(1), x, y)


def of_matrix_and_vector(grad: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """dA = g v^H, dv = A^H g."""
    first = None if y is None else grad.unsqueeze(-1) * conjugate(y)
    return first, None if x is None else grad @ conjugate(x)


def of_vectors(grad: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """dx = g conj(y), dy = g conj(x)."""
    g = grad.unsqueeze(-1)
    return None if y is None else g * conjugate(y), None if x is None else g * conjugate(x)


def of_conjugated_vectors(grad: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """dx = conj(g) y, dy = g x."""
    g = grad.unsqueeze(-1)
    return None if y is None else conjugate(g) * y, None if x is None else g * x


def of_outer_product(grad: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """dx = G conj(y), dy = G^T conj(x)."""
    first = None if y is None else grad @ conjugate(y)
    return first, None if x is None else grad.transpose(1, 2) @ conjugate(x)


PRODUCTS = {
    SummedBmm: of_summed_matrices,
    MmBackward0: of_matrices,
    BmmBackward0: of_matrices,
    MvBackward0: of_matrix_and_vector,
    DotBackward0: of_vectors,
    VdotBackward0: of_conjugated_vectors,
    OuterProduct: of_outer_product,
}


def product_of(kind: type) -> Any:
    """The formula of a kind of product."""
    return next(PRODUCTS[k] for k in kind.__mro__ if k in PRODUCTS)


@formula(*PRODUCTS)
def multiplied(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Matrix products broadcast over the rows."""
    return list(product_of(type(node))(grads[0], *factors(node)))


@formula(AddedProduct)
def added(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The summand, then the factors."""
    grad = grads[0]
    found = product_of(type(node.plain()))(grad, *factors(node))
    summand = None if node.next0 is None else summed(scaled(grad, node.beta), node.kind0[0])
    return [summand, *(scaled(t, node.alpha) for t in found)]


@formula(
    LinalgQrBackward0, LinalgDetBackward0, LinalgSlogdetBackward0, LinalgEighBackward0, LinalgEigBackward0,
    LinalgSvdBackward0, LinalgCholeskyExBackward0, LinalgLuBackward0, LinalgLuFactorExBackward0, LuUnpackBackward0,
    ConstantPadNdBackward0, PixelShuffleBackward0, PixelUnshuffleBackward0, Im2ColBackward0,
    Col2ImBackward0, TrilBackward0, TriuBackward0, OrmqrBackward0,
)  # fmt: skip
def of_last_dimensions(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Formulas of the last dimensions, to which the rows are one more leading dimension."""
    return list(node.vjp_many(grads))


@formula(LinalgSolveExBackward0)
def solved(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """A X = B: gB solves A^H gB = G, and gA = -gB X^H.  X A = B: gB solves gB A^H = G, and gA = -X^H gB."""
    of_b = solve(adjoint(node.tensor("A")), node.opened(grads[0]), left=node.left)
    of_a = None
    if node.wanted(0):
        x = node.opened(node.tensor("result"))
        of_a = summed(-(of_b @ adjoint(x) if node.left else adjoint(x) @ of_b), node.shape_a)
    return [of_a, summed(of_b.squeeze(-1) if node.vector else of_b, node.shape_b) if node.wanted(1) else None]


@formula(FftC2CBackward0)
def complex_transform(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The dimensions are counted one further."""
    return [FftC2CBackward0(further(node.dim), node.normalization, node.is_forward).adjoint(grads[0])]


@formula(FftR2CBackward0)
def real_transform(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The dimensions are counted one further."""
    return [FftR2CBackward0(further(node.dim), node.normalization, node.onesided, node.last).adjoint(grads[0])]


@formula(FftC2RBackward0)
def back_transform(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The dimensions are counted one further."""
    return [FftC2RBackward0(further(node.dim), node.normalization, node.last).adjoint(grads[0])]


def further(dims: tuple[int, ...]) -> tuple[int, ...]:
    """Dimensions, counted one further."""
    return tuple(d + 1 for d in dims)


@formula(ConvolutionBackward0)
def convolved(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """For the input the rows are folded into the items, for the weight into the channels of the result."""
    grad, x, weight = grads[0], node.tensor("input"), node.tensor("weight")
    shape = tuple(x.shp)
    if rows * shape[0] == 0:
        return None
    found: list[Any] = [None, None, None]
    if node.wanted(0):
        if is_grad_enabled():
            like = x.unsqueeze(0).expand((rows, *shape)).reshape((-1, *shape[1:]))
        else:  # only its shape is read
            like = x[:1].expand((rows * shape[0], *shape[1:]))
        flat = grad.reshape((-1, *grad.shp[2:]))
        first = convolution_gradients(node.rule, [True, False, False], flat, like, weight)[0]
        found[0] = None if first is None else first.reshape((rows, *shape))
    if node.wanted(1):
        found[1] = weight_rows(node.rule, grad, x, weight)
    if node.wanted(2):
        found[2] = grad.sum([1, *range(3, len(grad.shp))])
    return found


def weight_rows(rule: Any, grad: Any, x: Any, weight: Any) -> Any:
    """The gradient of the weight for each row: that of one weight with a set of channels of the result for each."""
    rows, n, channels = grad.shp[:3]
    places = tuple(grad.shp[3:])
    per_group = channels // rule.groups
    wide = grad.reshape((rows, n, rule.groups, per_group, *places)).permute(1, 2, 0, *range(3, len(grad.shp) + 1))
    wide = wide.reshape((n, rows * channels, *places))
    first, second, *kernel = weight.shp
    zero = functions.zeros((), dtype=weight.dt)
    if rule.transposed:
        like = zero.expand((first, rows * second, *kernel))
        found: Any = convolution_gradients(rule, [False, True, False], wide, x, like)[1]
        return found.reshape((first, rows, second, *kernel)).movedim(1, 0)
    like = zero.expand((rows * first, second, *kernel))
    found = convolution_gradients(rule, [False, True, False], wide, x, like)[1]
    return found.reshape((rule.groups, rows, per_group, second, *kernel)).movedim(1, 0).reshape((rows, *weight.shp))


@formula(ConvolutionBackwardBackward0)
def convolved_again(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The gradient of the input is linear in that of the result, by the transposed map: the convolution itself."""
    if node.wanted_grads != [True, False, False] or node.wanted(2) or grads[0] is None:
        return None
    gg = grads[0]
    if rows * gg.shp[1] == 0:
        return None
    out = convolve(node.rule, gg.reshape((-1, *gg.shp[2:])), node.tensor("weight"))
    return [out.reshape((*gg.shp[:2], *out.shp[1:])) if node.wanted(0) else None, None, None]
