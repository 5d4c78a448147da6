"""Several tensors become one."""

from __future__ import annotations

from typing import Any

from ..._core.tensor_base import TensorBase
from ..._record.common import wrap_dim
from .._batched import Batch
from .._dispatch import Rule, call_name, operator, plainly_batched, rule, shortcut, wrapped_like


def listed(tensors: Any) -> list[Any]:
    """The operands as a list."""
    return list(tensors)


@shortcut("cat", "concat", "concatenate", "stack")
def joined_at_once(original: Rule, args: tuple[Any, ...]) -> Any:
    """Tensors of one level and number of dimensions, along a dimension counted from the front."""
    tensors, dim = args if len(args) == 2 else (args[0], 0)
    if (
        type(tensors) not in (list, tuple)
        or type(dim) is not int
        or len(tensors) == 0
        or not plainly_batched(tensors[0])
    ):
        return None
    first, physical = tensors[0], []
    for t in tensors:
        if not plainly_batched(t) or t.level is not first.level or len(t.shp) != len(first.shp):
            return None
        physical.append(t.value)
    return wrapped_like(first, original(physical, dim + 1)) if 0 <= dim < len(first.shp) else None


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
        return operator("einsum")(*with_letters([equation, *operands]))
    text = equation.replace(" ", "")
    letter = next(c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in text)
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if not arrow:
        letters = left.replace(",", "").replace("...", "")
        right = ("..." if "..." in left else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    parts = [letter + p if batch.has(t) else p for p, t in zip(parts, tensors, strict=True)]
    return batch.wrap(call(f"{','.join(parts)}->{letter}{right}", *(batch.front(t) for t in tensors)))


def with_letters(arguments: list[Any]) -> list[Any]:
    """``einsum(x, [0, 1], y, [1, 2], [0, 2])`` as an equation and its operands."""
    operands = arguments[0 : len(arguments) // 2 * 2 : 2]
    lists = arguments[1::2]
    result = arguments[-1] if len(arguments) % 2 else None

    def text(subscripts: Any) -> str:
        return "".join("..." if s is Ellipsis else chr((97 if s < 26 else 39) + s) for s in subscripts)

    left = ",".join(map(text, lists))
    return [left if result is None else f"{left}->{text(result)}", *operands]


@rule("block_diag")
def block_diag(batch: Batch, call: Rule, *tensors: Any) -> Any:
    """Rows of blocks, padded with zeros."""
    blocks = [t.reshape(1, -1) if len(t.shp) < 2 else t for t in tensors]
    widths = [b.shp[1] for b in blocks]
    rows = [
        operator("pad")(b, (sum(widths[:k]), sum(widths[k + 1 :]))) if len(b.shp) == 2 else b
        for k, b in enumerate(blocks)
    ]
    return operator("cat")(rows, 0)


@rule("cartesian_prod")
def cartesian_prod(batch: Batch, call: Rule, *tensors: Any) -> Any:
    """A row for each choice of one element of each tensor."""
    if len(tensors) == 1:
        return tensors[0]
    return operator("stack")([g.reshape(-1) for g in operator("meshgrid")(*tensors, indexing="ij")], -1)


@rule("combinations")
def combinations(batch: Batch, call: Rule, input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """A row for each choice of ``r`` elements."""
    return input[call(operator("arange")(input.shp[0]), r, with_replacement)]
