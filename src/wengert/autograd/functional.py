"""Jacobians, Hessians and their products with vectors, for functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import autograd
from .._core.tensor_base import TensorBase, from_array
from .._gen.functions import cat, ones_like, stack, zeros, zeros_like
from . import forward_ad
from .grad_mode import enable_grad, is_grad_enabled, set_grad_enabled

OUTPUTS = "outputs of the user-provided function"
Tensors = tuple[Any, ...]
TensorFunction = Callable[..., Any]


def vjp(func: TensorFunction, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The output of ``func`` and the product of ``v`` with its Jacobian, by one backward pass.

    Args:
        func: takes the inputs, gives a tensor or a tuple of tensors.
        inputs: tensor or tuple of tensors.
        v: like the outputs; None for a single output with one element.
        create_graph: record the computation, for higher derivatives; otherwise the results are detached.
        strict: raise where an output does not depend on an input, instead of giving zeros.

    Returns:
        ``(outputs, product)``, the product like ``inputs``.

    Raises:
        TypeError: for anything that is not a tensor or a tuple of tensors.
        RuntimeError: for a ``v`` that does not fit, and what ``strict`` forbids.

    Example:
        >>> import wengert as torch
        >>> torch.autograd.functional.vjp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.ones(2))
        (tensor([1., 4.]), tensor([2., 4.]))
    """
    with enable_grad():
        is_tuple, inputs = _as_tuple(inputs, "inputs", "vjp")
        inputs = _prepare(inputs, create_graph)
        out_is_tuple, outputs = _call(func, inputs, "vjp", strict)
        if v is not None:
            v = _vector(v, outputs, out_is_tuple, create_graph, "vjp")
        elif len(outputs) != 1 or outputs[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single element."
            )
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _grad(outputs, inputs, v, create_graph)
        product = _fill(found, inputs, strict, create_graph, _STRICT_MISSING, _STRICT_BACK_GRAPH)
    return _result(outputs, out_is_tuple, create_graph), _result(product, is_tuple, create_graph)


