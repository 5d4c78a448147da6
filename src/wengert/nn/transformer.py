"""Transformers: encoders and decoders of attention and feed-forward layers.

Source: Vaswani et al. 2017; Xiong et al. 2020 for normalisation in front (``norm_first``).
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

from .._core.dtypes import bool_
from .._gen.functions import full, zeros_like
from .._tensor import Tensor
from . import functional as F
from . import init
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .multihead import MultiheadAttention
from .normalization import LayerNorm


class _Block(Module):
    """What the layers of encoder and decoder share: a feed-forward part of two linear layers."""

    activation: Any

    def _set_activation(self, activation: Any) -> None:
        """The function between the linear layers, given as one or by its name."""
        if isinstance(activation, str):
            if activation not in ("relu", "gelu"):
                raise RuntimeError(f"activation should be relu/gelu, not {activation}")
            activation = F.relu if activation == "relu" else F.gelu
        self.activation = activation

    def _fed_forward(self, x: Tensor) -> Tensor:
        """Both linear layers."""
        out: Tensor = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return out


class TransformerEncoderLayer(_Block):
    """Self-attention and a feed-forward part, each added to its input and normalised.

    Args:
        d_model: features of input and result.
        nhead: number of heads of attention.
        dim_feedforward: features between the two linear layers.
        dropout: probability of dropout in all parts.
        activation: ``"relu"``, ``"gelu"`` or a function, between the linear layers.
        layer_norm_eps: added to variances.
        batch_first: whether input and result are (rows, length, features), not (length, rows, features).
        norm_first: whether each part's input is normalised, not the sum behind it.
        bias: False leaves all biases out.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        made: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **made)
        self.linear1 = Linear(d_model, dim_feedforward, **made)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **made)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self._set_activation(activation)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Result of the shape of ``src``; masks as for ``MultiheadAttention``."""
        padding = _canonical(src_key_padding_mask, "src_key_padding_mask", src_mask, "src_mask", src)
        mask = _canonical(src_mask, "src_mask", None, "", src)
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), mask, padding, is_causal)
            out: Tensor = x + self._ff_block(self.norm2(x))
            return out
        x = self.norm1(x + self._sa_block(x, mask, padding, is_causal))
        out = self.norm2(x + self._ff_block(x))
        return out

    def _sa_block(self, x: Tensor, mask: Any, padding: Any, is_causal: bool = False) -> Tensor:
        """Self-attention."""
        found = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal
        )
        out: Tensor = self.dropout1(found[0])
        return out

    def _ff_block(self, x: Tensor) -> Tensor:
        """The feed-forward part."""
        out: Tensor = self.dropout2(self._fed_forward(x))
        return out


class TransformerDecoderLayer(_Block):
    """Self-attention, attention to a memory, and a feed-forward part; arguments as for ``TransformerEncoderLayer``."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        made: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **made)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **made)
        self.linear1 = Linear(d_model, dim_feedforward, **made)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **made)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self._set_activation(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Result of the shape of ``tgt``; masks as for ``MultiheadAttention``, for ``tgt`` and for ``memory``."""
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._mha_block(self.norm2(x), memory, *other)
            out: Tensor = x + self._ff_block(self.norm3(x))
            return out
        x = self.norm1(x + self._sa_block(x, *own))
        x = self.norm2(x + self._mha_block(x, memory, *other))
        out = self.norm3(x + self._ff_block(x))
        return out

    def _sa_block(self, x: Tensor, mask: Any, padding: Any, is_causal: bool = False) -> Tensor:
        """Self-attention."""
        found = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, is_causal=is_causal, need_weights=False
        )
        out: Tensor = self.dropout1(found[0])
        return out

    def _mha_block(self, x: Tensor, mem: Tensor, mask: Any, padding: Any, is_causal: bool = False) -> Tensor:
        """Attention to the memory."""
        found = self.multihead_attn(
            x, mem, mem, attn_mask=mask, key_padding_mask=padding, is_causal=is_causal, need_weights=False
        )
        out: Tensor = self.dropout2(found[0])
        return out

    def _ff_block(self, x: Tensor) -> Tensor:
        """The feed-forward part."""
        out: Tensor = self.dropout3(self._fed_forward(x))
        return out


class TransformerEncoder(Module):
    """Several encoder layers one after the other.

    Args:
        encoder_layer: the layer of which each is a copy.
        num_layers: their number.
        norm: applied to the result.
        enable_nested_tensor: accepted, there are no nested tensors.
        mask_check: accepted.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Result of the shape of ``src``.

        Args:
            src: (length, rows, d_model), or (rows, length, d_model) for layers with ``batch_first``.
            mask, src_key_padding_mask: for all layers.
            is_causal: whether ``mask`` is the causal one; looked up when None.
        """
        padding = _canonical(src_key_padding_mask, "src_key_padding_mask", mask, "mask", src)
        mask = _canonical(mask, "mask", None, "", src)
        causal = _is_causal(mask, is_causal)
        out = src
        for layer in self.layers:
            out = layer(out, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        return out if self.norm is None else self.norm(out)


class TransformerDecoder(Module):
    """Several decoder layers one after the other.

    Args:
        decoder_layer: the layer of which each is a copy.
        num_layers: their number.
        norm: applied to the result.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Result of the shape of ``tgt``; arguments as for the layers, ``tgt_is_causal`` is looked up when None."""
        causal = _is_causal(tgt_mask, tgt_is_causal)
        out = tgt
        for layer in self.layers:
            out = layer(
                out,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return out if self.norm is None else self.norm(out)


class Transformer(Module):
    """An encoder, and a decoder that attends to what it gives.

    Args:
        d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias: as for
            ``TransformerEncoderLayer``.
        num_encoder_layers, num_decoder_layers: numbers of layers.
        custom_encoder, custom_decoder: modules in place of those that would be made.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        made: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first)
        super().__init__()
        if custom_encoder is None:
            layer = TransformerEncoderLayer(*sizes, **made)
            norm = LayerNorm(d_model, eps=layer_norm_eps, **made)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        self.encoder = custom_encoder
        if custom_decoder is None:
            other = TransformerDecoderLayer(*sizes, **made)
            norm = LayerNorm(d_model, eps=layer_norm_eps, **made)
            custom_decoder = TransformerDecoder(other, num_decoder_layers, norm)
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Result of the shape of ``tgt``.

        Raises:
            RuntimeError: for rows or features that do not fit.
        """
        rows = 0 if self.batch_first else 1
        if src.dim() == 3 and src.size(rows) != tgt.size(rows):
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        out: Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )
        return out

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask of shape (sz, sz): minus infinity above the diagonal, 0 elsewhere."""
        return full((sz, sz), float("-inf"), device=device, dtype=dtype).triu(1)

    def _reset_parameters(self) -> None:
        """Glorot's uniform values for all matrices."""
        for param in self.parameters():
            if param.dim() > 1:
                init.xavier_uniform_(param)


def _copies(layer: Module, count: int) -> ModuleList:
    """Copies of a layer with parameters of their own, equal at first."""
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


def _canonical(mask: Any, name: str, other: Any, other_name: str, like: Tensor) -> Any:
    """A mask of numbers to add: minus infinity where a mask of truth values is True.

    Raises:
        AssertionError: for a mask of integers.
    """
    if mask is None:
        return None
    floating = mask.is_floating_point()
    if not floating and mask.dtype is not bool_:
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and other.dtype != mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=4,
        )
    return mask if floating else zeros_like(mask, dtype=like.dtype).masked_fill_(mask, float("-inf"))


def _is_causal(mask: Any, given: bool | None) -> bool:
    """Whether a mask is the causal one: as was said, or else by its values."""
    if given is not None or mask is None:
        return bool(given)
    size = mask.size(-2)
    if tuple(mask.shape) != (size, size):
        return False
    causal = Transformer.generate_square_subsequent_mask(size, dtype=mask.dtype if mask.is_floating_point() else None)
    return bool((mask == causal).all())
