"""What the examples share: the folder for pictures, drawings of graphs, and the look of the plots."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # pictures go to files; no window, no display needed
from matplotlib import pyplot as plt

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
