"""Normalisations made of other operators: by instance, by root mean square, and by neighbouring channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, float16, float32
from .._core.tensor_base import TensorBase
from .._record.common import int_of, make, untracked
from ..kernels import normalizations
from .join import cat
from .normalize import check_affine, check_input, check_normalized_shape, count, plain_batch_norm

if TYPE_CHECKING:
    from .._tensor import Tensor


def instance_norm(
    input: Tensor,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: Any = 1e-5,
) -> Tensor:
    """Each channel of each row standardised: batch normalisation of every row by itself.

    Args:
        input: floating, of shape (rows, channels, ...).
        running_mean, running_var: of shape (channels,); changed in place if ``use_input_stats``, used if not.
        weight, bias: of shape (channels,).

    Raises:
        ValueError: for channels of one element.

    Source: Ulyanov, Vedaldi and Lempitsky 2016.

    Variants: nn
    """
    check_input(input, "instance_norm")
    if use_input_stats and count(input.shp[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shp!r}")
    return plain_instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True)


def plain_instance_norm(
    input: Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: Any,
    eps: Any,
    cudnn_enabled: bool,
) -> Tensor:
    """``nn.functional.instance_norm`` with PyTorch's other order of arguments; ``cudnn_enabled`` has no effect here.

    Variants: function
    Name: instance_norm
    """
    check_input(input, "instance_norm")
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    rows, channels = input.shp[0], input.shp[1]
    repeated = [None if t is None else t.repeat(rows) for t in (weight, bias, running_mean, running_var)]
    statistics: list[Any] = [None if t is None else t.detach().to(input.dt) for t in repeated[2:]]
    x = input.contiguous().view((1, rows * channels, *input.shp[2:]))
    out = plain_batch_norm(
        x, repeated[0], repeated[1], statistics[0], statistics[1], use_input_stats, momentum, eps, cudnn_enabled
    )
    if use_input_stats:
        for target, found in zip((running_mean, running_var), statistics, strict=True):
            if target is not None and rows > 0:
                target.detach().copy_(found.view((rows, channels)).mean(0))
    result: Tensor = out.view(input.shp)
    return result


def rms_norm(input: Tensor, normalized_shape: Any, weight: Any = None, eps: Any = None) -> Tensor:
    """Rows divided by their root mean square: x / sqrt(mean(x**2) + eps) * weight, the mean over the last dimensions.

    Args:
        input: floating or complex, of shape (*, *normalized_shape).
        weight: of shape ``normalized_shape``.
        eps: the machine epsilon of the input's dtype when not given, of single precision for half.

    Raises:
        RuntimeError: for shapes that do not fit.

    Source: Zhang and Sennrich 2019.

    Variants: function nn
    """
    check_input(input, "rms_norm")
    shape = check_normalized_shape(input, normalized_shape, "rms_norm")
    check_affine(shape, weight, None)
    if input.dt.category < FLOATING:
        raise errors.not_implemented("rms_norm", input.dt)
    x = input.to(float32) if input.dt is float16 else input
    small = float(np.finfo(x.dt.np).eps) if eps is None else eps
    if in_one_pass(input, weight):
        return make(
            normalizations.rms_normalize(len(shape), input.array, 1.0 if weight is None else weight.array, float(small))
        )
    dims = list(range(len(input.shp) - len(shape), len(input.shp)))
    found = x * (x.pow(2).mean(dims, True) + small).rsqrt()
    if weight is not None:
        found = found * weight
    result: Tensor = found if found.dt is input.dt else found.to(input.dt)
    return result


def in_one_pass(x: TensorBase, weight: TensorBase | None) -> bool:
    """Whether nothing is recorded, so that a kernel may do what are six nodes of a graph otherwise."""
    array = x.array
    if not untracked(x) or not isinstance(array, np.ndarray) or array.dtype.char not in "fd" or array.size == 0:
        return False
    return weight is None or (untracked(weight) and weight.dt is x.dt and isinstance(weight.array, np.ndarray))


def local_response_norm(input: Tensor, size: Any, alpha: Any = 1e-4, beta: Any = 0.75, k: Any = 1.0) -> Tensor:
    """x / (k + alpha m)**beta, with m the mean of x**2 over ``size`` neighbouring channels (zeros beyond the first and last).

    Args:
        input: of shape (rows, channels, length, ...).
        size: number of channels in the window: size // 2 before, the others from here on.

    Raises:
        ValueError: for fewer than three dimensions.
        RuntimeError: for a window without elements.

    Source: Krizhevsky, Sutskever and Hinton 2012, section 3.3.

    Variants: nn
    """
    check_input(input, "local_response_norm")
    if len(input.shp) < 3:
        blanks = " " * 26
        raise ValueError(f"Expected 3D or higher dimensionality{blanks}input (got {len(input.shp)} dimensions)")
    if input.array.size == 0:
        return input
    width = int_of(size)
    if width <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got kH: {width} kW: 1")
    squares = input * input
    parts: list[TensorBase] = [squares]
    before, after = width // 2, (width - 1) // 2
    if before > 0:
        parts.insert(0, squares.new_zeros((input.shp[0], before, *input.shp[2:])))
    if after > 0:
        parts.append(squares.new_zeros((input.shp[0], after, *input.shp[2:])))
    padded = cat(parts, 1) if len(parts) > 1 else squares
    del parts, squares  # as large as the input
    power = (padded.unfold(1, width, 1).sum(-1) / width * alpha + k).pow(beta)
    result: Tensor = input / power
    return result
