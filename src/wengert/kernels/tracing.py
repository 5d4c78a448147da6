"""Values of formulas: a Python function is called once with traced values, and what it does to them is written down.

A formula is a function of arrays in NumPy's terms (operators, ufuncs, ``np.where``) plus the reductions below. Called with
arrays it computes; called with ``Traced`` values it leaves a graph, which plans.py orders into instructions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

_BOOL: Final = np.dtype(np.bool_)
_CONTIGUOUS: Final = np.empty(0).flags

REDUCTIONS: Final = ("row_sum", "row_max", "row_min", "row_product", "column_sum")


class Traced:
    """A value of a formula: an operation and its operands.

    Attributes:
        op: name of an instruction, "input" or "constant".
        args: operands.
        vector: whether it varies within a row.
        number: the value of a constant, the place of an input.
        mask: whether it is 0 or 1, made by a comparison.
        dtype, shape: what it shows to code that takes it for an array; None where nobody looks.
    """

    __slots__ = ("args", "dtype", "mask", "number", "op", "shape", "vector")

    def __init__(self, op: str, args: tuple[Traced, ...], vector: bool, number: Any = None, mask: bool = False) -> None:
        self.op = op
        self.args = args
        self.vector = vector
        self.number = number
        self.mask = mask
        self.dtype: Any = None
        self.shape: Any = None
        for x in args:
            if x.shape is not None:
                known = x.dtype is not None and x.dtype != _BOOL  # a choice between two numbers has no dtype of its own
                self.dtype = _BOOL if mask else x.dtype if known else self.dtype
                longer = self.shape is None or len(x.shape) > len(self.shape) or x.shape[-1:] > self.shape[-1:]
                self.shape = x.shape if longer else self.shape

    @property
    def ndim(self) -> int:
        """Number of dimensions that it shows."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements that it shows."""
        return math.prod(self.shape)

    @property
    def flags(self) -> Any:
        """It shows itself contiguous."""
        return _CONTIGUOUS

    @property
    def real(self) -> Traced:
        """Itself: formulas know real numbers only."""
        return self

    def astype(self, dtype: Any, **_: Any) -> Traced:
        """A mask as numbers; another precision is refused."""
        if dtype == self.dtype:
            return self
        if self.mask or self.dtype.kind in "iu":
            number = make("move", self)
            number.dtype = np.dtype(dtype)
            return number
        raise TypeError(f"a formula cannot convert {self.dtype} to {np.dtype(dtype)}")

    def __add__(self, other: Any) -> Traced:
        return make("add", self, other)

    def __radd__(self, other: Any) -> Traced:
        return make("add", other, self)

    def __sub__(self, other: Any) -> Traced:
        return make("subtract", self, other)

    def __rsub__(self, other: Any) -> Traced:
        return make("subtract", other, self)

    def __mul__(self, other: Any) -> Traced:
        return make("square", self) if other is self else make("multiply", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return make("multiply", other, self)

    def __truediv__(self, other: Any) -> Traced:
        return make("divide", self, other)

    def __rtruediv__(self, other: Any) -> Traced:
        return make("divide", other, self)

    def __pow__(self, exponent: Any) -> Traced:
        if not isinstance(exponent, Traced) and exponent == 2:
            return make("square", self)
        return make("power", self, exponent)

    def __neg__(self) -> Traced:
        return make("negative", self)

    def __abs__(self) -> Traced:
        return make("absolute", self)

    def __gt__(self, other: Any) -> Traced:
        return make("greater", self, other)

    def __ge__(self, other: Any) -> Traced:
        return make("greater_equal", self, other)

    def __lt__(self, other: Any) -> Traced:
        return make("greater", other, self)

    def __le__(self, other: Any) -> Traced:
        return make("greater_equal", other, self)

    def __eq__(self, other: object) -> Traced:  # type: ignore[override]
        return make("equal", self, other)

    def __ne__(self, other: object) -> Traced:  # type: ignore[override]
        return make("not_equal", self, other)

    def __and__(self, other: Any) -> Traced:
        return masked(make("multiply", self, other))

    def __or__(self, other: Any) -> Traced:
        return masked(make("maximum", self, other))

    def __invert__(self) -> Traced:
        return make("logical_not", self)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("a formula cannot branch on a value: use np.where")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Traced:
        if method == "reduce" and ufunc in REDUCED:
            return self.reduced(REDUCED[ufunc], **options)
        if ufunc in COMPOSED and method == "__call__" and not options:
            found: Traced = COMPOSED[ufunc](*inputs)
            return found
        op = UFUNCS.get(ufunc)
        if op is None or method != "__call__" or options:
            raise TypeError(f"a formula has no instruction for {ufunc.__name__}")
        if op in SWAPPED:
            return make(SWAPPED[op], inputs[1], inputs[0])
        return inputs[0] * inputs[0] if op == "square" else make(op, *inputs)

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Traced:
        """Sum over the last dimension."""
        return self.reduced("row_sum", axis, keepdims)

    def reshape(self, *shape: Any) -> Traced:
        """Itself, for its own shape."""
        wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        if tuple(wanted) != tuple(self.shape):
            raise TypeError(f"a formula cannot change the shape {tuple(self.shape)} to {tuple(wanted)}")
        return self

    def swapaxes(self, *axes: int) -> Traced:
        """Refused: rows lie along the last dimension."""
        raise TypeError("a formula has rows along the last dimension only")

    def expanded(self, shape: Any) -> Traced:
        """Itself, shown in a shape to which it broadcasts."""
        found = make("move", self)
        found.shape = tuple(shape)
        return found

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "a formula cannot leave the elements where they are: only elementwise operators and rows are traced"
        )

    def reduced(self, op: str, axis: Any = 0, keepdims: bool = False, **options: Any) -> Traced:
        """A reduction over the last dimension, which stays with size 1."""
        given = [value for value in options.values() if value is not None]
        axes = tuple(a % self.ndim for a in (axis if isinstance(axis, tuple) else (axis,)) if a is not None)
        if axes != (self.ndim - 1,) or not keepdims or given:
            raise TypeError("a formula reduces the last dimension only, and keeps it (keepdim=True)")
        found = make(op, self)
        found.shape = (*self.shape[:-1], 1)
        found.dtype = self.dtype if self.dtype != _BOOL else np.dtype(np.int64)
        return found

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Traced:
        if function is not np.where or len(args) != 3 or options:
            raise TypeError(f"a formula has no instruction for {function.__name__}")
        return make("where", *args)


