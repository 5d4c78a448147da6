"""A policy decides which results are kept; values and gradients do not depend on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

X = np.linspace(-1.0, 1.0, 12).reshape(3, 4)
W = np.sin(np.arange(16.0)).reshape(4, 4)


class Counted:
    """The function, and how many matrix products it has computed."""

    def __init__(self, w: Any) -> None:
        self.w = w
        self.products = 0

    def product(self, a: Any) -> Any:
        """One matrix product."""
        self.products += 1
        return a @ self.w

    def __call__(self, a: Any) -> Any:
        return self.product(self.product(a).exp().log_softmax(1)).sin().exp()


def gradients(package: Any, policy: Any, passes: int = 1, **how: Any) -> tuple[list[Any], int]:
    """Gradients of x and w, and the number of matrix products computed."""
    u = package.utils.checkpoint
    x = package.tensor(X, requires_grad=True)
    w = package.tensor(W, requires_grad=True)
    function = Counted(w)
    context_fn = partial(u.create_selective_checkpoint_contexts, policy)
    out = u.checkpoint(function, x, use_reentrant=False, context_fn=context_fn, **how)
    for i in range(passes):
        out.sum().backward(retain_graph=i + 1 < passes)
    return [x.grad.numpy() / passes, w.grad.numpy() / passes], function.products


def plain(package: Any) -> list[Any]:
    """Gradients without a checkpoint."""
    x = package.tensor(X, requires_grad=True)
    w = package.tensor(W, requires_grad=True)
    Counted(w)(x).sum().backward()
    return [x.grad.numpy(), w.grad.numpy()]


def seen_by(package: Any, answer: Callable[[Any, str], Any]) -> tuple[list[str], list[Any], int]:
    """What a policy is asked about, with the gradients and the products that follow from its answers."""
    seen: list[str] = []

    def policy(ctx: Any, op: str) -> Any:
        assert ctx.is_recompute is False
        assert isinstance(ctx.op_output, package.Tensor)
        seen.append(op)
        return answer(package.utils.checkpoint.CheckpointPolicy, op)

    grads, products = gradients(package, policy)
    return seen, grads, products


@pytest.mark.parametrize("member", range(6))
def test_every_policy_gives_the_gradients_of_the_plain_program(package: Any, member: int) -> None:
    seen, grads, _ = seen_by(package, lambda policies, op: list(policies)[member])
    assert seen == ["exp", "log_softmax", "mm", "exp"]
    for a, b in zip(grads, plain(package), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_if_everything_is_kept_nothing_is_recomputed(package: Any) -> None:
    assert seen_by(package, lambda policies, op: policies.MUST_SAVE)[2] == 2


def test_if_nothing_is_kept_everything_is_recomputed(package: Any) -> None:
    assert seen_by(package, lambda policies, op: policies.MUST_RECOMPUTE)[2] == 4


def test_recomputation_ends_with_the_last_result_that_is_not_kept(package: Any) -> None:
    answers = iter([False, True, True, True])  # only the first exp is computed again, and what leads to it
    seen, grads, products = seen_by(package, lambda policies, op: next(answers))
    assert seen == ["exp", "log_softmax", "mm", "exp"]
    assert products == 2 + 1
    for a, b in zip(grads, plain(package), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_operators_may_be_named_or_given_as_functions(package: Any) -> None:
    by_name, _ = gradients(package, ["mm", "exp"])
    as_function, _ = gradients(package, [package.mm, package.exp])
    for a, b, c in zip(by_name, as_function, plain(package), strict=True):
        np.testing.assert_allclose(a, c, rtol=1e-13)
        np.testing.assert_allclose(b, c, rtol=1e-13)


def test_a_second_pass_works(package: Any) -> None:
    for a, b in zip(gradients(package, ["mm"], passes=2)[0], plain(package), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_kept_value_that_is_overwritten_is_refused_unless_allowed(package: Any, allowed: bool) -> None:
    u = package.utils.checkpoint

    def function(a: Any) -> Any:
        e = a.exp()
        s = e.sin()
        with package.no_grad():
            e.mul_(1)
        return s

    x = package.tensor(X, requires_grad=True)
    context_fn = partial(u.create_selective_checkpoint_contexts, ["exp"], allow_cache_entry_mutation=allowed)
    out = u.checkpoint(function, x, use_reentrant=False, context_fn=context_fn)
    if allowed:
        out.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), np.cos(np.exp(X)) * np.exp(X), rtol=1e-13)
    else:
        with pytest.raises(RuntimeError, match="Tensor cached during selective activation checkpoint has been mutated"):
            out.sum().backward()


def test_a_custom_function_is_known_by_the_name_of_its_class(package: Any) -> None:
    class Cube(package.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            ctx.save_for_backward(a)
            return a**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 3 * ctx.saved_tensors[0] ** 2 * g

    u = package.utils.checkpoint
    seen: list[str] = []
    x = package.tensor(X, requires_grad=True)
    context_fn = partial(
        u.create_selective_checkpoint_contexts, lambda ctx, op: seen.append(op) or u.CheckpointPolicy(0)
    )
    u.checkpoint(lambda a: Cube.apply(a).sin(), x, use_reentrant=False, context_fn=context_fn).sum().backward()
    assert seen == ["Cube"]


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (3, TypeError, "policy_fn_or_list must be either a function or a list of ops."),
        ([3], ValueError, "Expected op in `op_list` to be an OpOverload but got: 3 of type <class 'int'>."),
    ],
)
def test_what_is_no_policy_is_refused_in_torchs_words(
    package: Any, oracle: Any, wrong: Any, error: type[Exception], text: str
) -> None:
    import torch.utils.checkpoint as theirs

    for module in (package.utils.checkpoint, theirs):
        with pytest.raises(error) as caught:
            module.create_selective_checkpoint_contexts(wrong)
        assert str(caught.value).startswith(text)
