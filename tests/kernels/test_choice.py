"""Which build of the kernels runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = "from wengert import kernels; print(kernels.isa(), kernels.COMPILED is None, kernels.why())"


@pytest.mark.parametrize(("name", "value"), [("WENGERT_PURE", "1"), ("WENGERT_ISA", "numpy")])
def test_a_program_that_asks_for_plain_python_gets_no_compiled_kernels(name: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, name: value}, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("numpy True ")


def test_a_build_that_nobody_knows_is_refused_by_name() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "WENGERT_ISA": "v9", "WENGERT_PURE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "WENGERT_ISA='v9': expected one of" in done.stderr
