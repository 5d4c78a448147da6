"""What is compiled, and when.  Standard library only: the build backend and tools/dev.py ask it too."""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "wengert"
MODES = ("auto", "pure", "require")


def mode(editable: bool) -> str:
    """One of MODES.  Editable installs stay plain Python unless told: a compiled module hides edits of its .py file."""
    if _pure_switch():
        return "pure"
    chosen = os.environ.get("WENGERT_BUILD") or ("pure" if editable else "auto")
    if chosen not in MODES:
        raise SystemExit(f"WENGERT_BUILD={chosen!r}: expected one of {', '.join(MODES)}")
    return chosen


def switched_off_by() -> str:
    """What made the mode "pure"."""
    if _pure_switch():
        return f"WENGERT_PURE={os.environ['WENGERT_PURE']}"
    return "WENGERT_BUILD=pure" if os.environ.get("WENGERT_BUILD") else "an editable install, which is not compiled"


def _pure_switch() -> bool:
    return os.environ.get("WENGERT_PURE", "") not in ("", "0")


def compiled_sources() -> list[Path]:
    """The .py files that mypyc compiles, from the table [tool.wengert] of pyproject.toml."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["wengert"]
    skipped = {PACKAGE / name for name in table["uncompiled"]}
    rooms = [PACKAGE / name for name in table["compiled"]]
    files = [f for room in rooms for f in (sorted(room.rglob("*.py")) if room.is_dir() else [room])]
    return [f for f in files if f.exists() and f.name != "__init__.py" and f not in skipped]


def digests() -> dict[str, str]:
    """Hash of every compiled source by its path in the package: tells whether a build is that of these files."""
    return {
        f.relative_to(PACKAGE).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest()[:16] for f in compiled_sources()
    }


def binaries(package: Path) -> list[Path]:
    """The compiled modules below `package`."""
    return [*package.rglob("*.so"), *package.rglob("*.pyd")]
