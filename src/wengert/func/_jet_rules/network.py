"""Layers and losses, written with other operators; calls with rarer options have their derivatives computed one by one."""

from __future__ import annotations

import math
from typing import Any

from .._dispatch import Rule, call_name, operator
from .._jet_dispatch import along_curve, jet_rule
from .._jet_tensor import Coefficients


@jet_rule("glu")
def glu(batch: Coefficients, call: Rule, x: Any, dim: int = -1) -> Any:
    """One half times the sigmoid of the other."""
    first, gate = x.chunk(2, dim)
    return first * gate.sigmoid()


@jet_rule("layer_norm", "rms_norm")
def row_norm(batch: Coefficients, call: Rule, x: Any, normalized_shape: Any, *args: Any, **kwargs: Any) -> Any:
    """The last dimensions, divided by their standard deviation or by the root of their mean square."""
    centred = call_name(call) == "layer_norm"
    names = ("weight", "bias", "eps") if centred else ("weight", "eps")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    weight, bias, eps = given.get("weight"), given.get("bias"), given.get("eps")
    if eps is None:
        eps = 1e-5 if centred else 2.0**-52 if x.dt.itemsize == 8 else 2.0**-23
    dims = tuple(range(-len(normalized_shape), 0))
    return _affine(_scaled(x - x.mean(dims, True) if centred else x, dims, eps), weight, bias)


def _scaled(away: Any, dims: tuple[int, ...], eps: float) -> Any:
    return away * ((away * away).mean(dims, True) + eps).rsqrt()


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


@jet_rule("group_norm", "nn.instance_norm")
def group_norm(batch: Coefficients, call: Rule, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Groups of channels; ``instance_norm`` without running statistics has one channel in each."""
    grouped = call_name(call) == "group_norm"
    names = (
        ("groups", "weight", "bias", "eps") if grouped else ("mean", "var", "weight", "bias", "own", "momentum", "eps")
    )
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if not grouped and (given.get("mean") is not None or len(x.shp) < 3):
        return along_curve(batch, call_name(call), call, (x, *args), kwargs)
    groups = given.get("groups", given.get("num_groups", x.shp[1]))
    flat = x.reshape(x.shp[0], groups, -1)
    result = _scaled(flat - flat.mean(-1, True), (-1,), given.get("eps", 1e-5)).reshape(tuple(x.shp))
    shape = (-1,) + (1,) * (len(x.shp) - 2)
    weight, bias = (None if given.get(n) is None else given[n].reshape(shape) for n in ("weight", "bias"))
    return _affine(result, weight, bias)


@jet_rule("normalize")
def normalize(batch: Coefficients, call: Rule, x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """Divided by a norm that is at least ``eps``."""
    return x / operator("linalg.vector_norm")(x, p, dim, True).clamp(min=eps)


@jet_rule("cosine_similarity")
def cosine_similarity(batch: Coefficients, call: Rule, x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The product of normalised vectors."""
    norms = [operator("linalg.vector_norm")(v, 2, dim, True) for v in (x1, x2)]
    return ((x1 / norms[0].clamp(min=eps)) * (x2 / norms[1].clamp(min=eps))).sum(dim)


@jet_rule("nll_loss")
def nll_loss(batch: Coefficients, call: Rule, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Linear in the logarithms of the probabilities."""
    return batch.wrap(operator("stack")([call(row, *args, **kwargs) for row in input.value.unbind(0)]))


@jet_rule("cross_entropy")
def cross_entropy(batch: Coefficients, call: Rule, input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
    """``nll_loss`` of ``log_softmax`` for targets that are classes."""
    if not batch.has(input) or target.is_floating_point() or len(args) > 5 or kwargs.get("label_smoothing"):
        return along_curve(batch, "cross_entropy", call, (input, target, *args), kwargs)
    more = {k: v for k, v in kwargs.items() if k != "label_smoothing"}
    return operator("nll_loss")(operator("log_softmax")(input, 0 if len(input.shp) == 1 else 1), target, *args, **more)


@jet_rule(
    "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "nn.binary_cross_entropy_with_logits", "soft_margin_loss"
)
def elementwise_loss(batch: Coefficients, call: Rule, input: Any, target: Any, *args: Any, reduction: str = "mean",
                     **kwargs: Any) -> Any:  # fmt: skip
    """A function of each element, and its mean or sum."""
    name = call_name(call)
    options = {"beta": 1.0, "delta": 1.0, **kwargs}
    if args or set(options) != {"beta", "delta"}:
        return along_curve(batch, name, call, (input, target, *args), {"reduction": reduction, **kwargs})
    if name == "nn.binary_cross_entropy_with_logits":
        terms = operator("softplus")(input, threshold=math.inf) - input * target
    elif name == "soft_margin_loss":
        terms = operator("softplus")(-input * target, threshold=math.inf)
    else:
        terms = _of_difference(name, input - target, options)
    return terms if reduction == "none" else getattr(terms, reduction)()


def _of_difference(name: str, away: Any, options: dict[str, Any]) -> Any:
    if name == "mse_loss":
        return away * away
    size = away.abs()
    if name == "l1_loss":
        return size
    limit = options["beta" if name == "smooth_l1_loss" else "delta"]
    if limit == 0:
        return size
    scale = 1 / limit if name == "smooth_l1_loss" else 1.0
    curved = size.primal() < limit
    return operator("where")(curved, size * size * (0.5 * scale), (size - 0.5 * limit) * (limit * scale))


@jet_rule("scaled_dot_product_attention")
def attention(batch: Coefficients, call: Rule, query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0,
              is_causal: bool = False, scale: Any = None, **kwargs: Any) -> Any:  # fmt: skip
    """``softmax(q k^T / sqrt(d)) v``."""
    if attn_mask is not None or dropout_p or is_causal or kwargs:
        options = {"dropout_p": dropout_p, "is_causal": is_causal, "scale": scale, **kwargs}
        return along_curve(batch, call_name(call), call, (query, key, value, attn_mask), options)
    factor = 1 / math.sqrt(query.shp[-1]) if scale is None else scale
    weights = operator("matmul")(query * factor, key.transpose(-2, -1))
    return operator("matmul")(operator("softmax")(weights, -1), value)


@jet_rule("matrix_power", "linalg.matrix_power")
def matrix_power(batch: Coefficients, call: Rule, A: Any, n: int) -> Any:
    """By repeated squaring."""
    if n < 0:
        A, n = operator("linalg.inv")(A), -n
    if n == 0:
        return batch.lifted(call(A.primal(), 0))
    result = None
    while n:
        if n & 1:
            result = A if result is None else operator("matmul")(result, A)
        n >>= 1
        A = operator("matmul")(A, A) if n else A
    return result


@jet_rule("pairwise_distance")
def pairwise_distance(batch: Coefficients, call: Rule, x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6,
                      keepdim: bool = False) -> Any:  # fmt: skip
    """The norm of a difference, to which ``eps`` is added."""
    return operator("linalg.vector_norm")(x1 - x2 + eps, p, -1, keepdim)


@jet_rule("cdist")
def cdist(batch: Coefficients, call: Rule, x1: Any, x2: Any, p: float = 2.0, *args: Any, **kwargs: Any) -> Any:
    """Norms of all differences."""
    return operator("linalg.vector_norm")(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


@jet_rule("angle")
def angle(batch: Coefficients, call: Rule, x: Any) -> Any:
    """Constant for real numbers."""
    return operator("atan2")(x.imag, x.real) if x.is_complex() else call(x.primal())
