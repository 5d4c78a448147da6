"""The setuptools side of the build: mypyc with docstrings, the kernels, parallel compilers.

The modules of mypyc are compiled all or not at all; each build of the kernels stands for itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docs_hook
import kernels
import plan
import setuptools
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

# The metadata hooks (egg_info, dist_info, sdist) must not run mypy: seconds each.
BUILDING = not {"build", "build_ext", "bdist_wheel", "editable_wheel"}.isdisjoint(sys.argv)
EDITABLE = "editable_wheel" in sys.argv
MODE = plan.mode(EDITABLE)
GROUP = "wengert._core.native"  # dotted, so that the shared library of all modules lies inside the package
C_DIR = Path("build", "mypyc")
TYPE_CHECK = Path("_build", "type_check.h")
SMALL = ["-fno-plt", "-fno-asynchronous-unwind-tables"]  # C has no exceptions that need the tables

reason = f"built with {plan.switched_off_by()}" if MODE == "pure" else ""
kernels_reason = reason
digests: dict[str, str] = {}


def extensions() -> list[setuptools.Extension]:
    """The extension modules, as far as they can be built."""
    if not BUILDING or MODE == "pure":
        return []
    found = _mypyc_extensions() if plan.builds("mypyc") else []
    return found + (_kernel_extensions() if plan.builds("kernels") else [])


def _kernel_extensions() -> list[setuptools.Extension]:
    """The builds of the kernels, or none with the cause in `kernels_reason`."""
    global kernels_reason
    try:
        return kernels.extensions(optional=MODE == "auto") if (plan.KERNELS / "_k.pyx").exists() else []
    except Exception as error:
        if MODE == "require":
            raise
        kernels_reason = _cause(error)
        _warn("the kernels are not built, NumPy does their work", kernels_reason)
        return []


def _mypyc_extensions() -> list[setuptools.Extension]:
    """The modules of mypyc, or none with the cause in `reason`."""
    global digests, reason
    digests = plan.digests()  # before the compilation: an edit during it makes the modules stale
    try:
        _probe_compiler()
        found = _mypycify()
    except Exception as error:
        if MODE == "require":
            raise
        _give_up(error)
        if EDITABLE or "--inplace" in sys.argv:  # what an earlier build left there is of other sources
            _settle(plan.PACKAGE, compiled=False)
        return []
    reason = f"compiled by mypyc at -O{_opt()}, Python {platform.python_version()}"
    return found


def _probe_compiler() -> None:
    """Compile one line, in a tenth of a second, before mypy spends many."""
    if platform.python_implementation() != "CPython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise RuntimeError("mypyc compiles for CPython with the global interpreter lock only")
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.sysconfig import customize_compiler, get_python_inc

    compiler = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#include <Python.h>\nint probe(void) { return 0; }\n")
        try:
            compiler.compile([str(source)], output_dir=folder, include_dirs=[get_python_inc()])
        except Exception as error:
            name = " ".join(getattr(compiler, "compiler", ["cl"])[:1])
            raise RuntimeError(f"no C compiler that works with Python's headers was found ({name} fails)") from error


def _opt() -> str:
    return os.environ.get("WENGERT_OPT") or "2"  # 3 is no faster and makes 4 % more


def _mypycify() -> list[setuptools.Extension]:
    from mypyc.build import mypycify

    os.chdir(plan.ROOT)
    sources = {_module(f): f for f in plan.compiled_sources()}
    os.environ["MYPYPATH"] = "src"
    # Only what makes wrong code stops a build: `tools/dev.py check` is strict, with the versions of the extra dev.
    options = ["--config-file=", "--explicit-package-bases", "--follow-imports=silent", "--ignore-missing-imports"]
    messages = io.StringIO()
    try:
        with contextlib.redirect_stdout(messages):
            found: list[setuptools.Extension] = mypycify(
                options + [str(f.relative_to(plan.ROOT)) for f in sources.values()],
                opt_level=_opt(),
                debug_level="0",
                multi_file=True,  # one C file a module: less memory, and several compilers at a time
                target_dir=str(C_DIR),
                group_name=GROUP,
            )
    except SystemExit as error:  # how mypycify ends when it finds errors in the sources
        text = messages.getvalue().strip() or str(error)
        print(text, file=sys.stderr)
        raise RuntimeError("mypyc refused the sources: " + text.partition("\n")[0]) from None
    compile_args, link_args = [], []
    if os.name == "posix":
        compile_args = ["-Wno-error", "-fvisibility=hidden", "-include", str(TYPE_CHECK)]
    if sys.platform == "linux":
        compile_args += SMALL
        link_args = ["-Wl,-s"]
    for extension in found:  # whose lists may be the same one
        extension.extra_compile_args = [*extension.extra_compile_args, *compile_args]
        extension.extra_link_args = [*extension.extra_link_args, *link_args]
        # With multi_file, mypyc includes the group's header by its bare name.
        extension.include_dirs = [*extension.include_dirs, str(C_DIR.joinpath(*GROUP.split(".")[:-1]))]
    docs_hook.mend(C_DIR, GROUP, sources)
    return found


def _module(source: Path) -> str:
    return ".".join(["wengert", *source.relative_to(plan.PACKAGE).with_suffix("").parts])


def _give_up(error: BaseException) -> None:
    global reason
    reason = _cause(error)
    if MODE == "auto":
        _warn("wengert is NOT compiled, plain Python is installed", reason)


def _cause(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if len(text) > 200:  # the command line of a compiler
        text = f"{text[:60]} ... {text[-60:]}"
    return f"the compilation failed: {text}"


def _warn(what: str, why: str) -> None:
    print(f"\n*** {what}: {why}\n", file=sys.stderr, flush=True)


def _settle(package: Path, compiled: bool, keep: Iterable[Path] = ()) -> None:
    """Delete the modules of mypyc but `keep`, also those of a source that is gone, and write down what is there."""
    for binary in set(plan.binaries(package)).difference(keep):
        binary.unlink()
    _write_record(package, COMPILED=compiled, REASON=reason, SOURCES=digests if compiled else {})


def _settle_kernels(package: Path, keep: Iterable[Path]) -> None:
    """Delete the builds of the kernels but `keep`, and write down what is there."""
    global kernels_reason
    kept = sorted(file.name.partition(".")[0].removeprefix("_k_") for file in keep if file.exists())
    for binary in set(plan.kernel_binaries(package)).difference(keep):
        binary.unlink()
    missing = sorted(set(plan.kernel_builds()).difference(kept))
    if missing and not kernels_reason:
        kernels_reason = f"the compilation failed: {', '.join(missing)}"
    _write_record(
        package, KERNELS=kept, KERNELS_REASON=kernels_reason, KERNEL_SOURCES=plan.kernel_digest() if kept else ""
    )


def _write_record(package: Path, **fields: object) -> None:
    """Change fields of wengert/_build_info.py, which `wengert.show_config()` reads."""
    file = package / "_build_info.py"
    record = {**plan.build_record(file), **fields}
    lines = ['"""Written by the build: how this copy came to be.  Read by wengert.show_config()."""', ""]
    lines += [f"{name} = {value!r}" for name, value in sorted(record.items())]
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")


class BuildPy(build_py):
    """Copies the .py files, into an empty folder: what an earlier build left there would be installed too."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(Path(self.build_lib, "wengert"), ignore_errors=True)
        super().run()
        if not self.editable_mode:
            _settle(Path(self.build_lib, "wengert"), compiled=False)


