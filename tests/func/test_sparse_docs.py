"""docs/sparse.md and examples/sparse_bvp.py do what they show."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import wengert as wg

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "sparse.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize(("program", "output"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(program: str, output: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {"__name__": "example"})
    assert printed.getvalue() == output
    assert len(EXAMPLES) == TEXT.count("```python") == 2


def test_the_page_names_every_public_attribute() -> None:
    hessian = wg.func.sparse_hessian(lambda x: x.sum())
    public = {n for n in (*dir(hessian), "mode") if not n.startswith("_")} - {"func", "argnums", "chunk_size"}
    assert {n for n in public if f".{n}" not in TEXT} == set()


def test_newton_on_a_boundary_value_problem_converges_to_the_known_solution(tmp_path: Path) -> None:
    program = str(ROOT / "examples" / "sparse_bvp.py")
    found = subprocess.run(
        [sys.executable, program, "--out", str(tmp_path)], check=True, capture_output=True, text=True
    )
    printed = found.stdout
    errors = [float(e) for e in re.findall(r"steps: error (\S+)", printed)]
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(4, rel=0.02)  # second order
    assert "595 entries by 3 products; u(1/2) = 0.328955" in printed
    assert "49600 entries by 7 products; largest u = 0.796930" in printed
    assert (tmp_path / "sparse_bvp.png").stat().st_size > 10_000
