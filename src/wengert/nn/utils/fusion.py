"""One layer in the place of a layer and the batch normalisation after it, for evaluation.

Batch normalisation in evaluation is y = (x - mean) * s + bias with s = weight / sqrt(var + eps), and so is linear: its
factors go into the weights of the layer before it.
"""

from __future__ import annotations

import copy
from typing import Any

from ..._gen import functions
from ..._tensor import Tensor
from ..parameter import Parameter

NO_STATISTICS = "bn.running_mean and bn.running_var must not be None"


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of the convolution that gives what the batch normalisation of its results gives in evaluation.

    Args:
        conv: a convolution in evaluation mode; it stays as it is.
        bn: the batch normalisation after it, in evaluation mode.
        transpose: taken from ``conv`` where that knows it.

    Raises:
        AssertionError: in training mode, and without running statistics.
    """
    _check_eval(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight,
        fused.bias,
        bn.running_mean,
        bn.running_var,
        bn.eps,
        bn.weight,
        bn.bias,
        getattr(conv, "transposed", transpose),
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution of ``fuse_conv_bn_eval``."""
    channels = 1 if transpose else 0
    shape = [1] * conv_w.dim()
    shape[channels] = -1
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of the linear layer that gives what the batch normalisation of its results gives in evaluation.

    Raises:
        AssertionError: in training mode, without running statistics, and for other numbers of features.
    """
    _check_eval(linear, bn)
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got linear.out_features="
            f"{linear.out_features} and bn.num_features={bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the layer of ``fuse_linear_bn_eval``."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


def _check_eval(layer: Any, bn: Any) -> None:
    """In training the statistics are those of the batch: nothing to fuse."""
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError(NO_STATISTICS)


def _fused(
    weight: Any, bias: Any, mean: Any, var: Any, eps: float, gain: Any, shift: Any, shape: list[int]
) -> tuple[Parameter, Parameter]:
    """The factors of each channel in weight and bias; ``shape`` lays a vector of channels along the weight's channels."""
    scale = (var + eps).rsqrt()
    if gain is not None:
        scale = scale * gain
    before = functions.zeros_like(mean, dtype=weight.dtype) if bias is None else bias
    after = (before - mean) * scale
    if shift is not None:
        after = after + shift
    return (
        Parameter((weight * scale.reshape(shape)).to(weight.dtype).detach(), weight.requires_grad),
        Parameter(after.to(before.dtype).detach(), bias is not None and bias.requires_grad),
    )
