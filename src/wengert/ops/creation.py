"""Tensors from data: Python sequences, numbers, NumPy arrays, other tensors."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import device as devices
from .._core import errors
from .._core.dtypes import (
    BOOL,
    COMPLEX,
    DEFAULTS,
    FLOATING,
    INTEGER,
    DType,
    Size,
    bool_,
    default_complex,
    dtype_of,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    parse_dtype,
    promote_types,
    python_number_dtype,
    uint8,
)
from .._core.quiet import restore, silence
from .._core.tensor_base import TensorBase, check_can_require_grad, memory, replace_array
from .._core.tensor_base import requires_grad as has_grad
from .._record.common import cast_array, holds, int_of, make
from ..kernels import copied
from .sizes import listed

if TYPE_CHECKING:
    from .._tensor import Tensor

_generic: Final[Any] = np.generic
_ndarray: Final[Any] = np.ndarray

REQUIRES_GRAD: Final = "Only Tensors of floating point and complex dtype can require gradients"
COPY_HINT: Final = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor)."
)
ASARRAY_HINT: Final = (
    "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass requires_grad=False "
    "explicitly to get the old behavior and silence this warning."
)
NEGATIVE_STRIDE: Final = (
    "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. "
    "(You can probably work around this by making a copy of your array  with array.copy().) "
)
BYTE_ORDER: Final = (
    "given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not "
    "supported."
)
READ_ONLY: Final = (
    "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to this tensor "
    "will result in undefined behavior. You may want to copy the array to protect its data or make it writable before converting "
    "it to a tensor."
)


def finish(array: Any, requires: Any) -> Tensor:
    """Wrap a fresh array as a leaf."""
    if not isinstance(requires, bool):
        raise TypeError(f"argument 'requires_grad' must be bool, not {type(requires).__name__}")
    out = make(array)
    if requires:
        check_can_require_grad(out, REQUIRES_GRAD)
        out.rg = True
    return out


def chosen(dtype: Any, function: str) -> DType:
    """The dtype given, or the default one."""
    return DEFAULTS.float if dtype is None else parse_dtype(dtype, function)


def shape_of(sizes: tuple[Any, ...], function: str, keyword: Any = None) -> tuple[int, ...]:
    """Sizes given as integers, as one sequence, or by keyword.

    Raises:
        TypeError: for what is no integer.
        RuntimeError: for a negative size.
    """
    items = listed(sizes, keyword)
    if len(items) == 0 and len(sizes) == 0 and keyword is None:
        raise TypeError(f'{function}() missing 1 required positional arguments: "size"')
    shape: tuple[int, ...] = items
    for n in items:
        if type(n) is not int:
            shape = whole_sizes(items, function)
            break
    for n in shape:
        if n < 0:
            if function == "zeros":
                raise RuntimeError("zeros: Dimension size must be non-negative.")
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {errors.shape_text(shape)}")
    return shape


def whole_sizes(items: tuple[Any, ...], function: str) -> tuple[int, ...]:
    """Sizes that are not all plain ints: NumPy integers and integer tensors are taken, the rest is refused."""
    for i, n in enumerate(items):
        if isinstance(n, (float, bool)) or not (isinstance(n, TensorBase) or hasattr(n, "__index__")):
            if i == 0:
                raise errors.argument_type(function, "size", 1, "tuple of ints", n)
            raise TypeError(
                f"{function}(): argument 'size' failed to unpack the object at pos {i + 1} with error \"type must be tuple of "
                f'ints,but got {type(n).__name__}"'
            )
    return tuple([int_of(n) for n in items])


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """New leaf with a copy of ``data``.

    Args:
        data: nested sequences of numbers, a number, an array, a NumPy scalar.
        dtype: by default bool, int64, the default dtype or its complex twin, as the data ask; arrays and NumPy scalars keep
            theirs.
        requires_grad: record operations on it.

    Raises:
        ValueError: for ragged sequences.
        TypeError, RuntimeError: for data that are not numbers, or do not fit the dtype.

    Example:
        >>> tensor([[1., 2.], [3., 4.]])
        tensor([[1., 2.],
                [3., 4.]])

    Variants: function
    """
    devices.check_device(device)
    if isinstance(data, TensorBase):
        warnings.warn(COPY_HINT, UserWarning, stacklevel=3)
    want = None if dtype is None else parse_dtype(dtype, "tensor")
    return finish(data_array(data, want), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, without a copy where that is possible.

    Args:
        data: a tensor (returned as it is, with its history), an array (memory is shared), or as for ``tensor``.
        dtype: convert to this dtype.

    Variants: function
    """
    devices.check_device(device)
    want = None if dtype is None else parse_dtype(dtype, "as_tensor")
    if isinstance(data, TensorBase):
        return data if want is None else data.to(want)  # type: ignore[attr-defined, return-value]
    if isinstance(data, _ndarray):
        shared = from_numpy(data)
        return shared if want is None else shared.to(want)
    return finish(data_array(data, want), False)


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: Any = None, requires_grad: Any = None) -> Tensor:
    """``obj`` as a tensor.

    Args:
        obj: a tensor, an array, an object with a buffer (bytes), or as for ``tensor``.
        dtype: convert to this dtype.
        copy: True always copies, False never, None only where it must.
        requires_grad: of the result; False detaches. By default that of ``obj``.

    Raises:
        ValueError: when ``copy=False`` and a copy is needed.

    Variants: function
    """
    devices.check_device(device)
    want = None if dtype is None else parse_dtype(dtype, "asarray")
    if isinstance(obj, (bytes, bytearray, memoryview)):
        obj = np.frombuffer(obj, dtype=DEFAULTS.float.np if want is None else want.np)
    out: Any
    if isinstance(obj, TensorBase):
        out = obj
        if has_grad(obj):
            if requires_grad is None:
                warnings.warn(ASARRAY_HINT, UserWarning, stacklevel=3)
            elif not requires_grad:
                out = out.detach()
    elif isinstance(obj, _ndarray):
        out = from_numpy(obj)
    else:
        if copy is not None and not copy:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return finish(data_array(obj, want), bool(requires_grad))
    return converted_array(out, want, copy, bool(requires_grad))


