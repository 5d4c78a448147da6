"""What this copy of wengert is: version, compiled or plain Python and why, and the libraries below it."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import platform
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

from . import _pure, kernels
from ._version import __version__

_PACKAGE: Final = Path(__file__).resolve().parent
_REBUILD: Final = "`python tools/dev.py build` compiles it"


def is_compiled() -> bool:
    """True if the modules of wengert that run in this process were compiled by mypyc."""
    return any(
        str(getattr(module, "__file__", None) or "").endswith(tuple(EXTENSION_SUFFIXES))
        for name, module in list(sys.modules.items())
        if name.startswith("wengert.") and not name.startswith("wengert.kernels.")
    )


def config_info() -> dict[str, Any]:
    """Facts about this copy of wengert and its environment, for a bug report.

    SciPy is not imported for it.

    Returns:
        A new dict: ``version``, ``compiled`` (bool), ``why``, ``stale`` (list of the .py files of the package
        that were changed after they were compiled), ``kernels`` (instruction set, and why), ``threads``,
        ``python``, ``numpy``, ``scipy``, ``blas``, ``platform``, ``path``.

    Example:
        >>> config_info()["version"]
        '0.1.0'
    """
    compiled = is_compiled()
    build = _build_info()
    return {
        "version": __version__,
        "compiled": compiled,
        "why": _why(compiled, build),
        "stale": _stale(build) if compiled else [],
        "kernels": f"{kernels.isa()}: {kernels.why()}",
        "threads": kernels.get_num_threads(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "scipy": _installed("scipy"),
        "blas": _blas(),
        "platform": platform.platform(),
        "path": str(_PACKAGE),
    }


def show_config(file: TextIO | None = None) -> None:
    """Print version, compiled or not and why, Python, NumPy, SciPy, BLAS and path.

    Args:
        file: Text stream to print to; ``sys.stdout`` if None.
    """
    info = config_info()
    kind = "compiled" if info["compiled"] else "plain Python"
    lines = [f"wengert {info['version']}, {kind}: {info['why']}"]
    if info["stale"]:
        lines.append(f"  stale:    edited after they were compiled: {', '.join(info['stale'])}; {_REBUILD}")
    keys = ("kernels", "threads", "python", "numpy", "scipy", "blas", "platform", "path")
    lines += [f"  {key + ':':<9} {info[key]}" for key in keys]
    print("\n".join(lines), file=file)


def _build_info() -> dict[str, Any]:
    """What the build wrote down, empty in a checkout that was never built."""
    try:
        return vars(importlib.import_module("wengert._build_info"))
    except ModuleNotFoundError:
        return {}


def _why(compiled: bool, build: dict[str, Any]) -> str:
    if compiled:
        return str(build["REASON"]) if build.get("COMPILED") else "compiled modules lie beside the sources"
    if _pure.requested() and _has_binaries():
        return "WENGERT_PURE=1 is set, so the compiled modules are ignored"
    if build.get("COMPILED") is False:
        return str(build["REASON"])
    return f"a source checkout without compiled modules; {_REBUILD}"


def _has_binaries() -> bool:
    return any(file.parent.name != "kernels" for suffix in EXTENSION_SUFFIXES for file in _PACKAGE.rglob("*" + suffix))


def _stale(build: dict[str, Any]) -> list[str]:
    """The sources that differ from the ones the build recorded."""
    recorded: dict[str, str] = build.get("SOURCES", {})
    return [name for name, digest in recorded.items() if _digest(_PACKAGE / name) != digest]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.exists() else ""


def _installed(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _blas() -> str:
    """Name and version of NumPy's BLAS."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {}) if config else {}
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
