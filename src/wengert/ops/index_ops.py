"""Indexing: ``x[index]`` and ``x[index] = value``, and index_put behind it.

The parts of an index that pick regularly (integers, slices, None, ``...``) become views; what remains, tensors of integers
and masks, is a list with one entry per dimension, which one gather or scatter treats together.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import views
from .._core.dtypes import INTEGER, size_of, tensor_type_name, uint8
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import TensorBase, bump, memory, requires_grad
from .._core.views import DEFAULT, NO_GRAD, set_view
from .._record.common import cast_array, int_of, make
from .._record.view import view
from ..kernels import assign
from .index_put import INDEX_DTYPE, INDEX_NAMES, dims_taken, index_put_, indexed

if TYPE_CHECKING:
    from .._tensor import Tensor

_ndarray: Final[Any] = np.ndarray
_generic: Final[Any] = np.generic
SEQUENCE: Final = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
    "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)]"
)
BYTE_MASK: Final = "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead."


# -- reading -----------------------------------------------------------------------------------------------------------


def getitem(self: Tensor, index: Any) -> Tensor:
    """``self[index]``: a view for integers, slices, None and ``...``; a copy as soon as a tensor, list or mask takes part.

    Args:
        index: one of these or a tuple of them: int, slice with positive step, None (new dimension of size 1), ``...`` (all
            dimensions that are left), bool, integer tensor/array/list, mask. Integer tensors broadcast together; the
            dimensions they make stand where the tensors stood, or in front when something stood between them.

    Gradient: goes to the elements that were read, summed where one was read several times.

    Raises:
        IndexError: out of bounds, too many indices, masks of another shape, indices that are not integers.
        ValueError: for slices with a step below 1.
    """
    if MODES.dual_level < 0 and (not requires_grad(self) or not is_grad_enabled()):
        key = basic_key(index)
        if key is not None:
            found = plain_view(self, key)
            if found is not None:
                return found
    if type(index) is int and len(self.shp) > 0:
        return selected(self, 0, index, 0)
    if isinstance(index, slice):
        return slice_of(self, 0, index, False)
    entries: list[TensorBase | None] = []
    part = basic_part(self, items_of(index), entries)
    if len(entries) > 0:
        return indexed(part, entries)
    return shape.alias(self) if part is self else part


def basic_key(index: Any) -> tuple[Any, ...] | None:
    """The index as NumPy takes it, when it has only integers, slices of integers, None and ``...``."""
    if type(index) is int:
        return (index, ...)
    if type(index) is not tuple:
        return (index, ...) if is_basic(index) and index is not Ellipsis else None
    for item in index:
        if type(item) is not int and not is_basic(item):
            return None
    return index if Ellipsis in index else (*index, ...)


def is_basic(item: Any) -> bool:
    """Whether one part of an index needs no tensor and no check beyond NumPy's."""
    if type(item) is slice:
        step = item.step
        return (
            (item.start is None or type(item.start) is int)
            and (item.stop is None or type(item.stop) is int)
            and (step is None or (type(step) is int and step > 0))
        )
    return item is None or item is Ellipsis


def plain_view(x: TensorBase, key: tuple[Any, ...]) -> Tensor | None:
    """The view without a node, all parts of the index at once; None when NumPy refuses (the slow way words the error)."""
    try:
        array = memory(x)[key]
    except IndexError:
        return None
    out = _tensor.Tensor(array, x.dt, size_of(array))
    set_view(out, x, DEFAULT if is_grad_enabled() else NO_GRAD, None)
    return out


def items_of(index: Any) -> tuple[Any, ...]:
    """The parts of an index. A list that holds more than numbers counts as a tuple, with a warning, as in PyTorch."""
    if isinstance(index, tuple):
        return tuple(index)
    if isinstance(index, list) and len(index) < 32:
        for item in index:
            if item is None or item is Ellipsis or isinstance(item, (TensorBase, slice, list, tuple, _ndarray)):
                warnings.warn(SEQUENCE, UserWarning, stacklevel=4)
                return tuple(index)
    return (index,)


