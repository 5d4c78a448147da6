"""One package in a process of its own, at the command of ``transforms.py``: a JSON object a line, one answer each."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from transforms_cases import CASES, Step


class Package:
    """The transforms of wengert and torch, which have the same names; ``compiled`` gives a function as it is run."""

    def __init__(self, name: str, threads: int) -> None:
        self.xp: Any = importlib.import_module(name)
        self.func: Any = importlib.import_module(f"{name}.func")
        self.version = str(self.xp.__version__)
        self.grad, self.jacrev, self.hessian = self.func.grad, self.func.jacrev, self.func.hessian
        self.vmap = self.func.vmap
        self.xp.set_num_threads(threads)

    def tensor(self, array: Any) -> Any:
        return self.xp.tensor(array)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    def hvp(self, function: Any, primals: Any, tangents: Any) -> Any:
        places = tuple(range(len(primals)))
        return self.func.jvp(self.grad(function, places), primals, tangents)[1]

    def laplacian(self, function: Any) -> Any:
        return lambda x: self.hessian(function)(x).trace()

    def derivative(self, function: Any, order: int) -> Any:
        """By nested gradients: the n-th graph is made of the one before."""

        def run(x: Any) -> Any:
            x = x.detach().requires_grad_()
            y = function(x)
            for k in range(order):
                (y,) = self.xp.autograd.grad(y, x, create_graph=k < order - 1)
            return y

        return run

    def arrays(self, result: Any) -> list[Any]:
        return [np.asarray(t) for t in (result if isinstance(result, (list, tuple)) else [result])]


class Wengert(Package):
    """What wengert has besides."""

    def hvp(self, function: Any, primals: Any, tangents: Any) -> Any:
        return self.func.hvp(function, primals, tangents)[1]

    def laplacian(self, function: Any) -> Any:
        return self.func.laplacian(function)

    def derivative(self, function: Any, order: int) -> Any:
        return self.func.derivative(function, order)


class Jax(Package):
    """Functions are compiled by ``jax.jit``; high derivatives by ``jax.experimental.jet``."""

    def __init__(self, name: str, threads: int) -> None:
        self.jax: Any = importlib.import_module("jax")
        self.jax.config.update("jax_enable_x64", True)
        self.xp = importlib.import_module("jax.numpy")
        self.version = f"{self.jax.__version__} (jit)"
        self.grad, self.jacrev, self.hessian = self.jax.grad, self.jax.jacrev, self.jax.hessian
        self.vmap = self.jax.vmap

    def tensor(self, array: Any) -> Any:
        return self.xp.asarray(array)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        fast = self.jax.jit(function)
        return lambda *args: self.jax.block_until_ready(fast(*args))

    def hvp(self, function: Any, primals: Any, tangents: Any) -> Any:
        places = tuple(range(len(primals)))
        return self.jax.jvp(self.grad(function, places), primals, tangents)[1]

    def derivative(self, function: Any, order: int) -> Any:
        jet = importlib.import_module("jax.experimental.jet").jet

        def run(x: Any) -> Any:
            series = [self.xp.ones_like(x)] + [self.xp.zeros_like(x)] * (order - 1)
            return jet(function, (x,), (series,))[1][-1]

        return run


PACKAGES: dict[str, type[Package]] = {"wengert": Wengert, "torch": Package, "jax": Jax}


def timed(step: Step, calls: int) -> float:
    gc.collect()
    start = perf_counter()
    for _ in range(calls):
        step()
    return (perf_counter() - start) / calls


def answer(package: Package, steps: dict[str, Step], request: dict[str, Any]) -> Any:
    """What a request asks for: the result of a case, or seconds a call."""
    title = request["case"]
    if request["do"] == "prepare":
        case = next(c for c in CASES if c.title == title)
        steps[title] = case.make(package)
        steps[title]()
        return [a.tolist() for a in package.arrays(steps[title]())]
    return timed(steps[title], request["calls"])


def main() -> None:
    name, threads = sys.argv[1], int(sys.argv[2])
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a package prints must not come between the answers
    steps: dict[str, Step] = {}
    try:
        package = PACKAGES[name](name, threads)
        first = {"version": package.version}
        if name == "wengert":
            first["compiled"] = importlib.import_module("wengert._config").is_compiled()
        print(json.dumps({"value": first}), file=channel, flush=True)
    except Exception as error:
        print(json.dumps({"problem": f"{type(error).__name__}: {error}"[:200]}), file=channel, flush=True)
        return
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        try:
            reply = {"value": answer(package, steps, json.loads(line))}
        except Exception as error:
            reply = {"problem": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(reply), file=channel, flush=True)


if __name__ == "__main__":
    main()
