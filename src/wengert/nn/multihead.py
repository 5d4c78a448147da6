"""Multi-head attention."""

from __future__ import annotations

from typing import Any

from .._gen.functions import empty
from .._tensor import Tensor
from . import functional as F
from . import init
from .linear import Linear
from .module import Module
from .parameter import Parameter


class NonDynamicallyQuantizableLinear(Linear):
    """``Linear`` under the name that PyTorch shows for the output projection of attention."""


class MultiheadAttention(Module):
    """Attention in several parts of the features, between linear projections.

    Args:
        embed_dim: features of the query and of the result.
        num_heads: number of parts; divides ``embed_dim``.
        dropout: probability with which attention weights are set to 0 in training.
        bias: False leaves the biases of the projections out.
        add_bias_kv: whether there are a further key and value to learn.
        add_zero_attn: whether a key and a value of zeros are added.
        kdim, vdim: features of keys and values; ``embed_dim`` when not given.
        batch_first: whether inputs are (rows, length, features), not (length, rows, features).

    Raises:
        ValueError, AssertionError: for sizes that do not fit.

    Source: Vaswani et al. 2017, section 3.2.2.
    """

    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        self._make(bias, add_bias_kv, device, dtype)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _make(self, bias: bool, add_bias_kv: bool, device: Any, dtype: Any) -> None:
        """The parameters: one matrix for all three inputs if they have the same features, else three."""
        embed_dim = self.embed_dim
        shapes: dict[str, tuple[int, ...] | None] = {
            "q_proj_weight": (embed_dim, embed_dim),
            "k_proj_weight": (embed_dim, self.kdim),
            "v_proj_weight": (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim),
            "in_proj_bias": (3 * embed_dim,) if bias else None,
        }
        apart = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        for name in apart if self._qkv_same_embed_dim else ("in_proj_weight",):
            shapes[name] = None
        for name, shape in shapes.items():
            value = None if shape is None else Parameter(empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, value)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        for name in ("bias_k", "bias_v"):
            size = (1, 1, embed_dim)
            setattr(self, name, Parameter(empty(size, device=device, dtype=dtype)) if add_bias_kv else None)

    def _reset_parameters(self) -> None:
        """Glorot's uniform values for the weights, normal ones for the further key and value, biases 0."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.constant_(bias, 0.0)
        for value in (self.bias_k, self.bias_v):
            if value is not None:
                init.xavier_normal_(value)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The result, of the query's shape, and the attention weights.

        Args:
            query: (length, rows, embed_dim), (rows, length, embed_dim) with ``batch_first``, or (length, embed_dim).
            key, value: likewise, with ``kdim`` and ``vdim`` features.
            key_padding_mask: (rows, keys) or (keys,); True, or minus infinity, for keys that do not take part.
            need_weights: whether the weights are returned; without them the computation is faster.
            attn_mask: (queries, keys) or (rows * heads, queries, keys); True, or minus infinity, for pairs that do not take part.
            average_attn_weights: whether the weights are averaged over the heads.
            is_causal: says that ``attn_mask`` is the causal one.
        """
        turned = self.batch_first and query.dim() == 3
        if turned:
            # The same tensor stays the same: its projections are then one product.
            k = key.transpose(1, 0)
            query, value = (k if x is key else x.transpose(1, 0) for x in (query, value))
            key = k
        options: dict[str, Any] = {f"{name}_proj_weight": getattr(self, f"{name}_proj_weight") for name in "qkv"}
        options |= {"key_padding_mask": key_padding_mask, "attn_mask": attn_mask, "is_causal": is_causal}
        options |= {"need_weights": need_weights, "average_attn_weights": average_attn_weights}
        out, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            self.training,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            **options,
        )
        return out.transpose(1, 0) if turned else out, weights
