"""Copies with the elements in other places: repetition, reversal, rotation, and grids."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import INTEGER
from .._core.tensor_base import TensorBase, from_array
from .._record.common import int_of, wrap_dim
from .._record.general import General, general
from ..kernels.copies import repeated, rolled, row_major
from .fill import clone
from .shape import expand, flatten, reshape, unsqueeze, view
from .sizes import count, distinct_dims, listed, sizes_of, whole

if TYPE_CHECKING:
    from .._tensor import Tensor


class Rearrangement(General):
    """Base of linear operators with one input: the tangent goes through the operator itself."""

    def again(self) -> Rearrangement:
        """A new node with the same parameters."""
        raise NotImplementedError

    def transposed(self, grad: Tensor) -> Tensor:
        """The transposed map, which takes the gradient back."""
        raise NotImplementedError

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        assert grads[0] is not None
        return [self.transposed(grads[0])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        assert tangents[0] is not None
        return [general(self.again(), [tangents[0]])]


class RepeatBackward0(Rearrangement):
    """The whole tensor repeated along each dimension; the gradient is summed over the repetitions."""

    def __init__(self, repeats: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self.repeats: tuple[int, ...] = repeats
        self.shape: tuple[int, ...] = shape

    def forward(self, arrays: list[Any]) -> Any:
        return repeated(arrays[0], self.repeats)

    def transposed(self, grad: Tensor) -> Tensor:
        lead = len(self.repeats) - len(self.shape)
        shape = (1,) * lead + self.shape
        pairs: list[int] = []
        for r, n in zip(self.repeats, shape, strict=True):
            pairs += [r, n]
        summed = reshape(grad, tuple(pairs)).sum(tuple(range(0, len(pairs), 2))) if len(pairs) > 0 else grad
        return reshape(summed, self.shape)

    def again(self) -> Rearrangement:
        return RepeatBackward0(self.repeats, self.shape)

    def parameters(self) -> dict[str, Any]:
        return {"repeats": self.repeats, "self_sym_sizes": tuple(self.shape)}


class FlipBackward0(Rearrangement):
    """Dimensions reversed."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims: tuple[int, ...] = dims

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        flipped = np.flip(x, self.dims) if x.ndim > 0 else x
        return row_major(flipped) if x.flags.c_contiguous else flipped.copy(order="K")

    def transposed(self, grad: Tensor) -> Tensor:
        return general(FlipBackward0(self.dims), [grad])

    def again(self) -> Rearrangement:
        return FlipBackward0(self.dims)

    def parameters(self) -> dict[str, Any]:
        return {"dims": self.dims}


class RollBackward0(Rearrangement):
    """Elements shifted along dimensions; those that leave come in again at the other end."""

    def __init__(self, shifts: tuple[int, ...], dims: tuple[int, ...]) -> None:
        self.shifts: tuple[int, ...] = shifts
        self.dims: tuple[int, ...] = dims

    def forward(self, arrays: list[Any]) -> Any:
        if len(self.dims) == 0:
            return rolled(arrays[0].reshape(-1), self.shifts, (0,)).reshape(arrays[0].shape)
        return rolled(arrays[0], self.shifts, self.dims)

    def transposed(self, grad: Tensor) -> Tensor:
        return general(RollBackward0(tuple([-n for n in self.shifts]), self.dims), [grad])

    def again(self) -> Rearrangement:
        return RollBackward0(self.shifts, self.dims)

    def parameters(self) -> dict[str, Any]:
        return {"dims": self.dims, "shifts": self.shifts}


class Rot90Backward0(Rearrangement):
    """Rotation by quarter turns in the plane of two dimensions."""

    def __init__(self, k: int, dims: tuple[int, ...]) -> None:
        self.k: int = k
        self.dims: tuple[int, ...] = dims

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        first, second = self.dims
        if self.k == 0:
            return row_major(x)
        if self.k == 2:
            return np.flip(x, self.dims).copy(order="K")
        return np.flip(x, second if self.k == 1 else first).copy(order="K").swapaxes(first, second)

    def transposed(self, grad: Tensor) -> Tensor:
        return general(Rot90Backward0((4 - self.k) % 4, self.dims), [grad])

    def again(self) -> Rearrangement:
        return Rot90Backward0(self.k, self.dims)

    def parameters(self) -> dict[str, Any]:
        return {"dims": self.dims, "k": self.k}


def repeat(self: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """The whole tensor repeated ``sizes[i]`` times along dimension i; new dimensions may come in front.

    Args:
        sizes: one by one or as one sequence (also as ``repeats=``).

    Gradient: summed over the repetitions.

    Raises:
        RuntimeError: for fewer numbers than dimensions.

    Variants: method
    """
    times = sizes_of(sizes, repeats, "repeat", "repeats")
    if len(sizes) == 0 and repeats is None:
        raise TypeError('repeat() missing 1 required positional arguments: "repeats"')
    if len(times) < len(self.shp):
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    for n in times:
        if n < 0:
            shape = [r * m for r, m in zip(times, (1,) * (len(times) - len(self.shp)) + self.shp, strict=True)]
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {min(shape)}: {errors.shape_text(shape)}"
            )
    return general(RepeatBackward0(times, self.shp), [self])


