#!/usr/bin/env python3
"""Set up, check, test, measure and compile wengert.  Standard library only; `python tools/dev.py --help`."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  who runs this may not have read pyproject.toml
    sys.exit(f"wengert needs Python 3.11 or newer, this is {sys.version.split()[0]}: try `make PYTHON=python3.11 ...`")

import tomllib

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "_build"))
import plan  # noqa: E402

VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "wengert-setup.json"
BUILD_INFO = plan.PACKAGE / "_build_info.py"
# Tests with a process of their own where several run the suite: the first two search all objects, of which the suite has
# millions, the last compiles a package once for all of its tests.
ALONE = tuple(
    f"tests/{name}.py" for name in ("semantics/test_holders", "semantics/test_elders", "meta/test_packaging_build")
)
NO_TESTS = 5  # pytest's exit code
CACHES = ("build", "dist", "out", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis")


def python() -> str:
    """The interpreter everything runs with: the one of .venv, else the one that runs this script."""
    return str(VENV_PYTHON if VENV_PYTHON.exists() else sys.executable)


def say(text: str) -> None:
    """Print a heading at once, so that it stands above what the next process prints."""
    print(f"== {text}", flush=True)


def run(*command: str, **env: str) -> int:
    """Exit code of `command`, run at the root with `env` added to the environment."""
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, check=False).returncode


def require(code: int, what: str) -> None:
    """Leave with a message if `code` is a failure."""
    if code != 0:
        sys.exit(f"== {what} FAILED (exit code {code})")


# ---- setup ----------------------------------------------------------------------------------------------------------


def setup_key() -> str:
    """Changes when the environment must be installed anew."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [str(ROOT), table["build-system"], table["project"], table["tool"]["setuptools"]]
    text = json.dumps(parts, sort_keys=True) + (ROOT / "setup.py").read_text(encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def setup(args: argparse.Namespace) -> None:
    """Make .venv and install the checkout into it, editable and uncompiled, with extras.  Nothing to do: 0.1 s."""
    wanted = set(args.extras.split(","))
    done = json.loads(STAMP.read_text(encoding="utf-8")) if STAMP.exists() else {}
    if done.get("key") == setup_key():
        if wanted <= set(done["extras"]):
            return
        wanted |= set(done["extras"])
    if not VENV_PYTHON.exists():
        say(f"creating {VENV.relative_to(ROOT)} with {sys.executable}")
        require(run(sys.executable, "-m", "venv", str(VENV)), "python -m venv")
    target = f".[{','.join(sorted(wanted))}]"
    say(f'pip install -e "{target}"{"   (torch, which the tests compare with, is some 200 MB)" * ("test" in wanted)}')
    pip = (str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", target)
    require(run(*pip, WENGERT_BUILD="pure"), "pip install")
    STAMP.write_text(json.dumps({"key": setup_key(), "extras": sorted(wanted)}), encoding="utf-8")


# ---- build ----------------------------------------------------------------------------------------------------------


def is_built() -> bool:
    """Whether the checkout holds compiled modules of exactly these sources for the interpreter in use."""
    record = plan.build_record(BUILD_INFO)
    if not record.get("COMPILED") or record["SOURCES"] != plan.digests():
        return False
    suffix = extension_suffix()
    return all(f.with_suffix(suffix).exists() for f in plan.compiled_sources())


def kernels_are_built() -> bool:
    """The same for the kernels."""
    record = plan.build_record(BUILD_INFO)
    if not record.get("KERNELS") or record["KERNEL_SOURCES"] != plan.kernel_digest():
        return False
    names = {
        f.name.partition(".")[0] for f in plan.kernel_binaries(plan.PACKAGE) if f.name.endswith(extension_suffix())
    }
    return names >= {f"_k_{name}" for name in plan.kernel_builds()}


def extension_suffix() -> str:
    """How the interpreter in use ends the names of compiled modules."""
    if not VENV_PYTHON.exists():
        return str(sysconfig.get_config_var("EXT_SUFFIX"))
    query = "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))"
    return subprocess.run([python(), "-c", query], capture_output=True, text=True, check=True).stdout.strip()


def remove_build() -> None:
    """Back to a plain Python checkout."""
    for file in (*plan.binaries(plan.PACKAGE), *plan.kernel_binaries(plan.PACKAGE), BUILD_INFO):
        file.unlink(missing_ok=True)


def build(args: argparse.Namespace) -> None:
    """Compile into the checkout; a compiled module wins over its .py file until `build --clean`."""
    if args.clean:
        remove_build()
        return
    kernels_only: bool = args.kernels
    done = {"kernels": kernels_are_built(), "mypyc": kernels_only or is_built()}
    for part, up_to_date in done.items():
        if up_to_date and not (args.force and not (kernels_only and part == "mypyc")):
            continue
        say(f"compiling: {part}")
        start = time.perf_counter()
        command = (python(), "-W", "ignore", "setup.py", "-q", "build_ext", "--inplace")
        require(run(*command, WENGERT_BUILD="require", WENGERT_PURE="", WENGERT_PART=part), "compilation")
        say(f"compiled in {time.perf_counter() - start:.0f} s; `tools/dev.py build --clean` goes back to plain Python")
    if all(done.values()) and not args.force:
        say("compiled modules are up to date")


# ---- check ----------------------------------------------------------------------------------------------------------


def python_paths() -> list[str]:
    """What the formatter and the linter read."""
    names = ("src", "tools", "tests", "examples", "benchmarks", "_build", "setup.py")
    return [name for name in names if (ROOT / name).exists()]


def check(args: argparse.Namespace) -> None:
    """Format, lint, types, layers, budgets, generated code and the smoke tests: all of them, then the verdict."""
    paths, fix = python_paths(), args.fix
    steps = {
        "ruff format": ["-m", "ruff", "format", *([] if fix else ["--check"]), *paths],
        "ruff check": ["-m", "ruff", "check", "--quiet", *(["--fix"] if fix else []), *paths],
        "mypy": ["-m", "mypy", "--strict", "src", "tools"],
        "layers": ["tools/layers.py"],
        "budget": ["tools/budget.py"],
        "regen": ["tools/regen.py", *([] if fix else ["--check"])],
        "smoke tests": ["-m", "pytest", "-q", "-m", "smoke", "-p", "no:cacheprovider"],
    }
    failed = []
    for name, step in steps.items():
        start = time.perf_counter()
        say(name)
        code = run(python(), *step, WENGERT_PURE="1")
        print(f"   {'ok' if code == 0 else 'FAILED'}, {time.perf_counter() - start:.1f} s", flush=True)
        failed += [name] if code != 0 else []
    if failed:
        sys.exit(f"== check FAILED: {', '.join(failed)}")
    say("check passed")


# ---- test, bench, regen ---------------------------------------------------------------------------------------------


def test_once(compiled: bool, jobs: int, arguments: list[str]) -> int:
    """Exit code of pytest in one of the two modes."""
    kind, pure = ("compiled", "") if compiled else ("plain Python", "1")
    expect = f"import sys, wengert._config as c, wengert; sys.exit(c.is_compiled() is not {compiled})"
    if run(python(), "-c", expect, WENGERT_PURE=pure) != 0:
        say(f"`import wengert` fails, or does not run {kind}")
        return 1
    say(f"tests, {kind}: pytest {' '.join(arguments)}")
    runs = [arguments]
    if jobs > 1:
        parallel = ["-n", str(jobs), *arguments]
        named = any((ROOT / a.partition("::")[0]).exists() for a in arguments)
        runs = [parallel] if named else [[*parallel, *(f"--ignore={name}" for name in ALONE)], [*ALONE, *arguments]]
    # Several processes, each with a BLAS that wants every core, take longer than one.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") if jobs > 1 else {}
    env = {"WENGERT_PURE": pure, **threads, **thread_wishes()}
    codes = [run(python(), "-m", "pytest", *options, **env) for options in runs]
    return max([code for code in codes if code != NO_TESTS], default=NO_TESTS)


def thread_wishes() -> dict[str, str]:
    """The numbers of threads that the caller has set."""
    return {name: os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if name in os.environ}


def test(args: argparse.Namespace) -> None:
    """Run the suite as plain Python (default), compiled, or both; compiles first what has changed."""
    modes = [mode for mode, wanted in ((True, args.compiled or args.both), (False, not args.compiled)) if wanted]
    verdicts = {}
    for compiled in modes:
        if compiled:
            build(argparse.Namespace(clean=False, force=False, kernels=False))
        again = [] if compiled or not args.both else ["-m", "not once"]
        arguments = [*again, *args.arguments]
        verdicts["compiled" if compiled else "plain Python"] = test_once(compiled, args.jobs, arguments)
    for kind, code in verdicts.items():
        say(f"tests, {kind}: {'passed' if code == 0 else f'FAILED (exit code {code})'}")
    sys.exit(any(verdicts.values()))


def sanitize(args: argparse.Namespace) -> None:
    """Run the tests of the kernels under the sanitizers of gcc."""
    sys.exit(run(python(), "tools/sanitize.py", *args.arguments))


def bench(args: argparse.Namespace) -> None:
    """Run benchmarks/run.py."""
    sys.exit(run(python(), "benchmarks/run.py", *args.arguments))


def regen(args: argparse.Namespace) -> None:
    """Write the generated shells of src/wengert/_gen anew."""
    sys.exit(run(python(), "tools/regen.py", *args.arguments))


def demo(args: argparse.Namespace) -> None:
    """Run examples/demo.py and name the pictures it left in out/."""
    start = time.time()
    require(run(python(), "examples/demo.py", *args.arguments), "examples/demo.py")
    pictures = [f for f in sorted((ROOT / "out").glob("*")) if f.stat().st_mtime >= start - 1]
    say("pictures: " + (", ".join(str(f.relative_to(ROOT)) for f in pictures) or "none"))


def clean(args: argparse.Namespace) -> None:
    """Remove all that was built or cached, and .venv too with --venv."""
    remove_build()
    folders = [*(ROOT / name for name in CACHES), *(ROOT / "src").glob("*.egg-info"), *([VENV] if args.venv else [])]
    for top in python_paths():
        folders += (ROOT / top).rglob("__pycache__")
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


# ---- command line ---------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    epilog = "Unknown options of test, sanitize, bench, regen and demo are passed on."
    main = argparse.ArgumentParser(description=__doc__, epilog=epilog)
    commands = main.add_subparsers(dest="command", required=True, metavar="command")
    for function in (setup, check, test, sanitize, bench, regen, build, demo, clean):
        text = (function.__doc__ or "").replace("%", "%%")
        # No abbreviations: pytest's --co is not our --compiled.
        command = commands.add_parser(function.__name__, help=text, description=text, allow_abbrev=False)
        command.set_defaults(function=function)
    options = commands.choices
    options["setup"].add_argument("--extras", default="test,dev", help="extras of pyproject.toml (%(default)s)")
    options["check"].add_argument("--fix", action="store_true", help="format, apply safe lint fixes and regenerate")
    options["build"].add_argument("--clean", action="store_true", help="remove the compiled modules instead")
    options["build"].add_argument("--kernels", action="store_true", help="only the kernels, in half a minute")
    options["build"].add_argument("--force", action="store_true", help="compile even if nothing has changed")
    modes = options["test"].add_mutually_exclusive_group()
    modes.add_argument("--pure", action="store_true", help="as plain Python (default)")
    modes.add_argument("--compiled", action="store_true", help="compiled by mypyc")
    modes.add_argument("--both", action="store_true", help="compiled, then as plain Python")
    options["test"].add_argument("-j", "--jobs", type=int, default=1, help="pytest processes (default: 1)")
    options["clean"].add_argument("--venv", action="store_true", help="remove .venv too")
    return main


def main() -> None:
    """Run the command of the command line."""
    args, rest = parser().parse_known_args()
    if rest and args.command not in ("test", "sanitize", "bench", "regen", "demo"):
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    args.arguments = rest
    args.function(args)


if __name__ == "__main__":
    main()
