"""Causal masks for ``scaled_dot_product_attention`` where there are more keys than queries, or fewer."""

from __future__ import annotations

import warnings
from enum import IntEnum
from typing import Any

from ..._gen.functions import ones
from ..._tensor import Tensor

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """Which corner of the mask the diagonal runs through."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A mask that is True where a query sees a key.

    Args:
        variant: whether the first query sees the first key only, or the last query all keys.
        seq_len_q: number of queries.
        seq_len_kv: number of keys.
    """

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant)}")
        shift = seq_len_kv - seq_len_q if variant is CausalVariant.LOWER_RIGHT else 0
        Tensor.__init__(self, 0)
        self.data = ones((seq_len_q, seq_len_kv)).tril(shift).bool()
        self.variant = variant
        self.seq_len_q = seq_len_q
        self.seq_len_kv = seq_len_kv
        if variant is CausalVariant.LOWER_RIGHT and seq_len_q > seq_len_kv:
            warnings.warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!", stacklevel=3
            )


def causal_upper_left(*size: Any) -> CausalBias:
    """The mask (queries, keys) in which query i sees the keys up to i."""
    return CausalBias(CausalVariant.UPPER_LEFT, *_two(size))


def causal_lower_right(*size: Any) -> CausalBias:
    """The mask (queries, keys) in which the last query sees all keys, the one before all but the last, and so on."""
    return CausalBias(CausalVariant.LOWER_RIGHT, *_two(size))


def _two(size: tuple[Any, ...]) -> tuple[int, int]:
    """Both sizes of a mask."""
    if len(size) != 2:
        raise AssertionError(f"causal masks only support 2D tensors, got {len(size)}D")
    return int(size[0]), int(size[1])
