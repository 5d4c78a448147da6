"""The cells of five tutorials show under wengert what they show under PyTorch, run side by side."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from tests.ops.harness import package_name
from tests.tutorials.packages import HERE, run_python
from tests.tutorials.run_cells import split_cells

TUTORIALS = sorted((HERE / "cells").glob("*.py"))
CELLS = [(path.stem, cell[0]) for path in TUTORIALS for cell in split_cells(path.read_text())]
NUMBER = re.compile(r"-?\d+\.\d*(?:e[+-]\d+)?")
each_cell = pytest.mark.parametrize(("tutorial", "cell"), CELLS)

Records = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def expected() -> Records:
    """What PyTorch shows."""
    return run_all("torch")


@pytest.fixture(scope="module")
def actual() -> Records:
    """What the package under test shows."""
    return run_all(package_name())


def run_all(package: str) -> Records:
    paths = [str(path) for path in TUTORIALS]
    records: Records = json.loads(run_python(str(HERE / "run_cells.py"), package, *paths))
    return records


def flatten(tensor: dict[str, Any] | None) -> tuple[Any, list[float]]:
    """The facts about a recorded tensor that must be equal, and the numbers that must be close."""
    if tensor is None:
        return None, []
    facts, numbers = flatten(tensor["grad"])
    exact = {key: value for key, value in tensor.items() if key not in ("values", "grad")}
    return (exact, facts), tensor["values"] + numbers


def assert_same_text(actual: str | None, expected: str | None) -> None:
    """Check that two texts are equal, but for the rounding of float32 sums in the last of seven digits or so.

    Two libraries that add the same numbers in another order print -670.5677 and -670.5679.
    """
    if actual == expected or actual is None or expected is None:
        assert actual == expected
        return
    assert NUMBER.sub(same_width, actual) == NUMBER.sub(same_width, expected)
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (actual, expected)]
    np.testing.assert_allclose(*numbers, rtol=1e-6, atol=0)


def same_width(number: re.Match[str]) -> str:
    return "#" * len(number[0])


@each_cell
def test_a_cell_prints_the_same_text(expected: Records, actual: Records, tutorial: str, cell: int) -> None:
    assert_same_text(actual[tutorial][cell - 1]["printed"], expected[tutorial][cell - 1]["printed"])


@each_cell
def test_a_cell_displays_the_same_last_value(expected: Records, actual: Records, tutorial: str, cell: int) -> None:
    assert_same_text(actual[tutorial][cell - 1]["display"], expected[tutorial][cell - 1]["display"])


@each_cell
def test_a_cell_raises_the_same_exception(expected: Records, actual: Records, tutorial: str, cell: int) -> None:
    assert actual[tutorial][cell - 1]["error"] == expected[tutorial][cell - 1]["error"]


@each_cell
def test_a_cell_raises_only_where_its_tutorial_says_so(actual: Records, tutorial: str, cell: int) -> None:
    record = actual[tutorial][cell - 1]
    assert (record["error"] or [None])[0] == record["raises"]


@each_cell
def test_a_cell_warns_alike(expected: Records, actual: Records, tutorial: str, cell: int) -> None:
    assert actual[tutorial][cell - 1]["warnings"] == expected[tutorial][cell - 1]["warnings"]


@each_cell
def test_a_cell_leaves_equal_tensors(expected: Records, actual: Records, tutorial: str, cell: int) -> None:
    left, right = (records[tutorial][cell - 1]["tensors"] for records in (actual, expected))
    assert left.keys() == right.keys()
    for name, tensor in right.items():
        facts, numbers = flatten(left[name])
        expected_facts, expected_numbers = flatten(tensor)
        assert facts == expected_facts, name
        np.testing.assert_allclose(numbers, expected_numbers, rtol=2e-5, atol=1e-6, err_msg=name)


@each_cell
def test_a_cell_plots_the_same_lines(expected: Records, actual: Records, tutorial: str, cell: int) -> None:
    left, right = (records[tutorial][cell - 1]["plots"] for records in (actual, expected))
    assert len(left) == len(right)
    for line, expected_line in zip(left, right, strict=True):
        np.testing.assert_allclose(line, expected_line, rtol=1e-9, atol=1e-12)
