"""All samples, gathered from one file per family of operators."""

from __future__ import annotations

import importlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.ops.sample import Sample

FAMILIES: Final = tuple(sorted(p.stem.removeprefix("samples_") for p in Path(__file__).parent.glob("samples_*.py")))


def samples(family: str) -> list[Sample]:
    """Return the samples of one family, each knowing its family."""
    module = importlib.import_module(f"tests.ops.samples_{family}")
    return [replace(s, family=family) for s in module.SAMPLES]


def all_samples() -> list[Sample]:
    """Return the samples of every family. Their ids are unique."""
    found = [s for family in FAMILIES for s in samples(family)]
    double = [name for name, count in Counter(s.id for s in found).items() if count > 1]
    if double:
        raise ValueError(f"the same sample is listed twice: {double}")
    return found
