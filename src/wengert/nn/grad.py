"""Gradients of convolutions by themselves, with respect to the input and to the weight."""

from __future__ import annotations

from typing import Any

from .. import autograd
from .._core.modes import is_grad_enabled
from .._tensor import Tensor
from . import functional as F

_CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def _gradient(dims: int, input: Tensor, weight: Tensor, of_input: bool, grad_output: Tensor, options: Any) -> Tensor:
    """Gradient of a convolution; recorded if recording is on."""
    recording = is_grad_enabled()
    with autograd.enable_grad():
        asked = (input if of_input else weight).requires_grad_()
        result = _CONVOLUTIONS[dims](input, weight, None, *options)
    found: Tensor = autograd.grad(result, asked, grad_output, create_graph=recording)[0]
    return found


def conv1d_input(
    input_size: Any,
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of ``conv1d`` with respect to its input, of shape ``input_size``."""
    zeros = weight.new_zeros(tuple(input_size))
    return _gradient(1, zeros, weight, True, grad_output, (stride, padding, dilation, groups))


def conv1d_weight(
    input: Tensor,
    weight_size: Any,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of ``conv1d`` with respect to its weight, of shape ``weight_size``."""
    zeros = input.new_zeros(tuple(weight_size))
    return _gradient(1, input, zeros, False, grad_output, (stride, padding, dilation, groups))


def conv2d_input(
    input_size: Any,
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of ``conv2d`` with respect to its input, of shape ``input_size``."""
    zeros = weight.new_zeros(tuple(input_size))
    return _gradient(2, zeros, weight, True, grad_output, (stride, padding, dilation, groups))


def conv2d_weight(
    input: Tensor,
    weight_size: Any,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of ``conv2d`` with respect to its weight, of shape ``weight_size``."""
    zeros = input.new_zeros(tuple(weight_size))
    return _gradient(2, input, zeros, False, grad_output, (stride, padding, dilation, groups))


def conv3d_input(
    input_size: Any,
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of ``conv3d`` with respect to its input, of shape ``input_size``."""
    zeros = weight.new_zeros(tuple(input_size))
    return _gradient(3, zeros, weight, True, grad_output, (stride, padding, dilation, groups))


def conv3d_weight(
    input: Tensor,
    weight_size: Any,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Gradient of ``conv3d`` with respect to its weight, of shape ``weight_size``."""
    zeros = input.new_zeros(tuple(weight_size))
    return _gradient(3, input, zeros, False, grad_output, (stride, padding, dilation, groups))
