"""Views that regroup, repeat, add or drop dimensions: the same elements under another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, int64, intern_size, parse_dtype
from .._core.dtypes import dtype as DType
from .._core.tensor_base import TensorBase
from .._record.common import converted, sum_to, wrap_dim, wrap_dims
from .._record.general import General, general
from .._record.view import View, view_metadata_
from .._record.view import view as run_view
from .fill import clone
from .sizes import count, inferred, listed, sizes_of
from .strides import same_memory, strided

if TYPE_CHECKING:
    from .._tensor import Tensor

NOT_VIEWABLE: Final = (
    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous "
    "subspaces). Use .reshape(...) instead."
)


class Regrouping(View):
    """Base of the views that keep the order of the elements: the gradient takes the old shape back."""

    def grad_self(self, grad: Tensor) -> Tensor:
        return reshape(grad, self.shape)

    def parameters(self) -> dict[str, Any]:
        return {"self_sym_sizes": tuple(self.shape)}


class ViewBackward0(Regrouping):
    """The same elements in row-major order under another shape."""

    def __init__(self, size: tuple[int, ...]) -> None:
        self.size: tuple[int, ...] = size

    def forward(self, x: Any) -> Any:
        out = same_memory(x, self.size)
        if out is None:
            raise RuntimeError(errors.with_hints(NOT_VIEWABLE, "try: reshape(), which copies where it must"))
        return out

    def again(self) -> View:
        return ViewBackward0(self.size)


class ReshapeAliasBackward0(ViewBackward0):
    """The same of a tensor with gaps, or in another order, for which ``reshape`` needs no copy."""

    def again(self) -> View:
        return ReshapeAliasBackward0(self.size)


class UnsafeViewBackward0(General):
    """Another shape for a fresh copy that nobody else refers to: not a view."""

    def __init__(self, size: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self.size: tuple[int, ...] = size
        self.shape: tuple[int, ...] = shape

    def forward(self, arrays: list[Any]) -> Any:
        return arrays[0].reshape(self.size)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [reshape(grad, self.shape)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [reshape(tangent, self.size)]

    def parameters(self) -> dict[str, Any]:
        return {"self_sym_sizes": tuple(self.shape)}


class AliasBackward0(View):
    """The whole tensor as a view of itself."""

    def forward(self, x: Any) -> Any:
        return x

    def grad_self(self, grad: Tensor) -> Tensor:
        return grad

    def again(self) -> View:
        return AliasBackward0()


class ExpandBackward0(View):
    """Dimensions of size 1 repeated without copying; the gradient is summed over them."""

    def __init__(self, size: tuple[int, ...]) -> None:
        self.size: tuple[int, ...] = size

    def forward(self, x: Any) -> Any:
        if not isinstance(x, np.ndarray):
            return x.expanded(self.size)  # a value that fuse traces
        lead = len(self.size) - x.ndim
        strides = [0] * lead + list(x.strides)
        for i in range(x.ndim):
            if x.shape[i] == 1 and self.size[i + lead] != 1:
                strides[i + lead] = 0
        return strided(x, self.size, tuple(strides))

    def grad_self(self, grad: Tensor) -> Tensor:
        return sum_to(grad, self.shape)

    def again(self) -> View:
        return ExpandBackward0(self.size)

    def parameters(self) -> dict[str, Any]:
        return {"self_sym_sizes": tuple(self.shape)}


class Squeezing(Regrouping):
    """Base of the nodes that drop dimensions of size 1."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims: tuple[int, ...] = dims

    def forward(self, x: Any) -> Any:
        drop = [d for d in self.dims if d < x.ndim and x.shape[d] == 1]
        return x.squeeze(axis=tuple(drop)) if len(drop) > 0 else x


class SqueezingDim(Squeezing):
    """Base of the nodes that drop one dimension."""

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dims[0], "self_sym_sizes": tuple(self.shape)}


class SqueezingDims(Squeezing):
    """Base of the nodes that drop several dimensions."""

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dims, "self_sym_sizes": tuple(self.shape)}


class SqueezeBackward0(Squeezing):
    """All dimensions of size 1 dropped."""

    def again(self) -> View:
        return SqueezeBackward0(self.dims)


class SqueezeBackward1(SqueezingDim):
    """One dimension dropped if it has size 1."""

    def again(self) -> View:
        return SqueezeBackward1(self.dims)


