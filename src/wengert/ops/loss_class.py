"""Losses of classes: negative log likelihood and cross entropy.

Picking the target's element of each row is linear; ``NllLossBackward0`` picks, ``NllLossBackwardBackward0`` puts back, and
each is the derivative of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import engine, errors
from .._core.dtypes import FLOATING, Size, int64, uint8
from .._core.modes import MODES
from .._core.quiet import restore, silence
from .._core.tensor_base import TensorBase
from .._record.common import quiet
from .._record.general import General, general, general_many
from .._record.unary import unary
from ..kernels import bulk, counting
from .loss import MEAN, NONE, SUM, check_target, legacy_reduction, reduction_code
from .scaled import DivBackward1
from .softmax import LogSoftmaxBackward0, PickedGrad, places_along

if TYPE_CHECKING:
    from .._tensor import Tensor

UNSIGNED: Final = 1 << 64


class Pick:
    """Where the targets are in an array of log probabilities, and with which factors they count.

    Attributes:
        axis: the dimension of the classes.
        index: the targets.
        factors: minus the weight of each row (0-d where all are equal), 0 for ignored ones; already divided by ``total`` for
            the mean.
        skipped: which factors are 0; None where there is no such.
        total: sum of the weights of the rows that count.
    """

    def __init__(self, x: TensorBase, target: TensorBase, weight: Any, reduction: int, ignore_index: int) -> None:
        self.axis: int = 1 if len(x.shp) > 1 else 0
        self.shape: Size = x.shp
        self.reduction: int = reduction
        # A copy: the target may be written to before the backward pass.
        self.index: Any = np.array(target.array, np.int64)
        self.skipped: Any = None
        self.factors: Any = None
        classes = x.shp[self.axis]
        count = self.index.size
        if weight is None and not 0 <= ignore_index < classes and counting.are_between(self.index, 0, classes):
            self.total: Any = x.dt.np.type(count)
            self.factors = np.asarray(-1 / count if reduction == MEAN and count else -1, x.dt.np)
            return
        self.factors = self.weigh(self.index, classes, x.dt.np, weight, ignore_index)
        if reduction == MEAN:
            token = silence()  # the total may be 0
            np.divide(self.factors, self.total, out=self.factors)
            restore(token)

    def weigh(self, index: Any, classes: int, dt: Any, weight: Any, ignore_index: int) -> Any:
        """Minus the weight of each row; those of ignored rows, whose ``index`` becomes 0, are 0."""
        counts = index != ignore_index
        np.copyto(index, 0, where=~counts)
        if not counting.are_between(index, 0, classes):
            outside = (index < 0) | (index >= classes)
            raise IndexError(f"Target {index[outside].reshape(-1)[0]} is out of bounds.")
        weights = counts.astype(dt) if weight is None else np.where(counts, np.asarray(weight.array)[index], 0)
        self.total = np.sum(weights, dtype=dt)
        self.skipped = weights == 0
        return np.asarray(-weights, dtype=dt)

    def weighted(self, values: Any) -> Any:
        """Values of all rows times their factors; an ignored row gives 0, even for an infinity."""
        found = values * self.factors
        return found if self.skipped is None else np.where(self.skipped, found.dtype.type(0), found)

    def pick(self, x: Any) -> Any:
        """Weighted elements of the targets, summed unless the reduction is ``none``."""
        if self.reduction == MEAN and self.total == 0:
            return x.dtype.type(np.nan)
        if bulk.handles(x, self.factors) and x.flags.c_contiguous:
            return bulk.picked(x, self.axis, self.index, self.factors, self.reduction != NONE)
        loss = np.asarray(self.weighted(x[places_along(self.axis, self.index)]))
        return loss if self.reduction == NONE else np.add.reduce(loss, axis=None)

    def put(self, grad: Any) -> Any:
        """Array of zeros with the weighted gradients at the places of the targets."""
        return self.picked(grad).written().array

    def picked(self, grad: Any) -> PickedGrad:
        """The same, not yet written down."""
        values = np.asarray(self.weighted(grad))
        if values.shape != self.index.shape:
            values = np.full(self.index.shape, values)
        return PickedGrad(self.axis, self.index, values, self.shape)


class NllLossBackward0(General):
    """Minus the log probability of each row's target, times the weight of its class."""

    def __init__(self, pick: Pick, ignore_index: int, weighted: bool) -> None:
        self.pick: Pick = pick
        self.ignore_index: int = ignore_index
        self.weighted: bool = weighted

    def input_names(self) -> list[str]:
        return ["self", "target", "weight"] if self.weighted else ["self", "target"]

    def output_names(self) -> list[str]:
        return ["output", "total_weight"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False]

    def saves(self) -> list[str]:
        return ["self", "target", "total_weight"] + (["weight"] if self.weighted else [])

    def saved_names(self) -> list[str]:
        return ["ignore_index", "reduction", "self", "target", "total_weight", "weight"]

    def parameters(self) -> dict[str, Any]:
        # PyTorch shows the index as an unsigned number.
        return {"ignore_index": self.ignore_index % UNSIGNED, "reduction": self.pick.reduction}

    def forward(self, arrays: list[Any]) -> Any:
        return [self.pick.pick(arrays[0]), self.pick.total]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        if grad is None:
            return [None] * self.arity
        if self.may_leave_unwritten(grad):
            found: list[Any] = [self.pick.picked(grad.array)]
        else:
            found = [general(NllLossBackwardBackward0(self.pick), [grad])]
        return found + [None] * (self.arity - 1)

    def may_leave_unwritten(self, grad: Tensor) -> bool:
        """Whether the gradient goes to a log-softmax over the classes, and nobody else sees it."""
        child = self.next0
        if not isinstance(child, LogSoftmaxBackward0) or child.dim != self.pick.axis:
            return False
        if self.extras is not None or MODES.anomaly or MODES.watcher is not None:
            return False
        called = engine.running_node() is not self  # as a function
        return not called and quiet(grad) and grad.array.dtype.char in "fd"

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [general(PickAgain(self.pick), [tangent]), None]


