"""Decompositions and solvers, which take batches of matrices by themselves."""

from __future__ import annotations

from typing import Any, Final

from ..._core.dtypes import DEFAULTS, FLOATING
from ..._core.tensor_base import TensorBase
from .._batched import Batch
from .._dispatch import Rule, Unforeseen, call_name, each_sample, operator, rule, words

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
    return batch.wrap(with_samples(batch, call(batch.front(A), *args, **kwargs)))


def with_samples(batch: Batch, result: Any) -> Any:
    """Results that were not asked for (``qr(mode="r")``) are empty without a batch: one for each sample."""
    if not isinstance(result, tuple) or all(t.shp != (0,) for t in result):
        return result
    items = [t.new_empty((batch.size, 0)) if t.shp == (0,) else t for t in result]
    return type(result)(items)


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
    """Both operands are matrices, or stacks of them that broadcast."""
    ndim = max(len(first.shp), len(second.shp))
    return batch.wrap(call(batch.padded(first, ndim), batch.padded(second, ndim), *args, **kwargs))


@rule("linalg.lu_factor_ex", "linalg.solve_ex", "linalg.ldl_factor", "linalg.ldl_factor_ex", "linalg.ldl_solve",
      "linalg.lu_solve", "lu_solve", "lu_unpack", "lu", "geqrf", "linalg.householder_product", "orgqr", "ormqr")  # fmt: skip
def of_matrices(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """Operators that take stacks of all their operands."""
    ranks = [len(a.shp) for a in args if isinstance(a, TensorBase)]
    if max(ranks) > 2:
        return each_sample(batch, call_name(call), call, args, kwargs)
    physical = (batch.full(a) if isinstance(a, TensorBase) else a for a in args)
    return batch.wrap(with_samples(batch, call(*physical, **kwargs)))


@rule("cross", "linalg.cross")
def cross(batch: Batch, call: Rule, self: Any, other: Any, dim: Any = None) -> Any:
    """Along a dimension of the sample; by default the last (``torch.cross``: the first of size 3)."""
    shape = [max(m, n) for m, n in zip(self.shp, other.shp, strict=True)]
    if dim is None:
        named = call_name(call) == "linalg.cross"
        dim = -1 if named else next((i for i, n in enumerate(shape) if n == 3), -1)
    d = dim % len(shape) + 1
    return batch.wrap(call(batch.full(self), batch.full(other), dim=d))


@rule("vander", "linalg.vander")
def vander(batch: Batch, call: Rule, x: Any, N: Any = None, increasing: bool = False) -> Any:
    """Columns of powers."""
    n = x.shp[-1] if N is None else N
    if call_name(call) == "linalg.vander":
        increasing = True
    exponents = operator("arange")(n) if increasing else operator("arange")(n - 1, -1, -1)
    return x.unsqueeze(-1) ** exponents


@rule("cov")
def cov(batch: Batch, call: Rule, self: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """Products of the deviations of rows from their means."""
    if fweights is not None or aweights is not None or len(self.shp) > 2:
        raise Unforeseen(batch)
    rows = self.reshape(1, -1) if len(self.shp) < 2 else self
    rows = rows if rows.dt.category >= FLOATING else rows.to(DEFAULTS.float)
    apart = rows - rows.mean(1, keepdim=True)
    found = apart @ apart.mH / max(rows.shp[1] - correction, 0)
    return found.reshape(()) if len(self.shp) < 2 else found


@rule("dist")
def dist(batch: Batch, call: Rule, self: Any, other: Any, p: Any = 2) -> Any:
    """The norm of the difference."""
    return (self - other).norm(p)


@rule("renorm", "renorm_")
def renorm(batch: Batch, call: Rule, self: Any, p: Any, dim: Any, maxnorm: Any) -> Any:
    """Slices of each sample whose norm is too large are scaled."""
    ndim = len(self.shp)
    d = dim % ndim
    norms = operator("linalg.vector_norm")(self, p, tuple(k for k in range(ndim) if k != d), True)
    scaled = self * operator("where")(norms > maxnorm, maxnorm / (norms + 1e-7), 1)
    return self.copy_(scaled) if call_name(call).endswith("_") else scaled


@rule("pdist")
def pdist(batch: Batch, call: Rule, input: Any, p: float = 2.0) -> Any:
    """Norms of the differences of all pairs of rows."""
    n = input.shp[0]
    pairs = operator("triu_indices")(n, n, 1)
    return operator("linalg.vector_norm")(input[pairs[0]] - input[pairs[1]], p, -1)
