"""Every operator agrees with live torch 2.13 on every sample of the families in samples_*.py.

One test per sample and aspect; its id is the text of the sample, so ``pytest -k "cumsum and second"`` selects.
``python tests/ops/report.py`` runs the same comparison and prints a table instead.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.ops import not_yet
from tests.ops.families import all_samples
from tests.ops.harness import check, package_name
from tests.ops.sample import Sample

SAMPLES = all_samples()


def with_aspect(aspect: str) -> pytest.MarkDecorator:
    """Parametrise a test over the samples that have an aspect."""
    cases = []
    skipped = not_yet.aspect(aspect, package_name())
    for sample in SAMPLES:
        if aspect not in sample.aspects:
            continue
        absent = not_yet.operator(sample.op, package_name())
        absent = absent or not_yet.defect(sample.id, aspect, package_name())
        marks = [pytest.mark.skip(reason=skipped)] if skipped else []
        marks += [pytest.mark.xfail(reason=absent, strict=True)] if absent and not skipped else []
        cases.append(pytest.param(sample, id=f"{sample.family}: {sample.id}", marks=marks))
    return pytest.mark.parametrize("sample", cases)


def agree(oracle: Any, package: Any, sample: Sample, aspect: str) -> None:
    """Fail with one line per disagreement."""
    found = check(oracle, package, sample, aspect)
    assert not found, f"{sample.id}: {aspect} differs\n" + "\n".join(map(str, found))


@with_aspect("forward")
def test_values_dtypes_and_shapes_agree(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "forward")


@with_aspect("strides")
def test_strides_and_shared_memory_agree(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "strides")


@with_aspect("node")
def test_node_names_agree(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "node")


@with_aspect("saved")
def test_saved_tensors_agree(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "saved")


@with_aspect("grad")
def test_gradients_agree(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "grad")


@with_aspect("numeric")
def test_gradients_agree_with_central_differences(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "numeric")


@with_aspect("second")
def test_second_gradients_agree(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "second")


@with_aspect("jvp")
def test_tangents_of_forward_mode_agree(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "jvp")


@with_aspect("inplace")
def test_in_place_twins_agree(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "inplace")


@with_aspect("out")
def test_out_forms_agree(oracle: Any, package: Any, sample: Sample) -> None:
    agree(oracle, package, sample, "out")
