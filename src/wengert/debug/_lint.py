"""``with debug.lint():``: warns, once a line, about what training loops commonly do wrong without an error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from .._core.modes import user_frame
from .._core.tensor_base import TensorBase
from . import _entry, _graph, _rules, _source
from ._trace import Tracer


class LintWarning(UserWarning):
    """Given by ``lint``: something that runs, and probably does not do what was meant."""


@dataclass(frozen=True)
class LintFinding:
    """One warning of ``lint``.

    Attributes:
        rule: ``"leaf_loss"``, ``"unreached"``, ``"stale_grad"``, ``"broadcast"``, ``"data_write"`` or ``"double_backward"``.
        site: the line.
        text: what is wrong there, and what to do.
    """

    rule: str
    site: _graph.Site
    text: str


class lint:
    """Context manager that gives a ``LintWarning``, once a line, for each of these:

    - ``backward()`` on a leaf: a loss that was rebuilt from a number and computed from nothing (``leaf_loss``);
    - a leaf that requires grad and was used, and that no backward pass has reached by the end of the block (``unreached``);
    - ``backward()`` that adds to a ``.grad`` which has been used already: a forgotten ``zero_grad`` (``stale_grad``);
    - shapes ``(N, 1)`` and ``(N,)`` that broadcast to ``(N, N)`` in an operator or a loss (``broadcast``);
    - writes through ``.data``, which no version counter sees (``data_write``);
    - ``create_graph=True`` through a custom Function that kept an intermediate result: its second derivative is wrong
      (``double_backward``).

    Outside the block nothing is watched and nothing costs time.

    Args:
        parameters: a module, or tensors, that ``unreached`` is about; by default all leaves that are used in the block.

    Example:
        >>> import warnings
        >>> import wengert as wg
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     with wg.debug.lint() as log:
        ...         loss = wg.tensor(0.5, requires_grad=True)
        ...         loss.backward()
        >>> [finding.rule for finding in log.found]
        ['leaf_loss']
    """

    def __init__(self, parameters: Any = None) -> None:
        self.found: list[LintFinding] = []
        self._tracer = Tracer()
        self._watcher = _Watcher(self, named(parameters, user_frame(sys._getframe(1))))

    def __enter__(self) -> lint:
        frame = user_frame(sys._getframe(1))
        self._watcher.place = (frame.f_code, frame.f_lasti)
        _entry.watch(self._tracer)
        _entry.watch(self._watcher)
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        _entry.unwatch(self._watcher)
        _entry.unwatch(self._tracer)
        if kind is None:
            self._watcher.end()

    def report(self, code: Any, lasti: int, remark: _rules.Remark) -> None:
        """Warn, unless the line has had this warning."""
        site = _graph.site_of(code, lasti)
        if any(f.rule == remark.rule and f.site == site for f in self.found):
            return
        finding = LintFinding(remark.rule, site, f"{remark.text}\n  try: {remark.advice}")
        self.found.append(finding)
        warnings.warn_explicit(finding.text, LintWarning, site.file or "<unknown>", site.line or 1)


def named(parameters: Any, frame: Any) -> dict[str, Any] | None:
    """Names and tensors of a module or of an iterable of tensors, which the frame may have names for."""
    if parameters is None:
        return None
    if hasattr(parameters, "named_parameters"):
        return dict(parameters.named_parameters())
    given: Iterable[Any] = [parameters] if isinstance(parameters, TensorBase) else parameters
    return {_source.name_of(t, frame) or f"parameter {i}": t for i, t in enumerate(given)}


class _Watcher(_entry.Observer):
    """Shows every call to the rules."""

    def __init__(self, log: lint, parameters: dict[str, Any] | None) -> None:
        self.log = log
        self.place: tuple[Any, int] = (None, 0)
        self.reach = _rules.Reach(parameters)
        self.stale = _rules.StaleGrad()
        self.data = _rules.DataWrite()

    def before(self, call: _entry.Call) -> None:
        """A backward pass is about to run."""
        if call.name not in PASSES:
            return
        roots = _rules.roots_of(call)
        self.reach.passed(roots)
        self.tell(call, _rules.leaf_loss(roots))
        if call.name == "backward":
            self.tell(call, self.stale.before(call))
        if _rules.creates_graph(call):
            self.tell(call, _rules.double_backward(roots))

    def after(self, call: _entry.Call) -> None:
        """A call has returned."""
        if call.name == "backward":
            self.stale.after(_rules.roots_of(call))
        elif call.name == ".grad":
            self.stale.read(call)
        elif call.name not in PASSES:
            self.reach.used(call)
            self.tell(call, self.data.after(call))
            self.tell(call, _rules.broadcast(call))
            _rules.note_intermediates(call)

    def tell(self, call: _entry.Call, remark: _rules.Remark | None) -> None:
        """Pass a remark on to the log."""
        if remark is not None:
            self.log.report(call.code, call.lasti, remark)

    def end(self) -> None:
        """The block is over."""
        for place, remark in self.reach.missing():
            code, lasti = place or self.place
            self.log.report(code, lasti, remark)


PASSES: Final = frozenset({"backward", "grad"})
