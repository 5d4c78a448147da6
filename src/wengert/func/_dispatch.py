"""From a call with batched arguments to the rule for it; without one, a loop over the samples."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, Final, TypeVar

from .._core import views
from .._core.tensor_base import TensorBase
from .._gen import functions
from .._tensor import Tensor
from . import _random
from ._batched import Batch, BatchedTensor, batch_of, innermost
from ._physical import peeled

F = TypeVar("F", bound=Callable[..., Any])
Rule = Callable[..., Any]
RULES: Final[dict[str, Rule]] = {}
"""By operator name: ``rule(batch, call, *args, **kwargs)``; ``call`` is the operator itself, for physical tensors."""

SLOW: Final = (
    "There is a performance drop because we have not yet implemented the batching rule for {name}.\n"
    "  the samples are computed one after the other; the result is the same"
)
INPLACE: Final = (
    "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that has "
    "more elements than `self`. This happened due to `other` being vmapped over but `self` not being vmapped over in a vmap. "
    "Please try to use out-of-place operators instead of inplace arithmetic. If said operator is being called inside the "
    "PyTorch framework, please file a bug report instead."
)
OUT: Final = (
    "{name}(): functions with out=... arguments cannot be transformed: what is given as out= takes the values of all samples at "
    "once, or loses the derivatives\n  try: without out="
)
DYNAMIC: Final = (
    "vmap: It looks like you attempted to use `{name}`, an operator with a dynamic shape output: every sample could give "
    "another number of elements\n  try: a mask and where(), or compute it outside of vmap"
)


def words(text: str) -> list[str]:
    """Names that are separated by blanks."""
    return text.split()


HANDLERS: Final[dict[str, Callable[..., Any]]] = {}
"""By kind of level: ``handler(level, name, original, args, kwargs)`` for calls whose arguments are wrapped at it."""


class Unforeseen(Exception):
    """A batched argument where a rule expects none: the samples are computed one after the other instead."""

    def __init__(self, batch: Batch) -> None:
        super().__init__()
        self.batch = batch


def entering(table: dict[Any, F], keys: tuple[Any, ...]) -> Callable[[F], F]:
    """A decorator that enters a function into ``table`` under these keys."""

    def enter(function: F) -> F:
        for key in keys:
            table[key] = function
        return function

    return enter


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function into ``RULES`` under these operator names."""
    return entering(RULES, names)


def call_name(call: Rule) -> str:
    """The name of the operator behind a rule's ``call``."""
    return str(call.__name__)


