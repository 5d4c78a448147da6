"""Whole trainings: loss curves equal to torch's, memory that stays flat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.semantics.soak import growth
from tests.training.examples import example
from tests.training.steps import train
from wengert.history import History


def digits_losses(package: Any) -> list[float]:
    """The losses of the first three epochs, 69 steps, of examples/digits_cnn.py."""
    with example("digits_cnn", package) as program:
        pictures, digits, _, _ = program.digit_images()
        history = History()
        program.train(pictures, digits, 3, history)
        return history["loss"]


def test_the_digits_network_has_the_loss_it_has_under_torch_for_50_steps(package: Any, oracle: Any) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    ours, theirs = digits_losses(package), digits_losses(oracle)
    assert len(ours) == len(theirs) == 69
    assert theirs[50] < theirs[0] / 4
    np.testing.assert_allclose(ours[:50], theirs[:50], rtol=1e-4, atol=1e-4)


def test_hundreds_of_steps_leave_nothing_behind(package: Any) -> None:
    samples = train(package, 300, lambda sample: None)
    blocks, objects, megabytes = growth(samples)
    table = "\n".join(map(str, samples))
    assert objects <= 10, table  # a graph lost in every hundredth step is about 200
    assert blocks <= 500, table  # dictionaries still grow a little; a lost graph has about 600
    assert megabytes < 2, table
