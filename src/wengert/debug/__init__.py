"""Debugging that teaches: why a gradient is missing, where a NaN was born, what a training loop does wrong.

``explain(loss, x)`` says why ``x.grad`` is there or not; ``trace()`` remembers where values leave the graph, so that it can
name the line. ``nan_origin(loss)`` finds the operator that made the first NaN or infinity. ``lint()``
warns about what training loops do wrong without an error.
"""

from __future__ import annotations

from ._explain import Explanation as Explanation
from ._explain import explain as explain
from ._lint import LintFinding as LintFinding
from ._lint import LintWarning as LintWarning
from ._lint import lint as lint
from ._nan import NanReport as NanReport
from ._nan import nan_origin as nan_origin
from ._trace import Break as Break
from ._trace import trace as trace
from ._why import Finding as Finding
from ._why import why_no_graph as why_no_graph
