"""Functions to checkpoint: each takes the package, its checkpoint module, and two float64 leaves x (3, 4) and w (4, 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Program = Callable[[Any, Any, Any, Any], Any]


def elementwise(t: Any, u: Any, x: Any, w: Any) -> Any:
    """Saved results and saved operands."""
    return (x.exp() * x.sin()).tanh() + w.sum() * x


def layers(t: Any, u: Any, x: Any, w: Any) -> Any:
    """Matrix products with the same weight twice."""
    return (x @ w).relu().matmul(w).softmax(1)


def several_outputs(t: Any, u: Any, x: Any, w: Any) -> Any:
    """Tensors and other things."""
    return x.sigmoid() * 2, "text", (x @ w).cos(), None, 3


def views_in_place(t: Any, u: Any, x: Any, w: Any) -> Any:
    """Writes to a view of an intermediate value."""
    y = x * 2
    y[0].mul_(x[1])
    y.t()[2].exp_()
    return (y @ w).sin()


def in_place_result(t: Any, u: Any, x: Any, w: Any) -> Any:
    """In-place activations."""
    return (x @ w).tanh_().mul(w.sum()).sigmoid_()


def unrecorded_part(t: Any, u: Any, x: Any, w: Any) -> Any:
    """A factor that gets no gradient."""
    with t.no_grad():
        scale = (x * x).mean().exp()
    return ((x * scale) @ w).sin() * x.detach().cos()


def dropout(t: Any, u: Any, x: Any, w: Any) -> Any:
    """Random numbers from the default generator."""
    return t.nn.functional.dropout((x @ w).tanh(), 0.4) * t.rand(4, dtype=t.float64)


def nested(t: Any, u: Any, x: Any, w: Any) -> Any:
    """A checkpoint in a checkpoint in a checkpoint."""

    def middle(a: Any) -> Any:
        inner = u.checkpoint(lambda b: (b @ w).sin().exp(), a.cos(), use_reentrant=False)
        return inner.tanh() * a

    return u.checkpoint(middle, x.exp(), use_reentrant=False).sin()


def differentiates_inside(t: Any, u: Any, x: Any, w: Any) -> Any:
    """A gradient that is part of the value."""
    y = x.sin() * x
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    return g * x + (x @ w).exp().tanh()


def custom_function(t: Any, u: Any, x: Any, w: Any) -> Any:
    """A user's operator, which reads its saved tensors once."""

    class Cube(t.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            ctx.save_for_backward(a)
            return a**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (a,) = ctx.saved_tensors
            return 3 * a * a * g

    return Cube.apply(x @ w).sin()


def hooked(t: Any, u: Any, x: Any, w: Any) -> Any:
    """A hook on an intermediate value."""
    y = (x @ w).exp()
    y.register_hook(lambda g: g * 3)
    return y.tanh()


def indexing(t: Any, u: Any, x: Any, w: Any) -> Any:
    """Index tensors and masks are saved too."""
    rows = t.tensor([2, 0, 1, 1])
    return t.where(x[rows] > 0, x[rows].exp(), w).cumsum(0).sin()


PROGRAMS: list[Program] = [
    elementwise, layers, several_outputs, views_in_place, in_place_result, unrecorded_part, dropout, nested, custom_function,
    hooked, indexing, differentiates_inside,
]  # fmt: skip