def basic_part(x: Tensor, items: tuple[Any, ...], entries: list[TensorBase | None]) -> Tensor:
    """Apply the regular parts of an index as views; put index tensors into ``entries``, None for dimensions before them."""
    parts = [converted_item(item) for item in items]
    taken = 0
    for item in parts:
        taken += dims_taken(item)
    ndim = len(x.shp)
    if taken > ndim:
        check_not_0d(x, items)
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    out = x
    dim = 0
    covered = 0
    for place, item in enumerate(parts):
        if item is None:
            out = shape.unsqueeze(out, dim)
            dim += 1
        elif item is Ellipsis:
            dim += ndim - taken
            taken = ndim
        elif isinstance(item, slice):
            out = slice_of(out, dim, item, True)
            dim += 1
        elif isinstance(item, TensorBase):
            if len(item.shp) == 0:
                out = shape.unsqueeze(out, dim)
                item = flag_index(bool(item.array))
            while covered < dim:
                entries.append(None)
                covered += 1
            entries.append(item)
            width = max(dims_taken(item), 1)
            covered += width
            dim += width
        else:
            out = selected(out, dim, item, place)
    return out


def converted_item(item: Any) -> Any:
    """One part of an index as an int, slice, None, ``...``, or a tensor of indices or a mask (0-d: a flag)."""
    if type(item) is int or item is None or item is Ellipsis or isinstance(item, slice):
        return item
    if isinstance(item, (bool, np.bool_)):
        return make(np.array(item))
    if isinstance(item, TensorBase):
        if len(item.shp) == 0 and item.dt.category == INTEGER and item.dt is not uint8:
            return int(item.array)
        if item.dt.category > INTEGER or item.dt.name not in INDEX_NAMES:
            raise IndexError(INDEX_DTYPE)
        if item.dt is uint8 and len(item.shp) > 0:
            warnings.warn(BYTE_MASK, UserWarning, stacklevel=5)
        return item
    if isinstance(item, _ndarray) or is_sequence(item):
        return converted_item(sequence_index(item))
    if isinstance(item, (float, complex)) or not hasattr(item, "__index__"):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            f"(got {type(item).__name__})"
        )
    return int_of(item)


def is_sequence(item: Any) -> bool:
    """Whether a part of an index holds several: a list, range, string, but no dictionary."""
    return hasattr(item, "__len__") and hasattr(item, "__getitem__") and not hasattr(item, "keys")


def sequence_index(item: Any) -> Tensor:
    """A list or array as an index tensor: int64, or a mask (bool, uint8).

    Raises:
        TypeError: for strings.
        IndexError: for numbers that are not integers.
    """
    if isinstance(item, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(item).__name__}'")
    array = item if isinstance(item, _ndarray) else plain_array(item)
    kind = array.dtype.kind
    if kind == "b" or array.dtype == np.uint8:
        return make(array)
    if array.size == 0 and not isinstance(item, _ndarray):
        return make(np.zeros(array.shape, np.int64))
    if kind not in "iu":
        raise IndexError(INDEX_DTYPE)
    return make(array.astype(np.int64))


def plain_array(item: Any) -> Any:
    """Nested sequences as an array; what NumPy refuses or makes objects of is left to ``tensor`` and its errors."""
    try:
        array = np.array([np.asarray(v.array) if isinstance(v, TensorBase) else v for v in item])
    except ValueError:
        return creation.tensor(item).array
    return creation.tensor(item).array if array.dtype.kind in "OUSV" else array


def flag_index(flag: bool) -> Tensor:
    """What ``x[True]`` and ``x[False]`` pick from their new dimension: its one element, or none."""
    return make(np.zeros(1 if flag else 0, np.int64))


def check_not_0d(x: TensorBase, items: tuple[Any, ...]) -> None:
    """PyTorch words ``t[0]`` of a 0-d tensor in its own way."""
    if len(x.shp) > 0 or len(items) != 1:
        return
    if isinstance(items[0], (int, np.integer)):
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim "
            "tensor to a number"
        )


def selected(x: Tensor, dim: int, index: int, place: int) -> Tensor:
    """``x`` at one index of a dimension; ``place`` is where the index stood."""
    sizes: tuple[int, ...] = x.shp
    n = sizes[dim]
    if index < -n or index >= n:
        raise IndexError(f"index {index} is out of bounds for dimension {place} with size {n}")
    return view(SelectBackward0(dim, index + n if index < 0 else index), x)


