"""Random programs give the same values, gradients, versions, nodes and errors as under PyTorch."""

from __future__ import annotations

import math
from typing import Any

import pytest

import wengert

from .programs import make_program, run_program

torch = pytest.importorskip("torch")
PROGRAMS = 400
LENGTH = 14


def same(a: Any, b: Any) -> bool:
    """Equality up to rounding of nested results."""
    if isinstance(a, float) and isinstance(b, (float, int)):
        return (math.isnan(a) and math.isnan(b)) or a == b or abs(a - b) <= 2e-5 * max(1.0, abs(a), abs(b))
    if isinstance(a, (list, tuple)):
        return isinstance(b, (list, tuple)) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return bool(a == b)


@pytest.mark.parametrize("block", range(8))
def test_programs_behave_as_under_pytorch(block: int) -> None:
    for seed in range(block * PROGRAMS // 8, (block + 1) * PROGRAMS // 8):
        steps = make_program(seed, LENGTH)
        for i, (step, a, b) in enumerate(zip([*steps, None], run_program(torch, steps), run_program(wengert, steps))):
            assert same(a, b), f"seed {seed}, step {i} {step}\n  torch   {a}\n  wengert {b}\n  program {steps[: i + 1]}"
