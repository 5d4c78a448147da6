"""Normalisation of layers, batches and groups of channels: mean 0 and variance 1, then a weight and a bias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, float16, float32
from .._core.tensor_base import TensorBase, memory, requires_grad
from .._record.common import int_of, make
from .._record.general import general_many
from .normalize_nodes import NativeBatchNormBackward0, NativeGroupNormBackward0, NativeLayerNormBackward0, Normalization
from .normalize_parts import Frame

if TYPE_CHECKING:
    from .._tensor import Tensor


def check_parameter_dtypes(x: TensorBase, others: list[Any]) -> None:
    """Weights, biases and statistics have the input's dtype; half-precision inputs take single precision too."""
    first = True
    for t in others:
        if t is None or t.dt is x.dt or (x.dt is float16 and t.dt is float32):
            first = first and t is None
            continue
        raise RuntimeError(
            errors.with_hints(
                "mixed dtype (CPU): expect parameter to have scalar type of Float"
                if x.dt is float32 and first
                else f"expected scalar type {x.dt.title} but found {t.dt.title}"
                if x.dt is float32
                else "mixed dtype (CPU): all inputs must share same datatype.",
                f"the input is {x.dt!r}, a parameter is {t.dt!r}",
            )
        )


def check_normalized_shape(x: TensorBase, normalized_shape: Any, name: str) -> tuple[int, ...]:
    """The shape of the groups as ints; refused unless it ends the shape of the input."""
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(
            f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not {type(normalized_shape).__name__}"
        )
    shape = tuple([int_of(n) for n in normalized_shape])
    if len(shape) == 0:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    if len(shape) > len(x.shp) or tuple(x.shp[len(x.shp) - len(shape) :]) != shape:
        inner = ", ".join([str(n) for n in shape])
        between = "" if name == "rms_norm" else ", "
        raise RuntimeError(
            f"Given normalized_shape={errors.shape_text(shape)}, expected input with shape [*{between}{inner}], but got input "
            f"of size{errors.shape_text(x.shp)}"
        )
    return shape


def check_affine(shape: tuple[int, ...], weight: Any, bias: Any) -> None:
    """Weight and bias have the shape of a group."""
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and tuple(t.shp) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{errors.shape_text(t.shp)} and normalized_shape = {errors.shape_text(shape)}"
            )


def check_input(x: Any, name: str, argument: str = "input") -> None:
    """The input is a tensor."""
    if not isinstance(x, TensorBase):
        raise errors.argument_type(name, argument, 1, "Tensor", x)


def count(shape: Any) -> int:
    """Number of elements of a shape."""
    total = 1
    for n in shape:
        total *= int(n)
    return total


def given_inputs(x: TensorBase, weight: Any, bias: Any) -> tuple[list[TensorBase], list[bool]]:
    """Input, weight and bias, with an empty tensor for what is missing, and which of the three are there."""
    inputs: list[TensorBase] = [x]
    for t in (weight, bias):
        inputs.append(make(np.empty(0, x.dt.np)) if t is None else t)
    return inputs, [True, weight is not None, bias is not None]


def layer_norm(input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5) -> Tensor:
    """The last dimensions of each row standardised: (x - mean) / sqrt(variance + eps) * weight + bias.

    Args:
        input: floating, of shape (*, *normalized_shape).
        normalized_shape: sizes of the last dimensions, which form a group.
        weight, bias: of shape ``normalized_shape``.

    Gradient:
        r (q - mean(q) - s mean(q s)) with q = grad weight, s the standardised values, r = 1 / sqrt(variance + eps).

    Raises:
        RuntimeError: for shapes or dtypes that do not fit.

    Source: Ba, Kiros and Hinton 2016.

    Variants: nn
    """
    return native_layer_norm(input, normalized_shape, weight, bias, eps)[0]


def native_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Any, bias: Any, eps: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """``nn.functional.layer_norm`` with the means of the rows and their 1 / sqrt(variance + eps).

    Variants: function
    """
    check_input(input, "layer_norm")
    shape = check_normalized_shape(input, normalized_shape, "layer_norm")
    check_affine(shape, weight, bias)
    if input.dt.category != FLOATING:
        raise errors.not_implemented("LayerNormKernelImpl", input.dt)
    check_parameter_dtypes(input, [weight, bias])
    lead = tuple(input.shp[: len(input.shp) - len(shape)])
    width = count(shape)
    frame = Frame((count(lead), width), (1,), (1, width), False, float(eps))
    inputs, given = given_inputs(input, weight, bias)
    found = general_many(NativeLayerNormBackward0(frame, given, shape, lead), inputs)
    return found[0], found[1], found[2]


