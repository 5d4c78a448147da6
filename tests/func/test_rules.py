"""Every batching rule against a loop over the samples, and against torch.vmap."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import wengert

from .rule_samples import CALLS, INPLACE

N = 3
NAMES = {"torch": (wengert, torch)}


def made(kind: str, rng: Any, batched: bool) -> Any:
    """Data of one argument."""
    shape = tuple(int(n) for n in kind[1:].split(",") if n)
    shape = (N, *shape) if batched else shape
    if kind[0] == "i":
        return rng.integers(0, 3, shape)
    if kind[0] == "b":
        return rng.random(shape) > 0.5
    values = rng.standard_normal(shape)
    if kind[0] == "p":
        return np.abs(values) * 0.5 + 0.1
    if kind[0] == "s":
        return values @ np.swapaxes(values, -1, -2) + 2 * np.eye(shape[-1])
    return values


def leaves(result: Any) -> list[Any]:
    """All tensors of a result."""
    return [a for part in result for a in leaves(part)] if isinstance(result, (tuple, list)) else [result]


def code(text: str, module: Any) -> Any:
    """The function in one of the two libraries."""
    if text.startswith("lambda"):
        return eval(text, {"torch": module})
    *steps, last = text.split(";")

    def function(x: Any, y: Any) -> Any:
        names = {"x": x, "y": y, "torch": module}
        for step in steps:
            exec(step.strip(), names)
        return eval(last, names)

    return function


def check(text: str, kinds: tuple[str, ...], mapped: tuple[bool, ...], dim: int) -> None:
    """One call with some arguments batched along ``dim``."""
    rng = np.random.default_rng(len(text))
    data = [made(k, rng, m) for k, m in zip(kinds, mapped, strict=True)]
    dims = []
    for i, is_mapped in enumerate(mapped):
        where = min(dim, data[i].ndim - 1) if is_mapped else None
        dims.append(where)
        if is_mapped:
            data[i] = np.ascontiguousarray(np.moveaxis(data[i], 0, where))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = leaves(wengert.vmap(code(text, wengert), tuple(dims))(*(wengert.tensor(a) for a in data)))
    one = [
        leaves(
            code(text, wengert)(
                *(wengert.tensor(a if d is None else np.take(a, i, d)) for a, d in zip(data, dims, strict=True))
            )
        )
        for i in range(N)
    ]
    for k, result in enumerate(ours):
        wanted = np.stack([row[k].numpy() for row in one])
        assert result.numpy().dtype == wanted.dtype
        np.testing.assert_allclose(result.numpy(), wanted, rtol=1e-9, atol=1e-12)
    theirs = torch_result(text, dims, data)
    if theirs is not None:
        for mine, other in zip(ours, theirs, strict=True):
            assert tuple(mine.shape) == tuple(other.shape)
            assert str(mine.dtype) == str(other.dtype)
            np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-6, atol=1e-9)


def torch_result(text: str, dims: list[Any], data: list[Any]) -> Any:
    """What torch.vmap gives; None where it has no rule."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return leaves(torch.vmap(code(text, torch), tuple(dims))(*(torch.tensor(a) for a in data)))
        except (RuntimeError, NotImplementedError, IndexError, TypeError):
            return None


@pytest.mark.parametrize(("text", "kinds"), CALLS, ids=[f"{t}-{'-'.join(k)}" for t, k in CALLS])
def test_rule_gives_what_a_loop_over_the_samples_gives(text: str, kinds: tuple[str, ...]) -> None:
    for mapped in itertools.product((True, False), repeat=len(kinds)):
        if any(mapped):
            for dim in (0, 1):
                check(text, kinds, mapped, dim)


@pytest.mark.parametrize("text", INPLACE)
def test_writing_in_place_changes_each_sample(text: str) -> None:
    check(text, ("f2,3", "f2,3"), (True, True), 0)
    check(text, ("f2,3", "f2,3"), (True, False), 1)
