"""Views of parts of a tensor: one index, a range, a diagonal, windows, any strides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import engine, errors, views
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import TensorBase, bump, memory, replace_array, requires_grad, version_of
from .._core.views import AsStridedBackward0, element_strides, extent
from .._record import forward
from .._record.common import int_of, untracked, wrap_dim
from .._record.general import General, general
from .._record.view import View, node_for, view
from ..kernels import arrays, zeros
from .sizes import sizes_of

if TYPE_CHECKING:
    from .._tensor import Tensor

_as_strided: Final[Any] = np.lib.stride_tricks.as_strided
_select: Final[Any] = arrays.select
_add_into: Final[Any] = arrays.add_into


class Part(View):
    """Base of the views of a part: the gradient is embedded into zeros, those of several parts into the same.

    ``repeats``: whether an element may occur more than once in the view.
    """

    repeats: bool = False

    def embedding(self) -> Embedding:
        """The operator that embeds."""
        raise NotImplementedError

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Apply ``grad_self``, or add to the zeros of another part: Note [Collected parts]."""
        if self.repeats or not untracked(grad):
            return self.grad_self(grad), None  # type: ignore[arg-type]
        total = engine.collected(self)
        if total is not None and total.dt is grad.dt:
            part = self.forward(total.array)
            _add_into(part, grad.array, part)
            return None, None
        found = self.grad_self(grad)  # type: ignore[arg-type]
        engine.collect_in(self, found)
        return found, None

    def grad_self(self, grad: Tensor) -> Tensor:
        if untracked(grad):
            return _tensor.Tensor(self.embedding().forward([grad.array]), grad.dt, self.shape)
        return general(self.embedding(), [grad])


class Embedding(General):
    """Zeros of the shape that ``part`` was taken of, with the input in that part: the gradient of taking the part."""

    silent: bool = True

    def __init__(self, part: Part) -> None:
        self.part: Part = part

    def input_names(self) -> list[str]:
        return ["grad_output"]

    def forward(self, arrays: list[Any]) -> Any:
        out = zeros(self.part.shape, arrays[0].dtype)
        self.part.forward(out)[...] = arrays[0]
        return out

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        assert grads[0] is not None
        return [self.part.take(grads[0])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        assert tangents[0] is not None
        return [self.part.grad_self(tangents[0])]


class SelectBackward0(Part):
    """One index of a dimension."""

    def __init__(self, dim: int, index: int) -> None:
        self.dim: int = dim
        self.index: int = index

    def forward(self, x: Any) -> Any:
        return _select(x, self.dim, self.index)

    def embedding(self) -> Embedding:
        return SelectBackwardBackward0(self)

    def again(self) -> View:
        return SelectBackward0(self.dim, self.index)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "index": self.index, "self_sym_sizes": tuple(self.shape)}


class SelectBackwardBackward0(Embedding):
    """Gradient of ``select``."""


class SliceBackward0(Part):
    """A range of a dimension."""

    def __init__(self, dim: int, start: int, stop: int, step: int) -> None:
        self.dim: int = dim
        self.start: int = start
        self.stop: int = stop
        self.step: int = step

    def forward(self, x: Any) -> Any:
        return x[(slice(None),) * self.dim + (slice(self.start, self.stop, self.step),)]

    def embedding(self) -> Embedding:
        return SliceBackwardBackward0(self)

    def again(self) -> View:
        return SliceBackward0(self.dim, self.start, self.stop, self.step)

    def parameters(self) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "start": self.start,
            "end": self.stop,
            "step": self.step,
            "self_sym_sizes": tuple(self.shape),
        }


class SliceBackwardBackward0(Embedding):
    """Gradient of a slice."""


class DiagonalBackward0(Part):
    """A diagonal of two dimensions, as the last dimension."""

    def __init__(self, offset: int, dim1: int, dim2: int) -> None:
        self.offset: int = offset
        self.dim1: int = dim1
        self.dim2: int = dim2

    def forward(self, x: Any) -> Any:
        out = x.diagonal(self.offset, self.dim1, self.dim2)
        if x.flags.writeable:
            out.flags.writeable = True
        return out

    def embedding(self) -> Embedding:
        return DiagonalBackwardBackward0(self)

    def again(self) -> View:
        return DiagonalBackward0(self.offset, self.dim1, self.dim2)

    def parameters(self) -> dict[str, Any]:
        return {"dim1": self.dim1, "dim2": self.dim2, "offset": self.offset, "self_sym_sizes": tuple(self.shape)}


class DiagonalBackwardBackward0(Embedding):
    """Gradient of ``diagonal``."""


