"""The memory that operators take on a million elements, beside PyTorch's; all of them: ``python benchmarks/large.py``."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert

F = wengert.nn.functional
SIDE = 1024
LIMIT = 1.5
FLOOR = 0.5
TARGET = wengert.from_numpy(np.random.default_rng(1).integers(0, SIDE, SIDE))
MATRICES = (4096, 16, 16)
IMAGES = (4, 16, 128, 128)

# PyTorch's peak in bytes per element of x, forward and with the backward pass; 0: not asked for.
CASES: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "norm of order 3": (lambda x: x.norm(3, 1), 0.0, 8.0),
    "logsumexp along rows": (lambda x: x.logsumexp(0), 4.0, 12.0),
    "count_nonzero": (lambda x: x.count_nonzero(1), 0.0, 0.0),
    "median": (lambda x: x.median(1), 0.0, 4.0),
    "sort": (lambda x: x.sort(1), 12.0, 16.0),
    "quantile": (lambda x: x.quantile(0.3, 1), 12.0, 20.0),
    "cummax": (lambda x: x.cummax(0), 12.0, 16.0),
    "histc": (lambda x: x.histc(100), 0.0, 0.0),
    "multinomial": (lambda x: (x * x).multinomial(5, replacement=True), 4.0, 0.0),
    "uniform_": (lambda x: wengert.empty_like(x).uniform_(), 4.0, 0.0),
    "exponential_": (lambda x: wengert.empty_like(x).exponential_(), 4.0, 0.0),
    "randint": (lambda x: wengert.randint(0, 10, x.shape), 8.0, 0.0),
    "nonzero": (lambda x: (x > 0).nonzero(), 9.0, 0.0),
    "clamp to a tensor": (lambda x: wengert.clamp(x, min=x.detach()), 4.0, 9.0),
    "glu": (F.glu, 2.0, 6.0),
    "multi_margin_loss": (lambda x: F.multi_margin_loss(x, TARGET), 0.0, 4.0),
    "pad reflect": (lambda x: F.pad(x.view(IMAGES), (2, 2, 2, 2), mode="reflect"), 4.25, 8.25),
    "inverse": (lambda x: x.view(MATRICES).inverse(), 8.3, 16.0),
    "qr": (lambda x: wengert.linalg.qr(x.view(MATRICES)), 8.25, 24.0),
}


def numbers() -> Any:
    return wengert.from_numpy(np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32))


def peak(call: Callable[[], object], elements: int) -> float:
    """Bytes per element that a call has at once above those at its start."""
    call()  # imports and plans are not the operator's
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / elements
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", CASES)
def test_a_large_array_takes_no_more_than_half_as_much_again_as_in_pytorch(name: str) -> None:
    program, theirs, _ = CASES[name]
    x = numbers()
    assert peak(lambda: program(x), x.numel()) <= LIMIT * max(theirs, FLOOR)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2] > 0])
def test_a_backward_pass_takes_no_more_than_half_as_much_again_as_in_pytorch(name: str) -> None:
    program, _, theirs = CASES[name]
    x = numbers().requires_grad_()
    grad = wengert.ones_like(first(program(x)).detach())

    def both() -> None:
        first(program(x)).backward(grad)
        x.grad = None

    assert peak(both, x.numel()) <= LIMIT * max(theirs, FLOOR)


def first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result
