"""The package says what it is, holds all of its files, and runs as plain Python on request."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from wengert import _config, _pure

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "src" / "wengert"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def python(code: str, **env: str) -> str:
    """What a fresh interpreter prints for `code`."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **env}).stdout.strip()


def build_info(compiled: bool, reason: str, sources: dict[str, str]) -> dict[str, Any]:
    """What the build writes down."""
    return {"COMPILED": compiled, "REASON": reason, "SOURCES": sources}


def test_every_folder_with_python_files_is_a_package() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").exists()] == []


def test_the_files_that_are_never_compiled_exist() -> None:
    assert [name for name in PROJECT["tool"]["wengert"]["uncompiled"] if not (PACKAGE / name).exists()] == []


def test_the_run_time_dependencies_are_numpy_and_scipy_only() -> None:
    assert PROJECT["project"]["dependencies"] == ["numpy>=2.0", "scipy>=1.11"]


def test_importing_wengert_imports_neither_scipy_nor_a_tool_of_the_build() -> None:
    code = "import sys, wengert; print([m for m in ('scipy', 'mypy_extensions', 'mypyc', 'torch') if m in sys.modules])"
    assert python(code) == "[]"


def test_the_pure_switch_loads_python_files_only() -> None:
    code = "import wengert._config as c; c.show_config(); print(c.is_compiled())"
    assert python(code, WENGERT_PURE="1").splitlines()[-1] == "False"


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_the_pure_switch_is_off_if_empty_or_zero(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("WENGERT_PURE", value)
    assert _pure.requested() is expected


def test_the_source_finder_prefers_the_python_file_to_the_compiled_module(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text("")
    (tmp_path / "part.so").write_bytes(b"")
    spec = _pure.SourceFinder("whole").find_spec("whole.part", [str(tmp_path)])
    assert spec is not None
    assert spec.origin == str(tmp_path / "part.py")


def test_the_source_finder_leaves_other_packages_and_missing_modules_alone(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text("")
    finder = _pure.SourceFinder("whole")
    assert finder.find_spec("wholesale.part", [str(tmp_path)]) is None
    assert finder.find_spec("whole.missing", [str(tmp_path)]) is None


def test_config_info_names_versions_and_the_place_of_the_package() -> None:
    import numpy as np

    info = _config.config_info()
    assert info["version"] == _config.__version__
    assert info["numpy"] == np.__version__
    assert info["path"] == str(Path(_config.__file__).parent)
    assert info["python"].endswith(".".join(map(str, sys.version_info[:3])))


def test_show_config_prints_every_fact_to_the_file_it_is_given() -> None:
    stream = io.StringIO()
    _config.show_config(stream)
    info = _config.config_info()
    expected = [info[key] for key in ("version", "why", "python", "numpy", "scipy", "blas", "platform", "path")]
    assert [fact for fact in expected if fact not in stream.getvalue()] == []


def test_the_reason_for_plain_python_is_the_one_the_build_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WENGERT_PURE", raising=False)
    assert _config._why(False, build_info(False, "no C compiler", {})) == "no C compiler"


def test_the_reason_for_plain_python_is_the_switch_if_there_is_something_to_switch_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WENGERT_PURE", "1")
    monkeypatch.setattr(_config, "_PACKAGE", tmp_path)
    assert "without compiled modules" in _config._why(False, {})
    (tmp_path / f"part{_config.EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    assert "WENGERT_PURE=1 is set" in _config._why(False, {})


def test_a_source_that_was_edited_after_it_was_compiled_is_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_config, "_PACKAGE", tmp_path)
    for name in ("same.py", "edited.py"):
        (tmp_path / name).write_text("x = 1\n")
    digest = _config._digest(tmp_path / "same.py")
    (tmp_path / "edited.py").write_text("x = 2\n")
    recorded = {"same.py": digest, "edited.py": digest, "gone.py": digest}
    assert _config._stale(build_info(True, "", recorded)) == ["edited.py", "gone.py"]
