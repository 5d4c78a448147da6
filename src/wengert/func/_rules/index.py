"""Indexing, gather and scatter."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ..._core.tensor_base import TensorBase
from ..._record.common import wrap_dim
from ..._tensor import Tensor
from .._batched import Batch
from .._dispatch import Rule, call_name, each_sample, operator, rule
from .pointwise import dynamic


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
        given = list(index) if isinstance(index, tuple) else [index]
        given = [operator("tensor")(i) if isinstance(i, list) else i for i in given]
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
        first = self.advanced_and_ints()[0]
        return sum(1 for e in self.entries[:first] if e is None or isinstance(e, slice))

    def together(self) -> bool:
        """Whether the index tensors stand side by side."""
        return all(b - a == 1 for a, b in pairwise(self.advanced_and_ints()))

    def advanced_and_ints(self) -> list[int]:
        """Places of index tensors; among them ints count as index tensors."""
        return [k for k, e in enumerate(self.entries) if isinstance(e, TensorBase) or _is_int(e)]


def _is_int(entry: Any) -> bool:
    return hasattr(entry, "__index__") and not isinstance(entry, (TensorBase, bool, slice))


def _dims_used(entry: Any) -> int:
    if entry is None or entry is Ellipsis or isinstance(entry, bool):
        return 0
    if isinstance(entry, TensorBase) and entry.dt.category == 0:
        return len(entry.shp)
    return 1


@rule("__getitem__")
def getitem(batch: Batch, call: Rule, self: Any, index: Any) -> Any:
    """Slices, ints, None, ``...``, index tensors."""
    found = Index(batch, index, len(self.shp))
    masks = any(isinstance(e, TensorBase) and e.dt.category == 0 for e in found.entries)
    ints = any(_is_int(e) for e in found.entries) and found.advanced
    if (masks or ints) and found.batched:
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
    if any(isinstance(e, (TensorBase, list)) for e in entries):
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
    """At once when all samples share the index."""
    name = call_name(call)
    if batch.has(index) or len(self.shp) == 0 or "fill" in name:
        return each_sample(batch, name, call, (self, dim, index, source), kwargs)
    result = call(batch.full(self), wrap_dim(dim, len(self.shp)) + 1, index, batch.full(source), **kwargs)
    return self if name.endswith("_") else batch.wrap(result)


@rule("take")
def take(batch: Batch, call: Rule, self: Any, index: Any) -> Any:
    """From the flattened sample."""
    return self.reshape(-1)[index]


@rule("index_put", "index_put_")
def index_put(batch: Batch, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Sample by sample: entries may meet."""
    return each_sample(batch, call_name(call), call, (self, *args), kwargs)


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


@rule("bucketize", "isin")
def looked_up(batch: Batch, call: Rule, self: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
    """Element by element while all samples share the second operand."""
    if batch.has(other):
        return each_sample(batch, call_name(call), call, (self, other, *args), kwargs)
    return batch.wrap(call(batch.front(self), other, *args, **kwargs))


@rule("select_scatter", "slice_scatter", "diagonal_scatter")
def view_scatter(batch: Batch, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """A copy with a part replaced: the copy is written through the view."""
    return each_sample(batch, call_name(call), call, (self, *args), kwargs)
