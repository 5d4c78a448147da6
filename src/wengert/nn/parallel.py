"""Modules that PyTorch divides among devices: here is one device, so that they only keep names and structure."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from .batchnorm import _BatchNorm
from .module import Module


class DataParallel(Module):
    """Calls ``module``; its state has the prefix ``module.``, as PyTorch's.

    Args:
        module: what is called.
        device_ids, output_device, dim: accepted.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.device_ids: list[int] = []
        self.module = module

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **kwargs)


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation of (rows, channels, ...) over the batches of all processes, of which there is one.

    Args:
        num_features, eps, momentum, affine, track_running_stats, bias: as for ``BatchNorm1d``.
        process_group: accepted.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Any, process_group: Any = None) -> Any:
        """The module with all batch normalisations in it as this class; parameters and buffers are the same tensors."""
        out = module
        if isinstance(module, _BatchNorm):
            out = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            out._parameters.update(module._parameters)
            out._buffers.update(module._buffers)
            out.training = module.training
        for name, child in module.named_children():
            out.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return out
