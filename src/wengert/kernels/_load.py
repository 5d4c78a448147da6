"""Choice of the compiled module: the build for the widest instructions that this processor has.

``WENGERT_ISA`` chooses another: "v2", "v3", "v4", "native", or "numpy" for none.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any, Final

import numpy as np

from .. import _pure

# From the widest down, with the features (NumPy's names) that each needs.
BUILDS: Final[dict[str, tuple[str, ...]]] = {
    "v4": ("AVX512F", "AVX512CD", "AVX512BW", "AVX512DQ", "AVX512VL", "AVX2", "FMA3"),
    "v3": ("AVX2", "FMA3", "BMI", "BMI2", "LZCNT", "F16C"),
    "v2": ("SSE42", "POPCNT"),
    "native": (),
}


def _features() -> dict[str, bool]:
    """What the processor has. A private name of NumPy's: without it the narrowest build runs."""
    try:
        found: dict[str, bool] = np._core._multiarray_umath.__cpu_features__  # type: ignore[attr-defined]
    except AttributeError:
        return {}
    return found


def _supported(build: str) -> bool:
    features = _features()
    # A NumPy that knows fewer names than BUILDS lists says no more than that it does not know.
    return all(features.get(name, name in ("BMI", "BMI2", "LZCNT") and bool(features)) for name in BUILDS[build])


def _import(build: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"{__package__}._k_{build}")
    except ModuleNotFoundError:
        return None


def _choose() -> tuple[Any, str, str]:
    """The module, the name of its build, and the reason in words."""
    if _pure.requested():
        return None, "numpy", "WENGERT_PURE=1 is set"
    wish = os.environ.get("WENGERT_ISA", "")
    if wish == "numpy":
        return None, "numpy", "WENGERT_ISA=numpy is set"
    if wish and wish not in BUILDS:
        raise ImportError(f"WENGERT_ISA={wish!r}: expected one of {', '.join(BUILDS)}, numpy")
    for build in [wish] if wish else BUILDS:
        if not wish and not _supported(build):
            continue
        module = _import(build)
        if module is not None:
            return module, build, f"WENGERT_ISA={wish} is set" if wish else "the widest instructions of this processor"
    if wish:
        raise ImportError(f"WENGERT_ISA={wish}: the kernels were not built for it")
    return None, "numpy", "the kernels were not built"


_CHOICE: Final = _choose()
MODULE: Final = _CHOICE[0]
ISA: Final = _CHOICE[1]
WHY: Final = _CHOICE[2]


def set_num_threads(threads: int) -> None:
    """Set the size of the pool."""
    if MODULE is not None:
        MODULE.set_num_threads(threads)


def get_num_threads() -> int:
    """The size of the pool."""
    return int(MODULE.get_num_threads()) if MODULE is not None else 1


def _wished_threads() -> int:
    """OMP_NUM_THREADS, which everybody sets who shares a machine; 0 if it says nothing."""
    text = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(text) if text.isdigit() else 0


if _wished_threads() > 0:
    set_num_threads(_wished_threads())
