"""``vmap``: a function of one sample becomes a function of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._core.tensor_base import TensorBase
from ..autograd.function import TRANSFORMS
from . import _custom
from . import _rules as _rules  # fills the table
from ._batched import Batch, BatchedTensor
from ._dispatch import operator, visible
from ._entries import ENTRIES, override_methods
from ._levels import Level, entered
from ._tree import Structure, broadcast, flatten, unflatten

override_methods()
TRANSFORMS.apply = _custom.apply


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Vectorise: apply ``func`` to every sample of a batch at once.

    Args:
        func: function of tensors (or of nested tuples, lists and dicts of them) without the batch dimension.
        in_dims: which dimension of each input is the batch; None for inputs that all samples share. An int, or nested like
            the inputs. Keyword arguments are shared by all samples.
        out_dims: where the batch dimension goes in the outputs; an int, or nested like the outputs.
        randomness: what random operators do: ``"error"``, ``"same"`` for all samples, ``"different"`` for each.
        chunk_size: so many samples at a time; None for all.

    Returns:
        Function of the batched inputs.

    Raises:
        ValueError: when dimensions do not fit the inputs or outputs, or an output is no tensor.
        RuntimeError: for what samples cannot do together: ``item()``, ``if tensor``, results of different sizes.

    Example:
        >>> import wengert as wg
        >>> x = wg.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> wg.vmap(wg.dot)(x, x)
        tensor([ 5., 25.])
        >>> wg.vmap(wg.func.grad(lambda row: (row * row).sum()))(x)
        tensor([[2., 4.],
                [6., 8.]])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, dims, structure, size = _inputs(func, in_dims, args)
        if chunk_size is None or chunk_size >= size:
            return _run(func, randomness, out_dims, size, leaves, dims, structure, kwargs)
        parts = []
        for start in range(0, size, chunk_size):
            n = min(chunk_size, size - start)
            chunk = [x if d is None else x.narrow(d, start, n) for x, d in zip(leaves, dims, strict=True)]
            parts.append(_run(func, randomness, out_dims, n, chunk, dims, structure, kwargs))
        return _joined(func, parts, out_dims)

    return wrapped


def name_of(func: Any) -> str:
    """How messages call the function."""
    if isinstance(func, functools.partial):
        return f"functools.partial({name_of(func.func)}, ...)"
    return str(getattr(func, "__name__", None) or repr(func))


def _inputs(func: Any, in_dims: Any, args: tuple[Any, ...]) -> tuple[list[Any], list[Any], Structure, int]:
    """Leaves of the arguments, the batch dimension of each, their structure and the batch size."""
    where = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, tuple, dict, list)):
        raise ValueError(
            f"{where}expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got: "
            f"{type(in_dims)}."
        )
    if len(args) == 0:
        raise ValueError(
            f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    leaves, structure = flatten(args)
    prefix = tuple(in_dims) if isinstance(in_dims, list) else in_dims
    dims = broadcast(prefix, structure)
    if dims is None:
        raise ValueError(
            f"{where}in_dims is not compatible with the structure of `inputs`. in_dims has structure {flatten(in_dims)[1]!r} "
            f"but inputs has structure {structure!r}."
        )
    checked = [_checked_dim(where, leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)]
    sizes = [leaf.shp[dim] for leaf, dim in zip(leaves, checked, strict=True) if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(n != sizes[0] for n in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the mapped "
            "dimension"
        )
    return leaves, checked, structure, sizes[0]


def _checked_dim(where: str, leaf: Any, dim: Any) -> Any:
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            f"{where}Got in_dim={dim} for an input but in_dim must be either an integer dimension or None."
        )
    if not isinstance(leaf, TensorBase):
        raise ValueError(
            f"{where}Got in_dim={dim} for an input but the input is of type {type(leaf)}. We cannot vmap over non-Tensor "
            "arguments, please use None as the respective in_dim"
        )
    ndim = len(leaf.shp)
    if not -ndim <= dim < ndim:
        raise ValueError(
            f"{where}Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {ndim} so expected in_dim to "
            f"satisfy -{ndim} <= in_dim < {ndim}."
        )
    return dim % ndim


def _run(
    func: Any,
    randomness: str,
    out_dims: Any,
    size: int,
    leaves: list[Any],
    dims: list[Any],
    structure: Structure,
    kwargs: dict[str, Any],
) -> Any:
    """One pass of ``func`` over a batch."""
    with entered("vmap") as level:
        level.batch_size = size
        level.randomness = randomness
        ENTRIES.acquire(func)
        try:
            batched = [x if d is None else BatchedTensor(x, d, level) for x, d in zip(leaves, dims, strict=True)]
            output = visible(func)(*unflatten(batched, structure), **kwargs)
            return _outputs(func, output, out_dims, level)
        finally:
            ENTRIES.release()


def _outputs(func: Any, output: Any, out_dims: Any, level: Level) -> Any:
    """Outputs with the batch dimension where it is wanted."""
    leaves, structure = flatten(output)
    dims = _out_dims(func, out_dims, structure)
    batch = Batch(level)
    results = []
    for leaf, dim in zip(leaves, dims, strict=True):
        if not isinstance(leaf, TensorBase):
            raise ValueError(
                f"vmap({name_of(func)}, ...): `{name_of(func)}` must only return Tensors, got type {type(leaf)}. Did you mean to "
                "set out_dims= to None for output?"
            )
        if dim is None:
            if batch.has(leaf):
                raise ValueError(
                    f"vmap({name_of(func)}, ...): `{name_of(func)}` can not return a BatchedTensor when out_dim is None"
                )
            results.append(leaf)
            continue
        physical = batch.full(leaf)
        _check_out_dim(dim, len(physical.shp))
        results.append(physical if dim == 0 else physical.movedim(0, dim))
    return unflatten(results, structure)


def _check_out_dim(dim: int, ndim: int) -> None:
    if not -ndim <= dim < ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})")


def _out_dims(func: Any, out_dims: Any, structure: Structure) -> list[Any]:
    """One output dimension for each output."""
    if isinstance(out_dims, int):
        return [out_dims] * structure.count
    for dim in flatten(out_dims)[0]:
        if not (dim is None or isinstance(dim, int)):
            raise ValueError(
                f"vmap({name_of(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of "
                "ints representing where in the outputs the vmapped dimension should appear."
            )
    single = structure.kind is None and isinstance(out_dims, tuple) and len(out_dims) == 1
    dims = broadcast(out_dims[0] if single else out_dims, structure)
    if dims is None:
        raise ValueError(
            f"vmap({name_of(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            f"`outputs`. out_dims has structure {flatten(out_dims)[1]!r} but outputs has structure {structure!r}."
        )
    return dims


def _joined(func: Any, parts: list[Any], out_dims: Any) -> Any:
    """Results of all chunks, one behind the other."""
    structure = flatten(parts[0])[1]
    dims = _out_dims(func, out_dims, structure)
    columns = zip(*(flatten(p)[0] for p in parts), strict=True)
    joined = [c[0] if d is None else operator("cat")(list(c), d) for c, d in zip(columns, dims, strict=True)]
    return unflatten(joined, structure)
