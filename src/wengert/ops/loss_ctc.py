"""Connectionist temporal classification: the likelihood of a sequence of labels whose places in time are unknown.

The labels of a row, with a blank before, between and after them, are states that are passed in order; each step emits the label
of its state. alpha(t, s) is the logarithm of the probability of all ways to be in state s at step t, beta(t, s) that of all
ways on from there. Both are recursions over time, for all rows and states at once; they are written over tensors, so that the
gradient, which is made of them, has a gradient itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, float16
from .._core.tensor_base import TensorBase
from .._record.common import int_of, make
from .._record.general import General, general_many
from .join import cat, stack
from .loss import MEAN, NONE, reduction_code

if TYPE_CHECKING:
    from .._tensor import Tensor

# Logarithm of an impossible event: finite, so that differences of impossible events stay numbers.
NEVER: Final = -1e30
SURELY_NEVER: Final = -1e29


class Lattice:
    """The states of all rows.

    Attributes:
        labels: (rows, states) label of each state.
        steps: (rows,) number of time steps.
        last: (rows,) number of the last state, the blank after the last label.
        jump: (rows, states) 0 where the state before the previous one leads here too, else NEVER.
        count: number of time steps of the longest row.
    """

    def __init__(self, targets: Any, steps: list[int], lengths: list[int], blank: int) -> None:
        rows = len(steps)
        width = max(lengths, default=0)
        self.steps: Any = np.array(steps, np.int64).reshape(rows)
        size = np.array(lengths, np.int64).reshape(rows)
        self.last: Any = 2 * size
        self.labels: Any = np.full((rows, 2 * width + 1), blank, np.int64)
        known = np.arange(width) < size[:, None]
        self.labels[:, 1::2] = np.where(known, padded_targets(targets, size, width), blank)
        before = np.concatenate([np.full((rows, 2), -1), self.labels[:, :-2]], 1)[:, : self.labels.shape[1]]
        self.jump: Any = np.where((self.labels != blank) & (self.labels != before), 0.0, NEVER)
        self.count: int = max(steps, default=0)

    def emissions(self, logs: Tensor) -> Tensor:
        """(steps, rows, states) logarithms of the probabilities of each state's label."""
        index = np.broadcast_to(self.labels, (logs.shp[0], *self.labels.shape))
        return logs.gather(2, make(np.ascontiguousarray(index)))

    def alphas(self, seen: Tensor) -> list[Tensor]:
        """alpha at each step, (rows, states)."""
        places = np.arange(self.labels.shape[1])
        start = np.where((places <= 1) & (places <= self.last[:, None]), 0.0, NEVER)
        found: list[Tensor] = []
        state = make(start)
        for t in range(self.count):
            if t > 0:
                state = together([state, shifted(state, 1), shifted(state, 2) + make(self.jump)])
            state = state + seen[t]
            found.append(state)
        return found

    def betas(self, seen: Tensor) -> list[Tensor]:
        """beta at each step, the emission of the step included."""
        places = np.arange(self.labels.shape[1])
        end = np.where((places <= self.last[:, None]) & (places >= self.last[:, None] - 1), 0.0, NEVER)
        jump = np.concatenate([self.jump[:, 2:], np.full((self.jump.shape[0], 2), NEVER)], 1)[:, : self.jump.shape[1]]
        found: list[Tensor] = []
        state = make(np.full(end.shape, NEVER))
        for t in range(self.count - 1, -1, -1):
            on = together([state, shifted(state, -1), shifted(state, -2) + make(jump)])
            # Rows end at different steps.
            ends = make((self.steps == t + 1)[:, None])
            after = make((self.steps <= t)[:, None])
            state = (on.where(ends.logical_not(), make(end)) + seen[t]).masked_fill(after, NEVER)
            found.append(state)
        found.reverse()
        return found

    def total(self, alphas: list[Tensor]) -> Tensor:
        """Logarithm of the probability of the labels, (rows,)."""
        rows = self.steps.shape[0]
        if self.count == 0:
            return make(np.where(self.last == 0, 0.0, NEVER))
        ends = stack(alphas, 0)
        place = make(
            np.maximum(self.steps - 1, 0).reshape((1, rows, 1)) + np.zeros((1, 1, self.labels.shape[1]), np.int64)
        )
        final = ends.gather(0, place).squeeze(0)
        pair = np.stack([self.last, np.maximum(self.last - 1, 0)], 1)
        both = final.gather(1, make(pair)) + make(np.where((pair[:, :1] == 0) & [[False, True]], NEVER, 0.0))
        found = together([both.select(1, 0), both.select(1, 1)])
        if bool((self.steps == 0).any()):
            found = found.where(make(self.steps > 0), make(np.where(self.last == 0, 0.0, NEVER)))
        return found


