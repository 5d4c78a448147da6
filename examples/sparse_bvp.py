"""A boundary-value problem by Newton's method, with a sparse Jacobian that nobody wrote down: Bratu's equation.

    u'' + L exp(u) = 0 inside, u = 0 at the boundary

(heat that makes a fuel burn faster, which makes heat). The program states the residual on a grid;
``func.sparse_jacobian`` finds out which unknowns each residual reads, and computes the Jacobian with a handful of products.
On an interval the solution is known, and the error is seen to fall with the square of the step. On a square the same
lines solve for 10,000 unknowns.

python examples/sparse_bvp.py [--out out]
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import heading, out_folder, plt, save_figure
from scipy.optimize import brentq
from scipy.sparse.linalg import spsolve

import wengert as torch
from wengert.func import sparse_jacobian

pad = torch.nn.functional.pad


def on_interval(u: Any, strength: float) -> Any:
    """Residuals at the inner points of [0, 1], times the square of the step."""
    h = 1 / (len(u) + 1)
    p = pad(u, (1, 1))
    return p[2:] - 2 * u + p[:-2] + h * h * strength * u.exp()


def on_square(u: Any, strength: float) -> Any:
    """Residuals at the inner points of the unit square, times the square of the step."""
    h = 1 / (len(u) + 1)
    p = pad(u, (1, 1, 1, 1))
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u + h * h * strength * u.exp()


def exact_on_interval(x: Any, strength: float) -> Any:
    """The lower solution: ``-2 log(cosh((x - 1/2) t / 2) / cosh(t / 4))`` where ``t = sqrt(2 L) cosh(t / 4)``."""
    t = brentq(lambda t: t - math.sqrt(2 * strength) * math.cosh(t / 4), 0, 4)
    return -2 * np.log(np.cosh((x - 0.5) * t / 2) / np.cosh(t / 4))


def newton(residual: Callable[[Any], Any], u: Any, say: Callable[[str], None] = print) -> tuple[Any, Any]:
    """The root near ``u``, and the Jacobian function that found it."""
    jacobian = sparse_jacobian(residual)
    for step in range(20):
        r = residual(u)
        size = float(r.abs().max())
        say(f"  step {step}: largest residual {size:.1e}")
        if size < 1e-13:
            break
        change = spsolve(jacobian(u).tocsc(), -r.numpy().reshape(-1))
        u = u + torch.tensor(change).reshape(u.shape)
    return u, jacobian


def convergence(strength: float) -> list[float]:
    """The errors on ever finer grids of the interval."""
    errors = []
    for n in (20, 40, 80, 160):
        u, _ = newton(lambda u: on_interval(u, strength), torch.zeros(n - 1, dtype=torch.float64), lambda line: None)
        errors.append(float(np.abs(u.numpy() - exact_on_interval(np.arange(1, n) / n, strength)).max()))
        print(f"  {n:4} steps: error {errors[-1]:.2e}")
    return errors


def draw(u: Any, pattern: Any, path: Path) -> Path:
    """The solution, and where the Jacobian of a small grid has entries."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
    image = left.imshow(u.numpy(), cmap="Blues", extent=(0, 1, 0, 1))
    left.set_title("u on the square")
    left.grid(False)
    figure.colorbar(image, ax=left, shrink=0.8)
    right.spy(pattern, markersize=2)
    right.set_title("its Jacobian, on a grid of 8 x 8", pad=20)
    return save_figure(figure, path)


def main(out: Path) -> None:
    """Solve, compare, draw."""
    heading("On an interval: 199 unknowns, L = 2")
    u, jacobian = newton(lambda u: on_interval(u, 2.0), torch.zeros(199, dtype=torch.float64))
    print(f"  {jacobian.pattern.nnz} entries by {jacobian.passes} products; u(1/2) = {float(u[99]):.6f}")
    convergence(2.0)

    heading("On a square: 10,000 unknowns, L = 6")
    start = time.perf_counter()
    u, jacobian = newton(lambda u: on_square(u, 6.0), torch.zeros(100, 100, dtype=torch.float64))
    print(f"  {jacobian.pattern.nnz} entries by {jacobian.passes} products; largest u = {float(u.max()):.6f}")
    print(f"  {time.perf_counter() - start:.1f} s")
    small = sparse_jacobian(lambda u: on_square(u, 6.0))
    small(torch.zeros(8, 8, dtype=torch.float64))
    draw(u, small.pattern, out / "sparse_bvp.png")


if __name__ == "__main__":
    main(out_folder(__doc__))
