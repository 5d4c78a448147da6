"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from .._gen import functions as F
from . import _rule
from .optimizer import Params


class ASGD(_rule.Rule):
    """Gradient descent with a falling rate that also keeps the average of its path in the state ``ax``.

    p = (1 - lambd eta) p - eta g; ax = ax + mu (p - ax);
    eta = lr / (1 + lambd lr t)^alpha; mu = 1 / max(1, t - t0).

    Args:
        params: see ``Optimizer``.
        lr: number or tensor with one element.
        lambd: decay of the parameters and of the rate.
        alpha: power of the rate's decay.
        t0: step after which the average begins.
        weight_decay: adds weight_decay p to the gradient.
        foreach, capturable: accepted and without effect.
        maximize: ascend instead of descend.
        differentiable: record the step.

    Raises:
        ValueError: for options out of range.

    Source: Polyak and Juditsky 1992, Acceleration of stochastic approximation by averaging.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _rule.check_lr(lr)
        _rule.check_not_negative(weight_decay, "Invalid weight_decay value: ")
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """The first rate, and an average that begins anew with each step."""
        return {
            "step": _rule.counter(group),
            "eta": _rule.counter(group, float(group["lr"])),
            "mu": _rule.counter(group, 1.0),
            "ax": F.zeros_like(p),
        }

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        step = _rule.advance(state)
        lr, lambd = _rule.scalar(group["lr"]), group["lambd"]
        grad = _rule.decay(p, grad, group)
        eta, average = state["eta"].item(), state["ax"]
        p.mul_(1 - lambd * eta)
        p.add_(grad, alpha=-eta)
        if state["mu"].item() == 1:
            average.copy_(p)
        else:
            average.add_((p - average) * state["mu"].detach())
        # Rounded to the counters' dtype even if loading has cast the state to that of the parameter.
        state["eta"].copy_(_rule.counter(group, float(lr / (1 + lambd * lr * step) ** group["alpha"])))
        state["mu"].copy_(_rule.counter(group, 1 / max(1, step - group["t0"])))
