"""Runs one row of the recorded behaviour."""

from __future__ import annotations

import ast
import contextlib
import csv
import io
import re
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def rows(name: str) -> list[dict[str, str]]:
    """All rows of a file."""
    with open(HERE / name, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def reset(torch: Any) -> None:
    """Undo global state that a snippet may have left behind."""
    torch.set_grad_enabled(True)
    torch.autograd.set_detect_anomaly(False)
    torch.set_default_dtype(torch.float32)
    torch.set_printoptions(profile="default")
    with contextlib.suppress(RuntimeError):
        while True:
            torch.autograd.forward_ad.exit_dual_level()


def error_difference(torch: Any, row: dict[str, str]) -> str:
    """What differs from the recorded exception or warning; empty when nothing does."""
    caught: Exception | None = None
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(row["snippet"], {"torch": torch})
        except Exception as error:
            caught = error
    if row["exception"].endswith("Warning"):
        if caught is None:
            for entry in log:
                if is_kind(entry.category, row["exception"]) and re.search(row["regex"], str(entry.message), re.S):
                    return ""
        return f"raised {caught!r}; warnings {[str(w.message) for w in log]}"
    if caught is None:
        return "no exception"
    if is_kind(type(caught), row["exception"]) and re.search(row["regex"], str(caught), re.S):
        return ""
    return f"{type(caught).__name__}: {caught}"


def is_kind(cls: type, name: str) -> bool:
    """Whether a class or one of its bases has this name."""
    return name in [c.__name__ for c in cls.__mro__]


def fact_difference(torch: Any, row: dict[str, str]) -> str:
    """What the last expression gives instead of the recorded text; empty when it is the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = namespace(torch)
        tree = ast.parse(row["snippet"])
        last = tree.body.pop()
        assert isinstance(last, ast.Expr)
        try:
            exec(compile(tree, "<fact>", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "<fact>", "eval"), names)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    text = re.sub(r"0x[0-9a-f]+", "0x", repr(value))
    return "" if text == row["expected"] else text


def namespace(torch: Any) -> dict[str, Any]:
    """The names that snippets may use."""

    def grads(f: Any, *values: Any) -> list[Any]:
        leaves = [torch.tensor(v, requires_grad=True) for v in values]
        found = torch.autograd.grad(f(*leaves).sum(), leaves, allow_unused=True)
        return [None if g is None else g.tolist() for g in found]

    def leaf(values: Any) -> Any:
        return torch.tensor(values, requires_grad=True)

    square = [[2.0, 0.5, 0.1], [0.3, 3.0, 0.2], [0.4, 0.6, 4.0]]
    return {
        "torch": torch,
        "node": node,
        "saved": saved,
        "grads": grads,
        "F": torch.nn.functional,
        "x": leaf([0.2, 0.5, 0.8]),
        "y": leaf([0.6, 0.1, 0.7]),
        "z": leaf([0.9, 0.3, 0.4]),
        "m": leaf(square),
        "n": leaf(square),
        "b": leaf([square, square]),
        "idx": torch.tensor([0, 1]),
        "mask": torch.tensor([True, False, True]),
    }


def node(out: Any) -> str | None:
    """Name of the graph node of the first differentiable output."""
    for t in out if isinstance(out, (tuple, list)) else (out,):
        if getattr(t, "grad_fn", None) is not None:
            return str(t.grad_fn.name())
    return None


def saved(f: Any, *args: Any) -> dict[str, str | None]:
    """Tensors that ``f(*args)`` keeps: which of them are arguments (in0, in1...) or outputs (out0...)."""
    inputs = [a * 1 if a.requires_grad else a for a in args]
    out = f(*inputs)
    outputs = out if isinstance(out, (tuple, list)) else (out,)
    fn = next(t.grad_fn for t in outputs if t.grad_fn is not None)
    tags: dict[str, str | None] = {}
    for name in dir(fn):
        if not name.startswith("_saved_"):
            continue
        value = getattr(fn, name)
        if hasattr(fn, "_raw" + name) and not isinstance(value, tuple):
            tags[name[7:]] = None if value is None else origin(value, inputs, outputs)
    return tags


def origin(value: Any, inputs: Any, outputs: Any) -> str:
    """Which argument or output shares its memory with a saved tensor."""
    tag = "new"
    for kind, group in (("out", outputs), ("in", inputs)):
        for i, t in enumerate(group):
            if hasattr(t, "data_ptr") and t.data_ptr() == value.data_ptr() and t.shape == value.shape:
                tag = f"{kind}{i}"
    return tag
