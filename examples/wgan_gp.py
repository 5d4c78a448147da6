"""A Wasserstein GAN with gradient penalty learns two half moons: a gradient inside a loss.

    python examples/wgan_gp.py [--out out] [--steps 1000]      (about half a minute)

A generator turns random numbers into points; a critic scores how real points look. The critic's score must not change
faster than the distance between points does, so its loss contains the length of its own gradient. To minimise that,
autograd differentiates a derivative: a double backward pass. It is checked against finite differences first.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
from common import parser, plt, save_figure
from digits import Adam

import wengert as torch

NOISE, HIDDEN, BATCH = 3, 64, 128
PENALTY, CRITIC_STEPS = 0.1, 5
RATE = 5e-3


def real_points(count: int) -> torch.Tensor:
    """Points scattered along two half moons, one upside down, (count, 2)."""
    angle = math.pi * torch.rand(count)
    side = torch.randint(0, 2, (count,)) * 2.0 - 1.0  # +1 upper moon, -1 lower moon
    x = 1.6 * torch.cos(angle) - 0.8 * side
    y = side * (1.6 * torch.sin(angle) - 0.5)
    return torch.stack([x, y], dim=1) + 0.1 * torch.randn(count, 2)


def new_network(inputs: int, outputs: int) -> list[torch.Tensor]:
    """Weights and biases of three layers."""
    parameters = []
    for rows, columns in [(inputs, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, outputs)]:
        parameters += [torch.randn(rows, columns) * (2 / rows) ** 0.5, torch.zeros(columns)]
    return [parameter.requires_grad_(True) for parameter in parameters]


def generate(generator: list[torch.Tensor], count: int) -> torch.Tensor:
    """Points made of random numbers, (count, 2)."""
    w1, b1, w2, b2, w3, b3 = generator
    noise = torch.randn(count, NOISE)
    return torch.relu(torch.relu(noise @ w1 + b1) @ w2 + b2) @ w3 + b3


def judge(critic: list[torch.Tensor], points: torch.Tensor) -> torch.Tensor:
    """The critic's scores, (count, 1). softplus is smooth: the penalty needs second derivatives that are not zero."""
    w1, b1, w2, b2, w3, b3 = critic
    return softplus(softplus(points @ w1 + b1) @ w2 + b2) @ w3 + b3


def softplus(x: torch.Tensor) -> torch.Tensor:
    """A rounded ramp, log(1 + exp(x)), lowered so that 0 stays 0."""
    return torch.logaddexp(x, torch.zeros_like(x)) - math.log(2)


def gradient_penalty(critic: list[torch.Tensor], points: torch.Tensor) -> torch.Tensor:
    """How far the length of the critic's gradient is from 1, squared, on average over the points."""
    points = points.detach().requires_grad_(True)
    score = judge(critic, points).sum()  # each score depends on its own point only, so the sum mixes nothing
    # create_graph=True records the backward pass too: the slope is an expression that has a gradient itself.
    (slope,) = torch.autograd.grad(score, points, create_graph=True)
    return ((slope.norm(dim=1) - 1) ** 2).mean()


