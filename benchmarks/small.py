"""Operators on a few numbers, where calling is what takes time, wengert beside PyTorch: ``python benchmarks/small.py``.

Each library runs in a process of its own, in turns, with one thread; of all blocks of calls the fastest counts. Microseconds a
call without a graph, with one being recorded, and with its backward pass from the sum of the result.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from operator import methodcaller
from time import perf_counter
from typing import Any

Call = Callable[[Any], Any]
Times = dict[str, list[float | None]]

COLUMNS = ("no graph", "recorded", "with backward")


def cases(t: Any) -> dict[str, Call]:
    """Programs of one tensor of 5 x 4 positive numbers, for either library."""
    y = t.rand(5, 4) + 0.2
    return elementwise(t, y) | reductions() | moved(t, y) | products(t, y) | layers(t, y) | made(t)


def elementwise(t: Any, y: Any) -> dict[str, Call]:
    """One result for each element."""
    f, v, mask = t.nn.functional, t.rand(4), y > 0.5
    named = (
        "exp",
        "log",
        "sqrt",
        "abs",
        "sin",
        "tanh",
        "sigmoid",
        "relu",
        "neg",
        "erf",
        "rsqrt",
        "reciprocal",
        "round",
    )
    return {
        **{name: methodcaller(name) for name in named},
        **{name: getattr(f, name) for name in ("gelu", "silu", "softplus", "elu")},
        "x + y": lambda x: x + y,
        "x + row": lambda x: x + v,
        "x + 1": lambda x: x + 1.0,
        "x / y": lambda x: x / y,
        "x**2": lambda x: x**2,
        "x**y": lambda x: x**y,
        "x > y": lambda x: x > y,
        "clamp": lambda x: x.clamp(0.2, 0.8),
        "maximum": lambda x: t.maximum(x, y),
        "where": lambda x: t.where(mask, x, y),
        "masked_fill": lambda x: x.masked_fill(mask, 0.0),
        "lerp": lambda x: x.lerp(y, 0.3),
    }


def reductions() -> dict[str, Call]:
    """Of all elements or of rows."""
    rows = ("sum", "mean", "std", "prod", "amax", "argmax", "softmax", "log_softmax", "logsumexp", "cumsum")
    return {
        **{f"{name} of rows": methodcaller(name, 1) for name in rows},
        **{name: methodcaller(name) for name in ("sum", "mean", "max", "var", "norm")},
        "max of rows": lambda x: x.max(1),
        "sort of rows": lambda x: x.sort(1),
        "topk of rows": lambda x: x.topk(2),
        "median of rows": lambda x: x.median(1),
    }


def moved(t: Any, y: Any) -> dict[str, Call]:
    """Elements in other places."""
    f, i, j, mask = t.nn.functional, t.tensor([0, 2, 1]), t.randint(0, 4, (5, 2)), y > 0.5
    return {
        "x[1]": lambda x: x[1],
        "x[1:3]": lambda x: x[1:3],
        "x[i]": lambda x: x[i],
        "x[mask]": lambda x: x[mask],
        "gather": lambda x: x.gather(1, j),
        "scatter_add": lambda x: x.scatter_add(1, j, y),
        "index_select": lambda x: x.index_select(0, i),
        "index_add": lambda x: x.index_add(0, i, y[:3]),
        "take": lambda x: x.take(j),
        "embedding": lambda x: f.embedding(i, x),
        "cat": lambda x: t.cat([x, y]),
        "stack": lambda x: t.stack([x, y]),
        "split": lambda x: x.split(2),
        "reshape": lambda x: x.reshape(4, 5),
        "flatten": lambda x: x.flatten(),
        "permute": lambda x: x.permute(1, 0),
        "expand": lambda x: x[None].expand(3, 5, 4),
        "flip": lambda x: x.flip(0),
        "roll": lambda x: x.roll(1, 0),
        "pad": lambda x: f.pad(x, (1, 1)),
        "clone": lambda x: x.clone(),
    }


def products(t: Any, y: Any) -> dict[str, Call]:
    """Matrices."""
    la, m, b = t.linalg, t.rand(4, 4) + 2 * t.eye(4), t.rand(2, 3, 4)
    return {
        "matmul": lambda x: x @ m,
        "addmm": lambda x: t.addmm(y, x, m),
        "linear": lambda x: t.nn.functional.linear(x, m),
        "bmm": lambda x: (b * x[0, 0]) @ b.mT,
        "einsum": lambda x: t.einsum("ij,jk->ik", x, m),
        "inv": lambda x: la.inv(m * x[0, 0]),
        "solve": lambda x: la.solve(m, x[0]),
        "cholesky": lambda x: la.cholesky(m @ m.T * x[0, 0]),
        "qr": lambda x: la.qr(m * x[0, 0]),
    }


def layers(t: Any, y: Any) -> dict[str, Call]:
    """Losses and layers."""
    f, target, b = t.nn.functional, t.tensor([0, 1, 2, 3, 0]), t.rand(2, 3, 4)
    image, weight = t.rand(1, 2, 6, 6), t.rand(3, 2, 3, 3)
    return {
        "cross_entropy": lambda x: f.cross_entropy(x, target),
        "nll_loss": lambda x: f.nll_loss(x, target),
        "mse_loss": lambda x: f.mse_loss(x, y),
        "layer_norm": lambda x: f.layer_norm(x, (4,)),
        "dropout": lambda x: f.dropout(x, 0.5),
        "conv2d": lambda x: f.conv2d(image * x[0, 0], weight),
        "max_pool2d": lambda x: f.max_pool2d(image * x[0, 0], 2),
        "batch_norm": lambda x: f.batch_norm(image * x[0, 0], None, None, training=True),
        "attention": lambda x: f.scaled_dot_product_attention(b * x[0, 0], b, b),
    }


def made(t: Any) -> dict[str, Call]:
    """New tensors, and numbers."""
    return {
        "tensor": lambda _: t.tensor([1.0, 2.0, 3.0]),
        "zeros": lambda _: t.zeros(3),
        "rand": lambda _: t.rand(3),
        "randn": lambda _: t.randn(3),
        "arange": lambda _: t.arange(5),
        "linspace": lambda _: t.linspace(0, 1, 5),
        "item": lambda x: x[0, 0].item(),
    }


def fastest(call: Call, x: Any, seconds: float) -> float:
    """Microseconds of a call in the fastest block."""
    count, best, end = 1, math.inf, perf_counter() + seconds
    while perf_counter() < end:
        start = perf_counter()
        for _ in range(count):
            call(x)
        taken = perf_counter() - start
        best = min(best, taken / count)
        count = count * 2 if taken < 0.001 else count
    return best * 1e6


def measure(library: str, seconds: float) -> Times:
    """Times of all cases, None where there is no derivative."""
    t = __import__(library)
    t.set_num_threads(1)
    t.manual_seed(0)
    warnings.simplefilter("ignore")
    x = t.rand(5, 4) + 0.1
    leaf = x.clone().requires_grad_()
    found: Times = {}
    for name, call in cases(t).items():
        with t.no_grad():
            plain = fastest(call, x, seconds)
        result = call(leaf)
        first = result[0] if isinstance(result, (tuple, list)) else result
        if getattr(first, "requires_grad", False):
            found[name] = [plain, fastest(call, leaf, seconds), fastest(with_backward(call), leaf, seconds)]
        else:
            found[name] = [plain, None, None]
    return found


def with_backward(call: Call) -> Call:
    def run(x: Any) -> None:
        result = call(x)
        (result[0] if isinstance(result, (tuple, list)) else result).sum().backward()

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.01, help="of each measurement; default: %(default)s")
    parser.add_argument("--library", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.library:
        json.dump(measure(options.library, options.seconds), sys.stdout)
        return
    best: dict[str, Times] = {}
    for _ in range(options.rounds):
        for library in ("torch", "wengert"):
            command = [sys.executable, __file__, "--library", library, "--seconds", str(options.seconds)]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            text = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
            best[library] = faster(best.get(library), json.loads(text))
    report(best["torch"], best["wengert"])


def faster(old: Times | None, new: Times) -> Times:
    """The smaller of two times of each case."""
    if old is None:
        return new
    return {name: [min(a, b) if a and b else a for a, b in zip(old[name], new[name], strict=True)] for name in new}


def report(torch: Times, wengert: Times) -> None:
    """A table, and the geometric means of the ratios."""
    print("| call | " + " | ".join(COLUMNS) + " |\n| --- |" + " ---: |" * len(COLUMNS))
    logs: list[list[float]] = [[] for _ in COLUMNS]
    for name in torch:
        cells = []
        for k, (ours, theirs) in enumerate(zip(wengert[name], torch[name], strict=True)):
            if ours is None or theirs is None:
                cells.append("")
                continue
            logs[k].append(math.log(ours / theirs))
            cells.append(f"{ours:.2f} / {theirs:.2f} ({ours / theirs:.2f})")
        print(f"| {name} | " + " | ".join(cells) + " |")
    for title, ratios in zip(COLUMNS, logs, strict=True):
        above = sum(ratio > 0 for ratio in ratios)
        print(f"{title}: geometric mean {math.exp(sum(ratios) / len(ratios)):.2f}, above 1: {above} of {len(ratios)}")


if __name__ == "__main__":
    main()
