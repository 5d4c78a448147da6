"""Packed and padded sequences, compared with torch."""

from __future__ import annotations

import copy
import pickle
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tests.nn.programs import said

TEXTS = [
    *["p", "q", "p._fields", "len(p)", "p[0]", "isinstance(p, tuple)", "p.is_cuda", "p.is_pinned()"],
    *[
        "p.double().data.dtype",
        "p.half().data.dtype",
        "p.long()",
        "p.int().data.dtype",
        "p.cpu() is p",
        "p.to('cpu') is p",
    ],
    *["p.to(T.float64).data.dtype", "p.to(T.float32) is p"],
    *["R.pack_padded_sequence(x, [4, 2, 1])", "R.pack_padded_sequence(x, [2, 4, 1], enforce_sorted=False)"],
    *["R.pack_padded_sequence(x, T.tensor([4, 2, 1]))", "R.pack_padded_sequence(x, T.tensor([4.0, 2, 1]))"],
    "R.pack_padded_sequence(x.transpose(0, 1), [3, 4, 4], True, False)",
    *["R.pack_padded_sequence(x, [3, 2, 1]).data.shape", "R.pack_padded_sequence(T.ones(4, 1), [4])"],
    *["R.pad_packed_sequence(p)", "R.pad_packed_sequence(p, batch_first=True, padding_value=-1.0)"],
    *["R.pad_packed_sequence(q, total_length=6)", "R.pad_sequence(a)", "R.pad_sequence(a, True, -1.0)"],
    *["R.pad_sequence(a, batch_first=True, padding_side='left')", "R.pad_sequence(x).shape", "R.pad_sequence(iter(a))"],
    *["R.pad_sequence([T.ones(2, 3), T.ones(3)])", "R.pad_sequence([T.ones(2), T.ones(3).double()])"],
    "R.pad_sequence([T.ones(2).int(), T.ones(3).int()], padding_value=2.5)",
    *["R.pad_sequence([T.ones(0), T.ones(2)])", "R.unpad_sequence(R.pad_sequence(a), T.tensor([3, 2, 4]))"],
    *["R.unpad_sequence(R.pad_sequence(a, True), T.tensor([3, 2, 4]), True)", "R.unpack_sequence(p)"],
    *["R.invert_permutation(T.tensor([2, 0, 1]))", "R.invert_permutation(None)"],
    *[
        "R.PackedSequence(T.ones(3), T.tensor([2, 1]))",
        "R.PackedSequence(T.ones(3), T.tensor([2, 1]), T.tensor([1, 0]))",
    ],
    *[
        "R.PackedSequence((T.ones(3), T.tensor([2, 1])))",
        "R.PackedSequence(T.ones(3), T.tensor([2, 1]), None, T.ones(2))",
    ],
]
REFUSED = [
    *["R.pack_padded_sequence(x, [2, 4, 1])", "R.pack_padded_sequence(x, T.tensor([4, 2, 1]), batch_first=True)"],
    *["R.pack_padded_sequence(x, [4, 2])", "R.pack_padded_sequence(x, [4, 2, 0])", "R.pack_padded_sequence(x, [])"],
    *["R.pack_padded_sequence(T.ones(4), [4])", "R.pack_padded_sequence(T.ones(0, 3, 2), [0, 0, 0])"],
    *["R.pack_padded_sequence(x, T.tensor([[4, 2, 1]]))", "R.pack_padded_sequence(x, 4)", "R.pack_sequence(a)"],
    *["R.pad_packed_sequence(q, total_length=2)", "R.pad_packed_sequence(x)", "R.pad_sequence(a, padding_side='x')"],
    *["R.pad_sequence([])", "R.pad_sequence([1, 2])", "R.pad_sequence(5)", "R.pack_sequence([])"],
    *[
        "R.pad_sequence([T.ones(2, 3), T.ones(3, 2)])",
        "R.PackedSequence(T.ones(3), [2, 1])",
        "R.PackedSequence(T.ones(3))",
    ],
]


def evaluate(torch: Any, text: str) -> Any:
    """Run an expression with the names of a package."""
    rnn = import_module(f"{torch.__name__}.nn.utils.rnn")
    a = [torch.arange(3.0), torch.arange(2.0) + 10, torch.arange(4.0) + 20]
    names = {"T": torch, "R": rnn, "a": a, "x": torch.arange(24.0).view(4, 3, 2)}
    p, q = rnn.pack_sequence(a, enforce_sorted=False), rnn.pack_sequence(sorted(a, key=len, reverse=True))
    return eval(text, names | {"p": p, "q": q})


@pytest.mark.parametrize("text", TEXTS)
def test_an_expression_gives_what_it_gives_in_torch(text: str, package: Any, oracle: Any) -> None:
    ours, theirs = [said(lambda t=t: evaluate(t, text)) for t in (package, oracle)]
    assert theirs.startswith("no error")
    assert ours.replace("wengert", "torch") == theirs


@pytest.mark.parametrize("text", REFUSED)
def test_a_mistake_is_refused_as_in_torch(text: str, package: Any, oracle: Any) -> None:
    ours, theirs = [said(lambda t=t: evaluate(t, text)) for t in (package, oracle)]
    assert not theirs.startswith("no error")
    assert ours == theirs


@pytest.mark.parametrize("batch_first", [False, True])
def test_gradients_pass_through_packing_and_padding_as_in_torch(batch_first: bool, package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        rnn = import_module(f"{torch.__name__}.nn.utils.rnn")
        rows = [torch.arange(2.0 * n).reshape(n, 2).requires_grad_() for n in (2, 4, 1)]
        padded = rnn.pad_sequence(rows, batch_first)
        packed = rnn.pack_padded_sequence(padded, [2, 4, 1], batch_first, enforce_sorted=False)
        out, lengths = rnn.pad_packed_sequence(packed, batch_first, 7.0, 5)
        (out * torch.arange(float(out.numel())).reshape(out.shape)).sum().backward()
        found.append([lengths.tolist(), out.tolist(), *[row.grad.tolist() for row in rows]])
    assert found[0] == found[1]


def test_a_copied_or_pickled_packed_sequence_is_one(package: Any) -> None:
    p = evaluate(package, "p")
    for other in (copy.deepcopy(p), pickle.loads(pickle.dumps(p)), copy.copy(p)):
        assert repr(other) == repr(p)
        assert type(other) is type(p)


def test_layers_on_packed_sequences_see_no_padding(package: Any) -> None:
    layer, rnn = package.nn.GRU(2, 3, bidirectional=True), package.nn.utils.rnn
    rows = [package.randn(n, 2) for n in (3, 5, 1)]
    out, hidden = layer(rnn.pack_sequence(rows, enforce_sorted=False))
    for i, (row, got) in enumerate(zip(rows, rnn.unpack_sequence(out), strict=True)):
        alone, last = layer(row)
        np.testing.assert_allclose(got.detach().numpy(), alone.detach().numpy(), atol=1e-6)
        np.testing.assert_allclose(hidden[:, i].detach().numpy(), last.detach().numpy(), atol=1e-6)
