"""Train for a long time and watch the memory.  `python -m tests.semantics.soak [STEPS]`

Every step makes graphs with hooks, views, in-place writes, errors half-way, double backward, checkpoints, custom Functions and
reference cycles through hooks. What is left of them must not grow: memory blocks of the interpreter, objects known to the
garbage collector, resident memory of the process.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WARM_UP = 800  # steps until caches (numbers, shapes, source lines) are full


class Training:
    """A small model and everything unusual that can happen to it."""

    def __init__(self, package: Any) -> None:
        t = self.t = package
        self.w1 = t.randn(8, 16, dtype=t.float64).mul_(0.1).requires_grad_()
        self.w2 = t.randn(16, 4, dtype=t.float64).mul_(0.1).requires_grad_()
        self.bias = t.zeros(4, dtype=t.float64, requires_grad=True)
        self.leaves = [self.w1, self.w2, self.bias]
        self.seen = 0
        self.bias.register_post_accumulate_grad_hook(self.count)
        self.scaled = scale_function(t)
        self.steps: list[Callable[[int], None]] = [
            self.train, self.views, self.fails_forward, self.fails_backward, self.twice, self.checkpointed, self.accumulates,
            self.caches,
        ]  # fmt: skip

    def count(self, _: Any) -> None:
        """The hook that stays."""
        self.seen += 1

    def forward(self, n: int) -> Any:
        """Output for a batch whose size changes from step to step."""
        x = self.t.ones(1 + n % 13, 8, dtype=self.t.float64)
        return self.scaled.apply((x @ self.w1).tanh() @ self.w2 + self.bias, 2.0)

    def step(self, n: int) -> None:
        """One round of one kind, and the update."""
        self.steps[n % len(self.steps)](n)
        with self.t.no_grad():
            for leaf in self.leaves:
                if leaf.grad is not None:
                    leaf.sub_(leaf.grad.clamp_(-1, 1), alpha=1e-3)
                    leaf.grad = None

    def train(self, n: int) -> None:
        """The ordinary step, with a hook that refers to its own tensor."""
        y = self.forward(n)
        y.retain_grad()
        y.register_hook(lambda g: g * 2 if y.requires_grad else None)
        handle = self.w1.register_hook(lambda g: None)
        y.pow(2).mean().backward()
        handle.remove()

    def views(self, n: int) -> None:
        """Views written to, read later and left behind."""
        y = self.forward(n)
        row, rest = y[0], y[:, 1:]
        row.mul_(2)
        rest.t().exp_()
        (y.sum() + row.view(-1).sum()).backward(retain_graph=True)

    def fails_forward(self, n: int) -> None:
        """An error in the middle of a forward pass."""
        y = self.forward(n)
        with contextlib.suppress(RuntimeError):
            y @ y.new_ones(7, 7)
        with contextlib.suppress(RuntimeError):
            self.w1.add_(1)
        y.sum().backward()

    def fails_backward(self, n: int) -> None:
        """Errors in the middle of a backward pass, which leaves saved values behind."""
        y = self.forward(n)
        z = y.exp()
        z.add_(1)
        with contextlib.suppress(RuntimeError):
            z.sum().backward()
        y = self.forward(n)
        y.register_hook(self.raises)
        with contextlib.suppress(ZeroDivisionError):
            y.sum().backward()

    def raises(self, grad: Any) -> None:
        """A hook that fails."""
        raise ZeroDivisionError

    def twice(self, n: int) -> None:
        """Second derivatives, by both routes."""
        y = self.forward(n).sin().sum()
        grads = self.t.autograd.grad(y, self.leaves, create_graph=True)
        sum((g * g).sum() for g in grads).backward()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # create_graph makes a cycle of leaf and gradient; it is broken in `step`
            (self.w1 * self.w1 * self.w1).sum().backward(create_graph=True)

    def checkpointed(self, n: int) -> None:
        """Recomputed values, in both forms."""
        checkpoint = self.t.utils.checkpoint.checkpoint
        y = checkpoint(self.forward, n, use_reentrant=False)
        checkpoint(lambda a: a.sin().exp(), y, use_reentrant=n % 2 == 0).sum().backward()

    def accumulates(self, n: int) -> None:
        """Nodes of leaves, hooks on nodes, gradients for some inputs."""
        y = self.forward(n)
        y.grad_fn.register_prehook(lambda grads: None)
        node = self.t.autograd.graph.get_gradient_edge(self.w2).node
        handle = node.register_hook(lambda grad_inputs, grad_outputs: None)
        y.sum().backward(inputs=[self.w2])
        handle.remove()

    def caches(self, n: int) -> None:
        """Many numbers and shapes, which are kept (1000 numbers per dtype, 50,000 shapes at most), and texts of tensors."""
        k = n % 400
        y = self.forward(n) * (k + 0.5)
        z = self.t.zeros(k + 1)[: k // 2].sum()
        assert len(repr(y) + repr(z)) > 0
        y.sum().backward()


def scale_function(t: Any) -> Any:
    """A custom Function."""

    class Scaled(t.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, factor: float) -> Any:
            ctx.save_for_backward(x)
            ctx.factor = factor
            return x * factor

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            assert ctx.saved_tensors[0].shape == grad.shape
            return grad * ctx.factor, None

    return Scaled


@dataclass
class Sample:
    """What is in use after so many steps."""

    step: int
    blocks: int
    objects: int
    resident: float

    def __str__(self) -> str:
        return f"{self.step:>9} {self.blocks:>9} {self.objects:>9} {self.resident:>9.1f}"


def sample(step: int) -> Sample:
    """Blocks of the interpreter's allocator, objects known to the collector, resident megabytes."""
    gc.collect()
    return Sample(step, sys.getallocatedblocks(), len(gc.get_objects()), resident_megabytes())


def resident_megabytes() -> float:
    """Resident memory now; where the system does not tell, its maximum so far."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def soak(package: Any, steps: int, report: Callable[[Sample], None], samples: int = 10) -> list[Sample]:
    """Run so many steps after the warm-up, with samples at equal distances."""
    training = Training(package)
    for n in range(WARM_UP):
        training.step(n)
    found = []
    for part in range(samples + 1):
        first, last = (part - 1) * steps // samples, part * steps // samples
        for n in range(max(first, 0), last):
            training.step(n)
        found.append(sample(last))
        report(found[-1])
    assert training.seen > 0
    return found


def growth(samples: list[Sample]) -> tuple[int, int, float]:
    """Blocks, objects and megabytes that came to stay after the first third: the least found later against the most before."""
    third = max(1, len(samples) // 3)
    before, later = samples[: third + 1], samples[-third:]
    return (
        min(s.blocks for s in later) - max(s.blocks for s in before),
        min(s.objects for s in later) - max(s.objects for s in before),
        min(s.resident for s in later) - max(s.resident for s in before),
    )


def main() -> None:
    """Print a table and what grew."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    package = importlib.import_module("wengert")
    print(f"{'step':>9} {'blocks':>9} {'objects':>9} {'MB':>9}")
    started = time.perf_counter()
    samples = soak(package, steps, lambda s: print(s, flush=True))
    blocks, objects, megabytes = growth(samples)
    print(f"{time.perf_counter() - started:.0f} s; grown by {blocks} blocks, {objects} objects, {megabytes:.2f} MB")


if __name__ == "__main__":
    main()
