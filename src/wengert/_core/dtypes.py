"""Element types: the dtype objects, their table of promotion, and shapes.

The rule of promotion (see docs/how-it-works.md, "Dtypes"): operands fall into three classes, tensors with dimensions,
0-d tensors, and Python numbers; the category (bool < integer < floating < complex) is the highest present, and the
dtype comes from the strongest class that has this category.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .compat import i64
from .dynamic import Size as Size

BOOL: Final = 0
INTEGER: Final = 1
FLOATING: Final = 2
COMPLEX: Final = 3


class dtype:
    """Type of the elements of a tensor, such as ``wengert.float32``."""

    def __init__(self, name: str, numpy_name: str, category: int, itemsize: int, title: str, c_name: str) -> None:
        self.name: str = name
        self.np: Any = np.dtype(numpy_name) if numpy_name else None
        self.category: i64 = category
        self.itemsize: int = itemsize
        self.title: str = title
        self.c_name: str = c_name
        self.scalars: dict[Any, Any] = {}

    @property
    def is_floating_point(self) -> bool:
        """Whether the elements are real floating point numbers."""
        return self.category == FLOATING

    @property
    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.category == COMPLEX

    @property
    def is_signed(self) -> bool:
        """Whether the elements can be negative."""
        return self.category >= FLOATING or (self.category == INTEGER and not self.name.startswith("uint"))

    def to_real(self) -> dtype:
        """The real dtype of the same precision."""
        return REAL_OF.get(self.name, self)

    def to_complex(self) -> dtype:
        """The complex dtype of the same precision."""
        return COMPLEX_OF.get(self.name, complex64)

    def __repr__(self) -> str:
        return PREFIX.text + self.name

    def __reduce__(self) -> str:
        return self.name

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: Any) -> dtype:
        return self

    def __hash__(self) -> int:
        return hash(self.name)


DType = dtype  # for annotations where `dtype` is also the name of an argument or a property
Number = bool | int | float | complex


class Prefix:
    """The module name before a dtype's name in printed text."""

    def __init__(self) -> None:
        self.text: str = "torch."


PREFIX: Final = Prefix()

bool_: Final = dtype("bool", "bool", BOOL, 1, "Bool", "bool")
uint8: Final = dtype("uint8", "uint8", INTEGER, 1, "Byte", "unsigned char")
int8: Final = dtype("int8", "int8", INTEGER, 1, "Char", "signed char")
int16: Final = dtype("int16", "int16", INTEGER, 2, "Short", "short")
int32: Final = dtype("int32", "int32", INTEGER, 4, "Int", "int")
int64: Final = dtype("int64", "int64", INTEGER, 8, "Long", "long")
uint16: Final = dtype("uint16", "uint16", INTEGER, 2, "UInt16", "unsigned short")
uint32: Final = dtype("uint32", "uint32", INTEGER, 4, "UInt32", "unsigned int")
uint64: Final = dtype("uint64", "uint64", INTEGER, 8, "UInt64", "unsigned long")
float16: Final = dtype("float16", "float16", FLOATING, 2, "Half", "c10::Half")
bfloat16: Final = dtype("bfloat16", "", FLOATING, 2, "BFloat16", "c10::BFloat16")
float32: Final = dtype("float32", "float32", FLOATING, 4, "Float", "float")
float64: Final = dtype("float64", "float64", FLOATING, 8, "Double", "double")
complex32: Final = dtype("complex32", "", COMPLEX, 4, "ComplexHalf", "c10::complex<c10::Half>")
complex64: Final = dtype("complex64", "complex64", COMPLEX, 8, "ComplexFloat", "c10::complex<float>")
complex128: Final = dtype("complex128", "complex128", COMPLEX, 16, "ComplexDouble", "c10::complex<double>")

ALL: Final[list[dtype]] = [
    bool_, uint8, int8, int16, int32, int64, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex32, complex64, complex128,
]  # fmt: skip
REAL_OF: Final[dict[str, dtype]] = {"complex32": float16, "complex64": float32, "complex128": float64}
COMPLEX_OF: Final[dict[str, dtype]] = {
    "float16": complex32,
    "float32": complex64,
    "float64": complex128,
    "bfloat16": complex64,
    "complex32": complex32,
    "complex64": complex64,
    "complex128": complex128,
}
# NumPy's legacy tensor names: these dtypes have a `torch.XTensor` name, the others a `CPUXType` one.
LEGACY: Final[set[str]] = {"float32", "float64", "float16", "int8", "uint8", "int16", "int32", "int64"}
PYTHON_TYPES: Final[dict[Any, dtype]] = {float: float64, int: int64, bool: bool_, complex: complex128}

_BY_NUM: Final[dict[int, dtype]] = {d.np.num: d for d in ALL if d.np is not None}
_BY_NUM[np.dtype("longlong").num] = int64
_BY_NUM[np.dtype("ulonglong").num] = uint64
_SIZES: Final[dict[Any, Size]] = {}
_MAX_SIZES: Final = 50_000


class Defaults:
    """The dtype of floating results that nothing else decides."""

    def __init__(self) -> None:
        self.float: dtype = float32


DEFAULTS: Final = Defaults()


def default_complex() -> dtype:
    """The complex dtype that goes with the default dtype."""
    return DEFAULTS.float.to_complex()


