"""NAdam."""

from __future__ import annotations

from typing import Any, ClassVar

from .._gen import functions as F
from . import _rule
from .optimizer import Params


class NAdam(_rule.Rule):
    """Adam with Nesterov's momentum.

    With m and v of ``Adam`` and mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), M_t = mu_1 ... mu_t:
    p = p - lr (mu_(t+1) m / (1 - M_(t+1)) + (1 - mu_t) g / (1 - M_t)) / (sqrt(v / (1 - beta2^t)) + eps).

    Args:
        params: see ``Optimizer``.
        lr: number or tensor with one element.
        betas: decay rates of the averages.
        eps: added to the denominator.
        weight_decay: adds weight_decay p to the gradient.
        momentum_decay: how fast mu rises to beta1.
        decoupled_weight_decay: shrink p by lr weight_decay p instead.
        foreach, capturable: accepted and without effect.
        maximize: ascend instead of descend.
        differentiable: record the step.

    Raises:
        ValueError: for options out of range.

    Source: Dozat 2016, Incorporating Nesterov momentum into Adam.
    """

    later_options: ClassVar[dict[str, Any]] = {**_rule.Rule.later_options, "decoupled_weight_decay": False}

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        _rule.check_not_negative(momentum_decay, "Invalid momentum_decay value: ")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Averages of nothing, and an empty product."""
        return {
            "step": _rule.counter(group),
            "mu_product": _rule.counter(group, 1.0),
            "exp_avg": F.zeros_like(p),
            "exp_avg_sq": F.zeros_like(p),
        }

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        step = _rule.advance(state)
        beta1, beta2 = group["betas"]
        lr = _rule.scalar(group["lr"])
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        state["mu_product"] *= mu
        product = state["mu_product"].item()
        grad = _rule.decay(p, grad, group)
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        _rule.average(exp_avg, grad, 1 - beta1)
        _rule.average_squares(exp_avg_sq, grad, beta2)
        denominator = (exp_avg_sq / (1 - beta2**step)).sqrt() + group["eps"]
        _rule.add_scaled(p, grad / denominator, -lr * (1 - mu) / (1 - product))
        _rule.add_scaled(p, exp_avg / denominator, -lr * mu_next / (1 - product * mu_next))
