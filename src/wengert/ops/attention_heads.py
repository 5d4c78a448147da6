"""Multi-head attention: projections of queries, keys and values, attention in each head, and a projection of the result."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from .._core.dtypes import FLOATING, bool_
from .attention import as_floating, scaled_dot_product_attention
from .dropout import dropout
from .join import cat
from .matmul import bmm
from .matmul_added import baddbmm, linear

if TYPE_CHECKING:
    from .._tensor import Tensor


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: Any,
    num_heads: Any,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: Any,
    out_proj_weight: Tensor,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Any]:
    """Attention in ``num_heads`` parts of the features, between linear projections: what ``nn.MultiheadAttention`` computes.

    Args:
        query, key, value: of shape (length, rows, features), or (length, features) for a single row.
        embed_dim_to_check: what the number of features of the query must be.
        in_proj_weight: (3 features, features), the weights of query, key and value; or three with
            ``use_separate_proj_weight``.
        in_proj_bias: (3 features,).
        bias_k, bias_v: (1, 1, features), a further key and value.
        add_zero_attn: whether a key and a value of zeros are added.
        out_proj_weight, out_proj_bias: projection of the result.
        key_padding_mask: (rows, keys); True, or minus infinity, for keys that do not take part.
        attn_mask: (queries, keys) or (rows * heads, queries, keys); True, or minus infinity, for pairs that do not take part.
        static_k, static_v: (rows * heads, keys, features of a head), in place of the projected keys and values.
        average_attn_weights: whether the weights are averaged over the heads.
        is_causal: says that ``attn_mask`` is the causal one, which is then not looked at if nothing else is asked for.

    Returns:
        The result, of the query's shape, and the weights of shape (rows, queries, keys) or (rows, heads, queries, keys),
        None unless ``need_weights``.

    Raises:
        AssertionError, RuntimeError: for shapes that do not fit.

    Source: Vaswani et al. 2017, section 3.2.2.

    Variants: nn
    """
    batched = check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    heads = Heads(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    heads.set_masks(key_padding_mask, attn_mask, is_causal, need_weights)
    heads.project(in_proj_weight, [q_proj_weight, k_proj_weight, v_proj_weight], in_proj_bias)
    heads.add_keys(bias_k, bias_v, static_k, static_v, add_zero_attn)
    p = float(dropout_p) if training else 0.0
    out, weights = heads.attend(p, average_attn_weights) if need_weights else (heads.attend_at_once(p), None)
    out = heads.joined(out, out_proj_weight, out_proj_bias)
    return (out, weights) if batched else (out.squeeze(1), None if weights is None else weights.squeeze(0))


class Heads:
    """One call of multi-head attention, on its way from the inputs to the result.

    Attributes:
        inputs: query, key and value, (length, rows, features).
        length, rows, features: of the query.
        count: number of heads.
        width: features of a head.
        separate: whether each input has a projection of its own.
        padding, mask: what to add to the scores for keys, and for pairs of queries and keys; None for nothing.
        is_causal: whether attention is told to be causal.
        q, k, v: (rows * heads, length, features of a head) once projected.
    """

    def __init__(self, q: Tensor, k: Tensor, v: Tensor, features: Any, count: Any, separate: bool) -> None:
        self.inputs: tuple[Tensor, Tensor, Tensor] = (q, k, v)
        self.width: int = check_features(q, k, v, features, count, separate)
        self.length: int = q.shp[0]
        self.rows: int = q.shp[1]
        self.features: int = q.shp[2]
        self.count: int = int(count)
        self.separate: bool = separate
        self.padding: Any = None
        self.mask: Any = None
        self.is_causal: bool = False
        self.q: Tensor = q
        self.k: Tensor = k
        self.v: Tensor = v

    def set_masks(self, padding: Any, mask: Any, is_causal: bool, need_weights: bool) -> None:
        """Check the masks and bring them to the form that is added to the scores."""
        q, k, _ = self.inputs
        self.padding, mask, self.is_causal = masks(padding, mask, q, is_causal, need_weights)
        self.mask = mask_of_pairs(mask, self.length, k.shp[0], self.rows * self.count)

    def project(self, packed: Any, weights: list[Any], bias: Any) -> None:
        """The linear projections of query, key and value."""
        q, k, v = self.inputs
        if self.separate:
            self.q, self.k, self.v = separate_projections(q, k, v, weights, bias)
        else:
            self.q, self.k, self.v = packed_projections(q, k, v, packed, bias)

    def add_keys(self, bias_k: Any, bias_v: Any, static_k: Any, static_v: Any, add_zero: bool) -> None:
        """Further keys and values; then all divided into heads."""
        if bias_k is not None and bias_v is not None:
            refuse(static_k is not None, "bias cannot be added to static key.")
            refuse(static_v is not None, "bias cannot be added to static value.")
            self.k = cat([self.k, bias_k.repeat(1, self.rows, 1)])
            self.v = cat([self.v, bias_v.repeat(1, self.rows, 1)])
            self.one_more_key()
        refuse(bias_k is not None and bias_v is None, "bias_k is set but bias_v is None")
        refuse(bias_v is not None and bias_k is None, "bias_v is set but bias_k is None")
        total = self.rows * self.count
        self.q = in_heads(self.q, total, self.width)
        self.k = self.static_or("static_k", static_k, self.k)
        self.v = self.static_or("static_v", static_v, self.v)
        if add_zero:
            zeros = (total, 1, self.width)
            self.k = cat([self.k, self.k.new_zeros(zeros)], 1)
            self.v = cat([self.v, self.v.new_zeros(zeros)], 1)
            self.one_more_key()
        self.mask = merged(self.mask, self.padding, self.rows, self.count, self.k.shp[1])

    def one_more_key(self) -> None:
        """Let a further key take part."""
        self.mask, self.padding = with_key(self.mask), with_key(self.padding)

    def static_or(self, name: str, given: Any, projected: Tensor) -> Tensor:
        """Given keys or values, or else the projected ones."""
        if given is None:
            return in_heads(projected, self.rows * self.count, self.width)
        return checked_static(name, given, self.rows * self.count, self.width)

    def attend(self, p: float, average: bool) -> tuple[Tensor, Any]:
        """Attention step by step: (queries, rows * heads, features of a head), and the weights."""
        mask = self.mask
        scaled = self.q * math.sqrt(1.0 / self.width)
        turned = self.k.transpose(-2, -1)
        scores = bmm(scaled, turned) if mask is None else baddbmm(mask, scaled, turned)
        weights = scores.softmax(-1)
        if p > 0.0:
            weights = dropout(weights, p)
        out = bmm(weights, self.v).transpose(0, 1)
        each = weights.view((self.rows, self.count, self.length, self.k.shp[1]))
        return out, each.mean(1) if average else each

    def attend_at_once(self, p: float) -> Tensor:
        """Attention as one operator: (queries, rows, heads, features of a head)."""
        keys = self.k.shp[1]
        mask = self.mask
        if mask is not None:
            mask = mask.unsqueeze(0) if mask.shp[0] == 1 else mask.view((self.rows, self.count, mask.shp[1], keys))
        q, k, v = [t.view((self.rows, self.count, t.shp[1], self.width)) for t in (self.q, self.k, self.v)]
        return scaled_dot_product_attention(q, k, v, mask, p, self.is_causal).permute(2, 0, 1, 3)

    def joined(self, out: Tensor, weight: Tensor, bias: Any) -> Tensor:
        """The heads side by side, projected: (queries, rows, features)."""
        out = linear(out.reshape((self.length * self.rows, self.features)), weight, bias)
        found: Tensor = out.view((self.length, self.rows, out.shp[1]))
        return found


def refuse(wrong: bool, text: str) -> None:
    """Raise PyTorch's AssertionError."""
    if wrong:
        raise AssertionError(text)


