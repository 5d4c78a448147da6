"""Why a tensor has no history: what is known from a trace, from shared memory, from the source; said in words."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Final

from .._core.modes import user_frame
from .._core.tensor_base import TensorBase
from . import _graph, _source, _trace

ADVICE: Final = {
    "detached": "leave out detach() / .data here; if the cut is wanted, compute the loss from the tensor before it",
    "no_grad": "move this line out of the no_grad() block (or the function out of its decorator)",
    "not_differentiable": "use a differentiable stand-in (softmax for argmax, sigmoid for a comparison), or a loss that "
    "does not need it",
    "copied": "use the tensor itself; .clone() makes a copy that keeps its history",
    "number": "stay with tensors up to the loss; .item() and .numpy() are for printing and plotting",
    "nothing_required": "requires_grad=True where the parameters are created, or .requires_grad_() before this line",
}
SAID: Final = {
    "seen": "",
    "source": ", by the look of the source",
    "likely": "; what follows was probably made of them",
}
READ: Final = {
    "no_grad": "{operator}",
    "nothing_required": "nothing in it requires grad ({operator})",
}
UNTRACED: Final = "run it again under `with wengert.debug.trace():`, then explain() names the operation and the line"


@dataclass(frozen=True)
class Finding:
    """One answer to "where did the gradient's way end", best evidence first.

    Attributes:
        kind: as of ``Break``.
        text: what happened, in one line.
        site: where.
        evidence: ``"seen"``, ``"source"`` (read from the program's text) or ``"likely"``.
        detail: further lines.
    """

    kind: str
    text: str
    site: _graph.Site
    evidence: str
    detail: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether it was seen to happen."""
        return self.evidence == "seen"

    def lines(self) -> list[str]:
        """The finding and what to do."""
        label = "made at:" if self.kind == "nothing_required" else "cut at: "
        place = [f"{label} {self.site}"] if self.site.line else []
        return [*place, f"because: {self.text}{SAID[self.evidence]}", *self.detail, f"try:     {ADVICE[self.kind]}"]


def all_lines(found: list[Finding]) -> list[str]:
    """The first finding in full, and where else the way is cut."""
    others = [f"also:    {f.text}, at {f.site}" for f in found[1:] if f.site.line]
    return [*found[0].lines(), *others]


def findings(t: Any, x: Any, frame: Any) -> list[Finding]:
    """Where the way from ``t`` back to ``x`` ends; with ``x=None`` the way to anything."""
    traced = [_from_break(b) for b in _trace.breaks_behind(t) if x is None or b.cuts(x)]
    if traced:
        return traced
    shared = _from_memory(t, x)
    clue = _source.clue_for(t, None if _graph.edge_of(t)[0] is None else x, frame)
    if clue is None or (clue.kind == "nothing_required" and (shared or _from_exports(t, x))):
        return shared or _from_exports(t, x)
    reason = READ.get(clue.kind) or _trace.REASONS[clue.kind]
    return [Finding(clue.kind, reason.format(operator=clue.operator), clue.site, "source")]


def why_no_graph(t: Any) -> list[str]:
    """Lines for the error of ``backward()`` on a tensor without history: what is known about how it lost it."""
    try:
        found = findings(t, None, user_frame(sys._getframe(1)))
    except Exception:  # whatever a program holds in its variables: an explanation must not take the place of the error
        return []
    return all_lines(found) if found else []


def _from_break(b: _trace.Break) -> Finding:
    detail = []
    if b.made_by:
        detail.append(f"before:  the value had a history until there; it came from {b.made_by}")
    if b.rebuilt:
        detail.append(f"again:   made a tensor by {b.rebuilt}")
    return Finding(b.kind, str(b), b.site, "seen", tuple(detail))


def _from_exports(t: TensorBase, x: Any) -> list[Finding]:
    """Values that left the graph while it was traced, and were computed with before they became a tensor again."""
    if x is None or _graph.edge_of(t)[0] is not None:
        return []
    left = [b for b in _trace.REGISTRY.exports if b.cuts(x)]
    return [Finding(b.kind, str(b), b.site, "likely") for b in reversed(left)]


def _from_memory(t: TensorBase, x: Any) -> list[Finding]:
    """Detached tensors share memory with what they were detached from."""
    root = _graph.edge_of(t)[0]
    candidates = [t] if root is None else [c for _, c in _graph.constants_in(root)]
    candidates += [leaf for leaf in _graph.leaves_from(root) if leaf is not t]
    for candidate in candidates:
        for twin in _graph.twins(candidate):
            if twin is candidate or (x is not None and not _graph.depends(twin, x)):
                continue
            edge = _graph.edge_of(twin)[0]
            origin = "a leaf" if edge is twin else f"made by {_graph.step_of(edge)}"  # type: ignore[arg-type]
            text = f"it shares the memory of a tensor that requires grad ({origin}): detach(), .data or .numpy()"
            return [Finding("detached", text, _graph.Site("", 0, ""), "seen")]
    return []
