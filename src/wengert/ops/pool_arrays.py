"""Windows of pooling over arrays with any number of spatial dimensions: where they lie, their sums and their maxima.

Nothing is padded: each element of a window ("tap") meets a part of the places with a part of the input, and what would lie in
the padding is left out. Loops run over taps, arrays over places.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ..kernels import bulk as kernels
from .sizes import count


class Line:
    """Windows along one dimension.

    Attributes:
        size: number of elements; ``out``: number of windows, each of ``kernel`` elements.
    """

    def __init__(self, size: int, kernel: int, stride: int, padding: int, dilation: int, out: int) -> None:
        self.size: int = size
        self.kernel: int = kernel
        self.stride: int = stride
        self.padding: int = padding
        self.dilation: int = dilation
        self.out: int = out

    def overlap(self, tap: int) -> tuple[slice, slice]:
        """The windows whose element ``tap`` is in the input, and these elements of the input."""
        shift = tap * self.dilation - self.padding
        first = max(0, -(shift // self.stride))
        last = min(self.out, (self.size - 1 - shift) // self.stride + 1)
        start = first * self.stride + shift
        if last <= first:
            return slice(0, 0), slice(0, 0)
        return slice(first, last), slice(start, (last - 1) * self.stride + shift + 1, self.stride)

    def starts(self) -> Any:
        """Position of the first element of each window; negative in the padding."""
        return np.arange(self.out) * self.stride - self.padding

    def skipped(self) -> Any:
        """For each window, how many of its elements lie in the padding before the input."""
        return np.maximum(-(self.starts() // self.dilation), 0)

    def misses(self) -> bool:
        """Whether some window steps over the whole input: all its elements lie in the padding."""
        return (
            self.padding > 0
            and self.dilation > self.size
            and bool((self.starts() + self.skipped() * self.dilation >= self.size).any())
        )

    def lengths(self, with_padding: bool) -> Any:
        """Number of elements of each window that count: those in the input, and on request those in the padding."""
        start = self.starts()
        stop = np.minimum(start + self.kernel, self.size + self.padding)
        if with_padding:
            return stop - start
        return np.minimum(stop, self.size) - np.maximum(start, 0)

    def trivial(self) -> bool:
        """Whether every element is a window."""
        return self.kernel == 1 and self.stride == 1 and self.padding == 0


def out_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Number of windows; with ``ceil_mode`` the last may reach beyond the padding, but not begin there."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    out = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    return out - 1 if ceil_mode and (out - 1) * stride >= size + padding else out


def part(dim: int, ndim: int, where: slice) -> tuple[Any, ...]:
    """Index of a slice of one of ``ndim`` last dimensions."""
    return (..., where, *[slice(None)] * (ndim - 1 - dim))


def resized(shape: tuple[int, ...], dim: int, n: int) -> tuple[int, ...]:
    """A shape with another size along one dimension, counted from the end."""
    sizes = list(shape)
    sizes[dim] = n
    return tuple(sizes)


def window_sums(x: Any, lines: list[Line]) -> Any:
    """Sum of each window, one dimension after the other."""
    for dim, line in enumerate(lines):
        if line.trivial():
            continue
        total = np.zeros(resized(x.shape, dim - len(lines), line.out), x.dtype)
        for tap in range(line.kernel):
            target, source = line.overlap(tap)
            total[part(dim, len(lines), target)] += x[part(dim, len(lines), source)]
        x = total
    return x


def spread_sums(grad: Any, lines: list[Line]) -> Any:
    """The adjoint of ``window_sums``: each element gets the sum over its windows."""
    for dim in range(len(lines) - 1, -1, -1):
        line = lines[dim]
        if line.trivial():
            continue
        total = np.zeros(resized(grad.shape, dim - len(lines), line.size), grad.dtype)
        for tap in range(line.kernel):
            target, source = line.overlap(tap)
            total[part(dim, len(lines), source)] += grad[part(dim, len(lines), target)]
        grad = total
    return grad


class Windows:
    """Base of windows whose maximum is looked for. Their elements are numbered row by row."""

    taps: int = 0

    def compiled(self) -> bool:
        """Whether a kernel does the work."""
        return False

    def compiled_maxima(self, with_positions: bool) -> tuple[Any, Any]:
        """Values and positions (or None) by a kernel."""
        raise NotImplementedError

    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        raise NotImplementedError

    def target(self, tap: int) -> Any:
        """Index of the places whose element ``tap`` is in the input."""
        return ...

    def elements(self, tap: int) -> Any:
        """These elements."""
        raise NotImplementedError

    def first(self) -> Any:
        """The first element of each window that is in the input; None when it is number 0 everywhere."""
        return None

    def positions(self, chosen: Any) -> Any:
        """Position in the input, counted through its spatial dimensions, of the chosen element of each window."""
        raise NotImplementedError


class Grid(Windows):
    """Windows of one size at equal distances."""

    def __init__(self, x: Any, lines: list[Line]) -> None:
        self.x: Any = x
        self.lines: list[Line] = lines
        along = [[line.overlap(tap) for tap in range(line.kernel)] for line in lines]
        self.overlaps: list[tuple[tuple[slice, slice], ...]] = list(product(*along))
        self.taps: int = len(self.overlaps)

    def compiled(self) -> bool:
        return len(self.lines) <= 3 and count(self.shape()) > 0 and kernels.handles(self.x)

    def compiled_maxima(self, with_positions: bool) -> tuple[Any, Any]:
        return kernels.max_pool(self.x, self.lines, with_positions)

    def shape(self) -> tuple[int, ...]:
        return (*self.x.shape[: -len(self.lines)], *[line.out for line in self.lines])

    def target(self, tap: int) -> Any:
        return (..., *[overlap[0] for overlap in self.overlaps[tap]])

    def elements(self, tap: int) -> Any:
        return self.x[(..., *[overlap[1] for overlap in self.overlaps[tap]])]

    def first(self) -> Any:
        if all(line.padding == 0 for line in self.lines):
            return None
        total: Any = 0
        for line in self.lines:
            total = np.add.outer(total * line.kernel, line.skipped())
        return total

    def positions(self, chosen: Any) -> Any:
        base: Any = 0
        table: Any = 0
        for line in self.lines:
            base = np.add.outer(base * line.size, line.starts())
            table = np.add.outer(table * line.size, np.arange(line.kernel) * line.dilation)
        return table.reshape(-1).take(chosen) + base


class Ragged(Windows):
    """Windows of several sizes: along each dimension from ``starts`` to before ``stops``.

    Shorter windows count their last element again, which changes neither the maximum nor where it is met first.
    """

    def __init__(self, x: Any, bounds: list[tuple[Any, Any]]) -> None:
        self.x: Any = x
        self.along: list[Any] = []
        for starts, stops in bounds:
            longest = np.arange(int((stops - starts).max(initial=1)))
            self.along.append(np.minimum(starts[:, None] + longest, stops[:, None] - 1))
        self.all_taps: list[tuple[int, ...]] = list(product(*[range(a.shape[1]) for a in self.along]))
        self.taps: int = len(self.all_taps)

    def compiled(self) -> bool:
        return len(self.along) <= 3 and count(self.shape()) > 0 and kernels.handles(self.x)

    def compiled_maxima(self, with_positions: bool) -> tuple[Any, Any]:
        return kernels.max_parts(self.x, tuple([len(a) for a in self.along]), with_positions)

    def shape(self) -> tuple[int, ...]:
        return (*self.x.shape[: -len(self.along)], *[len(a) for a in self.along])

    def elements(self, tap: int) -> Any:
        x = self.x
        for dim, (places, t) in enumerate(zip(self.along, self.all_taps[tap], strict=True)):
            x = x.take(places[:, t], axis=dim - len(self.along))
        return x

    def positions(self, chosen: Any) -> Any:
        table: Any = 0
        for places, n in zip(self.along, self.x.shape[-len(self.along) :], strict=True):
            table = np.add.outer(table * n, places)
        dims = len(self.along)
        order = [2 * i + 1 for i in range(dims)] + [2 * i for i in range(dims)]
        out = chosen.shape[-dims:]
        flat = table.transpose(order).reshape(-1)
        return flat.take(chosen.astype(np.int64) * count(out) + np.arange(count(out)).reshape(out))


class Scattered(Windows):
    """Windows of one size that begin anywhere: ``starts`` are positions in the input, in the shape of the result."""

    def __init__(self, x: Any, starts: Any, kernel: tuple[int, ...]) -> None:
        dims = len(kernel)
        self.flat: Any = x.reshape(*x.shape[:-dims], count(x.shape[-dims:]))
        self.windows: int = count(starts.shape[-dims:])
        self.starts: Any = starts
        steps: Any = 0
        for k, n in zip(kernel, x.shape[-dims:], strict=True):
            steps = np.add.outer(steps * n, np.arange(k))
        self.steps: Any = steps.reshape(-1)
        self.taps: int = len(self.steps)

    def shape(self) -> tuple[int, ...]:
        found: tuple[int, ...] = self.starts.shape
        return found

    def elements(self, tap: int) -> Any:
        places = (self.starts + self.steps[tap]).reshape(*self.flat.shape[:-1], self.windows)
        return np.take_along_axis(self.flat, places, axis=-1).reshape(self.starts.shape)

    def positions(self, chosen: Any) -> Any:
        return self.starts + self.steps.take(chosen)


def lowest(dt: Any) -> Any:
    """What every number is at least."""
    return -np.inf if dt.kind == "f" else np.iinfo(dt).min


def begun(windows: Windows, dt: Any) -> tuple[Any, int]:
    """An array for the maxima, and how many elements of each window it already counts."""
    found = windows.elements(0)
    if found.shape == windows.shape():
        return np.array(found, order="C"), 1
    return np.full(windows.shape(), lowest(dt), dt), 0


def window_maxima(windows: Windows, dt: Any) -> Any:
    """Maximum of each window; NaN where there is one."""
    if windows.compiled():
        return windows.compiled_maxima(False)[0]
    best, counted = begun(windows, dt)
    for tap in range(counted, windows.taps):
        part_of = best[windows.target(tap)]
        np.maximum(part_of, windows.elements(tap), out=part_of)
    return best


def window_maxima_at(windows: Windows, dt: Any) -> list[Any]:
    """Maximum of each window, and the position of the first element that has it; of the last NaN where there is one."""
    if windows.compiled():
        return list(windows.compiled_maxima(True))
    best, counted = begun(windows, dt)
    small: Any = np.uint8 if windows.taps <= 256 else np.int64
    chosen = np.zeros(best.shape, small)
    for tap in range(counted, windows.taps):
        target = windows.target(tap)
        found, part_of, number = windows.elements(tap), best[target], chosen[target]
        better = found > part_of
        # numbers rise from tap to tap, so the larger of the old and the new one is the new one
        np.maximum(number, better.view(np.uint8) * small(tap), out=number)
        np.maximum(part_of, found, out=part_of)
    if dt.kind == "f" and np.isnan(best).any():
        for tap in range(windows.taps):
            target = windows.target(tap)
            np.copyto(chosen[target], small(tap), where=np.isnan(windows.elements(tap)))
    first = windows.first()
    if first is not None:
        np.maximum(chosen, first.astype(small), out=chosen)  # in windows of nothing but -inf
    return [best, windows.positions(chosen)]


def put_back(grad: Any, indices: Any, shape: tuple[int, ...], dims: int) -> Any:
    """Zeros of a shape with each gradient added at its index, counted through the last ``dims`` dimensions."""
    size = count(shape[-dims:])
    if count(shape) > 0 and kernels.handles(grad):
        return kernels.put_back(grad, indices, shape, dims)
    out = np.zeros(shape, grad.dtype)
    if indices.size == 0:
        return out
    rows = np.arange(count(shape[:-dims])) * size
    places = (indices.reshape(len(rows), -1) + rows[:, None]).reshape(-1)
    np.add.at(out.reshape(-1), places, grad.reshape(-1))
    return out
