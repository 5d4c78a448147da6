"""Contractions: einsum, tensordot, products of many matrices, Kronecker and cross product.

einsum brings every operand to one order of dimensions and contracts pair by pair, each as one product of stacks of matrices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import INTEGER
from .._core.tensor_base import TensorBase
from .._record.binary import Binary
from .._record.common import broadcast_size, converted, int_of, result_type, wrap_dim
from .._record.matmul import Product, product
from ..kernels import empty, formulas
from ..kernels.arrays import move_axis
from .linalg_checks import check_floating, check_same_dtype
from .matmul import bmm, count, dot, mm, unsafe_view
from .sizes import distinct_dims

if TYPE_CHECKING:
    from .._tensor import Tensor

# A subscript is an index into this string; upper case comes first, as in PyTorch's order of results without an arrow.
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Contraction:
    """An einsum equation, read for given operands.

    Attributes:
        terms: subscripts of each operand; negative numbers stand for the dimensions of an ellipsis, counted from its end.
        output: subscripts of the result.
        sizes: size of each subscript.
    """

    def __init__(self, terms: list[list[int]], output: list[int], sizes: dict[int, int]) -> None:
        self.terms: list[list[int]] = terms
        self.output: list[int] = output
        self.sizes: dict[int, int] = sizes


def read(equation: str, operands: list[Tensor]) -> Contraction:
    """Subscripts of operands and result, checked."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) < len(operands):
        raise RuntimeError(MORE)
    if len(parts) > len(operands):
        raise RuntimeError(FEWER)
    terms = [subscripts(parts[i], len(operands[i].shp), i) for i in range(len(parts))]
    sizes = sizes_of(terms, operands)
    dots = sorted({s for term in terms for s in term if s < 0})
    if arrow:
        output = output_of(right, dots, sizes)
    else:
        every = [s for term in terms for s in term if s >= 0]
        output = dots + sorted([s for s in set(every) if every.count(s) == 1])
    return Contraction(terms, output, sizes)


FEWER = "einsum(): fewer operands were provided than specified in the equation"
MORE = "einsum(): more operands were provided than specified in the equation"


def subscripts(text: str, ndim: int, operand: int) -> list[int]:
    """Subscripts of one operand; an ellipsis stands for the dimensions that have none."""
    head, dots, tail = text.partition("...")
    for c in head + tail:
        if c not in LETTERS:
            raise RuntimeError(f"einsum(): invalid subscript given at index {text.index(c)} in the equation string, subscripts "
                               "must be in [a-zA-Z]" if c != "." else f"einsum(): found '.' for operand {operand} that is not "
                               "part of any ellipsis")  # fmt: skip
    named = len(head) + len(tail)
    if named > ndim or (not dots and named != ndim):
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({named}) "
            + (f"is more than the number of dimensions ({ndim}) for operand {operand}" if dots
               else f"does not match the number of dimensions ({ndim}) for operand {operand} and no ellipsis was given")
        )  # fmt: skip
    middle = list(range(named - ndim, 0)) if dots else []
    return [LETTERS.index(c) for c in head] + middle + [LETTERS.index(c) for c in tail]


def sizes_of(terms: list[list[int]], operands: list[Tensor]) -> dict[int, int]:
    """Size of each subscript; size 1 is broadcast."""
    sizes: dict[int, int] = {}
    for i, term in enumerate(terms):
        own: dict[int, int] = {}
        for s, n in zip(term, operands[i].shp):
            if own.get(s, n) != n:
                raise RuntimeError(
                    f"einsum(): subscript {LETTERS[s]} is repeated for operand {i} but the sizes don't match, {n} != {own[s]}"
                )
            own[s] = n
            seen = sizes.get(s, 1)
            if n != seen and n != 1 and seen != 1:
                name = LETTERS[s] if s >= 0 else "..."
                raise RuntimeError(
                    errors.with_hints(
                        f"einsum(): subscript {name} has size {n} for operand {i} which does not broadcast with previously seen "
                        f"size {seen}",
                        "operand shapes: " + " ".join(errors.shape_text(t.shp) for t in operands),
                    )
                )
            if seen == 1:
                sizes[s] = n
    return sizes


def output_of(text: str, dots: list[int], sizes: dict[int, int]) -> list[int]:
    """Subscripts of the result."""
    head, ellipsis, tail = text.partition("...")
    for c in head + tail:
        if c not in LETTERS:
            raise RuntimeError(f"einsum(): invalid subscript given at index {text.index(c)} in the equation string, subscripts "
                               "must be in [a-zA-Z]")  # fmt: skip
        if LETTERS.index(c) not in sizes:
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any input operand")
        if (head + tail).count(c) > 1:
            raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
    return [LETTERS.index(c) for c in head] + (dots if ellipsis else []) + [LETTERS.index(c) for c in tail]


