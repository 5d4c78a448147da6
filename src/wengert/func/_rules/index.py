"""Indexing, gather and scatter."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np

from ..._core.dtypes import FLOATING, int64
from ..._core.tensor_base import TensorBase
from ..._record.common import wrap_dim
from ..._tensor import Tensor
from .._batched import Batch, BatchedTensor
from .._dispatch import (
    Rule,
    Unforeseen,
    call_name,
    check_apart,
    each_sample,
    operator,
    plainly_batched,
    rule,
    shortcut,
    wrapped_like,
)
from .pointwise import dynamic

BASIC: Final = frozenset({int, slice, type(None), type(Ellipsis)})


@rule("nonzero", "argwhere", "masked_select", "unique", "unique_consecutive", "repeat_interleave_", "bincount")
def refused(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """The size of the result depends on values."""
    raise dynamic(call_name(call))


def positions(batch: Batch, indices: list[Any]) -> list[Any]:
    """Index tensors, with the batch in front of what is batched, broadcast among one another."""
    ndim = max((len(i.shp) for i in indices if isinstance(i, TensorBase)), default=0)
    return [batch.padded(i, ndim) for i in indices]


def samples(batch: Batch, ndim: int) -> Any:
    """The number of each sample, to index the batch dimension with."""
    return operator("arange")(batch.size).reshape((batch.size,) + (1,) * ndim)


class Index:
    """An index of samples, made into one of physical tensors.

    Attributes:
        entries: one entry per dimension of the sample that is indexed, without ``...``.
        advanced: places of the index tensors among the entries.
        batched: whether some index tensor is.
    """

    def __init__(self, batch: Batch, index: Any, ndim: int) -> None:
        self.batch = batch
        several = isinstance(index, tuple) or (isinstance(index, list) and any(_is_sequence(i) for i in index))
        given = list(index) if several else [index]
        given = [as_index(i) for i in given]
        for i in given:
            if isinstance(i, TensorBase) and i.dt.category == 0 and batch.has(i):
                raise dynamic("index with a mask")
        used = sum(_dims_used(i) for i in given)
        full = [slice(None)] * (ndim - used)
        at = next((k for k, i in enumerate(given) if i is Ellipsis), None)
        self.entries = given + full if at is None else given[:at] + full + given[at + 1 :]
        self.advanced = [k for k, i in enumerate(self.entries) if isinstance(i, TensorBase)]
        self.batched = any(batch.has(i) for i in self.entries)

    def physical(self, with_batch: bool) -> tuple[Any, ...]:
        """The index for a physical tensor (``with_batch``), or for a tensor that all samples share."""
        tensors = iter(positions(self.batch, [self.entries[k] for k in self.advanced]))
        entries = [next(tensors) if k in self.advanced else e for k, e in enumerate(self.entries)]
        if not with_batch:
            return tuple(entries)
        if not self.batched:
            return (slice(None), *entries)
        return (samples(self.batch, self.rank()), *entries)

    def rank(self) -> int:
        """Number of dimensions that the index tensors broadcast to, in a sample."""
        return max((len(self.entries[k].shp) for k in self.advanced), default=0)

    def place(self) -> int:
        """Where a sample's result has the dimensions of the index tensors: at the first one, or in front if they are apart."""
        if not self.together():
            return 0
        return self.advanced[0]

    def together(self) -> bool:
        """Whether the index tensors stand side by side."""
        return all(b - a == 1 for a, b in pairwise(self.advanced))


def _is_sequence(entry: Any) -> bool:
    return entry is None or entry is Ellipsis or isinstance(entry, (list, tuple, slice, TensorBase))


def as_index(entry: Any) -> Any:
    """Lists and arrays as index tensors."""
    if isinstance(entry, list):
        return operator("tensor")(entry, dtype=int64) if len(entry) == 0 else operator("tensor")(entry)
    if (
        isinstance(entry, Tensor)
        and not isinstance(entry, BatchedTensor)
        and len(entry.shp) == 0 < entry.dt.category < FLOATING
    ):
        return int(entry)
    return operator("from_numpy")(entry) if isinstance(entry, np.ndarray) else entry


def _is_int(entry: Any) -> bool:
    return hasattr(entry, "__index__") and not isinstance(entry, (TensorBase, bool, slice))


def _dims_used(entry: Any) -> int:
    if entry is None or entry is Ellipsis or isinstance(entry, bool):
        return 0
    if isinstance(entry, TensorBase) and entry.dt.category == 0:
        return len(entry.shp)
    return 1


