"""Train a small network for 10,000 steps and watch the memory.  `python -m tests.training.steps [STEPS]`

Every step does what a training program does: forward pass with dropout and running statistics, loss, backward pass, clipped
gradients, Adam with weight decay, a schedule, and now and then an evaluation. What is left of a step must be nothing.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.semantics.soak import Sample, growth, sample

WARM_UP = 100  # steps until caches of shapes are full
NUMBERS = 2000  # numbers in expressions until their cache, which keeps 1000 per dtype, is full


class Training:
    """A network of the usual layers, on random pictures."""

    def __init__(self, torch: Any) -> None:
        nn = torch.nn
        self.torch = torch
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.utils.parametrizations.weight_norm(nn.Linear(16, 8)),
            nn.LayerNorm(8),
            nn.GELU(),
            nn.Linear(8, 3),
        )
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=100)
        self.x, self.y = torch.randn(64, 1, 4, 4), torch.randint(0, 3, (64,))
        self.loss = float("nan")

    def step(self, n: int) -> None:
        """One step; each fifth one an evaluation too."""
        torch = self.torch
        rows = torch.randperm(64)[: 4 + n % 5]
        loss = torch.nn.functional.cross_entropy(self.net(self.x[rows]), self.y[rows])
        self.optimizer.zero_grad(set_to_none=n % 2 == 0)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.loss = loss.item()
        if n % 5 == 0:
            self.net.eval()
            with torch.no_grad():
                self.net(self.x)
            self.net.train()


def train(torch: Any, steps: int, report: Callable[[Sample], None], samples: int = 10) -> list[Sample]:
    """Run so many steps after the warm-up, with samples at equal distances."""
    training = Training(torch)
    for n in range(WARM_UP):
        training.step(n)
    for n in range(NUMBERS):
        training.x * (n + 0.123)
    found = []
    for part in range(samples + 1):
        for n in range(steps // samples if part else 0):
            training.step(n)
        found.append(sample(part * steps // samples))
        report(found[-1])
    assert training.loss == training.loss, "the loss is not a number"
    return found


def main() -> None:
    """Print a table and what grew; exit status 1 if it is more than noise."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"{'step':>9} {'blocks':>9} {'objects':>9} {'MB':>9}")
    started = time.perf_counter()
    samples = train(importlib.import_module("wengert"), steps, lambda s: print(s, flush=True))
    blocks, objects, megabytes = growth(samples)
    print(f"{time.perf_counter() - started:.0f} s; grown by {blocks} blocks, {objects} objects, {megabytes:.2f} MB")
    sys.exit(blocks > 100 or objects > 10 or megabytes > 2)


if __name__ == "__main__":
    main()
