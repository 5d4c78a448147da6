"""How each package runs a program of ``workloads``: without recording, recorded, with gradients, as a training step.

Every such method returns a step: a function without arguments that does the work once and returns its result, which
``arrays`` turns into NumPy arrays to compare packages by. ``xp`` is a package's vocabulary, the words that programs use; a
word that is not there is reported as missing.
"""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from workloads import WORKLOADS
from workloads.workload import GRADIENT, LEARNING_RATE, NO_GRAD, RECORDED, STEP, Array, Program, Workload

CASES = WORKLOADS  # the suite of run.py, for serve.py

Step = Callable[[], Any]
Tensors = list[Any]


class Package(ABC):
    """A package that can differentiate."""

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

    def build(self, program: Program, params: Tensors, data: Tensors) -> Step:
        """The step that a program in PyTorch's own words returns."""
        raise AttributeError("does not speak PyTorch's words")

    @abstractmethod
    def arrays(self, result: Any) -> list[Array]: ...

    def step(self, workload: Workload) -> Step:
        params, data = workload.inputs()
        tensors = [self.tensor(array, workload.kind != NO_GRAD) for array in params]
        makers = {NO_GRAD: self.forward, RECORDED: self.record, GRADIENT: self.gradient, STEP: self.build}
        make = makers.get(workload.kind, self.train)
        return make(workload.program, tensors, [self.tensor(array, False) for array in data])


class Eager(Package):
    """PyTorch, and wengert by the same lines."""

    def __init__(self, name: str) -> None:
        self.module = importlib.import_module(name)
        self.version = str(getattr(self.module, "__version__", ""))
        self.xp = torch_words(self.module)

    def tensor(self, array: Array, requires_grad: bool) -> Any:
        return self.module.tensor(array, requires_grad=requires_grad)

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
            with self.module.no_grad():
                for param in params:
                    param -= LEARNING_RATE * param.grad
                    param.grad = None
            return [loss, *params]

        return step

    def build(self, program: Program, params: Tensors, data: Tensors) -> Step:
        step: Step = program(self.module, params, data)
        return step

    def arrays(self, result: Any) -> list[Array]:
        results = result if isinstance(result, list) else [result]
        return [tensor.detach().numpy() for tensor in results]


def torch_words(module: Any) -> Any:
    """The vocabulary in PyTorch's functions."""
    nn = module.nn.functional
    words = (
        "tanh",
        "sin",
        "sum",
        "mean",
        "var",
        "exp",
        "log",
        "sigmoid",
        "where",
        "amax",
        "cumsum",
        "logsumexp",
        "stack",
    )
    fuse = getattr(module, "fuse", None)
    return SimpleNamespace(
        **{word: getattr(module, word) for word in (*words, "einsum", "index_add")},
        **{word: getattr(nn, word) for word in ("relu", "gelu", "silu", "softmax", "log_softmax", "cross_entropy")},
        **{word: getattr(nn, word) for word in ("mse_loss", "embedding", "max_pool2d", "avg_pool2d")},
        **{word: getattr(module.linalg, word) for word in ("cholesky", "solve", "slogdet", "svdvals")},
        sort=lambda x: module.sort(x)[0],
        layer_norm=lambda x, weight, bias: nn.layer_norm(x, weight.shape, weight, bias),
        batch_norm=lambda x, weight, bias: nn.batch_norm(x, None, None, weight, bias, training=True),
        convolution=lambda x, weight, **options: (nn.conv1d if x.dim() == 3 else nn.conv2d)(x, weight, **options),
        fused=(lambda f: f) if fuse is None else fused_once(fuse),
    )


def fused_once(fuse: Any) -> Any:
    """Fuses a program ``f(xp, x)`` when it is first asked for."""
    known: dict[Any, Any] = {}

    def fused(f: Any) -> Any:
        if f not in known:
            words = importlib.import_module("wengert")
            body = fuse(lambda x: f(words, x))
            known[f] = lambda xp, x: body(x)
        return known[f]

    return fused


class MyGrad(Package):
    """MyGrad: tensors with ``backward``; a new forward pass clears the gradients by itself."""

    def __init__(self, name: str) -> None:
        mygrad = importlib.import_module(name)
        nnet = importlib.import_module("mygrad.nnet")
        self.module = mygrad
        self.version = mygrad.__version__
        words = ("tanh", "sin", "sum", "mean", "exp", "log", "where", "stack", "einsum")
        self.xp = SimpleNamespace(
            **{word: getattr(mygrad, word) for word in words},
            var=lambda x, axis: mygrad.var(x, axis, ddof=1),
            amax=lambda x, dim: mygrad.max(x, axis=dim),
            cumsum=lambda x, dim: mygrad.cumsum(x, axis=dim),
            sigmoid=nnet.sigmoid,
            relu=nnet.relu,
            softmax=lambda x, dim: nnet.softmax(x, axis=dim),
            log_softmax=lambda x, dim: nnet.logsoftmax(x, axis=dim),
            fused=lambda f: f,
        )

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


