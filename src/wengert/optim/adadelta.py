"""Adadelta."""

from __future__ import annotations

from typing import Any

from .._gen import functions as F
from . import _rule
from .optimizer import Params


class Adadelta(_rule.Rule):
    """Steps of the size of recent steps, so that their unit is that of the parameter.

    v = rho v + (1 - rho) g^2; d = sqrt(a + eps) / sqrt(v + eps) g; a = rho a + (1 - rho) d^2; p = p - lr d.

    Args:
        params: see ``Optimizer``.
        lr: number or tensor with one element.
        rho: decay rate of the averages.
        eps: added under both roots.
        weight_decay: adds weight_decay p to the gradient.
        foreach, capturable: accepted and without effect.
        maximize: ascend instead of descend.
        differentiable: record the step.

    Raises:
        ValueError: for options out of range.

    Source: Zeiler 2012, ADADELTA: an adaptive learning rate method.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _rule.check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        _rule.check_not_negative(eps, "Invalid epsilon value: ")
        _rule.check_not_negative(weight_decay, "Invalid weight_decay value: ")
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Averages of nothing."""
        return {"step": _rule.counter(group), "square_avg": F.zeros_like(p), "acc_delta": F.zeros_like(p)}

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        _rule.advance(state)
        rho, eps = group["rho"], group["eps"]
        grad = _rule.decay(p, grad, group)
        square_avg, acc_delta = state["square_avg"], state["acc_delta"]
        _rule.average_squares(square_avg, grad, rho)
        delta = (acc_delta + eps).sqrt() / (square_avg + eps).sqrt() * grad
        _rule.average_squares(acc_delta, delta, rho)
        _rule.add_scaled(p, delta, -_rule.scalar(group["lr"]))
