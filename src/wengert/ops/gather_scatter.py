"""Gather and scatter along a dimension.

An index tensor of ``gather`` and ``scatter`` has as many dimensions as the tensor: element (i, j, k) of it stands for the
place (index[i, j, k], j, k) when ``dim`` is 0.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import Size, int64, intern_size
from .._core.tensor_base import TensorBase
from .._record.binary import check_overlap
from .._record.common import make, quiet, wrap_dim
from .._record.general import General, general
from .._record.writing import Writer, writer_
from ..kernels import bulk as kernels
from ..kernels import counting, zeros
from .index_arrays import flat_positions, wrapped

if TYPE_CHECKING:
    from .._tensor import Tensor

SCATTER_REDUCE: Final = (
    "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a future PyTorch release. Use "
    "torch.scatter_reduce instead for more reduction options."
)


# -- checks ------------------------------------------------------------------------------------------------------------


def check_index(x: TensorBase, dim: int, index: Any, function: str, position: int) -> None:
    """Refuse index tensors that ``gather`` and ``scatter`` cannot use. Their numbers are looked at where they are used.

    Raises:
        TypeError: when it is no tensor.
        RuntimeError: dtype or number of dimensions.
    """
    if not isinstance(index, TensorBase):
        raise errors.argument_type(function, "index", position, "Tensor", index)
    if index.dt.name not in ("int64", "int32"):
        raise RuntimeError(f"{function}(): Expected dtype int32/int64 for index")
    if index.array.size > 0 and max(len(index.shp), 1) != max(len(x.shp), 1):
        name = "input" if function == "gather" else "self"
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {name} tensor")


def check_places(index: Any, x: Any, dim: int) -> None:
    """Refuse numbers that are no places along ``dim`` of ``x``.

    Raises:
        RuntimeError: with the first of them.
    """
    n = x.shape[dim] if x.ndim > 0 else 1
    if not counting.are_between(index, 0, n):
        first = index[(index < 0) | (index >= n)].reshape(-1)[0]
        raise RuntimeError(f"index {first} is out of bounds for dimension {dim} with size {n}")


def fits(small: Size, large: Size, dim: int) -> bool:
    """Whether no size is larger, ``dim`` aside (-1: none)."""
    for d in range(min(len(small), len(large))):  # noqa: SIM110 (a generator takes longer than the rest)
        if small[d] > large[d] and d != dim:
            return False
    return True


HOW: Final[dict[Any, str]] = {
    np.add.at: "add",
    np.multiply.at: "multiply",
    np.maximum.at: "maximum",
    np.minimum.at: "minimum",
}
BLOCK: Final = 1 << 16  # how many positions stand in memory at once
ONE: Final = intern_size((1,))  # the shape that a 0-d source has here


def check_source(x: TensorBase, dim: int, index: TensorBase, src: TensorBase) -> None:
    """Refuse sources of another dtype, and an index larger than target or source.

    Raises:
        RuntimeError: in these cases.
    """
    if src.dt is not x.dt:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if index.array.size == 0:
        return
    if max(len(index.shp), 1) != max(len(src.shp), 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if not fits(index.shp, x.shp, dim) or not fits(index.shp, src.shp or ONE, -1):
        raise RuntimeError(
            f"Expected index {errors.shape_text(index.shp)} to be no larger than self {errors.shape_text(x.shp)} apart from "
            f"dimension {dim} and to be no larger size than src {errors.shape_text(src.shp)}"
        )


# -- arrays ------------------------------------------------------------------------------------------------------------


def trim(array: Any, shape: tuple[int, ...], dim: int) -> Any:
    """The corner of an array that an index of this shape can reach: sizes cut, ``dim`` whole (-1: none)."""
    return array[tuple([slice(None) if d == dim else slice(n) for d, n in enumerate(shape)])]


def corner(src: Any, index: Any) -> Any:
    """The values that an index reaches: all of a 0-d ``src``, the first of several for a 0-d index."""
    if src.ndim < index.ndim:
        return src
    return src.reshape(-1)[0] if index.ndim == 0 else trim(src, index.shape, -1)


def gathered(x: Any, dim: int, index: Any) -> Any:
    """``gather`` for arrays; 0-d arrays count as having one dimension."""
    if x.ndim > 0 and index.ndim > 0 and index.size > 0 and index.dtype == np.int64 and kernels.moves(x):
        try:
            return kernels.gather(trim(x, index.shape, dim), dim, index)
        except IndexError:
            check_places(index, x, dim)
            raise
    check_places(index, x, dim)
    if x.ndim == 0:
        return np.asarray(x).reshape(1)[index]
    if index.size == 0:
        return np.zeros(index.shape, x.dtype)
    whole = trim(x, index.shape, dim)
    if index.ndim < 2:
        return x[index]
    return np.take_along_axis(whole, index, dim)


def scattered(target: Any, dim: int, index: Any, src: Any) -> None:
    """Write ``src`` (cut to the index, or a 0-d value) to the places of the index."""
    if index.size == 0:
        return
    values = corner(src, index)
    if by_kernel("write", target, dim, index, values):
        return
    check_places(index, target, dim)
    if index.ndim < 2:
        target.reshape(-1)[index] = values
    else:
        np.put_along_axis(trim(target, index.shape, dim), index, values, dim)


def by_kernel(how: str, target: Any, dim: int, index: Any, values: Any) -> bool:
    """Whether a kernel has joined the values (or a 0-d one) to the places of the index."""
    if (
        index.ndim == 0
        or index.size == 0
        or index.dtype != np.int64
        or not target.flags.c_contiguous
        or not kernels.moves(target, values)
    ):
        return False
    if target.ndim != index.ndim or trim(target, index.shape, dim).shape != target.shape:
        return False
    try:
        kernels.scatter(how, target, dim, index, values)
    except IndexError:
        check_places(index, target, dim)
        raise
    return True


def scatter_with(at: Any, target: Any, dim: int, index: Any, src: Any) -> None:
    """Combine ``src`` into the target with a ``ufunc.at``, in blocks of rows: positions are wide, and needed only once."""
    if index.size == 0:
        return
    work = np.atleast_1d(np.ascontiguousarray(target))
    index = np.atleast_1d(index)
    values = corner(src, index)
    if by_kernel(HOW[at], work, dim, index, values):
        if not np.may_share_memory(work, target):
            target[...] = work.reshape(target.shape)
        return
    values = np.broadcast_to(values, index.shape)
    check_places(index, work, dim)
    step = max(1, BLOCK * index.shape[0] // index.size)
    for start in range(0, index.shape[0], step):
        rows = slice(start, start + step)
        block = work if dim == 0 else work[rows]
        places = flat_positions(index[rows], dim, block.shape).reshape(-1)
        at(block.reshape(-1), places, values[rows].reshape(-1))
    if not np.may_share_memory(work, target):
        target[...] = work.reshape(target.shape)


# -- gather ------------------------------------------------------------------------------------------------------------


class GatherBackward0(General):
    """Elements picked along a dimension.  Their gradient is added back to the places they came from."""

    def __init__(self, dim: int, sparse_grad: bool) -> None:
        self.dim: int = dim
        self.sparse_grad: bool = sparse_grad

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def input_names(self) -> list[str]:
        return ["self", "index"]

    def forward(self, arrays: list[Any]) -> Any:
        return gathered(arrays[0], self.dim, arrays[1])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        target = make(zeros(self.tensor("self").shp, grad.dt.np))
        if quiet(grad) and len(target.shp) > 0:  # the zeros are ours: no copy
            scatter_with(np.add.at, target.array, self.dim, self.tensor("index").array, grad.array)
            return [target]
        return [general(ScatterAddBackward0(self.dim, grad.shp), [target, grad, self.tensor("index")])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(GatherBackward0(self.dim, False), [tangent, inputs[1]])]

    def saves(self) -> list[str]:
        return ["index", "self"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "sparse_grad": self.sparse_grad}


def gather(self: Tensor, dim: Any, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Elements of ``self`` at the places of ``index`` along ``dim``: ``out[i, j] = self[index[i, j], j]`` for dim 0.

    Args:
        index: integers from 0, with as many dimensions as ``self`` and no larger except along ``dim``.
        sparse_grad: accepted; the gradient is dense.

    Returns:
        A new tensor of the shape of ``index``.

    Gradient: ``scatter_add`` of grad into zeros.

    Raises:
        RuntimeError: for an index of another dtype, too large, or out of bounds.

    Example:
        >>> tensor([[1, 2], [3, 4]]).gather(1, tensor([[0, 0], [1, 0]]))
        tensor([[1, 1],
                [4, 3]])

    Variants: function method out
    """
    d = wrap_dim(dim, len(self.shp))
    check_index(self, d, index, "gather", 3)
    if index.array.size > 0 and not fits(index.shp, self.shp, d):
        at = next(i for i in range(len(self.shp)) if i != d and index.shp[i] > self.shp[i])
        raise RuntimeError(
            f"Size does not match at dimension {at} expected index {errors.shape_text(index.shp)} to be no larger than self "
            f"{errors.shape_text(self.shp)} apart from dimension {d}"
        )
    return general(GatherBackward0(d, sparse_grad), [self, index])


