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


OUT_OF_SCOPE: Final = {
    "GPUs": "cuda mps xpu mtia accelerator backends",
    "several processes or devices": "distributed multiprocessing nn.parallel nn.DataParallel",
    "compilers and exporters": (
        "jit compile compiler export fx onnx package _dynamo _inductor _export _higher_order_ops _decomp cond while_loop"
    ),
    "quantization": (
        "ao quantization nn.quantized nn.qat quantize_per_tensor quantize_per_channel dequantize qint8 quint8 qint32"
    ),
    "mixed precision": "amp autocast is_autocast_enabled get_autocast_dtype set_autocast_enabled",
    "sparse tensors": (
        "sparse sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc sparse_coo_tensor sparse_csr_tensor"
        " sparse_csc_tensor sparse_bsr_tensor sparse_bsc_tensor sparse_compressed_tensor Tensor.to_sparse Tensor.coalesce"
    ),
    "nested tensors": "nested jagged nn.attention.varlen",
    "operators in C++": "ops library classes utils.cpp_extension _C _ops _custom_op",
    "downloads": "hub",
}
"""What wengert does not aim at -> the names below ``torch`` that belong to it."""


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
        owner = value
        if not isinstance(owner, ModuleType) and not hasattr(owner, parts[end - 1]):
            owner = find_module(".".join(parts[: end - 1]))  # autograd.gradcheck is a function and a module
        if hasattr(owner, parts[end - 1]):
            value = getattr(owner, parts[end - 1])
            continue
        module = find_module(beginning) if isinstance(owner, ModuleType) else None
        if module is None:
            return beginning
        value = module
    return None


def out_of_scope(name: str) -> str:
    """What a missing name belongs to, if wengert does not aim at that.

    Args:
        name: For example ``"torch.cuda.Stream"``.

    Returns:
        A key of OUT_OF_SCOPE or ``"private parts of PyTorch"``, for example ``"GPUs"``; empty for what is in scope.
    """
    for subject, names in OUT_OF_SCOPE.items():
        if any(name == f"torch.{n}" or name.startswith(f"torch.{n}.") for n in names.split()):
            return subject
    private = any(part.startswith("_") and not part.endswith("__") for part in name.split("."))
    return "private parts of PyTorch" if private else ""


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
        values = self.other.get(name, set())
        if name in self.imported:
            return None if values else self.imported[name]
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
            fallback = isinstance(node.value, ast.Constant) and node.value.value is None  # after `except ImportError:`
            if not (fallback and name in scope.imported):
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
