"""The fused kernels beside PyTorch and beside what this machine can do: ``python benchmarks/kernels.py``.

For each kernel: CPU time of one thread (so that other load on the machine counts little), or with ``--threads N`` the time of N
threads; its bound, the share of that which it reaches, and the ratio to PyTorch's operator. Kernels bound by memory move bytes,
and a copy of an array is 100 %; those bound by arithmetic make products, and the fastest matrix product of either library in
this run is 100 %. PyTorch runs in a process of its own, in turns with wengert, and the best of all calls counts on both sides.
Operators are called as a program calls them.
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
from time import perf_counter, thread_time
from typing import Any

ROWS, COLUMNS = 1000, 1000
ENOUGH = 0.05  # seconds of calls per kernel and turn


def cases(t: Any, dtype: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Name, work and a call, for either library.

    Work is the number of arrays of a million elements that are read or written; of arithmetic kernels, below 0, that of
    multiplications.
    """
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
    for name in ("lgamma", "digamma", "erfc", "erfinv", "i0"):
        yield name, 2, partial(getattr(t, name), y)
    for name in ("relu", "gelu", "silu", "elu", "leaky_relu", "softplus", "hardswish"):
        yield name, 2, partial(getattr(f, name), x)
    yield "gelu tanh", 2, lambda: f.gelu(x, approximate="tanh")
    for name in ("fmod", "remainder", "hypot", "logaddexp"):
        yield name, 3, partial(getattr(t, name), x, y)
    yield "where", 4, lambda mask=x > 0: t.where(mask, x, y)
    yield "clamp", 2, lambda: x.clamp(-1, 1)
    yield "softmax", 2, lambda: t.softmax(x, 1)
    yield "softmax dim 0", 2, lambda: t.softmax(x, 0)
    yield "log_softmax", 2, lambda: t.log_softmax(x, 1)
    yield "layer_norm", 2, lambda: f.layer_norm(x, (COLUMNS,), w, w)
    yield "mse_loss", 2, lambda: f.mse_loss(x, y)
    yield "bce with logits", 2, lambda: f.binary_cross_entropy_with_logits(x, y)
    yield "rms_norm", 2, lambda: f.rms_norm(x, (COLUMNS,), w)
    yield "dropout", 2, lambda: f.dropout(x, 0.5)
    yield from reductions(t, x)
    yield from recorded(t, x, y, w)
    yield from steps(t, x, y)
    yield from short_rows(t, x, w)
    yield from rows(t, x)
    yield from moved(t, x, y)
    yield from counted(t, x)
    yield from products(t, dtype)
    yield from convolutions(t, dtype)


