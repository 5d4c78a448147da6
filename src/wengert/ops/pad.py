"""Padding: a tensor with elements added around it, constant, mirrored, repeated or taken from the other side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import BOOL
from .._core.tensor_base import TensorBase
from .._record.common import make, number_of, result_type
from .._record.general import General, general
from ..kernels import bulk as kernels
from ..kernels.arrays import move_axis
from ..kernels.blocks import BLOCK, places
from .sizes import sizes_of

if TYPE_CHECKING:
    from .._tensor import Tensor


def pairs(pads: tuple[int, ...], ndim: int) -> list[tuple[int, int]]:
    """(before, after) for every dimension; ``pads`` lists them from the last dimension on."""
    found = [(0, 0)] * ndim
    for i in range(len(pads) // 2):
        found[ndim - 1 - i] = (pads[2 * i], pads[2 * i + 1])
    return found


class ConstantPadNdBackward0(General):
    """A tensor in a frame of one value; negative pads cut.  The gradient is padded with the negative of the pads."""

    def __init__(self, pad: tuple[int, ...], value: Any) -> None:
        self.pad: tuple[int, ...] = pad
        self.value: Any = value

    def forward(self, arrays: list[Any]) -> Any:
        x = np.asarray(arrays[0])
        pads = pairs(self.pad, x.ndim)
        if kernels.handles(x) and x.ndim > 0:
            return Borders(x.shape, pads, CONSTANT).extended(x, self.value)
        shape = [n + a + b for n, (a, b) in zip(x.shape, pads, strict=True)]
        if min(self.pad, default=0) >= 0 and self.value == 0:
            out = np.zeros(shape, x.dtype)
        else:
            out = np.full(shape, self.value, x.dtype)
        target = tuple([slice(max(a, 0), max(n - max(b, 0), 0)) for n, (a, b) in zip(shape, pads, strict=True)])
        source = tuple([slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pads, strict=True)])
        out[target] = x[source]
        return out

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(ConstantPadNdBackward0(tuple([-p for p in self.pad]), 0), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(ConstantPadNdBackward0(self.pad, 0), [tangent])]

    def parameters(self) -> dict[str, Any]:
        return {"pad": self.pad}


def constant_pad_nd(self: Tensor, pad: Any, value: Any = 0) -> Tensor:
    """``self`` with ``value`` around it.

    Args:
        pad: numbers of elements before and after, (before, after) of the last dimension first; negative ones cut.
        value: of the new elements.

    Gradient:
        grad without the frame; zero for what was cut.

    Variants: function
    """
    pads = sizes_of((pad,), None, "constant_pad_nd", "pad")
    ndim = len(self.shp)
    if len(pads) % 2 != 0:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pads)}")
    if len(pads) > 2 * ndim:
        raise RuntimeError(
            f"Length of pad should be no more than twice the number of dimensions of the input. Pad length is {len(pads)} "
            f"while the input has {ndim} dimensions."
        )
    check_left(self, pads)
    fill = number_of(value, "constant_pad_nd", "value", 3)
    if isinstance(fill, complex) and result_type([self, fill]) is not self.dt:
        raise errors.overflow("double")
    return general(ConstantPadNdBackward0(pads, converted_fill(self, fill)), [self])


def converted_fill(x: TensorBase, fill: Any) -> Any:
    """The value in the dtype of ``x``: truncated for integers, a truth value for booleans."""
    if x.dt.category == BOOL:
        return bool(fill)
    return int(fill) if x.dt.category == 1 else fill


def check_left(x: TensorBase, pads: tuple[int, ...]) -> None:
    """Refuse to cut off more than there is."""
    for i, (n, (before, after)) in enumerate(zip(x.shp, pairs(pads, len(x.shp)), strict=True)):
        cut = max(-before, 0) + max(-after, 0)
        if cut > n:
            raise RuntimeError(
                errors.with_hints(
                    "narrow(): length must be non-negative.", f"dim {i} has {n} elements, {cut} are to go"
                )
            )


CONSTANT: Final = 0
REPEATED: Final = 1
MIRRORED: Final = 2


def sources(n: int, before: int, after: int, mode: int) -> Any:
    """Place in the input, of n elements, that each place of the result along a dimension is taken from; -1 for none."""
    place = np.arange(-before, n + after)
    if mode == CONSTANT:
        return np.where(place >= n, -1, np.maximum(place, -1))
    if mode == REPEATED:
        return np.clip(place, 0, n - 1)
    place = np.abs(place)
    return np.where(place >= n, 2 * (n - 1) - place, place)


def inside(n: int, before: int, after: int) -> tuple[int, int]:
    """The places of the result that are the input itself, of n elements: from the first to before the last.

    They are places of the result also where a negative pad leaves only a part of the border on the other side.
    """
    size = before + n + after
    first = min(max(before, 0), size)
    return first, max(first, min(before + n, size))


def at(dim: int, first: int, last: int) -> tuple[slice, ...]:
    """Index of a range of places along a dimension."""
    return (*[slice(None)] * dim, slice(first, last))


class Borders:
    """From where the elements of a padded array come, for the kernels.

    Attributes:
        old, new: shapes of the array and of the result.
        rows, columns: places in the planes of the dimensions that are padded, all but the last of them taken together.
    """

    def __init__(self, shape: Any, pads: list[tuple[int, int]], mode: int) -> None:
        self.old: tuple[int, ...] = tuple(shape)
        self.new: tuple[int, ...] = tuple([n + a + b for n, (a, b) in zip(shape, pads, strict=True)])
        last = len(pads) - 1
        lead = 0
        while lead < last and pads[lead] == (0, 0):
            lead += 1
        rows = np.zeros((1,), np.int64)
        for n, (before, after) in zip(self.old[lead:last], pads[lead:last]):
            above, place = rows[:, None], sources(n, before, after, mode)
            rows = np.where((above < 0) | (place < 0), -1, above * n + place).reshape(-1)
        self.rows: Any = rows
        self.columns: Any = sources(self.old[last], *pads[last], mode)
        planes, height = math.prod(self.old[:lead]), math.prod(self.old[lead:last])
        sizes = (planes, height, self.old[last], len(rows), len(self.columns))
        self.numbers: tuple[int, ...] = (*sizes, *inside(self.old[last], *pads[last]))

    def extended(self, x: Any, fill: Any) -> Any:
        """The padded array."""
        return kernels.bordered(x, self.new, self.rows, self.columns, self.numbers, fill)

    def gathered_back(self, grad: Any) -> Any:
        """The gradient of the array."""
        return kernels.bordered_gradient(grad, self.old, self.rows, self.columns, self.numbers)


def extended(x: Any, dim: int, before: int, after: int, mode: int) -> Any:
    """The array with its border repeated or mirrored along a dimension."""
    n = x.shape[dim]
    place = sources(n, before, after, mode)
    first, last = inside(n, before, after)
    out = np.empty((*x.shape[:dim], len(place), *x.shape[dim + 1 :]), x.dtype)
    out[at(dim, first, last)] = x[at(dim, first - before, last - before)]
    out[at(dim, 0, first)] = x.take(place[:first], axis=dim)
    out[at(dim, last, len(place))] = x.take(place[last:], axis=dim)
    return out


def by_planes(node: Any, x: Any, shape: Any) -> Any:
    """``node.bordered(x)``, of this shape, for a block of the leading dimensions, which have no borders, at a time."""
    leading = x.ndim - len(node.padding) // 2
    if x.size <= BLOCK or leading == 0:
        found = node.bordered(x)
        return found if found is not x else found.copy()
    out = np.empty(shape, x.dtype)
    for place in places(x.shape, leading):
        out[place[:leading]] = node.bordered(x[place[:leading]])
    return out


class BorderPad(General):
    """Base of the nodes that repeat or mirror elements at the borders.  Gradients go back to where the elements came from."""

    mode: int = REPEATED

    def __init__(self, padding: tuple[int, ...]) -> None:
        self.padding: tuple[int, ...] = padding

    def adjoint(self, shape: tuple[int, ...]) -> General:
        """The operator of the gradient of an input of this shape."""
        raise NotImplementedError

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        if kernels.handles(x):
            return Borders(x.shape, pairs(self.padding, x.ndim), self.mode).extended(x, 0)
        sizes = [n + before + after for n, (before, after) in zip(x.shape, pairs(self.padding, x.ndim))]
        return by_planes(self, x, sizes)

    def bordered(self, x: Any) -> Any:
        """The value, one dimension after the other."""
        for dim, (before, after) in enumerate(pairs(self.padding, x.ndim)):
            if before != 0 or after != 0:
                x = extended(x, dim, before, after, self.mode)
        return x

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(self.adjoint(self.tensor("self").shp), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(type(self)(self.padding), [tangent])]

    def saves(self) -> list[str]:
        return ["self"]

    def parameters(self) -> dict[str, Any]:
        return {"padding": self.padding}


class BorderPadBackward(General):
    """Base of the operators that add the gradients of repeated or mirrored elements to their places in the input."""

    mode: int = REPEATED

    def __init__(self, padding: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self.padding: tuple[int, ...] = padding
        self.shape: tuple[int, ...] = shape

    def original(self) -> General:
        """The padding whose gradient this is."""
        raise NotImplementedError

    def input_names(self) -> list[str]:
        return ["grad_output"]

    def forward(self, arrays: list[Any]) -> Any:
        if kernels.handles(arrays[0]) and 0 not in self.shape:
            return Borders(self.shape, pairs(self.padding, len(self.shape)), self.mode).gathered_back(arrays[0])
        return by_planes(self, arrays[0], self.shape)

    def bordered(self, grad: Any) -> Any:
        """The value, one dimension after the other."""
        for dim, (before, after) in enumerate(pairs(self.padding, grad.ndim)):
            if before != 0 or after != 0:
                grad = gathered_back(grad, dim, self.shape[dim], before, after, self.mode)
        return grad

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(self.original(), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(type(self)(self.padding, self.shape), [tangent])]

    def parameters(self) -> dict[str, Any]:
        return {"padding": self.padding}


def gathered_back(grad: Any, dim: int, n: int, before: int, after: int, mode: int) -> Any:
    """Sum of the gradients along ``dim`` over all places that were taken from the same place of the input."""
    place = sources(n, before, after, mode)
    first, last = inside(n, before, after)
    out = np.zeros((*grad.shape[:dim], n, *grad.shape[dim + 1 :]), grad.dtype)
    out[at(dim, first - before, last - before)] = grad[at(dim, first, last)]
    rows, added = move_axis(out, dim, 0), move_axis(grad, dim, 0)
    for i in [*range(first), *range(last, len(place))]:
        rows[place[i]] += added[i]
    return out


class ReflectionPad1DBackward0(BorderPad):
    """A tensor mirrored at the borders, without the border itself, over the last dimension."""

    mode: int = MIRRORED

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return ReflectionPad1DBackwardBackward0(self.padding, shape)


class ReflectionPad1DBackwardBackward0(BorderPadBackward):
    """Gradient of ``ReflectionPad1D`` as an operator."""

    mode: int = MIRRORED

    def original(self) -> General:
        return ReflectionPad1DBackward0(self.padding)


class ReflectionPad2DBackward0(BorderPad):
    """A tensor mirrored at the borders, without the border itself, over the last 2 dimensions."""

    mode: int = MIRRORED

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return ReflectionPad2DBackwardBackward0(self.padding, shape)


class ReflectionPad2DBackwardBackward0(BorderPadBackward):
    """Gradient of ``ReflectionPad2D`` as an operator."""

    mode: int = MIRRORED

    def original(self) -> General:
        return ReflectionPad2DBackward0(self.padding)


class ReflectionPad3DBackward0(BorderPad):
    """A tensor mirrored at the borders, without the border itself, over the last 3 dimensions."""

    mode: int = MIRRORED

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return ReflectionPad3DBackwardBackward0(self.padding, shape)


class ReflectionPad3DBackwardBackward0(BorderPadBackward):
    """Gradient of ``ReflectionPad3D`` as an operator."""

    mode: int = MIRRORED

    def original(self) -> General:
        return ReflectionPad3DBackward0(self.padding)


class ReplicationPad1DBackward0(BorderPad):
    """A tensor with its borders repeated, over the last dimension."""

    mode: int = REPEATED

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return ReplicationPad1DBackwardBackward0(self.padding, shape)


class ReplicationPad1DBackwardBackward0(BorderPadBackward):
    """Gradient of ``ReplicationPad1D`` as an operator."""

    mode: int = REPEATED

    def original(self) -> General:
        return ReplicationPad1DBackward0(self.padding)


class ReplicationPad2DBackward0(BorderPad):
    """A tensor with its borders repeated, over the last 2 dimensions."""

    mode: int = REPEATED

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return ReplicationPad2DBackwardBackward0(self.padding, shape)


class ReplicationPad2DBackwardBackward0(BorderPadBackward):
    """Gradient of ``ReplicationPad2D`` as an operator."""

    mode: int = REPEATED

    def original(self) -> General:
        return ReplicationPad2DBackward0(self.padding)


class ReplicationPad3DBackward0(BorderPad):
    """A tensor with its borders repeated, over the last 3 dimensions."""

    mode: int = REPEATED

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return ReplicationPad3DBackwardBackward0(self.padding, shape)


class ReplicationPad3DBackwardBackward0(BorderPadBackward):
    """Gradient of ``ReplicationPad3D`` as an operator."""

    mode: int = REPEATED

    def original(self) -> General:
        return ReplicationPad3DBackward0(self.padding)


NAMES: Final = {"reflect": "reflection_pad", "replicate": "replication_pad"}
COMBINATIONS: Final = """
Supported combinations for non-constant padding:
  - 2D or 3D input: padding size = 2 (pads last dimension)
  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)
  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"""


def check_border(x: TensorBase, pads: tuple[int, ...], mode: str) -> None:
    """Refuse what cannot be padded from its own elements."""
    dims = len(pads) // 2
    if dims not in (1, 2, 3) or len(x.shp) - dims not in (1, 2):
        raise NotImplementedError(
            f"Padding size {len(pads)} is not supported for {len(x.shp)}D input tensor.{COMBINATIONS}"
        )
    if mode == "circular":
        return
    batch = len(x.shp) - dims == 2
    if 0 in (x.shp[1:] if batch else x.shp):
        raise RuntimeError(
            f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions "
            f"for input, but got: {errors.shape_text(x.shp)}"
        )
    if x.dt.category == BOOL:
        raise errors.not_implemented(f"{NAMES[mode]}{dims}d", x.dt)
    for i, (n, (before, after)) in enumerate(zip(x.shp, pairs(pads, len(x.shp)), strict=True)):
        if i < len(x.shp) - dims:
            continue
        if mode == "reflect" and (before >= n or after >= n):
            raise RuntimeError(
                f"Argument #{4 + 2 * (len(x.shp) - 1 - i)}: Padding size should be less than the corresponding input "
                f"dimension, but got: padding ({before}, {after}) at dimension {i} of input {errors.shape_text(x.shp)}"
            )
        if n + before + after < 1:
            letter = "DHW"[i - len(x.shp)]
            raise RuntimeError(f"input ({letter}: {n}) is too small. Calculated output {letter}: {n + before + after}")


def border_node(mode: str, pads: tuple[int, ...]) -> BorderPad:
    """The operator of a mode and a number of dimensions."""
    dims = len(pads) // 2
    if mode == "reflect":
        if dims == 1:
            return ReflectionPad1DBackward0(pads)
        return ReflectionPad2DBackward0(pads) if dims == 2 else ReflectionPad3DBackward0(pads)
    if dims == 1:
        return ReplicationPad1DBackward0(pads)
    return ReplicationPad2DBackward0(pads) if dims == 2 else ReplicationPad3DBackward0(pads)


def circular(x: Tensor, pads: tuple[int, ...]) -> Tensor:
    """A tensor continued on each side by its other side: written dimension by dimension into a larger one."""
    frame = pairs(pads, len(x.shp))
    shape = [n + before + after for n, (before, after) in zip(x.shp, frame, strict=True)]
    for n, (before, after) in zip(x.shp, frame, strict=True):
        left = n + min(before, 0) + min(after, 0)
        if left <= 0 and n > 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
        if before > left or after > left:
            raise RuntimeError(
                errors.with_hints(
                    "Padding value causes wrapping around more than once.",
                    f"{left} elements can be continued by as many on each side, not by {max(before, after)}",
                )
            )
    out = make(np.empty(shape, x.dt.np))
    inner, given = out, x
    for i, (n, (before, after)) in enumerate(zip(x.shp, frame, strict=True)):
        inner = inner.narrow(i, max(before, 0), shape[i] - max(before, 0) - max(after, 0))
        given = given.narrow(i, max(-before, 0), n - max(-before, 0) - max(-after, 0))
    inner.copy_(given)
    for i in range(len(shape) - 1, -1, -1):
        before, after = max(frame[i][0], 0), max(frame[i][1], 0)
        if before > 0:
            out.narrow(i, 0, before).copy_(out.narrow(i, shape[i] - before - after, before))
        if after > 0:
            out.narrow(i, shape[i] - after, after).copy_(out.narrow(i, before, after))
    return out


def pad(self: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> Tensor:
    """``self`` with elements added at the ends of its last dimensions.

    Args:
        pad: numbers of elements before and after, (before, after) of the last dimension first; negative ones cut.
        mode: what is added: "constant" (``value``), "reflect" (mirrored, without the border itself), "replicate" (the border,
            repeated), "circular" (the other end). All but "constant" pad the 1 to 3 last dimensions of a (batched) input
            with channels, all of them at once.
        value: for "constant"; 0 by default.

    Gradient:
        of each element the sum over its copies.

    Raises:
        RuntimeError: for a list of odd length or for more dimensions than there are; "reflect": for as much padding as there
            are elements.
        NotImplementedError: for other modes, or a number of dimensions that a mode does not have.

    Example:
        >>> import wengert as wg
        >>> wg.nn.functional.pad(wg.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
        tensor([[3., 2., 1., 2., 3., 2.]])

    Variants: nn
    """
    if not isinstance(pad, (tuple, list)):
        raise errors.argument_type("pad", "pad", 2, "tuple of ints", pad)
    for i, n in enumerate(pad):
        if isinstance(n, float):
            raise TypeError(
                f"pad(): argument 'pad' (position 2) must be tuple of ints, but found element of type float at pos {i}"
            )
    pads = sizes_of(tuple(pad), None, "pad", "pad")
    if len(pads) % 2 != 0:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pads) > 2 * len(self.shp):
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pads)} and input of dimension {len(self.shp)}"
        )
    if mode == "constant":
        if isinstance(value, (complex, str)):
            raise errors.argument_type("pad", "value", 4, "float", value)
        return constant_pad_nd(self, pads, 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    check_border(self, pads, mode)
    return circular(self, pads) if mode == "circular" else general(border_node(mode, pads), [self])