@shortcut("__getitem__")
def basic_at_once(original: Rule, args: tuple[Any, ...]) -> Any:
    """Slices, ints, None and ``...``."""
    x, index = args
    if not plainly_batched(x):
        return None
    entries = index if type(index) is tuple else (index,)
    for entry in entries:
        if type(entry) not in BASIC:
            return None
    return wrapped_like(x, original(x.value, (slice(None), *entries)))


@rule("__getitem__")
def getitem(batch: Batch, call: Rule, self: Any, index: Any) -> Any:
    """Slices, ints, None, ``...``, index tensors."""
    entries = index if isinstance(index, tuple) else (index,)
    if batch.has(self) and all(type(e) in BASIC for e in entries):
        return batch.wrap(batch.front(self)[(slice(None), *entries)])
    found = Index(batch, index, len(self.shp))
    if found.advanced and any(map(_is_int, found.entries)):  # ints first, as if they stood in an index of their own
        picked = tuple(e if _is_int(e) else slice(None) for e in found.entries if e is not None)
        return self[picked][tuple(e for e in found.entries if not _is_int(e))]
    masks = any(isinstance(e, TensorBase) and e.dt.category == 0 for e in found.entries)
    if masks and found.batched:
        return each_sample(batch, "__getitem__", call, (self, index), {})
    if not found.advanced:
        return batch.wrap(batch.front(self)[found.physical(True)])
    rank, place = found.rank(), found.place()
    if batch.has(self):
        result = batch.front(self)[found.physical(True)]
        if found.batched:  # the batch and the dimensions of the index tensors came to the front
            order = [*range(1 + rank, 1 + rank + place), *range(1, 1 + rank)]
            rest = range(1 + rank + place, len(result.shp))
            return batch.wrap(result.permute((0, *order, *rest)))
        # Index tensors that are apart have put their dimensions before the batch.
        return batch.wrap(result if found.together() else result.movedim(rank, 0))
    result = self[found.physical(False)]
    return batch.wrap(result.movedim(place, 0))


@rule("__setitem__")
def setitem(batch: Batch, call: Rule, self: Any, index: Any, value: Any) -> None:
    """Written through a view where the index makes one, else sample by sample."""
    if not batch.has(self):
        from .._dispatch import INPLACE

        raise RuntimeError(INPLACE)
    entries = index if isinstance(index, tuple) else (index,)
    if isinstance(index, TensorBase) and index.dt.category == 0 and index.shp == self.shp:
        if not isinstance(value, TensorBase) or len(value.shp) == 0:
            filled = operator("where")(index, value, self)
            batch.front(self).copy_(batch.full(filled))
            return
    if any(isinstance(e, (TensorBase, list, bool, np.ndarray)) for e in entries):
        each_sample_write(batch, self, index, value)
        return
    target = self[index]
    if isinstance(value, Tensor):
        while len(value.shp) > len(target.shp) and value.shp[0] == 1:
            value = value.squeeze(0)
        target.copy_(value)
    else:
        target.fill_(value)


def each_sample_write(batch: Batch, self: Any, index: Any, value: Any) -> None:
    """One assignment for each sample."""
    check_apart(self)
    for i in range(batch.size):
        batch.sample(self, i)[batch.sample(index, i)] = batch.sample(value, i)


