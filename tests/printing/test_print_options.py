"""The print options: what each one does, how they are set, kept and restored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from wengert._core import printing
from wengert._core.printing import get_printoptions, printoptions, set_printoptions, tensor_text

DEFAULTS = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


@pytest.fixture(autouse=True)
def _defaults_afterwards() -> Iterator[None]:
    yield
    set_printoptions(profile="default")
    torch.set_printoptions(profile="default")


def test_the_options_at_start_are_those_of_torch() -> None:
    assert get_printoptions() == torch._tensor_str.get_printoptions() == DEFAULTS


@pytest.mark.parametrize("first", [{}, {"precision": 9, "sci_mode": True}, {"threshold": 7, "edgeitems": 1}])
@pytest.mark.parametrize(
    "then",
    [
        {},
        {"sci_mode": False},
        {"linewidth": 100},
        {"profile": "default"},
        {"profile": "short"},
        {"profile": "full"},
        {"profile": "short", "precision": 7, "threshold": 3, "sci_mode": True},
    ],
)
def test_two_calls_leave_the_options_torch_would_have(first: dict[str, Any], then: dict[str, Any]) -> None:
    for options in (first, then):
        set_printoptions(**options)
        torch.set_printoptions(**options)
    assert get_printoptions() == torch._tensor_str.get_printoptions()


def test_the_arguments_stand_in_the_order_of_torch() -> None:
    set_printoptions(5, 6, 7, 90, "short", True)
    expected = {"precision": 5, "threshold": 6, "edgeitems": 7, "linewidth": 90, "sci_mode": True}
    assert get_printoptions() == expected


def test_every_call_resets_scientific_mode() -> None:
    set_printoptions(sci_mode=True)
    set_printoptions(precision=2)
    assert get_printoptions()["sci_mode"] is None


def test_precision_is_the_number_of_digits_after_the_point() -> None:
    set_printoptions(precision=2)
    assert tensor_text(np.array([1.12345])) == "tensor([1.12])"


def test_more_elements_than_the_threshold_are_summarised_to_the_edge_items() -> None:
    set_printoptions(threshold=5, edgeitems=2)
    assert tensor_text(np.arange(5)) == "tensor([0, 1, 2, 3, 4])"
    assert tensor_text(np.arange(10)) == "tensor([0, 1,  ..., 8, 9])"


def test_rows_wrap_at_the_line_width() -> None:
    set_printoptions(linewidth=20)
    expected = "tensor([0., 1., 2.,\n        3., 4., 5.,\n        6., 7., 8.,\n        9.])"
    assert tensor_text(np.arange(10.0)) == expected


@pytest.mark.parametrize("linewidth", [math.inf, math.nan, 10**6, 1e6])
def test_a_line_width_without_end_prints_each_row_on_one_line(linewidth: float) -> None:
    """Torch raises OverflowError when it prints under an infinite line width."""
    set_printoptions(linewidth=linewidth)
    assert "\n" not in tensor_text(np.arange(500.0), suffixes=["requires_grad=True"])


def test_scientific_mode_can_be_forced_and_forbidden() -> None:
    set_printoptions(sci_mode=True)
    assert tensor_text(np.array([1.5, 2.0])) == "tensor([1.5000e+00, 2.0000e+00])"
    set_printoptions(sci_mode=False)
    assert tensor_text(np.array([1.5, 20000.0])) == "tensor([    1.5000, 20000.0000])"


def test_without_edge_items_a_summary_shows_only_dots() -> None:
    set_printoptions(edgeitems=0, threshold=1)
    assert tensor_text(np.ones((2, 3))) == "tensor([...])"


def test_without_edge_items_the_size_is_a_suffix() -> None:
    set_printoptions(edgeitems=0)
    assert printing.suffix_list((2,), 2, "torch.float32", "torch.float32", False, None, None) == ["size=(2,)"]


def test_the_options_got_can_be_set_again() -> None:
    set_printoptions(precision=7, sci_mode=False, linewidth=33)
    options = get_printoptions()
    set_printoptions(profile="default")
    set_printoptions(**options)
    assert get_printoptions() == options


def test_the_context_manager_restores_every_option() -> None:
    set_printoptions(precision=3, sci_mode=True)
    before = get_printoptions()
    with printoptions(profile="full", linewidth=10):
        assert get_printoptions() == DEFAULTS | {"threshold": math.inf, "linewidth": 10}
    assert get_printoptions() == before


def test_the_context_manager_restores_the_options_after_an_exception() -> None:
    with pytest.raises(KeyError), printoptions(precision=1):
        raise KeyError
    assert get_printoptions() == DEFAULTS


def test_integers_of_numpy_are_accepted() -> None:
    set_printoptions(precision=np.int64(2), edgeitems=np.int32(1), threshold=np.int64(3), linewidth=np.float64(60))
    assert tensor_text(np.array([1.5, 2, 3, 4])) == "tensor([1.50,  ..., 4.00])"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"precision": -1}, ValueError, "precision must be an integer >= 0, but got -1"),
        ({"edgeitems": -2}, ValueError, "edgeitems must be an integer >= 0, but got -2"),
        ({"precision": 2.5}, TypeError, "cannot be interpreted as an integer"),
        ({"profile": "long"}, ValueError, "profile must be one of default, short, full, but got 'long'"),
        ({"colour": True}, TypeError, "colour"),
    ],
)
def test_a_bad_option_is_refused_and_changes_nothing(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        set_printoptions(threshold=5, **options)
    assert get_printoptions() == DEFAULTS
