"""Copies, and filling memory with values: clone, contiguous, copy_, fill_, zero_."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, views
from .._core.compat import i64
from .._core.dtypes import BOOL, COMPLEX, FLOATING, INTEGER, DType, dtype_of
from .._core.graph import Node
from .._core.modes import MODES
from .._core.quiet import restore, silence
from .._core.tensor_base import TensorBase, gradient_edge, requires_grad
from .._record import forward
from .._record.binary import check_overlap
from .._record.common import broadcast_size, cast_array, cast_grad, holds, integer_scalar, number_operand, sum_to, write
from .._record.general import General, general
from .._record.unary import Unary, unary
from ..kernels import copied, row_major
from ..kernels.arrays import move_axis

if TYPE_CHECKING:
    from .._tensor import Tensor

_generic: Final[Any] = np.generic
_ndarray: Final[Any] = np.ndarray

DISCARDS: Final = "Casting complex values to real discards the imaginary part"


class CloneBackward0(Unary):
    """A copy. The gradient passes unchanged.

    ``layout`` is "K" for the order of the dimensions in memory as it is, "C" for row-major, "L" for channels last.
    """

    reads: i64 = 0

    def __init__(self, layout: str) -> None:
        self.layout: str = layout

    def forward(self, x: Any) -> Any:
        if not isinstance(x, _ndarray):  # numbers and traced values do not change
            return x
        if self.layout == "L":
            return channels_last(x)
        return row_major(x) if self.layout == "C" else copied(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return grad

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        # A tangent of its own, in the layout of the copy: what is written to the copy must not reach the source.
        return unary(self.fresh(), tangent)

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def fresh(self) -> Unary:
        return CloneBackward0(self.layout)


CLONE: Final = CloneBackward0("K")
CLONE_CONTIGUOUS: Final = CloneBackward0("C")
CLONE_CHANNELS_LAST: Final = CloneBackward0("L")


def channels_last(x: Any) -> Any:
    """A copy of (batch, channel, ...) in which the channels of one place lie side by side."""
    return move_axis(row_major(move_axis(x, 1, -1)), -1, 1)


def format_name(memory_format: Any) -> str:
    """``preserve_format`` for ``torch.preserve_format``, for None, and for the name itself."""
    return "preserve_format" if memory_format is None else str(memory_format).rpartition(".")[2]


def clone(self: Tensor, memory_format: Any = None) -> Tensor:
    """A copy in new memory, with history.

    Args:
        memory_format: ``preserve_format`` (default) keeps the order of the dimensions in memory, ``contiguous_format`` makes
            them row-major.

    Gradient: passes unchanged.

    Variants: function method
    """
    name = format_name(memory_format)
    if name == "preserve_format":
        return unary(CLONE, self)
    if name == "contiguous_format":
        return unary(CLONE_CONTIGUOUS, self)
    return unary(checked_channels_last(self, name), self)


def checked_channels_last(x: TensorBase, name: str) -> Unary:
    """The operator of a copy in channels-last order; refuses tensors of the wrong number of dimensions."""
    wanted = {"channels_last": 4, "channels_last_3d": 5}.get(name)
    if wanted is None:
        raise RuntimeError(f"unsupported memory format: {name}")
    if len(x.shp) != wanted:
        raise RuntimeError(f"required rank {wanted} tensor to use {name} format")
    return CLONE_CHANNELS_LAST


def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """``self`` when its elements lie in memory in row-major order without gaps, else such a copy.

    Gradient: passes unchanged.

    Variants: method
    """
    name = format_name(memory_format)
    if has_format(self, name):
        return self
    if name == "preserve_format" and memory_format is not None:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    return unary(checked_channels_last(self, name) if name.startswith("channels_last") else CLONE_CONTIGUOUS, self)


def has_format(x: TensorBase, name: str) -> bool:
    """Whether the elements lie in memory in the order that a memory format names."""
    array = x.array
    if name.startswith("channels_last"):
        right = array.ndim == (5 if name.endswith("3d") else 4)
        return bool(right and move_axis(array, 1, -1).flags.c_contiguous)
    return isinstance(array, _generic) or bool(array.flags.c_contiguous)


class CopyBackwards(Node):
    """Overwriting with a source: the old value gets a zero gradient, the source the whole one."""

    def __init__(self, source: TensorBase) -> None:
        self.shape: Any = source.shp
        self.dtype: DType = source.dt
        self.arity = 2

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Zeros, and the gradient summed and converted to the source."""
        wide: Any = grad
        first = zeros_like(wide) if self.next0 is not None else None
        second = cast_grad(sum_to(wide, self.shape), self.dtype) if self.next1 is not None else None
        return first, second


