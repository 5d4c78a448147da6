"""PyTorch's helpers of layers: arguments that are one number or one for each dimension, and prefixes of states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._sizes import repeated


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """A function that gives ``n`` values: those of its argument, or one number so many times."""

    def parse(x: Any) -> tuple[Any, ...]:
        return repeated(x, n)

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take ``prefix`` off the keys of a state, in place: ``module.`` of a state that ``DataParallel`` gave."""
    for key in [key for key in state_dict if key.startswith(prefix)]:
        state_dict[key[len(prefix) :]] = state_dict.pop(key)
    versions = getattr(state_dict, "_metadata", None)
    if versions is not None:
        for key in [key for key in versions if key == prefix[:-1] or key.startswith(prefix)]:
            versions[key[len(prefix) :]] = versions.pop(key)
