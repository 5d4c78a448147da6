"""Array kernels of every build that this processor runs."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
from collections.abc import Iterator
from typing import Any

import pytest

from wengert.kernels import _load, arrays, bulk, copies, counting

BUILDS = [
    name
    for name in _load.BUILDS
    if os.environ.get("WENGERT_PURE", "") in ("", "0")
    and importlib.util.find_spec(f"wengert.kernels._k_{name}") is not None
    and _load._supported(name)
]

#: What every function of numbers is asked: no numbers, infinities, zeros, numbers below the normal ones.
EDGES = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-40, -1e-40, 1e-320]


@pytest.fixture(params=BUILDS or ["none"])
def native(request: Any, monkeypatch: Any) -> Iterator[Any]:
    """One build, in use by ``bulk``, ``counting`` and ``copies`` for the length of a test."""
    if request.param == "none":
        pytest.skip("the kernels were not built")
    module = importlib.import_module(f"wengert.kernels._k_{request.param}")
    monkeypatch.setattr(bulk, "_native", module)
    monkeypatch.setattr(counting, "_native", module)
    monkeypatch.setattr(copies, "COMPILED", module)
    module.set_programs(arrays.PROGRAMS)
    yield module
