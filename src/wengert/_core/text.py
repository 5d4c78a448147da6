"""A tensor as text: which suffixes stand behind its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import modes, printing
from .dtypes import DEFAULTS, PREFIX

if TYPE_CHECKING:
    from .._tensor import Tensor


def tensor_repr(t: Tensor) -> str:
    """``tensor([1., 2.], grad_fn=<MulBackward0>)``."""
    return render(t, "tensor(")


def render(t: Tensor, prefix: str) -> str:
    """The text with another opening, such as that of a subclass."""
    tangent = None if t.meta is None else t.meta.tangent
    suffixes = printing.suffix_list(
        t.shp,
        t.numel(),
        PREFIX.text + t.dt.name,
        PREFIX.text + DEFAULTS.float.name,
        t.requires_grad,
        grad_fn_name(t),
        None if tangent is None else format(tangent, ""),
    )
    return printing.tensor_text(t.array, prefix=prefix, suffixes=suffixes)


def grad_fn_name(t: Tensor) -> str | None:
    """Short name of the node, ``Invalid`` when it cannot be told, None for leaves."""
    try:
        fn: Any = t.grad_fn
    except RuntimeError:
        return "Invalid"
    return None if fn is None else type(fn).__name__


def tensor_format(t: Tensor, spec: str) -> str:
    """f-strings: a 0-d tensor is formatted as its number.

    Raises:
        TypeError: for a format specification with several elements.
    """
    if len(t.shp) == 0 and modes.MODES.dual_level < 0:
        return format(t.item(), spec)
    if spec:
        raise TypeError("unsupported format string passed to Tensor.__format__")
    return repr(t)
