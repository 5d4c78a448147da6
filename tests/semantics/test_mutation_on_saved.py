"""``allow_mutation_on_saved_tensors`` copies at the first write, and hooks on saved tensors keep the history there was."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.autograd.graph import allow_mutation_on_saved_tensors, saved_tensors_hooks


def saved_memory(y: Any) -> Any:
    """The array behind the saved result of ``y``."""
    return y.grad_fn._saved_result.detach().numpy()


def test_nothing_is_copied_while_nobody_writes() -> None:
    with allow_mutation_on_saved_tensors():
        y = wg.ones(3, requires_grad=True).exp()
        assert np.shares_memory(saved_memory(y), y.detach().numpy())


def test_the_first_write_copies_and_the_second_does_not() -> None:
    with allow_mutation_on_saved_tensors():
        y = wg.ones(3, requires_grad=True).exp()
        exp = y.grad_fn
        y.mul_(2)
        first = exp._saved_result.detach().numpy()
        y.mul_(2)
        assert np.shares_memory(first, exp._saved_result.detach().numpy())
        assert not np.shares_memory(first, y.detach().numpy())


@pytest.mark.parametrize(
    "write",
    ["y.mul_(2)", "y.zero_()", "y[0] = 5.0", "y[y > 0] = 5.0", "y.data.mul_(3)", "y.detach().add_(1)", "y[1:].exp_()"]
    + ["y.t_()", "y.copy_(x.detach())", "y.clamp_(0, 1)", "wg.exp(wg.ones(3), out=y.data)", "y.scatter_(0, i, 0.0)"],
)
def test_gradients_use_the_value_from_before_the_write(write: str) -> None:
    x = wg.tensor([0.5, 1.0, 1.5], requires_grad=True)
    with allow_mutation_on_saved_tensors():
        y = x.exp()
        z = (y * y).sum()
        expected = 2 * (2 * x.detach()).exp()
        exec(write, {"x": x, "y": y, "wg": wg, "i": wg.tensor([0, 1, 2])})
        z.backward()
    assert wg.allclose(x.grad, expected)


def test_writes_after_the_block_copy_nothing_and_stay_cheap() -> None:
    with allow_mutation_on_saved_tensors():
        y = wg.ones(3, requires_grad=True).exp()
    y.mul_(2)
    with pytest.raises(AssertionError, match="Trying to backward outside of the"):
        y.sum().backward()


def test_a_graph_of_an_earlier_block_is_refused_in_a_later_one() -> None:
    with allow_mutation_on_saved_tensors():
        y = wg.ones(3, requires_grad=True).exp()
    with allow_mutation_on_saved_tensors(), pytest.raises(AssertionError, match="Trying to backward outside of the"):
        y.sum().backward()


def test_blocks_do_not_nest() -> None:
    with allow_mutation_on_saved_tensors():
        with pytest.raises(RuntimeError, match="cannot be nested"), allow_mutation_on_saved_tensors():
            pass
        y = wg.ones(3, requires_grad=True).exp()
        y.sum().backward()


def test_what_hooks_have_packed_frees_the_saved_tensor() -> None:
    with saved_tensors_hooks(lambda t: t.detach().numpy().copy(), wg.from_numpy):
        a = wg.ones(3, requires_grad=True) * 2
        y = a.sin()
    watched = weakref.ref(a)
    del a
    gc.collect()
    assert watched() is None
    y.sum().backward()


def test_a_hooked_input_keeps_the_history_it_had_when_it_was_saved() -> None:
    x = wg.tensor([0.5], requires_grad=True)
    with saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        a = x * 1
        y = a.sin()
        a.mul_(3)
        (first,) = wg.autograd.grad(y.sum(), x, create_graph=True)
        (second,) = wg.autograd.grad(first.sum(), x)
    assert wg.allclose(second, -x.detach().sin())
