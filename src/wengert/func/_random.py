"""Random operators under ``vmap``: refused, one draw for all samples, or one for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .._gen import functions
from ._batched import Batch, innermost
from ._levels import Level, vmap_levels

# Element by element: drawn for the physical tensor at once.
ELEMENTWISE: Final = frozenset(
    (
        *("rand_like", "randn_like", "randint_like", "bernoulli", "poisson", "dropout", "alpha_dropout", "rrelu"),
        *("bernoulli_", "normal_", "uniform_", "random_", "exponential_", "cauchy_", "geometric_", "log_normal_"),
    )
)
OPERATORS: Final = ELEMENTWISE.union(
    ("rand", "randn", "randint", "randperm", "multinomial", "normal", "rrelu_", "feature_dropout"),
    ("feature_alpha_dropout", "dropout1d", "dropout2d", "dropout3d"),
)
TRAINING: Final = {
    **dict.fromkeys(("dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d"), (2, True)),
    **dict.fromkeys(("feature_dropout", "feature_alpha_dropout"), (2, True)),
    **dict.fromkeys(("rrelu", "rrelu_"), (3, False)),
}
"""Position and default of ``training``, without which these operators are not random."""

ERROR: Final = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags "
    "on vmap or perform the randomness operation out of vmap"
)
UNBATCHED: Final = (
    "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same randomness. If this "
    "is necessary for your usage, please file an issue with functorch."
)


def is_random(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether this call draws numbers."""
    if name not in TRAINING:
        return True
    place, default = TRAINING[name]
    return bool(kwargs.get("training", args[place] if len(args) > place else default))


def draw(
    level: Level | None, name: str, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call a random operator, at every running ``vmap`` by its ``randomness``."""
    if not is_random(name, args, kwargs):
        if level is None:
            return original(*args, **kwargs)
        batch = Batch(level)
        physical = [batch.front(a) for a in args]
        return batch.wrap(draw(innermost(physical), name, original, tuple(physical), kwargs))
    return _at_levels(vmap_levels(), name, original, args, kwargs)


def _at_levels(
    levels: list[Level], name: str, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if not levels:
        return original(*args, **kwargs)
    level = levels[-1]
    if level.randomness == "error":
        raise RuntimeError(ERROR)
    batch = Batch(level)
    batched = any(batch.has(a) for a in (*args, *kwargs.values()))
    if level.randomness == "same" and not batched:
        return _at_levels(levels[:-1], name, original, args, kwargs)
    if name.endswith("_") and not batch.has(args[0]):
        raise RuntimeError(UNBATCHED)
    if level.randomness == "different" and name in ELEMENTWISE and batch.has(args[0]) and not kwargs.get("out"):
        physical = tuple(batch.front(a) for a in args)
        result = _at_levels(levels[:-1], name, original, physical, kwargs)
        return args[0] if name.endswith("_") else batch.wrap(result)
    return _each_sample(batch, levels[:-1], name, original, args, kwargs)


def _each_sample(
    batch: Batch,
    outer: list[Level],
    name: str,
    original: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    from ._dispatch import operator

    own = kwargs.get("generator")
    state = functions.get_rng_state() if own is None else own.get_state()
    results = []
    for i in range(batch.size):
        if batch.level.randomness == "same":
            functions.set_rng_state(state) if own is None else own.set_state(state)
        here = tuple(batch.sample(a, i) for a in args)
        results.append(_at_levels(outer, name, original, here, {k: batch.sample(v, i) for k, v in kwargs.items()}))
    return args[0] if name.endswith("_") else batch.wrap(operator("stack")(results))
