"""Linear algebra: products, norms, equations, factorisations, functions of matrices."""

from __future__ import annotations

from ._core.dynamic import LinAlgError as LinAlgError
from ._gen.linalg import *  # noqa: F403
