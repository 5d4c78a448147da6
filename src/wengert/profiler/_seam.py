"""Where a profile looks in: while it runs, operators are reached through wrappers.

Note [The seam of the profiler]
    Compiled code calls operators directly, so nothing can be slipped in there. What works in both builds are the places
    where the program itself finds an operator: the methods of ``Tensor`` and the names of functions in modules, its own
    ``from wengert import exp`` included. They are replaced while a profile runs and put back at its end, so a program that
    is not profiled pays nothing. Functions that the program keeps elsewhere (in objects, as default arguments) run unseen.
    Backward formulas are called by the engine, which asks ``MODES.watcher`` once per pass.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any, Final

from .. import autograd
from .._core.modes import MODES
from .._gen.tensor_methods import TensorMethods
from .._tensor import Tensor

PREFIXES: Final = {"linalg": "linalg_", "special": "special_", "fft": "fft_"}
SHELLS: Final = "wengert._gen."
UNTOUCHED: Final = (SHELLS, "wengert._core", "wengert._record", "wengert.ops", "wengert._tensor", __name__)
PLAIN_DUNDERS: Final = {
    "__neg__": "neg", "__pos__": "positive", "__abs__": "abs", "__invert__": "bitwise_not",
    "__eq__": "eq", "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge",
    "__getitem__": "__getitem__", "__setitem__": "__setitem__", "__rsub__": "rsub",
}  # fmt: skip
ARITHMETIC_DUNDERS: Final = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide", "mod": "remainder",
    "pow": "pow", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}  # fmt: skip

Wrapper = Callable[..., Any]


def dunder_names() -> dict[str, str]:
    """Operator behind each special method: ``__radd__`` is add, ``__iadd__`` is add_."""
    names = dict(PLAIN_DUNDERS)
    for word, operator in ARITHMETIC_DUNDERS.items():
        names.setdefault(f"__{word}__", operator)
        names.setdefault(f"__r{word}__", operator)
        names.setdefault(f"__i{word}__", operator + "_")
    return names


def operator_wrapper(fn: Any, name: str) -> Wrapper:
    """``fn``, recorded while a profile runs."""

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        recorder = MODES.watcher
        return fn(*args, **kwargs) if recorder is None else recorder.operator(name, fn, args, kwargs)

    return call


def range_wrapper(fn: Any, name: str) -> Wrapper:
    """``fn``, recorded with what runs inside while a profile runs."""

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        recorder = MODES.watcher
        return fn(*args, **kwargs) if recorder is None else recorder.range(name, fn, args, kwargs)

    return call


class Seam:
    """The wrappers, made once per process, and the switch that puts them in place and takes them away."""

    def __init__(self) -> None:
        self.is_open = False
        self.methods: list[tuple[type, str, Any, Wrapper]] = []
        self.functions: dict[int, tuple[Any, Wrapper]] = {}

    def open(self) -> None:
        """Put the wrappers in place."""
        self.is_open = True
        if not self.methods:
            self.collect_methods()
        self.collect_functions()
        for cls, name, _, wrapper in self.methods:
            setattr(cls, name, wrapper)
        swap({key: wrapper for key, (_, wrapper) in self.functions.items()})

    def close(self) -> None:
        """Take them away."""
        for cls, name, original, _ in self.methods:
            setattr(cls, name, original)
        swap({id(wrapper): original for original, wrapper in self.functions.values()})
        self.is_open = False

    def collect_methods(self) -> None:
        """The operators among the methods of tensors."""
        dunders = dunder_names()
        for name, member in list(vars(TensorMethods).items()):
            if callable(member) and not name.startswith("_"):
                self.methods.append((TensorMethods, name, member, operator_wrapper(member, f"aten::{name}")))
        for name, member in list(vars(Tensor).items()):
            operator = dunders.get(name) or (name if name.startswith("detach") else None)
            if operator is not None:
                self.methods.append((Tensor, name, member, operator_wrapper(member, f"aten::{operator}")))
        whole = vars(Tensor)["backward"]
        self.methods.append((Tensor, "backward", whole, range_wrapper(whole, "autograd::backward")))

    def collect_functions(self) -> None:
        """The functions of all generated modules that are loaded by now."""
        for path, module in list(sys.modules.items()):
            if path.startswith(SHELLS):
                prefix = "aten::" + PREFIXES.get(path.removeprefix(SHELLS), "")
                for name in getattr(module, "__all__", ()):
                    fn = getattr(module, name)
                    if callable(fn) and not isinstance(fn, type) and id(fn) not in self.functions:
                        self.functions[id(fn)] = (fn, operator_wrapper(fn, prefix + name))
        for fn in (autograd.backward, autograd.grad):
            original = getattr(fn, "__wrapped__", fn)
            if id(original) not in self.functions:
                self.functions[id(original)] = (original, range_wrapper(original, f"autograd::{original.__name__}"))


def swap(replacements: dict[int, Any]) -> None:
    """Replace functions, given by id, wherever a module outside the core has a name for them."""
    for path, module in list(sys.modules.items()):
        if issubclass(type(module), types.ModuleType) and not path.startswith(UNTOUCHED):
            space = vars(module)
            for name, value in list(space.items()):
                replacement = replacements.get(id(value))
                if replacement is not None:
                    space[name] = replacement


SEAM: Final = Seam()
