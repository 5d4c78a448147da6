"""Examples of derivatives at work, in their short form: they print what they promise and leave their pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.tutorials.packages import ROOT, run_python

pytestmark = pytest.mark.once


def run(name: str, out: Path) -> str:
    """What the short form of an example prints; its picture must be a whole one."""
    image = pytest.importorskip("matplotlib.image")
    printed = run_python(
        "-W", "error::UserWarning", str(ROOT / "examples" / f"{name}.py"), "--out", str(out), "--short"
    )
    pixels: Any = image.imread(out / f"{name}.png")
    assert min(pixels.shape[:2]) > 400
    assert pixels.std() > 0.01
    assert f"wrote {out / name}.png" in printed
    return printed


def number(pattern: str, printed: str) -> float:
    """The number that stands for the group in the pattern."""
    found = re.search(pattern, printed)
    assert found is not None, printed
    return float(found[1])


def test_newton_finds_the_minimum_of_rosenbrock(tmp_path: Path) -> None:
    printed = run("newton_rosenbrock", tmp_path)
    assert number(r"gradient descent: 200 steps, value (\S+)", printed) > 1e-4
    assert number(r"Newton: \d+ steps, value (\S+)", printed) < 1e-15
    assert number(r"Newton by hand: \d+ steps, value (\S+)", printed) < 1e-15
    assert number(r"trust-exact: \d+ steps, value (\S+)", printed) < 1e-10


def test_a_network_learns_the_motion_from_its_equation(tmp_path: Path) -> None:
    assert number(r"largest error of the motion: (\S+)", run("physics_informed", tmp_path)) < 0.05


def test_parameters_of_the_populations_are_found_from_counts(tmp_path: Path) -> None:
    printed = run("lotka_volterra", tmp_path)
    for name, true in (("births", 1.1), ("hunting", 0.4), ("deaths", 0.4), ("feeding", 0.1)):
        assert number(rf"{name}: (\S+) \(true", printed) == pytest.approx(true, rel=0.15)


def test_penalties_are_learned_through_the_fit(tmp_path: Path) -> None:
    printed = run("ridge_penalties", tmp_path)
    by_us, by_differences = (
        number(pattern, printed) for pattern in (r"log-penalty: ([-\d.]+),", r"differences ([-\d.]+)")
    )
    assert by_us == pytest.approx(by_differences, abs=1e-7)
    errors = [float(e) for e in re.findall(r"test error ([\d.]+)", printed)]
    assert errors[1] < 0.9 * errors[0]
