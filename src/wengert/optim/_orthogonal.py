"""The nearest orthogonal matrix, roughly and fast."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._gen import functions as F


def orthogonalized(matrix: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """About U V^T for ``matrix = U S V^T``, in bfloat16: ``steps`` times X = a X + (b A + c A^2) X, A = X X^T."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = matrix.size(0) > matrix.size(1)
    x = _to_bfloat16(matrix.detach().numpy())
    x = x.T if tall else x
    norm = _to_bfloat16(np.sqrt(np.sum(x * x)))
    x = _to_bfloat16(x / np.maximum(norm, np.float32(eps)))
    for _ in range(steps):
        gram = _to_bfloat16(x @ x.T)
        polynomial = _to_bfloat16(b * gram + c * (gram @ gram))
        x = _to_bfloat16(a * x + polynomial @ x)
    return F.as_tensor(x.T if tall else x).to(matrix.dtype)


def _to_bfloat16(array: Any) -> Any:
    """Numbers rounded to the 8 significant bits of bfloat16, ties to even, in float32: NumPy has no bfloat16."""
    bits = np.asarray(array, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(array), np.float32(np.nan), rounded.view(np.float32))
