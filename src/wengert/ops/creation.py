"""Tensors from data, from NumPy, and filled ones."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import device as devices
from .._core.dtypes import (
    DEFAULTS,
    FLOATING,
    INTEGER,
    DType,
    default_complex,
    dtype_of,
    int64,
    intern_size,
    parse_dtype,
    python_number_dtype,
)
from .._core.tensor_base import TensorBase, check_can_require_grad, memory, replace_array, requires_grad
from .._record.common import cast_array, int_of, integer_scalar, make

if TYPE_CHECKING:
    from .._tensor import Tensor

REQUIRES_GRAD: Final = "Only Tensors of floating point and complex dtype can require gradients"
COPY_HINT: Final = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor)."
)


def finish(array: Any, requires: bool) -> Tensor:
    """Wrap a fresh array as a leaf."""
    out = make(array)
    if requires:
        check_can_require_grad(out, REQUIRES_GRAD)
        out.rg = True
    return out


def chosen(dtype: Any, function: str) -> DType:
    """The dtype given, or the default one."""
    return DEFAULTS.float if dtype is None else parse_dtype(dtype, function)


def shape_of(sizes: tuple[Any, ...], function: str) -> tuple[int, ...]:
    """Sizes given as integers or as one sequence.

    Raises:
        RuntimeError: for a negative size.
    """
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    for n in sizes:
        if isinstance(n, float) or not (isinstance(n, TensorBase) or hasattr(n, "__index__")):
            raise TypeError(
                f"{function}(): argument 'size' must be tuple of ints, but found element of type {type(n).__name__}"
            )
    shape = tuple([int_of(n) for n in sizes])
    for n in shape:
        if n < 0:
            raise RuntimeError(f"{function}: Dimension size must be non-negative.")
    return shape


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """New leaf with a copy of ``data``.

    Args:
        data: nested lists or tuples of numbers, a number, an array, a NumPy scalar.
        dtype: by default bool, int64, the default dtype or its complex twin, as the data ask; arrays keep theirs.
        requires_grad: record operations on it.

    Raises:
        ValueError: for ragged lists.
        TypeError: for data that are not numbers.

    Example:
        >>> tensor([[1., 2.], [3., 4.]])
        tensor([[1., 2.],
                [3., 4.]])

    Variants: function
    """
    devices.check_device(device)
    if isinstance(data, TensorBase):
        warnings.warn(COPY_HINT, UserWarning, stacklevel=2)
    want = None if dtype is None else parse_dtype(dtype, "tensor")
    return finish(data_array(data, want, True), requires_grad)


def data_array(data: Any, want: DType | None, copy: bool) -> Any:
    """The array of constructor data, in the dtype wanted or inferred."""
    if isinstance(data, TensorBase):
        array = data.array
        if want is not None and want is not data.dt:
            return cast_array(np.asarray(array), want)
        return np.array(array)
    if isinstance(data, (np.ndarray, np.generic)):
        dt = dtype_of(data)
        native = np.asarray(data, dtype=dt.np)
        return cast_array(native, want) if want is not None and want is not dt else np.array(native)
    if hasattr(data, "__array__") and not isinstance(data, (list, tuple)):
        return data_array(np.asarray(data), want, copy)
    return sequence_array(data, want)


def sequence_array(data: Any, want: DType | None) -> Any:
    """The array of (nested sequences of) Python numbers."""
    check_sequence(data, 0)
    leaves: list[Any] = []
    shape = gather(data, leaves)
    if want is None:
        want = inferred_dtype(leaves)
    check_range(leaves, want)
    if want.category == INTEGER:
        array = integer_array(leaves, want)
    elif want.category < FLOATING:
        array = np.array([bool(v) for v in leaves], dtype=want.np)
    else:
        array = np.array(leaves, dtype=want.np)
    return array.reshape(shape)


def integer_array(leaves: list[Any], want: DType) -> Any:
    """Numbers truncated to integers."""
    return np.array([int(v) for v in leaves], dtype=want.np)


def is_sequence(value: Any) -> bool:
    """Whether a piece of data has elements rather than being a number."""
    if isinstance(value, (TensorBase, np.ndarray)):
        return value.ndim > 0
    return isinstance(value, (list, tuple)) or (hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, (str, dict, np.generic)))


def check_sequence(data: Any, depth: int) -> None:
    """Refuse strings, None and other data that are no numbers, with PyTorch's words."""
    if isinstance(data, str):
        if depth == 0:
            raise TypeError("new(): invalid data type 'str'")
        raise ValueError("too many dimensions 'str'")
    if data is None:
        raise RuntimeError("Could not infer dtype of NoneType")


def gather(data: Any, leaves: list[Any]) -> tuple[int, ...]:
    """Collect the numbers of nested sequences row by row; returns the shape.

    Raises:
        ValueError: when sequences that should be of one length are not.
    """
    shape: list[int] = []
    probe = data
    while is_sequence(probe):
        n = len(probe)
        shape.append(n)
        if n == 0:
            break
        probe = probe[0]
    collect(data, 0, tuple(shape), leaves)
    return tuple(shape)


