"""Losses that compare elements of input and target: squared, absolute, Huber, binary cross entropy, soft margin."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, Size
from .._core.tensor_base import TensorBase
from .._record.common import broadcast_size, converted, make, quiet, result_type
from .._record.general import General, general
from .._record.unary import unary
from ..kernels import pairs
from ..kernels.pairs import LOG_FLOOR
from .activation import HardtanhBackward0

if TYPE_CHECKING:
    from .._tensor import Tensor

NONE: Final = 0
MEAN: Final = 1
SUM: Final = 2
SIZE_WARNING: Final = (
    "Using a target size ({}) that is different to the input size ({}). This will likely lead to incorrect results due to "
    "broadcasting. Please ensure they have the same size."
)


def legacy_reduction(size_average: Any, reduce: Any, reduction: str) -> str:
    """The reduction that the deprecated flags ``size_average`` and ``reduce`` stand for, where they are given."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is not None and not reduce:
        found = "none"
    else:
        found = "mean" if size_average is None or size_average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{found}' instead.",
        UserWarning,
        stacklevel=4,
    )
    return found


def reduction_code(reduction: str) -> int:
    """0, 1 or 2 for ``none``, ``mean``, ``sum``.

    Raises:
        ValueError: for other words.
    """
    if reduction == "mean":
        return MEAN
    if reduction == "sum":
        return SUM
    if reduction == "none":
        return NONE
    raise ValueError(f"{reduction} is not a valid value for reduction")


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """Mean or sum of the losses, or all of them."""
    code = reduction_code(reduction)
    if code == NONE:
        return loss
    return loss.mean() if code == MEAN else loss.sum()


class PairLoss(General):
    """Base of losses of input and target. A subclass states the loss of one pair and its slopes."""

    def __init__(self, reduction: int, count: int) -> None:
        self.reduction: int = reduction
        self.count: int = count

    def pointwise(self, x: Any, t: Any) -> Any:
        """Loss of each pair, for arrays."""
        kernels, numbers = self.kernels()
        return kernels.term(x, t, *numbers)

    def kernels(self) -> tuple[Any, tuple[float, ...]]:
        """The kernels of the loss (None where it has none) and its own numbers."""
        return None, ()

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        """Derivative of the loss of each pair with respect to the input."""
        raise NotImplementedError

    def target_slope(self, x: Tensor, t: Tensor) -> Tensor:
        """Derivative with respect to the target: the opposite, where the loss is a function of the difference."""
        return -self.slope(x, t)

    def input_names(self) -> list[str]:
        return ["self", "target"]

    def saves(self) -> list[str]:
        return self.input_names()

    def parameters(self) -> dict[str, Any]:
        return {"reduction": self.reduction}

    def check(self, x: Any) -> None:
        """Refuse inputs out of the range of the loss."""

    def forward(self, arrays: list[Any]) -> Any:
        x, t = arrays[0], arrays[1]
        self.check(x)
        kernels, numbers = self.kernels()
        if kernels is not None and self.reduction != NONE and x.size > 0 and x.ndim == t.ndim > 0:
            total = kernels.total(x.ndim, x, t, *numbers).reshape(())[()]
            return total if self.reduction == SUM else total / x.dtype.type(self.count)
        loss = self.pointwise(x, t)
        if self.reduction == NONE:
            return loss
        total = np.sum(loss, dtype=loss.dtype)
        return total if self.reduction == SUM else total / loss.dtype.type(self.count)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        x = self.tensor("self")
        t = self.tensor("target")
        if quiet(grad) and x.dt is t.dt is grad.dt:
            kernels, numbers = self.kernels()
            if kernels is not None:
                return self.slopes(kernels, numbers, grad.array, x.array, t.array)
        share = grad / max(self.count, 1) if self.reduction == MEAN else grad
        found: list[Tensor | None] = [
            self.slope(x, t) * share if self.wanted(0) else None,
            self.target_slope(x, t) * share if self.wanted(1) else None,
        ]
        return found + [None] * (self.arity - 2)

    def slopes(self, kernels: Any, numbers: tuple[float, ...], grad: Any, x: Any, t: Any) -> list[Tensor | None]:
        """``backward`` for arrays."""
        share = grad if self.reduction == NONE else float(grad)
        if self.reduction == MEAN:
            share /= max(self.count, 1)
        found: list[Tensor | None] = [
            make(kernels.slope(share, x, t, *numbers)) if self.wanted(0) else None,
            make(kernels.target_slope(share, x, t, *numbers)) if self.wanted(1) else None,
        ]
        return found + [None] * (self.arity - 2)

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        x, t = inputs[0], inputs[1]
        total: Tensor | None = None
        if tangents[0] is not None:
            total = self.slope(x, t) * tangents[0]
        if tangents[1] is not None:
            part = self.target_slope(x, t) * tangents[1]
            total = part if total is None else total + part
        assert total is not None
        if self.reduction == NONE:
            return [total]
        return [total.sum() if self.reduction == SUM else total.sum() / self.count]


