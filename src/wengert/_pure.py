"""WENGERT_PURE=1: run the .py files of an install that also has compiled modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType


def requested() -> bool:
    """Whether the environment asks for plain Python."""
    return os.environ.get("WENGERT_PURE", "") not in ("", "0")


class SourceFinder:
    """Import finder that sees only the .py files of one package."""

    def __init__(self, package: str) -> None:
        self.prefix = package + "."
        self.folders: dict[str, FileFinder] = {}

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Spec of the .py file of module `name`, or None to let the other finders search."""
        if path is None or not name.startswith(self.prefix):
            return None
        for folder in path:
            if folder not in self.folders:
                self.folders[folder] = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))
            spec = self.folders[folder].find_spec(name)
            if spec is not None and spec.loader is not None:
                return spec
        return None

    def invalidate_caches(self) -> None:
        """Forget what the folders held, as `importlib.invalidate_caches` asks."""
        for finder in self.folders.values():
            finder.invalidate_caches()


def install(package: str) -> None:
    """Ignore the compiled modules of `package` from now on; to be called before the first of them is imported."""
    sys.meta_path.insert(0, SourceFinder(package))
