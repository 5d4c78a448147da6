"""Floating-point warnings of NumPy, silenced around an operation: infinities and NaN are results here, not accidents.

Note [Quiet operations]
    ``np.errstate`` is entered around every array function that commonly meets infinities (division, logarithms, powers) and
    around the whole backward pass. Entering costs about 110 ns, a third of a small addition, so ``+ - *`` go without: they
    warn only on overflow and inf - inf. Where the program turns warnings into errors, the operation is done again quietly.
    Compiled kernels never warn: operators that call nothing else for single and double precision say so (``silent``).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

_umath: Final[Any] = np._core.umath  # type: ignore[attr-defined]
_variable: Final[Any] = _umath._extobj_contextvar
_SILENT: Final[Any] = _umath._make_extobj(all="ignore")
_set: Final[Any] = _variable.set
_reset: Final[Any] = _variable.reset


def silence() -> Any:
    """Stop NumPy's floating-point warnings; give the result to ``restore``."""
    return _set(_SILENT)


def restore(token: Any) -> None:
    """Undo ``silence``."""
    _reset(token)
