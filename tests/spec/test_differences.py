"""Every example of docs/differences.md gives what the page says, in PyTorch and here."""

from __future__ import annotations

import ast
import importlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from wengert._config import is_compiled

from . import runner

PAGE = (Path(__file__).parents[2] / "docs" / "differences.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"```python\n(?P<code>(?s:.+?))\n# PyTorch: (?P<theirs>.+)\n# here(?P<uncompiled>, uncompiled)?: +(?P<ours>.+)\n```"
)
ENTRY = re.compile(r"^\*\*.+?\*\*", re.M | re.S)
ERROR = re.compile(r"(?P<name>\w+(?:Error|Exception|Warning))(?:: (?P<words>.*))?$")
NOT_RUN = "(not run)"


class Example(NamedTuple):
    """An example with what the page says of it, and whether our side holds uncompiled only."""

    code: str
    theirs: str
    ours: str
    uncompiled: bool


class Outcome(NamedTuple):
    """What came of the last line: the text of its value or its exception, and the warnings on the way."""

    value: str
    error: Exception | None
    warned: list[warnings.WarningMessage]


def blocks(text: str) -> list[str]:
    """The fenced blocks of Python in a text."""
    return re.findall(r"```python\n.*?\n```", text, re.S)


def examples() -> Iterator[tuple[str, Example]]:
    """The examples of the page, each with a name after its entry."""
    for number, block in enumerate(blocks(PAGE)):
        found = BLOCK.fullmatch(block)
        assert found, f"no results below the last line:\n{block}"
        title = [m[0] for m in ENTRY.finditer(PAGE, 0, PAGE.index(block))][-1]
        name = re.sub(r"\W+", "-", title).strip("-").lower()[:50]
        yield f"{number}-{name}", Example(found["code"], found["theirs"], found["ours"], bool(found["uncompiled"]))


EXAMPLES = dict(examples())


def run(name: str, code: str) -> Outcome:
    """Run an example in one of the two libraries."""
    torch: Any = importlib.import_module(name)
    for part in ("autograd.forward_ad", "utils.checkpoint", "signal"):
        importlib.import_module(f"{name}.{part}")
    names = {"torch": torch, "F": torch.nn.functional, "fwd": torch.autograd.forward_ad}
    *lines, last = ast.parse(code).body
    assert isinstance(last, ast.Expr), "the last line is not an expression"
    torch.set_warn_always(True)  # others may have seen the warning before
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            exec(compile(ast.Module(lines, []), "<example>", "exec"), names)
            return Outcome(str(eval(compile(ast.Expression(last.value), "<example>", "eval"), names)), None, warned)
        except Exception as error:
            return Outcome("", error, warned)
        finally:
            torch.set_warn_always(False)
            runner.reset(torch)


def judge(outcome: Outcome, stated: str) -> None:
    """Compare an outcome with what the page says of it."""
    error = ERROR.match(stated)
    if stated == "no warning":
        assert outcome.error is None
        assert [str(w.message) for w in outcome.warned] == []
    elif error and error["name"].endswith("Warning"):
        seen = [f"{w.category.__name__}: {w.message}" for w in outcome.warned]
        assert any(text.startswith(stated) for text in seen), seen
    elif error:
        assert type(outcome.error).__name__ == error["name"], outcome
        assert str(outcome.error).startswith(error["words"] or ""), outcome.error
    else:
        assert outcome.error is None, outcome.error
        assert outcome.value == stated


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_gives_here_what_the_page_says(name: str) -> None:
    example = EXAMPLES[name]
    stated = example.theirs if example.uncompiled and is_compiled() else example.ours
    judge(run("wengert", example.code), stated)


@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if NOT_RUN not in example.theirs])
def test_example_gives_in_pytorch_what_the_page_says(oracle: Any, name: str) -> None:
    judge(run(oracle.__name__, EXAMPLES[name].code), EXAMPLES[name].theirs)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_shows_a_difference(name: str) -> None:
    assert EXAMPLES[name].theirs != EXAMPLES[name].ours


def test_every_entry_has_an_example() -> None:
    entries = [m.start() for m in ENTRY.finditer(PAGE)]
    assert entries
    bare = [PAGE[a:b] for a, b in zip(entries, [*entries[1:], len(PAGE)]) if not blocks(PAGE[a:b])]
    assert bare == []
