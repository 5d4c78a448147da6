"""The graph's tools: edges, hooks on several tensors, what happens to saved tensors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .._core import modes
from .._core.backward import GradientEdge as GradientEdge
from .._core.backward import get_gradient_edge as get_gradient_edge
from .._core.graph import Node as Node
from .._core.graph import target_of
from .._core.hooks import RemovableHandle
from .._core.tensor_base import TensorBase, bump, version_of

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class saved_tensors_hooks:
    """Pass every tensor saved inside through ``pack_hook``, and back through ``unpack_hook`` when it is needed.

    Args:
        pack_hook: takes the tensor, returns anything.
        unpack_hook: takes what ``pack_hook`` returned, returns a tensor.

    Only the innermost pair is used.
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        thread = modes.thread_modes()
        if thread.saved_hooks_disabled is not None:
            raise RuntimeError(thread.saved_hooks_disabled)
        thread.saved_hooks.append((self.pack_hook, self.unpack_hook))
        modes.settle(thread)

    def __exit__(self, *exc: object) -> None:
        thread = modes.thread_modes()
        thread.saved_hooks.pop()
        modes.settle(thread)


class save_on_cpu(saved_tensors_hooks):
    """Keep saved tensors as copies in main memory (here: everything is there already, so values are copied).

    Args:
        pin_memory: ignored.
        device_type: ignored.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: t.detach().clone(), lambda packed: packed)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Make entering ``saved_tensors_hooks`` an error with this message."""
    thread = modes.thread_modes()
    if thread.saved_hooks:
        raise RuntimeError(error_message)
    before = thread.saved_hooks_disabled
    thread.saved_hooks_disabled = error_message
    try:
        yield
    finally:
        thread.saved_hooks_disabled = before


def increment_version(tensor: Any) -> None:
    """Count a write to the tensor (or to each of several) that was not made through it."""
    tensors = [tensor] if isinstance(tensor, TensorBase) else list(tensor)
    for t in tensors:
        if not isinstance(t, TensorBase):
            raise RuntimeError("increment_version expects each element of the iterable to be a tensor")
    for t in tensors:
        bump(t)


class _Handle:
    """What the pack hook leaves in the graph."""

    __slots__ = ("tensor", "value", "version")

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor
        self.version = int(version_of(tensor))
        self.value = tensor.detach().clone()


_MUTATION = threading.local()


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[None]:
    """Inside, tensors that were saved may be changed in place: gradients use the values they had.

    The backward pass must run inside too. A saved tensor is copied when it is saved.
    """
    if getattr(_MUTATION, "active", False):
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    _MUTATION.active = True

    def pack(t: Any) -> _Handle:
        return _Handle(t)

    def unpack(handle: _Handle) -> Any:
        if not getattr(_MUTATION, "active", False):
            raise AssertionError("Trying to backward outside of the 'allow_mutation_on_saved_tensors' context")
        tensor = handle.tensor
        return tensor if int(version_of(tensor)) == handle.version else handle.value

    try:
        with saved_tensors_hooks(pack, unpack):
            yield
    finally:
        _MUTATION.active = False


def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable[[Any], Any], *, mode: str = "all") -> RemovableHandle:
    """Call ``fn`` once per backward pass when gradients of several tensors are ready.

    Args:
        tensors: tensors that require grad.
        fn: with ``mode="all"`` takes the list of gradients (None for tensors that took no part); with ``"any"`` the first one.
        mode: ``"all"`` or ``"any"``.

    Returns:
        A handle that removes the hook.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    watch = _AllReady(tensors, fn) if mode == "all" else _AnyReady(fn)
    handles = [t.register_hook(watch.hook_for(i)) for i, t in enumerate(tensors)]
    return _Handles(handles)


class _Handles(RemovableHandle):
    """Removes several hooks at once."""

    def __init__(self, handles: list[RemovableHandle]) -> None:
        super().__init__({}, None)
        self.handles = handles

    def remove(self) -> None:
        """Take all hooks away."""
        for handle in self.handles:
            handle.remove()


def current_task() -> Any:
    """The backward pass that is running on this thread."""
    return modes.thread_modes().task


class _AnyReady:
    """The first gradient of a pass."""

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self.fn = fn
        self.task: Any = None
        self.lock = threading.Lock()

    def hook_for(self, index: int) -> Callable[[Any], None]:
        """The hook of one tensor."""

        def hook(grad: Any) -> None:
            task = current_task()
            with self.lock:
                if self.task is task:
                    return
                self.task = task
            self.fn(grad)

        return hook


class _AllReady:
    """All gradients of a pass that come."""

    def __init__(self, tensors: Sequence[Any], fn: Callable[[Any], Any]) -> None:
        self.nodes = [target_of(get_gradient_edge(t).node) for t in tensors]
        self.fn = fn
        self.states: dict[int, list[Any]] = {}
        self.lock = threading.Lock()

    def hook_for(self, index: int) -> Callable[[Any], None]:
        """The hook of one tensor."""

        def hook(grad: Any) -> None:
            task = current_task()
            with self.lock:
                state = self.states.get(id(task))
                if state is None:
                    state = [[None] * len(self.nodes), self.expected(task), 0, task]
                    self.states[id(task)] = state
                state[0][index] = grad
                state[2] += 1
                complete = state[2] == state[1]
                if complete:
                    del self.states[id(task)]
            if complete:
                self.fn(state[0])

        return hook

    def expected(self, task: Any) -> int:
        """How many of the tensors take part in this pass."""
        return sum(1 for node in self.nodes if takes_part(task, node))


def takes_part(task: Any, node: Any) -> bool:
    """Whether the pass runs (or has run) this node."""
    if task.needed is not None:
        return node in task.needed or node in task.captures
    return id(node) in task.leaves or node is task.running or node in task.members()
