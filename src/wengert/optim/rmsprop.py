"""RMSprop."""

from __future__ import annotations

from typing import Any, ClassVar

from .._gen import functions as F
from . import _rule
from .optimizer import Params


class RMSprop(_rule.Rule):
    """Gradient descent with the gradient divided by the root of its recent mean square.

    v = alpha v + (1 - alpha) g^2; p = p - lr g / (sqrt(v) + eps). With ``centered``, v less the square of the recent
    mean stands under the root. With ``momentum``, b = momentum b + g / (sqrt(v) + eps) and p = p - lr b.

    Args:
        params: see ``Optimizer``.
        lr: number or tensor with one element.
        alpha: decay rate of the averages.
        eps: added to the denominator.
        weight_decay: adds weight_decay p to the gradient.
        momentum: share of the last direction that is kept.
        centered: divide by the recent standard deviation.
        capturable, foreach: accepted and without effect.
        maximize: ascend instead of descend.
        differentiable: record the step.

    Raises:
        ValueError: for options out of range.

    Source: Hinton 2012, Neural networks for machine learning, lecture 6; Graves 2013, Generating sequences with
    recurrent neural networks.
    """

    later_options: ClassVar[dict[str, Any]] = {"momentum": 0, "centered": False, **_rule.Rule.later_options}

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        _rule.check_lr(lr)
        _rule.check_not_negative(eps, "Invalid epsilon value: ")
        _rule.check_not_negative(momentum, "Invalid momentum value: ")
        _rule.check_not_negative(weight_decay, "Invalid weight_decay value: ")
        _rule.check_not_negative(alpha, "Invalid alpha value: ")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Averages of nothing."""
        state = {"step": _rule.counter(group), "square_avg": F.zeros_like(p)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = F.zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = F.zeros_like(p)
        return state

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        _rule.advance(state)
        lr = _rule.scalar(group["lr"])
        grad = _rule.decay(p, grad, group)
        square = state["square_avg"]
        _rule.average_squares(square, grad, group["alpha"])
        if group["centered"]:
            mean = state["grad_avg"]
            _rule.average(mean, grad, 1 - group["alpha"])
            square = square.addcmul(mean, mean, value=-1)
        denominator = square.sqrt() + group["eps"]
        if group["momentum"] > 0:
            buffer = state["momentum_buffer"]
            buffer.mul_(group["momentum"]).add_(grad / denominator)
            _rule.add_scaled(p, buffer, -lr)
        else:
            _rule.add_scaled(p, grad / denominator, -lr)
