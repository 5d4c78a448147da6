"""Images sampled at the points of a grid, and the grids of affine maps."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING
from .._core.tensor_base import TensorBase
from .._record.common import int_of, make, untracked
from .._record.general import General, general
from ..kernels import bulk as kernels
from .grid_places import BICUBIC, NEAREST, Places, count, empty_pixels, image_of, products, slopes, weights
from .join import stack
from .normalize_parts import wide

if TYPE_CHECKING:
    from .._tensor import Tensor

MODES: Final[dict[str, int]] = {"bilinear": 0, "nearest": 1, "bicubic": 2}
PADDINGS: Final[dict[str, int]] = {"zeros": 0, "border": 1, "reflection": 2}
BLOCK: Final = 1 << 15  # elements whose neighbours stand in memory at once
LARGEST: Final = 1 << 31  # pixels of an image from which kernels' 32-bit places would not do
CHANGED: Final = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)
UNIT: Final = (
    "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This is not an "
    "intended use case of affine_grid. See the documentation of affine_grid for details."
)


class GridTake(General):
    """Values of the neighbours of each point."""

    def __init__(self, places: Places) -> None:
        self.places: Places = places

    def forward(self, arrays: list[Any]) -> Any:
        return self.places.take(arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(GridPut(self.places), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [general(GridTake(self.places), [tangent])]


class GridPut(General):
    """Values added up at the neighbours of each point."""

    def __init__(self, places: Places) -> None:
        self.places: Places = places

    def forward(self, arrays: list[Any]) -> Any:
        return self.places.put(arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(GridTake(self.places), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [general(GridPut(self.places), [tangent])]


class GridSampler2DBackward0(General):
    """Weighted sums of the neighbours of each point.  With values v, weights w(f), and f linear in the grid: the gradient of
    the image is w grad, put at the neighbours; that of the grid is the sum of w'(f) v grad, times the slope of f."""

    def __init__(self, mode: int, padding: int, align_corners: bool) -> None:
        self.mode: int = mode
        self.padding: int = padding
        self.align_corners: bool = align_corners

    def input_names(self) -> list[str]:
        return ["input", "grid"]

    def saves(self) -> list[str]:
        return ["input", "grid"]

    def parameters(self) -> dict[str, Any]:
        return {
            "align_corners": self.align_corners,
            "interpolation_mode": self.mode,
            "padding_mode": self.padding,
        }

    def places(self, shape: Any, grid: Any) -> Places:
        """Where the points lie."""
        return Places(shape, grid, self.mode, self.padding, self.align_corners)

    def forward(self, arrays: list[Any]) -> Any:
        x, grid = arrays
        if self.direct(x, grid):
            return kernels.grid_sample(x, grid, self.numbers())
        rows, points = x.shape[0], count(grid.shape[1:-1])
        flat = grid.reshape((rows, points, grid.shape[-1]))
        step = max(1, BLOCK // max(1, rows * x.shape[1]))
        if points <= step:
            out = self.interpolated(x, flat)
        else:
            out = np.empty((*x.shape[:2], points), x.dtype)
            for start in range(0, points, step):
                out[..., start : start + step] = self.interpolated(x, flat[:, start : start + step])
        return out.reshape((*x.shape[:2], *grid.shape[1:-1]))

    def direct(self, x: Any, grid: Any) -> bool:
        """Whether kernels take images and points."""
        return x.ndim == 4 and count(x.shape[2:]) < LARGEST and kernels.handles(x, grid)

    def numbers(self) -> tuple[int, int, int]:
        """Mode, padding and alignment, as kernels take them."""
        return self.mode, self.padding, int(self.align_corners)

    def interpolated(self, x: Any, grid: Any) -> Any:
        """Values (rows, channels, points) at points (rows, points, dimensions)."""
        found = self.places(x.shape, grid)
        values = found.take(x)
        if self.mode == NEAREST:
            return values[:, :, 0]
        each = products([weights(self.mode, axis.fraction) for axis in found.axes])
        out = values[:, :, 0] * each[0][:, None]
        for k in range(1, len(each)):
            out += values[:, :, k] * each[k][:, None]
        return out.astype(x.dtype, copy=False)

    def weights_of(self, fractions: list[Tensor], places: Places, dt: Any) -> Tensor:
        """Weights of the neighbours, (rows, 1, neighbours, points)."""
        if self.mode == NEAREST:
            return make(np.ones((1, 1, 1, 1), dt.np))
        found: Tensor = stack(products([weights(self.mode, f) for f in fractions]), 1).unsqueeze(1)
        return found.to(dt)

    def slopes_of(self, fractions: list[Tensor], axis: int, dt: Any) -> Tensor:
        """Derivatives of the weights with respect to one fraction, (rows, 1, neighbours, points)."""
        factors = [weights(self.mode, f) for f in fractions]
        factors[axis] = slopes(self.mode, fractions[axis])
        found: Tensor = stack(products(factors), 1).unsqueeze(1)
        return found.to(dt)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        x, grid = self.tensor("input"), self.tensor("grid")
        if untracked(grad) and untracked(x) and untracked(grid) and self.direct(x.array, grid.array):
            both = kernels.grid_sample_gradients(
                grad.array, x.array, grid.array, self.numbers(), self.wanted(0), self.wanted(1)
            )
            return [None if part is None else make(part) for part in both]
        step = max(1, BLOCK // max(1, x.shp[0] * x.shp[1]))
        if count(grid.shp[1:-1]) <= step or not (untracked(grad) and untracked(x) and untracked(grid)):
            return self.gradients(grad, x, grid, None)
        points = grid.reshape((x.shp[0], count(grid.shp[1:-1]), grid.shp[-1]))
        arrived = grad.reshape((*x.shp[:2], points.shp[1]))
        pixels = empty_pixels(x.shp, x.dt.np)
        of_grid = np.empty(points.shp, grid.dt.np)
        for start in range(0, points.shp[1], step):
            size = min(step, points.shp[1] - start)
            found = self.gradients(arrived.narrow(2, start, size), x, points.narrow(1, start, size), pixels)
            if found[1] is not None:
                of_grid[:, start : start + size] = found[1].array
        return [
            make(image_of(pixels, x.shp)) if self.wanted(0) else None,
            make(of_grid.reshape(grid.shp)) if self.wanted(1) else None,
        ]

    def gradients(self, grad: Tensor, x: Tensor, grid: Tensor, pixels: Any) -> list[Tensor | None]:
        """Gradients of images and points, written over tensors; that of the images is added to ``pixels`` unless None."""
        places = self.places(x.shp, grid.array)
        fractions = places.fractions(grid)
        arrived = grad.reshape((*x.shp[:2], 1, places.index.shape[2]))
        found: list[Tensor | None] = [None, None]
        if self.wanted(0):
            values = arrived * self.weights_of(fractions, places, x.dt)
            if pixels is None:
                found[0] = general(GridPut(places), [values])
            else:
                places.add(values.array, pixels)
        if self.wanted(1):
            if self.mode == NEAREST:
                found[1] = grid.new_zeros(grid.shp)
            else:
                found[1] = self.grid_gradient(arrived * general(GridTake(places), [x]), fractions, places, grid)
        return found

    def grid_gradient(self, products_: Tensor, fractions: list[Tensor], places: Places, grid: Tensor) -> Tensor:
        """Gradient of the grid, given grad times the values of the neighbours."""
        summed = products_.sum(1, True)
        parts: list[Any] = []
        for i in range(len(fractions) - 1, -1, -1):
            along = (summed * self.slopes_of(fractions, i, grid.dt)).sum(2).squeeze(1)
            parts.append(along * make(places.axes[i].slope.astype(grid.dt.np)))
        found: Tensor = stack(parts, -1).reshape(grid.shp)
        return found

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        x, grid = inputs
        places = self.places(x.shp, grid.array)
        fractions = places.fractions(grid)
        total = results[0].new_zeros(results[0].shp)
        dx, dgrid = tangents
        if dx is not None:
            moved = general(GridTake(places), [dx]) * self.weights_of(fractions, places, x.dt)
            total = total + moved.sum(2).reshape(total.shp)
        if dgrid is not None and self.mode != NEAREST:
            values = general(GridTake(places), [x])
            steps = dgrid.reshape((x.shp[0], places.index.shape[2], len(fractions)))
            for i in range(len(fractions)):
                step = steps.select(-1, len(fractions) - 1 - i) * make(places.axes[i].slope.astype(grid.dt.np))
                change = (values * self.slopes_of(fractions, i, x.dt)).sum(2) * step.unsqueeze(1)
                total = total + change.reshape(total.shp)
        return [total]


class GridSampler3DBackward0(GridSampler2DBackward0):
    """The same for volumes."""


def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: Any = None
) -> Tensor:
    """The input's values at the points of a grid, between pixels by interpolation.

    Args:
        input: floating, of shape (rows, channels, height, width) or (rows, channels, depth, height, width).
        grid: of shape (rows, *output size, 2 or 3): x, y (and z) from -1, the left or upper end, to 1.
        mode: ``"bilinear"`` (for volumes: trilinear), ``"nearest"`` or ``"bicubic"`` (images only).
        padding_mode: beyond the edge stand ``"zeros"``, the ``"border"``, or the ``"reflection"`` of the inside.
        align_corners: whether -1 and 1 are the centres of the first and last pixels, rather than their outer edges.

    Returns:
        Shape (rows, channels, *output size).

    Gradient:
        For both; that of the grid has steps where a point crosses a pixel (0 everywhere with ``"nearest"``).

    Raises:
        RuntimeError: for shapes or dtypes that do not fit.
        ValueError: for unknown modes.

    Variants: nn
    """
    for name, given, known, text in (
        ("mode", mode, MODES, "'bilinear', 'nearest' or 'bicubic'"),
        ("padding_mode", padding_mode, PADDINGS, "'zeros', 'border', or 'reflection'"),
    ):
        if given not in known:
            raise ValueError(f"nn.functional.grid_sample(): expected {name} to be {text}, but got: '{given}'")
    if align_corners is None:
        warnings.warn(CHANGED, UserWarning, stacklevel=3)
        align_corners = False
    return sampled(input, grid, MODES[mode], PADDINGS[padding_mode], bool(align_corners))


def sampled(x: Tensor, grid: Tensor, mode: int, padding: int, align_corners: bool) -> Tensor:
    """``grid_sample`` with the modes as numbers."""
    if not isinstance(x, TensorBase) or not isinstance(grid, TensorBase):
        first = not isinstance(x, TensorBase)
        raise errors.argument_type(
            "grid_sampler", "input" if first else "grid", 1 if first else 2, "Tensor", x if first else grid
        )
    dims = len(x.shp) - 2
    sizes = f"but got input with sizes {errors.shape_text(x.shp)} and grid with sizes {errors.shape_text(grid.shp)}"
    if len(grid.shp) == 0 or x.shp[0] != grid.shp[0]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, {sizes}")
    if grid.shp[-1] != dims:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {dims} in last dimension, but got grid with sizes "
            f"{errors.shape_text(grid.shp)}"
        )
    for i in range(2, len(x.shp)):
        if x.shp[i] == 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{errors.shape_text(x.shp)} with dimension {i} being empty"
            )
    if dims not in (2, 3) or len(grid.shp) != len(x.shp):
        raise RuntimeError(f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, {sizes}")
    if dims == 3 and mode == BICUBIC:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if x.dt.category != FLOATING:
        raise errors.not_implemented(f"grid_sampler_{dims}d_cpu" + ("_kernel_impl" if dims == 2 else ""), x.dt)
    if grid.dt is not x.dt:
        raise RuntimeError(f"expected scalar type {x.dt.title} but found {grid.dt.title}")
    if dims == 2:
        return general(GridSampler2DBackward0(mode, padding, align_corners), [x, grid])
    return general(GridSampler3DBackward0(mode, padding, align_corners), [x, grid])


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: Any, padding_mode: Any, align_corners: bool
) -> Tensor:
    """``nn.functional.grid_sample`` with modes as numbers: 0 bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2 reflection.

    Variants: function
    Aliases: grid_sampler_2d grid_sampler_3d
    """
    return sampled(input, grid, checked_code(interpolation_mode), checked_code(padding_mode), align_corners)


