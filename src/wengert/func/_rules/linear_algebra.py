"""Decompositions and solvers, which take batches of matrices by themselves."""

from __future__ import annotations

from typing import Any, Final

from ..._core.tensor_base import TensorBase
from .._batched import Batch
from .._dispatch import Rule, call_name, each_sample, rule, words

MATRIX: Final = words("""
    linalg.cholesky linalg.cholesky_ex linalg.cond linalg.det linalg.eig linalg.eigh linalg.eigvals linalg.eigvalsh linalg.inv
    linalg.inv_ex linalg.lu linalg.lu_factor linalg.matrix_power linalg.matrix_rank linalg.pinv linalg.qr linalg.slogdet
    linalg.svd linalg.svdvals cholesky cholesky_inverse det inverse logdet matrix_power qr slogdet svd pinverse
""")


@rule(*MATRIX)
def of_matrix(batch: Batch, call: Rule, A: Any, *args: Any, **kwargs: Any) -> Any:
    """The last two dimensions are the matrix."""
    if len(A.shp) < 2 or any(isinstance(v, TensorBase) for v in (*args, *kwargs.values())):
        return each_sample(batch, call_name(call), call, (A, *args), kwargs)
    return batch.wrap(call(batch.front(A), *args, **kwargs))


@rule("linalg.solve")
def solve(batch: Batch, call: Rule, A: Any, B: Any, *, left: bool = True) -> Any:
    """A right side is a vector if it has one dimension less than the batch of matrices."""
    vector = len(B.shp) == 1 or (len(A.shp) - 1 == len(B.shp) and A.shp[:-1] == B.shp)
    right = B.unsqueeze(-1) if vector else B
    ndim = max(len(A.shp), len(right.shp))
    result = batch.wrap(call(batch.padded(A, ndim), batch.padded(right, ndim), left=left or vector))
    return result.squeeze(-1) if vector else result


@rule("linalg.solve_triangular", "cholesky_solve", "triangular_solve")
def solve_matrix(batch: Batch, call: Rule, first: Any, second: Any, *args: Any, **kwargs: Any) -> Any:
    """Both operands are matrices."""
    return batch.wrap(call(batch.full(first), batch.full(second), *args, **kwargs))


@rule("cross", "linalg.cross")
def cross(batch: Batch, call: Rule, self: Any, other: Any, dim: Any = None) -> Any:
    """Along a dimension of the sample; by default the last (``torch.cross``: the first of size 3)."""
    shape = [max(m, n) for m, n in zip(self.shp, other.shp, strict=True)]
    if dim is None:
        named = call_name(call) == "linalg.cross"
        dim = -1 if named else next((i for i, n in enumerate(shape) if n == 3), -1)
    d = dim % len(shape) + 1
    return batch.wrap(call(batch.full(self), batch.full(other), dim=d))
