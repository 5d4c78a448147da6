"""The programs of docs/debugging.md print what the page says they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wengert

PAGE = Path(__file__).resolve().parents[2] / "docs" / "debugging.md"
EXAMPLES = re.findall(r"```python\n(# (\S+)\n.*?)```\n```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_every_program_of_the_page_has_an_output() -> None:
    assert len(EXAMPLES) == PAGE.read_text(encoding="utf-8").count("```python") == 8


@pytest.mark.parametrize(("program", "name", "output"), EXAMPLES, ids=[name for _, name, _ in EXAMPLES])
def test_the_page_shows_what_is_printed(program: str, name: str, output: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-u", name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(wengert.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.replace(f"{tmp_path}/", "").rstrip() == output.rstrip()
