"""Views with the dimensions in another order."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

from .._record.common import wrap_dim
from .._record.view import View, view, view_metadata_
from .sizes import sizes_of

if TYPE_CHECKING:
    from .._tensor import Tensor


class TBackward0(View):
    """Rows and columns of a matrix exchanged."""

    def forward(self, x: Any) -> Any:
        return x.T

    def grad_self(self, grad: Tensor) -> Tensor:
        return t(grad)

    def again(self) -> View:
        return TBackward0()


class TBackward1(TBackward0):
    """``t_``."""

    def again(self) -> View:
        return TBackward1()


class TransposeBackward0(View):
    """Two dimensions exchanged."""

    def __init__(self, dim0: int, dim1: int) -> None:
        self.dim0: int = dim0
        self.dim1: int = dim1

    def forward(self, x: Any) -> Any:
        return x.swapaxes(self.dim0, self.dim1) if x.ndim > 0 else x

    def grad_self(self, grad: Tensor) -> Tensor:
        return view(TransposeBackward0(self.dim0, self.dim1), grad)

    def again(self) -> View:
        return TransposeBackward0(self.dim0, self.dim1)

    def parameters(self) -> dict[str, Any]:
        return {"dim0": self.dim0, "dim1": self.dim1}


class TransposeBackward1(TransposeBackward0):
    """``transpose_``."""

    def again(self) -> View:
        return TransposeBackward1(self.dim0, self.dim1)


class PermuteBackward0(View):
    """The dimensions in another order."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims: tuple[int, ...] = dims

    def forward(self, x: Any) -> Any:
        return x.transpose(self.dims)

    def grad_self(self, grad: Tensor) -> Tensor:
        back = [0] * len(self.dims)
        for i, d in enumerate(self.dims):
            back[d] = i
        return view(PermuteBackward0(tuple(back)), grad)

    def again(self) -> View:
        return PermuteBackward0(self.dims)

    def parameters(self) -> dict[str, Any]:
        return {"dims": self.dims}


def t(self: Tensor) -> Tensor:
    """The transposed matrix; vectors and 0-d tensors stay as they are.

    Returns:
        A view.

    Gradient: transposed.

    Raises:
        RuntimeError: for more than two dimensions.

    Variants: function method
    """
    check_matrix(self, "t")
    return view(TBackward0(), self)


def t_(self: Tensor) -> Tensor:
    """In-place version of ``t``: the tensor itself is transposed, no data move.

    Variants: method
    """
    check_matrix(self, "t_")
    return view_metadata_(TBackward1(), self)


def check_matrix(x: Tensor, name: str) -> None:
    """Refuse more than two dimensions."""
    if len(x.shp) > 2:
        raise RuntimeError(f"{name}() expects a tensor with <= 2 dimensions, but self is {len(x.shp)}D")


def transpose(self: Tensor, dim0: Any, dim1: Any) -> Tensor:
    """Dimensions ``dim0`` and ``dim1`` exchanged.

    Returns:
        A view.

    Gradient: exchanged back.

    Variants: function method
    Aliases: swapaxes swapdims
    """
    ndim = len(self.shp)
    return view(TransposeBackward0(wrap_dim(dim0, ndim), wrap_dim(dim1, ndim)), self)


def transpose_(self: Tensor, dim0: Any, dim1: Any) -> Tensor:
    """In-place version of ``transpose``: the tensor itself gets the other order, no data move.

    Variants: method
    Aliases: swapaxes_ swapdims_
    """
    ndim = len(self.shp)
    return view_metadata_(TransposeBackward1(wrap_dim(dim0, ndim), wrap_dim(dim1, ndim)), self)


