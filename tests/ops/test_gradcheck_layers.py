"""First and second derivatives of normalisations, resampling, attention and their losses, against central differences.

Some of these PyTorch does not have: forward mode and second derivatives of attention as one operator, of sampling by a grid,
of bags of rows, of distances of rows and of margin losses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as torch
from tests.ops.differences import first_agree, forward_over_backward_agree, function_of, second_agree

# Program text, with the shapes of its inputs x, y, z.
OPERATORS: dict[str, list[tuple[int, ...]]] = {
    "F.layer_norm(x, (4,), y, z)": [(2, 4), (4,), (4,)],
    "F.layer_norm(x, (2, 3))": [(2, 2, 3)],
    "F.batch_norm(x, None, None, y, z, True)": [(4, 2), (2,), (2,)],
    "F.batch_norm(x, t.zeros(2).double(), t.ones(2).double(), y, z)": [(3, 2, 2), (2,), (2,)],
    "F.group_norm(x, 2, y, z)": [(2, 4, 2), (4,), (4,)],
    "F.instance_norm(x)": [(1, 2, 4)],
    "F.rms_norm(x, (3,), y)": [(2, 3), (3,)],
    "F.local_response_norm(x, 3, alpha=0.5)": [(1, 4, 2)],
    "F.interpolate(x, size=5, mode='linear')": [(1, 2, 3)],
    "F.interpolate(x, size=(2, 5), mode='bicubic')": [(1, 1, 3, 3)],
    "F.interpolate(x, size=(2, 2), mode='bicubic', antialias=True)": [(1, 1, 4, 3)],
    "F.interpolate(x, scale_factor=1.5, mode='nearest')": [(1, 2, 3)],
    "F.grid_sample(x, y * 0.4, align_corners=False)": [(1, 2, 3, 2), (1, 2, 1, 2)],
    "F.grid_sample(x, y * 0.4, mode='bicubic', align_corners=True)": [(1, 1, 3, 3), (1, 2, 1, 2)],
    "F.grid_sample(x, y, padding_mode='reflection', align_corners=True)": [(1, 2, 2, 2, 2), (1, 1, 1, 2, 3)],
    "F.affine_grid(x, (1, 1, 2, 2), False)": [(1, 2, 3)],
    "F.scaled_dot_product_attention(x, y, z)": [(1, 2, 2, 2), (1, 2, 3, 2), (1, 2, 3, 2)],
    "F.scaled_dot_product_attention(x, y, z, enable_gqa=True, is_causal=True)": [
        (1, 2, 2, 2),
        (1, 1, 2, 2),
        (1, 1, 2, 2),
    ],
    "F.scaled_dot_product_attention(x, y, y, z)": [(2, 2), (3, 2), (2, 3)],
    "t.channel_shuffle(x, 2)": [(1, 4, 2)],
    "F.pixel_shuffle(x, 2)": [(4, 1, 2)],
    "F.pixel_unshuffle(x, 2)": [(1, 2, 4)],
    "F.pdist(x)": [(3, 2)],
    "F.pdist(x, 3)": [(3, 2)],
    "F.multi_margin_loss(x, t.tensor([1, 0]), p=2)": [(2, 3)],
    "F.multilabel_margin_loss(x, t.tensor([[1, -1, 0], [2, 0, -1]]))": [(2, 3)],
    "F.embedding_bag(t.tensor([[1, 2], [2, 0]]), x, mode='sum', per_sample_weights=y)": [(3, 2), (2, 2)],
    "F.embedding_bag(t.tensor([[1, 2], [2, 0]]), x, mode='mean')": [(3, 2)],
    "F.embedding_bag(t.tensor([[1, 2], [2, 0]]), x, mode='max')": [(3, 2)],
    "F.linear_cross_entropy(x, y, t.tensor([1, 0]))": [(2, 2), (3, 2)],
}


def inputs_of(text: str) -> tuple[Any, ...]:
    """Distinct inputs of a program, none near zero."""
    rng = np.random.default_rng(11)
    made = []
    for shape in OPERATORS[text]:
        n = int(np.prod(shape))
        values = rng.choice(np.linspace(-2, 2, 4 * n + 2) + 0.0123, n, replace=False)
        made.append(torch.from_numpy(values.reshape(shape)).requires_grad_())
    return tuple(made)


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


def sequence_loss(x: Any) -> Any:
    """CTC loss of two rows, from logits: its gradient is right for those."""
    targets = torch.tensor([[1, 2], [1, 1]])
    return torch.nn.functional.ctc_loss(x.log_softmax(-1), targets, (4, 3), (2, 2), reduction="none")


def test_ctc_loss_has_first_and_second_derivatives_with_respect_to_logits() -> None:
    x = torch.from_numpy(np.random.default_rng(3).normal(size=(4, 2, 3))).requires_grad_()
    assert torch.autograd.gradcheck(sequence_loss, (x,))
    assert torch.autograd.gradgradcheck(sequence_loss, (x,))


@pytest.mark.parametrize("norm", ["F.layer_norm(x, (3,))", "F.batch_norm(x, None, None, training=True)"])
def test_normalisations_have_third_derivatives(norm: str) -> None:
    run = function_of(norm, 1)
    x = torch.from_numpy(np.random.default_rng(5).normal(size=(4, 3))).requires_grad_()

    def slope(t: Any) -> Any:
        value = (run(t) ** 3).sum()
        return torch.autograd.grad(value, t, create_graph=True)[0]

    assert torch.autograd.gradgradcheck(slope, (x,))
