"""One direction of an LSTM, GRU or plain recurrent layer: values and gradients, step by step on arrays.

The logistic function is 1/2 + tanh(x/2)/2, so that one call of tanh serves the gates of a step; the halves go into the weights.
What the slopes of the gates need of the forward pass alone is multiplied for all steps at once, in front of the loop over
time that brings the gradients of the states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .matmul_added import linear
from .recurrent_layer import RecurrentLayer

if TYPE_CHECKING:
    from .._tensor import Tensor


class LstmLayerBackward0(RecurrentLayer):
    """Long short-term memory.

    c' = f c + i g and h' = o tanh(c'), with i, f, o logistic functions and g the tanh of W_ih x + b_ih + W_hh h + b_hh; with
    a projection h' = W_hr (o tanh(c')).
    """

    gates: int = 4
    celled: bool = True

    def way(self) -> list[str]:
        return ["states", "gates", "cells", "shown"] if self.projected else ["states", "gates", "cells"]

    def forward(self, arrays: list[Any]) -> Any:
        x, first_h, first_c, w_ih, w_hh = arrays[:5]
        steps, width = self.steps, first_c.shape[1]
        scale = gate_scale(w_hh, 3, width)
        gates = x @ in_planes(w_ih, width, scale).T
        if self.biased:
            gates += in_planes(arrays[5] + arrays[6], width, scale)
        recurrent = np.ascontiguousarray(in_planes(w_hh, width, scale).T)
        cells = np.empty((steps.total, width), x.dtype)
        shown = np.empty_like(cells)
        out = np.empty((steps.total, first_h.shape[1]), x.dtype) if self.projected else shown
        room = np.empty((steps.batch, 4 * width), x.dtype)
        h, c = first_h, first_c
        for t in steps.order:
            rows, size = steps.rows(t), steps.sizes[t]
            part = np.matmul(resized(h, first_h, size), recurrent, room[:size])
            part += gates[rows]
            # The projected input of the step is used up: its memory takes the gates.
            gate = gates[rows].reshape((4, size, width))
            np.tanh(part.reshape((size, 4, width)).swapaxes(0, 1), gate)
            logistic = gate[:3]
            logistic *= 0.5
            logistic += 0.5
            c = np.multiply(gate[2], resized(c, first_c, size), cells[rows])
            c += gate[1] * gate[3]
            h = np.tanh(c, shown[rows])
            h *= gate[0]
            if self.projected:
                h = np.matmul(h, arrays[-1].T, out[rows])
        way = [out, gates, cells, shown] if self.projected else [out, gates, cells]
        return self.results([steps.last(out), steps.last(cells)], way)

    def formula(self, grads: list[Any], kept: dict[str, Any]) -> list[Any]:
        steps, cells = self.steps, kept["cells"]
        shown = kept["shown"] if self.projected else kept["states"]
        inner = np.empty_like(kept["gates"])
        dh, dc = starting(grads[1], kept["hx"]), starting(grads[2], kept["cx"])
        states = np.empty_like(kept["states"]) if self.projected else None
        room = np.empty((steps.batch, inner.shape[1]), inner.dtype)
        for k in range(len(steps.order) - 1, -1, -1):
            rows, size = steps.rows(steps.order[k]), steps.sizes[steps.order[k]]
            a, b = dh[:size], dc[:size]
            if grads[0] is not None:
                a += grads[0][rows]
            if states is not None:
                states[rows] = a
                a = a @ kept["weight_hr"]
            gate = kept["gates"][rows].reshape((4, size, cells.shape[1]))
            o, i, f, g = gate
            bent = np.tanh(cells[rows])
            through = shown[rows] * bent
            np.subtract(o, through, through)
            through *= a
            b += through
            slope = np.multiply(gate, gate, room[:size].reshape(gate.shape))
            np.subtract(gate[:3], slope[:3], slope[:3])
            of_o, of_i, of_f, of_g = slope
            np.subtract(1, of_g, of_g)
            of_o *= bent
            of_i *= g
            of_f *= resized(cells[steps.rows(steps.order[k - 1])] if k > 0 else kept["cx"], kept["cx"], size)
            of_g *= i
            found = inner[rows].reshape((size, 4, cells.shape[1]))
            np.multiply(slope[1:], b, found[:, :3].swapaxes(0, 1))
            np.multiply(of_o, a, found[:, 3])
            b *= f
            np.matmul(inner[rows], kept["weight_hh"], dh[:size])
        result = [dh, dc, *self.weight_grads(kept, inner, inner)]
        if states is not None:
            result.append(states.T @ shown)
        return self.with_input(result, inner, kept)

    def step(self, gates: Tensor, state: list[Tensor], weights: list[Any]) -> list[Tensor]:
        i, f, g, o = (gates + linear(state[0], weights[1], weights[3])).chunk(4, 1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return [linear(h, weights[4]) if self.projected else h, c]


class GruLayerBackward0(RecurrentLayer):
    """Gated recurrent unit.

    h' = (1 - z) n + z h, with r, z logistic functions of W_ih x + b_ih + W_hh h + b_hh and
    n = tanh(W_in x + b_in + r (W_hn h + b_hn)).
    """

    gates: int = 3

    def way(self) -> list[str]:
        return ["states", "gates", "proposals"]

    def forward(self, arrays: list[Any]) -> Any:
        x, first, w_ih, w_hh = arrays[:4]
        steps, width = self.steps, first.shape[1]
        scale = gate_scale(w_hh, 2, width)
        gates = x @ (w_ih * scale[:, None]).T
        if self.biased:
            gates += arrays[4] * scale
            gates[:, : 2 * width] += arrays[5][: 2 * width] * scale[: 2 * width]
        recurrent = np.ascontiguousarray((w_hh * scale[:, None]).T)
        proposals = np.empty((steps.total, width), x.dtype)
        out = np.empty_like(proposals)
        h = first
        for t in steps.order:
            rows = steps.rows(t)
            h = resized(h, first, steps.sizes[t])
            hidden = h @ recurrent
            gate, new = gates[rows, : 2 * width], gates[rows, 2 * width :]
            gate += hidden[:, : 2 * width]
            np.tanh(gate, gate)
            gate *= scale[0]
            gate += scale[0]
            proposal = proposals[rows]
            proposal[...] = hidden[:, 2 * width :]
            if self.biased:
                proposal += arrays[5][2 * width :]
            new += gate[:, :width] * proposal
            np.tanh(new, new)
            h = np.subtract(h, new, out[rows])
            h *= gate[:, width:]
            h += new
        return self.results([steps.last(out)], [out, gates, proposals])

    def formula(self, grads: list[Any], kept: dict[str, Any]) -> list[Any]:
        steps, gates, proposals = self.steps, kept["gates"], kept["proposals"]
        width = proposals.shape[1]
        r, z, n = [gates[:, k * width : (k + 1) * width] for k in range(3)]
        before = steps.before(kept["states"], kept["hx"])
        slopes = (gates - gates * gates).reshape((steps.total, 3, width))
        slopes[:, 0] *= proposals
        slopes[:, 1] *= before - n
        np.multiply(1 - n * n, 1 - z, slopes[:, 2])
        flat = slopes.reshape((steps.total, 3 * width))
        news = np.empty_like(proposals)
        dh = starting(grads[1], kept["hx"])
        for t in reversed(steps.order):
            rows, size = steps.rows(t), steps.sizes[t]
            a, slope = dh[:size], slopes[rows]
            if grads[0] is not None:
                a += grads[0][rows]
            # Names for the views: `slope[:, 2] *= r` would also copy the view onto itself.
            of_r, of_n, of_zn = slope[:, 0], slope[:, 2], slope[:, 1:]
            of_zn *= a[:, None]
            news[rows] = of_n
            of_r *= of_n
            of_n *= r[rows]
            a *= z[rows]
            a += flat[rows] @ kept["weight_hh"]
        inner = flat.copy()
        inner[:, 2 * width :] = news
        return self.with_input([dh, *self.weight_grads(kept, inner, flat)], inner, kept)

    def step(self, gates: Tensor, state: list[Tensor], weights: list[Any]) -> list[Tensor]:
        xr, xz, xn = gates.chunk(3, 1)
        hr, hz, hn = linear(state[0], weights[1], weights[3]).chunk(3, 1)
        n = (xn + (xr + hr).sigmoid() * hn).tanh()
        return [n + (xz + hz).sigmoid() * (state[0] - n)]


class RnnTanhLayerBackward0(RecurrentLayer):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""

    def forward(self, arrays: list[Any]) -> Any:
        x, first, w_ih, w_hh = arrays[:4]
        steps = self.steps
        out = x @ w_ih.T
        if self.biased:
            out += arrays[4] + arrays[5]
        recurrent = np.ascontiguousarray(w_hh.T)
        h = first
        for t in steps.order:
            state = out[steps.rows(t)]
            state += resized(h, first, steps.sizes[t]) @ recurrent
            self.bend(state)
            h = state
        return self.results([steps.last(out)], [out])

    def bend(self, state: Any) -> None:
        """Apply the function in place."""
        np.tanh(state, state)

    def slopes(self, out: Any) -> Any:
        """Its derivative, from the results."""
        return 1 - out * out

    def formula(self, grads: list[Any], kept: dict[str, Any]) -> list[Any]:
        steps = self.steps
        slopes = self.slopes(kept["states"])
        dh = starting(grads[1], kept["hx"])
        for t in reversed(steps.order):
            rows, size = steps.rows(t), steps.sizes[t]
            a, slope = dh[:size], slopes[rows]
            if grads[0] is not None:
                a += grads[0][rows]
            slope *= a
            np.matmul(slope, kept["weight_hh"], a)
        return self.with_input([dh, *self.weight_grads(kept, slopes, slopes)], slopes, kept)

    def step(self, gates: Tensor, state: list[Tensor], weights: list[Any]) -> list[Tensor]:
        return [(gates + linear(state[0], weights[1], weights[3])).tanh()]


class RnnReluLayerBackward0(RnnTanhLayerBackward0):
    """h' = max(0, W_ih x + b_ih + W_hh h + b_hh)."""

    def bend(self, state: Any) -> None:
        np.maximum(state, 0, out=state)

    def slopes(self, out: Any) -> Any:
        return (out > 0).astype(out.dtype)

    def step(self, gates: Tensor, state: list[Tensor], weights: list[Any]) -> list[Tensor]:
        return [(gates + linear(state[0], weights[1], weights[3])).relu()]


def gate_scale(weights: Any, logistic: int, width: int) -> Any:
    """1/2 for the logistic gates, which come first, 1 for the last one, that of tanh."""
    scale = np.ones(len(weights), weights.dtype)
    scale[: logistic * width] = 0.5
    return scale


def in_planes(weights: Any, width: int, scale: Any) -> Any:
    """Weights of the gates i, f, g, o in the order o, i, f, g, scaled.

    In this order the logistic gates are neighbours, and so are those through which the gradient of the cell passes: one call
    of NumPy serves three of them.
    """
    found = np.concatenate([weights[3 * width :], weights[: 3 * width]])
    found *= scale if found.ndim == 1 else scale[:, None]
    return found


def resized(state: Any, first: Any, size: int) -> Any:
    """The states of ``size`` sequences: some have ended, or some begin here."""
    known = len(state)
    if known == size:
        return state
    return state[:size] if size < known else np.concatenate([state, first[known:size]])


def starting(grad: Any, state: Any) -> Any:
    """Gradient of the last states, to be overwritten with those of earlier ones."""
    return np.zeros_like(state) if grad is None else np.array(grad)