def permute(self: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in the order given.

    Args:
        order: every dimension once, one by one or as one sequence (also as ``dims=``).

    Returns:
        A view.

    Gradient: permuted back.

    Raises:
        RuntimeError: when a dimension is missing or named twice.

    Variants: function method
    """
    given = sizes_of(order, dims, "permute", "dims")
    ndim = len(self.shp)
    if len(given) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering "
            f"of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(given)}"
        )
    found = tuple([wrap_dim(d, ndim) for d in given])
    if len(set(found)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return view(PermuteBackward0(found), self)


def movedim(self: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other positions, the rest in the old order.

    Args:
        source: an int or a tuple of ints.
        destination: as many positions.

    Raises:
        RuntimeError: when their numbers differ or a dimension is named twice.

    Variants: function method
    Aliases: moveaxis
    """
    froms = (source,) if isinstance(source, int) else tuple(source)
    to = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(froms) != len(to):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(froms)} dims) should contain the same number of dims "
            f"as destination ({list(to)} dims)"
        )
    ndim = len(self.shp)
    taken = moved_dims(froms, ndim, "source")
    places = dict(zip(moved_dims(to, ndim, "destination"), taken, strict=True))
    if ndim == 0:
        return shape.alias(self)
    rest = iter([d for d in range(ndim) if d not in taken])
    return permute(self, tuple([places[i] if i in places else next(rest) for i in range(ndim)]))


def moved_dims(dims: tuple[Any, ...], ndim: int, name: str) -> list[int]:
    """Dimensions counted from the front; refuses repetitions."""
    found = [wrap_dim(d, ndim) for d in dims]
    if len(set(found)) != len(found):
        raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(dims)})")
    return found


def numpy_T(self: Tensor) -> Tensor:
    """The dimensions in reverse order; for batches of matrices use ``mT``.

    Variants: property
    Name: T
    """
    ndim = len(self.shp)
    if ndim == 0:
        warnings.warn(IDENTITY.format("Tensor.T"), UserWarning, stacklevel=3)
    elif ndim != 2:
        warnings.warn(REVERSED, UserWarning, stacklevel=3)
    return permute(self, tuple(range(ndim - 1, -1, -1)))


IDENTITY: Final = "{} is deprecated on 0-D tensors. This function is the identity in these cases."
CONJUGATE: Final = "{} is deprecated on 0-D tensors. Consider using x.conj()."
REVERSED: Final = (
    "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error in a "
    "future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to "
    "reverse the dimensions of a tensor."
)


def matrix_T(self: Tensor) -> Tensor:
    """The last two dimensions exchanged.

    Raises:
        RuntimeError: for fewer than two dimensions.

    Variants: property
    Name: mT
    """
    check_batch(self, "mT")
    if len(self.shp) == 0:
        warnings.warn(IDENTITY.format("Tensor.mT"), UserWarning, stacklevel=3)
        return self
    return transpose(self, -2, -1)


def matrix_H(self: Tensor) -> Tensor:
    """The last two dimensions exchanged, the elements conjugated.

    Variants: property
    Name: mH
    """
    check_batch(self, "mH")
    return conjugate_transpose(self, "Tensor.mH")


def check_batch(x: Tensor, name: str) -> None:
    """Refuse vectors, which have no transposed matrix."""
    if len(x.shp) == 1:
        raise RuntimeError(
            f"tensor.{name} is only supported on matrices or batches of matrices. Got {len(x.shp)}-D tensor."
        )


def numpy_H(self: Tensor) -> Tensor:
    """The transposed matrix with conjugated elements.

    Raises:
        RuntimeError: for other than two dimensions.

    Variants: property
    Name: H
    """
    if len(self.shp) != 2 and len(self.shp) != 0:
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {len(self.shp)}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if len(self.shp) > 2 else "")
        )
    return conjugate_transpose(self, "Tensor.H")


def adjoint(self: Tensor) -> Tensor:
    """The last two dimensions exchanged, the elements conjugated.

    Raises:
        RuntimeError: for a vector.

    Variants: function method
    """
    check_batch(self, "adjoint()")
    return conjugate_transpose(self, "adjoint()")


def conjugate_transpose(x: Tensor, name: str) -> Tensor:
    """The last two dimensions exchanged, the elements conjugated."""
    if len(x.shp) == 0:
        warnings.warn(CONJUGATE.format(name), UserWarning, stacklevel=4)
        return x.conj()
    return transpose(x, -2, -1).conj()


from . import shape  # noqa: E402
