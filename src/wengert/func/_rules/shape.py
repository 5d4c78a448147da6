"""Operators that arrange elements anew."""

from __future__ import annotations

from typing import Any

from ..._core.tensor_base import TensorBase
from ..._record.common import wrap_dim
from ..._tensor import Tensor
from .._batched import Batch
from .._dispatch import Rule, Unforeseen, call_name, operator, rule


def sizes(args: Any) -> tuple[int, ...]:
    """Sizes given one by one or as a sequence."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        return tuple(args[0])
    return tuple(args)


@rule("reshape", "view", "view_copy")
def reshape(batch: Batch, call: Rule, self: Any, *shape: Any, **kwargs: Any) -> Any:
    """The batch stays in front; ``-1`` is found per sample."""
    if len(shape) == 1 and not isinstance(shape[0], (int, tuple, list)):
        return batch.wrap(call(batch.front(self), *shape))  # view(dtype)
    wanted = sizes(shape or tuple(kwargs.values()))
    if -1 in wanted:
        known = 1
        for n in wanted:
            known *= n if n != -1 else 1
        found = self.shp.numel() // max(known, 1)
        wanted = tuple(found if n == -1 else n for n in wanted)
    return batch.wrap(call(batch.front(self), (batch.size, *wanted)))


@rule("reshape_as", "view_as")
def reshape_as(batch: Batch, call: Rule, self: Any, other: Any) -> Any:
    """To the shape of a sample of ``other``."""
    return self.reshape(tuple(other.shp))


@rule("expand", "broadcast_to", "expand_copy")
def expand(batch: Batch, call: Rule, self: Any, *shape: Any, **kwargs: Any) -> Any:
    """Dimensions that are new come after the batch."""
    wanted = sizes(shape or tuple(kwargs.values()))
    return batch.wrap(call(batch.padded(self, len(wanted)), (batch.size, *wanted)))


@rule("expand_as")
def expand_as(batch: Batch, call: Rule, self: Any, other: Any) -> Any:
    """To the shape of a sample of ``other``."""
    return self.expand(tuple(other.shp))


@rule("sum_to_size")
def sum_to_size(batch: Batch, call: Rule, self: Any, *size: Any) -> Any:
    """The reverse of ``expand``."""
    wanted = sizes(size)
    lead = len(self.shp) - len(wanted)
    dims = [*range(lead), *(i + lead for i, n in enumerate(wanted) if n == 1 and self.shp[i + lead] != 1)]
    return (self.sum(dims, keepdim=True) if dims else self).reshape(wanted)


@rule("permute", "permute_copy")
def permute(batch: Batch, call: Rule, self: Any, *dims: Any, **kwargs: Any) -> Any:
    """The batch stays in front."""
    order = sizes(dims or tuple(kwargs.values()))
    if len(order) != len(self.shp):
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of "
            f"dimensions i.e. input.dim() = {len(self.shp)} is not equal to len(dims) = {len(order)}"
        )
    return batch.wrap(call(batch.front(self), (0, *(wrap_dim(d, len(self.shp)) + 1 for d in order))))


@rule("squeeze", "squeeze_copy")
def squeeze(batch: Batch, call: Rule, self: Any, dim: Any = None) -> Any:
    """Never the batch, whatever its size."""
    ndim = len(self.shp)
    if dim is None:
        wanted = tuple(range(ndim))
    else:
        wanted = tuple(wrap_dim(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    return batch.wrap(batch.front(self).squeeze(tuple(i + 1 for i in wanted if ndim and self.shp[i] == 1)))


@rule("unsqueeze", "unsqueeze_copy")
def unsqueeze(batch: Batch, call: Rule, self: Any, dim: Any) -> Any:
    """A place between the dimensions of a sample."""
    return batch.wrap(call(batch.front(self), wrap_dim(dim, len(self.shp) + 1) + 1))


@rule("flatten", "ravel")
def flatten(batch: Batch, call: Rule, self: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """A 0-d sample becomes one with one element."""
    ndim = len(self.shp)
    if ndim == 0:
        return self.reshape(1)
    start, end = wrap_dim(start_dim, ndim), wrap_dim(end_dim, ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    return batch.wrap(operator("flatten")(batch.front(self), start + 1, end + 1))


@rule("unflatten")
def unflatten(batch: Batch, call: Rule, self: Any, dim: Any, sizes: Any) -> Any:
    """One dimension becomes several."""
    return batch.wrap(call(batch.front(self), wrap_dim(dim, len(self.shp)) + 1, sizes))


@rule("t", "t_copy", ".T", ".H")
def t(batch: Batch, call: Rule, self: Any) -> Any:
    """The dimensions of a sample in reverse order."""
    turned = self.permute(tuple(range(len(self.shp)))[::-1])
    return turned.conj() if call_name(call) == ".H" else turned


@rule(".mT", ".mH", "adjoint")
def adjoint(batch: Batch, call: Rule, self: Any) -> Any:
    """The last two dimensions."""
    if len(self.shp) < 2:
        return call(self.value) if len(self.value.shp) < 2 else call(batch.sample(self, 0))  # its error
    return batch.wrap(call(batch.front(self)))


@rule("repeat")
def repeat(batch: Batch, call: Rule, self: Any, *repeats: Any) -> Any:
    """New dimensions come after the batch."""
    times = sizes(repeats)
    return batch.wrap(call(batch.padded(self, len(times)), (1, *times)))


@rule("tile")
def tile(batch: Batch, call: Rule, self: Any, *dims: Any, **kwargs: Any) -> Any:
    """``repeat``, padded with 1 on the left."""
    times = sizes(dims or tuple(kwargs.values()))
    return self.repeat((1,) * (len(self.shp) - len(times)) + times)


@rule("roll")
def roll(batch: Batch, call: Rule, self: Any, shifts: Any, dims: Any = None) -> Any:
    """Without dimensions the sample is rolled as if flat."""
    if dims is None or (isinstance(dims, (tuple, list)) and len(dims) == 0):
        return self.reshape(-1).roll(shifts, 0).reshape(tuple(self.shp))
    ndim = len(self.shp)
    places = dims if isinstance(dims, (tuple, list)) else (dims,)
    return batch.wrap(call(batch.front(self), shifts, tuple(wrap_dim(d, ndim) + 1 for d in places)))


@rule("tril", "triu", "pixel_shuffle", "pixel_unshuffle", "linalg.matrix_exp", "matrix_exp")
def last_dimensions(batch: Batch, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Operators of the last dimensions."""
    if len(self.shp) < 2:
        return call(batch.sample(self, 0), *args, **kwargs)  # its error
    return batch.wrap(call(batch.front(self), *args, **kwargs))


@rule("fliplr", "flipud")
def flipped(batch: Batch, call: Rule, self: Any) -> Any:
    """Dimension 1, or dimension 0, of a sample."""
    dim = 1 if call_name(call) == "fliplr" else 0
    return self.flip(dim) if len(self.shp) > dim else call(batch.sample(self, 0))  # its error


@rule("hsplit", "vsplit", "dsplit")
def split_at(batch: Batch, call: Rule, self: Any, parts: Any) -> Any:
    """``tensor_split`` of a dimension of the sample."""
    ndim = len(self.shp)
    least, dim = {"hsplit": (1, 1 if ndim > 1 else 0), "vsplit": (2, 0), "dsplit": (3, 2)}[call_name(call)]
    even = not isinstance(parts, int) or (ndim >= least and parts > 0 and self.shp[dim] % parts == 0)
    return self.tensor_split(parts, dim) if ndim >= least and even else call(batch.sample(self, 0), parts)  # its error


@rule("diagflat")
def diagflat(batch: Batch, call: Rule, self: Any, offset: int = 0) -> Any:
    """The flattened sample on a diagonal."""
    return operator("diag_embed")(self.reshape(-1), offset)


@rule("repeat_interleave")
def repeat_interleave(batch: Batch, call: Rule, self: Any, repeats: Any, dim: Any = None, **kwargs: Any) -> Any:
    """Every element so many times in a row."""
    if not isinstance(repeats, int):
        raise Unforeseen(batch)
    x = self.reshape(-1) if dim is None else self
    d = wrap_dim(0 if dim is None else dim, len(x.shp))
    shape = tuple(x.shp)
    wide = x.unsqueeze(d + 1).expand((*shape[: d + 1], repeats, *shape[d + 1 :]))
    return wide.reshape((*shape[:d], shape[d] * repeats, *shape[d + 1 :]))


