"""A checkpoint changes nothing but time and memory: values and gradients are those of the plain program, and torch's."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.utils.checkpoint_programs import (
    PROGRAMS,
    Program,
    differentiates_inside,
    dropout,
    elementwise,
    hooked,
    layers,
)

X = np.linspace(-1.2, 1.3, 12).reshape(3, 4)
W = np.cos(np.arange(16.0)).reshape(4, 4)


def leaves(t: Any) -> tuple[Any, Any]:
    """Fresh x and w."""
    return t.tensor(X, requires_grad=True), t.tensor(W, requires_grad=True)


def total(t: Any, out: Any) -> Any:
    """One number that depends on all tensors in a result."""
    parts = out if isinstance(out, tuple) else (out,)
    return sum((part * (part + i)).sum() for i, part in enumerate(parts) if isinstance(part, t.Tensor))


def run(t: Any, program: Program, how: dict[str, Any] | None, passes: int = 1) -> list[Any]:
    """Value and gradients, after one or two backward passes; ``how`` None means without a checkpoint."""
    u = importlib.import_module(t.__name__ + ".utils.checkpoint")
    t.manual_seed(7)
    x, w = leaves(t)
    call: Callable[..., Any] = lambda a: program(t, u, a, w)  # noqa: E731
    out = call(x * 1) if how is None else u.checkpoint(call, x * 1, **how)
    after = t.rand(1).item()
    loss = total(t, out)
    for i in range(passes):
        loss.backward(retain_graph=i + 1 < passes)
    return [loss.item(), after, t.rand(1).item(), x.grad.numpy(), w.grad.numpy()]


def second_gradients(t: Any, program: Program, how: dict[str, Any] | None) -> list[Any]:
    """Gradients of the squared norm of the gradients."""
    u = importlib.import_module(t.__name__ + ".utils.checkpoint")
    t.manual_seed(7)
    x, w = leaves(t)
    call: Callable[..., Any] = lambda a: program(t, u, a, w)  # noqa: E731
    out = call(x * 1) if how is None else u.checkpoint(call, x * 1, **how)
    first = t.autograd.grad(total(t, out), (x, w), create_graph=True, allow_unused=True)
    norm = sum((g * g).sum() for g in first if g is not None)
    return [g.numpy() for g in t.autograd.grad(norm, (x, w))]


def assert_same(found: list[Any], expected: list[Any]) -> None:
    """Equal to a few ulps, number by number."""
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


NOT_REENTRANT = {"use_reentrant": False}
HOWS = [NOT_REENTRANT, {"use_reentrant": False, "early_stop": False}, {"use_reentrant": True}]
HOW_NAMES = ["replay", "replay-to-the-end", "reentrant"]


def possible(program: Program, how: dict[str, Any]) -> bool:
    """The reentrant form runs unrecorded first: nothing can be differentiated inside, and there is nothing to hook."""
    return not (how["use_reentrant"] and program in (differentiates_inside, hooked))


CASES = [
    pytest.param(program, how, id=f"{program.__name__}-{name}")
    for program in PROGRAMS
    for how, name in zip(HOWS, HOW_NAMES, strict=True)
    if possible(program, how)
]


@pytest.mark.parametrize(("program", "how"), CASES)
def test_value_gradients_and_random_state_are_those_of_the_plain_program(
    package: Any, program: Program, how: dict[str, Any]
) -> None:
    assert_same(run(package, program, how), run(package, program, None))


@pytest.mark.parametrize(("program", "how"), CASES)
def test_value_gradients_and_random_state_are_torchs(
    package: Any, oracle: Any, program: Program, how: dict[str, Any]
) -> None:
    assert_same(run(package, program, how), run(oracle, program, how))


@pytest.mark.parametrize("program", PROGRAMS)
def test_second_gradients_are_those_of_the_plain_program(package: Any, program: Program) -> None:
    assert_same(second_gradients(package, program, NOT_REENTRANT), second_gradients(package, program, None))


@pytest.mark.parametrize(("program", "how"), CASES)
def test_a_second_pass_over_a_retained_graph_gives_the_same_again(
    package: Any, program: Program, how: dict[str, Any]
) -> None:
    once, twice = run(package, program, how), run(package, program, how, passes=2)
    for a, b in zip(once[3:], twice[3:], strict=True):
        np.testing.assert_allclose(2 * a, b, rtol=1e-12, atol=1e-13)


def test_without_preserve_rng_state_the_second_run_draws_other_numbers(package: Any) -> None:
    how = {"use_reentrant": False, "preserve_rng_state": False, "early_stop": False}
    assert run(package, dropout, how)[2] != run(package, dropout, None)[2]


@pytest.fixture
def checkpoint(package: Any) -> Any:
    return importlib.import_module(package.__name__ + ".utils.checkpoint").checkpoint


@pytest.fixture
def utils(package: Any) -> Any:
    return package.utils.checkpoint


def test_keyword_arguments_and_nested_arguments_take_part(package: Any, checkpoint: Any) -> None:
    x, w = leaves(package)
    out = checkpoint(
        lambda pair, *, scale: (pair[0] @ pair[1]).sin() * scale, [x, w], scale=x.sum(), use_reentrant=False
    )
    found = package.autograd.grad(out.sum(), (x, w))
    expected = package.autograd.grad(((x @ w).sin() * x.sum()).sum(), (x, w))
    assert_same([g.numpy() for g in found], [g.numpy() for g in expected])


def test_a_keyword_argument_that_is_changed_before_backward_is_refused(package: Any, checkpoint: Any) -> None:
    x, _ = leaves(package)
    scale = x * 2
    out = checkpoint(lambda a, *, by: (a * by).sin(), x, by=scale, use_reentrant=False)
    scale.mul_(3)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_a_value_that_the_function_overwrites_is_refused_as_in_the_plain_program(package: Any, checkpoint: Any) -> None:
    def function(a: Any) -> Any:
        e = a.exp()
        s = e.sin()
        e.add_(1)
        return s.exp() * e

    x, _ = leaves(package)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        function(x).sum().backward()
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation[^$]*changed by: .*e\.add_\(1\)"):
        checkpoint(function, x, use_reentrant=False).sum().backward()


def test_a_node_may_read_its_saved_tensor_twice(package: Any, checkpoint: Any) -> None:
    class Square(package.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            ctx.save_for_backward(a)
            return a * a

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0] + g * ctx.saved_tensors[0]

    x, _ = leaves(package)
    checkpoint(Square.apply, x, use_reentrant=False).sum().backward()
    assert_same([x.grad.numpy()], [2 * X])


def test_saved_attributes_can_be_read_outside_of_a_pass(package: Any, checkpoint: Any) -> None:
    x, _ = leaves(package)
    out = checkpoint(lambda a: a.exp(), x, use_reentrant=False)
    assert_same([out.grad_fn._saved_result.detach().numpy()] * 2, [np.exp(X)] * 2)


def test_the_function_runs_twice_and_stops_early(package: Any, checkpoint: Any, utils: Any) -> None:
    seen: list[str] = []

    def function(a: Any) -> Any:
        seen.append("start")
        b = a.exp()
        seen.append("end")
        return b

    x, _ = leaves(package)
    checkpoint(function, x, use_reentrant=False).sum().backward()
    assert seen == ["start", "end", "start"]
    seen.clear()
    with utils.set_checkpoint_early_stop(False):
        out = checkpoint(function, x, use_reentrant=False)
    out.sum().backward()
    assert seen == ["start", "end"] * 2


def test_an_early_stop_passes_the_functions_own_except_clause(package: Any, checkpoint: Any) -> None:
    caught: list[Exception] = []

    def function(a: Any) -> Any:
        try:
            return a.exp()
        except Exception as error:
            caught.append(error)
            raise

    x, _ = leaves(package)
    checkpoint(function, x, use_reentrant=False).sum().backward()
    assert caught == []


def test_without_recording_the_function_just_runs(package: Any, checkpoint: Any) -> None:
    x, w = leaves(package)
    with package.no_grad():
        out = checkpoint(lambda a: (a @ w).exp(), x, use_reentrant=False)
    assert not out.requires_grad


def test_contexts_of_context_fn_surround_the_first_and_the_second_run(package: Any, checkpoint: Any) -> None:
    seen: list[str] = []

    @contextlib.contextmanager
    def note(name: str) -> Any:
        seen.append("in " + name)
        yield
        seen.append("out " + name)

    x, _ = leaves(package)
    how = {"use_reentrant": False, "context_fn": lambda: (note("first"), note("second")), "early_stop": False}
    out = checkpoint(lambda a: a.exp(), x, **how)
    assert seen == ["in first", "out first"]
    out.sum().backward()
    assert seen[2:] == ["in second", "out second"]


def test_a_partial_pass_recomputes_and_leaves_the_rest_for_later(package: Any, checkpoint: Any) -> None:
    x, w = leaves(package)
    a, b = checkpoint(lambda p, q: (p.exp().sin(), q.exp().cos()), x, w, use_reentrant=False)
    (gx,) = package.autograd.grad(a.sum(), x)
    (gw,) = package.autograd.grad(b.sum(), w)
    assert_same([gx.numpy(), gw.numpy()], [np.cos(np.exp(X)) * np.exp(X), -np.sin(np.exp(W)) * np.exp(W)])


def test_passes_of_a_group_recompute_once(package: Any, checkpoint: Any, utils: Any) -> None:
    runs: list[int] = []

    def function(p: Any, q: Any) -> Any:
        runs.append(1)
        return p.exp().sin(), q.exp().cos()

    x, w = leaves(package)
    a, b = checkpoint(function, x, w, use_reentrant=False)
    with utils.GraphExecGroup():
        a.sum().backward()
        b.sum().backward()
    assert len(runs) == 2
    assert_same([x.grad.numpy()], [np.cos(np.exp(X)) * np.exp(X)])


def test_differentiating_a_reentrant_checkpoint_twice_is_refused(package: Any, checkpoint: Any) -> None:
    x, _ = leaves(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reference cycle that create_graph makes
        checkpoint(lambda a: a.exp(), x, use_reentrant=True).sum().backward(create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        x.grad.sum().backward()
    x.grad = None


@pytest.mark.parametrize("use_reentrant", [True, False])
@pytest.mark.parametrize("segments", [1, 2, 3])
def test_checkpoint_sequential_equals_its_functions_one_after_the_other(
    package: Any, utils: Any, segments: int, use_reentrant: bool
) -> None:
    steps = [package.exp, package.sin, lambda a: a * a, package.tanh, package.cos]
    x, y = leaves(package)[0], leaves(package)[0]
    utils.checkpoint_sequential(steps, segments, x, use_reentrant=use_reentrant).sum().backward()
    package.cos(package.tanh(package.sin(package.exp(y)) ** 2)).sum().backward()
    assert_same([x.grad.numpy()], [y.grad.numpy()])


def test_hooks_on_saved_tensors_inside_are_the_users_own(package: Any, checkpoint: Any) -> None:
    packed: list[Any] = []

    def function(a: Any) -> Any:
        with package.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
            b = a.exp()
        return b.sin()

    x, _ = leaves(package)
    checkpoint(function, x, use_reentrant=False).sum().backward()
    assert len(packed) == 2  # once in each run
    assert_same([x.grad.numpy()], [np.cos(np.exp(X)) * np.exp(X)])


def test_an_error_in_the_function_leaves_no_mode_behind(package: Any, checkpoint: Any) -> None:
    x, _ = leaves(package)
    with pytest.raises(ZeroDivisionError):
        checkpoint(lambda a: a.exp() * (1 // 0), x, use_reentrant=False)
    y = x.exp()
    assert y.grad_fn._raw_saved_result.unpack_hook is None


@pytest.mark.parametrize("program", [elementwise, layers])
def test_regions_die_with_their_graph(package: Any, program: Program) -> None:
    import gc
    import weakref

    u = package.utils.checkpoint
    x, w = leaves(package)
    function = lambda a: program(package, u, a, w)  # noqa: E731
    watch = weakref.ref(function)
    out = u.checkpoint(function, x, use_reentrant=False)
    gc.disable()
    try:
        del function
        out.sum().backward()
        del out
        assert watch() is None, "a reference cycle keeps the checkpointed function"
    finally:
        gc.enable()


@pytest.mark.parametrize("early_stop", [True, False])
def test_a_function_that_differentiates_inside_must_still_do_the_same_twice(
    package: Any, utils: Any, early_stop: bool
) -> None:
    runs: list[int] = []

    def function(a: Any) -> Any:
        runs.append(1)
        y = a.sin()
        (g,) = package.autograd.grad(y.sum(), a)
        return (y * g).exp().sin() if len(runs) < 3 else y * g  # run, run for `grad`, run for `backward`

    x, _ = leaves(package)
    out = utils.checkpoint(function, x, use_reentrant=False, early_stop=early_stop)
    with pytest.raises(utils.CheckpointError, match="A different number of tensors was saved"):
        out.sum().backward()


def test_determinism_check_none_lets_other_dtypes_pass(package: Any, checkpoint: Any) -> None:
    runs: list[int] = []

    def function(a: Any) -> Any:
        runs.append(1)
        return a.exp() if len(runs) == 1 else a.float().exp()

    x, _ = leaves(package)
    checkpoint(function, x, use_reentrant=False, determinism_check="none").sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(X), rtol=1e-6)