def converted_array(x: Any, want: DType | None, copy: Any, requires_grad: bool) -> Tensor:
    """The last steps of ``asarray``: dtype, copy, requires_grad."""
    out = x
    if want is not None and want is not x.dt:
        if copy is not None and not copy:
            raise ValueError(f"can't alias tensor with dtype '{x.dt.title}' into dtype '{want.title}'.")
        out = x.to(want)
    elif copy:
        out = x.clone()
    if requires_grad and not has_grad(out):
        out = out.detach().requires_grad_()
    return out


def from_numpy(ndarray: Any) -> Tensor:
    """Tensor that shares the memory of an array: a change of one is seen in the other.

    Raises:
        TypeError: when it is not an array, or of a type that tensors do not have.
        ValueError: for negative strides or foreign byte order.

    Variants: function
    """
    if not isinstance(ndarray, _ndarray):
        kind = type(ndarray)
        name = f"numpy.{kind.__name__}" if isinstance(ndarray, _generic) else kind.__name__
        raise TypeError(f"expected np.ndarray (got {name})")
    dtype_of(ndarray)
    for s in ndarray.strides:
        if s < 0:
            raise ValueError(NEGATIVE_STRIDE)
        if s % ndarray.itemsize != 0:
            raise ValueError(
                "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the "
                "memory."
            )
    if not ndarray.dtype.isnative:
        raise ValueError(BYTE_ORDER)
    if not ndarray.flags.writeable:
        warnings.warn(READ_ONLY, UserWarning, stacklevel=3)
    return make(ndarray.view(_ndarray))