def plain_layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: Any = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """``nn.functional.layer_norm``; ``cudnn_enable`` has no effect here.

    Variants: function
    Name: layer_norm
    """
    return layer_norm(input, normalized_shape, weight, bias, eps)


def batch_norm(
    input: Tensor,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: Any = 1e-5,
) -> Tensor:
    """Each channel standardised: (x - mean) / sqrt(variance + eps) * weight + bias.

    Args:
        input: floating, of shape (rows, channels, ...).
        running_mean, running_var: of shape (channels,); the statistics used unless ``training``. In training those of the
            batch are used, and ``momentum`` of them (the variance unbiased) is mixed into these, in place.
        weight, bias: of shape (channels,).

    Gradient:
        In training as ``layer_norm``, with the means over all rows; else weight / sqrt(running_var + eps).

    Raises:
        ValueError: in training, for one value per channel.
        RuntimeError: for shapes or dtypes that do not fit.

    Source: Ioffe and Szegedy 2015.

    Variants: nn
    """
    check_input(input, "batch_norm")
    if training:
        check_batch(input.shp)
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return plain_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, True)


def check_batch(size: Any) -> None:
    """In training, there is more than one value per channel."""
    if int(size[0]) * count(size[2:]) == 1 if len(size) > 0 else False:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {size!r}"
            if not isinstance(size, list)
            else f"Expected more than 1 value per channel when training, got input size {errors.shape_text(size)}"
        )


def check_statistics(x: TensorBase, mean: Any, var: Any, weight: Any, bias: Any, training: bool) -> None:
    """Statistics and parameters are there and have one element per channel."""
    channels = x.shp[1] if len(x.shp) > 1 else 0
    for name, t in (("running_mean", mean), ("running_var", var)):
        if t is None and not training:
            raise RuntimeError(
                errors.with_hints(
                    f"{name} must be defined in evaluation mode", "try: training=True, or give the statistics"
                )
            )
    if (mean is None) != (var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    for name, t in (("running_mean", mean), ("running_var", var), ("weight", weight), ("bias", bias)):
        if t is not None and count(t.shp) != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {count(t.shp)}")
        if t is not None and name[0] == "r" and requires_grad(t):
            raise RuntimeError(
                f"The function 'native_batch_norm' is not differentiable with respect to argument '{name}'. This input cannot "
                "have requires_grad True."
            )
    if x.dt.category != FLOATING:
        raise errors.not_implemented("batch_norm", x.dt)
    check_parameter_dtypes(x, [weight, bias, mean, var])


def plain_batch_norm(
    input: Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: Any,
    eps: Any,
    cudnn_enabled: bool,
) -> Tensor:
    """``nn.functional.batch_norm`` with PyTorch's other order of arguments; ``cudnn_enabled`` has no effect here.

    Variants: function
    Name: batch_norm
    """
    check_input(input, "batch_norm")
    if input.array.size == 0:
        check_statistics(input, running_mean, running_var, weight, bias, training)
        return of_nothing(input, weight, bias)
    return native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)[0]


def native_batch_norm(
    input: Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: Any,
    eps: Any,
) -> tuple[Tensor, Tensor, Tensor]:
    """``nn.functional.batch_norm`` with the batch's means and 1 / sqrt(variance + eps), empty unless ``training``.

    Variants: function
    """
    check_input(input, "batch_norm")
    if not isinstance(momentum, (int, float)):
        raise errors.argument_type("batch_norm", "momentum", 7, "float", momentum)
    check_statistics(input, running_mean, running_var, weight, bias, training)
    shape = input.shp
    work = (shape[0], shape[1], count(shape[2:]))
    frame = Frame(work, (0, 2), (1, work[1], 1), not training, float(eps))
    inputs, given = given_inputs(input, weight, bias)
    if running_mean is not None:
        inputs += [running_mean, running_var]
    op = NativeBatchNormBackward0(frame, given, running_mean is not None)
    if not training:
        # Copies: the running statistics may change before the backward pass.
        op.mean = np.array(running_mean.array)
        op.variance = np.array(running_var.array)
    found = general_many(op, inputs)
    if training and running_mean is not None:
        update_running(op, running_mean, running_var, float(momentum), work[0] * work[2])
    op.variance = op.variance if frame.fixed else None
    op.mean = op.mean if frame.fixed else None
    return found[0], found[1], found[2]


