"""Attention and the steps of an LSTM: kernels beside the operators' NumPy code."""

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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "options", [{}, {"bidirectional": True, "num_layers": 2}, {"proj_size": 5}, {"bias": False}], ids=str
)
def test_lstm_steps_are_those_of_numpy(both: Any, dtype: Any, options: Any) -> None:
    torch.manual_seed(1)
    layer = torch.nn.LSTM(40, 33, dtype=dtype, **options)
    (x,) = tensors(dtype, (6, 20, 40))

    def run() -> list[Any]:
        given = x.clone().requires_grad_()
        out, (h, c) = layer(given)
        total = (out * torch.linspace(-1, 1, out.numel(), dtype=dtype).view(out.shape)).sum() + (h.sum() * c.sum())
        return [out, h, c, *torch.autograd.grad(total, [given, *layer.parameters()])]

    compare(*both(run), dtype)


def test_lstm_steps_of_sequences_of_several_lengths(both: Any) -> None:
    layer = torch.nn.LSTM(4, 3, dtype=torch.float64)
    (x,) = tensors(torch.float64, (5, 3, 4))

    def run() -> list[Any]:
        given = x.clone().requires_grad_()
        packed = torch.nn.utils.rnn.pack_padded_sequence(given, [5, 3, 2])
        out, (h, c) = layer(packed)
        return [out.data, h, c, *torch.autograd.grad((out.data**2).sum() + c.sum(), [given, *layer.parameters()])]

    compare(*both(run), torch.float64)
