"""Vectors scaled to norm 1, and the cosine of the angle between vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import modes
from .._core.dtypes import FLOATING
from .._record.common import broadcast_size, result_type, write_out
from .norm import vector_norm

if TYPE_CHECKING:
    from .._tensor import Tensor


def at_least(t: Tensor, bound: Any) -> Tensor:
    """A copy of ``t`` raised to ``bound``, whose gradient passes as if it had not been: PyTorch clamps outside of the graph."""
    out = t.clone()
    previous = modes.set_grad(False)
    try:
        out.clamp_min_(bound)
    finally:
        modes.set_grad(previous)
    return out


def normalize(self: Tensor, p: Any = 2.0, dim: Any = 1, eps: Any = 1e-12, out: Any = None) -> Tensor:
    """``self`` divided by its p-norm along ``dim``, or by ``eps`` where the norm is smaller.

    Gradient:
        Through the norm too, except where it is below ``eps``.

    Variants: nn
    """
    result = self / vector_norm(self, p, dim, True).clamp_min(eps).expand(self.shp)
    return result if out is None else write_out("normalize", out, result)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: Any = 1, eps: Any = 1e-8) -> Tensor:
    """Cosine of the angle between ``x1`` and ``x2`` along ``dim``: the sum of x1 x2 / (|x1| |x2|), norms at least ``eps``.

    Args:
        x1, x2: floating tensors that broadcast.
        dim: dimension of the vectors.

    Raises:
        RuntimeError: for integers.

    Variants: function nn
    """
    dt = result_type([x1, x2])
    if dt.category < FLOATING:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {dt.title}")
    shape = broadcast_size(x1.shp, x2.shp, "cosine_similarity")
    first = x1.to(dt).expand(shape)
    second = x2.to(dt).expand(shape)
    a = first / at_least(vector_norm(first, 2, dim, True), eps)
    b = second / at_least(vector_norm(second, 2, dim, True), eps)
    found: Tensor = (a * b).sum(dim)
    return found
