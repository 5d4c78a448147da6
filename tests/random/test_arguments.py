"""Arguments that torch refuses are refused with its exception and its sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from wengert._core.rng import Generator
from wengert._core.rng_sampling import LARGE_PERMUTATION

G = Generator()
F, D, H, L, C = np.float32, np.float64, np.float16, np.int64, np.complex64


def e(dtype: torch.dtype = torch.float32, n: int = 3) -> torch.Tensor:
    return torch.empty(n, dtype=dtype)


def a(*values: float) -> Any:
    return np.array(values, np.float32)


def t(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


CASES = {
    "uniform with bounds in the wrong order": (lambda: G.uniform((3,), F, 2, 1), lambda: e().uniform_(2, 1)),
    "uniform to infinity": (lambda: G.uniform((3,), F, 0, np.inf), lambda: e().uniform_(0, np.inf)),
    "uniform to NaN": (lambda: G.uniform((3,), F, 0, np.nan), lambda: e().uniform_(0, np.nan)),
    "uniform from NaN": (lambda: G.uniform((3,), F, np.nan, 0), lambda: e().uniform_(np.nan, 0)),
    "uniform over too wide a range": (lambda: G.uniform((3,), F, -3e38, 3e38), lambda: e().uniform_(-3e38, 3e38)),
    "uniform beyond float16": (lambda: G.uniform((3,), H, 0, 1e6), lambda: e(torch.half).uniform_(0, 1e6)),
    "uniform of integers": (lambda: G.uniform((3,), L), lambda: e(torch.long).uniform_()),
    "uniform of no elements": (lambda: G.uniform((0,), F, 2, 1), lambda: e(n=0).uniform_(2, 1)),
    "a negative length": (lambda: G.uniform((2, -1)), lambda: torch.rand(2, -1)),
    "normal of negative std": (lambda: G.normal((3,), F, 0, -1), lambda: e().normal_(0, -1)),
    "normal of NaN std": (lambda: G.normal((3,), F, 0, np.nan), lambda: e().normal_(0, np.nan)),
    "normal of integers": (lambda: G.normal((3,), L), lambda: e(torch.long).normal_()),
    "normal of booleans": (lambda: G.normal((3,), np.bool_), lambda: e(torch.bool).normal_()),
    "normal of an array of negative std": (
        lambda: G.normal_from(a(0, 0), a(1, -1)),
        lambda: torch.normal(t(0, 0), t(1, -1)),
    ),
    "normal of complex std": (
        lambda: G.normal_from(a(0), np.ones(1, C)),
        lambda: torch.normal(t(0), torch.ones(1, dtype=torch.complex64)),
    ),
    "exponential of negative rate": (lambda: G.exponential((3,), F, -1), lambda: e().exponential_(-1)),
    "exponential of integers": (lambda: G.exponential((3,), L), lambda: e(torch.long).exponential_()),
    "cauchy of no width": (lambda: G.cauchy((3,), F, 0, 0), lambda: e().cauchy_(0, 0)),
    "cauchy of integers": (lambda: G.cauchy((3,), L), lambda: e(torch.long).cauchy_()),
    "log_normal of no width": (lambda: G.log_normal((3,), F, 0, 0), lambda: e().log_normal_(0, 0)),
    "log_normal of integers": (lambda: G.log_normal((3,), L), lambda: e(torch.long).log_normal_()),
    "geometric of 0": (lambda: G.geometric((3,), F, 0), lambda: e().geometric_(0)),
    "geometric of 1": (lambda: G.geometric((3,), F, 1), lambda: e().geometric_(1)),
    "geometric of booleans": (lambda: G.geometric((3,), np.bool_, 0.5), lambda: e(torch.bool).geometric_(0.5)),
    "randint of an empty range": (lambda: G.integers(5, 5, (3,)), lambda: torch.randint(5, 5, (3,))),
    "randint above int8": (
        lambda: G.integers(0, 300, (3,), np.int8),
        lambda: torch.randint(0, 300, (3,), dtype=torch.int8),
    ),
    "randint below uint8": (
        lambda: G.integers(-1, 3, (3,), np.uint8),
        lambda: torch.randint(-1, 3, (3,), dtype=torch.uint8),
    ),
    "randint below uint64": (
        lambda: G.integers(-1, 3, (3,), np.uint64),
        lambda: torch.randint(-1, 3, (3,), dtype=torch.uint64),
    ),
    "randint above bool": (
        lambda: G.integers(0, 3, (3,), np.bool_),
        lambda: torch.randint(0, 3, (3,), dtype=torch.bool),
    ),
    "randint above float16": (
        lambda: G.integers(0, 10**6, (3,), H),
        lambda: torch.randint(0, 10**6, (3,), dtype=torch.half),
    ),
    "randint of complex": (
        lambda: G.integers(0, 3, (3,), C),
        lambda: torch.randint(0, 3, (3,), dtype=torch.complex64),
    ),
    "random from above float32": (lambda: G.integers(2**30, None, (3,), F), lambda: e().random_(2**30, None)),
    "random from above int8": (
        lambda: G.integers(200, None, (3,), np.int8),
        lambda: e(torch.int8).random_(200, None),
    ),
    "random over all of int32": (
        lambda: G.integers(-(2**63), None, (3,), np.int32),
        lambda: e(torch.int32).random_(-(2**63), None),
    ),
    "random of uint64": (lambda: G.random((3,), np.uint64), lambda: e(torch.uint64).random_()),
    "random of complex": (lambda: G.random((3,), C), lambda: e(torch.complex64).random_()),
    "randperm of negative length": (lambda: G.permutation(-1), lambda: torch.randperm(-1)),
    "randperm above int8": (lambda: G.permutation(200, np.int8), lambda: torch.randperm(200, dtype=torch.int8)),
    "randperm above uint8": (lambda: G.permutation(257, np.uint8), lambda: torch.randperm(257, dtype=torch.uint8)),
    "randperm above float16": (lambda: G.permutation(2050, H), lambda: torch.randperm(2050, dtype=torch.half)),
    "randperm above float32": (lambda: G.permutation(2**25, F), lambda: torch.randperm(2**25, dtype=torch.float32)),
    "randperm of booleans": (lambda: G.permutation(2, np.bool_), lambda: torch.randperm(2, dtype=torch.bool)),
    "bernoulli of 2": (lambda: G.bernoulli_scalar(2, (3,)), lambda: e().bernoulli_(2)),
    "bernoulli of complex": (lambda: G.bernoulli_scalar(0.5, (3,), C), lambda: e(torch.complex64).bernoulli_(0.5)),
    "bernoulli of an array above 1": (lambda: G.bernoulli(a(2)), lambda: torch.bernoulli(t(2))),
    "bernoulli of NaN": (lambda: G.bernoulli(a(np.nan)), lambda: torch.bernoulli(t(np.nan))),
    "bernoulli of integers": (lambda: G.bernoulli(np.ones(1, L)), lambda: torch.bernoulli(torch.tensor([1]))),
    "multinomial of no samples": (lambda: G.multinomial(a(1, 1), 0), lambda: torch.multinomial(t(1, 1), 0)),
    "multinomial of too few": (lambda: G.multinomial(a(1, 1), 3), lambda: torch.multinomial(t(1, 1), 3)),
    "multinomial of negative": (lambda: G.multinomial(a(1, -1), 1), lambda: torch.multinomial(t(1, -1), 1)),
    "multinomial of NaN": (
        lambda: G.multinomial(a(1, np.nan), 2, True),
        lambda: torch.multinomial(t(1, np.nan), 2, True),
    ),
    "multinomial of infinity": (lambda: G.multinomial(a(1, np.inf), 1), lambda: torch.multinomial(t(1, np.inf), 1)),
    "multinomial of infinity with replacement": (
        lambda: G.multinomial(a(1, np.inf), 2, True),
        lambda: torch.multinomial(t(1, np.inf), 2, True),
    ),
    "multinomial of zeros with replacement": (
        lambda: G.multinomial(a(0, 0), 2, True),
        lambda: torch.multinomial(t(0, 0), 2, True),
    ),
    "multinomial of zeros": (lambda: G.multinomial(a(0, 0), 1), lambda: torch.multinomial(t(0, 0), 1)),
    "multinomial of integers": (
        lambda: G.multinomial(np.ones(2, L), 1),
        lambda: torch.multinomial(torch.ones(2, dtype=torch.long), 1),
    ),
    "multinomial of 0 dimensions": (
        lambda: G.multinomial(np.float32(1).reshape(()), 1),
        lambda: torch.multinomial(torch.tensor(1.0), 1),
    ),
    "poisson of a negative rate": (lambda: G.poisson(a(-1)), lambda: torch.poisson(t(-1))),
    "poisson of NaN": (lambda: G.poisson(a(np.nan)), lambda: torch.poisson(t(np.nan))),
    "poisson of integers": (lambda: G.poisson(np.ones(1, L)), lambda: torch.poisson(torch.tensor([1]))),
}


@pytest.mark.parametrize("case", CASES)
def test_the_error_is_that_of_torch(case: str) -> None:
    ours, theirs = CASES[case]
    with pytest.raises((RuntimeError, NotImplementedError)) as expected:
        theirs()
    with pytest.raises(type(expected.value)) as raised:
        ours()
    assert type(raised.value) is type(expected.value)
    assert str(raised.value) == str(expected.value).split("\n")[0]


def test_a_refused_argument_draws_nothing() -> None:
    generator = Generator().manual_seed(1)
    before = generator.state_array()
    for draw in (lambda: generator.normal((3,), F, 0, -1), lambda: generator.bernoulli(a(0.5, 2.0))):
        with pytest.raises(RuntimeError):
            draw()
    assert np.array_equal(generator.state_array(), before)


def test_a_permutation_beyond_the_reproduced_algorithm_raises() -> None:
    with pytest.raises(RuntimeError, match="limit"):
        G.permutation(LARGE_PERMUTATION)


def test_a_poisson_rate_beyond_int64_raises_where_torch_returns_a_negative_count() -> None:
    assert torch.poisson(t(1e20)).item() < 0
    with pytest.raises(RuntimeError, match="does not fit int64"):
        G.poisson(a(1e20))


@pytest.mark.parametrize("scale", [1e305, np.inf])
def test_scales_near_the_largest_double_raise_no_warning(scale: float) -> None:
    theirs = torch.empty(9, dtype=torch.float64).normal_(1.0, scale, generator=torch.Generator().manual_seed(2))
    assert np.array_equal(Generator().manual_seed(2).normal((9,), D, 1.0, scale), theirs.numpy())
