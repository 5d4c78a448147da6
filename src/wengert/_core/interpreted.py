"""What nodes need and mypyc classes cannot have: weak references, ``__getattr__``."""

from __future__ import annotations

from typing import Any

from . import graph
from .graph import AccumulateGradBase, Node


class AccumulateGrad(AccumulateGradBase):
    """Adds the gradient that arrives into ``variable.grad``; every path through the graph ends in one.

    The leaf refers to it weakly, so that it lives as long as somebody looks at it, or has put a hook on it.
    """


def install_saved_attributes() -> None:
    """Give nodes ``_saved_NAME`` and ``_raw_saved_NAME``."""

    def attribute(node: Node, name: str) -> Any:
        return graph.saved_attribute(node, name)

    Node.__getattr__ = attribute  # type: ignore[attr-defined]
