"""State of a backward pass, and how it finds its nodes.

Note [Places]
    What waits at the outputs of a node lies in a list, at the node's place in the order of the pass. The place is written into
    the node: a dictionary would be asked nine times a node. A place that another pass has left there does no harm, since
    whether a node belongs to a pass is seen by looking at its place in the list. But only one pass at a time may write places,
    the one that holds ``WRITER``; a pass that begins inside that one, or on another thread, keeps a dictionary of places.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

from .compat import i64
from .graph import Node
from .tensor_base import TensorBase

WRITER: Final[Any] = Lock()  # held by the pass that writes places into nodes: Note [Places]


class LeafState:
    """What a pass knows about a leaf: how many contributions are still to come, and the sum of those that came.

    ``summed``: whether that is a sum of several, in memory of its own, to which later ones may be added in place.
    """

    def __init__(self, leaf: TensorBase) -> None:
        self.leaf: TensorBase = leaf
        self.left: i64 = 1
        self.grad: TensorBase | None = None
        self.summed: bool = False


class Capture:
    """A gradient that the caller of ``grad`` asked for."""

    def __init__(self, nr: int, index: int) -> None:
        self.nr: int = nr
        self.index: int = index


class Task:
    """State of one backward pass."""

    def __init__(self, keep_graph: bool, create_graph: bool) -> None:
        self.keep_graph: bool = keep_graph
        self.create_graph: bool = create_graph
        self.order: list[Node] = []  # those that are still to run; the last one is next
        self.grads: list[Any] = []  # what waits at the outputs of each
        self.places: dict[Node, int] | None = {}  # None for the pass that writes them into the nodes: Note [Places]
        self.leaves: dict[int, LeafState] = {}  # by id: hashing a tensor is a call
        self.captures: dict[object, list[Capture]] | None = None
        self.captured: list[TensorBase | None] = []
        self.needed: set[object] | None = None
        self.accumulate: bool = True
        self.running: Node | None = None
        self.callbacks: list[Any] = []
        self.outer: Task | None = None
        self.everything: set[Node] | None = None
        self.scratch: dict[Any, Any] | None = None  # what hooks on saved tensors keep until the pass is over
        self.collected: dict[tuple[int, int], Any] | None = None  # Note [Collected parts]

    def members(self) -> set[Node]:
        """All nodes of the pass, those that have run included; known once somebody has asked before they ran."""
        found = self.everything
        if found is None:
            found = set(self.order)
            self.everything = found
        return found


def collect(task: Task, roots: list[tuple[object, int, TensorBase]]) -> None:
    """Find all nodes that the roots reach, in running order, and count the edges into each leaf."""
    order = task.order
    for root, _, _ in roots:
        visit(task, root)
    at: i64 = 0
    last: i64 = 9223372036854775807
    falling = True
    while at < len(order):
        node = order[at]
        at += 1
        if node.sequence > last:
            falling = False
        last = node.sequence
        if node.next0 is not None:
            visit(task, node.next0)
        if node.next1 is not None:
            visit(task, node.next1)
        rest = node.rest
        if rest is not None:
            for other, _ in rest:
                if other is not None:
                    visit(task, other)
    if falling:
        order.reverse()
    else:
        task.order = risen(order)
    settle(task)


def visit(task: Task, child: object) -> None:
    """Follow one edge of the graph."""
    if isinstance(child, Node):
        node: Node = child
        order: list[Any] = task.order
        places = task.places
        if places is None:
            place = node.place
            if place < len(order) and order[place] is node:
                return
            node.place = len(order)
        elif node in places:
            return
        else:
            places[node] = len(order)
        order.append(node)
        return
    assert isinstance(child, TensorBase)
    state = task.leaves.get(id(child))
    if state is None:
        task.leaves[id(child)] = LeafState(child)
    else:
        state.left = state.left + 1


def risen(nodes: list[Node]) -> list[Node]:
    """The nodes by rising sequence number.  Mostly the numbers have few gaps, and then nothing needs to be compared."""
    lowest: i64 = nodes[0].sequence
    highest: i64 = lowest
    for node in nodes:
        number = node.sequence
        if number < lowest:
            lowest = number
        elif number > highest:
            highest = number
    if highest - lowest < 4 * len(nodes):
        line: list[Any] = [None] * int(highest - lowest + 1)
        for node in nodes:
            line[node.sequence - lowest] = node
        found: list[Node] = [node for node in line if node is not None]
        if len(found) == len(nodes):  # uncompiled, threads that record at the same time may take one number twice
            return found
    return sorted(nodes, key=sequence_of)


def settle(task: Task) -> None:
    """Note the places of all nodes, where nothing waits yet: Note [Places]."""
    places = task.places
    for place, node in enumerate(task.order):
        if places is None:
            node.place = place
        else:
            places[node] = place
    task.grads = [None] * len(task.order)


def place_of(task: Task, node: Node) -> i64:
    """Where a node of the pass stands in its lists."""
    places = task.places
    return node.place if places is None else places[node]


def sequence_of(node: Node) -> i64:
    """Sort key."""
    return node.sequence


def mark_needed(task: Task, inputs: list[tuple[object, int]]) -> None:
    """Note which gradients are captured, and which nodes lie on a path to them."""
    captures: dict[object, list[Capture]] = {}
    for index, (target, nr) in enumerate(inputs):
        if target not in captures:
            captures[target] = []
        captures[target].append(Capture(nr, index))
        task.captured.append(None)
    needed: set[object] = set()
    for state in task.leaves.values():
        if state.leaf in captures:
            needed.add(state.leaf)
    for node in task.order:
        for child, _ in node.edges():
            if child is not None and (child in needed or child in captures):
                needed.add(node)
                break
    task.captures = captures
    task.needed = needed