def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Overwrite the elements with those of ``src``, broadcast and converted.

    Gradient: all of it goes to ``src``, zeros to the old value.

    Raises:
        RuntimeError: when ``src`` does not broadcast to this shape, or overlaps it in memory.

    Variants: method
    """
    source = as_source(src)
    wanted = requires_grad(self) or (self.dt.category >= FLOATING and requires_grad(source))
    record = views.check_inplace(self, wanted)
    check_fits(self, source)
    views.check_writable(self.array)
    check_overlap(self, source)
    node = edges_of(CopyBackwards(source), self, source) if record else None
    tangent = source_tangent(self, source) if MODES.dual_level >= 0 else None
    store(self, source.array)
    return recorded(self, node, tangent)


def as_source(src: Any) -> TensorBase:
    """What is copied from: a tensor, or a Python number."""
    if isinstance(src, TensorBase):
        return src
    if isinstance(src, (int, float, complex)):
        return creation.tensor(src)
    raise errors.argument_type("copy_", "other", 1, "Tensor", src)


def check_fits(x: TensorBase, source: TensorBase) -> None:
    """Refuse sources that do not broadcast to the shape of ``x``."""
    if source.shp is x.shp:
        return
    shape = broadcast_size(x.shp, source.shp, "copy_")
    if shape != x.shp:
        raise RuntimeError(
            f"output with shape {errors.shape_text(x.shp)} doesn't match the broadcast shape {errors.shape_text(shape)}"
        )


def edges_of(node: Node, x: TensorBase, source: TensorBase | None) -> Node:
    """Connect the node of a write to the old value and to what is written."""
    node.next0 = gradient_edge(x)
    node.nr0 = x.nr
    if source is not None and source.dt.category >= FLOATING:
        node.next1 = gradient_edge(source)
        node.nr1 = source.nr
    node.stamp()
    return node


def store(x: TensorBase, array: Any) -> None:
    """Write converted values; NumPy's warnings about values that do not fit stay silent, as in PyTorch."""
    if BOOL < x.dt.category < COMPLEX and array.dtype.kind == "c":
        warnings.warn(DISCARDS, UserWarning, stacklevel=5)
        array = array.real
    token = silence()
    try:
        write(x, array)
    finally:
        restore(token)


def recorded(x: Tensor, node: Node | None, tangent: Tensor | None) -> Tensor:
    """Give ``x`` the history and the tangent of what was just written."""
    if node is not None:
        views.rebase(x, node)
    if tangent is not None:
        forward.write_tangent(x, tangent)
    return x


def source_tangent(x: TensorBase, source: TensorBase | None) -> Tensor | None:
    """The tangent of ``x`` once ``source`` (a constant when None) is written to it; None when none is involved."""
    tangent = None if source is None else forward.tangent_of(source)
    old = forward.tangent_of(x)
    if tangent is None and old is None:
        return None
    level = forward.suspend()
    try:
        if tangent is None:
            assert old is not None
            return zeros_like(old)
        return tangent.to(x.dt).expand(x.shp).clone()
    finally:
        forward.resume(level)


class Filling(Node):
    """Base of the nodes of overwriting with one value: the old value gets a zero gradient."""

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Zeros."""
        wide: Any = grad
        return zeros_like(wide), None


class ZeroBackward0(Filling):
    """``zero_``."""


class FillBackward2(Filling):
    """``fill_`` with a number."""


class FillBackward3(Node):
    """``fill_`` with a 0-d tensor, which gets the sum of the gradient."""

    def __init__(self, value: TensorBase) -> None:
        self.dtype: DType = value.dt
        self.arity = 2

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Zeros, and the sum for the value."""
        wide: Any = grad
        first = zeros_like(wide) if self.next0 is not None else None
        second = cast_grad(wide.sum(), self.dtype) if self.next1 is not None else None
        return first, second


