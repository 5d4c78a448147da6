"""Named tuples of operators with several results, such as ``wengert.return_types.max(values=..., indices=...)``.

This file is never compiled: mypyc does not compile subclasses of ``tuple``.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, ClassVar

from .dtypes import PREFIX
from .printing import return_type_text


class ReturnType(tuple[Any, ...]):
    """Base of the named tuples; made from a sequence with one item per field."""

    __slots__ = ()
    fields: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, values: Iterable[Any]) -> ReturnType:
        """Make the tuple.

        Raises:
            TypeError: for another number of items than fields.
        """
        made = super().__new__(cls, values)
        if len(made) != len(cls.fields):
            name = f"{PREFIX.text}return_types.{cls.__name__}"
            raise TypeError(f"{name}() takes a {len(cls.fields)}-sequence ({len(made)}-sequence given)")
        return made

    def __repr__(self) -> str:
        name = f"{PREFIX.text}return_types.{type(self).__name__}"
        return return_type_text(name, self.fields, [repr(item) for item in self])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (tuple(self),)


def _define(name: str, *fields: str) -> Any:
    """A named tuple class."""
    body: dict[str, Any] = {
        field: property(itemgetter(i), doc=f"Item {i} of the tuple.") for i, field in enumerate(fields)
    }
    body.update(
        __slots__=(), fields=fields, n_fields=len(fields), n_sequence_fields=len(fields), n_unnamed_fields=0,
        __doc__=f"Results of ``{name}``: {', '.join(fields)}.", __module__=__name__,
    )  # fmt: skip
    return type(name, (ReturnType,), body)


max = _define("max", "values", "indices")
min = _define("min", "values", "indices")
median = _define("median", "values", "indices")
nanmedian = _define("nanmedian", "values", "indices")
mode = _define("mode", "values", "indices")
kthvalue = _define("kthvalue", "values", "indices")
sort = _define("sort", "values", "indices")
topk = _define("topk", "values", "indices")
cummax = _define("cummax", "values", "indices")
cummin = _define("cummin", "values", "indices")
aminmax = _define("aminmax", "min", "max")
histogram = _define("histogram", "hist", "bin_edges")
histogramdd = _define("histogramdd", "hist", "bin_edges")
frexp = _define("frexp", "mantissa", "exponent")
qr = _define("qr", "Q", "R")
svd = _define("svd", "U", "S", "V")
geqrf = _define("geqrf", "a", "tau")
slogdet = _define("slogdet", "sign", "logabsdet")
triangular_solve = _define("triangular_solve", "solution", "cloned_coefficient")
_lu_with_info = _define("_lu_with_info", "LU", "pivots", "info")
lu_unpack = _define("lu_unpack", "P", "L", "U")
linalg_cholesky_ex = _define("linalg_cholesky_ex", "L", "info")
linalg_eig = _define("linalg_eig", "eigenvalues", "eigenvectors")
linalg_eigh = _define("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_inv_ex = _define("linalg_inv_ex", "inverse", "info")
linalg_ldl_factor = _define("linalg_ldl_factor", "LD", "pivots")
linalg_ldl_factor_ex = _define("linalg_ldl_factor_ex", "LD", "pivots", "info")
linalg_lstsq = _define("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
linalg_lu = _define("linalg_lu", "P", "L", "U")
linalg_lu_factor = _define("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = _define("linalg_lu_factor_ex", "LU", "pivots", "info")
linalg_qr = _define("linalg_qr", "Q", "R")
linalg_slogdet = _define("linalg_slogdet", "sign", "logabsdet")
linalg_solve_ex = _define("linalg_solve_ex", "result", "info")
linalg_svd = _define("linalg_svd", "U", "S", "Vh")
