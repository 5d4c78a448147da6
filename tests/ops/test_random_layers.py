"""Convolutions, poolings and paddings with random parameters agree with torch in value and gradient, or refuse alike."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import wengert as wg
from tests.ops.sample import SEED


class Case:
    """A call with random sizes: a name of nn.functional, arrays, and the other arguments."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.dims = rng.choice((1, 2, 2, 3))
        self.groups = rng.choice((1, 1, 2, 3))
        self.channels = self.groups * rng.randint(1, 3)
        self.size = [rng.randint(1, 8) for _ in range(self.dims)]
        self.kernel = tuple(rng.randint(1, 4) for _ in range(self.dims))
        lead = [rng.randint(1, 3)] if rng.random() < 0.8 else []
        self.arrays = [self.numbers(*lead, self.channels, *self.size)]
        if rng.random() < 0.2:
            self.arrays[0] = np.asfortranarray(self.arrays[0])
        self.name, self.arguments = rng.choice(
            (self.convolution, self.transposed, self.maximum, self.mean, self.adaptive, self.pad)
        )()

    def numbers(self, *shape: int) -> Any:
        """Return an array of random numbers."""
        return np.random.default_rng(self.rng.randrange(10**9)).normal(size=shape)

    def each(self, low: int, high: int) -> tuple[int, ...]:
        """Return one number per dimension."""
        return tuple(self.rng.randint(low, high) for _ in range(self.dims))

    def weights(self, *shape: int) -> None:
        """Add a weight, and in half of all cases a bias."""
        out = self.groups * self.rng.randint(1, 3)
        first = shape if shape else (out, self.channels // self.groups)
        self.arrays.append(self.numbers(*first, *self.kernel))
        if self.rng.random() < 0.5:
            self.arrays.append(self.numbers(first[1] * self.groups if shape else first[0]))

    def convolution(self) -> tuple[str, dict[str, Any]]:
        """Return a convolution."""
        self.weights()
        if self.rng.random() < 0.15:
            return f"conv{self.dims}d", {"padding": "same", "groups": self.groups}
        numbers = {"stride": self.each(1, 3), "padding": self.each(0, 4), "dilation": self.each(1, 3)}
        return f"conv{self.dims}d", {**numbers, "groups": self.groups}

    def transposed(self) -> tuple[str, dict[str, Any]]:
        """Return a transposed convolution whose result is not empty."""
        self.weights(self.channels, self.rng.randint(1, 3))
        pads = tuple(self.rng.randint(0, (k - 1) // 2) for k in self.kernel)
        numbers = {"stride": self.each(1, 3), "output_padding": self.each(0, 1), "dilation": self.each(1, 3)}
        return f"conv_transpose{self.dims}d", {**numbers, "padding": pads, "groups": self.groups}

    def windows(self) -> dict[str, Any]:
        """Return the sizes of windows."""
        return {
            "kernel_size": self.kernel,
            "stride": self.rng.choice((None, self.each(1, 3))),
            "padding": tuple(self.rng.randint(0, k // 2) for k in self.kernel),
            "ceil_mode": self.rng.random() < 0.4,
        }

    def maximum(self) -> tuple[str, dict[str, Any]]:
        """Return a max pooling, with ties in some cases; padding and dilation do not meet (see test_layer_refusals)."""
        if self.rng.random() < 0.4:
            self.arrays[0] = np.round(self.arrays[0])
        sizes = self.windows()
        if self.rng.random() < 0.4:
            sizes |= {"dilation": self.each(1, 2), "padding": 0}
        return f"max_pool{self.dims}d", {**sizes, "return_indices": True}

    def mean(self) -> tuple[str, dict[str, Any]]:
        """Return an average pooling."""
        divisor = {"divisor_override": self.rng.choice((None, 3, -2))} if self.dims > 1 else {}
        return f"avg_pool{self.dims}d", {**self.windows(), "count_include_pad": self.rng.random() < 0.5, **divisor}

    def adaptive(self) -> tuple[str, dict[str, Any]]:
        """Return an adaptive pooling."""
        kind = self.rng.choice(("avg", "max"))
        indices = {"return_indices": True} if kind == "max" else {}
        return f"adaptive_{kind}_pool{self.dims}d", {"output_size": self.each(1, 9), **indices}

    def pad(self) -> tuple[str, dict[str, Any]]:
        """Return a padding, cutting in some cases."""
        mode = self.rng.choice(("reflect", "replicate", "circular", "constant"))
        pads = []
        for n in reversed(self.size):
            lowest = -1 if n > 2 and mode != "circular" else 0
            pads += [self.rng.randint(lowest, n - 1), self.rng.randint(0, n - 1)]
        return "pad", {"pad": pads, "mode": mode}

    def run(self, package: Any) -> Any:
        """Return values and gradients, or class and first line of the error."""
        inputs = [package.from_numpy(a.copy(order="K")).requires_grad_() for a in self.arrays]
        try:
            result = getattr(package.nn.functional, self.name)(*inputs, **self.arguments)
        except RuntimeError as error:
            return str(error).splitlines()[0]
        values = result if isinstance(result, tuple) else (result,)
        seed = package.from_numpy(np.random.default_rng(1).normal(size=tuple(values[0].shape)))
        grads = package.autograd.grad(values[0], inputs, seed)
        return [t.detach().numpy() for t in (*values, *grads)]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("seed", range(12))
def test_layers_with_random_parameters_agree_with_torch(oracle: Any, seed: int) -> None:
    rng = random.Random(1000 * SEED + seed)
    for _ in range(40):
        case = Case(rng)
        expected, seen = case.run(oracle), case.run(wg)
        told = f"{case.name} of {[a.shape for a in case.arrays]} with {case.arguments}"
        if isinstance(expected, str) or isinstance(seen, str):
            assert seen == expected, told
        else:
            for a, b in zip(expected, seen, strict=True):
                np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9, err_msg=told)
