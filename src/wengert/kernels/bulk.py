"""Kernels over whole arrays: convolution, pooling, rows by number, running sums, the largest of each row.

``handles`` says whether the compiled module takes an array; where it does not, the operators' NumPy code beside the call is
the reference and does the work. Functions return fresh arrays and take any strides; shapes are the caller's to check.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from . import _load
from .memory import empty as _empty
from .memory import room_for_slope
from .tracing import Traced

_native: Any = _load.MODULE
_SINGLE: Final = np.dtype(np.float32)
_DOUBLE: Final = np.dtype(np.float64)
_FLOATS: Final = (_SINGLE, _DOUBLE)
_WORDS: Final = (*_FLOATS, np.dtype(np.int32), np.dtype(np.int64))
_INT64: Final = np.dtype(np.int64)
_contiguous: Final[Any] = np.ascontiguousarray


def handles(*arrays: Any) -> bool:
    """Whether kernels run and take these arrays: float32 or float64, all of one dtype, none empty, no values of a formula."""
    if _native is None:
        return False
    dtype = arrays[0].dtype
    return (dtype is _SINGLE or dtype is _DOUBLE or dtype in _FLOATS) and _are_alike(arrays, dtype)


def moves(*arrays: Any) -> bool:
    """The same for kernels that also take int32 and int64."""
    if _native is None:
        return False
    dtype = arrays[0].dtype
    return (dtype is _SINGLE or dtype is _DOUBLE or dtype in _WORDS) and _are_alike(arrays, dtype)


def _are_alike(arrays: tuple[Any, ...], dtype: Any) -> bool:
    for a in arrays:  # noqa: SIM110 (a generator takes longer than the rest)
        if (a.dtype is not dtype and a.dtype != dtype) or type(a) is Traced or a.size == 0:
            return False
    return True


def empty(shape: Any, dtype: Any) -> Any:
    """An uninitialised array in C order, of recycled memory; any sequence is a shape."""
    return _empty(tuple(shape), dtype)


def three(values: Any, fill: int) -> list[int]:
    """One number for each of three dimensions."""
    return [fill] * (3 - len(values)) + [int(v) for v in values]


# -- convolution -------------------------------------------------------------------------------------------------------


def window_numbers(*values: Any) -> list[int]:
    """Sizes, numbers and kernels of windows, their strides, paddings and dilations, three of each."""
    numbers: list[int] = []
    for given, fill in zip(values, (1, 1, 1, 1, 0, 1), strict=True):
        numbers += three(given, fill)
    return numbers


def _convolution(samples: int, channels: int, weight_shape: Any, sweep: Any) -> list[int]:
    return [samples, channels, weight_shape[0], sweep.groups, *sweep.numbers]


def convolved(x: Any, weight: Any, bias: Any, sweep: Any) -> Any:
    """The convolution (samples, out channels, *out) of x (samples, channels, *size)."""
    y = empty((x.shape[0], weight.shape[0], *sweep.out), x.dtype)
    numbers = _convolution(x.shape[0], x.shape[1], weight.shape, sweep)
    shift = None if bias is None else _contiguous(bias)
    _native.conv_forward(_contiguous(x), _contiguous(weight), shift, y, *numbers)
    return y


def input_gradient(grad: Any, weight: Any, channels: int, sweep: Any) -> Any:
    """Gradient of the input (samples, channels, *size) of a convolution."""
    out = empty((grad.shape[0], channels, *sweep.size), grad.dtype)
    numbers = _convolution(grad.shape[0], channels, weight.shape, sweep)
    _native.conv_grad_input(_contiguous(grad), _contiguous(weight), out, *numbers)
    return out


def weight_gradient(grad: Any, x: Any, sweep: Any) -> Any:
    """Gradient of the weight (out channels, channels of a group, *kernel) of a convolution."""
    out = empty((grad.shape[1], x.shape[1] // sweep.groups, *sweep.kernel), grad.dtype)
    numbers = _convolution(x.shape[0], x.shape[1], out.shape, sweep)
    _native.conv_grad_weight(_contiguous(grad), _contiguous(x), out, *numbers)
    return out


# -- pooling -----------------------------------------------------------------------------------------------------------


def _pooling(shape: Any, lines: Any) -> list[int]:
    columns = zip(
        *[(line.size, line.out, line.kernel, line.stride, line.padding, line.dilation) for line in lines], strict=True
    )
    return [math.prod(shape[: len(shape) - len(lines)]), *window_numbers(*columns)]


def max_pool(x: Any, lines: Any, with_positions: bool) -> tuple[Any, Any]:
    """Maximum of each window of the last dimensions, and its position in them (or None)."""
    shape = (*x.shape[: x.ndim - len(lines)], *[line.out for line in lines])
    values = empty(shape, x.dtype)
    positions = empty(shape, _INT64) if with_positions else None
    _native.max_pool(_contiguous(x), values, positions, *_pooling(x.shape, lines))
    return values, positions


def max_parts(x: Any, out: tuple[int, ...], with_positions: bool) -> tuple[Any, Any]:
    """The same of windows that divide each of the last dimensions into ``out`` parts, their ends rounded outward."""
    lead = x.shape[: x.ndim - len(out)]
    values = empty((*lead, *out), x.dtype)
    positions = empty((*lead, *out), _INT64) if with_positions else None
    _native.max_parts(_contiguous(x), values, positions, *_parts(x.shape, out))
    return values, positions


def _parts(shape: Any, out: tuple[int, ...]) -> list[int]:
    unused = [1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1]  # kernel, stride, padding, dilation
    lead = len(shape) - len(out)
    return [math.prod(shape[:lead]), *three(shape[lead:], 1), *three(out, 1), *unused]


def mean_parts(x: Any, out: tuple[int, ...]) -> Any:
    """Means of the same windows."""
    values = empty((*x.shape[: x.ndim - len(out)], *out), x.dtype)
    _native.mean_parts(_contiguous(x), values, *_parts(x.shape, out))
    return values


def mean_parts_gradient(grad: Any, shape: tuple[int, ...], dims: int) -> Any:
    """Gradient of an input of this shape of ``mean_parts`` over so many dimensions."""
    out = empty(shape, grad.dtype)
    _native.mean_parts_backward(_contiguous(grad), out, *_parts(shape, grad.shape[grad.ndim - dims :]))
    return out


def put_back(grad: Any, positions: Any, shape: tuple[int, ...], dims: int) -> Any:
    """Zeros of a shape with each gradient added at its position, counted through the last ``dims`` dimensions."""
    out = empty(shape, grad.dtype)
    planes, pixels = math.prod(shape[: len(shape) - dims]), math.prod(shape[len(shape) - dims :])
    places = grad.size // planes
    _native.put_back(_contiguous(grad), _contiguous(positions), out, planes, pixels, places)
    return out


def avg_pool(x: Any, lines: Any, with_padding: bool, divisor: int) -> Any:
    """Mean of each window of the last dimensions; ``divisor``: what sums are divided by, 0 for the number of elements."""
    y = empty((*x.shape[: x.ndim - len(lines)], *[line.out for line in lines]), x.dtype)
    _native.avg_pool(_contiguous(x), y, *_pooling(x.shape, lines), int(with_padding), divisor)
    return y


def avg_pool_gradient(grad: Any, shape: tuple[int, ...], lines: Any, with_padding: bool, divisor: int) -> Any:
    """Gradient of an input of this shape of ``avg_pool``."""
    out = empty(shape, grad.dtype)
    _native.avg_pool_backward(_contiguous(grad), out, *_pooling(shape, lines), int(with_padding), divisor)
    return out


def bordered(x: Any, shape: Any, rows: Any, columns: Any, numbers: tuple[int, ...], fill: float) -> Any:
    """Planes of this shape; ``rows`` and ``columns`` say from where, -1 for ``fill``; ``numbers``: Borders in src/borders.h."""
    out = empty(shape, x.dtype)
    _native.bordered(_contiguous(x), out, rows, columns, *numbers, float(fill))
    return out


def bordered_gradient(grad: Any, shape: Any, rows: Any, columns: Any, numbers: tuple[int, ...]) -> Any:
    """Gradient of an input of this shape of ``bordered``."""
    out = empty(shape, grad.dtype)
    _native.bordered_slope(_contiguous(grad), out, rows, columns, *numbers)
    return out


# -- rows and elements by number ---------------------------------------------------------------------------------------


def take_rows(table: Any, index: Any) -> Any:
    """``table[index]`` for rows (the first dimension) and an int64 index of any shape."""
    table, index = _contiguous(table), _contiguous(index)
    out = empty((*index.shape, *table.shape[1:]), table.dtype)
    _native.take_rows(table, index, out, index.size, out.nbytes // index.size, table.shape[0])
    return out


def add_rows(target: Any, index: Any, rows: Any) -> None:
    """``target[index[i]] += rows[i]`` for all i, in order; ``target`` (k, ...) is contiguous, ``index`` int64."""
    width = rows.size // index.size
    _native.add_rows(_contiguous(rows), _contiguous(index), target, index.size, width, target.shape[0])


def _around(shape: Any, dim: int) -> tuple[int, int]:
    """How many elements the dimensions before and behind ``dim`` have."""
    return math.prod(shape[:dim]), math.prod(shape[dim + 1 :])


def gather(x: Any, dim: int, index: Any) -> Any:
    """``x`` at int64 places along ``dim``; the other dimensions of both have equal sizes."""
    outer, inner = _around(x.shape, dim)
    out = empty(index.shape, x.dtype)
    _native.gather(_contiguous(x), _contiguous(index), out, outer, index.shape[dim], x.shape[dim], inner)
    return out


def picked(x: Any, dim: int, index: Any, factors: Any, summed: bool) -> Any:
    """Elements of the contiguous ``x`` at int64 places along ``dim`` times ``factors`` (or one 0-d factor), or the sum of all.

    ``index`` has the other dimensions of ``x``. What has the factor 0 does not count, even an infinity.
    """
    outer, inner = _around(x.shape, dim)
    out, products = np.empty((), x.dtype), None if summed else empty(index.shape, x.dtype)
    arrays = (x, _contiguous(index), _contiguous(factors), products, out)
    _native.picked_sum(*arrays, outer, x.shape[dim], inner, int(factors.ndim > 0))
    return out[()] if summed else products


JOININGS: Final = {"write": 0, "add": 1, "multiply": 2, "maximum": 3, "minimum": 4}


def scatter(how: str, target: Any, dim: int, index: Any, source: Any) -> None:
    """Join ``source``, or a 0-d one, to what is at int64 places along ``dim`` of the contiguous ``target``, in order.

    The other dimensions have equal sizes; ``how`` is one of ``JOININGS``.
    """
    outer, inner = _around(target.shape, dim)
    numbers = (outer, index.shape[dim], target.shape[dim], inner, int(source.ndim > 0), JOININGS[how])
    _native.scatter(_contiguous(source), _contiguous(index), target, *numbers)


def bag_sums(table: Any, index: Any, starts: Any, ends: Any, factors: Any, skipped: int) -> Any:
    """Sums of rows of a table: bag b has the entries ``starts[b]`` to ``ends[b]``; the row ``skipped`` does not count."""
    out = empty((len(starts), table.shape[1]), table.dtype)
    scale = None if factors is None else _contiguous(factors)
    arrays = (_contiguous(table), _contiguous(index), _contiguous(starts), _contiguous(ends), scale, out)
    _native.bag_sums(*arrays, len(starts), table.shape[1], table.shape[0], skipped)
    return out


def weighted_rows(x: Any, dim: int, index: Any, weight: Any, out: Any) -> Any:
    """Along ``dim``, for each row of ``index`` (new elements, taps) the sum of these elements times their weights.

    Weights are 1, and ``out`` is a new array, where they are None.
    """
    outer, inner = _around(x.shape, dim)
    if out is None:
        out = empty((*x.shape[:dim], index.shape[0], *x.shape[dim + 1 :]), x.dtype)
    factors = np.ones(index.shape, x.dtype) if weight is None else weight.astype(x.dtype, copy=False)
    arrays = (_contiguous(x), _contiguous(index), _contiguous(factors), out)
    _native.weighted_rows(*arrays, outer, x.shape[dim], *index.shape, inner)
    return out


# -- sampling at points ------------------------------------------------------------------------------------------------


def grid_sample(x: Any, grid: Any, numbers: tuple[int, int, int]) -> Any:
    """Images (samples, channels, h, w) at points (samples, ..., 2); ``numbers``: mode, padding and whether corners align."""
    out = empty((*x.shape[:2], *grid.shape[1:-1]), x.dtype)
    _native.grid_sample(_contiguous(x), _contiguous(grid), out, *x.shape, math.prod(grid.shape[1:-1]), *numbers)
    return out


def grid_sample_gradients(
    grad: Any, x: Any, grid: Any, numbers: tuple[int, int, int], of_image: bool, of_grid: bool
) -> tuple[Any, Any]:
    """Gradients of images and points, None for what is not wanted."""
    grad, grid = _contiguous(grad), _contiguous(grid)
    sizes = (*x.shape, math.prod(grid.shape[1:-1]), *numbers)
    image = points = None
    if of_image:
        image = empty(x.shape, x.dtype)
        _native.grid_sample_image(grad, grid, image, *sizes)
    if of_grid:
        points = empty(grid.shape, grid.dtype)
        _native.grid_sample_points(grad, _contiguous(x), grid, points, *sizes)
    return image, points


# -- distances ---------------------------------------------------------------------------------------------------------


def distances(x: Any, y: Any, p: int) -> Any:
    """The p-norms, p = 1 or 2, of ``x[..., i, :] - y[..., j, :]`` for equal leading dimensions."""
    n, m, features = x.shape[-2], y.shape[-2], x.shape[-1]
    out = empty((*x.shape[:-2], n, m), x.dtype)
    _native.distances(_contiguous(x), _contiguous(y), out, math.prod(x.shape[:-2]), n, m, features, p)
    return out


def distance_sums(x: Any, y: Any, weight: Any, p: int, turned: bool) -> Any:
    """Sums over j of ``weight[..., i, j] * (x[..., i, :] - y[..., j, :])``, for p = 1 of its sign; ``turned``: weight[j, i]."""
    n, m, features = x.shape[-2], y.shape[-2], x.shape[-1]
    out = empty(x.shape, x.dtype)
    steps = (1, n) if turned else (m, 1)
    numbers = (math.prod(x.shape[:-2]), n, m, features, p, *steps)
    _native.distance_sums(_contiguous(x), _contiguous(y), _contiguous(weight), out, *numbers)
    return out


# -- along one dimension -----------------------------------------------------------------------------------------------


def reduce_over(number: int, x: Any, first: int, end: int) -> Any:
    """Reduction ``number`` of ``reductions.KNOWN`` over the dimensions ``first`` to ``end - 1``, which stay with size 1."""
    out = empty((*x.shape[:first], *[1] * (end - first), *x.shape[end:]), x.dtype)
    sizes = [math.prod(n) for n in (x.shape[:first], x.shape[first:end], x.shape[end:])]
    _native.reduce(_contiguous(x), out, number, *sizes)
    return out


WIDEST: Final = 8192  # columns: a longer row would leave the first-level cache, and all others one thread


SMALL: Final = 1 << 12  # elements: a program takes fewer at least as fast
SHORT: Final = 96  # columns: rows of no more are taken side by side (Note [Short rows] in src/short_rows.h)
SHORTEST: Final = 32  # columns: the same in a program (src/vm_short.h)
FEW: Final = 8  # such rows: a program takes fewer at least as fast
MANY: Final = 1 << 16  # elements: fewer do not repay several threads


def in_rows(dim: int, *arrays: Any) -> bool:
    """Whether the softmax kernels take these contiguous arrays of one shape along ``dim``, counted from the front."""
    x = arrays[0]
    if dim != x.ndim - 1:
        return False
    n = x.shape[dim]
    if n > WIDEST or x.size < (FEW * n if n <= SHORT else SMALL) or not handles(*arrays):
        return False
    return all(a.flags.c_contiguous for a in arrays)


def softmax_rows(x: Any, logarithm: bool) -> Any:
    """Softmax along the last dimension, or its logarithm."""
    out = empty(x.shape, x.dtype)
    run = _native.log_softmax_rows if logarithm else _native.softmax_rows
    run(x, out, x.size // x.shape[-1], x.shape[-1])
    return out


def logsumexp_rows(x: Any, dims: int) -> Any:
    """Logarithms of sums of exponentials over the last dimensions, of ``SHORT`` elements at most, which stay with size 1."""
    out = empty((*x.shape[: x.ndim - dims], *[1] * dims), x.dtype)
    _native.logsumexp_rows(_contiguous(x), out, out.size, x.size // out.size)
    return out


def softmax_rows_slope(grad: Any, result: Any, logarithm: bool) -> Any:
    """Gradient of that; written over ``grad`` if it was lent."""
    out = room_for_slope(grad)
    run = _native.log_softmax_rows_slope if logarithm else _native.softmax_rows_slope
    run(grad, result, out, out.size // out.shape[-1], out.shape[-1])
    return out


def in_columns(dim: int, *arrays: Any) -> bool:
    """Whether the softmax kernels take these contiguous arrays of one shape along ``dim``, which lies across memory."""
    x = arrays[0]
    if x.size < SMALL or not handles(*arrays) or math.prod(x.shape[dim + 1 :]) < 16:
        return False
    return all(a.flags.c_contiguous for a in arrays)


def softmax_columns(x: Any, dim: int, logarithm: bool) -> Any:
    """Softmax along ``dim``, or its logarithm."""
    out = empty(x.shape, x.dtype)
    outer, inner = _around(x.shape, dim)
    _native.softmax_columns(x, out, outer, x.shape[dim], inner, int(logarithm))
    return out


def softmax_columns_slope(grad: Any, result: Any, dim: int, logarithm: bool) -> Any:
    """Gradient of that; written over ``grad`` if it was lent."""
    out = room_for_slope(grad)
    outer, inner = _around(result.shape, dim)
    _native.softmax_columns_slope(grad, result, out, outer, result.shape[dim], inner, int(logarithm))
    return out


def log_softmax_rows_slope_picked(result: Any, places: Any, values: Any) -> Any:
    """The same where the gradient has ``values`` at one of the int64 ``places`` of each row, and else zeros."""
    out = empty(result.shape, result.dtype)
    arrays = (result, _contiguous(places), _contiguous(values), out)
    _native.log_softmax_rows_slope_picked(*arrays, out.size // out.shape[-1], out.shape[-1])
    return out


def normalizes(x: Any) -> bool:
    """Whether ``normalized_rows`` takes a table: not one of many short rows, which a program takes side by side."""
    return handles(x) and x.ndim == 2 and x.shape[1] <= WIDEST and (x.shape[1] > SHORTEST or x.size <= SMALL)


def normalized_rows(x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any, Any]:
    """Rows of mean 0 and variance 1, times weight plus bias (one number per column); means, variances, scales (rows, 1)."""
    rows, columns = x.shape
    y = empty(x.shape, x.dtype)
    stats = [empty((rows, 1), x.dtype) for _ in range(3)]
    w, b = factors(weight, 1, x), factors(bias, 0, x)
    _native.normalize_rows(_contiguous(x), w, b, y, *stats, rows, columns, float(eps))
    return (y, *stats)


def normalized_rows_gradients(
    grad: Any, x: Any, weight: Any, mean: Any, scale: Any, parameters: bool
) -> tuple[Any, Any, Any]:
    """Gradients of x, and of weight and bias, (columns,), if ``parameters``."""
    rows, columns = x.shape
    slope = empty(x.shape, x.dtype)
    of_weight, of_bias = [empty((columns,), x.dtype) if parameters else None for _ in range(2)]
    given = [_contiguous(a) for a in (grad, x, factors(weight, 1, x), mean, scale)]
    _native.normalize_rows_slopes(*given, slope, of_weight, of_bias, rows, columns)
    return slope, of_weight, of_bias


def column_moments(x: Any) -> tuple[Any, Any, Any]:
    """Means of the columns of a table, what rounding left of them, and their variances: (columns,) each."""
    rows, columns = x.shape
    found = [empty((columns,), x.dtype) for _ in range(3)]
    _native.column_moments(_contiguous(x), *found, rows, columns)
    return found[0], found[1], found[2]


def normalizes_groups(shape: tuple[int, ...], x: Any) -> bool:
    """Whether ``normalized_groups`` takes these samples, groups, channels of a group, elements of a channel."""
    return handles(x) and shape[3] >= SHORT and (shape[0] * shape[1] >= FEW or x.size <= MANY)


def normalized_groups(shape: Any, x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any, Any]:
    """Groups of mean 0 and variance 1, times weight plus bias (one number per channel, or None); means, variances, scales."""
    y = empty(x.shape, x.dtype)
    stats = [empty((*shape[:2], 1, 1), x.dtype) for _ in range(3)]
    w, b = [None if a is None else _contiguous(a) for a in (weight, bias)]
    _native.normalize_groups(_contiguous(x), w, b, y, *stats, *shape, float(eps))
    return (y, *stats)


def normalized_groups_gradients(
    shape: Any, grad: Any, x: Any, weight: Any, mean: Any, scale: Any
) -> tuple[Any, Any, Any]:
    """Gradient of x, and of each sample the gradients of weight and bias, (samples, groups, channels, 1)."""
    slope = empty(x.shape, x.dtype)
    of_weight, of_bias = [empty((*shape[:3], 1), x.dtype) for _ in range(2)]
    w = None if weight is None else _contiguous(weight)
    given = [_contiguous(a) for a in (mean, scale)]
    _native.normalize_groups_slopes(_contiguous(grad), _contiguous(x), w, *given, slope, of_weight, of_bias, *shape)
    return slope, of_weight, of_bias


def factors(given: Any, missing: int, x: Any) -> Any:
    """One number for each column."""
    return np.full(x.shape[1], missing, x.dtype) if given is None else _contiguous(given)


def running(name: str, x: Any, dim: int, from_end: bool) -> Any:
    """Running sums ("sum"), products ("product") or logarithms of sums of exponentials ("logsumexp") along ``dim``.

    Those of floating point numbers are carried in float64 and rounded once at every place.
    """
    outer, inner = _around(x.shape, dim)
    out = empty(x.shape, x.dtype)
    scan = getattr(_native, f"running_{name}")
    scan(_contiguous(x), out, outer, x.shape[dim], inner, int(from_end))
    return out


def running_extreme(x: Any, dim: int, largest: bool) -> tuple[Any, Any]:
    """Running extremes along ``dim``, and where they were met last; what is not a number stays."""
    outer, inner = _around(x.shape, dim)
    values, places = empty(x.shape, x.dtype), empty(x.shape, _INT64)
    _native.running_extreme(_contiguous(x), values, places, outer, x.shape[dim], inner, int(largest))
    return values, places


def top_rows(x: Any, k: int, largest: bool) -> tuple[Any, Any]:
    """The ``k`` > 0 first of each row, and their places; of equal ones the earlier, NaN counts as the largest."""
    n = x.shape[-1]
    shape = (*x.shape[:-1], k)
    values, places = empty(shape, x.dtype), empty(shape, _INT64)
    _native.top_rows(_contiguous(x), values, places, x.size // n, n, k, int(largest))
    return values, places


def sorted_rows(x: Any, descending: bool) -> tuple[Any, Any]:
    """Each row in order, and where its elements stood; equal ones keep their order, NaN counts as the largest."""
    values, places = empty(x.shape, x.dtype), empty(x.shape, _INT64)
    _native.sort_rows(_contiguous(x), values, places, x.size // x.shape[-1], x.shape[-1], int(descending))
    return values, places


def extreme(x: Any, dim: int, largest: bool, with_values: bool) -> tuple[Any, Any]:
    """Extremes along ``dim`` (or None) and their first places; of a line with NaN the first NaN."""
    outer, inner = _around(x.shape, dim)
    shape = (*x.shape[:dim], *x.shape[dim + 1 :])
    values = empty(shape, x.dtype) if with_values else None
    places = empty(shape, _INT64)
    _native.extreme(_contiguous(x), values, places, outer, x.shape[dim], inner, int(largest))
    return values, places


def triangle(x: Any, diagonal: int, upper: bool) -> Any:
    """Matrices with 0 below a diagonal, or above it."""
    out = empty(x.shape, x.dtype)
    rows, columns = x.shape[-2:]
    place = max(-rows, min(diagonal, columns))
    _native.triangle(_contiguous(x), out, x.size // (rows * columns), rows, columns, x.itemsize, place, int(upper))
    return out


# -- matrices ----------------------------------------------------------------------------------------------------------

LARGEST: Final = 256  # of larger matrices LAPACK's blocks are as fast, and its threads work together


def lu_factors(a: Any) -> tuple[Any, Any, Any]:
    """Packed LU factors of (count, m, n), laid out by columns; pivots counted from 1; number of the first zero pivot, or 0."""
    count, m, n = a.shape
    packed = empty((count, n, m), a.dtype)
    pivots, info = np.empty((count, min(m, n)), np.int32), np.empty(count, np.int32)
    _native.lu_factors(_contiguous(a), packed, pivots, info, count, m, n)
    return packed.swapaxes(1, 2), pivots, info


def cholesky_factors(a: Any) -> tuple[Any, Any]:
    """Lower Cholesky factors of (count, n, n), laid out by columns; order of the first minor that is not positive, or 0."""
    count, n = a.shape[:2]
    found, info = empty(a.shape, a.dtype), np.empty(count, np.int32)
    _native.cholesky_factors(_contiguous(a), found, info, count, n)
    return found.swapaxes(1, 2), info


def triangular_solve(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """Solutions (count, n, k), laid out by columns, for triangular a (count or 1, n, n)."""
    by_columns = not a.flags.c_contiguous and a.swapaxes(1, 2).flags.c_contiguous
    n = a.shape[-1]
    matrix = a.swapaxes(1, 2) if by_columns else _contiguous(a)
    steps = [1, n] if by_columns else [n, 1]
    return _solved(matrix, None, b, False, [[*steps, int(upper), int(unit)]])


def lu_solve(packed: Any, pivots: Any, b: Any, transposed: bool) -> Any:
    """Solutions (count, n, k), laid out by columns, of real systems from ``lu_factors`` (count or 1 of them)."""
    n = packed.shape[-1]
    matrix = _contiguous(packed.swapaxes(1, 2))
    if transposed:
        steps = [[n, 1, 0, 0], [n, 1, 1, 1]]
    else:
        steps = [[1, n, 0, 1], [1, n, 1, 0]]
    return _solved(matrix, _contiguous(pivots), b, transposed, steps)


def _solved(matrix: Any, pivots: Any, b: Any, exchange_last: bool, steps: Any) -> Any:
    count, n, k = b.shape
    x = empty((count, k, n), b.dtype)
    columns = b.swapaxes(1, 2)
    in_rows = not columns.flags.c_contiguous
    right = _contiguous(b) if in_rows else columns
    apart = 0 if len(matrix) < count else n * n
    numbers = (count, n, k, apart, int(exchange_last), int(in_rows), len(steps), *steps[0], *steps[-1])
    _native.solve_triangles(matrix, pivots, right, x, *numbers)
    return x.swapaxes(1, 2)
