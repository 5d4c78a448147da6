"""Which names of torch a program uses, read from its source, and which of them wengert lacks.

Decided are modules, functions, classes and constants that are reached from an import of torch: ``torch.nn.Linear``,
``F.relu`` after ``import torch.nn.functional as F``, names imported from torch. Methods of tensors are not: what a
variable holds is not known before the program runs.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Final

from .torch_shim import find_module

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES: Final = (*_FUNCTIONS, *_COMPREHENSIONS, ast.ClassDef)


@dataclass(frozen=True, order=True)
class Use:
    """A place in a program that uses a name of torch."""

    line: int
    name: str


def find_uses(source: str, filename: str = "<string>") -> list[Use]:
    """The torch names that a program uses, by line.

    Args:
        source: Python source.
        filename: Its name, for the message of a SyntaxError.

    Returns:
        A new list of the uses in the order of their lines, each once per line.

    Raises:
        SyntaxError: The source is not Python.

    Example:
        >>> find_uses("import torch.nn as nn\\nlayer = nn.Linear(2, 1)")
        [Use(line=1, name='torch.nn'), Use(line=2, name='torch.nn.Linear')]
    """
    finder = _UseFinder()
    finder.visit_scope(ast.parse(source, filename))
    return sorted(finder.uses)


def first_missing(name: str) -> str | None:
    """The shortest beginning of a dotted torch name that wengert lacks.

    Args:
        name: For example ``"torch.nn.functional.relu"``.

    Returns:
        For example ``"torch.nn.functional"`` or ``"torch.nn.functional.relu"``; None if wengert has the name.
    """
    value: object = importlib.import_module("wengert")
    parts = name.split(".")
    for end in range(2, len(parts) + 1):
        beginning = ".".join(parts[:end])
        if hasattr(value, parts[end - 1]):
            value = getattr(value, parts[end - 1])
            continue
        module = find_module(beginning) if isinstance(value, ModuleType) else None
        if module is None:
            return beginning
        value = module
    return None


@dataclass
class _Scope:
    """The names bound in a function, class, comprehension or module."""

    imported: dict[str, str] = field(default_factory=dict)
    """Names bound by an import of torch, and what they stand for."""
    other: dict[str, set[str | None]] = field(default_factory=dict)
    """Names bound in other ways: the dotted torch names assigned to them, None for anything else."""

    def bind(self, name: str, value: str | None) -> None:
        self.other.setdefault(name, set()).add(value)

    def meaning(self, name: str) -> str | None:
        """The torch name that a bound name stands for, or None if it may be something else."""
        if name in self.imported:  # also where an `except ImportError:` binds it to None
            return self.imported[name]
        values = self.other[name]
        return next(iter(values)) if len(values) == 1 else None


class _UseFinder(ast.NodeVisitor):
    """Collects the uses of torch names, scope by scope."""

    def __init__(self) -> None:
        self.uses: set[Use] = set()
        self.scopes: list[_Scope] = []

    def visit_scope(self, node: ast.AST) -> None:
        """Collect what a scope binds, then what its code uses."""
        self.scopes.append(_Scope())
        for inner in _walk_scope(node):
            self._bind(inner)
        self.generic_visit(node)
        self.scopes.pop()

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, _SCOPES):
            self.visit_scope(node)
        else:
            super().visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._use(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if node.module is not None and node.level == 0:
                self._use(node, node.module if alias.name == "*" else f"{node.module}.{alias.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = self._torch_name(node)
        if name is None:
            self.generic_visit(node)
        elif isinstance(node.ctx, ast.Load):
            self._use(node, name)
        else:  # an assignment creates the attribute: only its owner must be there
            self._use(node, name.rpartition(".")[0])

    def _use(self, node: ast.stmt | ast.expr, name: str) -> None:
        if name.startswith("torch."):
            self.uses.add(Use(node.lineno, name))

    def _torch_name(self, node: ast.expr) -> str | None:
        """The dotted torch name of a chain of attributes, or None."""
        chain: list[str] = []
        while isinstance(node, ast.Attribute):
            chain.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        for scope in reversed(self.scopes):
            if node.id in scope.imported or node.id in scope.other:
                base = scope.meaning(node.id)
                return None if base is None else ".".join([base, *reversed(chain)])
        return None

    def _bind(self, node: ast.AST) -> None:
        scope = self.scopes[-1]
        if isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.partition(".")[0]
                self._bind_import(alias.asname or package, alias.name if alias.asname else package)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self._bind_import(alias.asname or alias.name, f"{'.' * node.level}{node.module}.{alias.name}")
        elif isinstance(node, ast.Assign) and (name := _only_target(node)):
            scope.bind(name, self._torch_name(node.value))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            scope.bind(node.name, None)
        elif isinstance(node, ast.arg):
            scope.bind(node.arg, None)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            scope.bind(node.id, None)

    def _bind_import(self, name: str, dotted: str) -> None:
        if dotted.partition(".")[0] == "torch":
            self.scopes[-1].imported[name] = dotted
        else:
            self.scopes[-1].bind(name, None)


def _only_target(node: ast.Assign) -> str:
    """``x`` for the statement ``x = value``, which may give a torch name a short one; otherwise empty."""
    target = node.targets[0]
    return target.id if len(node.targets) == 1 and isinstance(target, ast.Name) else ""


def _walk_scope(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes that belong to a scope itself, in the order of the source; of inner scopes their own node only."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if isinstance(node, ast.Assign) and _only_target(node):
            yield from _walk_scope(node.value)
        elif not isinstance(node, _SCOPES):
            yield from _walk_scope(node)
