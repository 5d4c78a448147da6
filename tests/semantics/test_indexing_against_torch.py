"""Random index expressions, read and written, do what torch does: values, gradients twice, nodes, exceptions."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import wengert

SHAPES = [(), (4,), (4, 3), (3, 4, 2), (2, 3, 4, 2), (0, 3), (1, 5)]
GRIDS = [(3,), (2, 1), (1, 3), (2, 3), (1,), ()]
PROGRAMS = 25


class Expression:
    """Writes one random index for a shape, as program text over ``t`` (the package) and ``np``."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
        self.rng = rng
        self.left = list(shape)
        self.ellipsis = False

    def choose(self, options: list[Any]) -> Any:
        """One of several."""
        return options[self.rng.integers(len(options))]

    def text(self) -> str:
        """The whole index."""
        parts = [self.part() for _ in range(self.rng.integers(1, 5))]
        if len(parts) == 1 and parts[0] not in ("[]",) and not parts[0].startswith("[["):
            return parts[0]
        return ", ".join(parts) + ("," if len(parts) == 1 else "")

    def part(self) -> str:
        """One part; it uses up the dimension (or dimensions) it stands for."""
        kinds = ["none", "flag"] if self.ellipsis else ["none", "flag", "ellipsis"]
        if len(self.left) > 0:
            kinds += ["mask", "mask2"]
        if len(self.left) > 0 or self.rng.random() < 0.05:  # now and then one index too many
            kinds += ["int", "slice", "slice", "indices", "indices", "number", "zero-d"]
        kind = self.choose(kinds)
        if kind == "none":
            return "None"
        if kind == "flag":
            return self.choose(["True", "False", "t.tensor(True)"]) if self.rng.random() < 0.3 else "None"
        if kind == "ellipsis":
            self.ellipsis = True
            self.left = self.left[1:]
            return "..."
        if kind == "mask2" and len(self.left) > 1:
            m, n = self.left.pop(0), self.left.pop(0)
            return f"t.tensor({(self.rng.random((m, n)) < 0.5).tolist()}, dtype=t.bool).reshape({m}, {n})"
        n = self.left.pop(0) if self.left else 1
        if kind in ("mask", "mask2"):
            mask = (self.rng.random(n) < 0.5).tolist()
            return self.choose([f"t.tensor({mask}, dtype=t.bool)", f"np.array({mask}, dtype=bool)"])
        return self.one_dimension(kind, n)

    def one_dimension(self, kind: str, n: int) -> str:
        """A part for a dimension of size n; now and then it is out of bounds."""
        top = n + 1 if self.rng.random() < 0.03 else max(n, 1)
        if kind == "int":
            return str(self.rng.integers(-max(n, 1), top))
        if kind == "number":
            return f"np.int64({self.rng.integers(0, top)})"
        if kind == "zero-d":
            return f"t.tensor({self.rng.integers(0, top)})"
        if kind == "slice":
            a, b = (self.choose(["", str(self.rng.integers(-n - 1, n + 2))]) for _ in range(2))
            return f"slice({a or None}, {b or None}, {self.choose([None, 1, 2, 3])})"
        grid = self.choose(GRIDS[:5])
        index = self.rng.integers(-max(n, 1), top, grid).tolist()
        forms = ["t.tensor({})", "t.tensor({}, dtype=t.int32)", "np.array({})", "{}"]
        return str(self.choose(forms)).format(index)


def chain(tensor: Any) -> list[str]:
    """Names of the nodes from a tensor along the first edges."""
    names = []
    node = tensor.grad_fn
    while node is not None:
        names.append(node.name())
        node = node.next_functions[0][0] if node.next_functions else None
    return names


def values(tensor: Any) -> Any:
    """Values of a tensor; None stays None."""
    return None if tensor is None else np.array(tensor.detach().numpy())


def outcome(function: Any, *arguments: Any) -> Any:
    """What a program gives: a list of values and names, or the class of its exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return function(*arguments)
        except Exception as error:
            return [type(error).__name__]


def run(package: Any, code: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run program text over the package."""
    space = {"t": package, "np": np, **names}
    exec(code, space)
    return space


def read(package: Any, index: str, array: Any, weight: Any) -> list[Any]:
    """Index a leaf; value, nodes, gradient, and the gradient of that."""
    x = package.from_numpy(array.copy()).requires_grad_()
    out = run(package, f"out = x[{index}]", {"x": x})["out"]
    w = package.from_numpy(np.resize(weight, tuple(out.shape)))
    found = [tuple(out.shape), values(out), chain(out), out._is_view()]
    (g,) = package.autograd.grad((out * out * out * w).sum(), x, create_graph=True)
    (second,) = package.autograd.grad((g * g).sum(), x)
    return [*found, values(g), values(second)]


