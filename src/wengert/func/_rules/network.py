"""Layers: convolutions by groups, pools and resizing with the batch folded into theirs, normalisation."""

from __future__ import annotations

from math import prod
from typing import Any, Final

from ..._core.tensor_base import TensorBase
from .._batched import Batch
from .._dispatch import Rule, call_name, each_sample, operator, rule


def folded(batch: Batch, call: Rule, input: Any, dims: int, *args: Any, **kwargs: Any) -> Any:
    """Operators of the last ``dims`` dimensions and a batch of their own, into which ours is folded.

    Args:
        dims: number of dimensions of one item: channels and places.
    """
    physical = batch.front(input)
    lead = len(input.shp) - dims
    if lead == 0:
        return batch.wrap(call(physical, *args, **kwargs))
    shape = tuple(physical.shp[: lead + 1])
    result = call(physical.reshape(prod(shape), *physical.shp[lead + 1 :]), *args, **kwargs)
    if isinstance(result, tuple):
        return batch.wrap(tuple(r.reshape(shape + tuple(r.shp[1:])) for r in result))
    return batch.wrap(result.reshape(shape + tuple(result.shp[1:])))


POOLS: Final = ("avg_pool", "max_pool", "adaptive_avg_pool", "adaptive_max_pool", "lp_pool")


