"""Reading the program: where a variable got its value, and what in that line ends the graph.

This is for runs that were not traced. It is a reading of the text, not a record of what happened: the last assignment above
the current line is taken for the one that counted, and messages say "by the look of the source".
"""

from __future__ import annotations

import ast
import inspect
import linecache
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final

import numpy as np

from .._core.modes import OWN_FILES
from .._core.tensor_base import TensorBase, requires_grad
from ..autograd import grad_mode
from . import _graph

METHODS: Final = {
    **dict.fromkeys(("detach", "detach_", "data"), "detached"),
    **dict.fromkeys(("item", "tolist", "numpy"), "number"),
    **dict.fromkeys(("tensor", "as_tensor", "from_numpy", "Tensor"), "copied"),
    **dict.fromkeys(
        ("argmax", "argmin", "argsort", "bincount", "searchsorted", "long", "int", "bool"), "not_differentiable"
    ),
    **dict.fromkeys(("gt", "lt", "ge", "le", "eq", "ne", "isnan", "sign", "nonzero"), "not_differentiable"),
}
UNRECORDED: Final = frozenset({"no_grad", "inference_mode"})
DEEPEST: Final = 10
_Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Clue:
    """What the source says about a variable.

    Attributes:
        kind: as of ``Break``.
        operator: what was found in the line, such as ``detach``; for ``no_grad`` and ``nothing_required`` a phrase.
        site: the line.
    """

    kind: str
    operator: str
    site: _graph.Site


def name_of(t: Any, frame: Any) -> str:
    """The variable of a frame that holds ``t``, or ``model.weight`` for a parameter of one; empty when there is none."""
    if frame is None:
        return ""
    for space in (frame.f_locals, frame.f_globals):
        for name, value in space.items():
            if value is t and not name.startswith("_"):
                return str(name)
    for space in (frame.f_locals, frame.f_globals):
        for name, value in space.items():
            if hasattr(type(value), "named_parameters"):
                for inner, parameter in value.named_parameters():
                    if parameter is t:
                        return f"{name}.{inner}"
    return ""


def clue_for(t: Any, x: Any, frame: Any) -> Clue | None:
    """The line where the way from ``t`` back to ``x`` (None: to anything) ends, if the source of the frame shows it."""
    scope = None if frame is None else _scope_of(frame)
    if scope is None:
        return None
    reader = _Reader(frame, scope, t, x)
    found = reader.origin()
    if found is None:
        return None
    value, unrecorded, site = found
    return reader.examine(value, unrecorded, site, 0) or reader.nothing_required(value, site)


def _scope_of(frame: Any) -> _Scope | None:
    """The syntax tree of the function (or module) that a frame runs."""
    code = frame.f_code
    lines = linecache.getlines(code.co_filename, frame.f_globals)
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return None
    if code.co_name == "<module>":
        return tree
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    return None


class _Reader:
    """One search: the frame, the function it runs, the tensor without history, and the one whose gradient is missing."""

    def __init__(self, frame: Any, scope: _Scope, t: Any, x: Any) -> None:
        self.frame = frame
        self.scope = scope
        self.t = t
        self.x = x
        self.seen: set[str] = set()

    def origin(self) -> tuple[ast.expr, str, _graph.Site] | None:
        """The expression that made ``t``: what was assigned to its name, or what stands on the line that runs now."""
        name = name_of(self.t, self.frame)
        if name:
            self.seen.add(name)
            return self.assigned(name)
        for node in ast.walk(self.scope):
            if isinstance(node, ast.Expr) and node.lineno <= self.frame.f_lineno <= (node.end_lineno or node.lineno):
                return node.value, "", _site(node, self.frame)
        return None

    def assigned(self, name: str) -> tuple[ast.expr, str, _graph.Site] | None:
        """The last value given to a variable, the mode without recording it stands in, and its line."""
        found = _assignment(name, self.frame.f_lineno, self.scope)
        return None if found is None else (found[1], found[2], _site(found[0], self.frame))

    def examine(self, value: ast.expr, unrecorded: str, site: _graph.Site, depth: int) -> Clue | None:
        """What ends the graph in an expression, or behind the variables in it."""
        for node in ast.walk(value):
            kind, operator = _cut(node)
            if kind and self.concerns(node):
                return Clue(kind, operator, site)
        if unrecorded and self.concerns(value):
            return Clue("no_grad", f"the line stands inside {unrecorded}()", site)
        for name, held in self.names(value):
            if self.x is None and records_nothing(held):
                return Clue("no_grad", f"{name} is decorated with no_grad", site)
            plain = isinstance(held, (float, np.ndarray)) or (isinstance(held, TensorBase) and not requires_grad(held))
            if plain and name not in self.seen and depth < DEEPEST:
                self.seen.add(name)
                found = self.assigned(name)
                clue = None if found is None else self.examine(*found, depth + 1)
                if clue is not None:
                    return clue
        return None

    def nothing_required(self, value: ast.expr, site: _graph.Site) -> Clue | None:
        """A clue when all tensors in an expression are there, and nothing behind them requires grad."""
        if self.x is not None or self.may_require(value, set()):
            return None
        names = [name for name, held in self.names(value) if isinstance(held, TensorBase) and held is not self.t]
        return Clue("nothing_required", " and ".join(dict.fromkeys(names)), site) if names else None

    def may_require(self, value: ast.expr, seen: set[str]) -> bool:
        """Whether an expression, or the lines behind its variables, use something that may require grad."""
        for name, held in self.names(value):
            if requires(held):
                return True
            if isinstance(held, TensorBase) and name not in seen:
                seen.add(name)
                found = self.assigned(name)
                if found is not None and self.may_require(found[0], seen):
                    return True
        return False

    def concerns(self, expression: ast.AST) -> bool:
        """Whether the expression mentions what the search is about: ``x`` or what was computed from it."""
        held = [value for _, value in self.names(expression)]
        if self.x is None:
            return any(value is self.t or requires(value) for value in held)
        return any(isinstance(value, TensorBase) and _graph.depends(value, self.x) for value in held)

    def names(self, expression: ast.AST) -> list[tuple[str, Any]]:
        """The variables in an expression, with their values."""
        return [(node.id, self.value_of(node.id)) for node in ast.walk(expression) if isinstance(node, ast.Name)]

    def value_of(self, name: str) -> Any:
        """What a variable holds now."""
        return self.frame.f_locals.get(name, self.frame.f_globals.get(name))