class TinyGrad(Package):
    """tinygrad: lazy tensors, realised at the end of a step."""

    def __init__(self, name: str) -> None:
        module = importlib.import_module(name)
        self.Tensor = module.Tensor
        self.version = importlib.import_module("importlib.metadata").version(name)
        self.xp = tinygrad_words(module.Tensor)

    def tensor(self, array: Array, requires_grad: bool) -> Any:
        # Without the copy, equal numbers of no dimensions would be one constant, with one gradient for all.
        return self.Tensor(array).clone().realize()

    def forward(self, program: Program, params: Tensors, data: Tensors) -> Step:
        return lambda: program(self.xp, params, data).realize()

    def record(self, program: Program, params: Tensors, data: Tensors) -> Step:
        def step() -> tuple[Any, Any]:
            result = program(self.xp, params, data)
            # What is realised forgets how it was made, so that a copy is, beside the result that can be differentiated.
            return result.contiguous().realize(), lambda: self.Tensor.realize(*result.gradient(*params))

        return step

    def backward(self, recorded: Any) -> None:
        _, pull = recorded
        pull()

    def gradient(self, program: Program, params: Tensors, data: Tensors) -> Step:
        def step() -> list[Any]:
            loss = program(self.xp, params, data)
            results = [loss, *loss.gradient(*params)]
            self.Tensor.realize(*results)
            return results

        return step

    def train(self, program: Program, params: Tensors, data: Tensors) -> Step:
        gradients = self.gradient(program, params, data)

        def step() -> list[Any]:
            loss, *found = gradients()
            for param, gradient in zip(params, found, strict=True):
                param.assign(param - LEARNING_RATE * gradient).realize()
            return [loss, *params]

        return step

    def arrays(self, result: Any) -> list[Array]:
        results = result if isinstance(result, list) else [result[0] if isinstance(result, tuple) else result]
        return [tensor.numpy() for tensor in results]


def tinygrad_words(tensor: Any) -> Any:
    """The vocabulary in methods of tinygrad's class of tensors."""
    words = ("tanh", "sin", "sum", "mean", "var", "exp", "log", "sigmoid", "relu", "silu", "einsum")
    axes = (0, 2, 3)  # of batch_norm: all but the channels

    def index_add(total: Any, dim: int, ids: Any, rows: Any) -> Any:
        return total.scatter_reduce(dim, ids.unsqueeze(1).expand(rows.shape), rows, "sum")

    def batch_norm(x: Any, weight: Any, bias: Any) -> Any:
        deviation = (x.var(axes, correction=0) + 1e-5).sqrt()
        return x.batchnorm(weight, bias, x.mean(axes), 1 / deviation)

    return SimpleNamespace(
        **{word: getattr(tensor, word) for word in words},
        gelu=lambda x: x.gelu(approximate="none"),
        softmax=lambda x, dim: x.softmax(dim),
        log_softmax=lambda x, dim: x.log_softmax(dim),
        where=lambda mask, x, y: mask.where(x, y),
        amax=lambda x, dim: x.max(dim),
        cumsum=lambda x, dim: x.cumsum(dim),
        logsumexp=lambda x, dim: x.logsumexp(dim),
        sort=lambda x: x.sort()[0],
        stack=lambda tensors: tensor.stack(*tensors),
        cross_entropy=lambda logits, labels: logits.cross_entropy(labels),
        mse_loss=lambda x, y: (x - y).square().mean(),
        layer_norm=lambda x, weight, bias: x.layernorm() * weight + bias,
        batch_norm=batch_norm,
        embedding=lambda ids, table: table[ids],
        index_add=index_add,
        max_pool2d=lambda x, size: x.max_pool2d((size, size)),
        avg_pool2d=lambda x, size: x.avg_pool2d((size, size)),
        convolution=lambda x, weight, **options: x.conv2d(weight, **options),
        svdvals=lambda x: x.svd(full_matrices=False)[1],
        fused=lambda f: f,
    )