def take_along_dim(self: Tensor, indices: Tensor, dim: Any = None) -> Tensor:
    """Elements of ``self`` at ``indices`` along ``dim``; the other dimensions broadcast. Without ``dim`` both are flattened.

    Args:
        indices: int64; negative ones count from the end.

    Gradient: as for :func:`gather`.

    Variants: function method out
    """
    if not isinstance(indices, TensorBase):
        raise errors.argument_type("take_along_dim", "indices", 2, "Tensor", indices)
    if indices.dt is not int64:
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dt.title}")
    if dim is None:
        flat = shape.reshape(self, -1)
        return gather(flat, 0, counted(shape.reshape(indices, -1), flat.shp[0]))
    if len(self.shp) != len(indices.shp):
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{len(self.shp)} dimensions for input, and {len(indices.shp)} dimensions for indices"
        )
    d = wrap_dim(dim, len(self.shp))
    sizes = list(np.broadcast_shapes(self.shp[:d] + self.shp[d + 1 :], indices.shp[:d] + indices.shp[d + 1 :]))
    wide = shape.expand(self, (*sizes[:d], self.shp[d], *sizes[d:]))
    return gather(wide, d, counted(shape.expand(indices, (*sizes[:d], indices.shp[d], *sizes[d:])), self.shp[d]))


