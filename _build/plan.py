"""What is compiled, and when.  Standard library only: the build backend and tools/dev.py ask it too."""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "wengert"
KERNELS = PACKAGE / "kernels"
MODES = ("auto", "pure", "require")
PARTS = ("mypyc", "kernels")


def mode(editable: bool) -> str:
    """One of MODES.  Editable installs stay plain Python unless told: a compiled module hides edits of its .py file."""
    if _pure_switch():
        return "pure"
    chosen = os.environ.get("WENGERT_BUILD") or ("pure" if editable else "auto")
    if chosen not in MODES:
        raise SystemExit(f"WENGERT_BUILD={chosen!r}: expected one of {', '.join(MODES)}")
    return chosen


def builds(part: str) -> bool:
    """Whether one of PARTS is built: WENGERT_PART=kernels leaves the modules of mypyc as they are, and the reverse."""
    chosen = os.environ.get("WENGERT_PART") or part
    if chosen not in PARTS:
        raise SystemExit(f"WENGERT_PART={chosen!r}: expected one of {', '.join(PARTS)}")
    return chosen == part


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


def kernel_builds() -> list[str]:
    """The builds of the kernels for this machine, one per instruction set; WENGERT_KERNELS=v3,v4 chooses among them."""
    found = ["v2", "v3", "v4"] if platform.machine().lower() in ("x86_64", "amd64") else ["native"]
    wish = os.environ.get("WENGERT_KERNELS")
    return [name for name in found if name in wish.split(",")] if wish else found


def kernel_sources() -> list[Path]:
    """Everything that the compilers of the kernels read."""
    return [
        KERNELS / "_k.pyx",
        *(file for kind in ("pxi", "h", "cpp") for file in sorted(KERNELS.glob(f"src/*.{kind}"))),
    ]


def kernel_digest() -> str:
    """Hash of these: tells whether a build is that of these files."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in kernel_sources())).hexdigest()[:16]


def binaries(package: Path) -> list[Path]:
    """The modules of mypyc below `package`."""
    return sorted(set(_extensions(package)).difference(kernel_binaries(package)))


def kernel_binaries(package: Path) -> list[Path]:
    """The builds of the kernels below `package`."""
    return _extensions(package / "kernels")


def _extensions(folder: Path) -> list[Path]:
    return [*folder.rglob("*.so"), *folder.rglob("*.pyd")]


def build_record(file: Path) -> dict[str, object]:
    """What the build wrote into `file`, a _build_info.py, read without importing the package; empty if there is none."""
    if not file.exists():
        return {}
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return {ast.unparse(n.targets[0]): ast.literal_eval(n.value) for n in body if isinstance(n, ast.Assign)}
