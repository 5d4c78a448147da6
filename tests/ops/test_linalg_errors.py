"""Bad matrices and arguments: exception and first sentence are torch's, which is asked each time."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch as oracle

import wengert
from wengert import linalg

# Expressions in t, the package. SINGULAR is a matrix without inverse, BATCH a stack of the identity and zeros, NAN nan.
PROGRAMS = (
    "t.lu_unpack(t.zeros(3), t.ones(3, dtype=t.int32))",
    "t.lu_unpack(t.zeros(3, 3), t.tensor(1, dtype=t.int32))",
    "t.linalg.householder_product(t.zeros(3, 2), t.tensor(1.0))",
    "t.linalg.ldl_solve(t.zeros(3), t.ones(3, dtype=t.int32), t.zeros(3, 1))",
    "t.linalg.pinv(t.full((3, 2), NAN))",
    "t.linalg.svd(t.full((3, 2), NAN))",
    "t.linalg.svdvals(t.full((3, 2), NAN))",
    "t.linalg.matrix_rank(t.full((3, 2), NAN))",
    "t.linalg.cond(t.full((2, 2), NAN))",
    "t.linalg.matrix_norm(t.full((3, 2), NAN), 2)",
    "t.linalg.cholesky(t.full((2, 2), NAN))",
    "t.svd_lowrank(t.full((3, 2), NAN), q=1)",
    "t.linalg.eigh(t.eye(2), 3)",
    "t.linalg.qr(t.eye(2), 1)",
    "t.linalg.matrix_power(t.eye(2), True)",
    "t.linalg.inv(SINGULAR)",
    "t.linalg.inv(BATCH)",
    "t.linalg.inv(t.zeros(2, 3))",
    "t.linalg.inv(t.zeros(3))",
    "t.linalg.inv(t.ones(2, 2, dtype=t.int64))",
    "t.linalg.inv(t.eye(2).half())",
    "t.linalg.inv_ex(SINGULAR, check_errors=True)",
    "t.inverse(SINGULAR)",
    "t.inverse(t.zeros(2, 3))",
    "t.linalg.det(t.zeros(2, 3))",
    "t.linalg.det(t.zeros(3))",
    "t.linalg.det(t.eye(2).half())",
    "t.linalg.det(t.ones(2, 2, dtype=t.int64))",
    "t.linalg.slogdet(t.zeros(2, 3))",
    "t.linalg.slogdet(t.ones(2, 2, dtype=t.int64))",
    "t.logdet(t.zeros(2, 3))",
    "t.logdet(t.ones(2, 2, dtype=t.int64))",
    "t.linalg.solve(SINGULAR, t.zeros(2, 1))",
    "t.linalg.solve(BATCH, t.zeros(2, 2, 1))",
    "t.linalg.solve(BATCH, t.zeros(2, 2))",
    "t.linalg.solve(t.eye(2), t.zeros(3))",
    "t.linalg.solve(t.eye(2), t.zeros(3, 1))",
    "t.linalg.solve(t.zeros(2, 3), t.zeros(3, 1))",
    "t.linalg.solve(t.eye(2), t.zeros(2).double())",
    "t.linalg.solve(t.eye(2).long(), t.zeros(2).long())",
    "t.linalg.solve(t.eye(2), t.zeros(2), left=False)",
    "t.linalg.solve(t.eye(2), t.zeros(3, 3), left=False)",
    "t.linalg.solve(t.eye(1), t.zeros(1), left=False)",
    "t.linalg.cond(t.zeros(0, 0, 4), 'fro')",
    "t.linalg.vecdot(t.zeros(2), t.zeros(2).double())",
    "t.linalg.vecdot(t.zeros(2).long(), t.zeros(2).long())",
    "t.chain_matmul(t.zeros(2, 2), t.zeros(2))",
    "t.chain_matmul(t.zeros(2))",
    "t.chain_matmul()",
    "t.linalg.solve(t.eye(2), t.tensor(1.))",
    "t.linalg.solve(t.zeros(3, 2, 2), t.zeros(2, 2, 1))",
    "t.linalg.solve(t.zeros(2), t.zeros(2))",
    "t.linalg.cholesky(SINGULAR)",
    "t.linalg.cholesky(-t.eye(2))",
    "t.linalg.cholesky(t.stack([t.eye(2), -t.eye(2)]))",
    "t.linalg.cholesky(t.zeros(2, 3))",
    "t.linalg.cholesky(t.eye(2).long())",
    "t.cholesky(-t.eye(2))",
    "t.cholesky(t.stack([t.eye(2), -t.eye(2)]))",
    "t.cholesky(t.zeros(2, 3))",
    "t.cholesky_inverse(t.zeros(2, 3))",
    "t.cholesky_inverse(t.zeros(2, 2))",
    "t.cholesky_solve(t.zeros(2, 1), t.zeros(2, 3))",
    "t.cholesky_solve(t.zeros(3, 1), t.zeros(2, 2))",
    "t.cholesky_solve(t.zeros(2), t.zeros(2, 2))",
    "t.cholesky_solve(t.zeros(2, 1), t.eye(2).double())",
    "t.linalg.lu(t.zeros(3))",
    "t.linalg.lu(t.eye(2).long())",
    "t.linalg.lu(t.eye(2), pivot=False)",
    "t.linalg.lu_factor(t.zeros(3))",
    "t.linalg.lu_factor(SINGULAR)",
    "t.linalg.lu_factor(t.zeros(2, 2))",
    "t.linalg.lu_factor_ex(t.zeros(2, 2), check_errors=True)",
    "t.linalg.lu_factor_ex(BATCH, check_errors=True)",
    "t.linalg.lu_solve(t.zeros(2, 2), t.tensor([1, 2]), t.zeros(2, 1))",
    "t.linalg.lu_solve(t.eye(2), t.tensor([1, 2], dtype=t.int32), t.zeros(3, 1))",
    "t.linalg.lu_solve(t.eye(2), t.tensor([1, 2], dtype=t.int32), t.zeros(2))",
    "t.linalg.lu_solve(t.zeros(2, 3), t.tensor([1, 2], dtype=t.int32), t.zeros(2, 1))",
    "t.linalg.lu_solve(t.eye(2), t.tensor([1, 2, 3], dtype=t.int32), t.zeros(2, 1))",
    "t.linalg.lu_solve(t.eye(2), t.tensor([1, 2], dtype=t.int32), t.zeros(2, 1).double())",
    "t.lu(t.zeros(2))",
    "t.lu(t.eye(2), pivot=False)",
    "t.lu_unpack(t.eye(2), t.tensor([1, 2]))",
    "t.lu_unpack(t.eye(2), t.tensor([1, 5], dtype=t.int32))",
    "t.linalg.qr(t.zeros(3))",
    "t.linalg.qr(t.eye(2), mode='x')",
    "t.linalg.qr(t.eye(2).long())",
    "t.qr(t.zeros(3))",
    "t.linalg.eigh(t.zeros(2, 3))",
    "t.linalg.eigh(t.zeros(3))",
    "t.linalg.eigh(t.eye(2), UPLO='x')",
    "t.linalg.eigh(t.eye(2).long())",
    "t.linalg.eigvalsh(t.zeros(2, 3))",
    "t.linalg.eig(t.zeros(2, 3))",
    "t.linalg.eig(t.full((2, 2), NAN))",
    "t.linalg.eigvals(t.zeros(2, 3))",
    "t.linalg.eigvals(t.eye(2).long())",
    "t.linalg.eig(t.eye(2).long())",
    "t.linalg.svd(t.zeros(3))",
    "t.linalg.svd(t.full((2, 2), NAN))",
    "t.linalg.svd(t.stack([t.eye(2), t.full((2, 2), NAN)]))",
    "t.linalg.svd(t.eye(2).long())",
    "t.linalg.svd(t.eye(2), driver='gesvd')",
    "t.linalg.svdvals(t.zeros(3))",
    "t.linalg.svdvals(t.eye(2), driver='gesvd')",
    "t.svd(t.zeros(3))",
    "t.linalg.pinv(t.zeros(3))",
    "t.linalg.pinv(t.eye(2).long())",
    "t.linalg.pinv(t.zeros(2, 3), hermitian=True)",
    "t.pinverse(t.zeros(3))",
    "t.linalg.matrix_rank(t.zeros(3))",
    "t.linalg.matrix_rank(t.eye(2).long())",
    "t.linalg.matrix_rank(t.zeros(2, 3), hermitian=True)",
    "t.linalg.cond(t.zeros(3))",
    "t.linalg.cond(t.zeros(2, 3), 'fro')",
    "t.linalg.cond(t.zeros(2, 3), 1)",
    "t.linalg.cond(t.eye(2), 3)",
    "t.linalg.cond(t.eye(2), 'x')",
    "t.linalg.lstsq(t.zeros(3), t.zeros(3))",
    "t.linalg.lstsq(t.zeros(3, 2), t.zeros(2, 1))",
    "t.linalg.lstsq(t.zeros(3, 2), t.zeros(3, 1).double())",
    "t.linalg.lstsq(t.zeros(3, 2), t.zeros(3, 1), driver='x')",
    "t.linalg.lstsq(t.eye(2).long(), t.eye(2).long())",
    "t.linalg.lstsq(t.zeros(3, 2), t.tensor(1.))",
    "t.matrix_exp(t.zeros(3))",
    "t.matrix_exp(t.zeros(2, 3))",
    "t.matrix_exp(t.eye(2).long())",
    "t.linalg.matrix_power(t.zeros(3), 2)",
    "t.linalg.matrix_power(t.zeros(2, 3), 2)",
    "t.linalg.matrix_power(SINGULAR, -1)",
    "t.linalg.matrix_power(t.eye(2).long(), -1)",
    "t.linalg.matrix_power(t.eye(2), 1.5)",
    "t.matrix_power(t.zeros(2, 3), 2)",
    "t.linalg.solve_triangular(t.zeros(2, 3), t.zeros(3, 1), upper=True)",
    "t.linalg.solve_triangular(t.zeros(2, 2), t.zeros(3, 1), upper=True)",
    "t.linalg.solve_triangular(t.eye(2), t.zeros(2), upper=True)",
    "t.linalg.solve_triangular(t.eye(2).long(), t.eye(2).long(), upper=True)",
    "t.linalg.solve_triangular(t.eye(2), t.zeros(2, 3), upper=True, left=False)",
    "t.triangular_solve(t.zeros(2, 1), t.zeros(2, 3))",
    "t.triangular_solve(t.zeros(3, 1), t.zeros(2, 2))",
    "t.triangular_solve(t.zeros(2), t.zeros(2, 2))",
    "t.triangular_solve(t.zeros(2, 1), t.zeros(2, 2).double())",
    "t.linalg.tensorinv(t.zeros(2, 3), 1)",
    "t.linalg.tensorinv(t.eye(2), 0)",
    "t.linalg.tensorinv(t.eye(2), -1)",
    "t.linalg.tensorinv(t.zeros(2, 2), 1)",
    "t.linalg.tensorsolve(t.zeros(2, 3), t.zeros(2))",
    "t.linalg.tensorsolve(t.zeros(2, 2), t.zeros(2))",
    "t.linalg.tensorsolve(t.eye(2), t.zeros(3))",
    "t.linalg.vander(t.tensor(1.))",
    "t.linalg.vander(t.zeros(0))",
    "t.linalg.vander(t.zeros(3), N=1)",
    "t.linalg.vander(t.zeros(3), N=0)",
    "t.linalg.vander(t.ones(3, dtype=t.bool))",
    "t.vander(t.zeros(2, 2))",
    "t.vander(t.zeros(3), -1)",
    "t.vander(t.tensor(1.))",
    "t.linalg.ldl_factor(t.zeros(2, 3))",
    "t.linalg.ldl_factor(t.zeros(3))",
    "t.linalg.ldl_solve(t.eye(2), t.tensor([1, 2], dtype=t.int32), t.zeros(3, 1))",
    "t.linalg.ldl_solve(t.eye(2), t.tensor([1, 2], dtype=t.int32), t.zeros(2))",
    "t.linalg.ldl_solve(t.eye(2), t.tensor([1., 2]), t.zeros(2, 1))",
    "t.linalg.ldl_solve(t.eye(2), t.tensor([1, 2, 3], dtype=t.int32), t.zeros(2, 1))",
    "t.geqrf(t.zeros(3))",
    "t.linalg.householder_product(t.zeros(3), t.zeros(3))",
    "t.linalg.householder_product(t.zeros(2, 3), t.zeros(2))",
    "t.linalg.householder_product(t.zeros(3, 2), t.zeros(3))",
    "t.linalg.householder_product(t.zeros(3, 2), t.zeros(2).double())",
    "t.linalg.householder_product(t.zeros(2, 3, 2), t.zeros(3, 2))",
    "t.ormqr(t.zeros(3, 2), t.zeros(2), t.zeros(3))",
    "t.ormqr(t.zeros(3, 2), t.zeros(3), t.zeros(3, 1))",
    "t.ormqr(t.zeros(3, 2), t.zeros(2), t.zeros(2, 1))",
    "t.ormqr(t.zeros(3, 2), t.zeros(2).double(), t.zeros(3, 1))",
    "t.pca_lowrank(t.zeros(3, 2), q=5)",
    "t.linalg.diagonal(t.zeros(3))",
    "t.linalg.norm(t.zeros(2, 2), 'x')",
    "t.linalg.norm(t.zeros(3), 'fro')",
    "t.linalg.norm(t.zeros(3), 'nuc')",
    "t.linalg.norm(t.zeros(2, 2, 2), 2)",
    "t.linalg.norm(t.zeros(2, 2).long())",
    "t.linalg.norm(t.zeros(2, 2), 'fro', dim=0)",
    "t.linalg.matrix_norm(t.zeros(2, 2), 'x')",
    "t.linalg.matrix_norm(t.zeros(2, 2), 3)",
    "t.linalg.matrix_norm(t.zeros(2, 2).long())",
    "t.linalg.matrix_norm(t.zeros(2, 2).half(), 2)",
    "t.zeros(2, 3).norm(dim=(0, 2, 3))",
    "t.zeros(2, 3, 4).norm(dim=(0, 1, 2))",
    "t.zeros(2, 3).norm('inf')",
    "t.zeros(2, 3, 4).norm('nuc')",
    "t.linalg.vector_norm(t.zeros(2), 1j)",
    "t.linalg.vector_norm(t.zeros(2), 'fro')",
    "t.linalg.vector_norm(t.zeros(2).long(), dtype=t.float64)",
    "t.linalg.vector_norm(t.zeros(2).double(), dtype=t.float32)",
    "t.linalg.vector_norm(t.zeros(2), dtype=t.complex64)",
    "t.linalg.norm(t.zeros(2, 3), dim=())",
    "t.linalg.norm(t.zeros(2, 3, 4), 2, dim=(0, 1, 2))",
    "t.linalg.norm(t.zeros(2, 3, 4), 'fro')",
    "t.linalg.matrix_norm(t.zeros(2, 2).double(), dtype=t.float32)",
)

NO_TENSORS = (
    "t.linalg.inv([[1.0]])",
    "t.linalg.solve(t.eye(2), 3)",
    "t.cholesky_solve(t.eye(2), 3)",
    "t.ormqr(t.eye(2), 3, t.eye(2))",
)


def raised(package: Any, text: str) -> tuple[type[BaseException], str]:
    """The exception of an expression, and its first line."""
    space = {
        "t": package,
        "SINGULAR": package.tensor([[1.0, 2.0], [2.0, 4.0]]),
        "BATCH": package.stack([package.eye(2), package.zeros(2, 2)]),
        "NAN": float("nan"),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = eval(text, space)
        except Exception as error:
            return type(error), str(error).splitlines()[0]
    raise AssertionError(f"{text} gives {value}")


@pytest.mark.parametrize("text", PROGRAMS)
def test_exception_and_first_sentence_are_those_of_torch(text: str) -> None:
    expected, sentence = raised(oracle, text)
    kind, have = raised(wengert, text)
    assert have == sentence
    assert kind is (linalg.LinAlgError if expected is oracle.linalg.LinAlgError else expected)


@pytest.mark.parametrize("text", NO_TENSORS)
def test_what_is_no_tensor_is_refused_with_the_sentence_of_torch(text: str) -> None:
    assert raised(wengert, text) == raised(oracle, text)


@pytest.mark.parametrize("name", ["svd_lowrank", "pca_lowrank"])
def test_approximations_of_vectors_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: A must have at least 2 dimensions"):
        getattr(wengert, name)(wengert.zeros(3))


def test_the_error_of_singular_matrices_is_a_runtime_error() -> None:
    assert issubclass(linalg.LinAlgError, RuntimeError)
    with pytest.raises(RuntimeError, match="singular"):
        wengert.linalg.inv(wengert.zeros(2, 2))


def test_sides_of_different_dtype_are_refused_by_the_triangular_solver() -> None:
    with pytest.raises(RuntimeError, match="to have the same dtype"):
        wengert.linalg.solve_triangular(wengert.eye(2), wengert.ones(2, 1, dtype=wengert.float64), upper=True)


@pytest.mark.parametrize("name", ["pinv", "matrix_rank"])
def test_nan_in_hermitian_matrices_is_told_as_by_eigh(name: str) -> None:
    with pytest.raises(linalg.LinAlgError, match="The algorithm failed to converge"):
        getattr(linalg, name)(wengert.full((3, 3), float("nan")), hermitian=True)


def test_a_zero_in_the_diagonal_of_ldl_factors_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"torch.linalg.ldl_factor: Element 1 of the diagonal of D is zero"):
        wengert.linalg.ldl_factor(wengert.zeros(2, 2))


def test_a_singular_matrix_leaves_nan_and_its_place_with_inv_ex() -> None:
    inverse, info = wengert.linalg.inv_ex(wengert.stack([wengert.eye(2), wengert.zeros(2, 2)]))
    assert info.tolist() == [0, 1]
    assert inverse[0].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert inverse[1].isnan().all()


PHASES = (
    ("t.linalg.eigh(x + x.mH)[1]", "linalg_eigh_backward"),
    ("t.linalg.eig(x)[1]", "linalg_eig_backward"),
    ("t.linalg.svd(x)[0]", "svd_backward"),
    ("t.linalg.svd(x)[2]", "svd_backward"),
)


@pytest.mark.parametrize(("text", "name"), PHASES)
def test_a_loss_that_depends_on_the_phase_of_vectors_is_refused_as_by_torch(text: str, name: str) -> None:
    values = [[1.0 + 2.0j, 0.5], [0.3j, -1.0 + 0.4j]]
    sentences = []
    for package in (oracle, wengert):
        x: Any = package.tensor(values, dtype=package.complex128, requires_grad=True)  # type: ignore[attr-defined]
        loss = (eval(text, {"t": package, "x": x}) * (1 + 2j)).imag.sum()
        with pytest.raises(RuntimeError, match=f"^{name}: The ") as caught:
            loss.backward()
        sentences.append(str(caught.value).splitlines()[0])
    assert sentences[0] == sentences[1]


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        (
            "t.linalg.qr(x[:, :2], mode='complete')[0]",
            RuntimeError,
            "The QR decomposition is not differentiable when mode=",
        ),
        ("t.linalg.qr(x, mode='r')[1]", RuntimeError, "The derivative of linalg.qr depends on Q"),
        ("t.geqrf(x)[0]", NotImplementedError, "the derivative for 'geqrf' is not implemented."),
        ("t.linalg.ldl_factor(x)[0]", RuntimeError, "derivative for aten::linalg_ldl_factor_ex is not implemented"),
    ],
)
def test_what_has_no_derivative_says_so(text: str, kind: type[Exception], sentence: str) -> None:
    for package in (oracle, wengert):
        x: Any = package.eye(3, requires_grad=True)  # type: ignore[attr-defined]
        with pytest.raises(kind, match=sentence):
            eval(text, {"t": package, "x": x}).sum().backward()
