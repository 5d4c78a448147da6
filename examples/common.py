"""What the examples share: the folder for pictures, drawings of graphs, and the look of the plots."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")  # pictures go to files; no window, no display needed
from matplotlib import pyplot as plt

import wengert as torch
from wengert.viz import to_dot_source

INK = "#22303c"
COLOURS = ["#1f6f8b", "#e07a3f", "#7a9e3d", "#8e5ea2"]

plt.rcParams.update(
    {
        "figure.dpi": 150,
        "font.size": 10,
        "axes.edgecolor": "#b8c1c8",
        "axes.grid": True,
        "axes.labelcolor": INK,
        "axes.prop_cycle": plt.cycler(color=COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "grid.color": "#e6eaed",
        "legend.frameon": False,
        "lines.linewidth": 2,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)


def parser(description: str | None) -> argparse.ArgumentParser:
    """A command line with the option --out."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--out", type=Path, default=Path("out"), help="folder for pictures (default: out)")
    return made


def out_folder(description: str | None) -> Path:
    """The folder for pictures that the command line names; it is made if need be."""
    folder: Path = parser(description).parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settings(description: str | None) -> argparse.Namespace:
    """Options of the command line: the folder for pictures, which is made if need be, and whether to be quick."""
    made = parser(description)
    made.add_argument("--short", action="store_true", help="a few seconds, to see that all works; learns little")
    options = made.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def digit_images(seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """The 1,797 handwritten digits of scikit-learn, shuffled: pictures (n, 1, 8, 8) from 0 to 1 and what they show, for
    training and, a fifth of them, for testing."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.RandomState(seed).permutation(len(data.target))
    pictures = torch.tensor(data.images[order] / 16.0, dtype=torch.float32).unsqueeze(1)
    digits = torch.tensor(data.target[order])
    cut = len(order) * 4 // 5
    return pictures[:cut], digits[:cut], pictures[cut:], digits[cut:]


def batches(size: int, *tensors: Any) -> Iterator[Any]:
    """Rows of the tensors in a new random order, ``size`` at a time."""
    order = torch.randperm(len(tensors[0]))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        yield [t[chosen] for t in tensors] if len(tensors) > 1 else tensors[0][chosen]


def show_pictures(axes: Any, pictures: Any, columns: int, title: str = "") -> None:
    """Draw pictures (n, 1, height, width) as one grid, dark ink on white."""
    with torch.no_grad():
        n, _, height, width = pictures.shape
        padded = torch.nn.functional.pad(pictures.reshape(n, height, width), (0, 1, 0, 1))
        grid = padded.reshape(n // columns, columns, height + 1, width + 1).permute(0, 2, 1, 3)
    axes.imshow(grid.reshape(-1, columns * (width + 1)).numpy(), cmap="Blues", vmin=0, vmax=1)
    axes.set_title(title)
    axes.set_axis_off()


def save_figure(figure: Any, path: Path) -> Path:
    """Write a figure and close it."""
    figure.savefig(path, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    print(f"  wrote {path}")
    return path


def save_graph(result: Any, path: Path, **leaves: Any) -> Path:
    """Write the graph behind a tensor as DOT text, and as a picture where the program `dot` (Graphviz) is installed.

    In a notebook you need none of this: wengert.viz.make_dot(result) as the last line of a cell shows the drawing.
    """
    path.write_text(to_dot_source(result, params=leaves))
    print(f"  wrote {path}")
    if shutil.which("dot"):
        picture = path.with_suffix(".svg")
        subprocess.run(["dot", "-Tsvg", str(path), "-o", str(picture)], check=True)
        print(f"  wrote {picture}")
    return path


def heading(text: str) -> None:
    """Print a headline."""
    print(f"\n{text}\n{'-' * len(text)}")
