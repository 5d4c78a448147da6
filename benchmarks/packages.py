"""How each package runs a program of ``workloads.py``: without recording, recorded, with gradients, as a training step.

Every such method returns a step: a function without arguments that does the work once and returns its result, which
``arrays`` turns into NumPy arrays to compare packages by.
"""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from workloads import GRADIENT, LEARNING_RATE, NO_GRAD, RECORDED, Array, Program, Workload

Step = Callable[[], Any]
Tensors = list[Any]


class Package(ABC):
    """A package that can differentiate; ``xp`` is the module that programs use."""

    xp: Any
    version: str

    @abstractmethod
    def tensor(self, array: Array, requires_grad: bool) -> Any: ...

    def forward(self, program: Program, params: Tensors, data: Tensors) -> Step:
        xp = self.xp
        return lambda: program(xp, params, data)

    @abstractmethod
    def record(self, program: Program, params: Tensors, data: Tensors) -> Step:
        """The step that runs the program and records it, ready for ``backward``."""

    @abstractmethod
    def backward(self, recorded: Any) -> None:
        """Runs the backward pass of what ``record`` returned for a scalar program."""

    @abstractmethod
    def gradient(self, program: Program, params: Tensors, data: Tensors) -> Step: ...

    @abstractmethod
    def train(self, program: Program, params: Tensors, data: Tensors) -> Step: ...

    @abstractmethod
    def arrays(self, result: Any) -> list[Array]: ...

    def step(self, workload: Workload) -> Step:
        params, data = workload.inputs()
        tensors = [self.tensor(array, workload.kind != NO_GRAD) for array in params]
        make = {NO_GRAD: self.forward, RECORDED: self.record, GRADIENT: self.gradient}.get(workload.kind, self.train)
        return make(workload.program, tensors, [self.tensor(array, False) for array in data])


class Eager(Package):
    """PyTorch, and wengert by the same lines."""

    def __init__(self, name: str) -> None:
        self.xp = importlib.import_module(name)
        self.version = str(getattr(self.xp, "__version__", ""))

    def tensor(self, array: Array, requires_grad: bool) -> Any:
        return self.xp.tensor(array, requires_grad=requires_grad)

    def record(self, program: Program, params: Tensors, data: Tensors) -> Step:
        return self.forward(program, params, data)

    def backward(self, recorded: Any) -> None:
        recorded.backward()

    def gradient(self, program: Program, params: Tensors, data: Tensors) -> Step:
        xp = self.xp

        def step() -> list[Any]:
            for param in params:
                param.grad = None
            loss = program(xp, params, data)
            loss.backward()
            return [loss, *(param.grad for param in params)]

        return step

    def train(self, program: Program, params: Tensors, data: Tensors) -> Step:
        xp = self.xp

        def step() -> list[Any]:
            loss = program(xp, params, data)
            loss.backward()
            with xp.no_grad():
                for param in params:
                    param -= LEARNING_RATE * param.grad
                    param.grad = None
            return [loss, *params]

        return step

    def arrays(self, result: Any) -> list[Array]:
        results = result if isinstance(result, list) else [result]
        return [tensor.detach().numpy() for tensor in results]


class MyGrad(Package):
    """MyGrad: tensors with ``backward``; a new forward pass clears the gradients by itself."""

    def __init__(self, name: str) -> None:
        mygrad = importlib.import_module(name)
        nnet = importlib.import_module("mygrad.nnet")
        self.module = mygrad
        self.version = mygrad.__version__
        self.xp = SimpleNamespace(tanh=mygrad.tanh, sum=mygrad.sum, relu=nnet.relu, log_softmax=nnet.logsoftmax)

    def tensor(self, array: Array, requires_grad: bool) -> Any:
        return self.module.tensor(array, constant=not requires_grad)

    def record(self, program: Program, params: Tensors, data: Tensors) -> Step:
        return self.forward(program, params, data)

    def backward(self, recorded: Any) -> None:
        recorded.backward()

    def gradient(self, program: Program, params: Tensors, data: Tensors) -> Step:
        xp = self.xp

        def step() -> list[Any]:
            loss = program(xp, params, data)
            loss.backward()
            return [loss.data, *(param.grad for param in params)]

        return step

    def train(self, program: Program, params: Tensors, data: Tensors) -> Step:
        xp = self.xp

        def step() -> list[Any]:
            loss = program(xp, params, data)
            loss.backward()
            for param in params:
                param.data -= LEARNING_RATE * param.grad
            return [loss.data, *(param.data for param in params)]

        return step

    def arrays(self, result: Any) -> list[Array]:
        results = result if isinstance(result, list) else [result.data]
        return [np.asarray(array) for array in results]


