"""Formulas as callables: compiled where the kernels were built, otherwise NumPy over blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from . import _load, blocks
from .copies import converted
from .plans import Plan, plan
from .tracing import Traced

Function = Callable[..., Any]

DIRECT: Final = 4 * blocks.BLOCK  # elements: below, whole temporaries cost nothing that counts
_HALF: Final = np.dtype(np.float16)
_SINGLE: Final = np.dtype(np.float32)


def elementwise(function: Function) -> Any:
    """The formula as a function of operands that are broadcast together: ``kernel(*operands)``.

    Operands are arrays of one dtype, masks, or Python numbers.
    """
    return _kernel(function, False)


def rowwise(function: Function) -> Any:
    """The formula as a function of rows: ``kernel(dims, *operands)``, where the last ``dims`` dimensions make a row.

    A result of one number per row keeps these dimensions with size 1, one of one number per column keeps the others so.
    """
    return _kernel(function, True)


def along(kernel: Any, dim: int, arrays: list[Any]) -> Any:
    """A row kernel with one result applied along dimension ``dim``, counted from the front."""
    if dim == arrays[0].ndim - 1:
        return kernel(1, *arrays)
    return kernel(1, *[x.swapaxes(dim, -1) for x in arrays]).swapaxes(dim, -1)


def reduced(kernel: Any, axes: tuple[int, ...] | int | None, x: Any, keepdims: bool) -> Any:
    """A row kernel with one number for each row, applied over dimensions (None: all) that come last in ``x``.

    None where it does not apply: other dimensions, numbers that are neither single nor double precision, nothing to reduce.
    """
    if type(x) is not np.ndarray or x.dtype.char not in "fd" or x.ndim == 0 or x.size == 0:
        return None
    kept = in_front(axes, x.ndim)
    if kept is None:
        return None
    found = kernel(x.ndim - kept, x)
    return found if keepdims else found.reshape(x.shape[:kept])[()]


def in_front(axes: tuple[int, ...] | int | None, ndim: int) -> int | None:
    """How many of ``ndim`` dimensions come before ``axes`` (None: all of them), if those are the last ones in their order."""
    last = tuple(range(ndim)) if axes is None else (axes,) if isinstance(axes, int) else axes
    kept = ndim - len(last)
    return kept if [axis % ndim for axis in last] == list(range(kept, ndim)) else None


def _kernel(function: Function, rows: bool) -> Any:
    blocked = Blocked(function, rows)
    if _load.MODULE is None:
        return blocked
    return _load.MODULE.Kernel(function.__name__, blocked.plan_for, blocked, rows)


class Blocked:
    """A formula run by NumPy.

    Attributes:
        function: the formula.
        rows: whether it works on rows.
    """

    def __init__(self, function: Function, rows: bool) -> None:
        self.function = function
        self.rows = rows
        self.plans: dict[tuple[bool, ...], Plan] = {}

    def __repr__(self) -> str:
        return f"<kernel {self.function.__name__}>"

    def plan_for(self, vector: tuple[bool, ...]) -> Plan:
        """The program for inputs that vary within a row, or do not."""
        found = self.plans.get(vector)
        if found is None:
            found = self.plans[vector] = plan(self.function, vector, self.rows)
        return found

    def __call__(self, *operands: Any) -> Any:
        """Results for operands, after ``dims`` for rows."""
        dims, given = (operands[0], operands[1:]) if self.rows else (0, operands)
        if any(isinstance(x, Traced) for x in given):  # inside another formula
            if dims > 1:
                raise TypeError("a formula reduces the last dimension only")
            return self.function(*given)
        if any(isinstance(x, np.ndarray | np.generic) and x.dtype == _HALF for x in given):
            return self.in_single(dims, given)
        if not self.rows and not _is_large(given):
            return self.function(*given)
        return self.run(dims, given, None)

    def into(self, outputs: Sequence[Any], *operands: Any) -> None:
        """Write the results into the arrays ``outputs``, which may be among the operands; elementwise only."""
        if _is_large(operands) and not any(_overlap_partly(y, x) for y in outputs for x in operands):
            hazards = self.plan_for((True,) * len(operands)).hazards  # a number that does not vary hides none
            if not any(operands[i] is y for y, late in zip(outputs, hazards) for i in late):
                self.run(0, operands, list(outputs))
                return
        results = self(*operands)
        for target, value in zip(outputs, results if isinstance(results, tuple) else (results,)):
            target[...] = value

    def in_single(self, dims: int, operands: Sequence[Any]) -> Any:
        """Half precision: computed in single precision and rounded once."""
        wide = [converted(x, _SINGLE) if getattr(x, "dtype", None) == _HALF else x for x in operands]
        results = self(dims, *wide) if self.rows else self(*wide)
        if isinstance(results, tuple):
            return tuple(x if x.dtype == np.bool_ else converted(x, _HALF) for x in results)
        return results if results.dtype == np.bool_ else converted(results, _HALF)

    def run(self, dims: int, operands: Sequence[Any], given: list[Any] | None) -> Any:
        """Run the program over blocks."""
        arrays = [x if isinstance(x, np.ndarray) else np.asarray(x) for x in operands]
        dtype = next(x.dtype for x in arrays if x.ndim and x.dtype != np.bool_)
        arrays = [x if x.dtype in (dtype, np.bool_) else x.astype(dtype) for x in arrays]
        shape = np.broadcast_shapes(*[x.shape for x in arrays])
        row_dims = len(shape) - dims if self.rows else 0
        program = self.plan_for(_vector(arrays, shape, row_dims))
        outputs = given if given is not None else _outputs(program, arrays, shape, row_dims, dtype)
        rows = shape[:row_dims] + (1,) * (len(shape) - row_dims)
        wide = [np.broadcast_to(x, shape if varies else rows) for x, varies in zip(arrays, program.vector)]
        blocks.run(program, shape, wide, outputs, row_dims)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)


def _vector(arrays: list[Any], shape: tuple[int, ...], row_dims: int) -> tuple[bool, ...]:
    """Which operands vary within a row; with a single column all of them."""
    columns = shape[row_dims:]
    found = tuple(any(n != 1 for n in x.shape[max(x.ndim - len(columns), 0) :]) for x in arrays)
    return found if any(found) else (True,) * len(arrays)


def _outputs(program: Plan, arrays: list[Any], shape: tuple[int, ...], row_dims: int, dtype: Any) -> list[Any]:
    """New arrays for the results, laid out like the first operand where that has the full shape and repeats nothing."""
    full = next((x for x in arrays[:1] if x.shape == shape and 0 not in x.strides), None)
    made = []
    for kind, mask in zip(program.outputs, program.masks):
        if kind == "v" and full is not None:
            made.append(np.empty_like(full, np.bool_ if mask else dtype, subok=False))
            continue
        ones = row_dims if kind == "c" else len(shape) - row_dims if kind == "s" else 0
        size = (1,) * ones + shape[ones:] if kind == "c" else shape[: len(shape) - ones] + (1,) * ones
        made.append(np.empty(size, np.bool_ if mask else dtype))
    return made


def _is_large(operands: Sequence[Any]) -> bool:
    """Whether temporaries of the size of the result are worth avoiding; programs take real numbers only."""
    arrays = [x for x in operands if isinstance(x, np.ndarray) and x.ndim]
    if not arrays or any(x.dtype.kind not in "fb" for x in arrays) or all(x.dtype.kind == "b" for x in arrays):
        return False
    try:
        return math.prod(np.broadcast_shapes(*[x.shape for x in arrays])) > DIRECT
    except ValueError:
        return False  # NumPy says what does not fit


def _overlap_partly(y: Any, x: Any) -> bool:
    return isinstance(x, np.ndarray) and x is not y and bool(np.may_share_memory(x, y))
