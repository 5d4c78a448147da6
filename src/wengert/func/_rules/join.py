"""Several tensors become one."""

from __future__ import annotations

from typing import Any

from ..._core.tensor_base import TensorBase
from ..._record.common import wrap_dim
from .._batched import Batch
from .._dispatch import Rule, call_name, operator, rule


def listed(tensors: Any) -> list[Any]:
    """The operands as a list."""
    return list(tensors)


@rule("cat", "concat", "concatenate")
def cat(batch: Batch, call: Rule, tensors: Any, dim: int = 0, **kwargs: Any) -> Any:
    """Tensors without the batch are expanded."""
    operands = listed(tensors)
    ndim = max(len(t.shp) for t in operands)
    kept = [t for t in operands if not (len(t.shp) == 1 and t.shp[0] == 0 and ndim > 1)]
    return batch.wrap(call([batch.full(t) for t in kept], wrap_dim(dim, ndim) + 1))


@rule("stack")
def stack(batch: Batch, call: Rule, tensors: Any, dim: int = 0) -> Any:
    """Along a new dimension of the sample."""
    operands = listed(tensors)
    return batch.wrap(call([batch.full(t) for t in operands], wrap_dim(dim, len(operands[0].shp) + 1) + 1))


@rule("hstack", "vstack", "dstack", "row_stack", "column_stack")
def stacked(batch: Batch, call: Rule, tensors: Any) -> Any:
    """By the number of dimensions of a sample."""
    name = call_name(call)
    operands = listed(tensors)
    if name == "hstack":
        made = [t.reshape(1) if len(t.shp) == 0 else t for t in operands]
        return operator("cat")(made, 0 if len(made[0].shp) == 1 else 1)
    if name == "column_stack":
        return operator("cat")([t.reshape(-1, 1) if len(t.shp) <= 1 else t for t in operands], 1)
    made = [t.reshape(1, -1) if len(t.shp) <= 1 else t for t in operands]
    if name == "dstack":
        return operator("cat")([t.unsqueeze(-1) if len(t.shp) == 2 else t for t in made], 2)
    return operator("cat")(made, 0)


@rule("broadcast_tensors")
def broadcast_tensors(batch: Batch, call: Rule, *tensors: Any) -> Any:
    """To the shape that samples broadcast to."""
    operands = listed(tensors[0]) if len(tensors) == 1 and not isinstance(tensors[0], TensorBase) else listed(tensors)
    shape = operator("broadcast_shapes")(*(tuple(t.shp) for t in operands))
    return type(tensors)(t.expand(tuple(shape)) for t in operands)


@rule("meshgrid")
def meshgrid(batch: Batch, call: Rule, *tensors: Any, indexing: str = "ij") -> Any:
    """Views of the coordinates."""
    operands = listed(tensors[0]) if len(tensors) == 1 and not isinstance(tensors[0], TensorBase) else listed(tensors)
    shape = [t.shp.numel() for t in operands]
    n = len(shape)
    grids = [t.reshape([-1 if i == k else 1 for i in range(n)]).expand(shape) for k, t in enumerate(operands)]
    return tuple(g.transpose(0, 1) if indexing == "xy" and n > 1 else g for g in grids)


@rule("einsum")
def einsum(batch: Batch, call: Rule, equation: Any, *operands: Any) -> Any:
    """One more letter, in front of every batched operand and of the result."""
    tensors = listed(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else listed(operands)
    if not isinstance(equation, str):
        raise RuntimeError("vmap over einsum needs an equation, not lists of subscripts")
    text = equation.replace(" ", "")
    letter = next(c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in text)
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if not arrow:
        letters = left.replace(",", "").replace("...", "")
        right = ("..." if "..." in left else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    parts = [letter + p if batch.has(t) else p for p, t in zip(parts, tensors, strict=True)]
    return batch.wrap(call(f"{','.join(parts)}->{letter}{right}", *(batch.front(t) for t in tensors)))
