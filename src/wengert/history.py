"""``History``: the scalars of a training run by step, as lists, CSV and a plot, with a progress bar when asked for."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

NO_TQDM = "a progress bar needs tqdm: pip install 'wengert[progress]' (also part of 'wengert[demo]')"
NO_MATPLOTLIB = "a plot needs matplotlib: pip install 'wengert[plot]' (also part of 'wengert[demo]')"


class Curve(list[float]):
    """The values of one scalar, a list; ``steps`` has the step of each."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []


class History:
    """Scalars recorded while a model learns.

    ``log(loss=...)`` adds values at the present step. A name that has a value there already begins the next step, so
    that in a loop nothing has to be counted, and what is logged once per epoch stands at the last step of that epoch.

    Example:
        >>> history = History()
        >>> for epoch in range(2):
        ...     for loss in (3.0, 2.0, 1.0):
        ...         history.log(loss=loss / (epoch + 1))
        ...     history.log(accuracy=0.5 + epoch / 4)
        >>> history["loss"]
        [3.0, 2.0, 1.0, 1.5, 1.0, 0.5]
        >>> history["accuracy"].steps
        [3, 6]
        >>> history
        History(6 steps, loss 0.5, accuracy 0.75)
    """

    def __init__(self) -> None:
        self.step = 0
        self._curves: dict[str, Curve] = {}
        self._bars: list[Any] = []

    # -- recording -----------------------------------------------------------------------------------------------------

    def log(self, step: int | None = None, **values: Any) -> None:
        """Record scalars.

        Args:
            step: where; the present step, or the next one if one of the names has a value at the present one already.
            values: numbers, or tensors and arrays of one element; they are kept as floats and hold no graph.

        Raises:
            TypeError: for something that is no number.
            ValueError: for a step before that of the name's last value.
        """
        numbers = {name: _number(name, value) for name, value in values.items()}
        last = max((self._curves[name].steps[-1] for name in numbers if name in self._curves), default=0)
        if step is None:
            step = max(self.step, last + 1)
        elif step <= last:
            raise ValueError(f"step {step} does not come after {last}, the last one with such a value")
        self.step = step
        for name, number in numbers.items():
            curve = self._curves.setdefault(name, Curve())
            curve.append(number)
            curve.steps.append(step)
        if self._bars:
            self._bars[-1].set_postfix_str(self._latest(), refresh=False)

    def progress(self, iterable: Iterable[T], description: str | None = None, total: int | None = None) -> Iterator[T]:
        """The items of ``iterable`` with a progress bar, which also shows the latest values.

        Args:
            iterable: what the loop runs over; bars of loops inside one another are nested.
            description: text before the bar.
            total: number of items, where ``iterable`` has no length.

        Raises:
            ImportError: without tqdm.
        """
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError(NO_TQDM) from error
        return self._with_bar(tqdm(iterable, desc=description, total=total, leave=not self._bars, dynamic_ncols=True))

    def _with_bar(self, bar: Any) -> Iterator[Any]:
        self._bars.append(bar)
        try:
            yield from bar
        finally:
            bar.close()
            self._bars.remove(bar)

    # -- reading -------------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Curve:
        """The values of a scalar; their steps are in its ``steps``."""
        if name not in self._curves:
            raise KeyError(f"no values of {name!r}; there are {', '.join(self._curves) or 'none at all'}")
        return self._curves[name]

    def __contains__(self, name: object) -> bool:
        return name in self._curves

    def __iter__(self) -> Iterator[str]:
        """The names, in the order in which they were first logged."""
        return iter(self._curves)

    def __len__(self) -> int:
        """The number of names."""
        return len(self._curves)

    def _latest(self) -> str:
        return ", ".join(f"{name} {curve[-1]:.4g}" for name, curve in self._curves.items())

    def __repr__(self) -> str:
        latest = self._latest()
        return f"History({self.step} steps, {latest})" if latest else "History()"

    # -- as other things -----------------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, list[float]]:
        """Names and lists of values."""
        return {name: list(curve) for name, curve in self._curves.items()}

    def rows(self) -> list[dict[str, float]]:
        """One dict for each step that has values, with the key ``"step"``: what ``pandas.DataFrame`` takes."""
        found: dict[int, dict[str, float]] = {}
        for name, curve in self._curves.items():
            for step, value in zip(curve.steps, curve, strict=True):
                found.setdefault(step, {"step": step})[name] = value
        return [found[step] for step in sorted(found)]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each step, with an empty field where a name has no value; an existing file is replaced."""
        beside = f"{os.fspath(path)}.part"
        try:
            with open(beside, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, ["step", *self._curves])
                writer.writeheader()
                writer.writerows(self.rows())
            os.replace(beside, path)
        finally:
            with suppress(FileNotFoundError):
                os.remove(beside)

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> History:
        """What ``to_csv`` wrote, to look at or to go on with."""
        made = cls()
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("step"))
                made.log(step, **{name: float(text) for name, text in row.items() if text})
        return made

    # -- plot ----------------------------------------------------------------------------------------------------------

    def plot(
        self,
        *panels: str | Sequence[str],
        smooth: int = 0,
        log_scale: bool = False,
        path: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Draw the curves by step.

        Args:
            panels: what to draw, from left to right: a name, or several names for one panel; each name when left out.
            smooth: draw the mean of that many values above the curve itself; 0 draws what was recorded alone.
            log_scale: a logarithmic vertical axis.
            path: file to write, such as ``"history.png"``.

        Returns:
            The ``matplotlib.figure.Figure``; it opens no window.

        Raises:
            ImportError: without matplotlib.
            KeyError: for a name without values.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(NO_MATPLOTLIB) from error
        groups = [(panel,) if isinstance(panel, str) else tuple(panel) for panel in panels or list(self)]
        figure = Figure(figsize=(max(1, len(groups)) * 4.5, 3.4), dpi=150, layout="constrained")
        for i, names in enumerate(groups):
            axes = figure.add_subplot(1, len(groups), i + 1)
            for name in names:
                _draw(axes, name, self[name], smooth)
            axes.set_xlabel("step")
            if log_scale:
                axes.set_yscale("log")
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False)
        if path is not None:
            figure.savefig(path)
        return figure


def _draw(axes: Any, name: str, curve: Curve, smooth: int) -> None:
    """One curve; a single value is a dot, a smoothed curve has what was recorded behind it."""
    marker = "o" if len(curve) == 1 else None
    if smooth <= 1:
        axes.plot(curve.steps, curve, label=name, marker=marker)
        return
    (line,) = axes.plot(curve.steps, curve, alpha=0.3, linewidth=0.8, marker=marker)
    label = f"{name}, mean of {smooth}"
    axes.plot(curve.steps, _moving_mean(curve, smooth), label=label, color=line.get_color())


def _moving_mean(values: Sequence[float], width: int) -> list[float]:
    """The mean of each value and the ``width - 1`` before it; of fewer at the beginning."""
    return [sum(part) / len(part) for i in range(len(values)) if (part := values[max(0, i + 1 - width) : i + 1])]


def _number(name: str, value: Any) -> float:
    """A float; what has one element may stand for it."""
    item = getattr(value, "item", None)
    try:
        return float(value if item is None else item())
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be a number or have one element, not {type(value).__name__}") from error
