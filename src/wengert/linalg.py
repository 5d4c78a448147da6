"""Linear algebra: products and norms."""

from __future__ import annotations

from ._gen.linalg import *  # noqa: F403
