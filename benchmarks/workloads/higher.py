"""Derivatives of higher order, Jacobians and Hessians, in PyTorch's own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from .workload import STEP, Inputs, Workload, random_arrays

GROUP: Final = "higher order"
Step = Callable[[], Any]


def derivatives_of_tanh(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    """The first six derivatives at a thousand points, each from the one before."""
    x = data[0].requires_grad_()

    def step() -> Any:
        y = torch.tanh(x)
        for _ in range(6):
            (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return y.detach()

    return step


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def hessian_functional(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    return lambda: torch.autograd.functional.hessian(rosenbrock, data[0])


def hessian_func(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    of = torch.func.hessian(rosenbrock)
    return lambda: of(data[0])


def jacobian_functional(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    w, x = data
    return lambda: torch.autograd.functional.jacobian(lambda v: torch.tanh(w @ v), x)


def jacobian_func(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    w, x = data
    of = torch.func.jacrev(lambda v: torch.tanh(w @ v))
    return lambda: of(x)


def hessian_vector_product(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    """Of the loss of a small MLP, backward over backward."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    weights = list(model.parameters())
    vectors = [torch.ones_like(w) for w in weights]
    (x,) = data

    def step() -> Any:
        loss = model(x).square().mean()
        gradients = torch.autograd.grad(loss, weights, create_graph=True)
        return torch.autograd.grad(gradients, weights, vectors)[0]

    return step


def gradients_of_samples(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    """The gradient of an MLP's loss for each of 256 samples."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def loss(weights: Any, x: Any) -> Any:
        return torch.func.functional_call(model, weights, (x,)).square().sum()

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))
    return lambda: each(weights, data[0])["0.weight"]


def points(count: int) -> Callable[[], Inputs]:
    return lambda: ([], [np.linspace(-1, 1, count).astype(np.float64)])


def layer(n: int) -> Callable[[], Inputs]:
    def inputs() -> Inputs:
        w, x = random_arrays("float64", (n, n), (n,))
        return [], [w / n**0.5, x]

    return inputs


def samples(count: int) -> Callable[[], Inputs]:
    return lambda: ([], random_arrays("float32", (count, 16)))


def workload(name: str, program: Any, inputs: Callable[[], Inputs]) -> Workload:
    return Workload(GROUP, name, STEP, program, inputs)


WORKLOADS: Final = [
    workload("tanh derivatives 1 to 6, 1,000 points", derivatives_of_tanh, points(1000)),
    workload("Hessian of Rosenbrock 50, autograd.functional", hessian_functional, points(50)),
    workload("Hessian of Rosenbrock 50, func", hessian_func, points(50)),
    workload("Hessian of Rosenbrock 500, func", hessian_func, points(500)),
    workload("Hessian-vector product of an MLP", hessian_vector_product, samples(64)),
    workload("Jacobian 100x100, autograd.functional", jacobian_functional, layer(100)),
    workload("Jacobian 100x100, func", jacobian_func, layer(100)),
    workload("Jacobian 1000x1000, func", jacobian_func, layer(1000)),
    workload("gradients of 256 samples, func", gradients_of_samples, samples(256)),
]
