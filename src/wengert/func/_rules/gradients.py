"""``autograd.grad`` under ``vmap``."""

from __future__ import annotations

from typing import Any

from ..._core.tensor_base import TensorBase
from .. import _physical
from .._batched import Batch, BatchedTensor
from .._dispatch import Rule, each_sample, rule

SHARED = (
    "vmap: autograd.grad of a batched output with respect to a tensor that all samples share\n"
    "  try: func.grad, which gives the gradient of each sample"
)


@rule("autograd.grad")
def gradients(batch: Batch, call: Rule, outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: Any = None,
              **kwargs: Any) -> Any:  # fmt: skip
    """Through the graph of physical tensors; batched ``grad_outputs`` of a graph from outside go through it one by one."""
    outs: list[Any] = [outputs] if isinstance(outputs, TensorBase) else list(outputs)
    ins: list[Any] = [inputs] if isinstance(inputs, TensorBase) else list(inputs)
    seeds = [grad_outputs] if isinstance(grad_outputs, TensorBase) else list(grad_outputs or [None] * len(outs))
    if not any(batch.has(t) for t in (*outs, *ins)):
        return _of_outside(batch, call, outs, ins, seeds, retain_graph, **kwargs)
    if not all(batch.has(t) for t in ins):
        raise RuntimeError(SHARED)
    roots = [batch.full(o) for o in outs]
    filled = [_physical.ones_like(o) if s is None and len(o.shp) == 0 else s for o, s in zip(outs, seeds, strict=True)]
    cotangents = [None if s is None else batch.full(s) for s in filled]
    found = call(roots, [i.value for i in ins], cotangents, retain_graph, **kwargs)
    return tuple(None if g is None else BatchedTensor(g, i.bdim, batch.level) for g, i in zip(found, ins, strict=True))


def _of_outside(batch: Batch, call: Rule, outs: list[Any], ins: list[Any], seeds: list[Any], retain_graph: Any,
                **kwargs: Any) -> Any:  # fmt: skip
    """The graph is the same for all samples: one pass for all cotangents."""
    if kwargs.get("is_grads_batched"):
        return each_sample(batch, "autograd.grad", call, (outs, ins, seeds, True), kwargs)
    pairs = [(o, o.new_ones(()) if s is None else s) for o, s in zip(outs, seeds, strict=True)]
    found = call(outs, ins, [batch.full(s) for _, s in pairs], retain_graph, is_grads_batched=True, **kwargs)
    return batch.wrap(found)
