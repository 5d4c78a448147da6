"""Large arrays, where passes over memory and vector arithmetic count: pointwise, reductions, normalisations, gather, sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from .workload import GRADIENT, NO_GRAD, Inputs, Program, Workload, of_shapes, random_arrays

GROUP: Final = "large arrays"
FUSED: Final = "fused chains"
DTYPES: Final = {"float32": "f32", "float64": "f64"}
MILLION: Final = (1_000_000,)
ROWS: Final = (4096, 1000)


def polynomial_tanh(x: Any, tanh: Any) -> Any:
    return tanh(x * x + x) * 2 - x


def tanh_chain(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(polynomial_tanh(params[0], xp.tanh))


def tanh_chain_fused(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(xp.fused(polynomial_tanh_of)(xp, params[0]))


def polynomial_tanh_of(xp: Any, x: Any) -> Any:
    return polynomial_tanh(x, xp.tanh)


def horner_of(xp: Any, x: Any) -> Any:
    """A polynomial of degree five: ten operations."""
    y = x * 0.1 + 0.2
    for c in (0.3, -0.4, 0.5, -0.6):
        y = y * x + c
    return y


def horner(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(horner_of(xp, params[0]))


def horner_fused(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(xp.fused(horner_of)(xp, params[0]))


def summed(word: str, **options: Any) -> Program:
    """``sum(w * f(x))`` for a function of one argument; the weights make the gradient no constant."""

    def program(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
        return xp.sum(getattr(xp, word)(params[0], **options) * data[0])

    return program


def weighted(dtype: str, shape: tuple[int, ...], out: tuple[int, ...] | None = None, low: float = -3.0) -> Any:
    """Numbers between ``low`` and 3, and the weights of the results."""

    def inputs() -> Inputs:
        rng = np.random.default_rng(1)
        x = rng.uniform(low, 3, shape).astype(dtype)
        return [x], [rng.standard_normal(shape if out is None else out).astype(dtype)]

    return inputs


def cross_entropy(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.cross_entropy(params[0], data[0])


def labelled(dtype: str) -> Callable[[], Inputs]:
    return lambda: (random_arrays(dtype, ROWS), [np.random.default_rng(2).integers(0, ROWS[1], ROWS[0])])


def mse(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.mse_loss(params[0], data[0])


def layer_norm(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    x, weight, bias = params
    return xp.sum(xp.layer_norm(x, weight, bias) * data[0])


def normalised(dtype: str) -> Callable[[], Inputs]:
    shape = (4096, 1024)
    return lambda: (random_arrays(dtype, shape, shape[1:], shape[1:]), random_arrays(dtype, shape, seed=1))


def batch_norm(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    x, weight, bias = params
    return xp.sum(xp.batch_norm(x, weight, bias) * data[0])


def images(dtype: str) -> Callable[[], Inputs]:
    shape = (32, 64, 32, 32)
    return lambda: (random_arrays(dtype, shape, (64,), (64,)), random_arrays(dtype, shape, seed=1))


def outer_sum(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum((params[0] + params[1]) * data[0])


def outer(dtype: str) -> Callable[[], Inputs]:
    return lambda: (random_arrays(dtype, (1000, 1), (1, 1000)), random_arrays(dtype, (1000, 1000), seed=1))


def reductions(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    x = params[0]
    return xp.sum(xp.sum(x, 0)) + xp.sum(xp.mean(x, 1)) + xp.sum(xp.var(x, 0))


def where(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    x, y = params
    return xp.sum(xp.where(data[0], x, y) * data[1])


def masked(dtype: str) -> Callable[[], Inputs]:
    return lambda: (
        random_arrays(dtype, MILLION, MILLION),
        [np.random.default_rng(3).random(MILLION) < 0.5, *random_arrays(dtype, MILLION, seed=4)],
    )


def embedding(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(xp.embedding(data[0], params[0]) * data[1])


def table(dtype: str) -> Callable[[], Inputs]:
    return lambda: (
        random_arrays(dtype, (50_000, 256)),
        [np.random.default_rng(4).integers(0, 50_000, 16_384), *random_arrays(dtype, (16_384, 256), seed=5)],
    )


def scatter_add(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    total, rows = params
    return xp.sum(xp.index_add(total, 0, data[0], rows) * data[1])


def scattered(dtype: str) -> Callable[[], Inputs]:
    return lambda: (
        random_arrays(dtype, (5_000, 256), (16_384, 256)),
        [np.random.default_rng(4).integers(0, 5_000, 16_384), *random_arrays(dtype, (5_000, 256), seed=5)],
    )


def sort(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(xp.sort(params[0]) * data[0])


def shuffled(dtype: str) -> Callable[[], Inputs]:
    """A million different numbers in random order, so that there is one way to sort them."""

    def inputs() -> Inputs:
        rng = np.random.default_rng(6)
        return [rng.permutation(MILLION[0]).astype(dtype)], [rng.standard_normal(MILLION).astype(dtype)]

    return inputs


def add(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return params[0] + params[1]


def workloads_of(dtype: str) -> list[Workload]:
    def workload(name: str, kind: str, program: Any, inputs: Any, group: str = GROUP) -> Workload:
        return Workload(group, f"{name}, {DTYPES[dtype]}", kind, program, inputs)

    flat = of_shapes(dtype, MILLION)
    found = [
        workload("x + y 1e6", NO_GRAD, add, of_shapes(dtype, MILLION, MILLION)),
        workload("tanh(x*x+x)*2-x 1e6", NO_GRAD, tanh_chain, flat),
        workload("tanh(x*x+x)*2-x 1e6", GRADIENT, tanh_chain, flat),
        workload("tanh(x*x+x)*2-x 1e7", GRADIENT, tanh_chain, of_shapes(dtype, (10_000_000,))),
        workload("Horner, 10 operations 1e6", GRADIENT, horner, flat),
        workload("tanh(x*x+x)*2-x 1e6 fused", GRADIENT, tanh_chain_fused, flat, FUSED),
        workload("Horner, 10 operations 1e6 fused", GRADIENT, horner_fused, flat, FUSED),
    ]
    for word in ("exp", "tanh", "sigmoid", "relu", "gelu", "silu"):
        found.append(workload(f"{word} 1e6", GRADIENT, summed(word), weighted(dtype, MILLION)))
    found.append(workload("log 1e6", GRADIENT, summed("log"), weighted(dtype, MILLION, low=0.1)))
    found += [
        workload("softmax 4096x1000", GRADIENT, summed("softmax", dim=1), weighted(dtype, ROWS)),
        workload("log_softmax 4096x1000", GRADIENT, summed("log_softmax", dim=1), weighted(dtype, ROWS)),
        workload("cross entropy 4096x1000", GRADIENT, cross_entropy, labelled(dtype)),
        workload("logsumexp 4096x1000", GRADIENT, summed("logsumexp", dim=1), weighted(dtype, ROWS, ROWS[:1])),
        workload("mse loss 4096x1000", GRADIENT, mse, lambda: (random_arrays(dtype, ROWS), random_arrays(dtype, ROWS))),
        workload("layer norm 4096x1024", GRADIENT, layer_norm, normalised(dtype)),
        workload("batch norm 32x64x32x32", GRADIENT, batch_norm, images(dtype)),
        workload("outer sum 1000x1000", GRADIENT, outer_sum, outer(dtype)),
        workload("sum(0) + mean(1) + var(0) 1000x1000", GRADIENT, reductions, of_shapes(dtype, (1000, 1000))),
        workload("max(1) 4096x1000", GRADIENT, summed("amax", dim=1), weighted(dtype, ROWS, ROWS[:1])),
        workload("cumsum(1) 1000x1000", GRADIENT, summed("cumsum", dim=1), weighted(dtype, (1000, 1000))),
        workload("where 1e6", GRADIENT, where, masked(dtype)),
        workload("embedding 50000x256, 16384 ids", GRADIENT, embedding, table(dtype)),
        workload("index_add 5000x256, 16384 rows", GRADIENT, scatter_add, scattered(dtype)),
        workload("sort 1e6", GRADIENT, sort, shuffled(dtype)),
    ]
    return found


WORKLOADS: Final = [w for dtype in DTYPES for w in workloads_of(dtype)]
