"""Bad calls as program text and the names they use. ``programs/GROUP.txt`` has one program a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"


def calls() -> dict[str, list[str]]:
    """The programs of each group; each runs in fresh ``names(package)``."""
    return {path.stem: path.read_text(encoding="utf-8").splitlines() for path in sorted(PROGRAMS.glob("*.txt"))}


FUNCTIONS = """
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 2
    @staticmethod
    def backward(ctx, grad):
        return grad * 2
class NoForward(torch.autograd.Function):
    pass
class NoBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 2
class TooMany(Double):
    @staticmethod
    def backward(ctx, grad):
        return grad, grad
class TooFew(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        return a * b
    @staticmethod
    def backward(ctx, grad):
        return grad
class WrongShape(Double):
    @staticmethod
    def backward(ctx, grad):
        return grad.sum(0)[:2]
class ReturnsText(Double):
    @staticmethod
    def backward(ctx, grad):
        return "a"
class SavesList(Double):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward([a])
        return a * 2
class ForwardText(Double):
    @staticmethod
    def forward(ctx, a):
        return "a"
class Dirty(Double):
    @staticmethod
    def forward(ctx, a):
        ctx.mark_dirty(a)
        return a.mul_(2)
class OnceDouble(Double):
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        return grad * 2
"""


def names(package: Any) -> dict[str, Any]:
    """Fresh tensors and helpers that the programs use."""
    import copy

    import numpy as np

    found: dict[str, Any] = {"torch": package, "F": package.nn.functional, "np": np, "copy": copy, "int_type": "int"}
    exec(TENSORS, found)
    exec(FUNCTIONS, found)
    return found


TENSORS = """
x = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], requires_grad=True)
y = torch.ones(2, 3, requires_grad=True)
h = x * 2
m = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
n = torch.ones(4, 5)
v = torch.tensor([1.0, 2.0, 3.0])
v2 = torch.tensor([1.0, 2.0])
v4 = torch.tensor([1.0, 2.0, 3.0, 4.0])
s = torch.tensor(1.5)
i = torch.tensor([0, 1])
i2 = torch.tensor([[0, 1, 2], [3, 4, 5]])
b = torch.tensor([[True, False, True], [False, True, True]])
c = torch.tensor([1 + 2j, 3 - 1j])
"""
