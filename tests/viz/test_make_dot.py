"""``wengert.viz`` draws what torchviz draws for the same PyTorch program, and what torchviz cannot draw."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import wengert
from wengert.viz import make_dot, to_dot_source

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # torchviz imports distutils
    import torchviz

pytestmark = pytest.mark.filterwarnings("ignore:distutils Version classes are deprecated:DeprecationWarning")

Package = Any  # torch or wengert
Program = Callable[[Package], tuple[Any, dict[str, Any]]]  # -> (what to draw, params)

PACKAGES = [pytest.param(torch, id="torch"), pytest.param(wengert, id="wengert")]
OPTIONS = [{}, {"show_attrs": True}, {"show_saved": True}, {"show_attrs": True, "show_saved": True}]
PROGRAMS: dict[str, Program] = {}


def program(function: Program) -> Program:
    PROGRAMS[function.__name__] = function
    return function


def leaf(package: Package, *size: int) -> Any:
    values = 1 + np.arange(np.prod(size), dtype=np.float32).reshape(size) / 4
    return package.tensor(values, requires_grad=True)


# Programs of the tutorials


@program
def mean_of_squares(package: Package) -> tuple[Any, dict[str, Any]]:
    x = package.ones(2, 2, requires_grad=True)
    y = x + 2
    z = y * y * 3
    return z.mean(), {"x": x}


@program
def ratio_then_sum_of_squares(package: Package) -> tuple[Any, dict[str, Any]]:
    a = leaf(package, 2, 2)
    b = (a * 3) / (a + 1)
    return (b * b).sum(), {}


@program
def doubling_until_large(package: Package) -> tuple[Any, dict[str, Any]]:
    x = leaf(package, 3)
    y = x * 2
    while y.data.norm() < 1000:
        y = y * 2
    return y.norm(), {"x": x}


@program
def one_element_of_a_matrix_product(package: Package) -> tuple[Any, dict[str, Any]]:
    a = leaf(package, 2, 2)
    return package.mm(a, a)[0, 0], {"A": a}


@program
def derivative_of_a_cube(package: Package) -> tuple[Any, dict[str, Any]]:
    x = package.tensor(2.0, requires_grad=True)
    return package.autograd.grad(x**3, x, create_graph=True)[0], {"x": x}


@program
def third_derivative_of_tanh(package: Package) -> tuple[Any, dict[str, Any]]:
    x = package.tensor(-2.0, requires_grad=True)
    y = package.tanh(x)
    for _ in range(2):
        y = package.autograd.grad(y, x, grad_outputs=package.ones_like(x), create_graph=True)[0]
    return y, {"x": x}


@program
def affine_layer(package: Package) -> tuple[Any, dict[str, Any]]:
    x, w, b = leaf(package, 5, 3), leaf(package, 3, 4), leaf(package, 4)
    return package.matmul(x, w) + b, {"x": x, "w": w, "b": b}


@program
def product_of_a_sum_and_a_square(package: Package) -> tuple[Any, dict[str, Any]]:
    x, y, z = leaf(package, 3, 5), leaf(package, 3, 5), leaf(package, 3, 5)
    m1, m2 = x + y, z**2
    m1.retain_grad()
    return m1 * m2, {"x": x, "y": y, "z": z}


@program
def detached_branch(package: Package) -> tuple[Any, dict[str, Any]]:
    x, z = leaf(package, 3), leaf(package, 3)
    return x.exp().detach() + z**2, {"x": x, "z": z}


@program
def gradient_penalty(package: Package) -> tuple[Any, dict[str, Any]]:
    w, point = leaf(package, 4, 1), leaf(package, 2, 4)
    score = package.tanh(package.mm(point, w))
    slope = package.autograd.grad(score, point, package.ones_like(score), create_graph=True)[0]
    return ((slope.norm(2, dim=1) - 1) ** 2).mean(), {"w": w}


# Shapes of graphs


@program
def leaf_alone(package: Package) -> tuple[Any, dict[str, Any]]:
    x = leaf(package, 2, 3)
    return x, {"x": x}


@program
def tensor_without_history(package: Package) -> tuple[Any, dict[str, Any]]:
    return package.zeros(3), {}


@program
def scalar_leaf_used_by_many_nodes(package: Package) -> tuple[Any, dict[str, Any]]:
    a, b = package.tensor(2.0, requires_grad=True), package.tensor(3.0, requires_grad=True)
    return a * b + a * a, {"a": a}


@program
def view_of_a_result(package: Package) -> tuple[Any, dict[str, Any]]:
    return (leaf(package, 3) * 2).view(3, 1), {}


@program
def view_of_a_view_of_a_leaf(package: Package) -> tuple[Any, dict[str, Any]]:
    return leaf(package, 2, 3).t().unsqueeze(0), {}


@program
def in_place_write_into_a_view(package: Package) -> tuple[Any, dict[str, Any]]:
    x = leaf(package, 4).clone()
    x[1:3].mul_(5)
    return x, {}


@program
def saved_result(package: Package) -> tuple[Any, dict[str, Any]]:
    return leaf(package, 3).exp().sigmoid(), {}


@program
def several_inputs_saved_at_once(package: Package) -> tuple[Any, dict[str, Any]]:
    a, b = leaf(package, 2), leaf(package, 2)
    return package.cat([a, b, a * b]).sum(), {"a": a}


@program
def indexing_with_a_tensor(package: Package) -> tuple[Any, dict[str, Any]]:
    return leaf(package, 4, 2)[package.tensor([0, 2])], {}


@program
def several_outputs_of_one_node(package: Package) -> tuple[Any, dict[str, Any]]:
    first, _, third = leaf(package, 3, 2).unbind(0)
    return first * third, {}


@program
def tuple_of_outputs(package: Package) -> tuple[Any, dict[str, Any]]:
    x = leaf(package, 3)
    y = x.tanh()
    return (y, y.sum(), x), {"x": x}


@program
def custom_function(package: Package) -> tuple[Any, dict[str, Any]]:
    class Scale(package.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, factor: Any) -> Any:
            ctx.save_for_backward(x, factor)
            return x * factor

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            x, factor = ctx.saved_tensors
            return grad_output * factor, (grad_output * x).sum().reshape(1)

    x, factor = leaf(package, 3), leaf(package, 1)
    return Scale.apply(x.exp(), factor), {"factor": factor}


# Through which operators a recorded gradient is computed is each package's own affair.
RECORDED_GRADIENTS = {"derivative_of_a_cube", "third_derivative_of_tanh", "gradient_penalty"}

# Equal Python numbers are one shared read-only tensor in wengert, hence one box; PyTorch makes a tensor for each.
EQUAL_NUMBERS = {"doubling_until_large"}

COMPARED = [(name, False) for name in PROGRAMS if name not in RECORDED_GRADIENTS]
COMPARED += [(name, True) for name, _ in COMPARED if name not in EQUAL_NUMBERS]


# Reading DOT text


def statements(body: list[str]) -> list[tuple[Any, ...]]:
    """The statements of a DOT body, names replaced by numbers in order of appearance: equal lists, equal pictures."""
    numbers: dict[str, int] = {}

    def number(name: str) -> int:
        return numbers.setdefault(name, len(numbers))

    result: list[tuple[Any, ...]] = []
    for text in body:
        match = re.fullmatch(r"\s*(\w+)(?: -> (\w+))?(?: \[(.*)\])?\s*", text, re.DOTALL)
        assert match is not None, text
        tail, head, attributes = match.groups()
        found = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', attributes or "")
        values = {key: value.strip('"').replace("\\n", "\n") for key, value in found}
        ends = (number(tail),) if head is None else (number(tail), number(head))
        result.append((*ends, tuple(sorted(values.items()))))
    return result


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", PROGRAMS)
def test_picture_of_torch_tensors_equals_torchviz(name: str, options: dict[str, bool]) -> None:
    var, params = PROGRAMS[name](torch)
    expected = torchviz.make_dot(var, params=params, **options)
    drawn = make_dot(var, params=params, **options)
    assert statements(drawn.body) == statements(expected.body)
    assert drawn.graph_attr == expected.graph_attr


# show_attrs is left out: beside the saved tensors PyTorch's nodes keep sizes and layouts for its own use.
@pytest.mark.parametrize(("name", "show_saved"), COMPARED)
def test_same_program_has_the_same_picture_as_in_torch(name: str, show_saved: bool) -> None:
    oracle, oracle_params = PROGRAMS[name](torch)
    var, params = PROGRAMS[name](wengert)
    expected = torchviz.make_dot(oracle, params=oracle_params, show_saved=show_saved)
    assert statements(make_dot(var, params, show_saved=show_saved).body) == statements(expected.body)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", PROGRAMS)
def test_unmodified_torchviz_draws_our_tensors_alike(
    name: str, options: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_place_of_torch = SimpleNamespace(__version__=torch.__version__, is_tensor=is_our_tensor)
    monkeypatch.setattr(torchviz.dot, "torch", in_place_of_torch)
    monkeypatch.setattr(torchviz.dot, "Variable", wengert.Tensor)
    var, params = PROGRAMS[name](wengert)
    drawn = make_dot(var, params=params, **options)
    assert statements(drawn.body) == statements(torchviz.make_dot(var, params=params, **options).body)


def is_our_tensor(value: object) -> bool:
    return isinstance(value, wengert.Tensor)


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_dot_text_equals_the_source_of_the_digraph(name: str, package: Package) -> None:
    var, params = PROGRAMS[name](package)
    assert to_dot_source(var, params, show_attrs=True) == make_dot(var, params, show_attrs=True).source


@pytest.mark.parametrize("package", PACKAGES)
def test_same_program_gives_the_same_text(package: Package) -> None:
    texts = {to_dot_source(*gradient_penalty(package), show_attrs=True, show_saved=True) for _ in range(3)}
    assert len(texts) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_attribute_values_are_cut_to_max_attr_chars(package: Package) -> None:
    class Remember(package.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx._saved_text = "abcdefghijkl"
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            return grad_output * 2

    y = Remember.apply(leaf(package, 3))
    assert "text: abcdefghijkl" in to_dot_source(y, show_attrs=True)
    assert 'text: abcde..."' in to_dot_source(y, show_attrs=True, max_attr_chars=8)


@pytest.mark.parametrize("package", PACKAGES)
def test_freed_graph_is_drawn_without_its_saved_tensors(package: Package) -> None:
    x = leaf(package, 3)
    y = (x.exp() * x).sum()
    y.backward()
    source = to_dot_source(y, show_attrs=True, show_saved=True)
    assert "other : [freed]" in source or "other: [freed]" in source
    assert "ExpBackward0" in source
    assert "orange" not in source


@pytest.mark.parametrize("package", PACKAGES)
def test_freed_custom_function_is_drawn_without_its_saved_tensors(package: Package) -> None:
    var, params = custom_function(package)
    assert to_dot_source(var, params).count("orange") == 2
    var.sum().backward()
    assert "orange" not in to_dot_source(var, params)


@pytest.mark.parametrize("package", PACKAGES)
def test_saved_tensor_that_was_modified_in_place_is_marked(package: Package) -> None:
    y = leaf(package, 3) * 2
    z = y.exp()
    z.add_(1)
    node = z.grad_fn.next_functions[0][0]
    assert node.name() == "ExpBackward0"
    assert "result: [modified in place]" in to_dot_source(z, show_attrs=True, show_saved=True)


# PyTorch itself crashes when a chain of more than some 50,000 nodes is freed after Python has looked at every node.
DEPTHS = [pytest.param(torch, 10_000, id="torch"), pytest.param(wengert, 100_000, id="wengert")]


@pytest.mark.parametrize(("package", "depth"), DEPTHS)
def test_deep_graph_is_drawn_without_recursion(package: Package, depth: int) -> None:
    y = x = leaf(package, 1)
    for _ in range(depth):
        y = y + 1
    source = to_dot_source(y, {"x": x})
    assert source.count("AddBackward0") == depth
    assert source.count(" -> ") == depth + 2


@pytest.mark.parametrize("package", PACKAGES)
def test_drawing_changes_nothing(package: Package) -> None:
    x = leaf(package, 3)
    y = (x.tanh() * x).sum()
    to_dot_source(y, show_attrs=True, show_saved=True)
    y.backward()
    assert package.allclose(x.grad, x.tanh() + x * (1 - x.tanh() ** 2))


@pytest.mark.parametrize("package", PACKAGES)
def test_none_among_the_saved_tensors_of_a_custom_function_is_left_out(package: Package) -> None:
    class Keep(package.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(None, x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            return grad_output * 2

    assert to_dot_source(Keep.apply(leaf(package, 3))).count("orange") == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_quotes_and_backslashes_in_names_are_escaped(package: Package) -> None:
    x = leaf(package, 1)
    source = to_dot_source(x * 2, {'say "w\\n"': x})
    assert r'[label="say \"w\\n\"\n (1)" fillcolor=lightblue]' in source


def test_var_that_is_no_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match=r"argument 'var' must be Tensor or tuple of Tensors, not int"):
        to_dot_source(3)  # type: ignore[arg-type]


def test_params_that_hold_no_tensor_are_refused() -> None:
    with pytest.raises(TypeError, match=r"params\['w'\] must be Tensor, not float"):
        to_dot_source(wengert.zeros(3), {"w": 1.0})  # type: ignore[dict-item]


def test_missing_graphviz_package_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=re.escape('pip install "wengert[viz]"')):
        make_dot(wengert.zeros(3))
    assert to_dot_source(wengert.zeros(3)).startswith("digraph {")


def test_viz_is_imported_on_first_use_only() -> None:
    code = (
        "import sys, wengert\n"
        "assert 'wengert.viz' not in sys.modules\n"
        "wengert.viz.make_dot\n"
        "assert 'graphviz' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_torchviz_is_found_and_draws_when_wengert_stands_in_for_torch() -> None:
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import wengert; wengert.install_torch()\n"
        "import torchviz\n"
        "from wengert.viz import make_dot\n"
        "x = wengert.ones(3, requires_grad=True)\n"
        "y = (x.tanh() * x).view(3, 1).sum()\n"
        "ours, theirs = (f(y, {'x': x}, show_attrs=True, show_saved=True) for f in (make_dot, torchviz.make_dot))\n"
        "assert len(ours.body) == len(theirs.body) > 10, (ours.source, theirs.source)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_the_documented_ones() -> None:
    assert sorted(importlib.import_module("wengert.viz").__all__) == ["make_dot", "to_dot_source"]
