"""All samples of all operators under ``jet``: ``python -m tests.func.jet_samples [PART PARTS]`` prints those that differ.

Value and two derivatives along a random curve, against derivatives that are taken one after the other. What is known to differ:
kinks and NaN, means of nothing, ``logcumsumexp`` (see test_jet_rules), constants that are written to, and dtypes where a 0-d
float32 tensor meets the float64 number that the other side differentiates by.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

import wengert as wg
from tests.ops.families import all_samples
from tests.ops.harness import call, flat, missing
from tests.ops.sample import Sample

from .test_jet_rules import repeated

LARGEST = 200  # elements of an input
TOLERANCE = {"float64": 1e-7, "complex128": 1e-7, "float16": 3e-2}


class Curve:
    """A sample, and random first and second derivatives of its differentiable inputs."""

    def __init__(self, sample: Sample) -> None:
        rng = sample.rng("jet")
        self.sample = sample
        self.data = [wg.tensor(np.array(i.array(rng))) for i in sample.inputs]
        self.moving = [i for i, x in enumerate(sample.inputs) if x.differentiable]
        self.series = [
            [
                wg.tensor(np.asarray(rng.standard_normal(self.data[i].shape) * 0.3, sample.inputs[i].dtype))
                for _ in range(2)
            ]
            for i in self.moving
        ]

    def value(self, *moved: Any) -> tuple[Any, ...]:
        """The results that have derivatives."""
        inputs = list(self.data)
        for i, x in zip(self.moving, moved, strict=True):
            inputs[i] = x
        wg.manual_seed(0)
        results = flat(call(wg, self.sample, self.sample.code, inputs))
        return tuple(t for t in results if isinstance(t, wg.Tensor) and (t.is_floating_point() or t.is_complex()))

    def at(self, t: Any) -> list[Any]:
        """The results for the parameter ``t`` of the curve."""
        pairs = zip(self.moving, self.series, strict=True)
        return list(self.value(*(self.data[i] + v * t + a * (t * t / 2) for i, (v, a) in pairs)))

    def by_jet(self) -> list[list[Any]]:
        """Values, first and second derivatives."""
        value, series = wg.func.jet(self.value, tuple(self.data[i] for i in self.moving), tuple(self.series))
        return [list(value), *(list(row) for row in zip(*series, strict=True))]


def difference(found: list[list[Any]], wanted: list[list[Any]]) -> str:
    """What differs, in a word."""
    for order, (row, expected) in enumerate(zip(found, wanted, strict=True)):
        for x, y in zip(row, expected, strict=True):
            a, b = (v.detach().resolve_conj().numpy() for v in (x, y))
            if (a.shape, a.dtype) != (b.shape, b.dtype):
                return f"order {order}: {a.dtype}{a.shape} instead of {b.dtype}{b.shape}"
            finite = np.isfinite(b)
            limit = TOLERANCE.get(str(a.dtype), 2e-3)
            scale = max(1.0, float(np.abs(b[finite]).max(initial=0.0)))
            if not np.allclose(a[finite], b[finite], rtol=limit, atol=limit * scale):
                return f"order {order}"
    return ""


def check(sample: Sample) -> str | None:
    """What differs; None where there is nothing to compare."""
    curve = Curve(sample)
    if not curve.moving or any(x.domain in ("edge", "ties") or np.prod(x.shape) > LARGEST for x in sample.inputs):
        return None
    try:
        wanted = repeated(curve.at, 2)(wg.zeros((), dtype=wg.float64))
    except (RuntimeError, NotImplementedError, ValueError, TypeError, IndexError):
        return None  # has no second derivative, or is there for its error
    if not wanted[0]:
        return None
    try:
        return difference(curve.by_jet(), wanted)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"


def main() -> None:
    part, parts = (int(a) for a in (*sys.argv[1:3], "0", "1")[:2])
    warnings.simplefilter("ignore")
    samples = [s for s in all_samples() if s.inputs and not missing(wg, s.op)][part::parts]
    outcomes = {s.id: check(s) for s in samples}
    for name, outcome in outcomes.items():
        if outcome:
            print(f"{name}  |  {outcome}")
    compared = [o for o in outcomes.values() if o is not None]
    print(f"{len(compared)} compared, {sum(o == '' for o in compared)} agree")


if __name__ == "__main__":
    main()