def collect(data: Any, depth: int, shape: tuple[int, ...], leaves: list[Any]) -> None:
    """One level of ``gather``."""
    if depth == len(shape):
        leaves.append(number(data))
        return
    if not is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    if depth + 1 == len(shape) and isinstance(data, np.ndarray):
        leaves.extend(data.tolist())
        return
    for item in data:
        collect(item, depth + 1, shape, leaves)


def number(value: Any) -> Any:
    """One element as a number."""
    if isinstance(value, (bool, int, float, complex, np.generic)):
        return value
    if isinstance(value, TensorBase):
        if value.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return value.array.item()
    if isinstance(value, np.ndarray):
        return value.item()
    check_sequence(value, 1)
    if is_sequence(value):
        raise ValueError("expected a number but got a sequence: the data are ragged")
    if hasattr(value, "__float__"):
        return float(value)
    raise RuntimeError(f"Could not infer dtype of {type(value).__name__}")


def inferred_dtype(leaves: list[Any]) -> DType:
    """Dtype that holds all the numbers: NumPy scalars count with theirs, Python numbers by kind."""
    best: DType | None = None
    for v in leaves:
        dt = dtype_of(v) if isinstance(v, np.generic) and not isinstance(v, (float, complex)) else python_number_dtype(v)
        if isinstance(v, np.float64):
            dt = dtype_of(v)
        best = dt if best is None else promote_types(best, dt)
    return DEFAULTS.float if best is None else best


def check_range(leaves: list[Any], want: DType) -> None:
    """Refuse integers that the dtype cannot hold."""
    if want.category != INTEGER or len(leaves) == 0:
        return
    info = np.iinfo(want.np)
    for v in leaves:
        if isinstance(v, complex) or not info.min <= v <= info.max:
            if want is int64:
                raise ValueError("Overflow when unpacking long long")
            raise RuntimeError(f"value cannot be converted to type {want.name}_t without overflow"
                               if want.name != "uint8" else "value cannot be converted to type uint8 without overflow")  # fmt: skip


def legacy_constructor(out: TensorBase, args: list[Any]) -> None:
    """Fill in a tensor made by ``Tensor(...)``."""
    if len(args) == 0:
        array = np.empty((0,), DEFAULTS.float.np)
    elif len(args) == 1 and isinstance(args[0], TensorBase):
        array = memory(args[0])
    elif len(args) == 1 and isinstance(args[0], (list, tuple, np.ndarray)) and not isinstance(args[0], _size):
        array = data_array(args[0], DEFAULTS.float, True)
    else:
        for a in args:
            if isinstance(a, float):
                raise TypeError(f"new(): data must be a sequence (got {type(a).__name__})")
        array = np.empty(shape_of(tuple(args), "new"), DEFAULTS.float.np)
    replace_array(out, array)


def zeros(*size: Any, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """Zeros of the given shape.

    Variants: function out
    """
    devices.check_device(device)
    return finish(np.zeros(shape_of(size, "zeros"), chosen(dtype, "zeros").np), requires_grad)


def ones(*size: Any, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """Ones of the given shape.

    Variants: function out
    """
    devices.check_device(device)
    return finish(np.ones(shape_of(size, "ones"), chosen(dtype, "ones").np), requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None) -> Tensor:
    """Zeros of the shape of ``input``.

    Variants: function
    """
    devices.check_device(device)
    dt = input.dt if dtype is None else parse_dtype(dtype, "zeros_like")
    return finish(np.zeros_like(input.array, dtype=dt.np), requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None) -> Tensor:
    """Ones of the shape of ``input``.

    Variants: function
    """
    devices.check_device(device)
    dt = input.dt if dtype is None else parse_dtype(dtype, "ones_like")
    return finish(np.ones_like(input.array, dtype=dt.np), requires_grad)


def from_numpy(ndarray: Any) -> Tensor:
    """Tensor that shares the memory of an array.

    Raises:
        TypeError: when it is not an array, or of a type that tensors do not have.
        ValueError: for negative strides or foreign byte order.

    Variants: function
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtype_of(ndarray)
    for s in ndarray.strides:
        if s < 0:
            raise ValueError(
                "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
                "supported. (You can probably work around this by making a copy of your array  with array.copy().) "
            )
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between byte orders is "
            "currently not supported."
        )
    if not ndarray.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to "
            "this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it "
            "writable before converting it to a tensor.",
            UserWarning,
            stacklevel=2,
        )
    return make(ndarray.view(np.ndarray))


from .._core.dtypes import Size as _size  # noqa: E402
from .._core.dtypes import promote_types  # noqa: E402

__all__ = ["default_complex", "integer_scalar", "intern_size", "requires_grad"]
