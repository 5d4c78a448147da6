"""Hooks: the handle that removes one, and the checks on what a hook returns."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from ..kernels.elders import young_again
from . import errors
from .compat import mypyc_attr
from .dtypes import tensor_type_name
from .tensor_base import TensorBase

if TYPE_CHECKING:
    from .graph import Node


class Ids:
    """Numbers for handles, unique in the process."""

    def __init__(self) -> None:
        self.next: int = 0


_IDS = Ids()


@mypyc_attr(allow_interpreted_subclasses=True)
class RemovableHandle:
    """Returned by every ``register_*hook``: ``remove()`` takes the hook away; usable as a context manager.

    Example:
        >>> handle = x.register_hook(print)  # doctest: +SKIP
        >>> handle.remove()  # doctest: +SKIP
    """

    def __init__(self, hooks: Any, hook: Any) -> None:
        self.id: int = _IDS.next
        _IDS.next += 1
        self.hooks: Any = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; again and again does no harm."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def register_tensor_hook(t: TensorBase, hook: Any) -> RemovableHandle:
    """Call ``hook(grad)`` with every gradient of ``t``.

    The hooks of a leaf belong to the leaf; those of another tensor to the node that makes it now.
    """
    fn = t.fn if t.view_of is None else views.current_fn(t)
    meta = t.ensure_meta()
    young_again(t)
    if fn is None:
        if meta.hooks is None:
            meta.hooks = OrderedDict()
        return RemovableHandle(meta.hooks, hook)
    per_output = fn.extra().tensor_hooks
    nr = int(t.nr)
    if nr not in per_output:
        per_output[nr] = OrderedDict()
    meta.hooks = per_output[nr]
    return RemovableHandle(meta.hooks, hook)


def register_post_hook(leaf: TensorBase, hook: Any) -> RemovableHandle:
    """Call ``hook(leaf)`` after a gradient was added to its ``.grad``."""
    meta = leaf.ensure_meta()
    young_again(leaf)
    if meta.post_hooks is None:
        meta.post_hooks = OrderedDict()
    return RemovableHandle(meta.post_hooks, hook)


def run_tensor_hooks(hooks: Any, grad: TensorBase | None) -> TensorBase | None:
    """Pass a gradient through the hooks of a tensor, in order of registration."""
    for hook in list(hooks.values()):
        result = hook(grad)
        if result is not None:
            check_replacement(hook, grad, result)
            grad = result
    return grad


def run_pre_hooks(hooks: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
    """Pass a node's output gradients through its pre-hooks."""
    for hook in list(hooks.values()):
        result = hook(grads)
        if result is not None:
            check_tuple(hook, grads, result)
            grads = result
    return grads


def run_post_hooks(hooks: Any, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Pass a node's input gradients through its hooks."""
    for hook in list(hooks.values()):
        result = hook(inputs, outputs)
        if result is not None:
            check_tuple(hook, inputs, result)
            inputs = result
    return inputs


def check_tuple(hook: Any, old: tuple[Any, ...], new: Any) -> None:
    """A node hook returns a tuple of the same length, each replacement like the gradient it replaces."""
    if not isinstance(new, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(new).__name__}'")
    if len(new) != len(old):
        raise RuntimeError(
            f"hook '{hook_name(hook)}' has returned an incorrect number of values (got {len(new)}, but expected {len(old)})"
        )
    for a, b in zip(old, new, strict=True):
        if b is not None:
            check_replacement(hook, a, b)


def check_replacement(hook: Any, old: Any, new: Any) -> None:
    """A replacement gradient has the shape and dtype of the gradient it replaces."""
    if not isinstance(new, TensorBase):
        raise TypeError(f"expected Variable, but hook returned '{type(new).__name__}'")
    if old is None:
        return
    if new.shp != old.shp:
        raise RuntimeError(
            errors.with_hints(
                f"hook '{hook_name(hook)}' has changed the size of value",
                f"the gradient has shape {list(old.shp)}, the hook returned {list(new.shp)}",
            )
        )
    if new.dt is not old.dt:
        raise RuntimeError(
            f"hook '{hook_name(hook)}' has changed the type of value (was {tensor_type_name(old.dt)} got "
            f"{tensor_type_name(new.dt)})"
        )


def hook_name(hook: Any) -> str:
    """Name of a callable for messages."""
    name = getattr(hook, "__name__", None)
    return name if isinstance(name, str) else type(hook).__name__


def retained_gradient(t: TensorBase, grad: TensorBase) -> None:
    """Add a gradient to a non-leaf that asked for it with ``retain_grad()``: a copy, never shared memory."""
    meta = t.ensure_meta()
    if meta.grad is None:
        meta.grad = accumulate.private_copy(grad)
    else:
        meta.grad = accumulate.add(meta.grad, grad)


def move_retained(t: TensorBase, old: Node | None, old_nr: int) -> None:
    """After an in-place operation ``retain_grad`` follows the tensor to its new node; hooks stay where they were."""
    if t.meta is None or not t.meta.retains or t.fn is None:
        return
    if old is not None and old.extras is not None:
        old.extras.retained.pop(old_nr, None)
    t.fn.extra().retained[int(t.nr)] = weakref_ref(t)


from weakref import ref as weakref_ref  # noqa: E402

from . import accumulate, views  # noqa: E402
