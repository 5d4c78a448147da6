"""Losses made of other operators: divergences, Poisson and normal likelihoods, margins between scores."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from .._core import errors
from .._core.tensor_base import TensorBase
from .._record.common import is_number
from .activation_smooth import logsigmoid
from .loss import check_target, legacy_reduction, reduced
from .norm import pairwise_distance
from .shape import unsqueeze
from .similarity import at_least
from .special_pairs import xlogy

if TYPE_CHECKING:
    from .._tensor import Tensor

KL_MEAN: str = (
    "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only by the "
    "batch size, and aligns with the KL div math definition.'mean' will be changed to behave the same as 'batchmean' in the "
    "next major release."
)


def kl_div(
    self: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence target (log(target) - self), reduced.

    Args:
        self: log probabilities.
        target: probabilities, or their logarithms with ``log_target``.
        reduction: ``"batchmean"`` (the mathematical definition), ``"mean"``, ``"sum"`` or ``"none"``.

    Gradient:
        -target for ``self``, log(target) + 1 - self for ``target``.

    Variants: nn
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_target(target, "kl_div")
    if reduction == "mean":
        warnings.warn(KL_MEAN, UserWarning, stacklevel=3)
    loss = target.exp() * (target - self) if log_target else xlogy(target, target) - target * self
    if reduction == "batchmean":
        total = loss.sum()
        return total / self.shp[0] if len(self.shp) > 0 else total
    return reduced(loss, reduction)


def plain_kl_div(self: Tensor, target: Tensor, reduction: Any = 0, *, log_target: bool = False) -> Tensor:
    """Kullback-Leibler divergence with the reduction as a number: 0 for none, 1 for the mean, 2 for the sum.

    Variants: function
    Name: kl_div
    """
    loss = target.exp() * (target - self) if log_target else xlogy(target, target) - target * self
    return reduced(loss, ("none", "mean", "sum")[reduction])


def poisson_nll_loss(
    self: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: Any = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of Poisson counts, reduced.

    Args:
        self: logarithms of the rates, or the rates unless ``log_input``.
        target: counts.
        full: add Stirling's approximation of log(target!) for counts above 1.
        eps: added to rates before their logarithm.

    Variants: nn
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_target(target, "poisson_nll_loss")
    loss = self.exp() - target * self if log_input else self - target * (self + eps).log()
    if full:
        stirling = target * target.log() - target + (target * (2 * math.pi)).log() * 0.5
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    self: Tensor, target: Tensor, var: Any, full: bool = False, eps: Any = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Negative log likelihood of normal values, (log(var) + (self - target)**2 / var) / 2, reduced.

    Args:
        self: means.
        target: values.
        var: variances (number or tensor), not negative; those below ``eps`` count as ``eps``.
        full: add log(2 pi) / 2.

    Raises:
        ValueError: for negative variances or shapes that do not fit.

    Variants: nn
    """
    check_target(target, "gaussian_nll_loss")
    if is_number(var):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = self.new_full(self.shp, var)
    if not isinstance(var, TensorBase):
        raise errors.argument_type("gaussian_nll_loss", "var", 3, "Tensor", var)
    if var.shp != self.shp:
        if self.shp[:-1] == var.shp:
            var = unsqueeze(var, -1)  # type: ignore[arg-type]
        elif self.shp[:-1] != var.shp[:-1] or var.shp[-1] != 1:
            raise ValueError("var is of incorrect size")
    if bool((var.array < 0).any()):
        raise ValueError("var has negative entry/entries")
    variance = at_least(var, eps)
    loss = (variance.log() + (self - target) ** 2 / variance) * 0.5
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


def hinge_embedding_loss(
    self: Tensor,
    target: Tensor,
    margin: Any = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """``self`` where the target is 1, max(margin - self, 0) where it is -1, reduced.

    Variants: nn
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_target(target, "hinge_embedding_loss")
    far = (margin - self).clamp_min(0).masked_fill(target == 1, 0)
    return reduced(far + self.masked_fill(target == -1, 0), reduction)


def margin_ranking_loss(
    self: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: Any = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """max(-target (self - input2) + margin, 0), reduced: 0 where the scores are in the target's order by the margin.

    Raises:
        RuntimeError: for different numbers of dimensions.

    Variants: nn
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if len(self.shp) != len(input2.shp) or len(self.shp) != len(target.shp):
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: torch.Size({errors.shape_text(self.shp)}), input2: torch.Size({errors.shape_text(input2.shp)}), "
            f"target: torch.Size({errors.shape_text(target.shp)}) "
        )
    return reduced((-target * (self - input2) + margin).clamp_min(0), reduction)


def cosine_embedding_loss(
    self: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: Any = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos for targets 1, max(cos - margin, 0) for targets -1, reduced; cos is that of the angle between the rows.

    Raises:
        RuntimeError: for shapes that do not fit.

    Variants: nn
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    dims = len(target.shp)
    if dims not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if len(self.shp) != dims + 1 or len(input2.shp) != dims + 1:
        raise RuntimeError(
            f"{dims}D target tensor expects {dims + 1}D input tensors, but found inputs with sizes "
            f"{errors.shape_text(self.shp)} and {errors.shape_text(input2.shp)}."
        )
    product = (self * input2).sum(dims)
    # PyTorch's guard against norms of 0.
    size = (((self * self).sum(dims) + 1e-12) * ((input2 * input2).sum(dims) + 1e-12)).sqrt()
    cosine = product / size
    near = (1 - cosine).masked_fill(target != 1, 0)
    far = (cosine - margin).clamp_min(0).masked_fill(target != -1, 0)
    return reduced(near + far, reduction)


def triplet_margin_loss(
    self: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: Any = 1.0,
    p: Any = 2,
    eps: Any = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """max(d(self, positive) - d(self, negative) + margin, 0) with d the p-norm of the difference, reduced.

    Args:
        self: anchors, of shape (rows, features).
        positive, negative: examples to be near to and far from the anchors.
        swap: take the distance of ``positive`` and ``negative`` where it is smaller than that of the anchor.

    Raises:
        RuntimeError: unless ``margin`` is positive.

    Source: Schroff et al. 2015, equation 3; Balntas et al. 2016 for ``swap``.

    Variants: nn
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if margin <= 0:
        raise RuntimeError(f"margin must be greater than 0, got {margin}")
    dims = [len(t.shp) for t in (self, positive, negative)]
    if dims[1] != dims[0] or dims[2] != dims[0]:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor "
            f"{dims[0]}D, positive {dims[1]}D, and negative {dims[2]}D inputs"
        )
    near = pairwise_distance(self, positive, p, eps)
    far = pairwise_distance(self, negative, p, eps)
    if swap:
        far = far.minimum(pairwise_distance(positive, negative, p, eps))
    return reduced((near - far + margin).clamp_min(0), reduction)


def multilabel_soft_margin_loss(
    self: Tensor,
    target: Tensor,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Mean over the classes of the binary cross entropy of sigmoid(self), reduced.

    Variants: nn
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_target(target, "multilabel_soft_margin_loss")
    loss = -(target * logsigmoid(self) + (1 - target) * logsigmoid(-self))
    if weight is not None:
        loss = loss * weight
    dim = len(self.shp) - 1
    return reduced(loss.sum(dim) / self.shp[dim], reduction)
