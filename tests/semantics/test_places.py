"""Passes over the same nodes at the same time, after one another and inside each other: Note [Places] in _core/task.py."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import wengert as torch


def shared_trunk(x: Any) -> tuple[Any, Any]:
    """A value with several branches, and what is made of it."""
    trunk = (x * x).sin()
    return trunk, (trunk * x + trunk.exp()).sum()


def expected(x: Any) -> list[float]:
    other = x.detach().clone().requires_grad_()
    shared_trunk(other)[1].backward()
    return other.grad.tolist()


def test_a_pass_inside_a_pass_over_the_same_nodes_gives_what_it_gives_alone() -> None:
    x = torch.tensor([0.3, 1.2], dtype=torch.float64, requires_grad=True)
    trunk, loss = shared_trunk(x)
    inner = []

    def hook(grad: Any) -> None:
        inner.append(torch.autograd.grad(loss, x, retain_graph=True)[0].tolist())

    handle = trunk.register_hook(lambda grad: (handle.remove(), hook(grad))[1])
    loss.backward(retain_graph=True)
    assert inner == [expected(x)]
    assert x.grad.tolist() == expected(x)


def test_two_threads_may_run_the_same_nodes_at_the_same_time() -> None:
    x = torch.tensor([0.3, 1.2, -0.4], dtype=torch.float64, requires_grad=True)
    trunk, loss = shared_trunk(x)
    both_inside = threading.Barrier(2, timeout=30)
    trunk.register_hook(lambda grad: (both_inside.wait(), None)[1])
    found: list[Any] = []

    def differentiate() -> None:
        found.append(torch.autograd.grad(loss, x, retain_graph=True)[0].tolist())

    threads = [threading.Thread(target=differentiate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected(x)] * 2


def test_a_pass_that_failed_leaves_nothing_behind() -> None:
    x = torch.tensor([0.3, 1.2], dtype=torch.float64, requires_grad=True)
    trunk, loss = shared_trunk(x)

    def refuse(grad: Any) -> None:
        raise ValueError("no")

    handle = trunk.register_hook(refuse)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            loss.backward(retain_graph=True)
    handle.remove()
    x.grad = None
    loss.backward(retain_graph=True)
    assert x.grad.tolist() == expected(x)


@pytest.mark.parametrize("between", [0, 3, 1000])
def test_nodes_run_from_the_last_to_the_first_however_many_others_were_made_between_them(between: int) -> None:
    x = torch.ones(2, requires_grad=True)
    ran: list[int] = []
    parts = []
    for i in range(6):
        part = x * (i + 1.0)
        part.grad_fn.register_prehook(lambda grads, i=i: ran.append(i))
        parts.append(part)
        for _ in range(between):
            x * 2.0
    total = parts[3]
    for i in (1, 5, 0, 4, 2):
        total = total + parts[i]
    total.sum().backward()
    assert ran == [5, 4, 3, 2, 1, 0]
    assert x.grad.tolist() == [21.0, 21.0]


def test_a_node_of_an_earlier_pass_is_found_again_by_a_pass_over_more_nodes() -> None:
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    values = [x]
    for _ in range(20):
        values.append((values[-1] * 1.01).tanh() + x)
        values[-1].backward(retain_graph=True)
    wanted = [torch.autograd.grad(value, x, retain_graph=True)[0].item() for value in values[1:]]
    assert x.grad.item() == pytest.approx(sum(wanted), rel=1e-12)
    loss = values[5] * values[20] * values[11]
    product_rule = sum(wanted[i - 1] * loss.item() / values[i].item() for i in (5, 20, 11))
    assert torch.autograd.grad(loss, x)[0].item() == pytest.approx(product_rule, rel=1e-12)
