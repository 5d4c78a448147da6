"""Calls under ``vmap`` that skip their rule, and those beside them that must not: all give what samples give one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wengert as wg

X = wg.arange(24.0, dtype=wg.float32).reshape(4, 3, 2) / 7 - 1.3
Y = X.flip(0) * 0.5 + 0.1
FLAT = X.reshape(4, 6)
DOTS = X[:, 0, 0]  # samples of no dimension
WHOLE = wg.arange(24).reshape(4, 3, 2)
MASK = X > Y
ROW = wg.tensor([0.5, -2.0])
CUBE = wg.arange(12.0).reshape(2, 3, 2)
DOUBLE = wg.tensor(1.5, dtype=wg.float64)
LONG = wg.arange(2, dtype=wg.float64)

Program = Callable[..., Any]

CASES: dict[str, tuple[Program, list[wg.Tensor]]] = {
    "numbers": (lambda x: (2 - x) / 3 + 1 // (x + 2), [X]),
    "number and whole numbers": (lambda n: n * 0.5 + (n + 1), [WHOLE]),
    "number of no dimension": (lambda x: x * 2.5, [WHOLE[:, 0, 0]]),
    "two": (lambda x, y: wg.maximum(x, y) - x * y, [X, Y]),
    "two dtypes": (lambda x, n: x * n, [X, WHOLE]),
    "two dtypes of no dimension": (lambda x, y: x * y, [X, DOTS.double()]),
    "no dimension beside some": (lambda x, d: x + d, [X, DOTS]),
    "some beside no dimension": (lambda d, x: d - x, [DOTS, X]),
    "shared row": (lambda x: x * ROW + ROW / (x + 3), [X]),
    "shared cube": (lambda x: x * CUBE + CUBE * x, [X]),
    "shared number in double precision": (lambda x: x * DOUBLE - DOUBLE / (x + 3), [X]),
    "shared row in double precision": (lambda x: x * LONG - LONG / (x + 3), [X]),
    "shared beside no dimension": (lambda d: d * ROW, [DOTS]),
    "shared number": (lambda d: wg.tensor(2.0) - d, [DOTS]),
    "three dimensions beside one": (lambda x, y: x + y, [X, ROW.expand(4, 2)]),
    "powers": (lambda x: 2**x + (x + 3) ** 2 + wg.pow(ROW + 3, x), [X]),
    "compared": (lambda x, y: (x < y) | (x > 0) | (x >= ROW), [X, Y]),
    "where": (wg.where, [MASK, X, Y]),
    "where with a number": (lambda m, x: wg.where(m, x, 0.0) + wg.where(m, 1, x), [MASK, X]),
    "where of whole numbers": (lambda m, n: wg.where(m, n, 0.5), [MASK, WHOLE]),
    "where with a row": (lambda m, x: wg.where(m, x, ROW) + wg.where(m, ROW, x), [MASK, X]),
    "where with a cube": (lambda m, x: wg.where(m, x, CUBE), [MASK, X]),
    "where by one for all": (lambda x, y: wg.where(MASK[0], x, y), [X, Y]),
    "where of few": (lambda m, d: wg.where(m, d, d + 1), [MASK, DOTS]),
    "where of two dtypes": (wg.where, [MASK, X, WHOLE]),
    "sums": (lambda x: x.sum(0).sum(-1) + x.mean(-2).sum() + x.sum(), [X]),
    "sum of a row": (lambda x: x.sum() + x.mean() + x.amax() + x.prod() + x.logsumexp(0), [FLAT]),
    "sum of one number": (lambda d: d.sum() + d.mean() + d.sum(0) + d.sum(-1), [DOTS]),
    "sum over all by name": (lambda x: x.sum(dim=1, keepdim=True) + x.sum((0, 1)) + x.sum(1, True), [X]),
    "extremes": (lambda x: x.max() + x.min() + x.max(0).values + x.min(-1)[0].sum(), [X]),
    "extremes of a row": (lambda x: x.max() - x.min() + x.max(0).values, [FLAT]),
    "larger of two": (lambda x, y: x.max(y) + wg.min(x, ROW), [X, Y]),
    "places": (lambda x: x.argmax(0) + x.argmin() + x.max(0).indices, [X]),
    "masks": (lambda m: m.all(0) | m.any(-2) | m.any(), [MASK]),
    "element": (lambda x: x[1], [X]),
    "elements": (lambda x: (x[-1, 0], x[..., 1], x[None, 1:], x[:, None, ::2], x[()], x[...]), [X]),
    "only ellipsis of no dimension": (lambda d: (d[...], d[None], d[()]), [DOTS]),
    "places as tensors": (lambda x: (x[wg.tensor([2, 0])], x[1, wg.tensor(1)], x[[0, 1]]), [X]),
    "true": (lambda x: x[True], [X]),
    "cat": (lambda x, y: (wg.cat([x, y]), wg.cat((x, y), 1), wg.cat([x, y], -1)), [X, Y]),
    "cat of one": (lambda x: wg.cat([x]), [X]),
    "cat with an empty row": (lambda x: wg.cat([x, wg.zeros(0)]), [X]),
    "cat of two dtypes": (lambda x, n: wg.cat([x, n], 1), [X, WHOLE]),
    "cat with one for all": (lambda x: wg.cat([x, CUBE[0]]), [X]),
    "stack": (lambda x, y: (wg.stack([x, y]), wg.stack([x, y], 1), wg.stack([x, y], 2), wg.stack([x, y], -1)), [X, Y]),
    "stack of no dimension": (lambda d: wg.stack([d, d * 2]), [DOTS]),
}


def same(ours: Any, wanted: list[Any]) -> bool:
    """Whether a batched result has the values, the dtype and the shape of the results of the samples."""
    if isinstance(ours, tuple):
        return all(same(o, list(w)) for o, w in zip(ours, zip(*wanted, strict=True), strict=True))
    stacked = wg.stack(wanted)
    return ours.dtype is stacked.dtype and ours.shape == stacked.shape and wg.allclose(ours, stacked, rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_each_sample_gets_its_own(name: str) -> None:
    program, data = CASES[name]
    assert same(wg.vmap(program)(*data), [program(*sample) for sample in zip(*data, strict=True)])


@pytest.mark.parametrize("name", CASES)
def test_wherever_the_batch_is(name: str) -> None:
    program, data = CASES[name]
    moved = [t.movedim(0, -1) for t in data]
    assert same(wg.vmap(program, -1)(*moved), [program(*sample) for sample in zip(*data, strict=True)])


@pytest.mark.parametrize("name", CASES)
def test_in_two_levels(name: str) -> None:
    program, data = CASES[name]
    pairs = [t.reshape(2, 2, *t.shape[1:]) for t in data]
    ours = wg.vmap(wg.vmap(program))(*pairs)
    wanted = wg.vmap(program)(*data)
    for o, w in zip(*[r if isinstance(r, tuple) else (r,) for r in (ours, wanted)], strict=True):
        assert o.dtype is w.dtype
        assert o.flatten(0, 1).equal(w)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda x: x[5], "index 5 is out of bounds"),
        (lambda x: x.sum(2), "Dimension out of range"),
        (lambda x: x.max(-3), "Dimension out of range"),
        (lambda x: wg.cat([x, x], 2), "Dimension out of range"),
        (lambda x: wg.stack([x, x], 3), "Dimension out of range"),
        (lambda x: x[0, 0, 0], "too many indices"),
        (lambda x: x * wg.ones(3), "must match the size"),
    ],
)
def test_refusals_speak_of_a_sample(wrong: Program, words: str) -> None:
    with pytest.raises((IndexError, RuntimeError), match=words):
        wrong(X[0])
    with pytest.raises((IndexError, RuntimeError), match=words):
        wg.vmap(wrong)(X)
