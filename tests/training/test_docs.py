"""docs/training.md: its programs print what it shows, but for times; docs/examples.md: it has all examples."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import pytest

from tests.training.test_examples import LAST_LINES
from tests.tutorials.packages import ROOT

PAGE = ROOT / "docs" / "training.md"
BLOCKS = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
TEXT = PAGE.read_text(encoding="utf-8")


def printed(program: str) -> str:
    """What a program prints."""
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(io.StringIO()):
        exec(program, {"__name__": "example"})
    return screen.getvalue()


def without_times(text: str) -> list[str]:
    """The lines without times, and without spaces and rules, which depend on them."""
    return [re.sub(r"[ -]+", " ", re.sub(r"[\d.]+ (us|ms|s)\b", "#", line)).strip() for line in text.splitlines()]


def test_every_program_has_an_output() -> None:
    assert len(BLOCKS.findall(TEXT)) == TEXT.count("```python") == 4


@pytest.mark.parametrize(("program", "output"), BLOCKS.findall(TEXT), ids=["summary", "history", "progress", "utils"])
def test_a_program_prints_what_the_page_shows(program: str, output: str) -> None:
    assert without_times(printed(program)) == without_times(output)


def test_the_page_of_examples_has_every_example_of_training_and_each_exists() -> None:
    text = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    named = re.findall(r"`examples/(\w+)\.py`", text)
    assert set(LAST_LINES) <= set(named)
    assert all((ROOT / "examples" / f"{name}.py").exists() for name in named)


def _fill(match: Any) -> str:
    return f"```python\n{match[1]}```\n\n```text\n{printed(match[1])}```"


if __name__ == "__main__":
    PAGE.write_text(BLOCKS.sub(_fill, TEXT), encoding="utf-8")
