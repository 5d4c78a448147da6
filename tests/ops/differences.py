"""Derivatives of program texts against central differences: what the tests of single operators and of layers ask."""

from __future__ import annotations

from typing import Any

import wengert as torch
from tests.ops.sample import program


def function_of(text: str, count: int) -> Any:
    """The program as a function of its ``count`` inputs."""
    run = program(text.strip(), count)
    return lambda *inputs: run(torch, torch.nn.functional, *inputs)


def first_agree(function: Any, inputs: tuple[Any, ...]) -> bool:
    """Gradients and tangents against differences of values."""
    return bool(torch.autograd.gradcheck(function, inputs, check_forward_ad=True))


def second_agree(function: Any, inputs: tuple[Any, ...]) -> bool:
    """Gradients of gradients against differences of gradients."""
    torch.manual_seed(0)
    return bool(torch.autograd.gradgradcheck(function, inputs))


def forward_over_backward_agree(function: Any, inputs: tuple[Any, ...]) -> bool:
    """Tangents of gradients against differences of gradients."""
    torch.manual_seed(0)
    return bool(
        torch.autograd.gradgradcheck(
            function, inputs, check_fwd_over_rev=True, check_rev_over_rev=False, check_undefined_grad=False
        )
    )
