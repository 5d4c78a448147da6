"""A sample under ``vmap`` against a loop: whether they agree, and whether a rule computed it or a loop inside."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from tests.ops.harness import call, flat
from tests.ops.sample import Array, Sample, place

COPIES: Final = 3
RULE: Final = "yes"
LOOP: Final = "loop"
REFUSED: Final = "no"
"""Refused with a reason, as PyTorch refuses it: a result whose size depends on values, a value that leaves as a Python number."""
DRAWN: Final = "vmap: called random operation"
REFUSALS: Final = (
    "vmap:",
    "Batch norm got a batched tensor",
    "Cannot access data pointer",
    "You tried to vmap over",
    "You are attempting to call",
)


def outcome(package: Any, sample: Sample) -> str:
    """``RULE``, ``LOOP``, ``REFUSED``, or what is wrong; "" for a sample without a tensor to map over."""
    if not sample.inputs:
        return ""
    rows = [[place(a, i.layout) for a, i in zip(drawn(sample, k), sample.inputs, strict=True)] for k in range(COPIES)]
    columns = [np.stack(column) for column in zip(*rows, strict=True)]
    with warnings.catch_warnings(), watched() as looped:
        warnings.simplefilter("ignore")
        wanted = attempt(lambda: [run(package, sample, row) for row in rows])
        got = attempt(lambda: mapped(package, sample, columns, "error"))
        if isinstance(got, Exception) and DRAWN in str(got):
            package.manual_seed(0)
            first = attempt(lambda: run(package, sample, rows[0]))
            got = attempt(lambda: mapped(package, sample, [np.stack([c[0]] * COPIES) for c in columns], "same"))
            looped.clear()
            attempt(lambda: mapped(package, sample, columns, "different"))
            wanted = first if isinstance(first, Exception) else [first] * COPIES
    if isinstance(wanted, Exception):
        return ""  # the sample is there for its error
    if isinstance(got, Exception):
        return (
            REFUSED
            if str(got).startswith(REFUSALS)
            else f"raised {type(got).__name__}: {str(got).splitlines()[0][:120]}"
        )
    wrong = difference([flat_arrays(w) for w in wanted], flat_arrays(got))
    return wrong or (LOOP if looped else RULE)


def drawn(sample: Sample, k: int) -> list[Array]:
    """Values of the inputs for copy ``k``."""
    rng = sample.rng(f"vmap {k}")
    return [i.array(rng) for i in sample.inputs]


def attempt(function: Any) -> Any:
    """The result, or the error."""
    try:
        return function()
    except Exception as error:
        return error


def run(package: Any, sample: Sample, arrays: list[Array]) -> Any:
    """One copy by itself."""
    package.manual_seed(0)
    return call(package, sample, sample.code, [package.from_numpy(np.array(a)) for a in arrays])


def mapped(package: Any, sample: Sample, columns: list[Array], randomness: str) -> list[Any]:
    """All copies at once: the tensors among the results, Python values dropped."""
    package.manual_seed(0)

    def one(*inputs: Any) -> Any:
        return tuple(t for t in flat(call(package, sample, sample.code, list(inputs))) if isinstance(t, package.Tensor))

    return list(package.vmap(one, randomness=randomness)(*[package.from_numpy(c) for c in columns]))


@contextmanager
def watched() -> Iterator[list[int]]:
    """Counts how often a rule, or the dispatcher for want of one, took a single sample out of a batch."""
    from wengert.func._batched import Batch

    seen: list[int] = []
    original = Batch.sample

    def sample(self: Any, value: Any, i: int) -> Any:
        seen.append(i)
        return original(self, value, i)

    Batch.sample = sample  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Batch.sample = original  # type: ignore[method-assign]


def flat_arrays(result: Any) -> list[Array]:
    """The tensors among the results."""
    return [t.detach().resolve_conj().numpy() for t in flat(result) if hasattr(t, "detach")]


def difference(wanted: list[list[Array]], got: list[Array]) -> str:
    """What differs, in a word."""
    columns = (
        [np.stack(c) for c in zip(*wanted, strict=True)]
        if len({tuple(a.shape for a in w) for w in wanted}) == 1
        else None
    )
    if columns is None:
        return "the copies have results of different shapes"
    if len(columns) != len(got):
        return f"{len(columns)} results by a loop, {len(got)} by vmap"
    for a, b in zip(columns, got, strict=True):
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            return f"{a.dtype}{list(a.shape)} by a loop, {b.dtype}{list(b.shape)} by vmap"
        precise = a.dtype in (np.float64, np.complex128)
        finite = np.abs(a[np.isfinite(a)].astype(np.complex128)) if a.dtype.kind in "fc" else np.zeros(1)
        limit = (1e-9 if precise else 1e-4) * max(1.0, float(finite.max(initial=0)))
        if a.dtype == np.float16:
            limit = max(limit, 1e-2 * float(finite.max(initial=1)))
        if not np.allclose(a, b, rtol=1e-9 if precise else 1e-3, atol=limit, equal_nan=True):
            return "values differ"
    return ""
