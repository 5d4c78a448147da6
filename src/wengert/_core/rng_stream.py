"""The stream behind the random numbers: MT19937, its state, and its words as uniform numbers and coins."""

from __future__ import annotations

import math
import os
import threading
from typing import Any, Final

import numpy as np

from ..kernels import samples
from ..kernels.samples import BLOCK
from . import rng_filling as filling
from . import rng_sampling as sampling
from .rng_sampling import CHUNK

DEFAULT_SEED: Final = 67280421310721
EMPTY_BLOCK: Final = np.zeros(BLOCK, np.uint32)

# PyTorch's `get_state()`: 5056 bytes. The two float fields at the end and normal_x, normal_rho are never used there.
STATE: Final = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),
        ("seeded", "<i4"),
        ("next", "<u8"),
        ("key", "<u8", (BLOCK,)),
        ("normal_x", "<f8"),
        ("normal_y", "<f8"),
        ("normal_rho", "<f8"),
        ("normal_is_valid", "<i4"),
        ("unused", "V12"),
    ]
)


class Stream:
    """MT19937 as PyTorch reads and saves it: seed, words, uniforms, and the normal value kept between calls."""

    def __init__(self) -> None:
        self._lock: Any = threading.RLock()
        self._twister: Any = samples.Twister()
        self._restart(DEFAULT_SEED)

    def _restart(self, seed: int) -> None:
        self._seed: int = seed
        self._stale: bool = True  # the seed has yet to reach MT19937
        self._block: Any = EMPTY_BLOCK  # the words of the current block; replaced, never written to
        self._used: int = BLOCK
        self._untouched: bool = True  # nothing drawn since seeding, which PyTorch's state tells from a used-up block
        self._normal: float = math.nan  # the second value of the last Box-Muller pair ...
        self._has_normal: bool = False  # ... if it has not been handed out yet

    def seed(self) -> int:
        """A fresh seed of 64 bits from the operating system, which this generator now uses."""
        value = int.from_bytes(os.urandom(8), "little")
        with self._lock:
            self._restart(value)
        return value

    def initial_seed(self) -> int:
        """The last seed, in [0, 2**64)."""
        return self._seed

    def state_array(self) -> Any:
        """The state as 5056 bytes (uint8), interchangeable with ``torch.Generator.get_state``."""
        with self._lock:
            result = np.zeros(STATE.itemsize, np.uint8)
            record = result.view(STATE)
            record["seed"] = self._seed
            record["left"] = 1 if self._untouched else BLOCK + 1 - self._used
            record["seeded"] = 1
            record["next"] = 0 if self._untouched else self._used
            record["key"] = self._source().key()
            record["normal_y"] = self._normal if self._has_normal else 0.0
            record["normal_is_valid"] = self._has_normal
            return result

    def set_state_array(self, state: Any) -> None:
        """Continues from a state of ``state_array`` or of ``torch.Generator.get_state``.

        Raises:
            TypeError: not an array of uint8.
            RuntimeError: not 5056 bytes, or not a state of MT19937.
        """
        if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if state.size != STATE.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE.itemsize}"
                f" but found the input RNG state size to be {state.size}"
            )
        record = np.ascontiguousarray(state).reshape(-1).view(STATE)[0]
        left, used = int(record["left"]), int(record["next"])
        untouched = left == 1 and used == 0
        if not record["seeded"] or not (untouched or (0 < used <= BLOCK and left == BLOCK + 1 - used)):
            raise RuntimeError("Invalid mt19937 state")
        with self._lock:
            self._restart(int(record["seed"]))
            self._source().set_key(record["key"])
            if not untouched:
                self._block = self._twister.current()
                self._used = used
                self._untouched = False
            self._normal = float(record["normal_y"])
            self._has_normal = bool(record["normal_is_valid"])

    def _source(self) -> Any:
        if self._stale:
            self._twister.seed(self._seed & 0xFFFFFFFF)
            self._stale = False
        return self._twister

    def _words(self, n: int) -> Any:
        """The next ``n`` words of the stream as uint32; possibly a view of the block, so not to be written to."""
        with self._lock:
            start = self._used
            stop = start + n
            if stop <= BLOCK:
                self._used = stop
                return self._block[start:stop]
            missing = stop - BLOCK
            blocks = (missing + BLOCK - 1) // BLOCK
            fresh = self._source().words(blocks)
            rest = self._block[start:]
            self._block = fresh[-BLOCK:].copy()
            self._used = missing - (blocks - 1) * BLOCK
            self._untouched = False
            return np.concatenate((rest, fresh[:missing])) if rest.size else fresh[:missing]

    def _coins(self, mask: Any, p: float, value: float, x: Any, out: Any) -> None:
        """``Twister.coins`` from the next two words for each element of ``mask``."""
        with self._lock:
            source = self._source()
            source.coins(mask, self._used, p, value, x, out)
            self._used += 2 * mask.size
            if self._used > BLOCK:
                self._block = source.current()
                self._used = (self._used - 1) % BLOCK + 1
                self._untouched = False

    def _singles(self, n: int, low: float = 0.0, high: float = 1.0, out: Any = None) -> Any:
        """``n`` uniform float32."""
        result = np.empty(n, np.float32) if out is None else out
        with self._lock:
            for start in range(0, n, CHUNK):
                part = result[start : start + CHUNK]
                filling.fill_singles(part, self._words(part.size), low, high)
        return result

    def _doubles(self, n: int, low: float = 0.0, high: float = 1.0, out: Any = None) -> Any:
        """``n`` uniform float64, of two words each."""
        result = np.empty(n) if out is None else out
        with self._lock:
            for start in range(0, n, CHUNK):
                part = result[start : start + CHUNK]
                filling.fill_doubles(part, self._words(2 * part.size), low, high)
        return result

    def _standard_normals(self, n: int) -> Any:
        """``n`` standard normal doubles, one Box-Muller pair at a time, by way of the cached value."""
        with self._lock:
            if n == 0:
                return np.empty(0)
            cached = 1 if self._has_normal else 0
            pairs = (n - cached + 1) // 2
            values = sampling.box_muller_pairs(self._doubles(2 * pairs))
            if cached:
                values = np.concatenate(([self._normal], values))
            self._has_normal = values.size > n
            if self._has_normal:
                self._normal = float(values[n])
            return values[:n]

    def _by_chunks(self, shape: tuple[int, ...], dtype: Any, fill: Any, parameter: Any, words: int, out: Any) -> Any:
        """Samples of a few words each: ``fill(part, words, parameter)`` for one part of the result after the other."""
        n = sampling.count(shape)
        result = np.empty(n, dtype) if out is None else out
        with self._lock:
            for start in range(0, n, CHUNK):
                part = result[start : start + CHUNK]
                fill(part, self._words(words * part.size), parameter)
        return result.reshape(shape)
