"""Clipping gradients: no longer together than a bound, or no element larger than a bound."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

from ..._gen import functions
from ..._gen.linalg import vector_norm
from ..._tensor import Tensor
from ...autograd.grad_mode import no_grad

NOT_FINITE = (
    "The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped. To disable "
    "this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
)
EMPTY = "`parameters` is an empty generator, no gradient clipping will occur."
OLD_NAME = "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`."


def _listed(tensors: Any) -> list[Any]:
    """One tensor, or all of an iterable."""
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Any) -> list[Any]:
    """The gradients that are there."""
    return [p.grad for p in _listed(parameters) if p.grad is not None]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all elements of all tensors as if they were one vector: a 0-d tensor, 0 without tensors.

    Args:
        tensors: floating or complex.
        norm_type: order p of the norm (sum |x|^p)^(1/p); ``inf`` for the largest absolute value.
        error_if_nonfinite: refuse a result that is NaN or infinite.
        foreach: accepted, changes nothing.

    Raises:
        RuntimeError: for a norm that is not finite, if asked to.
    """
    order = float(norm_type)
    given = _listed(tensors)
    if not given:
        return functions.tensor(0.0)
    norms = [vector_norm(t, order) for t in given]
    # Norms of one order compose: the norm of the norms is that of all elements.
    total = vector_norm(functions.stack(norms), order)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(NOT_FINITE.format(norm_type=order))
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Multiply the gradients by min(1, max_norm / (total_norm + 1e-6)), in place.

    Args:
        parameters: those without a gradient are left out.
        max_norm: the bound.
        total_norm: a tensor, usually from ``get_total_norm``.
        foreach: accepted, changes nothing.
    """
    with no_grad():
        grads = _gradients(parameters)
        if not grads:
            return
        factor = functions.clamp(max_norm / (total_norm + 1e-6), max=1.0)
        for grad in grads:
            grad.mul_(factor)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their norm together is at most ``max_norm``; returns what it was.

    Args:
        parameters: one tensor or an iterable; those without a gradient are left out.
        max_norm: the bound.
        norm_type: order of the norm, ``inf`` for the largest absolute value.
        error_if_nonfinite: raise, and change nothing, if the norm is NaN or infinite.
        foreach: accepted, changes nothing.

    Raises:
        RuntimeError: for a norm that is not finite, if asked to.

    Example:
        >>> from wengert import tensor
        >>> x = tensor([3.0, 4.0], requires_grad=True)
        >>> (x * x / 2).sum().backward()
        >>> clip_grad_norm_(x, 1.0)
        tensor(5.)
        >>> x.grad
        tensor([0.6000, 0.8000])

    Source: Pascanu et al. 2013.
    """
    given = _listed(parameters)
    if not given and isinstance(parameters, GeneratorType):
        warnings.warn(EMPTY, stacklevel=2)
    with no_grad():
        total = get_total_norm(_gradients(given), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(given, max_norm, total, foreach)
    return total


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Deprecated name of ``clip_grad_norm_``."""
    warnings.warn(OLD_NAME, FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Bring every element of all gradients into [-clip_value, clip_value], in place.

    Args:
        parameters: one tensor or an iterable; those without a gradient are left out.
        clip_value: the bound.
        foreach: accepted, changes nothing.
    """
    bound = float(clip_value)
    with no_grad():
        for grad in _gradients(parameters):
            grad.clamp_(-bound, bound)
