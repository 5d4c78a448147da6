"""New tensors of a given size, for every sample."""

from __future__ import annotations

from typing import Any

from ..._tensor import Tensor
from .._batched import Batch
from .._dispatch import Rule, call_name, rule
from .shape import sizes


@rule("new_zeros", "new_ones", "new_empty")
def new_filled(batch: Batch, call: Rule, self: Any, *size: Any, **kwargs: Any) -> Any:
    """One for each sample, so that it may be written to."""
    wanted = sizes(size) if size else tuple(kwargs.pop("size"))
    return batch.wrap(call(batch.front(self), (batch.size, *wanted), **kwargs))


@rule("new_full")
def new_full(batch: Batch, call: Rule, self: Any, size: Any, fill_value: Any, **kwargs: Any) -> Any:
    """One for each sample."""
    return batch.wrap(call(batch.front(self), (batch.size, *size), fill_value, **kwargs))


@rule("tensor", "as_tensor", "asarray", "scalar_tensor", "new_tensor")
def tensor(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """A tensor is copied; values cannot be taken out of batched ones."""
    data = args[-1]
    if not isinstance(data, Tensor):
        from .._batched import ITEM

        raise RuntimeError(ITEM)
    out = data.detach().clone() if call_name(call) in ("tensor", "new_tensor") else data
    return out.to(kwargs["dtype"]) if kwargs.get("dtype") is not None else out
