"""The graph's tools: edges, hooks on several tensors, what happens to saved tensors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .._core import modes
from .._core.backward import GradientEdge as GradientEdge
from .._core.backward import get_gradient_edge as get_gradient_edge
from .._core.graph import Node as Node
from .._core.graph import target_of
from .._core.hooks import RemovableHandle
from .._core.tensor_base import TensorBase, bump, gradient_edge, requires_grad
from .graph_mutation import allow_mutation_on_saved_tensors as allow_mutation_on_saved_tensors
from .graph_saved import disable_saved_tensors_hooks as disable_saved_tensors_hooks
from .graph_saved import save_on_cpu as save_on_cpu
from .graph_saved import saved_tensors_hooks as saved_tensors_hooks

if TYPE_CHECKING:
    from .graph_disk import save_on_disk as save_on_disk
    from .graph_holders import holders as holders
    from .graph_memory import memory as memory

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "holders",
    "increment_version",
    "memory",
    "register_multi_grad_hook",
    "save_on_cpu",
    "save_on_disk",
    "saved_tensors_hooks",
]
_LAZY: Final = {"holders": "graph_holders", "memory": "graph_memory", "save_on_disk": "graph_disk"}


def __getattr__(name: str) -> Any:
    """Import the tools that few programs use on first use: together they are a sixth of the import time."""
    if name in _LAZY:
        return getattr(import_module(f".{_LAZY[name]}", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def increment_version(tensor: Any) -> None:
    """Count a write to the tensor (or to each of several) that was not made through it."""
    tensors = [tensor] if isinstance(tensor, TensorBase) else list(tensor)
    for t in tensors:
        if not isinstance(t, TensorBase):
            raise RuntimeError("increment_version expects each element of the iterable to be a tensor")
    for t in tensors:
        bump(t)


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
    if mode == "any":
        tensors = [t for t in tensors if requires_grad(t)]
    elif any(gradient_edge(t) is None for t in tensors):
        raise AssertionError("Expected gradient function to be set")
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
