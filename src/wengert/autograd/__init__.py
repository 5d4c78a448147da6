"""Differentiation: ``backward``, ``grad``, ``Function``, modes, hooks."""

from __future__ import annotations

import warnings
from typing import Any

from .._core import backward as _backward
from .._core import engine as _engine
from .._core.backward import GradientEdge
from .._core.tensor_base import TensorBase
from . import anomaly_mode as anomaly_mode
from . import forward_ad as forward_ad
from . import function as function
from . import functional as functional
from . import grad_mode as grad_mode
from . import graph as graph
from . import profiler as profiler
from .anomaly_mode import detect_anomaly as detect_anomaly
from .anomaly_mode import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from .anomaly_mode import is_anomaly_enabled as is_anomaly_enabled
from .anomaly_mode import set_detect_anomaly as set_detect_anomaly
from .function import Function as Function
from .function import NestedIOFunction as NestedIOFunction
from .grad_mode import enable_grad as enable_grad
from .grad_mode import inference_mode as inference_mode
from .grad_mode import no_grad as no_grad
from .grad_mode import set_grad_enabled as set_grad_enabled
from .grad_mode import set_multithreading_enabled as set_multithreading_enabled
from .gradcheck import gradcheck as gradcheck
from .gradcheck import gradgradcheck as gradgradcheck
from .variable import Variable as Variable


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of ``tensors`` to the ``.grad`` of the leaves of their graphs.

    Args:
        tensors: a tensor (or ``GradientEdge``) or a sequence of them.
        grad_tensors: gradient with respect to each; None for real tensors with one element.
        retain_graph: keep saved values; defaults to ``create_graph``.
        create_graph: record the backward pass, for higher derivatives.
        inputs: accumulate only into these.

    Raises:
        RuntimeError: without a graph, for wrong shapes, or a second time through freed values.
    """
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is None:
            grad_tensors = grad_variables
        else:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`."
            )
    roots = [tensors] if isinstance(tensors, (TensorBase, GradientEdge)) else list(tensors)
    _backward.backward(roots, grad_tensors, retain_graph, create_graph, inputs)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """Gradients of ``outputs`` with respect to ``inputs``; no ``.grad`` is touched.

    Args:
        outputs: tensor, ``GradientEdge`` or a sequence of them.
        inputs: likewise, or a dict of name to tensor.
        grad_outputs: gradient with respect to each output; None for real outputs with one element.
        retain_graph: keep saved values; defaults to ``create_graph``.
        create_graph: record the backward pass, for higher derivatives.
        allow_unused: give None for inputs that the outputs do not depend on, instead of an error.
        is_grads_batched: ``grad_outputs`` have one more leading dimension; so have the results.
        materialize_grads: give zeros instead of None.

    Returns:
        A tuple with one tensor per input, or a dict when ``inputs`` is one.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other parts of "
            "the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    names = list(inputs) if isinstance(inputs, dict) else None
    outs = [outputs] if isinstance(outputs, (TensorBase, GradientEdge)) else list(outputs)
    ins = _inputs_list(inputs)
    allow = bool(allow_unused) or materialize_grads
    if is_grads_batched:
        results = _batched(outs, ins, grad_outputs, retain_graph, create_graph, allow)
    else:
        results = _backward.grad(outs, ins, grad_outputs, retain_graph, create_graph, allow)
    if materialize_grads:
        results = [_zeros_for(t) if r is None else r for r, t in zip(results, ins, strict=True)]
    return tuple(results) if names is None else dict(zip(names, results, strict=True))


def _inputs_list(inputs: Any) -> list[Any]:
    """The inputs as a checked list."""
    if isinstance(inputs, (TensorBase, GradientEdge)):
        return [inputs]
    found = list(inputs.values()) if isinstance(inputs, dict) else list(inputs)
    if not found:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    for t in found:
        if not isinstance(t, (TensorBase, GradientEdge)):
            raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(t).__name__}")
    return found


def _zeros_for(t: Any) -> Any:
    """A zero gradient for an input that was not used."""
    if isinstance(t, GradientEdge):
        return None
    from .function import zeros_of

    return zeros_of((t.shp, t.dt))


def _batched(
    outs: list[Any], ins: list[Any], grads: Any, retain_graph: bool | None, create_graph: bool, allow_unused: bool
) -> list[Any]:
    """One backward pass for all rows of the batched gradients."""
    from ..func._batched_backward import gradients

    batches: list[Any] = [grads] if isinstance(grads, TensorBase) else list(grads)
    for i, (g, out) in enumerate(zip(batches, outs, strict=True)):
        if g.shp[1:] != out.shp:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. The "
                "sizes of the remaining dimensions are expected to match the shape of corresponding output, but a mismatch was "
                f"detected: grad_output[{i}] has a shape of {g.shp[1:]} and output[{i}] has a shape of {out.shp}. If you only "
                "want some tensors in `grad_output` to be considered batched, consider using vmap."
            )
    keep = create_graph if retain_graph is None else retain_graph
    found = gradients(outs, ins, batches, _backward.flag(keep), create_graph)
    if not allow_unused:
        _backward.check_used(found)
    return found


class _ExecutionEngine:
    """What programs reach as ``Variable._execution_engine``."""

    queue_callback = staticmethod(_engine.queue_callback)


Variable._execution_engine = _ExecutionEngine()  # type: ignore[attr-defined]
