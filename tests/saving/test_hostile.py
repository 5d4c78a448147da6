"""Checkpoints that mean harm: each is refused by name, nothing runs, no memory is taken for what is not there."""

from __future__ import annotations

import io
import os
import pickle
import resource
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert
from wengert.serialization._machine import DEPTH_LIMIT

from . import forge
from .forge import archive, name, number, numbers, pickled, program, tensor, tensor_pickle, text

TWO_ONES = np.ones(2, np.float32).tobytes()


class Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def call(module: str, what: str, *args: bytes) -> bytes:
    return name(module, what) + b"(" + b"".join(args) + b"tR"


PICKLES: dict[str, tuple[bytes, str]] = {
    "os.system": (
        pickled(Calls(os.system, "touch harm")),
        r"unsupported GLOBAL posix\.system whose module posix is blocked",
    ),
    "os.system in a dict": (pickled({"w": [1, {"b": Calls(os.system, "touch harm")}]}), r"posix\.system"),
    "os.system as an argument of what is allowed": (
        program(call("torch._utils", "_rebuild_parameter", call("os", "system", text("touch harm")), b"\x88", b")")),
        r"os\.system",
    ),
    "subprocess": (pickled(Calls(subprocess.Popen, ["touch", "harm"])), r"commands\.Popen whose module"),
    "eval": (
        program(call("builtins", "eval", text("open('harm', 'w')"))),
        r"builtins\.eval whose module builtins is blocked",
    ),
    "exec in Python 2's words": (program(call("__builtin__", "exec", text("1"))), r"__builtin__\.exec"),
    "eval by getattr": (
        program(call("builtins", "getattr", name("builtins", "__dict__"), text("eval"))),
        r"builtins\.getattr",
    ),
    "a name with dots": (program(call("torch", "os.system", text("touch harm"))), r"GLOBAL torch\.os\.system was not"),
    "a name from the stack": (
        b"\x80\x04" + text("os") + text("system") + b"\x93" + text("harm") + b"\x85R.",
        r"os\.system",
    ),
    "a class to be made": (program(name("subprocess", "Popen"), b")\x81"), r"subprocess\.Popen"),
    "an importer": (program(call("importlib", "import_module", text("harm"))), r"importlib\.import_module"),
    "torch.load itself": (program(call("torch", "load", text("other.pt"))), r"torch\.load was not an allowed global"),
    "torch.hub": (program(call("torch.hub", "load", text("harm"))), r"torch\.hub\.load was not an allowed global"),
    "a function of ours": (program(call("wengert", "load", text("other.pt"))), r"wengert\.load was not an allowed"),
    "numpy.load": (program(call("numpy", "load", text("other.npy"))), r"numpy\.load was not an allowed global"),
    "a call of what is no function": (program(text("os.system"), b")R"), "which is no function that may be called"),
    "a call of a dtype": (program(name("torch", "float32"), b")R"), "which is no function that may be called"),
    "a tensor made of nothing": (program(name("torch", "Tensor"), b")\x81"), "which is not made so"),
    "memory without content": (program(call("torch", "Tensor", number(10**10))), "arguments that it does not take"),
    "a function left as a value": (
        program(b"]", name("torch._utils", "_rebuild_tensor_v2"), b"a"),
        "stands where a value",
    ),
    "a storage left as a value": (program(b"]", forge.pid(), b"a"), "storage '0' stands where a value should be"),
    "the class of a storage left as a value": (
        program(name("torch", "FloatStorage")),
        r"torch\.FloatStorage stands where",
    ),
    "a hidden method": (
        program(b"ccollections\nOrderedDict\n)R}", text("items"), name("torch", "float32"), b"sb"),
        "the attribute 'items' of a OrderedDict cannot be set",
    ),
    "a method of a tensor": (
        program(
            name("torch._tensor", "_rebuild_from_type_v2"),
            b"(" + name("torch._utils", "_rebuild_tensor_v2") + name("torch", "Tensor"),
            tensor()[len(name("torch._utils", "_rebuild_tensor_v2")) : -1],
            b"}" + text("backward") + b"NstR",
        ),
        "the attribute 'backward' of a Tensor cannot be set",
    ),
    "a field of a tensor": (
        program(
            name("torch._tensor", "_rebuild_from_type_v2"),
            b"(" + name("torch._utils", "_rebuild_tensor_v2") + name("torch", "Tensor"),
            tensor()[len(name("torch._utils", "_rebuild_tensor_v2")) : -1],
            b"}" + text("array") + b"NstR",
        ),
        "the attribute 'array' of a Tensor cannot be set",
    ),
    "unknown metadata": (program(tensor()[:-2], b"}", text("zero"), b"\x88stR"), "unknown metadata"),
    "a state for a list": (program(b"]}", text("a"), b"Nsb"), "a list has no state"),
    "a state for a function": (program(name("torch", "Size"), b"}", text("a"), b"Nsb"), "a Known has no state"),
    "a state for a dtype": (
        program(name("torch", "float32"), b"}", text("name"), text("x"), b"sb"),
        "a dtype has no state",
    ),
    "an extension code": (program(b"\x82\x01"), "Unsupported operand 130"),
    "an instance in Python 2's words": (program(b"(ios\nsystem\n"), "Unsupported operand 105"),
    "text opcodes": (b"I1\n.", "Unsupported operand 73"),
    "another protocol": (b"\x80\x09N.", "pickle protocol 9"),
    "a persistent id of another kind": (
        program(text("/etc/passwd"), b"Q"),
        "Only persistent_load of storage is allowed",
    ),
    "a memo that is not there": (program(b"h\x05"), "nothing was remembered as 5"),
    "a memo of a mark": (program(b"(q\x00h\x00a"), "a mark stands where a value should be"),
    "an empty stack": (program(b"a"), "finds nothing to work on|should be"),
    "nothing": (b"", "pickle data was truncated"),
    "two objects": (program(b"NN"), "leaves 2 objects"),
    "something behind the end": (program(b"N") + b"cos\nsystem\n", "10 bytes follow the end|bytes follow the end"),
    "a text longer than the file": (program(b"X\xff\xff\xff\x7fabc"), "pickle data was truncated"),
    "bytes longer than all memory": (program(b"\x8e" + b"\xff" * 7 + b"\x7f"), "pickle data was truncated"),
    "a number longer than the file": (program(b"\x8b\xff\xff\xff\x7f"), "pickle data was truncated"),
    "lists in lists": (program(b"]" * 100_000 + b"a" * 99_999), f"nested more than {DEPTH_LIMIT} deep"),
    "tuples in tuples": (program(b")" + b"\x85" * 100_000), f"nested more than {DEPTH_LIMIT} deep"),
    "a key that takes for ever to hash": (program(b"}", b")", b"2\x86" * 60, b"Ns"), "a key of more than 100 parts"),
    "a list as a key": (program(b"}]Ns"), "a list as the key of a dict"),
    "a set of lists": (program(b"\x8f(]\x90"), "member of a set"),
    "tuples that double, called": (program(b")", b"2\x86" * 200, b")R"), "a call of"),
    "tuples that double, for a size": (
        program(
            call(
                "torch._utils", "_rebuild_tensor_v2", forge.pid(), number(0), b")" + b"2\x86" * 200, b")", b"\x89", b"N"
            )
        ),
        "these make no tensor",
    ),
    "tuples that double, for an id": (program(b")", b"2\x86" * 200, b"Q"), "Only persistent_load"),
    "tuples that double, for a state": (
        program(b"ccollections\nOrderedDict\n)R)", b"2\x86" * 200, b"b"),
        "the state of a",
    ),
}

