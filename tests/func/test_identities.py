"""Identities between transforms, on generated programs: a failure prints the program and its seed."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import func as F

from .programs import Program, scalar_of


def agree(found: Any, wanted: Any, program: Program, tolerance: float = 1e-9) -> None:
    """Relative to the largest element."""
    a, b = found.numpy(), wanted.numpy()
    assert a.shape == b.shape, repr(program)
    scale = max(1.0, float(np.abs(b).max(initial=0.0)))
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=repr(program))


def repeated_grad(function: Callable[[Any], Any], order: int) -> list[Callable[[Any], Any]]:
    """A function and its derivatives, each the gradient of the one before."""
    row = [function]
    for _ in range(order):
        row.append(F.grad(row[-1]))
    return row


@pytest.mark.parametrize("seed", range(6))
def test_derivatives_to_order_8_are_those_of_repeated_grad(seed: int) -> None:
    program = Program(seed, length=2)
    rows = [f(program.x) for f in repeated_grad(program, 8)]
    for found, wanted in zip(F.derivatives(program, 8)(program.x), rows, strict=True):
        agree(found, wanted, program)


@pytest.mark.parametrize("seed", range(20))
def test_derivatives_to_order_4_of_longer_programs_are_those_of_repeated_grad(seed: int) -> None:
    program = Program(seed, length=6)
    rows = [f(program.x) for f in repeated_grad(program, 4)]
    for found, wanted in zip(F.derivatives(program, 4)(program.x), rows, strict=True):
        agree(found, wanted, program)


@pytest.mark.parametrize("seed", range(15))
def test_jet_along_a_curve_is_the_repeated_derivative_of_the_curve(seed: int) -> None:
    program = Program(seed, (3,), 4)
    rng = np.random.default_rng(seed)
    series = [wg.tensor(rng.standard_normal(3) * 0.5) for _ in range(3)]

    def along(t: Any) -> Any:
        return program(program.x + series[0] * t + series[1] * (t * t / 2) + series[2] * (t**3 / 6))

    value, terms = F.jet(program, (program.x,), (series,))
    row: Callable[[Any], Any] = along
    for found in [value, *terms]:
        agree(found, row(wg.zeros((), dtype=wg.float64)), program)
        row = F.jacfwd(row)


@pytest.mark.parametrize("seed", range(15))
def test_jacfwd_is_jacrev(seed: int) -> None:
    program = Program(seed, (3,), 5)
    agree(F.jacfwd(program)(program.x), F.jacrev(program)(program.x), program)


@pytest.mark.parametrize("seed", range(12))
def test_hessian_is_every_nesting_of_jacobians(seed: int) -> None:
    program = Program(seed, (3,), 4)
    scalar = scalar_of(program)
    hessian = F.hessian(scalar)(program.x)
    for outer, inner in itertools.product((F.jacfwd, F.jacrev), repeat=2):
        agree(outer(inner(scalar))(program.x), hessian, program)


@pytest.mark.parametrize("seed", range(12))
def test_vmap_of_grad_is_a_loop_of_grad(seed: int) -> None:
    program = Program(seed, (3,), 5)
    gradient = F.grad(scalar_of(program))
    rows = wg.stack([program.x, program.x * 0.5, -program.x])
    agree(F.vmap(gradient)(rows), wg.stack([gradient(row) for row in rows]), program)


@pytest.mark.parametrize("seed", range(12))
def test_jvp_and_vjp_are_adjoint(seed: int) -> None:
    program = Program(seed, (3,), 5)
    rng = np.random.default_rng(seed)
    v, c = (wg.tensor(rng.standard_normal(3)) for _ in range(2))
    forward = (F.jvp(program, (program.x,), (v,))[1] * c).sum()
    backward = (F.vjp(program, program.x)[1](c)[0] * v).sum()
    agree(forward, backward, program)


@pytest.mark.parametrize("seed", range(8))
def test_derivatives_taken_by_different_transforms_add_up(seed: int) -> None:
    program = Program(seed, length=4)
    x, one = program.x, wg.ones((), dtype=wg.float64)
    wanted = F.derivative(program, 4)(x)
    by_jvp = F.derivative(lambda v: F.jvp(program, (v,), (one,))[1], 3)
    ways: list[Callable[[Any], Any]] = [
        F.grad(F.derivative(program, 3)),
        F.derivative(F.grad(program), 3),
        F.derivative(F.derivative(program, 2), 2),
        F.derivative(F.grad(F.derivative(program)), 2),
        F.grad(F.derivative(F.grad(program), 2)),
        by_jvp,
        lambda v: F.jvp(F.derivative(program, 3), (v,), (one,))[1],
        F.derivative(lambda v: F.linearize(program, v)[1](one), 3),
        F.derivative(F.jacfwd(program), 3),
        F.derivative(F.jacrev(program), 3),
        F.derivative(F.hessian(program), 2),
        F.hessian(F.derivative(program, 2)),
        lambda v: F.vmap(F.derivative(program, 4))(v.reshape(1))[0],
        lambda v: F.derivative(F.vmap(program), 4)(v.reshape(1))[0],
        lambda v: F.derivative(F.vmap(F.grad(program)), 3)(v.reshape(1))[0],
        lambda v: F.vmap(F.grad(F.derivative(program, 3)))(v.reshape(1))[0],
    ]
    for way in ways:
        agree(way(x), wanted, program, 1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_products_with_second_derivatives_are_those_of_the_hessian(seed: int) -> None:
    program = Program(seed, (3,), 4)
    scalar = scalar_of(program)
    hessian = F.hessian(scalar)(program.x)
    v = wg.tensor(np.random.default_rng(seed).standard_normal(3))
    agree(F.hvp(scalar, (program.x,), (v,))[1][0], hessian @ v, program)
    agree(F.directional_derivative(scalar, (program.x,), (v,), 2), v @ hessian @ v, program)
    agree(F.laplacian(scalar)(program.x), hessian.trace(), program)
    agree(F.divergence(program)(program.x), F.jacrev(program)(program.x).trace(), program)


def sweep(first: int, last: int) -> None:
    """All identities for many seeds: ``python -m tests.func.test_identities 100 200``."""
    for seed in range(first, last):
        for name, test in list(globals().items()):
            if name.startswith("test_"):
                try:
                    test(seed)
                except AssertionError as error:
                    print(f"seed {seed}, {name}: {error}")


if __name__ == "__main__":
    sweep(int(sys.argv[1]), int(sys.argv[2]))
