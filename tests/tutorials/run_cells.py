"""Run the cells of tutorials as a notebook would and write what they show as JSON to standard output.

Usage: ``python run_cells.py PACKAGE TUTORIAL.py...`` with PACKAGE ``torch`` or ``wengert``. With ``wengert``,
``wengert.interop.install_torch()`` serves the cells' ``import torch``. The test suite runs this script once for each
package, in a new process, and compares the two records.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

SEED = 0
CELL = re.compile(r"^# %% (\d+)(?: raises (\w+))?$", re.MULTILINE)


def split_cells(source: str) -> list[tuple[int, str | None, str]]:
    """The number, the expected exception (or None) and the code of each cell of a tutorial."""
    marks = list(CELL.finditer(source))
    ends = [mark.start() for mark in marks[1:]] + [len(source)]
    return [(int(mark[1]), mark[2], source[mark.end() : end]) for mark, end in zip(marks, ends, strict=True)]


def normalise(text: str) -> str:
    """The text without object addresses."""
    return re.sub(r"0x[0-9a-fA-F]+", "0x...", text)


def normalise_dot(source: str) -> str:
    """DOT source with the node ids (addresses, in decimal) numbered in the order in which they appear."""
    numbers: dict[str, str] = {}
    return re.sub(r"\b\d{9,}\b", lambda found: numbers.setdefault(found[0], f"n{len(numbers)}"), source)


def describe_display(value: object) -> str | None:
    """What the notebook shows for the value of a cell's last expression."""
    if value is None:
        return None
    source = getattr(value, "source", None)
    return normalise_dot(source) if isinstance(source, str) else normalise(repr(value))


def describe_tensor(tensor: Any) -> dict[str, Any]:
    """Everything about a tensor that two packages must agree on."""
    grad = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
    return {
        "dtype": str(tensor.dtype),
        "shape": list(tensor.shape),
        "values": tensor.detach().reshape(-1).tolist(),
        "requires_grad": tensor.requires_grad,
        "is_leaf": tensor.is_leaf,
        "grad_fn": type(tensor.grad_fn).__name__,
        "grad": None if grad is None else describe_tensor(grad),
    }


def describe_names(namespace: dict[str, Any], tensor_type: type) -> dict[str, Any]:
    """The tensors a tutorial has given a name so far, those in tuples included."""
    found = {}
    for name, value in namespace.items():
        members = {name: value}
        if isinstance(value, tuple):
            members = {f"{name}[{index}]": member for index, member in enumerate(value)}
        found.update({key: describe_tensor(t) for key, t in members.items() if isinstance(t, tensor_type)})
    return found


def take_plots() -> list[list[list[float]]]:
    """The x and y values of every line drawn by the cell; the figure is closed, as notebooks do."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    lines = [line for number in pyplot.get_fignums() for axes in pyplot.figure(number).axes for line in axes.lines]
    values = [[list(map(float, line.get_xdata())), list(map(float, line.get_ydata()))] for line in lines]
    pyplot.close("all")
    return values


def execute(code: str, name: str, namespace: dict[str, Any]) -> object:
    """Run a cell and return the value of its last statement if that is an expression."""
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace) if last is not None else None


def run_cell(code: str, name: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Run one cell; the record of its printed text, display, exception, warnings and plots."""
    printed = io.StringIO()
    display = error = None
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            display = describe_display(execute(code, name, namespace))
        except Exception as exception:
            error = [type(exception).__name__, str(exception).splitlines()[0]]
    return {
        "printed": normalise(printed.getvalue()),
        "display": display,
        "error": error,
        "warnings": [str(w.message).splitlines()[0] for w in caught if w.category is UserWarning],
        "plots": take_plots(),
    }


def run_tutorial(path: Path, torch: Any) -> list[dict[str, Any]]:
    """The records of all cells of a tutorial, run in order after ``manual_seed``."""
    torch.manual_seed(SEED)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    records = []
    for number, expected, code in split_cells(path.read_text()):
        record = run_cell(code, f"{path.name}[{number}]", namespace)
        record.update(cell=number, raises=expected, tensors=describe_names(namespace, torch.Tensor))
        records.append(record)
    return records


def main(package: str, paths: list[str]) -> None:
    """Write ``{tutorial: records}`` for the given tutorials."""
    if package != "torch":
        importlib.import_module(f"{package}.interop").install_torch()
    torch = importlib.import_module("torch")
    json.dump({Path(path).stem: run_tutorial(Path(path), torch) for path in paths}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
