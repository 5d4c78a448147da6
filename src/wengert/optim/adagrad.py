"""Adagrad."""

from __future__ import annotations

from typing import Any, ClassVar

from .._gen import functions as F
from . import _rule
from .optimizer import Params


class Adagrad(_rule.Rule):
    """Gradient descent with a rate for each element that falls with the gradients it has seen.

    s = s + g^2; p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps).

    Args:
        params: see ``Optimizer``.
        lr: number or tensor with one element.
        lr_decay: how fast the rate falls with the steps.
        weight_decay: adds weight_decay p to the gradient.
        initial_accumulator_value: s before the first step.
        eps: added to the denominator.
        foreach, fused: accepted and without effect.
        maximize: ascend instead of descend.
        differentiable: record the step.

    Raises:
        ValueError: for options out of range.

    Source: Duchi, Hazan and Singer 2011, Adaptive subgradient methods for online learning and stochastic optimization.
    """

    later_options: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "fused": None,
    }

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        _rule.check_lr(lr)
        _rule.check_not_negative(lr_decay, "Invalid lr_decay value: ")
        _rule.check_not_negative(weight_decay, "Invalid weight_decay value: ")
        _rule.check_not_negative(initial_accumulator_value, "Invalid initial_accumulator_value value: ")
        _rule.check_not_negative(eps, "Invalid epsilon value: ")
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        _rule.check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = self.new_state(p, group)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """The sum of squares before the first step."""
        start = self.defaults["initial_accumulator_value"]
        if p.is_complex():
            start = complex(start, start)
        return {"step": _rule.counter(group), "sum": F.full_like(p, start)}

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        step = _rule.advance(state)
        grad = _rule.decay(p, grad, group)
        lr = _rule.scalar(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        state["sum"].add_(grad * grad)
        _rule.add_scaled(p, grad / (state["sum"].sqrt() + group["eps"]), -lr)