@rule("fill")
def fill(batch: Batch, call: Rule, self: Any, value: Any) -> Any:
    """A tensor like the sample."""
    if not isinstance(value, Tensor):
        return operator("full_like")(self, value)
    return operator("zeros_like")(self) + value.to(self.dt)


@rule("as_strided", "as_strided_copy")
def as_strided(batch: Batch, call: Rule, self: Any, size: Any, stride: Any, storage_offset: Any = 0) -> Any:
    """Strides count in the memory of one sample, so each must lie there as if it were alone."""
    physical = batch.front(self)
    if not physical.is_contiguous():
        raise RuntimeError(f"vmap: {call_name(call)} of samples that are not contiguous\n  try: contiguous() before it")
    step = self.shp.numel()
    strides = (step, *stride)
    return batch.wrap(call(physical, (batch.size, *size), strides, physical.storage_offset() + (storage_offset or 0)))


@rule("t_", "transpose_", "swapaxes_", "swapdims_", "squeeze_", "unsqueeze_", "as_strided_")
def reshaped_in_place(batch: Batch, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """The tensor holds a view from now on; its old physical tensor may be that of others, which stay as they are."""
    turned = getattr(self, call_name(call)[:-1])(*args, **kwargs)
    self.value, self.bdim = turned.value, turned.bdim
    self.refresh()
    return self


@rule("resize_", "resize_as_", "set_")
def resized(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """The memory of one sample cannot grow."""
    raise RuntimeError(
        f"vmap: {call_name(call)} would change the memory of every sample\n  try: reshape(), or a new tensor"
    )


@rule("diag_embed")
def diag_embed(batch: Batch, call: Rule, self: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The diagonal of new matrices."""
    ndim = len(self.shp) + 1
    return batch.wrap(call(batch.front(self), offset, wrap_dim(dim1, ndim) + 1, wrap_dim(dim2, ndim) + 1))


@rule("diag")
def diag(batch: Batch, call: Rule, self: Any, diagonal: int = 0) -> Any:
    """Out of a matrix, or into one."""
    if len(self.shp) == 1:
        return batch.wrap(operator("diag_embed")(batch.front(self), diagonal))
    if len(self.shp) == 2:
        return batch.wrap(batch.front(self).diagonal(diagonal, 1, 2))
    return call(batch.sample(self, 0), diagonal)  # its error


@rule("trace")
def trace(batch: Batch, call: Rule, self: Any) -> Any:
    """Sum of the diagonal."""
    return self.diagonal().sum()


@rule("to", "type_as", "type")
def to(batch: Batch, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """To a dtype, or to that of another tensor."""
    plain = [a.dt if isinstance(a, TensorBase) else a for a in args]
    if not batch.has(self):
        return self.to(*plain, **kwargs)
    if plain and plain[0] is not args[0]:
        return self.to(*plain, **kwargs)
    return batch.wrap(call(batch.front(self), *args, **kwargs))


@rule("atleast_1d", "atleast_2d", "atleast_3d")
def atleast(batch: Batch, call: Rule, *tensors: Any) -> Any:
    """The places of the new dimensions are those for a sample."""
    if len(tensors) != 1 or not isinstance(tensors[0], Tensor):
        given = tensors if len(tensors) != 1 else tensors[0]
        return tuple(operator(call_name(call))(t) for t in given)
    x = tensors[0]
    wanted = int(call_name(call)[-2])
    shape = tuple(x.shp)
    if len(shape) >= wanted:
        return x
    return x.reshape({0: (1,) * wanted, 1: (1, *shape, 1)[:wanted], 2: (*shape, 1)}[len(shape)])
