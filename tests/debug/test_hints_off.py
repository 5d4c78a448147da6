"""``WENGERT_HINTS=0``: every error is PyTorch's sentence and nothing else, the source lines included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wengert as torch
from wengert import debug
from wengert._core import errors


def leaf(*shape: int) -> Any:
    return torch.ones(shape or (3,), requires_grad=True)


def overwritten() -> None:
    y = leaf().exp()
    y.add_(1)
    y.sum().backward()


def freed() -> None:
    x = leaf()
    loss = (x * x).sum()
    loss.backward()
    loss.backward()


def traced() -> None:
    with debug.trace():
        loss = leaf().detach().sum()
    loss.backward()


def bad_hook() -> None:
    h = leaf() * 1
    h.register_hook(lambda grad: grad[:1])
    h.sum().backward()


PROGRAMS: list[Callable[[], object]] = [
    overwritten,
    freed,
    traced,
    bad_hook,
    lambda: leaf().exp().backward(),
    lambda: leaf() + torch.ones(2),
    lambda: leaf().add_(1),
    lambda: leaf().sum().backward(torch.ones(2)),
    lambda: torch.ones(2).sum().backward(),
    lambda: torch.autograd.grad(leaf().sum(), leaf()),
    lambda: torch.arange(3).requires_grad_(),
    lambda: torch.arange(3).add_(1.5),
    lambda: torch.ones(2, 3).t().view(6),
    lambda: torch.ones(1).expand(3).add_(1),
    lambda: torch.arange(3).std(),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_with_hints_off_the_first_line_is_all(program: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((RuntimeError, NotImplementedError)) as with_hints:
        program()
    monkeypatch.setattr(errors.HINTS, "on", False)
    with pytest.raises((RuntimeError, NotImplementedError)) as bare:
        program()
    first, _, rest = str(with_hints.value).partition("\n")
    assert str(bare.value) == first
    assert rest, "with hints on, the error says more"