class MseLossBackward0(PairLoss):
    """Squared difference.  d = 2 (input - target)."""

    def kernels(self) -> tuple[Any, tuple[float, ...]]:
        return pairs.SQUARE, ()

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        return (x - t) * 2


class SmoothL1LossBackward0(PairLoss):
    """difference**2 / (2 beta) below ``beta``, |difference| - beta/2 above."""

    def __init__(self, reduction: int, count: int, beta: Any) -> None:
        super().__init__(reduction, count)
        self.beta: Any = beta

    def kernels(self) -> tuple[Any, tuple[float, ...]]:
        return pairs.SMOOTH, (float(self.beta),)

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        return unary(HardtanhBackward0(-1, 1), (x - t) / self.beta)

    def parameters(self) -> dict[str, Any]:
        return {"beta": self.beta, "reduction": self.reduction}


class HuberLossBackward0(PairLoss):
    """difference**2 / 2 up to ``delta``, delta (|difference| - delta/2) above."""

    def __init__(self, reduction: int, count: int, delta: Any) -> None:
        super().__init__(reduction, count)
        self.delta: Any = delta

    def kernels(self) -> tuple[Any, tuple[float, ...]]:
        return pairs.HUBER, (float(self.delta),)

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        return unary(HardtanhBackward0(-self.delta, self.delta), x - t)

    def parameters(self) -> dict[str, Any]:
        return {"delta": self.delta, "reduction": self.reduction}


class SoftMarginLossBackward0(PairLoss):
    """log(1 + exp(-target input))."""

    def kernels(self) -> tuple[Any, tuple[float, ...]]:
        return pairs.SOFT_MARGIN, ()

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        return -t * (-t * x).sigmoid()

    def target_slope(self, x: Tensor, t: Tensor) -> Tensor:
        return -x * (-t * x).sigmoid()


class BinaryCrossEntropyBackward0(PairLoss):
    """-target log(input) - (1 - target) log(1 - input), logarithms cut at -100, times ``weight``."""

    def __init__(self, reduction: int, count: int, weight: Any) -> None:
        super().__init__(reduction, count)
        self.weight: Any = weight

    def check(self, x: Any) -> None:
        if x.size == 0:
            return
        low, high = pairs.bounds(x.ndim, x) if x.ndim > 0 else (x, x)
        if not (low >= 0 and high <= 1):
            raise RuntimeError("all elements of input should be between 0 and 1")

    def kernels(self) -> tuple[Any, tuple[float, ...]]:
        return (pairs.ENTROPY if self.weight is None else None), ()

    def pointwise(self, x: Any, t: Any) -> Any:
        loss = pairs.ENTROPY.term(x, t)
        return loss if self.weight is None else loss * self.weight.array

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        # 1e-12 is PyTorch's guard against a division by zero.
        return self.weighted((x - t) / (x * (1 - x)).clamp_min(1e-12))

    def target_slope(self, x: Tensor, t: Tensor) -> Tensor:
        return self.weighted((1 - x).log().clamp_min(LOG_FLOOR) - x.log().clamp_min(LOG_FLOOR))

    def input_names(self) -> list[str]:
        return ["self", "target"] if self.weight is None else ["self", "target", "weight"]

    def saved_names(self) -> list[str]:
        return ["reduction", "self", "target", "weight"]

    def weighted(self, loss: Tensor) -> Tensor:
        """Times the weight, if there is one."""
        return loss if self.weight is None else loss * self.weight


