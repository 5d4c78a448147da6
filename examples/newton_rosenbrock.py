"""Newton's method in the curved valley of Rosenbrock, with a Hessian that nobody wrote.

    python examples/newton_rosenbrock.py [--out out] [--short]

Prints how many steps gradient descent, Newton's method and SciPy's methods need; draws the first two on their way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from common import heading, plt, save_figure, settings

import wengert as torch
from wengert.func import grad, hessian, vmap
from wengert.optimize import minimize


def rosenbrock(x: Any) -> Any:
    """A valley along x[i + 1] = x[i]^2; the minimum is 0 where all are 1."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def shortened(x: Any, step: Any, value: Any, slope: Any) -> Any:
    """Half the step, and half of that, until the value falls by a fair part of what the slope promises."""
    while rosenbrock(x + step) > value + 1e-4 * (slope @ step):
        step = step / 2
    return x + step


def descend(x: Any, direction: Any, steps: int) -> list[Any]:
    """All points on the way to a slope below 1e-8, at most so many steps."""
    path = [x]
    for _ in range(steps):
        slope = grad(rosenbrock)(x)
        if slope.norm() < 1e-8:
            break
        x = shortened(x, direction(x, slope), rosenbrock(x), slope)
        path.append(x)
    return path


def newton(x: Any, slope: Any) -> Any:
    """Where the quadratic with this slope and this curvature has its minimum.

    Far from the minimum the Hessian may have negative eigenvalues; with their absolute values the step leads downhill.
    """
    values, vectors = torch.linalg.eigh(hessian(rosenbrock)(x))
    return -vectors @ ((vectors.T @ slope) / values.abs())


def steepest(x: Any, slope: Any) -> Any:
    """Straight downhill."""
    return -slope


def plot_paths(paths: dict[str, list[Any]], path: Path) -> Path:
    """The valley from above, and the ways through it."""
    x, y = np.meshgrid(np.linspace(-1.7, 1.5, 200), np.linspace(-0.6, 1.9, 200))
    places = torch.tensor(np.stack([x.ravel(), y.ravel()], axis=1))
    height = vmap(rosenbrock)(places).numpy().reshape(x.shape)
    figure, axes = plt.subplots(figsize=(7.5, 4.6))
    axes.grid(False)
    axes.contourf(x, y, np.log10(height + 1e-3), levels=24, cmap="Blues", alpha=0.8)
    for name, points in paths.items():
        line = torch.stack(points).numpy()
        axes.plot(line[:, 0], line[:, 1], "o-", markersize=3, linewidth=1, label=f"{name}, {len(points) - 1} steps")
    axes.plot(1, 1, "*", markersize=14, color="#e0b03f", label="minimum")
    axes.set(title="Two ways down Rosenbrock's valley", xlabel="x[0]", ylabel="x[1]")
    axes.legend(loc="lower left")
    return save_figure(figure, path)


def main(out: Path, short: bool) -> None:
    """Two variables with a picture, then many variables."""
    heading("Two variables")
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    paths = {"gradient descent": descend(start, steepest, 200), "Newton": descend(start, newton, 100)}
    for name, points in paths.items():
        print(f"{name}: {len(points) - 1} steps, value {rosenbrock(points[-1]).item():.1e}")
    plot_paths(paths, out / "newton_rosenbrock.png")

    n = 10 if short else 100
    heading(f"{n} variables")
    start = torch.full((n,), 0.5, dtype=torch.float64)
    points = descend(start, newton, 200)
    print(f"Newton by hand: {len(points) - 1} steps, value {rosenbrock(points[-1]).item():.1e}")
    for method in ("BFGS", "Newton-CG", "trust-exact"):
        result = minimize(rosenbrock, start, method=method)
        print(f"SciPy's {method}: {result.nit} steps, value {result.fun:.1e}")


if __name__ == "__main__":
    options = settings(__doc__)
    main(options.out, options.short)
