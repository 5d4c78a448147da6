"""Every rule of Taylor arithmetic against derivatives that are taken one after the other."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.func import jet, linearize
from wengert.func._jet import collapsed
from wengert.func._jet_tensor import Uncollapsed

from .rule_samples import CALLS
from .test_rules import code, leaves, made

ORDER = 3
NO_DERIVATIVE = ("//", "floor_divide")  # constant between jumps


# Other forms, where a derivative is not implemented, or that of the pullback is wrong at 0 (it takes logarithms).
SLOWER = {
    "lambda x: 2 % x": "lambda x: 2 - x * (2 / x).floor()",
    "lambda x: x.logcumsumexp(dim=0)": "lambda x: x.exp().cumsum(0).log()",
    "lambda x: x.logcumsumexp(dim=-1)": "lambda x: x.exp().cumsum(-1).log()",
    "lambda x: torch.logcumsumexp(x, 1)": "lambda x: x.exp().cumsum(1).log()",
}


def repeated(function: Callable[[Any], list[Any]], order: int) -> Callable[[Any], list[list[Any]]]:
    """A function of a number and its derivatives, each by differentiating the one before."""
    if order == 0:
        return lambda t: [function(t)]
    below = repeated(function, order - 1)

    def one_more(t: Any) -> list[list[Any]]:
        rows, slope = linearize(below, t)
        return [*rows, slope(wg.ones_like(t))[-1]]

    return one_more


def smooth(results: Any) -> list[Any]:
    """The tensors among results that have derivatives."""
    return [t for t in leaves(results) if isinstance(t, wg.Tensor) and (t.is_floating_point() or t.is_complex())]


def random_series(rng: Any, kind: str, shape: tuple[int, ...], order: int) -> list[Any]:
    """Derivatives of a curve, of symmetric matrices if the point is one."""
    terms = [rng.standard_normal(shape) * 0.5 for _ in range(order)]
    return [wg.tensor(a + np.swapaxes(a, -1, -2) if kind[0] == "s" else a) for a in terms]


def check(text: str, kinds: tuple[str, ...], data: list[Any], moving: list[int]) -> None:
    """``jet`` of a function whose arguments at the places ``moving`` have random series."""
    rng = np.random.default_rng(3)
    function = code(text, wg)
    reference = code(SLOWER.get(text, text), wg)
    primals = [wg.tensor(np.array(a)) for a in data]
    series = {i: random_series(rng, kinds[i], data[i].shape, ORDER) for i in moving}

    def at(t: Any) -> list[Any]:
        curve = list(primals)
        for i in moving:
            for k, term in enumerate(series[i], 1):
                curve[i] = curve[i] + term * (t**k / math.factorial(k))
        return smooth(reference(*curve))

    def restricted(*values: Any) -> Any:
        curve = list(primals)
        for i, value in zip(moving, values, strict=True):
            curve[i] = value
        return tuple(smooth(function(*curve)))

    if not at(wg.zeros((), dtype=wg.float64)) or any(sign in text for sign in NO_DERIVATIVE):
        assert_constant(function, primals, series, moving)
        return
    values, derivatives = jet(restricted, tuple(primals[i] for i in moving), tuple(series[i] for i in moving))
    wanted = repeated(at, ORDER)(wg.zeros((), dtype=wg.float64))
    found = [list(values), *(list(row) for row in zip(*derivatives, strict=True))]
    for k, (row, expected) in enumerate(zip(found, wanted, strict=True)):
        for a, b in zip(row, expected, strict=True):
            assert a.shape == b.shape, k
            scale = max(1.0, float(b.detach().abs().max())) if b.numel() else 1.0
            tolerance = 1e-9 if a.dtype != wg.float32 else 1e-5
            np.testing.assert_allclose(
                a.numpy(), b.numpy(), rtol=tolerance, atol=tolerance * scale, err_msg=f"order {k}"
            )


def assert_constant(
    function: Callable[..., Any], primals: list[Any], series: dict[int, Any], moving: list[int]
) -> None:
    """Results without derivatives are those of the values."""
    seen: list[Any] = []

    def run(*values: Any) -> Any:
        arguments = list(primals)
        for i, value in zip(moving, values, strict=True):
            arguments[i] = value
        seen.extend(leaves(function(*arguments)))
        return values[0]

    jet(run, tuple(primals[i] for i in moving), tuple(series[i] for i in moving))
    for a, b in zip(seen, leaves(function(*primals)), strict=True):
        assert type(a) is type(b)
        assert a.equal(b) if isinstance(b, wg.Tensor) else a == b


@pytest.mark.parametrize(("text", "kinds"), CALLS, ids=[f"{t}-{'-'.join(k)}" for t, k in CALLS])
def test_rule_gives_what_repeated_derivatives_give(text: str, kinds: tuple[str, ...]) -> None:
    rng = np.random.default_rng(len(text))
    data = [made(kind, rng, False) for kind in kinds]
    places = [i for i, a in enumerate(data) if a.dtype.kind == "f"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for moving in [places] + ([[i] for i in places] if len(places) > 1 else []):
            if moving:
                check(text, kinds, data, moving)


@pytest.mark.parametrize(("text", "kinds"), CALLS, ids=[f"{t}-{'-'.join(k)}" for t, k in CALLS])
def test_collapsed_second_derivatives_are_the_sum_of_those_along_every_direction(
    text: str, kinds: tuple[str, ...]
) -> None:
    rng = np.random.default_rng(len(text))
    data = [made(kind, rng, False) for kind in kinds]
    places = [i for i, a in enumerate(data) if a.dtype.kind == "f"]
    if not places:
        return
    point = wg.tensor(np.concatenate([data[i].reshape(-1) for i in places]))
    directions = wg.tensor(rng.standard_normal((2, point.numel())))
    if "s" in {kinds[i][0] for i in places}:
        return  # a direction would leave the symmetric matrices
    function = code(text, wg)

    def restricted(flat: Any) -> Any:
        arguments: list[Any] = [wg.tensor(np.array(a)) for a in data]
        start = 0
        for i in places:
            arguments[i] = flat[start : start + data[i].size].reshape(data[i].shape)
            start += data[i].size
        return tuple(smooth(function(*arguments)))

    try:
        found = collapsed(restricted, point, directions)
    except Uncollapsed:
        return
    rows = [jet(restricted, (point,), ([v, wg.zeros_like(v)],))[1] for v in directions]
    for a, first, second in zip(found, *rows, strict=True):
        b = first[1] + second[1]
        scale = max(1.0, float(b.abs().max())) if b.numel() else 1.0
        tolerance = 1e-9 if a.dtype not in (wg.float32, wg.complex64) else 1e-4
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=tolerance, atol=tolerance * scale)
