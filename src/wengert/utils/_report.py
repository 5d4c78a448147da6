"""The log of a checkpoint with ``debug=True``: what was saved in the first run and in the second, and from where."""

from __future__ import annotations

import sys
from itertools import zip_longest
from typing import Any

from .._core import errors, modes

HEAD = """An error happened while unpacking tensors; dumping logs of latest computation
because you passed `debug=True` to `torch.utils.checkpoint.checkpoint()`.

Tensors that were saved, in order; `!` marks what the original forward and the recomputation do not have in common:
"""


def entry(x: Any) -> str:
    """``torch.float32 [2], result of exp, saved at train.py:12   y = x.exp()``."""
    node = x.grad_fn
    made = "a leaf" if node is None else f"result of {errors.operator_name(node)}"
    frame = modes.user_frame(sys._getframe())
    return f"{x.dtype} {errors.shape_text(x.shape)}, {made}, saved at {errors.source_line(frame.f_code, frame.f_lasti)}"


def text(first: list[str], second: list[str]) -> str:
    """Both logs, entry by entry, and what to do."""
    lines = []
    for i, (before, after) in enumerate(zip_longest(first, second)):
        if before == after:
            lines.append(f"  {i}: {before}")
            continue
        lines.append(f"! {i}: original forward: {before or 'nothing'}")
        lines.append(f"     recomputation:    {after or 'nothing'}")
    return HEAD + "\n".join(lines) + TAIL


TAIL = """

 ERROR: Detected non-determinism while running activation checkpointing

The function must compute the same when it runs for the second time: look at the first line marked `!`. Usual causes are
global state that changed, a branch on something random, and a mode (train/eval, autocast) that differs in backward().
"""
