"""Muon."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .._gen import functions as F
from . import _rule
from ._orthogonal import orthogonalized
from .optimizer import Params


class Muon(_rule.Rule):
    """Momentum whose direction is made nearly orthogonal, for matrices.

    b = momentum b + (1 - momentum) g; u = (1 - momentum) g + momentum b with ``nesterov``, else u = b;
    p = (1 - lr weight_decay) p - c lr U V^T with u = U S V^T, and c after the shape of p.

    Args:
        params: see ``Optimizer``; real matrices.
        lr: number or tensor with one element.
        weight_decay: shrinks p by lr weight_decay p.
        momentum: share of the last direction that is kept.
        nesterov: look ahead along the direction.
        ns_coefficients: of the odd polynomial of degree 5 that drives the singular values to about 1.
        eps: least norm that u is divided by.
        ns_steps: how often the polynomial is applied, in bfloat16.
        adjust_lr_fn: c is sqrt(max(1, rows / columns)) for "original" and None, 0.2 sqrt(max(rows, columns)) for
            "match_rms_adamw".

    Raises:
        ValueError: for options out of range and parameters that are not matrices.
        RuntimeError: for complex parameters.

    Source: Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks.
    """

    later_options: ClassVar[dict[str, Any]] = {}
    complex_as_pairs = False

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        _rule.check_lr(lr, "Learning rate should be >= 0 but is: ")
        _rule.check_not_negative(momentum, "momentum should be >= 0 but is: ")
        _rule.check_not_negative(weight_decay, "weight decay should be >= 0 but is: ")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}"
                    )

    def new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """No direction yet."""
        if p.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        return {"momentum_buffer": F.zeros_like(p)}

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        if grad.ndim != 2:  # a group added later
            raise ValueError("Param gradient must be a 2D matrix")
        lr, momentum = _rule.scalar(group["lr"]), group["momentum"]
        buffer = state["momentum_buffer"]
        buffer.lerp_(grad, 1 - momentum)
        direction = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        p.mul_(1 - lr * group["weight_decay"])
        direction = orthogonalized(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        p.add_(direction, alpha=-lr * _size_factor(group["adjust_lr_fn"], *p.shape))


def _size_factor(name: str | None, rows: int, columns: int) -> float:
    return 0.2 * math.sqrt(max(rows, columns)) if name == "match_rms_adamw" else math.sqrt(max(1, rows / columns))
