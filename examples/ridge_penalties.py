"""How much to penalise: the gradient of a validation error by hyperparameters, through the fit itself.

    python examples/ridge_penalties.py [--out out] [--short]

Ridge regression with a penalty for every feature. The fit is a minimum (`func.argmin`); the implicit function theorem says
how it moves with the penalties, so these can be learned. Prints the errors and draws the way and the penalties found.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from common import COLOURS, heading, plt, save_figure, settings

import wengert as torch
from wengert.func import argmin, grad
from wengert.optimize import minimize

FEATURES, USEFUL = 20, 5


def data(rows: int, seed: int) -> tuple[Any, Any]:
    """Inputs and targets; only the first features matter, the others are noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, FEATURES))
    weights = np.where(np.arange(FEATURES) < USEFUL, 2.0, 0.0)
    return torch.tensor(x), torch.tensor(x @ weights + 2.0 * rng.normal(size=rows))


def training_loss(w: Any, penalties: Any, x: Any, y: Any) -> Any:
    """Squared error, and a penalty for each weight."""
    return ((x @ w - y) ** 2).mean() + (penalties * w * w).sum()


def error(w: Any, x: Any, y: Any) -> Any:
    """Mean squared error."""
    return ((x @ w - y) ** 2).mean()


def validation_error(log_penalties: Any, train: Any, valid: Any) -> Any:
    """The error on other data of the weights that fit the training data best."""
    w = argmin(training_loss, torch.zeros(FEATURES, dtype=torch.float64), torch.exp(log_penalties), *train)
    return error(w, *valid)


def plot(values: list[float], penalties: Any, path: Path) -> Path:
    """How the validation error fell, and which features are penalised now."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    left.plot(values, "o-", markersize=3)
    left.set(title="Validation error", xlabel="step")
    colours = [COLOURS[2] if i < USEFUL else COLOURS[1] for i in range(FEATURES)]
    right.set_axisbelow(True)
    right.bar(range(FEATURES), penalties.numpy(), color=colours)
    right.set(title="Penalties found (green: useful features)", xlabel="feature", yscale="log")
    return save_figure(figure, path)


def main(out: Path, short: bool) -> None:
    """Check one gradient, then learn all penalties."""
    train, valid, test = data(40, 1), data(40, 2), data(1000, 3)
    start = torch.full((FEATURES,), -2.0, dtype=torch.float64)

    heading("A gradient through a fit")
    slope = grad(validation_error)(start, train, valid)
    nudge = torch.zeros(FEATURES, dtype=torch.float64)
    nudge[0] = 1e-5
    ends = [validation_error(start + s * nudge, train, valid) for s in (1, -1)]
    difference = ((ends[0] - ends[1]) / 2e-5).item()
    print(f"by the first log-penalty: {slope[0].item():.8f}, by differences {difference:.8f}")

    heading("Learning the penalties")
    values = [validation_error(start, train, valid).item()]
    result = minimize(
        validation_error,
        start,
        args=(train, valid),
        bounds=[(-8, 4)] * FEATURES,
        callback=lambda q: values.append(validation_error(q, train, valid).item()),
        options={"maxiter": 10 if short else 60},
    )
    for name, q in (("one penalty for all", start), ("learned penalties", result.x)):
        w = argmin(training_loss, torch.zeros(FEATURES, dtype=torch.float64), torch.exp(q), *train)
        print(f"{name}: validation error {error(w, *valid).item():.3f}, test error {error(w, *test).item():.3f}")
    penalties = torch.exp(result.x)
    useful, useless = penalties[:USEFUL].log().mean().exp().item(), penalties[USEFUL:].log().mean().exp().item()
    print(f"typical penalty: {useful:.4f} for useful features, {useless:.4f} for the others")
    plot(values, penalties, out / "ridge_penalties.png")


if __name__ == "__main__":
    options = settings(__doc__)
    main(options.out, options.short)