def tile(self: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """As ``repeat``; fewer numbers than dimensions count from the last dimension.

    Variants: function method
    """
    times = sizes_of(sizes, dims, "tile", "dims")
    return repeat(self, (1,) * (len(self.shp) - len(times)) + times)


def repeat_interleave(self: Tensor, repeats: Any = None, dim: Any = None, *, output_size: Any = None) -> Tensor:
    """Each element (or slice of dimension ``dim``) repeated in place: [a, b] with 2 is [a, a, b, b].

    Args:
        repeats: a number for all, or an integer tensor with one number for each; without it, ``self`` is that tensor and the
            result are the indices.
        dim: without it, the flattened tensor is taken.

    Gradient: summed over the repetitions.

    Raises:
        RuntimeError: for negative numbers, or a wrong count of them.

    Variants: function method
    """
    if repeats is None:
        return repeated_indices(self, len(self.shp) and self.shp[0])
    x = flatten(self) if dim is None else self
    d = wrap_dim(0 if dim is None else dim, len(x.shp))
    if isinstance(repeats, TensorBase) and len(repeats.shp) > 0:
        index = repeated_indices(repeats, x.shp[d])
        if output_size is not None and output_size != index.shp[0]:
            raise RuntimeError("allocated size does not match required size")
        return x.index_select(d, index)
    times = whole(repeats, "repeat_interleave", "repeats", 1)
    if times < 0:
        raise RuntimeError("Repeats must be non-negative")
    shape = (*x.shp[: d + 1], times, *x.shp[d + 1 :])
    spread = clone(expand(unsqueeze(x, d + 1), shape), "contiguous_format")
    return view(spread, (*x.shp[:d], x.shp[d] * times, *x.shp[d + 1 :]))


def repeated_indices(repeats: TensorBase, n: int) -> Tensor:
    """Index i as often as ``repeats[i]`` says."""
    if repeats.dt.category != INTEGER:
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{repeats.dt.title}'")
    times = repeats.array
    if times.size != n and times.size != 1:
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{times.size} and input.size(0) = {n}"
        )
    if times.size > 0 and times.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return from_array(np.repeat(np.arange(n), times))  # type: ignore[return-value]


def flip(self: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """A copy with the order of the elements reversed along the dimensions named.

    Args:
        order: dimensions one by one or as one sequence (also as ``dims=``).

    Gradient: reversed back.

    Variants: function method
    """
    if len(order) == 0 and dims is None:
        raise TypeError('flip() missing 1 required positional arguments: "dims"')
    return general(FlipBackward0(tuple(distinct_dims(sizes_of(order, dims, "flip", "dims"), len(self.shp)))), [self])


def fliplr(self: Tensor) -> Tensor:
    """A copy with the columns in reverse order.

    Raises:
        RuntimeError: for fewer than two dimensions.

    Variants: function method
    """
    if len(self.shp) < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(self, 1)


def flipud(self: Tensor) -> Tensor:
    """A copy with the rows in reverse order.

    Raises:
        RuntimeError: for a 0-d tensor.

    Variants: function method
    """
    if len(self.shp) < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(self, 0)


def roll(self: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """A copy with the elements shifted; those that leave come in again at the other end.

    Args:
        shifts: by how many places, an int or one for each dimension in ``dims``.
        dims: along which dimensions; without it, along the flattened tensor.

    Gradient: shifted back.

    Raises:
        RuntimeError: when the numbers of shifts and dimensions differ.

    Variants: function method
    """
    by = sizes_of((shifts,), None, "roll", "shifts")
    along = () if dims is None else sizes_of((dims,), None, "roll", "dims")
    if len(by) == 0:
        raise RuntimeError("`shifts` required")
    if len(by) != len(along) and not (len(by) == 1 and len(along) == 0):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(along)}")
    if len(self.shp) == 0 and len(along) > 0:
        raise errors.no_dimensions(along[0])
    found = tuple([wrap_dim(d, len(self.shp)) for d in along])
    return general(RollBackward0(by, found), [self])


def rot90(self: Tensor, k: Any = 1, dims: Any = (0, 1)) -> Tensor:
    """A copy rotated by ``k`` quarter turns in the plane of two dimensions, from the first towards the second.

    Gradient: rotated back.

    Raises:
        RuntimeError: for other than two different dimensions.

    Variants: function method
    """
    plane = sizes_of((), tuple(dims), "rot90", "dims")
    ndim = len(self.shp)
    if len(plane) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(plane)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    first, second = wrap_dim(plane[0], ndim), wrap_dim(plane[1], ndim)
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {plane[0]} and dim1 = {plane[1]}")
    return general(Rot90Backward0(int_of(k) % 4, (first, second)), [self])


def meshgrid(*tensors: Any, indexing: Any = None) -> Any:
    """Coordinates of a grid: one tensor per axis, each expanded to the shape of the grid.

    Args:
        tensors: 0-d or 1-d tensors of one dtype, one by one or as one sequence.
        indexing: "ij" (axis i varies along dimension i) or "xy" (the first two dimensions exchanged).

    Returns:
        A tuple of views.

    Raises:
        RuntimeError: for other shapes, dtypes or indexing.

    Variants: function
    """
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            UserWarning,
            stacklevel=3,
        )
        indexing = "ij"
    axes = list(listed(tensors, None))
    for i, axis in enumerate(axes):
        if not isinstance(axis, TensorBase):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(axis).__name__}")
    check_axes(axes, indexing)
    exchange = indexing == "xy" and len(axes) >= 2
    if exchange:
        axes[0], axes[1] = axes[1], axes[0]
    shape = tuple([count(t.shp) for t in axes])
    grids = []
    for i, t in enumerate(axes):
        opened = view(t, (1,) * i + (count(t.shp),) + (1,) * (len(axes) - 1 - i))
        grids.append(expand(opened, shape))
    if exchange:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def check_axes(axes: list[Any], indexing: Any) -> None:
    """Refuse what no grid can be made of."""
    if len(axes) == 0:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for t in axes:
        if len(t.shp) > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {errors.shape_text(t.shp)}"
            )
        if t.dt is not axes[0].dt:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
