"""Runs a bad call under one package, and compares what two packages said."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

from .calls import names

TENSORS = ("x", "y", "h", "m", "n", "v", "v2", "v4", "s", "i", "i2", "b", "c")

# PyTorch's argument parser lists C++ overloads and counts positions per overload; which overload it tried last decides its
# sentence. The exception is TypeError here too, and the text names the type that was given or the argument that is missing.
PARSER = re.compile(
    r"received an invalid combination of arguments|\(\): argument '\w+'( \(position \d+\))? (must be|failed to unpack)"
    r"|missing \d+ required positional argument|takes (no|\d+|from \d+ to \d+) (positional )?arguments?"
    r"|got an unexpected keyword argument|unsupported operand type"
)
PLAIN_WORDS = re.compile(
    r"must be|received an invalid combination|missing|takes \d+ positional|cannot be interpreted|can't be"
    r"|tuple of Tensors|must specify|unexpected keyword|unsupported|not supported"
    # the argument parser of compiled functions
    r"|object expected; got|takes (at most|at least|exactly|no) |is an invalid keyword argument"
)
# Names of C++ kernels: the dtype that is refused is compared, not the kernel.
KERNEL = re.compile(r'^"\w+" not implemented for')
# CPython's sentence for a C attribute and for a property without setter.
READ_ONLY = re.compile(
    r"attribute '(\w+)' of '[\w.]+' objects is not writable|property '(\w+)' of '\w+' object has no setter"
)


@dataclass
class Outcome:
    """What a call did: the exception, or None, and which tensors it changed."""

    error: Exception | None
    changed: list[str]


def run(package: Any, program: str, watch: bool = False) -> Outcome:
    """Run a program in fresh names; ``watch`` tells which tensors it changed."""
    found = names(package)
    before = {name: state(found[name]) for name in TENSORS} if watch else {}
    tensors = {name: found[name] for name in TENSORS}
    error: Exception | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(program, "<bad call>", "exec"), found)
        except Exception as caught:
            error = caught
        finally:
            package.set_grad_enabled(True)
            package.set_default_dtype(package.float32)
            package.set_printoptions(profile="default")
            package.autograd.set_detect_anomaly(False)
        changed = [name for name in before if state(tensors[name]) != before[name]]
    return Outcome(error, changed)


def state(t: Any) -> tuple[Any, ...]:
    """Everything that a failed call must leave alone."""
    grad = t.grad.tolist() if t.is_leaf and t.grad is not None else None
    return t.tolist(), tuple(t.shape), t.stride(), t.dtype, t._version, t.requires_grad, id(t.grad_fn), grad


def first_sentence(error: Exception | None) -> str:
    """The part of a text that is compared."""
    if error is None:
        return ""
    text = str(error).split("\n")[0].split(". ")[0]
    return re.sub(r" \(position \d+\)", "", text).rstrip(" .:,")


def difference(theirs: Exception | None, ours: Exception | None) -> str:
    """How our exception differs from PyTorch's; empty when it does not."""
    if theirs is None or ours is None:
        return "" if theirs is ours else f"PyTorch: {theirs!r}; here: {ours!r}"
    if not isinstance(ours, type(theirs)):
        return f"PyTorch: {type(theirs).__name__}: {first_sentence(theirs)}; here: {type(ours).__name__}: {ours}"
    a, b = first_sentence(theirs), first_sentence(ours)
    if isinstance(theirs, TypeError) and PARSER.search(a) and PLAIN_WORDS.search(b):
        return ""
    a, b = KERNEL.sub("not implemented for", a), KERNEL.sub("not implemented for", b)
    if READ_ONLY.search(a) and READ_ONLY.search(b):
        return ""
    return "" if a == b else f"PyTorch: {a}; here: {b}"
