"""An LSTM forecasts the number of sunspots, a real series of 309 years.

    python examples/lstm_sunspots.py [--out out] [--short]      (some ten seconds)

The network reads the years one by one and tells the number of the next year. It learns from 1700 to 1949 and is judged by
1950 to 2008: for each of these years from all years before it, and once running on its own forecasts for two cycles.
The series comes with statsmodels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common import COLOURS, plt, save_figure, settings
from statsmodels.datasets import sunspots

import wengert as torch
from wengert import nn
from wengert.history import History

HIDDEN, WINDOW, WARM_UP, BATCH, STEPS = 32, 80, 12, 32, 250
FIRST, TEST = 1700, 1950


class Forecaster(nn.Module):
    """From a series to its next value, at every place."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, HIDDEN, batch_first=True)
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, series: Any, state: Any = None) -> tuple[Any, Any]:
        """Next values (n, length) for series (n, length), and the state after them to go on with."""
        hidden, state = self.lstm(series.unsqueeze(2), state)
        # The network tells the change: a forecast of no change is where it starts from.
        return series + self.out(hidden).squeeze(2), state


def load() -> Any:
    """The square roots of the yearly numbers, divided by 10; their fluctuations are of similar size in all years."""
    numbers = sunspots.load_pandas().data["SUNACTIVITY"].to_numpy()
    return torch.tensor(numbers, dtype=torch.float32).sqrt() / 10


def numbers_of(series: Any) -> Any:
    """Sunspots, as NumPy array."""
    return ((10 * series.clamp(min=0)) ** 2).numpy()


def train(series: Any, steps: int, history: History) -> Forecaster:
    """The network after some steps on windows that begin anywhere."""
    torch.manual_seed(0)
    model = Forecaster()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps)
    for _ in range(steps):
        begin = torch.randint(0, len(series) - WINDOW, (BATCH, 1))
        windows = series[begin + torch.arange(WINDOW + 1)]
        found, _ = model(windows[:, :-1])
        loss = nn.functional.mse_loss(found[:, WARM_UP:], windows[:, WARM_UP + 1 :])  # the first years know too little
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        history.log(loss=loss)
    return model.eval()


def run_on(model: Forecaster, series: Any, years: int) -> Any:
    """Forecasts for so many years, each from the forecasts before it."""
    found, state = model(series.unsqueeze(0))
    values = [found[:, -1:]]
    while len(values) < years:
        found, state = model(values[-1], state)
        values.append(found)
    return torch.cat(values, dim=1)[0]


def error(found: Any, real: Any) -> float:
    """Root of the mean squared difference, in sunspots."""
    return float(((found - real) ** 2).mean() ** 0.5)


def plot(series: Any, next_year: Any, alone: Any, errors: dict[str, float], path: Path) -> None:
    """Draw the series with the forecasts, and the errors beside those of simple rules."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), width_ratios=[2.6, 1], layout="constrained")
    years = range(FIRST, FIRST + len(series))
    left.plot(years, numbers_of(series), color="#7b8a96", linewidth=1.5, label="observed")
    left.plot(years[TEST - FIRST :], next_year, color=COLOURS[0], label="forecast for the next year")
    left.plot(years[TEST - FIRST :][: len(alone)], alone, "--", color=COLOURS[1], label="running on its own forecasts")
    left.axvspan(FIRST, TEST, color="#f3f5f7", zorder=0)
    left.set(title="Sunspots in a year; learned from the grey part", xlim=(1880, 2009), ylim=(0, 230))
    left.legend(loc="upper left", ncols=3, fontsize=8)
    right.barh(list(errors), list(errors.values()), color=[COLOURS[0], "#c5ced4", "#c5ced4"], height=0.6)
    right.set(title="Error from 1950 on", xlabel="sunspots")
    right.invert_yaxis()
    right.set_axisbelow(True)
    save_figure(figure, path)


if __name__ == "__main__":
    options = settings(__doc__)
    data, record = load(), History()
    cut = TEST - FIRST
    network = train(data[:cut], 10 if options.short else STEPS, record)
    with torch.no_grad():
        one_ahead = numbers_of(network(data[None, :-1])[0][0, cut - 1 :])
        free = numbers_of(run_on(network, data[:cut], 22))
    real = numbers_of(data)
    found = {"LSTM": error(one_ahead, real[cut:]), "as last year": error(real[cut - 1 : -1], real[cut:])}
    found["as 11 years ago"] = error(real[cut - 11 : -11], real[cut:])
    plot(data, one_ahead, free, found, options.out / "lstm_sunspots.png")
    print("error in sunspots: " + ", ".join(f"{name} {value:.1f}" for name, value in found.items()))
