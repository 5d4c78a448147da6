"""Where a gradient ends: added into ``.grad`` of a leaf; and sums of gradients on the way there."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, Final

import numpy as np

from ..kernels import arrays, copied, row_major
from . import errors
from .modes import MODES, is_inference_mode_enabled, thread_modes
from .tensor_base import Meta, TensorBase, bump, from_array, gradient_edge, is_dense, requires_grad
from .unwritten import Unwritten

_getrefcount: Final[Any] = sys.getrefcount
_ndarray: Final[Any] = np.ndarray
_add: Final[Any] = arrays.add
_owned: Final[Any] = arrays.owned
_add_into: Final[Any] = arrays.add_into

# Note [Accumulation is one step]
#     Adding into ``.grad`` reads, adds and writes; of two threads that do it at once, one would lose its gradient (NumPy gives
#     the interpreter away while it adds large arrays, so this holds for compiled code too). One lock for all leaves: a lock
#     of its own for each leaf would have to be made for each. It is re-entrant, for the garbage collector may run anything
#     anywhere. Who forks holds it: the child has no thread that would release it, and no gradient that is half added.
ACCUMULATION: Final[Any] = threading.RLock()
_acquire: Final[Any] = ACCUMULATION.acquire
_release: Final[Any] = ACCUMULATION.release
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_acquire, after_in_parent=_release, after_in_child=_release)


class Ownership:
    """Reference counts of a gradient that nobody but the engine holds; measured at import, see ``calibrate``."""

    def __init__(self) -> None:
        self.probe: bool = False
        self.tensor: int = 0
        self.array: int = 0
        self.base: int = 0
        self.root: int = 0
        self.root_array: int = 0
        self.lent_tensor: int = 0
        self.lent_array: int = 0


OWN: Final = Ownership()
LARGE: Final = 1 << 14  # elements: memory of smaller gradients costs next to nothing


def accumulate_into(leaf: TensorBase, grad: TensorBase | None) -> None:
    """Add a gradient that somebody else may hold as well into ``leaf.grad``; then the post-accumulate hooks."""
    meta = leaf.ensure_meta()
    if grad is not None and requires_grad(leaf):
        with ACCUMULATION:
            meta.grad = accumulated(leaf, meta, grad, False)
    if meta.post_hooks is not None:
        for hook in list(meta.post_hooks.values()):
            result = hook(leaf)
            if result is not None and not isinstance(result, TensorBase):
                raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")


def accumulate_grad(leaf: TensorBase, grad: TensorBase) -> None:
    """Add a gradient into ``leaf.grad``, taking its memory over when nobody else holds it.

    Note [Stealing gradients]
        The first gradient of a leaf becomes ``.grad`` without a copy if the engine is its only owner. Owners are counted by
        reference counts, against those of a gradient known to be fresh, measured on this very path at import. The gradient of
        ``x.view(...)`` is itself a view, of an array that often nobody else holds any more.
    """
    if OWN.probe:
        OWN.tensor = _getrefcount(grad)
        OWN.array = _getrefcount(grad.array)
        return
    if not requires_grad(leaf):
        return
    _acquire()  # Note [Accumulation is one step]; compiled, a ``with`` statement looks its methods up every time
    try:
        meta = leaf.meta
        if meta is None:
            meta = leaf.ensure_meta()
        alone = meta.grad is None and _getrefcount(grad) <= OWN.tensor and _getrefcount(grad.array) <= OWN.array
        meta.grad = accumulated(leaf, meta, grad, alone)
    finally:
        _release()


def may_overwrite(grad: TensorBase) -> bool:
    """Whether the node that runs may write to its gradient: a large array of the engine's own, see Note [Lent gradients].

    To be called by ``vjp`` on its argument: owners are counted as in Note [Stealing gradients].
    """
    array = grad.array
    if OWN.probe:
        OWN.lent_tensor = _getrefcount(grad)
        OWN.lent_array = _getrefcount(array)
        return False
    if array.size < LARGE or array.base is not None or not array.flags.carray:
        return False
    owners: int = _getrefcount(grad)
    holders: int = _getrefcount(array)
    return owners <= OWN.lent_tensor and holders <= OWN.lent_array


def accumulated(leaf: TensorBase, meta: Meta, grad: TensorBase, alone: bool) -> TensorBase:
    """The leaf's new gradient."""
    if gradient_edge(leaf) is not leaf:
        raise RuntimeError("leaf variable has been moved into the graph interior")
    old = meta.grad
    if grad.shp is not leaf.shp and grad.shp != leaf.shp:
        grad = reshaped(grad, leaf)
    wanted = meta.grad_dtype if meta.grad_dtype_set else leaf.dt
    if wanted is not None and grad.dt is not wanted:
        grad = cast(grad, wanted)
        alone = False
    recording = thread_modes().grad
    if old is None:
        if recording:
            copied: TensorBase = copy_recorded(grad)
            return copied
        return first_gradient(leaf, grad, alone)
    if recording:
        return add(old, grad)
    if old.inference and not is_inference_mode_enabled():
        raise errors.inference_inplace()
    target = old.array
    if not isinstance(target, _ndarray):
        old.array = _add(target, grad.array)
    elif old.dt is grad.dt:
        _add_into(target, grad.array, target)
    else:
        np.add(target, grad.array, out=target, casting="unsafe")
    bump(old)
    return old


