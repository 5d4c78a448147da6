"""Which torch names a program uses is read from its imports and chains of attributes."""

from __future__ import annotations

import pytest

from wengert.interop.torch_names import find_uses, first_missing, out_of_scope


def names(source: str) -> list[str]:
    return [use.name for use in find_uses(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch\ntorch.ones(2)", ["torch.ones"]),
        ("import torch as t\nt.nn.Linear(1, 1)", ["torch.nn.Linear"]),
        ("import torch.nn\ntorch.nn.ReLU()", ["torch.nn", "torch.nn.ReLU"]),
        ("import torch.nn.functional as F\nF.relu", ["torch.nn.functional", "torch.nn.functional.relu"]),
        ("from torch import nn as layers\nlayers.Linear", ["torch.nn", "torch.nn.Linear"]),
        ("from torch.optim import Adam\nAdam.step", ["torch.optim.Adam", "torch.optim.Adam.step"]),
        ("from torch.nn import *", ["torch.nn"]),
        ("import torch\nF = torch.nn.functional\nF.relu", ["torch.nn.functional", "torch.nn.functional.relu"]),
    ],
)
def test_a_name_is_found_through_every_form_of_import(source: str, expected: list[str]) -> None:
    assert names(source) == expected


def test_methods_of_results_are_not_guessed() -> None:
    assert names("import torch\ny = torch.ones(2).cos().foo\ny.bar()") == ["torch.ones"]


def test_a_parameter_hides_an_import_of_the_same_name() -> None:
    assert names("import torch\ndef f(torch):\n    return torch.ones(2)") == []


def test_a_comprehension_variable_hides_an_import_inside_it_only() -> None:
    assert names("from torch import nn\n[nn.x for nn in range(3)]\nnn.Linear") == ["torch.nn", "torch.nn.Linear"]


def test_an_import_in_a_function_is_known_there_only() -> None:
    source = "def f():\n    import torch as t\n    return t.ones\nt.zeros"
    assert names(source) == ["torch.ones"]


def test_a_name_with_two_meanings_is_not_decided() -> None:
    assert names("import torch\nF = torch.nn\nF = 3\nF.real") == ["torch.nn"]


def test_an_import_with_a_fallback_is_an_import() -> None:
    source = "try:\n    import torch\nexcept ImportError:\n    torch = None\ntorch.ones(1)"
    assert names(source) == ["torch.ones"]


def test_an_assignment_needs_the_owner_of_the_attribute_only() -> None:
    assert names("import torch\ntorch.backends.cudnn.benchmark = True") == ["torch.backends.cudnn"]


def test_names_in_class_bases_decorators_defaults_and_annotations_count() -> None:
    source = "import torch\n@torch.a\ndef f(x: torch.b = torch.c) -> torch.d: ...\nclass C(torch.e): ..."
    assert names(source) == ["torch.a", "torch.b", "torch.c", "torch.d", "torch.e"]


def test_a_name_that_is_imported_and_assigned_is_not_decided() -> None:
    assert names("from torch import optim\noptim = make()\noptim.step()") == ["torch.optim"]


@pytest.mark.parametrize("source", ["import torchvision\ntorchvision.ops", "from .torch import x\nx.y", "import numpy"])
def test_other_packages_do_not_count(source: str) -> None:
    assert names(source) == []


def test_uses_carry_their_lines() -> None:
    assert [use.line for use in find_uses("import torch\n\ntorch.ones(\n  torch.pi)\n")] == [3, 4]


@pytest.mark.parametrize(
    "name",
    [
        "torch",
        "torch.ones",
        "torch.Tensor.cos",
        "torch.autograd.grad",
        "torch.nn.functional",
        "torch.autograd.gradcheck.gradcheck",
    ],
)
def test_a_name_that_is_there_is_not_missing(name: str) -> None:
    assert first_missing(name) is None


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("torch.frobnicate", "torch.frobnicate"),
        ("torch.distributed.rpc.init", "torch.distributed"),
        ("torch.Tensor.frobnicate", "torch.Tensor.frobnicate"),
        ("torch.autograd.frobnicate.more", "torch.autograd.frobnicate"),
    ],
)
def test_the_shortest_missing_beginning_of_a_name_is_found(name: str, missing: str) -> None:
    assert first_missing(name) == missing


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("torch.cuda.Stream", "GPUs"),
        ("torch.distributed", "several processes or devices"),
        ("torch.nn.DataParallel", "several processes or devices"),
        ("torch.jit", "compilers and exporters"),
        ("torch.ao.quantization", "quantization"),
        ("torch.sparse_coo_tensor", "sparse tensors"),
        ("torch._C", "operators in C++"),
        ("torch._vmap_internals", "private parts of PyTorch"),
    ],
)
def test_what_wengert_does_not_aim_at_has_a_subject(name: str, subject: str) -> None:
    assert out_of_scope(name) == subject


@pytest.mark.parametrize("name", ["torch.frobnicate", "torch.nn.Linear", "torch.__future__", "torch.compiled"])
def test_other_missing_names_are_in_scope(name: str) -> None:
    assert out_of_scope(name) == ""
