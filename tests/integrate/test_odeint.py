"""wengert.integrate: solutions against closed forms and SciPy, orders of accuracy, gradients by both methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate as si

import wengert as wg
from wengert.autograd import gradcheck, gradgradcheck
from wengert.func import grad, hessian, jacfwd, jacrev, jvp, vmap
from wengert.integrate import odeint, solve_ivp
from wengert.integrate._explicit import fixed
from wengert.integrate._system import System, Times
from wengert.integrate._tableaus import ADAPTIVE, BOSH3, DOPRI5, FIXED, SCIPY

D = wg.float64
STEPS: dict[str, dict[str, Any]] = {
    **{m: {"step_size": s} for m, s in (("euler", 1e-3), ("midpoint", 5e-3), ("rk4", 2e-2))},
    **{m: {"rtol": 1e-8, "atol": 1e-10} for m in (*ADAPTIVE, *SCIPY)},
}
EXACT = {"euler": 5e-3, "midpoint": 1e-4}
"""Relative accuracy expected; 1e-6 where none is named."""
WAYS = [(m, g) for m in STEPS for g in ("direct", "adjoint") if g == "adjoint" or m not in SCIPY]


def tensor(values: Any, **more: Any) -> Any:
    return wg.tensor(values, dtype=D, **more)


def decay(y: Any, t: Any, k: Any) -> Any:
    return -k * y * (1 + t)


def decayed(y0: Any, t: Any, k: Any) -> Any:
    """The solution of ``decay``."""
    return y0 * wg.exp(-k * (t + t * t / 2 - t[0] - t[0] ** 2 / 2))[:, None]


def volterra(t: Any, y: Any, p: Any) -> Any:
    return wg.stack([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])


def volterra_arrays(t: float, y: Any, p: Any) -> Any:
    return np.array([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])


P = [1.5, 1.0, 3.0, 1.0]
START = [10.0, 5.0]


@pytest.mark.parametrize(("method", "gradient"), WAYS)
def test_values_and_gradients_are_those_of_the_closed_form(method: str, gradient: str) -> None:
    inputs = [tensor([1.0, 2.0]), tensor([0.2, 0.5, 1.0]), tensor(2.0)]
    found, expected = ([x.clone().requires_grad_() for x in inputs] for _ in range(2))
    weights = tensor([[1.0, 1.0], [2.0, 1.0], [3.0, 2.0]])
    y = odeint(decay, *found[:2], (found[2],), method=method, gradient=gradient, **STEPS[method])
    exact = decayed(*expected)
    (y * weights).sum().backward()
    (exact * weights).sum().backward()
    rel = EXACT.get(method, 1e-6)
    assert wg.allclose(y, exact, rtol=rel)
    for a, b in zip(found, expected, strict=True):
        assert wg.allclose(a.grad, b.grad, rtol=10 * rel, atol=rel)


@pytest.mark.parametrize("method", ["RK45", "RK23"])
def test_the_steps_are_those_of_scipy(method: str) -> None:
    ours = solve_ivp(volterra, (0, 10), tensor(START), method, args=tensor(P))
    theirs = si.solve_ivp(volterra_arrays, (0, 10), START, method, args=(P,))
    assert ours.nfev == theirs.nfev
    assert np.allclose(ours.t.numpy(), theirs.t, rtol=1e-9)
    assert np.allclose(ours.y.numpy(), theirs.y, rtol=1e-8)
    assert ours.y.shape == theirs.y.shape
    assert (ours.success, ours.status, ours.sol) == (True, 0, None)


@pytest.mark.parametrize("method", ["RK45", "RK23", "Radau", "BDF", "DOP853", "LSODA"])
def test_times_inside_are_interpolated_as_by_scipy(method: str) -> None:
    times = np.linspace(0, 4, 9)
    more = {"first_step": 1e-3, "max_step": 0.5, "rtol": 1e-5}
    ours = solve_ivp(volterra, (0, 5), tensor(START), method, t_eval=times, args=tensor(P), **more)
    jac = {"jac": lambda t, y, p: np.array([[p[0] - p[1] * y[1], -p[1] * y[0]], [p[3] * y[1], p[3] * y[0] - p[2]]])}
    with_jac = jac if method in ("Radau", "BDF", "LSODA") else {}
    theirs = si.solve_ivp(volterra_arrays, (0, 5), START, method, t_eval=times, args=(P,), **more, **with_jac)
    assert np.allclose(ours.y.numpy(), theirs.y, rtol=1e-7)
    assert ours.t.tolist() == times.tolist()


@pytest.mark.parametrize(("tableau", "solver"), [(DOPRI5, si.RK45), (BOSH3, si.RK23)])
def test_the_coefficients_are_those_of_the_literature(tableau: Any, solver: Any) -> None:
    a = np.zeros(solver.A.shape)
    for i, row in enumerate(tableau.a):
        a[i, : len(row)] = row
    assert np.allclose(a, solver.A, rtol=1e-15)
    for mine, theirs in (
        (tableau.b, solver.B),
        (tableau.c, solver.C),
        (tableau.error, solver.E),
        (tableau.dense, solver.P),
    ):
        assert np.allclose(mine, theirs, rtol=1e-14)


@pytest.mark.parametrize("name", [*FIXED, "dopri5", "bosh3"])
def test_the_error_falls_with_the_order_of_the_method(name: str) -> None:
    tableau = {**FIXED, **ADAPTIVE}[name]
    errors = []
    for steps in (16, 32):
        system = System(lambda t, y: y * wg.cos(t), tensor(1.0), "test")
        states = fixed(system, Times([0.0, 2.0], system.start, "test"), tableau, 2.0 / steps)
        errors.append(abs(states[-1].item() - np.exp(np.sin(2.0))))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(tableau.order, abs=0.35)


@pytest.mark.parametrize(("method", "order"), [("RK45", 4), ("RK23", 3)])
def test_the_interpolant_has_its_order(method: str, order: int) -> None:
    errors = []
    for h in (0.4, 0.2):
        more = {"rtol": 1e3, "atol": 1e3, "first_step": h, "max_step": h}
        result = solve_ivp(lambda t, y: y * wg.cos(t), (0, h), tensor(1.0), method, dense_output=True, **more)
        assert len(result.t) == 2
        inside = np.linspace(0.1, 0.9, 9) * h
        errors.append(np.abs(result.sol(inside).numpy() - np.exp(np.sin(inside))).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order + 1, abs=0.6)


def test_backwards_in_time_and_a_single_time() -> None:
    back = odeint(lambda y, t: y, tensor(1.0), [2.0, 1.0, 0.0])
    assert back.tolist() == pytest.approx([1, np.exp(-1), np.exp(-2)], rel=1e-7)
    for gradient in ("direct", "adjoint"):
        y0 = tensor([3.0], requires_grad=True)
        only = odeint(lambda y, t: y, y0, [1.0], gradient=gradient)
        only.sum().backward()
        assert only.tolist() == [[3.0]]
        assert y0.grad.tolist() == [1.0]


def test_states_of_any_shape_dtype_and_nesting() -> None:
    matrix = odeint(lambda y, t: y @ y, 0.1 * wg.ones(2, 2), [0.0, 0.5, 1.0])
    assert (matrix.shape, matrix.dtype) == ((3, 2, 2), wg.float32)
    rotation = odeint(lambda y, t: 1j * y, wg.ones((), dtype=wg.complex128), [0.0, np.pi])
    assert wg.allclose(rotation[1], wg.tensor(-1 + 0j, dtype=wg.complex128), atol=1e-6)
    numbers = odeint(lambda y, t: -y, [1, 2], [0.0, 1.0], rtol=1e-9)
    assert numbers.dtype is D
    start = {"x": tensor(1.0, requires_grad=True), "v": (tensor([0.0, 1.0]),)}
    nested = odeint(
        lambda t, y: {"x": y["v"][0].sum(), "v": (-y["x"] * wg.ones(2, dtype=D),)}, start, [0.0, 1.0], tfirst=True
    )
    assert nested["v"][0].shape == (2, 2)
    nested["x"][1].backward()
    assert start["x"].grad.item() == pytest.approx(np.cos(2**0.5), rel=1e-6)
    result = solve_ivp(lambda t, y: {"a": -y["a"]}, (0, 1), {"a": tensor([1.0, 2.0])}, dense_output=True)
    assert result.y["a"].shape == (2, len(result.t))
    assert result.sol(0.5)["a"].shape == (2,)
    assert result.sol([0.1, 0.2, 0.3])["a"].shape == (2, 3)


def test_without_times_to_evaluate_at_every_step_is_given() -> None:
    end = tensor(1.0, requires_grad=True)
    result = solve_ivp(lambda t, y: -y, (0.0, end), tensor([1.0]), "rk4", step_size=0.3)
    assert result.t.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert np.allclose(result.y[0].detach().numpy(), np.exp(-result.t.numpy()), rtol=1e-4)
    result.y[0, -1].backward()
    assert end.grad.item() == pytest.approx(-np.exp(-1), rel=1e-3)
    stiff = solve_ivp(lambda t, y: -y, (0.0, 1.0), tensor([1.0]), "Radau", rtol=1e-6)
    assert stiff.y.shape == (1, len(stiff.t))
    assert len(stiff.t) > 3


# ---- gradients through the steps ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["rk4", "midpoint"])
def test_recorded_steps_pass_gradcheck_of_both_orders(method: str) -> None:
    inputs = (
        tensor(START, requires_grad=True),
        tensor([0.0, 0.3, 0.5], requires_grad=True),
        tensor(P, requires_grad=True),
    )

    def f(y0: Any, t: Any, p: Any) -> Any:
        return odeint(
            volterra, y0, t, (p,), tfirst=True, method=method, step_size=0.17
        )  # no whole number of steps, so that nudged times take as many

    assert gradcheck(f, inputs, check_forward_ad=True)
    assert gradgradcheck(f, inputs)


def test_adaptive_steps_pass_gradcheck_where_the_solution_is_accurate() -> None:
    inputs = (
        tensor([1.0, 0.5], requires_grad=True),
        tensor([0.0, 0.4, 0.9], requires_grad=True),
        tensor(2.0, requires_grad=True),
    )

    def f(y0: Any, t: Any, k: Any) -> Any:
        return odeint(decay, y0, t, (k,), rtol=1e-7, atol=1e-9)

    assert gradcheck(f, inputs, check_forward_ad=True, atol=1e-5, rtol=1e-4)


def test_every_transform_goes_through_the_steps() -> None:
    def f(p: Any) -> Any:
        return odeint(volterra, tensor([1.0, 0.5]), [0.0, 0.5, 1.0], (p,), tfirst=True, rtol=1e-6, atol=1e-8)

    p = tensor(P)
    assert wg.allclose(jacrev(f)(p), jacfwd(f)(p), rtol=1e-10)
    second = hessian(lambda p: f(p).sum())(p)
    assert wg.allclose(second, jacrev(jacrev(lambda p: f(p).sum()))(p), rtol=1e-8)
    assert wg.allclose(jvp(f, (p,), (wg.ones(4, dtype=D),))[1], jacrev(f)(p).sum(-1))
    several = wg.stack([p, 1.1 * p])
    assert wg.allclose(vmap(f)(several), wg.stack([f(q) for q in several]), rtol=1e-4)
    both = vmap(grad(lambda p: f(p).sum()))(several)
    assert wg.allclose(both, wg.stack([grad(lambda p: f(p).sum())(q) for q in several]), rtol=1e-4)


def test_the_slope_of_the_dense_solution_is_the_function() -> None:
    result = solve_ivp(volterra, (0, 2), tensor(START), dense_output=True, args=tensor(P), rtol=1e-9, atol=1e-10)
    t = tensor(1.234, requires_grad=True)
    y = result.sol(t)
    slope = wg.stack([wg.autograd.grad(y[i], t, retain_graph=True)[0] for i in range(2)])
    assert wg.allclose(slope, volterra(t, y, tensor(P)), rtol=1e-5)


def test_the_ends_of_the_interval_get_their_gradients() -> None:
    ends = [tensor(0.0, requires_grad=True), tensor(1.0, requires_grad=True)]
    result = solve_ivp(lambda t, y: -2 * y, ends, tensor([1.0]), rtol=1e-9, atol=1e-11)
    result.y[0, -1].backward()
    assert [t.grad.item() for t in ends] == pytest.approx([2 * np.exp(-2), -2 * np.exp(-2)], rel=1e-6)


# ---- the adjoint method ---------------------------------------------------------------------------------------------------


def network() -> Any:
    wg.manual_seed(0)
    return wg.nn.Sequential(wg.nn.Linear(2, 5), wg.nn.Tanh(), wg.nn.Linear(5, 2)).to(D)


@pytest.mark.parametrize("method", ["dopri5", "rk4", "Radau", "DOP853"])
def test_a_network_in_the_equation_gets_the_gradients_of_the_recorded_steps(method: str) -> None:
    net = network()
    found = []
    for chosen, gradient in (("dopri5", "direct"), (method, "adjoint")):
        net.zero_grad()
        y0 = tensor([1.0, -1.0], requires_grad=True)
        more = {"step_size": 0.02} if chosen == "rk4" else {"rtol": 1e-8, "atol": 1e-10}
        y = odeint(lambda y, t: net(y) * wg.cos(t), y0, [0.0, 0.7, 1.5], method=chosen, gradient=gradient, **more)
        (y**2).sum().backward()
        found.append([y0.grad, *(p.grad.clone() for p in net.parameters())])
    for a, b in zip(*found, strict=True):
        assert wg.allclose(a, b, rtol=1e-5, atol=1e-7)


def test_the_graph_of_the_adjoint_method_does_not_grow_with_the_steps() -> None:
    def nodes(gradient: str, step: float) -> int:
        y0 = tensor([1.0], requires_grad=True)
        y = odeint(lambda y, t: wg.sin(y), y0, [0.0, 1.0], method="rk4", step_size=step, gradient=gradient)
        seen, queue = set(), [y.grad_fn]
        while queue:
            node = queue.pop()
            if node is not None and node not in seen:
                seen.add(node)
                queue.extend(below for below, _ in node.next_functions)
        return len(seen)

    assert nodes("adjoint", 0.1) == nodes("adjoint", 0.01) < 5
    assert nodes("direct", 0.01) > 5 * nodes("direct", 0.1)


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_gradients_of_a_stiff_equation_agree_with_differences(method: str) -> None:
    def robertson(t: Any, y: Any, k: Any) -> Any:
        slow, fast = k[0] * y[0], k[1] * y[1] * y[1]
        back = k[2] * y[1] * y[2]
        return wg.stack([-slow + back, slow - back - fast, fast])

    def end(k: Any) -> Any:
        y0 = tensor([1.0, 0.0, 0.0])
        return odeint(robertson, y0, [0.0, 1.0], (k,), tfirst=True, method=method, rtol=1e-8, atol=1e-11)[-1, 0]

    k = tensor([0.04, 3e7, 1e4])
    found = grad(end)(k)
    for i in range(3):
        h = 1e-4 * k[i].item()
        shift = wg.zeros(3, dtype=D)
        shift[i] = h
        difference = (end(k + shift) - end(k - shift)) / (2 * h)
        assert found[i].item() == pytest.approx(difference.item(), rel=2e-4)


@pytest.mark.parametrize("method", ["dopri5", "Radau"])
def test_the_adjoint_method_works_in_reverse_transforms_and_under_vmap(method: str) -> None:
    def f(k: Any) -> Any:
        return odeint(lambda y, t, k: -k * y, tensor(1.0), [0.0, 1.0], (k,), method=method, gradient="adjoint")[1]

    k = tensor([1.0, 2.0])
    assert wg.allclose(vmap(f)(k), wg.exp(-k), rtol=1e-6)
    assert wg.allclose(vmap(grad(f))(k), -wg.exp(-k), rtol=1e-6)
    assert wg.allclose(jacrev(vmap(f))(k), wg.diag(-wg.exp(-k)), rtol=1e-6, atol=1e-9)

    def reads_from_outside(k: Any) -> Any:
        return odeint(lambda y, t: -k * y, tensor(1.0), [0.0, 1.0], method=method, gradient="adjoint")[1]

    assert wg.allclose(vmap(grad(reads_from_outside))(k), -wg.exp(-k), rtol=1e-6)


def test_forward_mode_records_the_steps_in_place_of_the_adjoint() -> None:
    def f(k: Any) -> Any:
        return odeint(lambda y, t, k: -k * y, tensor(1.0), [0.0, 1.0], (k,), gradient="adjoint")[1]

    assert jvp(f, (tensor(2.0),), (tensor(1.0),))[1].item() == pytest.approx(-np.exp(-2), rel=1e-6)
    assert hessian(f)(tensor(2.0)).item() == pytest.approx(np.exp(-2), rel=1e-5)


def test_gradients_by_the_adjoint_method_are_differentiated_by_it_again() -> None:
    inputs = [tensor([1.0, 0.5]), tensor([0.1, 0.4, 0.9]), tensor(2.0)]
    found, expected = ([x.clone().requires_grad_() for x in inputs] for _ in range(2))
    weights = tensor([[1.0, 1.0], [2.0, 1.0], [3.0, 2.0]])
    y = odeint(decay, *found[:2], (found[2],), gradient="adjoint", rtol=1e-9, atol=1e-11)
    for of, t in ((y, found), (decayed(*expected), expected)):
        first = wg.autograd.grad((of**2 * weights).sum(), t, create_graph=True)
        (first[0][0] ** 2 + first[1][2] * first[2] + first[1][1]).backward()
    for a, b in zip(found, expected, strict=True):
        assert wg.allclose(a.grad, b.grad, rtol=1e-5)


def test_gradients_through_methods_of_scipy_are_not_differentiated_silently() -> None:
    k = tensor(2.0, requires_grad=True)
    y = odeint(lambda y, t, k: -k * y, tensor(1.0), [0.0, 1.0], (k,), method="Radau")
    (g,) = wg.autograd.grad(y[1], k, create_graph=True)
    with pytest.raises(RuntimeError, match="cannot be differentiated again"):
        g.backward()


def test_an_adjoint_graph_is_freed_like_any_other() -> None:
    y0 = tensor(1.0, requires_grad=True)
    y = odeint(lambda y, t: -y, y0, [0.0, 1.0], gradient="adjoint")[1]
    y.backward(retain_graph=True)
    y.backward()
    assert y0.grad.item() == pytest.approx(2 * np.exp(-1))
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    with wg.no_grad():
        assert not odeint(lambda y, t: -y, y0, [0.0, 1.0], gradient="adjoint").requires_grad