class BuildExt(build_ext):
    """The modules of mypyc, all or none, for half of them would not import; then the kernels."""

    def run(self) -> None:
        in_place = self.inplace
        package = plan.PACKAGE if in_place or self.editable_mode else Path(self.build_lib, "wengert")
        every = self.extensions
        parts = {
            kernel: [e for e in every if e.name.startswith("wengert.kernels.") is kernel] for kernel in (False, True)
        }
        built, compiler = [], self.compiler
        for kernel, part in parts.items():
            if not part:
                continue
            self.extensions, self.inplace, self.compiler = part, in_place, compiler
            try:
                super().run()
            except Exception as error:
                self._failed(package, kernel, error)
                if MODE == "require":
                    raise
                continue
            built += part
            files = [package.parent / self.get_ext_filename(self.get_ext_fullname(e.name)) for e in part]
            if kernel:
                _settle_kernels(package, files)
            else:
                _settle(package, compiled=True, keep=files)
        # Nothing else is left for setuptools to copy or to list.
        self.extensions = self.distribution.ext_modules = built

    def _failed(self, package: Path, kernel: bool, error: Exception) -> None:
        global kernels_reason
        if not kernel:
            _give_up(error)
            _settle(package, compiled=False)
            return
        kernels_reason = _cause(error)
        _warn("the kernels are not built, NumPy does their work", kernels_reason)
        _settle_kernels(package, [])

    def build_extensions(self) -> None:
        """Let every C file be one job of a small pool, and skip those that have not changed since the last build."""
        jobs = int(os.environ.get("WENGERT_JOBS") or min(os.cpu_count() or 1, 4))
        with ThreadPoolExecutor(jobs) as pool:
            self.compiler.compile = _compile_in(pool, self.compiler.compile)
            self.parallel = jobs
            super().build_extensions()


def _compile_in(pool: ThreadPoolExecutor, compile_files: Callable[..., list[str]]) -> Callable[..., list[str]]:
    headers = b"".join(h.read_bytes() for h in [TYPE_CHECK, *sorted(C_DIR.rglob("*.h"))])

    def compile_one(source: str, options: dict[str, Any]) -> list[str]:
        key = hashlib.sha256(repr(options).encode() + headers + Path(source).read_bytes()).hexdigest()
        target = Path(options["output_dir"], Path(source).with_suffix(".o"))
        stamp = target.with_suffix(".key")
        if target.exists() and stamp.exists() and stamp.read_text() == key:
            return [str(target)]
        stamp.unlink(missing_ok=True)
        objects = compile_files([source], **options)
        if objects == [str(target)]:
            stamp.write_text(key)
        return objects

    def compile_all(sources: list[str], **options: Any) -> list[str]:
        jobs = [pool.submit(compile_one, source, options) for source in sources]
        return [name for job in jobs for name in job.result()]

    return compile_all


class Distribution(setuptools.Distribution):
    """Tells whether the wheel is one for this platform."""

    def has_ext_modules(self) -> bool:
        return bool(self.ext_modules) if BUILDING else MODE != "pure"


COMMANDS = {"build_py": BuildPy, "build_ext": BuildExt}
