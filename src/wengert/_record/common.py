"""Steps that the templates share: operands, casts, sums over broadcast dimensions, writing results in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, views
from .._core.dtypes import (
    BOOL,
    COMPLEX,
    FLOATING,
    INTEGER,
    Promotion,
    Size,
    bool_,
    can_cast,
    dtype,
    dtype_of,
    float32,
    float64,
    intern_size,
    size_of,
)
from .._core.graph import Node
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import (
    TensorBase,
    bump,
    gradient_edge,
    mark_inference,
    memory,
    replace_array,
    requires_grad,
)
from ..kernels import arrays, assign, copied
from ..kernels import converted as convert_array

if TYPE_CHECKING:
    from .._tensor import Tensor

_ndarray: Final[Any] = np.ndarray
_generic: Final[Any] = np.generic
_add_up: Final[Any] = arrays.add_up

SELF: Final = 1
OTHER: Final = 2
RESULT: Final = 4
UNDO_SELF: Final = 8
UNDO_OTHER: Final = 16
FUSED: Final = 32


def make(array: Any) -> Tensor:
    """A tensor around the array (or NumPy scalar) that an array function returned."""
    out = _tensor.Tensor(array, dtype_of(array), size_of(array))
    if MODES.unusual and MODES.inference > 0:
        mark_inference(out)
    return out


def number_operand(value: Any, dt: dtype) -> Tensor:
    """A Python number as a 0-d tensor of dtype ``dt``; the tensors of common numbers are kept."""
    cache = dt.scalars
    found: Tensor | None = cache.get(value)
    if found is not None:
        return found
    with np.errstate(all="ignore"):  # 1e300 as float32 is inf, without a word
        array = np.array(value, dtype=dt.np) if dt.category != INTEGER else integer_scalar(value, dt)
    array.setflags(write=False)
    made = _tensor.Tensor(array, dt, EMPTY)
    # 0.0 and -0.0 are equal keys but different numbers; NaN equals nothing.
    if value != 0 and value == value and len(cache) < 1000:
        cache[value] = made
    return made


def integer_scalar(value: Any, dt: dtype) -> Any:
    """A Python int in an integer dtype, wrapped around as PyTorch does (300 as uint8 is 44)."""
    return np.array(int(value) & ((1 << (8 * dt.itemsize)) - 1), dtype=f"u{dt.itemsize}").view(dt.np)


def holds(dt: dtype, value: Any) -> bool:
    """Whether an integer dtype takes a number; the unsigned ones take small negative numbers modulo their range."""
    info = np.iinfo(dt.np)
    return bool((info.min if dt.is_signed else -int(info.max)) <= value <= info.max)


EMPTY: Final[Size] = intern_size(())


def is_number(value: Any) -> bool:
    """Whether ``value`` is a Python number (bool included) or a NumPy scalar, which counts as one."""
    return isinstance(value, (int, float, complex, _generic))


def python_number(value: Any) -> Any:
    """A NumPy scalar as a Python number."""
    return value.item() if isinstance(value, _generic) else value


def leading_number(value: Any, other: Any, function: str) -> Tensor:
    """A number that stands where a function has its first tensor, as a tensor without dimensions.

    Raises:
        TypeError: ``value`` is no number either.
    """
    if not is_number(value):
        raise errors.argument_type(function, "input", 1, "Tensor", value)
    # A bool stays one, for those who refuse bools.
    return number_operand(value, bool_ if isinstance(value, (bool, np.bool_)) else result_type([value, other]))


def as_tensor_operand(value: Any, function: str, argument: str, position: int) -> Tensor:
    """An operand that is neither a tensor nor a number: NumPy arrays are taken as they are, the rest is refused."""
    if isinstance(value, _ndarray):
        return _tensor.Tensor(value, dtype_of(value), size_of(value))
    raise errors.argument_type(function, argument, position, "Tensor", value)


def result_type(operands: list[Any]) -> dtype:
    """Dtype that operands (tensors and Python numbers) promote to together."""
    promotion = Promotion()
    for operand in operands:
        if isinstance(operand, TensorBase):
            promotion.add_tensor(operand.dt, len(operand.shp))
        else:
            promotion.add_number(operand)
    return promotion.result()


def cast_array(array: Any, dt: dtype) -> Any:
    """The array in another dtype; complex to real drops the imaginary part as PyTorch does, to bool asks whether it is zero."""
    if BOOL < dt.category < COMPLEX and array.dtype.kind == "c":
        array = array.real
    return convert_array(array, dt.np)


def cast_grad(grad: Tensor, dt: dtype) -> Tensor:
    """A gradient in the dtype of the operand it belongs to; a real operand keeps the real part."""
    if grad.dt is dt:
        return grad
    if grad.dt.category == COMPLEX and dt.category < COMPLEX:
        grad = grad.real
    if untracked(grad):
        return make(cast_array(grad.array, dt))
    return grad.to(dt)


def sum_to(grad: Tensor, shape: Size) -> Tensor:
    """Sum a gradient over the dimensions along which its operand was broadcast."""
    if grad.shp is shape or grad.shp == shape:
        return grad
    full: tuple[int, ...] = grad.shp  # as plain tuples, which compiled code reads at once
    part: tuple[int, ...] = shape
    lead = len(full) - len(part)
    summed = list(range(lead))
    for i in range(len(part)):
        if part[i] == 1 and full[i + lead] != 1:
            summed.append(i + lead)
    dims = tuple(summed)
    if untracked(grad):
        array = grad.array
        keep = lead == 0 or type(array) is not _ndarray  # what fuse traces keeps dimensions
        if len(dims) > 0:
            array = _add_up(array, dims, keep)
        if lead > 0 and len(part) > 0 and (keep or len(dims) > lead):
            array = array.reshape(shape)
        return _tensor.Tensor(array, grad.dt, shape)
    if len(dims) > 0:
        grad = grad.sum(dims, keepdim=True)
    return grad.reshape(shape) if lead > 0 else grad


def for_kernels(dt: dtype) -> bool:
    """Whether there are compiled kernels for the dtype; they give no floating-point warnings."""
    return arrays.SILENT and (dt is float32 or dt is float64)


def untracked(t: TensorBase) -> bool:
    """Whether what is computed from ``t`` has neither a graph nor a tangent: a formula may then work on its array."""
    return not MODES.unusual and (not requires_grad(t) or not is_grad_enabled())


def quiet(grad: TensorBase) -> bool:
    """Whether a backward formula on real numbers leaves neither graph nor tangent: it may be one kernel on arrays."""
    if grad.dt.category != FLOATING or MODES.unusual or is_grad_enabled():
        return False
    array = grad.array
    # Note [Batched tensors have no array]
    return type(array) is _ndarray or isinstance(array, (_generic, _ndarray))


def expand_to(t: Tensor, shape: Size) -> Tensor:
    """Broadcast a tangent to the shape of the result."""
    return t if t.shp is shape or t.shp == shape else t.expand(shape)


def broadcast_size(a: Size, b: Size, name: str) -> Size:
    """Shape of the result of two operands.

    Raises:
        RuntimeError: when they do not broadcast.
    """
    if a is b or len(b) == 0:
        return a
    if len(a) == 0:
        return b
    try:
        return intern_size(np.broadcast_shapes(a, b))
    except ValueError:
        raise errors.broadcast(a, b, name) from None


def wrap_dim(dim: Any, ndim: int) -> int:
    """A dimension counted from the front.

    Raises:
        IndexError: when there is no such dimension.
    """
    found: int = dim if isinstance(dim, int) else int_of(dim, "dim")
    n = max(ndim, 1)
    if found < -n or found >= n:
        raise errors.dim_range(found, ndim)
    return found + n if found < 0 else found


def required_dim(axis: Any, function: str) -> Any:
    """The argument ``axis`` in place of a ``dim`` that was not given.

    Raises:
        TypeError: ``axis`` is missing as well.
    """
    if axis is None:
        raise TypeError(f'{function}() missing 1 required positional arguments: "dim"')
    return axis


def int_of(value: Any, argument: str = "") -> int:
    """An integer argument, given as anything with ``__index__``.

    Raises:
        TypeError: for anything else; ``argument`` names it.
    """
    if isinstance(value, TensorBase):
        wide: Any = value
        place: int = wide.as_index()
        return place
    if not hasattr(value, "__index__"):
        raise errors.not_int(argument, value)
    found: int = value.__index__()
    return found


def number_of(value: Any, function: str, argument: str, position: int = 0) -> Any:
    """A parameter as a Python number, given as one, as a NumPy scalar, or as a 0-d tensor that does not require grad.

    Keyword arguments have position 0.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, (int, float, complex)):
        return value
    if isinstance(value, _generic):
        return value.item()
    if isinstance(value, TensorBase) and len(value.shp) == 0 and not requires_grad(value):
        return value.array.item()
    raise errors.argument_type(function, argument, position, "Number", value)


