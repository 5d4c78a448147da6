"""Copies and pickles of tensors."""

from __future__ import annotations

import copy as _copy
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .tensor_base import TensorBase, detached, from_array, memory, requires_grad

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .dtypes import Size, dtype


# The fields of TensorBase: uncompiled, an instance keeps them in the same place as the attributes of its user.
FIELDS: Final = frozenset(
    ("array", "dt", "shp", "rg", "fn", "nr", "ver", "counter", "view_of", "meta", "inference"),
)


def attributes_of(t: Any) -> dict[str, Any]:
    """The attributes that the user has given a tensor."""
    return {name: value for name, value in t.__dict__.items() if name not in FIELDS}


def deepcopy(t: Tensor, memo: Any) -> Any:
    """A leaf with its own memory, gradient and attributes; views copied together stay views of one memory.

    Raises:
        RuntimeError: for tensors with a history.
    """
    if t.grad_fn is not None:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you "
            "were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    if id(t) in memo:
        return memo[id(t)]
    out = blank(type(t), copied_memory(t, memo), t.dt, t.shp)
    out.rg = t.rg
    memo[id(t)] = out
    if t.meta is not None and t.meta.grad is not None:
        out.ensure_meta().grad = _copy.deepcopy(t.meta.grad, memo)
    out.__dict__.update(_copy.deepcopy(attributes_of(t), memo))
    return out


def blank(kind: Any, array: Any, dt: dtype, shp: Size) -> Any:
    """A leaf of a class of tensors, whatever the class wants to be made with."""
    out: Any = kind.__new__(kind)
    TensorBase.__init__(out, array, dt, shp)
    return out


def copied_memory(t: Tensor, memo: Any) -> Any:
    """The array's copy; arrays that share memory are copied once, and viewed the same way again."""
    array = memory(t)
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    key = ("memory", id(owner))
    if key not in memo:
        memo[key] = owner.copy(order="K")
        memo[("keep", id(owner))] = owner
    twin = memo[key]
    if array is owner or twin.strides != owner.strides:
        return twin if array is owner else array.copy(order="K")
    start = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    flat = np.ndarray(array.shape, array.dtype, twin, start, array.strides)
    return flat


def copy(t: Tensor) -> Any:
    """A leaf that shares the memory, without gradient."""
    out: Any = detached(t)
    out.rg = requires_grad(t)
    if t.grad_fn is not None:
        out.fn = t.fn
        out.nr = t.nr
    out.__dict__.update(attributes_of(t))
    return out


def reduce(t: Tensor) -> Any:
    """Pickle form: values, requires_grad and attributes; neither graph nor gradient."""
    if t.meta is not None and t.meta.hooks:
        import warnings

        warnings.warn(f"backward hook {t.meta.hooks!r} on tensor will not be serialized.", UserWarning, stacklevel=3)
    return rebuild, (type(t), np.array(t.array), requires_grad(t), attributes_of(t))


def rebuild(kind: Any, array: Any, needs_grad: bool, attributes: dict[str, Any]) -> Any:
    """Make a pickled tensor again."""
    plain = from_array(array)
    out = blank(kind, plain.array, plain.dt, plain.shp)
    out.rg = needs_grad
    out.__dict__.update(attributes)
    return out
