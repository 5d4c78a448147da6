"""Jacobians and Hessians as functions of functions."""

from __future__ import annotations

import functools
from typing import Any

from .._core.tensor_base import TensorBase
from .._gen import functions
from ._dispatch import operator, visible
from ._forward import jvp
from ._reverse import TensorFunction, chosen, vjp
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
    """A function that computes the Jacobian of ``func`` row by row, in reverse mode: for few outputs.

    Args:
        func: function of tensors, or of nested tuples, lists and dicts of them.
        argnums: which argument (or arguments) to differentiate.
        has_aux: whether ``func`` returns a pair of its value and something else.
        chunk_size: accepted; rows are computed one after the other from one recorded graph.

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
        result = vjp(restricted, *primals, has_aux=has_aux)
        value, pull = result[0], result[1]
        outputs, out_structure = flatten(value)
        inputs, in_structure = flatten(tuple(primals))
        blocks = [_rows(pull, outputs, k, out_structure, inputs) for k in range(len(outputs))]
        jacobian = unflatten([_one_output(b, in_structure, argnums) for b in blocks], out_structure)
        return (jacobian, result[2]) if has_aux else jacobian

    return wrapper


def _rows(pull: Any, outputs: list[Any], k: int, structure: Structure, inputs: list[Any]) -> list[Any]:
    """The derivatives of output ``k`` with respect to all inputs."""
    seeds = [functions.zeros(o.shp, dtype=o.dt) for o in outputs]
    n = outputs[k].shp.numel()
    rows = []
    for i in range(n):
        one = functions.zeros(n, dtype=outputs[k].dt)
        one[i] = 1
        cotangents = [*seeds[:k], one.reshape(outputs[k].shp), *seeds[k + 1 :]]
        rows.append(flatten(pull(unflatten(cotangents, structure)))[0])
    found = []
    for j, x in enumerate(inputs):
        shape = (*outputs[k].shp, *x.shp)
        column = [row[j] for row in rows]
        found.append(operator("stack")(column).reshape(shape) if n else functions.zeros(shape, dtype=x.dt))
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
    total = sum(x.shp.numel() for x in inputs)
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
    """A function that computes the second derivatives of ``func``: forward mode over reverse mode.

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
    return jacfwd(jacrev(func, argnums), argnums)
