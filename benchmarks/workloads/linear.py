"""Matrix products and factorisations, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from .workload import GRADIENT, Inputs, Workload, random_arrays

GROUP: Final = "linear algebra"


def product(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    a, b = params
    return xp.sum((a @ b) * data[0])


def product_by_einsum(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(xp.einsum("bij,bjk->bik", *params) * data[0])


def matrices(dtype: str, *lead: int, n: int) -> Callable[[], Inputs]:
    shape = (*lead, n, n)
    return lambda: (random_arrays(dtype, shape, shape), random_arrays(dtype, shape, seed=1))


def positive(n: int) -> Callable[[], Inputs]:
    def inputs() -> Inputs:
        (a, b, w) = random_arrays("float64", (n, n), (n, 16), (n, n))
        return [a @ a.T / n + np.eye(n), b], [w, *random_arrays("float64", (n, 16), seed=2)]

    return inputs


def cholesky(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(xp.cholesky(params[0]) * data[0])


def solve(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(xp.solve(*params) * data[1])


def slogdet(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.slogdet(params[0])[1]


def singular_values(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(xp.svdvals(params[0]))


def only_matrix(n: int) -> Callable[[], Inputs]:
    def inputs() -> Inputs:
        params, data = positive(n)()
        return params[:1], data

    return inputs


def rectangle(n: int) -> Callable[[], Inputs]:
    return lambda: (random_arrays("float64", (n, n)), [])


def workload(name: str, program: Any, inputs: Any) -> Workload:
    return Workload(GROUP, name, GRADIENT, program, inputs)


WORKLOADS: Final = [
    *(workload(f"matmul {n}, f32", product, matrices("float32", n=n)) for n in (64, 128, 256, 512, 1024, 2048)),
    *(workload(f"matmul {n}, f64", product, matrices("float64", n=n)) for n in (64, 256, 1024)),
    workload("bmm 64 of 64, f32", product, matrices("float32", 64, n=64)),
    workload("bmm 64 of 64, f64", product, matrices("float64", 64, n=64)),
    workload("einsum bij,bjk->bik 32 of 128, f32", product_by_einsum, matrices("float32", 32, n=128)),
    workload("cholesky 256, f64", cholesky, only_matrix(256)),
    workload("solve 256 with 16, f64", solve, positive(256)),
    workload("slogdet 256, f64", slogdet, only_matrix(256)),
    workload("singular values 128, f64", singular_values, rectangle(128)),
]