class NllLoss2DBackward0(NllLossBackward0):
    """The same for rows with further dimensions."""


class NllLossBackwardBackward0(General):
    """The gradient of each loss put at the place of its target, zeros elsewhere."""

    def __init__(self, pick: Pick) -> None:
        self.pick: Pick = pick

    def input_names(self) -> list[str]:
        return ["grad_output"]

    def forward(self, arrays: list[Any]) -> Any:
        return self.pick.put(arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(PickAgain(self.pick), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [general(NllLossBackwardBackward0(self.pick), [tangent])]


class PickAgain(General):
    """Weighted elements at the places of the targets: the derivative of putting them there."""

    def __init__(self, pick: Pick) -> None:
        self.pick: Pick = pick

    def forward(self, arrays: list[Any]) -> Any:
        return self.pick.pick(arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(NllLossBackwardBackward0(self.pick), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [general(PickAgain(self.pick), [tangent])]


def check_classes(x: TensorBase, target: TensorBase, weight: Any) -> None:
    """Refuse targets that do not fit the input."""
    shape = tuple(x.shp)  # a Size has indexing of its own, in Python
    dims = len(shape)
    if dims == 0:
        raise ValueError(f"Expected 1 or more dimensions (got {dims})")
    if dims == 1:
        if len(target.shp) > 0 and target.numel() != 1:  # type: ignore[attr-defined]
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.shp[0]}")
    else:
        wanted = shape[:1] + shape[2:]
        rows = target.shp[0] if len(target.shp) > 0 else 1
        if len(target.shp) == 0 or shape[0] != rows:
            raise ValueError(f"Expected input batch_size ({shape[0]}) to match target batch_size ({rows}).")
        if wanted != target.shp:
            raise RuntimeError(f"Expected target size {errors.shape_text(wanted)}, got {errors.shape_text(target.shp)}")
    if target.dt is not int64 and target.dt is not uint8:
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dt.title}")
    classes = shape[1 if dims > 1 else 0]
    if weight is not None and weight.shp != (classes,):
        raise RuntimeError(
            "weight tensor should be defined either for all or no classes" if len(weight.shp) != 1 else
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: "
            f"{errors.shape_text(weight.shp)}"
        )  # fmt: skip


def nll(x: Tensor, target: Tensor, weight: Any, code: int, ignore_index: int) -> Tensor:
    """Negative log likelihood with the reduction as a number."""
    check_target(target, "nll_loss")
    check_classes(x, target, weight)
    if x.dt.category != FLOATING:
        raise errors.not_implemented("nll_loss_out_frame", x.dt)
    if weight is not None and weight.dt is not x.dt:
        raise RuntimeError(f"expected scalar type {x.dt.title} but found {weight.dt.title}")
    where = target.reshape(()) if len(x.shp) == 1 else target
    pick = Pick(x, where, weight, code, ignore_index)
    inputs: list[TensorBase] = [x, target] if weight is None else [x, target, weight.detach()]
    if len(x.shp) > 2:
        return general_many(NllLoss2DBackward0(pick, ignore_index, weight is not None), inputs)[0]
    return general_many(NllLossBackward0(pick, ignore_index, weight is not None), inputs)[0]


def nll_loss(
    self: Tensor,
    target: Tensor,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: Any = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood: minus the element of ``self`` at the target's class, reduced.

    Args:
        self: log probabilities of shape (classes,), (rows, classes) or (rows, classes, ...).
        target: int64 classes of shape (), (rows,) or (rows, ...).
        weight: factor per class; the mean is relative to the sum of the targets' weights.
        ignore_index: targets of this value do not count.

    Gradient:
        -weight at the targets, 0 elsewhere.

    Raises:
        ValueError: for shapes that do not fit.
        IndexError: for classes that do not exist.

    Variants: nn
    """
    code = reduction_code(legacy_reduction(size_average, reduce, reduction))
    return nll(self, target, weight, code, int(ignore_index))


def cross_entropy(
    self: Tensor,
    target: Tensor,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: Any = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: Any = 0.0,
) -> Tensor:
    """Cross entropy of softmax(self) and the target: classes, or probabilities of the shape of ``self``; reduced.

    Args:
        self: logits of shape (classes,), (rows, classes) or (rows, classes, ...).
        target: int64 classes (rows, ...) or probabilities (rows, classes, ...).
        weight: factor per class.
        ignore_index: class targets of this value do not count.
        label_smoothing: share of the uniform distribution mixed into the target, in [0, 1].

    Gradient:
        softmax(self) - target, times the weights.

    Raises:
        RuntimeError: for ``label_smoothing`` out of range.

    Variants: nn
    """
    code = reduction_code(legacy_reduction(size_average, reduce, reduction))
    check_target(target, "cross_entropy_loss")
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    dim = 0 if len(self.shp) == 1 else 1
    if self.shp == target.shp:
        return cross_entropy_of_probabilities(self, target, weight, code, float(label_smoothing), dim, ignore_index)
    logs = self.log_softmax(dim)
    picked = nll(logs, target, weight, code, int(ignore_index))
    if not label_smoothing:
        return picked
    spread = smoothing_loss(logs, target, weight, code, int(ignore_index), dim)
    share = float(label_smoothing)
    mixed: Tensor = picked * (1 - share) + spread * (share / self.shp[dim])
    return mixed


def smoothing_loss(logs: Tensor, target: Tensor, weight: Any, code: int, ignore_index: int, dim: int) -> Tensor:
    """Cross entropy with the sum over all classes as target."""
    shape = [-1 if i == dim else 1 for i in range(len(logs.shp))]
    loss = -(logs if weight is None else logs * weight.reshape(shape)).sum(dim)
    ignored = target.reshape(loss.shp) == ignore_index
    loss = loss.masked_fill(ignored, 0)
    if code != MEAN:
        return loss if code == NONE else loss.sum()
    if weight is None:
        return loss.sum() / ignored.logical_not().sum()
    index = np.where(ignored.array, 0, target.reshape(loss.shp).array)
    total = np.sum(np.where(ignored.array, 0, np.asarray(weight.array)[index]))
    smoothed: Tensor = loss.sum() / float(total)
    return smoothed


def cross_entropy_of_probabilities(
    x: Tensor, target: Tensor, weight: Any, code: int, label_smoothing: float, dim: int, ignore_index: Any
) -> Tensor:
    """Cross entropy with a distribution per row as target."""
    if target.dt.category != FLOATING:
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {target.dt.title}")
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    logs = x.log_softmax(dim)
    classes = x.shp[dim]
    if label_smoothing > 0:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    if weight is not None:
        logs = logs * weight.reshape([-1 if i == dim else 1 for i in range(len(x.shp))])
    if code == NONE:
        return -(logs * target).sum(dim)
    total = -(logs * target).sum()
    return total if code == SUM else unary(DivBackward1(x.numel() / classes), total)
