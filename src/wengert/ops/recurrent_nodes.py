"""One direction of an LSTM, GRU or plain recurrent layer: values and gradients, step by step on arrays.

The logistic function is 1/2 + tanh(x/2)/2, so that one call of tanh serves the gates of a step; the halves go into the weights.
What the slopes of the gates need of the forward pass alone is multiplied for all steps at once, in front of the loop over
time that brings the gradients of the states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels import bulk, networks, products
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
        gates = products.multiply(x, in_planes(w_ih, width, scale).T)
        if self.biased:
            gates += in_planes(arrays[5] + arrays[6], width, scale)
        recurrent = np.ascontiguousarray(in_planes(w_hh, width, scale).T)
        cells = np.empty((steps.total, width), x.dtype)
        shown = np.empty_like(cells)
        out = np.empty((steps.total, first_h.shape[1]), x.dtype) if self.projected else shown
        h, c = first_h, first_c
        for t in steps.order:
            rows, size = steps.rows(t), steps.sizes[t]
            arguments = products.multiply_added(resized(h, first_h, size), recurrent, gates[rows])
            # The projected input of the step is used up: its memory takes the gates.
            gate = gates[rows].reshape((4, size, width))
            before, c, h = resized(c, first_c, size), cells[rows], shown[rows]
            self.advance(arguments, before, gate, c, h)
            if self.projected:
                out[rows] = products.multiply(h, arrays[-1].T)
                h = out[rows]
        way = [out, gates, cells, shown] if self.projected else [out, gates, cells]
        return self.results([steps.last(out), steps.last(cells)], way)

    def advance(self, arguments: Any, before: Any, gate: Any, cell: Any, shown: Any) -> None:
        """Gates, cell and what is shown of it, from the arguments of the gates and the cell before."""
        if bulk.handles(arguments, before):
            networks.lstm_step(arguments, np.ascontiguousarray(before), gate, cell, shown)
            return
        np.tanh(arguments.reshape((len(arguments), 4, -1)).swapaxes(0, 1), gate)
        logistic = gate[:3]
        logistic *= 0.5
        logistic += 0.5
        np.multiply(gate[2], before, cell)
        cell += gate[1] * gate[3]
        np.tanh(cell, shown)
        shown *= gate[0]

    def formula(self, grads: list[Any], kept: dict[str, Any]) -> list[Any]:
        steps, cells = self.steps, kept["cells"]
        shown = kept["shown"] if self.projected else kept["states"]
        inner = np.empty_like(kept["gates"])
        dh, dc = starting(grads[1], kept["hx"]), starting(grads[2], kept["cx"])
        states = np.empty_like(kept["states"]) if self.projected else None
        for k in range(len(steps.order) - 1, -1, -1):
            rows, size = steps.rows(steps.order[k]), steps.sizes[steps.order[k]]
            a, b = dh[:size], dc[:size]
            if grads[0] is not None:
                a += grads[0][rows]
            if states is not None:
                states[rows] = a
                a = products.multiply(a, kept["weight_hr"])
            before = resized(cells[steps.rows(steps.order[k - 1])] if k > 0 else kept["cx"], kept["cx"], size)
            gate = kept["gates"][rows].reshape((4, size, cells.shape[1]))
            self.retreat(a, b, gate, before, cells[rows], shown[rows], inner[rows])
            dh[:size] = products.multiply(inner[rows], kept["weight_hh"])
        result = [dh, dc, *self.weight_grads(kept, inner, inner)]
        if states is not None:
            result.append(products.multiply(states.T, shown))
        return self.with_input(result, inner, kept)

    def retreat(self, a: Any, b: Any, gate: Any, before: Any, cell: Any, shown: Any, slopes: Any) -> None:
        """Gradients of the arguments of the gates, and in ``b`` that of the cell before; ``a`` is that of what is shown."""
        if bulk.handles(a, before):
            networks.lstm_slopes(np.ascontiguousarray(a), b, gate, np.ascontiguousarray(before), cell, slopes)
            return
        o, i, f, g = gate
        bent = np.tanh(cell)
        through = shown * bent
        np.subtract(o, through, through)
        through *= a
        b += through
        slope = gate * gate
        np.subtract(gate[:3], slope[:3], slope[:3])
        of_o, of_i, of_f, of_g = slope
        np.subtract(1, of_g, of_g)
        of_o *= bent
        of_i *= g
        of_f *= before
        of_g *= i
        found = slopes.reshape((len(slopes), 4, cell.shape[1]))
        np.multiply(slope[1:], b, found[:, :3].swapaxes(0, 1))
        np.multiply(of_o, a, found[:, 3])
        b *= f

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
        gates = products.multiply(x, (w_ih * scale[:, None]).T)
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
            hidden = products.multiply(h, recurrent)
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
            a += products.multiply(flat[rows], kept["weight_hh"])
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
        out = products.multiply(x, w_ih.T)
        if self.biased:
            out += arrays[4] + arrays[5]
        recurrent = np.ascontiguousarray(w_hh.T)
        h = first
        for t in steps.order:
            state = out[steps.rows(t)]
            state += products.multiply(resized(h, first, steps.sizes[t]), recurrent)
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
            a[:] = products.multiply(slope, kept["weight_hh"])
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
