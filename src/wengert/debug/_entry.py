"""Entry points: every name through which a program reaches an operator, replaced while somebody watches.

Note [Watching costs nothing when off]
    The tools of this package see calls by putting wrappers in the place of methods of ``Tensor`` and of public functions, and
    take them away again when the last observer leaves. Compiled code calls compiled code directly and never meets a wrapper;
    what the program itself calls is looked up by name, and does. So nothing in the core tests a flag for them, and inner
    calls need not be told from outer ones when the package is compiled (uncompiled, ``_Depth`` does it).
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from .. import autograd
from .._core.dynamic import Dynamic
from .._core.modes import is_grad_enabled, user_frame
from .._core.tensor_base import TensorBase
from .._gen import tensor_methods
from .._tensor import Tensor
from ..autograd import function as custom
from ..autograd import public_names

OPERATORS: Final = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift"),
    *("neg", "abs", "invert", "eq", "ne", "lt", "le", "gt", "ge", "getitem", "setitem"),
)
CONVERSIONS: Final = ("__float__", "__complex__", "__array__")
PROPERTIES: Final = ("T", "H", "mT", "mH", "real", "imag", "data")
# Metadata and hooks: no values pass through them.
IGNORED: Final = frozenset(
    {
        *("backward", "size", "dim", "stride", "numel", "nelement", "ndimension", "element_size", "storage_offset"),
        *("data_ptr", "is_contiguous", "is_floating_point", "is_complex", "is_signed", "is_conj", "is_neg"),
        *("is_same_size", "is_inference", "get_device", "register_hook", "register_post_accumulate_grad_hook"),
        *("retain_grad", "requires_grad_", "legacy_init", "ensure_meta", "change_requires_grad", "read_grad"),
        *("assign_grad", "only_value", "as_index", "share_memory_", "pin_memory"),
    }
)


@dataclass
class Call:
    """One call of an entry point.

    Attributes:
        name: of the method or function; properties have a dot in front (``.data``, and ``.data =`` for assignment).
        code, lasti: the place in the user's program.
        recorded: whether recording was on.
        direct: whether the user's program made the call itself, and not one of the package's modules.
        frame: the user's frame; only as long as the call runs.
        note: what an observer has to remember until the call returns.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    code: Any
    lasti: int
    recorded: bool
    direct: bool
    frame: Any
    result: Any = None
    note: Any = None

    def tensors(self) -> list[Any]:
        """All tensors among the arguments, those in lists and tuples included."""
        return list(tensors_in((*self.args, *self.kwargs.values())))


def tensors_in(values: Any) -> Iterator[Any]:
    """Tensors among ``values``, one level of lists and tuples down."""
    for value in values:
        if isinstance(value, TensorBase):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from (v for v in value if isinstance(v, TensorBase))


class Observer:
    """What a tool implements to watch a program."""

    def before(self, call: Call) -> None:
        """A call is about to be made."""

    def after(self, call: Call) -> None:
        """A call has returned ``call.result``."""


class _Depth(threading.local):
    """How many entry points this thread is inside of: only the outermost is the program's own call."""

    value: int = 0


_DEPTH: Final = _Depth()
_OBSERVERS: Final[list[Observer]] = []
_REPLACED: Final[list[tuple[Any, str, Any]]] = []
_LOCK: Final = threading.RLock()


def watch(observer: Observer) -> None:
    """Tell ``observer`` about every call from now on."""
    with _LOCK:
        if not _OBSERVERS:
            _replace_all()
        _OBSERVERS.append(observer)


def unwatch(observer: Observer) -> None:
    """Stop telling ``observer``; the last one to go puts everything back."""
    with _LOCK:
        _OBSERVERS.remove(observer)
        if not _OBSERVERS:
            while _REPLACED:
                owner, name, original = _REPLACED.pop()
                setattr(owner, name, original)


def _make_call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    caller = sys._getframe(2)
    if name.startswith("."):
        caller = caller.f_back or caller  # the property stands between
    frame = user_frame(caller)
    return Call(name, args, kwargs, frame.f_code, frame.f_lasti, is_grad_enabled(), frame is caller, frame)


def _watched(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """``original``, with the observers told."""

    @functools.wraps(original)
    def entry(*args: Any, **kwargs: Any) -> Any:
        if _DEPTH.value > 0 or not _OBSERVERS:  # a name imported inside a block keeps the wrapper
            return original(*args, **kwargs)
        call = _make_call(name, args, kwargs)
        _DEPTH.value += 1
        try:
            for observer in list(_OBSERVERS):
                observer.before(call)
            call.result = original(*args, **kwargs)
            for observer in list(_OBSERVERS):
                observer.after(call)
        finally:
            _DEPTH.value -= 1
        return call.result

    return entry


def _swap(owner: Any, name: str, replacement: Any) -> None:
    _REPLACED.append((owner, name, vars(owner)[name]))
    setattr(owner, name, replacement)


def _replace_all() -> None:
    for owner in (tensor_methods.TensorMethods, Tensor):
        for name in list(vars(owner)):
            if _is_operator(name) and callable(vars(owner)[name]):
                _swap(owner, name, _watched(name, vars(owner)[name]))
            elif name in PROPERTIES:
                _swap(owner, name, _watched_property(name, vars(owner)[name]))
    _swap(Tensor, "backward", _watched("backward", vars(Tensor)["backward"]))
    _swap(Dynamic, "grad", _watched_property("grad", vars(Dynamic)["grad"]))
    _swap(custom, "wrap_outputs", _watched_function(custom.wrap_outputs))
    _replace_functions()


def _is_operator(name: str) -> bool:
    if name.startswith("__"):
        stem = name[2:-2]
        return stem in OPERATORS or stem[1:] in OPERATORS or name in CONVERSIONS
    return not name.startswith("_") and name not in IGNORED and name not in PROPERTIES


def _watched_property(name: str, original: Any) -> property:
    reading = _watched(f".{name}", original.__get__)
    writing = _watched(f".{name} =", original.__set__)

    def read(self: Any) -> Any:
        return reading(self)

    def write(self: Any, value: Any) -> None:
        writing(self, value)

    def delete(self: Any) -> None:
        original.__delete__(self)

    return property(read, write, delete)


def _watched_function(original: Callable[..., Any]) -> Callable[..., Any]:
    """The place where every custom Function ends; its operator is named as the Function is."""

    def entry(node: Any, args: Any, *rest: Any) -> Any:
        named = _watched(node.forward_cls.__name__, lambda *_: original(node, args, *rest))
        return named(*args)

    return entry


def _replace_functions() -> None:
    """Functions, in the module that defines their public name and wherever a program has imported them to."""
    wrappers: public_names.Replacements = {}
    named = [(name, function) for _, name, function in public_names.public_functions()]
    for name, original in [*named, ("backward", autograd.backward), ("grad", autograd.grad)]:
        if id(original) not in wrappers:
            wrappers[id(original)] = (original, _watched(name, original))
    for module in list(sys.modules.values()):
        if public_names.is_program(module):
            for name, _, wrapper in public_names.bound_in(module, wrappers):
                _swap(module, name, wrapper)