class Functional(Package):
    """Packages that transform functions: HIPS autograd and JAX differ only in where their transformations live."""

    value_and_grad: Callable[[Any], Any]

    @abstractmethod
    def vjp(self, function: Any, params: Tensors) -> tuple[Any, Any]:
        """The value at ``params`` and the function that pulls a cotangent back."""

    @abstractmethod
    def wait(self, value: Any) -> Any:
        """The value, computed."""

    def compiled(self, function: Any) -> Any:
        """The function, compiled where the package is asked to."""
        return function

    def forward(self, program: Program, params: Tensors, data: Tensors) -> Step:
        function = self.compiled(self._of_params(program, params, data))
        return lambda: self.wait(function(params))

    def record(self, program: Program, params: Tensors, data: Tensors) -> Step:
        function = self._of_params(program, params, data)
        return lambda: self.vjp(function, params)

    def backward(self, recorded: Any) -> None:
        value, pull = recorded
        self.wait(pull(np.ones_like(value)))

    def gradient(self, program: Program, params: Tensors, data: Tensors) -> Step:
        value_and_grad = self.compiled(self.value_and_grad(self._of_params(program, params, data)))

        def step() -> list[Any]:
            value, gradients = value_and_grad(params)
            return [self.wait(value), *self.wait(gradients)]

        return step

    def train(self, program: Program, params: Tensors, data: Tensors) -> Step:
        value_and_grad = self.compiled(self.value_and_grad(self._of_params(program, params, data)))

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
        words = ("tanh", "sin", "sum", "mean", "exp", "log", "where", "stack", "einsum", "sort")
        self.xp = SimpleNamespace(
            **{word: getattr(numpy, word) for word in words},
            var=lambda x, axis: numpy.var(x, axis, ddof=1),
            relu=lambda x: numpy.maximum(x, 0),
            sigmoid=lambda x: 1 / (1 + numpy.exp(-x)),
            amax=lambda x, dim: numpy.max(x, axis=dim),
            cumsum=lambda x, dim: numpy.cumsum(x, axis=dim),
            logsumexp=lambda x, dim: logsumexp(x, axis=dim),
            log_softmax=lambda x, dim: x - logsumexp(x, dim, keepdims=True),
            softmax=lambda x, dim: numpy.exp(x - logsumexp(x, dim, keepdims=True)),
            **{word: getattr(numpy.linalg, word) for word in ("cholesky", "solve", "slogdet")},
            svdvals=lambda x: numpy.linalg.svd(x, compute_uv=False),
            fused=lambda f: f,
        )

    def tensor(self, array: Array, requires_grad: bool) -> Any:
        return array

    def vjp(self, function: Any, params: Tensors) -> tuple[Any, Any]:
        pull, value = self.make_vjp(function, params)
        return value, pull

    def wait(self, value: Any) -> Any:
        return value


class Jax(Functional):
    """JAX, operation by operation as the others."""

    def __init__(self, name: str) -> None:
        jax = importlib.import_module(name)
        jax.config.update("jax_enable_x64", True)
        self.module = jax
        self.version = jax.__version__
        self.value_and_grad = jax.value_and_grad
        self.wait_for = jax.block_until_ready
        self.xp = jax_words(jax)

    def tensor(self, array: Array, requires_grad: bool) -> Any:
        return self.module.numpy.asarray(array)

    def vjp(self, function: Any, params: Tensors) -> tuple[Any, Any]:
        value, pull = self.module.vjp(function, params)
        return value, pull

    def wait(self, value: Any) -> Any:
        return self.wait_for(value)


class JaxJit(Jax):
    """JAX with the whole step compiled by ``jax.jit``."""

    def compiled(self, function: Any) -> Any:
        return self.module.jit(function)


def jax_words(jax: Any) -> Any:
    """The vocabulary in JAX's functions."""
    jnp, nn = jax.numpy, jax.nn
    words = ("tanh", "sin", "sum", "mean", "exp", "log", "where", "stack", "einsum", "sort")

    def cross_entropy(logits: Any, labels: Any) -> Any:
        return -jnp.take_along_axis(nn.log_softmax(logits, 1), labels[:, None], 1).mean()

    def layer_norm(x: Any, weight: Any, bias: Any) -> Any:
        mean = x.mean(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * weight + bias

    return SimpleNamespace(
        **{word: getattr(jnp, word) for word in words},
        **{word: getattr(nn, word) for word in ("relu", "silu", "sigmoid")},
        gelu=lambda x: nn.gelu(x, approximate=False),
        var=lambda x, axis: jnp.var(x, axis, ddof=1),
        amax=lambda x, dim: jnp.max(x, axis=dim),
        cumsum=lambda x, dim: jnp.cumsum(x, axis=dim),
        softmax=lambda x, dim: nn.softmax(x, axis=dim),
        log_softmax=lambda x, dim: nn.log_softmax(x, axis=dim),
        logsumexp=lambda x, dim: nn.logsumexp(x, axis=dim),
        cross_entropy=cross_entropy,
        mse_loss=lambda x, y: jnp.mean((x - y) ** 2),
        layer_norm=layer_norm,
        embedding=lambda ids, table: table[ids],
        index_add=lambda total, dim, ids, rows: total.at[ids].add(rows),
        **{word: getattr(jnp.linalg, word) for word in ("cholesky", "solve", "slogdet", "svdvals")},
        fused=lambda f: f,
    )


ADAPTERS: dict[str, tuple[str, Callable[[str], Package]]] = {
    "torch": ("torch", Eager),
    "wengert": ("wengert", Eager),
    "autograd": ("autograd", HipsAutograd),
    "mygrad": ("mygrad", MyGrad),
    "jax": ("jax", Jax),
    "jax jit": ("jax", JaxJit),
    "tinygrad": ("tinygrad", TinyGrad),
}
PEERS = [name for name in ADAPTERS if name != "wengert"]


def load(name: str) -> Package:
    module, adapter = ADAPTERS[name]
    return adapter(module)
