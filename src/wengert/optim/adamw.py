"""AdamW."""

from __future__ import annotations

from typing import Any

from .adam import Adam
from .optimizer import Params


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters directly.

    p = (1 - lr weight_decay) p before the step of ``Adam``.

    Args:
        params, lr, betas, eps, weight_decay, amsgrad: see ``Adam``; ``weight_decay`` is 0.01 when left out.
        foreach, fused, capturable, maximize, differentiable: see ``Adam``.

    Source: Loshchilov and Hutter 2019, Decoupled weight decay regularization.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: Any = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
