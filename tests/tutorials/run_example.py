"""Run an example with another package in the place of wengert: a check of the examples themselves.

Usage: ``python run_example.py torch EXAMPLE.py [ARGUMENT ...]``.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from types import ModuleType


def replace_wengert(package: str) -> None:
    """Make ``import wengert`` import the other package, with torchviz as ``wengert.viz``."""
    sys.modules["wengert"] = importlib.import_module(package)
    viz = ModuleType("wengert.viz")
    make_dot = importlib.import_module("torchviz").make_dot
    vars(viz).update(make_dot=make_dot, to_dot_source=lambda result, params: make_dot(result, params=params).source)
    sys.modules["wengert.viz"] = viz


if __name__ == "__main__":
    if sys.argv[1] != "wengert":
        replace_wengert(sys.argv[1])
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")
