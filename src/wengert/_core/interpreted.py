"""What nodes need and mypyc classes cannot have: weak references, properties that are made in a loop."""

from __future__ import annotations

from typing import Any

from .._gen import saved_names
from . import errors
from .graph import AccumulateGradBase, Node
from .saved import RawSaved


class AccumulateGrad(AccumulateGradBase):
    """Adds the gradient that arrives into ``variable.grad``; every path through the graph ends in one.

    The leaf refers to it weakly, so that it lives as long as somebody looks at it, or has put a hook on it.
    """


def install_saved_attributes() -> None:
    """Give the nodes of operators ``_saved_NAME`` and ``_raw_saved_NAME``.

    They are properties, one for each name that some operator uses: a ``__getattr__`` would make every access to every
    attribute of a node three times as slow in plain Python. Nodes of custom Functions, which come later, get none: there
    such names are free for the user.
    """
    kinds = Node.__subclasses__()
    for name in saved_names.SAVED_NAMES:
        saved, raw = saved_property(name), raw_property(name)
        for kind in kinds:
            setattr(kind, "_saved_" + name, saved)
            setattr(kind, "_raw_saved_" + name, raw)


def saved_property(name: str) -> property:
    """``node._saved_NAME``: the value that the backward formula will see."""

    def read(node: Node) -> Any:
        if name not in node.saved_names():
            raise errors.no_attribute(node, "_saved_" + name)
        return node.saved_value(name)

    return property(read)


def raw_property(name: str) -> property:
    """``node._raw_saved_NAME``: the saved tensor before unpacking, where hooks can be put on it."""

    def read(node: Node) -> RawSaved:
        if name not in node.saved_names() or name in node.plain_names():
            raise errors.no_attribute(node, "_raw_saved_" + name)
        return RawSaved(node, name)

    return property(read)
