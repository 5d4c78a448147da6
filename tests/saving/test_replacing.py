"""Whatever happens to a save, the old file is there and whole."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import wengert
from wengert.serialization import _archive


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


SAVE_FOR_EVER = """
import sys, wengert
from wengert.serialization import _archive
write = _archive.Writer.write
def slow(self, name, content):
    write(self, name, content)
    if name == "data/1":
        self.zip.fp.flush()
        print("halfway", flush=True)
        sys.stdin.read()
_archive.Writer.write = slow
wengert.save({"w": wengert.zeros(100_000), "b": wengert.zeros(3), "c": wengert.zeros(3)}, sys.argv[1])
"""


def test_a_save_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    wengert.save({"w": wengert.ones(3)}, path)
    before = path.read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-c", SAVE_FOR_EVER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "halfway\n"
    assert path.read_bytes() == before
    assert len(leftovers(tmp_path)) == 1
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert path.read_bytes() == before
    assert wengert.load(path)["w"].tolist() == [1, 1, 1]
    assert leftovers(tmp_path)[0].startswith(".model.pt.")
    wengert.save({"w": wengert.zeros(1)}, path)  # what was left behind is in nobody's way
    assert wengert.load(path)["w"].tolist() == [0]


def test_a_save_killed_at_any_time_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    wengert.save({"n": 0, "w": wengert.zeros(200_000)}, path)
    program = (
        "import sys, wengert\nprint('ready', flush=True)\n"
        "for n in range(1, 1_000_000): wengert.save({'n': n, 'w': wengert.full((200_000,), float(n))}, sys.argv[1])\n"
    )
    for wait in (0.0, 0.013, 0.03):
        process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 + wait)
        process.kill()
        process.communicate()
        loaded = wengert.load(path)
        assert (loaded["w"] == loaded["n"]).all()


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "model.pt"
    wengert.save([1], path)

    def full(self: Any, name: str, content: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_archive.Writer, "write", full)
    with pytest.raises(OSError, match="No space left"):
        wengert.save([2], path)
    monkeypatch.undo()
    assert wengert.load(path) == [1]
    assert leftovers(tmp_path) == []


def test_what_cannot_be_pickled_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with pytest.raises(Exception, match="pickle"):
        wengert.save({"f": lambda: 1}, path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_pytorchs_error(oracle: Any, tmp_path: Path) -> None:
    texts = []
    for t in (oracle, wengert):
        with pytest.raises(RuntimeError) as caught:
            t.save([1], tmp_path / "none" / "model.pt")
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_permissions_are_those_of_any_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    path = tmp_path / "model.pt"
    wengert.save([1], path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)
    path.chmod(0o640)
    wengert.save([2], path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    link = tmp_path / "latest.pt"
    link.symlink_to(tmp_path / "run" / "model.pt")
    wengert.save([1], link)
    assert link.is_symlink()
    assert wengert.load(tmp_path / "run" / "model.pt") == [1]


def test_devices_are_written_to(tmp_path: Path) -> None:
    wengert.save([1], os.devnull)
    assert not os.path.isfile(os.devnull)


def test_a_relative_path_will_do(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    wengert.save([1], "model.pt")
    assert wengert.load("model.pt") == [1]
