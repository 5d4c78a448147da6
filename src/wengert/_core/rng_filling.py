"""Samples made of 32-bit words, a part of a result at a time: ``fill(part, words, parameter)``; see ``rng_sampling``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernels import samples
from .rng_sampling import (
    BOOL,
    FLOAT16,
    FLOAT64,
    INT64,
    INT64_MAX,
    MASK64,
    NAMES,
    WIDE_RANGE,
    fma32,
    fma64,
    libm,
    longs,
    round_to,
)


def fill_singles(result: Any, words: Any, low: float = 0.0, high: float = 1.0) -> None:
    """Uniform float32 in [low, high), of the low 24 bits of each word; a value that rounds to ``high`` becomes ``low``."""
    if samples.ready():
        samples.uniforms(result, words, low, high)
        return
    result[...] = words & np.uint32(0xFFFFFF)
    result *= np.float32(2.0**-24)
    if low != 0.0 or high != 1.0:
        first, last = np.float32(low), np.float32(high)
        result[...] = fma32(result, float(last - first), float(first))
        result[result == last] = first


def fill_doubles(result: Any, words: Any, low: float = 0.0, high: float = 1.0) -> None:
    """Uniform float64 in [low, high), of the low 53 bits of each pair of words, high word first."""
    if samples.ready():
        samples.uniforms(result, words, low, high)
        return
    result[...] = words[0::2] & np.uint32(0x1FFFFF)
    result *= 2.0**-21
    result += words[1::2] * 2.0**-53  # exact: the two parts share no bit
    if low != 0.0 or high != 1.0:
        result[...] = fma64(result, high - low, low)
        result[result == high] = low


def fill_halves(result: Any, words: Any, bounds: tuple[float, float]) -> None:
    """Uniform float16 in [low, high)."""
    single = np.empty(result.size, np.float32)
    fill_singles(single, words, bounds[0], bounds[1])
    result[...] = single
    result[result == result.dtype.type(bounds[1])] = bounds[0]


def fill_exponentials(result: Any, words: Any, rate: float) -> None:
    """Exponential samples -log(1 - u) / rate of any floating dtype."""
    if samples.ready() and result.dtype != FLOAT16:
        samples.exponentials(result, words, rate)
        return
    minus_u = np.empty(result.size)
    fill_doubles(minus_u, words)
    np.negative(minus_u, out=minus_u)
    logs = libm(math.log1p, minus_u) if result.dtype == FLOAT64 else np.log1p(minus_u)
    with np.errstate(over="ignore", invalid="ignore"):
        result[...] = round_to(-1.0 / rate * logs, result.dtype)


def fill_coins(result: Any, words: Any, p: float) -> None:
    """Ones with probability p, else zeros."""
    uniform = np.empty(result.size)
    fill_doubles(uniform, words)
    np.less(uniform, p, out=result, casting="unsafe")


def fill_cauchy(result: Any, words: Any, parameters: tuple[float, float]) -> None:
    """Cauchy samples median + sigma tan(pi (u - 1/2))."""
    angle = np.empty(result.size)
    fill_doubles(angle, words)
    angle -= 0.5
    angle *= math.pi
    tangent = libm(math.tan, angle) if result.dtype == FLOAT64 else np.tan(angle)
    result[...] = round_to(fma64(tangent, parameters[1], parameters[0]), result.dtype)


def fill_trials(result: Any, words: Any, p: float) -> None:
    """Geometric samples ceil(log(u) / log(1 - p))."""
    uniform = np.empty(result.size)
    fill_doubles(uniform, words)
    with np.errstate(divide="ignore"):
        logs = np.log(uniform)
    result[...] = round_to(np.ceil(logs / math.log1p(-p)), result.dtype)


def fill_integers(result: Any, words: Any, bounds: tuple[int, int]) -> None:
    """Integers from ``low`` on, ``span`` of them."""
    low, span = bounds
    values: Any
    if span >= WIDE_RANGE:
        values = longs(words)
        if span <= MASK64:
            values %= np.uint64(span)
        values += np.uint64(low & MASK64)
        values = values.view(np.int64)
    else:
        values = (words % np.uint32(span)).astype(np.int64)
        values += low
    result[...] = values.astype(np.float32) if result.dtype == FLOAT16 else values


def fill_any(result: Any, words: Any, _: Any) -> None:
    """Integers of the whole range of an integer dtype, of [0, 2**precision] of a floating one; booleans."""
    dtype = result.dtype
    if dtype == BOOL:
        result[...] = words & np.uint32(1)
    elif dtype == INT64:
        result[...] = (longs(words) & np.uint64(INT64_MAX)).view(np.int64)
    elif dtype == FLOAT64:
        result[...] = longs(words) % np.uint64((1 << 53) + 1)
    elif dtype.kind == "f":
        result[...] = (words % np.uint32((1 << NAMES[dtype.name][2]) + 1)).astype(np.float32)
    else:
        result[...] = words & np.uint32(int(NAMES[dtype.name][4]))


def unchanged(values: Any, _: Any) -> Any:
    """The normal samples themselves."""
    return values


def exponentials_of(logs: Any, dtype: Any) -> Any:
    """exp of normal samples, by the C library for float64."""
    with np.errstate(over="ignore"):
        # math.exp raises where the result overflows
        exact = dtype == FLOAT64 and not (logs.size and logs.max() > 709.0)
        return libm(math.exp, logs) if exact else np.exp(logs)
