"""Nested tuples, lists and dicts of tensors: taken apart into leaves and put together again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

from .._core.return_types import ReturnType
from .._core.tensor_base import TensorBase

LEAF: Final = "*"


class Structure:
    """How leaves are nested: the kind of container, what it needs besides its children, and their structures."""

    __slots__ = ("children", "count", "keys", "kind")

    def __init__(self, kind: Any, keys: Any, children: list[Structure]) -> None:
        self.kind = kind
        self.keys = keys
        self.children = children
        self.count: int = 1 if kind is None else sum(c.count for c in children)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure):
            return NotImplemented
        return self.kind is other.kind and self.keys == other.keys and self.children == other.children

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self.kind is None:
            return LEAF
        if isinstance(self.keys, list):
            inside = ", ".join(f"{k!r}: {c!r}" for k, c in zip(self.keys, self.children, strict=True))
            return f"{{{inside}}}" if self.kind is dict else f"{self.kind.__name__}({{{inside}}})"
        inside = ", ".join(map(repr, self.children))
        if self.kind is list:
            return f"[{inside}]"
        name = "" if self.kind is tuple else self.kind.__name__
        return f"{name}({inside}{',' if len(self.children) == 1 else ''})"


_LEAF_STRUCTURE: Final = Structure(None, None, [])


def _children(tree: Any) -> tuple[Any, list[Any]] | None:
    """Keys and children of a container; None for a leaf. None itself is a leaf, as in PyTorch."""
    kind = type(tree)
    if kind in (dict, OrderedDict, defaultdict):
        return list(tree), list(tree.values())
    if (
        kind in (tuple, list, deque)
        or isinstance(tree, ReturnType)
        or (isinstance(tree, tuple) and hasattr(tree, "_fields"))
    ):
        return None, list(tree)
    return None


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves from left to right, and the structure that puts them together again."""
    leaves: list[Any] = []
    return leaves, _flatten_into(tree, leaves)


def _flatten_into(tree: Any, leaves: list[Any]) -> Structure:
    found = None if isinstance(tree, TensorBase) else _children(tree)
    if found is None:
        leaves.append(tree)
        return _LEAF_STRUCTURE
    keys, children = found
    return Structure(type(tree), keys, [_flatten_into(c, leaves) for c in children])


def unflatten(leaves: list[Any], structure: Structure) -> Any:
    """The inverse of ``flatten``."""
    return _build(iter(leaves), structure)


def _build(leaves: Any, structure: Structure) -> Any:
    kind = structure.kind
    if kind is None:
        return next(leaves)
    children = [next(leaves) if c is _LEAF_STRUCTURE else _build(leaves, c) for c in structure.children]
    if structure.keys is not None:
        items = zip(structure.keys, children, strict=True)
        return defaultdict(None, items) if kind is defaultdict else kind(items)
    return kind(*children) if hasattr(kind, "_fields") else kind(children)


def tree_map(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with ``function`` applied to every leaf."""
    leaves, structure = flatten(tree)
    return unflatten([function(leaf) for leaf in leaves], structure)


def broadcast(prefix: Any, structure: Structure) -> list[Any] | None:
    """One value per leaf of ``structure``: a leaf of ``prefix`` stands for everything below it.

    Returns:
        None when ``prefix`` is nested differently.
    """
    if structure.kind is None or _children(prefix) is None:
        return [prefix] * structure.count if _children(prefix) is None else None
    keys, children = _children(prefix) or (None, [])
    if type(prefix) is not structure.kind or len(children) != len(structure.children):
        return None
    if keys is not None:
        if set(keys) != set(structure.keys):
            return None
        children = [prefix[k] for k in structure.keys]
    found: list[Any] = []
    for child, below in zip(children, structure.children, strict=True):
        part = broadcast(child, below)
        if part is None:
            return None
        found += part
    return found
