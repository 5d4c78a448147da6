"""Linear algebra: products, norms, equations, factorisations, functions of matrices."""

from __future__ import annotations

from ._gen.linalg import *  # noqa: F403
from .ops.linalg_checks import LinAlgError as LinAlgError
