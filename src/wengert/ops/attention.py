"""Scaled dot-product attention: softmax(q k^T scale + mask) v."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, bool_, float16, float32
from .._core.tensor_base import TensorBase, requires_grad
from .._record.common import is_number, make, untracked
from .._record.general import General, general_many
from .._record.unary import unary
from ..kernels import bulk, empty, empty_like, networks, zeros
from .dropout import plain_dropout
from .scaled import MulBackward1
from .softmax import SoftmaxBackward0

if TYPE_CHECKING:
    from .._tensor import Tensor

MINUS_INFINITY: Final = float("-inf")
EVERY: Final = slice(None)
BLOCK: Final = 1 << 19  # scores in memory at once: the products stay large, the cache holds them


class SafeSoftmaxBackward0(SoftmaxBackward0):
    """Softmax that is 0 where a whole row is masked, with minus infinity everywhere."""

    def forward(self, x: Any) -> Any:
        if x.dtype == float16.np:
            return self.forward(x.astype(np.float32)).astype(x.dtype)
        if x.shape[self.dim] == 0:
            return x.copy()
        top = x.max(self.dim, keepdims=True)
        out = np.exp(x - np.where(top == MINUS_INFINITY, x.dtype.type(0), top))
        total = out.sum(self.dim, keepdims=True)
        out /= np.where(total == 0, x.dtype.type(1), total)
        return out


def safe_softmax(x: Tensor) -> Tensor:
    """Softmax along the last dimension, 0 for rows that are masked altogether."""
    return unary(SafeSoftmaxBackward0(len(x.shp) - 1), x)


class ScaledDotProductFlashAttentionForCpuBackward0(General):
    """Attention as one operator that keeps no weights: they are computed again in the backward pass.

    With weights p = softmax(s) and o = p v, the gradient of s is p (dp - sum(p dp)) with dp = grad v^T.
    """

    def __init__(self, is_causal: bool, scale: Any, masked: bool) -> None:
        self.is_causal: bool = is_causal
        self.scale: Any = scale
        self.masked: bool = masked

    def input_names(self) -> list[str]:
        return ["query", "key", "value", "attn_mask"] if self.masked else ["query", "key", "value"]

    def output_names(self) -> list[str]:
        return ["output", "logsumexp"]

    def differentiable_inputs(self, count: int) -> int:
        return 3

    def differentiable_outputs(self) -> list[bool]:
        return [True, False]

    def saves(self) -> list[str]:
        return [*self.input_names(), "output", "logsumexp"]

    def saved_names(self) -> list[str]:
        return [*self.parameters(), "query", "key", "value", "attn_mask", "output", "logsumexp"]

    def parameters(self) -> dict[str, Any]:
        return {"dropout_p": 0.0, "is_causal": self.is_causal, "scale": self.scale}

    def factor(self, width: int) -> float:
        """What the products are multiplied by."""
        return scale_of(self.scale, width)

    def forward(self, arrays: list[Any]) -> Any:
        q, k, v = arrays[:3]
        kind = float32.np if q.dtype == float16.np else q.dtype
        heads = (q.shape[1] // k.shape[1]) if k.shape[1] > 0 else 1
        if heads > 1:
            k, v = k.repeat(heads, axis=1), v.repeat(heads, axis=1)
        q, k, v = [a.astype(kind, copy=False) for a in (q, k, v)]
        mask = arrays[3] if self.masked else None
        out = empty_like(arrays[0])
        if handled(q, k, v, out, mask):
            return [out, networks.attention(q, k, v, mask, self.is_causal, self.factor(q.shape[3]), out)]
        logs = np.empty(q.shape[:3], kind)
        for rows in blocks(q.shape, k.shape[2]):
            self.attend(self.scores(q, k, mask, rows), v, out[:, :, rows], logs[:, :, rows])
        return [out, logs]

    def attend(self, scores: Any, v: Any, out: Any, logs: Any) -> None:
        """Results for some queries from their scores, which are overwritten."""
        top = scores.max(-1, keepdims=True)
        top = np.where(top == MINUS_INFINITY, 0, top)
        scores -= top
        np.exp(scores, out=scores)
        total = scores.sum(-1, keepdims=True)
        found = np.matmul(scores, v)
        np.divide(found, np.where(total == 0, 1, total), out=out, casting="same_kind")
        logs[...] = np.where(total == 0, 0, top + np.log(total))[..., 0]

    def scores(self, q: Any, k: Any, mask: Any, rows: slice) -> Any:
        """Scaled and masked products of the queries ``rows`` with all keys."""
        scores = np.matmul(q[:, :, rows], k.swapaxes(-1, -2))
        scores *= scores.dtype.type(self.factor(q.shape[-1]))
        if mask is not None:
            scores += mask if mask.shape[-2] == 1 else mask[..., rows, :]
        if self.is_causal:
            scores += causal_mask(q.shape[2], k.shape[2], q.dtype, rows)
        return scores

    def weights(self, q: Tensor, k: Tensor, mask: Any) -> Tensor:
        """The attention weights, from keys repeated for all heads."""
        scores = q @ k.transpose(-1, -2) * self.factor(q.shp[-1])
        if mask is not None:
            scores = scores + mask
        if self.is_causal:
            scores = scores + make(causal_mask(q.shp[-2], k.shp[-2], q.dt.np))
        return safe_softmax(scores)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        names = self.input_names()
        found: list[Tensor | None] = [None, None, None]
        if grad is None:
            return found
        q, key, value = [self.tensor(name) for name in names[:3]]
        k, v = repeated(key, q.shp[1]), repeated(value, q.shp[1])
        if q.dt is not float16 and untracked(grad) and untracked(q) and untracked(k) and untracked(v):
            return self.in_blocks(grad.array, q.array, k.array, v.array, key, value)
        p = self.weights(q, k, self.tensor("attn_mask") if self.masked else None)
        if self.wanted(2):
            found[2] = gathered(p.transpose(-1, -2) @ grad, value)
        if not self.wanted(0) and not self.wanted(1):
            return found
        inner = grad @ v.transpose(-1, -2)
        slope = p * (inner - (p * inner).sum(-1, True)) * self.factor(q.shp[-1])
        if self.wanted(0):
            found[0] = slope @ k
        if self.wanted(1):
            found[1] = gathered(slope.transpose(-1, -2) @ q, key)
        return found

    def in_blocks(self, grad: Any, q: Any, k: Any, v: Any, key: Tensor, value: Tensor) -> list[Tensor | None]:
        """``backward`` on arrays, some queries at a time."""
        mask = self.tensor("attn_mask").array if self.masked else None
        logs = self.tensor("logsumexp").array
        if handled(q, k, v, grad, mask):
            slopes = networks.attention_gradients(grad, q, k, v, mask, self.is_causal, self.factor(q.shape[3]), logs)
            return self.asked([make(a) for a in slopes], key, value)
        factor = q.dtype.type(self.factor(q.shape[-1]))
        dq, dk, dv = empty(q.shape, q.dtype), zeros(k.shape, k.dtype), zeros(v.shape, v.dtype)
        for rows in blocks(q.shape, k.shape[2]):
            g = grad[:, :, rows]
            p = self.scores(q, k, mask, rows)
            p -= logs[:, :, rows, None]
            np.exp(p, out=p)
            dv += np.matmul(p.swapaxes(-1, -2), g)
            slope = np.matmul(g, v.swapaxes(-1, -2))
            slope -= (p * slope).sum(-1, keepdims=True)
            slope *= p
            slope *= factor
            dq[:, :, rows] = np.matmul(slope, k)
            dk += np.matmul(slope.swapaxes(-1, -2), q[:, :, rows])
        return self.asked([make(dq), make(dk), make(dv)], key, value)

    def asked(self, slopes: list[Tensor], key: Tensor, value: Tensor) -> list[Tensor | None]:
        """The wanted gradients, those of keys and values summed over the query heads that share them."""
        found = [slopes[0], gathered(slopes[1], key), gathered(slopes[2], value)]
        return [found[i] if self.wanted(i) else None for i in range(3)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        q = inputs[0]
        heads = q.shp[1]
        k, v = repeated(inputs[1], heads), repeated(inputs[2], heads)
        p = self.weights(q, k, inputs[3] if self.masked else None)
        total = results[0].new_zeros(results[0].shp)
        dq, dk, dv = tangents[:3]
        change = p.new_zeros(p.shp)
        if dq is not None:
            change = change + dq @ k.transpose(-1, -2)
        if dk is not None:
            change = change + q @ repeated(dk, heads).transpose(-1, -2)
        if len(tangents) > 3 and tangents[3] is not None:
            change = change + tangents[3] / self.factor(q.shp[-1])
        change = change * self.factor(q.shp[-1])
        total = total + (p * (change - (p * change).sum(-1, True))) @ v
        if dv is not None:
            total = total + p @ repeated(dv, heads)
        return [total, None]


def handled(q: Any, k: Any, v: Any, other: Any, mask: Any) -> bool:
    """Whether the kernels take these arrays."""
    return bulk.handles(q, k, v, other) and (mask is None or mask.dtype == q.dtype)


def scale_of(scale: Any, width: int) -> float:
    """The factor of the products: 1 / sqrt(width) unless given."""
    if scale is not None:
        return float(scale)
    return 1.0 / math.sqrt(width) if width > 0 else 1.0


def blocks(shape: tuple[int, ...], columns: int) -> list[slice]:
    """Queries to take at once, so that about ``BLOCK`` scores stand in memory."""
    step = max(1, BLOCK // max(1, shape[0] * shape[1] * columns))
    return [slice(start, start + step) for start in range(0, shape[2], step)]


def causal_mask(rows: int, columns: int, kind: Any, chosen: slice = EVERY) -> Any:
    """Array that is minus infinity above the diagonal, 0 elsewhere; of the ``chosen`` rows."""
    seen = np.arange(rows)[chosen, None] >= np.arange(columns)
    return np.where(seen, kind.type(0), kind.type(MINUS_INFINITY))


def repeated(t: Tensor, heads: int) -> Tensor:
    """Keys or values with each head repeated for the query heads that share it."""
    shape = t.shp
    if shape[1] == heads:
        return t
    each = heads // shape[1]
    wide = t.unsqueeze(2).expand((shape[0], shape[1], each, shape[2], shape[3]))
    found: Tensor = wide.reshape((shape[0], heads, shape[2], shape[3]))
    return found


def gathered(grad: Tensor, t: Tensor) -> Tensor:
    """A gradient summed over the query heads that share a head of ``t``."""
    shape = t.shp
    if grad.shp[1] == shape[1]:
        return grad
    split = grad.reshape((shape[0], shape[1], grad.shp[1] // shape[1], shape[2], shape[3]))
    found: Tensor = split.sum(2)
    return found


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Any = None,
    dropout_p: Any = 0.0,
    is_causal: bool = False,
    scale: Any = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query key^T scale + mask) value: for each query, the mean of the values, weighted by likeness to the keys.

    Args:
        query: floating, of shape (..., L, E).
        key: (..., S, E).
        value: (..., S, Ev).
        attn_mask: broadcasts to (..., L, S); bool (True where a key takes part) or floating (added).
        dropout_p: probability with which weights are set to 0; apply it in training only.
        is_causal: whether query i sees the keys up to i only.
        scale: 1 / sqrt(E) when not given.
        enable_gqa: let groups of query heads (dimension -3) share a head of keys and values.

    Returns:
        Shape (..., L, Ev); 0 for queries that see no key.

    Gradient:
        For all three, and for a floating mask.

    Raises:
        RuntimeError: for shapes or dtypes that do not fit.

    Source: Vaswani et al. 2017; Ainslie et al. 2023 for shared heads.

    Variants: nn
    """
    check_attention(query, key, value, attn_mask, scale)
    if dropout_p > 0 or not fits_one_operator(query, key, value, attn_mask, enable_gqa):
        return composed(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)
    mask = as_floating(attn_mask, query)
    op = ScaledDotProductFlashAttentionForCpuBackward0(is_causal, scale, mask is not None)
    inputs: list[TensorBase] = [query, key, value] if mask is None else [query, key, value, mask]
    return general_many(op, inputs)[0]