@rule(*(f"{name}{n}d{tail}" for name in POOLS for n in (1, 2, 3) for tail in ("", "_with_indices")))
def pool(batch: Batch, call: Rule, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Each item is pooled for itself."""
    places = int(call_name(call).removesuffix("_with_indices")[-2])
    return folded(batch, call, input, places + 1, *args, **kwargs)


@rule("interpolate", "upsample", "local_response_norm", "channel_shuffle")
def resized(batch: Batch, call: Rule, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Inputs have a batch of their own."""
    return folded(batch, call, input, len(input.shp) - 1, *args, **kwargs)


@rule("nn.unfold")
def unfold(batch: Batch, call: Rule, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Patches of images."""
    return folded(batch, call, input, 3, *args, **kwargs)


@rule("fold")
def fold(batch: Batch, call: Rule, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Images of patches."""
    return folded(batch, call, input, 2, *args, **kwargs)


@rule("pad", "constant_pad_nd")
def pad(batch: Batch, call: Rule, input: Any, pad: Any, mode: Any = "constant", value: Any = None) -> Any:
    """Constant padding reaches any dimension; the others look at the number of dimensions."""
    if call_name(call) == "constant_pad_nd":
        return batch.wrap(call(batch.front(input), pad, 0 if mode == "constant" else mode))
    if mode == "constant":
        return batch.wrap(call(batch.front(input), pad, mode, value))
    return folded(batch, call, input, len(pad) // 2 + 1, pad, mode)


def convolution(batch: Batch, call: Rule, input: Any, weight: Any, bias: Any, places: int, groups: int,
                **kwargs: Any) -> Any:  # fmt: skip
    """Weights that differ between samples become groups of one convolution."""
    if len(input.shp) == places + 1:
        return convolution(batch, call, input.unsqueeze(0), weight, bias, places, groups, **kwargs).squeeze(0)
    if not batch.has(weight):
        if batch.has(bias):
            plain = operator(call_name(call))
            return _with_bias(plain(input, weight, None, groups=groups, **kwargs), bias)
        return folded(batch, call, input, places + 1, weight, bias, groups=groups, **kwargs)
    x, w = batch.full(input), batch.front(weight)
    n = x.shp[1]
    x = x.movedim(0, 1).reshape(n, batch.size * x.shp[2], *x.shp[3:])
    result = call(x, w.reshape(batch.size * w.shp[1], *w.shp[2:]), None, groups=batch.size * groups, **kwargs)
    result = result.reshape(n, batch.size, result.shp[1] // batch.size, *result.shp[2:]).movedim(1, 0)
    return _with_bias(batch.wrap(result), bias)


def _with_bias(result: Any, bias: Any) -> Any:
    return result if bias is None else result + bias.reshape(-1, *(1,) * (len(result.shp) - 2))


@rule("conv1d", "conv2d", "conv3d")
def conv(batch: Batch, call: Rule, input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
         dilation: Any = 1, groups: int = 1) -> Any:  # fmt: skip
    """See ``convolution``."""
    places = int(call_name(call)[-2])
    return convolution(
        batch, call, input, weight, bias, places, groups, stride=stride, padding=padding, dilation=dilation
    )


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(batch: Batch, call: Rule, input: Any, weight: Any, bias: Any = None, stride: Any = 1,
                   padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Any:  # fmt: skip
    """See ``convolution``."""
    places = int(call_name(call)[-2])
    return convolution(
        batch, call, input, weight, bias, places, groups,
        stride=stride, padding=padding, output_padding=output_padding, dilation=dilation,
    )  # fmt: skip


@rule("layer_norm", "rms_norm")
def layer_norm(batch: Batch, call: Rule, input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None,
               *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    """Over the last dimensions; a weight per sample is applied afterwards."""
    rms = call_name(call) == "rms_norm"
    if rms:  # its signature has no bias
        args = () if bias is None else (bias, *args)
        bias = kwargs.pop("bias", None)
    if not batch.has(weight) and not batch.has(bias):
        parameters = (weight, *args) if rms else (weight, bias, *args)
        return batch.wrap(call(batch.front(input), normalized_shape, *parameters, **kwargs))
    plain = (None, *args) if rms else (None, None, *args)
    result = call(batch.front(input), normalized_shape, *plain, **kwargs) if batch.has(input) else call(
        input, normalized_shape, *plain, **kwargs)  # fmt: skip
    result = batch.wrap(result) if batch.has(input) else result
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


@rule("group_norm")
def group_norm(batch: Batch, call: Rule, input: Any, num_groups: int, weight: Any = None, bias: Any = None,
               *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    """Each item for itself; weights per sample are applied afterwards."""
    if not batch.has(weight) and not batch.has(bias):
        return folded(batch, call, input, len(input.shp) - 1, num_groups, weight, bias, *args, **kwargs)
    shape = (-1, *(1,) * (len(input.shp) - 2))
    result = operator("group_norm")(input, num_groups, None, None, *args, **kwargs)
    result = result if weight is None else result * weight.reshape(shape)
    return result if bias is None else result + bias.reshape(shape)


@rule("nn.batch_norm")
def batch_norm(batch: Batch, call: Rule, input: Any, running_mean: Any, running_var: Any, weight: Any = None,
               bias: Any = None, training: bool = False, *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    """Running statistics that all samples share cannot be updated. Without them, samples are more channels."""
    if training and isinstance(running_mean, TensorBase) and not batch.has(running_mean):
        raise RuntimeError(
            "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated in place, "
            "were not batched.\nIf you are using a module and do not need eval mode, please set `track_running_stats` to be "
            "False. If you are using a prebuilt module and do not need eval mode, please see the functorch website for "
            "resources on how to patch your module to work with vmap"
        )
    result = normalised_by_channel(batch, call, input, (running_mean, running_var), training, *args, **kwargs)
    return scaled_by_channel(result, weight, bias)


def normalised_by_channel(batch: Batch, call: Rule, input: Any, statistics: Any, *args: Any, **kwargs: Any) -> Any:
    """Without weights; the channels of all samples side by side."""
    x = batch.full(input).movedim(0, 1)
    n, size, channels = x.shp[:3]
    running = [s if s is None else batch.full(s).reshape(size * channels) for s in statistics]
    result = call(x.reshape((n, size * channels, *x.shp[3:])), *running, None, None, *args, **kwargs)
    return batch.wrap(result.reshape((n, size, channels, *x.shp[3:])).movedim(1, 0))


def scaled_by_channel(result: Any, weight: Any, bias: Any) -> Any:
    """Weights and biases of the channels, dimension 1."""
    shape = (-1, *(1,) * (len(result.shp) - 2))
    result = result if weight is None else result * weight.reshape(shape)
    return result if bias is None else result + bias.reshape(shape)


@rule("nn.instance_norm")
def instance_norm(batch: Batch, call: Rule, input: Any, running_mean: Any = None, running_var: Any = None,
                  weight: Any = None, bias: Any = None, *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    """Each item for itself; with running statistics sample by sample."""
    if running_mean is not None or running_var is not None:
        given = (running_mean, running_var, weight, bias)
        return each_sample(batch, "instance_norm", call, (input, *given, *args), kwargs)
    result = normalised_by_channel(batch, call, input, (None, None), *args, **kwargs)
    return scaled_by_channel(result, weight, bias)


@rule("batch_norm", "instance_norm")
def of_main_namespace(batch: Batch, call: Rule, input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any,
                      training: Any, momentum: Any, eps: Any, cudnn_enabled: Any) -> Any:  # fmt: skip
    """The same operands in another order."""
    function = operator(f"nn.{call_name(call)}")
    return function(input, running_mean, running_var, weight, bias, training, momentum, eps)


@rule("nn.upsample_nearest", "nn.upsample_bilinear")
def upsampled(batch: Batch, call: Rule, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Inputs have a batch of their own."""
    return folded(batch, call, input, len(input.shp) - 1, *args, **kwargs)


@rule("grid_sample", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d")
def grid_sample(batch: Batch, call: Rule, input: Any, grid: Any, *args: Any, **kwargs: Any) -> Any:
    """Both have a batch of their own, into which ours is folded."""
    return folded_together(batch, call, (input, grid), (len(input.shp) - 1,) * 2, *args, **kwargs)


@rule("max_unpool1d", "max_unpool2d", "max_unpool3d")
def max_unpool(batch: Batch, call: Rule, input: Any, indices: Any, *args: Any, **kwargs: Any) -> Any:
    """Places within a picture, whatever comes before it."""
    dims = int(call_name(call)[-2]) + 1
    names = ("kernel_size", "stride", "padding", "output_size")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    size = given.get("output_size")
    if size is not None and len(size) > dims - 1:
        given["output_size"] = tuple(size)[1 - dims :]
    return folded_together(batch, call, (input, indices), (dims, dims), **given)


def folded_together(batch: Batch, call: Rule, tensors: Any, dims: Any, *args: Any, **kwargs: Any) -> Any:
    """``folded`` for several tensors whose leading dimensions are the same."""
    physical = [batch.full(t) for t in tensors]
    leads = [tuple(p.shp[: len(p.shp) - d]) for p, d in zip(physical, dims, strict=True)]
    flat = [p.reshape((prod(lead), *p.shp[len(lead) :])) for p, lead in zip(physical, leads, strict=True)]
    result = call(*flat, *args, **kwargs)
    return batch.wrap(result.reshape((*leads[0], *result.shp[1:])))


@rule("affine_grid", "affine_grid_generator")
def affine_grid(batch: Batch, call: Rule, theta: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
    """One grid for each item of each sample."""
    x = batch.front(theta)
    n = x.shp[0] * x.shp[1]
    result = call(x.reshape((n, *x.shp[2:])), (n, *tuple(size)[1:]), *args, **kwargs)
    return batch.wrap(result.reshape((*x.shp[:2], *result.shp[1:])))


@rule("unravel_index")
def unravel_index(batch: Batch, call: Rule, indices: Any, shape: Any) -> Any:
    """Element by element."""
    return batch.wrap(call(batch.front(indices), shape))


@rule("prelu")
def prelu(batch: Batch, call: Rule, input: Any, weight: Any) -> Any:
    """One weight, or one per channel."""
    if len(input.shp) > 1 and weight.shp.numel() > 1:
        weight = weight.reshape(-1, *(1,) * (len(input.shp) - 2))
    elif len(weight.shp) == 1 and weight.shp[0] == 1:
        weight = weight.reshape(())
    return operator("where")(input > 0, input, input * weight)


@rule("normalize")
def normalize(batch: Batch, call: Rule, input: Any, p: Any = 2.0, dim: Any = 1, eps: Any = 1e-12) -> Any:
    """Divided by the norm along a dimension."""
    return input / input.norm(p, dim, keepdim=True).clamp_min(eps)


@rule("gumbel_softmax")
def gumbel_softmax(
    batch: Batch, call: Rule, logits: Any, tau: Any = 1, hard: bool = False, eps: Any = 1e-10, dim: Any = -1
) -> Any:
    """Its numbers are drawn by an operator of its own, which follows the ``randomness`` of ``vmap``."""
    noise = -logits.new_empty(logits.shp).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    chosen = logits.new_zeros(logits.shp).scatter(dim, soft.argmax(dim, True), 1.0)
    return chosen - soft.detach() + soft


@rule("cosine_similarity")
def cosine_similarity(batch: Batch, call: Rule, x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """Both are broadcast, then compared along a dimension of the sample."""
    shape = tuple(operator("broadcast_shapes")(tuple(x1.shp), tuple(x2.shp)))
    d = dim % len(shape) + 1
    return batch.wrap(call(batch.full(x1.expand(shape)), batch.full(x2.expand(shape)), d, eps))


@rule("pairwise_distance")
def pairwise_distance(batch: Batch, call: Rule, x1: Any, x2: Any, *args: Any, **kwargs: Any) -> Any:
    """Along the last dimension."""
    shape = tuple(operator("broadcast_shapes")(tuple(x1.shp), tuple(x2.shp)))
    return batch.wrap(call(batch.full(x1.expand(shape)), batch.full(x2.expand(shape)), *args, **kwargs))


@rule("cdist")
def cdist(batch: Batch, call: Rule, x1: Any, x2: Any, *args: Any, **kwargs: Any) -> Any:
    """Rows against rows; leading dimensions broadcast."""
    ndim = max(len(x1.shp), len(x2.shp))
    return batch.wrap(call(batch.padded(x1, ndim), batch.padded(x2, ndim), *args, **kwargs))


@rule("scaled_dot_product_attention")
def attention(batch: Batch, call: Rule, query: Any, key: Any, value: Any, attn_mask: Any = None,
              dropout_p: float = 0.0, is_causal: bool = False, **kwargs: Any) -> Any:  # fmt: skip
    """Leading dimensions broadcast; with dropout it is random."""
    if dropout_p > 0:
        from .._random import ERROR

        if batch.level.randomness == "error":
            raise RuntimeError(ERROR)
    ndim = max(len(t.shp) for t in (query, key, value))
    physical = [batch.padded(t, ndim) for t in (query, key, value)]
    mask = batch.padded(attn_mask, ndim) if isinstance(attn_mask, TensorBase) else None
    return batch.wrap(call(*physical, mask, dropout_p, is_causal, **kwargs))
