"""What factorisations and solvers promise, in every way of computing them: one matrix, some, and very many small ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch as oracle

import wengert as torch

CROWDED = (200, 3, 3)  # enough small matrices that the columns are looped over instead of the matrices
SHAPES = ((3, 3), (2, 3, 3), (2, 2, 3, 3), CROWDED, (5, 40, 3, 3), (0, 3, 3), (2, 20, 20))
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_kind = pytest.mark.parametrize("dtype", ["float64", "complex128"])


def matrices(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Any:
    """Random matrices, far from singular."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    if dtype == "complex128":
        values = values + 1j * rng.normal(size=shape)
    return torch.from_numpy(values + 2 * np.sqrt(shape[-1]) * np.eye(*shape[-2:]))


def close(a: Any, b: Any) -> bool:
    """Equal but for rounding."""
    return bool(torch.allclose(a, b, rtol=1e-9, atol=1e-9))


@every_shape
@every_kind
def test_the_factors_of_lu_multiply_to_the_matrix(shape: tuple[int, ...], dtype: str) -> None:
    a = matrices(shape, dtype)
    p, lower, upper = torch.linalg.lu(a)
    assert close(p @ lower @ upper, a)
    assert close(lower.tril(), lower)
    assert close(upper.triu(), upper)
    assert (
        bool((lower.abs() <= 1 + 1e-9).all()) or dtype == "complex128"
    )  # what pivoting is for; LAPACK compares |re| + |im|


@every_shape
@every_kind
@pytest.mark.parametrize("left", [True, False])
def test_solutions_solve_their_equations(shape: tuple[int, ...], dtype: str, left: bool) -> None:
    a = matrices(shape, dtype)
    b = matrices((*shape[:-1], 2) if left else (*shape[:-2], 2, shape[-1]), dtype, 1)
    x = torch.linalg.solve(a, b, left=left)
    assert close(a @ x if left else x @ a, b)
    for adjoint in (False, True):
        x = torch.linalg.lu_solve(*torch.linalg.lu_factor(a), b, left=left, adjoint=adjoint)
        matrix = a.mH if adjoint else a
        assert close(matrix @ x if left else x @ matrix, b)
    for upper in (False, True):
        triangle = a.triu() if upper else a.tril()
        x = torch.linalg.solve_triangular(a, b, upper=upper, left=left)
        assert close(triangle @ x if left else x @ triangle, b)


@every_shape
@every_kind
def test_cholesky_factors_multiply_to_the_matrix_and_solve_with_it(shape: tuple[int, ...], dtype: str) -> None:
    a = matrices(shape, dtype)
    a = a @ a.mH
    lower = torch.linalg.cholesky(a)
    assert close(lower @ lower.mH, a)
    assert close(torch.linalg.cholesky(a, upper=True), lower.mH)
    b = matrices((*shape[:-1], 2), dtype, 1)
    assert close(a @ torch.cholesky_solve(b, lower), b)
    unit = torch.eye(shape[-1], dtype=a.dtype).expand(shape)
    assert close(a @ torch.cholesky_inverse(lower), unit)


@every_shape
@every_kind
def test_eigenvectors_diagonalise(shape: tuple[int, ...], dtype: str) -> None:
    a = matrices(shape, dtype)
    values, vectors = torch.linalg.eig(a)
    assert close(a.to(vectors.dtype) @ vectors, vectors * values.unsqueeze(-2))
    a = a + a.mH
    values, vectors = torch.linalg.eigh(a)
    assert close(vectors @ values.to(a.dtype).diag_embed() @ vectors.mH, a)


@every_shape
@every_kind
def test_reflections_of_geqrf_make_the_factor_q(shape: tuple[int, ...], dtype: str) -> None:
    a = matrices(shape, dtype)
    packed, tau = torch.geqrf(a)
    q, r = torch.linalg.qr(a)
    assert close(torch.linalg.householder_product(packed, tau), q)
    assert close(packed.triu(), r)
    assert close(torch.ormqr(packed, tau, r), a)
    assert close(torch.ormqr(packed, tau, a, transpose=True), r)


