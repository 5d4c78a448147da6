"""One package at play: its variables, open blocks and hooks, and all that can be seen of them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .machine_steps import Step

# Known (docs/differences.md): PyTorch saves operands of these that no gradient reads.
KEEPS_MORE = re.compile(r"(?i)complex(\(|b)|index_?add|index_?copy|masked_?scatter|take|put")
VARIABLES = 12  # more are not kept: the oldest goes, and with it a piece of the graph


class World:
    """The state of a program that runs under one package."""

    def __init__(self, package: Any) -> None:
        self.torch = package
        self.variables: dict[int, Any] = {}
        self.gradients: set[int] = set()  # variables made by backward formulas, which need not be written alike
        self.blocks: list[Any] = []
        self.handles: list[Any] = []
        self.log: list[Any] = []
        self.hooks = 0

    def play(self, step: Step, number: int) -> Any:
        """Run a step, the ``number``-th of the program: its result, or the exception it raised."""
        self.log.clear()
        names = {"torch": self.torch, "t": self.variables.get(step.t), "u": self.variables.get(step.u), "w": self}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                if step.use == "run":
                    exec(step.source, names)
                    return None
                result = eval(step.source, names)
                if step.use == "open":
                    result.__enter__()
                    self.blocks.append((step.source, result))
                    return None
            except Exception as error:
                return error.with_traceback(None)
        if step.use == "keep":
            self.add(result, number)
            if "create_graph" in step.source:
                self.gradients.update(range(3 * number, 3 * number + 3))
        return result

    def add(self, result: Any, number: int) -> None:
        """Keep a tensor, or the first three of several, under numbers that no other step gives."""
        found = result if isinstance(result, (tuple, list)) else [result]
        for k, t in enumerate(found[:3]):
            if isinstance(t, self.torch.Tensor):
                if any(self.variables.get(g) is t for g in self.gradients):
                    self.gradients.add(3 * number + k)
                self.variables[3 * number + k] = t
        for old in list(self.variables)[:-VARIABLES]:
            del self.variables[old]

    def close(self) -> None:
        """Leave the innermost block."""
        if self.blocks:
            self.blocks.pop()[1].__exit__(None, None, None)

    def inside(self, name: str) -> bool:
        """Whether a block of this name is open."""
        return any(name in source for source, _ in self.blocks)

    def end(self) -> None:
        """Leave all blocks."""
        while self.blocks:
            with suppress(Exception):
                self.close()

    def keep(self, handle: Any) -> None:
        """Keep the handle of a hook."""
        self.handles.append(handle)

    def pin(self, node: Any) -> Any:
        """Keep a node: PyTorch loses the hooks of an accumulator that nobody holds, here they keep it alive."""
        self.handles.append(node)
        return node

    def call(self, fn: Any, grad: Any) -> list[Any]:
        """What a node makes of a gradient: sums, for what was broadcast may come back broadcast."""
        results = fn(grad)
        return [None if g is None else g.sum() for g in (results if isinstance(results, tuple) else (results,))]

    def saved_names(self, fn: Any) -> list[str]:
        """Names of what a node saved, where both packages save the same."""
        names = sorted(n for n in dir(fn) if n.startswith("_saved_"))
        return [] if KEEPS_MORE.search(fn.name()) else names

    def own(self, gradients: Any) -> list[Any]:
        """Copies of gradients."""
        return [None if g is None else g.clone(memory_format=self.torch.contiguous_format) for g in gradients]

    def numbered(self, kind: str) -> str:
        """A name for a hook, the same in both worlds."""
        self.hooks += 1
        return f"{kind} {self.hooks}"

    def gradient(self, what: str) -> Callable[[Any], Any]:
        """A tensor hook."""
        name = self.numbered("tensor")

        def hook(grad: Any) -> Any:
            self.log.append((name, number_list(grad)))
            return grad * 2 if what == "double" else None

        return hook

    def accumulated(self) -> Callable[[Any], None]:
        """A post-accumulate hook."""
        name = self.numbered("accumulated")

        def hook(leaf: Any) -> None:
            self.log.append((name, number_list(leaf.grad)))

        return hook

    def node(self, what: str) -> Callable[[Any, Any], Any]:
        """A hook after a node."""
        name = self.numbered("node")

        def hook(inputs: Any, outputs: Any) -> Any:
            self.log.append((name, number_list(inputs), number_list(outputs)))
            return tuple(None if g is None else g * 2 for g in inputs) if what == "double" else None

        return hook

    def before(self, what: str) -> Callable[[Any], Any]:
        """A hook before a node."""
        name = self.numbered("before")

        def hook(outputs: Any) -> Any:
            self.log.append((name, number_list(outputs)))
            return tuple(None if g is None else g * 2 for g in outputs) if what == "double" else None

        return hook

    def several(self) -> Callable[[Any], None]:
        """A hook on several tensors."""
        name = self.numbered("several")
        return lambda grads: self.log.append((name, number_list(grads)))

    def pack(self, what: str) -> Callable[[Any], Any]:
        """A pack hook of saved tensors."""
        name = self.numbered("pack")

        def hook(t: Any) -> Any:
            self.log.append((name, number_list(t), t.requires_grad, t.is_leaf))
            return t.clone() if what == "copy" else t

        return hook

    def unpack(self, what: str) -> Callable[[Any], Any]:
        """An unpack hook of saved tensors."""
        name = self.numbered("unpack")

        def hook(t: Any) -> Any:
            self.log.append((name, number_list(t)))
            return t

        return hook

    def see(self, number: int, look: bool) -> dict[str, Any]:
        """What can be seen of a variable; its place in the graph too with ``look``."""
        t = self.variables[number]
        seen = {
            "value": number_list(t),
            "shape": tuple(t.shape),
            "stride": strides(t),
            "dtype": str(t.dtype),
            "version": None if t.is_inference() else t._version,
            "view": t._is_view(),
            "base": self.place(t._base) if t._is_view() else None,
            "inference": t.is_inference(),
            "retains": attempt(lambda: t.retains_grad),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            grad = t.grad
        if grad is not None:
            seen["grad"] = number_list(grad)
        if look:
            seen["fn"] = attempt(lambda: fn_text(t.grad_fn, 0 if number in self.gradients else 1))
            seen["leaf"] = attempt(lambda: t.is_leaf)
            seen["nr"] = attempt(lambda: t.output_nr)
            seen["rg"] = t.requires_grad
            if self.inside("dual_level") and not self.torch.is_inference_mode_enabled():
                seen["tangent"] = attempt(lambda: number_list(self.torch.autograd.forward_ad.unpack_dual(t).tangent))
        return seen

    def place(self, t: Any) -> Any:
        """Which variable ``t`` is."""
        return next((i for i, v in self.variables.items() if v is t), None)


def strides(t: Any) -> list[int]:
    """The strides that matter: of dimensions with several indices, in tensors with elements."""
    return [s for n, s in zip(t.shape, t.stride()) if n > 1] if t.numel() > 0 else []


def number_list(value: Any) -> Any:
    """Tensors as lists of numbers, inside of lists and tuples too."""
    if isinstance(value, (list, tuple)):
        return [number_list(v) for v in value]
    if not hasattr(value, "requires_grad"):
        return value
    return value.detach().tolist()


def attempt(look: Callable[[], Any]) -> Any:
    """What ``look`` sees, or the class of what it raises."""
    try:
        return look()
    except RuntimeError as error:
        return type(error).__name__


def fn_text(fn: Any, depth: int) -> str:
    """Names of a node and of those behind it."""
    if fn is None:
        return "None"
    name = fn.name()
    name = "ViewBackward0" if name == "ReshapeAliasBackward0" else name  # a shortcut of PyTorch's reshape
    if depth == 0:
        return name
    behind = ", ".join(f"{fn_text(f, depth - 1)}.{nr}" for f, nr in fn.next_functions)
    return f"{name}({behind})"
