"""wengert.optimize: the results are SciPy's, the derivatives that it is given are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.optimize as so

import wengert as wg
from wengert.optimize import least_squares, minimize, root

D = wg.float64


def rosen(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


START = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
BY_HAND: dict[str, dict[str, Any]] = {
    "BFGS": {"jac": so.rosen_der},
    "CG": {"jac": so.rosen_der},
    "L-BFGS-B": {"jac": so.rosen_der},
    "TNC": {"jac": so.rosen_der},
    "SLSQP": {"jac": so.rosen_der},
    "Nelder-Mead": {},
    "Powell": {},
    "COBYLA": {},
    "Newton-CG": {"jac": so.rosen_der, "hessp": so.rosen_hess_prod},
    "trust-ncg": {"jac": so.rosen_der, "hessp": so.rosen_hess_prod},
    "trust-krylov": {"jac": so.rosen_der, "hessp": so.rosen_hess_prod},
    "trust-constr": {"jac": so.rosen_der, "hessp": so.rosen_hess_prod},
    "dogleg": {"jac": so.rosen_der, "hess": so.rosen_hess},
    "trust-exact": {"jac": so.rosen_der, "hess": so.rosen_hess},
}


@pytest.mark.parametrize("method", BY_HAND)
@pytest.mark.filterwarnings("ignore:Singular Jacobian", "ignore:delta_grad", "ignore:invalid value")
def test_minimize_takes_the_steps_of_scipy_with_derivatives_written_by_hand(method: str) -> None:
    options = {"maxfun" if method == "TNC" else "maxiter": 60}
    ours = minimize(rosen, START, method=method, options=options)
    theirs = so.minimize(so.rosen, START, method=method, options=options, **BY_HAND[method])
    assert ours.nit == theirs.nit if "nit" in theirs else ours.nfev == theirs.nfev
    assert np.allclose(ours.x, theirs.x, rtol=1e-4, atol=1e-5)
    assert type(ours) is type(theirs)


def test_the_default_method_is_that_of_scipy() -> None:
    assert minimize(rosen, START).nit == so.minimize(so.rosen, START, jac=so.rosen_der).nit
    assert "hess_inv" in minimize(rosen, START)  # BFGS
    bounded = minimize(rosen, START, bounds=[(0, 0.5)] * 5)
    assert np.allclose(bounded.x, so.minimize(so.rosen, START, jac=so.rosen_der, bounds=[(0, 0.5)] * 5).x, atol=1e-5)


@pytest.mark.parametrize("kind", ["array", "list", "tensor", "single", "tree"])
def test_the_result_has_the_form_of_the_starting_point(kind: str) -> None:
    starts: dict[str, Any] = {
        "array": START,
        "list": START.tolist(),
        "tensor": wg.tensor(START),
        "single": wg.tensor(START, dtype=wg.float32),
        "tree": {"a": wg.tensor(START[:2]), "b": [wg.tensor(START[2:]).reshape(3, 1)]},
    }

    def f(x: Any) -> Any:
        assert all(isinstance(t, wg.Tensor) for t in ([x["a"], *x["b"]] if kind == "tree" else [x]))
        return rosen(wg.cat([x["a"], x["b"][0].flatten()]) if kind == "tree" else x)

    x = minimize(f, starts[kind]).x
    if kind in ("array", "list"):
        assert isinstance(x, np.ndarray)
        assert x.dtype == np.float64
        assert np.allclose(x, 1, atol=1e-4)
    elif kind == "tree":
        assert x["b"][0].shape == (3, 1)
        assert wg.allclose(x["b"][0], wg.ones(3, 1, dtype=D), atol=1e-4)
    else:
        assert x.dtype is (wg.float32 if kind == "single" else D)
        assert not x.requires_grad
        assert wg.allclose(x, wg.ones_like(x), atol=1e-2)


def test_one_number_is_a_starting_point() -> None:
    result = minimize(lambda x: (x - 3) ** 2, 1.0)
    assert result.x.shape == ()
    assert float(result.x) == pytest.approx(3)


def test_arguments_are_passed_on_and_derivatives_of_ones_own_are_used() -> None:
    seen = []

    def jac(x: Any, a: Any) -> Any:
        seen.append(type(x))
        return 2 * (x - a)

    assert minimize(lambda x, a: ((x - a) ** 2).sum(), [0.0, 0.0], args=(5.0,), jac=jac).x == pytest.approx([5, 5])
    assert set(seen) == {wg.Tensor}
    assert minimize(lambda x, a: ((x - a) ** 2).sum(), [0.0], args=4.0, jac="2-point").x == pytest.approx([4], abs=1e-6)
    hessian = minimize(
        lambda x: ((x - 1) ** 4).sum(), [3.0], method="trust-exact", hess=lambda x: wg.diag(12 * (x - 1) ** 2)
    )
    assert hessian.x == pytest.approx([1], abs=0.05)
    product = minimize(lambda x: ((x - 1) ** 2).sum(), [3.0], method="Newton-CG", hessp=lambda x, v: 2 * v)
    assert product.x == pytest.approx([1])


def test_constraints_of_both_kinds_have_exact_jacobians() -> None:
    def f(x: Any) -> Any:
        return (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2

    old = {"type": "ineq", "fun": lambda x, k: wg.stack([x[0] - 2 * x[1] + k, 6 - x[0] - 2 * x[1]]), "args": (2,)}
    expected = [1.4, 1.7]
    assert minimize(f, [2.0, 0.0], constraints=old).x == pytest.approx(expected, abs=1e-6)
    assert minimize(f, [2.0, 0.0], constraints=[old], method="SLSQP").x == pytest.approx(expected, abs=1e-6)
    calls = []

    def circle(x: Any) -> Any:
        calls.append(1)
        return (x * x).sum()

    new = so.NonlinearConstraint(circle, -np.inf, 1.0)
    result = minimize(f, [0.1, 0.1], constraints=[new, so.LinearConstraint([[1, 0]], 0.0, 1.0)], method="trust-constr")
    assert result.x == pytest.approx(np.array([1, 2.5]) / np.hypot(1, 2.5), abs=1e-4)
    assert len(calls) < 10 * result.nit
    assert minimize(f, [0.1, 0.1], constraints=new).x == pytest.approx(result.x, abs=1e-4)  # SLSQP


def test_the_hessian_of_a_constraint_is_exact() -> None:
    from wengert.optimize._constraints import weighted_hessian
    from wengert.optimize._variables import Residuals, Variables

    variables = Variables([1.0, 2.0], "test")
    residuals = Residuals(lambda x: (x[0] ** 2 * x[1], x.sum()), (), variables)
    found = weighted_hessian(residuals, variables)(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    assert found.tolist() == [[12.0, 6.0], [6.0, 0.0]]
    linear = Residuals(lambda x: x.sum(), (), variables)
    assert weighted_hessian(linear, variables)(np.array([1.0, 2.0]), np.array([3.0])).tolist() == [[0, 0], [0, 0]]


def test_bounds_may_be_nested_as_the_variables() -> None:
    start = {"a": wg.zeros(2, dtype=D), "b": wg.zeros((), dtype=D)}
    low = {"a": wg.tensor([1.0, -1.0]), "b": wg.tensor(2.0)}
    x = minimize(lambda x: (x["a"] ** 2).sum() + x["b"] ** 2, start, bounds=so.Bounds(low, 10.0)).x
    assert x["a"].tolist() == pytest.approx([1, 0])
    assert x["b"].item() == 2


def test_callbacks_see_the_form_of_the_starting_point() -> None:
    seen: list[Any] = []
    start = {"a": wg.tensor([2.0, 1.0], dtype=D)}
    minimize(lambda x: (x["a"] ** 2).sum(), start, callback=lambda x: seen.append(x["a"].shape))
    assert seen[0] == (2,)

    def stop(intermediate_result: Any) -> None:
        seen.append(intermediate_result.x["a"].tolist())
        raise StopIteration

    result = minimize(lambda x: ((x["a"] - 1) ** 4).sum(), start, callback=stop)
    assert result.nit == 1
    assert seen[-1] == result.x["a"].tolist()


# ---- least squares ----------------------------------------------------------------------------------------------------

T = np.linspace(0, 2, 30)
Y = 3 * np.exp(-1.5 * T) + 0.1 * np.sin(20 * T)


def decay(p: Any) -> Any:
    return p[0] * wg.exp(-p[1] * wg.tensor(T)) - wg.tensor(Y)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_least_squares_takes_the_steps_of_scipy_with_a_jacobian_written_by_hand(method: str) -> None:
    def f(p: Any) -> Any:
        return p[0] * np.exp(-p[1] * T) - Y

    def jac(p: Any) -> Any:
        return np.stack([np.exp(-p[1] * T), -p[0] * T * np.exp(-p[1] * T)], 1)

    ours = least_squares(decay, [1.0, 1.0], method=method)
    theirs = so.least_squares(f, [1.0, 1.0], jac, method=method)
    assert ours.x == pytest.approx(theirs.x, rel=1e-8)
    assert ours.jac == pytest.approx(theirs.jac, rel=1e-6)
    assert ours.nfev == theirs.nfev


def test_the_jacobian_is_computed_from_its_shorter_side() -> None:
    from wengert.func._implicit_graph import Recording, jacobian

    rows: list[Any] = []

    class Counting(Recording):
        def push_rows(self, vectors: Any) -> Any:
            rows.append(("columns", len(vectors)))
            return super().push_rows(vectors)

        def pull_rows(self, seeds: Any) -> Any:
            rows.append(("rows", len(seeds)))
            return super().pull_rows(seeds)

    x = wg.tensor([1.0, 2.0], dtype=D)
    tall = jacobian(Counting(lambda x: wg.sin(x[0] * wg.arange(9.0) + x[1]), x), 2)
    assert tall.shape == (9, 2)
    assert np.allclose(tall[:, 0], np.arange(9) * tall[:, 1])
    assert jacobian(Counting(lambda x: x[:1] * x[1:], x), 2).tolist() == [[2.0, 1.0]]
    assert jacobian(Counting(lambda x: x.detach(), x), 2).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert rows == [("columns", 2), ("rows", 1), ("rows", 2)]


def test_least_squares_without_a_matrix() -> None:
    n = 300
    target = wg.linspace(0, 1, n, dtype=D)
    result = least_squares(lambda x: x + 0.1 * x**3 - target, np.zeros(n), jac="operator")
    assert result.success
    assert float(abs(result.fun).max()) < 1e-6


@pytest.mark.parametrize("given", [False, True])
def test_a_sparse_jacobian_takes_few_products(given: bool) -> None:
    from scipy import sparse

    n = 400
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        left, right = wg.cat([x[:1] * 0, x[:-1]]), wg.cat([x[1:], x[-1:] * 0])
        return 4 * x - left - right + x**3 - 1

    pattern = sparse.diags([1.0, 1.0, 1.0], [-1, 0, 1], shape=(n, n)) if given else None
    result = least_squares(f, np.zeros(n), sparse=True, jac_sparsity=pattern)
    assert sparse.issparse(result.jac)
    assert result.success
    assert float(abs(result.fun).max()) < 1e-3
    assert len(calls) < 50


def test_least_squares_takes_bounds_losses_and_arguments() -> None:
    bounded = least_squares(decay, [1.0, 1.0], bounds=(0, [2.5, 5.0]), loss="soft_l1", max_nfev=50)
    assert bounded.x[0] == pytest.approx(2.5)
    own = least_squares(lambda x, a, b: x - a * b, [0.0], args=(2.0,), kwargs={"b": 3.0}, jac=lambda x, a, b: wg.eye(1))
    assert own.x == pytest.approx([6])
    tree = least_squares(
        lambda x: (x["a"] - 1, x["b"] * 2), {"a": wg.zeros(2), "b": wg.ones(())}, bounds=so.Bounds(0, 9)
    )
    assert tree.x["a"].tolist() == pytest.approx([1, 1], abs=1e-4)


# ---- roots --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["hybr", "lm", "df-sane", "broyden1"])
def test_roots_are_found(method: str) -> None:
    result = root(
        lambda x: wg.stack([x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1, 0.5 * (x[1] - x[0]) ** 3 + x[1]]),
        [0.0, 0.0],
        method=method,
    )
    assert result.success
    assert result.x == pytest.approx([0.8411639, 0.1588361], abs=1e-5)


def test_root_passes_arguments_callbacks_and_jacobians() -> None:
    seen: list[Any] = []
    start = {"x": wg.zeros(2, dtype=D)}
    shown = root(
        lambda x, a: x["x"] - a, start, args=(3.0,), method="broyden1", callback=lambda x, f: seen.append(x["x"].shape)
    )
    assert shown.x["x"].tolist() == pytest.approx([3, 3])
    assert seen[0] == (2,)
    assert root(lambda x: x**2 - 4, [1.0], jac=lambda x: wg.diag(2 * x)).x == pytest.approx([2])
    assert not root(lambda x: x**2 + 4, [1.0]).success


# ---- what is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: minimize(lambda x: x, [1.0, 2.0]),
            ValueError,
            r"optimize.minimize: the function must return a tensor with one",
        ),
        (lambda: minimize(lambda x: 1.0, [1.0, 2.0]), ValueError, "one element, got <class 'float'>"),
        (lambda: minimize(lambda x: x.detach().sum(), [1.0]), RuntimeError, "does not depend on x"),
        (lambda: minimize(lambda x: x, [1j]), TypeError, "real numbers"),
        (lambda: minimize(lambda x: x, wg.ones(2, dtype=wg.int64)), TypeError, "real floating point"),
        (lambda: root(lambda x: 1.0, [1.0]), TypeError, "optimize.root: the function must return tensors"),
        (lambda: least_squares(lambda x: x, [1.0], bounds=([0, 0], 1)), ValueError, "2 limits for 1 variables"),
        (
            lambda: wg.vmap(lambda a: wg.tensor(minimize(lambda x: (x - a) ** 2, 0.0).x))(wg.ones(2)),
            RuntimeError,
            "try: func.argmin",
        ),
    ],
)
def test_mistakes_in_a_call_are_named(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
