"""RAdam."""

from __future__ import annotations

from typing import Any, ClassVar

from .._gen import functions as F
from . import _rule
from .optimizer import Params


class RAdam(_rule.Rule):
    """Adam that trusts the average of squares only when it rests on enough steps.

    With m and v of ``Adam``, R = 2 / (1 - beta2) - 1 and r = R - 2 t beta2^t / (1 - beta2^t):
    for r > 5, p = p - lr m / (1 - beta1^t) sqrt(1 - beta2^t) / (sqrt(v) + eps)
    sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)), else p = p - lr m / (1 - beta1^t).

    Args:
        params: see ``Optimizer``.
        lr: number or tensor with one element.
        betas: decay rates of the averages.
        eps: added to the denominator.
        weight_decay: adds weight_decay p to the gradient.
        decoupled_weight_decay: shrink p by lr weight_decay p instead.
        foreach, capturable: accepted and without effect.
        maximize: ascend instead of descend.
        differentiable: record the step.

    Raises:
        ValueError: for options out of range.

    Source: Liu et al. 2020, On the variance of the adaptive learning rate and beyond.
    """

    later_options: ClassVar[dict[str, Any]] = {**_rule.Rule.later_options, "decoupled_weight_decay": False}

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Averages of nothing."""
        return {"step": _rule.counter(group), "exp_avg": F.zeros_like(p), "exp_avg_sq": F.zeros_like(p)}

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        step = _rule.advance(state)
        beta1, beta2 = group["betas"]
        grad = _rule.decay(p, grad, group)
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        _rule.average(exp_avg, grad, 1 - beta1)
        _rule.average_squares(exp_avg_sq, grad, beta2)
        correction = 1 - beta2**step
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * step * beta2**step / correction
        change = exp_avg / (1 - beta1**step) * _rule.scalar(group["lr"])
        if length > 5.0:
            rectifier = ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)) ** 0.5
            change = change * (correction**0.5 / (exp_avg_sq.sqrt() + group["eps"])) * rectifier
        p.sub_(change)
