"""Build of the optional compiled modules.  What is compiled and when: _build/plan.py; metadata: pyproject.toml.

WENGERT_BUILD=auto     compile when a C compiler works, else install plain Python and say why (default)
WENGERT_BUILD=pure     never compile; so does WENGERT_PURE=1, and an editable install unless told otherwise
WENGERT_BUILD=require  fail when the compilation fails (releases, continuous integration)
WENGERT_PART=kernels   build the kernels only, or WENGERT_PART=mypyc without them (default: both)
WENGERT_KERNELS=v4     build the kernels for these instruction sets only (default: all of this architecture)
WENGERT_OPT=3          optimisation level of mypyc's C (default: 2)
WENGERT_JOBS=2         C compilers at a time
"""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parent / "_build"))
import native

setup(ext_modules=native.extensions(), cmdclass=native.COMMANDS, distclass=native.Distribution)
