"""One backward pass for many cotangents gives what one pass for each gives: every operator, and who watches."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import wengert as wg
from tests.ops import harness
from tests.ops.families import all_samples
from tests.ops.sample import Sample
from wengert.func import _formulas
from wengert.func._batched_backward import gradients, row_by_row
from wengert.func._dispatch import _WARNED

F = wg.func


def one_for_each_operator() -> list[Sample]:
    """The first samples of every operator: of one tensor, of several, complex."""
    chosen: dict[Any, Sample] = {}
    for s in all_samples():
        wanted = [i for i in s.inputs if i.differentiable]
        if wanted and "grad" in s.aspects and not harness.missing(wg, s.op) and all(0 not in i.shape for i in wanted):
            kinds = tuple(i.dtype for i in wanted)
            if set(kinds) <= {"float64", "complex128"}:
                chosen.setdefault((s.op, len(kinds), "complex128" in kinds), s)
    return list(chosen.values())


def close(wanted: Any, got: Any) -> None:
    """The same gradients: None, shape, dtype, values."""
    assert (wanted is None) == (got is None)
    if wanted is None:
        return
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    a, b = wanted.detach().numpy(), got.detach().numpy()
    scale = float(np.abs(a[np.isfinite(a)]).max(initial=1.0))
    np.testing.assert_allclose(b, a, rtol=1e-7, atol=1e-9 * scale)


def test_every_operator_pulls_a_batch_of_cotangents_back_as_row_by_row() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in one_for_each_operator():
            wg.manual_seed(0)
            inputs = harness.tensors(wg, sample, sample.arrays(), True)
            results = harness.differentiable(wg, harness.call(wg, sample, sample.code, inputs))
            outputs = [o for o in results if o.requires_grad]
            wanted = [x for x in inputs if x.requires_grad]
            if not outputs:
                continue
            seeds = [wg.randn(3, *o.shape, dtype=o.dtype) for o in outputs]
            for create_graph in (False, True):
                expected = row_by_row(outputs, wanted, seeds, True, create_graph)
                for a, b in zip(expected, gradients(outputs, wanted, seeds, True, create_graph), strict=True):
                    try:
                        close(a, b)
                    except AssertionError as error:
                        raise AssertionError(sample.id) from error


X = wg.arange(1.0, 5.0, dtype=wg.float64)
EYE = wg.eye(4, dtype=wg.float64)


def test_a_formula_that_reaches_for_arrays_runs_row_by_row_and_says_so_once() -> None:
    x = X.clone().requires_grad_()
    y = wg.ones(4, 4, dtype=wg.float64).cummax(1).values + x.cummax(0).values
    _WARNED.discard("CummaxBackward0")
    with pytest.warns(UserWarning, match="not yet implemented the batching rule for CummaxBackward0"):
        (first,) = wg.autograd.grad(y.sum(0), x, EYE, retain_graph=True, is_grads_batched=True)
    assert first.equal(4 * EYE)
    wg.autograd.grad(y.sum(0), x, EYE, is_grads_batched=True)  # a warning would be an error here


def test_hooks_see_every_row() -> None:
    x = X.clone().requires_grad_()
    y = x * x
    seen: list[Any] = []
    y.register_hook(lambda g: seen.append(tuple(g.shape)))
    (rows,) = wg.autograd.grad(y.sin(), x, EYE, is_grads_batched=True)
    assert seen == [(4,)] * 4
    assert rows.equal(wg.diag(2 * X * (X * X).cos()))


def test_a_batch_without_cotangents_has_the_shape_of_the_input() -> None:
    x = X.clone().requires_grad_()
    for y in (x * x, x.cummax(0).values):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert wg.autograd.grad(y, x, EYE[:0], is_grads_batched=True)[0].shape == (0, 4)
    assert F.jacrev(lambda v: v[:0] * 2)(X).shape == (0, 4)


def test_the_graph_is_freed_unless_it_is_kept() -> None:
    x = X.clone().requires_grad_()
    y = x * x
    wg.autograd.grad(y, x, EYE, is_grads_batched=True)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        wg.autograd.grad(y, x, EYE, is_grads_batched=True)


def test_what_was_not_used_raises_the_error_of_a_single_pass() -> None:
    x, w = X.clone().requires_grad_(), X.clone().requires_grad_()
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        wg.autograd.grad(x * x, (x, w), EYE, is_grads_batched=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        wg.autograd.grad(X * 2, x, EYE, is_grads_batched=True)


def test_vmap_over_a_pullback_of_outside_is_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_formulas, "by_rows", lambda *a: pytest.fail("row by row"))
    _, pull = F.vjp(lambda v: (v * v.sum()).tanh(), X)
    (rows,) = wg.vmap(pull)(EYE)
    assert wg.allclose(rows, F.jacrev(lambda v: (v * v.sum()).tanh())(X))
    _, derivative = F.linearize(lambda v: (v * v.sum()).tanh(), X)
    assert wg.allclose(wg.vmap(derivative)(EYE).t(), rows)
    nested = wg.vmap(wg.vmap(pull))(wg.stack([EYE, 2 * EYE]))[0]
    assert wg.allclose(nested[1], 2 * rows)


def test_rows_come_in_chunks_when_asked_for() -> None:
    def f(v: Any) -> Any:
        return {"a": v.sin() * v.sum(), "b": (v[:2] ** 2,)}

    whole = F.jacrev(f)(X)
    for size in (1, 2, 4, 5, 100):
        parts = F.jacrev(f, chunk_size=size)(X)
        assert wg.allclose(parts["a"], whole["a"]) and wg.allclose(parts["b"][0], whole["b"][0])


def test_jacrev_under_vmap_is_the_jacobian_of_each_sample() -> None:
    rows = wg.stack([X, X / 2, -X])
    f = lambda v: (v * v.sum()).tanh().cumsum(0)  # noqa: E731
    assert wg.allclose(wg.vmap(F.jacrev(f))(rows), wg.stack([F.jacrev(f)(r) for r in rows]))
    g = lambda v: f(v).prod()  # noqa: E731
    assert wg.allclose(wg.vmap(F.hessian(g))(rows), wg.stack([F.jacfwd(F.jacrev(g))(r) for r in rows]))


def test_jacobian_and_hessian_of_autograd_functional_agree_with_and_without_vectorize() -> None:
    A = wg.autograd.functional
    f = lambda x, y: (x * y.sum(), (x.sin() @ y) * y)  # noqa: E731
    close_ = lambda a, b: all(wg.allclose(p, q) for r, s in zip(a, b, strict=True) for p, q in zip(r, s, strict=True))  # noqa: E731
    assert close_(A.jacobian(f, (X, X)), A.jacobian(f, (X, X), vectorize=True))
    g = lambda x, y: (x.exp() * y**3).sum()  # noqa: E731
    assert close_(A.hessian(g, (X, X)), A.hessian(g, (X, X), vectorize=True))


def test_the_backward_of_a_custom_function_with_a_generated_rule_runs_once() -> None:
    calls: list[str] = []

    class Cube(wg.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            calls.append("forward")
            return x**3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            calls.append("backward")
            return wg.mul(3 * ctx.saved_tensors[0] ** 2, grad)

    assert wg.allclose(F.jacrev(Cube.apply)(X), wg.diag(3 * X**2))
    assert calls == ["forward", "backward"]
    calls.clear()
    rows = wg.stack([X, 2 * X])
    assert wg.allclose(wg.vmap(F.grad(lambda v: Cube.apply(v).sum()))(rows), 3 * rows**2)
    assert calls == ["forward", "backward"]