def dtype_of(array: Any) -> dtype:
    """The dtype of an array or NumPy scalar.

    Raises:
        TypeError: for element types that tensors do not have (strings, objects, long double, dates).
    """
    found = _BY_NUM.get(array.dtype.num)
    if found is None:
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{array.dtype.type.__name__}. The only supported types are: float64, "
            "float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
        )
    return found


def size_of(array: Any) -> Size:
    """The shape of an array as a ``Size``; equal shapes give the same object, so that ``is`` settles most comparisons."""
    return intern_size(array.shape)


def intern_size(shape: Any) -> Size:
    """The one ``Size`` object that stands for this tuple of ints."""
    size = _SIZES.get(shape)
    if size is None:
        if len(_SIZES) >= _MAX_SIZES:
            _SIZES.clear()
        fresh = Size(shape)
        size = _SIZES.setdefault(fresh, fresh)  # another thread may have been faster
    return size


def tensor_type_name(dt: dtype) -> str:
    """Name of the tensor type in error texts: ``torch.FloatTensor``, ``CPUBoolType``."""
    return f"torch.{dt.title}Tensor" if dt.name in LEGACY else f"CPU{dt.title}Type"


def python_number_dtype(value: Any) -> dtype:
    """Dtype that a Python number stands for when it decides the result alone."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    if isinstance(value, float):
        return DEFAULTS.float
    return default_complex()


_PROMOTED: Final[dict[tuple[str, str], dtype]] = {}
_UNSIGNED_WIDE: Final[set[str]] = {"uint16", "uint32", "uint64"}


def promote_types(a: dtype, b: dtype) -> dtype:
    """Smallest dtype to which both convert (PyTorch's table).

    Raises:
        RuntimeError: for uint16, uint32, uint64 with another integer.
    """
    if a is b:
        return a
    key = (a.name, b.name)
    found = _PROMOTED.get(key)
    if found is None:
        found = _promote(a, b)
        _PROMOTED[key] = found
    return found


def _promote(a: dtype, b: dtype) -> dtype:
    if a.category > b.category:
        a, b = b, a
    if a.category == BOOL:
        return b
    if a.category == INTEGER and b.category == INTEGER:
        return _promote_integers(a, b)
    if a.category == INTEGER:
        return b
    if b.category == COMPLEX:
        wide = a.to_complex() if a.category == FLOATING else a
        return wide if wide.itemsize > b.itemsize else b
    if {a.name, b.name} == {"float16", "bfloat16"}:
        return float32
    return a if a.itemsize > b.itemsize else b


def _promote_integers(a: dtype, b: dtype) -> dtype:
    if a.name in _UNSIGNED_WIDE or b.name in _UNSIGNED_WIDE:
        raise RuntimeError(
            f"Promotion for uint16, uint32, uint64 types is not supported, attempted to promote {a.title} and {b.title}"
        )
    if a.is_signed == b.is_signed:
        return a if a.itemsize > b.itemsize else b
    signed, unsigned = (a, b) if a.is_signed else (b, a)
    return signed if signed.itemsize > unsigned.itemsize else int16


def can_cast(source: dtype, target: dtype) -> bool:
    """Whether values of ``source`` may be stored in ``target``: the category must not fall."""
    if source.category == INTEGER and target.category == BOOL:
        return False
    if source.category >= FLOATING and target.category < source.category:
        return False
    return not (source.category == BOOL and target.category < BOOL)


class Promotion:
    """Gathers operands and answers with the dtype of the result.

    ``dims``, ``zeros`` and ``numbers`` hold the promoted dtype of each class of operands, None when the class is empty.
    """

    def __init__(self) -> None:
        self.dims: dtype | None = None
        self.zeros: dtype | None = None
        self.numbers: dtype | None = None

    def add_tensor(self, dt: dtype, ndim: int) -> None:
        """Take part as a tensor operand."""
        if ndim > 0:
            self.dims = dt if self.dims is None else promote_types(self.dims, dt)
        else:
            self.zeros = dt if self.zeros is None else promote_types(self.zeros, dt)

    def add_number(self, value: Any) -> None:
        """Take part as a Python number."""
        dt = python_number_dtype(value)
        self.numbers = dt if self.numbers is None else promote_types(self.numbers, dt)

    def result(self) -> dtype:
        """Dtype of the result."""
        zeros = _combine(self.zeros, self.numbers)
        found = _combine(self.dims, zeros)
        assert found is not None
        return found


def _combine(strong: dtype | None, weak: dtype | None) -> dtype | None:
    """A weaker class matters only where it raises the category."""
    if strong is None or weak is None:
        return weak if strong is None else strong
    if weak.category > strong.category:
        if weak.category == COMPLEX and strong.category == FLOATING:
            return strong.to_complex()
        return weak
    return strong


def parse_dtype(value: Any, function: str) -> dtype:
    """Turn a ``dtype=`` argument into a dtype that arrays can have.

    Raises:
        TypeError: when ``value`` is neither a dtype nor one of the Python types float, int, bool, complex.
        NotImplementedError: for dtypes that NumPy does not have.
    """
    if isinstance(value, dtype):
        if value.np is None:
            raise NotImplementedError(
                f"\"{function}\" not implemented for '{value.title}': NumPy has no {value.name} arrays; use float32 or float16."
            )
        return value
    found = PYTHON_TYPES.get(value) if isinstance(value, type) else None
    if found is None:
        raise TypeError(f"{function}(): argument 'dtype' must be torch.dtype, not {type(value).__name__}")
    return found