def counted(index: Tensor, size: int) -> Tensor:
    """Indices counted from the front; the tensor itself when they are already."""
    array = wrapped(index.array, size)
    return index if array is index.array else make(array)


# -- scatter -----------------------------------------------------------------------------------------------------------


class Scattering(Writer):
    """Base of what writes to the places that the last input names along a dimension."""

    dim: int

    def check(self, target: Any, arrays: list[Any]) -> None:
        check_places(arrays[-1], target, self.dim)


class ScatterBackward0(Scattering):
    """Elements of a source written along a dimension.  The source gets the gradient at their places, the target the rest."""

    def __init__(self, dim: int, size: Size) -> None:
        self.dim = dim
        self.size: Size = size

    def input_names(self) -> list[str]:
        return ["self", "src", "index"]

    def again(self) -> Writer:
        return ScatterBackward0(self.dim, self.size)

    def put(self, target: Any, arrays: list[Any]) -> None:
        scattered(target, self.dim, arrays[1], arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        index = self.tensor("index")
        first = general(ScatterBackward1(self.dim, np.zeros((), grad.dt.np)), [grad, index]) if self.wanted(0) else None
        return [first, self.source_grad(grad, index) if self.wanted(1) else None]

    def source_grad(self, grad: Tensor, index: Tensor) -> Tensor:
        """What the source gets; its elements beyond the index get nothing."""
        found = general(GatherBackward0(self.dim, False), [grad, index])
        return padded(found, self.size)

    def saves(self) -> list[str]:
        return ["index"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


def padded(t: Tensor, size: Size) -> Tensor:
    """``t`` in the first corner of zeros of this size."""
    if t.shp == size:
        return t
    if t.array.size == 0:
        return make(np.zeros(size, t.dt.np))
    for d in range(len(size)):
        n = t.shp[d]
        if n != size[d]:
            zeros = make(np.zeros((*t.shp[:d], size[d], *t.shp[d + 1 :]), t.dt.np))
            t = zeros.slice_scatter(t, d, 0, n)
    return t


class ScatterBackward1(Scattering):
    """A number written along a dimension.  The target's gradient is zero there."""

    sources: int = 1

    def __init__(self, dim: int, value: Any) -> None:
        self.dim = dim
        self.value: Any = value

    def input_names(self) -> list[str]:
        return ["self", "index"]

    def again(self) -> Writer:
        return ScatterBackward1(self.dim, np.zeros_like(self.value))

    def put(self, target: Any, arrays: list[Any]) -> None:
        scattered(target, self.dim, arrays[0], self.value)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(ScatterBackward1(self.dim, np.zeros((), grad.dt.np)), [grad, self.tensor("index")])]

    def saves(self) -> list[str]:
        return ["index"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


class ScatterAddBackward0(ScatterBackward0):
    """Elements of a source added along a dimension.  The target keeps its gradient, the source gathers it."""

    def again(self) -> Writer:
        return ScatterAddBackward0(self.dim, self.size)

    def put(self, target: Any, arrays: list[Any]) -> None:
        scatter_with(np.add.at, target, self.dim, arrays[1], arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [grad, self.source_grad(grad, self.tensor("index")) if self.wanted(1) else None]

    def saves(self) -> list[str]:
        return ["index"] if self.wanted(1) else []

    def saved_names(self) -> list[str]:
        return ["dim", "index"]


class NotDifferentiable(Scattering):
    """Base of the node of ``scatter(reduce=...)``, which PyTorch records without a derivative."""

    def __init__(self, dim: int, at: Any) -> None:
        self.dim = dim
        self.at: Any = at

    def again(self) -> Writer:
        raise RuntimeError("derivative for aten::scatter is not implemented")

    def name(self) -> str:
        return "torch::autograd::NotImplemented"

    def put(self, target: Any, arrays: list[Any]) -> None:
        scatter_with(self.at, target, self.dim, arrays[1], arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        raise RuntimeError("derivative for aten::scatter is not implemented; use scatter_reduce")


def scatter_parts(x: TensorBase, dim: Any, index: Any, src: Any, reduce: Any) -> tuple[Writer, list[TensorBase]]:
    """The operator and the inputs of a call of ``scatter``."""
    d = wrap_dim(dim, len(x.shp))
    check_index(x, d, index, "scatter", 2)
    source: TensorBase
    if isinstance(src, TensorBase):
        source = src
        check_source(x, d, index, source)
    else:
        source = make(fill.fill_value(src, x.dt, "scatter"))
        if not fits(index.shp, x.shp, d) and index.array.size > 0:
            raise RuntimeError(
                f"Expected index {errors.shape_text(index.shp)} to be no larger than self {errors.shape_text(x.shp)} apart "
                f"from dimension {d}"
            )
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise RuntimeError("reduce argument must be either add or multiply.")
        if isinstance(src, TensorBase):
            warnings.warn(SCATTER_REDUCE, UserWarning, stacklevel=4)
        return NotDifferentiable(d, np.add.at if reduce == "add" else np.multiply.at), [x, source, index]
    if not isinstance(src, TensorBase):
        return ScatterBackward1(d, source.array), [x, index]
    return ScatterBackward0(d, source.shp), [x, source, index]


def scatter(self: Tensor, dim: Any, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None) -> Tensor:
    """Copy of ``self`` with ``src`` written to the places of ``index``: ``out[index[i, j], j] = src[i, j]`` for dim 0.

    Args:
        index: integers from 0, with as many dimensions as ``self``; no larger than ``src``, nor than ``self`` except along
            ``dim``. Where a place occurs twice, one of the values stays.
        src: a tensor of the dtype of ``self``, or a number (also as ``value=``).
        reduce: "add" or "multiply" instead of overwriting, without derivative; see :func:`scatter_reduce`.

    Gradient: ``src`` gathers grad; ``self`` gets grad with zeros at the places written to.

    Variants: function method out
    """
    op, inputs = scatter_parts(self, dim, index, value if src is None else src, reduce)
    return general(op, inputs)


def scatter_(
    self: Tensor, dim: Any, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """In-place version of :meth:`scatter`.

    Variants: method
    """
    op, inputs = scatter_parts(self, dim, index, value if src is None else src, reduce)
    return write_checked(op, inputs)


def write_checked(op: Writer, inputs: list[TensorBase]) -> Tensor:
    """Write in place, from sources that do not overlap the target."""
    for t in inputs[1:]:
        check_overlap(inputs[0], t)
    return writer_(op, inputs)


def scatter_add_parts(x: TensorBase, dim: Any, index: Any, src: Any) -> tuple[Writer, list[TensorBase]]:
    """The operator and the inputs of a call of ``scatter_add``."""
    d = wrap_dim(dim, len(x.shp))
    check_index(x, d, index, "scatter", 2)
    if not isinstance(src, TensorBase):
        raise errors.argument_type("scatter_add", "src", 3, "Tensor", src)
    check_source(x, d, index, src)
    return ScatterAddBackward0(d, src.shp), [x, src, index]


def scatter_add(self: Tensor, dim: Any, index: Tensor, src: Tensor) -> Tensor:
    """Copy of ``self`` with ``src`` added at the places of ``index``, every occurrence of a place counting.

    Gradient: grad for ``self``, ``grad.gather(dim, index)`` for ``src``.

    Variants: function method out
    """
    op, inputs = scatter_add_parts(self, dim, index, src)
    return general(op, inputs)


def scatter_add_(self: Tensor, dim: Any, index: Tensor, src: Tensor) -> Tensor:
    """In-place version of :meth:`scatter_add`.

    Variants: method
    """
    op, inputs = scatter_add_parts(self, dim, index, src)
    return write_checked(op, inputs)


from . import fill, shape  # noqa: E402
