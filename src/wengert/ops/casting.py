"""Conversion between dtypes (and, in name, devices)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import device as devices
from .._core import errors
from .._core.compat import i64
from .._core.dtypes import (
    ALL,
    COMPLEX,
    FLOATING,
    PREFIX,
    DType,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    parse_dtype,
    uint8,
)
from .._core.tensor_base import TensorBase
from .._record.common import cast_array, cast_grad
from .._record.unary import Unary, unary
from ..kernels.copies import repeats, row_major
from .fill import DISCARDS, clone, format_name, has_format

if TYPE_CHECKING:
    from .._tensor import Tensor

_ndarray: Final[Any] = np.ndarray


class ToCopyBackward0(Unary):
    """Conversion to another dtype; the gradient is converted back."""

    reads: i64 = 0

    def __init__(self, source: DType, target: DType) -> None:
        self.source: DType = source
        self.target: DType = target
        self.differentiable = target.category >= FLOATING

    def forward(self, x: Any) -> Any:
        return cast_array(row_major(x) if isinstance(x, _ndarray) and repeats(x) else x, self.target)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return cast_grad(grad, self.source)

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return cast_grad(tangent, self.target)

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def out_dtype(self, dt: DType) -> DType:
        return self.target

    def fresh(self) -> Unary:
        return self


def convert(x: Tensor, dt: DType) -> Tensor:
    """``x`` in dtype ``dt``; ``x`` itself when it has that dtype."""
    if x.dt is dt:
        return x
    if x.dt.category == COMPLEX and dt.category < COMPLEX and dt is not bool_:
        warnings.warn(DISCARDS, UserWarning, stacklevel=4)
    return unary(ToCopyBackward0(x.dt, dt), x)


def to(self: Tensor, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False,
       memory_format: Any = None, other: Any = None) -> Tensor:  # fmt: skip
    """The tensor in another dtype.

    Args:
        args: a dtype, a device (only the CPU exists), a device and a dtype, or a tensor whose dtype is taken; then
            ``non_blocking`` and ``copy``.
        copy: copy even when nothing changes.
        memory_format: order of the elements in memory, as for ``clone``.

    Returns:
        ``self`` when nothing changes.

    Gradient: converted back to the dtype of ``self``; none through integers and bool.

    Raises:
        NotImplementedError: for bfloat16 and complex32, which NumPy does not have.
        RuntimeError: for other devices than the CPU.

    Variants: method
    """
    if len(args) == 1 and dtype is None and isinstance(args[0], DType) and not copy and memory_format is None:
        return convert(self, parse_dtype(args[0], "to"))
    rest = list(args)
    for given in (other, device):
        if given is not None:
            rest.insert(0, given)
    target, flags = destination(self, rest, dtype)
    out = convert(self, target)
    name = format_name(memory_format)
    if name != "preserve_format":
        return clone(out, name) if copy or not has_format(out, name) else out
    if out is self and (copy or (len(flags) > 1 and flags[1])):
        return unary(ToCopyBackward0(self.dt, self.dt), self)
    return out


def destination(x: Tensor, args: list[Any], dtype: Any) -> tuple[DType, list[Any]]:
    """The dtype that the arguments of ``to`` ask for, and what is left: non_blocking, copy."""
    target = x.dt if dtype is None else parse_dtype(dtype, "to")
    taken = 0
    for given in args[:2]:
        if isinstance(given, TensorBase) and taken == 0:
            target = given.dt
        elif (isinstance(given, (str, devices.device)) and taken == 0) or given is None:
            devices.check_device(given)
        elif isinstance(given, (DType, type)):
            target = parse_dtype(given, "to")
        elif isinstance(given, bool) and taken > 0:
            break
        else:
            raise TypeError(
                f"to() received an invalid combination of arguments - got ({', '.join(type(a).__name__ for a in args)}), but "
                "expected a dtype, a device, a device and a dtype, or a tensor"
            )
        taken += 1
    return target, args[taken:]


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """``self`` in the dtype of ``other``.

    Variants: method
    """
    return convert(self, other.dt)


def type_name(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, or the tensor in another dtype.

    Args:
        dtype: a dtype, a name such as ``"torch.DoubleTensor"``, or a legacy class such as ``FloatTensor``.

    Variants: method
    Name: type
    """
    if dtype is None:
        return PREFIX.text + (self.dt.title + "Tensor")
    if isinstance(dtype, DType):
        return convert(self, parse_dtype(dtype, "type"))
    title = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", None)
    if title is None:
        raise TypeError("dtype must be a type, str, or dtype object")
    wanted = title.removeprefix("torch.") if title.startswith("torch.") or not isinstance(dtype, str) else ""
    for dt in ALL:
        if wanted == dt.title + "Tensor":
            return convert(self, parse_dtype(dt, "type"))
    raise ValueError(f"invalid type: '{title}'")


def double(self: Tensor) -> Tensor:
    """The tensor as float64.

    Variants: method
    """
    return convert(self, float64)


def to_float(self: Tensor) -> Tensor:
    """The tensor as float32.

    Variants: method
    Name: float
    """
    return convert(self, float32)


def half(self: Tensor) -> Tensor:
    """The tensor as float16.

    Variants: method
    """
    return convert(self, float16)


def bfloat16(self: Tensor) -> Tensor:
    """Not available: NumPy has no bfloat16.

    Raises:
        NotImplementedError: always.

    Variants: method
    """
    return convert(self, parse_dtype(no_bfloat16, "bfloat16"))


def long(self: Tensor) -> Tensor:
    """The tensor as int64, truncated towards zero.

    Variants: method
    """
    return convert(self, int64)


def to_int(self: Tensor) -> Tensor:
    """The tensor as int32, truncated towards zero.

    Variants: method
    Name: int
    """
    return convert(self, int32)


def short(self: Tensor) -> Tensor:
    """The tensor as int16, truncated towards zero.

    Variants: method
    """
    return convert(self, int16)


def char(self: Tensor) -> Tensor:
    """The tensor as int8, truncated towards zero.

    Variants: method
    """
    return convert(self, int8)


def byte(self: Tensor) -> Tensor:
    """The tensor as uint8, truncated towards zero.

    Variants: method
    """
    return convert(self, uint8)


def to_bool(self: Tensor) -> Tensor:
    """Which elements are not zero.

    Variants: method
    Name: bool
    """
    return convert(self, bool_)


def cfloat(self: Tensor) -> Tensor:
    """The tensor as complex64.

    Variants: method
    """
    return convert(self, complex64)


def cdouble(self: Tensor) -> Tensor:
    """The tensor as complex128.

    Variants: method
    """
    return convert(self, complex128)


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """``self``: every tensor is on the CPU.

    Variants: method
    """
    return self


def cuda(self: Tensor, device: Any = None, non_blocking: Any = False, memory_format: Any = None) -> Tensor:
    """Not available: there is no GPU support.

    Raises:
        AssertionError: always, as from a PyTorch without CUDA.

    Variants: method
    """
    raise AssertionError(
        errors.with_hints("Torch not compiled with CUDA enabled", "wengert computes on the CPU; leave .cuda() out")
    )


from .._core.dtypes import bfloat16 as no_bfloat16  # noqa: E402
