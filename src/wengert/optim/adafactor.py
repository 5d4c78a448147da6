"""Adafactor."""

from __future__ import annotations

from typing import Any, ClassVar

from .._core.limits import finfo
from .._gen import functions as F
from . import _rule
from .optimizer import Params


class Adafactor(_rule.Rule):
    """Steps relative to the size of the parameter, scaled by mean squares of which rows and columns only are kept.

    b = t^beta2_decay; with R and C the averages over rows and columns of g^2 (weight b for the newest),
    v = R C / mean(R), for vectors v = (1 - b) v + b g^2; u = g / sqrt(v), at most d large on average;
    p = p - max(eps2, rms(p)) min(lr, 1 / sqrt(t)) u.

    Args:
        params: see ``Optimizer``; real.
        lr: number or tensor with one element.
        beta2_decay: at most 0.
        eps: lower bounds of the mean squares (None: that of the dtype) and of the size of the parameter.
        d: largest root of the mean square of u.
        weight_decay: shrinks p by lr weight_decay p.
        foreach: accepted and without effect.
        maximize: ascend instead of descend.

    Raises:
        ValueError: for options out of range.
        RuntimeError: for complex parameters.

    Source: Shazeer and Stern 2018, Adafactor: adaptive learning rates with sublinear memory cost.
    """

    later_options: ClassVar[dict[str, Any]] = {"foreach": None}
    complex_as_pairs = False

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        _rule.check_lr(lr, "Learning rate should be >= 0 but is: ")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None:
            _rule.check_not_negative(eps[0], "epsilon1 should be >= 0 but is: ")
        _rule.check_not_negative(eps[1], "epsilon2 should be >= 0 but is: ")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        _rule.check_not_negative(weight_decay, "weight_decay should be >= 0 but is: ")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Averages of nothing."""
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        if p.dim() < 2:
            return {"step": _rule.counter(group), "variance": F.zeros_like(p)}
        shape = list(p.shape)
        row_var, col_var = p.new_zeros([*shape[:-1], 1]), p.new_zeros([*shape[:-2], 1, shape[-1]])
        return {"step": _rule.counter(group), "row_var": row_var, "col_var": col_var}

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        step = _rule.advance(state)
        eps1, eps2 = group["eps"]
        eps1 = finfo(p.dtype).eps if eps1 is None else eps1
        lr = _rule.scalar(group["lr"])
        size = max(eps2, p.norm(2).item() / p.numel() ** 0.5) * min(lr, 1 / step**0.5)
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        weight = step ** group["beta2_decay"]
        if grad.dim() > 1:
            square = _averaged(state, grad, weight)
            square.div_(state["row_var"].mean(dim=-2, keepdim=True).clamp_(min=eps1))
        else:
            square = state["variance"].lerp_(grad * grad, weight)
        direction = square.clamp(min=eps1 * eps1).rsqrt() * grad
        excess = max(1.0, direction.norm(2).item() / (direction.numel() ** 0.5 * group["d"]))
        p.add_(direction, alpha=-size / excess)


def _averaged(state: dict[str, Any], grad: Any, weight: float) -> Any:
    """Renew the averages over rows and columns; returns their outer product."""
    for name, dim in (("row_var", -1), ("col_var", -2)):
        state[name].lerp_(F.norm(grad, dim=dim, keepdim=True).square().div_(grad.size(dim)), weight)
    return state["row_var"] @ state["col_var"]
