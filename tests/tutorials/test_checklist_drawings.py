"""Checklist S-16 to S-20, S-27 and S-51: the unmodified torchviz package draws the graph."""

from __future__ import annotations

import json
import re

import pytest

from tests.ops.harness import package_name
from tests.tutorials.packages import HERE, run_python

Drawings = dict[str, str]


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    """The DOT sources of ``drawings.py``."""
    pytest.importorskip("graphviz")
    drawn: Drawings = json.loads(run_python("-W", "ignore", str(HERE / "drawings.py"), package_name()))
    return drawn


def labels(source: str) -> list[str]:
    """The labels of the nodes, white space collapsed."""
    return [" ".join(label.strip('"').split()) for label in re.findall(r'\[label=("[^"]*"|\w+)', source)]


def test_s16_the_drawing_has_a_node_for_every_function_and_for_output_and_leaf(drawings: Drawings) -> None:
    expected = ["()", "(2, 2)", "AccumulateGrad", "AddBackward0", "MeanBackward0", "MulBackward0", "MulBackward0"]
    assert sorted(labels(drawings["out"])) == expected
    assert drawings["out"].count("->") == 7  # y * y has two edges


def test_s17_the_leaf_is_light_blue_and_the_output_green(drawings: Drawings) -> None:
    assert re.search(r'"\s*\(2, 2\)" fillcolor=lightblue', drawings["out"])
    assert re.search(r'"\s*\(\)" fillcolor=darkolivegreen1', drawings["out"])


def test_s18_params_name_the_leaf(drawings: Drawings) -> None:
    assert "x (2, 2)" in labels(drawings["named"])


def test_s19_saved_tensors_are_orange_when_asked_for(drawings: Drawings) -> None:
    assert "orange" not in drawings["out"]
    assert re.search(r'label="result\s*\(2, 2\)" fillcolor=orange', drawings["saved"])


def test_s20_a_notebook_can_display_the_drawing(drawings: Drawings) -> None:
    assert drawings["displays"] == "yes"


def test_s27_the_loop_is_drawn_with_one_multiplication_per_iteration(drawings: Drawings) -> None:
    assert labels(drawings["loop"]).count("MulBackward0") == 8


def test_s51_a_second_derivative_is_drawn_after_backward_as_a_chain(drawings: Drawings) -> None:
    source = drawings["after backward"]
    names = dict(re.findall(r"(\d+) \[label=(\w+)\]", source))
    edges = [(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", source) if a in names and b in names]
    chain = [("TanhBackward0", "TanhBackwardBackward0"), ("AccumulateGrad", "TanhBackward0")]
    assert edges == chain