def jvp(func: TensorFunction, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The output of ``func`` and the product of its Jacobian with ``v``.

    The vector-Jacobian product is linear in its vector; its own derivative is the product wanted here. This costs two
    backward passes and needs no formula of forward mode; :mod:`~wengert.autograd.forward_ad` needs one forward pass.

    Args:
        func: takes the inputs, gives a tensor or a tuple of tensors.
        inputs: tensor or tuple of tensors.
        v: like ``inputs``; None for a single input with one element.
        create_graph: record the computation, for higher derivatives; otherwise the results are detached.
        strict: raise where an output does not depend on an input, instead of giving zeros.

    Returns:
        ``(outputs, product)``, the product like the outputs.

    Raises:
        TypeError: for anything that is not a tensor or a tuple of tensors.
        RuntimeError: for a ``v`` that does not fit, and what ``strict`` forbids.

    Example:
        >>> import wengert as torch
        >>> torch.autograd.functional.jvp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.ones(2))
        (tensor([1., 4.]), tensor([2., 4.]))
    """
    with enable_grad():
        is_tuple, inputs = _as_tuple(inputs, "inputs", "jvp")
        inputs = _prepare(inputs, create_graph)
        v = _input_vector(v, inputs, is_tuple, create_graph, "jvp")
        out_is_tuple, outputs = _call(func, inputs, "jvp", strict)
        slots = tuple(zeros_like(out, requires_grad=True) for out in outputs)
        rows = _grad(outputs, inputs, slots, True)
        if strict:
            _check_depends(rows, _STRICT_GRAD_INPUTS)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _grad(rows, slots, v, create_graph)
        product = _fill(found, outputs, strict, create_graph, _STRICT_BACK_TRICK, _STRICT_BACK_GRAPH)
    return _result(outputs, out_is_tuple, create_graph), _result(product, out_is_tuple, create_graph)


def vhp(func: TensorFunction, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The output of the scalar ``func`` and the product of ``v`` with its Hessian, by two backward passes.

    Args:
        func: takes the inputs, gives a tensor with one element.
        inputs: tensor or tuple of tensors.
        v: like ``inputs``; None for a single input with one element.
        create_graph: record the computation, for higher derivatives; otherwise the results are detached.
        strict: raise where a derivative does not depend on an input, instead of giving zeros.

    Returns:
        ``(output, product)``, the product like ``inputs``.

    Raises:
        TypeError: for anything that is not a tensor or a tuple of tensors.
        RuntimeError: for a ``v`` that does not fit, an output of more elements, and what ``strict`` forbids.

    Example:
        >>> import wengert as torch
        >>> torch.autograd.functional.vhp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
        (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        is_tuple, inputs = _as_tuple(inputs, "inputs", "vhp")
        inputs = _prepare(inputs, create_graph)
        v = _input_vector(v, inputs, is_tuple, create_graph, "vhp")
        outputs, jac = _scalar_gradient(func, inputs, "vhp", strict)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _grad(jac, inputs, v, create_graph)
        product = _fill(found, inputs, strict, create_graph, _STRICT_DOUBLE, _STRICT_DOUBLE_GRAPH)
    return _result(outputs, False, create_graph), _result(product, is_tuple, create_graph)


def hvp(func: TensorFunction, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The output of the scalar ``func`` and the product of its Hessian with ``v``.

    A Hessian is symmetric where the second derivatives are continuous; there :func:`vhp` gives the same with one
    backward pass less.

    Args:
        func: takes the inputs, gives a tensor with one element.
        inputs: tensor or tuple of tensors.
        v: like ``inputs``; None for a single input with one element.
        create_graph: record the computation, for higher derivatives; otherwise the results are detached.
        strict: raise where a derivative does not depend on an input, instead of giving zeros.

    Returns:
        ``(output, product)``, the product like ``inputs``.

    Raises:
        TypeError: for anything that is not a tensor or a tuple of tensors.
        RuntimeError: for a ``v`` that does not fit, an output of more elements, and what ``strict`` forbids.

    Example:
        >>> import wengert as torch
        >>> torch.autograd.functional.hvp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
        (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        is_tuple, inputs = _as_tuple(inputs, "inputs", "hvp")
        inputs = _prepare(inputs, create_graph)
        v = _input_vector(v, inputs, is_tuple, create_graph, "hvp")
        outputs, jac = _scalar_gradient(func, inputs, "hvp", strict)
        slots = tuple(zeros_like(x, requires_grad=True) for x in inputs)
        rows = _grad(jac, inputs, slots, True)
        if strict:
            _check_depends(rows, _STRICT_HESSIAN)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _grad(rows, slots, v, create_graph)
        product = _fill(found, inputs, strict, create_graph, _STRICT_DOUBLE_TRICK, _STRICT_DOUBLE_GRAPH)
    return _result(outputs, False, create_graph), _result(product, is_tuple, create_graph)


def jacobian(
    func: TensorFunction,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivatives of every output element of ``func`` with respect to every input element.

    Args:
        func: takes the inputs, gives a tensor or a tuple of tensors.
        inputs: tensor or tuple of tensors.
        create_graph: record the computation, for higher derivatives; otherwise the result is detached.
        strict: raise where an output does not depend on an input, instead of giving zeros.
        vectorize: one backward pass for all elements of an output; allows complex outputs, and forward mode.
        strategy: "reverse-mode", or "forward-mode", one forward pass per input element (with ``vectorize=True``).

    Returns:
        For output i and input j a tensor of shape ``output[i].shape + inputs[j].shape``; nested in a tuple over outputs
        and a tuple over inputs where these are tuples.

    Raises:
        TypeError: for anything that is not a tensor or a tuple of tensors.
        RuntimeError: what ``strict`` forbids.
        NotImplementedError: for forward mode with ``create_graph=True`` or without ``vectorize=True``.

    Example:
        >>> import wengert as torch
        >>> torch.autograd.functional.jacobian(lambda x: x.sum() * x, torch.tensor([1.0, 2.0]))
        tensor([[4., 1.],
                [2., 5.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than '
            'inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        return _forward_jacobian(func, inputs, create_graph, strict, vectorize)
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
            "Please either set `strict=False` or `vectorize=False`."
        )
    with enable_grad():
        is_tuple, inputs = _as_tuple(inputs, "inputs", "jacobian")
        inputs = _prepare(inputs, create_graph)
        out_is_tuple, outputs = _call(func, inputs, "jacobian", strict)
        blocks = [_rows(i, out, inputs, create_graph, strict, vectorize) for i, out in enumerate(outputs)]
    return _nest(blocks, out_is_tuple, is_tuple, create_graph)


def hessian(
    func: TensorFunction,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of the scalar ``func``: the Jacobian of its gradient.

    Args:
        func: takes the inputs, gives a tensor with one element.
        inputs: tensor or tuple of tensors.
        create_graph: record the computation, for higher derivatives; otherwise the result is detached.
        strict: raise where a derivative does not depend on an input, instead of giving zeros.
        vectorize: as for :func:`jacobian`: one backward pass for all rows of the outer Jacobian; needed for forward mode.
        outer_jacobian_strategy: "reverse-mode" or "forward-mode", for the derivative of the gradient.

    Returns:
        For inputs i and j a tensor of shape ``inputs[i].shape + inputs[j].shape``; a tuple of tuples when ``inputs`` is
        a tuple.

    Raises:
        TypeError: for anything that is not a tensor or a tuple of tensors.
        RuntimeError: for an output of more elements, and what ``strict`` forbids.
        NotImplementedError: for forward mode with ``create_graph=True`` or without ``vectorize=True``.

    Example:
        >>> import wengert as torch
        >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    is_tuple, inputs = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def scalar(*args: Any) -> Any:
        out_is_tuple, outputs = _as_tuple(func(*args), OUTPUTS, "hessian")
        return _single(outputs, out_is_tuple, "hessian").squeeze()

    def gradient(*args: Any) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            args = tuple(x.requires_grad_() for x in args)
        jac = jacobian(scalar, args, create_graph=True)
        if strict:
            _check_depends(jac, _STRICT_JACOBIAN)
        return jac

    found = jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if is_tuple else found[0][0]


# The Jacobian, row by row or column by column


# Elements of the cotangents that are pulled back together where nobody asked for all at once: 8 MB in double precision.
_TOGETHER = 1 << 20


def _rows(i: int, out: Any, inputs: Tensors, create_graph: bool, strict: bool, vectorize: bool) -> list[Any]:
    """The blocks of one output: backward passes for many elements at a time, with ``vectorize`` for all of them."""
    n = out.numel()
    found: Any = (None,) * len(inputs)
    if n > 0 and out.requires_grad:
        if out.is_complex() and not vectorize:
            _grad((out.reshape(-1)[0],), inputs, None, create_graph)  # refuses it
        step = n if vectorize else max(1, min(n, _TOGETHER // max(t.numel() for t in (out, *inputs))))
        parts = [_some_rows(out, inputs, k, min(k + step, n), create_graph, vectorize) for k in range(0, n, step)]
        found = [p[0] if len(p) == 1 or p[0] is None else cat(p) for p in zip(*parts, strict=True)]
    blocks = []
    for j, (g, x) in enumerate(zip(found, inputs, strict=True)):
        if g is None and strict and n > 0:
            raise RuntimeError(
                f"Output {i} of the user-provided function is independent of input {j}. This is not allowed in strict mode."
            )
        if g is not None and strict and create_graph and not g.requires_grad:
            raise RuntimeError(_STRICT_BACK_GRAPH.format(i=j))
        shape = out.shape + x.shape
        blocks.append(zeros(shape, dtype=x.dtype) if g is None else g.reshape(shape))
    return blocks


def _some_rows(out: Any, inputs: Tensors, first: int, last: int, create_graph: bool, vectorize: bool) -> list[Any]:
    """The derivatives of the elements ``first`` to ``last`` with respect to each input, the elements in front."""
    from ..func._batched_backward import gradients

    seeds = from_array(np.eye(last - first, out.numel(), first, dtype=out.dtype.np).reshape((last - first, *out.shape)))
    return gradients([out], list(inputs), [seeds], True, create_graph, not vectorize)


def _forward_jacobian(func: TensorFunction, inputs: Any, create_graph: bool, strict: bool, vectorize: bool) -> Any:
    """The Jacobian in forward mode."""
    if create_graph:
        raise NotImplementedError(_FORWARD_UNSUPPORTED.format(flag="create_graph"))
    if strict:
        raise RuntimeError(_FORWARD_UNSUPPORTED.format(flag="strict"))
    is_tuple, inputs = _as_tuple(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is"
            "only implemented for `vectorize=True`."
        )
    # Shapes and nesting, which no pass would tell where no input has an element.
    inputs = tuple(x.detach() for x in inputs)  # what func does to them must not reach the user's
    out_is_tuple, outputs = _as_tuple(func(*inputs), OUTPUTS, "jacobian")
    blocks: list[list[Any]] = [[] for _ in outputs]
    for j, x in enumerate(inputs):
        columns = [_column(func, inputs, j, k, len(outputs)) for k in range(x.numel())]
        for i, out in enumerate(outputs):
            column = [zeros_like(out) if c[i] is None else c[i] for c in columns]
            shape = out.shape + x.shape
            blocks[i].append(stack(column, -1).reshape(shape) if column else zeros(shape, dtype=out.dtype))
    return _nest(blocks, out_is_tuple, is_tuple, False)


def _column(func: TensorFunction, inputs: Tensors, j: int, k: int, n_outputs: int) -> Tensors:
    """The tangents of the outputs when element k of input j moves; None for an output that does not."""
    with forward_ad.dual_level():
        duals = [x.detach() for x in inputs]
        tangent = zeros_like(duals[j]).reshape(-1)
        tangent[k] = 1
        duals[j] = forward_ad.make_dual(duals[j], tangent.reshape(duals[j].shape))
        _, outputs = _as_tuple(func(*duals), OUTPUTS, "jacobian")
        if len(outputs) != n_outputs:
            raise RuntimeError(
                f"The function given to jacobian returned {n_outputs} outputs first and {len(outputs)} outputs when "
                "called again. It must return the same number each time."
            )
        return tuple(forward_ad.unpack_dual(out).tangent for out in outputs)


def _nest(blocks: list[list[Any]], out_is_tuple: bool, is_tuple: bool, create_graph: bool) -> Any:
    """Blocks as a tuple over outputs of tuples over inputs, single ones unwrapped."""
    rows = tuple(_result(tuple(row), is_tuple, create_graph) for row in blocks)
    return rows if out_is_tuple else rows[0]


# Arguments and results


def _as_tuple(value: Any, name: str, function: str) -> tuple[bool, Tensors]:
    """Whether a tensor or tuple of tensors is a tuple, and the tuple."""
    if isinstance(value, TensorBase):
        return False, (value,)
    must = f"The {name} given to {function} must be either a Tensor or a tuple of Tensors but the"
    if not isinstance(value, tuple):
        raise TypeError(f"{must} given {name} has type {type(value)}.")
    for i, part in enumerate(value):
        if not isinstance(part, TensorBase):
            raise TypeError(f"{must} value at index {i} has type {type(part)}.")
    return True, value


def _prepare(inputs: Tensors, create_graph: bool, need_graph: bool = True) -> Tensors:
    """Tensors of our own over the same memory, so that neither graph nor ``requires_grad`` of the user's change."""
    return tuple(
        x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_(need_graph) for x in inputs
    )


