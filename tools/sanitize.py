"""Run the tests of the kernels under the address and undefined-behaviour sanitizers.  `python tools/sanitize.py`

The kernels are built once more, in a copy of the checkout, with checks in every access; a test that reads past an array or
shifts too far then ends the process with a report. Linux and gcc; more arguments go to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("src", "tests", "_build", "setup.py", "pyproject.toml", "README.md", "LICENSE")
FLAGS = "-fsanitize=address,undefined"


def main() -> int:
    """Copy, build, test; the exit code of what failed first."""
    runtimes = [library(name) for name in ("libasan.so", "libubsan.so")]
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        build = {"CFLAGS": f"{FLAGS} -fno-sanitize-recover=undefined -g1", "LDFLAGS": FLAGS}
        build |= {"WENGERT_PART": "kernels", "WENGERT_BUILD": "require", "WENGERT_KERNELS": "v3", "WENGERT_PURE": ""}
        code = run(Path(folder), build, "-W", "ignore", "setup.py", "-q", "build_ext", "--inplace")
        if code:
            return code
        # CPython keeps what it allocated once until it ends, which would be reported as leaks.
        test = {"LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
        test |= {"PYTHONPATH": "src", "WENGERT_PURE": ""}
        return run(Path(folder), test, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/kernels", *sys.argv[1:])


def library(name: str) -> str:
    """Path of a runtime library of gcc."""
    found = subprocess.run(["gcc", f"-print-file-name={name}"], stdout=subprocess.PIPE, text=True, check=True)
    return found.stdout.strip()


def copy_checkout(folder: Path) -> None:
    """The sources without anything built."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignore = shutil.ignore_patterns("*.so", "__pycache__", "_build_info.py")
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy(source, folder / part)


def run(folder: Path, environment: dict[str, str], *arguments: str) -> int:
    """Exit code of Python with these arguments."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={**os.environ, **environment}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