def wrap_dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """Dimensions counted from the front, sorted; None or an empty list means all.

    Raises:
        IndexError: out of range.
        RuntimeError: the same dimension twice.
    """
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, (tuple, list)):
        return (wrap_dim(dim, ndim),)
    dims = [wrap_dim(d, ndim) for d in dim]
    if len(dims) == 0:
        return tuple(range(ndim))
    if len(set(dims)) != len(dims):
        repeated = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {repeated} appears multiple times in the list of dims")
    return tuple(sorted(dims))


def check_result_dtype(computed: dtype, target: dtype) -> None:
    """An in-place or ``out=`` result must not lose its category (float into int, complex into real)."""
    if computed is not target and not can_cast(computed, target):
        raise errors.no_cast(computed, target)


def prepare_inplace(x: TensorBase, computed: dtype, shape: Size, any_requires_grad: bool) -> bool:
    """All checks before ``x`` is written to, so that a refused call changes nothing; True when the write is recorded."""
    record = views.check_inplace(x, any_requires_grad)
    if shape is not x.shp and shape != x.shp:
        raise RuntimeError(
            errors.with_hints(
                f"output with shape {errors.shape_text(x.shp)} doesn't match the broadcast shape {errors.shape_text(shape)}",
                "an in-place operation keeps the shape of the tensor that it changes; try: the out-of-place form",
            )
        )
    check_result_dtype(computed, x.dt)
    if isinstance(x.array, _ndarray):
        views.check_writable(x.array)
    return record


