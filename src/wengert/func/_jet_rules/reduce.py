"""Reductions that are not linear, and operators that choose elements."""

from __future__ import annotations

import math
from typing import Any

from ..._core.tensor_base import TensorBase
from ..._record.common import wrap_dim
from .._dispatch import Rule, call_name, operator
from .._jet_dispatch import along_curve, jet_rule
from .._jet_tensor import Coefficients
from .piecewise import choose, distance


def dims_of(x: Any, dim: Any) -> tuple[int, ...]:
    """The dimensions that are reduced; all for None and for none at all."""
    ndim = len(x.shp)
    if dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0):
        return tuple(range(ndim))
    return tuple(wrap_dim(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))


def flattened(x: Any, dim: Any) -> tuple[Any, Any]:
    """The tensor and the dimension to reduce: of the flat one if there is none."""
    return (x.reshape(-1), 0) if dim is None else (x, dim)


@jet_rule("logsumexp")
def logsumexp(batch: Coefficients, call: Rule, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Shifted by the largest value."""
    if x.is_complex():
        return along_curve(batch, "logsumexp", call, (x, dim, keepdim), {})
    if x.shp.numel() == 0:
        return batch.lifted(call(x.primal(), dim, keepdim))
    dims = dims_of(x, dim)
    top = operator("amax")(x.primal(), dims, True)
    top = choose(operator("isinf")(top), 0.0, top)
    total = (x - top).exp().sum(dims, True).log() + top
    return total if keepdim or not dims else total.squeeze(dims)


@jet_rule("softmax", "softmin")
def softmax(
    batch: Coefficients, call: Rule, x: Any, dim: Any = None, *args: Any, dtype: Any = None, **kwargs: Any
) -> Any:
    """Exponentials over their sum."""
    if dim is None or x.shp.numel() == 0:
        return along_curve(batch, call_name(call), call, (x, dim, *args), kwargs)
    x = x if dtype is None else x.to(dtype)
    x = -x if call_name(call) == "softmin" else x
    powers = (x - operator("amax")(x.primal(), dim, True)).exp()
    return powers / powers.sum(dim, True)


@jet_rule("log_softmax")
def log_softmax(
    batch: Coefficients, call: Rule, x: Any, dim: Any = None, *args: Any, dtype: Any = None, **kwargs: Any
) -> Any:
    """The argument less its ``logsumexp``."""
    if dim is None or x.shp.numel() == 0:
        return along_curve(batch, call_name(call), call, (x, dim, *args), kwargs)
    x = x if dtype is None else x.to(dtype)
    return x - operator("logsumexp")(x, dim, True)


@jet_rule("prod")
def prod(batch: Coefficients, call: Rule, x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Half of the factors times the other half, until one is left."""
    x, d = flattened(x if dtype is None else x.to(dtype), dim)
    whole = dim is None
    if len(x.shp) == 0:
        return x
    d = wrap_dim(d, len(x.shp))
    n = x.shp[d]
    if n == 0:
        return batch.lifted(call(batch.primal(x), d, keepdim))
    while n > 1:
        half = n // 2
        pairs = x.narrow(d, 0, half) * x.narrow(d, half, half)
        x = pairs if n % 2 == 0 else operator("cat")([pairs, x.narrow(d, n - 1, 1)], d)
        n = half + n % 2
    return x if keepdim and not whole else x.squeeze(d)


@jet_rule("cumprod", "logcumsumexp")
def scanned(batch: Coefficients, call: Rule, x: Any, dim: Any, *, dtype: Any = None) -> Any:
    """In every step each element takes over the result of twice as many before it."""
    x = x if dtype is None else x.to(dtype)
    if len(x.shp) == 0:
        return x
    if x.is_complex() and call_name(call) == "logcumsumexp":
        return along_curve(batch, "logcumsumexp", call, (x, dim), {})
    join = operator("mul" if call_name(call) == "cumprod" else "logaddexp")
    step, n = 1, x.shp[dim]
    while step < n:
        later = join(x.narrow(dim, step, n - step), x.narrow(dim, 0, n - step))
        x = operator("cat")([x.narrow(dim, 0, step), later], dim)
        step *= 2
    return x


@jet_rule("var", "std", "var_mean", "std_mean")
def spread(batch: Coefficients, call: Rule, x: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
           correction: Any = None) -> Any:  # fmt: skip
    """The mean square of the distances to the mean."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    dims = dims_of(x, dim)
    count = math.prod(x.shp[d] for d in dims)
    centre = x.mean(dims, True)
    away = x - centre
    square = away * away if not x.is_complex() else away.real * away.real + away.imag * away.imag
    name = call_name(call)
    result = square.sum(dims, keepdim) / max(count - correction, 0)
    result = result.sqrt() if name.startswith("std") else result
    return (result, centre if keepdim else x.mean(dims)) if name.endswith("mean") else result


@jet_rule("norm", "linalg.vector_norm", "linalg.norm", "linalg.matrix_norm")
def norm(batch: Coefficients, call: Rule, x: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, p: Any = None,
         dtype: Any = None) -> Any:  # fmt: skip
    """Of vectors, and the Frobenius norm; singular where it is 0."""
    name = call_name(call)
    order = p if p is not None else ord
    matrix = name == "linalg.matrix_norm" or (name == "linalg.norm" and order is not None and _matrices(x, dim))
    if (matrix and order not in (None, "fro")) or order == "nuc":
        return along_curve(batch, name, call, (x, order, *([] if dim is None else [dim])), {"keepdim": keepdim})
    if name == "linalg.matrix_norm" and dim is None:
        dim = (-2, -1)
    x = x if dtype is None else x.to(dtype)
    dims = dims_of(x, dim)
    if order in (None, "fro", 2):
        square = x.real * x.real + x.imag * x.imag if x.is_complex() else x * x
        return distance(square.sum(dims, keepdim))
    size = operator("abs")(x)
    if order in (math.inf, -math.inf):
        return operator("amax" if order > 0 else "amin")(size, dims, keepdim)
    if order == 0:
        return operator("ne")(x.primal(), 0).sum(dims, keepdim).to(size.dt)
    return size.sum(dims, keepdim) if order == 1 else (size**order).sum(dims, keepdim) ** (1 / order)


def _matrices(x: Any, dim: Any) -> bool:
    return len(x.shp) == 2 if dim is None else isinstance(dim, (tuple, list)) and len(dim) == 2


@jet_rule("amax", "amin")
def amax(batch: Coefficients, call: Rule, x: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The mean of the elements that are largest."""
    dims = dims_of(x, dim)
    best = operator(call_name(call))(x.primal(), dims, True)
    chosen = operator("eq")(x.primal(), best)
    return choose(chosen, x, 0.0).sum(dims, keepdim) / chosen.sum(dims, keepdim)


@jet_rule("aminmax")
def aminmax(batch: Coefficients, call: Rule, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """Both ends."""
    result = call(x.primal(), dim=dim, keepdim=keepdim)
    ends = (operator(name)(x, () if dim is None else dim, keepdim) for name in ("amin", "amax"))
    return type(result)(list(ends))


@jet_rule("max", "min")
def extreme(batch: Coefficients, call: Rule, x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """Of all elements, along a dimension, or of two tensors."""
    other = kwargs.pop("other", dim)
    name = call_name(call)
    if isinstance(other, TensorBase):
        return operator(f"{name}imum")(x, other)
    if dim is None:
        return operator(f"a{name}")(x)
    return picked(batch, call, x, dim, keepdim)


def picked(batch: Coefficients, call: Rule, x: Any, dim: int, keepdim: bool, *before: Any) -> Any:
    """An operator that chooses an element along ``dim`` and says which."""
    result = call(x.primal(), *before, dim, keepdim)
    if len(x.shp) == 0:
        return type(result)([x, result[1]])
    index = result[1] if keepdim else result[1].unsqueeze(dim)
    values = x.gather(dim, index)
    return type(result)([values if keepdim else values.squeeze(dim), result[1]])


@jet_rule("median", "nanmedian", "mode")
def median(batch: Coefficients, call: Rule, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Along a dimension; the median of all elements is shared by those that are equal to it."""
    if dim is not None or call_name(call) == "mode":
        return picked(batch, call, x, -1 if dim is None else dim, keepdim)
    chosen = operator("eq")(x.primal(), call(x.primal()))
    return choose(chosen, x, 0.0).sum() / chosen.sum()


@jet_rule("kthvalue")
def kthvalue(batch: Coefficients, call: Rule, x: Any, k: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """One element."""
    return picked(batch, call, x, dim, keepdim, k)


@jet_rule("sort", "topk", "cummax", "cummin", "msort")
def ordered(batch: Coefficients, call: Rule, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Several elements along a dimension."""
    name = call_name(call)
    if name == "msort":
        return x.sort(0).values
    if len(x.shp) == 0:
        result = call(x.primal(), *args, **kwargs)
        return type(result)([x, result[1]])
    result = call(x.primal(), *args, **kwargs)
    place = {"sort": 0, "topk": 1, "cummax": 0, "cummin": 0}[name]
    dim = kwargs.get("dim", args[place] if len(args) > place and not isinstance(args[place], bool) else -1)
    return type(result)([x.gather(dim, result[1]), result[1]])
