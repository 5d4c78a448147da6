"""Custom ``Function``s inside of transforms."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._core.tensor_base import TensorBase
from ..autograd.function import Function
from ._batched import Batch, BatchedTensor, innermost
from ._custom_generated import generated
from ._dispatch import HANDLERS
from ._levels import STACK
from ._tree import broadcast, flatten, unflatten

MORE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What a ``vmap`` staticmethod is told about the batch."""

    batch_size: int
    randomness: str


def apply(cls: Any, args: tuple[Any, ...]) -> Any:
    """``cls.apply`` inside of a transform; NotImplemented where nothing differs from the ordinary call.

    Raises:
        RuntimeError: when ``forward`` takes a ``ctx``, or the Function cannot be vmapped.
    """
    if not STACK.levels:
        return NotImplemented
    if cls.setup_context is Function.setup_context:
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override the "
            f"setup_context staticmethod. {MORE}{getattr(cls, 'INSIDE_TRANSFORMS', '')}"
        )
    level = innermost(args)
    if level is None:
        return NotImplemented
    if level.kind in HANDLERS:
        return HANDLERS[level.kind](level, f"{cls.__name__}.apply", cls.apply, args, {})
    own = cls.vmap is not Function.vmap
    if cls.generate_vmap_rule and own:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
            "staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid ambiguity. "
            f"{MORE}"
        )
    batch = Batch(level)
    if cls.generate_vmap_rule:
        return generated(cls, batch, args)
    if not own:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement the vmap "
            f"staticmethod or set generate_vmap_rule=True. {MORE}"
        )
    in_dims = tuple(a.bdim if batch.has(a) else None for a in args)
    physical = [a.value if batch.has(a) else a for a in args]
    return _wrapped(batch, cls.vmap(VmapInfo(batch.size, level.randomness), in_dims, *physical))


def _wrapped(batch: Batch, result: Any) -> Any:
    """The outputs of a ``vmap`` staticmethod, with the dimensions that it names."""
    expected = (
        "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure compatible with the "
        "output. "
    )
    if not isinstance(result, tuple):
        raise RuntimeError(f"{expected}Got a {type(result)} instead")
    if len(result) != 2:
        raise RuntimeError(f"{expected}Got {len(result)} returns instead")
    output, out_dims = result
    leaves, structure = flatten(output)
    dims = broadcast(out_dims, structure)
    if dims is None:
        raise RuntimeError(
            "The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. Expected "
            f"out_dims={out_dims} to be compatible with the structure of `output`. out_dims has structure "
            f"{flatten(out_dims)[1]!r} but output has structure {structure!r}. {MORE}"
        )
    made = [
        x if d is None or not isinstance(x, TensorBase) else BatchedTensor(x, d % len(x.shp), batch.level)
        for x, d in zip(leaves, dims, strict=True)
    ]
    return unflatten(made, structure)
