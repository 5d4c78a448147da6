"""``docs/profiling.md``: each program gives the output below it, but for times."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "profiling.md"
BLOCKS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def without_times(text: str) -> list[str]:
    text = re.sub(r"\d+\.\d+(us|ms|s|%)", "#", text)
    return [re.sub(r"[ -]+", " ", line).strip() for line in text.splitlines()]


def test_the_page_has_programs() -> None:
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("program, output", BLOCKS, ids=["profile", "graph", "disk"])
def test_a_program_of_the_page_gives_the_output_below_it(program: str, output: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "train.py")], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert without_times(done.stdout) == without_times(output)