def check_attention(q: Any, k: Any, v: Any, mask: Any, scale: Any) -> None:
    """Refuse what cannot be multiplied."""
    name = "scaled_dot_product_attention"
    for i, (argument, t) in enumerate((("query", q), ("key", k), ("value", v))):
        if not isinstance(t, TensorBase):
            raise errors.argument_type(name, argument, i + 1, "Tensor", t)
    if scale is not None and not is_number(scale):
        raise TypeError(f"{name}(): argument 'scale' must be float, not {type(scale).__name__}")
    if q.dt is not k.dt or q.dt is not v.dt:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {errors.c_type(q.dt)} key.dtype: "
            f"{errors.c_type(k.dt)} and value.dtype: {errors.c_type(v.dt)} instead."
        )
    dims = [len(q.shp), len(k.shp), len(v.shp)]
    if min(dims) < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {dims[0]} key.dim: "
            f"{dims[1]} and value.dim: {dims[2]} instead."
        )
    if q.dt.category < FLOATING:
        raise RuntimeError(f"expected scalar type Float but found {q.dt.title}")
    if q.dt.category > FLOATING:
        raise errors.not_implemented("softmax_lastdim_kernel_impl", q.dt)
    if mask is None:
        return
    if not isinstance(mask, TensorBase):
        raise errors.argument_type(name, "attn_mask", 4, "Tensor", mask)
    if mask.dt is not bool_ and mask.dt is not float32 and mask.dt is not q.dt:
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{errors.c_type(mask.dt)} and  query.dtype: {errors.c_type(q.dt)} instead."
        )
    if len(mask.shp) < 2:
        raise errors.dim_range(-2, len(mask.shp))