class SqueezeBackward2(SqueezingDims):
    """Those of several dimensions dropped that have size 1."""

    def again(self) -> View:
        return SqueezeBackward2(self.dims)


class SqueezeBackward3(Squeezing):
    """``squeeze_()``."""

    def again(self) -> View:
        return SqueezeBackward3(self.dims)


class SqueezeBackward4(SqueezingDim):
    """``squeeze_(dim)``."""

    def again(self) -> View:
        return SqueezeBackward4(self.dims)


class SqueezeBackward5(SqueezingDims):
    """``squeeze_(dims)``."""

    def again(self) -> View:
        return SqueezeBackward5(self.dims)


class Unsqueezing(Regrouping):
    """Base of the nodes that insert a dimension of size 1."""

    def __init__(self, dim: int) -> None:
        self.dim: int = dim

    def forward(self, x: Any) -> Any:
        return x.reshape((*x.shape[: self.dim], 1, *x.shape[self.dim :]))

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


class UnsqueezeBackward0(Unsqueezing):
    """A dimension of size 1 inserted."""

    def again(self) -> View:
        return UnsqueezeBackward0(self.dim)


class UnsqueezeBackward1(Unsqueezing):
    """``unsqueeze_``."""

    def again(self) -> View:
        return UnsqueezeBackward1(self.dim)


