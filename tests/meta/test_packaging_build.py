"""Real builds of a package of two modules: all compiled or none, and nothing that Python shows is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = [
    pytest.mark.skipif(
        shutil.which("cc") is None or sys.implementation.name != "cpython", reason="needs CPython and a C compiler"
    ),
    pytest.mark.once,
]

INIT = """\
from . import _pure
if _pure.requested():
    _pure.install(__name__)
from . import _tensor
from ._config import config_info, show_config
"""
GRAPH = '''\
"""Nodes."""
from __future__ import annotations
from .compat import i64, mypyc_attr

@mypyc_attr(allow_interpreted_subclasses=True)
class Node:
    """One "recorded" call.

    It is linked to others.
    """
    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
    def apply(self, grad: float, *, times: int = 2) -> float:
        """Gradient of a node.

        Args:
            grad: the incoming one.
        """
        count: i64 = times
        return grad * self.scale * int(count)
    @property
    def name(self) -> str:
        """Name of a node."""
        return "node"

class Leaf(Node):
    """The end."""
    def apply(self, grad: float, *, times: int = 2) -> float:
        """Gradient of a leaf."""
        return grad
'''
TENSOR = '''\
from __future__ import annotations
from typing import Any
from ._core.dynamic import Dynamic
from ._core.compat import mypyc_attr
from ._core import graph as _graph

@mypyc_attr(allow_interpreted_subclasses=True, native_class=True)
class Tensor(Dynamic):
    """Array with a history."""
    def backward(self, gradient: Any = None, *, scale: float = 0.5) -> float:
        """Run the tape backwards."""
        return _graph.Node(scale).apply(1.0)
'''
REPORT = """\
import inspect, json, sys, wengert
from wengert import _tensor
from wengert._core import graph
things = {"Node": graph.Node, "Node.apply": graph.Node.apply, "Leaf.apply": graph.Leaf.apply, "Leaf": graph.Leaf,
          "Tensor": _tensor.Tensor, "Tensor.backward": _tensor.Tensor.backward}
names = {name: [p for p in inspect.signature(thing).parameters] for name, thing in things.items()}
docs = {name: inspect.getdoc(thing) for name, thing in things.items()}
docs["Node.name"] = inspect.getdoc(graph.Node.name)
docs["graph"] = graph.__doc__
print(json.dumps({"config": wengert.config_info(), "docs": docs, "names": names, "value": _tensor.Tensor().backward(),
                  "files": [graph.__file__, _tensor.__file__], "loaded": sorted(sys.modules)}))
"""


def make_checkout(folder: Path) -> Path:
    """A checkout of two modules to compile, with this project's own build."""
    for name in ("setup.py", "pyproject.toml", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "_build", folder / "_build", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "README.md").write_text("stand-in\n")
    package = folder / "src" / "wengert"
    (package / "_core").mkdir(parents=True)
    for name in ("_config.py", "_pure.py", "_version.py", "py.typed", "_core/compat.py"):
        shutil.copy(ROOT / "src" / "wengert" / name, package / name)
    (package / "kernels").mkdir()
    for file in (ROOT / "src" / "wengert" / "kernels").glob("*.py"):
        shutil.copy(file, package / "kernels" / file.name)
    texts = {"__init__.py": INIT, "_core/__init__.py": "", "_core/dynamic.py": "class Dynamic:\n    pass\n"}
    texts |= {"_core/graph.py": GRAPH, "_tensor.py": TENSOR}
    for name, text in texts.items():
        (package / name).write_text(text)
    return folder


