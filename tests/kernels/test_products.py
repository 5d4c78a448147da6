"""Matrix products of the kernels: values for any layout, special values, and the same bits for any threads and any blocks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import wengert as torch
from wengert.kernels import products

TOLERANCE = {"float32": 1e-5, "float64": 1e-13}
# Edges of tiles, vectors, panels and stretches of the depth.
SIZES = [
    (1, 1, 1),
    (7, 3, 5),
    (8, 48, 16),
    (9, 49, 17),
    (33, 100, 129),
    (64, 64, 64),
    (97, 130, 257),
    (200, 24, 600),
    (401, 4200, 9),
]


@pytest.fixture
def multiplied(native: Any, monkeypatch: Any) -> Any:
    """The product by one build."""
    monkeypatch.setattr(products, "_native", native)
    return products.product


def laid_out(array: Any, layout: str) -> Any:
    """The same matrices, in another order in memory."""
    if layout == "columns":
        return np.ascontiguousarray(array.swapaxes(-1, -2)).swapaxes(-1, -2)
    if layout == "stepped":
        return np.repeat(array, 2, -1)[..., ::2]
    if layout == "backward":
        return np.ascontiguousarray(array[..., ::-1, :])[..., ::-1, :]
    return array


def close(found: Any, x: Any, y: Any, start: Any = 0) -> bool:
    exact = np.matmul(x.astype(np.longdouble), y.astype(np.longdouble)) + start
    bound = TOLERANCE[x.dtype.name] * (1 + np.matmul(abs(x).astype(float), abs(y).astype(float)).max())
    return found.shape == exact.shape and found.dtype == x.dtype and bool(abs(found - exact).max() < bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_products_of_any_size_are_those_of_numpy(multiplied: Any, dtype: str, size: Any) -> None:
    m, n, k = size
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    assert close(multiplied(x, y, None), x, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("left", ["rows", "columns", "stepped", "backward"])
@pytest.mark.parametrize("right", ["rows", "columns", "stepped", "backward"])
def test_operands_may_have_any_strides(multiplied: Any, dtype: str, left: str, right: str) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 37, 150)).astype(dtype), rng.standard_normal((2, 150, 61)).astype(dtype)
    assert close(multiplied(laid_out(x, left), laid_out(y, right), None), x, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 2, 8, 21, 64])
@pytest.mark.parametrize("right", ["rows", "columns", "stepped"])
def test_few_rows_times_a_large_matrix(multiplied: Any, dtype: str, rows: int, right: str) -> None:
    rng = np.random.default_rng(6)
    x, y = rng.standard_normal((rows, 300)).astype(dtype), rng.standard_normal((300, 205)).astype(dtype)
    start = rng.standard_normal(205).astype(dtype)
    assert close(multiplied(x, laid_out(y, right), start), x, y, start)


def test_leading_dimensions_are_broadcast(multiplied: Any) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((3, 1, 5, 6)), rng.standard_normal((4, 6, 7))
    assert close(multiplied(x, y, None), x, y)
    assert close(multiplied(x, y[0], None), x, y[0])
    assert close(multiplied(x[0, 0], y, None), x[0, 0], y)


@pytest.mark.parametrize("shape", [(70,), (1, 70), (50, 70), (50, 1), (3, 50, 70), (3, 1, 1)])
def test_products_are_added_to_what_broadcasts_to_them(multiplied: Any, shape: Any) -> None:
    rng = np.random.default_rng(3)
    x, y, start = rng.standard_normal((3, 50, 300)), rng.standard_normal((3, 300, 70)), rng.standard_normal(shape)
    assert close(multiplied(x, y, start), x, y, start)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (2,), (17,)])
@pytest.mark.parametrize("depth", [4096, 4300, 9001])
def test_great_depths_are_added_slab_by_slab(multiplied: Any, dtype: str, shape: Any, depth: int) -> None:
    rng = np.random.default_rng(7)
    x, y = rng.standard_normal((*shape, 11, depth)).astype(dtype), rng.standard_normal((*shape, depth, 5)).astype(dtype)
    start = rng.standard_normal((11, 1)).astype(dtype)
    assert close(multiplied(x, y, None), x, y)
    assert close(multiplied(x, y, start), x, y, start)
    assert (multiplied(x[..., 2:5, :], y, None) == multiplied(x, y, None)[..., 2:5, :]).all()


def test_a_few_large_matrices_are_multiplied_one_by_one(multiplied: Any) -> None:
    rng = np.random.default_rng(8)
    x, y, start = rng.standard_normal((2, 210, 60)), rng.standard_normal((2, 60, 70)), rng.standard_normal((2, 1, 70))
    assert close(multiplied(x, y, start), x, y, start)
    assert (multiplied(x, y, None)[1] == multiplied(x[1], y[1], None)).all()


def test_nan_and_infinities_stay_in_their_row_and_column(multiplied: Any) -> None:
    x, y = np.ones((20, 30), np.float32), np.ones((30, 50), np.float32)
    x[3, 4], y[7, 49] = np.nan, np.inf
    found = multiplied(x, y, None)
    assert np.isnan(found[3]).all()
    assert np.isposinf(np.delete(found, 3, 0)[:, 49]).all()
    assert (np.delete(found, 3, 0)[:, :49] == 30).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [(301, 517, 203), (9, 8200, 20)], ids=str)
def test_any_number_of_threads_gives_the_same_bits(multiplied: Any, native: Any, dtype: str, size: Any) -> None:
    m, k, n = size
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    threads, found = native.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            native.set_num_threads(count)
            found.append(multiplied(x, y, None).tobytes())
    finally:
        native.set_num_threads(threads)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("vectors", range(1, 15))
def test_bits_depend_neither_on_panels_and_layouts_nor_on_who_packs(
    multiplied: Any, native: Any, dtype: str, vectors: int
) -> None:
    rng = np.random.default_rng(6)
    threads = native.get_num_threads()
    for rows in (70, 150, 300):
        x = rng.standard_normal((rows, 385)).astype(dtype)
        y = rng.standard_normal((385, 64 // np.dtype(dtype).itemsize * vectors)).astype(dtype)
        found = []
        try:
            for count, left, right in itertools.product((1, 2, 3), ("rows", "columns"), ("rows", "columns")):
                native.set_num_threads(count)
                found.append(multiplied(laid_out(x, left), laid_out(y, right), None))
        finally:
            native.set_num_threads(threads)
        assert close(found[0], x, y)
        assert all((other == found[0]).all() for other in found)


def test_rows_of_a_product_do_not_depend_on_the_other_rows(multiplied: Any) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((130, 400)).astype(np.float32), rng.standard_normal((400, 90)).astype(np.float32)
    whole = multiplied(x, y, None)
    assert (multiplied(x[17:30], y, None) == whole[17:30]).all()
    assert (multiplied(x, y[:, 5:60], None) == whole[:, 5:60]).all()


def test_strides_that_are_no_whole_elements_are_refused(multiplied: Any) -> None:
    packed = np.zeros(8, np.dtype([("a", "f4"), ("b", "i1")]))["a"]
    with pytest.raises(ValueError, match="aligned"):
        multiplied(packed.reshape(1, 8), np.zeros((8, 1), np.float32), None)


def test_sizes_that_do_not_fit_are_numpys_to_refuse(multiplied: Any) -> None:
    with pytest.raises(ValueError, match="mismatch"):
        multiplied(np.zeros((3, 4)), np.zeros((5, 6)), None)


def test_small_products_and_other_dtypes_are_numpys() -> None:
    x = np.ones((64, 64), np.float32)
    assert not products.takes(x[:3], x)
    assert not products.takes(np.ones((1, 1000), np.float32), np.ones((1000, 1000), np.float32))
    assert not products.takes(x.astype(np.int64), x.astype(np.int64))
    assert not products.takes(x, x.astype(np.float64))
    assert not products.takes(x[:, :0], np.zeros((0, 1 << 20), np.float32))
    assert (products.multiply(x[:3], x) == 64).all()


def test_products_with_vectors_are_those_of_numpy() -> None:
    x, v = torch.randn(130, 200, dtype=torch.float64), torch.randn(200, dtype=torch.float64)
    assert np.allclose((x @ v).numpy(), x.numpy() @ v.numpy())
    assert np.allclose((x @ v[:, None]).numpy(), x.numpy() @ v.numpy()[:, None])
    assert np.allclose((v @ x.t()).numpy(), x.numpy() @ v.numpy())
    assert (x @ v).is_contiguous()


def test_a_linear_layer_and_its_gradients_are_those_of_single_products() -> None:
    torch.manual_seed(0)
    x = torch.randn(70, 90, requires_grad=True)
    layer = torch.nn.Linear(90, 60)
    grad = torch.randn(70, 60)
    layer(x).backward(grad)
    w, g = layer.weight.detach().numpy(), grad.numpy()
    assert np.allclose(layer(x).detach().numpy(), x.detach().numpy() @ w.T + layer.bias.detach().numpy(), atol=1e-5)
    assert np.allclose(x.grad.numpy(), g @ w, atol=1e-5)
    assert np.allclose(layer.weight.grad.numpy(), g.T @ x.detach().numpy(), atol=1e-4)