def slice_of(x: Tensor, dim: int, part: slice, skip_full: bool) -> Tensor:
    """``x`` sliced along a dimension; ``skip_full``: a slice that takes everything is no view of its own."""
    if len(x.shp) == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    step = bound(part.step)
    if step is not None and step < 1:
        raise ValueError("slice step cannot be zero" if step == 0 else "step must be greater than zero")
    n = x.shp[dim]
    first, last = bound(part.start), bound(part.stop)
    if skip_full and (first is None or first == 0) and (last is None or last >= n) and (step is None or step == 1):
        return x
    start, stop, stride = slice(first, last, step).indices(n)
    return view(SliceBackward0(dim, start, max(start, stop), stride), x)


def bound(value: Any) -> int | None:
    """A bound of a slice: None, or anything that counts as an integer."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, TensorBase):
        wide: Any = value
        found: int = wide.as_index()
        return found
    if not hasattr(value, "__index__"):
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    return int_of(value)


# -- writing -----------------------------------------------------------------------------------------------------------


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """``self[index] = value``: see :func:`getitem` for what an index may be.

    Args:
        value: a tensor, an array or a number, converted to the dtype of ``self`` and broadcast; dimensions of size 1 in front
            are dropped. Where an index is repeated, the last value stays.

    Gradient: the value gets what arrives at the places it was written to, the old elements there get zero.

    Raises:
        IndexError: like reading.
        RuntimeError: for a leaf that requires grad, and for values whose shape does not fit.
        TypeError: for lists and other values that are neither tensors nor numbers.
    """
    source = assigned(self, value)
    if index is False or write_plain(self, index, source):
        return
    entries: list[TensorBase | None] = []
    part = basic_part(self, items_of(None if index is True else index), entries)
    if len(entries) == 0:
        copy_into(part, source)
    else:
        index_put_(part, entries, trimmed(source))


def write_plain(x: TensorBase, index: Any, source: TensorBase) -> bool:
    """Write without a view, where there is no history, no conversion and no shared memory to think of; False otherwise."""
    if requires_grad(x) or requires_grad(source) or MODES.dual_level >= 0 or source.dt is not x.dt:
        return False
    key = basic_key(index)
    if key is None or source.counter is not None:
        return False
    array = memory(x)
    try:
        part = array[key]
        lead = part.ndim - len(source.shp)
        if lead < 0 or part.shape[lead:] != source.shp or 0 in part.strides:
            return False
        views.check_inplace(x, False)
        assign(part, source.array)
    except (IndexError, ValueError):  # no such place, or memory that is read-only: the slow way words the error
        return False
    bump(x)
    return True


def assigned(x: TensorBase, value: Any) -> Tensor:
    """The right-hand side as a tensor; numbers take the dtype of ``x``.

    Raises:
        TypeError: for anything that is neither a tensor, an array nor a number.
    """
    if isinstance(value, TensorBase):
        return value  # type: ignore[return-value]
    if isinstance(value, _ndarray):
        return make(cast_array(value, x.dt))
    if isinstance(value, (int, float, complex, _generic)):
        return make(fill.fill_value(value, x.dt, "fill_"))
    raise TypeError(f"can't assign a {type(value).__name__} to a {tensor_type_name(x.dt)}")


def copy_into(target: Tensor, source: Tensor) -> None:
    """Write ``source`` to a view (or the whole) of a tensor."""
    if source.shp != target.shp:
        if len(source.shp) == 0:
            fill.fill_tensor_(target, source)
            return
        source = trimmed(source)
        if source.shp != target.shp:
            source = shape.expand(source, target.shp)
    fill.copy_(target, source)


def trimmed(source: Tensor) -> Tensor:
    """Without the dimensions of size 1 in front."""
    lead = 0
    for n in source.shp:
        if n != 1:
            break
        lead += 1
    return source if lead == 0 else shape.reshape(source, source.shp[lead:])


from .. import _tensor  # noqa: E402
from . import creation, fill, shape  # noqa: E402
from .shape_parts import SelectBackward0, SliceBackward0  # noqa: E402
