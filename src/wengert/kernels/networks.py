"""Kernels of layers: attention, and all steps of a recurrent layer.

``bulk.handles`` says whether they take arrays; the operators' NumPy code is the reference and does the rest.
"""

from __future__ import annotations

from typing import Any, Final

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


# -- recurrent layers ---------------------------------------------------------------------------------------------------
#
# All arrays are contiguous. ``steps`` says how many sequences there are at each time, and whether time runs backwards; rows of
# the times lie one after the other. Weights are those of the hidden state, (gates * width, width of the state).

ROWS: Final = 16  # of all steps from which on packed weights repay the packing


def takes_steps(rows: int, *arrays: Any) -> bool:
    """Whether the kernels run a recurrent layer of so many rows."""
    if _native is None or rows < ROWS:
        return False
    return all(a.size > 0 for a in arrays)


def _steps(sizes: list[int], reverse: bool) -> tuple[Any, list[int]]:
    return np.array(sizes, np.int64), [len(sizes), int(reverse)]


def lstm(
    sizes: list[int],
    reverse: bool,
    weight: Any,
    projection: Any,
    first: tuple[Any, Any],
    gates: Any,
    cells: Any,
    shown: Any,
    out: Any,
) -> None:
    """Run a layer from the projected inputs ``gates`` (rows, 4 * width), which become the gates, writing the last three.

    Args:
        projection: (width of the state, width), or None: then ``out`` is ``shown``.
        first: hidden and cell state.
    """
    times, numbers = _steps(sizes, reverse)
    numbers += [cells.shape[1], out.shape[1]]
    _native.lstm_forward(weight, projection, first[1], first[0], gates, cells, shown, out, times, *numbers)


def lstm_slopes(
    sizes: list[int],
    reverse: bool,
    weight: Any,
    projection: Any,
    first_cell: Any,
    of_out: Any,
    gates: Any,
    cells: Any,
    ends: tuple[Any, Any],
    of_states: Any,
) -> Any:
    """Gradients (rows, 4 * width) of the arguments of the gates.

    Args:
        of_out: gradient of the states after each step, or None.
        ends: those of the last hidden and cell states; those of the first take their place.
        of_states: with a projection, where the whole gradient of the states after each step goes.
    """
    times, numbers = _steps(sizes, reverse)
    numbers += [cells.shape[1], ends[0].shape[1]]
    slopes = empty(gates.shape, gates.dtype)
    _native.lstm_backward(
        weight, projection, first_cell, of_out, gates, cells, ends[0], ends[1], slopes, of_states, times, *numbers
    )
    return slopes


def gru(
    sizes: list[int], reverse: bool, weight: Any, bias: Any, first: Any, gates: Any, proposals: Any, out: Any
) -> None:
    """Run a layer from the projected inputs ``gates`` (rows, 3 * width), which become the gates, writing the last two.

    Args:
        bias: (width,), of the proposals within the reset gate, or None.
    """
    times, numbers = _steps(sizes, reverse)
    _native.gru_forward(weight, bias, first, gates, proposals, out, times, *numbers, out.shape[1])


def gru_slopes(
    sizes: list[int],
    reverse: bool,
    weight: Any,
    first: Any,
    of_out: Any,
    gates: Any,
    proposals: Any,
    out: Any,
    end: Any,
) -> tuple[Any, Any]:
    """Gradients (rows, 3 * width) of the projected inputs and of the projected states; ``end`` as in ``lstm_slopes``."""
    times, numbers = _steps(sizes, reverse)
    outer, inner = empty(gates.shape, gates.dtype), empty(gates.shape, gates.dtype)
    _native.gru_backward(weight, first, of_out, gates, proposals, out, end, outer, inner, times, *numbers, out.shape[1])
    return outer, inner


def rnn(sizes: list[int], reverse: bool, relu: bool, weight: Any, first: Any, out: Any) -> None:
    """Run a layer from the projected inputs ``out`` (rows, width), which become the states."""
    times, numbers = _steps(sizes, reverse)
    _native.rnn_forward(weight, first, out, times, *numbers, out.shape[1], int(relu))


def rnn_slopes(sizes: list[int], reverse: bool, relu: bool, weight: Any, of_out: Any, out: Any, end: Any) -> Any:
    """Gradients of the arguments of tanh or relu; ``end`` as in ``lstm_slopes``."""
    times, numbers = _steps(sizes, reverse)
    slopes = empty(out.shape, out.dtype)
    _native.rnn_backward(weight, of_out, out, end, slopes, times, *numbers, out.shape[1], int(relu))
    return slopes
