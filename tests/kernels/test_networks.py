"""Attention and recurrent layers: kernels beside the operators' NumPy code."""

from __future__ import annotations

from typing import Any

import pytest

import wengert as torch
from wengert.kernels import bulk, networks, products

F = torch.nn.functional
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}


@pytest.fixture
def both(native: Any, monkeypatch: Any) -> Any:
    """A function's results by one build, and by NumPy."""

    def results(function: Any) -> tuple[Any, Any]:
        found = []
        for module in (native, None):
            for holder in (bulk, networks, products):
                monkeypatch.setattr(holder, "_native", module)
            found.append(function())
        return found[0], found[1]

    return results


def compare(found: Any, expected: Any, dtype: Any) -> None:
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert torch.allclose(a, b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], equal_nan=True)


def attend(q: Any, k: Any, v: Any, **options: Any) -> list[Any]:
    """The result and three gradients."""
    inputs = [t.clone().requires_grad_() for t in (q, k, v)]
    out = F.scaled_dot_product_attention(*inputs, **options)
    weight = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).view(out.shape)
    return [out, *torch.autograd.grad(out, inputs, weight)]


def tensors(dtype: Any, *shapes: Any) -> list[Any]:
    torch.manual_seed(0)
    return [torch.randn(*shape, dtype=dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("sizes", [(5, 5, 3, 4), (64, 64, 32, 32), (130, 70, 16, 24), (3, 200, 8, 1)], ids=str)
def test_attention_is_that_of_numpy(both: Any, dtype: Any, causal: bool, sizes: Any) -> None:
    queries, keys, width, values = sizes
    if width != values:
        values = width  # PyTorch's one operator has one width
    q, k, v = tensors(dtype, (2, 3, queries, width), (2, 3, keys, width), (2, 3, keys, values))
    compare(*both(lambda: attend(q, k, v, is_causal=causal)), dtype)


@pytest.mark.parametrize("shape", [(7, 9), (2, 3, 7, 9), (2, 1, 1, 9), (1, 9)])
def test_masks_of_every_shape_are_added(both: Any, shape: Any) -> None:
    q, k, v, mask = tensors(torch.float64, (2, 3, 7, 4), (2, 3, 9, 4), (2, 3, 9, 4), shape)
    compare(*both(lambda: attend(q, k, v, attn_mask=mask, scale=0.3)), torch.float64)


def test_queries_that_see_nothing_give_zeros(both: Any) -> None:
    q, k, v = tensors(torch.float32, (1, 2, 5, 8), (1, 2, 6, 8), (1, 2, 6, 8))
    mask = torch.ones(5, 6, dtype=torch.bool)
    mask[2] = False
    found, expected = both(lambda: attend(q, k, v, attn_mask=mask))
    compare(found, expected, torch.float32)
    assert (found[0][:, :, 2] == 0).all()
    assert (found[1][:, :, 2] == 0).all()


def test_nan_reaches_the_rows_that_see_it(both: Any) -> None:
    q, k, v = tensors(torch.float32, (1, 1, 4, 8), (1, 1, 4, 8), (1, 1, 4, 8))
    q[0, 0, 1, 3] = float("nan")
    found, expected = both(lambda: attend(q, k, v, is_causal=True))
    compare(found[:1], expected[:1], torch.float32)
    assert found[0].isnan()[0, 0].all(1).tolist() == [False, True, False, False]


def test_heads_may_lie_across_memory(both: Any) -> None:
    q, k, v = [t.transpose(1, 2) for t in tensors(torch.float32, *[(2, 70, 3, 8)] * 3)]
    compare(*both(lambda: attend(q, k, v, is_causal=True)), torch.float32)


def test_attention_has_the_same_bits_for_any_number_of_threads(native: Any, monkeypatch: Any) -> None:
    for holder in (bulk, networks, products):
        monkeypatch.setattr(holder, "_native", native)
    q, k, v = tensors(torch.float32, *[(2, 4, 150, 32)] * 3)
    threads, found = native.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            native.set_num_threads(count)
            found.append([t.detach().numpy().tobytes() for t in attend(q, k, v)])
    finally:
        native.set_num_threads(threads)
    assert found[0] == found[1] == found[2]


RECURRENT = [
    (kind, options)
    for kind in ("LSTM", "GRU", "RNN")
    for options in (
        {},
        {"bidirectional": True, "num_layers": 2},
        {"bias": False, "batch_first": True},
        *([{"proj_size": 5}, {"proj_size": 17, "bidirectional": True}] if kind == "LSTM" else []),
        *([{"nonlinearity": "relu", "bidirectional": True}] if kind == "RNN" else []),
    )
]


def run_layer(layer: Any, x: Any, states: Any = None) -> list[Any]:
    """Results of a layer, and the gradients of everything that goes into it; ``x`` may be a packed sequence."""
    is_packed = hasattr(x, "batch_sizes")
    given = (x.data if is_packed else x).clone().requires_grad_()
    first = [s.clone().requires_grad_() for s in states or []]
    hx = None if not first else tuple(first) if len(first) == 2 else first[0]
    out, ends = layer(type(x)(given, *x[1:]) if is_packed else given, hx)
    out = out.data if is_packed else out
    ends = ends if isinstance(ends, tuple) else (ends,)
    total = (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)).sum()
    for i, end in enumerate(ends):
        total = total + (end * end).sum() * (i + 1)
    return [out, *ends, *torch.autograd.grad(total, [given, *first, *layer.parameters()])]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [1, 33, 48])