TENSORS: dict[str, tuple[dict[str, Any], str]] = {
    "more elements than there are": ({"count": 10**12}, "is said to have 4000000000000 bytes, its entry has 8"),
    "fewer elements than there are": ({"count": 1, "size": (1,)}, "is said to have 4 bytes, its entry has 8"),
    "a negative number of elements": ({"count": -1}, "in a way that makes no sense"),
    "a size beyond the storage": ({"size": (3,)}, "reaches beyond storage '0', which has 2 elements"),
    "an enormous size": ({"size": (2**62, 2**62), "stride": (1, 1)}, "reaches beyond"),
    "a size that overflows": ({"size": (2**62, 2**62), "stride": (0, 0)}, "cannot be made"),
    "a stride beyond the storage": ({"stride": (2,)}, "reaches beyond"),
    "a negative stride": ({"stride": (-1,)}, "these make no tensor"),
    "a negative size": ({"size": (-1,)}, "these make no tensor"),
    "an offset beyond the storage": ({"offset": 1}, "reaches beyond"),
    "an offset beyond the storage, without elements": ({"offset": 3, "size": (0,)}, "reaches beyond"),
    "a negative offset": ({"offset": -1, "size": (1,)}, "these make no tensor"),
    "more strides than sizes": ({"stride": (1, 1)}, "these make no tensor"),
    "a hundred dimensions": ({"size": (1,) * 100, "stride": (1,) * 100}, "these make no tensor"),
    "a storage that is not there": ({"key": "7"}, "file not found: 'data/7'"),
    "a path for a storage": ({"key": "../../../../etc/passwd"}, "file not found"),
    "the pickle as a storage": ({"key": "../data.pkl"}, "file not found"),
    "an unknown dtype": ({"storage": "QUInt8Storage"}, r"torch\.QUInt8Storage was not an allowed global"),
    "bools that are none": ({"storage": "BoolStorage", "count": 8, "size": (8,)}, "has bytes other than 0 and 1"),
}


