"""Checkpoints keep less memory between forward and backward, and the peak of a whole pass falls."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

SIZE = 25_000  # elements; 200 kB in float64
ARRAY = SIZE * 8
DEPTH = 16


def saved_results(x: Any) -> Any:
    """Each step saves what it returns."""
    for _ in range(DEPTH):
        x = x.tanh()
    return x


def saved_operands(x: Any) -> Any:
    """Each step saves what it is given."""
    for _ in range(DEPTH):
        x = x.sin()
    return x


def views_of_results(x: Any) -> Any:
    """Saved views keep all of their base."""
    for _ in range(DEPTH):
        x = x.exp().neg().reshape(50, -1).t().exp().t().reshape(-1)
    return x


def arrays_held(package: Any, run: Callable[[Any], Any], retain_graph: bool = False) -> tuple[float, float]:
    """Memory held after the forward pass, and the peak of forward and backward pass, in arrays of one layer."""
    x = package.zeros(SIZE, dtype=package.float64, requires_grad=True)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        out = run(x).sum()
        held = tracemalloc.get_traced_memory()[0] - before
        out.backward(retain_graph=retain_graph)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return held / ARRAY, peak / ARRAY


FUNCTIONS = [saved_results, saved_operands, views_of_results]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("use_reentrant", [True, False])
def test_after_the_forward_pass_no_intermediate_value_is_held(
    package: Any, function: Callable[[Any], Any], use_reentrant: bool
) -> None:
    plain, _ = arrays_held(package, function)
    held, _ = arrays_held(
        package, lambda x: package.utils.checkpoint.checkpoint(function, x, use_reentrant=use_reentrant)
    )
    assert plain >= DEPTH - 1
    assert held < 1.2  # `sum` saves nothing; the result itself is dropped


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("use_reentrant", [True, False])
@pytest.mark.parametrize("retain_graph", [True, False])
def test_in_segments_the_peak_is_one_segment_and_the_borders(
    package: Any, function: Callable[[Any], Any], use_reentrant: bool, retain_graph: bool
) -> None:
    segments = 8
    _, plain = arrays_held(package, lambda x: repeated(function, x, segments))
    _, peak = arrays_held(
        package,
        lambda x: package.utils.checkpoint.checkpoint_sequential(
            [function] * segments, segments, x, use_reentrant=use_reentrant
        ),
        retain_graph,
    )
    assert peak < 0.5 * plain


def repeated(function: Callable[[Any], Any], x: Any, times: int) -> Any:
    """The function applied several times."""
    for _ in range(times):
        x = function(x)
    return x