@pytest.mark.parametrize(("kind", "options"), RECURRENT, ids=str)
def test_recurrent_layers_are_those_of_numpy(both: Any, dtype: Any, width: int, kind: str, options: Any) -> None:
    if options.get("proj_size", 0) >= width:
        options = {**options, "proj_size": max(width // 2, 1)} if width > 1 else {}
    torch.manual_seed(1)
    layer = getattr(torch.nn, kind)(40, width, dtype=dtype, **options)
    (x,) = tensors(dtype, (6, 20, 40))
    compare(*both(lambda: run_layer(layer, x)), dtype)


@pytest.mark.parametrize("lengths", [[9, 7, 7, 4, 1], [3] * 9, [40], [2] + [1] * 30], ids=str)
@pytest.mark.parametrize(("kind", "options"), RECURRENT, ids=str)
def test_recurrent_layers_take_sequences_of_several_lengths_and_first_states(
    both: Any, kind: str, options: Any, lengths: list[int]
) -> None:
    torch.manual_seed(2)
    options = {k: v for k, v in options.items() if k != "batch_first"}
    layer = getattr(torch.nn, kind)(4, 19, dtype=torch.float64, **options)
    x, h, c = tensors(
        torch.float64,
        (max(lengths), len(lengths), 4),
        (layer.num_layers * (2 if layer.bidirectional else 1), len(lengths), layer.proj_size or 19),
        (layer.num_layers * (2 if layer.bidirectional else 1), len(lengths), 19),
    )
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
    compare(*both(lambda: run_layer(layer, packed, [h, c] if kind == "LSTM" else [h])), torch.float64)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_nan_and_infinity_reach_the_states_behind_them_only(both: Any, kind: str) -> None:
    layer = getattr(torch.nn, kind)(3, 5, dtype=torch.float64, **({"nonlinearity": "relu"} if kind == "RNN" else {}))
    (x,) = tensors(torch.float64, (4, 6, 3))
    x[1, 2], x[2, 4] = float("nan"), float("inf")

    def run() -> list[Any]:
        return [layer(x)[0].detach()]

    found, expected = both(run)
    compare(found, expected, torch.float64)
    assert found[0].isfinite()[:, [0, 1, 3, 5]].all()
    assert found[0][1:, 2].isnan().all()
    assert found[0][0].isfinite().all()


# The second one has so few sequences that threads share the columns of a step, and panels of every width.
@pytest.mark.parametrize(("width", "batch"), [(96, 50), (491, 6)])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers_have_the_same_bits_for_any_number_of_threads_and_sequences(
    native: Any, monkeypatch: Any, kind: str, width: int, batch: int
) -> None:
    for holder in (networks, products):
        monkeypatch.setattr(holder, "_native", native)
    layer, (x,) = getattr(torch.nn, kind)(64, width), tensors(torch.float32, (12, batch, 64))
    before, found = native.get_num_threads(), set()
    try:
        for count in (1, 2, 3, 4):
            native.set_num_threads(count)
            found.add(b"".join(t.detach().numpy().tobytes() for t in run_layer(layer, x)))
            part = layer(x[:, 2 : batch - 2])[0]
            assert torch.equal(part, layer(x)[0][:, 2 : batch - 2])
    finally:
        native.set_num_threads(before)
    assert len(found) == 1


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_cells_are_those_of_numpy(both: Any, kind: str) -> None:
    cell = getattr(torch.nn, kind + "Cell")(7, 20, dtype=torch.float64)
    x, h, c = tensors(torch.float64, (30, 7), (30, 20), (30, 20))

    def run() -> list[Any]:
        given = [t.clone().requires_grad_() for t in (x, h)]
        found = cell(given[0], (given[1], c) if kind == "LSTM" else given[1])
        first = found[0] if kind == "LSTM" else found
        return [first, *torch.autograd.grad(first.sin().sum(), [*given, *cell.parameters()])]

    compare(*both(run), torch.float64)
