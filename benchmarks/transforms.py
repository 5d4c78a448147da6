"""How each package runs a case of ``transforms_cases``: the suite ``run.py --suite transforms``."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from transforms_cases import CASES as CASES
from transforms_cases import Case, Step


class Package:
    """The transforms of wengert and torch, which have the same names; ``compiled`` gives a function as it is run."""

    def __init__(self, name: str) -> None:
        self.xp: Any = importlib.import_module(name)
        self.func: Any = importlib.import_module(f"{name}.func")
        self.version = str(self.xp.__version__)
        self.grad, self.jacrev, self.hessian = self.func.grad, self.func.jacrev, self.func.hessian
        self.vmap = self.func.vmap
        self.xp.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    def step(self, case: Case) -> Step:
        return case.make(self)

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

    def __init__(self, name: str) -> None:
        self.jax: Any = importlib.import_module(name)
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


ADAPTERS: Final[dict[str, tuple[str, type[Package]]]] = {
    "wengert": ("wengert", Wengert),
    "torch": ("torch", Package),
    "jax jit": ("jax", Jax),
}
PEERS: Final = ["torch", "jax jit"]


def load(name: str) -> Package:
    module, adapter = ADAPTERS[name]
    return adapter(module)
