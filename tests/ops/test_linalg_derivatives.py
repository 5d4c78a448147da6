"""Derivatives of linear algebra against central differences, backward and forward, first and second.

Torch is no oracle for some of these: its tangents of ``cholesky_inverse`` and ``triangular_solve`` are wrong, and it has none of
``ormqr`` and ``cholesky``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as torch
from tests.ops.sample import program

# x, y, z by letter: s square, S complex square, b batch of squares, t tall, w wide, v vector, r right-hand side, R complex one.
SHAPES: dict[str, tuple[tuple[int, ...], bool]] = {
    "s": ((3, 3), False),
    "S": ((2, 2), True),
    "b": ((2, 2, 2), False),
    "t": ((3, 2), False),
    "w": ((2, 3), False),
    "v": ((2,), False),
    "r": ((3, 1), False),
    "R": ((2, 1), True),
}
X = "(x + 4 * t.eye(x.shape[-1], dtype=x.dtype))"
P = f"({X} @ {X}.mH)"
PROGRAMS: dict[str, str] = {
    f"t.linalg.inv({X})": "sSb",
    f"t.linalg.det({X})": "sSb",
    f"t.linalg.slogdet({X})[1]": "sSb",
    f"t.linalg.slogdet({X})[0].real": "S",
    f"t.logdet({P})": "sb",
    f"t.linalg.solve({X}, y)": "s:r S:R",
    f"t.linalg.solve({X}, y.mT, left=False)": "s:r S:R",
    f"t.linalg.solve_triangular({X}, y, upper=False)": "s:r S:R",
    f"t.triangular_solve(y, {X})[0]": "s:r S:R",
    f"t.triangular_solve(y, {X}, transpose=True)": "s:r S:R",
    f"t.linalg.cholesky({P})": "sSb",
    f"t.cholesky({P}, upper=True)": "sS",
    f"t.cholesky_inverse({X})": "sb",
    f"t.cholesky_inverse({X}, upper=True)": "sb",
    f"t.cholesky_solve(y, {X})": "s:r",
    f"t.cholesky_solve(y, t.linalg.cholesky({P}))": "S:R",
    "t.linalg.lu(x)[1:]": "sSbtw",
    "t.linalg.lu_factor(x)[0]": "sStw",
    f"t.linalg.lu_solve(*t.linalg.lu_factor({X}), y)": "s:r S:R",
    "t.linalg.qr(x)": "sSbtw",
    "t.linalg.householder_product(x, y)": "t:v",
    "t.ormqr(x, y, z)": "t:v:r",
    "t.ormqr(x, y, z, transpose=True)": "t:v:r",
    "t.ormqr(x, y, z.mT, left=False)": "t:v:r",
    "t.linalg.eigh(x + x.mH)[0]": "sSb",
    "t.linalg.eigh(x + x.mH)[1].abs()": "sSb",
    "t.view_as_real(t.linalg.eigvals(x))": "sS",
    "t.linalg.eig(x)[1].abs()": "sS",
    "t.linalg.svdvals(x)": "sStw",
    "t.linalg.svd(x, full_matrices=False)[0].abs()": "sStw",
    "t.linalg.svd(x, full_matrices=False)[2].abs()": "sStw",
    "t.linalg.pinv(x)": "sStw",
    "t.linalg.lstsq(x, y)[0]": "s:r t:r",
    "t.linalg.lstsq(x, y, driver='gelsd')[:2]": "t:r",
    "t.linalg.matrix_exp(x)": "sSb",
    f"t.linalg.matrix_power({X}, -2)": "sS",
    f"t.linalg.cond({X}, 'fro')": "sS",
    f"t.linalg.cond({X})": "sS",
    "t.linalg.matrix_norm(x, 'nuc')": "tw",
    "t.linalg.matrix_norm(x, 2)": "tw",
    "t.vander(x)": "v",
    "t.linalg.vander(x, N=4)": "v",
}
CASES = [
    (text, letters.split(":"))
    for text, groups in PROGRAMS.items()
    for letters in (groups.split() if ":" in groups else list(groups))
]
FIRST = [next(case for case in CASES if case[0] == text) for text in PROGRAMS]


def every(cases: list[tuple[str, list[str]]]) -> Any:
    """Run a test for each case."""
    return pytest.mark.parametrize(("text", "letters"), cases, ids=[f"{text} {''.join(n)}" for text, n in cases])


def inputs_of(text: str, letters: list[str]) -> tuple[Any, ...]:
    """The same inputs in each run."""
    rng = np.random.default_rng(len(text))
    return tuple(tensor(rng, *SHAPES[letter]) for letter in letters)


def tensor(rng: np.random.Generator, shape: tuple[int, ...], is_complex: bool) -> Any:
    values = rng.normal(size=shape)
    if is_complex:
        values = values + 1j * rng.normal(size=shape)
    return torch.from_numpy(values).requires_grad_()


def function_of(text: str, letters: list[str]) -> Any:
    """The program as a function of its inputs."""
    run = program(text, len(letters))
    return lambda *inputs: run(torch, torch.nn.functional, *inputs)


@every(CASES)
def test_first_derivatives_are_differences_of_values(text: str, letters: list[str]) -> None:
    assert torch.autograd.gradcheck(function_of(text, letters), inputs_of(text, letters), check_forward_ad=True)


@every(FIRST)  # the others against torch, in samples_linalg*.py
def test_second_derivatives_are_differences_of_first_ones(text: str, letters: list[str]) -> None:
    torch.manual_seed(0)
    assert torch.autograd.gradgradcheck(function_of(text, letters), inputs_of(text, letters), atol=1e-4)


@pytest.mark.parametrize(
    "values",
    [
        [[1.0, 2.0], [2.0, 4.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
        [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 6.0, 9.0]],
        [[1.0 + 1.0j, 2.0], [2.0j, 2.0 + 2.0j]],
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_the_gradient_of_the_determinant_of_a_singular_matrix_is_its_cofactors(values: Any, create_graph: bool) -> None:
    a = torch.tensor(values, dtype=torch.complex128 if isinstance(values[0][0], complex) else torch.float64)
    x = a.clone().requires_grad_()
    (grad,) = torch.autograd.grad(
        torch.linalg.det(x).real if x.is_complex() else torch.linalg.det(x), x, create_graph=create_graph
    )
    array, n = a.numpy(), len(values)
    expected = np.empty_like(array)
    for i, j in np.ndindex(n, n):
        minor = np.delete(np.delete(array, i, 0), j, 1)
        expected[i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    assert np.allclose(grad.detach().numpy(), expected.conj(), atol=1e-12)


def test_the_second_derivative_of_the_determinant_of_a_singular_matrix_is_that_of_the_polynomial() -> None:
    x = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)
    hessian = torch.autograd.functional.hessian(torch.linalg.det, x).reshape(4, 4)
    expected = np.array([[0.0, 0, 0, 1], [0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0]])
    assert np.allclose(hessian.numpy(), expected, atol=1e-12)


def test_a_singular_matrix_leaves_the_second_derivatives_of_those_beside_it_alone() -> None:
    singular = [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]]
    matrices = [np.eye(3), np.array(singular), np.arange(9.0).reshape(3, 3) + np.eye(3)]
    second = torch.func.jacrev(torch.func.jacrev(torch.linalg.det))
    direction = torch.tensor(np.random.default_rng(0).normal(size=(3, 3, 3)))
    x = torch.tensor(np.stack(matrices), requires_grad=True)
    (first,) = torch.autograd.grad(torch.linalg.det(x).sum(), x, create_graph=True)
    (found,) = torch.autograd.grad((first * direction).sum(), x)
    for k, matrix in enumerate(matrices):
        expected = torch.tensordot(second(torch.tensor(matrix)), direction[k], 2)
        assert torch.allclose(found[k], expected, atol=1e-12)


def test_the_tangent_of_the_determinant_of_a_singular_matrix_is_exact() -> None:
    x = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64)
    change = torch.tensor([[1.0, 0.0], [0.0, 10.0]], dtype=torch.float64)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, change)
        tangent = torch.autograd.forward_ad.unpack_dual(torch.linalg.det(dual)).tangent
    assert tangent.item() == pytest.approx(1.0 * 4.0 + 10.0 * 1.0)


def test_a_singular_matrix_leaves_the_second_derivatives_of_the_determinants_beside_it() -> None:
    batch = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 4.0]]], dtype=torch.float64)
    hessian = torch.func.hessian(torch.linalg.det)
    alone = torch.stack([hessian(matrix) for matrix in batch])
    for both in (torch.func.hessian, lambda f: torch.func.jacrev(torch.func.jacrev(f))):
        assert torch.allclose(both(lambda a: torch.linalg.det(a).sum())(batch).diagonal(0, 0, 3).movedim(-1, 0), alone)


@pytest.mark.parametrize("text", ["t.linalg.slogdet(x)[1]", "t.logdet(x)", "t.linalg.solve_ex(x, t.ones(2, 1))[0]"])
def test_a_singular_matrix_leaves_the_tangents_of_those_beside_it(text: str) -> None:
    x = torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    run = eval(f"lambda x: {text}", {"t": torch})
    _, tangent = torch.func.jvp(run, (x,), (torch.ones(2, 2, 2),))
    assert torch.allclose(tangent[0], torch.func.jvp(run, (x[0],), (torch.ones(2, 2),))[1])
    assert not tangent[1].isfinite().any()


def test_equal_eigenvalues_still_have_a_gradient_without_the_vectors() -> None:
    x = torch.eye(3, dtype=torch.float64, requires_grad=True)
    torch.linalg.eigvalsh(x).sum().backward()
    assert torch.allclose(x.grad, torch.eye(3, dtype=torch.float64))


def test_equal_eigenvalues_give_nan_with_the_vectors() -> None:
    x = torch.eye(2, dtype=torch.float64, requires_grad=True)
    torch.linalg.eigh(x)[1].sum().backward()
    assert x.grad.isnan().any()


def test_tangents_of_the_eigenvalues_of_a_large_matrix_go_with_their_values() -> None:
    rng = np.random.default_rng(0)
    x, change = torch.from_numpy(rng.normal(size=(200, 200))), torch.from_numpy(rng.normal(size=(200, 200)))
    _, tangent = torch.func.jvp(lambda a: (torch.linalg.eigvals(a) ** 2).sum(), (x,), (change,))
    assert torch.allclose(tangent.real, 2 * (x @ change).trace())
