"""The arithmetic that turns 32-bit words into samples, with PyTorch's rounding at every step.

Only pure functions of arrays live here; the stream of words and its state are in ``rng``.

Note [Fused multiply-add]: PyTorch's kernels are compiled with FMA, so ``x * scale + shift`` is rounded once there.
NumPy rounds twice, which changes the last bit of about half of the values of ``uniform_(-k, k)``. ``fma32`` and
``fma64`` round once (``fma32`` misses about one in 10**8, where the double sum falls on a tie of float32).

Note [C library functions]: float64 samples need log, log1p, exp and tan of the C library, which is what PyTorch calls.
NumPy's vectorised ones differ in the last bit (0.4 % of the logarithms). Samples in float32 and float16 are rounded
from double, where that bit is lost but for about one element in 10**8, and use NumPy's.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ..kernels import samples
from .quiet import restore, silence

FLOAT16: Final = np.dtype(np.float16)
FLOAT32: Final = np.dtype(np.float32)
FLOAT64: Final = np.dtype(np.float64)
INT64: Final = np.dtype(np.int64)
BOOL: Final = np.dtype(np.bool_)

WIDE_RANGE: Final = 1 << 28  # from this many values on, an integer takes two words
MASK64: Final = (1 << 64) - 1
INT64_MIN: Final = -(1 << 63)
INT64_MAX: Final = (1 << 63) - 1

# Elements per pass, a multiple of 16: no temporary reaches 128 KB, where malloc goes to the operating system each time.
CHUNK: Final = 768 * 16
FEW: Final = 64  # samples that are made without arrays


def longs(words: Any) -> Any:
    """Each pair of words as one uint64, high word first."""
    pairs = words.reshape(-1, 2)
    return (pairs[:, 0].astype(np.uint64) << np.uint64(32)) | pairs[:, 1]


def fma32(x: Any, scale: float, shift: float) -> Any:
    """``x * scale + shift`` in float32 with one rounding; see Note [Fused multiply-add]."""
    wide = x.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        wide *= scale
        wide += shift
        return wide.astype(np.float32)


def fma64(x: Any, scale: float, shift: float) -> Any:
    """``x * scale + shift`` in float64 with one rounding; see Note [Fused multiply-add].

    The product and the sum are each split into a rounded value and its error (Dekker 1971, Knuth's two-sum).
    """
    if shift == 0.0:
        return x * scale + shift
    with np.errstate(over="ignore", invalid="ignore"):
        product = x * scale
        x_high, x_low = _split(x)
        scale_high, scale_low = _split(scale)
        error = ((x_high * scale_high - product) + x_high * scale_low + x_low * scale_high) + x_low * scale_low
        total = product + shift
        back = total - product
        error += (product - (total - back)) + (shift - back)
        exact = total + error
    # Splitting overflows near the largest double; the plain sum is right there.
    return np.where(np.isfinite(exact), exact, total)


def _split(x: Any) -> tuple[Any, Any]:
    """A double as the sum of two halves of 26 bits."""
    scaled = x * 134217729.0  # 2**27 + 1
    high = scaled - (scaled - x)
    return high, x - high


def libm(function: Callable[[float], float], x: Any) -> Any:
    """A function of the C library applied to every element; see Note [C library functions]."""
    result = np.empty(x.size)
    for start in range(0, x.size, CHUNK):
        result[start : start + CHUNK] = list(map(function, x[start : start + CHUNK].tolist()))
    return result


def round_to(x: Any, dtype: Any) -> Any:
    """Double samples in ``dtype``: float16 by way of float32 and integers by way of int64, as C++ casts do."""
    if dtype == FLOAT64:
        return x
    token = silence()
    try:
        return x.astype(np.float32 if dtype.kind == "f" else np.int64).astype(dtype, copy=False)
    finally:
        restore(token)


# -------------------------------------------------------------------------------------------------------- normal


def box_muller_pairs(uniform: Any) -> Any:
    """Standard normal float64 from pairs of uniforms: radius * cos(angle), radius * sin(angle), in turn.

    radius = sqrt(-2 log1p(-u2)), angle = 2 pi u1. The form used for fewer than 16 elements.
    """
    if uniform.size <= FEW:
        return np.array(few_pairs(uniform.tolist()))
    pairs = uniform.reshape(-1, 2)
    radius = np.sqrt(-2.0 * libm(math.log1p, -pairs[:, 1]))
    result = np.empty(pairs.shape)
    cosine, sine = _cos_sin64(2.0 * math.pi * pairs[:, 0])
    np.multiply(radius, cosine, out=result[:, 0])
    np.multiply(radius, sine, out=result[:, 1])
    return result.reshape(-1)


def few_pairs(uniform: list[float]) -> list[float]:
    """The same of a few numbers, without arrays."""
    made = []
    for k in range(0, len(uniform), 2):
        radius = math.sqrt(-2.0 * math.log1p(-uniform[k + 1]))
        angle = 2.0 * math.pi * uniform[k]
        made.append(radius * math.cos(angle))
        made.append(radius * math.sin(angle))
    return made


def _cos_sin64(angle: Any) -> tuple[Any, Any]:
    # NumPy hands exp of a complex number to the C library, whose sine and cosine are the ones wanted.
    rotation = np.exp(1j * angle)
    return rotation.real, rotation.imag


def normal_blocks64(uniform: Any, mean: float, std: float) -> None:
    """Blocks of 16 uniform float64 in place as normal samples, by the C library's functions."""
    if samples.ready():
        samples.normals(uniform, mean, std)
        return
    for start in range(0, uniform.size, CHUNK):
        blocks = uniform[start : start + CHUNK].reshape(-1, 2, 8)
        radius = np.sqrt(-2.0 * libm(math.log, (1.0 - blocks[:, 0]).reshape(-1)))
        cosine, sine = _cos_sin64(2.0 * math.pi * blocks[:, 1].reshape(-1))
        blocks[:, 0] = fma64(radius * cosine, std, mean).reshape(-1, 8)
        blocks[:, 1] = fma64(radius * sine, std, mean).reshape(-1, 8)


def normal_blocks32(uniform: Any, mean: float, std: float) -> None:
    """Blocks of 16 uniform float32 in place as normal samples, bit for bit what PyTorch's AVX2 kernel computes."""
    mean, std = float(np.float32(mean)), float(np.float32(std))
    if samples.ready():
        samples.normals(uniform, mean, std)
        return
    for start in range(0, uniform.size, CHUNK):
        part = uniform[start : start + CHUNK].reshape(-1, 2, 8)
        radius = np.sqrt(np.float32(-2.0) * log32((np.float32(1.0) - part[:, 0]).reshape(-1)))
        waves = cos_sin32(np.float32(2.0 * math.pi) * part[:, 1].reshape(-1))
        waves *= radius
        if mean == 0.0 and std == 1.0:
            waves += np.float32(0.0)  # turns -0 into 0 as the fused step does
        else:
            waves = fma32(waves, std, mean)
        part[...] = waves.reshape(2, -1, 8).swapaxes(0, 1)


def _float32_values(*values: float) -> list[float]:
    return [float(np.float32(value)) for value in values]


# Single precision log, cos and sin with the polynomials of Cephes (S. Moshier), which PyTorch's kernel evaluates in
# fused steps. Coefficients are float32 values held as doubles.
LOG_POLYNOMIAL: Final = _float32_values(
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
SQRT_HALF: Final = np.float32(math.sqrt(0.5))
LN2: Final = _float32_values(0.693359375, -2.12194440e-4)  # high and low part
COS_SIN_POLYNOMIALS: Final = [
    np.array(_float32_values(cosine, sine)).reshape(2, 1)
    for cosine, sine in (
        (2.443315711809948e-5, -1.9515295891e-4),
        (-1.388731625493765e-3, 8.3321608736e-3),
        (4.166664568298827e-2, -1.6666654611e-1),
    )
]
# -pi / 4 in three parts, each short enough that small multiples of it are exact.
QUARTER_PI: Final = _float32_values(-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)
FOUR_BY_PI: Final = np.float32(4.0 / math.pi)


def _fused(value: Any, factor: Any, term: Any, narrow: Any) -> None:
    """``value * factor + term`` in place and in ``narrow`` (float32), rounded once; all are float32 values.

    Four plain passes in cache beat one pass that casts inside a ufunc (0.7 against 0.85 ns an element).
    """
    value *= factor
    value += term
    narrow[...] = value
    value[...] = narrow


def log32(x: Any) -> Any:
    """Natural logarithm of float32 in (0, 1]."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < SQRT_HALF
    reduced = mantissa * np.add(small, 1.0, dtype=np.float32) - np.float32(1.0)
    power = np.subtract(exponent, small, dtype=np.float64)
    wide = reduced.astype(np.float64)
    narrow = np.empty_like(reduced)
    value = np.full(wide.shape, LOG_POLYNOMIAL[0])
    for coefficient in LOG_POLYNOMIAL[1:]:
        _fused(value, wide, coefficient, narrow)
    narrow *= reduced
    value[...] = narrow
    square = reduced * reduced
    _fused(value, square, (power * LN2[1]).astype(np.float32), narrow)
    square *= np.float32(0.5)
    narrow -= square
    reduced += narrow
    _fused(power, LN2[0], reduced, narrow)
    return narrow


def cos_sin32(angle: Any) -> Any:
    """Cosine (row 0) and sine (row 1) of float32 angles in [0, 2 pi]."""
    octant = (angle * FOUR_BY_PI).astype(np.int32)
    octant += 1
    octant &= ~1
    multiple = octant.astype(np.float64)
    reduced = angle.astype(np.float64)
    narrow = np.empty_like(angle)
    for part in QUARTER_PI:
        reduced += multiple * part
        narrow[...] = reduced
        reduced[...] = narrow
    square = narrow * narrow
    result = np.empty((2, angle.size), np.float32)
    value = np.empty(result.shape)
    value[...] = COS_SIN_POLYNOMIALS[0]
    for coefficients in COS_SIN_POLYNOMIALS[1:]:
        _fused(value, square, coefficients, result)
    result *= square
    value[...] = result
    # cos = 1 + (p z - z / 2) and sin = x + p x, with z = x**2
    value[0] *= square
    square *= np.float32(0.5)
    value[0] -= square
    value[1] *= reduced
    value[1] += reduced
    result[...] = value
    result[0] += np.float32(1.0)
    # Every other octant swaps the two; the cosine is negative in octants 2 and 4 (mod 8), the sine in 4 and 6. On bits,
    # because a selection by a random mask costs five times as much.
    bits = result.view(np.int32)
    differing = bits[0] ^ bits[1]
    differing &= -((octant >> 1) & 1)
    bits ^= differing
    bits[0] ^= ((octant + 2) & 4) << 29
    bits[1] ^= (octant & 4) << 29
    return result


# ------------------------------------------------------------------------------------------------------ discrete


def shuffle(order: Any, words: Any, start: int) -> None:
    """Exchange ``order[start]`` and those behind it with a later one each (Fisher-Yates), by one word each."""
    if samples.ready():
        samples.shuffle(order, words, start, order.size)
        return
    targets = words % np.arange(order.size - start, order.size - start - words.size, -1)
    targets += np.arange(start, start + words.size)
    values = memoryview(order)
    for i, j in enumerate(targets.tolist(), start):
        values[i], values[j] = values[j], values[i]


def search_weights(weights: Any, uniform: Any) -> Any:
    """Row by row, the categories in whose share of the summed weights the uniforms fall."""
    kind = FLOAT64 if weights.dtype == FLOAT64 else FLOAT32
    if samples.ready():
        return samples.search_weights(weights.astype(kind, copy=False), uniform)
    shares: Any = np.cumsum(weights, axis=-1, dtype=kind)
    with np.errstate(invalid="ignore"):  # a sum that overflows
        shares /= shares[:, -1:].copy()
    shares[:, -1] = 1.0
    if len(shares) == 1:
        return np.searchsorted(shares[0].astype(np.float64), uniform[0])[None]
    low = np.zeros(uniform.shape, np.int64)
    high = np.full(uniform.shape, shares.shape[1])
    for _ in range(shares.shape[1].bit_length()):  # all rows halve their intervals together
        middle = (low + high) >> 1
        beyond = low < high
        beyond &= np.take_along_axis(shares, np.minimum(middle, shares.shape[1] - 1), -1) < uniform
        np.copyto(low, middle + 1, where=beyond)
        np.copyto(high, middle, where=~beyond)
    return low


def largest_scores(weights: Any, exponential: Any, n: int) -> Any:
    """Row by row, the ``n`` categories of the largest weight / exponential, the largest first."""
    with np.errstate(divide="ignore", over="ignore"):
        scores = np.divide(weights, exponential, out=exponential)
    if n == 1:
        return scores.argmax(axis=-1)[:, None]
    return np.argsort(-scores, axis=-1, kind="stable")[:, :n]


class Uniforms:
    """Uniform doubles handed out one by one, for samplers that cannot know how many they need."""

    def __init__(self, draw: Callable[[int], Any], expected: int) -> None:
        self.draw: Callable[[int], Any] = draw
        self.size: int = expected
        self.values: list[float] = []
        self.taken: int = 0

    def next(self) -> float:
        """The next double of the stream."""
        if self.taken == len(self.values):
            self.values += self.draw(self.size).tolist()
        value = self.values[self.taken]
        self.taken += 1
        return value


def poisson_sample(rate: float, uniforms: Uniforms) -> int:
    """One Poisson sample: products of uniforms below rate 10, transformed rejection (Hoermann 1993) from 10 on."""
    if rate == 0.0:
        return 0
    if rate >= 10.0:
        return _poisson_rejection(rate, uniforms)
    bound = math.exp(-rate)
    count = 0
    product = uniforms.next()
    while product > bound:
        count += 1
        product *= uniforms.next()
    return count


def _poisson_rejection(rate: float, uniforms: Uniforms) -> int:
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    log_rate = math.log(rate)
    log_alpha = math.log(1.1239 + 1.1328 / (b - 3.4))
    easy = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = uniforms.next() - 0.5
        v = uniforms.next()
        us = 0.5 - abs(u)
        if us == 0.0:
            continue  # PyTorch divides by zero here and rejects
        k = math.floor((2.0 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= easy:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        log_v = math.log(v) if v > 0.0 else -math.inf
        if log_v + log_alpha - math.log(a / (us * us) + b) <= -rate + k * log_rate - math.lgamma(k + 1.0):
            return k


# ------------------------------------------------------------------------------------------- arguments and dtypes

# dtype name: (name in "not implemented for", C++ name in "out of bounds for", bits of precision or 0, lowest, largest).
# The largest bound of uint64 is that of int64, in which PyTorch counts.
# The bounds are Any because a compiled `float` would round those of int64.
NAMES: Final[dict[str, tuple[str, str, int, Any, Any]]] = {
    "bool": ("Bool", "bool", 0, 0, 1),
    "uint8": ("Byte", "unsigned char", 0, 0, (1 << 8) - 1),
    "int8": ("Char", "signed char", 0, -(1 << 7), (1 << 7) - 1),
    "int16": ("Short", "short int", 0, -(1 << 15), (1 << 15) - 1),
    "int32": ("Int", "int", 0, -(1 << 31), (1 << 31) - 1),
    "int64": ("Long", "long int", 0, -(1 << 63), (1 << 63) - 1),
    "uint16": ("UInt16", "short unsigned int", 0, 0, (1 << 16) - 1),
    "uint32": ("UInt32", "unsigned int", 0, 0, (1 << 32) - 1),
    "uint64": ("UInt64", "long unsigned int", 0, 0, (1 << 63) - 1),
    "float16": ("Half", "c10::Half", 11, -65504.0, 65504.0),
    "float32": ("Float", "float", 24, float(np.finfo(np.float32).min), float(np.finfo(np.float32).max)),
    "float64": ("Double", "double", 53, float(np.finfo(np.float64).min), float(np.finfo(np.float64).max)),
    "complex64": ("ComplexFloat", "c10::complex<float>", 0, 0, 0),
    "complex128": ("ComplexDouble", "c10::complex<double>", 0, 0, 0),
}
LARGE_PERMUTATION: Final = ((1 << 32) - 1) // 20  # where PyTorch changes to another algorithm


def count(shape: tuple[int, ...]) -> int:
    """Number of elements of a shape."""
    for length in shape:
        if length < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {length}: {list(shape)}")
    return math.prod(shape)


def real_dtype(dtype: Any) -> Any:
    """float32 for complex64, float64 for complex128."""
    return FLOAT32 if dtype == np.complex64 else FLOAT64


def join_complex(parts: Any, shape: tuple[int, ...]) -> Any:
    """Real and imaginary parts, in turn, as complex numbers."""
    return parts.view(np.complex64 if parts.dtype == FLOAT32 else np.complex128).reshape(shape)


def not_implemented(kernel: str, dtype: Any) -> NotImplementedError:
    """PyTorch's error for a dtype that a kernel does not have."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{NAMES[dtype.name][0]}'")


def require_floating(dtype: Any, kernel: str) -> None:
    """Raises unless ``dtype`` is floating."""
    if dtype.kind != "f":
        raise not_implemented(kernel, dtype)


def require_continuous(dtype: Any, distribution: str, name: str) -> None:
    """Raises unless ``dtype``, called ``name`` in the text, is floating."""
    if dtype.kind != "f":
        raise RuntimeError(
            f"{distribution} distribution is a continuous probability distribution."
            f" dtype must be a floating point but you specified {name}"
        )


def check_uniform_bounds(low: float, high: float, dtype: Any) -> None:
    """Raises PyTorch's errors for bounds that ``dtype`` cannot hold or that are in the wrong order."""
    if low == 0.0 and high == 1.0:
        return
    title, c_name, _, _, largest = NAMES[dtype.name]
    for name, bound in (("from", low), ("to", high)):
        if not -largest <= bound <= largest:
            raise RuntimeError(f"{name} is out of bounds for {c_name}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{title}>::max(), but found to={high:g}"
            f" and from={low:g} which result in to-from to exceed the limit"
        )


def integer_bounds(low: int, high: int | None, dtype: Any) -> tuple[int, int]:
    """First and last value of [low, high), moved inwards to values of a floating ``dtype``."""
    if high is not None and low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if dtype.kind == "c":
        raise RuntimeError("check_random_bounds handles only integral, floating-point and boolean types")
    if dtype.kind == "f":
        first = _inner(low, 1, dtype)
        if high is None:
            last = 1 << NAMES[dtype.name][2]
            if first >= last:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype,"
                    f" but got from={first} > to_inc={last}"
                )
        else:
            last = _inner(high, -1, dtype) - 1
            if first > last:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype,"
                    f" but got from={first} >= to={last + 1}"
                )
    else:
        first = low
        last = high - 1 if high is not None else int(NAMES[dtype.name][4])
    _check_in_range(first, "from", dtype)
    _check_in_range(last, "to - 1", dtype)
    return first, last


