"""How the tutorial tests start Python, and how they compare what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent


def start_python(*args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What became of ``python *args``: exit status, standard output, standard error."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # small matrices: more threads only wait
    env = {**os.environ, **threads, "MPLBACKEND": "Agg", "PYTHONPATH": path}
    command = [sys.executable, *args]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=env, cwd=cwd, timeout=300)


def run_python(*args: str, cwd: Path = ROOT) -> str:
    """The standard output of ``python *args``; a run that fails shows its standard error."""
    done = start_python(*args, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def plain(value: object) -> str:
    """The text of a value, without object addresses and with the package called ``torch``."""
    text = re.sub(r"0x[0-9a-fA-F]+", "0x...", str(value))
    return re.sub(r"\bwengert\.", "torch.", text)