def reductions(t: Any, x: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Long rows, columns, and rows of a few elements."""
    yield "prod dim 1", 1, lambda: x.prod(1)
    yield "nansum", 1, x.nansum
    yield "var", 1, x.var
    yield "var dim 0", 1, lambda: x.var(0)
    yield "var dim 1", 1, lambda: x.var(1)


def short_rows(t: Any, x: Any, w: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Operators over a hundred thousand rows of ten elements."""
    f = t.nn.functional
    short, weight = x.reshape(-1, 10), w[:10]
    for name in ("sum", "prod", "amax", "argmax", "logsumexp", "norm", "var"):
        yield f"{name}, rows of 10", 1, partial(getattr(t, name), short, dim=1)
    for name in ("softmax", "normalize"):
        yield f"{name}, rows of 10", 2, partial(getattr(f, name), short, dim=1)
    yield "add a row, rows of 10", 2, lambda: short + weight
    yield "layer_norm, rows of 10", 2, lambda: f.layer_norm(short, (10,), weight, weight)
    yield "batch_norm, rows of 10", 2, lambda: f.batch_norm(short, None, None, weight, weight, True)
    yield "bmm of rows of 10", 2, lambda: t.bmm(short[:, None], short[..., None])
    yield "sort, rows of 10", 2 + 8 // x.element_size(), lambda: short.sort(1)
    yield "topk 3, rows of 10", 1, lambda: short.topk(3, 1)


def rows(t: Any, x: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Rows and elements by number, and poolings."""
    f = t.nn.functional
    numbers = t.arange(ROWS * 7, 0, -7) % ROWS
    places = t.arange(ROWS * COLUMNS).view(ROWS, COLUMNS) * 7 % COLUMNS
    wide = 8 // x.element_size()  # an index has eight bytes
    yield "take rows", 2, lambda: x[numbers]
    yield "index_add", 4, lambda: t.zeros_like(x).index_add_(0, numbers, x)
    yield "gather", 2 + wide, lambda: x.gather(1, places)
    yield "scatter_add", 4 + wide, lambda: t.zeros_like(x).scatter_add_(1, places, x)
    yield "transposing copy", 2, lambda: x.t().contiguous()
    yield "cumsum dim 1", 2, lambda: x.cumsum(1)
    yield "sort", 2, x.flatten().sort
    yield "cummax dim 1", 2 + wide, lambda: x.cummax(1)
    images = x.reshape(1, 100, 100, 100)
    yield "max_pool2d 2", 1.25, lambda: f.max_pool2d(images, 2)
    yield "avg_pool2d 2", 1.25, lambda: f.avg_pool2d(images, 2)
    yield "adaptive_max_pool2d 7", 1, lambda: f.adaptive_max_pool2d(images, 7)


def moved(t: Any, x: Any, y: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Copies, conversions and fills, and functions that are loops of NumPy's."""
    other, share = (t.float32, 1.5) if x.dtype == t.float64 else (t.float64, 3)
    room = t.zeros_like(x)
    yield "copy of a slice", 2, x[:, 1:].clone
    yield "slice assigned", 2, lambda: room.__setitem__((slice(None), slice(1, None)), x[:, 1:])
    yield "row copied", 1, lambda: room.copy_(x[0])
    yield "fill_", 1, lambda: room.fill_(2.0)
    yield "zeros", 1, lambda: t.zeros(ROWS, COLUMNS, dtype=x.dtype)
    yield "arange", 1, lambda: t.arange(ROWS * COLUMNS, dtype=x.dtype)
    yield "to the other precision", share, lambda: x.to(other)
    yield "cat", 4, lambda: t.cat([x, y])
    yield "cat dim 1", 4, lambda: t.cat([x, y], 1)
    yield "stack dim 2", 4, lambda: t.stack([x, y], 2)
    yield "roll", 2, lambda: x.roll(3, 1)
    yield "repeat", 2, lambda: x[:500].repeat(1, 2)
    for name in ("floor", "frac", "square", "reciprocal", "exp2", "atan"):
        yield name, 2, partial(getattr(t, name), x)
    for name in ("maximum", "copysign", "nextafter", "atan2"):
        yield name, 3, partial(getattr(t, name), x, y)
    yield "rfft", 3, lambda: t.fft.rfft(x)


def counted(t: Any, x: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Integers, masks and places; a million numbers of ``x`` are 1 of work, and so those that are as wide."""
    wide, mask = 8 / x.element_size(), x > 0
    i = t.arange(ROWS * COLUMNS).view(ROWS, COLUMNS) * 7 % 1000
    edges = x[0].sort()[0]
    yield "int64 add", 3 * wide, lambda: i + i
    yield "int64 and", 3 * wide, lambda: i & i
    yield "int64 sum", wide, i.sum
    yield "int64 sum dim 0", wide, lambda: i.sum(0)
    yield "int64 cumsum dim 1", 2 * wide, lambda: i.cumsum(1)
    yield "int64 to this dtype", 1 + wide, lambda: i.to(x.dtype)
    yield "mask sum", wide / 8, mask.sum
    yield "mask all dim 1", wide / 8, lambda: mask.all(1)
    yield "masked_select", 1.5 + wide / 8, lambda: x.masked_select(mask)
    yield "mask assigned", 2 + wide / 8, lambda: x.__setitem__(mask, 1.0)
    yield "searchsorted", 1 + wide, lambda: t.searchsorted(edges, x)
    yield "logcumsumexp dim 1", 2, lambda: x.logcumsumexp(1)


def products(t: Any, dtype: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Products of matrices, whole and in stacks, and attention."""
    for n in (64, 256, 1024):
        a, b = t.rand(n, n, dtype=dtype), t.rand(n, n, dtype=dtype)
        yield f"matmul {n}", -(n**3), partial(t.matmul, a, b)
    a, b = t.rand(256, 256, dtype=dtype), t.rand(256, 256, dtype=dtype)
    yield "matmul 256, right transposed", -(256**3), lambda: a @ b.t()
    yield "matmul 256, left transposed", -(256**3), lambda: a.t() @ b
    stack = t.rand(64, 64, 64, dtype=dtype)
    yield "bmm 64 of 64", -(64**4), lambda: stack @ stack
    matrix, vector = t.rand(ROWS, COLUMNS, dtype=dtype), t.rand(COLUMNS, dtype=dtype)
    yield "matrix times vector", 1, lambda: matrix @ vector
    q = t.rand(4, 8, 128, 64, dtype=dtype)
    attend = t.nn.functional.scaled_dot_product_attention
    yield "attention 32 of 128 x 64", -2 * 32 * 128 * 128 * 64, lambda: attend(q, q, q)


def convolutions(t: Any, dtype: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Value and both gradients, one after the other."""
    shapes = ((3, 32, 32, 3, 1), (64, 64, 16, 3, 1), (64, 128, 16, 1, 1), (64, 64, 16, 3, 64))
    for channels, outs, size, kernel, groups in shapes:
        x = t.rand(16, channels, size, size, dtype=dtype)
        w = t.rand(outs, channels // groups, kernel, kernel, dtype=dtype)
        convolve = partial(t.conv2d, padding=kernel // 2, groups=groups)
        name = f"conv2d {channels} to {outs}, {kernel} x {kernel}" + (" depthwise" if groups > 1 else "")
        work = -16 * size * size * outs * channels // groups * kernel * kernel
        yield name, work, partial(convolve, x, w)
        for part, leaf in (("input", x), ("weight", w)):
            leaf.requires_grad_()
            y = convolve(x, w)
            gradient = partial(t.autograd.grad, y, leaf, t.ones_like(y), retain_graph=True)
            yield f"{name}, {part}", work, gradient
            leaf.requires_grad_(False)


def recorded(t: Any, x: Any, y: Any, w: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
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


def steps(t: Any, x: Any, y: Any) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Optimizers."""
    for name, count, options in (("Adam", 7, {}), ("SGD", 5, {"lr": 1e-3, "momentum": 0.9})):
        p = t.nn.Parameter(x.clone())
        p.grad = y.clone()
        yield f"{name} step", count, getattr(t.optim, name)([p], **options).step


def measure(library: str, threads: int) -> dict[str, list[float]]:
    """Best time of a call and its work, by dtype and kernel."""
    t: Any = __import__(library)
    t.set_num_threads(threads)
    clock = thread_time if threads == 1 else perf_counter
    found = {}
    for dtype in (t.float32, t.float64):
        for name, work, call in cases(t, dtype):
            spent, best = 0.0, math.inf
            call()
            while spent < ENOUGH:
                start = clock()
                call()
                took = clock() - start
                spent += took
                best = min(best, took or best)  # the clock of a virtual machine may stand still
            found[f"{name} {str(dtype).rpartition('.')[2]}"] = [best, work]
    return found


def in_process(library: str, threads: int) -> dict[str, list[float]]:
    """The same in a process of its own."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    command = [sys.executable, __file__, "--measure", library, "--threads", str(threads)]
    done = subprocess.run(command, env={**os.environ, **limits}, capture_output=True, text=True, check=True)
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", metavar="LIBRARY", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.threads)))
        return
    best: dict[str, dict[str, list[float]]] = {"wengert": {}, "torch": {}}
    for _ in range(options.rounds):
        for library, found in best.items():
            for name, row in in_process(library, options.threads).items():
                found[name] = min(found.get(name, row), row)
    report(best["wengert"], best["torch"])


def report(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> None:
    """A Markdown table, and the geometric mean of the ratios."""
    print("| kernel | dtype | bound | wengert us | torch us | ratio | share of the bound |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    ratios = []
    for name, (time, work) in ours.items():
        kernel, _, dtype = name.rpartition(" ")
        bound = "bytes" if work > 0 else "products"
        share = abs(work) / time / best_rate([ours, theirs], bound, dtype)
        ratio = time / theirs[name][0]
        ratios.append(ratio)
        print(
            f"| {kernel} | {dtype} | {bound} | {time * 1e6:.0f} | {theirs[name][0] * 1e6:.0f} | {ratio:.2f} | {share:.0%} |"
        )
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"\nGeometric mean of the ratios: {mean:.2f}; above 1: {sum(r > 1 for r in ratios)} of {len(ratios)}.")


def best_rate(libraries: list[dict[str, list[float]]], bound: str, dtype: str) -> float:
    """Work in a second that is 100 %."""
    if bound == "bytes":
        time, work = libraries[0][f"copy {dtype}"]
        return work / time
    rates = [-row[1] / row[0] for rows in libraries for name, row in rows.items() if is_product(name, dtype)]
    return max(rates)


def is_product(name: str, dtype: str) -> bool:
    return name.startswith("matmul") and name.endswith(dtype)


if __name__ == "__main__":
    main()
