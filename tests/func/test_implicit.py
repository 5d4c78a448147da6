"""func.root, fixed_point, argmin: derivatives of every order, by every transform, against closed forms and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.optimize

import wengert as wg
from wengert.autograd import gradcheck, gradgradcheck
from wengert.func import argmin, fixed_point, grad, hessian, jacfwd, jacrev, jvp, root, vjp, vmap

D = wg.float64


def tensor(values: Any, **more: Any) -> Any:
    return wg.tensor(values, dtype=D, **more)


def square_root(a: Any, **more: Any) -> Any:
    return root(lambda x, a: x * x - a, wg.ones((), dtype=D), a, **more)


def closed_form(order: int, a: float = 2.0) -> float:
    """The derivative of the square root of that order."""
    factor = float(np.prod([0.5 - k for k in range(order)]))
    return factor * a ** (0.5 - order)


def one_direction(f: Any) -> Any:
    return lambda a: jvp(f, (a,), (wg.ones_like(a),))[1]


WAYS = {
    "grad": grad,
    "jacrev": jacrev,
    "jacfwd": jacfwd,
    "jvp": one_direction,
    "vjp": lambda f: lambda a: vjp(f, a)[1](wg.ones((), dtype=D))[0],
}


@pytest.mark.parametrize("first", WAYS)
def test_a_first_derivative_is_the_closed_form(first: str) -> None:
    assert WAYS[first](square_root)(tensor(2.0)).item() == pytest.approx(closed_form(1), rel=1e-12)


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_any_two_modes_nest(first: str, second: str) -> None:
    found = WAYS[second](WAYS[first](square_root))(tensor(2.0))
    assert found.item() == pytest.approx(closed_form(2), rel=1e-11)


@pytest.mark.parametrize(
    "modes", [("jacrev",) * 4, ("jacfwd",) * 3, ("jvp", "jacrev", "jacrev"), ("jacrev", "jvp", "jacrev")]
)
def test_deeper_nests_give_higher_derivatives(modes: tuple[str, ...]) -> None:
    f: Any = square_root
    for mode in modes:
        f = WAYS[mode](f)
    assert f(tensor(2.0)).item() == pytest.approx(closed_form(len(modes)), rel=1e-9)


def test_hessian_and_grad_of_a_function_of_a_root() -> None:
    a = tensor(2.0)
    assert hessian(square_root)(a).item() == pytest.approx(closed_form(2))
    assert grad(lambda a: square_root(a) ** 4)(a).item() == pytest.approx(4.0)


def test_nothing_requires_grad_outside_of_forward_mode() -> None:
    value, tangent = jvp(square_root, (tensor(2.0),), (tensor(1.0),))
    assert not value.requires_grad
    assert not tangent.requires_grad


def test_samples_of_a_batch_are_solved_one_by_one() -> None:
    a = tensor([1.0, 4.0, 9.0])
    assert vmap(square_root)(a).tolist() == pytest.approx([1, 2, 3])
    assert vmap(grad(square_root))(a).tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 6])
    assert grad(lambda a: vmap(square_root)(a).sum())(a).tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 6])
    assert vmap(vmap(square_root))(a.reshape(3, 1)).flatten().tolist() == pytest.approx([1, 2, 3])


def test_a_batched_tensor_from_outside_counts_too() -> None:
    def f(a: Any) -> Any:
        return root(lambda x: x * x - a, wg.ones((), dtype=D))

    assert vmap(f)(tensor([1.0, 4.0])).tolist() == pytest.approx([1, 2])
    assert vmap(grad(f))(tensor([1.0, 4.0])).tolist() == pytest.approx([1 / 2, 1 / 4])


# ---- several unknowns, nested -----------------------------------------------------------------------------------------


def equations(x: Any, p: Any) -> Any:
    return {"u": x["u"] ** 3 + p[0] * x["v"].sum() - 1, "v": x["v"] * p[1]["k"] + x["u"].sum() - p[0]}


def solved(a: Any, k: Any, **more: Any) -> Any:
    start = {"u": wg.ones(2, dtype=D), "v": wg.zeros(2, dtype=D)}
    x = root(equations, start, (a, {"k": k}), **more)
    return wg.cat([x["u"], x["v"]])


@pytest.mark.parametrize("linear_solver", ["dense", "gmres", "bicgstab"])
def test_nested_unknowns_and_parameters_pass_gradcheck_of_both_orders(linear_solver: str) -> None:
    inputs = (tensor(0.5, requires_grad=True), tensor([2.0, 1.5], requires_grad=True))
    assert gradcheck(lambda a, k: solved(a, k, linear_solver=linear_solver), inputs, check_forward_ad=True)
    assert gradgradcheck(lambda a, k: solved(a, k, linear_solver=linear_solver), inputs)


def test_forward_and_reverse_jacobians_agree() -> None:
    inputs = (tensor(0.5), tensor([2.0, 1.5]))
    for r, f in zip(jacrev(solved, (0, 1))(*inputs), jacfwd(solved, (0, 1))(*inputs), strict=True):
        assert wg.allclose(r, f, rtol=1e-10)
    r, f = jacrev(jacrev(solved, 1), 1)(*inputs), jacfwd(jacfwd(solved, 1), 1)(*inputs)
    assert wg.allclose(r, f, rtol=1e-8)


def test_the_value_is_that_of_scipy() -> None:
    def with_arrays(x: Any) -> Any:
        return [x[0] ** 3 + x[1] - 1, x[1] * 2 + x[0] - 0.3]

    def with_tensors(x: Any) -> Any:
        return wg.stack([x[0] ** 3 + x[1] - 1, x[1] * 2 + x[0] - 0.3])

    expected = scipy.optimize.root(with_arrays, [1.0, 1.0], tol=1e-13).x
    for method in (None, "newton", "hybr", "lm", "krylov", "df-sane"):
        assert np.allclose(root(with_tensors, tensor([1.0, 1.0]), method=method).numpy(), expected, atol=1e-8)


# ---- what is read from outside ------------------------------------------------------------------------------------------


def test_tensors_read_from_outside_get_their_gradients() -> None:
    b = tensor(2.0, requires_grad=True)
    w = b * 3
    x = root(lambda x: x * x - w * b, wg.ones((), dtype=D))  # sqrt(3) b
    (total,) = wg.autograd.grad(x, b, retain_graph=True)
    (partial,) = wg.autograd.grad(x, w, retain_graph=True)
    assert total.item() == pytest.approx(3**0.5)
    assert partial.item() == pytest.approx(2 / (2 * x.item()))
    x.backward()
    assert b.grad.item() == pytest.approx(3**0.5)


def test_a_tensor_read_from_outside_may_be_the_argument_of_a_transform() -> None:
    def f(a: Any) -> Any:
        return root(lambda x: x * x - a, wg.ones((), dtype=D))

    assert grad(f)(tensor(2.0)).item() == pytest.approx(closed_form(1))
    assert hessian(f)(tensor(2.0)).item() == pytest.approx(closed_form(2))
    assert jvp(f, (tensor(2.0),), (tensor(1.0),))[1].item() == pytest.approx(closed_form(1))


def test_a_layer_in_equilibrium_trains_its_parameters() -> None:
    layer = wg.nn.Linear(3, 3).to(D)
    with wg.no_grad():
        layer.weight.mul_(0.3)
    inputs = tensor([0.5, -1.0, 2.0], requires_grad=True)
    z = fixed_point(lambda z: wg.tanh(layer(z) + inputs), wg.zeros(3, dtype=D))
    z.sum().backward()
    unrolled = wg.zeros(3, dtype=D)
    again = [p.detach().clone().requires_grad_() for p in (layer.weight, layer.bias, inputs)]
    for _ in range(60):
        unrolled = wg.tanh(again[0] @ unrolled + again[1] + again[2])
    unrolled.sum().backward()
    for a, b in zip((layer.weight, layer.bias, inputs), again, strict=True):
        assert wg.allclose(a.grad, b.grad, rtol=1e-8)


def test_a_view_whose_base_was_written_to_keeps_its_history() -> None:
    base = tensor([1.0, 2.0], requires_grad=True)
    work = base * 1
    view = work[0]
    work.mul_(2)  # the view's history is made anew when somebody asks
    x = root(lambda x: x - view, wg.zeros((), dtype=D))
    (x + view).backward()
    assert base.grad.tolist() == [4.0, 0.0]


def test_a_root_inside_of_the_function_of_a_root() -> None:
    def f(a: Any) -> Any:
        inner = lambda x: root(lambda y, x: y**3 - x, wg.ones((), dtype=D), x)  # noqa: E731
        return root(lambda x, a: inner(x) - a, wg.ones((), dtype=D), a)  # a^3

    assert grad(f)(tensor(1.5)).item() == pytest.approx(3 * 1.5**2)
    assert jacrev(jacrev(f))(tensor(1.5)).item() == pytest.approx(6 * 1.5)


def test_derivatives_inside_of_the_function_are_no_parameters() -> None:
    t = tensor([0.5, 1.0, 1.5])

    def oscillation(w: Any, k: Any) -> Any:  # sin(w t) obeys u'' + k u = 0 for w = sqrt(k)
        def slope(t: Any) -> Any:
            return jvp(lambda t: wg.sin(w * t), (t,), (wg.ones_like(t),))[1]

        residual = jvp(slope, (t,), (wg.ones_like(t),))[1] + k * wg.sin(w * t)
        return residual.sum() + 0 * grad(lambda s: (s * s).sum())(t).sum()

    def f(k: Any) -> Any:
        return root(oscillation, wg.ones((), dtype=D), k)

    k = tensor(2.0)
    assert not f(k).requires_grad
    assert f(k).item() == pytest.approx(2**0.5)
    assert grad(f)(k).item() == pytest.approx(closed_form(1))
    assert not grad(f)(k).requires_grad
    assert hessian(f)(k).item() == pytest.approx(closed_form(2))
    assert jacfwd(jacfwd(f))(k).item() == pytest.approx(closed_form(2))
    a = tensor(2.0, requires_grad=True)
    root(lambda w: oscillation(w, a), wg.ones((), dtype=D)).backward()
    assert a.grad.item() == pytest.approx(closed_form(1))


# ---- the graph ------------------------------------------------------------------------------------------------------------


def test_a_second_backward_pass_needs_retain_graph() -> None:
    a = tensor(2.0, requires_grad=True)
    x = square_root(a)
    x.backward(retain_graph=True)
    x.backward()
    assert a.grad.item() == pytest.approx(2 * closed_form(1))
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        x.backward()


def test_without_recording_there_is_no_graph() -> None:
    with wg.no_grad():
        assert not square_root(tensor(2.0, requires_grad=True)).requires_grad


def test_the_result_may_be_written_to() -> None:
    a = tensor([4.0], requires_grad=True)
    x = root(lambda x, a: x * x - a, wg.ones(1, dtype=D), a, linear_solver="sparse")
    y = x * 1
    with wg.no_grad():
        y.zero_()
    x.sum().backward()
    assert a.grad.item() == pytest.approx(1 / 4)


def test_a_parameter_modified_in_place_is_noticed() -> None:
    a = tensor([2.0], requires_grad=True)
    b = a * 1
    x = root(lambda x, b: x * x - b * x, wg.ones(1, dtype=D), b)
    b.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        x.sum().backward()


def test_a_function_that_changes_between_calls_is_noticed_in_second_derivatives() -> None:
    shift = [0.0]
    a = tensor(2.0, requires_grad=True)
    x = root(lambda x, a: x * x - a - shift[0], wg.ones((), dtype=D), a)
    shift[0] = 1.0
    with pytest.raises(RuntimeError, match="gave another value when it was called again"):
        wg.autograd.grad(x, a, create_graph=True)


def test_single_precision_stays_single_precision() -> None:
    a = wg.tensor([2.0, 3.0], requires_grad=True)
    x = root(lambda x, a: x * x - a, wg.ones(2), a)
    x.sum().backward()
    assert x.dtype is wg.float32
    assert np.allclose(a.grad.numpy(), 0.5 / np.sqrt([2.0, 3.0]), rtol=1e-5)


def test_many_unknowns_need_no_matrix() -> None:
    n = 400
    calls = 0

    def f(x: Any, a: Any) -> Any:
        nonlocal calls
        calls += 1
        inner = 4 * x + a * x**3 - 1
        return inner - wg.cat([x[1:], x[:1] * 0]) - wg.cat([x[-1:] * 0, x[:-1]])

    a = tensor(0.5, requires_grad=True)
    x = root(f, wg.zeros(n, dtype=D), a)
    (g,) = wg.autograd.grad(x.sum(), a)
    assert calls < 100
    h = 1e-5
    both = [root(f, wg.zeros(n, dtype=D), tensor(0.5 + s * h)).sum().item() for s in (1, -1)]
    assert g.item() == pytest.approx((both[0] - both[1]) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("second", [False, True])
def test_a_sparse_boundary_value_problem(second: bool) -> None:
    n = 300

    def f(u: Any, a: Any) -> Any:  # u'' = a exp(u), zero at both ends
        left, right = wg.cat([u[:1] * 0, u[:-1]]), wg.cat([u[1:], u[-1:] * 0])
        return (left - 2 * u + right) * (n + 1) ** 2 - a * wg.exp(u)

    def middle(a: Any, **more: Any) -> Any:
        return root(f, wg.zeros(n, dtype=D), a, method="newton", linear_solver="sparse", **more)[n // 2]

    derivative = jacrev(jacrev(middle)) if second else jacrev(middle)
    a, h = tensor(1.0), 1e-3
    below, here, above = (middle(a + s * h).item() for s in (-1, 0, 1))
    expected = (above - 2 * here + below) / h**2 if second else (above - below) / (2 * h)
    assert derivative(a).item() == pytest.approx(expected, rel=1e-4)


def test_solvers_of_the_users_own() -> None:
    from scipy.sparse.linalg import lgmres

    def bisection(f: Any, x0: Any) -> Any:
        return scipy.optimize.bisect(lambda v: float(f(np.array([v]))[0]), 0.0, 10.0, xtol=1e-14)

    seen = []

    def linear(operator: Any, b: Any) -> Any:
        seen.append(operator.shape)
        return lgmres(operator, b, rtol=1e-12)[0]

    a = tensor(2.0, requires_grad=True)
    x = square_root(a, method=bisection, linear_solver=linear)
    x.backward()
    assert seen == [(1, 1)] * 2  # to check the solution, and for the derivative
    assert a.grad.item() == pytest.approx(closed_form(1))


@pytest.mark.parametrize("solve", [root, fixed_point, argmin])
def test_no_unknowns_are_solved_for_at_once(solve: Any) -> None:
    a = tensor(2.0, requires_grad=True)
    x = solve(lambda x, a: (x * a).sum() if solve is argmin else x * a, wg.zeros(0, dtype=D), a)
    assert x.shape == (0,)
    x.sum().backward()


@pytest.mark.parametrize("method", ["anderson", "broyden1", "newton", "hybr", "krylov"])
def test_a_fixed_point_is_found_by_any_method_for_roots(method: str) -> None:
    assert fixed_point(wg.cos, tensor(1.0), method=method).item() == pytest.approx(0.7390851332151607, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-14, 1e-6, 1.0, 1e9])
@pytest.mark.parametrize("solve", [root, argmin])
def test_solutions_do_not_depend_on_the_scale_of_the_equations(solve: Any, scale: float) -> None:
    a = tensor([2.0, 3.0], requires_grad=True)
    cubes = lambda x, a: scale * (x**3 - a)  # noqa: E731
    costs = lambda x, a: scale * (x**4 / 4 - a * x).sum()  # noqa: E731
    x = solve(cubes if solve is root else costs, tensor([1.0, 1.5]), a)
    x.sum().backward()
    assert x.tolist() == pytest.approx([2 ** (1 / 3), 3 ** (1 / 3)], rel=1e-10)
    assert a.grad.tolist() == pytest.approx([2 ** (-2 / 3) / 3, 3 ** (-2 / 3) / 3], rel=1e-9)


# ---- minima ---------------------------------------------------------------------------------------------------------------


def centre(data: Any, **more: Any) -> Any:
    return argmin(lambda m, data: ((data - m) ** 4).sum(), wg.zeros((), dtype=D), data, **more)


def test_a_minimum_passes_gradcheck_of_both_orders() -> None:
    data = tensor([1.0, 2.0, 6.0, 7.5], requires_grad=True)
    assert gradcheck(centre, (data,), check_forward_ad=True)
    assert gradgradcheck(centre, (data,))


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG", "Newton-CG", "trust-ncg", "Nelder-Mead"])
def test_every_method_leads_to_the_same_minimum(method: str) -> None:
    data = tensor([1.0, 2.0, 6.0, 7.5])
    assert centre(data, method=method).item() == pytest.approx(centre(data).item(), rel=1e-8)


def test_ridge_regression_has_its_closed_form_and_gradient() -> None:
    rng = np.random.default_rng(0)
    X, y = tensor(rng.normal(size=(20, 4))), tensor(rng.normal(size=20))

    def fitted(penalty: Any) -> Any:
        return argmin(lambda w, p: ((X @ w - y) ** 2).sum() + p * (w * w).sum(), wg.zeros(4, dtype=D), penalty)

    def closed(penalty: Any) -> Any:
        return wg.linalg.solve(X.T @ X + penalty * wg.eye(4, dtype=D), X.T @ y)

    p = tensor(0.7)
    assert wg.allclose(fitted(p), closed(p), rtol=1e-9)
    assert wg.allclose(jacrev(fitted)(p), jacrev(closed)(p), rtol=1e-8)
    assert wg.allclose(jacfwd(jacrev(fitted))(p), jacfwd(jacrev(closed))(p), rtol=1e-7)


def test_minima_of_many_unknowns_use_conjugate_gradients() -> None:
    n = 200
    scale = wg.linspace(1, 3, n, dtype=D)
    target = tensor(np.linspace(0, 1, n), requires_grad=True)
    x = argmin(lambda x, t: (scale * (x - t) ** 2).sum() + ((x - t) ** 4).sum(), wg.zeros(n, dtype=D), target)
    x.sum().backward()
    assert np.allclose(target.grad.numpy(), 1.0, rtol=1e-6)
