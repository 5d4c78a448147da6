"""mypyc's names for the compiled modules, so that nobody needs mypy_extensions at run time.

This file is never compiled: in a compiled module the `else` below would be unreachable code for mypyc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import i64 as i64
    from mypy_extensions import mypyc_attr as mypyc_attr
    from mypy_extensions import trait as trait
else:
    i64 = int

    def mypyc_attr(*_names, **_values):
        """Class decorator that only mypyc reads."""
        return trait

    def trait(cls):
        """Class decorator that only mypyc reads."""
        return cls
