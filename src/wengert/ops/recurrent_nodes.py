"""One direction of an LSTM, GRU or plain recurrent layer: values and gradients on arrays.

Kernels run all steps. Where they do not, NumPy goes step by step: the logistic function is 1/2 + tanh(x/2)/2, so that one call
of tanh serves the gates of a step; the halves go into the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..kernels import networks, products
from ..kernels.memory import empty
from .matmul_added import linear
from .recurrent_layer import RecurrentLayer

if TYPE_CHECKING:
    from .._tensor import Tensor

_contiguous: Final[Any] = np.ascontiguousarray


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
        gates = projected(x, w_ih, arrays[5] + arrays[6] if self.biased else None)
        cells, shown = empty((steps.total, width), x.dtype), empty((steps.total, width), x.dtype)
        out = empty((steps.total, first_h.shape[1]), x.dtype) if self.projected else shown
        w_hr = arrays[-1] if self.projected else None
        if networks.takes_steps(steps.total, gates, out):
            first = (_contiguous(first_h), _contiguous(first_c))
            w_hr = None if w_hr is None else _contiguous(w_hr)
            networks.lstm(steps.sizes, steps.reverse, _contiguous(w_hh), w_hr, first, gates, cells, shown, out)
        else:
            self.walk(w_hh, w_hr, (first_h, first_c), gates, cells, shown, out)
        way = [out, gates, cells, shown] if self.projected else [out, gates, cells]
        return self.results([steps.last(out), steps.last(cells)], way)

    def walk(self, w_hh: Any, w_hr: Any, first: tuple[Any, Any], gates: Any, cells: Any, shown: Any, out: Any) -> None:
        """``networks.lstm`` in NumPy."""
        steps, width = self.steps, cells.shape[1]
        scale = np.full(4 * width, 0.5, gates.dtype)
        scale[2 * width : 3 * width] = 1
        shift = np.where(scale == 1, 0, scale)
        recurrent = _contiguous((w_hh * scale[:, None]).T)
        gates *= scale
        h, c = first
        for t in steps.order:
            rows, size = steps.rows(t), steps.sizes[t]
            gate = gates[rows]
            gate += products.multiply(resized(h, first[0], size), recurrent)
            np.tanh(gate, gate)
            gate *= scale
            gate += shift
            i, f, g, o = [gate[:, k * width : (k + 1) * width] for k in range(4)]
            before, c, h = resized(c, first[1], size), cells[rows], shown[rows]
            np.multiply(f, before, c)
            c += i * g
            np.tanh(c, h)
            h *= o
            if w_hr is not None:
                out[rows] = products.multiply(h, w_hr.T)
                h = out[rows]

    def formula(self, grads: list[Any], kept: dict[str, Any]) -> list[Any]:
        steps, cells, w_hh, first = self.steps, kept["cells"], kept["weight_hh"], kept["cx"]
        dh, dc = starting(grads[1], kept["hx"]), starting(grads[2], first)
        w_hr, of_out = kept.get("weight_hr"), grads[0]
        states = None if w_hr is None else empty(kept["states"].shape, cells.dtype)
        if networks.takes_steps(steps.total, cells, dh):
            w_hr, of_out = [None if a is None else _contiguous(a) for a in (w_hr, of_out)]
            w_hh, first = _contiguous(w_hh), _contiguous(first)
            inner = networks.lstm_slopes(
                steps.sizes, steps.reverse, w_hh, w_hr, first, of_out, kept["gates"], cells, (dh, dc), states
            )
        else:
            inner = self.walk_back(of_out, kept, dh, dc, states)
        result = [dh, dc, *self.weight_grads(kept, inner, inner)]
        if states is not None:
            result.append(products.multiply(states.T, kept["shown"]))
        return self.with_input(result, inner, kept)

    def walk_back(self, of_out: Any, kept: dict[str, Any], dh: Any, dc: Any, states: Any) -> Any:
        """``networks.lstm_slopes`` in NumPy."""
        steps, cells = self.steps, kept["cells"]
        inner = np.empty_like(kept["gates"])
        for k in range(len(steps.order) - 1, -1, -1):
            rows, size = steps.rows(steps.order[k]), steps.sizes[steps.order[k]]
            a, b = dh[:size], dc[:size]
            if of_out is not None:
                a += of_out[rows]
            if states is not None:
                states[rows] = a
                a = products.multiply(a, kept["weight_hr"])
            before = resized(cells[steps.rows(steps.order[k - 1])] if k > 0 else kept["cx"], kept["cx"], size)
            shape = (size, 4, cells.shape[1])
            self.retreat(a, b, kept["gates"][rows].reshape(shape), before, cells[rows], inner[rows].reshape(shape))
            dh[:size] = products.multiply(inner[rows], kept["weight_hh"])
        return inner

    def retreat(self, a: Any, b: Any, gate: Any, before: Any, cell: Any, slopes: Any) -> None:
        """Gradients of the arguments of the gates, and in ``b`` that of the cell before; ``a`` is that of what is shown."""
        i, f, g, o = gate.swapaxes(0, 1)
        bent = np.tanh(cell)
        b += a * o * (1 - bent * bent)
        np.subtract(gate, gate * gate, slopes)
        of_i, of_f, of_g, of_o = slopes.swapaxes(0, 1)
        of_i *= g
        of_f *= before
        np.multiply(1 - g * g, i, of_g)
        of_o *= bent
        of_o *= a
        through = slopes[:, :3]
        through *= b[:, None]
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
        bias = None
        if self.biased:
            bias = arrays[4] + arrays[5]
            bias[2 * width :] = arrays[4][2 * width :]
        gates = projected(x, w_ih, bias)
        proposals, out = empty((steps.total, width), x.dtype), empty((steps.total, width), x.dtype)
        if self.biased:
            bias = arrays[5][2 * width :]
        if networks.takes_steps(steps.total, gates):
            bias = None if bias is None else _contiguous(bias)
            weight, first = _contiguous(w_hh), _contiguous(first)
            networks.gru(steps.sizes, steps.reverse, weight, bias, first, gates, proposals, out)
        else:
            self.walk(w_hh, bias, first, gates, proposals, out)
        return self.results([steps.last(out)], [out, gates, proposals])

    def walk(self, w_hh: Any, bias: Any, first: Any, gates: Any, proposals: Any, out: Any) -> None:
        """``networks.gru`` in NumPy."""
        steps, width = self.steps, out.shape[1]
        scale = np.ones(3 * width, gates.dtype)
        scale[: 2 * width] = 0.5
        recurrent = _contiguous((w_hh * scale[:, None]).T)
        gates *= scale
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
            if bias is not None:
                proposal += bias
            new += gate[:, :width] * proposal
            np.tanh(new, new)
            h = np.subtract(h, new, out[rows])
            h *= gate[:, width:]
            h += new

    def formula(self, grads: list[Any], kept: dict[str, Any]) -> list[Any]:
        steps, gates, proposals = self.steps, kept["gates"], kept["proposals"]
        dh = starting(grads[1], kept["hx"])
        if networks.takes_steps(steps.total, gates):
            of_out = None if grads[0] is None else _contiguous(grads[0])
            weight, first = _contiguous(kept["weight_hh"]), _contiguous(kept["hx"])
            outer, inner = networks.gru_slopes(
                steps.sizes, steps.reverse, weight, first, of_out, gates, proposals, kept["states"], dh
            )
        else:
            outer, inner = self.walk_back(grads[0], kept, dh)
        return self.with_input([dh, *self.weight_grads(kept, outer, inner)], outer, kept)

    def walk_back(self, of_out: Any, kept: dict[str, Any], dh: Any) -> tuple[Any, Any]:
        """``networks.gru_slopes`` in NumPy: what needs no gradient is multiplied for all steps at once."""
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
        for t in reversed(steps.order):
            rows, size = steps.rows(t), steps.sizes[t]
            a, slope = dh[:size], slopes[rows]
            if of_out is not None:
                a += of_out[rows]
            # Names for the views: `slope[:, 2] *= r` would also copy the view onto itself.
            of_r, of_n, of_zn = slope[:, 0], slope[:, 2], slope[:, 1:]
            of_zn *= a[:, None]
            news[rows] = of_n
            of_r *= of_n
            of_n *= r[rows]
            a *= z[rows]
            a += products.multiply(flat[rows], kept["weight_hh"])
        outer = flat.copy()
        outer[:, 2 * width :] = news
        return outer, flat

    def step(self, gates: Tensor, state: list[Tensor], weights: list[Any]) -> list[Tensor]:
        xr, xz, xn = gates.chunk(3, 1)
        hr, hz, hn = linear(state[0], weights[1], weights[3]).chunk(3, 1)
        n = (xn + (xr + hr).sigmoid() * hn).tanh()
        return [n + (xz + hz).sigmoid() * (state[0] - n)]


class RnnTanhLayerBackward0(RecurrentLayer):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""

    relu: bool = False

    def forward(self, arrays: list[Any]) -> Any:
        x, first, w_ih, w_hh = arrays[:4]
        steps = self.steps
        out = projected(x, w_ih, arrays[4] + arrays[5] if self.biased else None)
        if networks.takes_steps(steps.total, out):
            networks.rnn(steps.sizes, steps.reverse, self.relu, _contiguous(w_hh), _contiguous(first), out)
        else:
            self.walk(_contiguous(w_hh.T), first, out)
        return self.results([steps.last(out)], [out])

    def walk(self, recurrent: Any, first: Any, out: Any) -> None:
        """``networks.rnn`` in NumPy."""
        h = first
        for t in self.steps.order:
            state = out[self.steps.rows(t)]
            state += products.multiply(resized(h, first, self.steps.sizes[t]), recurrent)
            if self.relu:
                np.maximum(state, 0, out=state)
            else:
                np.tanh(state, state)
            h = state

    def formula(self, grads: list[Any], kept: dict[str, Any]) -> list[Any]:
        steps, out = self.steps, kept["states"]
        dh = starting(grads[1], kept["hx"])
        if networks.takes_steps(steps.total, out):
            of_out = None if grads[0] is None else _contiguous(grads[0])
            weight = _contiguous(kept["weight_hh"])
            slopes = networks.rnn_slopes(steps.sizes, steps.reverse, self.relu, weight, of_out, out, dh)
        else:
            slopes = self.walk_back(grads[0], kept["weight_hh"], out, dh)
        return self.with_input([dh, *self.weight_grads(kept, slopes, slopes)], slopes, kept)

    def walk_back(self, of_out: Any, weight: Any, out: Any, dh: Any) -> Any:
        """``networks.rnn_slopes`` in NumPy."""
        steps = self.steps
        slopes = (out > 0).astype(out.dtype) if self.relu else 1 - out * out
        for t in reversed(steps.order):
            rows, size = steps.rows(t), steps.sizes[t]
            a, slope = dh[:size], slopes[rows]
            if of_out is not None:
                a += of_out[rows]
            slope *= a
            a[:] = products.multiply(slope, weight)
        return slopes

    def step(self, gates: Tensor, state: list[Tensor], weights: list[Any]) -> list[Tensor]:
        total = gates + linear(state[0], weights[1], weights[3])
        return [total.relu() if self.relu else total.tanh()]


class RnnReluLayerBackward0(RnnTanhLayerBackward0):
    """h' = max(0, W_ih x + b_ih + W_hh h + b_hh)."""

    relu: bool = True


def projected(x: Any, weight: Any, bias: Any) -> Any:
    """The product of the inputs of all steps with their weights, as a fresh array."""
    return products.multiply(x, weight.T) if bias is None else products.multiply_added(x, weight.T, bias)


def resized(state: Any, first: Any, size: int) -> Any:
    """The states of ``size`` sequences: some have ended, or some begin here."""
    known = len(state)
    if known == size:
        return state
    return state[:size] if size < known else np.concatenate([state, first[known:size]])


def starting(grad: Any, state: Any) -> Any:
    """Gradient of the last states, to be overwritten with those of earlier ones."""
    return np.zeros(state.shape, state.dtype) if grad is None else np.array(grad, order="C")
