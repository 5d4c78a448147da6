"""Products with second derivatives, differential operators, checkpoints inside of transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import func as F
from wengert.utils.checkpoint import checkpoint

X = wg.tensor([0.3, -0.5, 0.7], dtype=wg.float64)
V = wg.tensor([1.0, 2.0, -1.0], dtype=wg.float64)


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-12)


def test_hvp_of_nested_arguments_is_the_product_with_all_blocks() -> None:
    def f(d: Any, c: Any) -> Any:
        return (d["a"].sin() * c).sum() * c.prod()

    primals, tangents = ({"a": X}, X * 2), ({"a": V}, V * 0.5)
    value, (product, other) = F.hvp(f, primals, tangents)
    H = F.hessian(lambda a, c: f({"a": a}, c), (0, 1))(X, X * 2)
    close(value, f(*primals))
    close(product["a"], H[0][0] @ V + H[0][1] @ (V * 0.5))
    close(other, H[1][0] @ V + H[1][1] @ (V * 0.5))


def test_hvp_hands_auxiliary_results_on() -> None:
    value, (product,), aux = F.hvp(lambda a: ((a**3).sum(), {"k": a}), (X,), (V,), has_aux=True)
    close(value, (X**3).sum())
    close(product, 6 * X * V)
    close(aux["k"], X)


def test_hvp_can_be_differentiated_and_vmapped() -> None:
    def f(a: Any) -> Any:
        return (a.exp() * a.sum()).sum()

    every = F.vmap(lambda v: F.hvp(f, (X,), (v,))[1][0])(wg.eye(3, dtype=wg.float64))
    close(every, F.hessian(f)(X))
    third = F.jacfwd(lambda a: F.hvp(f, (a,), (V,))[1][0])(X)
    close(third, F.jacfwd(F.hessian(f))(X) @ V)


def test_hvp_wants_a_scalar_function_and_a_tuple() -> None:
    with pytest.raises(RuntimeError, match="scalar"):
        F.hvp(lambda a: a * 2, (X,), (V,))
    with pytest.raises(RuntimeError, match="Expected primals to be a tuple"):
        F.hvp(lambda a: a.sum(), X, V)


def test_gnvp_is_the_product_with_the_gauss_newton_matrix() -> None:
    W = wg.tensor(np.random.default_rng(0).standard_normal((4, 3)))
    target = wg.tensor([0, 2, 1, 0])

    def model(a: Any) -> Any:
        return (W @ a).tanh().outer(a.cos())

    def loss(y: Any) -> Any:
        return wg.nn.functional.cross_entropy(y, target)

    value, (product,) = F.gnvp(model, loss, (X,), (V,))
    J = F.jacrev(model)(X).reshape(12, 3)
    H = F.hessian(loss)(model(X)).reshape(12, 12)
    close(value, loss(model(X)))
    close(product, J.T @ (H @ (J @ V)))
    assert float(product @ V) > 0


def test_gnvp_of_nested_outputs() -> None:
    def model(a: Any) -> Any:
        return {"p": a.sin(), "q": (a.sum() * a,)}

    def loss(y: Any) -> Any:
        return (y["p"] ** 2).sum() + (y["q"][0] ** 2).sum()

    _, (product,) = F.gnvp(model, loss, (X,), (V,))
    J = wg.cat([F.jacrev(lambda a: model(a)["p"])(X), F.jacrev(lambda a: model(a)["q"][0])(X)])
    close(product, 2 * J.T @ (J @ V))


def test_laplacian_is_the_trace_of_every_hessian() -> None:
    def field(a: Any, k: Any) -> Any:
        return wg.stack([(a**3).sum() * k, a.prod(), a.norm()])

    found = F.laplacian(field)(X, 2.0)
    hessians = F.jacfwd(F.jacrev(field))(X, 2.0)
    close(found, wg.stack([h.trace() for h in hessians]))
    close(F.laplacian(field, chunk_size=2)(X, 2.0), found)


def test_a_harmonic_function_has_no_laplacian() -> None:
    assert abs(float(F.laplacian(lambda a: 1 / a.norm())(X))) < 1e-12
    assert abs(float(F.divergence(lambda a: a / a.norm() ** 3)(X))) < 1e-12


def test_laplacian_of_each_point_and_its_gradient() -> None:
    points = wg.stack([X, X * 2])

    def u(a: Any) -> Any:
        return (a.sin() * wg.tensor([1.0, 2.0, 3.0], dtype=wg.float64)).sum()

    wanted = -(points.sin() * wg.tensor([1.0, 2.0, 3.0], dtype=wg.float64)).sum(1)
    close(F.vmap(F.laplacian(u))(points), wanted)
    close(F.grad(F.laplacian(u))(X), -(X.cos() * wg.tensor([1.0, 2.0, 3.0], dtype=wg.float64)))


def test_laplacian_of_a_matrix_argument_and_nested_values() -> None:
    M = wg.tensor(np.random.default_rng(0).standard_normal((2, 3)))
    found = F.laplacian(lambda k, a: {"y": (a**4).sum() * k, "z": [a.sum()]}, argnum=1)(2.0, M)
    close(found["y"], (24 * M**2).sum())
    assert float(found["z"][0]) == 0.0


def test_laplacian_through_operators_without_a_collapsed_rule() -> None:
    M = wg.tensor(np.random.default_rng(0).standard_normal((3, 3)))

    def f(a: Any) -> Any:
        return wg.linalg.inv(M + wg.diag(a)).sum() + wg.linalg.solve(M + wg.diag(a), a).sum() + wg.atan2(a, a * a).sum()

    close(F.laplacian(f)(X), F.hessian(f)(X).trace())


def test_laplacian_of_an_empty_argument_and_of_a_number() -> None:
    assert float(F.laplacian(lambda a: (a**2).sum() + 3)(wg.zeros(0))) == 0.0
    assert float(F.laplacian(lambda a: a**3)(wg.tensor(2.0))) == 12.0


def test_laplacian_with_one_random_mask_for_all_directions() -> None:
    wg.manual_seed(0)
    found = F.laplacian(lambda a: wg.nn.functional.dropout(a * a, 0.5).sum())(wg.ones(100))
    assert 200 < float(found) < 600
    assert float(found) % 4 == 0  # 2 for every kept element, which counts twice


def test_gradients_inside_of_a_laplacian() -> None:
    def u(a: Any) -> Any:
        return (a.sin() * a.sum()).sum()

    energy = F.laplacian(lambda a: (F.grad(u)(a) ** 2).sum())(X)
    close(energy, F.hessian(lambda a: (F.grad(u)(a) ** 2).sum())(X).trace())
    close(F.laplacian(F.laplacian(u))(X), F.hessian(F.laplacian(u))(X).trace())
    close(F.laplacian(F.jacrev(lambda a: a.exp() * a.sum()))(X), F.laplacian(F.jacfwd(lambda a: a.exp() * a.sum()))(X))


def test_divergence_of_a_matrix_field() -> None:
    M = wg.tensor(np.random.default_rng(0).standard_normal((2, 3)))
    close(F.divergence(lambda a: a**3)(M), (3 * M**2).sum())


def test_identities_of_vector_calculus() -> None:
    def field(a: Any) -> Any:
        return wg.stack([a[1] * a[2].sin(), a[0].exp() * a[2], (a[0] * a[1]).cos()])

    def potential(a: Any) -> Any:
        return (a.sin() * a.flip(0)).sum() * a.prod()

    assert abs(float(F.divergence(F.curl(field))(X))) < 1e-12
    close(F.curl(F.grad(potential))(X), wg.zeros(3, dtype=wg.float64))
    close(F.divergence(F.grad(potential))(X), F.laplacian(potential)(X))
    close(F.curl(lambda a: wg.stack([-a[1], a[0]]))(X[:2]), wg.tensor(2.0, dtype=wg.float64))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: F.laplacian(wg.sum, 1)(X), IndexError, "laplacian: argnum=1, but there are 1 positional arguments"),
        (lambda: F.laplacian(wg.sum)(3.0), TypeError, "must be a real floating-point Tensor"),
        (lambda: F.laplacian(wg.sum, chunk_size=0), ValueError, "greater than 0"),
        (lambda: F.divergence(wg.sum)(wg.tensor([1])), TypeError, "a Tensor of dtype torch.int64"),
        (lambda: F.divergence(wg.sum)(X), ValueError, r"has a value of the shape \(3,\) of its argument, got \(\)"),
        (lambda: F.curl(lambda a: a)(wg.ones(4)), ValueError, r"shape \(3,\) or \(2,\), got \(4,\)"),
        (lambda: F.curl(lambda a: a[:2])(X), ValueError, "a vector field"),
        (lambda: F.gnvp(wg.sin, wg.sum, X, V), RuntimeError, "gnvp: Expected primals to be a tuple"),
    ],
)
def test_bad_input_is_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def body(x: Any) -> Any:
    return (x.sin() * x.exp()).tanh()


def kept(x: Any) -> Any:
    return checkpoint(body, x, use_reentrant=False)


ROWS = wg.stack([X, X * 2])
TRANSFORMED: dict[str, Any] = {
    "grad": lambda f: F.grad(lambda x: f(x).sum())(X),
    "grad of grad": lambda f: F.grad(lambda x: (F.grad(lambda y: f(y).sum())(x) ** 2).sum())(X),
    "vjp": lambda f: F.vjp(f, X)[1](V)[0],
    "jvp": lambda f: F.jvp(f, (X,), (V,))[1],
    "linearize": lambda f: F.linearize(f, X)[1](V),
    "jacrev": lambda f: F.jacrev(f)(X),
    "jacfwd": lambda f: F.jacfwd(f)(X),
    "hessian": lambda f: F.hessian(lambda x: f(x).sum())(X),
    "vmap": lambda f: F.vmap(f)(ROWS),
    "vmap of grad": lambda f: F.vmap(F.grad(lambda x: f(x).sum()))(ROWS),
    "vmap of hessian": lambda f: F.vmap(F.hessian(lambda x: f(x).sum()))(ROWS),
    "grad of vmap": lambda f: F.grad(lambda rows: F.vmap(f)(rows).sum())(ROWS),
    "jet": lambda f: F.derivative(f, 3)(X),
    "jet of grad": lambda f: F.derivative(F.grad(lambda x: f(x).sum()), 2)(X),
    "hvp": lambda f: F.hvp(lambda x: f(x).sum(), (X,), (V,))[1][0],
    "laplacian": lambda f: F.laplacian(lambda x: f(x).sum())(X),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_a_checkpoint_inside_of_a_transform_changes_nothing(name: str) -> None:
    close(TRANSFORMED[name](kept), TRANSFORMED[name](body))


def test_a_checkpoint_inside_of_grad_runs_its_function_again() -> None:
    calls: list[int] = []

    def counted(x: Any) -> Any:
        calls.append(1)
        return body(x)

    F.grad(lambda x: checkpoint(counted, x, use_reentrant=False).sum())(X)
    assert len(calls) == 2


def test_a_reentrant_checkpoint_inside_of_a_transform_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="must override the setup_context") as caught:
        F.grad(lambda x: checkpoint(body, x, use_reentrant=True).sum())(X)
    assert "try: use_reentrant=False" in str(caught.value)


def test_hooks_of_saved_tensors_leave_tangents_alone() -> None:
    def copying(x: Any) -> Any:
        with wg.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
            return body(x).sum()

    wanted = F.hvp(lambda x: body(x).sum(), (X,), (V,))[1][0]
    close(F.hvp(copying, (X,), (V,))[1][0], wanted)
