"""Strides of tensors without elements: those of a contiguous tensor in which every size 0 counts as 1."""

from __future__ import annotations

from typing import Any

import pytest

MADE = (
    "t.zeros(0)",
    "t.zeros(0, 3)",
    "t.zeros(3, 0)",
    "t.zeros(2, 0, 3)",
    "t.zeros(0, 1, 3)",
    "t.empty(4, 0, 2, dtype=t.int8)",
    "t.zeros(0, 3) + 1",
    "t.zeros(2, 0, 3).exp()",
    "t.zeros(0, 3) @ t.zeros(3, 2)",
    "t.zeros(3, 0).contiguous()",
    "t.ones(4, 3)[:0]",
    "t.ones(4, 3)[:, :0]",
    "t.ones(3, 4).t()[:0]",
    "t.ones(4, 3)[::2][:0]",
    "t.cat([t.zeros(0, 3), t.zeros(0, 3)])",
    "t.zeros(0, 3).clone()",
    "t.zeros(0, 3).view(3, 0)",
    "t.zeros(0, 3).sum(1, keepdim=True)",
)


@pytest.mark.parametrize("program", MADE)
def test_strides_of_empty_tensors_are_those_of_pytorch(oracle: Any, package: Any, program: str) -> None:
    assert eval(program, {"t": package}).stride() == eval(program, {"t": oracle}).stride()


def test_one_stride_of_an_empty_tensor_can_be_asked_for(package: Any) -> None:
    assert package.zeros(2, 0, 3).stride(0) == 3