def of_nothing(x: Tensor, weight: Any, bias: Any) -> Tensor:
    """Batch normalisation of a tensor without elements: there are no statistics, and the history is that of a copy."""
    out: Tensor = x.clone()
    if weight is not None and count(weight.shp) > 0:
        out = out * weight[0]
    return out + bias[0] if bias is not None and count(bias.shp) > 0 else out


def update_running(op: Normalization, mean: TensorBase, var: TensorBase, momentum: float, n: int) -> None:
    """Mix the statistics of the batch into the running ones; like PyTorch without counting a write."""
    if n == 0:
        return
    unbiased = np.reshape(op.variance, -1) * (n / max(n - 1, 1))
    for target, found in ((memory(mean), np.reshape(op.mean, -1)), (memory(var), unbiased)):
        target[...] = ((1 - momentum) * target.reshape(-1) + momentum * found).reshape(target.shape)


def group_norm(input: Tensor, num_groups: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5) -> Tensor:
    """Groups of channels standardised within each row: (x - mean) / sqrt(variance + eps) * weight + bias.

    Args:
        input: floating, of shape (rows, channels, ...).
        num_groups: into how many groups the channels are divided.
        weight, bias: of shape (channels,).

    Gradient:
        As ``layer_norm``, with the means over a group.

    Raises:
        RuntimeError: for shapes or dtypes that do not fit.

    Source: Wu and He 2018.

    Variants: nn
    """
    check_input(input, "group_norm")
    shape = input.shp
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    groups = int_of(num_groups)
    check_batch([shape[0] * shape[1] // groups, groups, *shape[2:]])
    return plain_group_norm(input, groups, weight, bias, eps)


def plain_group_norm(
    input: Tensor,
    num_groups: Any,
    weight: Any = None,
    bias: Any = None,
    eps: Any = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """``nn.functional.group_norm``; ``cudnn_enabled`` has no effect here.

    Variants: function
    Name: group_norm
    """
    check_input(input, "group_norm")
    shape = input.shp
    groups = int_of(num_groups)
    if groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {groups}")
    rows, channels = shape[0], shape[1]
    if channels % groups != 0:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{errors.shape_text(shape)} and num_groups={groups}"
        )
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and tuple(t.shp) != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape "
                f"{errors.shape_text(t.shp)} and input of shape {errors.shape_text(shape)}"
            )
    if input.dt.category != FLOATING:
        raise errors.not_implemented("GroupNormKernelImpl", input.dt)
    check_parameter_dtypes(input, [weight, bias])
    return native_group_norm(input, weight, bias, rows, channels, count(shape[2:]), groups, eps)[0]


def native_group_norm(
    input: Tensor, weight: Any, bias: Any, N: Any, C: Any, HxW: Any, group: Any, eps: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """``nn.functional.group_norm`` with the means of the groups and their 1 / sqrt(variance + eps).

    Args:
        N, C, HxW: rows, channels and elements of a channel.

    Variants: function
    """
    rows, channels, groups, size = int_of(N), int_of(C), int_of(group), int_of(HxW)
    if groups <= 0 or channels % groups != 0 or rows * channels * size != count(input.shp):
        raise RuntimeError(
            f"Expected number of channels {channels} to be divisible by num_groups {groups}, and N * C * HxW to be the number "
            f"of elements of an input of shape {errors.shape_text(input.shp)}"
        )
    each = channels // groups
    frame = Frame((rows, groups, each, size), (2, 3), (1, groups, each, 1), False, float(eps))
    inputs, given = given_inputs(input, weight, bias)
    found = general_many(NativeGroupNormBackward0(frame, given, channels), inputs)
    return found[0], found[1], found[2]
