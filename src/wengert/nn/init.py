"""First values of parameters: every function fills a tensor in place, unrecorded, and returns it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from .._gen.functions import empty_like, randperm, where
from .._gen.linalg import qr
from .._tensor import Tensor
from ..autograd.grad_mode import no_grad

_NO_OP = "Initializing zero-element tensors is a no-op"
_ONE = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Factor of the standard deviation that keeps the variance through an activation.

    Args:
        nonlinearity: ``"linear"``, ``"conv2d"``..., ``"sigmoid"``: 1; ``"tanh"``: 5/3; ``"relu"``: sqrt(2); ``"selu"``: 3/4;
            ``"leaky_relu"``: sqrt(2 / (1 + param**2)).
        param: the negative slope of ``"leaky_relu"``, 0.01 when left out.

    Raises:
        ValueError: for another name, and a slope that is no number.
    """
    if nonlinearity in _ONE:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    if param is None:
        param = 0.01
    elif isinstance(param, bool) or not isinstance(param, int | float):
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2.0 / (1 + param**2))


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform samples of [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal samples."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normal samples that lie in [a, b]: those that do not are drawn again."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.",
            stacklevel=2,
        )
    accepted = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    with no_grad():
        if accepted > 0.3:
            return _trunc_by_normal(tensor, mean, std, a, b, generator)
        return _trunc_by_uniform(tensor, mean, std, a, b, generator)


def _trunc_by_normal(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> Tensor:
    """Draw from the normal distribution until all values lie in [a, b]."""
    values = tensor.normal_(mean, std, generator=generator)
    outside = (values < a) | (values > b)
    while outside.any():
        values = where(outside, empty_like(tensor).normal_(mean, std, generator=generator), values)
        outside = (values < a) | (values > b)
    return tensor if values is tensor else tensor.copy_(values)


def _trunc_by_uniform(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> Tensor:
    """Draw uniformly from [a, b] until all values were accepted, each with its density over the largest one there."""
    nearest = min(max(mean, a), b)
    largest = -0.5 * ((nearest - mean) / std) ** 2
    values, refused = tensor, None
    while refused is None or refused.any():
        drawn = empty_like(tensor).uniform_(a, b, generator=generator)
        score = ((drawn - mean) / std) ** 2 * -0.5 - largest
        too_high = empty_like(tensor).uniform_(generator=generator).log_() > score
        values = drawn if refused is None else where(refused, drawn, values)
        refused = too_high if refused is None else refused & too_high
    return tensor.copy_(values)


def _normal_cdf(x: float) -> float:
    """Distribution function of the normal distribution."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    with no_grad():
        return tensor.zero_()


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix; ValueError unless the tensor is a matrix."""
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        tensor.zero_()
        tensor.diagonal().fill_(1)
    return tensor


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Weights of a convolution that passes its channels through.

    Args:
        tensor: (out channels, channels, one size for each of 1 to 3 dimensions).
        groups: cuts the out channels into so many parts, each of which passes all channels through.

    Raises:
        ValueError: for another number of dimensions, and out channels that ``groups`` does not divide.
    """
    if tensor.ndimension() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    out_channels, channels, *field = tensor.shape
    per_group, rest = divmod(out_channels, groups)
    if rest:
        raise ValueError("dim 0 must be divisible by groups")
    centre = tuple(n // 2 for n in field)
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(per_group, channels)):
                tensor[(group * per_group + channel, channel, *centre)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs meet in one output, and how many outputs one input reaches."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.size(1) * field, tensor.size(0) * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    """The fan that ``mode`` names."""
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform samples of variance gain**2 * 2 / (fan in + fan out).

    Source: Glorot and Bengio 2010.
    """
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal samples of variance gain**2 * 2 / (fan in + fan out).

    Source: Glorot and Bengio 2010.
    """
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return gain * math.sqrt(2.0 / float(fan_in + fan_out))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform samples of variance gain**2 / fan.

    Args:
        a: negative slope of the activation that follows, for ``"leaky_relu"``.
        mode: ``"fan_in"`` keeps the variance of values, ``"fan_out"`` that of gradients.
        nonlinearity: see ``calculate_gain``.

    Source: He et al. 2015.
    """
    if 0 in tensor.shape:
        warnings.warn(_NO_OP, stacklevel=2)
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal samples of variance gain**2 / fan; see ``kaiming_uniform_``.

    Source: He et al. 2015.
    """
    if 0 in tensor.shape:
        warnings.warn(_NO_OP, stacklevel=2)
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """A (semi-)orthogonal matrix times ``gain``; dimensions after the first count as one.

    Source: Saxe et al. 2013; the distribution is uniform (Mezzadri 2007).
    """
    if tensor.ndimension() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.size(0)
    columns = tensor.numel() // rows
    with no_grad():
        flat = tensor.new_empty((rows, columns)).normal_(0, 1, generator=generator)
        q, r = qr(flat.t() if rows < columns else flat)
        q = q * r.diagonal(0).sign()
        tensor.copy_((q.t() if rows < columns else q).reshape(tensor.shape))
        return tensor.mul_(gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal samples, in each column a share ``sparsity`` of them replaced by 0; ValueError unless it is a matrix.

    Source: Martens 2010.
    """
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[randperm(rows)[:zeros], column] = 0
    return tensor


def _deprecated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The older name, without the underscore at the end."""
    new = function.__name__
    old = new[:-1]

    def deprecated_init(*args: Any, **kwargs: Any) -> Tensor:
        text = f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`."
        warnings.warn(text, FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    deprecated_init.__name__ = old
    deprecated_init.__doc__ = f"Deprecated name of ``{new}``."
    return deprecated_init


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
