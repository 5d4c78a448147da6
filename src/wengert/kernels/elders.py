"""Objects that the garbage collector does not look at while they are young: Note [Old from birth] in src/elders.h."""

from __future__ import annotations

import gc
from typing import Any

from ._load import MODULE as _COMPILED


def old_from_birth(cls: type) -> None:
    """Take instances of a class, and of those derived from it later, out of the youngest generation; compiled ones only."""
    if _COMPILED is not None and _COMPILED.old_from_birth(cls) and _COMPILED.before_collection not in gc.callbacks:
        gc.callbacks.append(_COMPILED.before_collection)


def young_again(thing: object) -> None:
    """Give an object back to the collector: it begins to hold things of the user's."""
    if _COMPILED is not None:
        _COMPILED.young_again(thing)


def collected_objects() -> list[Any]:
    """``gc.get_objects()``, with those that are old from birth."""
    if _COMPILED is not None:
        _COMPILED.give_to_collector()
    return gc.get_objects()
