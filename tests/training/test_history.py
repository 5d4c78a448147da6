"""History: recording, reading, CSV, plots, progress bars."""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as torch
from wengert.history import History


def recorded() -> History:
    """Two epochs of three steps."""
    history = History()
    for epoch in range(2):
        for loss in (3.0, 2.0, 1.0):
            history.log(loss=loss / (epoch + 1), rate=0.1)
        history.log(accuracy=0.5 + epoch / 4)
    return history


def test_values_stand_at_the_step_they_were_logged_at() -> None:
    history = recorded()
    assert history["loss"] == [3.0, 2.0, 1.0, 1.5, 1.0, 0.5]
    assert history["loss"].steps == [1, 2, 3, 4, 5, 6]
    assert (history["accuracy"], history["accuracy"].steps) == ([0.5, 0.75], [3, 6])
    assert (list(history), len(history), "loss" in history, "other" in history) == (
        ["loss", "rate", "accuracy"],
        3,
        True,
        False,
    )


def test_names_logged_one_after_the_other_share_a_step() -> None:
    history = History()
    for _ in range(2):
        history.log(critic=1)
        history.log(generator=2)
    assert history["critic"].steps == history["generator"].steps == [1, 2]


def test_steps_may_be_given_but_must_rise() -> None:
    history = History()
    history.log(10, loss=1.0)
    history.log(20, loss=2.0)
    history.log(other=1.0)
    assert (history["loss"].steps, history["other"].steps) == ([10, 20], [20])
    with pytest.raises(ValueError, match="step 20 does not come after 20"):
        history.log(20, loss=3.0)
    assert history["loss"] == [1.0, 2.0]


def test_tensors_and_arrays_are_kept_as_floats_without_their_graph() -> None:
    history = History()
    x = torch.ones(1, requires_grad=True)
    history.log(a=x * 2, b=np.float32(0.5), c=np.array([3]), d=True, e=float("nan"))
    row = history.as_dict()
    assert (row["a"], row["b"], row["c"], row["d"]) == ([2.0], [0.5], [3.0], [1.0])
    assert math.isnan(row["e"][0])
    assert {type(values[0]) for values in row.values()} == {float}


@pytest.mark.parametrize("value", [[1.0, 2.0], torch.ones(2), None, "text"])
def test_what_is_no_number_is_refused_by_name_and_nothing_is_kept(value: Any) -> None:
    history = History()
    with pytest.raises(TypeError, match="loss must be a number or have one element"):
        history.log(other=1.0, loss=value)
    assert len(history) == 0


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="no values of 'x'; there are loss, rate, accuracy"):
        recorded()["x"]


def test_a_csv_file_has_one_line_per_step_and_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    recorded().to_csv(path)
    assert path.read_text(encoding="utf-8").splitlines()[:4] == [
        "step,loss,rate,accuracy",
        "1,3.0,0.1,",
        "2,2.0,0.1,",
        "3,1.0,0.1,0.5",
    ]
    again = History.from_csv(path)
    assert again.rows() == recorded().rows()
    again.log(loss=0.25)
    assert again["loss"].steps[-1] == 7


def test_a_csv_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    recorded().to_csv(path)
    before = path.read_bytes()
    broken = recorded()
    broken["loss"].append("not a number of steps")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="zip"):
        broken.to_csv(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["history.csv"]


# -- plots -----------------------------------------------------------------------------------------------------------------


def lines(axes: Any) -> list[list[float]]:
    """The heights of the drawn lines."""
    return [[float(y) for y in line.get_ydata()] for line in axes.get_lines()]


def test_a_plot_has_one_panel_per_name_and_draws_what_was_recorded() -> None:
    figure = recorded().plot()
    assert [axes.get_legend_handles_labels()[1] for axes in figure.axes] == [["loss"], ["rate"], ["accuracy"]]
    assert lines(figure.axes[0]) == [[3.0, 2.0, 1.0, 1.5, 1.0, 0.5]]


def test_panels_group_names_and_a_file_is_written(tmp_path: Path) -> None:
    from matplotlib import image

    figure = recorded().plot(("loss", "accuracy"), "rate", log_scale=True, path=tmp_path / "plot.png")
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log"]
    assert [len(axes.get_lines()) for axes in figure.axes] == [2, 1]
    pixels: Any = image.imread(tmp_path / "plot.png")
    assert pixels.std() > 0.01


def test_smoothing_is_drawn_over_the_curve_itself_and_named() -> None:
    (axes,) = recorded().plot("loss", smooth=2).axes
    assert lines(axes) == [[3.0, 2.0, 1.0, 1.5, 1.0, 0.5], [3.0, 2.5, 1.5, 1.25, 1.25, 0.75]]
    assert axes.get_legend_handles_labels()[1] == ["loss, mean of 2"]


def test_plots_leave_pyplot_alone() -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    recorded().plot("loss")
    assert pyplot.get_fignums() == before


# -- progress --------------------------------------------------------------------------------------------------------------


def test_a_progress_bar_shows_the_latest_values(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    history = History()
    seen = []
    for epoch in history.progress(range(2), "epochs"):
        for batch in history.progress([1, 2, 3]):
            seen.append((epoch, batch))
            history.log(loss=1 / batch)
        history.log(accuracy=0.25)
    assert seen == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    text = screen.getvalue()
    assert "epochs: 100%" in text
    assert "loss 0.3333, accuracy 0.25" in text
    assert history._bars == []


def test_a_loop_that_is_left_closes_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    history = History()
    loop = history.progress(range(5))
    next(iter(loop))
    loop.close()  # type: ignore[attr-defined]
    assert history._bars == []


@pytest.mark.parametrize(("library", "extra"), [("tqdm.auto", "progress"), ("matplotlib.figure", "plot")])
def test_a_missing_library_is_named_with_the_extra_that_has_it(
    library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    history = recorded()
    with pytest.raises(ImportError, match=rf"pip install 'wengert\[{extra}\]'"):
        history.progress([1]) if extra == "progress" else history.plot()


def test_nothing_is_imported_until_it_is_asked_for() -> None:
    from tests.tutorials.packages import run_python

    code = "import sys, wengert.history; wengert.history.History().log(a=1); print({'tqdm', 'matplotlib'} & set(sys.modules))"
    assert run_python("-c", code).strip() == "set()"
