"""Modules whose initial values do not matter."""

from __future__ import annotations

import inspect
from typing import Any

from ...ops.random import default_generator
from ..module import Module


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """``module_cls(*args, **kwargs)`` for values that will be loaded: no random numbers are used up.

    What the parameters hold is not to be relied on.

    Raises:
        RuntimeError: for a class that is no module, or whose constructor takes no ``device``.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    before = default_generator.get_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        default_generator.set_state(before)
