"""Questions about dtypes and tensors, and the default dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import dtypes, errors
from .._core.dtypes import DEFAULTS, FLOATING, DType
from .._core.tensor_base import TensorBase
from .._record import common

if TYPE_CHECKING:
    from .._tensor import Tensor


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a tensor.

    Variants: function
    """
    return isinstance(obj, TensorBase)


def numel(self: Tensor) -> int:
    """Number of elements.

    Variants: function
    """
    return int(self.array.size)


def is_floating_point(self: Tensor) -> bool:
    """Whether the dtype is a real floating point one.

    Variants: function
    """
    return self.dt.is_floating_point


def is_complex(self: Tensor) -> bool:
    """Whether the dtype is complex.

    Variants: function
    """
    return self.dt.is_complex


def is_signed(self: Tensor) -> bool:
    """Whether the dtype has negative numbers.

    Variants: function
    """
    return self.dt.is_signed


def is_conj(self: Tensor) -> bool:
    """Whether conjugation is pending: never, ``conj()`` computes at once.

    Variants: function
    """
    return False


def is_neg(self: Tensor) -> bool:
    """Whether negation is pending: never.

    Variants: function
    """
    return False


def is_inference(self: Tensor) -> bool:
    """Whether the tensor was made in inference mode.

    Variants: function
    """
    return self.inference


def can_cast(from_: Any, to: Any) -> bool:
    """Whether values of dtype ``from_`` may be stored in dtype ``to``: the category (bool, integer, float, complex) must not fall.

    Variants: function
    """
    return dtypes.can_cast(dtype_argument(from_, "can_cast", "from_", 1), dtype_argument(to, "can_cast", "to", 2))


def promote_types(type1: Any, type2: Any) -> Any:
    """The smallest dtype to which both convert.

    Raises:
        RuntimeError: for uint16, uint32 and uint64 with another integer.

    Variants: function
    """
    first = dtype_argument(type1, "promote_types", "type1", 1)
    return dtypes.promote_types(first, dtype_argument(type2, "promote_types", "type2", 2))


def dtype_argument(value: Any, function: str, argument: str, position: int) -> DType:
    """An argument that must be a dtype, or a Python type that stands for one."""
    if isinstance(value, DType):
        return value
    found = dtypes.PYTHON_TYPES.get(value) if isinstance(value, type) else None
    if found is None:
        raise errors.argument_type(function, argument, position, "torch.dtype", value)
    return found


def result_type(tensor1: Any, tensor2: Any) -> Any:
    """Dtype of the result of arithmetic with two operands, each a tensor or a Python number.

    Variants: function
    """
    for position, value in ((1, tensor1), (2, tensor2)):
        if not isinstance(value, TensorBase) and not common.is_number(value):
            raise errors.argument_type("result_type", f"tensor{position}", position, "Tensor", value)
    return common.result_type([tensor1, tensor2])


def get_default_dtype() -> Any:
    """Dtype of floating results that nothing else decides.

    Variants: function
    """
    return DEFAULTS.float


def set_default_dtype(d: Any) -> None:
    """Change the dtype of floating results that nothing else decides; float32 at the start.

    Raises:
        TypeError: for anything but a floating point dtype.

    Variants: function
    """
    if not isinstance(d, DType):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if d.category != FLOATING:
        raise TypeError("only floating-point types are supported as the default type")
    DEFAULTS.float = dtypes.parse_dtype(d, "set_default_dtype")
