"""NumPy's arrays, scalars and dtypes in checkpoints, as far as they hold numbers."""

from __future__ import annotations

import math
import pickle
import re
from typing import Any

import numpy as np

from ._machine import Part
from ._shown import shown

NUMBERS = re.compile(r"[<>=|]?([biufc][0-9]{1,2}|\?)")


class NumberType(Part):
    """A dtype that is being made. NumPy's own would take flags from the file, and with them see addresses in numbers."""

    def __init__(self, code: str) -> None:
        self.label = "a dtype of NumPy"
        self.kind = np.dtype(code)

    def set_state(self, state: Any) -> None:
        """Byte order, the one thing in the state of a dtype of numbers.

        Raises:
            UnpicklingError: for states with fields, sizes or flags.
        """
        if type(state) is not tuple or len(state) != 8 or state[1] not in ("<", ">", "=", "|"):
            raise pickle.UnpicklingError(f"a dtype of numbers has no state {shown(state)}")
        if state[2:5] != (None, None, None) or [type(n) for n in state[5:]] != [int] * 3 or state[5:] != (-1, -1, 0):
            raise pickle.UnpicklingError(f"a dtype of numbers has no state {shown(state)}")
        self.kind = self.kind.newbyteorder(state[1])


def _dtype(code: Any, align: Any = False, copy: Any = False) -> Any:
    if type(code) is not str or not NUMBERS.fullmatch(code):
        raise ValueError(f"dtype {shown(code)} is not one of numbers")
    return NumberType(code)


def _empty(kind: Any, shape: Any, code: Any) -> Any:
    if getattr(kind, "name", None) != "numpy.ndarray" or shape != (0,):
        raise ValueError("not the start of an array")
    return np.empty(0, np.uint8)


def set_array_state(value: Any, state: Any) -> None:
    """Shape, dtype and elements of an array.

    Raises:
        UnpicklingError: they do not fit.
    """
    if type(state) is not tuple or len(state) != 5:
        raise pickle.UnpicklingError(f"the state of an array has five parts, not {shown(state)}")
    version, shape, kind, in_columns, data = state
    if version != 1 or type(in_columns) is not bool or value.size:
        raise pickle.UnpicklingError("the state of an array that NumPy does not write")
    _check(shape, kind, data)
    value.__setstate__((1, shape, kind.kind, in_columns, data))


def _check(shape: Any, kind: Any, data: Any) -> None:
    """The elements are there, neither more nor fewer."""
    whole = type(shape) is tuple and all(type(n) is int and n >= 0 for n in shape)
    if not whole or type(kind) is not NumberType or type(data) not in (bytes, bytearray):
        raise pickle.UnpicklingError(f"an array of shape {shown(shape)} and dtype {shown(kind)} is not one of numbers")
    if math.prod(shape) * kind.kind.itemsize != len(data):
        raise pickle.UnpicklingError(f"an array of shape {shown(shape)} of {kind.kind} cannot have {len(data)} bytes")


def _scalar(kind: Any, data: Any) -> Any:
    _check((), kind, data)
    return np.frombuffer(data, kind.kind)[0]


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> Any:
    _check(shape, kind, data)
    if order not in ("C", "F"):
        raise ValueError("order")
    return np.frombuffer(bytearray(data), kind.kind).reshape(shape, order=order)


def _class(*args: Any) -> Any:
    raise TypeError("arrays are not made by a call of their class")


FUNCTIONS: dict[str, Any] = {
    "numpy.dtype": _dtype,
    "numpy.ndarray": _class,
    **{f"{module}.multiarray._reconstruct": _empty for module in ("numpy.core", "numpy._core")},
    **{f"{module}.multiarray.scalar": _scalar for module in ("numpy.core", "numpy._core")},
    **{f"{module}.numeric._frombuffer": _from_buffer for module in ("numpy.core", "numpy._core")},
}
