"""autograd.functional: Jacobians, Hessians and their products with vectors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as oracle

import wengert as torch

A = torch.autograd.functional


def two(a: Any, b: Any) -> Any:
    return a * b.sin(), (a @ b).exp()


def scalar(a: Any, b: Any) -> Any:
    return (a * b).sin().sum() * b.sum()


MATRIX = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])
VECTOR = np.array([0.3, -0.7, 1.1])
PAIR = np.array([0.4 + 1.0j, -0.2 + 0.5j])
CALLS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "jacobian": lambda A, x, y, z: A.jacobian(two, (x, y)),
    "jacobian, vectorize": lambda A, x, y, z: A.jacobian(two, (x, y), vectorize=True),
    "jacobian, forward": lambda A, x, y, z: A.jacobian(two, (x, y), vectorize=True, strategy="forward-mode"),
    "jacobian of complex": lambda A, x, y, z: A.jacobian(lambda a: a * a, z, vectorize=True),
    "jacobian of a real function of complex": lambda A, x, y, z: A.jacobian(lambda a: a.abs(), z),
    "hessian": lambda A, x, y, z: A.hessian(scalar, (x, y)),
    "hessian, vectorize": lambda A, x, y, z: A.hessian(scalar, (x, y), vectorize=True),
    "hessian, forward": lambda A, x, y, z: A.hessian(
        scalar, (x, y), vectorize=True, outer_jacobian_strategy="forward-mode"
    ),
    "hessian of a linear function": lambda A, x, y, z: A.hessian(lambda a: a.sum(), y),
    "hessian of one element in two dimensions": lambda A, x, y, z: A.hessian(lambda a: (a**3).sum().reshape(1, 1), y),
    "vjp": lambda A, x, y, z: A.vjp(two, (x, y), (x, y[:2])),
    "vjp of complex": lambda A, x, y, z: A.vjp(lambda a: a * a, z, z),
    "jvp": lambda A, x, y, z: A.jvp(two, (x, y), (x, y)),
    "jvp of complex": lambda A, x, y, z: A.jvp(lambda a: a * a, z, z),
    "hvp": lambda A, x, y, z: A.hvp(scalar, (x, y), (x, y)),
    "vhp": lambda A, x, y, z: A.vhp(scalar, (x, y), (x, y)),
    "vjp of a scalar without v": lambda A, x, y, z: A.vjp(lambda a: a.sum(), y),
    "jvp of one element without v": lambda A, x, y, z: A.jvp(lambda a: a * a, y[0]),
    "hvp of one element without v": lambda A, x, y, z: A.hvp(lambda a: a**3, y[0]),
    "vhp of one element without v": lambda A, x, y, z: A.vhp(lambda a: a**3, y[0]),
}


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch warns as it loads its forward mode
@pytest.mark.parametrize("name", CALLS)
def test_values_and_nesting_are_those_of_pytorch(name: str) -> None:
    found, expected = (
        CALLS[name](package.autograd.functional, *(package.from_numpy(a.copy()) for a in (MATRIX, VECTOR, PAIR)))
        for package in (torch, oracle)
    )
    same(found, expected)


def same(found: Any, expected: Any) -> None:
    if isinstance(expected, (tuple, list)):
        assert isinstance(found, tuple) and len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
        return
    assert not found.requires_grad
    np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_the_shape_is_that_of_the_output_then_that_of_the_input(strategy: str) -> None:
    found = A.jacobian(lambda a: a.sum(0), torch.ones(2, 3, 4), vectorize=True, strategy=strategy)
    assert found.shape == (3, 4, 2, 3, 4)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
@pytest.mark.parametrize(("inside", "shape"), [((0,), (0, 0)), ((2, 0), (2, 0, 2, 0))])
def test_a_jacobian_without_elements_has_a_shape_all_the_same(inside: Any, shape: Any, strategy: str) -> None:
    assert A.jacobian(lambda a: a * 2, torch.ones(inside), vectorize=True, strategy=strategy).shape == shape


def test_a_tuple_of_one_input_stays_a_tuple() -> None:
    found = A.jacobian(lambda a: (a * 2,), (torch.ones(2),))
    assert isinstance(found, tuple) and isinstance(found[0], tuple)
    assert found[0][0].tolist() == [[2.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_an_output_that_does_not_depend_on_an_input_gives_zeros(strategy: str) -> None:
    _, zero = A.jacobian(lambda a, b: a * 1, (torch.ones(2), torch.ones(3)), vectorize=True, strategy=strategy)
    assert zero.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize(
    "call",
    [
        lambda x: A.jacobian(lambda a: a * a, x),
        lambda x: A.jacobian(lambda a: a * a, x, vectorize=True, strategy="forward-mode"),
        lambda x: A.hessian(lambda a: (a**3).sum(), x, vectorize=True, outer_jacobian_strategy="forward-mode"),
        lambda x: A.hvp(lambda a: (a**3).sum(), x, torch.ones(2)),
    ],
    ids=["jacobian", "forward", "hessian", "hvp"],
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_the_inputs_are_left_as_they_were(call: Any, requires_grad: bool) -> None:
    x = torch.ones(2, requires_grad=requires_grad)
    call(x)
    assert x.requires_grad is requires_grad and x.is_leaf and x.grad is None and x._version == 0


def test_gradients_flow_to_the_inputs_only_with_create_graph() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert not A.jacobian(lambda a: a**3, x).requires_grad
    (g,) = torch.autograd.grad(A.jacobian(lambda a: a**3, x, create_graph=True).sum(), x)
    assert g.tolist() == [6.0, 12.0]


def test_products_with_create_graph_can_be_differentiated() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    v = torch.tensor([1.0, 3.0], requires_grad=True)
    for product in (A.vjp, A.jvp):
        found = torch.autograd.grad(product(lambda a: a * a, x, v, create_graph=True)[1].sum(), (x, v))
        assert [g.tolist() for g in found] == [[2.0, 6.0], [2.0, 4.0]]
    for product in (A.hvp, A.vhp):
        found = torch.autograd.grad(product(lambda a: (a**3).sum(), x, v, create_graph=True)[1].sum(), (x, v))
        assert [g.tolist() for g in found] == [[6.0, 18.0], [6.0, 12.0]]


def test_everything_works_under_no_grad() -> None:
    x = torch.tensor([1.0, 2.0])
    with torch.no_grad():
        assert A.jacobian(lambda a: a * a, x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
        assert A.hvp(lambda a: (a**3).sum(), x, torch.ones(2))[1].tolist() == [6.0, 12.0]
        assert A.jvp(lambda a: a * a, x, torch.ones(2))[1].tolist() == [2.0, 4.0]


def test_outputs_of_a_constant_function_give_zero_products() -> None:
    x = torch.ones(2)
    assert A.vjp(lambda a: torch.ones(3), x, torch.ones(3))[1].tolist() == [0.0, 0.0]
    assert A.jvp(lambda a: torch.ones(3), x, x)[1].tolist() == [0.0, 0.0, 0.0]


def test_a_function_that_changes_its_number_of_outputs_is_refused() -> None:
    calls = iter([1, 2])
    with pytest.raises(RuntimeError, match="returned 1 outputs first and 2 outputs when called again"):
        A.jacobian(lambda a: (a,) * next(calls), torch.ones(1), vectorize=True, strategy="forward-mode")


y = torch.ones(2)
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "strategy": (lambda: A.jacobian(lambda a: a, y, strategy="x"), AssertionError, "Expected strategy to be either"),
    "outer strategy": (
        lambda: A.hessian(lambda a: a.sum(), y, outer_jacobian_strategy="x"),
        AssertionError,
        "Expected strategy to be either",
    ),
    "forward without vectorize": (
        lambda: A.hessian(lambda a: a.sum(), y, outer_jacobian_strategy="forward-mode"),
        NotImplementedError,
        "only implemented for `vectorize=True`.",
    ),
    "forward with create_graph": (
        lambda: A.jacobian(lambda a: a, y, create_graph=True, vectorize=True, strategy="forward-mode"),
        NotImplementedError,
        '`create_graph=True` and `strategy="forward-mode"` are not supported together (yet).',
    ),
    "forward with strict": (
        lambda: A.jacobian(lambda a: a, y, strict=True, vectorize=True, strategy="forward-mode"),
        RuntimeError,
        '`strict=True` and `strategy="forward-mode"` are not supported together (yet).',
    ),
    "complex without vectorize": (
        lambda: A.jacobian(lambda a: a * a, torch.ones(2, dtype=torch.complex64)),
        RuntimeError,
        "grad can be implicitly created only for real scalar outputs but got",
    ),
    "input in a tuple": (lambda: A.jacobian(lambda a: a, (y, 5)), TypeError, "value at index 1 has type <class 'int'>"),
    "output in a tuple": (lambda: A.vjp(lambda a: (a, 5), y, y), TypeError, "value at index 1 has type <class 'int'>"),
    "length of v": (
        lambda: A.vjp(lambda a: (a, a), y, (y,)),
        RuntimeError,
        "v is a tuple of invalid length: should be 2 but got 1.",
    ),
    "entry of v": (
        lambda: A.jvp(lambda a, b: a, (y, y), (y, torch.ones(3))),
        RuntimeError,
        "Entry 1 in v has invalid size: should be torch.Size([2]) but got torch.Size([3]).",
    ),
    "strict vjp": (
        lambda: A.vjp(lambda a, b: a.sum(), (y, y), strict=True),
        RuntimeError,
        "The output of the user-provided function is independent of input 1. This is not allowed in strict mode.",
    ),
    "strict vjp with a graph": (
        lambda: A.vjp(lambda a: a.sum(), y, strict=True, create_graph=True),
        RuntimeError,
        "The jacobian of the user-provided function is independent of input 0. "
        "This is not allowed in strict mode when create_graph=True.",
    ),
    "strict jvp": (
        lambda: A.jvp(lambda a, b: a * 2, (y, y), (y, y), strict=True),
        RuntimeError,
        "The output of the user-provided function is independent of input 1.",
    ),
    "strict hvp": (
        lambda: A.hvp(lambda a: a.sum(), y, y, strict=True),
        RuntimeError,
        "the jacobian of the user-provided function with respect to input 0 is independent of the input.",
    ),
    "strict vhp": (
        lambda: A.vhp(lambda a, b: (a**3).sum() + b.sum(), (y, y), (y, y), strict=True),
        RuntimeError,
        "the jacobian of the user-provided function with respect to input 1 is independent of the input.",
    ),
    "hvp of a tuple": (
        lambda: A.hvp(lambda a: (a.sum(),), y, y),
        RuntimeError,
        "The function given to hvp should return a single Tensor",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(name: str) -> None:
    call, kind, text = REFUSED[name]
    with pytest.raises(kind, match=re.escape(text)):
        call()
