"""Convolution in one, two and three dimensions, and its transpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import errors
from .._core.dtypes import BOOL, COMPLEX, float16, float32, tensor_type_name
from .._core.tensor_base import TensorBase
from .._record.common import int_of
from .._record.general import general
from .conv_nodes import ConvolutionBackward0, Rule, convolve
from .pad import constant_pad_nd

if TYPE_CHECKING:
    from .._tensor import Tensor


def numbers(value: Any, argument: str, dims: int, spatial: int) -> tuple[int, ...]:
    """One number per spatial dimension of the weight, given as one for all or as a list.

    Args:
        value: what was given.
        argument: its name.
        dims: how many numbers the function takes.
        spatial: how many spatial dimensions the weight has.

    Raises:
        RuntimeError: for a list of another length.
    """
    given = (
        tuple([int_of(n, argument) for n in value])
        if isinstance(value, (tuple, list))
        else (int_of(value, argument),) * dims
    )
    if len(given) == 1:
        return given * spatial
    if len(given) != spatial:
        raise RuntimeError(
            f"expected {argument} to be a single integer value or a list of {spatial} values to match the convolution "
            f"dimensions, but got {argument}={errors.shape_text(given)}"
        )
    return given


def check_numbers(rule: Rule) -> None:
    """Refuse numbers that make no convolution."""
    if min(rule.padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(rule.output_padding) < 0:
        raise RuntimeError("negative output_padding is not supported")
    if min(rule.stride) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(rule.dilation) <= 0:
        raise RuntimeError("non-positive dilation is not supported")
    if rule.groups <= 0:
        raise RuntimeError("non-positive groups is not supported")


def check_shapes(rule: Rule, x: TensorBase, weight: TensorBase, bias: TensorBase | None, windows: bool) -> None:
    """Refuse operands that do not fit together; with ``windows`` also kernels that do not fit in the input."""
    check_numbers(rule)
    shape, groups = weight.shp, rule.groups
    if len(x.shp) != len(shape):
        raise RuntimeError(
            f"Expected {len(shape)}-dimensional input for {len(shape)}-dimensional weight {errors.shape_text(shape)}, but got "
            f"{len(x.shp)}-dimensional input of size {errors.shape_text(x.shp)} instead"
        )
    if shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {errors.shape_text(shape)} "
            "instead"
        )
    if shape[0] % groups != 0:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size "
            f"[{errors.shape_text(shape)}] instead"
        )
    channels = shape[0] if rule.transposed else shape[1] * groups
    outs = shape[1] * groups if rule.transposed else shape[0]
    if x.shp[1] != channels:
        kind = "transposed=1" if rule.transposed else f"groups={groups}"
        raise RuntimeError(
            errors.with_hints(
                f"Given {kind}, weight of size {errors.shape_text(shape)}, expected input{errors.shape_text(x.shp)} to have "
                f"{channels} channels, but got {x.shp[1]} channels instead",
                "channels are dimension 1 of a batch, dimension 0 of a single input",
            )
        )
    if bias is not None and tuple(bias.shp) != (outs,):
        kind = "transposed=1, " if rule.transposed else ""
        raise RuntimeError(
            f"Given {kind}weight of size {errors.shape_text(shape)}, expected bias to be 1-dimensional with {outs} elements, "
            f"but got bias of size {errors.shape_text(bias.shp)} instead"
        )
    if windows:
        check_windows(rule, x.shp[2:], shape[2:])


def check_windows(rule: Rule, size: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    """Refuse kernels larger than the padded input, and results of negative size."""
    if min(kernel) == 0:
        raise RuntimeError(f"convolution with an empty kernel: kernel size is {by_x(kernel)}")
    if rule.transposed:
        for pad, stride, dilation in zip(rule.output_padding, rule.stride, rule.dilation, strict=True):
            if pad >= stride and pad >= dilation:
                raise RuntimeError(output_padding_text(rule))
        if min(rule.out_size(size, kernel)) < 0:
            raise RuntimeError(
                f"Given input size per channel: ({by_x(size)}). Calculated output size per channel: "
                f"({by_x(rule.out_size(size, kernel))}). Output size is too small"
            )
        return
    padded = [n + 2 * p for n, p in zip(size, rule.padding, strict=True)]
    reach = [d * (k - 1) + 1 for d, k in zip(rule.dilation, kernel, strict=True)]
    for i in range(len(padded)):
        if padded[i] < reach[i]:
            raise RuntimeError(
                f"Calculated padded input size per channel: ({by_x(padded)}). Kernel size: ({by_x(reach)}). Kernel size can't "
                "be greater than actual input size"
            )


def by_x(sizes: Any) -> str:
    """``3 x 4``."""
    return " x ".join([str(n) for n in sizes])


def output_padding_text(rule: Rule) -> str:
    """PyTorch's sentence about an output padding that is too large; one dimension counts as a height of 1 and a width."""
    names = ["depth", "height", "width"][-max(len(rule.stride), 2) :]
    parts = []
    for label, values, single in (
        ("output_padding", rule.output_padding, 0),
        ("stride", rule.stride, 1),
        ("dilation", rule.dilation, 1),
    ):
        full = (single, *values) if len(values) == 1 else values
        parts += [f"{label}_{name}: {n}" for name, n in zip(names, full, strict=True)]
    return "output padding must be smaller than either stride or dilation, but got " + " ".join(parts)


