"""From a call whose arguments have Taylor series to the rule for it; without one, derivatives along the curve."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

from .._core import dtypes
from .._core.dtypes import FLOATING
from .._core.tensor_base import TensorBase
from .._gen import functions
from .._tensor import Tensor
from . import _random
from ._dispatch import HANDLERS, RULES, Rule, Unforeseen, dispatch, entering, is_inplace, operator
from ._jet_tensor import Coefficients, Collapsed, JetTensor, Uncollapsed
from ._levels import Level, outside
from ._tree import flatten, unflatten

JET_RULES: Final[dict[str, Rule]] = {}
"""By operator name: ``rule(batch, call, *args, **kwargs)``; ``call`` is the operator itself, for coefficients."""

SERIES_ONLY: Final[set[str]] = set()
"""Operators whose rules are recurrences between coefficients of a power series."""

SLOW: Final = (
    "jet has no rule for {name}\n"
    "  its derivatives are computed one after the other, at a cost that grows exponentially with the order; they are exact"
)
INPLACE: Final = (
    "jet: {name}() would write a Taylor series into a tensor that has none\n"
    "  the tensor is a constant of the function that jet runs\n  try: an operator that is not in-place, or clone a tensor "
    "that was computed from the inputs (zeros_like(x), for example)"
)
_WARNED: Final[set[str]] = set()
_SMOOTH: Final = object()  # stands for an output that has derivatives


def jet_rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function into ``JET_RULES`` under these operator names."""
    return entering(JET_RULES, names)


def smooth(rule: Rule) -> Rule:
    """A rule for functions of one tensor that work element by element, the first argument."""

    @functools.wraps(rule)
    def wrapper(batch: Coefficients, call: Rule, x: Any, *args: Any, **kwargs: Any) -> Any:
        return batch.smooth(lambda part, v: rule(part, call, v, *args, **kwargs), x)

    return wrapper


def jets_among(values: Any, level: Level) -> Iterator[JetTensor]:
    """The jets of a level among ``values``, lists and tuples included."""
    for value in values:
        if isinstance(value, JetTensor):
            if value.level is level:
                yield value
        elif isinstance(value, (list, tuple)):
            yield from jets_among(value, level)


