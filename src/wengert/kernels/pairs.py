"""Formulas of losses: a term for each pair of input and target, its sum over everything, and the slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .blocks import instruction
from .formula import elementwise, rowwise
from .tracing import row_max, row_min, row_sum, sigmoid

Function = Callable[..., Any]

LOG_FLOOR: Final = -100.0  # logarithms of probabilities are cut here, so that the loss stays finite


class PairLoss:
    """The kernels of one loss.

    Attributes:
        term: loss of each pair, a function of input, target and the loss's own numbers.
        total: the sum of these over the rows of a row kernel.
        slope: ``share``, which comes first, times the derivative with respect to the input.
        target_slope: the same for the target.
    """

    def __init__(self, term: Function, slope: Function, target_slope: Function) -> None:
        def total(*operands: Any) -> Any:
            return row_sum(term(*operands))

        def input_part(share: Any, *operands: Any) -> Any:
            return slope(*operands) * share

        def target_part(share: Any, *operands: Any) -> Any:
            return target_slope(*operands) * share

        self.term: Any = elementwise(term)
        self.total: Any = rowwise(total)
        self.slope: Any = elementwise(input_part)
        self.target_slope: Any = elementwise(target_part)


def _square(x: Any, t: Any) -> Any:
    return (x - t) * (x - t)


def _smooth(x: Any, t: Any, beta: Any) -> Any:
    return instruction("huber", x, t, beta) / beta


def _smooth_slope(x: Any, t: Any, beta: Any) -> Any:
    return np.minimum(np.maximum((x - t) / beta, -1), 1)


def _huber(x: Any, t: Any, delta: Any) -> Any:
    return instruction("huber", x, t, delta)


def _huber_slope(x: Any, t: Any, delta: Any) -> Any:
    return np.minimum(np.maximum(x - t, -delta), delta)


def _soft_margin(x: Any, t: Any) -> Any:
    return np.log1p(np.exp(-t * x))


def _soft_margin_slope(x: Any, t: Any) -> Any:
    return -t * sigmoid(-t * x)


def _entropy(x: Any, t: Any) -> Any:
    return (t - 1) * np.maximum(np.log1p(-x), LOG_FLOOR) - t * np.maximum(np.log(x), LOG_FLOOR)


def _entropy_slope(x: Any, t: Any) -> Any:
    return (x - t) / np.maximum(x * (1 - x), 1e-12)  # PyTorch's guard against a division by zero


def _entropy_target_slope(x: Any, t: Any) -> Any:
    return np.maximum(np.log(1 - x), LOG_FLOOR) - np.maximum(np.log(x), LOG_FLOOR)


def _logits(x: Any, t: Any) -> Any:
    return (1 - t) * x + np.log1p(np.exp(-np.absolute(x))) + np.maximum(-x, 0)


def opposite(slope: Function) -> Function:
    """The derivative with respect to the target of a function of the difference."""

    def negative(*operands: Any) -> Any:
        return -slope(*operands)

    return negative


def _square_slope(x: Any, t: Any) -> Any:
    return (x - t) * 2


SQUARE: Final = PairLoss(_square, _square_slope, opposite(_square_slope))
SMOOTH: Final = PairLoss(_smooth, _smooth_slope, opposite(_smooth_slope))
HUBER: Final = PairLoss(_huber, _huber_slope, opposite(_huber_slope))
SOFT_MARGIN: Final = PairLoss(_soft_margin, _soft_margin_slope, lambda x, t: -x * sigmoid(-t * x))
ENTROPY: Final = PairLoss(_entropy, _entropy_slope, _entropy_target_slope)
LOGITS: Final = PairLoss(_logits, lambda x, t: sigmoid(x) - t, lambda x, t: -x + 0 * t)


@rowwise
def bounds(x: Any) -> Any:
    """Smallest and largest element of each row; NaN where there is one."""
    return row_min(x), row_max(x)
