"""Transforms against live torch: values, nesting, what is recorded outside."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import wengert

RNG = np.random.default_rng(0)
X, M, B = RNG.standard_normal(3), RNG.standard_normal((3, 3)), RNG.standard_normal((4, 3))
PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {}


def program(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Run by both libraries: ``function(module, tensor)``."""
    PROGRAMS[function.__name__] = function
    return function


@program
def second_derivatives_by_all_four_ways(m: Any, t: Any) -> Any:
    f, F = (lambda v: (m.sin(v) * (t(M) @ v)).sum() * v.prod()), m.func
    modes = (F.jacfwd, F.jacrev)
    return [F.hessian(f)(t(X)), *(a(b(f))(t(X)) for a, b in itertools.product(modes, modes))]


@program
def third_derivatives(m: Any, t: Any) -> Any:
    f, F = (lambda v: (v**4).sum() + v.prod()), m.func
    return [F.jacfwd(F.jacfwd(F.jacfwd(f)))(t(X)), F.jacrev(F.jacfwd(F.jacrev(f)))(t(X)),
            F.jacfwd(F.jacrev(F.jacfwd(f)))(t(X))]  # fmt: skip


@program
def perturbations_are_not_confused(m: Any, t: Any) -> Any:
    g, jvp, one, two = m.func.grad, m.func.jvp, t(1.0), t(2.0)
    return [
        g(lambda a: a * g(lambda b: a + b)(one))(two), g(lambda a: a * g(lambda b: a * b)(a))(two),
        jvp(lambda a: a * jvp(lambda b: a + b, (one,), (one,))[1], (two,), (one,)),
        jvp(lambda a: a * jvp(lambda b: a * b * b, (a,), (one,))[1], (two,), (one,)),
        g(lambda a: a * jvp(lambda b: a * b, (a,), (one,))[1])(two),
        jvp(lambda a: a * g(lambda b: a * b * b)(a), (two,), (one,)),
    ]  # fmt: skip


@program
def gradients_of_each_sample(m: Any, t: Any) -> Any:
    F = m.func

    def loss(w: Any, a: Any) -> Any:
        return ((w @ a).tanh() ** 2).sum()

    def f(a: Any) -> Any:
        return t(M) @ a * a.sum()

    return [
        F.vmap(F.grad(loss), in_dims=(None, 0))(t(M), t(B)), F.vmap(F.hessian(lambda a: loss(t(M), a)))(t(B)),
        F.vmap(F.jacrev(f))(t(B)), F.vmap(F.jacfwd(f))(t(B)), F.jacrev(F.vmap(lambda a: a.sum() * a))(t(B)),
        F.jacfwd(F.vmap(lambda a: a.sum() * a))(t(B)), F.grad(lambda w: F.vmap(lambda a: loss(w, a))(t(B)).sum())(t(M)),
    ]  # fmt: skip


@program
def vmaps_in_one_another(m: Any, t: Any) -> Any:
    v, g = m.func.vmap, m.func.grad
    return [
        v(v(lambda a, b: a * b, (None, 0)), (0, None))(t(B), t(X)),
        v(v(lambda a, b: (a * b).sum(), (0, None)), (None, 0))(t(B), t(B)),
        v(lambda a: v(g(lambda c: (a * c * c).sum()))(t(B)))(t(B)),
        v(lambda a: v(lambda b: g(lambda c: (b * c * c).sum())(a))(t(B)))(t(B)),
    ]


@program
def pullbacks_and_their_batches(m: Any, t: Any) -> Any:
    F = m.func

    def f(a: Any) -> Any:
        return a.sin() * a.sum()

    several, pull = F.vjp(lambda a: (a.sin(), a * 2), t(X))
    value, linear = F.linearize(f, t(X))
    return [several, pull((t(X), t(X))), F.vmap(F.vjp(f, t(X))[1])(t(M)), F.vmap(lambda v: F.vjp(f, t(X))[1](2 * v))(t(M)),
            value, linear(t(X)), F.vmap(linear)(t(M))]  # fmt: skip


