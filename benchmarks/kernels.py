"""The fused kernels beside PyTorch and beside what this machine can do: ``python benchmarks/kernels.py``.

For each kernel: CPU time of one thread (so that other load on the machine counts little), the bytes it has to move, their rate
as a share of that of a copy of arrays of the same size, and the ratio to PyTorch's operator. PyTorch runs in a process of its
own, in turns with wengert, and the best of all calls counts on both sides. Operators are called as a program calls them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from time import thread_time
from typing import Any

ROWS, COLUMNS = 1000, 1000
ENOUGH = 0.05  # seconds of calls per kernel and turn


def cases(t: Any, dtype: Any) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    """Name, number of arrays that are read or written, and a call, for either library."""
    f = t.nn.functional
    x = t.rand(ROWS, COLUMNS, dtype=dtype) * 4 - 2
    y = t.rand(ROWS, COLUMNS, dtype=dtype)
    w = t.rand(COLUMNS, dtype=dtype)
    yield "copy", 2, x.clone
    yield "add", 3, lambda: x + y
    yield "mul_ (in place)", 2, lambda: x.mul_(1.0)
    for name in ("exp", "tanh", "sigmoid", "erf", "sqrt"):
        yield name, 2, partial(getattr(t, name), y)
    yield "log", 2, lambda: t.log(y)
    for name in ("relu", "gelu", "silu", "elu", "leaky_relu", "softplus", "hardswish"):
        yield name, 2, partial(getattr(f, name), x)
    yield "gelu tanh", 2, lambda: f.gelu(x, approximate="tanh")
    yield "where", 4, lambda mask=x > 0: t.where(mask, x, y)
    yield "clamp", 2, lambda: x.clamp(-1, 1)
    yield "softmax", 2, lambda: t.softmax(x, 1)
    yield "softmax dim 0", 2, lambda: t.softmax(x, 0)
    yield "log_softmax", 2, lambda: t.log_softmax(x, 1)
    yield "layer_norm", 2, lambda: f.layer_norm(x, (COLUMNS,), w, w)
    yield "mse_loss", 2, lambda: f.mse_loss(x, y)
    yield "bce with logits", 2, lambda: f.binary_cross_entropy_with_logits(x, y)
    yield "var", 1, x.var
    yield "var dim 0", 1, lambda: x.var(0)
    yield "var dim 1", 1, lambda: x.var(1)
    yield from recorded(t, x, y, w)
    yield from steps(t, x, y)


def recorded(t: Any, x: Any, y: Any, w: Any) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    """Forward and backward."""
    f = t.nn.functional
    leaf = x.clone().requires_grad_()
    ones = t.ones_like(x)

    def both(function: Callable[[Any], Any]) -> Any:
        function(leaf).backward(ones)
        leaf.grad = None

    yield "tanh, backward", 5, lambda: both(t.tanh)
    yield "gelu, backward", 5, lambda: both(f.gelu)
    yield "silu, backward", 5, lambda: both(f.silu)
    yield "softmax, backward", 5, lambda: both(lambda v: t.softmax(v, 1))
    yield "layer_norm, backward", 5, lambda: both(lambda v: f.layer_norm(v, (COLUMNS,), w, w))
    yield "chain, backward", 5, lambda: both(lambda v: t.tanh(v * v + v) * 2 - v)
    if hasattr(t, "fuse"):
        fused = t.fuse(lambda v: t.tanh(v * v + v) * 2 - v)
        yield "chain fused, backward", 5, lambda: both(fused)
    else:
        yield "chain fused, backward", 5, lambda: both(lambda v: t.tanh(v * v + v) * 2 - v)


def steps(t: Any, x: Any, y: Any) -> Iterator[tuple[str, int, Callable[[], Any]]]:
    """Optimizers."""
    for name, count, options in (("Adam", 7, {}), ("SGD", 5, {"lr": 1e-3, "momentum": 0.9})):
        p = t.nn.Parameter(x.clone())
        p.grad = y.clone()
        yield f"{name} step", count, getattr(t.optim, name)([p], **options).step


def measure(library: str) -> dict[str, list[float]]:
    """Best CPU time of a call and the number of arrays, by dtype and kernel."""
    t: Any = __import__(library)
    t.set_num_threads(1)
    found = {}
    for dtype in (t.float32, t.float64):
        for name, arrays, call in cases(t, dtype):
            spent, best = 0.0, math.inf
            call()
            while spent < ENOUGH:
                start = thread_time()
                call()
                took = thread_time() - start
                spent += took
                best = min(best, took)
            found[f"{name} {str(dtype).rpartition('.')[2]}"] = [best, arrays]
    return found


def in_process(library: str) -> dict[str, list[float]]:
    """The same in a process of its own."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, __file__, "--measure", library]
    done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=True)
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", metavar="LIBRARY", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    best: dict[str, dict[str, list[float]]] = {"wengert": {}, "torch": {}}
    for _ in range(options.rounds):
        for library, found in best.items():
            for name, row in in_process(library).items():
                found[name] = min(found.get(name, row), row)
    report(best["wengert"], best["torch"])


def report(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> None:
    """A Markdown table, and the geometric mean of the ratios."""
    print("| kernel | dtype | wengert us | torch us | ratio | share of copy rate |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    ratios = []
    for name, (time, arrays) in ours.items():
        kernel, _, dtype = name.rpartition(" ")
        copy, copied = ours[f"copy {dtype}"]
        ratio = time / theirs[name][0]
        ratios.append(ratio)
        share = (arrays / time) / (copied / copy)
        print(f"| {kernel} | {dtype} | {time * 1e6:.0f} | {theirs[name][0] * 1e6:.0f} | {ratio:.2f} | {share:.0%} |")
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"\nGeometric mean of the ratios: {mean:.2f}; above 1: {sum(r > 1 for r in ratios)} of {len(ratios)}.")


if __name__ == "__main__":
    main()
