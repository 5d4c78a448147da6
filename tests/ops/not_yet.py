"""What the package under test does not have yet, with the reason. The one place where the comparison is told so.

What is listed here must fail: once it is there, its test says that the entry has to go.
"""

from __future__ import annotations

from typing import Final

OPERATORS: Final[dict[str, str]] = {}
"""Operator name -> why it is not there yet."""

ASPECTS: Final[dict[str, str]] = {}
"""Aspect -> why no operator has it yet. Such tests are skipped."""

DEFECTS: Final[dict[tuple[str, str], str]] = {}
"""Sample and aspect -> what is wrong. For single failures that are known and to be mended."""


def operator(name: str, package: str) -> str:
    """Return why a package does not have an operator yet ("" when it should). Torch has everything."""
    return OPERATORS.get(name, "") if package != "torch" else ""


def aspect(name: str, package: str) -> str:
    """Return why a package has no operator with an aspect yet ("" when it should)."""
    return ASPECTS.get(name, "") if package != "torch" else ""


def defect(sample: str, name: str, package: str) -> str:
    """Return what is known to be wrong with one aspect of a sample ("" when it should agree)."""
    return DEFECTS.get((sample, name), "") if package != "torch" else ""