@program
def auxiliary_results(m: Any, t: Any) -> Any:
    F = m.func

    def f(a: Any) -> Any:
        return (a**2).sum(), {"k": a * 2}

    def g(a: Any) -> Any:
        return a**2, a * 3

    return [F.grad(f, has_aux=True)(t(X)), F.grad_and_value(f, has_aux=True)(t(X)), F.jacrev(g, has_aux=True)(t(X)),
            F.jacfwd(g, has_aux=True)(t(X)), F.jvp(g, (t(X),), (t(X),), has_aux=True)]  # fmt: skip


@program
def nested_arguments_and_results(m: Any, t: Any) -> Any:
    F = m.func

    def f(d: Any, e: Any) -> Any:
        return {"o": d["a"] * e[0], "p": (d["b"].sum() * e[1],)}

    a = ({"a": t(X), "b": t(B)}, [t(X), t(X)])
    return [
        F.jacrev(f, argnums=(0, 1))(*a),
        F.jacfwd(f, argnums=(0, 1))(*a),
        F.jacrev(f)(*a),
        F.jacfwd(f, argnums=1)(*a),
    ]


@program
def what_is_recorded_outside(m: Any, t: Any) -> Any:
    F, grad = m.func, m.autograd.grad
    w, z = t(X).requires_grad_(), t(X).requires_grad_()
    with_w = F.grad(lambda a: (a * a * w).sum())(t(X))
    gradient, value = F.grad_and_value(lambda a: (a * a).sum() + (w * 0).sum())(t(X))
    flags = [m.tensor(x.requires_grad) for x in (with_w, gradient, value, F.grad(lambda a: (a * a).sum())(t(X)))]
    with m.no_grad():
        flags.append(m.tensor(F.grad(lambda a: (a * a * w).sum())(z).requires_grad))
    return [*flags, grad(with_w.sum(), w)[0], grad(F.grad(lambda a: (a**3).sum())(z).sum(), z)[0],
            grad(F.vmap(F.grad(lambda a: a**3))(z).sum(), z)[0], grad(F.jvp(lambda a: a**3, (z,), (t(X),))[1].sum(), z)[0],
            ]  # fmt: skip


@program
def autograd_grad_under_vmap(m: Any, t: Any) -> Any:
    x = t(X).requires_grad_()
    y = x.sin() * x.sum()
    jacobian = m.vmap(lambda v: m.autograd.grad(y, x, v, retain_graph=True)[0])(m.eye(3, dtype=m.float64))
    inside = m.vmap(m.func.grad(lambda a: m.autograd.grad((a**3).sum(), a, create_graph=True)[0].prod()))(t(B))
    return [jacobian, inside, m.autograd.grad(y, x, m.eye(3, dtype=m.float64), is_grads_batched=True)[0]]