class UnfoldBackward0(Part):
    """Windows along a dimension; where windows overlap, their gradients are summed."""

    repeats: bool = True

    def __init__(self, dim: int, size: int, step: int) -> None:
        self.dim: int = dim
        self.size: int = size
        self.step: int = step

    def forward(self, x: Any) -> Any:
        if x.ndim == 0:
            return _as_strided(x, (self.size,), (x.itemsize,))
        d = self.dim
        windows = (x.shape[d] - self.size) // self.step + 1
        shape = (*x.shape[:d], windows, *x.shape[d + 1 :], self.size)
        strides = (*x.strides[:d], x.strides[d] * self.step, *x.strides[d + 1 :], x.strides[d])
        return _as_strided(x, shape, strides)

    def embedding(self) -> Embedding:
        return UnfoldBackwardBackward0(self)

    def again(self) -> View:
        return UnfoldBackward0(self.dim, self.size, self.step)

    def parameters(self) -> dict[str, Any]:
        return {"dimension": self.dim, "self_sym_sizes": tuple(self.shape), "size": self.size, "step": self.step}


class UnfoldBackwardBackward0(Embedding):
    """Gradient of ``unfold``. Each window is a slice of the whole, and so is position j of all windows."""

    def forward(self, arrays: list[Any]) -> Any:
        out = zeros(self.part.shape, arrays[0].dtype)
        windows = self.part.forward(out)
        grad = arrays[0]
        dim = self.part.dim if isinstance(self.part, UnfoldBackward0) and out.ndim > 0 else 0
        if out.ndim > 0 and windows.shape[dim] < windows.shape[-1]:
            lead = (slice(None),) * dim
            for i in range(windows.shape[dim]):
                windows[(*lead, i)] += grad[(*lead, i)]
        else:
            for j in range(windows.shape[-1]):
                windows[..., j] += grad[..., j]
        return out


def select(self: Tensor, dim: Any, index: Any) -> Tensor:
    """Index ``index`` of dimension ``dim``, which is dropped.

    Args:
        index: counted from the end when negative.

    Returns:
        A view.

    Gradient: embedded into zeros.

    Raises:
        IndexError: out of range.

    Variants: function method
    """
    ndim = len(self.shp)
    if ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d = wrap_dim(dim, ndim)
    i = int_of(index)
    n = self.shp[d]
    if i < -n or i >= n:
        raise IndexError(
            f"select(): index {i} out of range for tensor of size {errors.shape_text(self.shp)} at dimension {d}"
        )
    return view(SelectBackward0(d, i + n if i < 0 else i), self)


def slice_view(self: Tensor, dim: int, start: Any, stop: Any, step: Any) -> Tensor:
    """``self[start:stop:step]`` along dimension ``dim``, with Python's meaning of None, negative and too large numbers.

    Raises:
        ValueError: when ``step`` is not positive.
    """
    step = 1 if step is None else int_of(step)
    if step <= 0:
        raise ValueError("step must be greater than zero")
    n = self.shp[dim]
    begin = 0 if start is None else int_of(start)
    end = n if stop is None else int_of(stop)
    begin = max(0, begin + n) if begin < 0 else min(begin, n)
    end = max(0, end + n) if end < 0 else min(end, n)
    return view(SliceBackward0(dim, begin, max(begin, end), step), self)


def narrow(self: Tensor, dim: Any, start: Any, length: Any) -> Tensor:
    """``length`` indices of dimension ``dim`` from ``start`` on.

    Returns:
        A view.

    Raises:
        RuntimeError: when the range leaves the dimension.

    Variants: function method
    """
    if len(self.shp) == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    d = wrap_dim(dim, len(self.shp))
    n = self.shp[d]
    begin = int_of(start)
    size = int_of(length)
    if size < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if begin < -n or begin > n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {begin})")
    if begin < 0:
        begin += n
    if begin + size > n:
        raise RuntimeError(f"start ({begin}) + length ({size}) exceeds dimension size ({n}).")
    return view(SliceBackward0(d, begin, begin + size, 1), self)


