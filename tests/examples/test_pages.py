"""docs/implicit.md, optimize.md, integrate.md and the docstrings of what they describe: the examples print what they show."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from pathlib import Path
from typing import Any

import pytest

from wengert import func, integrate, optimize

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {
    "implicit.md": {"func." + name for name in ("root", "fixed_point", "argmin")},
    "optimize.md": {"minimize", "least_squares", "root"},
    "integrate.md": {"odeint", "solve_ivp", "IntegrationError"},
}
TEXTS = {name: (DOCS / name).read_text("utf-8") for name in PAGES}
EXAMPLES = [
    (name, *example)
    for name, text in TEXTS.items()
    for example in re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", text, re.DOTALL)
]
DOCUMENTED: list[Any] = [
    func.root,
    func.fixed_point,
    func.argmin,
    optimize.minimize,
    optimize.least_squares,
    optimize.root,
    integrate.odeint,
    integrate.solve_ivp,
]


def test_every_example_has_an_output() -> None:
    assert len(EXAMPLES) == sum(text.count("```python") for text in TEXTS.values()) == 9


@pytest.mark.parametrize(("name", "program", "output"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(name: str, program: str, output: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {"__name__": "example"})
    assert printed.getvalue() == output


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_what_it_describes(page: str) -> None:
    assert all(f"`{name}" in TEXTS[page] for name in PAGES[page])


@pytest.mark.parametrize("function", DOCUMENTED, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_the_example_of_a_docstring_runs(function: Any) -> None:
    runner = doctest.DocTestRunner()
    for example in doctest.DocTestFinder(recurse=False).find(function, function.__name__):
        runner.run(example)
    results = runner.summarize(verbose=False)
    assert (results.failed, results.attempted > 2) == (0, True)


@pytest.mark.parametrize("function", DOCUMENTED, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_a_docstring_names_every_argument(function: Any) -> None:
    import inspect

    text = inspect.getdoc(function) or ""
    missing = [name for name in inspect.signature(function).parameters if not re.search(rf"\b{name}\b", text)]
    assert not missing
