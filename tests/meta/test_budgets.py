"""Files, classes and functions keep their budgets, and the tool that says so counts right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import budget

pytestmark = [pytest.mark.smoke, pytest.mark.once]


def over(text: str) -> list[str]:
    """The keys of what is over budget in a file with this text."""
    return [key for key, _ in budget.overruns(text, "file.py")]


def function(lines: int, indent: str = "") -> str:
    """A function of that many lines."""
    return f"{indent}def f():\n" + f"{indent}    pass\n" * (lines - 1)


def test_everything_is_within_its_budget_or_has_a_reason() -> None:
    assert budget.violations() == []


def test_every_exception_has_a_reason() -> None:
    assert all(reason.strip() for reason in budget.EXCEPTIONS.values())


def test_an_exception_without_need_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "EXCEPTIONS", {"src/short.py": "was long once"})
    assert budget.violations(tmp_path) == ["src/short.py: the exception is needed no more"]


def test_a_function_of_forty_lines_passes_and_of_one_more_does_not() -> None:
    assert over(function(40)) == []
    assert over(function(41)) == ["file.py::f"]


def test_docstrings_are_not_counted() -> None:
    assert over('def f():\n    """Long.\n' + "\n" * 100 + '    """\n    return 1\n') == []


def test_a_class_is_over_budget_after_three_hundred_lines() -> None:
    methods = "".join(function(30, "    ") for _ in range(10))
    assert over("class C:\n" + methods) == ["file.py::C"]


def test_a_function_inside_a_class_is_named_with_it() -> None:
    assert over("class C:\n" + function(41, "    ")) == ["file.py::C.f"]


def test_a_file_is_over_budget_after_six_hundred_lines() -> None:
    assert over("x = 1\n" * 600) == []
    assert over("x = 1\n" * 601) == ["file.py"]


def test_generated_files_are_exempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "GENERATED", tmp_path / "src" / "_gen")
    monkeypatch.setattr(budget, "EXCEPTIONS", {})
    (tmp_path / "src" / "_gen").mkdir(parents=True)
    (tmp_path / "src" / "_gen" / "methods.py").write_text("x = 1\n" * 601)
    assert budget.violations(tmp_path) == []
