"""Filling tensors with random numbers in place. The old values are forgotten, so the derivative is zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import rng
from .._core.tensor_base import TensorBase
from .._record.common import int_of
from .._record.unary import unary_
from .random import Sampled, laid_out, memory_order, memory_shape, source

if TYPE_CHECKING:
    from .._tensor import Tensor


class Fill(Sampled):
    """Base of the nodes of in-place sampling. ``first`` and ``second`` are the parameters of the distribution."""

    def __init__(self, generator: rng.Generator, first: Any, second: Any) -> None:
        super().__init__(generator)
        self.first: Any = first
        self.second: Any = second

    def forward(self, x: Any) -> Any:
        return laid_out(self.draw(memory_shape(x), x.dtype, isinstance(x, np.generic) or x.flags.c_contiguous, None), x)

    def write(self, x: Any, out: Any) -> bool:
        if not isinstance(out, np.ndarray) or out.dtype.kind == "c":
            return False
        flat = out.transpose(memory_order(out))
        if not flat.flags.c_contiguous or out.ndim == 0:
            return False
        self.draw(flat.shape, out.dtype, out.flags.c_contiguous, flat.reshape(-1))
        return True

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        """Samples in the order of memory, written to ``out``, the memory as one dimension, unless it is None."""
        raise NotImplementedError


class UniformBackward0(Fill):
    """Uniform samples."""

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        return self.generator.uniform(shape, dtype, self.first, self.second, out)


class NormalBackward0(Fill):
    """Normal samples."""

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        return self.generator.normal(shape, dtype, self.first, self.second, contiguous, out)


class LogNormalBackward0(Fill):
    """Exponentials of normal samples."""

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        return self.generator.log_normal(shape, dtype, self.first, self.second, out)


class CauchyBackward0(Fill):
    """Cauchy samples."""

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        return self.generator.cauchy(shape, dtype, self.first, self.second, out)


class ExponentialBackward0(Fill):
    """Exponential samples."""

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        return self.generator.exponential(shape, dtype, self.first, out)


class GeometricBackward0(Fill):
    """Geometric samples."""

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        return self.generator.geometric(shape, dtype, self.first, out)


class BernoulliBackward2(Fill):
    """Ones with one probability."""

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        return self.generator.bernoulli_scalar(self.first, shape, dtype, out)


class BernoulliBackward1(Fill):
    """Ones with an array of probabilities (``first``)."""

    def forward(self, x: Any) -> Any:
        return self.generator.bernoulli(self.first, x.dtype, x.shape)

    def write(self, x: Any, out: Any) -> bool:
        return False


class RandomBackward0(Fill):
    """Integers of a range."""

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        return self.generator.integers(self.first, self.second, shape, dtype, out)


class RandomBackward1(RandomBackward0):
    """Integers from 0 on."""


class RandomBackward2(Fill):
    """Integers of the whole range of the dtype."""

    def draw(self, shape: tuple[int, ...], dtype: Any, contiguous: bool, out: Any) -> Any:
        return self.generator.random(shape, dtype, out)


def uniform_(self: Tensor, from_: Any = 0.0, to: Any = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with uniform samples of [from_, to); the gradient of the old values is 0.

    Variants: method
    """
    return unary_(UniformBackward0(source(generator, "uniform_"), float(from_), float(to)), self)


def normal_(self: Tensor, mean: Any = 0.0, std: Any = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with normal samples of mean ``mean`` and standard deviation ``std``; the gradient of the old values is 0.

    Variants: method
    """
    return unary_(NormalBackward0(source(generator, "normal_"), float(mean), float(std)), self)


def log_normal_(self: Tensor, mean: Any = 1.0, std: Any = 2.0, *, generator: Any = None) -> Tensor:
    """Fill with exponentials of normal samples of the given mean and standard deviation.

    Variants: method
    """
    return unary_(LogNormalBackward0(source(generator, "log_normal_"), float(mean), float(std)), self)


def cauchy_(self: Tensor, median: Any = 0.0, sigma: Any = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with Cauchy samples of the given median and half-width.

    Variants: method
    """
    return unary_(CauchyBackward0(source(generator, "cauchy_"), float(median), float(sigma)), self)


def exponential_(self: Tensor, lambd: Any = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with exponential samples of rate ``lambd``.

    Variants: method
    """
    return unary_(ExponentialBackward0(source(generator, "exponential_"), float(lambd), None), self)


def geometric_(self: Tensor, p: Any, *, generator: Any = None) -> Tensor:
    """Fill with numbers of trials up to the first success of probability ``p``.

    Variants: method
    """
    return unary_(GeometricBackward0(source(generator, "geometric_"), float(p), None), self)


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fill with ones of probability ``p``, a number or a tensor of probabilities, and zeros.

    Variants: method
    """
    draw = source(generator, "bernoulli_")
    if isinstance(p, TensorBase):
        return unary_(BernoulliBackward1(draw, np.asarray(p.array), None), self)
    return unary_(BernoulliBackward2(draw, float(p), None), self)


def random_(self: Tensor, from_: Any = None, to: Any = None, *, generator: Any = None) -> Tensor:
    """Fill with integers: ``random_(to)`` of [0, to), ``random_(from, to)`` of [from, to), ``random_()`` of all that fit.

    Variants: method
    """
    draw = source(generator, "random_")
    if from_ is None and to is None:
        return unary_(RandomBackward2(draw, None, None), self)
    if to is None:
        return unary_(RandomBackward1(draw, 0, int_of(from_)), self)
    return unary_(RandomBackward0(draw, int_of(from_), int_of(to)), self)