def diagonal(self: Tensor, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Tensor:
    """A diagonal of dimensions ``dim1`` and ``dim2``, as the last dimension.

    Args:
        offset: which diagonal: above the main one when positive, below it when negative.

    Returns:
        A view that may be written to.

    Gradient: embedded into zeros.

    Variants: function method
    """
    ndim = len(self.shp)
    a, b = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {int_of(dim1)}, {int_of(dim2)}")
    return view(DiagonalBackward0(int_of(offset), a, b), self)


def unfold(self: Tensor, dimension: Any, size: Any, step: Any) -> Tensor:
    """Windows of ``size`` elements along ``dimension``, ``step`` apart; the window becomes the last dimension.

    Returns:
        A view in which windows may overlap.

    Gradient: summed where windows overlap.

    Raises:
        RuntimeError: when a window is larger than the dimension, or ``step`` is not positive.

    Variants: method
    """
    ndim = len(self.shp)
    d = wrap_dim(dimension, ndim)
    n = self.shp[d] if ndim > 0 else 1
    width = int_of(size)
    stride = int_of(step)
    if width < 0:
        raise RuntimeError(f"size is {width} but must be >= 0")
    if width > n:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {n} but size is {width}")
    if stride <= 0:
        raise RuntimeError(f"step is {stride} but must be > 0")
    return view(UnfoldBackward0(d, width, stride), self)


def as_strided(self: Tensor, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
    """View of the tensor's memory with any shape, strides and offset, counted in elements.

    Args:
        size: shape of the view.
        stride: as many steps in memory, not negative.
        storage_offset: position of its first element in the memory of the base; by default that of ``self``.

    Gradient: each element goes back where it came from; where several came from one place, they are summed.

    Raises:
        RuntimeError: when the view would leave the memory of the base.

    Variants: function method
    """
    array, node = restrided(AsStridedBackward0, self, size, stride, storage_offset)
    out = _tensor.Tensor(array, self.dt, intern_size(array.shape))
    enabled = is_grad_enabled()
    views.set_view(out, self, views.DEFAULT if enabled else views.NO_GRAD, node)
    if enabled and requires_grad(self):
        node_for(node, self)
        out.rg = True
        out.fn = node
    if MODES.dual_level >= 0:
        strided_tangent(node, self, out)
    return out


def as_strided_(self: Tensor, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
    """In-place version of ``as_strided``: the tensor itself gets another geometry, no data move.

    Variants: function method
    """
    record = views.check_inplace(self, requires_grad(self))
    array, node = restrided(AsStridedBackward1, self, size, stride, storage_offset)
    if record:
        node_for(node, self)
    if MODES.dual_level >= 0:
        strided_tangent(node, self, self)
    replace_array(self, array)
    bump(self)
    if record:
        if self.view_of is not None:
            self.view_of.version = version_of(self)
        self.fn = node
        self.nr = 0
    return self


class AsStridedBackward1(AsStridedBackward0):
    """``as_strided_``."""


def restrided(kind: Any, x: Tensor, size: Any, stride: Any, storage_offset: Any) -> tuple[Any, AsStridedBackward0]:
    """Array with another geometry in the memory that ``x`` is in, and the node (of class ``kind``) that knows the way back."""
    shape = sizes_of((), tuple(size), "as_strided", "size")
    steps = sizes_of((), tuple(stride), "as_strided", "stride")
    own = x.storage_offset()
    offset = own if storage_offset is None else int_of(storage_offset)
    array = memory(x)
    flat = flat_memory(views.storage(x), array.dtype)
    check_geometry(shape, steps, offset, flat)
    node: AsStridedBackward0 = kind(shape, steps, offset - own, array.shape, element_strides(array))
    return _as_strided(flat[offset:], shape, tuple([s * flat.itemsize for s in steps])), node


def check_geometry(shape: tuple[int, ...], steps: tuple[int, ...], offset: int, flat: Any) -> None:
    """Refuse sizes and strides that do not go together or leave the memory."""
    if len(shape) != len(steps):
        raise RuntimeError("mismatch in length of strides and shape")
    for s in steps:
        if s < 0:
            raise RuntimeError(
                "as_strided: Negative strides are not supported at the moment, got strides: " + errors.shape_text(steps)
            )
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    need = extent(shape, steps) + offset if 0 not in shape else 0
    have = flat.size
    if need > have:
        size = flat.itemsize
        raise RuntimeError(
            f"setStorage: sizes {errors.shape_text(shape)}, strides {errors.shape_text(steps)}, storage offset {offset}, and "
            f"itemsize {size} requiring a storage size of {need * size} are out of bounds for storage of size {have * size}"
        )


def flat_memory(root: Any, dt: Any) -> Any:
    """One-dimensional view of all the memory of ``root``, as elements of another dtype if need be (real of complex)."""
    have = extent(root.shape, element_strides(root))
    return _as_strided(root, (have,), (root.itemsize,)).view(dt)


def strided_tangent(node: AsStridedBackward0, x: Tensor, out: Tensor) -> None:
    """Tangent of ``as_strided``: the same view of the tangent, laid out in memory as the primal is."""
    tangent = forward.tangent_of(x)
    if tangent is not None:
        level = forward.suspend()
        try:
            if tangent.stride() != node.base_stride and not (x.is_contiguous() and tangent.is_contiguous()):
                tangent = views.strided_clone(tangent, node.base_size, node.base_stride)
            forward.set_tangent(out, node.take(tangent))
        finally:
            forward.resume(level)


from .. import _tensor  # noqa: E402
from .._core.dtypes import intern_size  # noqa: E402
