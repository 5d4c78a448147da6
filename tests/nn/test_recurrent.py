"""Recurrent networks beyond single layers: functional forms, packed sequences, higher derivatives, refusals."""

from __future__ import annotations

import copy
import pickle
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tests.nn.programs import said, warned

KINDS = ("lstm", "gru", "rnn_tanh", "rnn_relu")
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
SIZES = (4, 3, 3, 1)

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


class Net:
    """One call of a functional form in a package: two layers, inputs of 3 features, states of 4."""

    def __init__(self, torch: Any, kind: str, packed: bool, bias: bool, proj: int = 0, directions: int = 2) -> None:
        self.torch, self.kind, self.packed, self.bias, self.directions = torch, kind, packed, bias, directions
        rng = np.random.default_rng(2)

        def leaf(*shape: int) -> Any:
            return torch.from_numpy(rng.normal(size=shape) / 2).requires_grad_()

        width, rows = proj or 4, 4 * GATES[kind]
        self.x = leaf(sum(SIZES), 3) if packed else leaf(4, 4, 3)
        self.h, self.c = leaf(2 * directions, 4, width), leaf(2 * directions, 4, 4)
        self.params: list[Any] = []
        for i in range(2 * directions):
            self.params += [leaf(rows, 3 if i < directions else directions * width), leaf(rows, width)]
            self.params += [leaf(rows), leaf(rows)] if bias else []
            self.params += [leaf(proj, 4)] if proj else []
        self.leaves = [self.x, self.h, *([self.c] if kind == "lstm" else []), *self.params]

    def __call__(self, x: Any, h: Any, *rest: Any) -> Any:
        states = h if self.kind != "lstm" else (h, rest[0])
        params = rest[1:] if self.kind == "lstm" else rest
        more = (states, params, self.bias, 2, 0.0, True, self.directions == 2)
        if self.packed:
            return getattr(self.torch, self.kind)(x, self.torch.tensor(SIZES), *more)
        return getattr(self.torch, self.kind)(x, *more, False)

    def gradients(self) -> list[np.ndarray]:
        """Results, and gradients of first and second order."""
        results = self(*self.leaves)
        loss = sum(((i + 1) * r.sin()).sum() for i, r in enumerate(results))
        first = self.torch.autograd.grad(loss, self.leaves, create_graph=True)
        second = self.torch.autograd.grad(sum((g**2).sum() for g in first), self.leaves)
        return [t.detach().numpy() for t in (*results, *first, *second)]


@pytest.mark.parametrize("packed", [False, True], ids=["even", "packed"])
@pytest.mark.parametrize("bias", [True, False], ids=["biases", "no-biases"])
@pytest.mark.parametrize("kind", [*KINDS, "projected"])
def test_functional_forms_have_the_values_and_both_derivatives_of_torch(
    kind: str, bias: bool, packed: bool, package: Any, oracle: Any
) -> None:
    name, proj = ("lstm", 2) if kind == "projected" else (kind, 0)
    ours, theirs = [Net(torch, name, packed, bias, proj).gradients() for torch in (package, oracle)]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * max(1, np.abs(b).max()))


@pytest.mark.parametrize("kind", KINDS)
def test_forward_mode_agrees_with_reverse_mode(kind: str, package: Any) -> None:
    net = Net(package, kind, True, True)
    tangents = [package.ones_like(t) / 3 for t in net.leaves]
    results, changes = package.func.jvp(net, tuple(t.detach() for t in net.leaves), tuple(tangents))
    grads = package.autograd.grad(sum(r.sum() for r in net(*net.leaves)), net.leaves)
    expected = sum((g * t).sum() for g, t in zip(grads, tangents, strict=True))
    np.testing.assert_allclose(sum(c.sum() for c in changes).item(), expected.item(), rtol=1e-10)
    np.testing.assert_allclose(results[0].numpy(), net(*net.leaves)[0].detach().numpy(), atol=1e-14)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("kind", ["GRU", "LSTM", "RNN"])
def test_gradients_for_each_sample_agree_with_a_loop(kind: str, package: Any) -> None:
    layer = getattr(package.nn, kind)(3, 2)
    params, x = {k: p.detach() for k, p in layer.named_parameters()}, package.randn(4, 5, 3)

    def loss(params: Any, row: Any) -> Any:
        return package.func.functional_call(layer, params, (row,))[0].sin().sum()

    each = package.func.vmap(package.func.grad(loss), (None, 0))(params, x)
    for i in range(4):
        for name, g in package.func.grad(loss)(params, x[i]).items():
            np.testing.assert_allclose(each[name][i].numpy(), g.numpy(), rtol=1e-5, atol=1e-6)


def test_a_layer_is_one_node(package: Any) -> None:
    out, (h, c) = package.nn.LSTM(3, 4)(package.ones(5, 2, 3))
    node = out.grad_fn.next_functions[0][0]
    assert node.name() == "LstmLayerBackward0"
    assert h.grad_fn.next_functions[0][0] is node
    assert c.grad_fn.next_functions[0][0] is node


