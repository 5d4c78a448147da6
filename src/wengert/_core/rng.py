"""Random numbers: PyTorch's CPU generator, stream and samples alike.

The stream is MT19937 read as 32-bit words. ``rng_stream`` keeps it, the one cached normal value and the state layout of
PyTorch; ``Generator`` draws arrays from it; the arithmetic of each distribution is in ``rng_sampling``. All methods that draw
return fresh C-contiguous arrays and may be called from several threads.

Source: PyTorch 2.13 on x86-64, found by comparison with it. That build draws ``bernoulli_(p)`` and dropout from this
stream too; older ones used a second generator (MKL's) on Intel processors.
"""

from __future__ import annotations

import math
import operator
from typing import Any, Final

import numpy as np

from ..kernels import samples
from ..kernels.memory import empty_like
from . import rng_filling as filling
from . import rng_sampling as sampling
from .rng_sampling import CHUNK, FLOAT16, FLOAT32, FLOAT64, INT64, INT64_MIN, MASK64
from .rng_stream import Stream


class Continuous(Stream):
    """The continuous distributions of a stream.

    Methods with ``out`` fill this contiguous array of one dimension, of the dtype and number of elements given, and make none.
    """

    def uniform(
        self, shape: tuple[int, ...], dtype: Any = FLOAT32, low: float = 0.0, high: float = 1.0, out: Any = None
    ) -> Any:
        """Uniform samples in [low, high).

        Args:
            shape: of the result.
            dtype: floating or complex; real and imaginary parts of complex samples are each uniform.
            low, high: bounds; a sample that rounds to ``high`` becomes ``low``.

        Raises:
            RuntimeError: bounds in the wrong order or outside of ``dtype``.
            NotImplementedError: integer ``dtype``.

        Source: ``torch.Tensor.uniform_``, ``torch.rand``.
        """
        dtype = np.dtype(dtype)
        n = sampling.count(shape)
        if dtype.kind == "c":
            return sampling.join_complex(self.uniform((2 * n,), sampling.real_dtype(dtype), low, high), shape)
        sampling.require_floating(dtype, "check_uniform_bounds")
        sampling.check_uniform_bounds(low, high, dtype)
        if dtype == FLOAT64:
            return self._doubles(n, low, high, out).reshape(shape)
        if dtype == FLOAT32:
            return self._singles(n, low, high, out).reshape(shape)
        return self._by_chunks(shape, dtype, filling.fill_halves, (low, high), 1, out)

    def normal(
        self,
        shape: tuple[int, ...],
        dtype: Any = FLOAT32,
        mean: float = 0.0,
        std: float = 1.0,
        contiguous: bool = True,
        out: Any = None,
    ) -> Any:
        """Normal samples of mean ``mean`` and standard deviation ``std``.

        Args:
            shape: of the result.
            dtype: floating or complex; complex samples have variance std**2 / 2 in each part.
            mean, std: of the distribution.
            contiguous: whether the tensor to be filled is C-contiguous. PyTorch fills others, and those of fewer than
                16 elements, value by value in double, two at a time, and keeps the second value for the next such
                call.

        Raises:
            RuntimeError: ``std`` is negative or NaN.
            NotImplementedError: integer ``dtype``.

        Source: ``torch.Tensor.normal_``, ``torch.randn``.
        """
        dtype = np.dtype(dtype)
        n = sampling.count(shape)
        if not std >= 0.0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        if dtype.kind == "c":
            return sampling.join_complex(
                self.normal((2 * n,), sampling.real_dtype(dtype), mean, std / math.sqrt(2.0), contiguous), shape
            )
        sampling.require_floating(dtype, "normal_kernel_cpu")
        if n < 16 or not contiguous:
            return self._normal_pairs(shape, dtype, mean, std, filling.unchanged, out)
        return self._normal_blocks(n, dtype, mean, std, out).reshape(shape)

    def _normal_pairs(
        self, shape: tuple[int, ...], dtype: Any, mean: float, std: float, function: Any, out: Any
    ) -> Any:
        """A function of normal samples that come two at a time, of which one is kept for the next call."""
        n = sampling.count(shape)
        result = np.empty(n, dtype) if out is None else out
        with self._lock:
            for start in range(0, n, CHUNK):
                part = result[start : start + CHUNK]
                values = function(sampling.fma64(self._standard_normals(part.size), std, mean), dtype)
                part[...] = sampling.round_to(values, dtype)
        return result.reshape(shape)

    def _normal_blocks(self, n: int, dtype: Any, mean: float, std: float, out: Any) -> Any:
        """16 or more normal samples: whole blocks of 16, then the last 16 drawn anew unless n is a multiple of 16."""
        whole = n - n % 16
        with self._lock:
            draw = self._doubles if dtype == FLOAT64 else self._singles
            # float16 draws whole blocks only; the wider types fill the tail first and then overwrite it.
            result = draw(whole, 0.0, 1.0) if dtype == FLOAT16 else draw(n, 0.0, 1.0, out)
            again = draw(16 if n > whole else 0)
        if dtype == FLOAT16 and n > whole:
            result = np.resize(result, n)
        blocks = sampling.normal_blocks64 if dtype == FLOAT64 else sampling.normal_blocks32
        blocks(result[:whole], mean, std)
        if n > whole:
            blocks(again, mean, std)
            result[n - 16 :] = again
        with np.errstate(over="ignore"):
            found = result.astype(dtype, copy=False)
        if out is None or found is out:
            return found
        out[...] = found
        return out

    def normal_from(self, mean: Any, std: Any) -> Any:
        """Normal samples whose mean, standard deviation or both are arrays.

        Args:
            mean, std: arrays that broadcast, or one array and one float. The dtype of the result is that of ``mean``
                if it is an array, else that of ``std``.

        Raises:
            RuntimeError: an element of ``std`` is negative or NaN, or ``std`` is complex.

        Source: ``torch.normal``.
        """
        if not isinstance(std, np.ndarray):
            return (self.normal(mean.shape, mean.dtype, 0.0, std) + mean).astype(mean.dtype, copy=False)
        if std.dtype.kind == "c":
            raise RuntimeError("normal expects standard deviation to be non-complex")
        if std.size and not np.all(std >= 0):
            raise RuntimeError("normal expects all elements of std >= 0.0")
        dtype = mean.dtype if isinstance(mean, np.ndarray) else std.dtype
        offset = mean if isinstance(mean, np.ndarray) else np.asarray(mean, dtype)
        result = self.normal(np.broadcast_shapes(offset.shape, std.shape), dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (result * std).astype(dtype, copy=False)
            return (scaled + offset).astype(dtype, copy=False)

    def exponential(self, shape: tuple[int, ...], dtype: Any = FLOAT32, lambd: float = 1.0, out: Any = None) -> Any:
        """Exponential samples of rate ``lambd``: -log(1 - u) / lambd.

        Raises:
            RuntimeError: ``lambd`` is not positive, or ``dtype`` is not floating.

        Source: ``torch.Tensor.exponential_``.
        """
        dtype = np.dtype(dtype)
        if not lambd > 0.0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
        sampling.require_continuous(dtype, "Exponential", sampling.NAMES[dtype.name][0])
        return self._by_chunks(shape, dtype, filling.fill_exponentials, lambd, 2, out)

    def cauchy(
        self, shape: tuple[int, ...], dtype: Any = FLOAT32, median: float = 0.0, sigma: float = 1.0, out: Any = None
    ) -> Any:
        """Cauchy samples: median + sigma * tan(pi (u - 1/2)).

        Raises:
            RuntimeError: ``sigma`` is not positive, or ``dtype`` is not floating.

        Source: ``torch.Tensor.cauchy_``.
        """
        dtype = np.dtype(dtype)
        if not sigma > 0.0:
            raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
        sampling.require_continuous(dtype, "Cauchy", sampling.NAMES[dtype.name][1])
        return self._by_chunks(shape, dtype, filling.fill_cauchy, (median, sigma), 2, out)

    def log_normal(
        self, shape: tuple[int, ...], dtype: Any = FLOAT32, mean: float = 1.0, std: float = 2.0, out: Any = None
    ) -> Any:
        """exp of normal samples; ``mean`` and ``std`` are those of the logarithm.

        Raises:
            RuntimeError: ``std`` is not positive.
            NotImplementedError: ``dtype`` is not floating.

        Source: ``torch.Tensor.log_normal_``.
        """
        dtype = np.dtype(dtype)
        if not std > 0.0:
            raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
        sampling.require_floating(dtype, "log_normal_cpu")
        return self._normal_pairs(shape, dtype, mean, std, filling.exponentials_of, out)


class Generator(Continuous):
    """A source of random numbers with PyTorch's CPU stream.

    Args:
        device: ``"cpu"``, the only device.

    Example:
        >>> Generator().manual_seed(0).normal((3,))
        array([ 1.5409961, -0.2934289, -2.1787894], dtype=float32)

    Source: ``torch.Generator``.
    """

    def __init__(self, device: str = "cpu") -> None:
        if device != "cpu" and not device.startswith("cpu:"):
            raise RuntimeError(f"Generator(device='{device}'): the only device is 'cpu'")
        super().__init__()

    @property
    def device(self) -> str:
        """``"cpu"``."""
        return "cpu"

    def manual_seed(self, seed: Any) -> Generator:
        """This generator, started from ``seed``; a cached normal value is dropped.

        Args:
            seed: an int in [-2**63, 2**64); negative ones count from 2**64. The low 32 bits choose the stream.

        Raises:
            RuntimeError: ``seed`` is not an int.
            ValueError: ``seed`` is out of range.
        """
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        value: int = operator.index(seed)
        if value < INT64_MIN or value > MASK64:
            raise ValueError("Overflow when unpacking long long")
        with self._lock:
            self._restart(value & MASK64)
        return self

    def clone_state(self) -> Generator:
        """A new generator that continues exactly as this one would."""
        result = Generator()
        result.set_state_array(self.state_array())
        return result

    def __reduce__(self) -> Any:
        return (_from_state, (self.state_array(),))

    def geometric(self, shape: tuple[int, ...], dtype: Any, p: float, out: Any = None) -> Any:
        """Trials up to the first success of probability ``p``: ceil(log(u) / log(1 - p)).

        Raises:
            RuntimeError: ``p`` is not in (0, 1).
            NotImplementedError: ``dtype`` is bool or complex.

        Source: ``torch.Tensor.geometric_``. Counts beyond the range of an integer ``dtype`` wrap around, as there.
        """
        dtype = np.dtype(dtype)
        if not 0.0 < p < 1.0:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
        if dtype.kind not in "fiu" or dtype.name in ("uint16", "uint32", "uint64"):
            raise sampling.not_implemented("geometric_cpu", dtype)
        return self._by_chunks(shape, dtype, filling.fill_trials, p, 2, out)

    def integers(self, low: int, high: int | None, shape: tuple[int, ...], dtype: Any = INT64, out: Any = None) -> Any:
        """Integers of [low, high), evenly likely up to the bias of a remainder.

        Args:
            low: first value.
            high: one past the last value; None for everything from ``low`` to the largest of ``dtype``.
            shape: of the result.
            dtype: any but complex.

        Raises:
            RuntimeError: no value in the range, or values that ``dtype`` does not have.

        Source: ``torch.randint``, ``torch.Tensor.random_(from, to)``.
        """
        dtype = np.dtype(dtype)
        if high is None and low == INT64_MIN:
            sampling.check_full_range(dtype)
            return self._by_chunks(shape, dtype, filling.fill_integers, (0, MASK64 + 1), 2, out)
        low, last = sampling.integer_bounds(low, high, dtype)
        span = last - low + 1
        words = 2 if span >= sampling.WIDE_RANGE else 1
        return self._by_chunks(shape, dtype, filling.fill_integers, (low, span), words, out)

    def random(self, shape: tuple[int, ...], dtype: Any = FLOAT32, out: Any = None) -> Any:
        """Integers of [0, largest value] for integer dtypes, of [0, 2**precision] for floating ones, and booleans.

        Raises:
            NotImplementedError: ``dtype`` is complex or one of uint16, uint32, uint64.

        Source: ``torch.Tensor.random_()``.
        """
        dtype = np.dtype(dtype)
        if dtype.kind not in "fib" and dtype != np.uint8:
            raise sampling.not_implemented("random_kernel_cpu", dtype)
        words = 2 if dtype in (INT64, FLOAT64) else 1
        return self._by_chunks(shape, dtype, filling.fill_any, None, words, out)

    def permutation(self, n: int, dtype: Any = INT64) -> Any:
        """The integers 0 .. n-1 in random order.

        Raises:
            RuntimeError: ``n`` is negative or too large for ``dtype``, or at least 214748364, from where on PyTorch
                uses another algorithm.

        Source: ``torch.randperm``.
        """
        dtype = np.dtype(dtype)
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
        sampling.check_permutation(n, dtype)
        order = np.arange(n, dtype=INT64)
        with self._lock:
            for start in range(0, n - 1, CHUNK):
                sampling.shuffle(order, self._words(min(CHUNK, n - 1 - start)), start)
        return order.astype(dtype, copy=False)

    def bernoulli(self, p: Any, dtype: Any = None, shape: tuple[int, ...] | None = None) -> Any:
        """Ones with probability ``p``, element by element, else zeros.

        Args:
            p: floating array of probabilities.
            dtype: of the result; that of ``p`` by default.
            shape: to which ``p`` is broadcast; its own by default.

        Raises:
            RuntimeError: an element of ``p`` is not in [0, 1].
            NotImplementedError: ``p`` is not floating.

        Source: ``torch.bernoulli(p)``, ``torch.Tensor.bernoulli_(p_tensor)``.
        """
        sampling.check_probabilities(p)
        shape = p.shape if shape is None else shape
        n = sampling.count(shape)
        result = np.empty(n, p.dtype if dtype is None else dtype)
        chances = np.broadcast_to(p, shape).reshape(-1)
        draw = self._doubles if p.dtype == FLOAT64 else self._singles
        with self._lock:
            for start in range(0, n, CHUNK):
                part = chances[start : start + CHUNK]
                np.less(draw(part.size), part, out=result[start : start + CHUNK], casting="unsafe")
        return result.reshape(shape)

    def bernoulli_scalar(self, p: float, shape: tuple[int, ...], dtype: Any = FLOAT32, out: Any = None) -> Any:
        """Ones with probability ``p``, else zeros. Dropout draws its mask so, with p the probability to keep.

        Raises:
            RuntimeError: ``p`` is not in [0, 1].
            NotImplementedError: ``dtype`` is complex or one of uint16, uint32, uint64.

        Source: ``torch.Tensor.bernoulli_(float)``.
        """
        dtype = np.dtype(dtype)
        if not 0.0 <= p <= 1.0:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
        if dtype.kind not in "fiub" or dtype.name in ("uint16", "uint32", "uint64"):
            raise sampling.not_implemented("bernoulli_scalar_cpu_", dtype)
        if samples.ready() and dtype.itemsize != FLOAT16.itemsize:
            result = np.empty(sampling.count(shape), dtype) if out is None else out
            self._coins(result, p, 1.0, None, None)
            return result.reshape(shape)
        return self._by_chunks(shape, dtype, filling.fill_coins, p, 2, out)

    def dropped(self, x: Any, p: float) -> tuple[Any, Any]:
        """A mask like ``x`` of 1 / p with probability ``p``, else 0, and ``x`` times the mask; where kernels run.

        Args:
            x: float32 or float64, without gaps in memory.
            p: in (0, 1].
        """
        mask, out = empty_like(x), empty_like(x)
        value = float(x.dtype.type(1) / x.dtype.type(p))
        self._coins(mask.ravel("K"), p, value, x.ravel("K"), out.ravel("K"))
        return mask, out

    def multinomial(self, p: Any, num_samples: int, replacement: bool = False) -> Any:
        """Indices (int64) drawn with probabilities proportional to the last axis of ``p``.

        Args:
            p: floating array of shape (categories,) or (rows, categories), of non-negative weights.
            num_samples: per row.
            replacement: whether an index may come twice in a row.

        Returns:
            Shape (num_samples,) or (rows, num_samples).

        Raises:
            RuntimeError: weights that are negative, not finite or all zero, or too few categories.

        Source: ``torch.multinomial``. Without replacement the largest p / exponential win; among equal ones (weights
        that are zero) the lowest index comes first, where PyTorch's order is that of its partial sort.
        """
        sampling.check_multinomial(p, num_samples, replacement)
        rows = p if p.ndim == 2 else p[None]
        result = np.empty((len(rows), num_samples), np.int64)
        step = max(1, 4 * CHUNK // max(1, rows.shape[1]))
        with self._lock:
            for start in range(0, len(rows), step):
                part = rows[start : start + step]
                if replacement and num_samples > 1:
                    uniform = self._doubles(len(part) * num_samples).reshape(-1, num_samples)
                    result[start : start + step] = sampling.search_weights(part, uniform)
                else:
                    exponential = self.exponential(part.shape, p.dtype)
                    result[start : start + step] = sampling.largest_scores(part, exponential, num_samples)
        return result.reshape(p.shape[:-1] + (num_samples,))

    def poisson(self, rate: Any) -> Any:
        """Poisson samples of the dtype and shape of ``rate``, element by element (a Python loop).

        Raises:
            RuntimeError: a rate that is negative, NaN or 2**62 and more, where PyTorch returns garbage.
            NotImplementedError: ``rate`` is not floating.

        Source: ``torch.poisson``.
        """
        if rate.dtype.kind != "f":
            raise sampling.not_implemented("poisson_cpu", rate.dtype)
        wide = rate.astype(np.float64)
        if not np.all(wide >= 0):
            raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
        if np.any(wide >= 2.0**62):
            raise RuntimeError(f"poisson: the count of a rate of {wide.max():g} does not fit int64")
        with self._lock:
            before = self.clone_state()
            uniforms = sampling.Uniforms(before._doubles, 2 * rate.size + 16)
            values = [sampling.poisson_sample(r, uniforms) for r in wide.reshape(-1).tolist()]
            self._words(2 * uniforms.taken)
        return sampling.round_to(np.array(values, np.float64), rate.dtype).reshape(rate.shape)


def _from_state(state: Any) -> Generator:
    result = Generator()
    result.set_state_array(state)
    return result


# Unseeded programs repeat. PyTorch's default generator, unlike its other ones, starts from a seed of the system.
default_generator: Final = Generator()
