"""Losses: the losses of the elements, reduced within each sample."""

from __future__ import annotations

from typing import Any, Final

from ..._core.tensor_base import TensorBase
from .._batched import Batch
from .._dispatch import Rule, call_name, each_sample, operator, rule
from .pointwise import aligned


def summed_up(loss: Any, reduction: str) -> Any:
    """Losses of the elements of a sample, reduced."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return loss


def matched(batch: Batch, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Operands of one shape where the samples have one: losses warn of others."""
    if len({a.shp for a in args[:2] if isinstance(a, TensorBase)}) > 1 or not any(batch.has(a) for a in args[:2]):
        return aligned(batch, args, kwargs)
    rest, named = aligned(batch, args, kwargs)
    return [*(batch.full(a) for a in args[:2]), *rest[2:]], named


@rule("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss", "binary_cross_entropy",
      "nn.binary_cross_entropy_with_logits", "nn.hinge_embedding_loss", "nn.margin_ranking_loss", "nn.poisson_nll_loss",
      "gaussian_nll_loss")  # fmt: skip
def elementwise_loss(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """Element by element, reduced afterwards."""
    reduction = kwargs.pop("reduction", "mean")
    operands, named = matched(batch, args, kwargs)
    return summed_up(batch.wrap(call(*operands, **named, reduction="none")), reduction)


@rule("nn.kl_div")
def kl_div(batch: Batch, call: Rule, input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
    """``batchmean`` divides by the sample's own first dimension."""
    reduction = kwargs.pop("reduction", "mean")
    operands, _ = matched(batch, (input, target), {})
    loss = batch.wrap(call(*operands, *args, **kwargs, reduction="none"))
    return loss.sum() / input.shp[0] if reduction == "batchmean" else summed_up(loss, reduction)


@rule("nll_loss", "cross_entropy")
def class_loss(batch: Batch, call: Rule, input: Any, target: Any, weight: Any = None, *args: Any,
               ignore_index: int = -100, reduction: str = "mean", **kwargs: Any) -> Any:  # fmt: skip
    """The batch is folded into the operator's own; the mean is weighted within each sample."""
    if args or batch.has(weight):
        kwargs.update(ignore_index=ignore_index, reduction=reduction)
        return each_sample(batch, call_name(call), call, (input, target, weight, *args), kwargs)
    x, t = batch.full(input), batch.full(target)
    single = len(input.shp) == 1
    if not single:
        x = x.reshape(-1, *x.shp[2:])
        t = t.reshape(-1, *t.shp[2:])
    if target.dt.category < 2:
        kwargs["ignore_index"] = ignore_index
    loss = call(x, t, weight, reduction="none", **kwargs)
    loss = batch.wrap(loss if single else loss.reshape(batch.size, -1, *loss.shp[1:]))
    if reduction != "mean" or target.dt.category >= 2:
        if reduction == "mean":
            return loss.sum() / (1 if single else loss.numel())
        return summed_up(loss, reduction)
    counted = target != ignore_index
    if weight is None:
        return loss.sum() / counted.sum()
    share = weight[operator("where")(counted, target, 0)]
    return loss.sum() / (share * counted).sum()


@rule("multi_margin_loss", "multilabel_margin_loss", "nn.ctc_loss")
def sample_loss(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """Sample by sample."""
    return each_sample(batch, call_name(call), call, args, kwargs)


@rule("multilabel_soft_margin_loss")
def multilabel_soft_margin_loss(batch: Batch, call: Rule, input: Any, target: Any, weight: Any = None, *,
                                reduction: str = "mean") -> Any:  # fmt: skip
    """The mean over the classes, reduced."""
    logsigmoid = operator("logsigmoid")
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    return summed_up((loss if weight is None else loss * weight).mean(-1), reduction)


@rule("nn.cosine_embedding_loss")
def cosine_embedding_loss(batch: Batch, call: Rule, input1: Any, input2: Any, target: Any, margin: float = 0,
                          *, reduction: str = "mean") -> Any:  # fmt: skip
    """``1 - cos`` for pairs that belong together, ``max(0, cos - margin)`` for others."""
    dot = (input1 * input2).sum(-1)
    norms = ((input1 * input1).sum(-1) + 1e-12) * ((input2 * input2).sum(-1) + 1e-12)
    cos = dot / norms.sqrt()
    where = operator("where")
    loss = where(target == 1, 1 - cos, 0) + where(target == -1, (cos - margin).clamp_min(0), 0)
    return summed_up(loss, reduction)


@rule("nn.triplet_margin_loss")
def triplet_margin_loss(batch: Batch, call: Rule, anchor: Any, positive: Any, negative: Any, margin: float = 1.0,
                        p: float = 2, eps: float = 1e-6, swap: bool = False, *, reduction: str = "mean") -> Any:  # fmt: skip
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)``."""
    distance = operator("pairwise_distance")
    near, far = distance(anchor, positive, p, eps), distance(anchor, negative, p, eps)
    far = operator("minimum")(far, distance(positive, negative, p, eps)) if swap else far
    return summed_up((near - far + margin).clamp_min(0), reduction)


REDUCTIONS: Final = ("none", "mean", "sum")
NUMBERED: Final = {
    "kl_div": "reduction",
    "binary_cross_entropy_with_logits": "weight pos_weight reduction",
    "hinge_embedding_loss": "margin reduction",
    "margin_ranking_loss": "target margin reduction",
    "poisson_nll_loss": "log_input full eps reduction",
    "cosine_embedding_loss": "target margin reduction",
    "triplet_margin_loss": "negative margin p eps swap reduction",
    "ctc_loss": "input_lengths target_lengths blank reduction zero_infinity",
}
"""Functions of the main namespace that have the reduction as a number, with their parameters after the first two."""


@rule(*NUMBERED)
def numbered_loss(batch: Batch, call: Rule, first: Any, second: Any, *args: Any, **kwargs: Any) -> Any:
    """As the function of ``nn.functional``."""
    name = call_name(call)
    given = {**dict(zip(NUMBERED[name].split(), args, strict=False)), **kwargs}
    reduction = REDUCTIONS[int(given.pop("reduction", 0))]
    return operator(f"nn.{name}")(first, second, **given, reduction=reduction)
