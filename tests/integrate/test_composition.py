"""Equations inside of equations: roots over solutions, minima inside of right-hand sides, differentiated as a whole."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import wengert as wg
from wengert.func import argmin, grad, hessian, jacfwd, jacrev, root, vmap
from wengert.integrate import odeint

D = wg.float64


def tensor(values: Any) -> Any:
    return wg.tensor(values, dtype=D)


def first_speed(k: Any, gradient: str) -> Any:
    """Shooting: the speed at 0 with which y'' = -k y leads from y(0) = 0 to y(1) = 1."""

    def miss(v: Any, k: Any) -> Any:
        start = wg.stack([0 * v, v])
        more = {"rtol": 1e-8, "atol": 1e-10, "gradient": gradient}
        return odeint(lambda t, y: wg.stack([y[1], -k * y[0]]), start, [0.0, 1.0], tfirst=True, **more)[-1, 0] - 1

    return root(miss, tensor(1.0), k, tol=1e-8)


def known_speed(k: Any) -> Any:
    return k.sqrt() / wg.sin(k.sqrt())


@pytest.mark.parametrize("gradient", ["direct", "adjoint"])
def test_a_shooting_method_is_differentiated_twice(gradient: str) -> None:
    k = tensor(2.0)
    assert first_speed(k, gradient).item() == pytest.approx(known_speed(k).item(), rel=1e-7)
    assert grad(first_speed)(k, gradient).item() == pytest.approx(grad(known_speed)(k).item(), rel=1e-6)
    second = jacrev(jacrev(first_speed))(k, gradient).item()
    assert second == pytest.approx(jacrev(jacrev(known_speed))(k).item(), rel=1e-5)


def relaxed(k: Any) -> Any:
    """The state at 0.5 of y' = -m, where m is least for (m - k y)^2 + m^4."""

    def slope(y: Any, t: Any, k: Any) -> Any:
        return -argmin(lambda m, c: (m - c) ** 2 + m**4, tensor(0.0), k * y)

    return odeint(slope, tensor(1.0), [0.0, 0.5], (k,), method="rk4", step_size=0.25)[-1]


def test_a_minimum_in_the_right_hand_side_is_differentiated_twice() -> None:
    k, h = tensor(1.3), 1e-4
    below, here, above = (relaxed(k + s * h).item() for s in (-1, 0, 1))
    first, second = (above - below) / (2 * h), (above - 2 * here + below) / h**2
    assert grad(relaxed)(k).item() == pytest.approx(first, rel=1e-7)
    assert jacfwd(relaxed)(k).item() == pytest.approx(first, rel=1e-7)
    for way in (hessian(relaxed), jacfwd(jacfwd(relaxed)), jacrev(jacrev(relaxed))):
        assert way(k).item() == pytest.approx(second, rel=1e-5)


def test_batches_of_second_derivatives_agree_with_the_derivatives_of_a_batch() -> None:
    k = tensor([1.3, 1.5])
    assert wg.allclose(wg.diag(vmap(hessian(relaxed))(k)), hessian(lambda k: vmap(relaxed)(k).sum())(k))


def test_threads_do_not_disturb_one_another() -> None:
    found: dict[float, float] = {}

    def work(a: float) -> None:
        square_root = root(lambda x, a: x * x - a, tensor(1.0), (q := tensor(a).requires_grad_()))
        found[a] = wg.autograd.grad(square_root, q)[0].item()

    threads = [threading.Thread(target=work, args=(float(a),)) for a in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {a: pytest.approx(0.5 * a**-0.5) for a in (1.0, 2.0, 3.0, 4.0)}
