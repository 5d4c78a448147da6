"""Checks of arguments let through what PyTorch accepts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

PROGRAMS = [
    "list(range(p.tensor(3)))",
    "[10, 20, 30][p.tensor(1)]",
    "p.ones(2, 3).sum(p.tensor(1)).tolist()",
    "p.ones(2, 3).sum(np.int64(1)).tolist()",
    "p.ones(2, 3).amax(None).tolist()",
    "p.ones(0).unique_consecutive().tolist()",
    "p.ones(0, 3).unique_consecutive(dim=0).tolist()",
    "p.nn.functional.leaky_relu(p.tensor([-1.0, 1.0]), p.tensor(0.5)).tolist()",
    "p.nn.functional.elu(p.tensor([-1.0, 1.0]), np.float64(2.0)).tolist()",
    "p.nn.functional.hardtanh(p.tensor([-3.0, 3.0]), -2, 2).tolist()",
    "p.eq(p.ones(2, requires_grad=True), p.ones(2), out=p.zeros(2, dtype=p.bool)).tolist()",
    "p.argmax(p.ones(2, requires_grad=True), 0, out=p.zeros((), dtype=p.int64)).tolist()",
    "p.add(p.ones(2), 1, alpha=np.float32(2.0)).tolist()",
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_result_is_that_of_pytorch(oracle: Any, package: Any, program: str) -> None:
    assert eval(program, {"p": package, "np": np}) == eval(program, {"p": oracle, "np": np})
