"""A network that obeys a differential equation: its second derivative is part of what it is trained for.

    python examples/physics_informed.py [--out out] [--short]

Nobody shows the network the motion of a damped spring; it is only asked to satisfy u'' + 2 d u' + w^2 u = 0. Prints the
largest error against the exact motion and draws both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from common import heading, plt, save_figure, settings

import wengert as torch
from wengert.func import functional_call, jvp
from wengert.optimize import least_squares

DAMPING, FREQUENCY, END = 0.4, 3.0, 4.0


def exact(t: Any) -> Any:
    """The motion that begins at 1 without speed."""
    w = (FREQUENCY**2 - DAMPING**2) ** 0.5
    return torch.exp(-DAMPING * t) * (torch.cos(w * t) + DAMPING / w * torch.sin(w * t))


def network(width: int) -> Any:
    """One layer of waves of different lengths."""
    net = torch.nn.Sequential(torch.nn.Linear(1, width), torch.nn.Tanh(), torch.nn.Linear(width, 1)).double()
    with torch.no_grad():
        net[0].weight.uniform_(-4, 4)
        net[0].bias.copy_(-net[0].weight[:, 0] * torch.linspace(0, END, width, dtype=torch.float64))
    return net


def motion(net: Any, parameters: Any, t: Any) -> Any:
    """What the network says: whatever its parameters are, it begins at 1 without speed."""
    return 1 + t**2 * functional_call(net, parameters, t[:, None])[:, 0]


def residual(net: Any, parameters: Any, t: Any) -> Any:
    """How far the network is from obeying the equation, at each time.

    Each value depends on its own time only, so one direction of ones holds the derivatives at all times side by side.
    """
    ones = torch.ones_like(t)

    def speed(t: Any) -> Any:
        return jvp(lambda t: motion(net, parameters, t), (t,), (ones,))[1]

    du, ddu = jvp(speed, (t,), (ones,))
    return ddu + 2 * DAMPING * du + FREQUENCY**2 * motion(net, parameters, t)


def plot_motion(t: Any, found: Any, path: Path) -> Path:
    """The network's motion on top of the exact one, and the difference."""
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7.5, 4.8), sharex=True, height_ratios=[3, 1])
    top.plot(t.numpy(), exact(t).numpy(), label="exact")
    top.plot(t.numpy(), found.numpy(), "--", label="network")
    top.set(title="A damped spring, from its equation alone", ylabel="u(t)")
    top.legend()
    bottom.plot(t.numpy(), (found - exact(t)).numpy(), color="#7a9e3d")
    bottom.set(xlabel="t", ylabel="difference")
    return save_figure(figure, path)


def main(out: Path, short: bool) -> None:
    """Train by nonlinear least squares: one residual for each time, exact derivatives by every parameter."""
    torch.manual_seed(0)
    net = network(12 if short else 20)
    parameters = {name: p.detach() for name, p in net.named_parameters()}
    times = torch.linspace(0, END, 30 if short else 60, dtype=torch.float64)
    heading("Training by the equation")
    count = sum(p.numel() for p in parameters.values())
    print(f"{count} parameters, {len(times)} times at which the equation is asked for")
    before = residual(net, parameters, times)
    result = least_squares(lambda p: residual(net, p, times), parameters, max_nfev=25 if short else 60)
    print(f"root mean square of the residual: {before.square().mean().sqrt().item():.1e} before, ", end="")
    print(f"{np.sqrt(np.mean(result.fun**2)):.1e} after {result.nfev} steps")
    line = torch.linspace(0, END, 400, dtype=torch.float64)
    found = motion(net, result.x, line)
    print(f"largest error of the motion: {(found - exact(line)).abs().max().item():.1e}")
    plot_motion(line, found, out / "physics_informed.png")


if __name__ == "__main__":
    options = settings(__doc__)
    main(options.out, options.short)
