"""Jacobians and Hessians as functions of functions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .._core.tensor_base import TensorBase, from_array
from .._gen import functions
from ._dispatch import operator, visible
from ._forward import jvp
from ._reverse import Pulled, TensorFunction, chosen
from ._tree import Structure, flatten, unflatten
from ._vmap import vmap


def _split(func: TensorFunction, argnums: Any, args: tuple[Any, ...], kwargs: Any) -> tuple[TensorFunction, list[Any]]:
    """``func`` as a function of the chosen arguments alone, and these."""
    places = chosen(argnums, len(args))

    def restricted(*primals: Any) -> Any:
        full = list(args)
        for place, value in zip(places, primals, strict=True):
            full[place] = value
        return visible(func)(*full, **kwargs)

    return restricted, [args[p] for p in places]


def jacrev(
    func: TensorFunction, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> TensorFunction:
    """A function that computes the Jacobian of ``func`` in reverse mode: for few outputs.

    The function runs once; one backward pass computes all rows.

    Args:
        func: function of tensors, or of nested tuples, lists and dicts of them.
        argnums: which argument (or arguments) to differentiate.
        has_aux: whether ``func`` returns a pair of its value and something else.
        chunk_size: so many rows at a time; None for all.

    Returns:
        Function of the same arguments. Where an output has shape ``s`` and an input ``t``, the entry has shape ``s + t``; it
        is nested as the output, and inside as the input (a tuple over ``argnums`` if that is a tuple).

    Raises:
        ValueError: for a chunk size that is not positive.

    Example:
        >>> import wengert as wg
        >>> wg.func.jacrev(lambda x: x * x)(wg.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        restricted, primals = _split(func, argnums, args, kwargs)
        pulled = Pulled(restricted, tuple(primals), has_aux)
        blocks = _row_blocks(pulled, chunk_size)
        jacobian = unflatten([_one_output(b, pulled.in_structure, argnums) for b in blocks], pulled.out_structure)
        return (jacobian, pulled.aux) if has_aux else jacobian

    return wrapper


def _row_blocks(pulled: Pulled, chunk_size: int | None) -> list[list[Any]]:
    """The derivatives of each output with respect to each input: one backward pass for all rows (of a chunk)."""
    counts = [o.shp.numel() for o in pulled.outputs]
    total = _count(pulled.outputs)
    step = max(total if chunk_size is None else chunk_size, 1)
    columns = pulled.all_rows() if step >= total else None
    if columns is None:
        parts = [pulled.rows(_seeds(pulled.outputs, i, min(i + step, total))) for i in range(0, max(total, 1), step)]
        columns = [p[0] if len(p) == 1 else operator("cat")(list(p)) for p in zip(*parts, strict=True)]
    blocks = []
    start = 0
    for n, out in zip(counts, pulled.outputs, strict=True):
        blocks.append([c.narrow(0, start, n).reshape((*out.shp, *c.shp[1:])) for c in columns])
        start += n
    return blocks


def _seeds(outputs: list[Any], first: int, last: int) -> list[Any]:
    """Rows ``first`` to ``last`` of the unit cotangents of all outputs together."""
    found = []
    start = 0
    for o in outputs:
        n = o.shp.numel()
        part = np.zeros((last - first, n), o.dt.np)
        lowest, highest = max(first, start), min(last, start + n)
        places = np.arange(lowest, max(highest, lowest))
        part[places - first, places - start] = 1
        found.append(from_array(part.reshape((last - first, *o.shp))))
        start += n
    return found


def _one_output(blocks: list[Any], structure: Structure, argnums: Any) -> Any:
    """The entries of one output, nested as the inputs."""
    nested = unflatten(blocks, structure)
    return nested if isinstance(argnums, tuple) else nested[0]


def jacfwd(
    func: TensorFunction, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"
) -> TensorFunction:
    """A function that computes the Jacobian of ``func`` column by column, in forward mode: for few inputs.

    The columns are computed at once, under ``vmap``.

    Args:
        func: function of tensors, or of nested tuples, lists and dicts of them.
        argnums: which argument (or arguments) to differentiate.
        has_aux: whether ``func`` returns a pair of its value and something else.
        randomness: see ``vmap``.

    Returns:
        Function of the same arguments, giving what ``jacrev`` gives.

    Example:
        >>> import wengert as wg
        >>> wg.func.jacfwd(lambda x: x * x)(wg.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        restricted, primals = _split(func, argnums, args, kwargs)
        inputs, in_structure = flatten(tuple(primals))
        notes: list[Any] = []

        def column(*direction: Any) -> Any:
            tangents = unflatten(list(direction), in_structure)
            result = jvp(restricted, tuple(primals), tangents, has_aux=has_aux)
            leaves, structure = flatten(result[1])
            notes[:] = [structure]
            aux_leaves, aux_structure = flatten(result[2]) if has_aux else ([], None)
            kept = [i for i, a in enumerate(aux_leaves) if isinstance(a, TensorBase)]
            notes.extend([aux_structure, aux_leaves, kept])
            return tuple(leaves), tuple(aux_leaves[i] for i in kept)

        basis = _basis(inputs)
        columns, aux = vmap(column, randomness=randomness)(*basis)
        counts = [x.shp.numel() for x in inputs]
        outputs = [_blocks(c, counts, inputs) for c in columns]
        jacobian = unflatten([_one_output(b, in_structure, argnums) for b in outputs], notes[0])
        if not has_aux:
            return jacobian
        leaves = list(notes[2])
        for i, a in zip(notes[3], aux, strict=True):
            leaves[i] = a[0]
        return jacobian, unflatten(leaves, notes[1])

    return wrapper


def _basis(inputs: list[Any]) -> list[Any]:
    """All unit directions of the inputs together, one per row."""
    total = _count(inputs)
    found = []
    start = 0
    for x in inputs:
        n = x.shp.numel()
        part = functions.zeros(total, n, dtype=x.dt)
        part[start : start + n] = functions.eye(n, dtype=x.dt)
        found.append(part.reshape((total, *x.shp)))
        start += n
    return found


def _blocks(columns: Any, counts: list[int], inputs: list[Any]) -> list[Any]:
    """The derivatives of one output with respect to each input, with the directions as last dimensions."""
    found = []
    start = 0
    for n, x in zip(counts, inputs, strict=True):
        part = columns.narrow(0, start, n).movedim(0, -1)
        found.append(part.reshape((*columns.shp[1:], *x.shp)))
        start += n
    return found


def hessian(func: TensorFunction, argnums: int | tuple[int, ...] = 0) -> TensorFunction:
    """A function that computes the second derivatives of ``func``.

    Of one number they are the Jacobian of its gradient, by one backward pass for all rows; of several numbers forward mode
    over reverse mode, since there are more rows than columns then.

    Args:
        func: function of tensors.
        argnums: which argument (or arguments) to differentiate.

    Returns:
        Function of the same arguments; nested twice over ``argnums`` if that is a tuple.

    Example:
        >>> import wengert as wg
        >>> wg.func.hessian(lambda x: (x * x * x).sum())(wg.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    gradient = jacrev(func, argnums)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        restricted, primals = _split(gradient, argnums, args, kwargs)
        pulled = Pulled(restricted, tuple(primals), False)
        if _count(pulled.outputs) > _count(flatten(tuple(primals))[0]):
            return jacfwd(gradient, argnums)(*args, **kwargs)
        blocks = _row_blocks(pulled, None)
        return unflatten([_one_output(b, pulled.in_structure, argnums) for b in blocks], pulled.out_structure)

    return wrapper


def _count(tensors: list[Any]) -> int:
    """Number of elements of several tensors."""
    return sum(t.shp.numel() for t in tensors)
