"""Hares and lynxes: how a solution of a differential equation depends on its parameters, and which fit what was counted.

    python examples/lotka_volterra.py [--out out] [--short]

Prints the sensitivities at the end, and the parameters found from noisy counts beside the true ones; draws both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from common import COLOURS, heading, plt, save_figure, settings

import wengert as torch
from wengert.func import jacfwd
from wengert.integrate import odeint
from wengert.optimize import least_squares

TRUE = torch.tensor([1.1, 0.4, 0.4, 0.1], dtype=torch.float64)
NAMES = ("births", "hunting", "deaths", "feeding")
START = torch.tensor([10.0, 5.0], dtype=torch.float64)


def change(y: Any, t: Any, p: Any) -> Any:
    """The equations of Lotka and Volterra."""
    hares, lynxes = y
    births, hunting, deaths, feeding = p
    return torch.stack([births * hares - hunting * hares * lynxes, feeding * hares * lynxes - deaths * lynxes])


def populations(p: Any, times: Any) -> Any:
    """Hares and lynxes, a row for each time."""
    return odeint(change, START, times, (p,), rtol=1e-6, atol=1e-6)


def fitted(times: Any, counts: Any) -> Any:
    """The parameters with the least squared difference to what was counted; the logarithm keeps them positive."""
    guess = torch.log(torch.tensor([0.8, 0.3, 0.6, 0.15], dtype=torch.float64))
    result = least_squares(lambda q: populations(torch.exp(q), times) - counts, guess)
    return torch.exp(result.x), result


def plot(times: Any, counts: Any, found: Any, sensitivity: Any, line: Any, path: Path) -> Path:
    """Counts with the fitted solution, and below how the hares answer to each parameter."""
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7.5, 6), sharex=True)
    for i, name in enumerate(("hares", "lynxes")):
        top.plot(times.numpy(), counts[:, i].numpy(), "o", color=COLOURS[i], markersize=4)
        top.plot(line.numpy(), found[:, i].numpy(), color=COLOURS[i], label=name)
    top.set(title="Counted, and the solution that fits", ylabel="animals")
    top.legend()
    for k, name in enumerate(NAMES):
        bottom.plot(line.numpy(), (TRUE[k] * sensitivity[:, 0, k]).numpy() / 100, label=name)
    bottom.set(title="Hares more or fewer when a parameter grows by 1 %", xlabel="time", ylabel="hares")
    bottom.legend(ncols=4, fontsize=8)
    return save_figure(figure, path)


def main(out: Path, short: bool) -> None:
    """Sensitivities in forward mode, then the fit."""
    end = 10.0 if short else 20.0
    line = torch.linspace(0, end, 60 if short else 240, dtype=torch.float64)
    heading("Sensitivities")
    sensitivity = jacfwd(populations)(TRUE, line)
    for k, name in enumerate(NAMES):
        hares, lynxes = (TRUE[k] * sensitivity[-1, :, k] / 100).tolist()
        print(f"1 % more {name}: {hares:+.3f} hares, {lynxes:+.3f} lynxes at t = {end:g}")

    heading("Parameters from counts")
    times = torch.linspace(0, end, 26, dtype=torch.float64)
    noise = torch.tensor(np.random.default_rng(0).normal(scale=0.3, size=(26, 2)))
    counts = populations(TRUE, times) + noise
    parameters, result = fitted(times, counts)
    for name, found, true in zip(NAMES, parameters.tolist(), TRUE.tolist(), strict=True):
        print(f"{name}: {found:.4f} (true: {true})")
    print(
        f"{result.nfev} solutions and {result.njev} Jacobians; remaining difference {np.std(result.fun):.3f} (noise: 0.3)"
    )
    plot(times, counts, populations(parameters, line), sensitivity, line, out / "lotka_volterra.png")


if __name__ == "__main__":
    options = settings(__doc__)
    main(options.out, options.short)
