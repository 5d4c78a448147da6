"""The whole story in a few seconds: gradients, a derivative of a derivative, a network that reads digits.

python examples/demo.py [--out out]
"""

from __future__ import annotations

import time
from pathlib import Path

import digits
from common import heading, parser, save_graph
from tutorial_01_first_steps import plot_tanh

import wengert as torch


def tutorial(out: Path) -> list[Path]:
    """The tutorials in short; the drawings they leave."""
    heading("Gradients")
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    mean = (y * y * 3).mean()
    print("y =", y)
    print("mean of 3 y^2 =", mean)
    graph = save_graph(mean, out / "graph.dot", x=x)
    mean.backward()
    print("its gradient =", x.grad)

    heading("Gradients of gradients")
    point = torch.tensor(2.0, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.tanh(point), point, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, point)
    print("tanh at 2: slope", slope, "curvature", curvature)
    picture = plot_tanh(out / "tanh.png")

    heading("Mistakes are explained")
    try:
        (x * 2).backward()
    except RuntimeError as error:
        print(error)
    return [graph, graph.with_suffix(".svg"), picture]


def main(out: Path, epochs: int) -> None:
    """Run everything and say what came of it."""
    start = time.perf_counter()
    files = tutorial(out)
    heading("A network that reads handwritten digits")
    accuracy, seconds, pictures = digits.main(out, epochs)
    heading("Done")
    for file in files + pictures:
        if file.exists():  # the .svg is there only if Graphviz is
            print(f"  {file}")
    print(f"{accuracy:.1%} of the held-out digits read, after {seconds:.1f} seconds of training")
    print(f"{time.perf_counter() - start:.1f} seconds in all")


if __name__ == "__main__":
    command_line = parser(__doc__)
    command_line.add_argument("--epochs", type=int, default=30, help="rounds through the training digits (default: 30)")
    options = command_line.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    main(options.out, options.epochs)
