"""Cross entropy of a linear classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import errors
from .._core.tensor_base import TensorBase
from .loss_class import cross_entropy
from .matmul_added import linear

if TYPE_CHECKING:
    from .._tensor import Tensor


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: Any = None,
    label_smoothing: Any = 0.0,
    options: Any = None,
) -> Tensor:
    """``cross_entropy(linear(input, linear_weight, linear_bias), target)``.

    Args:
        input: (rows, features) or (features,).
        linear_weight: (classes, features), or (classes, ..., features) for targets with further dimensions.
        target: classes (rows, ...), or probabilities (rows, classes, ...).
        linear_bias: of the shape of ``linear_weight`` without the features.
        weight, reduction, label_smoothing: as for ``cross_entropy``.
        ignore_index: targets of this value do not count; -100 when not given.
        options: how PyTorch divides the work into chunks; accepted, the result does not depend on it.

    Raises:
        RuntimeError: for shapes that do not fit.

    Variants: nn
    """
    check_shapes(input, linear_weight, target, linear_bias)
    rows, features, outputs = tuple(input.shp[:-1]), input.shp[-1], tuple(linear_weight.shp[:-1])
    if tuple(target.shp) == (*rows, *outputs) and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    if len(outputs) > 1:
        linear_weight = linear_weight.reshape((-1, features))
        linear_bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight, linear_bias).reshape((*rows, *outputs))
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(logits, target, weight, None, ignored, None, reduction, label_smoothing)


def check_shapes(input: Any, linear_weight: Any, target: Any, linear_bias: Any) -> None:
    """Refuse inputs, weights and biases that do not fit."""
    for i, (name, t) in enumerate((("input", input), ("linear_weight", linear_weight), ("target", target))):
        if not isinstance(t, TensorBase):
            raise errors.argument_type("linear_cross_entropy", name, i + 1, "Tensor", t)
    if len(input.shp) not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {len(input.shp)}")
    if len(linear_weight.shp) < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {len(linear_weight.shp)}")
    rows, features = tuple(input.shp[:-1]), input.shp[-1]
    outputs = tuple(linear_weight.shp[:-1])
    if features != linear_weight.shp[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{features} and {linear_weight.shp[-1]}, respectively"
        )
    if linear_bias is not None and tuple(linear_bias.shp) != outputs:
        raise RuntimeError(f"expected linear_bias shape {outputs}, got {tuple(linear_bias.shp)}")
    if len(outputs) > 1 and len(rows) == 0:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shp)} requires batched input, "
            f"(N, {features}), got unbatched input with shape {tuple(input.shp)}"
        )