def _inner(bound: int, step: int, dtype: Any) -> int:
    """``bound``, or the next value inwards if ``bound + step`` rounds past it in ``dtype``."""
    with np.errstate(over="ignore"):
        rounded = float(np.array(min(bound + step, INT64_MAX)).astype(dtype))
    if math.isinf(rounded):
        return bound  # the range check that follows refuses it
    near = int(rounded)
    if (near - bound) * step > 0 or (near == bound and step > 0):
        return bound
    spacing: int = 1 << max(abs(bound + step).bit_length() - NAMES[dtype.name][2], 0)
    return near + step * spacing


def _check_in_range(value: int, name: str, dtype: Any) -> None:
    _, c_name, digits, lowest, largest = NAMES[dtype.name]
    if not lowest <= value <= largest:
        raise RuntimeError(f"{name} is out of bounds for {c_name}")
    if digits and abs(value) > 1 << digits:
        warnings.warn(
            f"{name} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations {c_name} can support"
            " discrete uniform distribution only within this range. This warning will become an error in version 1.7"
            " release, please fix the code in advance",
            stacklevel=2,
        )


def check_full_range(dtype: Any) -> None:
    """Raises PyTorch's errors unless ``dtype`` can be drawn from all of int64."""
    if dtype not in (INT64, FLOAT32, FLOAT64):
        name = "random_full_64_bits_range_kernel_cpu"
        if dtype in (FLOAT16, BOOL):
            raise not_implemented(name, dtype)
        raise RuntimeError(f"{name} handles only int64, double, float and bfloat16")


