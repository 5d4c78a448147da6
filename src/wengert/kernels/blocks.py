"""Programs run by NumPy, block by block, so that a fused formula needs little more memory than its results."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from . import special
from .memory import empty_like
from .plans import Code, Plan
from .tracing import COLUMNS, UFUNCS, Traced, make, sigmoid

BLOCK: Final = 1 << 16  # elements: a handful of registers of this size fit the second-level cache
WHOLE_ROW: Final = 1 << 18  # longer rows go in stages
ROOT_HALF: Final = math.sqrt(0.5)
INV_ROOT_2PI: Final = 1 / math.sqrt(2 * math.pi)

Place = tuple[slice, ...]


def run(plan: Plan, shape: tuple[int, ...], operands: Sequence[Any], outputs: Sequence[Any], row_dims: int) -> None:
    """Fill ``outputs``.

    Args:
        plan: the program.
        shape: what the operands broadcast to.
        operands: arrays of that shape, or with size 1 for columns in which they do not vary, of one floating dtype or bool.
        outputs: for each output an array of that shape; its columns have size 1 where it has one number per row, its rows
            where it has one number per column.
        row_dims: how many leading dimensions count rows; the others are columns.
    """
    machine = _Machine(plan, shape, operands, outputs, row_dims)
    reduces = len(plan.stages) > 1 or "c" in plan.outputs
    if reduces and ("c" in plan.outputs or machine.columns <= WHOLE_ROW):
        machine.sweep(plan.whole, row_dims)
        return
    for code in plan.stages:
        machine.sweep(code, len(machine.shape))


class _Machine:
    """One call: the operands, and one number per row as far as it is known."""

    def __init__(
        self, plan: Plan, shape: tuple[int, ...], operands: Sequence[Any], outputs: Sequence[Any], row_dims: int
    ) -> None:
        self.plan = plan
        self.operands = operands
        self.outputs = outputs
        self.row_dims = row_dims
        self.shape = shape
        self.columns = math.prod(self.shape[row_dims:])
        self.dtype = next((x.dtype for x in operands if x.dtype != np.bool_), np.dtype(np.float32))
        self.row_axes = tuple(range(row_dims))
        self.column_axes = tuple(range(row_dims, len(self.shape)))
        self.scalars: dict[int, Any] = {}
        self.constants = [self.dtype.type(self.columns if c is COLUMNS else c) for c in plan.constants]
        for kind, output in zip(plan.outputs, outputs):
            if kind == "c":
                output[...] = 0

    def sweep(self, code: Code, splittable: int) -> None:
        """Run ``code`` over blocks that split the first ``splittable`` dimensions."""
        ops = {out: op for op, out, *_ in code.instructions}
        rows = (*self.shape[: self.row_dims], *[1] * len(self.column_axes))
        made = {
            slot: np.full(rows, _START[ops[slot]], np.float64 if ops[slot] == "row_sum" else self.dtype)
            for slot in code.reduced
        }
        memory: list[Any] = [None] * code.registers
        for place in places(self.shape, splittable):
            values = self.block(code, place, memory)
            row = self.row_of(place)
            for slot, total in made.items():
                total[row] = _COMBINE[ops[slot]](total[row], values[slot])
        self.scalars.update({slot: total.astype(self.dtype) for slot, total in made.items()})

    def row_of(self, place: Place) -> Place:
        """The part of an array of one number per row that belongs to a block."""
        return (*place[: self.row_dims], *[slice(None)] * len(self.column_axes))

    def block(self, code: Code, place: Place, memory: list[Any]) -> dict[int, Any]:
        """Run ``code`` over one block; the values of all slots."""
        plan = self.plan
        row = self.row_of(place)
        shape = tuple(min(s.stop, n) - s.start for s, n in zip(place, self.shape))
        values: dict[int, Any] = {plan.first_constant + i: c for i, c in enumerate(self.constants)}
        values.update({slot: known[row] for slot, known in self.scalars.items()})
        for i in code.used:
            x = self.operands[i][place if plan.vector[i] else row]
            values[i] = x.astype(self.dtype) if x.dtype == np.bool_ else x
        for op, out, *operands in code.instructions:
            values[out] = self.step(op, [values[x] for x in operands], self.target(out, shape, place, memory))
        for j, kind in enumerate(plan.outputs):
            slot = plan.inputs + j
            if slot in values and kind != "c":
                target = self.outputs[j][place if kind == "v" else row]
                if values[slot] is not target:
                    target[...] = values[slot]
        return values

    def target(self, slot: int, shape: tuple[int, ...], place: Place, memory: list[Any]) -> Any:
        """The array that an instruction writes to; None where it makes one."""
        plan = self.plan
        register = slot - plan.first_register
        if register >= 0:
            if memory[register] is None or memory[register].shape != shape:
                memory[register] = np.empty(shape, self.dtype)
            return memory[register]
        j = slot - plan.inputs
        if 0 <= j < len(plan.outputs) and plan.outputs[j] == "v" and not plan.masks[j]:
            return self.outputs[j][place]
        if 0 <= j < len(plan.outputs) and plan.outputs[j] == "c":
            return self.outputs[j][(*[slice(None)] * self.row_dims, *place[self.row_dims :])]
        return None

    def step(self, op: str, operands: list[Any], out: Any) -> Any:
        """One instruction."""
        if op == "column_sum":
            out += np.add.reduce(operands[0], axis=self.row_axes, keepdims=True)
            return out
        if op in _REDUCE:
            return _REDUCE[op](operands[0], axis=self.column_axes, keepdims=True)
        found = _UFUNCS.get(op)
        if found is not None:
            value = found(*operands[: found.nin]) if out is None else found(*operands[: found.nin], out=out)
            return value if out is not None or value.dtype == self.dtype else value.astype(self.dtype)
        value = _OTHERS[op](*operands)
        if out is None:
            return value
        out[...] = value
        return out


def places(shape: tuple[int, ...], splittable: int, block: int = BLOCK) -> Iterator[Place]:
    """Blocks of about ``block`` elements that cover an array; only the first ``splittable`` dimensions are split."""
    axis, inner = 0, math.prod(shape[1:])
    while axis < splittable - 1 and inner > block:
        axis += 1
        inner //= shape[axis]
    if splittable == 0:
        yield tuple(slice(0, n) for n in shape)
        return
    per = max(1, block // max(inner, 1))
    rest = tuple(slice(0, n) for n in shape[axis + 1 :])
    for outer in np.ndindex(shape[:axis]):
        for start in range(0, shape[axis], per):
            yield (*[slice(i, i + 1) for i in outer], slice(start, start + per), *rest)


def mapped(function: Callable[..., Any], x: Any, *others: Any) -> Any:
    """``function(x, *others)``, elementwise on arrays and numbers; of large arrays a block at a time: temporaries stay small.

    Blocks are made where ``x`` has the shape of the result.
    """
    if not isinstance(x, np.ndarray) or x.size <= BLOCK:
        return function(x, *others)
    if any(isinstance(y, np.ndarray) and np.broadcast_shapes(x.shape, y.shape) != x.shape for y in others):
        return function(x, *others)
    rest = [np.broadcast_to(y, x.shape) if isinstance(y, np.ndarray) else y for y in others]
    out: Any = None
    for place in places(x.shape, x.ndim):
        part = function(x[place], *[y[place] if isinstance(y, np.ndarray) else y for y in rest])
        if out is None:
            out = empty_like(x, part.dtype)
        out[place] = part
    return out


def reduced(ufunc: Any, function: Callable[..., Any], arrays: Sequence[Any], axes: tuple[int, ...] | None) -> Any:
    """A reduction over ``axes`` (None: all), which stay with size 1, of an elementwise function, of which a block is in memory.

    The first array has the full shape, the others broadcast to it with as many dimensions. Sums of blocks of single and half
    precision are added up in double precision.
    """
    shape = arrays[0].shape
    closed = range(len(shape)) if axes is None else [axis % len(shape) for axis in axes]
    total: Any = None
    for place in places(shape, len(shape)):
        value = function(*[a[tuple([s if n > 1 else slice(None) for s, n in zip(place, a.shape)])] for a in arrays])
        narrow = value.dtype if value.dtype.kind != "b" else None
        wider = np.float32 if value.dtype == _HALF and ufunc is np.add else None
        part = ufunc.reduce(value, axes, wider, None, True)
        if total is None:
            wide = np.float64 if value.dtype.kind == "f" and ufunc is np.add else part.dtype
            total = np.full([1 if d in closed else n for d, n in enumerate(shape)], _NEUTRAL[ufunc], wide)
        at = tuple([slice(None) if d in closed else s for d, s in enumerate(place)])
        total[at] = ufunc(total[at], part)
    return total if narrow is None else total.astype(narrow, copy=False)


def _sigmoid(x: Any, *_: Any) -> Any:
    out = np.negative(x)
    np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def gelu(x: Any, *_: Any) -> Any:
    """x times the normal distribution function."""
    return (special.erf(x * ROOT_HALF) * 0.5 + 0.5) * x


def gelu_slope(x: Any, *_: Any) -> Any:
    """Derivative of gelu: Phi(x) + x phi(x)."""
    return special.erf(x * ROOT_HALF) * 0.5 + 0.5 + x * INV_ROOT_2PI * np.exp(x * x * -0.5)


def silu(x: Any, *_: Any) -> Any:
    """x sigmoid(x)."""
    return x * sigmoid(x)


def silu_slope(x: Any, *_: Any) -> Any:
    """Derivative of silu."""
    s = sigmoid(x)
    return s * (x * (1 - s) + 1)


def hardswish(x: Any, *_: Any) -> Any:
    """x min(max(x + 3, 0), 6) / 6."""
    return x * np.minimum(np.maximum(x + 3, 0), 6) / 6


def softshrink(x: Any, by: Any, *_: Any) -> Any:
    """x moved towards 0 by ``by``, 0 where it is closer."""
    return np.where(x > by, x - by, np.where(x < -by, x + by, x * 0))


def huber(x: Any, y: Any, limit: Any) -> Any:
    """Half the square of a difference, and beyond the limit its tangent."""
    size = np.absolute(x - y)
    bent = np.where(size <= limit, size, limit)
    return bent * (size - bent * 0.5)


def instruction(op: str, *operands: Any) -> Any:
    """An instruction that is no ufunc, of values of a formula or of arrays."""
    return make(op, *operands) if isinstance(operands[0], Traced) else _OTHERS[op](*operands)


_HALF: Final = np.dtype(np.float16)
_NEUTRAL: Final[dict[Any, float]] = {np.add: 0, np.maximum: -math.inf, np.minimum: math.inf}
_UFUNCS: Final[dict[str, Any]] = {name: ufunc for ufunc, name in UFUNCS.items()}
_OTHERS: Final[dict[str, Callable[..., Any]]] = {
    "move": lambda x, *_: x,
    "sigmoid": _sigmoid,
    **special.FUNCTIONS,
    "gelu": gelu,
    "gelu_slope": gelu_slope,
    "silu": silu,
    "silu_slope": silu_slope,
    "hardswish": hardswish,
    "hardsigmoid": lambda x, *_: np.minimum(np.maximum(x + 3, 0), 6) / 6,
    "signum": lambda x, *_: np.where(x == x, np.sign(x), x.dtype.type(0)),
    "frac": lambda x, *_: x - np.trunc(x),
    "softshrink": softshrink,
    "unless_nan": lambda x, y, *_: np.where(x != x, y, x),
    "heaviside": lambda x, y, *_: np.where(x == 0, y, (x > 0).astype(y.dtype)),
    "nextafter": lambda x, y, *_: np.nextafter(x, y),
    "leaky_relu": lambda x, slope, *_: np.where(x > 0, x, x * slope),
    "divide_add": lambda x, y, z: x / y + z,
    "lerp": lambda x, end, weight: (end - x) * weight + x,
    "elu": lambda x, factor, steep: np.where(x < 0, np.expm1(x * steep) * factor, x),
    "huber": huber,
    "fma": lambda x, y, z: x * y + z,
    "fms": lambda x, y, z: x * y - z,
    "fnma": lambda x, y, z: z - x * y,
    "where": lambda mask, x, y: np.where(mask != 0, x, y),
    "where_positive": lambda x, y, z: np.where(x > 0, y, z),
    "outside": lambda x, y, limit: np.where((y >= -limit) & (y <= limit), x.dtype.type(0), x),
    "clamp": lambda x, low, high: np.minimum(np.maximum(x, low), high),
}
_REDUCE: Final[dict[str, Any]] = {
    "row_sum": np.add.reduce,
    "row_max": np.maximum.reduce,
    "row_min": np.minimum.reduce,
    "row_product": np.multiply.reduce,
}
_COMBINE: Final[dict[str, Any]] = {
    "row_sum": np.add,
    "row_max": np.maximum,
    "row_min": np.minimum,
    "row_product": np.multiply,
}
_START: Final = {"row_sum": 0.0, "row_max": -math.inf, "row_min": math.inf, "row_product": 1.0}
