"""Bad input raises PyTorch's exception with PyTorch's first sentence, and leaves every tensor as it was."""

from __future__ import annotations

from typing import Any

import pytest

from .calls import calls
from .compare import difference, run
from .listed import CHANGES, LISTED

PROGRAMS = [pytest.param(program, id=f"{group}: {program}") for group, rows in calls().items() for program in rows]
ALL = [program for rows in calls().values() for program in rows]


@pytest.mark.parametrize("program", PROGRAMS)
def test_bad_call_raises_the_exception_of_pytorch_and_changes_nothing(oracle: Any, package: Any, program: str) -> None:
    ours = run(package, program, watch=True)
    assert ours.error is not None, "accepted"
    differs = difference(run(oracle, program).error, ours.error)
    if program in LISTED:
        assert differs, f"agrees now: take it out of listed.py ({LISTED[program]})"
    else:
        assert not differs
    assert ours.changed == [] or program in CHANGES


def test_every_listed_program_is_among_the_calls() -> None:
    assert set(LISTED) | CHANGES <= set(ALL)


def test_no_call_is_written_twice() -> None:
    assert [program for program in set(ALL) if ALL.count(program) > 1] == []
