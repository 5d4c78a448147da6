"""Check gradients against central differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import autograd
from .._core.dtypes import complex128, float64
from .._gen.functions import empty_strided, rand
from .gradcheck_jacobians import GradcheckError as GradcheckError
from .gradcheck_jacobians import TensorFunction, as_tuple, is_continuous, requires_grad

if TYPE_CHECKING:
    from .gradcheck_compare import Check


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """True when the derivatives of ``func`` are near the differences (f(x + eps) - f(x - eps)) / (2 eps).

    For a real output s of a complex input x + iy the gradient is ds/dx + i ds/dy; complex outputs are checked by their
    real and imaginary parts. The inputs are moved in place while this runs, and restored.

    Args:
        func: takes the inputs, gives a tensor or a tuple of tensors. It must give the same each time.
        inputs: tensor or tuple; what requires grad is checked and should be float64 or complex128.
        eps: half the distance between the two values of a difference.
        atol: absolute tolerance.
        rtol: tolerance relative to the difference.
        raise_exception: give False instead of raising ``GradcheckError``.
        nondet_tol: how far two backward passes over the same graph may differ.
        check_undefined_grad: missing gradients of outputs (and tangents of inputs) must count as zero.
        check_grad_dtypes: gradients must have the dtype of their inputs.
        check_batched_grad: ``autograd.grad(is_grads_batched=True)`` must give the same, row by row.
        check_batched_forward_grad: needs ``vmap``, which is not there yet.
        check_forward_ad: check forward mode.
        check_backward_ad: check backward.
        fast_mode: compare v J u for random vectors u and v instead of all elements: two calls of ``func`` per input, and
            one backward pass per output.
        masked: for sparse tensors, which do not exist here; it changes nothing.

    Raises:
        GradcheckError: for derivatives that differ.
        ValueError: when no input requires grad.
        RuntimeError: for an expanded input, whose elements cannot be moved one by one.

    Example:
        >>> import wengert as torch
        >>> torch.autograd.gradcheck(torch.sin, torch.ones(2, dtype=torch.float64, requires_grad=True))
        True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad:
        if not check_forward_ad:
            raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
        raise NotImplementedError("check_batched_forward_grad=True needs vmap, which is not there yet")
    args = as_tuple(inputs)
    _check_inputs(args)
    try:
        check = _prepared(func, args, (eps, atol, rtol, nondet_tol), check_grad_dtypes, fast_mode)
        _run(check, check_backward_ad, check_forward_ad, check_batched_grad, check_undefined_grad)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """True when the derivatives of the gradient of ``func`` are near central differences.

    Checked is the function of inputs and ``grad_outputs`` that gives the gradients of the inputs.

    Args:
        func: takes the inputs, gives a tensor or a tuple of tensors.
        inputs: tensor or tuple; what requires grad is checked and should be float64 or complex128.
        grad_outputs: gradient of each output; random ones when None.
        gen_non_contig_grad_outputs: lay the random ones out with gaps.
        check_fwd_over_rev: check forward mode over backward.
        check_rev_over_rev: check backward over backward.
        eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad,
            fast_mode, masked: as for :func:`gradcheck`.

    Raises:
        GradcheckError: for derivatives that differ.

    Example:
        >>> import wengert as torch
        >>> torch.autograd.gradgradcheck(torch.sin, torch.ones(2, dtype=torch.float64, requires_grad=True))
        True
    """
    _check_modes(check_fwd_over_rev, check_rev_over_rev, check_undefined_grad, check_batched_grad)
    args = as_tuple(inputs)
    seeds = _grad_outputs(func, args, gen_non_contig_grad_outputs) if grad_outputs is None else as_tuple(grad_outputs)
    return gradcheck(
        _gradient_function(func, len(args)),
        args + seeds,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )


def _check_modes(fwd_over_rev: bool, rev_over_rev: bool, undefined: bool, batched: bool) -> None:
    """The flags of ``gradgradcheck`` go together."""
    if not (fwd_over_rev or rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    for flag, name in ((undefined, "check_undefined_grad"), (batched, "check_batched_grad")):
        if flag and not rev_over_rev:
            raise AssertionError(f"Setting {name}=True requires check_rev_over_rev to be True")


def _check_inputs(inputs: Sequence[Any]) -> None:
    """At least one input requires grad, and elements can be moved one by one."""
    wanted = [(i, x) for i, x in enumerate(inputs) if requires_grad(x)]
    for i, x in wanted:
        if x.dtype not in (float64, complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will "
                "likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=3,
            )
        if x.numel() and any(stride == 0 and size > 1 for stride, size in zip(x.stride(), x.shape, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to "
                "be able to compute the numerical gradients correctly. You should call .contiguous on the input before "
                "passing it to gradcheck."
            )
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )


def _prepared(
    func: TensorFunction, inputs: Sequence[Any], tolerances: tuple[float, ...], check_grad_dtypes: bool, fast_mode: bool
) -> Check:
    """The check of the differentiable outputs, or of all floating ones if none is."""
    from .gradcheck_compare import Check  # a millisecond at import that most programs need not spend

    outputs = as_tuple(func(*inputs))
    positions = [i for i, out in enumerate(outputs) if requires_grad(out)]
    if not positions:
        positions = [i for i, out in enumerate(outputs) if is_continuous(out)]

    def selected(*args: Any) -> tuple[Any, ...]:
        found = as_tuple(func(*args))
        return tuple(found[i] for i in positions)

    eps, atol, rtol, nondet_tol = tolerances
    chosen = tuple(outputs[i] for i in positions)
    return Check(selected, inputs, chosen, eps, atol, rtol, nondet_tol, check_grad_dtypes, fast_mode)


def _run(check: Check, backward: bool, forward: bool, batched: bool, undefined: bool) -> None:
    """Compare the numbers, then ask for what a backward pass owes beyond them."""
    from . import gradcheck_compare as compare
    from . import gradcheck_contracts as contracts

    if not any(requires_grad(out) for out in check.outputs):
        compare.run_zero(check)
        return
    if backward:
        compare.run_backward(check)
    if forward:
        compare.run_forward(check)
        if undefined:
            contracts.check_undefined_forward(check.func, check.inputs)
    if not backward:
        return
    leaves = [x for x in check.inputs if requires_grad(x)]
    for i, out in enumerate(check.outputs if batched else ()):
        contracts.check_batched(leaves, out, i)
    contracts.check_zero_grad_output(check.outputs, leaves)
    if undefined:
        contracts.check_undefined_backward(check.func, check.inputs)


def _grad_outputs(func: TensorFunction, inputs: tuple[Any, ...], gaps: bool) -> tuple[Any, ...]:
    """A random gradient for each differentiable output."""
    return tuple(_random_like(out, gaps) for out in as_tuple(func(*inputs)) if requires_grad(out))


def _random_like(out: Any, gaps: bool) -> Any:
    """A random gradient between -1 and 1, in double precision for outputs of lower."""
    dtype = complex128 if out.is_complex() else float64
    values = 2 * rand(out.shape, dtype=dtype) - 1
    if gaps:
        # Every second element of a buffer: strides that no contiguous tensor of more than one element has.
        strides = [2 * stride for stride in values.contiguous().stride()]
        values = empty_strided(values.shape, strides, dtype=dtype).copy_(values)
    return values.requires_grad_()


def _gradient_function(func: TensorFunction, n: int) -> TensorFunction:
    """The gradients of the inputs as a function of the ``n`` inputs and the gradients of the outputs."""

    def gradients(*args: Any) -> tuple[Any, ...]:
        inputs, seeds = args[:n], args[n:]
        outputs = [out for out in as_tuple(func(*inputs)) if requires_grad(out)]
        leaves = [x for x in inputs if requires_grad(x)]
        found = autograd.grad(outputs, leaves, list(seeds), create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradients
