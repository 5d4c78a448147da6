"""Reductions: over given dimensions, or over all dimensions of a sample."""

from __future__ import annotations

from typing import Any

from ..._core.tensor_base import TensorBase
from ..._record.common import wrap_dim
from .._batched import Batch
from .._dispatch import Rule, Unforeseen, call_name, plainly_batched, rule, shortcut, wrapped_like
from .pointwise import broadcasting


def reduced(batch: Batch, call: Rule, self: Any, dim: Any, keepdim: bool, *args: Any, **kwargs: Any) -> Any:
    """``call`` over ``dim`` of every sample; None or an empty sequence means all dimensions."""
    physical = batch.front(self)
    ndim = len(self.shp)
    if keepdim:
        kwargs["keepdim"] = True
    whole = dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0)
    if whole or ndim == 0:
        if not whole:
            for d in dim if isinstance(dim, (tuple, list)) else (dim,):
                wrap_dim(d, 0)
        kwargs.pop("keepdim", None)
        flat = physical if ndim == 1 else physical.reshape(batch.size, self.shp.numel())
        result = batch.wrap(call(flat, *args, dim=1, **kwargs))
        return tree(result, lambda t: t.reshape((1,) * ndim)) if keepdim and ndim else result
    if isinstance(dim, (tuple, list)):
        return batch.wrap(call(physical, *args, dim=tuple(wrap_dim(d, ndim) + 1 for d in dim), **kwargs))
    return batch.wrap(call(physical, *args, dim=wrap_dim(dim, ndim) + 1, **kwargs))


def tree(result: Any, function: Any) -> Any:
    """``function`` of a tensor or of each in a tuple."""
    if isinstance(result, TensorBase):
        return function(result)
    return type(result)([function(t) for t in result])


@shortcut("sum", "mean", "amax", "amin", "all", "any", "logsumexp", "prod", "argmax", "argmin")
def reduction_at_once(original: Rule, args: tuple[Any, ...]) -> Any:
    """Along one dimension; or along all, where a sample has one."""
    x = args[0]
    if len(args) > 2 or not plainly_batched(x):
        return None
    ndim = len(x.shp)
    if len(args) == 1 and ndim != 1:
        return None
    dim = args[1] if len(args) == 2 else 0
    if type(dim) is not int or not -ndim <= dim < ndim:
        return None
    return wrapped_like(x, original(x.value, dim + 1 if dim >= 0 else dim))


@shortcut("max", "min")
def extreme_at_once(original: Rule, args: tuple[Any, ...]) -> Any:
    """Along one dimension; of all elements they give a value alone, without its place."""
    return reduction_at_once(original, args) if len(args) == 2 else None


@rule(
    "sum", "mean", "nansum", "nanmean", "amax", "amin", "all", "any", "logsumexp", "prod", "argmax", "argmin", "aminmax"
)
def reduction(batch: Batch, call: Rule, self: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """Operators called as ``sum(dim, keepdim)``."""
    return reduced(batch, call, self, dim, keepdim, **kwargs)


@rule("count_nonzero")
def count_nonzero(batch: Batch, call: Rule, self: Any, dim: Any = None) -> Any:
    """No ``keepdim``."""
    return reduced(batch, call, self, dim, False)


@rule("max", "min")
def extreme(batch: Batch, call: Rule, self: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """Of all elements, along a dimension, or of two tensors."""
    other = kwargs.pop("other", dim)
    if isinstance(other, TensorBase):
        return broadcasting(batch, call, self, other)
    if dim is None:
        return batch.wrap(call(batch.front(self).reshape(batch.size, self.shp.numel()), dim=1).values)
    return reduced(batch, call, self, dim, keepdim)


@rule("median", "nanmedian")
def median(batch: Batch, call: Rule, self: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The value alone without ``dim``."""
    result = reduced(batch, call, self, dim, keepdim)
    return result.values if dim is None else result


@rule("msort")
def msort(batch: Batch, call: Rule, self: Any) -> Any:
    """Along the first dimension of the sample."""
    return self.sort(0).values


@rule("mode")
def mode(batch: Batch, call: Rule, self: Any, dim: Any = -1, keepdim: bool = False) -> Any:
    """Values and indices."""
    return reduced(batch, call, self, dim, keepdim)


@rule("kthvalue")
def kthvalue(batch: Batch, call: Rule, self: Any, k: Any, dim: Any = -1, keepdim: bool = False) -> Any:
    """Values and indices."""
    return reduced(batch, call, self, dim, keepdim, k)


@rule("quantile", "nanquantile")
def quantile(batch: Batch, call: Rule, self: Any, q: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """Quantiles come first in the result, before the batch."""
    if batch.has(q):
        raise Unforeseen(batch)
    result = reduced(batch, call, self, dim, keepdim, q, **kwargs)
    if isinstance(q, TensorBase) and len(q.shp) == 1:
        physical = result.value
        if dim is None and keepdim:
            physical = physical.reshape(q.shp[0], batch.size, *(1,) * len(self.shp))
        return batch.wrap(physical.movedim(1, 0))
    return result


@rule("std", "var", "std_mean", "var_mean")
def spread(batch: Batch, call: Rule, self: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False,
           **kwargs: Any) -> Any:  # fmt: skip
    """``std(unbiased)``, ``std(dim, unbiased, keepdim)`` or ``std(dim, correction=...)``."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        kwargs["correction"] = int(unbiased)
    return reduced(batch, call, self, dim, keepdim, **kwargs)


@rule("norm")
def norm(batch: Batch, call: Rule, self: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False,
         **kwargs: Any) -> Any:  # fmt: skip
    """``norm(p, dim, keepdim)``."""
    if p == "fro" and dim is None:
        p = 2  # of all elements, which are not a matrix
    if p == "nuc" and dim is None:
        dim = tuple(range(len(self.shp)))
    return reduced(batch, call, self, dim, keepdim, p, **kwargs)


@rule("linalg.vector_norm")
def vector_norm(batch: Batch, call: Rule, x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False,
                **kwargs: Any) -> Any:  # fmt: skip
    """``vector_norm(ord, dim, keepdim)``."""
    return reduced(batch, call, x, dim, keepdim, ord, **kwargs)


@rule("linalg.norm")
def any_norm(batch: Batch, call: Rule, A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False,
             **kwargs: Any) -> Any:  # fmt: skip
    """Of a vector, of a matrix, or with neither ``ord`` nor ``dim`` of all elements."""
    if dim is None and ord is None:
        return reduced(batch, call, A, None, keepdim, **kwargs)
    if dim is None:
        dim = 0 if len(A.shp) == 1 else (0, 1)
    return reduced(batch, call, A, dim, keepdim, ord, **kwargs)


@rule("linalg.matrix_norm")
def matrix_norm(batch: Batch, call: Rule, A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False,
                **kwargs: Any) -> Any:  # fmt: skip
    """Over two dimensions."""
    return reduced(batch, call, A, tuple(dim), keepdim, ord, **kwargs)


@rule("equal", "allclose", "is_nonzero")
def one_answer(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """A Python bool for all samples does not exist."""
    from .._batched import CONTROL_FLOW

    raise RuntimeError(CONTROL_FLOW)


@rule("trapezoid", "trapz", "cumulative_trapezoid")
def trapezoid(batch: Batch, call: Rule, y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    """Sums of means of neighbours, times the steps between them."""
    d = wrap_dim(dim, len(y.shp))
    n = y.shp[d]
    if n == 0 or (x is not None and len(x.shp) not in (1, len(y.shp))):
        raise Unforeseen(batch)
    parts = (y.narrow(d, 1, n - 1) + y.narrow(d, 0, n - 1)) / 2
    if x is None:
        steps = dx
    else:
        along = 0 if len(x.shp) == 1 else d
        steps = x.narrow(along, 1, n - 1) - x.narrow(along, 0, n - 1)
        if len(x.shp) == 1:
            steps = steps.reshape((-1, *(1,) * (len(y.shp) - 1 - d)))
    return (parts * steps).cumsum(d) if call_name(call) == "cumulative_trapezoid" else (parts * steps).sum(d)