class BinaryCrossEntropyWithLogitsBackward0(PairLoss):
    """Binary cross entropy of sigmoid(input), computed without overflow; ``pos_weight`` multiplies the target's term."""

    def __init__(self, reduction: int, count: int, weight: Any, pos_weight: Any) -> None:
        super().__init__(reduction, count)
        self.weight: Any = weight
        self.pos_weight: Any = pos_weight

    def kernels(self) -> tuple[Any, tuple[float, ...]]:
        return (pairs.LOGITS if self.weight is None and self.pos_weight is None else None), ()

    def pointwise(self, x: Any, t: Any) -> Any:
        rest = np.log1p(np.exp(-np.absolute(x))) + np.maximum(-x, 0)
        if self.pos_weight is not None:
            rest = rest * (1 + (self.pos_weight.array - 1) * t)
        loss = (1 - t) * x + rest
        return loss if self.weight is None else loss * self.weight.array

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        if self.pos_weight is None:
            slope = x.sigmoid() - t
        else:
            positive = self.pos_weight * t
            slope = (positive + 1 - t) * x.sigmoid() - positive
        return slope if self.weight is None else slope * self.weight

    def target_slope(self, x: Tensor, t: Tensor) -> Tensor:
        slope = -x
        if self.pos_weight is not None:
            slope = softplus(-x) * self.pos_weight - softplus(x)
        return slope if self.weight is None else slope * self.weight

    def input_names(self) -> list[str]:
        factors = ["weight"] if self.weight is not None else []
        return ["self", "target", *factors, *(["pos_weight"] if self.pos_weight is not None else [])]

    def saved_names(self) -> list[str]:
        return ["pos_weight", "reduction", "self", "target", "weight"]


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)) without overflow."""
    return x.clamp_min(0) + (-x.abs()).exp().log1p()


def check_target(target: Any, function: str) -> None:
    """Refuse a target that is no tensor."""
    if not isinstance(target, TensorBase):
        raise errors.argument_type(function, "target", 2, "Tensor", target)


def matched(x: Tensor, target: Tensor, kernel: str, warn: bool, real: bool = True) -> tuple[Tensor, Tensor]:
    """Input and target in one shape and dtype, floating if ``real``; different shapes are broadcast with a warning."""
    check_target(target, kernel)
    if x.shp != target.shp:
        if warn:
            warnings.warn(SIZE_WARNING.format(shape_name(target.shp), shape_name(x.shp)), UserWarning, stacklevel=4)
        shape = broadcast_size(x.shp, target.shp, kernel.replace("_cpu", "_loss"))
        x = x.expand(shape)
        target = target.expand(shape)
    dt = result_type([x, target])
    if real and dt.category != FLOATING:
        raise errors.not_implemented(kernel, dt)
    return converted(x, dt), converted(target, dt)


def shape_name(shape: Size) -> str:
    """A shape as the warning writes it."""
    return f"torch.Size({errors.shape_text(shape)})"


def weighted(loss: Tensor, weight: Tensor, like: Tensor) -> Tensor:
    """Losses times weights, which have the shape of the input ``like``.

    Raises:
        ValueError: for weights of another shape.
    """
    if weight.shp != like.shp:
        raise ValueError("Weights and input must have the same size.")
    return loss * weight


def weighted_mean(loss: Tensor, weight: Tensor, like: Tensor, reduction: str) -> Tensor:
    """Losses times weights, reduced; their mean is relative to the sum of the weights."""
    scaled = weighted(loss, weight, like)
    return scaled.sum() / weight.sum() if reduction_code(reduction) == MEAN else reduced(scaled, reduction)


def mse_loss(
    self: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Tensor:
    """Squared differences of ``self`` and ``target``, reduced.

    Args:
        self, target: tensors of one shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: factors for the elements; the mean is then relative to their sum.
        size_average, reduce: deprecated forms of ``reduction``.

    Gradient:
        2 (self - target), divided by the number of elements for the mean.

    Variants: nn
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    code = reduction_code(reduction)
    x, t = matched(self, target, "mse_cpu", True)
    if weight is not None:
        return weighted_mean((x - t) ** 2, weight, self, reduction)
    return general(MseLossBackward0(code, x.numel()), [x, t])


