"""Layers that learn the number of their input features from the first input."""

from __future__ import annotations

from typing import Any

from .._core.dtypes import int64
from .._gen.functions import tensor
from .._tensor import Tensor
from ._sizes import repeated
from .batchnorm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .linear import Linear
from .parameter_lazy import UninitializedBuffer, UninitializedParameter, is_lazy


class LazyModuleMixin:
    """Beside ``Module``: parameters that get their shape from the first input.

    A subclass makes them as ``UninitializedParameter`` and gives them a shape in ``initialize_parameters``, which is called
    with the arguments of the first call, in front of ``forward``. The module then becomes a ``cls_to_become``, if that is set.
    Loading a state gives them a shape, too.
    """

    cls_to_become: type[Any] | None = None

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = self.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)
        load = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        # Numbers, not handles: they hold for copies of the module, too.
        self._lazy_hooks = (first.id, load.id)

    def _lazy_members(self: Any) -> list[tuple[str, Any]]:
        """The module's own parameters and buffers by name."""
        return [*self._parameters.items(), *self._buffers.items()]

    def has_uninitialized_params(self) -> bool:
        """Whether some shape is not known yet."""
        return any(is_lazy(value) for _, value in self._lazy_members())

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shape, from the arguments of the first call.

        Raises:
            NotImplementedError: unless a subclass does it.
        """
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def _save_to_state_dict(self: Any, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Members without values go into a state as they are."""
        for name, value in self._lazy_members():
            if value is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = value if keep_vars or is_lazy(value) else value.detach()

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """Take the shapes from a state that is about to be loaded."""
        for name, value in self._lazy_members():
            new = state_dict.get(prefix + name)
            if new is not None and is_lazy(value) and not is_lazy(new):
                value.materialize(new.shape)

    def _infer_parameters(self: Any, module: Any, args: Any, kwargs: Any = None) -> None:
        """In front of the first call: find the shapes, and be lazy no more."""
        self.initialize_parameters(*args, **(kwargs or {}))
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {type(self).__name__} has not been fully initialized")
        first, load = self.__dict__.pop("_lazy_hooks")
        for hooks in (self._forward_pre_hooks, self._forward_pre_hooks_with_kwargs):
            hooks.pop(first, None)
        self._load_state_dict_pre_hooks.pop(load, None)
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become


class LazyLinear(LazyModuleMixin, Linear):
    """``Linear`` that takes ``in_features`` from the last size of its first input.

    Args:
        out_features: last size of the result.
        bias: False leaves the bias out.

    Example:
        >>> LazyLinear(2)
        LazyLinear(in_features=0, out_features=2, bias=True)
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Nothing until the shape is known."""
        if not self.has_uninitialized_params() and self.in_features != 0:
            Linear.reset_parameters(self)

    def initialize_parameters(self, input: Tensor) -> None:
        """Take ``in_features`` from an input."""
        lazy = self.has_uninitialized_params()
        self.in_features = input.shape[-1]
        if lazy:
            _materialize(self.weight, (self.out_features, self.in_features))
            _materialize(self.bias, (self.out_features,))
            self.reset_parameters()


def _materialize(value: Any, shape: tuple[int, ...]) -> None:
    """Give it a shape unless it has one, or is None."""
    if is_lazy(value):
        value.materialize(shape)


class _LazyConvXdMixin(LazyModuleMixin):
    """A convolution that takes ``in_channels`` from its first input; other arguments as without Lazy."""

    def __init__(self: Any, out_channels: int, kernel_size: Any, *args: Any, **kwargs: Any) -> None:
        names = self._options[: len(args)]
        options = {**dict(zip(names, args, strict=True)), **kwargs}
        made = {name: options.pop(name, None) for name in ("device", "dtype")}
        bias = options.pop("bias", True)
        super().__init__(0, 0, repeated(kernel_size, self.dimensions), bias=False, **options)
        self.out_channels = out_channels
        self.weight = UninitializedParameter(**made)
        if bias:
            self.bias = UninitializedParameter(**made)

    def reset_parameters(self: Any) -> None:
        """Nothing until the shape is known."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            self.cls_to_become.reset_parameters(self)

    def initialize_parameters(self: Any, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take ``in_channels`` from an input.

        Raises:
            RuntimeError: for another number of dimensions.
            ValueError: unless ``groups`` divides the channels.
        """
        n = self.dimensions
        if input.dim() not in (n + 1, n + 2):
            raise RuntimeError(
                f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {type(self).__name__}, but got input of size: "
                f"{input.shape}"
            )
        lazy = self.has_uninitialized_params()
        self.in_channels = input.size(-n - 1)
        if not lazy:
            return
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        channels = (self.in_channels, self.out_channels // self.groups)
        if not self.transposed:
            channels = (self.out_channels, self.in_channels // self.groups)
        _materialize(self.weight, (*channels, *self.kernel_size))
        _materialize(self.bias, (self.out_channels,))
        self.reset_parameters()


class _LazyConv(_LazyConvXdMixin):
    _options = ("stride", "padding", "dilation", "groups", "bias", "padding_mode", "device", "dtype")


class _LazyConvTranspose(_LazyConvXdMixin):
    _options = (
        *("stride", "padding", "output_padding", "groups", "bias", "dilation", "padding_mode", "device", "dtype"),
    )


class LazyConv1d(_LazyConv, Conv1d):  # type: ignore[misc]
    """``Conv1d`` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):  # type: ignore[misc]
    """``Conv2d`` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):  # type: ignore[misc]
    """``Conv3d`` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):  # type: ignore[misc]
    """``ConvTranspose1d`` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):  # type: ignore[misc]
    """``ConvTranspose2d`` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):  # type: ignore[misc]
    """``ConvTranspose3d`` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose3d


class _LazyNormBase(LazyModuleMixin):
    """A normalisation that takes ``num_features`` from its first input; other arguments as without Lazy."""

    def __init__(
        self: Any,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = tensor(0, dtype=int64, device=device)

    def reset_parameters(self: Any) -> None:
        """Nothing until the shape is known."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            self.cls_to_become.reset_parameters(self)

    def initialize_parameters(self: Any, input: Tensor) -> None:
        """Take ``num_features`` from an input; refuses other numbers of dimensions."""
        self._check_input_dim(input)
        lazy = self.has_uninitialized_params()
        self.num_features = input.size(self._channels(input))
        if lazy:
            for value in (self.weight, self.bias, self.running_mean, self.running_var):
                _materialize(value, (self.num_features,))
            self.reset_parameters()

    def _channels(self, input: Tensor) -> int:
        """The dimension of the channels."""
        return 1


class _LazyInstanceNorm(_LazyNormBase):
    def _channels(self: Any, input: Tensor) -> int:
        return int(input.dim() != self.allowed[0])


class LazyBatchNorm1d(_LazyNormBase, BatchNorm1d):  # type: ignore[misc]
    """``BatchNorm1d`` that takes ``num_features`` from its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormBase, BatchNorm2d):  # type: ignore[misc]
    """``BatchNorm2d`` that takes ``num_features`` from its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormBase, BatchNorm3d):  # type: ignore[misc]
    """``BatchNorm3d`` that takes ``num_features`` from its first input."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):  # type: ignore[misc]
    """``InstanceNorm1d`` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):  # type: ignore[misc]
    """``InstanceNorm2d`` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):  # type: ignore[misc]
    """``InstanceNorm3d`` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm3d