def as_floating(mask: Any, q: TensorBase) -> Any:
    """A bool mask as 0 and minus infinity."""
    if mask is None or mask.dt is not bool_:
        return mask
    return make(np.where(mask.array, 0, MINUS_INFINITY).astype(q.dt.np))


def fits_one_operator(q: TensorBase, k: TensorBase, v: TensorBase, mask: Any, enable_gqa: bool) -> bool:
    """Whether PyTorch would take its flash kernel, which decides what the graph looks like."""
    if len(q.shp) != 4 or len(k.shp) != 4 or len(v.shp) != 4:
        return False
    heads, shared = q.shp[1], k.shp[1]
    if shared != heads and not (enable_gqa and shared > 0 and heads % shared == 0):
        return False
    if k.shp[:3] != v.shp[:3] or q.shp[0] != k.shp[0] or q.shp[3] != k.shp[3] or q.shp[3] != v.shp[3]:
        return False
    if q.shp[2] == 0 or k.shp[2] == 0:
        return False
    for t in (q, k, v):
        if t.shp[3] > 1 and t.array.strides[3] != t.array.itemsize:
            return False
    if mask is None:
        return True
    if requires_grad(mask) or len(mask.shp) not in (2, 4):
        return False
    whole = (q.shp[0], q.shp[1], q.shp[2], k.shp[2])[4 - len(mask.shp) :]
    return all(mask.shp[i] in (1, whole[i]) for i in range(len(whole)))


