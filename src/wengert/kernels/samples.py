"""Blocks of MT19937 and the samples made of its words, where a kernel makes them; the NumPy ways are in ``_core.rng_filling``.

All functions fill ``part``, a contiguous array, from as many words as PyTorch takes for it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from . import _load

_native: Any = _load.MODULE
BLOCK: Final = 624  # words that MT19937 makes at a time
_FLOATS: Final = (np.dtype(np.float32), np.dtype(np.float64))


def ready() -> bool:
    """Whether kernels make the samples."""
    return _native is not None


class Twister:
    """MT19937, a block of words at a time. ``seed`` or ``set_key`` comes first."""

    def __init__(self) -> None:
        self._key: Any = np.zeros(BLOCK, np.uint32)
        self._numpy: Any = None  # importing numpy.random takes as long as the rest of us

    def seed(self, seed: int) -> None:
        """Begin at a seed of 32 bits."""
        if _native is not None:
            _native.mt_seed(self._key, seed)
        elif self._numpy is None:
            self._numpy = np.random.RandomState(seed)
        else:
            self._numpy.seed(seed)

    def key(self) -> Any:
        """The 624 words of the state."""
        return self._key.copy() if _native is not None else self._numpy.get_state(legacy=False)["state"]["key"]

    def set_key(self, key: Any) -> None:
        """Continue behind the block that a state stands for."""
        self._key = key.astype(np.uint32)
        if _native is None:
            self._place(BLOCK)

    def _place(self, used: int) -> None:
        if self._numpy is None:
            self._numpy = np.random.RandomState(0)
        state = {"key": self._key, "pos": used}
        self._numpy.set_state({"bit_generator": "MT19937", "state": state, "has_gauss": 0, "gauss": 0.0})

    def current(self) -> Any:
        """The words of the block that the state given to ``set_key`` stands for."""
        if _native is None:
            self._place(0)
            return self.words(1)
        out = np.empty(BLOCK, np.uint32)
        _native.mt_temper(self._key, out)
        return out

    def coins(self, part: Any, used: int, p: float, value: float, x: Any, out: Any) -> None:
        """Fill ``part`` with ``value`` where a coin of two words falls so, with probability p, else with 0; on kernels only.

        Args:
            part: of any dtype whose elements have 1, 4 or 8 bytes.
            used: how many words of the current block are used up.
            x, out: None, or where ``x * part`` goes.
        """
        kind = part if part.dtype in _FLOATS else part.view(f"i{part.itemsize}")
        _native.coins(kind, self._key, x, out, part.size, used, p, value)

    def words(self, blocks: int) -> Any:
        """The next 624 words for each of ``blocks``, as uint32."""
        if _native is None:
            return self._numpy.randint(0, 1 << 32, size=blocks * BLOCK, dtype=np.uint32)
        out = np.empty(blocks * BLOCK, np.uint32)
        _native.mt_words(self._key, out, blocks)
        return out


def uniforms(part: Any, words: Any, low: float, high: float) -> None:
    """Uniform float32 (a word each) or float64 (two) in [low, high)."""
    _native.uniforms(part, words, part.size, int(low == 0.0 and high == 1.0), low, high)


def normals(part: Any, mean: float, std: float) -> None:
    """Blocks of 16 uniforms in place as normal samples."""
    _native.normals(part, part.size // 16, mean, std)


def exponentials(part: Any, words: Any, rate: float) -> None:
    """Exponential float32 or float64, of two words each."""
    _native.exponentials(part, words, part.size, rate)


def shuffle(order: Any, words: Any, start: int, total: int) -> None:
    """Exchange the int64 ``order[start]`` and those behind it with a later one each, by one word each."""
    _native.shuffle(order, words, words.size, start, total)


def search_weights(weights: Any, uniform: Any) -> Any:
    """Row by row of float32 or float64, the categories in whose share of the summed weights the float64 uniforms fall."""
    found = np.empty(uniform.shape, np.int64)
    given = np.ascontiguousarray(weights), np.ascontiguousarray(uniform)
    _native.search_weights(*given, found, *weights.shape, uniform.shape[1])
    return found