def handle(level: Level, name: str, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call an operator that has arguments with series."""
    size = next(jets_among((*args, *kwargs.values()), level)).value.shp[0]
    batch = Collapsed(level, size) if level.kind == "laplacian" else Coefficients(level, size)

    def call(*physical: Any, **more: Any) -> Any:
        return dispatch(name, original, physical, more)

    call.__name__ = name
    found = JET_RULES.get(name)
    if found is not None:
        if batch.collapsed and name in SERIES_ONLY:
            raise Uncollapsed
        try:
            return found(batch, call, *args, **kwargs)
        except Unforeseen as unforeseen:  # a batching rule that is used here does not know these arguments
            if unforeseen.batch.level is not level:
                raise
    if name in _random.OPERATORS:
        return drawn(batch, name, call, args, kwargs)
    if is_inplace(name):
        return written(batch, name, args, kwargs)
    if name not in _WARNED and not batch.collapsed:
        _WARNED.add(name)
        warnings.warn(SLOW.format(name=name), UserWarning, stacklevel=4)
    return along_curve(batch, name, call, args, kwargs)


HANDLERS["jet"] = HANDLERS["laplacian"] = handle


def linear(batch: Coefficients, name: str, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """The operator applied to each coefficient: its batching rule."""
    return RULES[name](batch, call, *args, **kwargs)


def written(batch: Coefficients, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An in-place operator: the result of the other form, written into the coefficients of the first argument.

    Raises:
        RuntimeError: when the first argument has no series, or no room for the result.
    """
    self = args[0]
    if not batch.has(self):
        raise RuntimeError(INPLACE.format(name=name))
    plain = f"__{name[3:]}" if name.startswith("__i") else name[:-1]
    if not hasattr(Tensor, plain) and plain not in RULES:
        raise NotImplementedError(f"jet has no rule for {name}\n  try: the operator that is not in-place")
    result = getattr(self, plain)(*args[1:], **kwargs) if hasattr(Tensor, plain) else operator(plain)(*args, **kwargs)
    store(batch, self, result)
    return self


def store(batch: Coefficients, self: Any, result: Any) -> None:
    """Overwrite the coefficients of ``self``, in its dtype."""
    full = batch.full(result.to(self.dt))
    if full.shp != self.value.shp:
        raise RuntimeError(f"output with shape {list(self.shp)} doesn't match the broadcast shape {list(full.shp)[1:]}")
    self.value.copy_(full)


def drawn(batch: Coefficients, name: str, call: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Random numbers are constants: an operator that scales at random scales all coefficients alike."""
    if name in _random.TRAINING:
        if not _random.is_random(name, args, kwargs):
            return args[0] if not name.startswith("rrelu") else along_curve(batch, name, call, args, kwargs)
        if "alpha" in name or name.startswith("rrelu"):
            raise NotImplementedError(f"jet has no rule for {name} in training")
        scale = call(functions.ones(args[0].shp, dtype=args[0].dt), *args[1:], **kwargs)
        return args[0] * scale
    if name.endswith("_"):
        if not batch.has(args[0]):
            raise RuntimeError(INPLACE.format(name=name))
        call(args[0].primal(), *args[1:], **kwargs)
        args[0].value.narrow(0, 1, batch.size - 1).zero_()
        return args[0]
    return call(*(batch.primal(a) for a in args), **{k: batch.primal(v) for k, v in kwargs.items()})


def along_curve(batch: Coefficients, name: str, call: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """All derivatives of the operator along ``t -> x_0 + x_1 t + ...`` at ``t = 0``, each that of the one before.

    Raises:
        NotImplementedError: naming the operator, when a derivative of it cannot be differentiated.
    """
    if batch.collapsed:
        raise Uncollapsed
    detached(batch, call, *args, **kwargs)  # its error, if the arguments do not fit
    leaves, structure = flatten((list(args), dict(kwargs)))
    shapes: list[Any] = []

    def value(t: Any) -> list[Any]:
        at = [polynomial(leaf.value, t) if batch.has(leaf) else leaf for leaf in leaves]
        positional, named = unflatten(at, structure)
        outputs, shapes[:] = flatten_outputs(call(*positional, **named))
        return outputs

    start = functions.zeros((), dtype=dtypes.float64)
    try:
        with outside(batch.level):
            orders = derivatives_of(value, batch.size - 1)(start)
    except (RuntimeError, NotImplementedError) as error:
        raise NotImplementedError(f"jet has no rule for {name}, and its derivatives failed: {error}") from error
    made = iter(
        batch.wrap(operator("stack")([row[i] if k < 2 else row[i] / math.factorial(k) for k, row in enumerate(orders)]))
        for i in range(len(orders[0]))
    )
    others, out_structure = shapes
    return unflatten([next(made) if leaf is _SMOOTH else leaf for leaf in others], out_structure)


def polynomial(coefficients: Any, t: Any) -> Any:
    """The value at ``t``, by Horner's scheme."""
    t = t.to(coefficients.dt.to_real())
    n = coefficients.shp[0]
    value = coefficients.select(0, n - 1)
    for k in range(n - 2, -1, -1):
        value = value * t + coefficients.select(0, k)
    return value


def flatten_outputs(result: Any) -> tuple[list[Any], list[Any]]:
    """The outputs that have derivatives; and the others in their places, with the structure of all."""
    leaves, structure = flatten(result)
    smooth = [isinstance(leaf, TensorBase) and leaf.dt.category >= FLOATING for leaf in leaves]
    found = [leaf for leaf, yes in zip(leaves, smooth, strict=True) if yes]
    return found, [[_SMOOTH if yes else leaf for leaf, yes in zip(leaves, smooth, strict=True)], structure]


def derivatives_of(function: Callable[[Any], list[Any]], order: int) -> Callable[[Any], list[list[Any]]]:
    """``function`` of a number and its derivatives up to ``order``, as lists of outputs."""
    from ._forward import linearize

    if order == 0:
        return lambda t: [function(t)]
    below = derivatives_of(function, order - 1)

    def one_more(t: Any) -> list[list[Any]]:
        rows, slope = linearize(below, t)
        last = slope(functions.ones((), dtype=t.dt))[-1]
        return [*rows, last]

    return one_more


def detached(batch: Coefficients, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """Operators whose results do not change with the arguments, or only in jumps: a constant."""
    return call(*(batch.primal(a) for a in args), **{k: batch.primal(v) for k, v in kwargs.items()})