@pytest.fixture(autouse=True)
def _no_harm(tmp_path: Path, monkeypatch: Any) -> Any:
    """Run in an empty folder, in which nothing must appear."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("what", PICKLES)
def test_a_hostile_pickle_is_refused_by_name(what: str) -> None:
    content, message = PICKLES[what]
    with pytest.raises(pickle.UnpicklingError, match=message):
        wengert.load(archive(content, {"0": TWO_ONES}))


@pytest.mark.parametrize("what", [what for what in PICKLES if PICKLES[what][0].startswith(b"\x80")])
def test_a_hostile_pickle_is_refused_in_the_older_form_too(what: str) -> None:
    start = b"".join(pickled(v) for v in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    content = PICKLES[what][0]
    with pytest.raises((pickle.UnpicklingError, RuntimeError)):
        wengert.load(io.BytesIO(start + content + pickled(["0"]) + struct.pack("<q", 2) + TWO_ONES))


def test_the_message_says_what_is_allowed() -> None:
    with pytest.raises(
        pickle.UnpicklingError, match=r"would have called posix\.system: do not trust it\n  allowed are tensors"
    ):
        wengert.load(archive(pickled(Calls(os.system, "touch harm"))))


def test_the_forged_tensor_is_one_if_nothing_is_wrong() -> None:
    assert wengert.load(archive(tensor_pickle(), {"0": TWO_ONES})).tolist() == [1, 1]


@pytest.mark.parametrize("what", TENSORS)
def test_a_tensor_that_lies_is_refused(what: str) -> None:
    options, message = TENSORS[what]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((pickle.UnpicklingError, RuntimeError), match=message):
        wengert.load(archive(tensor_pickle(**options), {"0": np.full(2, 3, np.float32).tobytes()}))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_what_is_computed_is_no_larger_than_the_file() -> None:
    lazy = (
        tensor(storage="ComplexFloatStorage", count=1, size=(10**12,), stride=(0,))[:-2]
        + b"}"
        + text("conj")
        + b"\x88stR"
    )
    loaded = wengert.load(archive(program(lazy), {"0": np.array([1 + 2j], np.complex64).tobytes()}))
    assert (loaded.shape, loaded[5].item()) == ((10**12,), 1 - 2j)


def test_one_storage_of_two_sizes_is_refused() -> None:
    both = program(b"(", tensor(), tensor(storage="DoubleStorage", count=2), b"t")
    with pytest.raises(pickle.UnpicklingError, match="has 8 bytes in one place and 16 in another"):
        wengert.load(archive(both, {"0": TWO_ONES}))


def test_integers_that_require_grad_are_refused() -> None:
    text_of = tensor(storage="LongStorage", count=1, size=(1,)).replace(b"\x89ccoll", b"\x88ccoll")
    with pytest.raises(pickle.UnpicklingError, match="a tensor of int64 cannot require grad"):
        wengert.load(archive(program(text_of), {"0": TWO_ONES}))


ARRAYS: dict[str, tuple[bytes, str]] = {
    "objects": (call("numpy", "dtype", text("O8"), b"\x89", b"\x88"), "dtype 'O8' is not one of numbers"),
    "more elements than there are": (
        name("numpy._core.multiarray", "scalar")
        + b"("
        + call("numpy", "dtype", text("f8"), b"\x89", b"\x88")
        + b"C\x01atR",
        "cannot have 1 bytes",
    ),
    "an enormous array": (
        name("numpy.core.multiarray", "_reconstruct")
        + b"("
        + name("numpy", "ndarray")
        + numbers((0,))
        + b"C\x01btR("
        + number(1)
        + numbers((10**12,))
        + call("numpy", "dtype", text("f8"), b"\x89", b"\x88")
        + b"\x89C\x00tb",
        "cannot have 0 bytes",
    ),
    "flags by which numbers are taken for addresses": (
        call("numpy", "dtype", text("f8"), b"\x89", b"\x88")
        + b"(K\x03"
        + text("<")
        + b"NNN"
        + number(-1) * 2
        + number(63)
        + b"tb",
        "a dtype of numbers has no state",
    ),
    "an extra size": (
        call("numpy", "dtype", text("f8"), b"\x89", b"\x88")
        + b"(K\x03"
        + text("<")
        + b"NNN"
        + number(4096) * 2
        + b"K\x00tb",
        "a dtype of numbers has no state",
    ),
    "a dtype alone": (call("numpy", "dtype", text("f8"), b"\x89", b"\x88"), "a dtype of NumPy stands where a value"),
    "fields": (
        call("numpy", "dtype", text("f8"), b"\x89", b"\x88")
        + b"(K\x03"
        + text("<")
        + b"N"
        + b"}"
        + b"}"
        + b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
        "a dtype of numbers has no state",
    ),
}


@pytest.mark.parametrize("what", ARRAYS)
def test_an_array_that_lies_is_refused(what: str) -> None:
    content, message = ARRAYS[what]
    with pytest.raises(pickle.UnpicklingError, match=message):
        wengert.load(archive(program(content)))


# -- archives ----------------------------------------------------------------------------------------------------------


def good() -> bytes:
    file = io.BytesIO()
    wengert.save({"w": wengert.ones(1000), "b": wengert.zeros(10)}, file)
    return file.getvalue()


@pytest.mark.parametrize(
    "entry", ["../evil", "/etc/passwd", "archive/../../evil", "other/data/0", "archive//x", "archive\\x"]
)
def test_names_that_lead_elsewhere_are_refused(entry: str) -> None:
    with pytest.raises(RuntimeError, match="unexpected name"):
        wengert.load(archive(tensor_pickle(), {"0": TWO_ONES}, names={entry: b"x"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.raises(RuntimeError, match="two entries are called 'archive/data/0'"):
        wengert.load(archive(tensor_pickle(), {"0": TWO_ONES}, names={"archive/data/0": b"x"}))


def test_compressed_entries_are_refused() -> None:
    bomb = archive(tensor_pickle(), {"0": bytes(10_000_000)}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 20_000
    with pytest.raises(RuntimeError, match="is compressed\n  PyTorch writes checkpoints uncompressed"):
        wengert.load(bomb)


def test_entries_that_overlap_are_refused() -> None:
    content = archive(tensor_pickle(), {"0": TWO_ONES, "1": bytes(100_000)}).getvalue()
    directory = content.index(b"PK\x01\x02")
    entries = content[directory : content.index(b"PK\x05\x06")]
    start = entries.index(b"archive/data/1") - 46
    large = entries[start : start + 46 + len(b"archive/data/1")]
    more = b"".join(large.replace(b"data/1", b"data/" + bytes([c])) for c in b"23456789")
    end = bytearray(content[content.index(b"PK\x05\x06") :])
    struct.pack_into("<HHL", end, 8, 13, 13, len(entries) + len(more))
    with pytest.raises(RuntimeError, match="the entries claim"):
        wengert.load(io.BytesIO(content[:directory] + entries + more + bytes(end)))


def test_a_zip_archive_of_something_else_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("folder/readme", "hello")
    file.seek(0)
    with pytest.raises(RuntimeError, match=r"file not found: data\.pkl\n  this zip archive is no checkpoint"):
        wengert.load(file)


@pytest.mark.parametrize("content", [b"abc", b"\x80\x02}.", b"PK\x03\x04abc", b"\x00" * 100, b"<html>"], ids=repr)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(RuntimeError, match="PytorchStreamReader failed reading zip archive"):
        wengert.load(io.BytesIO(content))


def test_every_truncation_is_refused() -> None:
    content = good()
    for end in range(0, len(content), 97):
        with pytest.raises((RuntimeError, EOFError)):
            wengert.load(io.BytesIO(content[:end]))


@pytest.mark.parametrize("mapped", [False, True])
def test_no_damaged_byte_crashes_or_goes_unnoticed_in_the_data(mapped: bool, tmp_path: Path) -> None:
    content = good()
    expected = {"w": [1.0] * 1000, "b": [0.0] * 10}
    silent = 0
    for place in range(0, len(content), 31):
        damaged = bytearray(content)
        damaged[place] ^= 0x5A
        path = tmp_path / "damaged.pt"
        path.write_bytes(bytes(damaged))
        try:
            loaded = wengert.load(path, mmap=mapped)
        except (RuntimeError, pickle.UnpicklingError):
            continue
        silent += 0 if {k: v.tolist() for k, v in loaded.items()} == expected else 1
    assert silent == 0 or mapped  # a mapped file is not read, and so not checked


def test_a_wrong_checksum_is_named() -> None:
    content = bytearray(good())
    content[content.index(np.ones(8, np.float32).tobytes()) + 100] ^= 1
    with pytest.raises(RuntimeError, match="entry 'data/0' has another checksum than when it was written"):
        wengert.load(io.BytesIO(bytes(content)))


def test_a_damaged_file_in_the_older_form_is_refused(oracle: Any) -> None:
    file = io.BytesIO()
    oracle.save({"a": oracle.ones(100), "b": oracle.ones(3)}, file, _use_new_zipfile_serialization=False)
    content = file.getvalue()
    for end in range(0, len(content), 13):
        with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError)):
            wengert.load(io.BytesIO(content[:end]))
    with pytest.raises(pickle.UnpicklingError, match="more than the file"):
        wengert.load(io.BytesIO(content.replace(b"Kd", b"J\x00\x00\x00\x7f", 1)))


def test_random_programs_run_nothing_and_end_in_an_error_or_a_value() -> None:
    random = np.random.default_rng(0)
    words = [
        tensor(),
        text("a"),
        number(3),
        b"(",
        b")",
        b"]",
        b"}",
        b"t",
        b"R",
        b"\x81",
        b"b",
        b"q\x00",
        b"h\x00",
        b"s",
        b"u",
    ]
    words += [
        b"e",
        b"Q",
        b"\x93",
        b"2",
        b"0",
        name("torch", "Size"),
        name("os", "system"),
        name("collections", "OrderedDict"),
    ]
    ends = {"value": 0, "error": 0}
    for _ in range(3000):
        chosen = random.integers(0, len(words), random.integers(1, 12))
        try:
            wengert.load(archive(program(*(words[i] for i in chosen)), {"0": TWO_ONES}))
            ends["value"] += 1
        except pickle.UnpicklingError:
            ends["error"] += 1
    assert ends["error"] > 2000
    assert ends["value"] > 10


def test_a_trusted_file_runs_what_it_says_and_only_when_asked() -> None:
    file = archive(pickled(Calls(os.mkdir, "asked")))
    with pytest.raises(pickle.UnpicklingError):
        wengert.load(file)
    assert not os.path.exists("asked")
    file.seek(0)
    wengert.load(file, weights_only=False)
    assert os.path.exists("asked")


def test_the_forge_is_what_python_writes() -> None:
    assert pickle.loads(program(b"(", text("a"), number(-(2**70)), numbers((1, 300)), b"t")) == (
        "a",
        -(2**70),
        (1, 300),
    )
    assert sys.byteorder in ("little", "big")
    assert forge.number(0) == b"\x8a\x01\x00"


@pytest.mark.filterwarnings("ignore")
def test_files_damaged_at_random_are_refused_or_loaded() -> None:
    from .fuzz import run

    seen = run(seconds=2, seed=0)
    assert set(seen) == {"loaded", "refused"}
    assert seen["refused"] > 100
