"""Arguments of pooling functions: sizes given as one number or one per dimension, and what makes windows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from .._core import errors
from .._core.tensor_base import TensorBase
from .pool_arrays import Line, out_size
from .sizes import sizes_of

WORDS: Final = ("one int", "two ints", "three ints")
AXES: Final = "THW"


class Pooling:
    """How windows lie: one number per spatial dimension.

    ``stride`` is empty when it was not given, which means the size of the kernel.
    """

    def __init__(
        self,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        ceil_mode: bool,
    ) -> None:
        self.kernel: tuple[int, ...] = kernel
        self.stride: tuple[int, ...] = stride
        self.padding: tuple[int, ...] = padding
        self.dilation: tuple[int, ...] = dilation
        self.ceil_mode: bool = ceil_mode
        self.latest: tuple[tuple[int, ...], list[Line]] = ((), [])  # of ``lines``
        self.fits: tuple[int, ...] = ()  # sizes that have passed ``check_pooled``

    def dims(self) -> int:
        """Number of spatial dimensions."""
        return len(self.kernel)

    def steps(self) -> tuple[int, ...]:
        """The stride."""
        return self.stride if len(self.stride) > 0 else self.kernel

    def lines(self, shape: tuple[int, ...]) -> list[Line]:
        """The windows along each dimension of an input of this shape."""
        latest = self.latest
        sizes = tuple(shape[len(shape) - self.dims() :])
        if sizes == latest[0]:
            return latest[1]
        made = []
        for n, k, s, p, d in zip(sizes, self.kernel, self.steps(), self.padding, self.dilation, strict=True):
            made.append(Line(n, k, s, p, d, out_size(n, k, s, p, d, self.ceil_mode)))
        self.latest = (sizes, made)
        return made

    def lifted(self) -> Pooling:
        """The same windows along the last dimension of an input with a dimension of size 1 before it."""
        steps = (1, *self.steps())
        return Pooling((1, *self.kernel), steps, (0, *self.padding), (1, *self.dilation), self.ceil_mode)


def spatial(value: Any, function: str, argument: str, position: int, dims: int) -> tuple[int, ...]:
    """One number per dimension, given as one for all or as a list.

    Raises:
        RuntimeError: for a list of another length.
        TypeError: for what is no integer.
    """
    if isinstance(value, float):
        raise errors.argument_type(function, argument, position, "tuple of ints", value)
    given = sizes_of(tuple(value) if isinstance(value, (tuple, list)) else (value,), None, function, argument)
    if len(given) == 1:
        return given * dims
    if len(given) != dims:
        raise RuntimeError(length_text(function, argument, dims, len(given)))
    return given


def length_text(function: str, argument: str, dims: int, got: int) -> str:
    """PyTorch's sentence about a list of the wrong length; every function has its own."""
    optional = argument == "stride"
    if function == "max_pool1d":
        form = "None, an int, list of ints, or" if optional else "an int, list of ints or"
        return f"max_pool1d() {argument} must be {form} tuple of ints of size 1 but got size {got}"
    if dims == 1:
        return f"{function}() argument '{argument}' should contain one int (got {got})"
    verb = "must be either" if argument == "dilation" else "must be" if function == "avg_pool3d" else "must either be"
    return (
        f"{function}: {argument} {verb} {'omitted, ' if optional else ''}a single int, or a tuple of {WORDS[dims - 1]}"
    )