def check_probabilities(p: Any) -> None:
    """Raises PyTorch's errors unless ``p`` is a floating array in [0, 1]."""
    if p.dtype.kind != "f":
        raise not_implemented("bernoulli_tensor_cpu_p_", p.dtype)
    if p.size and not np.all((p >= 0) & (p <= 1)):
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?"
            "  If so, please report an enhancement request to PyTorch.)"
        )


def check_permutation(n: int, dtype: Any) -> None:
    """Raises PyTorch's errors for a permutation that ``dtype`` cannot hold."""
    title, _, digits, _, largest = NAMES[dtype.name]
    if dtype.kind not in "fiu" or dtype.name in ("uint16", "uint32", "uint64"):
        raise not_implemented("randperm", dtype)
    if digits and n > (1 << digits) + 1:
        limit = {11: "2049", 24: "2^24+1", 53: "2^53+1"}[digits]
        raise RuntimeError(f"n cannot be greater than {limit} for {title} type.")
    if not digits and n > largest + 1:
        raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow")
    if n >= LARGE_PERMUTATION:
        raise RuntimeError(f"randperm of {n} elements: the limit is {LARGE_PERMUTATION - 1}")


def check_multinomial(p: Any, num_samples: int, replacement: bool) -> None:
    """Raises PyTorch's errors for weights that are no distribution, or too few of them."""
    if not 0 < p.ndim <= 2:
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if p.dtype.kind != "f":
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {NAMES[p.dtype.name][0]}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > p.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if p.shape[-1] > 1 << 24:
        raise RuntimeError("number of categories cannot exceed 2^24")
    if replacement and num_samples > 1:
        if not p.min(initial=0) >= 0:
            raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
        if p.max(initial=0) == np.inf:
            raise RuntimeError("invalid multinomial distribution (encountering probability entry = infinity or NaN)")
    elif not (p.min(initial=0) >= 0 and p.max(initial=0) < np.inf):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not np.all(p.max(axis=-1, initial=0) > 0):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
