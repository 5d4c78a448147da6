"""The node of a leaf, with weak references."""

from __future__ import annotations

from .graph import AccumulateGradBase


class AccumulateGrad(AccumulateGradBase):
    """Adds the gradient that arrives into ``variable.grad``; every path through the graph ends in one.

    The leaf refers to it weakly, graphs refer to it strongly: it lives as long as some graph uses the leaf.
    """