def check_penalty() -> float:
    """The largest relative difference between the gradient of the penalty and finite differences, in float64."""
    critic = [p.detach().double().requires_grad_(True) for p in new_network(2, 1)]
    points = torch.randn(8, 2).double()
    gradients = torch.autograd.grad(gradient_penalty(critic, points), critic[:-1])  # the last bias has no influence
    step, worst = 1e-5, 0.0
    for parameter, gradient in zip(critic, gradients, strict=False):
        entry = tuple(size // 2 for size in parameter.shape)  # one entry of each parameter will do
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[entry] += sign * step
            values.append(gradient_penalty(critic, points).item())
            with torch.no_grad():
                parameter[entry] -= sign * step
        numeric = (values[0] - values[1]) / (2 * step)
        worst = max(worst, abs(numeric - gradient[entry].item()) / gradient.abs().max().item())
    return worst


def critic_step(critic: list[torch.Tensor], generator: list[torch.Tensor], optimiser: Adam) -> float:
    """Teach the critic to score real points above generated ones; returns its estimate of the distance."""
    real = real_points(BATCH)
    with torch.no_grad():  # the generator does not learn here
        fake = generate(generator, BATCH)
    distance = judge(critic, real).mean() - judge(critic, fake).mean()
    mix = torch.rand(BATCH, 1)  # the penalty looks at points between real and generated ones
    loss = PENALTY * gradient_penalty(critic, mix * real + (1 - mix) * fake) - distance
    loss.backward()
    optimiser.step()
    return distance.item()


def generator_step(critic: list[torch.Tensor], generator: list[torch.Tensor], optimiser: Adam) -> None:
    """Teach the generator to make points that the critic scores high."""
    loss = -judge(critic, generate(generator, BATCH)).mean()
    # Gradients of the generator only: the critic keeps still, and its .grad stays empty.
    for parameter, gradient in zip(generator, torch.autograd.grad(loss, generator), strict=True):
        parameter.grad = gradient
    optimiser.step()


def train(steps: int) -> tuple[list[torch.Tensor], list[torch.Tensor], list[float]]:
    """Let both networks learn in turns; the networks and the distances that the critic estimated."""
    torch.manual_seed(1)
    critic, generator = new_network(2, 1), new_network(NOISE, 2)
    optimisers = [Adam(network, RATE, keep=0.5, keep_size=0.99) for network in (critic, generator)]
    distances = []
    for step in range(1, steps + 1):
        for optimiser in optimisers:
            optimiser.lr = RATE * (1 - step / (steps + 1))  # smaller and smaller steps, so that the two come to rest
        for _ in range(CRITIC_STEPS):
            distance = critic_step(critic, generator, optimisers[0])
        generator_step(critic, generator, optimisers[1])
        distances.append(distance)
        if step % 250 == 0:
            print(f"step {step:4}: estimated distance {distance:.3f}")
    return critic, generator, distances


def plot(critic: list[torch.Tensor], generator: list[torch.Tensor], distances: list[float], path: Path) -> Path:
    """Draw the points over the critic's landscape, and the distance while learning."""
    line = np.linspace(-3, 3, 100)
    x, y = np.meshgrid(line, line)
    grid = torch.tensor(np.stack([x.ravel(), y.ravel()], axis=1), dtype=torch.float32)
    with torch.no_grad():
        height = judge(critic, grid).reshape(100, 100).numpy()
        fake = generate(generator, 800).numpy()
    real = real_points(800).numpy()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), width_ratios=[1.15, 1], constrained_layout=True)
    left.contourf(x, y, height, levels=24, cmap="GnBu", alpha=0.45)
    left.scatter(*real.T, s=7, color="#1b4965", alpha=0.55, linewidth=0, label="real")
    left.scatter(*fake.T, s=7, color="#e0603f", alpha=0.75, linewidth=0, label="generated")
    left.set(title="Points over the critic's score", xlim=(-3, 3), ylim=(-2.5, 2.5), aspect="equal")
    left.grid(visible=False)
    left.legend(loc="upper right", markerscale=2.5)
    right.plot(range(1, len(distances) + 1), distances, linewidth=0.8, color="#b9d3dc")
    window = min(40, len(distances))
    means = np.convolve(distances, np.ones(window) / window, mode="valid")
    right.plot(range(window, len(distances) + 1), means, label=f"mean of {window} steps")
    right.set(title="Estimated distance to the real points", xlabel="step", ylim=(0, 2 * max(means)))
    right.legend(loc="upper right")
    return save_figure(figure, path)


def main(out: Path, steps: int) -> None:
    """Check, train, draw."""
    torch.manual_seed(0)
    print(f"gradient of the penalty against finite differences: relative difference {check_penalty():.1e}")
    start = time.perf_counter()
    critic, generator, distances = train(steps)
    print(f"{steps} steps in {time.perf_counter() - start:.1f} seconds")
    plot(critic, generator, distances, out / "wgan_gp.png")


if __name__ == "__main__":
    command_line = parser(__doc__)
    command_line.add_argument("--steps", type=int, default=1000, help="steps of the generator (default: 1000)")
    options = command_line.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    main(options.out, options.steps)
