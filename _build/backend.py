"""In-tree PEP 517 backend: setuptools, asking for mypyc, Cython and NumPy only when something will be compiled."""

from __future__ import annotations

import os
import shutil
from typing import Any

import plan
from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  the hooks that need no change

# NumPy for the headers, and for its type stubs: without them mypy sees `Any` and mypyc compiles slower code.
COMPILE_REQUIRES = ["mypy[mypyc]==2.4.1", "Cython>=3.1", "numpy>=2.0"]


def _requires(editable: bool) -> list[str]:
    mode = plan.mode(editable)
    named = (os.environ.get("CC") or "").split()[:1] or ["cc", "gcc", "clang", "cl"]
    # On Windows the compiler is seldom on PATH, so only POSIX can tell without trying.
    if mode == "pure" or (mode == "auto" and os.name == "posix" and not any(map(shutil.which, named))):
        return []
    return COMPILE_REQUIRES


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    return list(build_meta.get_requires_for_build_wheel(config_settings)) + _requires(editable=False)


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    return list(build_meta.get_requires_for_build_editable(config_settings)) + _requires(editable=True)
