"""Numerical derivatives of sampled functions: ``wengert.gradient``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.tensor_base import TensorBase
from .._record.common import int_of, is_number
from .join import cat
from .sizes import distinct_dims

if TYPE_CHECKING:
    from .._tensor import Tensor


def gradient(self: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: Any = 1) -> tuple[Tensor, ...]:
    """Derivatives of a function given by its values at the points of a grid, estimated to second order inside.

    Args:
        self: values.
        spacing: distance between neighbours, one number for all dimensions (1 without it) or one each; or for every dimension
            a 1-d tensor with the coordinates of its points.
        dim: an int or several, all without it.
        edge_order: 1 or 2, order of the estimates at the borders.

    Returns:
        One tensor shaped as ``self`` for every dimension in ``dim``.

    Gradient: to the values and to the coordinates.

    Raises:
        RuntimeError: when ``spacing`` and ``dim`` do not fit together, or a dimension has fewer than ``edge_order + 1`` points.

    Example:
        >>> import wengert as wg
        >>> wg.gradient(wg.tensor([1.0, 4.0, 9.0, 16.0]))
        (tensor([3., 4., 6., 7.]),)

    Variants: function
    """
    order = int_of(edge_order, "edge_order")
    dims = checked(self, spacing, dim, order)
    given = spaces(spacing, len(dims))
    found: list[Tensor] = []
    for d, space in zip(dims, given, strict=True):
        if isinstance(space, TensorBase):
            if space.shp[0] != self.shp[d]:
                raise RuntimeError(
                    f"torch.gradient expected {self.shp[d]} coordinates for dimension {d}, but got {space.shp[0]}"
                )
            found.append(uneven(self, space, d, order))  # type: ignore[arg-type]
        else:
            found.append(even(self, space, d, order))
    return tuple(found)


def checked(x: TensorBase, spacing: Any, dim: Any, order: int) -> list[int]:
    """The dimensions, after the checks of all arguments."""
    ndim = len(x.shp)
    if x.dt.name == "uint8":
        raise RuntimeError("torch.gradient does not support uint8 input.")
    given = None if dim is None else (list(dim) if isinstance(dim, (tuple, list)) else [dim])
    if isinstance(spacing, (tuple, list)):
        if given is None and len(spacing) != ndim:
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = "
                f"{ndim}', since dim argument was not given, but got a list of length {len(spacing)}"
            )
        if given is not None and len(spacing) != len(given):
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the "
                f"same length, but got a spacing argument of length {len(spacing)} and a dim argument of length {len(given)}."
            )
    if order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = list(range(ndim)) if given is None else distinct_dims(given, ndim)
    for d in dims:
        if x.shp[d] < order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return dims


def spaces(spacing: Any, count: int) -> list[Any]:
    """A number, or a tensor of coordinates, for every dimension."""
    if spacing is None:
        return [1] * count
    if not isinstance(spacing, (tuple, list)):
        return [plain(spacing)] * count
    coordinates = any(isinstance(s, TensorBase) and len(s.shp) > 0 for s in spacing)
    if not coordinates:
        return [plain(s) for s in spacing]
    for i, s in enumerate(spacing):
        if not isinstance(s, TensorBase):
            raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type(s).__name__}")
        if len(s.shp) != 1:
            raise RuntimeError(
                "torch.gradient expected each element of spacing to have one dimension, but got an element with "
                f"{len(s.shp)} dimensions!"
            )
    return list(spacing)


def plain(value: Any) -> Any:
    """A distance as a Python number."""
    if isinstance(value, TensorBase) and len(value.shp) == 0:
        return value.array.item()
    if not is_number(value):
        raise TypeError(f"gradient(): argument 'spacing' must be Number, not {type(value).__name__}")
    return value


def part(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """``length`` points along a dimension; negative ``start`` counts from the end."""
    return x.narrow(dim, start + x.shp[dim] if start < 0 else start, length)


def even(x: Tensor, step: Any, dim: int, order: int) -> Tensor:
    """Derivative along a dimension of equidistant points."""
    n = x.shp[dim]
    if order == 1:
        first = (part(x, dim, 1, 1) - part(x, dim, 0, 1)) / step
        last = (part(x, dim, -1, 1) - part(x, dim, -2, 1)) / step
    else:
        first = (-1.5 * part(x, dim, 0, 1) + 2 * part(x, dim, 1, 1) - 0.5 * part(x, dim, 2, 1)) / step
        last = (1.5 * part(x, dim, -1, 1) - 2 * part(x, dim, -2, 1) + 0.5 * part(x, dim, -3, 1)) / step
    inner = (part(x, dim, 2, n - 2) - part(x, dim, 0, n - 2)) / (2 * step)
    return cat([first, inner, last], dim)


def uneven(x: Tensor, coordinates: Tensor, dim: int, order: int) -> Tensor:
    """Derivative along a dimension of points at the given coordinates: of the parabola through a point and its neighbours."""
    n = x.shp[dim]
    shape = (1,) * dim + (n - 1,) + (1,) * (len(x.shp) - 1 - dim)
    steps = (coordinates.narrow(0, 1, n - 1) - coordinates.narrow(0, 0, n - 1)).reshape(shape)
    if order == 1:
        first = (part(x, dim, 1, 1) - part(x, dim, 0, 1)) / part(steps, dim, 0, 1)
        last = (part(x, dim, -1, 1) - part(x, dim, -2, 1)) / part(steps, dim, -1, 1)
    else:
        first = one_sided(part(x, dim, 0, 3), part(steps, dim, 0, 1), part(steps, dim, 1, 1), dim)
        last = one_sided(part(x, dim, -3, 3).flip(dim), -part(steps, dim, -1, 1), -part(steps, dim, -2, 1), dim)
    before, after = part(steps, dim, 0, n - 2), part(steps, dim, 1, n - 2)
    total = before + after
    inner = (
        -after / (before * total) * part(x, dim, 0, n - 2)
        + (after - before) / (before * after) * part(x, dim, 1, n - 2)
        + before / (after * total) * part(x, dim, 2, n - 2)
    )
    return cat([first, inner, last], dim)


def one_sided(x: Tensor, near: Tensor, far: Tensor, dim: int) -> Tensor:
    """Derivative at the first of three points, which are ``near`` and then ``far`` apart."""
    total = near + far
    return (
        -(near + total) / (near * total) * part(x, dim, 0, 1)
        + total / (near * far) * part(x, dim, 1, 1)
        - near / (far * total) * part(x, dim, 2, 1)
    )