def composed(
    q: Tensor, k: Tensor, v: Tensor, mask: Any, dropout_p: Any, is_causal: bool, scale: Any, enable_gqa: bool
) -> Tensor:
    """Attention made of other operators: any shapes, dropout, a mask with a gradient."""
    if is_causal:
        if mask is not None:
            raise RuntimeError(
                "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
            )
        mask = make(causal_mask(q.shp[-2], k.shp[-2], q.dt.np))
    if enable_gqa:
        k, v = shared_heads(q, k, v)
    factor = scale_of(scale, q.shp[-1])
    root = math.sqrt(abs(factor))
    scores = unary(MulBackward1(-root if factor < 0 else root), q) @ unary(MulBackward1(root), k.transpose(-2, -1))
    mask = as_floating(mask, q)
    if mask is not None:
        scores = scores + mask
    weights = safe_softmax(scores)
    if dropout_p > 0:
        check_dropout(dropout_p)
        weights = plain_dropout(weights, dropout_p, True)
    found: Tensor = (weights if weights.dt is v.dt else weights.to(v.dt)) @ v
    return found


def check_dropout(p: Any) -> None:
    """Refuse probabilities above 1."""
    if p > 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")


def shared_heads(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values with their heads repeated to the number of query heads."""
    for t in (q, k, v):
        if len(t.shp) < 3:
            raise errors.dim_range(-3, len(t.shp))
    heads, keys, values = q.shp[-3], k.shp[-3], v.shp[-3]
    if keys == 0 or values == 0 or heads % keys != 0 or heads % values != 0:
        raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
    if keys != heads:
        k = k.repeat_interleave(heads // keys, -3)
    if values != heads:
        v = v.repeat_interleave(heads // values, -3)
    return k, v
