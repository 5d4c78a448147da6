"""The kernels: Cython and C++, built once per instruction set from the same sources, see docs/design/0011-kernels.md."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import plan
import setuptools

ROOM = plan.KERNELS
SOURCES = ROOM / "src"
GENERATED = Path("build", "kernels")

# NaN, infinities and signed zeros stay as in C: never -ffast-math.
FLAGS = ["-O3", "-g0", "-std=c++17", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-pthread"]
ARCHITECTURES = {
    "v2": ["-march=x86-64-v2"],
    "v3": ["-march=x86-64-v3"],
    "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
}


def extensions(optional: bool) -> list[setuptools.Extension]:
    """One extension module per instruction set.

    Raises:
        RuntimeError: for a compiler whose dialect the sources do not speak.
    """
    if os.name == "nt":
        raise RuntimeError("the kernels are written for gcc and clang")
    import numpy as np

    os.chdir(plan.ROOT)
    _cythonize()
    return [
        setuptools.Extension(
            f"wengert.kernels._k_{name}",
            _units(name),
            include_dirs=[str(SOURCES), np.get_include()],
            extra_compile_args=[*FLAGS, *ARCHITECTURES.get(name, [])],
            extra_link_args=["-pthread", "-Wl,-s"] if platform.system() == "Linux" else ["-pthread"],
            define_macros=[
                ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
                ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
            ],
            language="c++",
            optional=optional,
        )
        for name in plan.kernel_builds()
    ]


def _cythonize() -> None:
    """Translate _k.pyx, unless that was done already."""
    from Cython.Compiler.Main import compile as translate
    from Cython.Compiler.Options import CompilationOptions, default_options

    target, stamp = GENERATED / "_k.cpp", GENERATED / "_k.key"
    if target.exists() and stamp.exists() and stamp.read_text() == plan.kernel_digest():
        return
    GENERATED.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    options = CompilationOptions(
        default_options, cplus=True, language_level=3, output_file=str(target), include_path=[str(ROOM)]
    )
    result = translate(str(ROOM / "_k.pyx"), options, full_module_name="wengert.kernels._k")
    if result.num_errors:
        raise RuntimeError("Cython refused kernels/_k.pyx")
    stamp.write_text(plan.kernel_digest())


def _units(name: str) -> list[str]:
    """The sources of one build: common ones, in files of its own, and the door under another module name."""
    door = f'#define PyInit__k PyInit__k_{name}\n#include "_k.cpp"\n'
    texts = {"_k": door, **{file.stem: f'#include "{file.name}"\n' for file in sorted(SOURCES.glob("*.cpp"))}}
    units = []
    for stem, text in texts.items():
        unit = GENERATED / f"{stem}_{name}.cpp"
        unit.write_text(f"// {plan.kernel_digest()}\n{text}", encoding="utf-8")
        units.append(str(unit))
    return units
