"""Operators that work in blocks give, past the size of a block, what they give at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import wengert
from wengert.kernels import bulk

F = wengert.nn.functional

Program = Callable[..., Any]


def assert_like_torch(program: Program, *shapes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    found = []
    for xp in (wengert, torch):
        inputs = [xp.from_numpy(a.copy()).requires_grad_() for a in arrays]
        result = program(xp, *inputs)
        result.backward(xp.arange(result.numel(), dtype=xp.float64).reshape(result.shape).cos())
        found.append([result.detach().numpy()] + [t.grad.numpy() for t in inputs])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("shape", "dim"), [((200000,), 0), ((300, 1000), 0), ((300, 1000), 1), ((3, 70000, 2), 1)])
def test_a_running_sum_in_blocks_rounds_once_at_each_place(shape: tuple[int, ...], dim: int) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    t = wengert.from_numpy(x).requires_grad_()
    total = t.cumsum(dim)
    np.testing.assert_array_equal(total.detach().numpy(), np.cumsum(x, dim, np.float64).astype(np.float32))
    total.backward(wengert.from_numpy(x))
    rest = np.flip(np.cumsum(np.flip(x, dim), dim, np.float64), dim).astype(np.float32)
    np.testing.assert_array_equal(t.grad.numpy(), rest)


@pytest.mark.parametrize("dim", [0, 1])
def test_scatter_add_in_blocks_reaches_every_row(dim: int) -> None:
    index = np.random.default_rng(1).integers(0, 300, (600, 300))
    assert_like_torch(lambda xp, x, y: x.scatter_add(dim, xp.from_numpy(index), y), (700, 300), (600, 300))


@pytest.mark.parametrize("call", ["gather(1, i)", "scatter(1, i, x)", "scatter_add(1, i, x)", "scatter(1, i, 2.0)"])
@pytest.mark.parametrize("bad", [-1, 30])
def test_a_place_outside_is_refused_with_pytorchs_sentence_among_few_and_among_many(call: str, bad: int) -> None:
    for rows in (2, 400):
        x, index = np.ones((rows, 30), np.float32), np.zeros((rows, 30), np.int64)
        index[-1, 3] = bad
        with pytest.raises(RuntimeError, match=f"index {bad} is out of bounds for dimension 1 with size 30"):
            eval(f"x.{call}", {"x": wengert.tensor(x), "i": wengert.tensor(index)})


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_distances_in_blocks_agree_with_torch(p: float) -> None:
    assert_like_torch(lambda xp, x, y: xp.cdist(x, y, p=p), (3, 1, 300, 20), (2, 100, 20))
    assert_like_torch(lambda xp, x: xp.nn.functional.pdist(x, p), (300, 9))


SHAPES = [(300, 700), (3, 700, 100), (70, 2, 1000)]
CHOSEN: dict[str, Program] = {
    "median": lambda x, d: x.median(d),
    "nanmedian": lambda x, d: x.nanmedian(d, keepdim=True),
    "kthvalue": lambda x, d: x.kthvalue(2, d),
    "sort": lambda x, d: x.sort(dim=d, descending=True, stable=True),
    "cummax": lambda x, d: x.cummax(d),
    "cummin": lambda x, d: x.cummin(d),
}
SUMMED: dict[str, Program] = {
    "norm 0": lambda x, d: x.norm(0, d),
    "norm 1": lambda x, d: x.norm(1, d, keepdim=True),
    "norm 2": lambda x, d: x.norm(2, d),
    "norm 3": lambda x, d: x.norm(3, d),
    "norm inf": lambda x, d: x.norm(float("inf"), d),
    "norm -inf": lambda x, d: x.norm(-float("inf"), d),
    "nansum": lambda x, d: (x / x.round()).sin().nansum(d),
    "norm 0.5": lambda x, d: x.norm(0.5, d),
    "logsumexp": lambda x, d: x.logsumexp(d),
    "count_nonzero": lambda x, d: (x > 0).count_nonzero(d),
    "count_nonzero of numbers": lambda x, d: x.round().count_nonzero(d),
}


def arrays_with_ties(shape: tuple[int, ...]) -> Any:
    array = np.random.default_rng(0).integers(-99, 99, shape).astype(np.float32)
    array.reshape(-1)[::10007] = np.nan
    return array


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CHOSEN)
def test_what_is_chosen_by_blocks_of_lines_is_pytorchs_with_ties_and_nan(name: str, shape: Any) -> None:
    array = arrays_with_ties(shape)
    for dim in range(len(shape)):
        for layout in (array, np.asfortranarray(array)):
            ours = CHOSEN[name](wengert.from_numpy(layout.copy(order="K")), dim)
            theirs = CHOSEN[name](torch.from_numpy(layout.copy(order="K")), dim)
            assert np.array_equal(ours[0].numpy(), theirs[0].numpy(), equal_nan=True)
            assert ours[0].stride() == theirs[0].stride()
            if name not in ("median", "nanmedian", "kthvalue"):  # of equal elements PyTorch names any
                assert np.array_equal(ours[1].numpy(), theirs[1].numpy())
            found = np.take_along_axis(array, expanded(ours[1].numpy(), array.ndim, dim), dim)
            assert np.array_equal(found, expanded(ours[0].numpy(), array.ndim, dim), equal_nan=True)


def expanded(array: Any, dims: int, dim: int) -> Any:
    return array if array.ndim == dims else np.expand_dims(array, dim)


def test_the_mode_of_many_lines_is_that_of_each() -> None:
    array = np.random.default_rng(0).integers(0, 9, (700, 300)).astype(np.float32)
    values, places = wengert.from_numpy(array).mode(0)
    counts = np.stack([(array == k).sum(0) for k in range(9)])
    assert np.array_equal(values.numpy(), counts.argmax(0))
    assert np.array_equal(array[places.numpy(), np.arange(300)], values.numpy())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SUMMED)
def test_what_is_added_up_by_blocks_is_pytorchs(name: str, shape: Any) -> None:
    array = np.random.default_rng(0).standard_normal(shape)
    for dim in (None, 0, 1, (0, 1), len(shape) - 1):
        if name == "logsumexp" and dim is None:
            continue
        for layout in (array, array.T.copy().T):
            ours, theirs = [SUMMED[name](xp.from_numpy(layout), dim) for xp in (wengert, torch)]
            assert tuple(ours.shape) == tuple(theirs.shape)
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12)


def test_half_precision_adds_up_in_single_precision() -> None:
    x = np.random.default_rng(0).standard_normal((400, 500)).astype(np.float16)
    ours, theirs = [xp.from_numpy(x.copy()).logsumexp(0) for xp in (wengert, torch)]
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-3)


@pytest.mark.parametrize("shape", [(70000,), *SHAPES])
def test_places_and_counts_of_blocks_are_pytorchs(shape: Any) -> None:
    array = np.random.default_rng(0).integers(0, 3, shape)
    ours, theirs = [xp.from_numpy(array.copy()) for xp in (wengert, torch)]
    assert np.array_equal(ours.nonzero().numpy(), theirs.nonzero().numpy())
    assert np.array_equal((ours == 1).argwhere().numpy(), (theirs == 1).argwhere().numpy())
    whole = [t.double().histc(5, 0, 2.5).numpy() for t in (ours, theirs)]
    assert np.array_equal(*whole)
    for asked in (
        {},
        {"return_inverse": True},
        {"return_counts": True},
        {"return_inverse": True, "return_counts": True},
    ):
        for name in ("unique", "unique_consecutive"):
            a, b = [getattr(xp, name)(t, **asked) for xp, t in ((wengert, ours), (torch, theirs))]
            for mine, other in zip(a if asked else [a], b if asked else [b], strict=True):
                assert np.array_equal(mine.numpy(), other.numpy())


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_margin_losses_by_blocks_of_rows_are_pytorchs(reduction: str, p: int) -> None:
    target = np.random.default_rng(1).integers(0, 500, 400)
    weight = np.random.default_rng(2).random(500)
    assert_like_torch(
        lambda xp, x: xp.nn.functional.multi_margin_loss(
            x, xp.from_numpy(target), p=p, weight=xp.from_numpy(weight), reduction=reduction
        ),
        (400, 500),
    )


def test_lists_of_targets_by_blocks_of_rows_are_pytorchs() -> None:
    target = np.random.default_rng(1).integers(-1, 300, (700, 300))
    target[:, 8] = -1
    assert_like_torch(
        lambda xp, x: xp.nn.functional.multilabel_margin_loss(x, xp.from_numpy(target), reduction="none"), (700, 300)
    )


POINTWISE: dict[str, Program] = {
    "sinc": lambda xp, x, y: x.sinc(),
    "sign": lambda xp, x, y: x.sign(),
    "lgamma": lambda xp, x, y: x.lgamma(),
    "nan_to_num": lambda xp, x, y: (x / x.round()).nan_to_num(0.5, 2, -2),
    "xlogy": lambda xp, x, y: xp.xlogy(x, y.abs()),
    "softshrink": lambda xp, x, y: xp.nn.functional.softshrink(x, 0.3),
    "hardtanh": lambda xp, x, y: xp.nn.functional.hardtanh(x, -0.5, 0.7),
    "prelu": lambda xp, x, y: xp.nn.functional.prelu(x, y.reshape(-1)[: x.shape[1]]),
    "cross": lambda xp, x, y: xp.linalg.cross(x[:, :3], x[:, 3:6]),
    "bilinear": lambda xp, x, y: xp.nn.functional.bilinear(
        x[:, :40], x[:, 40:50], x[:60].reshape(-1)[:8000].view(20, 40, 10)
    ),
}


@pytest.mark.parametrize("name", POINTWISE)
def test_elements_by_blocks_are_pytorchs_in_the_layout_of_the_operand(name: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((600, 400)), rng.standard_normal((600, 400))
    for a, b in ((x, y), (np.asfortranarray(x), y), (x, y[:1])):
        ours, theirs = [POINTWISE[name](xp, xp.from_numpy(a), xp.from_numpy(b)) for xp in (wengert, torch)]
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12, atol=1e-12)
        assert ours.stride() == theirs.stride()


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
@pytest.mark.parametrize("padding", [(3, 2, 1, 4), (-3, 2, 0, -4), (0, 0, 0, 0)])
def test_borders_by_blocks_of_planes_are_pytorchs(mode: str, padding: Any) -> None:
    assert_like_torch(lambda xp, x: xp.nn.functional.pad(x, padding, mode=mode), (5, 7, 60, 70))


@pytest.mark.parametrize("padding", [(1, 2), (0, 3, 2, 1), (-1, 2, 1, -3), (4, 0, 0, 0, 1, 1)])
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate"])
def test_borders_are_the_same_with_and_without_kernels(mode: str, padding: Any, monkeypatch: Any) -> None:
    dims = len(padding) // 2
    shape = (2, 3, *(7, 8, 9)[3 - dims :])
    found = []
    for compiled in (True, False):
        if not compiled:
            monkeypatch.setattr(bulk, "_native", None)
        x = wengert.arange(np.prod(shape), dtype=wengert.float64).reshape(shape).sin().requires_grad_()
        y = F.pad(x, padding, mode, **({"value": 2.5} if mode == "constant" else {}))
        y.backward(y.detach().cos())
        found.append((y.detach().numpy(), x.grad.numpy()))
    for with_kernels, without in zip(*found):
        np.testing.assert_allclose(with_kernels, without, rtol=1e-15)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("mode", ["reflect", "replicate"])
def test_a_cut_that_goes_into_the_border_of_the_other_side_leaves_that_border(
    mode: str, compiled: bool, monkeypatch: Any
) -> None:
    """5 elements before 6 and 8 less: 3 of the 5 are left."""
    if not compiled:
        monkeypatch.setattr(bulk, "_native", None)
    x = wengert.arange(12.0).reshape(2, 6).requires_grad_()
    y = F.pad(x, (5, -8), mode)
    assert y.tolist() == ([[5, 4, 3], [11, 10, 9]] if mode == "reflect" else [[0, 0, 0], [6, 6, 6]])
    y.sum().backward()
    assert x.grad.tolist() == [[0, 0, 0, 1, 1, 1] if mode == "reflect" else [3, 0, 0, 0, 0, 0]] * 2


def test_gates_and_bags_write_their_gradients_into_one_array() -> None:
    index = np.random.default_rng(1).integers(0, 300, (900, 20))
    weights = np.random.default_rng(2).random((900, 20))
    assert_like_torch(lambda xp, x: xp.nn.functional.glu(x, 0), (600, 300))
    assert_like_torch(lambda xp, x: xp.nn.functional.glu(x), (300, 600))
    for mode in ("sum", "mean"):
        assert_like_torch(
            lambda xp, w, m=mode: xp.nn.functional.embedding_bag(xp.from_numpy(index), w, mode=m), (300, 40)
        )
    assert_like_torch(
        lambda xp, w: xp.nn.functional.embedding_bag(
            xp.from_numpy(index), w, mode="sum", per_sample_weights=xp.from_numpy(weights), padding_idx=3
        ),
        (300, 40),
    )


@pytest.mark.parametrize("compiled", [False, True])
def test_rows_added_by_blocks_of_columns_all_arrive(compiled: bool, monkeypatch: Any) -> None:
    if not compiled:
        monkeypatch.setattr(bulk, "_native", None)
    index = np.random.default_rng(1).integers(0, 700, 900)
    assert_like_torch(lambda xp, x, y: x.index_add(0, xp.from_numpy(index), y), (700, 400), (900, 400))
    assert_like_torch(lambda xp, x, y: x.index_add(1, xp.from_numpy(index), y), (400, 700), (400, 900))
    assert_like_torch(lambda xp, x: x.take(xp.from_numpy(index * 400)), (700, 400))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_factors_of_many_matrices_are_those_of_each(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    array = (rng.standard_normal((3, 400, 9, 9)) + 9 * np.eye(9)).astype(dtype)
    symmetric = array @ array.conj().swapaxes(-1, -2)
    x, s = wengert.from_numpy(array), wengert.from_numpy(symmetric)
    for one, many in [
        (np.linalg.inv(array), x.inverse()),
        (np.linalg.eigvalsh(symmetric), wengert.linalg.eigvalsh(s)),
        (np.linalg.svd(array, compute_uv=False), wengert.linalg.svdvals(x)),
        (np.linalg.cholesky(symmetric), wengert.linalg.cholesky(s)),
        *zip(np.linalg.qr(array), wengert.linalg.qr(x), strict=True),
        *zip(np.linalg.svd(array), wengert.linalg.svd(x), strict=True),
        *zip(np.linalg.eigh(symmetric), wengert.linalg.eigh(s), strict=True),
    ]:
        np.testing.assert_allclose(many.numpy(), one, rtol=1e-4, atol=1e-5 if dtype != np.float64 else 1e-13)
        assert many.dtype == wengert.from_numpy(one).dtype
    assert wengert.linalg.qr(x)[0].stride() == torch.linalg.qr(torch.from_numpy(array))[0].stride()


def test_the_matrix_that_has_no_singular_values_is_named_among_all() -> None:
    array = np.zeros((700, 16, 16))
    array[613, 2, 3] = np.nan
    with pytest.raises(RuntimeError, match="Batch element 613"):
        wengert.linalg.svd(wengert.from_numpy(array))


DRAWN: dict[str, Program] = {
    "uniform_": lambda x: x.uniform_(-1, 2),
    "normal_": lambda x: x.normal_(1, 2),
    "exponential_": lambda x: x.exponential_(2),
    "cauchy_": lambda x: x.cauchy_(1, 2),
    "log_normal_": lambda x: x.log_normal_(0, 1),
    "geometric_": lambda x: x.geometric_(0.3),
    "bernoulli_": lambda x: x.bernoulli_(0.3),
    "random_": lambda x: x.random_(),
    "random_ up to": lambda x: x.random_(-3, 1000),
}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", DRAWN)
def test_samples_drawn_into_memory_are_pytorchs_in_any_layout(name: str, dtype: str) -> None:
    found = []
    for xp in (wengert, torch):
        xp.manual_seed(3)
        plain = xp.zeros(170, 100, dtype=getattr(xp, dtype))
        turned = xp.zeros(50, 30, 20, dtype=getattr(xp, dtype))
        parts = [plain, turned.permute(2, 0, 1), plain[:, 1:9], xp.zeros((), dtype=getattr(xp, dtype))]
        found.append([DRAWN[name](part).clone().numpy() for part in parts[: 3 if name == "normal_" else 4]])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(
            ours.astype(np.float64), theirs.astype(np.float64), rtol=2e-3 if dtype == "float16" else 1e-5
        )


@pytest.mark.parametrize("replacement", [False, True])
def test_categories_of_many_rows_are_pytorchs(replacement: bool) -> None:
    weights = np.random.default_rng(0).random((900, 130)).astype(np.float32)
    weights[:, 7] = 0
    found = []
    for xp in (wengert, torch):
        xp.manual_seed(5)
        found.append(xp.multinomial(xp.from_numpy(weights), 6, replacement=replacement).numpy())
    assert np.array_equal(*found)


def test_means_of_scattered_groups_count_their_elements() -> None:
    index = np.random.default_rng(1).integers(0, 300, (400, 300))
    for include_self in (False, True):
        assert_like_torch(
            lambda xp, x, y, own=include_self: x.scatter_reduce(1, xp.from_numpy(index), y, "mean", include_self=own),
            (400, 300),
            (400, 300),
        )


@pytest.mark.parametrize("is_causal", [False, True])
def test_attention_in_blocks_of_queries_agrees_with_torch(is_causal: bool) -> None:
    def attention(xp: Any, q: Any, k: Any, v: Any) -> Any:
        return xp.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=is_causal)

    assert_like_torch(attention, (2, 4, 333, 8), (2, 4, 333, 8), (2, 4, 333, 8))


def test_attention_in_blocks_takes_the_rows_of_its_mask() -> None:
    mask = np.random.default_rng(1).standard_normal((333, 400))

    def attention(xp: Any, q: Any, k: Any, v: Any) -> Any:
        return xp.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=xp.from_numpy(mask), enable_gqa=True)

    assert_like_torch(attention, (2, 4, 333, 8), (2, 2, 400, 8), (2, 2, 400, 8))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("shape", [(300, 700), (3, 500, 90), (2000, 50, 2), (40, 3, 900)])
def test_places_of_extremes_along_leading_dimensions_are_numpys(shape: Any, compiled: bool, monkeypatch: Any) -> None:
    if not compiled:
        monkeypatch.setattr(bulk, "_native", None)
    array = np.random.default_rng(0).integers(0, 9, shape).astype(np.float32)
    array.reshape(-1)[::101] = np.nan
    x = wengert.from_numpy(array)
    for dim in range(len(shape)):
        assert np.array_equal(x.argmax(dim).numpy(), array.argmax(dim))
        assert np.array_equal(x.min(dim, keepdim=True)[1].numpy(), array.argmin(dim, keepdims=True))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_images_sampled_at_many_points_and_their_gradients_are_pytorchs(
    mode: str, padding: str, compiled: bool, monkeypatch: Any
) -> None:
    if not compiled:
        monkeypatch.setattr(bulk, "_native", None)
    for aligned in (False, True):
        assert_like_torch(
            lambda xp, x, grid, aligned=aligned: xp.nn.functional.grid_sample(x, grid, mode, padding, aligned),
            (2, 3, 9, 13),
            (2, 70, 90, 2),
        )


def test_margin_losses_have_tangents_where_nothing_is_recorded() -> None:
    target = wengert.tensor([0, 2, 1])
    x = wengert.from_numpy(np.random.default_rng(0).standard_normal((3, 4)))
    change = wengert.ones_like(x).cumsum(1)
    for p in (1, 2):
        found = wengert.func.jvp(lambda t, p=p: F.multi_margin_loss(t, target, p=p), (x,), (change,))[1]
        y = x.clone().requires_grad_()
        F.multi_margin_loss(y, target, p=p).backward()
        assert wengert.allclose(found, (y.grad * change).sum())
