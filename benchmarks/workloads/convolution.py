"""Convolutions and poolings, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from .workload import GRADIENT, Inputs, Program, Workload, random_arrays

GROUP: Final = "convolution and pooling"
DTYPES: Final = {"float32": "f32", "float64": "f64"}
# images, kernels, options
CONVOLUTIONS: Final[list[tuple[tuple[int, ...], tuple[int, ...], dict[str, int]]]] = [
    ((32, 3, 32, 32), (32, 3, 3, 3), {"padding": 1}),
    ((32, 64, 16, 16), (64, 64, 3, 3), {"padding": 1}),
    ((32, 128, 8, 8), (128, 128, 3, 3), {"padding": 1}),
    ((64, 1, 28, 28), (6, 1, 5, 5), {}),
    ((32, 64, 16, 16), (64, 1, 3, 3), {"padding": 1, "groups": 64}),
    ((32, 64, 16, 16), (128, 64, 3, 3), {"padding": 1, "stride": 2}),
    ((32, 64, 16, 16), (128, 64, 1, 1), {}),
    ((32, 32, 128), (64, 32, 5), {"padding": 2}),
]
POOLINGS: Final = [("max_pool2d", (32, 64, 32, 32)), ("avg_pool2d", (32, 64, 32, 32))]


def convolution(options: dict[str, int]) -> Program:
    def program(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
        x, weight = params
        result = xp.convolution(x, weight, **options)
        return xp.sum(result * result)

    return program


def pooling(word: str) -> Program:
    def program(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
        result = getattr(xp, word)(params[0], 2)
        return xp.sum(result * result)

    return program


def scaled(dtype: str, *shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    """Images, and kernels small enough for results of about one."""

    def inputs() -> Inputs:
        images, *kernels = random_arrays(dtype, *shapes)
        return [images, *(k * (2.0 / k[0].size) ** 0.5 for k in kernels)], []

    return inputs


def title(image: tuple[int, ...], kernel: tuple[int, ...], options: dict[str, int]) -> str:
    extra = "".join(f" {name} {value}" for name, value in options.items() if name != "padding")
    return f"conv {'x'.join(map(str, image))} to {kernel[0]}, {'x'.join(map(str, kernel[2:]))}{extra}"


def workloads_of(dtype: str) -> list[Workload]:
    found = [
        Workload(GROUP, f"{title(*c)}, {DTYPES[dtype]}", GRADIENT, convolution(c[2]), scaled(dtype, c[0], c[1]))
        for c in CONVOLUTIONS
    ]
    return found + [
        Workload(
            GROUP, f"{word} {'x'.join(map(str, shape))}, {DTYPES[dtype]}", GRADIENT, pooling(word), scaled(dtype, shape)
        )
        for word, shape in POOLINGS
    ]


WORKLOADS: Final = [w for dtype in DTYPES for w in workloads_of(dtype)]
