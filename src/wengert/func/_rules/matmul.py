"""Products of vectors and matrices: the batch is one more dimension to broadcast."""

from __future__ import annotations

from math import prod
from typing import Any

from ...ops.einsum import summed_dims
from .._batched import Batch
from .._dispatch import Rule, call_name, operator, rule


def product(batch: Batch, a: Any, b: Any) -> Any:
    """``a @ b`` per sample."""
    ra, rb = len(a.shp), len(b.shp)
    if ra == 0 or rb == 0:
        return operator("matmul")(batch.sample(a, 0), batch.sample(b, 0))  # its error
    if not batch.has(b) and rb <= 2:  # rows of a, whatever their number of dimensions
        return batch.wrap(operator("matmul")(batch.front(a), b))
    ndim = max(ra, rb, 2)
    left = batch.padded(a if ra > 1 else a.unsqueeze(0), ndim)
    right = batch.padded(b if rb > 1 else b.unsqueeze(-1), ndim)
    result = batch.wrap(operator("matmul")(left, right))
    if rb == 1:
        result = result.squeeze(-1)
    return result.squeeze(-1 if rb == 1 else -2) if ra == 1 else result


@rule("matmul", "__matmul__", "linalg.matmul")
def matmul(batch: Batch, call: Rule, self: Any, other: Any) -> Any:
    """Any numbers of dimensions."""
    return product(batch, self, other)


@rule("__rmatmul__")
def rmatmul(batch: Batch, call: Rule, self: Any, other: Any) -> Any:
    """The operands the other way round."""
    return product(batch, other, self)


def exact(batch: Batch, call: Rule, self: Any, other: Any, *ranks: int) -> Any:
    """``a @ b`` of operands whose numbers of dimensions are prescribed."""
    if (len(self.shp), len(other.shp)) != ranks:
        return call(batch.sample(self, 0), batch.sample(other, 0))  # its error
    return product(batch, self, other)


@rule("mm")
def mm(batch: Batch, call: Rule, self: Any, mat2: Any) -> Any:
    """Two matrices."""
    return exact(batch, call, self, mat2, 2, 2)


@rule("mv")
def mv(batch: Batch, call: Rule, self: Any, vec: Any) -> Any:
    """A matrix and a vector."""
    return exact(batch, call, self, vec, 2, 1)


@rule("bmm")
def bmm(batch: Batch, call: Rule, self: Any, mat2: Any) -> Any:
    """Two batches of matrices."""
    return exact(batch, call, self, mat2, 3, 3)


@rule("dot", "inner")
def dot(batch: Batch, call: Rule, self: Any, other: Any) -> Any:
    """Vectors; ``inner`` takes the last dimensions of any tensors."""
    if len(self.shp) == 1 and len(other.shp) == 1:
        if self.shp != other.shp:
            return call(batch.sample(self, 0), batch.sample(other, 0))  # its error
        return (self * other).sum(-1)
    if len(self.shp) == 0 or len(other.shp) == 0:
        return self * other
    return operator("tensordot")(self, other, ((-1,), (-1,)))


@rule("vdot")
def vdot(batch: Batch, call: Rule, self: Any, other: Any) -> Any:
    """The first vector is conjugated."""
    return (self.conj() * other).sum(-1)


@rule("linalg.vecdot")
def vecdot(batch: Batch, call: Rule, x: Any, y: Any, *, dim: int = -1) -> Any:
    """Along one dimension."""
    return (x.conj() * y).sum(dim)


@rule("outer", "ger")
def outer(batch: Batch, call: Rule, self: Any, vec2: Any) -> Any:
    """All products of two vectors."""
    return self.unsqueeze(-1) * vec2.unsqueeze(0)


@rule("tensordot")
def tensordot(batch: Batch, call: Rule, a: Any, b: Any, dims: Any = 2) -> Any:
    """Contracted dimensions are brought together."""
    a, b, left, right = summed_dims(a, b, dims)
    kept_a = [d for d in range(len(a.shp)) if d not in left]
    kept_b = [d for d in range(len(b.shp)) if d not in right]
    rows, columns = [a.shp[d] for d in kept_a], [b.shp[d] for d in kept_b]
    inner = prod(a.shp[d] for d in left)
    x = a.permute((*kept_a, *left)).reshape(prod(rows), inner)
    y = b.permute((*right, *kept_b)).reshape(inner, prod(columns))
    return (x @ y).reshape(rows + columns)


@rule("linear")
def linear(batch: Batch, call: Rule, input: Any, weight: Any, bias: Any = None) -> Any:
    """``input @ weight.T + bias``."""
    if not batch.has(weight) and not batch.has(bias):
        return batch.wrap(call(batch.front(input), weight, bias))
    x, w = batch.front(input), batch.front(weight)
    if not (batch.has(input) and batch.has(weight) and len(w.shp) == 3 and x.shp[-1] == w.shp[-1] and x.dt is w.dt):
        result = product(batch, input, weight.t()) if batch.has(input) or batch.has(weight) else input @ weight.t()
    elif len(x.shp) == 2:
        result = batch.wrap(operator("bmm")(w, x.unsqueeze(-1)).squeeze(-1))
    else:
        rows = x.reshape(batch.size, input.shp[:-1].numel(), x.shp[-1])
        result = batch.wrap(operator("bmm")(rows, w.mT).reshape(*x.shp[:-1], w.shp[1]))
    return result if bias is None else result + bias


@rule("addmm", "addmv", "addr", "baddbmm", "addbmm")
def added(batch: Batch, call: Rule, self: Any, first: Any, second: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """``beta * self + alpha * (first @ second)``."""
    name = call_name(call)
    result = operator("outer")(first, second) if name == "addr" else operator("matmul")(first, second)
    if name == "addbmm":
        result = result.sum(0)
    result = result if alpha == 1 else result * alpha
    return result if beta == 0 else (self if beta == 1 else self * beta) + result


@rule("bilinear")
def bilinear(batch: Batch, call: Rule, input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """``input1 @ weight[k] @ input2``, for every k."""
    result = operator("einsum")("...i,kij,...j->...k", input1, weight, input2)
    return result if bias is None else result + bias


@rule("chain_matmul", "linalg.multi_dot")
def chain(batch: Batch, call: Rule, *matrices: Any) -> Any:
    """From left to right."""
    operands = list(matrices[0]) if len(matrices) == 1 else list(matrices)
    result = operands[0]
    for m in operands[1:]:
        result = result @ m
    return result


@rule("kron")
def kron(batch: Batch, call: Rule, self: Any, other: Any) -> Any:
    """Blocks of ``other``, one for each element of ``self``."""
    ndim = max(len(self.shp), len(other.shp))
    a = self.reshape((1,) * (ndim - len(self.shp)) + tuple(self.shp))
    b = other.reshape((1,) * (ndim - len(other.shp)) + tuple(other.shp))
    shape = [m * n for m, n in zip(a.shp, b.shp, strict=True)]
    a = a.reshape([n for m in a.shp for n in (m, 1)])
    b = b.reshape([n for m in b.shp for n in (1, m)])
    return (a * b).reshape(shape)
