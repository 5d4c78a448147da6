"""Margin losses of classes: every class should score below the target, or the targets, by a margin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, int64
from .._core.tensor_base import TensorBase
from .._record.common import make, untracked
from .._record.general import General, general, general_many
from ..kernels import bulk, counting
from ..kernels.blocks import BLOCK
from .loss import MEAN, NONE, check_target, legacy_reduction, reduction_code

if TYPE_CHECKING:
    from .._tensor import Tensor


ALL: Final = slice(None)


class RowLoss(General):
    """Base of losses that sum a function of the scores of each row.

    Attributes:
        rows: (rows, classes), the shape in which the scores are seen.
        reduction: 0 for none, 1 for the mean, 2 for the sum.
        block: how many scores are worked on at once.
    """

    block: int = BLOCK
    rows: tuple[int, int] = (0, 0)
    reduction: int = NONE

    def input_names(self) -> list[str]:
        return ["self", "target"]

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def slopes(self, x: Tensor, others: list[Tensor], rows: Any) -> Tensor:
        """Derivative of each row's loss with respect to its scores ``x``, for some rows (a slice); ``others``: further inputs."""
        raise NotImplementedError

    def row_blocks(self) -> list[Any]:
        """Slices of rows that have about ``block`` scores together."""
        step = max(1, self.block // max(1, self.rows[1]))
        return [slice(start, start + step) for start in range(0, self.rows[0], step)]

    def share(self) -> float:
        """What each row's loss counts in the result."""
        return 1.0 / self.rows[0] if self.reduction == MEAN and self.rows[0] > 0 else 1.0

    def finished(self, loss: Any, shape: tuple[int, ...]) -> Any:
        """The losses of all rows, reduced."""
        if self.reduction == NONE:
            return loss.reshape(shape)
        total = np.sum(loss, dtype=loss.dtype)
        return total / loss.dtype.type(max(loss.size, 1)) if self.reduction == MEAN else total

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        x = self.tensor("self")
        others = [self.tensor(name) for name in self.input_names()[1:]]
        each = grad.reshape((-1, 1)) * self.share() if x.array.size > 0 else grad.reshape((-1, 1))
        if not (untracked(grad) and untracked(x)):
            return [(self.slopes(x.reshape(self.rows), others, ALL) * each).reshape(x.shp)]
        scores = x.array.reshape(self.rows)
        found = np.empty(self.rows, x.dt.np)
        for rows in self.row_blocks():
            share = each.array if self.reduction != NONE else each.array[rows]
            np.multiply(self.slopes(make(scores[rows]), others, rows).array, share, out=found[rows])
        return [make(found.reshape(x.shp))]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        change = (self.slopes(inputs[0].reshape(self.rows), inputs[1:], ALL) * tangent.reshape(self.rows)).sum(1)
        found = change.reshape(results[0].shp) if self.reduction == NONE else change.sum() * self.share()
        return [found, *[None for _ in results[1:]]]


class MultiMarginLossBackward0(RowLoss):
    """Sum of w max(margin - x[target] + x[j], 0)**p over the other classes j, divided by the number of classes."""

    def __init__(self, p: int, margin: Any, reduction: int, rows: tuple[int, int], weighted: bool) -> None:
        self.p: int = p
        self.margin: Any = margin
        self.reduction: int = reduction
        self.rows: tuple[int, int] = rows
        self.weighted: bool = weighted

    def input_names(self) -> list[str]:
        return ["self", "target", "weight"] if self.weighted else ["self", "target"]

    def saves(self) -> list[str]:
        return self.input_names()

    def saved_names(self) -> list[str]:
        return [*self.parameters(), "self", "target", "weight"]

    def parameters(self) -> dict[str, Any]:
        return {"margin": self.margin, "p": self.p, "reduction": self.reduction}

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0].reshape(self.rows)
        target = np.reshape(arrays[1], (-1, 1))
        loss = np.empty(self.rows[0], x.dtype)
        for rows in self.row_blocks():
            part, at = x[rows], target[rows]
            gap = part - np.take_along_axis(part, at, 1)
            gap += x.dtype.type(self.margin)
            np.maximum(gap, 0, out=gap)
            np.put_along_axis(gap, at, 0, 1)
            if self.p == 2:
                gap *= gap
            np.sum(gap, axis=1, dtype=x.dtype, out=loss[rows])
        loss /= x.dtype.type(self.rows[1])
        if self.weighted:
            loss *= arrays[2][target[:, 0]]
        return self.finished(loss, np.shape(arrays[1]))

    def slopes(self, x: Tensor, others: list[Tensor], rows: Any) -> Tensor:
        target = np.reshape(others[0].array, (-1, 1))[rows]
        place = np.zeros(x.shp, x.dt.np)
        np.put_along_axis(place, target, 1, 1)
        gap = x - x.gather(1, make(target)) + self.margin
        active = ((gap.array > 0) & (place == 0)).astype(x.dt.np) / self.rows[1]
        if self.weighted:
            active = active * others[1].array[target]
        steps = make(active.astype(x.dt.np)) if self.p == 1 else gap * make((2 * active).astype(x.dt.np))
        found: Tensor = steps - make(place) * steps.sum(1, True)
        return found