def einsum(*args: Any) -> Tensor:
    """Sum of products over subscripts: ``einsum("ij,jk->ik", a, b)`` is the matrix product.

    Args:
        args: the equation and the operands (or a list of them); or operands each followed by a list of integers that are its
            subscripts, and at the end those of the result.

    Returns:
        Tensor with one dimension per subscript of the result. Without ``->`` the result has those subscripts that occur once,
        in alphabetical order. ``...`` stands for dimensions without subscripts, which are broadcast.

    Gradient:
        Contraction of the gradient with the other operands.

    Raises:
        RuntimeError: for equations that do not fit the operands.

    Example:
        >>> einsum("ii", eye(3))
        tensor(3.)

    Variants: function
    """
    equation, operands = arguments(args)
    if len(operands) == 0:
        raise ValueError(NO_OPERAND)
    plan = read(equation, operands)
    order = plan.output + sorted([s for s in plan.sizes if s not in plan.output])
    kept = len(plan.output)
    ready = [arranged(operands[i], plan.terms[i], order) for i in range(len(operands))]
    if len(ready) == 1:
        return ready[0].sum(list(range(kept, len(order)))) if len(order) > kept else ready[0]
    return contracted(ready, kept)


def contracted(operands: list[Tensor], kept: int) -> Tensor:
    """Product of operands with equal dimensions, summed over all but the first ``kept``; each as soon as it can be."""
    result = operands[0]
    for i in range(1, len(operands)):
        done = [d for d in range(kept, len(result.shp)) if not later_needs(operands, i, d)]
        result = contract(result, operands[i], done)
    return result.reshape(tuple(result.shp[:kept]))


NO_OPERAND = (
    "einsum(): must specify the equation string and at least one operand, "
    "or at least one operand and its subscripts list"
)


