"""Anomaly mode: which forward call made the node that failed in backward."""

from __future__ import annotations

import warnings
from typing import Any

from .graph import Node


def report(node: Node) -> None:
    """Warn with the forward stack of ``node``, then of the nodes whose backward made it."""
    metadata = node.metadata
    warnings.warn(f"Error detected in {node.name()}. {describe(metadata, first=True)}", UserWarning, stacklevel=2)
    parent: Any = metadata.get("parent_")
    while parent is not None:
        text = describe(parent.metadata, first=False)
        warnings.warn(f"\n\nPrevious calculation was induced by {parent.name()}. {text}", UserWarning, stacklevel=2)
        parent = parent.metadata.get("parent_")


def describe(metadata: dict[str, Any], first: bool) -> str:
    """The stored stack, or why there is none."""
    stack = metadata.get("traceback_")
    if stack is None:
        return "No forward pass information available. Enable detect anomaly during forward pass for more information."
    what = "caused the error" if first else "induced the previous calculation"
    return f"Traceback of forward call that {what}:\n{''.join(stack)}"