class MultilabelMarginLossBackward0(RowLoss):
    """Sum of max(1 - (x[t] - x[j]), 0) over targets t and other classes j, divided by the number of classes."""

    block: int = BLOCK // 4  # with many temporaries

    def __init__(self, reduction: int, rows: tuple[int, int]) -> None:
        self.reduction: int = reduction
        self.rows: tuple[int, int] = rows

    def output_names(self) -> list[str]:
        return ["output", "is_target"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False]

    def saves(self) -> list[str]:
        return ["self", "target", "is_target"]

    def parameters(self) -> dict[str, Any]:
        return {"reduction": self.reduction}

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0].reshape(self.rows)
        target = np.reshape(arrays[1], self.rows)
        chosen = np.zeros(self.rows, x.dtype)
        loss = np.zeros(self.rows[0], x.dtype)
        for rows in self.row_blocks():
            self.add_up(x[rows], target[rows], chosen[rows], loss[rows], np.zeros(x[rows].shape, x.dtype))
        shape = np.shape(arrays[0])[:-1]
        return [self.finished(loss, shape), chosen.reshape(np.shape(arrays[1]))]

    def add_up(self, x: Any, target: Any, chosen: Any, loss: Any, slope: Any) -> None:
        """Fill in which classes are targets, the losses and their slopes, of some rows."""
        if bulk.handles(x):
            counting.label_margins(x, target, chosen, loss, slope)
            return
        # The list of targets ends at the first -1.
        known = np.cumprod(target >= 0, axis=1).astype(bool)
        place = np.where(known, target, 0)
        np.maximum.at(chosen, (np.arange(len(x))[:, None], place), known.astype(x.dtype))
        longest = int(known.sum(1).max(initial=0))
        for k in range(longest):
            at = place[:, k : k + 1]
            gap = 1 - np.take_along_axis(x, at, 1) + x
            active = (gap > 0) & (chosen == 0) & known[:, k : k + 1]
            loss += np.sum(np.where(active, gap, 0), axis=1, dtype=x.dtype)
            slope += active
            held = np.take_along_axis(slope, at, 1)
            np.put_along_axis(slope, at, held - np.sum(active, axis=1, keepdims=True), 1)
        loss /= x.dtype.type(self.rows[1])
        slope /= x.dtype.type(self.rows[1])

    def slopes(self, x: Tensor, others: list[Tensor], rows: Any) -> Tensor:
        shape = tuple(x.shp)
        slope, chosen, loss = np.zeros(shape, x.dt.np), np.zeros(shape, x.dt.np), np.zeros(shape[:1], x.dt.np)
        self.add_up(x.array, np.reshape(others[0].array, self.rows)[rows], chosen, loss, slope)
        return make(slope)