def test_weights_changed_in_place_before_backward_are_noticed(package: Any) -> None:
    layer = package.nn.GRU(3, 4)
    out = layer(package.ones(5, 2, 3))[0].sum()
    with package.no_grad():
        layer.weight_hh_l0.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", ["GRU", "LSTM", "RNN"])
def test_results_may_be_overwritten(kind: str, both: bool, package: Any) -> None:
    layer, x = getattr(package.nn, kind)(3, 4, bidirectional=both), package.randn(5, 2, 3)
    found = []
    for inplace in (False, True):
        layer.zero_grad()
        out = package.nn.functional.relu(layer(x)[0], inplace=inplace)
        out.sum().backward()
        found.append(layer.weight_hh_l0.grad.numpy())
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("kind", ["float16", "complex128"])
def test_other_dtypes_are_computed_from_other_operators(kind: str, package: Any) -> None:
    dtype = getattr(package, kind)
    net = Net(package, "gru", False, True)
    wide = net(*net.leaves)[0].detach()
    got = net(*[t.detach().to(dtype) for t in net.leaves])[0]
    assert got.dtype == dtype
    np.testing.assert_allclose(got.to(package.complex128).numpy(), wide.numpy(), atol=5e-3)


@pytest.mark.parametrize("kind", ["lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"])
@pytest.mark.parametrize("biases", [0, 1, 2])
def test_cells_have_the_values_of_torch(kind: str, biases: int, package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        rows = 4 * GATES[kind.removesuffix("_cell")]
        x, h = [torch.arange(float(n)).reshape(2, -1).cos() for n in (6, 8)]
        w = [torch.arange(float(rows * n)).reshape(rows, n).sin() for n in (3, 4)]
        b = [torch.arange(float(rows)).cos()] * biases
        out = getattr(torch, kind)(x, (h, h + 1) if kind == "lstm_cell" else h, *w, *b)
        found.append(np.stack([t.numpy() for t in (out if isinstance(out, tuple) else (out,))]))
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_a_copied_or_pickled_layer_computes_the_same(package: Any) -> None:
    layer, x = package.nn.LSTM(3, 4, bidirectional=True), package.randn(5, 2, 3)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(other) == repr(layer)
        np.testing.assert_array_equal(other(x)[0].detach().numpy(), layer(x)[0].detach().numpy())
        assert other.weight_ih_l0 is not layer.weight_ih_l0


def test_parameters_are_listed_as_in_torch(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        layer = torch.nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
        layer.flatten_parameters()
        x = torch.ones(5, 2, 3)
        shapes = [[tuple(w.shape) for w in group] for group in layer.all_weights]
        sizes = (layer.get_expected_hidden_size(x, None), layer.get_expected_cell_size(x, None))
        found.append([shapes, layer._flat_weights_names, layer.mode, [tuple(s) for s in sizes]])
    assert found[0] == found[1]


MADE = [
    *[
        "LSTM(3, 4, dropout=2.0)",
        "LSTM(3, 4, dropout=True)",
        "LSTM('a', 4)",
        "LSTM(3, 4.0)",
        "LSTM(3, 0)",
        "LSTM(0, 3)",
    ],
    *["LSTM(3, 4, 0)", "LSTM(3, 4, proj_size=4)", "LSTM(3, 4, proj_size=-1)", "GRU(3, 4, proj_size=1)", "LSTM()"],
    *["RNN(3, 4, proj_size=1)", "RNN(3, 4, nonlinearity='x')", "RNN(3, 4, 1, 'x')", "RNNBase('XX', 3, 4)", "RNN(3)"],
    "RNN(3, 4, foo=1)",
]
CALLED = [
    *["RNN(3, 4)(T.ones(5))", "LSTM(3, 4)(T.ones(5, 2, 3, 1))", "GRU(3, 4)(T.ones(3))", "LSTM(3, 4)(T.ones(5, 2, 2))"],
    "LSTM(3, 4)(T.ones(5, 2, 3), (T.ones(1, 3, 4), T.ones(1, 2, 4)))",
    "LSTM(3, 4)(T.ones(5, 2, 3), (T.ones(1, 2, 4), T.ones(1, 2, 3)))",
    "LSTM(3, 4)(T.ones(5, 2, 3), (T.ones(2, 4), T.ones(1, 2, 3)))",
    "LSTM(3, 4)(T.ones(5, 3), (T.ones(1, 2, 4), T.ones(1, 2, 3)))",
    "LSTM(3, 4)(T.ones(5, 2, 3), T.ones(1, 2, 4))",
    "LSTM(3, 4)(T.ones(2, 3), (T.ones(2, 4), T.ones(2, 4)))",
    *["GRU(3, 4)(T.ones(5, 2, 3), T.ones(2, 4))", "GRU(3, 4)(T.ones(5, 3), T.ones(1, 2, 4))", "LSTM(3, 4)([1, 2])"],
    *["GRU(3, 4)(T.ones(5, 2, 3), T.ones(1, 3, 4))", "GRU(3, 4)(T.ones(5, 2, 4))", "GRU(3, 4)(T.ones(0, 2, 3))"],
    *["RNN(3, 4)(T.ones(5, 2, 3), T.ones(2, 2, 4))", "LSTM(3, 4)(T.ones(0, 2, 3))", "LSTM(3, 4)(None)"],
    *["RNN(3, 4)(T.ones(5, 2, 3).double())", "LSTM(3, 4)(T.ones(5, 2, 3, dtype=T.int64))"],
    "GRU(3, 4)(R.pack_sequence([T.ones(3, 3), T.ones(2, 3)]), T.ones(2, 4))",
    "GRU(3, 4)(R.pack_sequence([T.ones(3, 2), T.ones(2, 2)]))",
    *["LSTMCell(3, 4)(T.ones(3, 3, 3))", "LSTMCell(3, 4)(T.ones(2, 2))", "GRUCell(3, 4)(T.ones(2, 2))"],
    "LSTMCell(3, 4)(T.ones(2, 3), (T.ones(3, 4), T.ones(2, 4)))",
    "LSTMCell(3, 4)(T.ones(2, 3), (T.ones(2, 4), T.ones(2, 3)))",
    "LSTMCell(3, 4)(T.ones(2, 3), (T.ones(2, 4), T.ones(1, 2, 4)))",
    "LSTMCell(3, 4)(T.ones(3), (T.ones(2, 4), T.ones(2, 4)))",
    *["GRUCell(3, 4)(T.ones(2, 3), T.ones(2, 3))", "GRUCell(3, 4)(T.ones(2, 3), T.ones(3, 4))"],
    *["GRUCell(3, 4)(T.ones(2, 3), T.ones(1, 3, 4))", "RNNCell(3, 4)(T.ones(1, 2, 3))"],
    "RNNCell(3, 4, nonlinearity='x')(T.ones(2, 3))",
]
FUNCTIONS = [
    "lstm(x, (h,), w, True, 1, 0.0, True, False, False)",
    "gru(x, h[0], g, True, 1, 0.0, True, False, False)",
    "gru(x, T.ones(1, 3, 4), g, True, 1, 0.0, True, False, False)",
    "lstm_cell(x[0], (h[0],), *w)",
    "lstm_cell(x[0], h[0], *w)",
    "lstm_cell(x[0], [T.ones(2, 5), h[0]], *w)",
    "rnn_relu_cell(x[0], T.ones(2, 5), T.ones(4, 3), T.ones(4, 4), T.ones(4))",
]


def evaluate(torch: Any, text: str) -> Any:
    """Run an expression with the names of a package."""
    weights = [(torch.ones(4 * n, 3), torch.ones(4 * n, 4), torch.ones(4 * n), torch.ones(4 * n)) for n in (4, 3)]
    names = {name: getattr(torch.nn, name) for name in ("RNNBase", "RNN", "LSTM", "GRU")}
    names |= {name: getattr(torch.nn, name) for name in ("RNNCell", "LSTMCell", "GRUCell")}
    names |= {"T": torch, "R": import_module(f"{torch.__name__}.nn.utils.rnn"), "w": weights[0], "g": weights[1]}
    return eval(text, names | {"x": torch.ones(5, 2, 3), "h": torch.ones(1, 2, 4)})


@pytest.mark.parametrize("text", [*MADE, *CALLED, *[f"T.{text}" for text in FUNCTIONS]])
def test_mistakes_are_refused_as_in_torch(text: str, package: Any, oracle: Any) -> None:
    ours, theirs = [said(lambda t=t: evaluate(t, text)) for t in (package, oracle)]
    assert not theirs.startswith("no error")
    assert ours == theirs


@pytest.mark.parametrize(
    "text",
    [
        "T.lstm(x, (T.ones(1, 3, 4), h), w, True, 1, 0.0, True, False, False)",
        "T.lstm(x, (h, T.ones(1, 1, 4)), w, True, 1, 0.0, True, False, False)",
        "T.lstm(x, (T.ones(2, 2, 4), h), w, True, 1, 0.0, True, False, False)",
        "T.lstm(x, (h, h), w[:3], True, 1, 0.0, True, False, False)",
        "T.gru(x[0], T.tensor([2, 2]), h, g, True, 1, 0.0, True, False)",
        "T.gru(x[0], T.tensor([0, 2]), h, g, True, 1, 0.0, True, False)",
        "T.gru(x, h.double(), g, True, 1, 0.0, True, False, False)",
        "LSTM(3, 4)(R.pack_sequence([T.ones(3, 3), T.ones(2, 3)]), (T.ones(2, 4), T.ones(2, 4)))",
        "R.pack_padded_sequence(x, [6, 1])",
    ],
)
def test_what_torch_computes_garbage_of_is_refused(text: str, package: Any) -> None:
    with pytest.raises(RuntimeError):
        evaluate(package, text)


def test_dropout_without_a_layer_to_drop_between_is_warned_of(package: Any, oracle: Any) -> None:
    found = [warned(lambda t=t: repr(t.nn.GRU(3, 4, dropout=0.5))) for t in (package, oracle)]
    assert found[0] == found[1]
