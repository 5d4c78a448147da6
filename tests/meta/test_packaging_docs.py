"""What `help()` shows is what the source says, compiled or not."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "_build"))
import plan

MODULES = [".".join(["wengert", *f.relative_to(plan.PACKAGE).with_suffix("").parts]) for f in plan.compiled_sources()]


def definitions(module: str) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef, Any]]:
    """Every named class, method and function at the top of `module`: name, syntax tree, the object itself."""
    source = plan.PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
    loaded = importlib.import_module(module)
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found = vars(loaded)[node.name]
            yield node.name, node, found
            members = node.body if isinstance(node, ast.ClassDef) else []
            for member in members:
                if isinstance(member, ast.FunctionDef) and not is_slot(member) and not is_setter(member):
                    yield f"{node.name}.{member.name}", member, getattr(found, member.name)


def is_slot(node: ast.FunctionDef) -> bool:
    """Special methods are shown by CPython's own text."""
    return node.name.startswith("__") and node.name.endswith("__")


def is_setter(node: ast.FunctionDef) -> bool:
    """The setter of a property has no text of its own."""
    return any(isinstance(d, ast.Attribute) and d.attr in ("setter", "deleter") for d in node.decorator_list)


@pytest.mark.parametrize("module", MODULES)
def test_every_docstring_of_the_source_is_there(module: str) -> None:
    wrong = [
        name
        for name, node, found in definitions(module)
        if ast.get_docstring(node) and inspect.cleandoc(found.__doc__ or "") != ast.get_docstring(node)
    ]
    assert wrong == []


@pytest.mark.parametrize("module", MODULES)
def test_every_signature_has_the_parameters_of_the_source(module: str) -> None:
    wrong = []
    for name, node, found in definitions(module):
        if isinstance(node, ast.FunctionDef) and callable(found):
            a = node.args
            expected = [p.arg for p in (*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg) if p is not None]
            bound = inspect.ismethod(found) or (inspect.isbuiltin(found) and inspect.isclass(found.__self__))
            expected = expected[1:] if bound and expected[:1] == ["cls"] else expected
            if list(inspect.signature(found).parameters) != expected:
                wrong.append(name)
    assert wrong == []
