"""What recurrent layers of all kinds share: the order of the steps, and their derivatives.

Rows of all time steps lie one after the other; step t holds the first ``sizes[t]`` sequences, which are sorted by falling
length. Sequences of one length are the case of equal sizes. One direction of one layer is one node: its input is
multiplied by the input weights for all steps at once, and only the product with the hidden state is left to the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import backward
from .._core.dtypes import float32, float64
from .._core.modes import is_grad_enabled, set_grad
from .._core.tensor_base import requires_grad
from .._record.common import make, untracked
from .._record.general import General
from ..kernels import array_sum, products
from .join import cat
from .matmul_added import linear

if TYPE_CHECKING:
    from .._tensor import Tensor


class Steps:
    """The steps of one direction of a layer.

    Attributes:
        sizes: number of sequences at each time.
        starts: the first row of each time.
        order: times in the order in which they are computed.
        batch: number of sequences.
        even: whether all of them have the same length.
    """

    def __init__(self, sizes: list[int], reverse: bool) -> None:
        self.sizes: list[int] = sizes
        self.starts: list[int] = []
        total = 0
        for size in sizes:
            self.starts.append(total)
            total += size
        self.total: int = total
        self.batch: int = sizes[0]
        self.even: bool = sizes[-1] == sizes[0]
        self.reverse: bool = reverse
        self.order: list[int] = list(range(len(sizes)))
        if reverse:
            self.order.reverse()

    def rows(self, t: int) -> slice:
        """The rows of time ``t``."""
        return slice(self.starts[t], self.starts[t] + self.sizes[t])

    def before(self, states: Any, first: Any) -> Any:
        """For each row the state in front of its step, given the states after all steps and the first one."""
        found = np.empty((self.total, first.shape[1]), first.dtype)
        state = first
        for t in self.order:
            size = self.sizes[t]
            rows = found[self.rows(t)]
            known = min(size, len(state))
            rows[:known] = state[:known]
            rows[known:] = first[known:size]  # sequences that begin here
            state = states[self.rows(t)]
        return found

    def last(self, states: Any) -> Any:
        """The state of each sequence after its last step."""
        found = np.empty((self.batch, states.shape[1]), states.dtype)
        following = 0
        for t in reversed(self.order):
            size = self.sizes[t]
            if size > following:
                found[following:size] = states[self.rows(t)][following:]
                following = size
        return found


class RecurrentLayer(General):
    """One direction of a layer.

    Inputs: rows of all steps, first hidden state, first cell state for LSTM, weights of input and hidden state, their biases
    with ``biased``, and the projection with ``projected``. Results: states of all rows, last hidden state, last cell state for
    LSTM, and what the backward pass reads, by the names in ``way()``.

    Attributes:
        exposed: whether users see the first result, and a backward pass the states: it then has memory of its own, so that it may
            be overwritten.
    """

    gates: int = 1
    celled: bool = False

    def __init__(self, steps: Steps, biased: bool, projected: bool) -> None:
        self.steps: Steps = steps
        self.biased: bool = biased
        self.projected: bool = projected
        self.exposed: bool = False

    def input_names(self) -> list[str]:
        names = ["input", "hx", "cx"] if self.celled else ["input", "hx"]
        names += ["weight_ih", "weight_hh"]
        if self.biased:
            names += ["bias_ih", "bias_hh"]
        return [*names, "weight_hr"] if self.projected else names

    def way(self) -> list[str]:
        """Names of the results that only the backward pass reads; the first are the states of all rows."""
        return ["states"]

    def output_names(self) -> list[str]:
        return ["output", "hn", "cn", *self.way()] if self.celled else ["output", "hn", *self.way()]

    def differentiable_outputs(self) -> list[bool]:
        return [name not in self.way() for name in self.output_names()]

    def saves(self) -> list[str]:
        return [*self.input_names(), *self.way()]

    def fits(self, inputs: list[Any]) -> bool:
        """Whether shapes and dtypes are those of a layer in single or double precision."""
        states = 2 if self.celled else 1
        kind = inputs[0].dt
        if kind is not float32 and kind is not float64:
            return False
        for t in inputs:
            if t.dt is not kind:
                return False
        w_ih, w_hh = inputs[1 + states : 3 + states]
        if len(inputs[0].shp) != 2 or len(w_ih.shp) != 2 or len(w_hh.shp) != 2:
            return False
        rows, width = w_hh.shp
        inner = rows // self.gates
        expected: list[tuple[int, ...]] = [(self.steps.total, w_ih.shp[1]), (self.steps.batch, width)]
        if self.celled:
            expected.append((self.steps.batch, inner))
        expected += [(inner * self.gates, w_ih.shp[1]), (rows, inputs[-1].shp[0] if self.projected else inner)]
        if self.biased:
            expected += [(rows,), (rows,)]
        if self.projected:
            expected.append((width, inner))
        return [tuple(t.shp) for t in inputs] == expected

    def results(self, ends: list[Any], way: list[Any]) -> list[Any]:
        """What ``forward`` returns, from the last states and the results for the backward pass."""
        states = way[0]
        return [states.copy() if self.exposed else states, *ends, *way]

    def step(self, gates: Tensor, state: list[Tensor], weights: list[Any]) -> list[Tensor]:
        """The next state from a row's projected input, over tensors."""
        raise NotImplementedError

    def formula(self, grads: list[Any], kept: dict[str, Any]) -> list[Any]:
        """Gradients of the inputs on arrays."""
        raise NotImplementedError

    def composed(self, inputs: list[Tensor]) -> list[Tensor]:
        """The differentiable results, from other operators."""
        states = 2 if self.celled else 1
        first = inputs[1 : 1 + states]
        for given in first:
            if given.shp[0] != self.steps.batch:
                raise RuntimeError(
                    f"The size of tensor a ({given.shp[0]}) must match the size of tensor b ({self.steps.batch}) at "
                    "non-singleton dimension 0"
                )
        weights: list[Any] = list(inputs[1 + states :])
        if not self.biased:
            weights[2:2] = [None, None]
        gates = linear(inputs[0], weights[0], weights[2]).split(self.steps.sizes)
        outs: list[Any] = [None] * len(self.steps.sizes)
        ended: list[list[Tensor]] = []
        state = [f[: self.steps.sizes[self.steps.order[0]]] for f in first]
        for t in self.steps.order:
            size = self.steps.sizes[t]
            known = state[0].shp[0]
            if size < known:
                ended.append([s[size:] for s in state])
                state = [s[:size] for s in state]
            elif size > known:
                state = [cat([s, f[known:size]]) for s, f in zip(state, first, strict=True)]
            state = self.step(gates[t], state, weights)
            outs[t] = state[0]
        ended.append(state)
        ended.reverse()
        return [cat(outs), *[cat([part[i] for part in ended]) for i in range(states)]]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        names = self.saves()
        kept = [self.tensor(name) for name in names]
        for t in [*kept, *grads]:
            if t is not None and not untracked(t):
                return self.recomputed(grads)
        arrays = {name: t.array for name, t in zip(names, kept, strict=True)}
        found = self.formula([None if g is None else g.array for g in grads], arrays)
        return [None if a is None else make(a) for a in found]

    def recomputed(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        """Gradients that can be differentiated: those of ``composed``."""
        recording = is_grad_enabled()
        set_grad(True)
        try:
            inputs: list[Tensor] = []
            for name in self.input_names():
                t = self.tensor(name)
                # A view: one input may have been computed from another, and its gradient must not reach that one.
                inputs.append(t.view_as(t) if requires_grad(t) else t)
            outs = self.composed(inputs)
            pairs = [(o, g) for o, g in zip(outs, grads, strict=True) if g is not None]
            wanted = [i for i in range(len(inputs)) if self.wanted(i)]
            asked = [inputs[i] for i in wanted]
            slopes = backward.grad([o for o, _ in pairs], asked, [g for _, g in pairs], None, recording, True)
        finally:
            set_grad(recording)
        found: list[Tensor | None] = [None] * len(inputs)
        for i, slope in zip(wanted, slopes, strict=True):
            found[i] = slope
        return found

    def weight_grads(self, kept: dict[str, Any], outer: Any, inner: Any) -> list[Any]:
        """Gradients of weights and biases, from those of the projected input and of the projected hidden state."""
        place = 3 if self.celled else 2
        found = [
            products.multiply(outer.T, kept["input"]) if self.wanted(place) else None,
            self.times_before(inner, kept["states"], kept["hx"]) if self.wanted(place + 1) else None,
        ]
        if self.biased:
            one = array_sum(outer, 0, False)
            found += [one, one.copy() if inner is outer else array_sum(inner, 0, False)]
        return found

    def times_before(self, inner: Any, states: Any, first: Any) -> Any:
        """``inner.T`` times the states in front of each step."""
        steps = self.steps
        if not steps.even:
            return products.multiply(inner.T, steps.before(states, first))
        here, there = slice(steps.batch, None), slice(0, steps.total - steps.batch)
        if steps.reverse:
            here, there = there, here
        found = products.multiply(inner[steps.rows(steps.order[0])].T, first)
        return products.multiply_added(inner[here].T, states[there], found)

    def with_input(self, found: list[Any], outer: Any, kept: dict[str, Any]) -> list[Any]:
        """All gradients, with that of the input in front."""
        return [products.multiply(outer, kept["weight_ih"]) if self.wanted(0) else None, *found]