def check_dtypes(rule: Rule, x: TensorBase, weight: TensorBase, bias: TensorBase | None) -> None:
    """Refuse operands of several dtypes, and booleans."""
    if x.dt.category == BOOL:
        dims = len(rule.stride)
        plain = "slow_conv2d_cpu" if dims < 3 else "compute_columns3d"
        raise errors.not_implemented(f"slow_conv_transpose{max(dims, 2)}d_out_cpu" if rule.transposed else plain, x.dt)
    other = "" if x.dt not in (float32, float16) else " or input should be a MKLDNN tensor and {} is a dense tensor"
    if weight.dt is not x.dt:
        if other == "" and x.dt.category < COMPLEX:
            raise RuntimeError(
                errors.with_hints(
                    f"expected scalar type {x.dt.title} but found {weight.dt.title}",
                    f"input is {x.dt!r}, weight is {weight.dt!r}; try: input.to(weight.dtype)",
                )
            )
        raise RuntimeError(
            errors.with_hints(
                f"Input type ({tensor_type_name(x.dt)}) and weight type ({tensor_type_name(weight.dt)}) should be the same"
                + other.format("weight"),
                "try: input.to(weight.dtype)",
            )
        )
    if bias is not None and bias.dt is not x.dt:
        names = (
            (tensor_type_name(x.dt), tensor_type_name(bias.dt)) if rule.transposed else (x.dt.c_name, bias.dt.c_name)
        )
        tail = other.format("bias") if rule.transposed else ""
        raise RuntimeError(f"Input type ({names[0]}) and bias type ({names[1]}) should be the same{tail}")


def apply(rule: Rule, x: TensorBase, weight: TensorBase, bias: TensorBase | None) -> Tensor:
    """The checked convolution of a batch."""
    if bias is not None and not isinstance(bias, TensorBase):
        raise errors.argument_type("convolution", "bias", 3, "Tensor", bias)
    check_shapes(rule, x, weight, bias, True)
    check_dtypes(rule, x, weight, bias)
    if bias is None:
        return convolve(rule, x, weight)
    return general(ConvolutionBackward0(rule, tuple(bias.shp)), [x, weight, bias])


def batched(x: Tensor, dims: int, name: str) -> Tensor:
    """The input with a dimension of samples.

    Raises:
        RuntimeError: when it is neither a batch nor a single input.
    """
    if len(x.shp) == dims + 2:
        return x
    if len(x.shp) != dims + 1:
        raise RuntimeError(
            errors.with_hints(
                f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
                f"{errors.shape_text(x.shp)}",
                "dimensions are (samples,) channels, then the spatial ones",
            )
        )
    return x.unsqueeze(0)