def setup_py(checkout: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command of setup.py, without optimisation, which is not what is tested."""
    full = {k: v for k, v in os.environ.items() if not k.startswith("WENGERT")} | {"WENGERT_OPT": "0"} | env
    arguments = [sys.executable, "-W", "ignore", "setup.py", "-q", *command]
    return subprocess.run(arguments, cwd=checkout, env=full, capture_output=True, text=True, check=False)


def report(checkout: Path, **env: str) -> dict[str, object]:
    """What a fresh interpreter finds in the package of `checkout`."""
    full = {k: v for k, v in os.environ.items() if not k.startswith("WENGERT")} | env
    full["PYTHONPATH"] = str(checkout / "src")
    done = subprocess.run([sys.executable, "-c", REPORT], env=full, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def binaries(checkout: Path) -> list[str]:
    """Names of the compiled modules, without their platform's suffix."""
    found = [*(checkout / "src").rglob("*.so"), *(checkout / "src").rglob("*.pyd")]
    return sorted(f.name.partition(".")[0] for f in found)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that was compiled in place."""
    pytest.importorskip("mypyc", reason="mypyc is in the extra dev")
    checkout = make_checkout(tmp_path_factory.mktemp("compiled"))
    done = setup_py(checkout, "build_ext", "--inplace", WENGERT_BUILD="require")
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture
def copy(compiled: Path, tmp_path: Path) -> Callable[[], Path]:
    """Gives a copy of the compiled checkout that a test may spoil."""
    return lambda: Path(shutil.copytree(compiled, tmp_path / "copy"))


def test_the_modules_are_compiled_and_the_listed_ones_are_not(compiled: Path) -> None:
    assert binaries(compiled) == ["_tensor", "graph", "native__mypyc"]
    config = report(compiled)["config"]
    assert isinstance(config, dict)
    assert config["compiled"] is True
    assert config["why"].startswith("compiled by mypyc at -O0")
    assert config["stale"] == []


def test_docstrings_and_parameter_names_are_those_of_plain_python(compiled: Path) -> None:
    native, plain = report(compiled), report(compiled, WENGERT_PURE="1")
    assert native["docs"] == plain["docs"]
    assert native["names"] == plain["names"]
    assert native["value"] == plain["value"] == 1.0


def test_the_file_of_a_compiled_module_exists_and_needs_no_package_of_mypy(compiled: Path) -> None:
    found = report(compiled)
    assert isinstance(found["files"], list)
    assert isinstance(found["loaded"], list)
    assert all(Path(f).exists() and Path(f).suffix in (".so", ".pyd") for f in found["files"])
    assert {"mypy_extensions", "librt", "mypyc"} & set(found["loaded"]) == set()


def test_the_pure_switch_ignores_the_compiled_modules_and_says_so(compiled: Path) -> None:
    found = report(compiled, WENGERT_PURE="1")
    assert isinstance(found["files"], list)
    assert isinstance(found["config"], dict)
    assert all(f.endswith(".py") for f in found["files"])
    assert "WENGERT_PURE=1" in found["config"]["why"]


def test_an_edited_source_is_named_as_stale(copy: Callable[[], Path]) -> None:
    checkout = copy()
    (checkout / "src/wengert/_tensor.py").write_text(TENSOR + "\n")
    config = report(checkout)["config"]
    assert isinstance(config, dict)
    assert config["stale"] == ["_tensor.py"]


def test_a_second_build_compiles_only_what_changed_and_drops_what_is_gone(copy: Callable[[], Path]) -> None:
    checkout = copy()
    (checkout / "src/wengert/_core/gone.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    (checkout / "src/wengert/_tensor.py").write_text(TENSOR.replace("Run the tape backwards", "Changed"))
    objects = {f: f.stat().st_mtime_ns for f in (checkout / "build").rglob("*.o")}
    done = setup_py(checkout, "build_ext", "--inplace", WENGERT_BUILD="require")
    assert done.returncode == 0, done.stderr
    assert [f.stem for f, time in objects.items() if f.stat().st_mtime_ns != time] == ["__native_wengert____tensor"]
    assert binaries(checkout) == ["_tensor", "graph", "native__mypyc"]


@pytest.fixture
def failing_compiler(tmp_path: Path) -> str:
    """A C compiler that passes the first check and fails at a module of the package."""
    script = tmp_path / "failing-cc"
    script.write_text('#!/bin/sh\ncase "$*" in *"-c "*___tensor.c*) exit 1;; esac\nexec cc "$@"\n')
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize("compiler", ["/bin/false", "failing"])
def test_without_a_working_compiler_nothing_is_compiled_and_the_reason_is_told(
    copy: Callable[[], Path], failing_compiler: str, compiler: str
) -> None:
    checkout = copy()
    (checkout / "src/wengert/_tensor.py").write_text(TENSOR.replace("backwards", "back"))
    done = setup_py(checkout, "build", CC=failing_compiler if compiler == "failing" else compiler)
    assert done.returncode == 0, done.stderr
    assert "wengert is NOT compiled, plain Python is installed" in done.stderr
    (info,) = (checkout / "build").rglob("_build_info.py")
    assert list(info.parent.rglob("*.so")) == []
    recorded = info.read_text()
    assert "COMPILED = False" in recorded
    assert "the compilation failed" in recorded


def test_a_failed_build_in_place_removes_the_modules_of_an_earlier_one(copy: Callable[[], Path]) -> None:
    checkout = copy()
    done = setup_py(checkout, "build_ext", "--inplace", CC="/bin/false")
    assert done.returncode == 0, done.stderr
    assert binaries(checkout) == []
    config = report(checkout)["config"]
    assert isinstance(config, dict)
    assert "no C compiler that works" in config["why"]


def test_a_required_build_without_a_working_compiler_fails_and_leaves_no_module(
    copy: Callable[[], Path], failing_compiler: str
) -> None:
    checkout = copy()
    (checkout / "src/wengert/_tensor.py").write_text(TENSOR.replace("backwards", "back"))
    done = setup_py(checkout, "build_ext", "--inplace", CC=failing_compiler, WENGERT_BUILD="require")
    assert done.returncode != 0
    assert binaries(checkout) == []


def test_a_pure_wheel_is_for_every_platform_and_holds_the_package_only(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    done = setup_py(checkout, "bdist_wheel", WENGERT_PURE="1")
    assert done.returncode == 0, done.stderr
    (wheel,) = (checkout / "dist").glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        recorded = archive.read("wengert/_build_info.py").decode()
    assert {"wengert/py.typed", "wengert/_core/graph.py", "wengert/_tensor.py"} <= set(names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"wengert"}
    assert "built with WENGERT_PURE=1" in recorded


def test_a_source_with_a_type_error_is_not_compiled_and_the_error_is_told(tmp_path: Path) -> None:
    pytest.importorskip("mypyc", reason="mypyc is in the extra dev")
    checkout = make_checkout(tmp_path)
    (checkout / "src/wengert/_tensor.py").write_text(TENSOR + "\nwrong: int = 'text'\n")
    done = setup_py(checkout, "build")
    assert done.returncode == 0, done.stderr
    assert "mypyc refused the sources: src/wengert/_tensor.py:" in done.stderr


def test_an_unknown_build_mode_is_refused(tmp_path: Path) -> None:
    done = setup_py(make_checkout(tmp_path), "build", WENGERT_BUILD="fast")
    assert done.returncode != 0
    assert "expected one of auto, pure, require" in done.stderr