UFUNCS: Final[dict[Any, str]] = {
    getattr(np, name): name
    for name in (
        *("negative", "absolute", "sqrt", "exp", "expm1", "log", "log1p", "tanh", "reciprocal", "square", "sign"),
        *("floor", "ceil", "trunc", "isnan", "logical_not", "add", "subtract", "multiply", "divide", "maximum"),
        *(
            "minimum",
            "greater",
            "greater_equal",
            "less",
            "less_equal",
            "equal",
            "not_equal",
            "copysign",
            "power",
            "fmod",
        ),
        *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "hypot", "sinh", "cosh", "arcsinh", "arccosh"),
        *("arctanh", "exp2", "log2", "log10", "rint"),
    )
}
REDUCED: Final[dict[Any, str]] = {np.add: "row_sum", np.maximum: "row_max", np.minimum: "row_min"}
SWAPPED: Final = {"less": "greater", "less_equal": "greater_equal"}
MASKS: Final = {"greater", "greater_equal", "equal", "not_equal", "isnan", "logical_not"}


def make(op: str, *operands: Any) -> Traced:
    """The value of an operation; numbers become constants."""
    shape = next((x.shape for x in operands if isinstance(x, Traced)), None)
    args = tuple(x if isinstance(x, Traced) else constant(x, shape) for x in operands)
    if op in REDUCTIONS:
        return reduction(op, args[0])
    made = Traced(op, args, any(x.vector for x in args), None, op in MASKS)
    if made.dtype is None and shape is not None:  # a mask chooses between constants
        arrays = (x for x in operands if isinstance(x, (np.ndarray, np.generic)))
        made.dtype = next((x.dtype for x in arrays if x.dtype != _BOOL), None)
    return made


