"""Every distribution against torch, bit for bit, from the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from wengert._core.rng import Generator

SIZES = [0, 1, 2, 15, 16, 17, 33, 1000, 30_011]
FLOATS = ["float16", "float32", "float64"]
SIGNED = ["int8", "int16", "int32", "int64"]
INTEGERS = ["uint8", *SIGNED]


class Both:
    """Our generator and torch's, from one seed."""

    def __init__(self, seed: int) -> None:
        self.ours = Generator().manual_seed(seed)
        self.theirs = torch.Generator().manual_seed(seed)

    def check(self, ours: Any, theirs: torch.Tensor) -> None:
        expected = np.ascontiguousarray(theirs.numpy())
        assert ours.dtype == expected.dtype
        assert ours.shape == expected.shape
        assert ours.tobytes() == expected.tobytes()
        assert np.array_equal(self.ours.state_array(), self.theirs.get_state().numpy())


@pytest.fixture(params=[0, 1, 2**40 + 17, -3])
def both(request: pytest.FixtureRequest) -> Both:
    return Both(request.param)


def empty(n: int, dtype: str) -> torch.Tensor:
    return torch.empty(n, dtype=getattr(torch, dtype))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", [*FLOATS, "complex64", "complex128"])
def test_rand_is_torchs(both: Both, dtype: str, n: int) -> None:
    both.check(both.ours.uniform((n,), dtype), empty(n, dtype).uniform_(generator=both.theirs))


@pytest.mark.parametrize("bounds", [(-0.577, 0.577), (3.3, 7.7), (-1e-3, 5.0), (1.0, 1.001), (2.0, 2.0)])
@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_with_bounds_is_torchs(both: Both, dtype: str, bounds: tuple[float, float]) -> None:
    for n in (3, 20_000):
        both.check(both.ours.uniform((n,), dtype, *bounds), empty(n, dtype).uniform_(*bounds, generator=both.theirs))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", [*FLOATS, "complex64", "complex128"])
def test_randn_is_torchs(both: Both, dtype: str, n: int) -> None:
    both.check(both.ours.normal((n,), dtype), empty(n, dtype).normal_(generator=both.theirs))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", [*FLOATS, "complex64"])
def test_normal_with_mean_and_std_is_torchs(both: Both, dtype: str, n: int) -> None:
    both.check(both.ours.normal((n,), dtype, 1.7, 0.3), empty(n, dtype).normal_(1.7, 0.3, generator=both.theirs))


def test_a_million_float32_normals_are_torchs() -> None:
    both = Both(123)
    both.check(both.ours.normal((1000, 1001)), torch.randn(1000, 1001, generator=both.theirs))


@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_into_a_tensor_that_is_not_contiguous_is_torchs(both: Both, dtype: str) -> None:
    target = torch.empty(40, 4, dtype=getattr(torch, dtype))[:, ::2].normal_(1.0, 2.0, generator=both.theirs)
    both.check(both.ours.normal((40, 2), dtype, 1.0, 2.0, contiguous=False), target)


@pytest.mark.parametrize("n", [3, 50])
@pytest.mark.parametrize("dtypes", [("float32", "float32"), ("float64", "float32"), ("float32", "float64")])
def test_normal_with_arrays_is_torchs(both: Both, dtypes: tuple[str, str], n: int) -> None:
    mean = np.linspace(-1.0, 1.0, n).astype(dtypes[0])
    std = np.linspace(0.1, 2.0, n).astype(dtypes[1])
    t_mean, t_std = torch.from_numpy(mean), torch.from_numpy(std)
    both.check(both.ours.normal_from(mean, std), torch.normal(t_mean, t_std, generator=both.theirs))
    both.check(both.ours.normal_from(mean, 1.3), torch.normal(t_mean, 1.3, generator=both.theirs))
    both.check(both.ours.normal_from(1.3, std), torch.normal(1.3, t_std, generator=both.theirs))
    row, column = t_mean[None, :3], t_std[:4, None]
    both.check(both.ours.normal_from(row.numpy(), column.numpy()), torch.normal(row, column, generator=both.theirs))


