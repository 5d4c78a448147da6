"""What gradcheck demands of a backward pass beyond its numbers: zeros, missing gradients, batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import autograd
from .._gen.functions import stack, zeros_like
from .function import Function
from .gradcheck_jacobians import GradcheckError, TensorFunction, Tensors, requires_grad, tangents_of, tensor_like

BATCH = 2


class _UndefinedGrad(Function):
    """The identity; what it passes back is no gradient at all."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return None


def check_zero_grad_output(outputs: Tensors, inputs: Tensors) -> None:
    """Zero gradients of the outputs give zero gradients of the inputs, of the inputs' dtype and shape."""
    found = autograd.grad(
        list(outputs), list(inputs), [zeros_like(out) for out in outputs], retain_graph=True, allow_unused=True
    )
    for g, x in zip(found, inputs, strict=True):
        if g is None:
            continue
        if not bool((g == 0).all()):
            raise GradcheckError("backward not multiplied by grad_output")
        if g.dtype != x.dtype:
            raise GradcheckError("grad is incorrect type")
        if g.shape != x.shape:
            raise GradcheckError("grad is incorrect size")


def check_undefined_backward(func: TensorFunction, inputs: Sequence[Any]) -> None:
    """Backward takes missing gradients of the outputs, all at once and one by one, as zeros."""
    leaves = [x for x in inputs if requires_grad(x)]
    n = len(func(*inputs))
    for missing in [set(range(n))] + ([{i} for i in range(n)] if n > 1 else []):
        outputs = [_UndefinedGrad.apply(out) if i in missing else out for i, out in enumerate(func(*inputs))]
        try:
            found = autograd.grad(outputs, leaves, [zeros_like(out) for out in outputs], allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads.\n"
                f"It raised {type(error).__name__}: {error}\nA gradient may be None in backward when "
                "ctx.set_materialize_grads(False) was called; check_undefined_grad=False leaves this check out."
            ) from error
        if any(g is not None and not bool((g == 0).all()) for g in found):
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero.\n"
                "backward must be linear in its grad_outputs, and None counts as zero; check_undefined_grad=False leaves "
                "this check out."
            )


def check_undefined_forward(func: TensorFunction, inputs: Sequence[Any]) -> None:
    """A missing tangent of an input counts as zero."""
    rng = np.random.default_rng(0)
    wanted = [j for j, x in enumerate(inputs) if requires_grad(x)]
    all_tangents = {j: tensor_like(rng.normal(size=inputs[j].numel()), inputs[j]) for j in wanted}
    for j in wanted:
        others = {k: t for k, t in all_tangents.items() if k != j}
        missing = tangents_of(func, inputs, others)
        zero = tangents_of(func, inputs, others | {j: zeros_like(inputs[j])})
        for i, (a, b) in enumerate(zip(missing, zero, strict=True)):
            if not _same(a, b):
                raise GradcheckError(
                    f"Mismatch in tangent values for output with index: {i} when input: {j} has an undefined tangent value. "
                    f"Got: {a} but expected: {b}"
                )


def check_batched(inputs: Tensors, output: Any, output_number: int) -> None:
    """``grad(is_grads_batched=True)`` gives what one backward pass per row gives."""
    rng = np.random.default_rng(0)
    seeds = [tensor_like(rng.normal(size=output.numel()), output) for _ in range(BATCH)]
    rows = [_grads(output, inputs, seed) for seed in seeds]
    try:
        batched = _grads(output, inputs, stack(seeds), is_grads_batched=True)
    except RuntimeError as error:
        raise GradcheckError(f"While computing batched gradients, got: {error}") from error
    for j, (column, got) in enumerate(zip(zip(*rows, strict=True), batched, strict=True)):
        expected = None if column[0] is None else stack(list(column))
        if not _same(got, expected):
            raise GradcheckError(
                f"For output {output_number} and input {j}:\n\nbatched gradients differ from those computed one at a time.\n"
                f"Got:\n{got}\n\nExpected:\n{expected}"
            )


def _grads(output: Any, inputs: Tensors, seed: Any, **options: Any) -> Any:
    return autograd.grad(output, list(inputs), seed, retain_graph=True, allow_unused=True, **options)


def _same(a: Any, b: Any) -> bool:
    """Whether two tensors are equal up to rounding; None counts as zeros."""
    if a is None or b is None:
        only = b if a is None else a
        return only is None or bool((only == 0).all())
    return bool(a.allclose(b, equal_nan=True))
