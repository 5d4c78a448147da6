"""A short soak: a few thousand unusual training steps leave nothing behind (the long form: `python -m tests.semantics.soak`)."""

from __future__ import annotations

from typing import Any

from tests.semantics.soak import growth, soak


def test_thousands_of_unusual_steps_leave_nothing_behind(package: Any) -> None:
    samples = soak(package, 2000, lambda sample: None)
    blocks, objects, megabytes = growth(samples)
    table = "\n".join(map(str, samples))
    assert objects <= 10, table  # a graph lost in every hundredth step is about 200
    assert blocks <= 100, table
    assert megabytes < 2, table