def _site(statement: ast.stmt, frame: Any) -> _graph.Site:
    text = linecache.getline(frame.f_code.co_filename, statement.lineno).strip()
    return _graph.Site(frame.f_code.co_filename, statement.lineno, text)


def _assignment(name: str, line: int, scope: _Scope) -> tuple[ast.stmt, ast.expr, str] | None:
    """The last assignment to ``name`` above ``line``: statement, value, and the mode it stands in that does not record."""
    best: tuple[ast.stmt, ast.expr, str] | None = None
    outer = _unrecorded(scope.decorator_list) if not isinstance(scope, ast.Module) else ""
    stack: list[tuple[ast.stmt, str]] = [(s, outer) for s in reversed(scope.body)]
    while stack:
        statement, mode = stack.pop()
        value = _assigned(statement, name)
        if value is not None and statement.lineno <= line and (best is None or statement.lineno >= best[0].lineno):
            best = (statement, value, mode)
        if isinstance(statement, (ast.With, ast.AsyncWith)):
            mode = _unrecorded([item.context_expr for item in statement.items]) or mode
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            stack.extend((child, mode) for child in _statements_in(statement))
    return best


def _statements_in(statement: ast.stmt) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            found.append(child)
        elif isinstance(child, ast.ExceptHandler):
            found.extend(child.body)
    return found


def _assigned(statement: ast.stmt, name: str) -> ast.expr | None:
    """The value that a statement gives to ``name``."""
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        targets = [statement.target]
    else:
        return None
    if statement.value is None:
        return None
    for target in targets:
        for part, value in _pairs(target, statement.value):
            if any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(part)):
                return value
    return None


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Targets and values of ``a, b = 1, 2`` one by one; otherwise the whole."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        if not any(isinstance(part, ast.Starred) for part in [*target.elts, *value.elts]):
            return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def _unrecorded(expressions: list[ast.expr]) -> str:
    """``no_grad`` when it is among the contexts or decorators."""
    for expression in expressions:
        for node in ast.walk(expression):
            named = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if named in UNRECORDED:
                return named
    return ""


def requires(value: Any) -> bool:
    """Whether what comes of a value may require grad: tensors that do, models, functions of the program."""
    if isinstance(value, TensorBase):
        return requires_grad(value)
    if isinstance(value, FunctionType):
        inner = inspect.unwrap(value)
        return isinstance(inner, FunctionType) and inner.__code__.co_filename not in OWN_FILES
    return hasattr(type(value), "named_parameters")


def records_nothing(value: Any) -> bool:
    """Whether a value is a function under the decorator ``no_grad`` or ``inference_mode``."""
    if not isinstance(value, FunctionType):
        return False
    try:
        held = list(inspect.getclosurevars(value).nonlocals.values())
    except ValueError:  # a variable of the enclosing function has no value yet
        return False
    return any(isinstance(mode, (grad_mode.no_grad, grad_mode.inference_mode)) for mode in held)


def _cut(node: ast.AST) -> tuple[str, str]:
    """Kind and name of what ends the graph at a node of the syntax tree; empty when it does not."""
    if isinstance(node, ast.Compare):
        return "not_differentiable", "a comparison"
    if isinstance(node, ast.Attribute) and node.attr == "data":
        return "detached", ".data"
    if isinstance(node, ast.Call):
        called = node.func
        named = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        return METHODS.get(named, ""), named
    return "", ""
