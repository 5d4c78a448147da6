"""Kernels of layers: attention, and the steps of an LSTM.

``bulk.handles`` says whether they take arrays; the operators' NumPy code is the reference and does the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _load
from .memory import empty

_native: Any = _load.MODULE


def attention(q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float, out: Any) -> Any:
    """Write softmax(q k^T scale + mask) v to ``out`` and return the logsumexp of the scores, (samples, heads, queries).

    Args:
        q, k, v: (samples, heads, length, width), any strides; ``k`` and ``v`` of one length.
        mask: None, or an array of 2 or 4 dimensions that broadcasts to (samples, heads, queries, keys).
        causal: whether query i sees the keys up to i only.
    """
    logs = empty(q.shape[:3], q.dtype)
    _native.attention(q, k, v, mask, out, logs, int(causal), float(scale))
    return logs


def attention_gradients(
    grad: Any, q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float, logs: Any
) -> tuple[Any, Any, Any]:
    """Gradients of q, k and v, from that of the result and the logsumexp of the scores."""
    found = [empty(a.shape, a.dtype) for a in (q, k, v)]
    _native.attention_backward(q, k, v, mask, grad, np.ascontiguousarray(logs), *found, int(causal), float(scale))
    return found[0], found[1], found[2]


def lstm_step(arguments: Any, cell: Any, gates: Any, following: Any, shown: Any) -> None:
    """One step from the arguments (rows, 4 * width) of the gates and the cell state, all contiguous, writing the last three.

    The arguments have the order output, input, forget, proposal, the first three halved; ``gates`` is (4, rows, width),
    ``following`` the next cell state and ``shown`` = output * tanh(following).
    """
    _native.lstm_step(arguments, cell, gates, following, shown, *cell.shape)


def lstm_slopes(of_shown: Any, of_cell: Any, gates: Any, cell: Any, following: Any, slopes: Any) -> None:
    """The step back: writes the gradients (rows, 4 * width) of the arguments, not halved, in the order of the weights.

    Args:
        of_shown: gradient of ``shown``.
        of_cell: gradient of ``following``; that of ``cell`` takes its place.
    """
    _native.lstm_step_backward(of_shown, of_cell, gates, cell, following, slopes, *cell.shape)
