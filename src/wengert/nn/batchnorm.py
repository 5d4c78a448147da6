"""Batch and instance normalisation."""

from __future__ import annotations

import warnings
from typing import Any

from .._core.dtypes import int64
from .._gen.functions import empty, ones, tensor, zeros
from .._tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class _NormBase(Module):
    """Parameters and running statistics, one of each per channel.

    Args:
        num_features: number of channels.
        eps: added to variances.
        momentum: share of the new statistics in the running ones; None for the plain average of all batches.
        affine: whether there are weight and bias.
        track_running_stats: whether statistics are kept for evaluation.
        bias: False leaves the bias out.
    """

    _version = 2
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    allowed: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        size = (num_features,)
        self.register_parameter("weight", Parameter(empty(size, device=device, dtype=dtype)) if affine else None)
        has_bias = affine and bias
        self.register_parameter("bias", Parameter(empty(size, device=device, dtype=dtype)) if has_bias else None)
        track = track_running_stats
        self.register_buffer("running_mean", zeros(size, device=device, dtype=dtype) if track else None)
        self.register_buffer("running_var", ones(size, device=device, dtype=dtype) if track else None)
        self.register_buffer("num_batches_tracked", tensor(0, dtype=int64, device=device) if track else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Mean 0, variance 1, no batches."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, and the statistics of the beginning."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        """Refuse inputs of another number of dimensions."""
        if input.dim() not in self.allowed:
            expected = " or ".join(f"{n}D" for n in self.allowed)
            raise ValueError(f"expected {expected} input (got {input.dim()}D input)")

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Version 1 had no ``num_batches_tracked``."""
        version = local_metadata.get("version", None)
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            count = self.num_batches_tracked
            state_dict[key] = tensor(0, dtype=int64) if count is None else count
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class _BatchNorm(_NormBase):
    """Normalises each channel over the batch in training, by the running statistics in evaluation."""

    def forward(self, input: Tensor) -> Tensor:
        """Result of the input's shape; in training the running statistics are updated."""
        self._check_input_dim(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                factor = 1.0 / float(self.num_batches_tracked)
        use_batch = self.training or (self.running_mean is None and self.running_var is None)
        use_running = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if use_running else None,
            self.running_var if use_running else None,
            self.weight,
            self.bias,
            use_batch,
            factor,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (rows, channels) or (rows, channels, length).

    Source: Ioffe and Szegedy 2015.
    """

    allowed = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (rows, channels, height, width).

    Source: Ioffe and Szegedy 2015.
    """

    allowed = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (rows, channels, depth, height, width).

    Source: Ioffe and Szegedy 2015.
    """

    allowed = (5,)


class _InstanceNorm(_NormBase):
    """Normalises each channel of each row."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Result of the input's shape.

        Raises:
            ValueError: for another number of dimensions or channels.
        """
        self._check_input_dim(input)
        no_rows = self.allowed[0]
        dim = input.dim() - no_rows
        if input.size(dim) != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features ({self.num_features}), but got: "
                    f"{input.size(dim)}."
                )
            warnings.warn(
                f"input's size at dim={dim} does not match num_features. You can silence this warning by not passing in "
                "num_features, which is not used because affine=False",
                stacklevel=2,
            )
        if input.dim() == no_rows:
            return self._normalised(input.unsqueeze(0)).squeeze(0)
        return self._normalised(input)

    def _normalised(self, input: Tensor) -> Tensor:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (rows, channels, length), or without rows.

    Source: Ulyanov et al. 2016.
    """

    allowed = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of (rows, channels, height, width), or without rows.

    Source: Ulyanov et al. 2016.
    """

    allowed = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (rows, channels, depth, height, width), or without rows.

    Source: Ulyanov et al. 2016.
    """

    allowed = (4, 5)
