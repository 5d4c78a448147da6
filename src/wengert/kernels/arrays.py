"""Single operators on arrays and NumPy scalars: compiled, or NumPy's own. Those named ``into`` end with the target.

The compiled ones take a third of a ufunc's time on small arrays and all threads on large ones, and never give a floating-point
warning (docs/design/0011-kernels.md).
"""

from __future__ import annotations

import operator
from typing import Any, Final

import numpy as np

from . import _load
from .formula import elementwise
from .reductions import array_sum


def spread_by_numpy(x: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """The NumPy scalar or contiguous array ``x`` read as an array of another shape, with strides in bytes."""
    return np.ndarray(shape, x.dtype, np.asarray(x), 0, strides)  # whose base is an array: memory is counted by it


def select_by_numpy(x: Any, dim: int, index: int) -> Any:
    """One index of a dimension, as a view."""
    return x[(slice(None),) * dim + (index, ...)]  # the ellipsis keeps a 0-d result an array


def move_axis(x: Any, source: int, target: int) -> Any:
    """NumPy's ``moveaxis`` of one dimension, in a tenth of its time; the array itself where nothing moves."""
    n = x.ndim
    first, last = source % n, target % n
    if first == last:
        return x
    order = list(range(n))
    order.insert(last, order.pop(first))
    return x.transpose(order)


def owned_by_numpy(x: Any, like: Any) -> bool:
    """Whether the memory is that of the array alone, may be written to, and is in the order of another array."""
    if x.base is not None or not x.flags.writeable:
        return False
    return bool(x.strides == like.strides or x.flags.c_contiguous == like.flags.c_contiguous)


def relu_by_numpy(x: Any) -> Any:
    """``maximum(0, x)``: -0.0 stays, and what is not a number."""
    return np.maximum(0, x)


def by_columns_by_numpy(x: Any) -> bool:
    """Whether a matrix lies in memory column by column."""
    flags = x.flags
    return bool(flags.f_contiguous and not flags.c_contiguous)


def product_by_numpy(x: Any, y: Any, start: Any, turned: int) -> Any:
    """None: only the compiled function has a way of its own."""
    return None


def stack_by_numpy(parts: list[Any], dim: int) -> Any:
    """None: only the compiled function has a way of its own."""
    return None


_MODULE: Final[Any] = _load.MODULE
#: What the compiled functions leave to others where operands broadcast, or sums are large.
PROGRAMS: Final[dict[str, Any]] = {
    "sum": array_sum,
    **{f.__name__: elementwise(f) for f in (np.add, np.subtract, np.multiply, np.divide)},
}
if _MODULE is not None:
    _MODULE.set_programs(PROGRAMS)
_UFUNCS: Final[Any] = np if _MODULE is None else _MODULE

SILENT: Final[bool] = _MODULE is not None  # then neither these nor formulas give floating-point warnings

# Python's operators are far faster on scalars than NumPy's functions.
add: Final[Any] = operator.add if _MODULE is None else _MODULE.add
subtract: Final[Any] = operator.sub if _MODULE is None else _MODULE.subtract
multiply: Final[Any] = operator.mul if _MODULE is None else _MODULE.multiply
divide: Final[Any] = operator.truediv if _MODULE is None else _MODULE.divide
negative: Final[Any] = operator.neg if _MODULE is None else _MODULE.negative
add_into: Final[Any] = _UFUNCS.add
subtract_into: Final[Any] = _UFUNCS.subtract
multiply_into: Final[Any] = _UFUNCS.multiply
divide_into: Final[Any] = _UFUNCS.divide
negative_into: Final[Any] = _UFUNCS.negative
absolute: Final[Any] = _UFUNCS.absolute
sqrt: Final[Any] = _UFUNCS.sqrt
exp: Final[Any] = _UFUNCS.exp
expm1: Final[Any] = _UFUNCS.expm1
log: Final[Any] = _UFUNCS.log
log1p: Final[Any] = _UFUNCS.log1p
tanh: Final[Any] = _UFUNCS.tanh
sin: Final[Any] = _UFUNCS.sin
cos: Final[Any] = _UFUNCS.cos
relu: Final[Any] = relu_by_numpy if _MODULE is None else _MODULE.relu
by_columns: Final[Any] = by_columns_by_numpy if _MODULE is None else _MODULE.by_columns
product: Final[Any] = product_by_numpy if _MODULE is None else _MODULE.product
add_up: Final[Any] = array_sum if _MODULE is None else _MODULE.add_up
select: Final[Any] = select_by_numpy if _MODULE is None else _MODULE.select
stack: Final[Any] = stack_by_numpy if _MODULE is None else _MODULE.stack
owned: Final[Any] = owned_by_numpy if _MODULE is None else _MODULE.owned
spread: Final[Any] = spread_by_numpy if _MODULE is None else _MODULE.spread