def write(package: Any, index: str, array: Any, value: Any, weight: Any) -> list[Any]:
    """Assign to an index of a computed tensor; its value and nodes, the gradients of the old value and the new."""
    x = package.from_numpy(array.copy()).requires_grad_()
    v: Any = value if isinstance(value, float) else package.from_numpy(value.copy()).requires_grad_()
    y = x * 1
    run(package, f"y[{index}] = v", {"y": y, "v": v})
    found = [values(y), chain(y), y._version]
    inputs = [x] if isinstance(v, float) else [x, v]
    grads = package.autograd.grad((y * package.from_numpy(weight)).sum(), inputs, allow_unused=True)
    return [*found, *[values(g) for g in grads]]


def difference(expected: list[Any], got: list[Any]) -> str:
    """What differs between two outcomes; empty when nothing does."""
    if len(expected) != len(got):
        return f"expected {str(expected)[:200]}, got {str(got)[:200]}"
    for a, b in zip(expected, got, strict=True):
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            if a.shape != b.shape or not np.allclose(a, b, rtol=1e-12, atol=1e-12):
                return f"expected {a.tolist()}, got {b.tolist()}"
        elif a is not b and a != b:
            return f"expected {a}, got {b}"
    return ""


def value_for(rng: np.random.Generator, index: str, array: Any) -> Any:
    """A number, a 0-d tensor, or a tensor that broadcasts to the indexed places."""
    numbered = {"x": torch.arange(array.size).reshape(array.shape)}
    places = outcome(lambda: run(torch, f"out = x[{index}]", numbered)["out"])
    if isinstance(places, list) or rng.random() < 0.3:
        return 2.5 if rng.random() < 0.5 else np.array(1.5)
    shape = [1 if rng.random() < 0.2 else n for n in places.shape]
    repeated = len(set(places.reshape(-1).tolist())) < places.numel()
    if repeated:  # which value stays is not defined
        return np.array(1.5)
    if rng.random() < 0.2:
        shape = [1, *shape]
    if rng.random() < 0.05:
        shape = [*shape, 2]
    return rng.normal(size=shape)


@pytest.mark.parametrize("seed", range(24))
def test_random_reads_do_what_torch_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(PROGRAMS):
        shape = SHAPES[rng.integers(len(SHAPES))]
        index = Expression(rng, shape).text()
        array, weight = rng.normal(size=shape), rng.normal(size=7)
        expected = outcome(read, torch, index, array, weight)
        got = outcome(read, wengert, index, array, weight)
        assert not difference(expected, got), f"x[{index}] of shape {shape}"


@pytest.mark.parametrize("seed", range(24))
def test_random_writes_do_what_torch_does(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    for _ in range(PROGRAMS):
        shape = SHAPES[rng.integers(len(SHAPES))]
        index = Expression(rng, shape).text()
        array, weight = rng.normal(size=shape), rng.normal(size=shape)
        value = value_for(rng, index, array)
        expected = outcome(write, torch, index, array, value, np.asarray(weight))
        got = outcome(write, wengert, index, array, value, np.asarray(weight))
        size = () if isinstance(value, float) else value.shape
        assert not difference(expected, got), f"x[{index}] = v, shapes {shape} and {size}"


ERRORS = [
    "x[4]", "x[-5]", "x[:, 5]", "x[0, 5]", "x[[5]]", "x[[-5]]", "x[0, 0, 0]", "x[[0], [0], [0]]", "x[::-1]",
    "x[0:2:0]", "x[1.5]", "x[{}]", "x['a']", "x[0, 'a']", "x[1.5:]", "x[t.tensor(1.)]", "x[t.tensor([1.])]",
    "x[t.tensor([1], dtype=t.int8)]", "x[[0, 1], [0, 1, 2]]", "x[t.ones(3, dtype=t.bool)]",
    "x[:, t.ones(4, dtype=t.bool)]", "x[t.ones(4, 2, dtype=t.bool)]", "x[t.ones(4, 3, 1, dtype=t.bool)]",
    "x[t.tensor(7)]", "s[0]", "s[:]", "s[0, 0]", "s[..., 0]", "s[[0]]", "s[t.tensor(0)]", "y.__setitem__(5, 1)",
    "y.__setitem__([5], 1)", "y.__setitem__(0, [1, 2, 3])", "y.__setitem__(0, 'a')", "y.__setitem__(0, None)",
    "y.__setitem__(0, t.ones(2))", "y.__setitem__(0, t.ones(2, 3))", "y.__setitem__(0, 1j)",
    "y.__setitem__([0, 2], t.ones(3, 3))", "y.__setitem__([0, 2], t.ones(3, dtype=t.float64))",
    "y.__setitem__(y > 5, t.ones(3))", "y.__setitem__(slice(1, None), y[:-1])",
    "y.__setitem__(t.tensor([0, 1]), y[:2])", "x.__setitem__(0, 1)", "x.__setitem__([0], 1)",
    "y.index_put((t.tensor([0]),) * 3, t.ones(1))", "y.index_put(t.tensor([0]), t.ones(3))",
]  # fmt: skip


@pytest.mark.parametrize("code", ERRORS)
def test_error_has_the_class_and_the_first_line_of_torch(code: str) -> None:
    def message(package: Any) -> tuple[str, str]:
        x = package.arange(12.0).reshape(4, 3).requires_grad_()
        with pytest.raises(Exception) as caught:
            run(package, code, {"x": x, "y": x * 1, "s": package.ones(())})
        return type(caught.value).__name__, str(caught.value).split("\n")[0]

    assert message(wengert) == message(torch)


def test_out_of_bounds_index_tensor_names_the_dimension_it_indexes() -> None:
    with pytest.raises(IndexError, match="index 3 is out of bounds for dimension 1 with size 3"):
        wengert.ones(4, 3)[:, [3]]


def test_list_of_lists_counts_as_a_tuple_with_a_warning() -> None:
    x = wengert.arange(12.0).reshape(4, 3)
    with pytest.warns(UserWarning, match="non-tuple sequence"):
        assert x[[[0, 1], [2, 0]]].tolist() == [2.0, 3.0]


def test_byte_tensor_is_a_mask_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="torch.uint8 is now deprecated"):
        assert wengert.arange(3.0)[wengert.tensor([1, 0, 1], dtype=wengert.uint8)].tolist() == [0.0, 2.0]


