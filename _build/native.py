"""The setuptools side of the build: mypyc, docstrings, parallel C compilers, all modules compiled or none."""

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

reason = f"built with {plan.switched_off_by()}" if MODE == "pure" else ""
digests: dict[str, str] = {}


def extensions() -> list[setuptools.Extension]:
    """The extension modules, or none with the cause in `reason`."""
    global digests, reason
    if not BUILDING or MODE == "pure":
        return []
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
    return os.environ.get("WENGERT_OPT") or "3"


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
    for extension in found:
        if os.name == "posix":
            extension.extra_compile_args = [*extension.extra_compile_args, "-Wno-error", "-fvisibility=hidden"]
        # With multi_file, mypyc includes the group's header by its bare name.
        extension.include_dirs.append(str(C_DIR.joinpath(*GROUP.split(".")[:-1])))
    docs_hook.mend(C_DIR, GROUP, sources)
    return found


def _module(source: Path) -> str:
    return ".".join(["wengert", *source.relative_to(plan.PACKAGE).with_suffix("").parts])


def _give_up(error: BaseException) -> None:
    global reason
    text = " ".join(str(error).split())
    if len(text) > 200:  # the command line of a compiler
        text = f"{text[:60]} ... {text[-60:]}"
    reason = f"the compilation failed: {text}"
    if MODE == "auto":
        print(f"\n*** wengert is NOT compiled, plain Python is installed: {reason}\n", file=sys.stderr, flush=True)


def _settle(package: Path, compiled: bool, keep: Iterable[Path] = ()) -> None:
    """Delete the compiled modules but `keep`, also those of a source that is gone, and write down what is there.

    `wengert.show_config()` reads wengert/_build_info.py.
    """
    for binary in set(plan.binaries(package)).difference(keep):
        binary.unlink()
    lines = ['"""Written by the build: how this copy came to be.  Read by wengert.show_config()."""', ""]
    lines += [f"COMPILED = {compiled}", f"REASON = {reason!r}", f"SOURCES = {digests if compiled else {}!r}", ""]
    (package / "_build_info.py").write_text("\n".join(lines), encoding="utf-8")


class BuildPy(build_py):
    """Copies the .py files, into an empty folder: what an earlier build left there would be installed too."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(Path(self.build_lib, "wengert"), ignore_errors=True)
        super().run()
        if not self.editable_mode:
            _settle(Path(self.build_lib, "wengert"), compiled=False)


class BuildExt(build_ext):
    """All compiled modules or none: half of them would not import."""

    def run(self) -> None:
        if not self.extensions:
            return
        in_place = self.inplace or self.editable_mode
        package = plan.PACKAGE if in_place else Path(self.build_lib, "wengert")
        try:
            super().run()
        except Exception as error:
            _give_up(error)
            _settle(package, compiled=False)
            if MODE == "require":
                raise
            # Nothing is left for setuptools to copy or to list.
            self.extensions = self.distribution.ext_modules = []
        else:
            names = [self.get_ext_fullname(extension.name) for extension in self.extensions]
            _settle(package, compiled=True, keep=[package.parent / self.get_ext_filename(name) for name in names])

    def build_extensions(self) -> None:
        """Let every C file be one job of a small pool, and skip those that have not changed since the last build."""
        jobs = int(os.environ.get("WENGERT_JOBS") or min(os.cpu_count() or 1, 4))
        with ThreadPoolExecutor(jobs) as pool:
            self.compiler.compile = _compile_in(pool, self.compiler.compile)
            self.parallel = jobs
            super().build_extensions()


def _compile_in(pool: ThreadPoolExecutor, compile_files: Callable[..., list[str]]) -> Callable[..., list[str]]:
    headers = b"".join(h.read_bytes() for h in sorted(C_DIR.rglob("*.h")))

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
