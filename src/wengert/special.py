"""Special functions."""

from __future__ import annotations

from ._gen.special import *  # noqa: F403
