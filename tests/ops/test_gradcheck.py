"""First and second derivatives of a choice of operators, backward and forward, against central differences.

The comparison with torch covers every operator; this one needs no oracle, and moves every element of small inputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as torch
from tests.ops.differences import first_agree, forward_over_backward_agree, function_of, second_agree

# Inputs by letter: shape, lowest and highest value. Values are distinct, so that maxima and orders have no ties.
ANY = (-2.0, 2.0)
POSITIVE = (0.3, 2.0)
UNIT = (-0.8, 0.8)
INPUTS: dict[str, tuple[tuple[int, ...], tuple[float, float], bool]] = {
    "a": ((2, 3), ANY, False),
    "v": ((3,), ANY, False),
    "d": ((2,), ANY, False),
    "s": ((), ANY, False),
    "m": ((3, 2), ANY, False),
    "q": ((2, 2), ANY, False),
    "b": ((2, 2, 3), ANY, False),
    "p": ((2, 3), POSITIVE, False),
    "r": ((3,), POSITIVE, False),
    "u": ((2, 3), UNIT, False),
    "z": ((2,), ANY, True),
    "c": ((2, 2), ANY, True),
}

# Program text, with the letters of its inputs x, y, z (see tests/ops/sample.py).
OPERATORS: dict[str, str] = {
    "t.add(x, y, alpha=2)": "av",
    "t.sub(x, y)": "va",
    "t.log1mexp(x)": "p",
    "t.mul(x, y)": "as",
    "t.div(x, y)": "ar",
    "t.pow(x, 3)": "a",
    "t.pow(x, y)": "pv",
    "t.atan2(x, y)": "ap",
    "t.hypot(x, y)": "ap",
    "t.maximum(x, y)": "av",
    "t.where(x > 0, x, y)": "av",
    "t.lerp(x, y, z)": "aaa",
    "t.addcmul(x, y, z)": "aav",
    "t.addcdiv(x, y, z)": "aap",
    "t.exp(x)": "a",
    "t.expm1(x)": "a",
    "t.log(x)": "p",
    "t.log1p(x)": "p",
    "t.logaddexp(x, y)": "av",
    "t.xlogy(x, y)": "ap",
    "t.sqrt(x)": "p",
    "t.rsqrt(x)": "p",
    "t.reciprocal(x)": "p",
    "t.square(x)": "a",
    "t.sin(x)": "a",
    "t.tan(x)": "u",
    "t.asin(x)": "u",
    "t.atan(x)": "a",
    "t.sinh(x)": "a",
    "t.tanh(x)": "a",
    "t.atanh(x)": "u",
    "t.erf(x)": "a",
    "t.erfinv(x)": "u",
    "t.lgamma(x)": "p",
    "t.sigmoid(x)": "a",
    "t.abs(x)": "a",
    "t.clamp(x, -0.55, 0.55)": "a",
    "x.sum(0)": "a",
    "x.mean(1, keepdim=True)": "a",
    "x.prod(1)": "a",
    "x.var(1)": "a",
    "x.std()": "a",
    "x.norm()": "a",
    "x.norm(3, 1)": "a",
    "x.amax(1)": "a",
    "x.max(1)": "a",
    "x.median()": "v",
    "x.logsumexp(1)": "a",
    "x.cumsum(1)": "a",
    "x.cumprod(1)": "a",
    "x.logcumsumexp(1)": "a",
    "x.sort(1)": "a",
    "x.topk(2, 1)": "a",
    "t.cdist(x, y)": "aa",
    "x @ y": "am",
    "t.matmul(x, y)": "bm",
    "t.bmm(x, y.transpose(1, 2))": "bb",
    "t.addmm(x, y, z, beta=0.5, alpha=2)": "qam",
    "t.outer(x, y)": "vv",
    "t.einsum('ij,kj->ik', x, y)": "aa",
    "t.linalg.cross(x, y)": "aa",
    "x.t()": "a",
    "x.reshape(3, 2)": "a",
    "x.expand(2, 3)": "v",
    "x.permute(2, 0, 1)": "b",
    "x[:, ::2]": "a",
    "x[t.tensor([1, 0, 1])]": "a",
    "x.index_select(1, t.tensor([2, 0, 2]))": "a",
    "x.gather(1, t.tensor([[0, 2], [1, 1]]))": "a",
    "x.scatter_add(1, t.tensor([[0, 2, 2], [1, 1, 0]]), y)": "aa",
    "x.masked_fill(x > 0, 2.0)": "a",
    "t.cat([x, y], 1)": "aq",
    "t.stack([x, y])": "aa",
    "x.unfold(1, 2, 1)": "a",
    "x.roll(1, 1)": "a",
    "x.tril()": "a",
    "x.diagonal()": "a",
    "x.softmax(1)": "a",
    "x.log_softmax(1)": "a",
    "F.relu(x)": "a",
    "F.gelu(x)": "a",
    "F.silu(x)": "a",
    "F.softplus(x)": "a",
    "F.elu(x)": "a",
    "F.linear(x, y, z)": "aad",
    "F.mse_loss(x, y)": "aa",
    "F.cross_entropy(x, t.tensor([2, 0]))": "a",
    "F.binary_cross_entropy_with_logits(x, t.tensor([1.0, 0.0, 1.0], dtype=x.dtype).expand(2, 3))": "a",
    "F.kl_div(x, y, reduction='batchmean')": "ap",
    "t.mul(x, y.conj())": "zz",
    "t.div(x, y) ": "zz",
    "t.exp(x) ": "z",
    "t.abs(x) ": "z",
    "t.ldexp(x, y)": "zz",
    "F.silu(x) ": "z",  # PyTorch's gradient, in place only, lacks a conjugation
    "F.l1_loss(x, y)": "zz",
    "t.angle(x)": "z",
    "t.complex(x, y)": "aa",
    "x @ y ": "cz",
    "t.view_as_real(x)": "z",
}


def inputs_of(text: str) -> tuple[Any, ...]:
    """The inputs of a program: the same in each run."""
    rng = np.random.default_rng(7)
    return tuple(tensor(rng, *INPUTS[letter]) for letter in OPERATORS[text])


def tensor(rng: np.random.Generator, shape: tuple[int, ...], limits: tuple[float, float], is_complex: bool) -> Any:
    """Distinct values in a range, at least a hundredth apart; none within a hundredth of zero."""
    low, high = limits
    n = int(np.prod(shape))
    grid = np.linspace(low, high, 4 * n + 2) + 0.0123
    values = rng.choice(grid, n, replace=False).reshape(shape)
    if is_complex:
        values = values + 1j * rng.choice(grid, n, replace=False).reshape(shape)
    return torch.from_numpy(np.asarray(values)).requires_grad_()


every_operator = pytest.mark.parametrize("text", OPERATORS)


@every_operator
def test_first_derivatives_are_differences_of_values(text: str) -> None:
    assert first_agree(function_of(text, len(OPERATORS[text])), inputs_of(text))


@every_operator
def test_second_derivatives_are_differences_of_first_ones(text: str) -> None:
    assert second_agree(function_of(text, len(OPERATORS[text])), inputs_of(text))


@every_operator
def test_forward_mode_over_backward_gives_differences_of_gradients(text: str) -> None:
    assert forward_over_backward_agree(function_of(text, len(OPERATORS[text])), inputs_of(text))
