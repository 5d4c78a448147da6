"""Weights of convolutions in another memory layout."""

from __future__ import annotations

from typing import Any

from ..conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Lay the weights of all 2-d convolutions in ``module`` out in ``memory_format``; returns the module."""
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Lay the weights of all 3-d convolutions in ``module`` out in ``memory_format``; returns the module."""
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)


def _convert(module: Any, kinds: Any, memory_format: Any) -> Any:
    for layer in module.modules():
        if isinstance(layer, kinds):
            layer.weight.data = layer.weight.detach().clone().contiguous(memory_format=memory_format)
    return module
