"""``generate_vmap_rule``: a custom ``Function`` of samples becomes one of batches.

The new Function takes physical tensors. Its static methods call those of the old one at a level of their own, with batched
tensors in the place of physical ones, so each of them runs once for the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._core.tensor_base import TensorBase
from ..autograd.function import Function
from ._batched import Batch, BatchedTensor
from ._entries import ENTRIES
from ._levels import STACK, Level


def generated(cls: Any, batch: Batch, args: tuple[Any, ...]) -> Any:
    """``cls.apply`` for batched arguments."""
    dims = tuple(a.bdim if batch.has(a) else None for a in args)
    physical = [a.value if batch.has(a) else a for a in args]
    made = _function(cls, Samples(batch, dims))
    return batch.wrap(made.apply(*physical))


class Samples:
    """What the static methods of one generated Function share.

    Attributes:
        level: a level of its own, entered again by each of them.
        dims: which dimension of each argument is the batch.
    """

    def __init__(self, batch: Batch, dims: tuple[Any, ...]) -> None:
        self.level = Level("vmap", 0)
        self.level.batch_size = batch.size
        self.level.randomness = batch.level.randomness
        self.batch = Batch(self.level)
        self.dims = dims

    @contextmanager
    def running(self, func: Any) -> Iterator[None]:
        """Run a block at the level."""
        levels = STACK.levels
        self.level.number = len(levels) + 1
        levels.append(self.level)
        ENTRIES.acquire(func)
        try:
            yield
        finally:
            ENTRIES.release()
            levels.pop()

    def inputs(self, values: Any) -> tuple[Any, ...]:
        """Arguments as the old Function sees them."""
        pairs = zip(values, self.dims, strict=True)
        return tuple(v if d is None or v is None else BatchedTensor(v, d, self.level) for v, d in pairs)

    def results(self, values: Any) -> tuple[Any, ...]:
        """Results, or their gradients, as the old Function sees them."""
        return tuple(BatchedTensor(v, 0, self.level) if isinstance(v, TensorBase) else v for v in values)

    def outside(self, value: Any) -> Any:
        """A result of the old Function with the batch in front."""
        return self.batch.full(value) if isinstance(value, TensorBase) else value

    def grad_input(self, grad: Any, dim: Any) -> Any:
        """The gradient of a physical argument: summed where all samples share it."""
        if not isinstance(grad, TensorBase):
            return grad
        whole = self.batch.full(grad)
        return whole.sum(0) if dim is None else whole.movedim(0, dim)


class Context:
    """The ``ctx`` of the old Function: keeps batched tensors as physical ones in the new one's."""

    def __init__(self, ctx: Any, samples: Samples) -> None:
        self.__dict__["_own"] = ctx, samples

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_own"][0], name)

    def _peeled(self, tensors: tuple[Any, ...]) -> list[Any]:
        batch = self.__dict__["_own"][1].batch
        return [t.value if batch.has(t) else t for t in tensors]

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for ``backward``."""
        ctx, samples = self.__dict__["_own"]
        self.__dict__["_saved_dims"] = [t.bdim if samples.batch.has(t) else None for t in tensors]
        ctx.save_for_backward(*self._peeled(tensors))

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for ``jvp``."""
        self.__dict__["_for_forward"] = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was kept, batched as it was."""
        ctx, samples = self.__dict__["_own"]
        if "_in_jvp" in self.__dict__ and "_for_forward" in self.__dict__:
            kept: tuple[Any, ...] = self.__dict__["_for_forward"]
            return kept
        pairs = zip(ctx.saved_tensors, self.__dict__.get("_saved_dims", ()), strict=True)
        return tuple(t if d is None else BatchedTensor(t, d, samples.level) for t, d in pairs)

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs were changed in place."""
        self.__dict__["_own"][0].mark_dirty(*self._peeled(tensors))

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs carry no gradient."""
        self.__dict__["_own"][0].mark_non_differentiable(*self._peeled(tensors))


def _function(cls: Any, samples: Samples) -> Any:
    """The new Function."""

    def forward(*args: Any) -> Any:
        with samples.running(cls.forward):
            output = cls.forward(*samples.inputs(args))
            return tuple(map(samples.outside, output)) if isinstance(output, tuple) else samples.outside(output)

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.context = Context(ctx, samples)
        with samples.running(cls.setup_context):
            several = isinstance(output, tuple)
            results = samples.results(output if several else (output,))
            cls.setup_context(ctx.context, samples.inputs(inputs), results if several else results[0])

    def backward(ctx: Any, *grads: Any) -> Any:
        with samples.running(cls.backward):
            found = cls.backward(ctx.context, *samples.results(grads))
            found = found if isinstance(found, tuple) else (found,)
            padded = (*found, *(None,) * (len(samples.dims) - len(found)))
            return tuple(samples.grad_input(g, d) for g, d in zip(padded, samples.dims, strict=False))

    def jvp(ctx: Any, *tangents: Any) -> Any:
        with samples.running(cls.jvp):
            ctx.context.__dict__["_in_jvp"] = True
            output = cls.jvp(ctx.context, *samples.inputs(tangents))
            return tuple(map(samples.outside, output)) if isinstance(output, tuple) else samples.outside(output)

    methods = {"forward": forward, "setup_context": setup_context, "backward": backward, "jvp": jvp}
    body = {name: staticmethod(method) for name, method in methods.items()}
    return type(cls.__name__, (Function,), {**body, "generate_vmap_rule": True})
