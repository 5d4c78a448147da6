"""The gradient between a log-softmax and the negative log likelihood is not written down where nobody looks at it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as torch
import wengert.nn.functional as F
from wengert import kernels

ROWS, CLASSES = 64, 400


@pytest.fixture
def unwritten(monkeypatch: Any) -> list[int]:
    """How often a slope was made from such a gradient."""
    calls: list[int] = []

    def counted(module: Any, name: str) -> None:
        original = getattr(module, name)

        def call(*operands: Any) -> Any:
            calls.append(1)
            return original(*operands)

        monkeypatch.setattr(module, name, call)

    counted(kernels.bulk, "log_softmax_rows_slope_picked")
    counted(kernels.formulas, "log_softmax_slope_picked")
    return calls


def logits(dtype: Any = np.float64, shape: tuple[int, ...] = (ROWS, CLASSES)) -> Any:
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    return torch.from_numpy(x).requires_grad_()


def targets(shape: tuple[int, ...] = (ROWS,)) -> Any:
    return torch.from_numpy(np.random.default_rng(1).integers(0, CLASSES, shape))


def expected(x: Any, target: Any, factors: Any) -> Any:
    """(softmax - one at the target) times a factor for each row."""
    e = np.exp(x - x.max(1, keepdims=True))
    slope = e / e.sum(1, keepdims=True)
    np.put_along_axis(slope, target[:, None], np.take_along_axis(slope, target[:, None], 1) - 1, 1)
    return slope * factors[:, None]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_of_a_large_cross_entropy_is_softmax_less_target(dtype: Any, unwritten: list[int]) -> None:
    x, t = logits(dtype), targets()
    F.cross_entropy(x, t).backward()
    wanted = expected(x.detach().numpy().astype(np.float64), t.numpy(), np.full(ROWS, 1 / ROWS))
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=0, atol=8 * np.finfo(dtype).eps / ROWS)
    assert x.grad.dtype is x.dtype
    assert len(unwritten) == 1


def test_weights_and_ignored_rows_count_as_in_the_dense_gradient(unwritten: list[int]) -> None:
    t = targets()
    t[3:9] = -100
    weight = torch.rand(CLASSES, dtype=torch.float64)
    found = []
    for hook in (False, True):
        x = logits()
        logs = x.log_softmax(1)
        if hook:
            logs.register_hook(lambda grad: None)
        F.nll_loss(logs, t, weight, reduction="sum").backward()
        found.append(x.grad.numpy())
    np.testing.assert_array_equal(found[0], found[1])
    assert not found[0][3:9].any()
    assert len(unwritten) == 1


def test_images_of_classes_have_their_classes_in_the_middle(unwritten: list[int]) -> None:
    found = []
    for hook in (False, True):
        x = logits(shape=(4, CLASSES, 6, 7))
        logs = x.log_softmax(1)
        if hook:
            logs.register_hook(lambda grad: None)
        F.nll_loss(logs, targets((4, 6, 7))).backward()
        found.append(x.grad.numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-13, atol=1e-18)
    assert len(unwritten) == 1


def test_hooks_and_kept_gradients_see_the_dense_gradient() -> None:
    x, t = logits(), targets()
    logs = x.log_softmax(1)
    logs.retain_grad()
    seen = []
    logs.register_hook(seen.append)
    logs.grad_fn.register_prehook(lambda grads: seen.append(grads[0]))
    F.nll_loss(logs, t).backward()
    dense = np.zeros((ROWS, CLASSES))
    np.put_along_axis(dense, t.numpy()[:, None], -1 / ROWS, 1)
    for grad in (*seen, logs.grad):
        np.testing.assert_array_equal(grad.numpy(), dense)


def test_hooks_of_the_loss_see_the_dense_gradient() -> None:
    loss = F.nll_loss(logits().log_softmax(1), targets())
    seen: list[Any] = []
    loss.grad_fn.register_hook(lambda inputs, outputs: seen.append(inputs[0]))
    loss.backward()
    assert (seen[0].numpy() != 0).sum() == ROWS


def test_a_gradient_that_is_asked_for_is_dense() -> None:
    x, t = logits(), targets()
    logs = x.log_softmax(1)
    (grad,) = torch.autograd.grad(F.nll_loss(logs, t), logs)
    assert type(grad) is torch.Tensor
    assert (grad.numpy() != 0).sum() == ROWS


def test_it_is_written_down_before_it_is_added_to_another(unwritten: list[int]) -> None:
    x, t = logits(), targets()
    logs = x.log_softmax(1)
    (F.nll_loss(logs, t) + (logs * logs).sum()).backward()
    y = logits()
    other = y.log_softmax(1)
    (-other[torch.arange(ROWS), t].mean() + (other * other).sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-12)
    assert not unwritten


def test_a_log_softmax_along_another_dimension_gets_the_dense_gradient(unwritten: list[int]) -> None:
    x, t = logits(), targets()
    F.nll_loss(x.log_softmax(0), t).backward()
    y = logits()
    (-y.log_softmax(0)[torch.arange(ROWS), t].mean()).backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-12, atol=1e-16)
    assert not unwritten


def test_second_derivatives_go_through_the_dense_gradient() -> None:
    x, t = logits(), targets()
    (first,) = torch.autograd.grad(F.cross_entropy(x, t), x, create_graph=True)
    (second,) = torch.autograd.grad((first * first).sum(), x)
    p = x.detach().softmax(1).numpy()
    g = first.detach().numpy()
    np.testing.assert_allclose(
        second.numpy(), 2 / ROWS * p * (g - (p * g).sum(1, keepdims=True)), rtol=1e-9, atol=1e-18
    )


def test_a_node_that_is_called_returns_the_dense_gradient() -> None:
    loss = F.nll_loss(logits().log_softmax(1), targets())
    found = loss.grad_fn(torch.ones((), dtype=torch.float64))
    grad = found[0] if isinstance(found, tuple) else found
    assert (grad.numpy() != 0).sum() == ROWS


def test_a_second_pass_through_freed_values_is_refused() -> None:
    loss = F.cross_entropy(logits(), targets())
    loss.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        loss.backward()


def test_anomaly_mode_names_the_node_that_made_nan() -> None:
    x = logits()
    with torch.no_grad():
        x[0, 0] = float("nan")
    with pytest.warns(UserWarning), torch.autograd.detect_anomaly():
        loss = F.cross_entropy(x, targets())
        with pytest.raises(RuntimeError, match="Function 'LogSoftmaxBackward0' returned nan"):
            loss.backward()
