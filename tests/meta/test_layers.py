"""The rooms of src/wengert import only upwards, and the tool that says so sees what it must see."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import layers

pytestmark = [pytest.mark.smoke, pytest.mark.once]


def complaints(folder: Path, **files: str) -> list[str]:
    """Violations in a package wengert below `folder` made of `files`: "room__module" to text."""
    for name, text in files.items():
        path = (folder / "wengert").joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [line.rpartition(": ")[2] for line in layers.violations(folder)]


def test_every_import_of_the_source_follows_the_order_of_the_rooms() -> None:
    assert layers.violations() == []


def test_every_room_on_disk_has_a_place_in_the_order() -> None:
    package = layers.SOURCE / "wengert"
    folders = {p.name for p in package.iterdir() if p.is_dir() and any(p.glob("*.py"))}
    assert folders <= set(layers.ROOMS)


def test_an_import_of_a_room_above_is_allowed(tmp_path: Path) -> None:
    assert (
        complaints(tmp_path, _core__graph="", nn__linear="from .._core.graph import Node\nimport numpy as np\n") == []
    )


def test_an_import_of_a_room_below_is_forbidden(tmp_path: Path) -> None:
    found = complaints(tmp_path, nn__linear="", autograd__graph="from wengert.nn.linear import Linear\n")
    assert found == ["nn lies below autograd"]


def test_an_import_below_stays_forbidden_inside_a_function(tmp_path: Path) -> None:
    text = "def late():\n    from ..nn import linear\n"
    assert complaints(tmp_path, nn__linear="", autograd__graph=text) == ["nn lies below autograd"]


def test_an_import_for_type_checkers_is_free(tmp_path: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..nn.linear import Linear\n"
    assert complaints(tmp_path, nn__linear="", autograd__graph=text) == []


def test_the_else_of_type_checking_is_not_free(tmp_path: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    from ..nn.linear import Linear\n"
    assert complaints(tmp_path, nn__linear="", autograd__graph=text) == ["nn lies below autograd"]


@pytest.mark.parametrize("statement", ["from .. import _tensor", "import wengert._tensor"])
def test_the_cycle_may_import_a_module_below(tmp_path: Path, statement: str) -> None:
    assert complaints(tmp_path, _tensor="", _core__engine=statement + "\n") == []


def test_the_cycle_may_not_import_a_name_below(tmp_path: Path) -> None:
    found = complaints(tmp_path, _tensor="", ops__arithmetic="from .._tensor import Tensor\n")
    assert found == ["inside the cycle import the module wengert._tensor, not its Tensor"]


def test_a_listed_exception_must_be_inside_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(layers.LAZY, ("_tensor", "interop"), "for this test")
    text = "def late():\n    from . import interop\n"
    assert complaints(tmp_path, interop__dlpack="", _tensor=text) == []
    found = complaints(tmp_path, interop__dlpack="", _tensor="from . import interop\n")
    assert found == ["_tensor may import interop inside a function only"]


def test_a_new_room_must_be_given_a_place(tmp_path: Path) -> None:
    found = complaints(tmp_path, attic__box="", nn__linear="from ..attic import box\n")
    assert found == ["give it a place in ROOMS of tools/layers.py"] * 2


def test_scipy_is_imported_inside_functions_only_and_never_in_the_core(tmp_path: Path) -> None:
    lazy = "def late():\n    import scipy.special\n"
    found = complaints(tmp_path, _core__graph=lazy, ops__special=lazy, ops__linalg="import scipy\n")
    assert found == ["_core may not import scipy", "scipy is imported inside functions only"]


def test_an_undeclared_dependency_is_found(tmp_path: Path) -> None:
    assert complaints(tmp_path, data__frames="import pandas\n") == ["pandas is no dependency of wengert"]
