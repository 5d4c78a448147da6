"""Adamax."""

from __future__ import annotations

from typing import Any

from .._gen import functions as F
from . import _rule
from .optimizer import Params


class Adamax(_rule.Rule):
    """Adam with the largest recent gradient in place of the root of mean squares.

    m = beta1 m + (1 - beta1) g; u = max(beta2 u, |g| + eps); p = p - lr m / (1 - beta1^t) / u.

    Args:
        params: see ``Optimizer``.
        lr: number or tensor with one element.
        betas: decay rates of m and u.
        eps: added to the size of the gradient.
        weight_decay: adds weight_decay p to the gradient.
        foreach, capturable: accepted and without effect.
        maximize: ascend instead of descend.
        differentiable: record the step.

    Raises:
        ValueError: for options out of range.

    Source: Kingma and Ba 2015, Adam: a method for stochastic optimization, section 7.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _rule.check_lr(lr)
        _rule.check_not_negative(eps, "Invalid epsilon value: ")
        _rule.check_betas(betas)
        _rule.check_not_negative(weight_decay, "Invalid weight_decay value: ")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Averages of nothing."""
        return {"step": _rule.counter(group), "exp_avg": F.zeros_like(p), "exp_inf": F.zeros_like(p)}

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        step = _rule.advance(state)
        beta1, beta2 = group["betas"]
        grad = _rule.decay(p, grad, group)
        exp_avg, exp_inf = state["exp_avg"], state["exp_inf"]
        _rule.average(exp_avg, grad, 1 - beta1)
        exp_inf.copy_(F.maximum(exp_inf * beta2, grad.abs() + group["eps"]))
        _rule.add_scaled(p, exp_avg / exp_inf, -(_rule.scalar(group["lr"]) / (1 - beta1**step)))
