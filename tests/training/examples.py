"""The examples as modules, with wengert or with torch in its place."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import wengert.history
import wengert.viz  # noqa: F401  (the examples import it: it must be there before torch takes wengert's place)
from tests.tutorials.packages import ROOT

FOLDER = ROOT / "examples"


@contextmanager
def example(name: str, package: Any) -> Iterator[ModuleType]:
    """The module of an example for which ``import wengert`` gives ``package``; the modules of before come back."""
    before = {key: sys.modules.pop(key, None) for key in ("common", name)}
    mine = sys.modules["wengert"]
    sys.path.insert(0, str(FOLDER))
    sys.modules["wengert"] = package
    try:
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.modules["wengert"] = mine
        sys.path.remove(str(FOLDER))
        for key, old in before.items():
            sys.modules.pop(key, None)
            if old is not None:
                sys.modules[key] = old
