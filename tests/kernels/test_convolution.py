"""Convolution kernels of every build against PyTorch, over random geometries."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from wengert.kernels import bulk
from wengert.ops.conv_arrays import Sweep

CONVOLVE = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d, 3: torch.nn.functional.conv3d}
LIMIT = {torch.float32: 2e-6, torch.float64: 2e-14}


def drawn(rng: random.Random) -> dict[str, Any]:
    """Sizes of one convolution: up to three dimensions, groups, depthwise ones, odd strides, paddings and dilations."""
    dims = rng.choice([1, 2, 2, 3])
    groups, inner, outer = rng.choice(
        [(1, 3, 5), (1, 16, 33), (2, 2, 17), (3, 5, 4), (5, 1, 2), (1, 1, 64), (2, 16, 8)]
    )
    kernel = [rng.randint(1, 5 if dims < 3 else 3) for _ in range(dims)]
    dilation = [rng.choice([1, 1, 2]) for _ in range(dims)]
    padding = [rng.randint(0, 4) for _ in range(dims)]
    most = {1: 300, 2: 24, 3: 8}[dims]
    size = [
        max(rng.randint(1, most), d * (k - 1) + 1 - 2 * p)
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    ]  # fmt: skip
    return {
        "x": (rng.choice([1, 2, 9]), groups * inner, *size),
        "weight": (groups * outer, inner, *kernel),
        "stride": [rng.choice([1, 1, 2, 3]) for _ in range(dims)],
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }


def relative(found: Any, expected: Any) -> float:
    wanted = expected.detach().numpy()
    return float(np.abs(found - wanted).max() / (np.abs(wanted).max() + 1e-9))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(25))
def test_value_and_gradients_agree_with_pytorch(native: Any, seed: int, dtype: Any) -> None:
    given = drawn(random.Random(seed))
    torch.manual_seed(seed)
    x = torch.randn(given["x"], dtype=dtype, requires_grad=True)
    weight = torch.randn(given["weight"], dtype=dtype, requires_grad=True)
    bias = torch.randn(weight.shape[0], dtype=dtype) if seed % 2 else None
    rest = (given["stride"], given["padding"], given["dilation"], given["groups"])
    y = CONVOLVE[x.dim() - 2](x, weight, bias, *rest)
    grad = torch.randn_like(y)
    gx, gw = torch.autograd.grad(y, (x, weight), grad)
    sweep = Sweep(
        tuple(x.shape[2:]), tuple(weight.shape[2:]), tuple(y.shape[2:]), *[tuple(r) for r in rest[:3]], given["groups"]
    )
    xa, wa, ga = [t.detach().numpy() for t in (x, weight, grad)]
    limit = LIMIT[dtype] * max(1, weight[0].numel()) ** 0.5
    assert relative(bulk.convolved(xa, wa, None if bias is None else bias.numpy(), sweep), y) < limit, given
    assert relative(bulk.input_gradient(ga, wa, xa.shape[1], sweep), gx) < limit, given
    assert relative(bulk.weight_gradient(ga, xa, sweep), gw) < 10 * limit, given


def test_results_are_bitwise_the_same_for_any_number_of_threads(native: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((8, 32, 20, 20), np.float32)
    weight = rng.standard_normal((48, 32, 3, 3), np.float32)
    sweep = Sweep((20, 20), (3, 3), (10, 10), (2, 2), (1, 1), (1, 1), 1)
    grad = rng.standard_normal((8, 48, 10, 10), np.float32)
    before = native.get_num_threads()
    found = []
    for threads in (1, 2, 3):
        native.set_num_threads(threads)
        parts = (
            bulk.convolved(x, weight, None, sweep),
            bulk.input_gradient(grad, weight, 32, sweep),
            bulk.weight_gradient(grad, x, sweep),
        )
        found.append([p.tobytes() for p in parts])
    native.set_num_threads(before)
    assert found[0] == found[1] == found[2]