def _call(func: TensorFunction, inputs: Tensors, function: str, strict: bool) -> tuple[bool, Tensors]:
    """The checked outputs."""
    is_tuple, outputs = _as_tuple(func(*inputs), OUTPUTS, function)
    if strict:
        _check_depends(outputs, _STRICT_OUTPUTS)
    return is_tuple, outputs


def _vector(v: Any, like: Tensors, like_is_tuple: bool, create_graph: bool, function: str) -> Tensors:
    """The checked vector as a tuple."""
    _, parts = _as_tuple(v, "v", function)
    parts = _prepare(parts, create_graph, need_graph=False)
    if len(parts) != len(like):
        if like_is_tuple:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(parts)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (part, x) in enumerate(zip(parts, like, strict=True)):
        if part.shape != x.shape:
            entry = f"Entry {i} in " if like_is_tuple else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {x.size()} but got {part.size()}.")
    return parts


def _input_vector(v: Any, inputs: Tensors, is_tuple: bool, create_graph: bool, function: str) -> Tensors | None:
    """The checked vector of a product with a vector like the inputs."""
    if v is not None:
        return _vector(v, inputs, is_tuple, create_graph, function)
    if len(inputs) != 1 or inputs[0].numel() != 1:
        raise RuntimeError(
            "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
            "element."
        )
    return (ones_like(inputs[0]),)


