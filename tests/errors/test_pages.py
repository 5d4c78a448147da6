"""The pages in docs/errors: the failing programs raise the messages that are printed there, the mended ones run."""

from __future__ import annotations

import linecache
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from wengert._core import errors

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "errors"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = "program.py"


@dataclass(frozen=True)
class Case:
    """A failing program, what it prints, and the mended program."""

    failing: str
    message: str
    mended: str


def cases(path: Path) -> list[Case]:
    """The cases of a page: its blocks come in threes."""
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    kinds = [kind for kind, _ in blocks]
    assert kinds == ["python", "text", "python"] * (len(kinds) // 3), f"{path.name}: {kinds}"
    texts = [text for _, text in blocks]
    return [Case(*texts[i : i + 3]) for i in range(0, len(texts), 3)]


def run(program: str) -> None:
    """Run a program as the file ``program.py``, whose lines messages can quote."""
    linecache.cache[FILE] = (len(program), None, program.splitlines(keepends=True), FILE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(program, FILE, "exec"), {"__name__": "program"})


def outcome(program: str) -> str:
    """What the last line of the traceback says (object addresses normalised); empty when nothing was raised."""
    try:
        run(program)
    except Exception as error:
        return re.sub(r"0x[0-9a-f]+", "0x...", f"{type(error).__name__}: {error}")
    return ""


def index() -> list[tuple[str, str]]:
    """The rows of the index: how a message begins, and its page."""
    return re.findall(r"^\| (.+) \| \[[\w-]+\]\(([\w-]+\.md)\) \|$", (FOLDER / "README.md").read_text("utf-8"), re.M)


ALL = [pytest.param(case, id=f"{path.stem}-{i}") for path in PAGES for i, case in enumerate(cases(path))]


@pytest.fixture(autouse=True)
def without_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages of a program that does not import ``wengert.debug``, which would say more."""
    monkeypatch.setattr(errors.HINTS, "why_no_graph", None)


@pytest.mark.parametrize("case", ALL)
def test_the_failing_program_raises_the_message_on_the_page(case: Case) -> None:
    assert outcome(case.failing) == case.message.rstrip("\n")


@pytest.mark.parametrize("case", ALL)
def test_the_mended_program_runs(case: Case) -> None:
    run(case.mended)


def test_the_index_links_every_page_and_no_other() -> None:
    assert {page for _, page in index()} == {path.name for path in PAGES}


@pytest.mark.parametrize(("message", "page"), [pytest.param(*row, id=row[0][:30]) for row in index()])
def test_the_index_leads_to_the_page_that_has_the_message(message: str, page: str) -> None:
    path = FOLDER / page
    assert any(f"Error: {message}" in case.message for case in cases(path))
