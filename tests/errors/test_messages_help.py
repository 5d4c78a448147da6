"""After PyTorch's sentence, an error says where it came from, with which shapes, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wengert as torch

F: Any = torch.nn.functional
HERE = Path(__file__)


def text_of(program: Callable[[], object]) -> str:
    """The text of the exception that a program raises."""
    with pytest.raises(Exception) as caught:
        program()
    return str(caught.value)


def place(marker: str) -> str:
    """``file.py:12   source`` of the line of this file that ends with a comment."""
    for number, line in enumerate(HERE.read_text(encoding="utf-8").splitlines(), 1):
        if line.endswith("# " + marker):
            return f"{HERE.name}:{number}   {line.strip()}"
    raise LookupError(marker)


def test_a_saved_result_names_the_line_that_saved_it_and_the_line_that_changed_it() -> None:
    x = torch.ones(3, requires_grad=True)
    y = x.exp()  # saved result
    y.add_(1)  # changed result
    text = text_of(y.sum().backward)
    assert f"saved by: exp at {place('saved result')}" in text
    assert f"changed by: {place('changed result')}" in text


def test_a_saved_operand_names_the_line_that_saved_it_and_the_line_that_changed_it() -> None:
    x = torch.ones(3, requires_grad=True)
    h = x * 2
    y = h * h  # saved operand
    h[0] = 5.0  # changed operand
    text = text_of(y.sum().backward)
    assert f"saved by: mul at {place('saved operand')}" in text
    assert f"changed by: {place('changed operand')}" in text


def test_a_saved_view_names_the_line_that_wrote_to_its_base() -> None:
    base = torch.ones(4, requires_grad=True) * 1
    part = base[:2]
    y = part * part  # saved view
    base.mul_(2)  # changed base
    text = text_of(y.sum().backward)
    assert f"saved by: mul at {place('saved view')}" in text
    assert f"changed by: {place('changed base')}" in text


def test_a_value_that_a_matrix_product_saved_names_both_lines() -> None:
    h = torch.ones(2, 2, requires_grad=True) * 1
    y = h @ h  # saved factor
    h.zero_()  # changed factor
    text = text_of(y.sum().backward)
    assert f"saved by: mm at {place('saved factor')}" in text
    assert f"changed by: {place('changed factor')}" in text


def test_a_write_that_was_not_recorded_is_not_blamed_on_the_line_that_made_the_tensor() -> None:
    y = torch.ones(3, requires_grad=True) * 1
    z = y * y
    with torch.no_grad():
        y.add_(1)
    text = text_of(z.sum().backward)
    assert "changed by: a write that was not recorded: inside no_grad(), or through detach()" in text


def test_a_recorded_write_before_the_value_was_saved_is_not_blamed() -> None:
    y = torch.ones(3, requires_grad=True) * 1
    y.mul_(2)
    z = y.exp() * y
    y.detach().zero_()
    assert "changed by: a write that was not recorded" in text_of(z.sum().backward)


def test_a_freed_graph_names_the_line_where_it_was_built() -> None:
    x = torch.ones(3, requires_grad=True)
    loss = x.exp().sum()  # built
    loss.backward()
    text = text_of(loss.backward)
    assert f"values were saved by: exp at {place('built')}" in text
    assert "retain_graph=True" in text


def test_lines_are_those_of_the_program_inside_a_function_that_it_calls() -> None:
    def layer(t: Any) -> Any:
        return torch.tanh(t).sigmoid()  # inside

    loss = layer(torch.ones(3, requires_grad=True)).sum()
    loss.backward()
    assert place("inside") in text_of(loss.backward)


SHAPES = {
    "add": (lambda: torch.ones(2, 3) + torch.ones(4), "[2, 3]", "[4]"),
    "mul_": (lambda: torch.ones(2, 3).mul_(torch.ones(4)), "[2, 3]", "[4]"),
    "maximum": (lambda: torch.maximum(torch.ones(2, 3), torch.ones(4)), "[2, 3]", "[4]"),
    "eq": (lambda: torch.ones(2, 3) == torch.ones(4), "[2, 3]", "[4]"),
    "where": (lambda: torch.where(torch.ones(2) > 0, torch.ones(3), torch.ones(2)), "[2]", "[3]"),
    "clamp": (lambda: torch.ones(2, 3).clamp(torch.ones(4)), "[2, 3]", "[4]"),
    "mse_loss": (lambda: F.mse_loss(torch.ones(2, 3), torch.ones(4)), "[2, 3]", "[4]"),
    "bmm": (lambda: torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 3, 5)), "[2, 3, 4]", "[2, 3, 5]"),
}


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("operator", SHAPES)
def test_shapes_that_do_not_fit_are_named_with_the_operator(operator: str) -> None:
    program, first, second = SHAPES[operator]
    text = text_of(program)
    assert f"{operator}: shapes" in text
    assert first in text and second in text


@pytest.mark.parametrize(
    ("program", "shapes"),
    [
        (lambda: torch.ones(2, 3) @ torch.ones(4, 5), ("2x3", "4x5")),
        (lambda: F.linear(torch.ones(2, 3), torch.ones(4, 5)), ("2x3", "5x4")),
        (lambda: torch.cat([torch.ones(2, 3), torch.ones(4, 5)]), ("[2, 3]", "[4, 5]")),
        (lambda: torch.stack([torch.ones(2), torch.ones(3)]), ("[2]", "[3]")),
        (lambda: torch.einsum("ij,jk", torch.ones(2, 3), torch.ones(4, 5)), ("[2, 3]", "[4, 5]")),
        (lambda: torch.ones(2, 3).expand(4, 3), ("[2, 3]", "[4, 3]")),
        (lambda: torch.ones(3).add_(torch.ones(2, 3)), ("[3]", "[2, 3]")),
    ],
)
def test_both_shapes_are_named(program: Callable[[], object], shapes: tuple[str, str]) -> None:
    text = text_of(program)
    assert shapes[0] in text and shapes[1] in text


def test_backward_of_many_values_advises_to_reduce_or_to_pass_a_gradient() -> None:
    text = text_of((torch.ones(2, 3, requires_grad=True) * 2).backward)
    assert text.startswith("grad can be implicitly created only for scalar outputs\n")
    assert "output 0 has shape [2, 3]" in text
    assert ".sum()" in text and "gradient=" in text


def test_backward_without_graph_says_how_that_comes_about() -> None:
    text = text_of(torch.ones(3).sum().backward)
    assert "requires_grad=True" in text and "no_grad" in text


def test_writing_to_a_leaf_advises_no_grad() -> None:
    x = torch.ones(3, requires_grad=True)
    assert "no_grad()" in text_of(lambda: x.add_(1))


def test_a_dtype_that_an_operator_does_not_have_advises_conversion() -> None:
    assert ".to(dtype)" in text_of(lambda: torch.tensor([1j]) // 2)


PROGRAM = """
import wengert as torch
x = torch.ones(3, requires_grad=True)
y = x.exp(); y.add_(1)
for call in (y.sum().backward, y.backward, lambda: x + torch.ones(2), lambda: x.add_(1), torch.ones(2).sum().backward):
    try:
        call()
    except RuntimeError as error:
        print(str(error).count("\\n"), end=" ")
"""


@pytest.mark.parametrize(("setting", "expected"), [("0", "0 0 0 0 0"), ("1", "3 2 1 1 1")])
def test_hints_can_be_switched_off(setting: str, expected: str) -> None:
    environment = {**os.environ, "WENGERT_HINTS": setting}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == expected


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (lambda x: torch.mm(x, 3), "mm(): argument 'mat2' (position 2) must be Tensor, not int"),
        (lambda x: x.mm(3), "mm(): argument 'mat2' (position 1) must be Tensor, not int"),
        (lambda x: torch.linalg.solve(x, 3), "linalg_solve(): argument 'B' (position 2) must be Tensor, not int"),
        (lambda x: F.linear(x, x, 3), "linear(): argument 'bias' (position 3) must be Tensor, not int"),
    ],
)
def test_an_argument_that_is_no_tensor_is_named_with_its_function_and_place(
    program: Callable[[Any], object], sentence: str
) -> None:
    assert text_of(lambda: program(torch.ones(2, 2))) == sentence
