"""A rocket learns to land: gradients through a simulator of flight.

    python examples/rocket.py [--out out] [--short]      (about half a minute)

The simulator is plain arithmetic on tensors, so a whole flight is one differentiable expression of the pilot, a small
network. What is minimised is how far, how fast and how tilted the rocket arrives, averaged over a batch of starts; no
reinforcement learning is needed, backward() goes through all steps of the flight.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from common import COLOURS, plt, save_figure, settings

import wengert as torch
from wengert import nn
from wengert.history import History

GRAVITY, THRUST, ARM, INERTIA = 1.0, 2.5, 0.5, 0.1  # lengths are in rockets, times so that gravity is 1
STEPS, TICK, BATCH, ROUNDS = 70, 0.1, 48, 300
WANTED = torch.tensor([0.0, 0.5, 0.0, 0.0, 0.0, 0.0])  # x, height, two speeds, angle, its speed: upright on the ground
SCALE = torch.tensor([4.0, 8.0, 2.0, 2.0, 0.5, 1.0])


class Pilot(nn.Module):
    """From the state of the rocket to its throttle, 0 to 1, and the angle of its nozzle, up to 0.4."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))

    def forward(self, state: Any) -> tuple[Any, Any]:
        """Throttle and nozzle, (n) each, for states (n, 6)."""
        throttle, nozzle = self.layers((state - WANTED) / SCALE).unbind(dim=1)
        return torch.sigmoid(throttle), 0.4 * torch.tanh(nozzle)


def advance(state: Any, throttle: Any, nozzle: Any) -> Any:
    """The state one tick later: speeds change by forces, then places by the new speeds."""
    x, height, vx, vy, angle, spin = state.unbind(dim=1)
    push = THRUST * throttle
    direction = angle + nozzle
    vx = vx - TICK * push * torch.sin(direction)
    vy = vy + TICK * (push * torch.cos(direction) - GRAVITY)
    spin = spin - TICK * push * ARM * torch.sin(nozzle) / INERTIA / 4
    return torch.stack([x + TICK * vx, height + TICK * vy, vx, vy, angle + TICK * spin, spin], dim=1)


def fly(pilot: Pilot, state: Any) -> tuple[Any, Any]:
    """States (steps + 1, n, 6) and throttles (steps, n) of a flight."""
    states, throttles = [state], []
    for _ in range(STEPS):
        throttle, nozzle = pilot(states[-1])
        states.append(advance(states[-1], throttle, nozzle))
        throttles.append(throttle)
    return torch.stack(states), torch.stack(throttles)


def starts(count: int) -> Any:
    """High above the ground, to the left or right, tilted and falling, (count, 6)."""
    low = torch.tensor([-4.0, 6.0, -0.5, -1.0, -0.3, -0.2])
    high = torch.tensor([4.0, 9.0, 0.5, 0.0, 0.3, 0.2])
    return low + (high - low) * torch.rand(count, 6)


def miss(states: Any) -> Any:
    """How badly each flight ends: its last ten states against upright, still and on the ground; and no digging before."""
    late = ((states[-10:] - WANTED) / SCALE * torch.tensor([8.0, 12.0, 4.0, 4.0, 2.0, 1.0])) ** 2
    below = torch.relu(WANTED[1] - states[:, :, 1]) ** 2
    return late.sum(dim=2).mean(dim=0) + 20 * below.mean(dim=0)


def train(rounds: int, history: History) -> Pilot:
    """The pilot after some rounds of flights."""
    torch.manual_seed(0)
    pilot = Pilot()
    optimizer = torch.optim.Adam(pilot.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=rounds)
    for _ in range(rounds):
        states, throttles = fly(pilot, starts(BATCH))
        loss = miss(states).mean() + 0.05 * throttles.mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(pilot.parameters(), 1.0)  # a flight that goes wrong has a huge gradient
        optimizer.step()
        schedule.step()
        history.log(miss=loss)
    return pilot


def draw(axes: Any, pilot: Pilot, begin: Any, title: str) -> None:
    """Draw the flights from some starts: the way, and the rocket with its flame every few ticks."""
    with torch.no_grad():
        states, throttles = (t.numpy() for t in fly(pilot, begin))
    for flight in range(len(begin)):
        colour = COLOURS[flight % len(COLOURS)]
        axes.plot(*states[:, flight, :2].T, color=colour, linewidth=0.8, alpha=0.5)
        for step in range(0, STEPS, 6):
            x, height, _, _, angle, _ = states[step, flight]
            up = 0.5 * np.array([-math.sin(angle), math.cos(angle)])
            tail, place = -2 * up * throttles[step, flight], np.array([x, height])
            axes.plot(*np.stack([place - up, place - up + tail]).T, color="#f2b134", linewidth=2.5, alpha=0.7)
            axes.plot(*np.stack([place - up, place + up]).T, color=colour, linewidth=3, solid_capstyle="round")
    axes.axhline(0, color="#22303c", linewidth=3)
    axes.set(title=title, xlim=(-7, 7), ylim=(-1.5, 10), aspect="equal", xlabel="rocket lengths")


if __name__ == "__main__":
    options = settings(__doc__)
    record = History()
    torch.manual_seed(0)
    novice = Pilot()
    expert = train(4 if options.short else ROUNDS, record)
    torch.manual_seed(2)
    some, many = starts(4), starts(200)
    some[:, 0] = torch.tensor([-3.5, 1.2, 3.5, -1.2])
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    draw(left, novice, some, "Before")
    draw(middle, expert, some, f"After {record.step} rounds")
    right.semilogy(record["miss"].steps, record["miss"])
    right.set(title="How badly flights end", xlabel="round")
    save_figure(figure, options.out / "rocket.png")
    with torch.no_grad():
        last = fly(expert, many)[0][-1] - WANTED
    safe = (last[:, :2].norm(dim=1) < 0.5) & (last[:, 2:4].norm(dim=1) < 0.5) & (last[:, 4].abs() < 0.2)
    print(f"{safe.float().mean().item():.0%} of 200 new flights end within half a length, slow and upright")