def check_shapes(q: Tensor, k: Tensor, v: Tensor, padding: Any, mask: Any, heads: int) -> bool:
    """Refuse numbers of dimensions that do not fit; True for input with rows."""
    dims = len(q.shp)
    if dims not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor")
    start = f"For {'batched (3-D)' if dims == 3 else 'unbatched (2-D)'} `query`, expected"
    if len(k.shp) != dims or len(v.shp) != dims:
        raise AssertionError(
            f"{start} `key` and `value` to be {dims}-D but found {len(k.shp)}-D and {len(v.shp)}-D tensors respectively"
        )
    if padding is not None and len(padding.shp) != dims - 1:
        raise AssertionError(
            f"{start} `key_padding_mask` to be `None` or {dims - 1}-D but found {len(padding.shp)}-D tensor instead"
        )
    if mask is not None and len(mask.shp) not in (2, 3):
        raise AssertionError(f"{start} `attn_mask` to be `None`, 2-D or 3-D but found {len(mask.shp)}-D tensor instead")
    if mask is not None and dims == 2 and len(mask.shp) == 3 and mask.shp != (heads, q.shp[0], k.shp[0]):
        raise AssertionError(f"Expected `attn_mask` shape to be {(heads, q.shp[0], k.shp[0])} but got {mask.shp!r}")
    return dims == 3


def check_features(q: Tensor, k: Tensor, v: Tensor, features: Any, heads: Any, separate: bool) -> int:
    """Features of one head."""
    found = q.shp[2]
    if found != features:
        raise AssertionError(f"was expecting embedding dimension of {features}, but got {found}")
    width: int = found // heads
    if width * heads != found:
        raise AssertionError(f"embed_dim {found} not divisible by num_heads {heads}")
    if separate and k.shp[:2] != v.shp[:2]:
        raise AssertionError(f"key's sequence and batch dims {k.shp[:2]!r} do not match value's {v.shp[:2]!r}")
    if not separate and k.shp != v.shp:
        raise AssertionError(f"key shape {k.shp!r} does not match value shape {v.shp!r}")
    return width