def read_pooling(
    function: str, dims: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Pooling:
    """The sizes that a pooling function was given; for numbers the same object each time."""
    plain = type(kernel_size) is int and type(padding) is int and type(dilation) is int and type(ceil_mode) is bool
    if not plain or not (stride is None or type(stride) is int):
        return new_pooling(function, dims, kernel_size, stride, padding, dilation, ceil_mode)
    return _of_numbers(function, dims, kernel_size, stride, padding, dilation, ceil_mode)


def new_pooling(
    function: str, dims: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Pooling:
    """``read_pooling`` of any arguments."""
    kernel = spatial(kernel_size, function, "kernel_size", 2, dims)
    absent = stride is None or (isinstance(stride, (tuple, list)) and len(stride) == 0)
    steps = () if absent else spatial(stride, function, "stride", 3, dims)
    pads = spatial(padding, function, "padding", 4, dims)
    return Pooling(kernel, steps, pads, spatial(dilation, function, "dilation", 5, dims), ceil_mode)


_of_numbers: Final[Callable[..., Pooling]] = functools.lru_cache(256)(new_pooling)


def check_line(pooling: Pooling) -> None:
    """Refuse sizes that make no windows along one dimension, in the words of ``max_pool1d``."""
    kernel, stride = pooling.kernel[0], pooling.steps()[0]
    padding, dilation = pooling.padding[0], pooling.dilation[0]
    for name, value in (("kernel_size", kernel), ("stride", stride)):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {name} must be greater than zero, but got {value}")
    if padding < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {padding}")
    if padding > kernel // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of kernel size, but got padding={padding} and kernel_size={kernel}"
        )
    if dilation <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {dilation}")


def check_windows(pooling: Pooling) -> None:
    """Refuse sizes that make no windows."""
    if 0 in pooling.steps():
        raise RuntimeError("stride should not be zero")
    if min(pooling.steps()) < 0:
        raise RuntimeError(f"stride should be greater than zero, but got {named('d', pooling.steps())}")
    for pad, kernel, dilation in zip(pooling.padding, pooling.kernel, pooling.dilation, strict=True):
        if pad < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {pad}")
        if kernel > 0 and dilation > 0 and pad > ((kernel - 1) * dilation + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={pad}, kernel_size={kernel} and "
                f"dilation={dilation}"
            )
    if min(pooling.kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {named('k', pooling.kernel)}")
    if min(pooling.dilation) <= 0:
        names = [f"dilation{axis}: {n}" for axis, n in zip(AXES[-pooling.dims() :], pooling.dilation, strict=True)]
        raise RuntimeError(f"dilation should be greater than zero, but got {' '.join(names)}")


def named(prefix: str, sizes: tuple[int, ...]) -> str:
    """``kH: 2 kW: 3``."""
    return " ".join([f"{prefix}{axis}: {n}" for axis, n in zip(AXES[-len(sizes) :], sizes, strict=True)])


def pads_text(pooling: Pooling) -> str:
    """Paddings and kernel in PyTorch's order, which differs between images and volumes."""
    pad, kernel, axes = pooling.padding, pooling.kernel, AXES[-pooling.dims() :]
    if pooling.dims() == 3:
        return " ".join([f"{name}{axes[i]}: {n[i]}" for name, n in (("k", kernel), ("pad", pad)) for i in (0, 2, 1)])
    return ", ".join([f"{name}{axes[i]} = {n[i]}" for name, n in (("pad", pad), ("k", kernel)) for i in (1, 0)])


def check_pooled(pooling: Pooling, x: TensorBase) -> None:
    """Refuse inputs that are neither single nor batched, are empty, or too small for a window."""
    dims = pooling.dims()
    shape = x.shp
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(
            errors.with_hints(
                f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input",
                f"got shape {errors.shape_text(shape)}; dimensions are (samples,) channels, then {dims} spatial ones",
            )
        )
    sizes = tuple(shape[-dims:])
    if sizes == pooling.fits and 0 not in shape:
        return
    check_windows(pooling)
    if 0 in (shape[1:] if len(shape) == dims + 2 else shape):
        raise RuntimeError(
            f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{errors.shape_text(shape)}"
        )
    if any(pad > kernel // 2 for pad, kernel in zip(pooling.padding, pooling.kernel, strict=True)):
        raise RuntimeError(f"pad should be smaller than or equal to half of kernel size, but got {pads_text(pooling)}")
    out = [line.out for line in pooling.lines(shape)]
    if min(out) < 1:
        channels = shape[-dims - 1]
        raise RuntimeError(
            f"Given input size: ({by_x((channels, *shape[-dims:]))}). Calculated output size: "
            f"({by_x((channels, *out))}). Output size is too small"
        )
    pooling.fits = sizes


def by_x(sizes: Any) -> str:
    """``3x4``."""
    return "x".join([str(n) for n in sizes])


def check_dims(x: TensorBase, function: str) -> None:
    """Refuse inputs of functions of one spatial dimension that are neither single nor batched."""
    if len(x.shp) not in (2, 3):
        raise RuntimeError(
            errors.with_hints(
                f"Expected 2 to 3 dimensions, but got {len(x.shp)}-dimensional tensor for argument #1 'self' (while checking "
                f"arguments for {function})",
                "dimensions are (samples,) channels, length",
            )
        )
