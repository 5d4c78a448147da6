"""The pattern of a Jacobian: links of all nodes multiplied along the recorded graph."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .._core.graph import Node
from .._core.views import CopySlices, retaken, strided_clone
from .._gen import functions
from .._record.selection import Selection
from ..autograd.grad_mode import no_grad
from ..ops.complex_views import ViewAsComplexBackward0, ViewAsRealBackward0
from ..ops.cumulative import RunningExtreme
from . import _sparse_links_more as _sparse_links_more  # fills the table
from ._batched_backward import Place, Walk, _place, _root
from ._sparse_links import Call, Matrix, is_known, links_of, picks

LARGEST: Final = 50_000_000
"""Number of nonzeros that a pattern may have."""

Arrived = tuple[Any, Matrix]
"""Some gradient of a tensor (for its shape and dtype), and which elements of the output depend on each of its elements."""


class Propagation:
    """Patterns on their way from the output of a function to its input.

    Attributes:
        unknown: names of nodes whose links are not known, and were taken as everything with everything.
        found: the places that nodes found by comparing values.
    """

    def __init__(self, output: Any, source: Any) -> None:
        self.root: Place = _root(output)
        self.place: Place = _place(source)
        self.walk = Walk([self.root], [self.place])
        self.arrived: dict[int, list[Arrived | None]] = {}
        self.unknown: list[str] = []
        self.found = [n.tensor("indices").array for n in self.walk.order if isinstance(n, (Selection, RunningExtreme))]
        self.rows = output.shp.numel()
        self.output = output
        self.source = source

    def run(self) -> Matrix:
        """A boolean matrix: (element of the output, element of the source)."""
        from scipy.sparse import csr_array, eye_array

        own = eye_array(self.rows, dtype=np.bool_, format="csr")
        with no_grad(), np.errstate(all="ignore"):  # formulas run as in a backward pass: infinities are results
            self.deliver(*self.root, (functions.ones_like(self.output.detach()), own))
            for node in self.walk.order:
                if id(node) in self.arrived and node is not self.place[0] and id(node) in self.walk.needed:
                    results = self.through(node, self.arrived.pop(id(node)))
                    for (child, nr), result in zip(self.walk.edges[id(node)], results, strict=False):
                        if result is not None and (id(child) in self.walk.needed or child is self.place[0]):
                            self.deliver(child, nr, result)
        found = self.arrived.get(id(self.place[0]), [])
        entry = found[self.place[1]] if len(found) > self.place[1] else None
        return csr_array((self.rows, self.source.shp.numel()), dtype=np.bool_) if entry is None else entry[1]

    def deliver(self, target: object, nr: int, arrived: Arrived) -> None:
        """Add a pattern to what waits at the end of an edge."""
        count = target.output_count() if isinstance(target, Node) else 1
        slots = self.arrived.setdefault(id(target), [None] * count)
        before = slots[nr]
        slots[nr] = arrived if before is None else (before[0], before[1] + arrived[1])

    def through(self, node: Any, arrived: list[Arrived | None]) -> list[Arrived | None]:
        """The patterns of the inputs of a node, from those of its results."""
        if isinstance(node, CopySlices):
            return self.through_region(node, arrived)
        grads = [None if a is None else a[0] for a in arrived]
        results = node.vjp_many(grads)
        found: list[Arrived | None] = []
        for index, ((child, _), result) in enumerate(zip(node.edges(), results, strict=False)):
            if child is None or result is None:
                found.append(None)
                continue
            total: Matrix | None = None
            for slot, entry in enumerate(arrived):
                if entry is not None:
                    part = self.linked(entry[1], Call(node, slot, index, grads, tuple(result.shp), self.found))
                    total = part if total is None else total + part
            found.append((result, total))
        return found

    def linked(self, pattern: Matrix, call: Call) -> Matrix:
        """Which elements of the output depend on each element of an input, by one result of the node."""
        factors = links_of(call)
        if factors is None:
            if not is_known(call.node) and call.rows * call.columns > 1 and call.node.name() not in self.unknown:
                self.unknown.append(call.node.name())
            return self.everything(pattern, call)
        for factor in factors:
            pattern = pattern @ factor
        if pattern.nnz > LARGEST:
            raise too_dense(call.node, pattern.nnz)
        return pattern

    def everything(self, pattern: Matrix, call: Call) -> Matrix:
        """Every element of the output that depends on the node at all depends on all of the input."""
        from scipy.sparse import csr_array

        touched = np.diff(pattern.indptr) > 0
        count = int(touched.sum()) * call.columns
        if count > LARGEST:
            raise too_dense(call.node, count)
        starts = np.concatenate([[0], np.cumsum(touched * call.columns)])
        columns = np.tile(np.arange(call.columns), int(touched.sum()))
        return csr_array((np.ones(count, np.bool_), columns, starts), shape=(self.rows, call.columns))

    def through_region(self, node: CopySlices, arrived: list[Arrived | None]) -> list[Arrived | None]:
        """A write into a view: what was written goes through the operation that wrote it, the rest stays."""
        entry = arrived[0]
        assert entry is not None
        grad, pattern = entry
        shape = tuple(node.geometry.base_size)
        if any(isinstance(step, (ViewAsRealBackward0, ViewAsComplexBackward0)) for step in node.steps):
            pulled = node.vjp_many([grad])
            calls = [
                None if r is None else Call(node, 0, i, [grad], tuple(r.shp), self.found) for i, r in enumerate(pulled)
            ]
            return [None if c is None else (r, self.everything(pattern, c)) for r, c in zip(pulled, calls, strict=True)]
        count = int(np.prod(shape))
        numbers = strided_clone(functions.arange(count).reshape(shape), shape, node.geometry.base_stride)
        region: Any = retaken(numbers, node.steps)
        places = region.reshape(-1).numpy()
        chosen = picks(places + 1, count)
        written = grad.reshape(-1)[region.reshape(-1)].reshape(tuple(region.shp))
        results = self.through(node.fn, [(written, pattern @ chosen.T.tocsr())])
        outside = np.arange(1, count + 1)
        outside[places] = 0
        rest = pattern @ picks(outside, count)
        inner = results[0]
        results[0] = (grad, rest if inner is None else rest + inner[1] @ chosen)
        return results


def too_dense(node: Any, count: int) -> RuntimeError:
    """The error of a pattern that is no use."""
    return RuntimeError(
        f"the Jacobian is not sparse: with {node.name()} its pattern has {count} entries\n"
        "  that operator links (nearly) everything with everything\n"
        "  try: func.jacrev, or products with vectors: func.vjp, func.jvp"
    )