def fill_(self: Tensor, value: Any) -> Tensor:
    """Set every element to ``value``, a number or a 0-d tensor.

    Gradient: zero for the old value; a tensor ``value`` gets the sum.

    Raises:
        RuntimeError: for a tensor with dimensions, and for numbers that the dtype cannot hold.

    Variants: function method
    """
    if isinstance(value, TensorBase):
        return fill_tensor_(self, value)
    array = fill_value(value, self.dt, "fill_")
    record = views.check_inplace(self, requires_grad(self))
    node = edges_of(FillBackward2(), self, None) if record else None
    tangent = source_tangent(self, None) if MODES.dual_level >= 0 else None
    write(self, array)
    return recorded(self, node, tangent)


def fill_tensor_(x: Tensor, value: TensorBase) -> Tensor:
    """``fill_`` with a tensor."""
    if len(value.shp) > 0:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {len(value.shp)} dimensions."
        )
    wanted = requires_grad(x) or (x.dt.category >= FLOATING and requires_grad(value))
    record = views.check_inplace(x, wanted)
    if isinstance(x.array, np.ndarray):
        views.check_writable(x.array)
    node = edges_of(FillBackward3(value), x, value) if record else None
    tangent = source_tangent(x, value) if MODES.dual_level >= 0 else None
    store(x, np.asarray(value.array))
    return recorded(x, node, tangent)


def fill_value(value: Any, dt: DType, function: str) -> Any:
    """A Python number in the dtype of the tensor that it fills.

    Raises:
        RuntimeError: when it does not fit.
        TypeError: when it is not a number.
    """
    if isinstance(value, _generic):
        value = value.item()
    if not isinstance(value, (bool, int, float, complex)):
        raise errors.argument_type(function, "value", 1, "Number", value)
    if isinstance(value, complex) and dt.category < COMPLEX:
        if value.imag != 0:
            raise errors.overflow(dt.c_name)
        value = value.real
    if dt.category == INTEGER:
        return filling_integer(value, dt)
    if dt.category == FLOATING and np.inf > abs(value) > float(np.finfo(dt.np).max):
        raise errors.overflow(dt.c_name)
    return np.array(value != 0 if dt.category == BOOL else value, dtype=dt.np)


def filling_integer(value: Any, dt: DType) -> Any:
    """A number truncated to an integer dtype; unsigned dtypes take small negative numbers modulo their range."""
    if not holds(dt, value):
        raise errors.overflow(f"{dt.name}_t")
    return integer_scalar(value, dt)


def zero_(self: Tensor) -> Tensor:
    """Set every element to zero.

    Gradient: zero.

    Variants: function method
    """
    record = views.check_inplace(self, requires_grad(self))
    node = edges_of(ZeroBackward0(), self, None) if record else None
    tangent = source_tangent(self, None) if MODES.dual_level >= 0 else None
    write(self, number_operand(0, self.dt).array)
    return recorded(self, node, tangent)


class FillBackward0(General):
    """``fill`` with a number: zero gradient."""

    def __init__(self, value: Any) -> None:
        self.value: Any = value

    def forward(self, arrays: list[Any]) -> Any:
        return np.full_like(arrays[0], self.value)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        assert grads[0] is not None
        return [zeros_like(grads[0])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        return [zeros_like(results[0])]


class FillBackward1(General):
    """``fill`` with a 0-d tensor, which gets the sum of the gradient."""

    def __init__(self, value: TensorBase) -> None:
        self.dtype: DType = value.dt

    def input_names(self) -> list[str]:
        return ["self", "value"]

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        return np.full_like(x, cast_array(arrays[1], dtype_of(x)))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [
            zeros_like(grad) if self.wanted(0) else None,
            cast_grad(grad.sum(), self.dtype) if self.wanted(1) else None,
        ]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[1]
        out = results[0]
        return [zeros_like(out) if tangent is None else tangent.to(out.dt).expand(out.shp)]


def fill(self: Tensor, value: Any) -> Tensor:
    """A tensor like ``self`` with every element set to ``value``, a number or a 0-d tensor.

    Gradient: zero for ``self``; a tensor ``value`` gets the sum.

    Variants: function
    """
    if not isinstance(value, TensorBase):
        return general(FillBackward0(fill_value(value, self.dt, "fill")), [self])
    if len(value.shp) > 0:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {len(value.shp)} dimensions."
        )
    return general(FillBackward1(value), [self, value])


from . import creation  # noqa: E402
from .creation_filled import zeros_like  # noqa: E402
