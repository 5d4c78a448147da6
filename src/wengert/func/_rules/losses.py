"""Losses: the losses of the elements, reduced within each sample."""

from __future__ import annotations

from typing import Any

from ..._core.tensor_base import TensorBase
from .._batched import Batch
from .._dispatch import Rule, call_name, operator, rule
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
      "binary_cross_entropy_with_logits", "hinge_embedding_loss", "margin_ranking_loss", "poisson_nll_loss",
      "gaussian_nll_loss")  # fmt: skip
def elementwise_loss(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """Element by element, reduced afterwards."""
    reduction = kwargs.pop("reduction", "mean")
    operands, named = matched(batch, args, kwargs)
    return summed_up(batch.wrap(call(*operands, **named, reduction="none")), reduction)


@rule("kl_div")
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
        from .._dispatch import each_sample

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


@rule("cosine_embedding_loss", "triplet_margin_loss", "multi_margin_loss", "multilabel_margin_loss",
      "multilabel_soft_margin_loss", "ctc_loss")  # fmt: skip
def sample_loss(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """Sample by sample."""
    from .._dispatch import each_sample

    return each_sample(batch, call_name(call), call, args, kwargs)
