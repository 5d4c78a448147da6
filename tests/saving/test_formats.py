"""safetensors and NumPy's formats."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import serialization


def state() -> dict[str, Any]:
    return {"w": wengert.arange(6.0).reshape(2, 3), "t": wengert.ones(2, 3).t(), "i": wengert.tensor([True, False])}


def plain(tensors: Any) -> Any:
    return {name: (str(t.dtype), t.tolist()) for name, t in tensors.items()}


def test_safetensors_by_suffix_and_back(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    wengert.save(state(), path)
    assert plain(wengert.load(path)) == plain(state())
    wengert.load(path)["w"].add_(1)  # its memory can be written to


def test_safetensors_are_read_by_the_library_and_theirs_here(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "model.safetensors"
    serialization.save_safetensors(state(), path, {"made by": "a test"})
    assert load_file(path)["t"].tolist() == np.ones((3, 2)).tolist()
    assert serialization.safetensors_metadata(path) == {"made by": "a test"}
    save_file({"x": np.arange(3, dtype=np.int16)}, path)
    assert plain(serialization.load_safetensors(path)) == {"x": ("torch.int16", [0, 1, 2])}
    assert serialization.safetensors_metadata(path) == {}


def test_safetensors_of_a_model_from_pytorch(oracle: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    theirs, ours = oracle.nn.Linear(3, 2), wengert.nn.Linear(3, 2)
    path = tmp_path / "model.safetensors"
    save_file(theirs.state_dict(), path)
    ours.load_state_dict(wengert.load(path))
    assert ours.weight.tolist() == theirs.weight.tolist()
    save_file({"h": oracle.tensor([1.5, -2.0]).bfloat16()}, path)
    with pytest.warns(UserWarning, match="NumPy has no bfloat16"):
        assert wengert.load(path)["h"].tolist() == [1.5, -2]


def test_safetensors_go_to_and_come_from_file_objects() -> None:
    file = io.BytesIO()
    serialization.save_safetensors(state(), file)
    file.seek(0)
    assert plain(wengert.load(file)) == plain(state())
    file.seek(0)
    assert plain(serialization.load_safetensors(file)) == plain(state())


@pytest.mark.parametrize("value", [[1], {"a": 1}, {"a": {"b": wengert.ones(1)}}, {1: wengert.ones(1)}], ids=repr)
def test_safetensors_hold_flat_dicts_of_tensors_only(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(TypeError, match="a safetensors file holds a dict of"):
        wengert.save(value, path)
    assert not path.exists()


def test_dtypes_that_safetensors_lack_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="safetensors files have no complex128: tensor 'z'"):
        wengert.save({"z": wengert.ones(1, dtype=wengert.complex128)}, tmp_path / "m.safetensors")


def test_metadata_that_are_no_texts_are_refused() -> None:
    with pytest.raises(TypeError, match="texts by texts"):
        serialization.save_safetensors(state(), io.BytesIO(), {"epoch": 3})  # type: ignore[dict-item]


def test_damaged_safetensors_are_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    serialization.save_safetensors(state(), file)
    content = file.getvalue()
    for end in (0, 5, 20, len(content) - 1):
        with pytest.raises((RuntimeError, EOFError)):
            serialization.load_safetensors(io.BytesIO(content[:end]))
    header = json.dumps({"w": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}}).encode()
    with pytest.raises(RuntimeError, match="nothing was loaded"):
        wengert.load(io.BytesIO(len(header).to_bytes(8, "little") + header + b"1234"))


def test_without_the_library_the_error_names_the_extra(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"pip install 'wengert\[save\]'"):
        wengert.save(state(), tmp_path / "m.safetensors")


# -- NumPy -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [False, True])
def test_npz_archives_are_read(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "weights.npz"
    arrays = {
        "w": np.arange(6.0).reshape(2, 3),
        "f": np.asfortranarray(np.ones((2, 3))),
        "b": np.arange(3, dtype=">i4"),
    }
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    loaded = wengert.load(path)
    assert {name: t.tolist() for name, t in loaded.items()} == {name: a.tolist() for name, a in arrays.items()}
    assert loaded["w"].add_(1).dtype is wengert.float64
    assert loaded["b"].dtype is wengert.int32


def test_npy_arrays_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(3, dtype=np.float32))
    assert wengert.load(tmp_path / "x.npy").tolist() == [0, 1, 2]
    np.save(tmp_path / "x.npy", np.float64(2.5))
    assert wengert.load(tmp_path / "x.npy").item() == 2.5


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([None, {}]), allow_pickle=True)
    with pytest.raises(RuntimeError, match="an array of object cannot be a tensor"):
        wengert.load(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", a=np.array(["text"]))
    with pytest.raises(RuntimeError, match="an array of <U4 cannot be a tensor"):
        wengert.load(tmp_path / "x.npz")


def test_npy_files_that_lie_are_refused() -> None:
    file = io.BytesIO()
    np.save(file, np.zeros(10))
    content = file.getvalue()
    with pytest.raises(RuntimeError, match="has 80000000000 bytes, the file has 80"):
        wengert.load(io.BytesIO(content.replace(b"(10,), }         ", b"(10000000000,), }")))
    for end in (7, 9, 50, len(content) - 1):
        with pytest.raises(RuntimeError, match=r"nothing was loaded|the file has|no checkpoint"):
            wengert.load(io.BytesIO(content[:end]))


def test_an_npz_archive_that_unpacks_to_too_much_is_refused(monkeypatch: Any) -> None:
    from wengert.serialization import _formats

    monkeypatch.setattr(_formats, "NPY_LIMIT", 1 << 20)
    file = io.BytesIO()
    np.savez_compressed(file, a=np.zeros(1_000_000))
    with pytest.raises(RuntimeError, match="claims to unpack to 8000"):
        wengert.load(file.getvalue() and io.BytesIO(file.getvalue()))


def test_damaged_npz_archives_are_refused() -> None:
    file = io.BytesIO()
    np.savez_compressed(file, a=np.arange(1000.0))
    content = bytearray(file.getvalue())
    content[300] ^= 0xFF
    with pytest.raises(RuntimeError, match=r"'a\.npy' of the \.npz file is damaged"):
        wengert.load(io.BytesIO(bytes(content)))
    with zipfile.ZipFile(file, "a") as out:
        out.writestr("b.npy", b"\x93NUMPY")
    with pytest.raises(RuntimeError, match="damaged"):
        wengert.load(io.BytesIO(file.getvalue()))


def test_numpys_formats_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x\.npz: NumPy's formats are read only; use numpy\.savez"):
        wengert.save({"a": wengert.ones(1)}, tmp_path / "x.npz")