class Functional(Package):
    """Packages that transform functions: HIPS autograd and JAX differ only in where their transformations live."""

    value_and_grad: Callable[[Any], Any]

    @abstractmethod
    def vjp(self, function: Any, params: Tensors) -> tuple[Any, Any]:
        """The value at ``params`` and the function that pulls a cotangent back."""

    @abstractmethod
    def wait(self, value: Any) -> Any:
        """The value, computed."""

    def forward(self, program: Program, params: Tensors, data: Tensors) -> Step:
        xp = self.xp
        return lambda: self.wait(program(xp, params, data))

    def record(self, program: Program, params: Tensors, data: Tensors) -> Step:
        function = self._of_params(program, params, data)
        return lambda: self.vjp(function, params)

    def backward(self, recorded: Any) -> None:
        value, pull = recorded
        self.wait(pull(np.ones_like(value)))

    def gradient(self, program: Program, params: Tensors, data: Tensors) -> Step:
        value_and_grad = self.value_and_grad(self._of_params(program, params, data))

        def step() -> list[Any]:
            value, gradients = value_and_grad(params)
            return [self.wait(value), *self.wait(gradients)]

        return step

    def train(self, program: Program, params: Tensors, data: Tensors) -> Step:
        value_and_grad = self.value_and_grad(self._of_params(program, params, data))

        def step() -> list[Any]:
            value, gradients = value_and_grad(params)
            params[:] = [param - LEARNING_RATE * gradient for param, gradient in zip(params, gradients, strict=True)]
            return [self.wait(value), *self.wait(params)]

        return step

    def arrays(self, result: Any) -> list[Array]:
        results = result if isinstance(result, list) else [result[0] if isinstance(result, tuple) else result]
        return [np.asarray(array) for array in results]

    def _of_params(self, program: Program, params: Tensors, data: Tensors) -> Callable[[Sequence[Any]], Any]:
        xp = self.xp
        return lambda params: program(xp, params, data)


class HipsAutograd(Functional):
    """HIPS autograd. On plain arrays its functions are NumPy's, so "no grad" is NumPy plus one check a call."""

    def __init__(self, name: str) -> None:
        autograd = importlib.import_module(name)
        numpy = importlib.import_module("autograd.numpy")
        logsumexp = importlib.import_module("autograd.scipy.special").logsumexp
        self.make_vjp = importlib.import_module("autograd.core").make_vjp
        self.value_and_grad = autograd.value_and_grad
        self.version = getattr(autograd, "__version__", "") or importlib.import_module("importlib.metadata").version(
            name
        )
        self.xp = SimpleNamespace(
            tanh=numpy.tanh,
            sum=numpy.sum,
            relu=lambda x: numpy.maximum(x, 0),
            log_softmax=lambda x, axis: x - logsumexp(x, axis, keepdims=True),
        )

    def tensor(self, array: Array, requires_grad: bool) -> Any:
        return array

    def vjp(self, function: Any, params: Tensors) -> tuple[Any, Any]:
        pull, value = self.make_vjp(function, params)
        return value, pull

    def wait(self, value: Any) -> Any:
        return value


class Jax(Functional):
    """JAX, operation by operation as the others; ``jax.jit``, which compiles whole programs, is another race."""

    def __init__(self, name: str) -> None:
        jax = importlib.import_module(name)
        jax.config.update("jax_enable_x64", True)
        self.module = jax
        self.version = jax.__version__
        self.value_and_grad = jax.value_and_grad
        self.wait_for = jax.block_until_ready
        self.xp = SimpleNamespace(
            tanh=jax.numpy.tanh, sum=jax.numpy.sum, relu=jax.nn.relu, log_softmax=jax.nn.log_softmax
        )

    def tensor(self, array: Array, requires_grad: bool) -> Any:
        return self.module.numpy.asarray(array)

    def vjp(self, function: Any, params: Tensors) -> tuple[Any, Any]:
        value, pull = self.module.vjp(function, params)
        return value, pull

    def wait(self, value: Any) -> Any:
        return self.wait_for(value)


ADAPTERS: dict[str, Callable[[str], Package]] = {
    "torch": Eager,
    "wengert": Eager,
    "autograd": HipsAutograd,
    "mygrad": MyGrad,
    "jax": Jax,
}
PEERS = [name for name in ADAPTERS if name != "wengert"]


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def load(name: str) -> Package:
    return ADAPTERS[name](name)