def test_the_cached_normal_outlives_other_draws_and_changes_of_dtype(both: Both) -> None:
    ours, theirs = both.ours, both.theirs
    for dtype, n in [("float32", 1), ("float64", 2), ("float16", 3), ("float32", 16), ("float64", 1), ("float32", 5)]:
        both.check(ours.normal((n,), dtype), empty(n, dtype).normal_(generator=theirs))
        both.check(ours.uniform((3,)), torch.rand(3, generator=theirs))
        both.check(ours.log_normal((1,), dtype), empty(1, dtype).log_normal_(generator=theirs))
        both.check(ours.permutation(5), torch.randperm(5, generator=theirs))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_exponential_cauchy_and_log_normal_are_torchs(both: Both, dtype: str, n: int) -> None:
    ours, theirs = both.ours, both.theirs
    both.check(ours.exponential((n,), dtype, 1.7), empty(n, dtype).exponential_(1.7, generator=theirs))
    both.check(ours.cauchy((n,), dtype, 1.7, 0.3), empty(n, dtype).cauchy_(1.7, 0.3, generator=theirs))
    both.check(ours.log_normal((n,), dtype, 0.7, 0.3), empty(n, dtype).log_normal_(0.7, 0.3, generator=theirs))


def test_a_log_normal_that_overflows_is_infinite(both: Both) -> None:
    both.check(
        both.ours.log_normal((3,), "float64", 1000.0, 1.0),
        empty(3, "float64").log_normal_(1000.0, 1.0, generator=both.theirs),
    )


@pytest.mark.parametrize("p", [0.3, 0.01])
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
def test_geometric_is_torchs(both: Both, dtype: str, p: float) -> None:
    both.check(both.ours.geometric((1000,), dtype, p), empty(1000, dtype).geometric_(p, generator=both.theirs))


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "bool"])
def test_random_of_the_whole_range_is_torchs(both: Both, dtype: str) -> None:
    for n in (0, 3, 5000):
        both.check(both.ours.random((n,), dtype), empty(n, dtype).random_(generator=both.theirs))


@pytest.mark.parametrize("high", [1, 2, 10, 2**28 - 1, 2**28, 2**28 + 1, 2**31, 2**32 - 1, 2**32, 2**62 + 5])
def test_randint_is_torchs_on_both_sides_of_each_threshold(both: Both, high: int) -> None:
    for low in (0, -5):
        both.check(both.ours.integers(low, high, (999,)), torch.randint(low, high, (999,), generator=both.theirs))


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "uint16", "uint32", "uint64"])
def test_randint_of_every_dtype_is_torchs(both: Both, dtype: str) -> None:
    target = torch.randint(3, 100, (999,), dtype=getattr(torch, dtype), generator=both.theirs)
    both.check(both.ours.integers(3, 100, (999,), dtype), target)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "bool"])
def test_random_from_a_first_value_on_is_torchs(both: Both, dtype: str) -> None:
    both.check(both.ours.integers(1, None, (999,), dtype), empty(999, dtype).random_(1, None, generator=both.theirs))


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64"])
def test_random_over_all_64_bits_is_torchs(both: Both, dtype: str) -> None:
    both.check(
        both.ours.integers(-(2**63), None, (999,), dtype),
        empty(999, dtype).random_(-(2**63), None, generator=both.theirs),
    )


@pytest.mark.parametrize("bounds", [(-(2**30) - 1, -(2**30) + 100), (2**24 + 1, 2**25 + 1), (5, 2**40 + 3)])
def test_bounds_beyond_the_precision_warn_and_move_inwards_as_torchs(both: Both, bounds: tuple[int, int]) -> None:
    with pytest.warns(UserWarning, match="out of bounds") as theirs:
        expected = empty(999, "float32").random_(*bounds, generator=both.theirs)
    with pytest.warns(UserWarning, match="out of bounds") as ours:
        result = both.ours.integers(*bounds, (999,), "float32")
    both.check(result, expected)
    assert [str(w.message) for w in ours] == [str(w.message).split(" (Triggered")[0] for w in theirs]


@pytest.mark.parametrize("n", [0, 1, 2, 8, 100, 70_001])
def test_randperm_is_torchs(both: Both, n: int) -> None:
    both.check(both.ours.permutation(n), torch.randperm(n, generator=both.theirs))


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
def test_randperm_of_every_dtype_is_torchs(both: Both, dtype: str) -> None:
    both.check(both.ours.permutation(99, dtype), torch.randperm(99, dtype=getattr(torch, dtype), generator=both.theirs))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_bernoulli_of_an_array_is_torchs(both: Both, dtype: str, n: int) -> None:
    p = np.linspace(0.0, 1.0, n).astype(dtype)
    both.check(both.ours.bernoulli(p), torch.bernoulli(torch.from_numpy(p), generator=both.theirs))


