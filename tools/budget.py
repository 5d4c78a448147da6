"""Sizes that keep the house liveable: files, classes and functions have a budget.  `python tools/budget.py`

A file counts all its lines; a class or function counts its lines without docstrings.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tools", "_build", "tests", "examples", "benchmarks")
GENERATED = ROOT / "src" / "wengert" / "_gen"

FILE_LINES = 600
CLASS_LINES = 300
FUNCTION_LINES = 40

# "file" or "file::name" below the root, with the reason why it may be longer.
EXCEPTIONS: dict[str, str] = {
    "src/wengert/_tensor.py": "holds the one class Tensor",
    "src/wengert/_tensor.py::Tensor": "PyTorch's Tensor is one class with hundreds of methods, and so is ours",
}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def code_lines(node: Definition) -> int:
    """Lines of a definition without the docstrings in it."""
    documented = [n.body[0] for n in ast.walk(node) if isinstance(n, Definition) and ast.get_docstring(n) is not None]
    return _span(node) - sum(_span(docstring) for docstring in documented)


def _span(node: Definition | ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def definitions(tree: ast.Module) -> Iterator[tuple[str, Definition]]:
    """Every function and class with its dotted name."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, Definition]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Definition):
                yield prefix + child.name, child
                yield from walk(child, f"{prefix}{child.name}.")
            else:
                yield from walk(child, prefix)

    return walk(tree, "")


def overruns(text: str, name: str) -> Iterator[tuple[str, str]]:
    """What is over budget in the file `name` with this text: its key in EXCEPTIONS and a line to print."""
    length = text.count("\n")
    if length > FILE_LINES:
        yield name, f"{name}: {length} lines, budget {FILE_LINES}"
    for qualified, node in definitions(ast.parse(text)):
        budget = CLASS_LINES if isinstance(node, ast.ClassDef) else FUNCTION_LINES
        used = code_lines(node)
        if used > budget:
            yield f"{name}::{qualified}", f"{name}:{node.lineno}: {qualified} has {used} lines, budget {budget}"


def violations(root: Path = ROOT) -> list[str]:
    """One line for all that is over budget without a reason, and for every exception without need."""
    found: dict[str, str] = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if not path.is_relative_to(GENERATED):
                found.update(overruns(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()))
    over = [line for key, line in found.items() if key not in EXCEPTIONS]
    return over + [f"{key}: the exception is needed no more" for key in EXCEPTIONS if key not in found]


def main() -> None:
    """Print the violations; exit code 1 if there are any."""
    lines = violations()
    print("\n".join(lines) if lines else "budget: kept")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
