"""NumPy's ufuncs by all threads where operands are large arrays of one layout; otherwise as they are.

For functions without a kernel, and for dtypes that kernels do not know. Operands are positional; there is no ``out``.
"""

from __future__ import annotations

import operator
from typing import Any, Final

import numpy as np

from . import _load


def _spread(ufunc: Any, otherwise: Any = None) -> Any:
    """``otherwise`` is Python's operator, which is far faster than a ufunc on single numbers."""
    short = ufunc if otherwise is None else otherwise
    return short if _load.MODULE is None else _load.MODULE.on_all_threads(ufunc, short)


arccos: Final[Any] = _spread(np.arccos)
arccosh: Final[Any] = _spread(np.arccosh)
arcsin: Final[Any] = _spread(np.arcsin)
arcsinh: Final[Any] = _spread(np.arcsinh)
arctan: Final[Any] = _spread(np.arctan)
arctan2: Final[Any] = _spread(np.arctan2)
arctanh: Final[Any] = _spread(np.arctanh)
bitwise_and: Final[Any] = _spread(np.bitwise_and, operator.and_)
bitwise_or: Final[Any] = _spread(np.bitwise_or, operator.or_)
bitwise_xor: Final[Any] = _spread(np.bitwise_xor, operator.xor)
ceil: Final[Any] = _spread(np.ceil)
cosh: Final[Any] = _spread(np.cosh)
equal: Final[Any] = _spread(np.equal, operator.eq)
exp2: Final[Any] = _spread(np.exp2)
floor: Final[Any] = _spread(np.floor)
floor_divide: Final[Any] = _spread(np.floor_divide)
fmax: Final[Any] = _spread(np.fmax)
fmin: Final[Any] = _spread(np.fmin)
fmod: Final[Any] = _spread(np.fmod)
greater: Final[Any] = _spread(np.greater, operator.gt)
greater_equal: Final[Any] = _spread(np.greater_equal, operator.ge)
invert: Final[Any] = _spread(np.invert, operator.invert)
isfinite: Final[Any] = _spread(np.isfinite)
isinf: Final[Any] = _spread(np.isinf)
isnan: Final[Any] = _spread(np.isnan)
left_shift: Final[Any] = _spread(np.left_shift)
less: Final[Any] = _spread(np.less, operator.lt)
less_equal: Final[Any] = _spread(np.less_equal, operator.le)
log10: Final[Any] = _spread(np.log10)
log2: Final[Any] = _spread(np.log2)
logical_and: Final[Any] = _spread(np.logical_and)
logical_not: Final[Any] = _spread(np.logical_not)
logical_or: Final[Any] = _spread(np.logical_or)
logical_xor: Final[Any] = _spread(np.logical_xor)
maximum: Final[Any] = _spread(np.maximum)
minimum: Final[Any] = _spread(np.minimum)
not_equal: Final[Any] = _spread(np.not_equal, operator.ne)
power: Final[Any] = _spread(np.power)
remainder: Final[Any] = _spread(np.remainder)
right_shift: Final[Any] = _spread(np.right_shift)
rint: Final[Any] = _spread(np.rint)
sign: Final[Any] = _spread(np.sign)
signbit: Final[Any] = _spread(np.signbit)
sinh: Final[Any] = _spread(np.sinh)
tan: Final[Any] = _spread(np.tan)
trunc: Final[Any] = _spread(np.trunc)
