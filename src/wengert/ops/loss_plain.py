"""The losses as functions of the package itself: as in ``nn.functional``, with the reduction as a number.

0 stands for no reduction, which is what PyTorch does unless told otherwise, 1 for the mean, 2 for the sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._record.common import int_of
from . import loss, loss_margin

if TYPE_CHECKING:
    from .._tensor import Tensor

WORDS: Final = ("none", "mean", "sum")


def word(reduction: Any) -> str:
    """The reduction that a number stands for.

    Raises:
        ValueError: for other numbers.
    """
    code = int_of(reduction, "reduction")
    if not 0 <= code <= 2:
        raise ValueError(f"{code} is not a valid value for reduction")
    return WORDS[code]


def plain_binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Any = None, pos_weight: Any = None, reduction: Any = 0
) -> Tensor:
    """Binary cross entropy of sigmoid(input) and the target; see ``nn.functional``.

    Variants: function
    Name: binary_cross_entropy_with_logits
    """
    return loss.binary_cross_entropy_with_logits(input, target, weight, None, None, word(reduction), pos_weight)


def plain_cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: Any = 0.0, reduction: Any = 0
) -> Tensor:
    """1 - cos for targets 1, max(cos - margin, 0) for targets -1; see ``nn.functional``.

    Variants: function
    Name: cosine_embedding_loss
    """
    return loss_margin.cosine_embedding_loss(input1, input2, target, margin, None, None, word(reduction))


def plain_hinge_embedding_loss(input: Tensor, target: Tensor, margin: Any = 1.0, reduction: Any = 0) -> Tensor:
    """``input`` where the target is 1, max(margin - input, 0) where it is -1; see ``nn.functional``.

    Variants: function
    Name: hinge_embedding_loss
    """
    return loss_margin.hinge_embedding_loss(input, target, margin, None, None, word(reduction))


def plain_margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: Any = 0.0, reduction: Any = 0
) -> Tensor:
    """max(-target (input1 - input2) + margin, 0); see ``nn.functional``.

    Variants: function
    Name: margin_ranking_loss
    """
    return loss_margin.margin_ranking_loss(input1, input2, target, margin, None, None, word(reduction))


def plain_triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: Any = 1.0,
    p: Any = 2,
    eps: Any = 1e-6,
    swap: bool = False,
    reduction: Any = 0,
) -> Tensor:
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0); see ``nn.functional``.

    Variants: function
    Name: triplet_margin_loss
    """
    return loss_margin.triplet_margin_loss(
        anchor, positive, negative, margin, p, eps, swap, None, None, word(reduction)
    )


def plain_poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: Any, reduction: Any
) -> Tensor:
    """Negative log likelihood of Poisson counts; see ``nn.functional``.

    Variants: function
    Name: poisson_nll_loss
    """
    return loss_margin.poisson_nll_loss(input, target, log_input, full, None, eps, None, word(reduction))
