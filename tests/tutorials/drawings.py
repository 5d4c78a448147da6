"""Draw the graphs of the checklist with torchviz and write their DOT sources as JSON.

Usage: ``python drawings.py PACKAGE``. The torchviz package imports torch, so with wengert this needs the shim and a
process in which PyTorch is not imported.
"""

from __future__ import annotations

import importlib
import json
import sys


def main(package: str) -> None:
    """Write ``{name of the drawing: DOT source}``."""
    if package != "torch":
        importlib.import_module(f"{package}.interop").install_torch()
    import torch
    from torchviz import make_dot

    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    out = (y * y * 3).mean()
    looped = torch.tensor([3.0, 4.0], requires_grad=True) * 2
    while looped.data.norm() < 1000:
        looped = looped * 2
    point = torch.tensor(-2.0, requires_grad=True)
    slope = torch.autograd.grad(torch.tanh(point), point, create_graph=True)[0]
    slope.backward()
    drawn = make_dot(out)
    displays = hasattr(drawn, "_repr_mimebundle_") or hasattr(drawn, "_repr_svg_")
    drawings = {
        "out": drawn.source,
        "named": make_dot(out, params={"x": x}).source,
        "saved": make_dot(torch.tanh(x), show_saved=True).source,
        "loop": make_dot(looped).source,
        "after backward": make_dot(slope).source,
        "displays": "yes" if displays else "no",
    }
    json.dump(drawings, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