def reduction(op: str, x: Traced) -> Traced:
    """The value of a reduction; a number of a row stands for as many equal ones as there are columns."""
    if op == "column_sum":
        return Traced(op, (x if x.vector else Traced("move", (x,), True),), True)
    if x.vector:
        found = Traced(op, (x,), False)
        found.shape = x.shape if x.shape is None else (*x.shape[:-1], 1)
        return found
    if op in ("row_sum", "row_product"):
        return make("multiply" if op == "row_sum" else "power", x, columns())
    return x


def logaddexp(x: Any, y: Any) -> Any:
    """log(exp(x) + exp(y)), without overflow."""
    return np.where(x == y, x + math.log(2), np.maximum(x, y) + np.log1p(np.exp(-abs(x - y))))


def unless_nan(choice: Any, x: Any, y: Any) -> Any:
    """``choice(x, y)`` where both are numbers, else the one that is."""
    return np.where(x != x, y, np.where(y != y, x, choice(x, y)))


def remainder(x: Any, y: Any) -> Any:
    """Remainder with the sign of the divisor, as NumPy's."""
    rest = np.fmod(x, y)
    return np.where(rest == 0, np.copysign(0.0, y), np.where((rest < 0) == (y < 0), rest, rest + y))


def floor_divide(x: Any, y: Any) -> Any:
    """Quotient rounded down, as NumPy's; x / y where y is 0."""
    rest = np.fmod(x, y)
    exact = (x - rest) / y  # a whole number but for rounding
    exact = np.where((rest != 0) & ((rest < 0) != (y < 0)), exact - 1, exact)
    whole = np.floor(exact)
    whole = np.where(exact - whole > 0.5, whole + 1, whole)
    whole = np.where(exact == 0, np.copysign(exact * 0, x / y), whole)
    return np.where(y == 0, x / y, whole)


# Functions that are several instructions.
COMPOSED: Final[dict[Any, Callable[..., Any]]] = {
    np.positive: lambda x: x,
    np.logaddexp: logaddexp,
    np.fmax: lambda x, y: unless_nan(np.maximum, x, y),
    np.fmin: lambda x, y: unless_nan(np.minimum, x, y),
    np.remainder: remainder,
    np.floor_divide: floor_divide,
    np.isfinite: lambda x: abs(x) < math.inf,
    np.isinf: lambda x: abs(x) == math.inf,
}


def constant(value: Any, shape: Any = None) -> Traced:
    """A number as a value; so is an array of the formula's own ``shape`` that holds one number only, such as zeros.

    Raises:
        TypeError: for anything but a real number.
    """
    if isinstance(value, np.ndarray) and (value.ndim == 0 or value.shape == shape) and (value == value.flat[0]).all():
        value = value.flat[0]
    if isinstance(value, (int, float, np.floating, np.integer, np.bool_)):
        return Traced("constant", (), False, float(value))
    raise TypeError(f"a formula cannot use a {type(value).__name__}: only its arguments and real numbers")


def masked(value: Traced) -> Traced:
    """Mark a value as 0 or 1."""
    value.mask = True
    value.dtype = value.dtype if value.shape is None else _BOOL
    return value


def sigmoid(x: Any) -> Any:
    """Logistic sigmoid 1/(1 + exp(-x))."""
    return make("sigmoid", x) if isinstance(x, Traced) else x.dtype.type(1) / (1 + np.exp(-x))


def row_sum(x: Traced) -> Traced:
    """Sum over each row."""
    return make("row_sum", x)


def row_max(x: Traced) -> Traced:
    """Largest element of each row; NaN where there is one."""
    return make("row_max", x)


def row_min(x: Traced) -> Traced:
    """Smallest element of each row; NaN where there is one."""
    return make("row_min", x)


def row_product(x: Traced) -> Traced:
    """Product over each row."""
    return make("row_product", x)


def row_mean(x: Traced) -> Traced:
    """Mean of each row."""
    return make("divide", row_sum(x), columns())


def columns() -> Traced:
    """Number of elements of a row."""
    return Traced("constant", (), False, COLUMNS)


def column_sum(x: Traced) -> Traced:
    """Sum over all rows: an output of one number per column."""
    return make("column_sum", x)


COLUMNS: Final = "columns"
