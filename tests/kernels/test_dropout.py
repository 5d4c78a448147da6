"""Coins and dropout in one pass: every build beside NumPy's way and beside torch, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import wengert as wg
from wengert._core.rng import Generator
from wengert.kernels import bulk, samples

# Below a block of the generator, one, some, more than one round of blocks and of tasks.
SIZES = [1, 7, 311, 312, 313, 5000, 16_385, 65_520, 200_003]


@pytest.fixture
def both(native: Any, monkeypatch: Any) -> Any:
    """What a function of a fresh generator gives by one build, and by NumPy."""

    def results(function: Any) -> tuple[Any, Any]:
        found = []
        for module in (native, None):
            for holder in (bulk, samples):
                monkeypatch.setattr(holder, "_native", module)
            generator = Generator().manual_seed(11)
            found.append((function(generator), generator.state_array().tobytes()))
        return found[0], found[1]

    return results


@pytest.mark.parametrize("dtype", ["bool", "int8", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("n", SIZES)
def test_coins_and_the_words_used_are_those_of_numpy(both: Any, dtype: str, n: int) -> None:
    found, expected = both(lambda generator: generator.bernoulli_scalar(0.3, (n,), dtype).tobytes())
    assert found == expected


@pytest.mark.parametrize("p", [0.0, 5e-324, 2.0**-53, 0.5, 1 - 2.0**-53, 1.0])
def test_coins_of_extreme_probabilities_are_those_of_numpy(both: Any, p: float) -> None:
    found, expected = both(lambda generator: generator.bernoulli_scalar(p, (30_000,), "float32").tobytes())
    assert found == expected


@pytest.mark.parametrize("before", [1, 623, 624, 625])
def test_coins_begin_anywhere_in_a_block(both: Any, before: int) -> None:
    def draw(generator: Generator) -> Any:
        parts = [generator.uniform((before,)), generator.bernoulli_scalar(0.4, (70_000,)), generator.uniform((5,))]
        return np.concatenate(parts).tobytes()

    found, expected = both(draw)
    assert found == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.97])
@pytest.mark.parametrize("n", SIZES)
def test_dropped_arrays_are_products_with_their_masks(
    native: Any, monkeypatch: Any, n: int, p: float, dtype: Any
) -> None:
    monkeypatch.setattr(samples, "_native", native)
    x = np.random.default_rng(0).normal(size=n).astype(dtype)
    x[:1] = np.inf
    mask, out = Generator().manual_seed(4).dropped(x, p)
    expected = Generator().manual_seed(4).bernoulli_scalar(p, (n,), dtype)
    expected /= dtype(p)
    with np.errstate(invalid="ignore"):
        product = x * expected
    assert mask.tobytes() == expected.tobytes()
    assert np.array_equal(out, product, equal_nan=True)
    assert np.array_equal(np.signbit(out[1:]), np.signbit(product[1:]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropped_arrays_have_the_same_bits_for_any_number_of_threads(native: Any, monkeypatch: Any, dtype: Any) -> None:
    monkeypatch.setattr(samples, "_native", native)
    x = np.random.default_rng(0).normal(size=300_001).astype(dtype)
    before, found = native.get_num_threads(), set()
    try:
        for count in (1, 2, 3):
            native.set_num_threads(count)
            mask, out = Generator().manual_seed(4).dropped(x, 0.7)
            found.add(mask.tobytes() + out.tobytes())
    finally:
        native.set_num_threads(before)
    assert len(found) == 1


LAYOUTS: dict[str, Any] = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(0, 3),
    "columns first": lambda x: x.permute(3, 2, 1, 0),
    "with gaps": lambda x: x[:, ::2, :, 1:],
    "expanded": lambda x: x[:1].expand(5, -1, -1, -1),
    "one element": lambda x: x[0, 0, 0, 0],
    "empty": lambda x: x[:0],
}
FUNCTIONS: dict[str, Any] = {
    "dropout": lambda F, x, p: F.dropout(x, p),
    "dropout in place": lambda F, x, p: F.dropout(x.clone(), p, inplace=True),
    "dropout2d": lambda F, x, p: F.dropout2d(x, p) if x.ndim > 0 else x,
    "alpha_dropout": lambda F, x, p: F.alpha_dropout(x, p, training=True),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_gradients_and_what_is_drawn_next_are_those_of_torch(
    name: str, dtype: str, p: float, layout: str
) -> None:
    values = np.random.default_rng(1).normal(size=(6, 4, 5, 12)).astype(dtype)
    results = []
    with torch.random.fork_rng():
        for package in (wg, torch):
            package.manual_seed(3)
            x = package.tensor(values, requires_grad=True)
            out = FUNCTIONS[name](package.nn.functional, LAYOUTS[layout](x), p)
            (grad,) = package.autograd.grad(out.sum(), x)
            results.append([t.detach().numpy() for t in (out, grad, package.rand(3))])
    tolerance = 1e-6 if name == "alpha_dropout" else 0
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def test_the_mask_is_saved_and_the_result_may_be_overwritten() -> None:
    x = wg.randn(200, 300, requires_grad=True)
    out = wg.nn.functional.dropout(x, 0.5)
    assert type(out.grad_fn).__name__ == "MulBackward0"
    mask = out.grad_fn._saved_other
    assert set(mask.unique().tolist()) == {0.0, 2.0}
    assert out.grad_fn._saved_self is None
    with wg.no_grad():
        out.zero_()
    (grad,) = wg.autograd.grad(out.sum(), x)
    assert wg.equal(grad, mask)


@pytest.mark.parametrize("name", ["rand_like", "randn_like"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_samples_like_a_tensor_are_drawn_in_the_order_of_its_memory(name: str, layout: str) -> None:
    found = []
    with torch.random.fork_rng():
        for package in (wg, torch):
            package.manual_seed(3)
            found.append(getattr(package, name)(LAYOUTS[layout](package.ones(6, 4, 5, 12))).numpy())
    np.testing.assert_array_equal(*found)
