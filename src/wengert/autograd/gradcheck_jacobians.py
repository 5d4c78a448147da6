"""Jacobians for gradcheck: by central differences, by backward passes, by forward mode. Plain NumPy matrices.

A function here takes tensors and gives a tuple of floating or complex tensors. A matrix has one row per input element
and one column per output element. For a real output s and a complex input x + iy it holds ds/dx + i ds/dy, which is
what a backward pass gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from .. import autograd
from .._core.dtypes import FLOATING, complex128, float64
from .._core.tensor_base import TensorBase
from .._gen.functions import from_numpy
from . import forward_ad

Array = Any
TensorFunction = Callable[..., Any]
Tensors = Sequence[Any]


class GradcheckError(RuntimeError):
    """What ``gradcheck`` or ``gradgradcheck`` found wrong."""


def as_tuple(value: Any) -> tuple[Any, ...]:
    """A tuple of what a function takes or gives."""
    if isinstance(value, tuple):
        return value
    return tuple(value) if isinstance(value, list) else (value,)


def requires_grad(x: Any) -> bool:
    """Whether this is a tensor that requires grad."""
    return isinstance(x, TensorBase) and bool(cast(Any, x).requires_grad)


def is_continuous(x: Any) -> bool:
    """Whether this is a floating or complex tensor."""
    return isinstance(x, TensorBase) and x.dt.category >= FLOATING


def array_of(t: Any) -> Array:
    """A copy of a tensor's values in double precision, flat."""
    return t.detach().to(complex128 if t.is_complex() else float64).numpy(force=True).reshape(-1).copy()


def tensor_like(values: Array, t: Any) -> Any:
    """Flat values as a tensor of the shape and dtype of ``t``."""
    return from_numpy(np.ascontiguousarray(values)).reshape(t.shape).to(t.dtype)


# Central differences


def difference(func: TensorFunction, inputs: Tensors, place: Any, values: tuple[Any, Any], eps: float) -> list[Array]:
    """The difference quotients of the outputs between two values of a part of an input.

    Args:
        place: writes a value into the input.
        values: below and above; what lies between them is 2 ``eps``.
    """
    below, above = (_values_at(func, inputs, place, value) for value in values)
    quotients = []
    for i, (low, high) in enumerate(zip(below, above, strict=True)):
        for what in ("shape", "dtype"):
            if getattr(low, what) != getattr(high, what):
                raise AssertionError(
                    f"Expected `func` to return outputs with the same {what} when inputs are perturbed on index {i} by "
                    f"{eps}, but got: {what}s {getattr(low, what)} and {getattr(high, what)}."
                )
        quotients.append((array_of(high) - array_of(low)) / (2 * eps))
    return quotients


def _values_at(func: TensorFunction, inputs: Tensors, place: Any, value: Any) -> list[Any]:
    """The outputs with a value in place; clones, for an output may share memory with the input."""
    place(value)
    return [out.detach().clone() for out in func(*inputs)]


def numerical(func: TensorFunction, inputs: Tensors, x: Any, eps: float) -> list[Array]:
    """One matrix per output of ``func`` with respect to the input ``x``, which is moved in place."""
    data = x.data  # the same memory without graph and version: the function must see the move, autograd must not
    rows: list[list[Array]] = []
    for index in np.ndindex(tuple(data.shape)):
        value = data[index].item()

        def place(moved: Any, index: Any = index) -> None:
            data[index] = moved

        try:
            row = difference(func, inputs, place, (value - eps, value + eps), eps)
            if data.is_complex():
                imag = difference(func, inputs, place, (value - eps * 1j, value + eps * 1j), eps)
                row = [re + 1j * im for re, im in zip(row, imag, strict=True)]
        finally:
            data[index] = value
        rows.append(row)
    if not rows:
        return [np.zeros((0, out.numel())) for out in func(*inputs)]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def numerical_along(func: TensorFunction, inputs: Tensors, x: Any, u: Array, eps: float) -> list[Array]:
    """The change of each output per step of ``x`` along the flat direction ``u``."""
    data = x.data
    start = data.clone()
    step = tensor_like(u * eps, start)
    try:
        return difference(func, inputs, data.copy_, (start - step, start + step), eps)
    finally:
        data.copy_(start)


# Backward passes


def vector_product(inputs: Tensors, output: Any, v: Array, check: Any) -> list[Array]:
    """The product of the flat vector ``v`` with the Jacobian of one output, one flat array per input.

    Two passes run; ``check(first, second, inputs)`` sees the gradients of both.
    """
    seed = tensor_like(v, output)
    first, second = (
        autograd.grad(output, list(inputs), seed.clone(), retain_graph=True, allow_unused=True) for _ in range(2)
    )
    check(first, second, inputs)
    return [np.zeros(x.numel()) if g is None else array_of(g) for g, x in zip(first, inputs, strict=True)]


def analytical(inputs: Tensors, output: Any, check: Any) -> list[Array]:
    """One matrix per input: two backward passes per element of the output."""
    columns: list[list[Array]] = [[] for _ in inputs]
    for v in np.eye(output.numel()):
        for column, g in zip(columns, vector_product(inputs, output, v, check), strict=True):
            column.append(g)
    return [
        np.stack(column, axis=1) if column else np.zeros((x.numel(), 0))
        for column, x in zip(columns, inputs, strict=True)
    ]


# Forward mode


def tangents_of(func: TensorFunction, inputs: Tensors, tangents: dict[int, Any]) -> list[Any]:
    """The tangents of the outputs (None for no tangent) when inputs have these tangents, by position."""
    with forward_ad.dual_level():
        duals = list(inputs)
        for i, tangent in tangents.items():
            # Not the input itself: its history is no part of this computation.
            primal = inputs[i].detach().requires_grad_(inputs[i].requires_grad)
            duals[i] = forward_ad.make_dual(primal, tangent)
        return [forward_ad.unpack_dual(out).tangent for out in func(*duals)]


def forward_along(func: TensorFunction, inputs: Tensors, outputs: Tensors, j: int, u: Array, check: Any) -> list[Array]:
    """The tangents of the outputs when input ``j`` moves along the flat direction ``u``.

    ``check(tangents, outputs)`` sees them as they are.
    """
    found = tangents_of(func, inputs, {j: tensor_like(u, inputs[j])})
    check(found, outputs)
    return [np.zeros(out.numel()) if t is None else array_of(t) for t, out in zip(found, outputs, strict=True)]


def forward(func: TensorFunction, inputs: Tensors, outputs: Tensors, j: int, check: Any) -> list[Array]:
    """One matrix per output with respect to input ``j``: one forward pass per element of the input."""
    rows = [forward_along(func, inputs, outputs, j, u, check) for u in np.eye(inputs[j].numel())]
    if not rows:
        return [np.zeros((0, out.numel())) for out in outputs]
    return [np.stack(column) for column in zip(*rows, strict=True)]