def padded_targets(targets: Any, size: Any, width: int) -> Any:
    """Labels as (rows, width), from a matrix or from all rows one after the other."""
    if targets.ndim == 2:
        return targets[:, :width]
    starts = np.cumsum(size) - size
    place = starts[:, None] + np.arange(width)
    if targets.size == 0:
        return np.zeros(place.shape, np.int64)
    return targets[np.minimum(place, targets.size - 1)]


def together(parts: list[Tensor]) -> Tensor:
    """Logarithm of the sum of probabilities that are given as logarithms."""
    found: Tensor = stack(parts, 0).logsumexp(0)
    return found


def shifted(state: Tensor, by: int) -> Tensor:
    """Each state's value moved ``by`` states on; NEVER where nothing comes from."""
    rows, width = state.shp
    room = make(np.full((rows, min(abs(by), width)), NEVER))
    if width <= abs(by):
        return room
    return cat([room, state[:, : width - by]] if by > 0 else [state[:, -by:], room], 1)


class CtcLossBackward0(General):
    """Minus the logarithm of the probability of each row's labels.

    Gradient: softmax minus the probability of emitting a label at a step, given the labels. That is the gradient of the logits
    in front of a log-softmax, which leaves it as it is; as in PyTorch it stands for the gradient of the log probabilities.
    """

    def __init__(self, lattice: Lattice, lengths: list[int], blank: int, zero_infinity: bool) -> None:
        self.lattice: Lattice = lattice
        self.lengths: list[int] = lengths
        self.blank: int = blank
        self.zero_infinity: bool = zero_infinity

    def input_names(self) -> list[str]:
        return ["log_probs", "targets"]

    def output_names(self) -> list[str]:
        return ["result0", "result1"]

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def differentiable_outputs(self) -> list[bool]:
        return [True, False]

    def saves(self) -> list[str]:
        return ["log_probs", "targets", "result0", "result1"]

    def parameters(self) -> dict[str, Any]:
        return {
            "blank": self.blank,
            "input_lengths": tuple([int(n) for n in self.lattice.steps]),
            "target_lengths": tuple(self.lengths),
            "zero_infinity": self.zero_infinity,
        }

    def forward(self, arrays: list[Any]) -> Any:
        kind = arrays[0].dtype
        lattice = self.lattice
        seen = lattice.emissions(make(arrays[0].astype(np.float64)))
        alphas = lattice.alphas(seen)
        total = np.asarray(lattice.total(alphas).array)
        loss = np.where(total < SURELY_NEVER, np.inf, -total).astype(kind)
        rows, states = lattice.labels.shape
        table = np.full((rows, arrays[0].shape[0], states), -np.inf, kind)
        for t in range(len(alphas)):
            state = np.asarray(alphas[t].array)
            table[:, t] = np.where(state < SURELY_NEVER, -np.inf, state)
        return [loss, table]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        logs = self.tensor("log_probs")
        lattice = self.lattice
        wide = logs.double()
        seen = lattice.emissions(wide)
        alphas, betas = lattice.alphas(seen), lattice.betas(seen)
        if len(alphas) == 0:
            return [logs.new_zeros(logs.shp)]
        total = lattice.total(alphas)
        never = total.array < SURELY_NEVER
        steps = len(alphas)
        # Both recursions count the emission of their step.
        share = (stack(alphas, 0) + stack(betas, 0) - seen[:steps] - total.unsqueeze(-1)).exp()
        index = np.ascontiguousarray(np.broadcast_to(lattice.labels, share.shp))
        emitted = wide.new_zeros((steps, *logs.shp[1:])).scatter_add(2, make(index), share)
        slope = wide[:steps].exp() - emitted
        late = np.arange(steps)[:, None] >= lattice.steps
        slope = slope.masked_fill(make((never & ~late)[..., None]), 0.0 if self.zero_infinity else float("nan"))
        slope = (slope * grad.double().reshape((-1, 1))).masked_fill(make(late[..., None]), 0)
        if self.zero_infinity:
            slope = slope.masked_fill(make(np.asarray(never)[:, None]), 0)
        if steps < logs.shp[0]:
            slope = cat([slope, wide.new_zeros((logs.shp[0] - steps, *logs.shp[1:]))], 0)
        return [slope.to(logs.dt)]


def whole_numbers(value: Any, name: str) -> list[int]:
    """Lengths given as a tensor or a sequence."""
    if isinstance(value, TensorBase):
        if value.dt.category != 1:
            raise RuntimeError(f"{name} must be integral")
        return [int(n) for n in np.reshape(value.array, -1)]
    if isinstance(value, (tuple, list)):
        return [int_of(n, name) for n in value]
    return [int_of(value, name)]


