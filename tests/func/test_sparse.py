"""Sparse derivatives: the pattern misses nothing, the colouring lets every entry be read, the numbers are the dense ones."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import wengert as wg
from tests.ops import harness
from tests.ops.families import all_samples
from tests.ops.sample import Sample
from wengert.func._batched_backward import gradients
from wengert.func._sparse_coloring import column_colors, count_colors, star_colors
from wengert.func._sparse_pattern import Propagation

F = wg.func
FLOAT = wg.float64

PIECES: list[Any] = [
    lambda x: x[1:] * x[:-1],
    lambda x: wg.cat([x[:1], x[2:] - x[:-2], x[-1:]]),
    lambda x: x.sin() * 2 - 1,
    lambda x: x.flip(0) * x[0],
    lambda x: wg.stack([x, x.exp()]).reshape(-1)[::2],
    lambda x: x.roll(2) + x,
    lambda x: wg.where(x > 0, x, x.roll(1)),
    lambda x: x.relu() + wg.nn.functional.pad(x[:-1], (1, 0)),
    lambda x: x[[2, 0, 1, 1]],
    lambda x: x.unfold(0, 3, 1).prod(1),
    lambda x: wg.nn.functional.conv1d(x[None, None], wg.tensor([[[1.0, -2.0, 3.0]]], dtype=FLOAT), padding=1)[0, 0],
    lambda x: x.cumsum(0)[:3],
    lambda x: wg.diff(x, prepend=x[:1]),
    lambda x: x.clone().index_add(0, wg.tensor([0, 2]), x[1:3], alpha=3),
    lambda x: x.scatter(0, wg.tensor([1, 0]), x[2:4] ** 2),
    lambda x: x.reshape(-1, 1).expand(-1, 2).mean(1) / (1 + x * x),
]


def written(x: Any) -> Any:
    """In-place writes through views."""
    y = x * 1
    y[1:3] = x[:2] * x[2:4]
    y[::2].mul_(x[0])
    return y


PIECES.append(written)


def composed(chosen: list[int]) -> Any:
    """The pieces one after the other."""

    def f(x: Any) -> Any:
        for k in chosen:
            x = PIECES[k](x if x.numel() >= 4 else x.repeat(4))
        return x

    return f


programs = st.lists(st.integers(0, len(PIECES) - 1), min_size=1, max_size=3)
points = st.integers(0, 1000)


@settings(max_examples=80, deadline=None)
@given(programs, points, st.sampled_from(["auto", "forward", "reverse"]))
def test_a_jacobian_of_a_generated_function_is_the_dense_one(chosen: list[int], seed: int, mode: str) -> None:
    f = composed(chosen)
    rng = np.random.default_rng(seed)
    jacobian = F.sparse_jacobian(f, mode=mode)
    for _ in range(2):  # the pattern of the first point holds at the second
        x = wg.tensor(rng.standard_normal(9))
        np.testing.assert_allclose(jacobian(x).toarray(), F.jacrev(f)(x).numpy(), rtol=1e-9, atol=1e-9)


def test_a_pattern_is_found_without_warnings_where_gradients_overflow() -> None:
    hessian = F.sparse_hessian(lambda x: (x.exp() ** 2).sum())
    assert np.isinf(hessian(wg.tensor([1.0, 400.0], dtype=wg.float64)).toarray()).any()


@settings(max_examples=60, deadline=None)
@given(programs, points)
def test_a_hessian_of_a_generated_function_is_the_dense_one(chosen: list[int], seed: int) -> None:
    inner = composed(chosen)
    f = lambda x: (inner(x) ** 2).sum()  # noqa: E731
    rng = np.random.default_rng(seed)
    hessian = F.sparse_hessian(f)
    for _ in range(2):
        x = wg.tensor(rng.standard_normal(9))
        dense = F.hessian(f)(x).numpy()
        assume(
            np.isfinite(dense).all()
        )  # 0 times infinity is no number where all columns are computed, and is not computed here
        np.testing.assert_allclose(hessian(x).toarray(), dense, rtol=1e-8, atol=1e-9 * max(1.0, np.abs(dense).max()))


def samples() -> list[Sample]:
    """The first real samples of every operator."""
    chosen: dict[Any, Sample] = {}
    for s in all_samples():
        wanted = [i for i in s.inputs if i.differentiable]
        if (
            wanted
            and "grad" in s.aspects
            and {i.dtype for i in wanted} == {"float64"}
            and not harness.missing(wg, s.op)
        ):
            if all(i.values is None and 0 not in i.shape for i in s.inputs):
                chosen.setdefault((s.op, tuple(len(i.shape) for i in s.inputs)), s)
    return list(chosen.values())


def test_the_pattern_of_every_operator_covers_its_jacobian() -> None:
    checked = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in samples():
            wg.manual_seed(0)
            inputs = harness.tensors(wg, sample, sample.arrays(), True)
            results = harness.differentiable(wg, harness.call(wg, sample, sample.code, inputs))
            for out in (o for o in results if o.requires_grad and not o.dtype.is_complex and 0 < o.numel() < 200):
                m = out.numel()
                wanted = [x for x in inputs if x.requires_grad]
                rows = gradients([out], wanted, [wg.eye(m, dtype=out.dtype).reshape(m, *out.shape)], True, False)
                for x, dense in zip(wanted, rows, strict=True):
                    if dense is None:
                        continue
                    pattern = Propagation(out, x).run().toarray()
                    missed = np.isfinite(dense.numpy()) & (dense.numpy() != 0)
                    assert not (missed.reshape(m, -1) & ~pattern).any(), sample.id
                    checked += 1
    assert checked > 500


def random_pattern(seed: int, rows: int, columns: int) -> Any:
    from scipy.sparse import csr_array

    return csr_array(np.random.default_rng(seed).random((rows, columns)) < 0.2)


@pytest.mark.parametrize("seed", range(10))
def test_columns_of_one_colour_share_no_row(seed: int) -> None:
    pattern = random_pattern(seed, 12, 9)
    colors = column_colors(pattern)
    for row in pattern.toarray():
        assert len(set(colors[row])) == row.sum()


@pytest.mark.parametrize("seed", range(10))
def test_every_entry_of_a_symmetric_pattern_can_be_read_from_a_star_colouring(seed: int) -> None:
    half = random_pattern(seed, 12, 12).toarray()
    dense = half | half.T
    from scipy.sparse import csr_array

    colors = star_colors(csr_array(dense))
    whole = dense | np.eye(12, dtype=bool)
    for i, j in zip(*np.nonzero(dense), strict=True):
        alone = [(colors[whole[a]] == colors[b]).sum() == 1 for a, b in ((i, j), (j, i))]
        assert any(alone)
        assert i == j or colors[i] != colors[j]


def test_known_patterns_take_the_known_number_of_products() -> None:
    x = wg.rand(30, dtype=FLOAT)
    tridiagonal = F.sparse_jacobian(lambda x: x[2:] - 2 * x[1:-1] + x[:-2])
    assert (tridiagonal(x).nnz, tridiagonal.passes) == (84, 3)
    diagonal = F.sparse_jacobian(lambda x: x.tanh())
    assert (diagonal(x).nnz, diagonal.passes) == (30, 1)
    tall = F.sparse_jacobian(lambda x: x.sum())
    assert (tall(x).shape, tall.mode, tall.passes) == ((1, 30), "reverse", 1)
    wide = F.sparse_jacobian(lambda x: x * wg.ones(30, dtype=FLOAT))
    assert (wide(x[:1]).shape, wide.mode, wide.passes) == ((30, 1), "forward", 1)
    arrow = F.sparse_hessian(lambda x: (x * x[0]).sum() + (x**3).sum())
    assert (arrow(x).nnz, arrow.passes) == (88, 2)
    nothing = F.sparse_jacobian(lambda x: wg.ones(3, dtype=FLOAT))
    assert (nothing(x).shape, nothing(x).nnz, nothing.passes) == ((3, 30), 0, 0)


def test_the_pattern_is_found_once_and_values_follow_the_point() -> None:
    runs: list[int] = []

    def f(x: Any) -> Any:
        runs.append(1)
        return x[1:] ** 2 * x[:-1]

    jacobian = F.sparse_jacobian(f, mode="reverse")
    x = wg.rand(6, dtype=FLOAT)
    jacobian(x)
    assert len(runs) == 2
    pattern = jacobian.pattern
    jacobian(2 * x)
    assert len(runs) == 3
    assert jacobian.pattern is pattern


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.clamp(-0.5, 0.5), lambda x: x.masked_fill(x > 0, 9.0), lambda x: wg.maximum(x, x.flip(0)),
        lambda x: wg.minimum(x, wg.zeros(())), wg.nn.functional.hardtanh, lambda x: wg.fmax(x, x.roll(1)),
        lambda x: x.max(0)[0], lambda x: x.amax(0), lambda x: x.median(), lambda x: x.sort()[0] * wg.arange(7.0),
        lambda x: x.topk(2)[0], lambda x: x.kthvalue(3)[0], lambda x: x.cummax(0)[0], lambda x: x.quantile(0.3),
        lambda x: x.reshape(1, 7).max(1)[0],
    ],
)  # fmt: skip
def test_what_values_decide_within_operators_may_change_from_point_to_point(function: Any) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        here, there = (wg.tensor(rng.normal(size=7)) for _ in range(2))
        jacobian, hessian = F.sparse_jacobian(function), F.sparse_hessian(lambda x: function(x).square().sum())
        jacobian(here), hessian(here)
        np.testing.assert_allclose(jacobian(there).toarray(), F.jacrev(function)(there).reshape(-1, 7).numpy())
        dense = F.hessian(lambda x: function(x).square().sum())(there)
        np.testing.assert_allclose(hessian(there).toarray(), dense.numpy(), atol=1e-12)


def test_an_index_that_no_gradient_needs_is_not_asked_for() -> None:
    index, ones = wg.tensor([0, 1]), wg.ones(2)
    for write, entries in (("scatter_add", 5), ("scatter", 3)):

        def function(x: Any, write: str = write) -> Any:
            return wg.cat([getattr(x, write)(0, index, ones), x.max(0, True)[0]])

        assert F.sparse_jacobian(function)(wg.arange(5.0)).nnz == entries + 5


def test_a_branch_that_depends_on_values_is_added_by_detect() -> None:
    f = lambda x: x * x[0] if x[0] > 0 else x * x[1]  # noqa: E731
    jacobian = F.sparse_jacobian(f)
    first, second = wg.tensor([1.0, 2.0, 3.0]), wg.tensor([-1.0, 2.0, 3.0])
    jacobian(first)
    assert (jacobian(second).toarray() != F.jacrev(f)(second).numpy()).any()
    jacobian.detect(second)
    for x in (first, second):
        np.testing.assert_allclose(jacobian(x).toarray(), F.jacrev(f)(x).numpy())


def test_a_pattern_that_is_given_is_used() -> None:
    from scipy.sparse import diags_array

    jacobian = F.sparse_jacobian(lambda x: x**2, pattern=diags_array(np.ones(4)))
    assert jacobian.passes == 1
    assert jacobian(wg.arange(4.0)).diagonal().tolist() == [0.0, 2.0, 4.0, 6.0]
    with pytest.raises(RuntimeError, match="the pattern has 4 columns, and the input 5 elements"):
        jacobian(wg.arange(5.0))
    with pytest.raises(RuntimeError, match="the pattern has 3 rows, and the result 4 elements"):
        F.sparse_jacobian(lambda x: x**2, pattern=np.ones((3, 4)))(wg.arange(4.0))


def test_an_operator_that_is_not_known_is_dense_and_named() -> None:
    class Mystery(wg.autograd.Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x * 2

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

    jacobian = F.sparse_jacobian(lambda x: Mystery.apply(x[:3]), mode="reverse")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = jacobian(wg.arange(5.0))
    assert matrix.toarray().tolist() == [[2, 0, 0, 0, 0], [0, 2, 0, 0, 0], [0, 0, 2, 0, 0]]
    assert (jacobian.pattern.nnz, jacobian.unknown) == (9, ["MysteryBackward"])


def test_a_dense_pattern_of_many_elements_is_refused_by_name() -> None:
    with pytest.raises(RuntimeError, match="the Jacobian is not sparse: with CumsumBackward0"):
        F.sparse_jacobian(lambda x: x.cumsum(0))(wg.zeros(8000))


def test_values_keep_the_graph() -> None:
    w = wg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    values = F.sparse_jacobian(lambda x: x**2 * w).values(wg.ones(3))
    assert wg.autograd.grad(values.sum(), w)[0].equal(wg.full((3,), 2.0))


def test_other_arguments_and_shapes_are_flattened_in_row_major_order() -> None:
    def f(a: Any, u: Any, scale: Any = 1) -> Any:
        return scale * a * u.diff(dim=1)

    u, a = wg.rand(3, 4, dtype=FLOAT), wg.rand(3, 3, dtype=FLOAT)
    jacobian = F.sparse_jacobian(f, argnums=1)
    np.testing.assert_allclose(jacobian(a, u, scale=2).toarray(), F.jacrev(f, 1)(a, u, scale=2).reshape(9, 12).numpy())
    chunked = F.sparse_jacobian(f, argnums=-1, chunk_size=1, mode="forward")
    np.testing.assert_allclose(chunked(a, u).toarray(), F.jacrev(f, 1)(a, u).reshape(9, 12).numpy())


def test_what_is_not_a_real_function_of_one_tensor_is_refused() -> None:
    x = wg.ones(3)
    cases: list[tuple[Any, tuple[Any, ...], type[Exception], str]] = [
        (F.sparse_jacobian(lambda x: (x, x)), (x,), RuntimeError, "those of one tensor, got 2"),
        (F.sparse_jacobian(lambda x: x * 1j), (x,), RuntimeError, "the result is complex"),
        (F.sparse_jacobian(lambda x: x), (x * 1j,), RuntimeError, "got a complex tensor"),
        (F.sparse_jacobian(lambda x: x), (3,), TypeError, "with respect to a tensor, got int"),
        (F.sparse_jacobian(lambda x: x, 2), (x,), RuntimeError, "Got argnum=2"),
    ]
    for jacobian, arguments, error, message in cases:
        with pytest.raises(error, match=message):
            jacobian(*arguments)
    with pytest.raises(RuntimeError, match="outside of vmap"):
        wg.vmap(F.sparse_jacobian(lambda x: x))(wg.ones(2, 3))
    with pytest.raises(ValueError, match="mode must be one of"):
        F.sparse_jacobian(lambda x: x, mode="sideways")


def laplacian(u: Any) -> Any:
    """A nonlinear five-point residual."""
    p = wg.nn.functional.pad(u, (1, 1, 1, 1))
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u + u.exp()


def test_ten_thousand_unknowns_take_a_handful_of_products() -> None:
    x = wg.rand(10_000, dtype=FLOAT)
    jacobian = F.sparse_jacobian(lambda x: x[2:] - 2 * x[1:-1] + x[:-2] + x[1:-1] ** 3)
    matrix = jacobian(x)
    assert (matrix.nnz, jacobian.passes) == (3 * 9998, 3)
    np.testing.assert_allclose(matrix.diagonal(1), (3 * x[1:-1] ** 2 - 2).numpy())
    u, v = wg.rand(100, 100, dtype=FLOAT), wg.rand(100, 100, dtype=FLOAT)
    grid = F.sparse_jacobian(laplacian)
    product = grid(u) @ v.numpy().reshape(-1)
    assert grid.passes <= 8
    assert grid.pattern.nnz == 5 * 10_000 - 4 * 100
    np.testing.assert_allclose(product, F.jvp(laplacian, (u,), (v,))[1].numpy().reshape(-1), rtol=1e-10, atol=1e-10)
    hessian = F.sparse_hessian(lambda u: (laplacian(u) ** 2).sum())
    product = hessian(u) @ v.numpy().reshape(-1)
    wanted = F.jvp(F.grad(lambda u: (laplacian(u) ** 2).sum()), (u,), (v,))[1]
    np.testing.assert_allclose(product, wanted.numpy().reshape(-1), rtol=1e-9, atol=1e-9)
    assert hessian.passes <= 20


def test_count_colors_of_nothing_is_zero() -> None:
    assert count_colors(np.zeros(0, np.int64)) == 0