@every_shape
def test_exponentials_of_a_sum_of_commuting_matrices_multiply(shape: tuple[int, ...]) -> None:
    a = matrices(shape, "float64") * torch.from_numpy(np.linspace(0.01, 1, shape[-1])) / shape[-1]
    assert close(torch.matrix_exp(a) @ torch.matrix_exp(-3 * a), torch.matrix_exp(-2 * a))


def test_matrices_of_one_batch_are_scaled_each_on_its_own_in_the_exponential() -> None:
    a = torch.stack([torch.zeros(2, 2), torch.eye(2) * 60, torch.eye(2)]).double()
    found = torch.matrix_exp(a).diagonal(0, -2, -1)[:, 0]
    assert np.allclose(found.numpy(), np.exp([0.0, 60.0, 1.0]), rtol=1e-13)


def test_low_rank_approximations_find_the_singular_values_of_matrices_of_that_rank() -> None:
    rng = np.random.default_rng(0)
    a = torch.from_numpy(rng.normal(size=(30, 3)) @ rng.normal(size=(3, 20)))
    u, s, v = torch.svd_lowrank(a, q=5)
    assert close(u @ s.diag() @ v.mT, a)
    assert close(s[:3], torch.linalg.svdvals(a)[:3])
    u, s, v = torch.pca_lowrank(a, q=4)
    assert close(u @ s.diag() @ v.mT, a - a.mean(0))


RESULTS = (
    "t.linalg.inv_ex(a)",
    "t.linalg.slogdet(a)",
    "t.slogdet(a)",
    "t.linalg.solve_ex(a, a)",
    "t.linalg.cholesky_ex(a)",
    "t.linalg.lu(a)",
    "t.linalg.lu_factor(a)",
    "t.linalg.lu_factor_ex(a)",
    "t.lu(a, get_infos=True)",
    "t.lu_unpack(*t.lu(a))",
    "t.linalg.ldl_factor(a)",
    "t.linalg.ldl_factor_ex(a)",
    "t.linalg.qr(a)",
    "t.qr(a)",
    "t.geqrf(a)",
    "t.linalg.eigh(a)",
    "t.linalg.eig(a)",
    "t.linalg.svd(a)",
    "t.svd(a)",
    "t.linalg.lstsq(a, a)",
    "t.triangular_solve(a, a)",
)


@pytest.mark.filterwarnings("ignore:torch:UserWarning")
@pytest.mark.parametrize("text", RESULTS)
def test_results_are_named_tuples_with_the_names_of_torch(text: str) -> None:
    made = [eval(text, {"t": t, "a": t.tensor([[4.0, 1.0], [1.0, 3.0]])}) for t in (oracle, torch)]
    assert type(made[1]).__name__ == type(made[0]).__name__
    assert len(made[1]) == len(made[0])
    for i, name in enumerate(type(made[1]).fields):
        assert getattr(made[1], name) is made[1][i]
        assert getattr(made[0], name) is made[0][i]


KEYWORDS = (
    "t.linalg.inv(A=a)",
    "t.linalg.cholesky(input=a)",
    "t.linalg.eigh(input=a)[0]",
    "t.linalg.svdvals(A=a)",
    "t.linalg.pinv(input=a, rtol=0.1)",
    "t.linalg.solve(A=a, B=a)",
    "t.linalg.solve_triangular(input=a, B=a, upper=True)",
    "t.linalg.lstsq(input=a, b=a)[0]",
    "t.linalg.tensorsolve(input=a, other=a[0])",
    "t.linalg.lu_solve(LU=a, pivots=t.tensor([1, 2], dtype=t.int32), B=a)",
    "t.cholesky_solve(input=a, input2=a, upper=True)",
    "t.triangular_solve(input=a, A=a, upper=False)[0]",
    "t.matrix_power(input=a, n=2)",
)


@pytest.mark.filterwarnings("ignore:torch:UserWarning")
@pytest.mark.parametrize("text", KEYWORDS)
def test_arguments_have_the_names_of_torch(text: str) -> None:
    made = [eval(text, {"t": t, "a": t.tensor([[4.0, 1.0], [1.0, 3.0]])}) for t in (oracle, torch)]
    assert np.allclose(made[0].numpy(), made[1].numpy(), rtol=1e-5, atol=1e-6)
