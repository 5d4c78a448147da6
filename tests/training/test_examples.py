"""The examples of training, in their short form: they run as a reader runs them, say what came of it, leave a picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.tutorials.packages import ROOT, run_python

pytestmark = pytest.mark.once

# What the last line says, in the short form too.
LAST_LINES = {
    "digits_cnn": r"accuracy on held-out digits: \d+\.\d% after 92 steps",
    "vae_digits": r"69 steps; evidence lower bound of held-out digits: -\d+\.\d\d nats each",
    "wgan_gp_digits": r"15 steps; estimated distance -?\d+\.\d{3}, penalty \d+\.\d{3}",
    "finetune_digits": r"from nothing: \d+\.\d %",
    "lstm_sunspots": r"error in sunspots: LSTM \d+\.\d, as last year 33\.2, as 11 years ago 37\.4",
    "transformer_text": r"[\d,]+ letters; \d\.\d\d nats for a letter of the held-out text",
    "rocket": r"\d+% of 200 new flights end within half a length, slow and upright",
}


@pytest.fixture(autouse=True)
def _packages_of_the_examples() -> None:
    for name in ("matplotlib", "sklearn", "statsmodels"):
        pytest.importorskip(name)


@pytest.mark.parametrize("name", LAST_LINES)
def test_an_example_runs_in_its_short_form_and_leaves_its_picture(name: str, tmp_path: Path) -> None:
    from matplotlib import image

    printed = run_python("-W", "error", str(ROOT / "examples" / f"{name}.py"), "--out", str(tmp_path), "--short")
    assert re.fullmatch(LAST_LINES[name], printed.splitlines()[-1])
    pixels: Any = image.imread(tmp_path / f"{name}.png")
    assert min(pixels.shape[:2]) > 400
    assert pixels.std() > 0.01, "the picture is of one colour"
    if name == "digits_cnn":
        assert float(re.findall(r"(\d+\.\d)% after", printed)[0]) > 98
    if name == "finetune_digits":
        assert "frozen layers unchanged: True" in printed


@pytest.mark.parametrize("name", LAST_LINES)
def test_an_example_is_short_to_read(name: str) -> None:
    text = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 130
