"""Random tensors: generators and their state, factories, samples from tensors of parameters.

Streams and samples are those of PyTorch's CPU generator; see ``_core/rng.py``. Filling in place is in ``random_fill``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import device as devices
from .._core import rng
from .._core.compat import i64
from .._core.dtypes import DEFAULTS, DType, int64, parse_dtype
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary
from .._record.common import int_of, is_number, make, write_out
from .._record.unary import Unary, unary
from .creation import finish, shape_of
from .power import refuse_gradient
from .rounding import zeros_as

if TYPE_CHECKING:
    from .._tensor import Tensor


class Generator(rng.Generator):
    """A source of random numbers, with PyTorch's CPU stream; ``generator=`` of the functions here takes one.

    Example:
        >>> rand(2, generator=Generator().manual_seed(0))
        tensor([0.4963, 0.7682])
    """

    @property
    def device(self) -> Any:
        """The CPU."""
        return devices.CPU

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor of 5056 elements, interchangeable with PyTorch's."""
        return make(self.state_array())

    def set_state(self, new_state: Any) -> Generator:
        """Continue from a state of :meth:`get_state`.

        Raises:
            TypeError: when it is not a uint8 tensor.
            RuntimeError: when it is not a state.
        """
        if not isinstance(new_state, TensorBase):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        self.set_state_array(new_state.array)
        return self

    def clone_state(self) -> Generator:
        """A new generator that continues exactly as this one would."""
        result = Generator()
        result.set_state_array(self.state_array())
        return result

    def __reduce__(self) -> Any:
        return (generator_from_state, (self.state_array(),))


def generator_from_state(state: Any) -> Generator:
    """A generator with the given state: how pickling restores one."""
    result = Generator()
    result.set_state_array(state)
    return result


default_generator: Final = Generator()
if hasattr(os, "register_at_fork"):  # who forks holds the lock, so that the child finds it free and the stream whole
    _lock: Final[Any] = default_generator._lock
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def source(generator: Any, function: str) -> rng.Generator:
    """The generator given, or the default one."""
    if generator is None:
        return default_generator
    if not isinstance(generator, rng.Generator):
        raise TypeError(f"{function}(): argument 'generator' must be torch.Generator, not {type(generator).__name__}")
    return generator


def manual_seed(seed: Any) -> Generator:
    """Start the default generator from ``seed``, an integer in [-2**63, 2**64); returns the generator.

    Variants: function
    """
    default_generator.manual_seed(int(seed))
    return default_generator


def seed() -> int:
    """Start the default generator from a fresh seed of the operating system; returns the seed.

    Variants: function
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The last seed of the default generator.

    Variants: function
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """State of the default generator, a uint8 tensor.

    Variants: function
    """
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Continue the default generator from a state of :func:`get_rng_state`.

    Variants: function
    """
    default_generator.set_state(new_state)


def target_dtype(dtype: Any, out: Any, function: str, default: DType) -> DType:
    """Dtype to draw in: the one given, else that of ``out``, else the default one."""
    if dtype is None:
        return out.dt if isinstance(out, TensorBase) else default
    found = parse_dtype(dtype, function)
    if isinstance(out, TensorBase) and out.dt is not found:
        raise RuntimeError(f"dtype {found.title} does not match dtype of out parameter ({out.dt.title})")
    return found


def deliver(array: Any, out: Any, requires_grad: bool, function: str) -> Tensor:
    """A new leaf with the samples, or ``out`` filled with them."""
    if out is None:
        return finish(array, requires_grad)
    return write_out(function, out, make(array))


