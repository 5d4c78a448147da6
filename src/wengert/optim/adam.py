"""Adam."""

from __future__ import annotations

from typing import Any, ClassVar

from .._gen import functions as F
from .._tensor import Tensor
from ..kernels import steps
from . import _rule
from .optimizer import Params


class Adam(_rule.Rule):
    """Steps scaled by running averages of the gradient and its square.

    m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
    p = p - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps).

    Args:
        params: see ``Optimizer``.
        lr: number or tensor with one element.
        betas: decay rates of the averages, numbers or tensors.
        eps: added to the denominator.
        weight_decay: adds weight_decay p to the gradient.
        amsgrad: v never falls.
        foreach, fused, capturable: accepted and without effect.
        maximize: ascend instead of descend.
        differentiable: record the step.
        decoupled_weight_decay: shrink p by lr weight_decay p instead, as AdamW does.

    Raises:
        ValueError: for options out of range.

    Source: Kingma and Ba 2015, Adam: a method for stochastic optimization.
    """

    later_options: ClassVar[dict[str, Any]] = {
        "amsgrad": False,
        **_rule.Rule.later_options,
        "decoupled_weight_decay": False,
        "fused": None,
    }

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: Any = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        _rule.check_lr(lr)
        _rule.check_not_negative(eps, "Invalid epsilon value: ")
        _rule.check_betas(betas)
        _rule.check_not_negative(weight_decay, "Invalid weight_decay value: ")
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
        defaults = {
            "lr": lr,
            "betas": tuple(_rule.scalar(beta) for beta in betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        _rule.check_fused(fused, foreach, differentiable)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Averages of nothing."""
        state = {"step": _rule.counter(group), "exp_avg": F.zeros_like(p), "exp_avg_sq": F.zeros_like(p)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = F.zeros_like(p)
        return state

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        step = _rule.advance(state)
        beta1, beta2 = group["betas"]
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        lr, weight_decay = _rule.scalar(group["lr"]), group["weight_decay"]
        decoupled = bool(group.get("decoupled_weight_decay"))
        if (weight_decay == 0 or decoupled) and not group["amsgrad"]:
            numbers = [1 - lr * weight_decay, 1 - beta1, beta2, 1 - beta2, lr / (1 - beta1**step)]
            numbers += [(1 - beta2**step) ** 0.5, group["eps"]]
            if _rule.in_one_pass(steps.adam, [p, exp_avg, exp_avg_sq], grad, numbers, group):
                return
        grad = _rule.decay(p, grad, group)
        _rule.average(exp_avg, grad, 1 - beta1)
        _rule.average_squares(exp_avg_sq, grad, beta2)
        if group["amsgrad"]:
            highest = state["max_exp_avg_sq"]
            highest.copy_(F.maximum(_rule.kept(highest, group), exp_avg_sq))
            exp_avg_sq = highest
        denominator = exp_avg_sq.sqrt() / (1 - beta2**step) ** 0.5 + group["eps"]
        _rule.add_scaled(p, exp_avg / denominator, -(_rule.scalar(group["lr"]) / (1 - beta1**step)))
