"""Array functions behind indexing: summing rows into places, positions within flattened dimensions, bounds."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ..kernels import bulk as kernels
from ..kernels import counting, formulas

_add_at: Final[Any] = np.add.at
_intp: Final[Any] = np.intp
# Below this many values, and in narrower rows, np.add.at (6 ns a value) is faster than a sparse matrix (30 us to build it, then
# 1 ns a value in wide rows, 10 in narrow ones). To measure: WENGERT_PURE=1 python benchmarks/run.py --only "index_add".
FEW: Final = 5_000
NARROW: Final = 16
# Below this many values the generality of np.add.at costs less than preparing plain rows for it.
TINY: Final = 64
# Elements of sums of rows that are in memory at a time.
BLOCK: Final = 1 << 17
# Elements from which several threads are faster than one.
MANY: Final = 1 << 16


def rows_at(table: Any, index: Any) -> Any:
    """``table[index]``: rows (the first dimension) by number, from 0; all threads take large ones."""
    if (
        index.dtype == np.int64
        and index.size * table[:1].size >= MANY
        and table.flags.c_contiguous
        and kernels.moves(table)
    ):
        return kernels.take_rows(table, index)
    return table.take(index, axis=0)


def take_where(x: Any, mask: Any) -> Any:
    """The elements of an array where a mask of its shape holds, in one dimension."""
    return counting.where_true(x, mask) if kernels.moves(x) else x[mask]


def put_where(target: Any, value: Any, mask: Any) -> None:
    """Write a number where a mask, which broadcasts, holds."""
    if target.size >= MANY and mask.shape == target.shape and target.flags.c_contiguous and kernels.handles(target):
        formulas.select.into([target], mask, float(value), target)
    else:
        np.copyto(target, value, where=mask, casting="unsafe")


def add_rows(target: Any, index: Any, rows: Any) -> None:
    """``target[index[i]] += rows[i]`` for all i, repeated indices included.

    Args:
        target: (k, ...), written to.
        index: (n,), from 0 to k - 1.
        rows: (n, ...).

    Without kernels, many wide rows are summed as the product of a sparse 0/1 matrix with the rows: for 16384 rows of 256
    float32 into 50000 that takes 10 ms, against 38 ms for ``np.add.at`` and 94 ms for sorting.
    """
    if rows.size >= TINY and target.flags.c_contiguous and kernels.moves(target, rows) and index.dtype == np.int64:
        kernels.add_rows(target, index, rows)
        return
    if rows.size < FEW or rows[:1].size < NARROW:
        _add_at(target, index, rows)
        return
    from scipy import sparse

    n = index.shape[0]
    k = target.shape[0]
    starts = np.zeros(k + 1, np.int64)
    np.cumsum(np.bincount(index, minlength=k), out=starts[1:])
    work = np.float32 if rows.dtype == np.float16 else rows.dtype
    ones = np.ones(n, work)
    places = sparse.csr_matrix((ones, index.argsort(kind="stable"), starts), shape=(k, n))
    flat = target.reshape(k, -1) if target.flags.c_contiguous else np.zeros((k, rows.size // n), target.dtype)
    values = rows.reshape(n, -1)
    step = max(1, BLOCK // max(n, k))
    for start in range(0, flat.shape[1], step):  # the product of some columns is in memory at a time
        part = slice(start, start + step)
        flat[:, part] += places @ values[:, part].astype(work, copy=False)
    if not target.flags.c_contiguous:
        target += flat.reshape(target.shape)


def wrapped(index: Any, size: int) -> Any:
    """Indices counted from the front."""
    return index if counting.are_between(index, 0, size) else np.where(index < 0, index + size, index)


def check_bounds(index: Any, size: int, dim: int) -> None:
    """Refuse indices outside ``-size..size-1``.

    Raises:
        IndexError: with the first of them.
    """
    if not counting.are_between(index, -size, size):
        first = np.asarray(index)[(index < -size) | (index >= size)].reshape(-1)[0]
        raise IndexError(f"index {first} is out of bounds for dimension {dim} with size {size}")


def explicit(key: tuple[Any, ...]) -> list[tuple[int, Any]]:
    """The (dimension, integer indices) pairs of a NumPy key of full slices, index arrays and masks."""
    found: list[tuple[int, Any]] = []
    dim = 0
    for entry in key:
        if isinstance(entry, slice):
            dim += 1
        elif entry.dtype == np.bool_:
            for part in entry.nonzero():
                found.append((dim, part))
                dim += 1
        else:
            found.append((dim, entry))
            dim += 1
    return found


def check_key(shape: tuple[int, ...], key: tuple[Any, ...]) -> None:
    """Raise PyTorch's error for a key that does not fit the shape.

    Raises:
        IndexError: for masks of another shape, indices out of bounds, index shapes that do not broadcast.
    """
    check_masks(shape, key)
    parts = explicit(key)
    try:
        np.broadcast_shapes(*[p.shape for _, p in parts])
    except ValueError:
        shapes = ", ".join([str(list(p.shape)) for _, p in parts])
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None
    for d, part in parts:
        check_bounds(part, shape[d], d)


def check_masks(shape: tuple[int, ...], key: tuple[Any, ...]) -> None:
    """Refuse masks of another shape.

    Raises:
        IndexError: with the first dimension that differs.
    """
    dim = 0
    for entry in key:
        if not isinstance(entry, slice) and entry.dtype == np.bool_:
            for j, n in enumerate(entry.shape):
                if n != shape[dim]:
                    raise IndexError(
                        f"The shape of the mask {list(entry.shape)} at index {j} does not match the shape of the indexed "
                        f"tensor {list(shape)} at index {dim}"
                    )
                dim += 1
        else:
            dim += 1


def check_empty(shape: tuple[int, ...], key: tuple[Any, ...]) -> None:
    """Refuse masks without elements that do not fit, which NumPy lets pass."""
    for entry in key:
        if not isinstance(entry, slice) and entry.size == 0:
            check_masks(shape, key)


def add_at(target: Any, key: tuple[Any, ...], values: Any) -> None:
    """``target[key] += values``, repeated indices included; ``values`` broadcasts to the shape of ``target[key]``."""
    if values.size < TINY:
        _add_at(target, key, values)
        return
    parts = explicit(key)
    dims = [d for d, _ in parts]
    shape = target.shape
    grid = np.broadcast_shapes(*[p.shape for _, p in parts])
    index = np.broadcast_to(wrapped(parts[0][1], shape[dims[0]]), grid)
    for d, part in parts[1:]:
        index = np.multiply(index, shape[d], dtype=_intp)
        index += wrapped(part, shape[d])
    index = index.astype(_intp, copy=False)
    together = dims == list(range(dims[0], dims[0] + len(dims)))
    rest = [d for d in range(target.ndim) if d not in dims]
    first = dims[0] if together else 0
    outer = tuple([shape[d] for d in rest[:first]])
    inner = tuple([shape[d] for d in rest[first:]])
    rows = np.broadcast_to(values, outer + grid + inner)
    if first > 0:
        rows = np.moveaxis(rows, list(range(first)), list(range(len(grid), len(grid) + first)))
    front = target.transpose(dims + rest)
    count = 1
    for d in dims:
        count *= shape[d]
    tail = outer + inner
    n = index.size
    if front.flags.c_contiguous:
        add_rows(front.reshape((count, *tail)), index.reshape(-1), rows.reshape((n, *tail)))
        return
    work = np.zeros((count, *tail), target.dtype)
    add_rows(work, index.reshape(-1), rows.reshape((n, *tail)))
    front += work.reshape(front.shape)


def flat_positions(index: Any, dim: int, shape: tuple[int, ...]) -> Any:
    """Where the elements ``[..., index[i..., j, k...], ...]`` of an array of this shape lie once it is flattened.

    ``index`` replaces the coordinate ``dim``; the others are its own.
    """
    steps = np.ones(len(shape), _intp)
    for d in range(len(shape) - 2, -1, -1):
        steps[d] = steps[d + 1] * shape[d + 1]
    positions = wrapped(index, shape[dim]) * steps[dim]
    for d in range(len(shape)):
        if d != dim:
            along = [1] * len(shape)
            along[d] = index.shape[d]
            positions = positions + (np.arange(index.shape[d], dtype=_intp) * steps[d]).reshape(along)
    return positions
