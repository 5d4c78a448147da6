"""docs/data.md: its examples print what it shows."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", TEXT, re.DOTALL)


def test_every_example_has_an_output() -> None:
    assert len(EXAMPLES) == TEXT.count("```python") == 3


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker:UserWarning")
def test_the_examples_print_what_the_page_shows() -> None:
    names: dict[str, Any] = {"__name__": "example"}  # later examples go on with the names of earlier ones
    for program, output in EXAMPLES:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(program, names)
        assert printed.getvalue() == output