def l1_loss(
    self: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Tensor:
    """Absolute differences of ``self`` and ``target``, also complex ones, reduced; parameters as in :func:`mse_loss`.

    Gradient:
        sgn(self - target), 0 where they are equal.

    Variants: nn
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    x, t = matched(self, target, "l1_loss", True, False)
    loss = (x - t).abs()
    return reduced(loss, reduction) if weight is None else weighted_mean(loss, weight, self, reduction)


def smooth_l1_loss(
    self: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: Any = 1.0
) -> Tensor:
    """difference**2 / (2 beta) for differences below ``beta``, |difference| - beta/2 for others, reduced.

    Gradient:
        (self - target)/beta limited to [-1, 1].

    Raises:
        RuntimeError: for a negative ``beta``.

    Source: Girshick 2015, Fast R-CNN, equation 3.

    Variants: nn
    """
    if beta == 0:
        return l1_loss(self, target, size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    code = reduction_code(legacy_reduction(size_average, reduce, reduction))
    x, t = matched(self, target, "smooth_l1_cpu", True)
    return general(SmoothL1LossBackward0(code, x.numel(), float(beta)), [x, t])


def huber_loss(self: Tensor, target: Tensor, reduction: str = "mean", delta: Any = 1.0, weight: Any = None) -> Tensor:
    """difference**2 / 2 for differences up to ``delta``, delta (|difference| - delta/2) for others, reduced.

    Args:
        weight: factors for the elements; the mean stays relative to their number, unlike that of :func:`mse_loss`.

    Gradient:
        self - target limited to [-delta, delta].

    Raises:
        RuntimeError: unless ``delta`` is positive.

    Source: Huber 1964.

    Variants: nn
    """
    code = reduction_code(reduction)
    if not delta > 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    x, t = matched(self, target, "huber_cpu", True)
    if weight is not None:
        loss = general(HuberLossBackward0(NONE, x.numel(), float(delta)), [x, t])
        return reduced(weighted(loss, weight, self), reduction)
    return general(HuberLossBackward0(code, x.numel(), float(delta)), [x, t])


def soft_margin_loss(
    self: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + exp(-target self)) for targets 1 and -1, reduced.

    Gradient:
        -target sigmoid(-target self).

    Variants: nn
    """
    code = reduction_code(legacy_reduction(size_average, reduce, reduction))
    x, t = matched(self, target, "soft_margin_loss", False)
    return general(SoftMarginLossBackward0(code, x.numel()), [x, t])


def binary_cross_entropy(
    self: Tensor,
    target: Tensor,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-target log(self) - (1 - target) log(1 - self), logarithms cut at -100, reduced.

    Args:
        self: probabilities.
        target: probabilities of the same shape.
        weight: factors for the losses, broadcast; constant.

    Gradient:
        (self - target) / (self (1 - self)).

    Raises:
        ValueError: for different shapes.
        RuntimeError: for elements outside [0, 1].

    Variants: nn
    """
    code = reduction_code(legacy_reduction(size_average, reduce, reduction))
    check_target(target, "binary_cross_entropy")
    if self.shp != target.shp:
        raise ValueError(
            f"Using a target size ({shape_name(target.shp)}) that is different to the input size ({shape_name(self.shp)}) is "
            "deprecated. Please ensure they have the same size."
        )
    x, t = matched(self, target, "binary_cross_entropy", False)
    factor = None if weight is None else weight.detach().expand(x.shp)
    inputs: list[TensorBase] = [x, t] if factor is None else [x, t, factor]
    return general(BinaryCrossEntropyBackward0(code, x.numel(), factor), inputs)


def binary_cross_entropy_with_logits(
    self: Tensor,
    target: Tensor,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Tensor:
    """Binary cross entropy of sigmoid(self) and ``target``, without overflow, reduced.

    Args:
        self: logits.
        target: probabilities of the same shape.
        weight: factors for the losses, broadcast; constant.
        pos_weight: factors for the term of the target, broadcast; constant.

    Gradient:
        sigmoid(self) - target.

    Raises:
        ValueError: for different shapes.

    Variants: nn
    """
    code = reduction_code(legacy_reduction(size_average, reduce, reduction))
    check_target(target, "binary_cross_entropy_with_logits")
    if self.shp != target.shp:
        raise ValueError(
            f"Target size ({shape_name(target.shp)}) must be the same as input size ({shape_name(self.shp)})"
        )
    x, t = matched(self, target, "binary_cross_entropy_with_logits", False)
    factor = None if weight is None else weight.detach()
    positive = None if pos_weight is None else pos_weight.detach()
    inputs: list[TensorBase] = [x, t, *[w for w in (factor, positive) if w is not None]]
    return general(BinaryCrossEntropyWithLogitsBackward0(code, x.numel(), factor, positive), inputs)
