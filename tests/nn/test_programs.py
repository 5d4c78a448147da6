"""The contract of modules and containers: programs give the same under torch and under the package."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nn import container_programs as container_programs  # adds its programs
from tests.nn.programs import PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_about_modules_gives_the_same_as_under_torch(name: str, package: Any, oracle: Any) -> None:
    expected = list(PROGRAMS[name](oracle))
    found = list(PROGRAMS[name](package))
    assert len(found) == len(expected)
    for place, (ours, theirs) in enumerate(zip(found, expected)):
        assert ours == theirs, f"item {place}"
