"""All samples, gathered from one file per family of operators."""

from __future__ import annotations

import ast
import csv
import importlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.ops.sample import Sample

FAMILIES: Final = tuple(sorted(p.stem.removeprefix("samples_") for p in Path(__file__).parent.glob("samples_*.py")))


SCOPE: Final = Path(__file__).with_name("scope.csv")
"""The operators in scope, and what PyTorch has for each of them."""


def scope() -> list[dict[str, str]]:
    """Return the rows of scope.csv."""
    with SCOPE.open(newline="") as file:
        return list(csv.DictReader(file))


def samples(family: str) -> list[Sample]:
    """Return the samples of one family, each knowing its family."""
    module = importlib.import_module(f"tests.ops.samples_{family}")
    return [replace(s, family=family) for s in module.SAMPLES]


def all_samples() -> list[Sample]:
    """Return the samples of every family. Their ids are unique."""
    found = [s for family in FAMILIES for s in samples(family)]
    double = [name for name, count in Counter(s.id for s in found).items() if count > 1]
    if double:
        raise ValueError(f"the same sample is listed twice: {double}")
    return complete(found)


def complete(found: list[Sample]) -> list[Sample]:
    """Return the samples, one of each operator with its in-place twin and its out= form where none writes them down."""
    for form, derive in (("out", out_form), ("inplace", inplace_form)):
        lacking = {row["name"] for row in scope() if row[form]} - {s.op for s in found if getattr(s, form)}
        for i, sample in enumerate(found):
            text = derive(sample) if sample.op in lacking and "forward" in sample.only else ""
            if text:
                only = sample.only if form in sample.only else (*sample.only, form)
                found[i] = replace(sample, only=only, **{form: text})
                lacking.remove(sample.op)
    return found


def plain_call(sample: Sample) -> tuple[str, list[str]] | None:
    """Return the sample's text as function and arguments, if it is one call of its operator: ``t.op(x, 2)`` or ``x.op(2)``."""
    try:
        tree = ast.parse(sample.code, mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(tree, ast.Call) or "generator" in sample.code or sample.op.endswith("_"):
        return None
    function, arguments = ast.unparse(tree.func), [ast.unparse(part) for part in (*tree.args, *tree.keywords)]
    if function == f"x.{sample.op}":
        return f"t.{sample.op}", ["x", *arguments]
    names = (f"t.{sample.op}", sample.op.replace("nn.functional", "F"))
    return (function, arguments) if function in names else None


def out_form(sample: Sample) -> str:
    """Return ``t.op(x, out=out)`` for ``t.op(x)``."""
    call = plain_call(sample)
    return f"{call[0]}({', '.join([*call[1], 'out=out'])})" if call else ""


def inplace_form(sample: Sample) -> str:
    """Return ``x.op_(y)`` for ``t.op(x, y)``, and ``F.op(x, inplace=True)`` for functions of nn.functional."""
    call = plain_call(sample)
    if call is None or call[1][:1] != ["x"]:
        return ""
    if sample.op.startswith("nn."):
        return f"{call[0]}({', '.join([*call[1], 'inplace=True'])})"
    return f"x.{sample.op}_({', '.join(call[1][1:])})"