def checked_code(value: Any) -> int:
    """The number of a mode."""
    code = int_of(value)
    if not 0 <= code <= 2:
        raise ValueError(f"grid_sampler(): there are modes 0, 1 and 2, but got {code}")
    return code


class AffineGridGeneratorBackward0(General):
    """The points of a regular grid, mapped by an affine map for each row: linear in the map."""

    def __init__(self, size: tuple[int, ...], align_corners: bool) -> None:
        self.size: tuple[int, ...] = size
        self.align_corners: bool = align_corners

    def points(self, kind: Any) -> Any:
        """The regular grid, (points, dimensions + 1), the last column being 1."""
        ends: list[Any] = []
        for n in self.size[2:]:
            steps = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
            ends.append(steps if self.align_corners else steps * ((n - 1) / n))
        places = np.meshgrid(*ends, indexing="ij")
        columns = [p.reshape(-1) for p in reversed(places)]
        return np.stack([*columns, np.ones_like(columns[0])], -1).astype(kind)

    def forward(self, arrays: list[Any]) -> Any:
        theta = arrays[0]
        kind = wide(theta)
        mapped = np.matmul(self.points(kind), theta.astype(kind, copy=False).swapaxes(-1, -2))
        return mapped.reshape((theta.shape[0], *self.size[2:], len(self.size) - 2)).astype(theta.dtype, copy=False)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        rows = grad.reshape((self.size[0], count(self.size[2:]), len(self.size) - 2))
        return [rows.transpose(1, 2) @ make(self.points(grad.dt.np))]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [(make(self.points(tangent.dt.np)) @ tangent.transpose(1, 2)).reshape(results[0].shp)]

    def parameters(self) -> dict[str, Any]:
        return {"align_corners": self.align_corners, "size": self.size}