@rule("gather", "take_along_dim")
def gather(batch: Batch, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """``gather(dim, index)``, ``take_along_dim(index, dim)``."""
    along = call_name(call) == "take_along_dim"
    names = ("indices", "dim") if along else ("dim", "index")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    index = given[names[0] if along else "index"]
    dim = given.get("dim")
    if dim is None:
        self, index, dim = self.reshape(-1), index.reshape(-1), 0
    if len(self.shp) == 0 or len(index.shp) == 0:
        return operator("gather")(self.reshape(1), 0, index.reshape(1)).reshape(tuple(index.shp))
    d = wrap_dim(dim, len(self.shp)) + 1
    physical = (d, batch.full(index)) if not along else (batch.full(index), d)
    return batch.wrap(call(batch.full(self), *physical))


@rule("scatter", "scatter_add", "scatter_reduce", "scatter_", "scatter_add_", "scatter_reduce_")
def scatter(batch: Batch, call: Rule, self: Any, dim: Any, index: Any, *args: Any, **kwargs: Any) -> Any:
    """``scatter(dim, index, src)``; ``src`` may be a number."""
    name = call_name(call)
    if len(self.shp) == 0:
        return each_sample(batch, name, call, (self, dim, index, *args), kwargs)
    rest = [batch.full(a) if isinstance(a, TensorBase) else a for a in args]
    more = {k: batch.full(v) if isinstance(v, TensorBase) else v for k, v in kwargs.items()}
    result = call(batch.full(self), wrap_dim(dim, len(self.shp)) + 1, batch.full(index), *rest, **more)
    return self if name.endswith("_") else batch.wrap(result)


@rule("index_select")
def index_select(batch: Batch, call: Rule, self: Any, dim: Any, index: Any) -> Any:
    """Rows of every sample; with an index per sample by advanced indexing."""
    ndim = len(self.shp)
    if not batch.has(index):
        if ndim == 0:
            return self
        return batch.wrap(call(batch.front(self), wrap_dim(dim, ndim) + 1, index))
    if ndim == 0:
        return self
    return self[(slice(None),) * wrap_dim(dim, ndim) + (index.reshape(-1),)]


@rule("index_add", "index_copy", "index_add_", "index_copy_", "index_fill", "index_fill_")
def index_write(batch: Batch, call: Rule, self: Any, dim: Any, index: Any, source: Any, **kwargs: Any) -> Any:
    """At once when all samples share the index; else as a scatter."""
    name = call_name(call)
    ndim = len(self.shp)
    if ndim == 0 or (batch.has(index) and kwargs.get("alpha", 1) != 1 and not isinstance(source, TensorBase)):
        return each_sample(batch, name, call, (self, dim, index, source), kwargs)
    d = wrap_dim(dim, ndim) + 1
    if not batch.has(index) and not batch.has(source):
        result = call(batch.full(self), d, index, in_full(batch, source, name), **kwargs)
    elif not batch.has(index) and "fill" not in name:
        result = call(batch.full(self), d, index, batch.full(source), **kwargs)
    else:
        result = scattered_write(batch, name, self, d, index, source, kwargs.get("alpha", 1))
    return self if name.endswith("_") else batch.wrap(result)


def in_full(batch: Batch, source: Any, name: str) -> Any:
    """The source for the physical tensor; numbers and 0-d values of ``index_fill`` stay."""
    return batch.full(source) if isinstance(source, TensorBase) and "fill" not in name else source


def scattered_write(batch: Batch, name: str, self: Any, d: int, index: Any, source: Any, alpha: Any) -> Any:
    """``index_add``, ``index_copy``, ``index_fill`` with an index (or a value) for each sample."""
    target = batch.full(self)
    where = batch.full(index).reshape(batch.size, index.shp.numel())
    shape = (*target.shp[:d], where.shp[1], *target.shp[d + 1 :])
    at = where.reshape((batch.size, *(1,) * (d - 1), where.shp[1], *(1,) * (len(target.shp) - 1 - d))).expand(shape)
    if "fill" in name and not isinstance(source, TensorBase):
        return target.scatter_(d, at, source) if name.endswith("_") else target.scatter(d, at, source)
    values = batch.full(source)
    if "fill" in name:
        values = values.reshape((batch.size, *(1,) * (len(target.shp) - 1))).to(target.dt)
    elif len(values.shp) < len(target.shp):
        values = values.reshape(shape)
    values = values.expand(shape)
    values = values if alpha == 1 else values * alpha
    form = ("scatter_add" if "add" in name else "scatter") + ("_" if name.endswith("_") else "")
    return getattr(target, form)(d, at, values)


@rule("take")
def take(batch: Batch, call: Rule, self: Any, index: Any) -> Any:
    """From the flattened sample."""
    return self.reshape(-1)[index]


@rule("index_put", "index_put_")
def index_put(batch: Batch, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """With the number of the sample as one more index, where all index tensors come first; else sample by sample."""
    name = call_name(call)
    given = {**dict(zip(("indices", "values", "accumulate"), args, strict=False)), **kwargs}
    indices, values = list(given["indices"]), given["values"]
    if not all(isinstance(i, TensorBase) and 0 < i.dt.category < FLOATING for i in indices):
        return each_sample(batch, name, call, (self, *args), kwargs)
    rank = max(len(i.shp) for i in indices)
    at = [samples(batch, rank), *(batch.padded(i, rank) for i in indices)]
    value = batch.padded(values, rank + len(self.shp) - len(indices))
    result = call(batch.full(self), at, value, given.get("accumulate", False))
    return self if name.endswith("_") else batch.wrap(result)


@rule("embedding")
def embedding(batch: Batch, call: Rule, first: Any, second: Any, *args: Any, **kwargs: Any) -> Any:
    """A shared table is looked up at once; ``torch.embedding`` has the table first."""
    weight, index = (first, second) if first.dt.category >= 2 else (second, first)
    if not batch.has(weight):
        return batch.wrap(call(batch.front(first), batch.front(second), *args, **kwargs))
    if args or any(v for v in kwargs.values()):
        return each_sample(batch, "embedding", call, (first, second, *args), kwargs)
    return weight[index]


@rule("one_hot")
def one_hot(batch: Batch, call: Rule, tensor: Any, num_classes: int = -1) -> Any:
    """The number of classes must be given."""
    if num_classes == -1:
        raise dynamic("one_hot without num_classes")
    return batch.wrap(call(batch.front(tensor), num_classes))


@rule("isin")
def isin(batch: Batch, call: Rule, elements: Any, test_elements: Any, *, assume_unique: bool = False,
         invert: bool = False) -> Any:  # fmt: skip
    """Compared with each of the second operand."""
    if not batch.has(test_elements):
        return batch.wrap(call(batch.front(elements), test_elements, invert=invert))
    x: Any = elements if isinstance(elements, Tensor) else operator("tensor")(elements)
    found = (x.unsqueeze(-1) == test_elements.reshape(-1)).any(-1)
    return ~found if invert else found


@rule("bucketize")
def bucketize(batch: Batch, call: Rule, input: Any, boundaries: Any, *, out_int32: bool = False,
              right: bool = False) -> Any:  # fmt: skip
    """Element by element while all samples share the boundaries."""
    if not batch.has(boundaries):
        return batch.wrap(call(batch.front(input), boundaries, out_int32=out_int32, right=right))
    x: Any = input if isinstance(input, Tensor) else operator("tensor")(input)
    found = operator("searchsorted")(boundaries, x.reshape(-1), out_int32=out_int32, right=right)
    return found.reshape(tuple(x.shp))


@rule("searchsorted")
def searchsorted(batch: Batch, call: Rule, sorted_sequence: Any, input: Any, **kwargs: Any) -> Any:
    """Leading dimensions of the sequence are batches of its own."""
    if not isinstance(input, TensorBase) or any(isinstance(v, TensorBase) for v in kwargs.values()):
        raise Unforeseen(batch)
    shape = tuple(input.shp)
    if len(sorted_sequence.shp) > 1 or not shape:
        if batch.has(sorted_sequence) or not shape:
            x = batch.full(input) if shape else batch.full(input).unsqueeze(-1)
            return batch.wrap(call(batch.full(sorted_sequence), x, **kwargs).reshape((batch.size, *shape)))
        return each_sample(batch, "searchsorted", call, (sorted_sequence, input), kwargs)
    if not batch.has(sorted_sequence):
        return batch.wrap(call(sorted_sequence, batch.front(input), **kwargs))
    flat = batch.full(input).reshape((batch.size, input.shp.numel()))
    return batch.wrap(call(batch.full(sorted_sequence), flat, **kwargs).reshape((batch.size, *shape)))


@rule("select_scatter", "slice_scatter", "diagonal_scatter")
def view_scatter(batch: Batch, call: Rule, self: Any, src: Any, *args: Any, **kwargs: Any) -> Any:
    """A copy with a part replaced: the dimensions are counted one further."""
    name = call_name(call)
    names = {"select_scatter": ("dim", "index"), "slice_scatter": ("dim", "start", "end", "step"),
             "diagonal_scatter": ("offset", "dim1", "dim2")}[name]  # fmt: skip
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    ndim = len(self.shp)
    if ndim == 0:
        return call(batch.sample(self, 0), batch.sample(src, 0), *args, **kwargs)  # its error
    defaults = {"slice_scatter": {"dim": 0}, "diagonal_scatter": {"dim1": 0, "dim2": 1}}.get(name, {})
    for key, value in {**defaults, **given}.items():
        given[key] = wrap_dim(value, ndim) + 1 if key.startswith("dim") else value
    return batch.wrap(call(batch.full(self), batch.full(src), **given))


@rule("masked_scatter")
def masked_scatter(batch: Batch, call: Rule, self: Any, mask: Any, source: Any) -> Any:
    """Each place takes the element of the source whose number is that of masked places before it."""
    shape = operator("broadcast_shapes")(tuple(self.shp), tuple(mask.shp))
    x, where = self.expand(tuple(shape)), mask.expand(tuple(shape))
    if source.shp.numel() == 0:
        return x.clone()
    number = (where.reshape(-1).long().cumsum(0) - 1).clamp(0, source.shp.numel() - 1)
    return operator("where")(where, source.reshape(-1)[number].reshape(tuple(shape)), x)


@rule("put")
def put(batch: Batch, call: Rule, self: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """Into the flattened sample."""
    n = self.shp.numel()
    at = index.reshape(-1)
    flat = self.reshape(-1)
    at, values = operator("where")(at < 0, at + n, at), source.reshape(-1)
    return (flat.scatter_add(0, at, values) if accumulate else flat.scatter(0, at, values)).reshape(tuple(self.shp))