def same(wanted: Any, got: Any) -> None:
    """Nested results agree in values, shapes, dtypes."""
    if isinstance(wanted, dict):
        assert list(wanted) == list(got)
        wanted, got = list(wanted.values()), list(got.values())
    if isinstance(wanted, (list, tuple)):
        for a, b in zip(wanted, got, strict=True):
            same(a, b)
        return
    a, b = wanted.detach().numpy(), got.detach().numpy()
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    np.testing.assert_allclose(b, a, atol=1e-9)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_what_torch_gives(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own
        wanted = PROGRAMS[name](torch, lambda a: torch.tensor(np.array(a)))
    same(wanted, PROGRAMS[name](wengert, lambda a: wengert.tensor(np.array(a))))


STEPS = [
    lambda m, x, w: x.sin() + w, lambda m, x, w: x * w, lambda m, x, w: (x * x).sum() * w,
    lambda m, x, w: (w @ x).tanh() * x,
    lambda m, x, w: x.softmax(0) * w, lambda m, x, w: m.stack([x, w]).prod(0), lambda m, x, w: x.flip(0).cumsum(0),
    lambda m, x, w: m.where(x > 0, x * w, x.exp()), lambda m, x, w: x[[2, 0, 1]] * x.norm(),
    lambda m, x, w: x.reshape(3, 1).mul(w).sum(1),
    lambda m, x, w: x.sigmoid().log() - w.mean(), lambda m, x, w: m.cat([x[1:], w[:1]]),
]  # fmt: skip


def generated(seed: int) -> tuple[Callable[[Any], Any], Any]:
    """A random function of a 3-vector, and a place."""
    rng = np.random.default_rng(seed)
    steps = [STEPS[i] for i in rng.integers(0, len(STEPS), 4)]
    w = wengert.tensor(rng.standard_normal(3))

    def function(x: Any) -> Any:
        for step in steps:
            x = step(wengert, x, w)
        return x

    return function, wengert.tensor(rng.standard_normal(3))


@pytest.mark.parametrize("seed", range(25))
def test_all_modes_agree_on_a_generated_function(seed: int) -> None:
    f, x = generated(seed)
    F = wengert.func
    close: Any = np.testing.assert_allclose
    jacobian = F.jacrev(f)(x).numpy()
    close(F.jacfwd(f)(x).numpy(), jacobian, atol=1e-9)

    def scalar(v: Any) -> Any:
        return f(v).sum()

    hessian = F.hessian(scalar)(x).numpy()
    scale = 1e-9 * max(1.0, float(np.abs(hessian).max()))
    for outer, inner in itertools.product((F.jacfwd, F.jacrev), repeat=2):
        close(outer(inner(scalar))(x).numpy(), hessian, atol=scale)
    tangent, cotangent = wengert.randn(3, dtype=wengert.float64), wengert.randn(3, dtype=wengert.float64)
    forward = F.jvp(f, (x,), (tangent,))[1]
    backward = F.vjp(f, x)[1](cotangent)[0]
    assert float((forward * cotangent).sum()) == pytest.approx(float((backward * tangent).sum()), rel=1e-8, abs=1e-8)
    rows = wengert.stack([x, x * 0.5, -x])
    batch = F.vmap(F.grad(scalar))(rows).numpy()
    close(batch, np.stack([F.grad(scalar)(row).numpy() for row in rows]), atol=1e-9)


P = np.array([[0.31, 0.22, 0.53], [0.44, 0.65, 0.86]])
WRITES: dict[str, Callable[[Any, Any], Any]] = {
    **{f"{name}_": lambda x, y, name=name: getattr(x, f"{name}_")() for name in (
        "sigmoid", "exp", "sin", "sqrt", "tanh", "reciprocal", "square", "log", "floor", "erf", "sign", "zero")},
    **{f"{name}_": lambda x, y, name=name: getattr(x, f"{name}_")(y) for name in (
        "mul", "div", "add", "sub", "pow", "atan2", "copy", "gt", "xlogy")},
    "addcmul_": lambda x, y: x.addcmul_(x, y),
    "a row": lambda x, y: x[0].exp_(),
    "rows assigned": lambda x, y: x.__setitem__(0, y[1] * x[1]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", WRITES)
def test_tangents_of_writes_have_gradients_and_gradients_tangents(name: str) -> None:
    found = []
    for m in (torch, wengert):
        x, v, w, y = (m.tensor(f(P), dtype=m.float64) for f in (np.copy, np.cos, np.sin, np.tan))

        def written(x: Any, y: Any = y) -> Any:
            z = x * 1.5
            WRITES[name](z, y)
            return z * x

        def tangents(x: Any, m: Any = m, v: Any = v, w: Any = w) -> Any:
            return (m.func.jvp(written, (x,), (v,))[1] * w).sum()

        def gradients(x: Any, m: Any = m, w: Any = w) -> Any:
            return m.func.grad(lambda x: (written(x) * w).sum())(x)

        found.append([m.func.grad(tangents)(x).numpy(), m.func.jvp(gradients, (x,), (v,))[1].numpy()])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["logical_not_", "logical_and_", "heaviside_", "floor_divide_", "ge_"])
def test_the_tangent_of_steps_written_over_a_value_is_zero(name: str) -> None:
    x = wengert.tensor([1.0, -2.0, 0.0, 3.0])

    def written(x: Any) -> Any:
        z = x * 2
        return getattr(z, name)(*[x] * (name != "logical_not_")) * 1.0

    value, tangent = wengert.func.jvp(written, (x,), (wengert.ones_like(x),))
    assert value.isfinite().all() or name == "floor_divide_"
    assert tangent.tolist() == [0.0] * 4