def rand(
    *sizes: Any, size: Any = None, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Samples of the uniform distribution on [0, 1).

    Args:
        sizes: one by one or as one sequence (also as ``size=``).
        generator: source of randomness; the default one if None.
        dtype: floating or complex; the default dtype if None.

    Variants: function
    """
    devices.check_device(device)
    dt = target_dtype(dtype, out, "rand", DEFAULTS.float)
    return deliver(source(generator, "rand").uniform(shape_of(sizes, "rand", size), dt.np), out, requires_grad, "rand")


def randn(
    *sizes: Any, size: Any = None, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Samples of the normal distribution with mean 0 and variance 1.

    Args:
        sizes: one by one or as one sequence (also as ``size=``).
        generator: source of randomness; the default one if None.
        dtype: floating or complex; the default dtype if None.

    Example:
        >>> _ = manual_seed(0)
        >>> randn(3)
        tensor([ 1.5410, -0.2934, -2.1788])

    Variants: function
    """
    devices.check_device(device)
    dt = target_dtype(dtype, out, "randn", DEFAULTS.float)
    return deliver(
        source(generator, "randn").normal(shape_of(sizes, "randn", size), dt.np), out, requires_grad, "randn"
    )


def randint(
    low: Any, high: Any = None, size: Any = None, *, generator: Any = None, out: Any = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Integers of [low, high), evenly likely; ``randint(high, size)`` starts at 0.

    Args:
        low, high: bounds.
        size: shape of the result.
        dtype: int64 if None.

    Raises:
        RuntimeError: when the range is empty, or has numbers that ``dtype`` does not.

    Variants: function
    """
    devices.check_device(device)
    if size is None and high is not None and not is_number(high):
        high, size = None, high
    if size is None:
        raise TypeError('randint(): missing argument "size"')
    bottom = 0 if high is None else int_of(low)
    top = int_of(low if high is None else high)
    dt = target_dtype(dtype, out, "randint", int64)
    array = source(generator, "randint").integers(bottom, top, shape_of((size,), "randint"), dt.np)
    return deliver(array, out, requires_grad, "randint")


def randperm(
    n: Any, *, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The integers 0 .. n-1 in random order.

    Args:
        n: their number.
        dtype: int64 if None.

    Variants: function
    """
    devices.check_device(device)
    dt = target_dtype(dtype, out, "randperm", int64)
    return deliver(source(generator, "randperm").permutation(int_of(n), dt.np), out, requires_grad, "randperm")


def memory_order(model: Any) -> list[int]:
    """The dimensions of an array from the slowest to the fastest varying in memory.

    Those that repeat elements are not compared, as in PyTorch: each stays where the sorting of the others leaves it.
    """
    if isinstance(model, np.generic) or model.flags.c_contiguous:
        return list(range(model.ndim))
    strides = [abs(s) for s in model.strides]
    if 0 not in strides:
        return sorted(range(model.ndim), key=[-s for s in strides].__getitem__)
    order = list(range(model.ndim))
    for place in range(model.ndim - 2, -1, -1):
        moved = place
        for following in range(place + 1, model.ndim):
            here, there = strides[order[moved]], strides[order[following]]
            if 0 < there < here:
                break
            if 0 < here < there:
                order[moved], order[following] = order[following], order[moved]
                moved = following
    return order


def memory_shape(model: Any) -> tuple[int, ...]:
    """Shape to draw in, so that a transposed array is filled in the order of its memory, as PyTorch does."""
    return tuple([model.shape[d] for d in memory_order(model)])


def laid_out(samples: Any, model: Any) -> Any:
    """Samples of shape ``memory_shape(model)`` with the dimensions of ``model``."""
    return samples.transpose(np.argsort(memory_order(model)))


def model_of(x: TensorBase, dtype: Any, function: str) -> Any:
    """Uninitialised array with the shape and memory layout of ``x``."""
    dt = x.dt if dtype is None else parse_dtype(dtype, function)
    return laid_out(np.empty(memory_shape(x.array), dt.np), x.array)


def rand_like(
    self: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False, memory_format: Any = None, generator: Any = None,
) -> Tensor:  # fmt: skip
    """Uniform samples of [0, 1) with the shape (and, unless given, dtype) of ``self``.

    Variants: function
    """
    devices.check_device(device)
    model = model_of(self, dtype, "rand_like")
    samples = source(generator, "rand_like").uniform(memory_shape(model), model.dtype)
    return finish(laid_out(samples, model), requires_grad)


def randn_like(
    self: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False, memory_format: Any = None, generator: Any = None,
) -> Tensor:  # fmt: skip
    """Standard normal samples with the shape (and, unless given, dtype) of ``self``.

    Variants: function
    """
    devices.check_device(device)
    model = model_of(self, dtype, "randn_like")
    draw = source(generator, "randn_like")
    samples = draw.normal(memory_shape(model), model.dtype, 0.0, 1.0, model.flags.c_contiguous)
    return finish(laid_out(samples, model), requires_grad)


def randint_like(
    self: Tensor, low: Any, high: Any = None, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None, generator: Any = None,
) -> Tensor:  # fmt: skip
    """Integers of [low, high), or of [0, low), with the shape (and, unless given, dtype) of ``self``.

    Variants: function
    """
    devices.check_device(device)
    model = model_of(self, dtype, "randint_like")
    bottom = 0 if high is None else int_of(low)
    top = int_of(low if high is None else high)
    samples = source(generator, "randint_like").integers(bottom, top, memory_shape(model), model.dtype)
    return finish(laid_out(samples, model), requires_grad)


class Sampled(Unary):
    """Base of samples that a tensor of parameters is turned into: their derivative is zero."""

    reads: i64 = 0

    def __init__(self, generator: rng.Generator) -> None:
        self.generator: rng.Generator = generator

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return zeros_as(grad)

    def fresh(self) -> Unary:
        return self

    def prepare(self, x: TensorBase) -> TensorBase:
        return x


class BernoulliBackward0(Sampled):
    """Ones with the probabilities in ``self``, else zeros."""

    def forward(self, x: Any) -> Any:
        return self.generator.bernoulli(np.asarray(x))


class PoissonBackward0(Sampled):
    """Poisson samples with the rates in ``self``."""

    def forward(self, x: Any) -> Any:
        return self.generator.poisson(np.asarray(x))


class NormalBackward1(Sampled):
    """Normal samples with a tensor of means and one standard deviation."""

    std: Any = 1.0

    def forward(self, x: Any) -> Any:
        return self.generator.normal_from(np.asarray(x), self.std)


class NormalBackward2(Sampled):
    """Normal samples with one mean and a tensor of standard deviations."""

    mean: Any = 0.0

    def forward(self, x: Any) -> Any:
        return self.generator.normal_from(self.mean, np.asarray(x))


class NormalBackward3(Binary):
    """Normal samples with tensors of means and of standard deviations."""

    reads_self: i64 = 0
    reads_other: i64 = 0

    def __init__(self, generator: rng.Generator) -> None:
        self.generator: rng.Generator = generator

    def forward(self, x: Any, y: Any) -> Any:
        return self.generator.normal_from(np.asarray(x), np.asarray(y))

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return zeros_as(grad)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return zeros_as(grad)

    def fresh(self) -> Binary:
        return self


def normal(
    mean: Tensor | Any = 0.0, std: Tensor | Any = 1.0, size: Any = None, *, generator: Any = None, out: Any = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Normal samples.

    Args:
        mean, std: numbers (then ``size`` is needed) or tensors that broadcast.
        size: shape of the result, for numbers only.
        dtype: for numbers; the default dtype if None.

    Gradient:
        0 for tensors of means and standard deviations.

    Raises:
        RuntimeError: for a negative standard deviation.

    Variants: function
    """
    draw = source(generator, "normal")
    if isinstance(mean, TensorBase) or isinstance(std, TensorBase):
        result = normal_of_tensors(mean, std, draw)
        return result if out is None else write_out("normal", out, result)
    if size is None:
        raise TypeError("normal() received an invalid combination of arguments: numbers for mean and std need a size")
    devices.check_device(device)
    dt = target_dtype(dtype, out, "normal", DEFAULTS.float)
    array = draw.normal(shape_of((size,), "normal"), dt.np, float(mean), float(std))
    return deliver(array, out, requires_grad, "normal")


def normal_of_tensors(mean: Any, std: Any, draw: rng.Generator) -> Tensor:
    """Normal samples where at least one parameter is a tensor."""
    if not isinstance(std, TensorBase):
        by_mean = NormalBackward1(draw)
        by_mean.std = float(std)
        return unary(by_mean, mean)
    if not isinstance(mean, TensorBase):
        by_std = NormalBackward2(draw)
        by_std.mean = float(mean)
        return unary(by_std, std)
    return binary(NormalBackward3(draw), mean, std)


def bernoulli(self: Tensor, p: Any = None, *, generator: Any = None) -> Tensor:
    """Ones with the probabilities in ``self`` (or, given ``p``, with this one everywhere), else zeros.

    Gradient:
        0; with ``p`` not implemented (as in PyTorch).

    Raises:
        RuntimeError: for probabilities outside [0, 1].

    Variants: function method out
    """
    draw = source(generator, "bernoulli")
    if p is None:
        return unary(BernoulliBackward0(draw), self)
    return refuse_gradient(make(draw.bernoulli_scalar(float(p), self.shp, self.dt.np)), [self], "bernoulli")


def poisson(self: Tensor, generator: Any = None) -> Tensor:
    """Poisson samples with the rates in ``self``.

    Gradient:
        0.

    Raises:
        RuntimeError: for negative rates.

    Variants: function
    """
    return unary(PoissonBackward0(source(generator, "poisson")), self)


def multinomial(self: Tensor, num_samples: Any, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Indices drawn with probabilities proportional to the last dimension of ``self``.

    Args:
        self: weights, not negative, of shape (categories,) or (rows, categories).
        num_samples: number of indices per row.
        replacement: whether an index may be drawn twice.

    Returns:
        int64 tensor of shape (num_samples,) or (rows, num_samples), without gradient.

    Variants: function method out
    """
    draw = source(generator, "multinomial")
    return make(np.ascontiguousarray(draw.multinomial(self.array, int_of(num_samples), bool(replacement))))
