"""Single operators on arrays and NumPy scalars: compiled, or NumPy's own. Those named ``into`` end with the target.

The compiled ones take a third of a ufunc's time on small arrays and all threads on large ones (docs/design/0011-kernels.md).
"""

from __future__ import annotations

import operator
from typing import Any, Final

import numpy as np

from . import _load
from .formula import elementwise

_MODULE: Final[Any] = _load.MODULE
if _MODULE is not None:
    _MODULE.set_programs({f.__name__: elementwise(f) for f in (np.add, np.subtract, np.multiply, np.divide)})
_UFUNCS: Final[Any] = np if _MODULE is None else _MODULE

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
