"""Where a program finds the operators: the public functions, and the names that modules have bound to them.

Tools that put something in the place of operators for a while (``debug`` watches them, ``func.vmap`` gives them rules) replace
them under these names. Compiled code calls compiled code directly and never meets a replacement.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from .._gen import fft, functions, linalg, nn_functional, special

PACKAGE: Final = __name__.partition(".")[0]
# Modules whose own references are left alone: what they call are inner calls.
HIDDEN: Final = tuple(f"{PACKAGE}.{room}" for room in ("_", "ops", "debug", "autograd.", "func", "profiler"))
NAMESPACES: Final = (
    ("", functions), ("special", special), ("nn.functional", nn_functional), ("linalg", linalg), ("fft", fft),
)  # fmt: skip

Replacements = dict[int, tuple[Any, Any]]
"""By identity of a function: itself, and what is put in its place."""


def public_functions() -> Iterator[tuple[str, str, Any]]:
    """Namespace, name and function, for all operators; those of namespaces that are not imported too."""
    for namespace, generated in NAMESPACES:
        for module in (generated, sys.modules.get(f"{PACKAGE}.{namespace}") if namespace else None):
            for name, value in list(vars(module).items()) if module is not None else ():
                if name.startswith("_") or not callable(value) or isinstance(value, type):
                    continue
                if generated is not functions or name in functions.__all__:
                    yield namespace, name, value


def is_program(module: Any) -> bool:
    """Whether a module calls operators as programs do."""
    return isinstance(module, ModuleType) and not module.__name__.startswith(HIDDEN)


def bound_in(module: ModuleType, replacements: Replacements) -> list[tuple[str, Any, Any]]:
    """The names in a module that are bound to replaced functions: name, function, replacement."""
    found: list[tuple[str, Any, Any]] = []
    if replacements.keys().isdisjoint(map(id, list(vars(module).values()))):
        return found
    for name, value in list(vars(module).items()):
        entry = replacements.get(id(value))
        if entry is not None and entry[0] is value:
            found.append((name, *entry))
    return found
