"""Whether integers lie in a range, by kernel and by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert.kernels import counting

LAYOUTS = {"as it is": lambda x: x, "strided": lambda x: np.repeat(x, 2)[::2], "in rows": lambda x: x[None].T}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("n", [1, 7, 1000, 200_001])
def test_one_element_outside_is_found(n: int, dtype: Any, layout: str) -> None:
    arrange = LAYOUTS[layout]
    x = np.full(n, 5, dtype)
    assert counting.are_between(arrange(x), 5, 6)
    assert counting.are_between(arrange(x), -3, 6)
    assert not counting.are_between(arrange(x), 6, 9)
    assert not counting.are_between(arrange(x), -9, 5)
    for place in {0, n // 2, n - 1}:
        for wrong in (4, 6):
            x[place] = wrong
            assert not counting.are_between(arrange(x), 5, 6)
        x[place] = 5


def test_the_largest_numbers() -> None:
    ends = np.iinfo(np.int64)
    x = np.array([ends.min, 0, ends.max])
    assert not counting.are_between(x, 0, 10)
    assert counting.are_between(x[:2], ends.min, 1)


def test_nothing_lies_anywhere() -> None:
    assert counting.are_between(np.zeros((0, 3), np.int64), 5, 5)


def test_single_numbers() -> None:
    assert counting.are_between(np.int64(3), 0, 4)
    assert not counting.are_between(np.int64(4), 0, 4)
