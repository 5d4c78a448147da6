"""Pictures of the autograd graph.

``make_dot`` returns a ``graphviz.Digraph`` (extra ``viz``), ``to_dot_source`` the same graph as DOT text.
"""

from __future__ import annotations

from ._dot import make_dot as make_dot
from ._dot import to_dot_source as to_dot_source

__all__ = ["make_dot", "to_dot_source"]
