"""Who may import whom: a room of src/wengert imports only the rooms above it.  `python tools/layers.py`

Imports under `if TYPE_CHECKING:` are free.  The rooms of CYCLE may import one another downwards too, but only as
modules (`from .. import _tensor`): when such an import runs, the names inside the module do not exist yet.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"

# From the ground up.  A room is a folder or a module directly below src/wengert.
ROOMS = (
    "_pure",
    "_version",
    "kernels",
    "_config",
    "_core",
    "_record",
    "ops",
    "_gen",
    "_tensor",
    "autograd",
    "profiler",
    "func",
    "_fuse",
    "_settings",
    "accelerator",
    "backends",
    "cpu",
    "cuda",
    "linalg",
    "special",
    "fft",
    "signal",
    "nn",
    "optim",
    "optimize",
    "integrate",
    "data",
    "serialization",
    "history",
    "viz",
    "interop",
    "debug",
    "utils",
    "testing",
    "__init__",
    "__main__",
)
# Methods call operators, operators build tensors, the engine calls both.
CYCLE = ("_core", "_record", "ops", "_gen", "_tensor")

# Imports against the order, each inside a function and with its reason: (importing room, imported room).
LAZY: dict[tuple[str, str], str] = {
    ("autograd", "profiler"): "autograd.profiler is PyTorch's older name of it",
    ("autograd", "func"): "grad(is_grads_batched=True) is one pass for many cotangents, which vmap needs too",
}

EAGER_LIBRARIES = ("numpy",)
# Imported inside functions only, since each costs a user's start-up or may be missing; None: by every room but _core.
LAZY_LIBRARIES: dict[str, tuple[str, ...] | None] = {
    "scipy": None,
    "graphviz": ("viz",),
    "matplotlib": ("viz", "history"),
    "tqdm": ("history",),
    "torch": ("interop", "testing"),
}


@dataclass(frozen=True)
class Import:
    """One imported thing: the full name of a module, and the name taken from it, None for the module itself."""

    line: int
    module: str
    name: str | None
    in_function: bool

    @property
    def library(self) -> str:
        """The top-level package."""
        return self.module.partition(".")[0]

    @property
    def room(self) -> str:
        """The room of wengert it lies in."""
        return self.module.split(".")[1] if "." in self.module else "__init__"


def imports_of(tree: ast.Module, package: str, source: Path) -> list[Import]:
    """The imports that run, i.e. all but those for type checkers; `package` is what a relative import starts from."""
    return [found for node, in_function in _walk(tree, False) for found in _resolve(node, package, source, in_function)]


def _walk(node: ast.AST, in_function: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, in_function
        elif isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in child.orelse:
                yield from _walk(ast.Module([other], []), in_function)
        else:
            yield from _walk(child, in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def _resolve(node: ast.Import | ast.ImportFrom, package: str, source: Path, in_function: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(node.lineno, alias.name, None, in_function)
        return
    base = node.module or ""
    if node.level:
        parents = package.split(".")
        base = ".".join(parents[: len(parents) - node.level + 1] + ([node.module] if node.module else []))
    for alias in node.names:
        inner = source.joinpath(*base.split("."), alias.name)
        is_module = inner.with_suffix(".py").exists() or inner.is_dir()
        yield Import(
            node.lineno, f"{base}.{alias.name}" if is_module else base, None if is_module else alias.name, in_function
        )


def complaint(room: str, found: Import) -> str | None:
    """Why `room` may not import this, or None if it may."""
    if found.library != "wengert":
        return _library_complaint(room, found)
    target = found.room
    if target not in ROOMS:
        return f"{target} is no room yet: give it a place in ROOMS of tools/layers.py"
    if ROOMS.index(target) <= ROOMS.index(room):
        return None
    if room in CYCLE and target in CYCLE:
        return (
            None if found.name is None else f"inside the cycle import the module {found.module}, not its {found.name}"
        )
    if (room, target) in LAZY:
        return None if found.in_function else f"{room} may import {target} inside a function only"
    return f"{target} lies below {room}"


def _library_complaint(room: str, found: Import) -> str | None:
    library = found.library
    if library in sys.stdlib_module_names or library in EAGER_LIBRARIES:
        return None
    if library not in LAZY_LIBRARIES:
        return f"{library} is no dependency of wengert"
    rooms = LAZY_LIBRARIES[library]
    if room == "_core" or (rooms is not None and room not in rooms):
        return f"{room} may not import {library}"
    return None if found.in_function else f"{library} is imported inside functions only"


def violations(source: Path = SOURCE) -> list[str]:
    """One line, `file:line: complaint`, for every forbidden import below `source`."""
    lines = []
    for path in sorted((source / "wengert").rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        if parts[1] == "_build_info":  # written by the build, imports nothing
            continue
        if parts[1] not in ROOMS:
            lines.append(f"{path}:1: {parts[1]} is no room yet: give it a place in ROOMS of tools/layers.py")
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for found in imports_of(tree, ".".join(parts[:-1]), source):
            text = complaint(parts[1], found)
            if text is not None:
                lines.append(f"{path}:{found.line}: {text}")
    return lines


def main() -> None:
    """Print the violations; exit code 1 if there are any."""
    lines = violations()
    print("\n".join(lines) if lines else f"layers: {len(ROOMS)} rooms in order")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
