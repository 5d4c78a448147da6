"""How much memory a graph holds, and who asked for it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .._core import errors
from .._core.graph import Node
from .._core.saved import Saved, is_number
from .._core.tensor_base import TensorBase
from .._core.views import owner
from .graph_disk import InMemory, OnDisk

CONTAINERS: Final = (list, tuple, dict, set, frozenset, Saved, InMemory)
UNITS: Final = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True)
class MemoryRow:
    """What the calls of one operator on one line hold.

    Attributes:
        operator: name of the nodes, such as ``ExpBackward0``.
        place: ``train.py:12   y = x.exp()``; empty when unknown.
        nodes: number of calls.
        arrays: number of arrays that they hold and that no earlier call held.
        bytes: of these arrays.
    """

    operator: str
    place: str
    nodes: int
    arrays: int
    bytes: int


@dataclass(frozen=True)
class GraphMemory:
    """Result of ``memory``; printing it gives a table.

    Attributes:
        rows: by falling number of bytes.
        nodes: number of nodes in the graph.
        bytes: of all arrays that saved values keep, leaves apart.
        leaf_bytes: of the leaves that require grad.
        disk_bytes: of the files that hold saved values, see ``save_on_disk``.
    """

    rows: tuple[MemoryRow, ...]
    nodes: int
    bytes: int
    leaf_bytes: int
    disk_bytes: int

    def __str__(self) -> str:
        cells: list[tuple[str, ...]] = [("saved", "arrays", "calls", "operator", "where")]
        for row in self.rows:
            cells.append((bytes_text(row.bytes), str(row.arrays), str(row.nodes), row.operator, row.place))
        total = f"{bytes_text(self.bytes)} saved by {self.nodes} nodes; leaves: {bytes_text(self.leaf_bytes)}"
        disk = f"; on disk: {bytes_text(self.disk_bytes)}" if self.disk_bytes else ""
        return aligned(cells, right=3) + "\n" + total + disk

    __repr__ = __str__


def memory(t_or_node: Any) -> GraphMemory:
    """The bytes that the saved values of a graph keep alive, by operator and source line.

    An array counts once, for the call that saved it first, and with all the memory that it keeps: a small view keeps its
    base. Leaves that require grad are counted apart, so are files (``save_on_disk``). Values that a hook put into objects of
    the program's own are not counted.

    Args:
        t_or_node: tensor of any shape and dtype, or node, at the end of the graph.

    Raises:
        TypeError: for anything else.

    Example:
        >>> import wengert
        >>> x = wengert.ones(256, requires_grad=True)
        >>> y = x.exp().sin().sum()
        >>> found = memory(y)
        >>> [(row.operator, row.bytes) for row in found.rows]
        [('ExpBackward0', 1024), ('SinBackward0', 0), ('SumBackward0', 0)]
        >>> found.leaf_bytes
        1024
    """
    root = node_behind(t_or_node, "memory")
    nodes, leaves = graph_of(root)
    leaf_arrays = {id(a): a for leaf in leaves for a in [owner(leaf.array)]}
    seen = set(leaf_arrays)
    files: dict[str, int] = {}
    table: dict[tuple[Any, int, str], list[int]] = {}
    for node in sorted(nodes, key=lambda n: n.sequence):
        line = 0 if node.code is None else errors.line_number(node.code, node.lasti)
        row = table.setdefault((node.code, line, node.name()), [0, 0, 0, node.lasti])
        row[0] += 1
        for held in values_of(node):
            if isinstance(held, OnDisk):
                files[held.file.path] = held.file.nbytes
            elif not isinstance(held, Node):
                whole = isinstance(held, TensorBase)
                array = owner(held.array if whole else held)
                if id(array) not in seen and not (whole and is_number(held)):  # numbers in the program are kept anyway
                    seen.add(id(array))
                    row[1] += 1
                    row[2] += array.nbytes
    rows = [
        MemoryRow(name, errors.source_line(code, lasti), calls, arrays, size)
        for (code, _, name), (calls, arrays, size, lasti) in table.items()
    ]
    rows.sort(key=lambda row: -row.bytes)
    total = sum(row.bytes for row in rows)
    leaf_bytes = sum(array.nbytes for array in leaf_arrays.values())
    return GraphMemory(tuple(rows), len(nodes), total, leaf_bytes, sum(files.values()))


def node_behind(t_or_node: Any, function: str) -> Node | TensorBase:
    """The node of a tensor, a leaf itself, or the node.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(t_or_node, Node):
        return t_or_node
    if isinstance(t_or_node, TensorBase):
        whole: Any = t_or_node
        found: Node | None = whole.grad_fn
        return t_or_node if found is None else found
    raise TypeError(f"{function}(): argument 't_or_node' must be Tensor or Node, not {type(t_or_node).__name__}")


def graph_of(root: Node | TensorBase) -> tuple[list[Node], list[TensorBase]]:
    """All nodes that ``root`` keeps alive, and the leaves that require grad among their tensors."""
    seen = {id(root)}
    nodes: list[Node] = []
    leaves: list[TensorBase] = []
    stack: list[Node | TensorBase] = [root]
    while stack:
        thing = stack.pop()
        if isinstance(thing, Node):
            nodes.append(thing)
            children = values_of(thing)
        else:
            if thing.fn is None and thing.rg:
                leaves.append(thing)
            children = sources_of(thing)
        for child in children:
            if isinstance(child, (Node, TensorBase)) and id(child) not in seen:
                seen.add(id(child))
                stack.append(child)
    return nodes, leaves


def sources_of(t: TensorBase) -> Iterator[Node | TensorBase]:
    """What of a graph a tensor keeps alive: its node, and the base of a view."""
    if t.fn is not None:
        yield t.fn
    if t.view_of is not None:
        yield t.view_of.base


def values_of(node: Node) -> Iterator[Any]:
    """Nodes, tensors, arrays and files that a node refers to: edges, saved values, and what operators keep beside them.

    The garbage collector is asked, so that no operator has to tell.
    """
    extras = node.extras
    stack = [thing for thing in gc.get_referents(node) if thing is not extras]
    while stack:
        thing = stack.pop()
        if isinstance(thing, (Node, TensorBase, np.ndarray, np.generic, OnDisk)):
            yield thing
        elif isinstance(thing, CONTAINERS):
            stack.extend(gc.get_referents(thing))


def bytes_text(size: float) -> str:
    """``1.50 MB``."""
    unit = 0
    while abs(size) >= 1024 and unit < len(UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{size:.2f} {UNITS[unit]}" if unit else f"{size:.0f} B"


def aligned(cells: list[tuple[str, ...]], right: int = 0) -> str:
    """Cells as lines of text; the first ``right`` columns are numbers."""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = []
    for row in cells:
        texts = [c.rjust(w) if i < right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(texts).rstrip())
    return "\n".join(lines)