def _single(outputs: Tensors, is_tuple: bool, function: str) -> Any:
    """The one output with one element."""
    if is_tuple:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {function} should contain a single element")
    return outputs[0]


def _scalar_gradient(func: TensorFunction, inputs: Tensors, function: str, strict: bool) -> tuple[Tensors, Tensors]:
    """The one output of a scalar function, and its gradient with a graph."""
    out_is_tuple, outputs = _call(func, inputs, function, strict)
    _single(outputs, out_is_tuple, function)
    jac = _grad(outputs, inputs, None, True)
    if strict:
        _check_depends(jac, _STRICT_JACOBIAN)
    return outputs, jac


def _grad(
    outputs: Tensors, inputs: Tensors, vector: Tensors | None, create_graph: bool, retain_graph: bool | None = None
) -> Tensors:
    """The gradients of those outputs that have a graph; None where there is no dependence."""
    vectors: Tensors = (None,) * len(outputs) if vector is None else vector
    pairs = [(out, g) for out, g in zip(outputs, vectors, strict=True) if out is not None and out.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    found: Tensors = autograd.grad(
        [out for out, _ in pairs],
        inputs,
        [g for _, g in pairs],
        retain_graph=retain_graph,
        create_graph=create_graph,
        allow_unused=True,
    )
    return found


def _result(values: Tensors, is_tuple: bool, create_graph: bool) -> Any:
    """What the user gets: detached unless a graph was asked for, single ones unwrapped."""
    out = values if create_graph else tuple(x.detach() for x in values)
    return out if is_tuple else out[0]


# Strict mode: what it says, and where it looks. PyTorch 2.13 has these sentences.

_ALLOWED = "This is not allowed in strict mode"
_STRICT_OUTPUTS = (
    "Output {i} of the user-provided function does not require gradients. The outputs must be computed in a differentiable "
    "manner from the input when running in strict mode."
)
_STRICT_GRAD_INPUTS = (
    "The gradient with respect to input {i} is independent of the inputs of the user-provided function. "
    + _ALLOWED
    + "."
)
_STRICT_JACOBIAN = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to input {i} is "
    "independent of the input. " + _ALLOWED + ". You should ensure that your function is twice differentiable and that "
    "the jacobian depends on the inputs (this would be violated by a linear function for example)."
)
_STRICT_HESSIAN = (
    "The hessian of the user-provided function with respect to input {i} is independent of the input. "
    + _ALLOWED
    + ". You should ensure that your function is thrice differentiable and that the hessian depends on the inputs."
)
_STRICT_MISSING = "The output of the user-provided function is independent of input {i}. " + _ALLOWED + "."
_STRICT_BACK_TRICK = (
    "The gradient with respect to the input is independent of entry {i} in the grad_outputs when using the double backward "
    "trick to compute forward mode gradients. " + _ALLOWED + "."
)
_STRICT_DOUBLE = "The jacobian of the user-provided function is independent of input {i}. " + _ALLOWED + "."
_STRICT_DOUBLE_TRICK = (
    "The hessian of the user-provided function is independent of entry {i} in the grad_jacobian. "
    + _ALLOWED
    + " as it prevents from using the double backward trick to replace forward mode AD."
)
_STRICT_BACK_GRAPH = (
    "The jacobian of the user-provided function is independent of input {i}. " + _ALLOWED + " when create_graph=True."
)
_STRICT_DOUBLE_GRAPH = (
    "The hessian of the user-provided function is independent of input {i}. " + _ALLOWED + " when create_graph=True."
)
_FORWARD_UNSUPPORTED = (
    'torch.autograd.functional.jacobian: `{flag}=True` and `strategy="forward-mode"` are not supported together (yet). '
    'Please either set `{flag}=False` or `strategy="reverse-mode"`.'
)


def _check_depends(values: Tensors, no_graph: str) -> None:
    """Strict mode: every value is there and has a graph."""
    for i, value in enumerate(values):
        if value is None:
            raise RuntimeError(_STRICT_MISSING.format(i=i))
        if not value.requires_grad:
            raise RuntimeError(no_graph.format(i=i))


def _fill(found: Tensors, like: Tensors, strict: bool, create_graph: bool, missing: str, no_graph: str) -> Tensors:
    """Zeros where nothing was found; in strict mode an error, also where the result itself has no graph."""
    for i, value in enumerate(found if strict else ()):
        if value is None:
            raise RuntimeError(missing.format(i=i))
        if create_graph and not value.requires_grad:
            raise RuntimeError(no_graph.format(i=i))
    return tuple(zeros_like(x) if value is None else value for value, x in zip(found, like, strict=True))
