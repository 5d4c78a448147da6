"""Every differentiable operator against central differences: first and second derivatives, forward, forward over reverse.

One sample of each operator, small and in double precision; no oracle but the operator's own values. The comparison with
torch looks at many more samples, but a fault that both libraries had would pass there.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, Final

import numpy as np
import pytest

import wengert
from tests.ops.families import all_samples, scope
from tests.ops.harness import call, flat, missing, tensors
from tests.ops.sample import Sample
from wengert.autograd import forward_ad

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


def contracted(outputs: list[Any]) -> Any:
    """The real part of the sum of the results that have a graph, with weights; None where there are none."""
    graded = [(o * math.cos(1.0 + k)).sum() for k, o in enumerate(outputs) if o is not None and o.requires_grad]
    return sum(o.real if o.is_complex() else o for o in graded) if graded else None


@pytest.mark.parametrize(
    "sample", [pytest.param(s, id=s.op) for s in SAMPLES if "second" in s.aspects and "jvp" in s.aspects]
)
def test_gradients_of_tangents_are_tangents_of_gradients(sample: Sample) -> None:
    run, inputs = program_of(sample)
    rng = np.random.default_rng(0)
    x = [t.detach().clone().requires_grad_() for t in inputs]
    if any(t.is_complex() for t in x):
        pytest.skip("the Hessian is symmetric for real numbers")
    v = [wengert.tensor(rng.normal(size=tuple(t.shape))) for t in x]
    found = []
    for tangents_first in (True, False):
        wengert.manual_seed(0)
        with forward_ad.dual_level(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            duals = [forward_ad.make_dual(a, b) for a, b in zip(x, v, strict=True)]
            outputs = flat(run(*duals))
            if tangents_first:
                ends, at = contracted([forward_ad.unpack_dual(o).tangent for o in outputs]), x
            else:
                ends, at = contracted(outputs), duals
            options = {"create_graph": not tangents_first, "materialize_grads": True}
            grads = [None] * len(x) if ends is None else list(wengert.autograd.grad(ends, at, **options))
            if not tangents_first:
                grads = [None if g is None else forward_ad.unpack_dual(g).tangent for g in grads]
        found.append([None if g is None else g.detach().numpy() for g in grads])
    for a, b in zip(*found, strict=True):
        if a is not None or b is not None:  # of what is linear there are none
            scale = max(1.0, *(np.abs(g).max(initial=0) for g in (a, b) if g is not None))
            np.testing.assert_allclose(0 if a is None else a, 0 if b is None else b, rtol=1e-7, atol=1e-7 * scale)


def test_every_differentiable_operator_is_checked() -> None:
    wanted = {row["name"] for row in scope() if row["grad"]} - set(EXCLUDED) - set(NOT_DIFFERENTIABLE)
    checked = {s.op for s in SAMPLES}
    assert sorted(n for n in wanted if not {n, f"{n}_", n.rpartition(".")[2]} & checked) == []
