"""The C++ sources compile for 64-bit ARM, and compute there what they should."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from wengert import kernels

SOURCES = Path(kernels.__file__).parent / "src"
COMPILER = shutil.which("aarch64-linux-gnu-g++")
EMULATOR = shutil.which("qemu-aarch64")
FLAGS = ["-O3", "-std=c++17", "-fno-math-errno", "-fno-trapping-math", "-pthread", "-static"]

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no cross compiler (Debian: g++-aarch64-linux-gnu, qemu-user)")


def portable_headers() -> list[str]:
    """The headers that know nothing of Python."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*.h"))}
    bound = {name for name, text in texts.items() if "Python.h" in text or "numpy/" in text}
    while more := {n for n, text in texts.items() if n not in bound and any(f'"{b}"' in text for b in bound)}:
        bound |= more
    return [name for name in texts if name not in bound]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aarch64")
    unit = folder / "unit.cpp"
    checks = Path(__file__).with_name("portable.cpp").read_text(encoding="utf-8")
    unit.write_text("".join(f'#include "{name}"\n' for name in portable_headers()) + checks, encoding="utf-8")
    assert COMPILER is not None
    command = [COMPILER, *FLAGS, "-I", str(SOURCES), str(unit), "-o", str(folder / "portable")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "portable"


def test_all_headers_compile_for_64_bit_arm(program: Path) -> None:
    assert len(portable_headers()) >= 8
    assert program.exists()


@pytest.mark.skipif(EMULATOR is None, reason="no emulator (Debian: qemu-user)")
def test_functions_threads_and_memory_are_right_on_64_bit_arm(program: Path) -> None:
    assert EMULATOR is not None
    done = subprocess.run([EMULATOR, str(program)], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