def reshaped(grad: Any, leaf: TensorBase) -> TensorBase:
    """The gradient of a leaf that has got another shape since it was used: possible where only dimensions of size 1 differ."""
    if [n for n in grad.shp if n != 1] != [n for n in leaf.shp if n != 1]:
        text = str(errors.broadcast(leaf.shp, grad.shp, "gradient"))
        raise RuntimeError(
            errors.with_hints(
                text, "the leaf has got another shape since it was used (.data, or in place under no_grad)"
            )
        )
    found: TensorBase = grad.reshape(leaf.shp)
    return found


def first_gradient(leaf: TensorBase, grad: TensorBase, alone: bool) -> TensorBase:
    """The gradient itself when it is the engine's own, else a copy laid out as the leaf."""
    array = grad.array
    if not isinstance(array, _ndarray):
        return _tensor.Tensor(array, grad.dt, grad.shp)
    if alone and _owned(array, leaf.array):
        return detached_grad(grad)
    if alone and array.flags.writeable and is_alone_in_memory(grad, array):
        if array.strides == leaf.array.strides or array.flags.c_contiguous == leaf.array.flags.c_contiguous:
            return detached_grad(grad)
    if array.strides == leaf.array.strides and array.flags.forc:
        return _tensor.Tensor(copied(array), grad.dt, grad.shp)
    if leaf.array.flags.c_contiguous:
        return _tensor.Tensor(row_major(array), grad.dt, grad.shp)
    out = like_leaf(leaf, array)
    out[...] = array
    return _tensor.Tensor(out, grad.dt, grad.shp)


def is_alone_in_memory(grad: TensorBase, array: Any) -> bool:
    """Whether the memory is that of a base which nobody else holds."""
    base = array.base
    if not isinstance(base, _ndarray) or base.base is not None or base.nbytes != array.nbytes or not is_dense(array):
        return False
    info = grad.view_of
    if info is None:
        base = None  # is not to be counted
        return base_owners(array) <= OWN.base
    whole: bool = info.base.array is base
    if not whole and (info.base.array.base is not base or root_array_owners(info) > OWN.root_array):
        return False
    base = None
    return base_owners(array) <= OWN.base + 1 and root_owners(info) <= OWN.root


def base_owners(array: Any) -> int:
    """Reference count of the array whose memory this one shows."""
    count: int = _getrefcount(array.base)
    return count


def root_owners(info: ViewInfo) -> int:
    """Reference count of the tensor that a view belongs to."""
    count: int = _getrefcount(info.base)
    return count


def root_array_owners(info: ViewInfo) -> int:
    """Reference count of the array of the tensor that a view belongs to."""
    count: int = _getrefcount(info.base.array)
    return count


def detached_grad(grad: TensorBase) -> TensorBase:
    """The gradient without history."""
    if grad.fn is None and not grad.rg and grad.view_of is None:
        return grad
    return _tensor.Tensor(grad.array, grad.dt, grad.shp)


def like_leaf(leaf: TensorBase, array: Any) -> Any:
    """Uninitialised memory with the leaf's strides if it is dense without overlap, else contiguous."""
    source = leaf.array
    if isinstance(source, _ndarray) and source.shape == array.shape and is_dense(source):
        return np.empty_like(source, dtype=array.dtype, order="K", subok=False)
    return np.empty(array.shape, array.dtype)


def private_copy(grad: TensorBase) -> TensorBase:
    """A copy that shares no memory; part of the graph when the pass is recorded."""
    if thread_modes().grad:
        return copy_recorded(grad)
    return from_array(np.array(grad.array))


def copy_recorded(grad: Any) -> TensorBase:
    """A differentiable copy, the node of which is ``CopyBackwards``."""
    if not grad.requires_grad:
        return from_array(np.array(grad.array))
    out: TensorBase = from_array(np.empty(grad.shp, grad.dt.np))
    target: Any = out
    return target.copy_(grad)  # type: ignore[no-any-return]


def cast(grad: Any, dt: Any) -> TensorBase:
    """The gradient in the dtype of the tensor it belongs to; a real tensor keeps the real part."""
    if grad.dt.is_complex and not dt.is_complex:
        grad = grad.real
    result: TensorBase = grad.to(dt)
    return result


def add(a: TensorBase, b: TensorBase) -> TensorBase:
    """Sum of two gradients, recorded when the pass is."""
    if isinstance(a, Unwritten):
        a = a.written()
    if isinstance(b, Unwritten):
        b = b.written()
    if a.shp is b.shp and a.dt is b.dt and not a.rg and not b.rg and not MODES.unusual:
        return _tensor.Tensor(_add(a.array, b.array), a.dt, a.shp)
    wide: Any = a
    result: TensorBase = wide + b
    return result


def add_to(total: TensorBase, grad: TensorBase) -> TensorBase:
    """Sum of two gradients, written over the first, which is a sum already, unless the pass is recorded."""
    array, more = total.array, grad.array
    same = total.shp is grad.shp and total.dt is grad.dt and not total.rg and not grad.rg
    if not same or MODES.unusual or not isinstance(array, _ndarray) or not isinstance(more, _ndarray):
        return add(total, grad)
    _add_into(array, more, array)
    return total


from .. import _tensor  # noqa: E402
from .views import ViewInfo  # noqa: E402
