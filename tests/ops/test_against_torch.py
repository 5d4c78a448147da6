"""Every operator agrees with live torch 2.13 on every sample of the families in samples_*.py.

One test per operator and aspect, over all its samples: ``pytest -k "cumsum and second"`` selects, and a failure names each
sample that differs. ``python tests/ops/report.py`` runs the same comparison and prints a table instead.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from tests.ops.families import all_samples
from tests.ops.harness import seed_generators
from tests.ops.report import judge
from tests.ops.sample import Sample

SAMPLES = all_samples()


def with_aspect(aspect: str) -> pytest.MarkDecorator:
    """Parametrise a test over the operators, each with its samples that have an aspect."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in SAMPLES:
        if aspect in sample.aspects:
            found[f"{sample.family}: {sample.op}"].append(sample)
    return pytest.mark.parametrize("samples", found.values(), ids=found)


def agree(oracle: Any, package: Any, samples: list[Sample], aspect: str) -> None:
    """Fail with one line per sample that differs."""
    lines = []
    for sample in samples:
        seed_generators()
        wrong = judge(oracle, package, sample, aspect, verbose=True)
        lines += [f"{sample.id}: {wrong}"] if wrong else []
    assert not lines, f"{aspect} differs in {len(lines)} of {len(samples)} samples\n" + "\n".join(lines)


@with_aspect("forward")
def test_values_dtypes_and_shapes_agree(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "forward")


@with_aspect("strides")
def test_strides_and_shared_memory_agree(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "strides")


@with_aspect("node")
def test_node_names_agree(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "node")


@with_aspect("saved")
def test_saved_tensors_agree(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "saved")


@with_aspect("grad")
def test_gradients_agree(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "grad")


@with_aspect("numeric")
def test_gradients_agree_with_central_differences(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "numeric")


@with_aspect("second")
def test_second_gradients_agree(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "second")


@with_aspect("jvp")
def test_tangents_of_forward_mode_agree(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "jvp")


@with_aspect("inplace")
def test_in_place_twins_agree(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "inplace")


@with_aspect("out")
def test_out_forms_agree(oracle: Any, package: Any, samples: list[Sample]) -> None:
    agree(oracle, package, samples, "out")
