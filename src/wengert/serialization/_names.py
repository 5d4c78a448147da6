"""Words of the file format: the classes of storages, and how their elements are read."""

from __future__ import annotations

from typing import Final

import numpy as np

from .._core import dtypes
from .._core.dtypes import dtype

STORAGES: Final = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
"""Class of a storage in ``torch`` -> name of its dtype. The other dtypes are in untyped storages."""

STORAGE_OF: Final = {name: storage for storage, name in STORAGES.items()}
DTYPES: Final[dict[str, dtype]] = {d.name: d for d in dtypes.ALL}
READ_AS: Final[dict[str, np.dtype[np.generic]]] = {d.name: d.np for d in dtypes.ALL if d.np is not None} | {
    "bfloat16": np.dtype("float32"),
    "complex32": np.dtype("complex64"),
}
"""Name of a dtype -> dtype of the array it is read into: those that NumPy lacks become the next that holds all values."""

WIDENED: Final = tuple(d.name for d in dtypes.ALL if d.np is None)