def run(
    name: str,
    dims: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> Tensor:
    """A convolution whose input has ``dims`` spatial dimensions, single or batched."""
    given = batched(x, dims, name)
    if len(weight.shp) < 3:
        raise RuntimeError("weight should have at least three dimensions")
    spatial = len(weight.shp) - 2
    steps = numbers(stride, "stride", dims, spatial)
    spread_out = numbers(dilation, "dilation", dims, spatial)
    zeros = (0,) * spatial
    count = int_of(groups, "groups")
    if isinstance(padding, str):
        given, pads = named_padding(given, weight, padding, Rule(steps, zeros, spread_out, False, zeros, count))
    else:
        pads = numbers(padding, "padding", dims, spatial)
    result = apply(Rule(steps, pads, spread_out, False, zeros, count), given, weight, bias)
    return result if given is x or len(x.shp) == dims + 2 else result.squeeze(0)


def named_padding(x: Tensor, weight: TensorBase, padding: str, rule: Rule) -> tuple[Tensor, tuple[int, ...]]:
    """The input and the padding that "valid" (none) or "same" (results of the size of the input) stand for.

    Where "same" needs an odd number of zeros, the one too many goes to the end, into a copy of the input.
    """
    if padding == "valid":
        return x, rule.padding
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in rule.stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    check_shapes(rule, x, weight, None, False)
    totals = [d * (k - 1) for d, k in zip(rule.dilation, weight.shp[2:], strict=True)]
    pads = tuple([total // 2 for total in totals])
    if any(total % 2 for total in totals):
        ends: list[int] = []
        for total in totals[::-1]:
            ends += [0, total % 2]
        x = constant_pad_nd(x, ends)
    return x, pads


def run_transposed(
    name: str,
    dims: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Tensor:
    """A transposed convolution whose input has ``dims`` spatial dimensions, single or batched."""
    given = batched(x, dims, name)
    if len(weight.shp) < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if isinstance(padding, str):
        raise errors.argument_type(name, "padding", 5, "tuple of ints", padding)
    spatial = len(weight.shp) - 2
    rule = Rule(
        numbers(stride, "stride", dims, spatial),
        numbers(padding, "padding", dims, spatial),
        numbers(dilation, "dilation", dims, spatial),
        True,
        numbers(output_padding, "output_padding", dims, spatial),
        int_of(groups, "groups"),
    )
    result = apply(rule, given, weight, bias)
    return result if given is x else result.squeeze(0)


def convolution(
    self: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: Any,
) -> Tensor:
    """The convolution of a batch with all its parameters; ``conv1d`` to ``conv_transpose3d`` are cases of it.

    Variants: function
    """
    dims = len(weight.shp) - 2
    rule = Rule(
        numbers(stride, "stride", 1, dims),
        numbers(padding, "padding", 1, dims),
        numbers(dilation, "dilation", 1, dims),
        transposed,
        numbers(output_padding, "output_padding", 1, dims),
        int_of(groups, "groups"),
    )
    return apply(rule, self, weight, bias)


def conv1d(
    self: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> Tensor:
    """Products of a kernel with windows of the input, summed over channels, for 1 spatial dimension.

    Args:
        self: (samples, channels, length), or without samples.
        weight: (out channels, channels / groups, k).
        bias: (out channels), or None.
        stride, dilation: distance of windows, and of the elements of a window: one number, or one per dimension.
        padding: zeros on both sides of each dimension; or "valid" (none), "same" (as many results as inputs; stride 1).
        groups: channels and out channels are cut into so many groups that do not meet.

    Variants: function nn
    """
    return run("conv1d", 1, self, weight, bias, stride, padding, dilation, groups)


def conv2d(
    self: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> Tensor:
    """Products of a kernel with windows of the input, summed over channels (a cross-correlation), for 2 spatial dimensions.

    Args:
        self: (samples, channels, height, width), or without samples.
        weight: (out channels, channels / groups, kh, kw).
        bias: (out channels), or None.
        stride, dilation: distance of windows, and of the elements of a window: one number, or one per dimension.
        padding: zeros on both sides of each dimension; or "valid" (none), "same" (as many results as inputs; stride 1).
        groups: channels and out channels are cut into so many groups that do not meet.

    Returns:
        (samples, out channels, height, width), with (H + 2 * padding - dilation * (kh - 1) - 1) // stride + 1 rows.

    Gradient:
        of the input: the transposed convolution of grad with the same weight; of the weight: grad times the windows, added up;
        of the bias: grad summed over samples and places. Complex operands enter conjugated.

    Raises:
        RuntimeError: when channels, groups, bias or dtypes do not fit, or the kernel exceeds the padded input.

    Example:
        >>> import wengert as wg
        >>> x = wg.arange(9.0).reshape(1, 1, 3, 3)
        >>> wg.conv2d(x, wg.ones(1, 1, 2, 2))
        tensor([[[[ 8., 12.],
                  [20., 24.]]]])

    Variants: function nn
    """
    return run("conv2d", 2, self, weight, bias, stride, padding, dilation, groups)


def conv3d(
    self: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> Tensor:
    """Products of a kernel with windows of the input, summed over channels, for 3 spatial dimensions.

    Args:
        self: (samples, channels, depth, height, width), or without samples.
        weight: (out channels, channels / groups, kd, kh, kw).
        bias: (out channels), or None.
        stride, dilation: distance of windows, and of the elements of a window: one number, or one per dimension.
        padding: zeros on both sides of each dimension; or "valid" (none), "same" (as many results as inputs; stride 1).
        groups: channels and out channels are cut into so many groups that do not meet.

    Variants: function nn
    """
    return run("conv3d", 3, self, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    self: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
) -> Tensor:
    """The input gradient of ``conv1d`` as a function of its own: every element adds its multiple of the kernel to a window.

    Args:
        self: (samples, channels, length), or without samples.
        weight: (channels, out channels / groups, k).
        bias: (out channels), or None.
        stride, dilation: distance of windows, and of the elements of a window.
        padding: so much is cut off both sides of each dimension of the result.
        output_padding: so much is added at the end; less than stride or dilation.
        groups: channels and out channels are cut into so many groups that do not meet.

    Variants: function nn
    """
    return run_transposed("conv_transpose1d", 1, self, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    self: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
) -> Tensor:
    """The input gradient of ``conv2d`` as a function of its own: every element adds its multiple of the kernel to a window.

    Args:
        self: (samples, channels, height, width), or without samples.
        weight: (channels, out channels / groups, kh, kw).
        bias: (out channels), or None.
        stride, dilation: distance of windows, and of the elements of a window.
        padding: so much is cut off both sides of each dimension of the result.
        output_padding: so much is added at the end; less than stride or dilation.
        groups: channels and out channels are cut into so many groups that do not meet.

    Returns:
        (samples, out channels, height, width), with (H - 1) * stride - 2 * padding + dilation * (kh - 1) + output_padding + 1
        rows.

    Gradient:
        that of the convolution it belongs to, with the parts of input and grad exchanged.

    Variants: function nn
    """
    return run_transposed("conv_transpose2d", 2, self, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    self: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
) -> Tensor:
    """The input gradient of ``conv3d`` as a function of its own: every element adds its multiple of the kernel to a window.

    Args:
        self: (samples, channels, depth, height, width), or without samples.
        weight: (channels, out channels / groups, kd, kh, kw).
        bias: (out channels), or None.
        stride, dilation: distance of windows, and of the elements of a window.
        padding: so much is cut off both sides of each dimension of the result.
        output_padding: so much is added at the end; less than stride or dilation.
        groups: channels and out channels are cut into so many groups that do not meet.

    Variants: function nn
    """
    return run_transposed("conv_transpose3d", 3, self, weight, bias, stride, padding, output_padding, groups, dilation)