def view(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """The same memory under another shape, or (with a dtype) the same bytes as another type.

    Args:
        sizes: one by one or as one sequence (also as ``size=``); one may be -1 and is inferred. Or a dtype.

    Returns:
        A view.

    Gradient: takes the shape of ``self`` back.

    Raises:
        RuntimeError: when the number of elements differs, or the strides allow no such view (use ``reshape``).

    Variants: method
    """
    given = sizes[0] if len(sizes) == 1 else dtype
    if isinstance(given, (DType, type)):
        return complex_views.view_dtype(self, parse_dtype(given, "view"))
    if len(sizes) == 0 and size is None:
        raise TypeError("view() received an invalid combination of arguments - got (), but expected sizes or a dtype")
    return run_view(ViewBackward0(inferred(sizes_of(sizes, size, "view"), int(self.array.size))), self)


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """``self.view(other.shape)``.

    Variants: method
    """
    return view(self, other.shp)


def reshape(self: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements in row-major order under another shape: a view where possible, else a copy.

    Args:
        sizes: one by one or as one sequence (also as ``shape=``); one may be -1 and is inferred.

    Gradient: takes the shape of ``self`` back.

    Raises:
        RuntimeError: when the number of elements differs.

    Variants: function method
    """
    wanted = inferred(sizes_of(sizes, shape, "reshape", "shape"), int(self.array.size))
    if self.array.flags.c_contiguous:
        return run_view(ViewBackward0(wanted), self)
    if same_memory(self.array, wanted) is not None:
        return run_view(ReshapeAliasBackward0(wanted), self)
    return general(UnsafeViewBackward0(wanted, self.shp), [clone(self, "contiguous_format")])


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """``self.reshape(other.shape)``.

    Variants: method
    """
    return reshape(self, other.shp)


def flatten(self: Tensor, start_dim: Any = 0, end_dim: Any = -1) -> Tensor:
    """Dimensions ``start_dim`` to ``end_dim`` (both included) joined into one.

    Returns:
        ``self`` when there is nothing to join, else as ``reshape``.

    Raises:
        RuntimeError: when ``start_dim`` comes after ``end_dim``.

    Variants: function method
    """
    ndim = len(self.shp)
    start = wrap_dim(start_dim, ndim)
    end = wrap_dim(end_dim, ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if ndim == 0:
        return reshape(self, (1,))
    if start == end:
        return self
    return reshape(self, (*self.shp[:start], count(self.shp[start : end + 1]), *self.shp[end + 1 :]))


def ravel(self: Tensor) -> Tensor:
    """All elements in row-major order in one dimension: a view where possible.

    Variants: function method
    """
    return view(contiguous(self), (-1,))


def unflatten(self: Tensor, dim: Any, sizes: Any) -> Tensor:
    """Dimension ``dim`` split into dimensions of the given sizes, of which one may be -1.

    Raises:
        RuntimeError: when the sizes do not multiply to that of the dimension.

    Variants: function method
    """
    if len(sizes) == 0:
        raise RuntimeError("unflatten: sizes must be non-empty")
    d = wrap_dim(dim, len(self.shp))
    parts = sizes_of((), tuple(sizes), "unflatten", "sizes")
    n = self.shp[d]
    known = count(tuple([p for p in parts if p != -1]))
    if parts.count(-1) > 1:
        raise RuntimeError("unflatten: only one dimension can be inferred")
    if (known == 0 or n % known != 0) if -1 in parts else known != n:
        raise RuntimeError(
            f"unflatten: Provided sizes {errors.shape_text(parts)} don't multiply up to the size of dim {d} ({n}) in the "
            "input tensor"
        )
    return view(self, (*self.shp[:d], *inferred(parts, n), *self.shp[d + 1 :]))


def alias(self: Tensor) -> Tensor:
    """The whole tensor as a view of itself (``x[...]``)."""
    return run_view(AliasBackward0(), self)


def expand(self: Tensor, *sizes: Any, size: Any = None, implicit: bool = False) -> Tensor:
    """Dimensions of size 1 repeated without copying; new dimensions may come in front.

    Args:
        sizes: one by one or as one sequence; -1 keeps the size of an existing dimension.

    Returns:
        A view with stride 0 where it repeats: many elements share one place, so it cannot be written to element by element.

    Gradient: summed over the repeated dimensions.

    Raises:
        RuntimeError: when another size than 1 would change, or there are too few sizes.

    Variants: method
    """
    return run_view(ExpandBackward0(expanded_size(self, sizes_of(sizes, size, "expand"))), self)


def expanded_size(x: TensorBase, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The target of an expansion, with -1 filled in; refuses targets that do not fit."""
    shape = x.shp
    lead = len(sizes) - len(shape)
    if lead < 0:
        raise RuntimeError(
            f"expand({errors.tensor_type_name(x.dt)}{{{errors.shape_text(shape)}}}, size={errors.shape_text(sizes)}): the number of "
            f"sizes provided ({len(sizes)}) must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    target = list(sizes)
    for i in range(len(sizes)):
        n = sizes[i]
        if i < lead:
            if n < 0:
                raise RuntimeError(
                    f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}"
                )
        elif n == -1:
            target[i] = shape[i - lead]
        elif n != shape[i - lead] and shape[i - lead] != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({shape[i - lead]}) at non-singleton "
                f"dimension {i}.  Target sizes: {errors.shape_text(sizes)}.  Tensor sizes: {errors.shape_text(shape)}"
            )
    return tuple(target)


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """``self.expand(other.shape)``.

    Variants: method
    """
    return expand(self, other.shp)


def broadcast_to(self: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """``self.expand(size)``.

    Variants: function method
    """
    return expand(self, sizes_of(sizes, size, "broadcast_to"))


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which the given shapes broadcast.

    Raises:
        RuntimeError: when they do not.

    Example:
        >>> broadcast_shapes((2, 1), (3,))
        torch.Size([2, 3])

    Variants: function
    """
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    found = [1] * max([len(s) for s in given], default=0)
    for index, shape in enumerate(given):
        for i in range(-1, -1 - len(shape), -1):
            n = shape[i]
            if n < 0:
                raise ValueError("Attempting to broadcast a dimension with negative length!")
            if found[i] == 1:
                found[i] = n
            elif n != 1 and n != found[i]:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at {i}! Mismatching argument at index {index} had "
                    f"{shape}; but expected shape should be broadcastable to {found}"
                )
    return intern_size(tuple(found))


def broadcast_tensors(*tensors: Any) -> Any:
    """The tensors expanded to their common shape: a tuple of views; those that have it already are returned as they are.

    Raises:
        RuntimeError: when they do not broadcast.

    Variants: function
    """
    found = listed(tensors, None)
    shape: tuple[int, ...] = ()
    for i, t in enumerate(found):
        if not isinstance(t, TensorBase):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}")
        shape = common_size(shape, t.shp)
    return tuple([t if t.shp == shape else expand(t, shape) for t in found])


def common_size(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Shape to which two shapes broadcast."""
    try:
        return tuple(np.broadcast_shapes(a, b))
    except ValueError:
        raise errors.broadcast(a, b) from None


def squeeze(self: Tensor, dim: Any = None) -> Tensor:
    """Dimensions of size 1 dropped: all of them, or those named that have size 1.

    Args:
        dim: an int or a tuple of ints.

    Returns:
        A view.

    Variants: function method
    """
    ndim = len(self.shp)
    if dim is None:
        return run_view(SqueezeBackward0(tuple(range(ndim))), self)
    if isinstance(dim, (tuple, list)):
        return run_view(SqueezeBackward2(wrap_dims(dim, ndim) if len(dim) > 0 else ()), self)
    return run_view(SqueezeBackward1((wrap_dim(dim, ndim),)), self)


def squeeze_(self: Tensor, dim: Any = None) -> Tensor:
    """In-place version of ``squeeze``: the tensor itself gets another shape.

    Variants: method
    """
    ndim = len(self.shp)
    if dim is None:
        return view_metadata_(SqueezeBackward3(tuple(range(ndim))), self)
    if isinstance(dim, (tuple, list)):
        return view_metadata_(SqueezeBackward5(wrap_dims(dim, ndim) if len(dim) > 0 else ()), self)
    return view_metadata_(SqueezeBackward4((wrap_dim(dim, ndim),)), self)


def unsqueeze(self: Tensor, dim: Any) -> Tensor:
    """A dimension of size 1 inserted before dimension ``dim`` (from ``-ndim - 1`` to ``ndim``).

    Returns:
        A view.

    Variants: function method
    """
    return run_view(UnsqueezeBackward0(wrap_dim(dim, len(self.shp) + 1)), self)


def unsqueeze_(self: Tensor, dim: Any) -> Tensor:
    """In-place version of ``unsqueeze``: the tensor itself gets another shape.

    Variants: method
    """
    return view_metadata_(UnsqueezeBackward1(wrap_dim(dim, len(self.shp) + 1)), self)


def sum_to_size(self: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """Sum over leading dimensions and over those where ``size`` is 1, so that the result has shape ``size``.

    Returns:
        ``self`` when it has that shape already.

    Raises:
        RuntimeError: when ``size`` does not broadcast to the shape of ``self``.

    Variants: method
    """
    wanted = intern_size(sizes_of(sizes, size, "sum_to_size"))
    lead = len(self.shp) - len(wanted)
    for i, n in enumerate(wanted):
        if lead < 0 or (n != 1 and n != self.shp[i + lead]):
            raise RuntimeError(
                f"size {{{errors.shape_text(wanted)}}} is not expandable to size {{{errors.shape_text(self.shp)}}}."
            )
    if wanted is self.shp:
        return self
    return sum_to(self if self.dt.category >= FLOATING else converted(self, int64), wanted)


def atleast_1d(*tensors: Any) -> Any:
    """Tensors with at least one dimension: a 0-d tensor gets shape (1,). Several give a tuple.

    Variants: function
    """
    return at_least(tensors, 1)


def atleast_2d(*tensors: Any) -> Any:
    """Tensors with at least two dimensions: shape (n,) becomes (1, n). Several give a tuple.

    Variants: function
    """
    return at_least(tensors, 2)


def atleast_3d(*tensors: Any) -> Any:
    """Tensors with at least three dimensions: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1). Several give a tuple.

    Variants: function
    """
    return at_least(tensors, 3)


def at_least(tensors: tuple[Any, ...], ndim: int) -> Any:
    """``atleast_1d`` to ``atleast_3d``."""
    found = listed(tensors, None)
    for i, t in enumerate(found):
        if not isinstance(t, TensorBase):
            raise errors.argument_type(f"atleast_{ndim}d", "tensors", i + 1, "Tensor", t)
    results = [opened(t, ndim) for t in found]
    single = len(tensors) == 1 and isinstance(tensors[0], TensorBase)
    return results[0] if single else tuple(results)


def opened(t: Tensor, ndim: int) -> Tensor:
    """A tensor brought to ``ndim`` dimensions as NumPy does it."""
    have = len(t.shp)
    if have >= ndim:
        return t
    if have == 0:
        return reshape(t, (1,) * ndim)
    if ndim == 2:
        return unsqueeze(t, 0)
    return unsqueeze(t, -1) if have == 2 else unsqueeze(unsqueeze(t, 0), -1)


from . import complex_views  # noqa: E402
from .fill import contiguous  # noqa: E402
