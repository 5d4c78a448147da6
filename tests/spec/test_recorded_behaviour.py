"""Every recorded error text and fact of PyTorch 2.13 holds here, but for the listed exceptions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import wengert as torch

from . import runner
from .expected_failures import reason_for

ERRORS = {row["id"]: row for row in runner.rows("errors.csv")}
FACTS = {row["id"]: row for row in runner.rows("facts.csv")}


@pytest.fixture(autouse=True)
def clean_state() -> Iterator[None]:
    torch.set_warn_always(True)
    yield
    runner.reset(torch)
    torch.set_warn_always(False)


@pytest.mark.parametrize("key", ERRORS)
def test_error_text_is_that_of_pytorch(key: str) -> None:
    judge(key, runner.error_difference(torch, ERRORS[key]), ERRORS[key]["regex"])


@pytest.mark.parametrize("key", FACTS)
def test_fact_is_that_of_pytorch(key: str) -> None:
    judge(key, runner.fact_difference(torch, FACTS[key]), FACTS[key]["expected"])


def judge(key: str, difference: str, wanted: str) -> None:
    reason = reason_for(key)
    if reason is None:
        assert difference == "", f"{key}: wanted {wanted!r}, saw {difference!r}"
    else:
        assert difference != "", f"{key} passes now: take it out of expected_failures.py ({reason})"