def masks(padding: Any, mask: Any, q: Tensor, is_causal: bool, need_weights: bool) -> tuple[Any, Any, bool]:
    """Both masks with 0 and minus infinity, and whether the operator is told that it is causal."""
    if padding is not None:
        check_mask("key_padding_mask", padding)
        if mask is not None and mask.dt is not padding.dt:
            warnings.warn(
                "Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type for both instead.",
                UserWarning,
                stacklevel=4,
            )
        padding = excluding(padding, q)
    if is_causal and mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and padding is None and not need_weights:
        return None, None, True
    if mask is not None:
        check_mask("attn_mask", mask)
        mask = excluding(mask, q)
    return padding, mask, is_causal and padding is None


def check_mask(name: str, mask: Any) -> None:
    """Masks are bool or floating."""
    if mask.dt is not bool_ and mask.dt.category != FLOATING:
        raise AssertionError(f"only bool and floating types of {name} are supported")


def excluding(mask: Any, q: Tensor) -> Any:
    """A mask that is True for what does not take part, as numbers to add."""
    return as_floating(mask.logical_not(), q) if mask.dt is bool_ else mask


def mask_of_pairs(mask: Any, length: int, keys: int, rows: int) -> Any:
    """The mask of queries and keys with three dimensions."""
    if mask is None:
        return None
    if len(mask.shp) == 2:
        if mask.shp != (length, keys):
            raise RuntimeError(f"The shape of the 2D attn_mask is {mask.shp!r}, but should be {(length, keys)}.")
        return mask.unsqueeze(0)
    if mask.shp != (rows, length, keys):
        raise RuntimeError(f"The shape of the 3D attn_mask is {mask.shp!r}, but should be {(rows, length, keys)}.")
    return mask


def packed_projections(q: Tensor, k: Tensor, v: Tensor, weight: Any, bias: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Projections with one matrix for all three: as one product where the inputs are the same tensor."""
    refuse(weight is None, "use_separate_proj_weight is False but in_proj_weight is None")
    features = q.shp[2]
    if k is v and q is k:
        found = several(linear(q, weight, bias), 3, features)
        return found[0], found[1], found[2]
    if k is v:
        parts = weight.split([features, 2 * features])
        biases = [None, None] if bias is None else bias.split([features, 2 * features])
        pair = several(linear(k, parts[1], biases[1]), 2, features)
        return linear(q, parts[0], biases[0]), pair[0], pair[1]
    thirds = weight.chunk(3)
    biases = [None, None, None] if bias is None else bias.chunk(3)
    return linear(q, thirds[0], biases[0]), linear(k, thirds[1], biases[1]), linear(v, thirds[2], biases[2])


def several(t: Tensor, count: int, features: int) -> Any:
    """The last dimension divided into ``count`` parts, contiguous each.

    By ``unbind``, where PyTorch indexes: its gradient is one array, not a sum of arrays of zeros with one part each.
    """
    return t.unflatten(-1, (count, features)).unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous().unbind(0)


def separate_projections(
    q: Tensor, k: Tensor, v: Tensor, weights: list[Any], bias: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Projections with a matrix for each, which may start from different numbers of features."""
    features = q.shp[2]
    for name, weight, t in zip(("query", "key", "value"), weights, (q, k, v), strict=True):
        refuse(weight is None, f"use_separate_proj_weight is True but {name[0]}_proj_weight is None")
        if weight.shp != (features, t.shp[2]):
            raise AssertionError(f"expecting {name} weights shape of {(features, t.shp[2])}, but got {weight.shp!r}")
    biases = [None, None, None] if bias is None else bias.chunk(3)
    return linear(q, weights[0], biases[0]), linear(k, weights[1], biases[1]), linear(v, weights[2], biases[2])


def in_heads(t: Tensor, rows: int, width: int) -> Tensor:
    """(length, rows, features) as (rows * heads, length, features of a head)."""
    found: Tensor = t.view((t.shp[0], rows, width)).transpose(0, 1)
    return found


def checked_static(name: str, t: Tensor, rows: int, width: int) -> Tensor:
    """Given keys or values in place of projected ones."""
    for place, wanted in ((0, rows), (2, width)):
        if t.shp[place] != wanted:
            raise AssertionError(f"expecting {name}.size({place}) of {wanted}, but got {t.shp[place]}")
    return t


def with_key(mask: Any) -> Any:
    """A mask with a further key that takes part."""
    return None if mask is None else cat([mask, mask.new_zeros((*mask.shp[:-1], 1))], -1)


def merged(mask: Any, padding: Any, rows: int, heads: int, keys: int) -> Any:
    """The mask of pairs, with that of the keys added."""
    if padding is None:
        return mask
    if padding.shp[0] != rows:
        raise AssertionError(f"Expected key_padded_mask.shape[0] to be {rows}, but got {padding.shp[0]}")
    if padding.shp[1] != keys:
        raise AssertionError(f"Expected key_padded_mask.shape[1] to be {keys}, but got {padding.shp[1]}")
    spread = padding.view((rows, 1, 1, keys)).expand((-1, heads, -1, -1)).reshape((rows * heads, 1, keys))
    return spread if mask is None else mask + spread
