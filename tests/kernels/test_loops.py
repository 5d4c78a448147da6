"""NumPy's ufuncs on all threads: results of large arrays are those of NumPy, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.kernels import ufuncs

from .conftest import EDGES

NAMES = [name for name in vars(ufuncs) if isinstance(getattr(np, name, None), np.ufunc)]
N = 70_001


def values(dtype: str, seed: int) -> Any:
    """Numbers of all sizes and signs, the special ones among them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 3, N).astype(dtype) if dtype in "fdeFD" else rng.integers(0, 5, N).astype(dtype)
    if dtype in "fde":
        with np.errstate(all="ignore"):
            x[rng.permutation(N)[: len(EDGES)]] = np.array(EDGES).astype(dtype)
    return x


def computed(ufunc: Any, *operands: Any) -> Any:
    """The result, or the kind of error where there is none."""
    with np.errstate(all="ignore"):
        try:
            return ufunc(*operands)
        except (TypeError, ValueError) as problem:
            return type(problem)


@pytest.mark.parametrize("dtype", ["?", "i", "l", "f", "d", "e", "D"])
@pytest.mark.parametrize("name", NAMES)
def test_results_of_large_arrays_are_those_of_numpy(native: Any, name: str, dtype: str) -> None:
    plain = getattr(np, name)
    spread = native.on_all_threads(plain, plain)
    x, y = values(dtype, 0), values(dtype, 1)
    if name in ("floor_divide", "remainder", "fmod", "power", "left_shift", "right_shift") and dtype in "?il":
        y = np.maximum(y, 1)
    matrix = [a[:70_000].reshape(200, 350) for a in (x, y)]
    turned = [np.asfortranarray(a) for a in matrix]
    cases = [[x, y], matrix, turned, [x, y[0]], [x[0], y], [x, y[:1]], [x[::2], y[::2]], [matrix[0], turned[1]], [x, x]]
    for operands in cases:
        given = operands[: plain.nin]
        found, wanted = computed(spread, *given), computed(plain, *given)
        if isinstance(wanted, type):
            assert found is wanted
            continue
        assert found.dtype == wanted.dtype and found.strides == wanted.strides
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", NAMES)
def test_other_operands_are_left_to_numpy(name: str) -> None:
    plain, spread = getattr(np, name), getattr(ufuncs, name)
    for operands in (
        [np.float32(0.5)] * plain.nin,
        [np.arange(3)] * plain.nin,
        [np.ones((300, 300)), np.ones(300)][: plain.nin],
    ):
        found, wanted = computed(spread, *operands), computed(plain, *operands)
        if isinstance(wanted, type):
            assert found is wanted
            continue
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(TypeError):
        spread()


def test_arrays_of_objects_and_dates_are_left_to_numpy() -> None:
    objects = np.full(N, 3, object)
    assert computed(ufuncs.maximum, objects, objects)[-1] == 3
    dates = np.full(N, "2026-01-01", "datetime64[D]")
    assert computed(ufuncs.less, dates, dates).sum() == 0


def test_the_number_of_threads_changes_no_bit() -> None:
    x, y = wg.tensor(values("d", 0)), wg.tensor(values("d", 1))
    before = wg.get_num_threads()
    results = []
    for count in (1, 2, 3):
        wg.set_num_threads(count)
        results.append([f(x, y).numpy() for f in (wg.maximum, wg.atan2, wg.copysign, wg.pow, wg.nextafter)])
    wg.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
