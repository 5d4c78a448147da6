"""Graphs of small tensors, where the work is in calling, recording and walking, not in arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from .workload import GRADIENT, NO_GRAD, RECORDED, TRAINING, Inputs, Workload

GROUP: Final = "overhead"
REPEATS: Final = 100  # of a single operation in one timed call, so that the harness costs nothing beside it


def vectors() -> Inputs:
    a = np.array([0.5, -1.0, 1.5], np.float32)
    b = np.array([0.9, 0.8, -0.7], np.float32)
    return [a, b], []


def multiply_repeatedly(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    a, b = params
    for _ in range(REPEATS):
        result = a * b
    return result


def sum_of_product(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    a, b = params
    return xp.sum(a * b)


def chain_vectors() -> Inputs:
    (x, c), _ = vectors()
    return [x], [c, np.array([0.1, -0.2, 0.3], np.float32)]


def chain(xp: Any, params: Sequence[Any], data: Sequence[Any], length: int = 100) -> Any:
    (y,), (c, d) = params, data
    for _ in range(length // 2):
        y = y * c
        y = y + d
    return y


def sum_of_chain(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    return xp.sum(chain(xp, params, data))


SCALAR_WIDTHS: Final = (2, 16, 16, 1)


def scalar_mlp_inputs() -> Inputs:
    rng = np.random.default_rng(0)
    count = sum(fan_out * (fan_in + 1) for fan_in, fan_out in itertools.pairwise(SCALAR_WIDTHS))
    weights = rng.uniform(-0.5, 0.5, count).astype(np.float32)
    return [np.array(w) for w in weights], [np.array(v, np.float32) for v in (0.3, -0.7)]


def scalar_mlp(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    """A network of single numbers: 337 leaves and 640 operations."""
    weights = iter(params)
    layer = list(data)
    for width in SCALAR_WIDTHS[1:]:
        outputs = []
        for _ in range(width):
            activation = next(weights)
            for value in layer:
                activation = activation + next(weights) * value
            outputs.append(xp.tanh(activation) if width > 1 else activation)
        layer = outputs
    return layer[0]


def leaves() -> Inputs:
    values = np.random.default_rng(5).uniform(-1, 1, (1000, 3)).astype(np.float32)
    return list(values), []


def sum_of_squares(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    """A thousand leaves flow into one sum."""
    total = params[0] * params[0]
    for leaf in params[1:]:
        total = total + leaf * leaf
    return xp.sum(total)


RNN_STEPS: Final = 64


def rnn_inputs() -> Inputs:
    rng = np.random.default_rng(1)
    hidden, batch = 32, 8
    recurrent, projection = (rng.normal(0, 0.15, (hidden, hidden)).astype(np.float32) for _ in range(2))
    bias = np.zeros(hidden, np.float32)
    sequence = [rng.normal(0, 1, (batch, hidden)).astype(np.float32) for _ in range(RNN_STEPS)]
    return [projection, recurrent, bias], [np.zeros((batch, hidden), np.float32), *sequence]


def tanh_rnn(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    projection, recurrent, bias = params
    h = data[0]
    for x in data[1:]:
        h = xp.tanh(x @ projection + h @ recurrent + bias)
    return xp.sum(h)


def lorenz_inputs() -> Inputs:
    return [np.array(value, np.float64) for value in (1.0, 1.0, 1.0, 10.0, 28.0, 8.0 / 3.0)], []


def lorenz(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    """The Lorenz system, 200 Runge-Kutta steps of order four on 0-d tensors, differentiated by start and parameters."""
    x, y, z, sigma, rho, beta = params
    dt = 0.01

    def velocity(x: Any, y: Any, z: Any) -> tuple[Any, Any, Any]:
        return sigma * (y - x), x * (rho - z) - y, x * y - beta * z

    for _ in range(200):
        a1, b1, c1 = velocity(x, y, z)
        a2, b2, c2 = velocity(x + a1 * (dt / 2), y + b1 * (dt / 2), z + c1 * (dt / 2))
        a3, b3, c3 = velocity(x + a2 * (dt / 2), y + b2 * (dt / 2), z + c2 * (dt / 2))
        a4, b4, c4 = velocity(x + a3 * dt, y + b3 * dt, z + c3 * dt)
        x = x + (a1 + a2 * 2 + a3 * 2 + a4) * (dt / 6)
        y = y + (b1 + b2 * 2 + b3 * 2 + b4) * (dt / 6)
        z = z + (c1 + c2 * 2 + c3 * 2 + c4) * (dt / 6)
    return x + y + z


def pendulum_inputs() -> Inputs:
    return [np.array([0.7, 0.0]), np.array(9.81), np.array(1.3)], []


def pendulum(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    """A pendulum, 100 Runge-Kutta steps on a vector of angle and speed, differentiated by start, gravity and length."""
    state, gravity, length = params
    h = 0.02

    def slope(s: Any) -> Any:
        return xp.stack([s[1], -(gravity / length) * xp.sin(s[0])])

    for _ in range(100):
        k1 = slope(state)
        k2 = slope(state + k1 * (h / 2))
        k3 = slope(state + k2 * (h / 2))
        k4 = slope(state + k3 * h)
        state = state + (k1 + k2 * 2 + k3 * 2 + k4) * (h / 6)
    return xp.sum(state * state)


def network_inputs() -> Inputs:
    rng = np.random.default_rng(3)
    widths = (64, 64, 64, 10)
    params = []
    for fan_in, fan_out in itertools.pairwise(widths):
        params += [rng.normal(0, 0.12, (fan_in, fan_out)).astype(np.float32), np.zeros(fan_out, np.float32)]
    return params, [rng.normal(0, 1, (1, 64)).astype(np.float32)]


def network(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    w1, b1, w2, b2, w3, b3 = params
    h = xp.relu(data[0] @ w1 + b1)
    return xp.relu(h @ w2 + b2) @ w3 + b3


def digits_inputs() -> Inputs:
    """Random images and labels of the size of scikit-learn's digits: 64 pixels, 10 classes, a batch of 64."""
    rng = np.random.default_rng(2)
    images = rng.uniform(0, 1, (64, 64)).astype(np.float32)
    one_hot = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 64)]
    w1, w2 = (rng.normal(0, 0.12, (64, width)).astype(np.float32) for width in (64, 10))
    return [w1, np.zeros(64, np.float32), w2, np.zeros(10, np.float32)], [images, one_hot]


