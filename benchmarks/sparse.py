"""Sparse derivatives: pattern, colours and seconds: ``python benchmarks/sparse.py [--n 10000] [--rounds 5]``.

For each case: the number of entries and of colours (products per matrix), the seconds of the first call (a recorded run, the
pattern, the colouring, one matrix) and the best seconds of a call at a new point. Every matrix is checked against a product
with the same derivative: ``J v`` by ``func.jvp``, ``H v`` by the pullback of the gradient.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

import wengert as wg
from wengert.func import grad, jvp, sparse_hessian, sparse_jacobian, vjp

Case = tuple[str, Callable[..., Any], Any, Callable[[Any], Any]]


def tridiagonal(x: Any) -> Any:
    return x[2:] - 2 * x[1:-1] + x[:-2] + x[1:-1] ** 3


def laplacian(u: Any) -> Any:
    p = wg.nn.functional.pad(u, (1, 1, 1, 1))
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u + u.exp()


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def energy(u: Any) -> Any:
    return (laplacian(u) ** 2).sum()


def arrow(x: Any) -> Any:
    return (x * x[0]).sum() + (x**3).sum()


def cases(n: int) -> list[Case]:
    """Title, kind of matrix, function, point."""
    side = math.isqrt(n)
    line = lambda: wg.rand(n, dtype=wg.float64)  # noqa: E731
    square = lambda: wg.rand(side, side, dtype=wg.float64)  # noqa: E731
    return [
        (f"Jacobian, tridiagonal residual, n = {n}", sparse_jacobian, line, tridiagonal),
        (f"Jacobian, nonlinear Laplacian, {side} x {side}", sparse_jacobian, square, laplacian),
        (f"Hessian, Rosenbrock, n = {n}", sparse_hessian, line, rosenbrock),
        (f"Hessian, squared Laplacian, {side} x {side}", sparse_hessian, square, energy),
        (f"Hessian, arrow, n = {n}", sparse_hessian, line, arrow),
    ]


def check(kind: Any, f: Any, x: Any, matrix: Any) -> None:
    """The matrix times a vector is the derivative in that direction."""
    v = wg.rand(x.shape, dtype=x.dtype)
    wanted = jvp(f, (x,), (v,))[1] if kind is sparse_jacobian else vjp(grad(f), x)[1](v)[0]
    np.testing.assert_allclose(matrix @ v.numpy().reshape(-1), wanted.numpy().reshape(-1), rtol=1e-8, atol=1e-8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{'case':45} {'entries':>9} {'colours':>8} {'first':>9} {'again':>9}")
    for title, kind, point, f in cases(options.n):
        derivative = kind(f)
        x = point()
        begun = perf_counter()
        matrix = derivative(x)
        first = perf_counter() - begun
        check(kind, f, x, matrix)
        again = []
        for _ in range(options.rounds):
            x = point()
            begun = perf_counter()
            derivative(x)
            again.append(perf_counter() - begun)
        print(f"{title:45} {matrix.nnz:9} {derivative.passes:8} {first:7.3f} s {min(again):7.4f} s")


if __name__ == "__main__":
    main()