def rows_of(x: TensorBase) -> tuple[int, int]:
    """Rows and classes of scores."""
    dims = len(x.shp)
    if dims > 2 or (dims > 0 and x.shp[-1] == 0):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {errors.shape_text(x.shp)}"
        )
    if dims == 0:
        return (1, 1)
    return (1, x.shp[0]) if dims == 1 else (x.shp[0], x.shp[1])


def multi_margin_loss(
    self: Tensor,
    target: Tensor,
    p: Any = 1,
    margin: Any = 1.0,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Mean over the classes j other than the target of max(margin - self[target] + self[j], 0)**p, reduced.

    Args:
        self: scores of shape (rows, classes) or (classes,).
        target: int64 classes of shape (rows,) or ().
        p: 1 or 2.
        weight: factor per class of the target.

    Gradient:
        At a kink, where a difference is the margin, that of the flat side.

    Raises:
        ValueError: for other ``p``.
        RuntimeError: for shapes that do not fit, or classes that do not exist.

    Variants: nn
    """
    code = reduction_code(legacy_reduction(size_average, reduce, reduction))
    check_target(target, "multi_margin_loss")
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and len(weight.shp) != 1:
        raise ValueError("weight must be one-dimensional")
    rows = rows_of(self)
    if len(target.shp) > 1 or target.array.size != rows[0]:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
            f"Expected target size [{rows[0]}], but got {errors.shape_text(target.shp)}. Input has shape "
            f"{errors.shape_text(self.shp)}."
        )
    if weight is not None and weight.shp[0] != rows[1]:
        raise RuntimeError(f"inconsistent weight size, expected {rows[1]} but got {errors.shape_text(weight.shp)}")
    check_kinds(self, target, "multi_margin_loss_cpu_kernel")
    if weight is not None and weight.dt is not self.dt:
        raise RuntimeError(f"expected scalar type {self.dt.title} but found {weight.dt.title}")
    index = np.asarray(target.array)
    if not counting.are_between(index, 0, rows[1]):
        raise RuntimeError(errors.with_hints("target out of range", f"there are {rows[1]} classes"))
    inputs: list[TensorBase] = [self, target] if weight is None else [self, target, weight.detach()]
    return general(MultiMarginLossBackward0(int(p), margin, code, rows, weight is not None), inputs)


def check_kinds(x: TensorBase, target: TensorBase, kernel: str) -> None:
    """Scores are floating, targets int64."""
    if x.dt.category != FLOATING:
        raise errors.not_implemented(kernel, x.dt)
    if target.dt is not int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dt.title}")


def multilabel_margin_loss(
    self: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """Sum over targets t and other classes j of max(1 - (self[t] - self[j]), 0), divided by the classes; reduced.

    Args:
        self: scores of shape (rows, classes) or (classes,).
        target: int64 classes, of the same shape: each row's targets, ended by -1.

    Raises:
        RuntimeError: for shapes that do not fit, or classes that do not exist.

    Variants: nn
    """
    code = reduction_code(legacy_reduction(size_average, reduce, reduction))
    check_target(target, "multilabel_margin_loss")
    rows = rows_of(self)
    if target.shp != self.shp:
        raise RuntimeError(
            f"inconsistent target size: {errors.shape_text(target.shp)} for input of size: {errors.shape_text(self.shp)}"
        )
    check_kinds(self, target, "multilabel_margin_loss_forward_out_frame")
    index = np.asarray(target.array)
    if not counting.are_between(index, -1, rows[1]):
        raise RuntimeError(
            errors.with_hints("argument #2 'target' is out of range", f"there are {rows[1]} classes; -1 ends a list")
        )
    return general_many(MultilabelMarginLossBackward0(code, rows), [self, target])[0]
