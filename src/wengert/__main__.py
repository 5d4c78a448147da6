"""``python -m wengert``: run programs that say ``import torch``, and say what they use that wengert lacks."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

from . import _config
from ._version import __version__
from .interop.torch_names import find_uses, first_missing, out_of_scope
from .interop.torch_shim import install_torch

HELP: Final = """\
usage: python -m wengert SCRIPT.py [ARGUMENT ...]
       python -m wengert -m MODULE [ARGUMENT ...]
       python -m wengert -c CODE [ARGUMENT ...]
       python -m wengert check PATH [PATH ...]
       python -m wengert config

Run a program written for PyTorch: `import torch` gives wengert. The program sees what `python` alone would show it:
sys.argv, __name__ == "__main__", and its own folder first on sys.path.

  SCRIPT.py         run a file (write ./check for a script named check)
  -m MODULE         run an installed module or package
  -c CODE           run a string
  check PATH ...    list the names of torch that scripts (or all .py files below a folder) use and wengert lacks: how
                    often and where, and apart from them those that wengert does not aim at (GPUs, several processes,
                    compilers, quantization, ...). Exit status 1 if there are any, 2 if a file cannot be read. Methods
                    of tensors are not decided: what a variable holds is known only when the program runs.
  config            print versions, whether wengert is compiled, and why: for bug reports
  -h, --help        print this text
  --version         print the version

In a notebook: %load_ext wengert. In a program: wengert.interop.install_torch().
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line that follows ``python -m wengert`` and return the exit status."""
    command, *rest = arguments or ["--help"]
    if command in ("-h", "--help"):
        print(HELP, end="")
    elif command == "--version":
        print(f"wengert {__version__}")
    elif command == "config" and not rest:
        _config.show_config()
    elif command == "check":
        return check(rest)
    elif command in ("-m", "-c"):
        if not rest:
            return refuse(f"argument expected for the {command} option")
        (run_module if command == "-m" else run_code)(*rest)
    elif command.startswith("-"):
        return refuse(f"unknown option {command}")
    elif not Path(command).exists():
        return refuse(f"can't open file {command!r}: there is no such file")
    else:
        run_script(command, *rest)
    return 0


def refuse(message: str) -> int:
    """Print why the command line makes no sense; exit status 2."""
    print(f"python -m wengert: {message}\ntry: python -m wengert --help", file=sys.stderr)
    return 2


def run_script(script: str, *arguments: str) -> None:
    """Run a file as ``python script`` does, with wengert as torch."""
    install_torch()
    sys.argv = [script, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))  # `python -m` has put the current folder there
    runpy.run_path(script, run_name="__main__")


def run_module(module: str, *arguments: str) -> None:
    """Run a module as ``python -m module`` does, with wengert as torch."""
    install_torch()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def run_code(code: str, *arguments: str) -> None:
    """Run a string as ``python -c code`` does, with wengert as torch."""
    install_torch()
    sys.argv = ["-c", *arguments]
    sys.modules["__main__"] = program = ModuleType("__main__")
    exec(compile(code, "<string>", "exec"), vars(program))


def check(paths: Sequence[str]) -> int:
    """Print the torch names that programs use and wengert lacks; 0 if there are none, 1 otherwise, 2 for bad files."""
    if not paths:
        return refuse("check needs a file or a folder")
    status, files = 0, 0
    places: dict[str, list[str]] = {}
    for file in (file for path in paths for file in _python_files(Path(path))):
        files += 1
        try:
            uses = find_uses(file.read_text(encoding="utf-8"), str(file))
        except (OSError, SyntaxError, ValueError) as error:  # ValueError: no UTF-8, or null bytes
            print(f"{file}: cannot be read: {error}", file=sys.stderr)
            status = 2
            continue
        for use in uses:
            places.setdefault(use.name, []).append(f"{file}:{use.line}")
    missing, beyond = _sorted_by_scope(places)
    _print_uses("missing", missing)
    _print_uses("out of scope", beyond)
    found = f"{len(missing)} missing, {len(beyond)} out of scope" if missing or beyond else "wengert has them all"
    print(f"{_count(len(places), 'torch name')} used in {_count(files, 'file')}; {found}", file=sys.stderr)
    return status or int(bool(missing or beyond))


def _sorted_by_scope(places: dict[str, list[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What wengert lacks and what it does not aim at (with the subject in brackets), each with the places of its uses."""
    missing: dict[str, list[str]] = {}
    beyond: dict[str, list[str]] = {}
    for name, where in places.items():
        lacking = first_missing(name)
        if lacking is not None:
            subject = out_of_scope(lacking)
            group, title = (beyond, f"{lacking} ({subject})") if subject else (missing, lacking)
            group.setdefault(title, []).extend(where)
    return missing, beyond


def _print_uses(title: str, uses: dict[str, list[str]]) -> None:
    """A list of names, those used most first, with the places of their first uses."""
    if not uses:
        return
    print(f"{title}:")
    width = max(len(name) for name in uses)
    for name, where in sorted(uses.items(), key=lambda item: (-len(item[1]), item[0])):
        more = f", and {len(where) - 2} more" if len(where) > 2 else ""
        print(f"  {name:<{width}}  {', '.join(where[:2])}{more}")


def _count(n: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _python_files(path: Path) -> Iterator[Path]:
    """The file itself, or all Python files below a folder."""
    if path.is_dir():
        yield from sorted(path.rglob("*.py"))
    else:
        yield path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
