"""What ``run.py --suite transforms`` times: derivatives, each program written once for all packages.

A case is ``make(package) -> step``; ``step()`` computes the result, a tensor or a list of them. ``package`` has the module
with the functions (``xp.tanh``) and the transforms (``package.hessian``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

Step = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """Something to time."""

    title: str
    make: Callable[[Any], Step]
    group: str = "transforms"
    divide_by: int = 1
    calls_compared: int = 2


def rosenbrock(x: Any) -> Any:
    """The banana valley in n dimensions."""
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def hessian_of_rosenbrock(n: int) -> Callable[[Any], Step]:
    def make(package: Any) -> Step:
        x = package.tensor(np.linspace(-1.0, 1.5, n))
        run = package.compiled(package.hessian(rosenbrock))
        return lambda: run(x)

    return make


def jacobian(n: int) -> Callable[[Any], Step]:
    """Of ``tanh(A x) x`` by rows."""

    def make(package: Any) -> Step:
        rng = np.random.default_rng(0)
        A = package.tensor(rng.normal(0, n**-0.5, (n, n)))
        x = package.tensor(rng.normal(0, 1, n))
        run = package.compiled(package.jacrev(lambda v: package.xp.tanh(A @ v) * v))
        return lambda: run(x)

    return make


WIDTHS: Final = (32, 64, 64, 10)
BATCH: Final = 256


def mlp_arrays() -> tuple[list[Any], Any, Any]:
    rng = np.random.default_rng(1)
    parameters = []
    for fan_in, fan_out in pairwise(WIDTHS):
        parameters += [rng.normal(0, fan_in**-0.5, (fan_in, fan_out)), rng.normal(0, 0.1, fan_out)]
    return parameters, rng.normal(0, 1, (BATCH, WIDTHS[0])), rng.normal(0, 1, (BATCH, WIDTHS[-1]))


def mlp(package: Any, parameters: Any, x: Any) -> Any:
    for i in range(0, len(parameters), 2):
        x = x @ parameters[i] + parameters[i + 1]
        x = package.xp.tanh(x) if i < len(parameters) - 2 else x
    return x


def hvp_of_mlp(package: Any) -> Step:
    """The Hessian of the mean squared error, all parameters, times a vector."""
    arrays, inputs, targets = mlp_arrays()
    x, y = package.tensor(inputs), package.tensor(targets)
    parameters = tuple(package.tensor(a) for a in arrays)
    direction = tuple(package.tensor(np.cos(np.arange(a.size)).reshape(a.shape)) for a in arrays)
    run = package.compiled(
        lambda p, v: package.hvp(lambda *q: ((mlp(package, q, x) - y) ** 2).mean(), p, v),
    )
    return lambda: list(run(parameters, direction))


def per_sample_gradients(package: Any) -> Step:
    """Of the squared error of each of 256 samples, all parameters."""
    arrays, inputs, targets = mlp_arrays()
    x, y = package.tensor(inputs), package.tensor(targets)
    parameters = [package.tensor(a) for a in arrays]

    def loss(p: Any, a: Any, b: Any) -> Any:
        return ((mlp(package, p, a) - b) ** 2).mean()

    run = package.compiled(package.vmap(package.grad(loss), (None, 0, 0)))
    return lambda: list(run(parameters, x, y))


def laplacian_of_mlp(package: Any) -> Step:
    """At 64 points in 32 dimensions, as in a physics-informed network."""
    arrays, inputs, _ = mlp_arrays()
    parameters, points = [package.tensor(a) for a in arrays], package.tensor(inputs[:64])
    run = package.compiled(package.vmap(package.laplacian(lambda a: mlp(package, parameters, a).sum()), (0,)))
    return lambda: run(points)


def high_derivative(function: Callable[[Any, Any], Any], order: int) -> Callable[[Any], Step]:
    def make(package: Any) -> Step:
        x = package.tensor(np.array(0.3))
        run = package.compiled(package.derivative(lambda v: function(package.xp, v), order))
        return lambda: run(x)

    return make


def tanh(xp: Any, x: Any) -> Any:
    return xp.tanh(x)


def nested(xp: Any, x: Any) -> Any:
    return xp.tanh(xp.sin(2 * xp.tanh(x)))


CASES: Final = [
    Case("Hessian of Rosenbrock, n = 50", hessian_of_rosenbrock(50)),
    Case("Hessian of Rosenbrock, n = 500", hessian_of_rosenbrock(500)),
    Case("Hessian-vector product, MLP 32-64-64-10, batch 256", hvp_of_mlp),
    Case("Jacobian 100 x 100, reverse mode", jacobian(100)),
    Case("Jacobian 1000 x 1000, reverse mode", jacobian(1000)),
    Case("gradient of each of 256 samples, MLP 32-64-64-10", per_sample_gradients),
    Case("Laplacian of an MLP, 32 dimensions, 64 points", laplacian_of_mlp),
    Case("10th derivative of tanh(x)", high_derivative(tanh, 10)),
    Case("9th derivative of tanh(sin(2 tanh(x)))", high_derivative(nested, 9)),
]
