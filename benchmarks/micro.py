"""The costs behind the decisions in docs/design: `python benchmarks/micro.py`."""

from __future__ import annotations

import sys
import threading
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import kernels
from wengert._config import is_compiled
from wengert._core.quiet import restore, silence


class Plain:
    """An attribute of the instance and a default of the class."""

    default = 1

    def __init__(self) -> None:
        self.own = 1


def main() -> None:
    """Print one line per cost."""
    local = threading.local()
    local.modes = 1
    a = np.ones(3, np.float32)
    one = np.float32(2.0)
    zero_d = np.array(2.0, np.float32)
    names: dict[str, Any] = {
        "a": a, "one": one, "zero_d": zero_d, "local": local, "silence": silence, "restore": restore, "plain": Plain(),
        "frame": sys._getframe,
    }  # fmt: skip
    rows = [
        ("array * array, 3 elements", "a * a"),
        ("0-d array * 0-d array", "zero_d * zero_d"),
        ("scalar * scalar", "one * one"),
        ("np.errstate by its context variable", "restore(silence())"),
        ("threading.local", "local.modes"),
        ("sys._getframe().f_lasti", "frame().f_lasti"),
        ("attribute of the instance", "plain.own"),
        ("default of the class", "plain.default"),
    ]
    print("wengert is", "compiled" if is_compiled() else "plain Python")
    for label, statement in rows:
        best = min(timeit.repeat(statement, globals=names, number=100_000, repeat=9)) / 100_000 * 1e9
        print(f"{label:40s} {best:6.0f} ns")
    for count in (100_000, 1_000_000, 10_000_000):
        x = np.linspace(-1, 1, count, dtype=np.float32)
        for label, new in (("fresh", np.empty_like), ("recycled", kernels.empty_like)):
            best = min(timeit.repeat(lambda: tanh_chain(x, new), number=1, repeat=9)) * 1e3  # noqa: B023
            print(f"{f'tanh chain, {count:,} numbers, {label} memory':50s} {best:6.2f} ms")


def tanh_chain(x: Any, new: Callable[[Any], Any]) -> Any:
    """tanh(x*x+x)*2-x and its derivative, one operation at a time, each result in ``new(x)``."""
    inner = np.add(np.multiply(x, x, out=new(x)), x, out=new(x))
    y = np.tanh(inner, out=new(x))
    np.subtract(np.multiply(y, 2, out=new(x)), x, out=new(x))
    slope = np.multiply(np.subtract(1, np.multiply(y, y, out=new(x)), out=new(x)), 2, out=new(x))
    return np.subtract(
        np.multiply(slope, np.add(np.multiply(x, 2, out=new(x)), 1, out=new(x)), out=new(x)), 1, out=new(x)
    )


if __name__ == "__main__":
    main()