def dispatch(name: str, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call an operator that may have batched arguments."""
    if args and not kwargs:
        short = SHORTCUTS.get(name)
        result = short(original, args) if short is not None else None
        if result is not None:
            return result
    level = innermost(args)
    if kwargs:
        level = innermost(kwargs.values(), level)
        if level is not None and kwargs.get("out") is not None:
            raise RuntimeError(OUT.format(name=name))
    if level is not None and level.kind in HANDLERS:
        return HANDLERS[level.kind](level, name, original, args, kwargs)
    if name in _random.OPERATORS:
        return _random.draw(level, name, original, args, kwargs)
    if level is None:
        return original(*args, **kwargs)
    batch = batch_of(level)
    found = RULES.get(name)

    def call(*physical: Any, **more: Any) -> Any:
        below = innermost(more.values(), innermost(physical)) if more else innermost(physical)
        if below is None:
            return original(*physical, **more)
        if found is not None and below is level:
            raise Unforeseen(batch)
        return dispatch(name, original, physical, more)

    call.__name__ = name
    if is_inplace(name):
        check_inplace(batch, args)
    if found is not None:
        try:
            return found(batch, call, *args, **kwargs)
        except Unforeseen as unforeseen:
            if unforeseen.batch is not batch:
                raise
            found = None
    return loop(batch, name, call, args, kwargs)


Shortcut = Callable[[Callable[..., Any], tuple[Any, ...]], Any]
SHORTCUTS: Final[dict[str, Shortcut]] = {}
"""By operator name: ``shortcut(original, args)``, None for calls that need the rule.

Nearly all calls have tensors of one level and form, and no keywords. The way by level, rule and ``call`` takes twice as long.
"""


def shortcut(*names: str) -> Callable[[Shortcut], Shortcut]:
    """Enter a function into ``SHORTCUTS`` under these operator names."""
    return entering(SHORTCUTS, names)


def plainly_batched(value: Any) -> bool:
    """Whether ``value`` is an ordinary tensor with its batch in front."""
    return type(value) is BatchedTensor and value.bdim == 0 and type(value.value) is Tensor


def wrapped_like(x: Any, result: Any) -> Any:
    """The result of an operator on the physical tensor of ``x``, batched as that is."""
    return BatchedTensor(result, 0, x.level) if type(result) is Tensor else batch_of(x.level).wrap(result)


@functools.cache
def is_inplace(name: str) -> bool:
    """Whether an operator writes into its first argument."""
    if name.startswith("__"):
        return name.startswith("__i") and name not in NOT_INPLACE
    return name.endswith("_")


NOT_INPLACE: Final = frozenset({"__invert__", "__index__", "__int__", "__iter__", "__init__", "__imatmul__"})


def check_inplace(batch: Batch, args: tuple[Any, ...]) -> None:
    """What is the same for all samples cannot take a value for each."""
    if args and not batch.has(args[0]):
        raise RuntimeError(INPLACE)


def check_apart(self: Any) -> None:
    """Refuse to write to one sample after the other where they share memory, as an argument does that was expanded."""
    views.check_writable(peeled(self)[0].array)


def loop(batch: Batch, name: str, call: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The operator applied to one sample after the other."""
    if name not in _WARNED:
        _WARNED.add(name)
        warnings.warn(SLOW.format(name=name), UserWarning, stacklevel=4)
    return each_sample(batch, name, call, args, kwargs)


def each_sample(batch: Batch, name: str, call: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``loop`` without the warning."""
    if batch.size == 0:
        return _without_samples(batch, name, call, args, kwargs)
    if is_inplace(name):
        check_apart(args[0])
    results = []
    for i in range(batch.size):
        here = [batch.sample(a, i) for a in args]
        results.append(call(*here, **{k: batch.sample(v, i) for k, v in kwargs.items()}))
    return args[0] if is_inplace(name) else _stacked(batch, results)


def _without_samples(batch: Batch, name: str, call: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A batch of size 0: shapes and dtypes are those of any sample, so one of zeros stands for all."""
    if is_inplace(name):
        return args[0]
    alone = Batch(batch.level)
    alone.size = 1
    sample = call(*(batch.blank(a) for a in args), **{k: batch.blank(v) for k, v in kwargs.items()})
    return batch.emptied(_stacked(alone, [sample]))


_WARNED: Final[set[str]] = set()


def _stacked(batch: Batch, results: list[Any]) -> Any:
    """Results of all samples as one batched result, in the containers they came in."""
    first = results[0]
    if isinstance(first, TensorBase):
        return batch.wrap(operator("stack")(results))
    if isinstance(first, (tuple, list)):
        items = [_stacked(batch, list(column)) for column in zip(*results, strict=True)]
        return type(first)(*items) if hasattr(first, "_fields") else type(first)(items)
    if any(r != first for r in results):
        raise RuntimeError("vmap: an operator gave plain Python values that differ between the samples")
    return first


def operator(name: str) -> Callable[..., Any]:
    """A public function, for tensors that may be batched at other levels."""
    original = ORIGINALS.get(name) or getattr(functions, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        return dispatch(name, original, args, kwargs)

    return call


ORIGINALS: Final[dict[str, Any]] = {}
"""Functions that are not in the main namespace, by their names here (``nn.unfold``, ``linalg.norm``)."""


REPLACEMENTS: Final[dict[int, tuple[Any, Any]]] = {}
"""By identity of a public function: itself, and what stands in its place while some ``vmap`` runs."""


def visible(func: Any) -> Any:
    """What to call for ``func``, which a transform was given: ``vmap(torch.sin)`` must find its rule."""
    if isinstance(func, functools.partial):
        return functools.partial(visible(func.func), *func.args, **func.keywords)
    found = REPLACEMENTS.get(id(func))
    return found[1] if found is not None and found[0] is func else func


def method(name: str) -> Callable[..., Any]:
    """The method of ``BatchedTensor`` that dispatches what ``Tensor`` has under ``name``."""
    original = getattr(Tensor, name)

    def entry(*args: Any, **kwargs: Any) -> Any:
        return dispatch(name, original, args, kwargs)

    entry.__name__ = name
    entry.__doc__ = original.__doc__
    return entry