def affine_grid(theta: Tensor, size: Any, align_corners: Any = None) -> Tensor:
    """The grid for ``grid_sample`` that maps an image affinely: theta times (x, y, 1) at each point of the output.

    Args:
        theta: floating, of shape (rows, 2, 3), or (rows, 3, 4) for volumes.
        size: of the output image, (rows, channels, height, width) or (rows, channels, depth, height, width).
        align_corners: as for ``grid_sample``.

    Returns:
        Shape (rows, height, width, 2) or (rows, depth, height, width, 3).

    Raises:
        ValueError: for shapes or dtypes that do not fit.

    Variants: nn
    """
    if align_corners is None:
        warnings.warn(CHANGED, UserWarning, stacklevel=3)
        align_corners = False
    if not isinstance(theta, TensorBase):
        raise errors.argument_type("affine_grid", "theta", 1, "Tensor", theta)
    if theta.dt.category != FLOATING:
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dt!r}")
    shown = tuple(size)
    dims = len(shown) - 2
    if dims not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {shown}."
        )
    if len(theta.shp) != 3 or theta.shp[1] != dims or theta.shp[2] != dims + 1:
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {shown}. Got {theta.shp!r}."
        )
    if align_corners and min(shown[2:]) == 1:
        warnings.warn(UNIT, UserWarning, stacklevel=3)
    elif min(shown) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {shown}")
    return affine_grid_generator(theta, size, bool(align_corners))


def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """``nn.functional.affine_grid`` without its checks of shapes.

    Variants: function
    """
    whole = tuple([int_of(n, "size") for n in size])
    if whole[0] != theta.shp[0]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{whole[0]}, {len(whole) - 1}] but got: "
            f"[{theta.shp[0]}, {theta.shp[2]}]."
        )
    return general(AffineGridGeneratorBackward0(whole, align_corners), [theta])