def arguments(args: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    """Equation and operands from either form of the call."""
    if len(args) < 1:
        raise ValueError(NO_OPERAND)
    if isinstance(args[0], str):
        operands = args[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            return args[0], list(operands[0])
        return args[0], list(operands)
    if not isinstance(args[0], TensorBase):
        raise errors.argument_type("einsum", "equation", 1, "str", args[0])
    terms = [numbered(args[i]) for i in range(1, len(args), 2)]
    text = ",".join(terms)
    if len(args) % 2 == 1:
        text += "->" + numbered(args[-1])
    return text, [args[i] for i in range(0, len(args) - 1, 2)]


def numbered(items: Any) -> str:
    """A list of subscripts as text."""
    text = ""
    for item in items:
        if item is ...:
            text += "..."
        elif 0 <= item < 52:
            text += LETTERS[item]
        else:
            raise ValueError(f"einsum(): subscript {item} is not within the valid range [0, 52)")
    return text


def arranged(t: Tensor, term: list[int], order: list[int]) -> Tensor:
    """The operand with its dimensions in ``order``, size 1 where it has none; repeated subscripts become a diagonal."""
    left = list(term)
    for s in term:
        while left.count(s) > 1:
            first = left.index(s)
            second = left.index(s, first + 1)
            t = t.diagonal(0, first, second)
            del left[second], left[first]
            left.append(s)
    missing = [s for s in order if s not in left]
    for _ in missing:
        t = t.unsqueeze(-1)
    left += missing
    return t.permute([left.index(s) for s in order])


def later_needs(operands: list[Tensor], i: int, d: int) -> bool:
    """Whether an operand after ``i`` has dimension ``d``."""
    return any(t.shp[d] != 1 for t in operands[i + 1 :])


def contract(x: Tensor, y: Tensor, summed: list[int]) -> Tensor:
    """Product of two operands with equal dimensions (size 1 broadcasts), summed over ``summed``, which stay with size 1.

    Dimensions fall into four groups: in both and kept (the stack), only in one (rows, columns), in both and summed.
    """
    n = len(x.shp)
    early = [d for d in summed if (x.shp[d] != 1) != (y.shp[d] != 1)]
    mine = [d for d in early if x.shp[d] != 1]
    other = [d for d in early if y.shp[d] != 1]
    if len(mine) > 0:
        x = x.sum(mine, keepdim=True)
    if len(other) > 0:
        y = y.sum(other, keepdim=True)
    inner = [d for d in summed if d not in early]
    # Sums of integers are of int64; and what is only multiplied promotes.
    if x.dt is not y.dt and (len(inner) == 0 or max(x.dt.category, y.dt.category) <= INTEGER):
        dt = result_type([x, y])
        x, y = converted(x, dt), converted(y, dt)
    stack = [d for d in range(n) if d not in inner and x.shp[d] != 1 and y.shp[d] != 1]
    rows = [d for d in range(n) if d not in inner and d not in stack and y.shp[d] == 1]
    columns = [d for d in range(n) if d not in inner and d not in stack and d not in rows]
    a = x.permute(stack + rows + inner + columns).reshape((volume(x, stack), volume(x, rows), volume(x, inner)))
    b = y.permute(stack + inner + columns + rows).reshape((volume(y, stack), volume(y, inner), volume(y, columns)))
    whole = bmm(a, b)
    order = stack + rows + inner + columns
    sizes = [1 if d in inner else x.shp[d] if d in rows else y.shp[d] for d in order]
    return whole.view(tuple(sizes)).permute([order.index(d) for d in range(n)])


def volume(t: TensorBase, dims: list[int]) -> int:
    """Number of elements along some dimensions."""
    return count(tuple([t.shp[d] for d in dims]))


def summed_dims(a: Any, b: Any, dims: Any) -> tuple[Any, Any, list[int], list[int]]:
    """The operands of ``tensordot``, a dimension of size 1 in place of one that is broadcast, and the dimensions of each to sum."""
    if isinstance(dims, (list, tuple)):
        first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    elif isinstance(dims, TensorBase) and dims.array.size > 1:
        first, second = dims.array[0].tolist(), dims.array[1].tolist()
    else:
        k = int_of(dims)
        if k < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={k}")
        if k > min(len(a.shp), len(b.shp)):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={k}")
        first, second = list(range(-k, 0)), list(range(k))
    if len(first) != len(second):
        raise RuntimeError(
            errors.with_hints("both dimension lists should have same length", f"got {first} and {second}")
        )
    ours, theirs = distinct_dims(first, len(a.shp)), distinct_dims(second, len(b.shp))
    for i in range(len(ours)):
        n, m = a.shp[ours[i]], b.shp[theirs[i]]
        if n != m and m == 1:
            a = a.sum(ours[i], True, dtype=a.dtype)
        elif n != m and n == 1:
            b = b.sum(theirs[i], True, dtype=b.dtype)
        elif n != m:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {n} in dim {first[i]} and second has size {m} in dim "
                f"{second[i]}"
            )
    return a, b, ours, theirs


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sum of products over several dimensions of two tensors.

    Args:
        a: first tensor.
        b: second tensor.
        dims: how many: the last of ``a`` with the first of ``b``; or two lists, dimensions of ``a`` and of ``b``. Of each pair
            one may have size 1, which is broadcast.

    Returns:
        The dimensions of ``a`` that remain, then those of ``b``.

    Variants: function out
    """
    a, b, ours, theirs = summed_dims(a, b, dims)
    left = [d for d in range(len(a.shp)) if d not in ours]
    right = [d for d in range(len(b.shp)) if d not in theirs]
    shape = tuple([a.shp[d] for d in left] + [b.shp[d] for d in right])
    x = a.permute(left + ours)
    y = b.permute(theirs + right)
    if len(left) == 0 and len(right) == 0:
        return dot(x.reshape(-1), y.reshape(-1)).view(())
    inner = volume(a, ours)
    return mm(x.reshape((volume(a, left), inner)), y.reshape((inner, volume(b, right)))).view(shape)


def inner(self: Tensor, other: Tensor) -> Tensor:
    """Sum of products over the last dimension of both: (..., k) and (___, k) give (..., ___).

    Variants: function method out
    """
    if len(self.shp) == 0 or len(other.shp) == 0:
        return self * other
    if self.shp[-1] != other.shp[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{errors.shape_text(self.shp)} and {errors.shape_text(other.shp)}"
        )
    return tensordot(self, other, ([-1], [-1]))


def kron(self: Tensor, other: Tensor) -> Tensor:
    """Kronecker product: each element of ``self`` times the whole of ``other``, side by side.

    Variants: function method out
    """
    n = max(len(self.shp), len(other.shp))
    a = (1,) * (n - len(self.shp)) + tuple(self.shp)
    b = (1,) * (n - len(other.shp)) + tuple(other.shp)
    spaced_a = tuple([k for m in a for k in (m, 1)])
    spaced_b = tuple([k for m in b for k in (1, m)])
    whole = self.reshape(spaced_a) * other.reshape(spaced_b)
    return unsafe_view(whole, tuple([a[i] * b[i] for i in range(n)]))


def multi_dot(tensors: Any) -> Tensor:
    """Product of two or more matrices, in the order of evaluation that takes the fewest multiplications.

    Args:
        tensors: matrices; the first and the last may be vectors.

    Variants: linalg out
    """
    parts: list[Tensor] = list(tensors)
    n = len(parts)
    if n < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    shape: list[int] = []
    if len(parts[0].shp) == 1:
        parts[0] = parts[0].unsqueeze(0)
    else:
        shape.append(parts[0].shp[0])
    if len(parts[-1].shp) == 1:
        parts[-1] = parts[-1].unsqueeze(1)
    else:
        shape.append(parts[-1].shp[1])
    for i, t in enumerate(parts):
        if len(t.shp) != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {len(t.shp)}D")
        if i > 0 and parts[i - 1].shp[1] != t.shp[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i - 1} and {i} with shapes {errors.shape_text(parts[i - 1].shp)} and "
                f"{errors.shape_text(t.shp)} cannot be multiplied"
            )
    whole = chained(parts, cheapest([t.shp[0] for t in parts] + [parts[-1].shp[1]]), 0, n - 1)
    return whole.view(tuple(shape))


def chain_matmul(*matrices: Any) -> Tensor:
    """Product of matrices, see ``linalg.multi_dot``.

    Variants: function
    """
    if len(matrices) == 0:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for matrix in matrices:
        if isinstance(matrix, TensorBase) and len(matrix.shp) != 2:
            raise RuntimeError(f"Tensor dimension is {len(matrix.shp)}, expected 2 instead.")
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


def cheapest(sizes: list[int]) -> list[list[int]]:
    """Where to split each run of matrices, by dynamic programming (Cormen et al., Introduction to Algorithms, 15.2)."""
    n = len(sizes) - 1
    cost = [[0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            best = -1
            for k in range(i, j):
                c = cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                if best < 0 or c < best:
                    best = c
                    split[i][j] = k
            cost[i][j] = best
    return split


def chained(parts: list[Tensor], split: list[list[int]], i: int, j: int) -> Tensor:
    """Product of the matrices i to j."""
    if i == j:
        return parts[i]
    k = split[i][j]
    return mm(chained(parts, split, i, k), chained(parts, split, k + 1, j))


class LinalgCrossBackward0(Product):
    """Cross product along a dimension of size 3.  da = b x g, db = g x a."""

    silent: bool = False

    def __init__(self, dim: int) -> None:
        self.dim: int = dim

    def forward(self, x: Any, y: Any) -> Any:
        out = empty(np.broadcast_shapes(x.shape, y.shape), x.dtype)
        a, b, c = [move_axis(array, self.dim, 0) for array in (x, y, out)]
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            formulas.product_difference.into([c[i, ...]], a[j], b[k], a[k], b[j])
        return out

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return product(LinalgCrossBackward0(self.dim), other.conj(), grad)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return product(LinalgCrossBackward0(self.dim), grad, x.conj())

    def fresh(self) -> Binary:
        return LinalgCrossBackward0(self.dim)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


def linalg_cross(self: Tensor, other: Tensor, *, dim: Any = -1) -> Tensor:
    """Cross product of vectors that lie along a dimension of size 3; other dimensions are broadcast.

    Gradient:
        ``other x grad`` and ``grad x self``.

    Variants: linalg out
    Name: cross
    """
    if len(self.shp) != len(other.shp):
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = wrap_dim(dim, len(self.shp))
    if self.shp[d] != 3 or other.shp[d] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {self.shp[d]} and {other.shp[d]}"
        )
    shape = broadcast_size(self.shp, other.shp, "cross")
    dt = result_type([self, other])
    x = converted(self if self.shp == shape else self.expand(shape), dt)
    y = converted(other if other.shp == shape else other.expand(shape), dt)
    return product(LinalgCrossBackward0(d), x, y)


def cross(self: Tensor, other: Tensor, dim: Any = None) -> Tensor:
    """Cross product of vectors that lie along ``dim``, by default the first dimension of size 3.

    Variants: function method out
    """
    if dim is None:
        if 3 not in self.shp:
            raise RuntimeError("no dimension of size 3 in input")
        dim = tuple(self.shp).index(3)
    return linalg_cross(self, other, dim=dim)


def vecdot(x: Tensor, y: Tensor, *, dim: Any = -1) -> Tensor:
    """Sum of products of the conjugate of ``x`` and ``y`` along a dimension; other dimensions are broadcast.

    Variants: linalg out
    """
    check_floating("linalg.vecdot", x, half=True)
    check_same_dtype("linalg.vecdot", x, y, "x", "y")
    return (x.conj() * y).sum(dim)