def test_writing_to_an_index_tensor_after_indexing_trips_the_version_check() -> None:
    x = wengert.ones(2, requires_grad=True)
    i = wengert.tensor([0, 1])
    y = x[i]
    i.fill_(1)
    with pytest.raises(RuntimeError, match=re.escape("[torch.LongTensor [2]] is at version 1; expected version 0")):
        y.sum().backward()


def test_index_node_shows_its_indices_and_the_size_of_its_input() -> None:
    x = wengert.ones(4, 3, requires_grad=True)
    fn = x[:, [0, 2]].grad_fn
    assert fn._saved_self_sym_sizes == (4, 3)
    assert fn._saved_indices[0] is None
    assert fn._saved_indices[1].tolist() == [0, 2]


def test_gradient_of_indexing_with_history_has_pytorchs_node() -> None:
    x = wengert.ones(4, requires_grad=True)
    seed = wengert.ones(2, requires_grad=True)
    (g,) = wengert.autograd.grad(x[[0, 0]], x, seed, create_graph=True)
    assert g.grad_fn.name() == "IndexPutImplBackward0"


def test_last_of_several_values_for_one_place_stays_and_each_gets_its_gradient() -> None:
    x = wengert.zeros(3)
    v = wengert.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 1]] = v
    x.sum().backward()
    assert x.tolist() == [2.0, 3.0, 0.0]
    assert v.grad.tolist() == [1.0, 1.0, 1.0]


def test_array_and_numpy_scalar_on_the_right_take_the_dtype_of_the_tensor() -> None:
    x = wengert.zeros(2, 3)
    x[0] = np.arange(3)
    x[1, [0, 2]] = np.float64(7)
    assert x.dtype is wengert.float32
    assert x.tolist() == [[0.0, 1.0, 2.0], [7.0, 0.0, 7.0]]


def test_basic_index_shares_memory_and_index_tensor_copies() -> None:
    x = wengert.zeros(4)
    x[1:3].fill_(1)
    x[[0, 3]].fill_(9)
    assert x.tolist() == [0.0, 1.0, 1.0, 0.0]


def test_gradient_of_many_repeated_wide_rows_is_their_sum() -> None:
    rng = np.random.default_rng(5)
    table = wengert.zeros(50, 40, dtype=wengert.float64, requires_grad=True)
    index = rng.integers(0, 50, 3000)
    rows = rng.normal(size=(3000, 40))
    (table[wengert.from_numpy(index)] * wengert.from_numpy(rows)).sum().backward()
    expected = np.zeros((50, 40))
    np.add.at(expected, index, rows)
    assert np.allclose(table.grad.numpy(), expected, rtol=1e-12)


def test_tangent_of_a_written_view_is_seen_through_its_base() -> None:
    from wengert.autograd import forward_ad

    with forward_ad.dual_level():
        dual = forward_ad.make_dual(wengert.ones(3), wengert.tensor([1.0, 2.0, 3.0]))
        y = wengert.zeros(2, 3)
        y[0] = dual
        tangent = forward_ad.unpack_dual(y).tangent
        assert tangent.tolist() == [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]
