"""The same program in both libraries: what comes of it, in a form that compares equal."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Program = Callable[[Any, Any], Any]  # of the library and of its module of data


def plain(value: Any) -> Any:
    """A value without anything of a library in it."""
    if hasattr(value, "untyped_storage") or (hasattr(value, "numpy") and hasattr(value, "dtype")):
        return ("tensor", str(value.dtype), value.tolist())
    if isinstance(value, np.ndarray):
        return ("array", str(value.dtype), value.tolist())
    if isinstance(value, dict):
        return type(value).__name__, {key: plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value).__name__, [plain(v) for v in value]
    return value


def outcome(library: Any, program: Program) -> Any:
    """The program's value, or class and first line of its exception; and the texts of its warnings."""
    data = importlib.import_module(f"{library.__name__}.utils.data")
    library.manual_seed(11)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = plain(program(library, data))
        except Exception as error:
            result = (type(error).__name__, str(error).partition("\n")[0])
    texts = {str(w.message).partition(" object at ")[0] for w in warned}
    return result, texts, library.rand(1).item()


def assert_same(oracle: Any, package: Any, program: Program) -> None:
    """Both give the same, and have drawn the same random numbers."""
    assert outcome(package, program) == outcome(oracle, program)