def digits_loss(xp: Any, params: Sequence[Any], data: Sequence[Any]) -> Any:
    (w1, b1, w2, b2), (images, one_hot) = params, data
    logits = xp.relu(images @ w1 + b1) @ w2 + b2
    return -xp.sum(one_hot * xp.log_softmax(logits, 1)) / 64


def workload(name: str, kind: str, program: Any, inputs: Any, divide_by: int = 1) -> Workload:
    return Workload(GROUP, name, kind, program, inputs, divide_by)


WORKLOADS: Final = [
    workload("a * b", NO_GRAD, multiply_repeatedly, vectors, REPEATS),
    workload("a * b", RECORDED, multiply_repeatedly, vectors, REPEATS),
    workload("sum(a * b)", GRADIENT, sum_of_product, vectors),
    workload("chain of 100", NO_GRAD, chain, chain_vectors),
    workload("chain of 100", RECORDED, chain, chain_vectors),
    workload("chain of 100", GRADIENT, sum_of_chain, chain_vectors),
    workload("scalar MLP, 977 nodes", GRADIENT, scalar_mlp, scalar_mlp_inputs),
    workload("1,000 leaves", GRADIENT, sum_of_squares, leaves),
    workload("tanh RNN, 64 steps", GRADIENT, tanh_rnn, rnn_inputs),
    workload("Lorenz RK4, 200 steps", GRADIENT, lorenz, lorenz_inputs),
    workload("pendulum RK4, 100 steps", GRADIENT, pendulum, pendulum_inputs),
    workload("MLP 64-64-64-10, one sample", NO_GRAD, network, network_inputs),
    workload("digits MLP 64-64-10", TRAINING, digits_loss, digits_inputs),
]
