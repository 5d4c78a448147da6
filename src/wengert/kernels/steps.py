"""Steps of optimizers as formulas: parameter, gradient and averages in, the changed ones out."""

from __future__ import annotations

from typing import Any

import numpy as np

from .formula import elementwise


@elementwise
def adam(
    p: Any,
    grad: Any,
    mean: Any,
    square: Any,
    keep: Any,
    weight: Any,
    beta: Any,
    rest: Any,
    size: Any,
    root: Any,
    eps: Any,
) -> Any:
    """Parameter, mean and mean square after a step of Adam.

    ``keep`` is what decoupled weight decay leaves of p, ``weight`` and ``rest`` are 1 - beta1 and 1 - beta2, ``size`` and
    ``root`` the learning rate and the square root with the corrections of their bias.
    """
    mean = mean + (grad - mean) * weight
    square = square * beta + grad * grad * rest
    return p * keep - mean / (np.sqrt(square) / root + eps) * size, mean, square


@elementwise
def momentum(p: Any, grad: Any, buffer: Any, factor: Any, share: Any, lr: Any) -> Any:
    """Parameter and buffer after a step of gradient descent with momentum."""
    buffer = buffer * factor + grad * share
    return p - buffer * lr, buffer
