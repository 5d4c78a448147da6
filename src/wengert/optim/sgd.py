"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any, ClassVar

from ..kernels import steps
from . import _rule
from .optimizer import Params


class SGD(_rule.Rule):
    """Gradient descent with momentum.

    b = momentum b + (1 - dampening) g, from b = g in the first step; p = p - lr b, or with ``nesterov``
    p = p - lr (g + momentum b).

    Args:
        params: see ``Optimizer``.
        lr: number or tensor with one element.
        momentum: share of the last direction that is kept.
        dampening: share of the gradient that does not enter the direction.
        weight_decay: adds weight_decay p to the gradient.
        nesterov: look ahead along the direction.
        maximize: ascend instead of descend.
        foreach, fused: accepted and without effect.
        differentiable: record the step.

    Raises:
        ValueError: for options out of range.

    Example:
        >>> import wengert as wg
        >>> p = wg.tensor([1.0], requires_grad=True)
        >>> (p * p).sum().backward()
        >>> wg.optim.SGD([p], lr=0.25).step()
        >>> p
        tensor([0.5000], requires_grad=True)

    Source: Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.
    """

    later_options: ClassVar[dict[str, Any]] = {
        "nesterov": False,
        "maximize": False,
        "foreach": None,
        "differentiable": False,
        "fused": False,
    }
    complex_as_pairs = False  # the rule is linear

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        _rule.check_lr(lr)
        _rule.check_not_negative(momentum, "Invalid momentum value: ")
        _rule.check_not_negative(weight_decay, "Invalid weight_decay value: ")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        _rule.check_fused(fused, foreach, differentiable)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """No direction yet: the first one is the gradient."""
        return {} if group["momentum"] == 0 else {"momentum_buffer": None}

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        momentum, lr = group["momentum"], _rule.scalar(group["lr"])
        buffer = state["momentum_buffer"] if momentum != 0 else None
        if buffer is not None and group["weight_decay"] == 0 and not group["nesterov"]:
            numbers = [momentum, 1 - group["dampening"], lr]
            if _rule.in_one_pass(steps.momentum, [p, buffer], grad, numbers, group):
                return
        direction = _rule.decay(p, grad, group)
        if momentum != 0:
            if buffer is None:
                buffer = state["momentum_buffer"] = direction.clone()
            else:
                buffer.mul_(momentum).add_(direction, alpha=1 - group["dampening"])
            direction = direction.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        _rule.add_scaled(p, direction, -lr)
