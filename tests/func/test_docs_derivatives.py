"""docs/taylor.md, docs/derivative-tools.md: the examples print what the pages show."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("taylor.md", "derivative-tools.md")
EXAMPLES = [
    (name, *example)
    for name in PAGES
    for example in re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
]


def test_every_example_has_an_output() -> None:
    assert len(EXAMPLES) == sum((DOCS / name).read_text("utf-8").count("```python") for name in PAGES) == 6


@pytest.mark.parametrize(("name", "program", "output"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(name: str, program: str, output: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {"__name__": "example"})
    assert printed.getvalue() == output