def check_lengths(logs: TensorBase, targets: TensorBase, steps: list[int], lengths: list[int], blank: int) -> None:
    """Refuse lengths and labels that do not fit."""
    where = "(while checking arguments for ctc_loss_allocate_outputs)"
    if logs.array.size == 0:
        raise RuntimeError("log_probs tensor must not be empty")
    if logs.dt.category != FLOATING or logs.dt is float16:
        raise errors.not_implemented("ctc_loss_cpu", logs.dt)
    time, rows, classes = logs.shp
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    if len(steps) != rows:
        raise RuntimeError("input_lengths must be of size batch_size")
    if len(lengths) != rows:
        raise RuntimeError("target_lengths must be of size batch_size")
    for name, found, top in (("input_lengths", steps, time), ("target_lengths", lengths, None)):
        if min(found) < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value {min(found)} {where}")
        if top is not None and max(found) > top:
            raise RuntimeError(f"Expected {name} to have value at most {top}, but got value {max(found)} {where}")
    if len(targets.shp) == 1:
        if targets.shp[0] != sum(lengths):
            raise RuntimeError(
                f"Expected tensor to have size {sum(lengths)} at dimension 0, but got size {targets.shp[0]} for argument #2 "
                f"'targets' {where}"
            )
    elif targets.shp[1] < max(lengths):
        raise RuntimeError(
            f"Expected tensor to have size at least {max(lengths)} at dimension 1, but got size {targets.shp[1]} for argument "
            f"#2 'targets' {where}"
        )


def ctc(
    logs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: Any, code: int, zero_infinity: bool
) -> Tensor:
    """CTC loss with the reduction as a number."""
    for i, (name, t) in enumerate((("log_probs", logs), ("targets", targets))):
        if not isinstance(t, TensorBase):
            raise errors.argument_type("ctc_loss", name, i + 1, "Tensor", t)
    single = len(logs.shp) == 2
    if single:
        logs = logs.unsqueeze(1)
        targets = targets.unsqueeze(0)
    if len(logs.shp) != 3:
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {len(logs.shp)}-dimensional tensor for argument #1 'log_probs' (while "
            "checking arguments for ctc_loss_allocate_outputs)"
        )
    steps = whole_numbers(input_lengths, "input_lengths")
    lengths = whole_numbers(target_lengths, "target_lengths")
    mark = int_of(blank, "blank")
    check_lengths(logs, targets, steps, lengths, mark)
    lattice = Lattice(np.asarray(targets.array).astype(np.int64), steps, lengths, mark)
    if bool(((lattice.labels < 0) | (lattice.labels >= logs.shp[2])).any()):
        raise RuntimeError(
            errors.with_hints("targets must be in label range", f"there are {logs.shp[2]} labels, the blank included")
        )
    found = general_many(CtcLossBackward0(lattice, lengths, mark, zero_infinity), [logs, targets])[0]
    if zero_infinity:
        found = found.new_zeros(()).where(found == float("inf"), found)
    if code == MEAN:
        found = (found / make(np.maximum(lengths, 1).astype(found.dt.np))).mean()
    elif code == NONE:
        found = found.squeeze(0) if single else found
    else:
        found = found.sum()
    return found


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: Any = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Minus the logarithm of the probability of a sequence of labels, whatever their places in time; reduced.

    Args:
        log_probs: (steps, rows, labels) or (steps, labels), logarithms of probabilities: the result of a log-softmax.
        targets: integers, (rows, at least the longest length), or all rows one after the other.
        input_lengths, target_lengths: how many steps, and how many labels, count in each row.
        blank: the label of steps without one.
        reduction: ``"mean"`` divides each loss by the number of labels first.
        zero_infinity: whether rows with more labels than steps can hold count as 0.

    Gradient:
        Probabilities minus those of emitting each label at each step, given the targets; right for log probabilities that come
        from a log-softmax.

    Raises:
        RuntimeError: for lengths, labels or dtypes that do not fit.

    Source: Graves et al. 2006.

    Variants: nn
    """
    code = reduction_code(reduction)
    return ctc(log_probs, targets, input_lengths, target_lengths, blank, code, zero_infinity)


def plain_ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: Any = 0,
    reduction: Any = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """``nn.functional.ctc_loss`` with the reduction as a number: 0 for none, 1 for the mean, 2 for the sum.

    Variants: function
    Name: ctc_loss
    """
    return ctc(log_probs, targets, input_lengths, target_lengths, blank, int_of(reduction), zero_infinity)
