"""Every differentiable operator against central differences: first and second derivatives, forward, forward over reverse.

One sample of each operator, small and in double precision; no oracle but the operator's own values. The comparison with
torch looks at many more samples, but a fault that both libraries had would pass there.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
import pytest

import wengert
from tests.ops.families import all_samples, scope
from tests.ops.harness import call, flat, missing, tensors
from tests.ops.sample import Sample

NOT_SMOOTH: Final = ("edge", "ties")
SMALL: Final = 20
"""Up to so many elements every entry of the Jacobian is checked; above, random projections of it (fast mode)."""
LOW_PRECISION: Final = "converts to a dtype in which differences drown"
EXCLUDED: Final[dict[str, str]] = {
    **dict.fromkeys(("float", "cfloat", "half", "type", "type_as"), LOW_PRECISION),
    "detach": "has no derivative by definition",
    "linalg.matrix_rank": "an integer",
    "mode": "depends on ties, at which it has no derivative",
    "normal": "draws count as constants: mean and deviation get zeros, as in PyTorch",
}
"""Operator -> why finite differences cannot judge it."""
NOT_DIFFERENTIABLE: Final = ("__rmod__", "nextafter", "nn.functional.one_hot")
"""In scope.csv with a gradient, for which PyTorch has none."""


def suitable(sample: Sample) -> bool:
    """Whether a sample can be checked: double precision, no kinks among the inputs, derivatives compared with torch too."""
    wanted = [i for i in sample.inputs if i.differentiable]
    plain = all(i.layout == "contiguous" and i.domain not in NOT_SMOOTH for i in sample.inputs)
    exact = all(i.dtype in ("float64", "complex128") for i in wanted)
    compared = "grad" in sample.aspects or "numeric" in sample.aspects
    return bool(wanted) and plain and exact and size(sample) > 0 and compared


def size(sample: Sample) -> int:
    """How many numbers are differentiated."""
    return sum(int(np.prod(i.shape)) for i in sample.inputs if i.differentiable)


def chosen() -> list[Sample]:
    """The first small sample of each operator that can be checked; where all are large, the smallest."""
    found: dict[str, Sample] = {}
    for sample in all_samples():
        if sample.op in EXCLUDED or missing(wengert, sample.op) or not suitable(sample):
            continue
        best = found.get(sample.op)
        if best is None or (size(best) > SMALL and size(sample) < size(best)):
            found[sample.op] = sample
    return list(found.values())


SAMPLES = chosen()


def program_of(sample: Sample) -> tuple[Any, tuple[Any, ...]]:
    """The sample as a function of the inputs that are differentiated, and these inputs."""
    given = tensors(wengert, sample, sample.arrays(), grad=True)
    places = [k for k, t in enumerate(given) if t.requires_grad]

    def run(*values: Any) -> Any:
        inputs = list(given)
        for k, value in zip(places, values, strict=True):
            inputs[k] = value
        outputs = flat(call(wengert, sample, sample.code, inputs))
        graded = tuple(
            o for o in outputs if isinstance(o, wengert.Tensor) and (o.is_floating_point() or o.is_complex())
        )
        return graded if len(graded) > 1 else graded[0]

    return run, tuple(given[k] for k in places)


@pytest.mark.parametrize("sample", [pytest.param(s, id=s.op) for s in SAMPLES])
def test_derivatives_agree_with_differences(sample: Sample) -> None:
    run, inputs = program_of(sample)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forward = "jvp" in sample.aspects
        options = {"atol": 1e-6, "rtol": 1e-4, "fast_mode": size(sample) > SMALL}
        assert wengert.autograd.gradcheck(run, inputs, check_forward_ad=forward, **options)
        if "second" in sample.aspects:
            assert wengert.autograd.gradgradcheck(run, inputs, check_fwd_over_rev=forward, **options)


def test_every_differentiable_operator_is_checked() -> None:
    wanted = {row["name"] for row in scope() if row["grad"]} - set(EXCLUDED) - set(NOT_DIFFERENTIABLE)
    checked = {s.op for s in SAMPLES}
    assert sorted(n for n in wanted if not {n, f"{n}_", n.rpartition(".")[2]} & checked) == []
