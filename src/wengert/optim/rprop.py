"""Rprop."""

from __future__ import annotations

from typing import Any

from .._gen import functions as F
from . import _rule
from .optimizer import Params


class Rprop(_rule.Rule):
    """Steps whose size grows while the sign of the gradient stays and shrinks where it changes.

    Where the sign changed, the element stays for this step and forgets its gradient.

    Args:
        params: see ``Optimizer``.
        lr: size of the first step, number or tensor with one element.
        etas: factors of the size where the sign changed and where it stayed.
        step_sizes: least and largest size.
        capturable, foreach: accepted and without effect.
        maximize: ascend instead of descend.
        differentiable: record the step.

    Raises:
        ValueError: for options out of range.

    Source: Riedmiller and Braun 1993, A direct adaptive method for faster backpropagation learning: the RPROP algorithm.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _rule.check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """No gradient yet, and the first size for every element."""
        size = float(group["lr"])
        start = complex(size, size) if p.is_complex() else size
        return {"step": _rule.counter(group), "prev": F.zeros_like(p), "step_size": F.full_like(p, start)}

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        _rule.advance(state)
        previous, size = state["prev"], state["step_size"]
        shrink, grow = group["etas"]
        agreement = (grad.detach() * previous.detach()).sign()
        changed = agreement < 0
        factor = agreement.masked_fill(agreement > 0, grow).masked_fill(changed, shrink)
        size.copy_((size * factor.masked_fill(agreement == 0, 1)).clamp(*group["step_sizes"]))
        grad = grad.masked_fill(changed, 0)
        p.addcmul_(grad.sign(), size, value=-1)
        previous.copy_(grad)