def test_bernoulli_of_an_array_broadcasts_to_a_shape(both: Both) -> None:
    p = np.array([0.1, 0.5, 0.9])
    target = torch.empty(50, 3, dtype=torch.int8).bernoulli_(torch.from_numpy(p), generator=both.theirs)
    both.check(both.ours.bernoulli(p, np.int8, (50, 3)), target)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "bool"])
def test_bernoulli_of_a_number_is_torchs(both: Both, dtype: str, p: float) -> None:
    for n in (0, 7, 20_011):
        both.check(both.ours.bernoulli_scalar(p, (n,), dtype), empty(n, dtype).bernoulli_(p, generator=both.theirs))


@pytest.mark.parametrize("n", [7, 20_011])
def test_bernoulli_of_the_probability_to_keep_is_the_mask_of_torchs_dropout(n: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        dropped = torch.nn.functional.dropout(torch.ones(n), 0.3)
    assert np.array_equal(Generator().manual_seed(5).bernoulli_scalar(0.7, (n,)) != 0, dropped.numpy() != 0)


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("samples", [1, 2, 5, 40])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_multinomial_is_torchs(both: Both, dtype: str, samples: int, replacement: bool) -> None:
    weights = both.ours.uniform((6, 40), dtype)
    torch.rand(6, 40, dtype=getattr(torch, dtype), generator=both.theirs)
    for p in (weights, weights[0]):
        expected = torch.multinomial(torch.from_numpy(p), samples, replacement, generator=both.theirs)
        both.check(both.ours.multinomial(p, samples, replacement), expected)


def test_multinomial_of_float16_weights_is_torchs(both: Both) -> None:
    p = np.arange(1, 9).astype(np.float16)
    for samples, replacement in ((1, False), (50, True)):
        expected = torch.multinomial(torch.from_numpy(p), samples, replacement, generator=both.theirs)
        both.check(both.ours.multinomial(p, samples, replacement), expected)


def test_multinomial_without_replacement_takes_weights_of_zero_last() -> None:
    drawn = Generator().multinomial(np.array([0.0, 3.0, 0.0, 1.0]), 4)
    assert set(drawn[:2].tolist()) == {1, 3}
    assert drawn[2:].tolist() == [0, 2]


@pytest.mark.parametrize("dtype", FLOATS)
def test_poisson_is_torchs(both: Both, dtype: str) -> None:
    rate = np.concatenate((np.zeros(3), np.linspace(0.1, 60.0, 700))).astype(dtype)
    both.check(both.ours.poisson(rate), torch.poisson(torch.from_numpy(rate), generator=both.theirs))


def test_samples_have_the_shape_asked_for() -> None:
    ours = Generator()
    assert ours.uniform(()).shape == ()
    assert ours.normal((2, 3, 4)).shape == (2, 3, 4)
    assert ours.integers(0, 5, (2, 0)).shape == (2, 0)
    assert ours.poisson(np.ones((2, 2))).shape == (2, 2)


def test_a_long_program_of_mixed_draws_is_torchs() -> None:
    both = Both(77)
    choose = np.random.default_rng(1)
    for _ in range(300):
        n = int(choose.integers(0, 40))
        dtype = FLOATS[int(choose.integers(3))]
        match int(choose.integers(5)):
            case 0:
                both.check(both.ours.uniform((n,), dtype), empty(n, dtype).uniform_(generator=both.theirs))
            case 1:
                both.check(both.ours.normal((n,), dtype), empty(n, dtype).normal_(generator=both.theirs))
            case 2:
                both.check(both.ours.integers(0, 9, (n,)), torch.randint(0, 9, (n,), generator=both.theirs))
            case 3:
                both.check(both.ours.permutation(n), torch.randperm(n, generator=both.theirs))
            case _:
                both.check(both.ours.bernoulli_scalar(0.5, (n,)), empty(n, "float32").bernoulli_(generator=both.theirs))