def scalar_tensor(
    s: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A number as a 0-d tensor, in the default dtype unless another is given.

    Variants: function
    """
    devices.check_device(device)
    return finish(data_array(s, chosen(dtype, "scalar_tensor")), requires_grad)


def data_array(data: Any, want: DType | None) -> Any:
    """A fresh array of constructor data, in the dtype wanted or inferred."""
    if type(data) in PYTHON_NUMBERS and abs(data) < SMALL and want is None:
        return np.array(data, python_number_dtype(data).np)
    if isinstance(data, TensorBase):
        values = np.asarray(data.array)
        return quiet_cast(values, want) if want is not None and want is not data.dt else copied(values)
    if isinstance(data, (_ndarray, _generic)):
        dt = dtype_of(data)
        native = np.asarray(data, dtype=dt.np)
        return quiet_cast(native, want) if want is not None and want is not dt else copied(native)
    if hasattr(data, "__array__") and not isinstance(data, (list, tuple)):
        return data_array(np.asarray(data), want)
    array: Any = uniform_array(data, want) if isinstance(data, (list, tuple, range)) and len(data) > 0 else None
    return sequence_array(data, want) if array is None else array


def uniform_array(data: Any, want: DType | None) -> Any:
    """The array of sequences that NumPy reads as PyTorch does, None for all others.

    This is the fast path, 10 times as fast as going through the numbers one by one.
    """
    kinds = leaf_types(data)
    if not kinds <= PYTHON_NUMBERS and (len(kinds) != 1 or not issubclass(next(iter(kinds)), (_generic, _ndarray))):
        return None
    try:
        array = np.array(data)
    except (ValueError, OverflowError):
        return None  # ragged: the slow path finds out where
    kind = array.dtype.kind
    if kind not in "bifc" or (kind == "f" and not kinds & {float, complex} and int in kinds):
        return None  # integers beyond int64, objects, strings
    dt = dtype_of(array)
    if want is None:
        want = natural_dtype(dt) if kinds <= PYTHON_NUMBERS else dt
    if (want.category < dt.category and not fits(array, want)) or (want.category == INTEGER and not fits(array, want)):
        return None
    return array if want is dt else quiet_cast(array, want)


def quiet_cast(array: Any, want: DType) -> Any:
    """Convert; numbers too large for the dtype become infinite without a warning."""
    token = silence()
    try:
        return cast_array(array, want)
    finally:
        restore(token)


SMALL: Final = 6e4  # below this, numbers fit every dtype they may go to
PYTHON_NUMBERS: Final[set[Any]] = {bool, int, float, complex}
SEQUENCES: Final[set[Any]] = {list, tuple}


def leaf_types(data: Any) -> set[Any]:
    """The types of what nested lists and tuples hold at the level where not all are lists or tuples."""
    level = data
    found = set(map(type, level))
    while len(found) > 0 and found <= SEQUENCES:
        level = list(itertools.chain.from_iterable(level))
        found = set(map(type, level))
    return found


def natural_dtype(dt: DType) -> DType:
    """Dtype of Python numbers, by category."""
    if dt.category == FLOATING:
        return DEFAULTS.float
    return default_complex() if dt.category == COMPLEX else dt


def fits(array: Any, want: DType) -> bool:
    """Whether a conversion to a lower category or to integers loses no more than fractions."""
    if array.dtype.kind == "c" or array.size == 0:
        return bool(array.size == 0)
    if want.category != INTEGER:
        return True
    low, high = array.min(), array.max()
    info = np.iinfo(want.np)
    return bool(low >= info.min and high <= info.max and low > -(2.0**63) and high < 2.0**63)


def sequence_array(data: Any, want: DType | None) -> Any:
    """The array of (nested sequences of) numbers, one by one, with PyTorch's errors."""
    check_sequence(data, 0)
    leaves: list[Any] = []
    shape = gather(data, leaves)
    if want is None:
        want = inferred_dtype(leaves)
    if want.category == INTEGER:
        check_range(leaves, want)
        low_bits = (1 << (8 * int(want.itemsize))) - 1
        array = np.array([int(v) & low_bits for v in leaves], dtype=f"u{want.itemsize}").view(want.np)
    elif want.category == BOOL:
        array = np.array([bool(v) for v in leaves], dtype=want.np)
    else:
        check_real(leaves, want)
        array = np.array(leaves, dtype=np.complex128 if want.category == COMPLEX else np.float64)
        array = quiet_cast(array, want)
    return array.reshape(shape)


def is_sequence(value: Any) -> bool:
    """Whether a piece of data has elements rather than being a number; tensors within data count as numbers."""
    if isinstance(value, _ndarray):
        return bool(value.ndim > 0)
    if isinstance(value, TensorBase):
        return False
    if isinstance(value, (list, tuple)):
        return True
    if isinstance(value, (str, bytes, dict, _generic)):
        return False
    return hasattr(value, "__getitem__") and hasattr(value, "__len__")


def check_sequence(data: Any, depth: int) -> None:
    """Refuse strings and other data that are no numbers, with PyTorch's words."""
    if isinstance(data, (str, bytes)):
        name = type(data).__name__
        if depth == 0:
            raise TypeError(f"new(): invalid data type '{name}'")
        raise ValueError(f"too many dimensions '{name}'")


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
        leaves.append(number(data, depth))
        return
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if not is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    if depth + 1 == len(shape) and isinstance(data, _ndarray):
        leaves.extend(list(data))
        return
    for item in data:
        collect(item, depth + 1, shape, leaves)


def number(value: Any, depth: int) -> Any:
    """One element as a number."""
    if isinstance(value, (bool, int, float, complex, _generic)):
        return value
    if isinstance(value, TensorBase):
        if value.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return np.asarray(value.array).reshape(())[()]
    if isinstance(value, _ndarray):
        return value.reshape(())[()]
    check_sequence(value, depth)
    if is_sequence(value):
        raise TypeError(
            errors.with_hints(
                f"'{type(value).__name__}' object cannot be interpreted as an integer",
                "the data are ragged: a sequence stands where its neighbours are numbers",
            )
        )
    if hasattr(value, "__float__"):
        return float(value)
    raise RuntimeError(f"Could not infer dtype of {type(value).__name__}")


def inferred_dtype(leaves: list[Any]) -> DType:
    """Dtype that holds all the numbers: NumPy scalars count with theirs, Python numbers by kind."""
    best: DType | None = None
    for v in leaves:
        dt = dtype_of(v) if isinstance(v, _generic) else python_number_dtype(v)
        best = dt if best is None else promote_types(best, dt)
    return DEFAULTS.float if best is None else best


def check_range(leaves: list[Any], want: DType) -> None:
    """Refuse numbers that an integer dtype cannot hold; unsigned dtypes take small negative ones modulo their range."""
    for v in leaves:
        if isinstance(v, (complex, np.complexfloating)):
            raise TypeError(f"'{type(v).__name__}' object cannot be interpreted as an integer")
        if not holds(want, v):
            if want is int64 and isinstance(v, int):
                raise ValueError("Overflow when unpacking long long")
            raise errors.overflow(want.name)


def check_real(leaves: list[Any], want: DType) -> None:
    """Refuse complex numbers in a real dtype."""
    if want.category < COMPLEX:
        for v in leaves:
            if isinstance(v, (complex, np.complexfloating)):
                raise TypeError(f"must be real number, not {type(v).__name__}")


def legacy_constructor(out: TensorBase, args: list[Any]) -> None:
    """Fill in a tensor made by ``Tensor(...)``."""
    replace_array(out, legacy_array(args, DEFAULTS.float))


def legacy_array(args: list[Any], dt: DType) -> Any:
    """The array of ``Tensor(2, 3)`` (uninitialised), ``Tensor([1, 2])`` or ``Tensor(t)`` (shared)."""
    if len(args) == 0:
        return np.empty((0,), dt.np)
    first = args[0]
    if len(args) == 1:
        if isinstance(first, TensorBase):
            return memory(first)
        if isinstance(first, (list, tuple, range, _ndarray)) and not isinstance(first, Size):
            return data_array(first, dt)
        if isinstance(first, str):
            raise TypeError("new(): invalid data type 'str'")
        if isinstance(first, float) or (not hasattr(first, "__index__") and not isinstance(first, Size)):
            raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")
    return np.empty(shape_of(tuple(args), "new"), dt.np)


def FloatTensor(*args: Any) -> Tensor:
    """Legacy constructor: ``Tensor(...)`` in float32.

    Variants: function
    """
    return make(legacy_array(list(args), float32))


def DoubleTensor(*args: Any) -> Tensor:
    """Legacy constructor: ``Tensor(...)`` in float64.

    Variants: function
    """
    return make(legacy_array(list(args), float64))


def HalfTensor(*args: Any) -> Tensor:
    """Legacy constructor: ``Tensor(...)`` in float16.

    Variants: function
    """
    return make(legacy_array(list(args), float16))


def LongTensor(*args: Any) -> Tensor:
    """Legacy constructor: ``Tensor(...)`` in int64.

    Variants: function
    """
    return make(legacy_array(list(args), int64))


def IntTensor(*args: Any) -> Tensor:
    """Legacy constructor: ``Tensor(...)`` in int32.

    Variants: function
    """
    return make(legacy_array(list(args), int32))


def ShortTensor(*args: Any) -> Tensor:
    """Legacy constructor: ``Tensor(...)`` in int16.

    Variants: function
    """
    return make(legacy_array(list(args), int16))


def CharTensor(*args: Any) -> Tensor:
    """Legacy constructor: ``Tensor(...)`` in int8.

    Variants: function
    """
    return make(legacy_array(list(args), int8))


def ByteTensor(*args: Any) -> Tensor:
    """Legacy constructor: ``Tensor(...)`` in uint8.

    Variants: function
    """
    return make(legacy_array(list(args), uint8))


def BoolTensor(*args: Any) -> Tensor:
    """Legacy constructor: ``Tensor(...)`` in bool.

    Variants: function
    """
    return make(legacy_array(list(args), bool_))