def write(x: TensorBase, array: Any) -> None:
    """Store values in the tensor's memory and count the write."""
    target = memory(x)
    if array is not target:
        assign(target, array)
    bump(x)


def shadow(x: TensorBase) -> Tensor:
    """A copy of ``x`` with its history: what an in-place operation may save of the old value."""
    out = _tensor.Tensor(copied(x.array), x.dt, x.shp)
    if requires_grad(x) and is_grad_enabled():
        if x.view_of is not None:
            views.check_inplace(x, True)  # says that the view is being modified, before its history is asked for
        target = gradient_edge(x)
        out.rg = True
        out.fn = target if isinstance(target, Node) else None
        out.nr = x.nr
    if MODES.dual_level >= 0:
        forward.set_tangent(out, forward.copied_tangent(x))  # that of x will be written over, too
    return out


def check_out(name: str, out: Any, result: Tensor) -> None:
    """All checks of ``out=`` before it is written to, so that a refused call changes nothing."""
    if not isinstance(out, TensorBase):
        raise errors.argument_type(name, "out", 0, "Tensor", out)
    if is_grad_enabled() and (requires_grad(out) or requires_grad(result)):
        raise errors.out_requires_grad(name)
    if MODES.dual_level >= 0 and (forward.tangent_of(out) is not None or forward.tangent_of(result) is not None):
        raise errors.out_has_tangent(name)
    check_result_dtype(result.dt, out.dt)
    if out.shp == result.shp and isinstance(out.array, _ndarray):
        views.check_writable(out.array)


def write_out(name: str, out: Any, result: Tensor) -> Tensor:
    """Deliver a result into the tensor given as ``out=``, resized when it does not fit."""
    check_out(name, out, result)
    if out.shp != result.shp:
        if out.array.size > 0:
            warnings.warn(
                f"An output with one or more elements was resized since it had shape {errors.shape_text(out.shp)}, which does "
                f"not match the required output shape {errors.shape_text(result.shp)}. This behavior is deprecated, and in a "
                "future PyTorch release outputs will not be resized unless they have zero elements. You can explicitly reuse "
                "an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                UserWarning,
                stacklevel=3,
            )
        replace_array(out, np.empty(result.shp, out.dt.np))
    if views.WRITES.watched:
        views.WRITES.call(memory(out))
    write(out, cast_array(result.array, out.dt) if result.dt is not out.dt else result.array)
    return out


def float_dtype_for(x: TensorBase) -> dtype:
    """Dtype in which functions such as ``exp`` compute: integers go to the default dtype."""
    return x.dt if x.dt.category >= FLOATING else DEFAULTS.float


def converted(x: TensorBase, dt: dtype) -> Tensor:
    """``x`` in another dtype, recorded like any conversion."""
    if x.dt is dt:
        return x  # type: ignore[return-value]
    wide: Any = x
    result: Tensor = wide.to(dt)
    return result


import warnings  # noqa: E402

from .. import _tensor  # noqa: E402
from .._core.dtypes import DEFAULTS  # noqa: E402
from . import forward  # noqa: E402
