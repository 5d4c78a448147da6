"""docs/func.md: its examples print what it shows, its table of rules is that of the program."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

import wengert.func
from wengert.func._dispatch import RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "func.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", TEXT, re.DOTALL)
TABLE = re.compile(r"(<!-- rules: .*? -->\n).*?(<!-- end of rules -->)", re.DOTALL)


def table() -> str:
    """The operators of each page that have a rule."""
    pages: dict[str, list[str]] = {}
    for name, function in RULES.items():
        if name[0].isalpha() and not (name.endswith("_") and name[:-1] in RULES):
            page = getattr(function, "__module__", type(function).__module__).rpartition(".")[2]
            pages.setdefault(page, []).append(name)
    rows = [f"| {page} | {' '.join(f'`{n}`' for n in sorted(names))} |" for page, names in sorted(pages.items())]
    return "\n".join(["| page | operators |", "| --- | --- |", *rows, ""])


def test_every_example_has_an_output() -> None:
    assert len(EXAMPLES) == TEXT.count("```python") == 2


@pytest.mark.parametrize(("program", "output"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(program: str, output: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {"__name__": "example"})
    assert printed.getvalue() == output


def test_the_table_of_rules_is_up_to_date() -> None:
    found = TABLE.search(TEXT)
    assert found is not None
    assert found.group(0) == f"{found.group(1)}{table()}{found.group(2)}"


def test_every_public_transform_is_on_a_page() -> None:
    public = {n for n, v in vars(wengert.func).items() if callable(v) and not n.startswith("_")}
    assert "grad" in public
    text = "".join(page.read_text(encoding="utf-8") for page in PAGE.parent.glob("*.md"))
    assert {n for n in public if n not in text} <= {"functionalize"}


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda m: m.group(1) + table() + m.group(2), TEXT), encoding="utf-8")
