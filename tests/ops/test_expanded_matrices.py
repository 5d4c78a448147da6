"""Stacks that repeat one matrix (an expanded weight) are multiplied as one product."""

from __future__ import annotations

from typing import Any

import pytest

SHAPES = {
    "vectors": ((5, 3, 4), (5, 4, 1)),
    "rows": ((5, 1, 4), (5, 4, 3)),
    "matrices": ((5, 2, 4), (5, 4, 3)),
    "one": ((1, 2, 4), (1, 4, 3)),
    "no inner dimension": ((5, 2, 0), (5, 0, 1)),
    "no rows": ((5, 0, 4), (5, 4, 1)),
}


def product_and_gradients(package: Any, factors: list[Any]) -> list[Any]:
    """The product of two stacks, and the gradients of both for some cotangent."""
    leaves = [factor.detach().requires_grad_() for factor in factors]
    value = package.bmm(*leaves)
    return [value.detach(), *package.autograd.grad(value, leaves, value.detach() * 2 + 1)]


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("expanded", [0, 1])
@pytest.mark.parametrize("kind", SHAPES)
def test_products_with_an_expanded_matrix_equal_those_with_copies(
    package: Any, kind: str, expanded: int, dtype: str
) -> None:
    factors = [package.randn(*shape, dtype=getattr(package, dtype)) for shape in SHAPES[kind]]
    factors[expanded] = factors[expanded][0].expand(*SHAPES[kind][expanded])
    copies = [factor.clone(memory_format=package.contiguous_format) for factor in factors]
    for found, wanted in zip(
        product_and_gradients(package, factors), product_and_gradients(package, copies), strict=True
    ):
        assert found.shape == wanted.shape
        assert package.allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_an_expanded_stack_receives_a_gradient_for_each_of_its_matrices(package: Any) -> None:
    weight = package.ones(2, 3).expand(4, 2, 3).requires_grad_()
    x = package.arange(12.0).reshape(4, 3, 1)
    package.bmm(weight, x).sum().backward()
    assert package.equal(weight.grad, x.mT.expand(4, 2, 3))
