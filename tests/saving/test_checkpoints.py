"""PyTorch's checkpoints: read, written, and gone on with in the other library."""

from __future__ import annotations

import collections
import copy
import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import serialization
from wengert._core.copying import FIELDS


def through(saving: Any, loading: Any, value: Any, **options: Any) -> Any:
    """What the other library loads."""
    file = io.BytesIO()
    saving.save(value, file, **options)
    file.seek(0)
    return loading.load(file)


def labelled(t: Any, kind: Any) -> Any:
    value = kind(t.ones(2))
    value.label = "a"
    return value


INTEGERS = ["uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"]
DTYPES = ["bool", *INTEGERS, "float16", "float32", "float64", "complex64", "complex128"]
VALUES: dict[str, Any] = {
    **{f"tensor of {name}": lambda t, name=name: t.tensor([0, 1, 1], dtype=getattr(t, name)) for name in DTYPES},
    "number": lambda t: t.tensor(3.0),
    "empty tensor": lambda t: t.empty(2, 0),
    "transposed tensor": lambda t: t.arange(6.0).reshape(2, 3).t(),
    "strided tensor": lambda t: t.arange(10)[1::3],
    "expanded tensor": lambda t: t.ones(1).expand(4),
    "channels last": lambda t: t.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=t.channels_last),
    "tensor that requires grad": lambda t: t.ones(2, requires_grad=True),
    "result of a computation": lambda t: t.ones(2, requires_grad=True) * 2,
    "tensor with an attribute": lambda t: labelled(t, lambda x: x),
    "parameter": lambda t: t.nn.Parameter(t.ones(2)),
    "frozen parameter": lambda t: t.nn.Parameter(t.ones(2), requires_grad=False),
    "parameter with an attribute": lambda t: labelled(t, t.nn.Parameter),
    "buffer": lambda t: t.nn.Buffer(t.ones(2), persistent=False),
    "dtype": lambda t: [t.float32, t.int64, t.bool, t.complex64],
    "size": lambda t: t.Size([2, 3]),
    "device": lambda t: t.device("cpu"),
    "numbers": lambda t: [1, -1, 300, 2**40, -(2**80), 1.5, float("inf"), 2 - 3j, True, False, None],
    "texts": lambda t: ["a", "\u00e4\n", "", b"ab\xff", bytearray(b"x")],
    "containers": lambda t: {"a": [1, (2, {3, 4}), {}], (1, 2): collections.OrderedDict(b=1), 5: [], "c": ()},
    "counter": lambda t: collections.Counter("aab"),
    "list within itself": lambda t: [1, 2],
    "long list": lambda t: list(range(3000)),
}


def plain(value: Any) -> Any:
    """A value in a form that compares equal across libraries."""
    if hasattr(value, "requires_grad"):
        own = {k: v for k, v in vars(value).items() if k not in FIELDS}
        form = (tuple(value.shape), value.stride(), value.requires_grad, own)
        return (type(value).__name__, str(value.dtype), value.detach().tolist(), form)
    if isinstance(value, list | tuple):
        return type(value).__name__, [plain(v) for v in value]
    if isinstance(value, dict):
        return type(value).__name__, [(k, plain(v)) for k, v in value.items()]
    if type(value).__module__.partition(".")[0] in ("torch", "wengert"):
        return repr(value)
    return value


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("way", ["theirs here", "ours there", "ours here"])
def test_values_come_back_as_they_were(oracle: Any, package: Any, name: str, way: str) -> None:
    saving, loading = {
        "theirs here": (oracle, package),
        "ours there": (package, oracle),
        "ours here": (package, package),
    }[way]
    loaded = through(saving, loading, VALUES[name](saving))
    assert plain(loaded) == plain(VALUES[name](loading))


def test_an_object_within_itself_comes_back_so(oracle: Any) -> None:
    knot: list[Any] = [1]
    knot.append(knot)
    loaded = through(oracle, wengert, knot)
    assert loaded[1] is loaded
    assert through(wengert, wengert, knot)[0] == 1


@pytest.mark.parametrize("way", ["theirs here", "ours there", "ours here"])
def test_tensors_that_share_memory_share_it_again(oracle: Any, package: Any, way: str) -> None:
    saving, loading = {
        "theirs here": (oracle, package),
        "ours there": (package, oracle),
        "ours here": (package, package),
    }[way]
    base = saving.arange(6.0)
    loaded = through(saving, loading, {"base": base, "view": base[2:], "same": base, "other": saving.zeros(6)})
    loaded["view"].add_(10)
    assert loaded["base"].tolist() == [0, 1, 12, 13, 14, 15]
    assert loaded["same"] is loaded["base"]
    assert loaded["other"].sum().item() == 0


def test_a_view_is_saved_with_the_memory_that_it_shows() -> None:
    file = io.BytesIO()
    wengert.save(wengert.zeros(1000)[:2], file)
    assert len(file.getvalue()) > 4000
    small = io.BytesIO()
    wengert.save(wengert.zeros(1000)[:2].clone(), small)
    assert len(small.getvalue()) < 2000


def test_memory_viewed_as_two_dtypes_is_refused_as_in_pytorch(oracle: Any) -> None:
    for t in (oracle, wengert):
        x = t.ones(4)
        with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view the same data"):
            t.save([x, x.view(t.int32)], io.BytesIO())


def test_arrays_upside_down_are_saved_as_they_look() -> None:
    array = np.arange(6.0)[::-1]
    assert through(wengert, wengert, wengert.as_tensor(array.copy())[:3]).tolist() == [5, 4, 3]
    assert through(wengert, wengert, wengert.tensor(array)).tolist() == array.tolist()


def test_bfloat16_is_read_as_float32_with_a_warning(oracle: Any) -> None:
    values = oracle.tensor([1.0, -2.5, 3e38, float("nan"), float("inf")]).bfloat16()
    with pytest.warns(UserWarning, match="NumPy has no bfloat16: its values are read as float32"):
        loaded = through(oracle, wengert, {"a": values, "b": values[1:3]})
    np.testing.assert_array_equal(loaded["a"].numpy(), values.float().numpy())
    loaded["b"].zero_()
    assert loaded["a"][1:3].tolist() == [0, 0]


def test_lazy_conjugates_of_pytorch_are_read_as_values(oracle: Any) -> None:
    z = oracle.tensor([1 + 2j, -0.5j])
    loaded = through(
        oracle, wengert, {"conj": z.conj(), "neg": z.clone().conj().imag, "leaf": z.clone().conj().requires_grad_()}
    )
    assert loaded["conj"].tolist() == [1 - 2j, 0.5j]
    assert loaded["neg"].tolist() == [-2, 0.5]
    assert loaded["leaf"].requires_grad


def test_complex32_is_read_as_complex64_with_a_warning(oracle: Any) -> None:
    values = oracle.tensor([1 + 2j, -0.5j])
    with warnings.catch_warnings():  # PyTorch's own warning, given once in a process
        warnings.simplefilter("ignore")
        halves = values.to(oracle.complex32)
    with pytest.warns(UserWarning, match="NumPy has no complex32: its values are read as complex64"):
        assert through(oracle, wengert, halves).tolist() == values.tolist()


def test_numpy_arrays_and_numbers_are_read(oracle: Any) -> None:
    value = {"x": np.arange(6.0).reshape(2, 3), "n": np.float64(1.5), "i": np.int32(7), "b": np.ones(2, ">f4")}
    loaded = through(oracle, wengert, value)
    np.testing.assert_array_equal(loaded["x"], value["x"])
    assert (loaded["n"], loaded["i"], loaded["b"].tolist()) == (1.5, 7, [1, 1])
    assert through(wengert, wengert, value)["n"].dtype == np.float64
    assert through(wengert, wengert, value, pickle_protocol=5)["x"].shape == (2, 3)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_all_protocols_are_read(oracle: Any, protocol: int) -> None:
    value = {
        "a": [oracle.ones(2), "\u00e4", b"b" * 300, {1, 2}, frozenset([3]), bytearray(b"c")],
        "s": oracle.Size([1]),
    }
    loaded = through(oracle, wengert, value, pickle_protocol=protocol)
    assert loaded["a"][1:] == value["a"][1:]
    assert through(wengert, wengert, {"a": wengert.ones(2)}, pickle_protocol=protocol)["a"].tolist() == [1, 1]


def test_the_older_form_is_read(oracle: Any) -> None:
    base = oracle.arange(6.0)
    value = {
        "base": base,
        "view": base[2:],
        "p": oracle.nn.Parameter(oracle.ones(2)),
        "i": oracle.tensor([1, 2]),
        "n": 3,
    }
    loaded = through(oracle, wengert, value, _use_new_zipfile_serialization=False)
    assert loaded["i"].tolist() == [1, 2]
    assert isinstance(loaded["p"], wengert.nn.Parameter)
    loaded["view"].zero_()
    assert loaded["base"].tolist() == [0, 1, 0, 0, 0, 0]


def test_checkpoints_without_checksums_are_read(oracle: Any) -> None:
    oracle.serialization.set_crc32_options(False)
    try:
        assert through(oracle, wengert, oracle.ones(3)).tolist() == [1, 1, 1]
    finally:
        oracle.serialization.set_crc32_options(True)


def test_checkpoints_of_the_other_byte_order_are_read() -> None:
    from .forge import archive, tensor_pickle

    for kind, storage, values in (("f4", "FloatStorage", [1.0, 2.0]), ("c8", "ComplexFloatStorage", [1 + 2j, 3j])):
        raw = np.array(values, ">" + kind).tobytes()
        file = archive(tensor_pickle(storage=storage, count=2, size=(2,)), {"0": raw}, byteorder=b"big")
        assert wengert.load(file).tolist() == values


# -- models and training -----------------------------------------------------------------------------------------------


def network(t: Any) -> Any:
    layers = t.nn
    return layers.Sequential(
        layers.Conv2d(1, 3, 3, padding=1), layers.BatchNorm2d(3), layers.ReLU(), layers.Flatten(), layers.Linear(48, 4)
    )


def images(t: Any, n: int = 5) -> Any:
    return t.tensor(np.random.default_rng(0).standard_normal((n, 1, 4, 4)).astype(np.float32))


def test_a_checkpoint_of_pytorch_gives_the_same_outputs_here(oracle: Any, tmp_path: Path) -> None:
    theirs, ours = network(oracle), network(wengert)
    theirs(images(oracle))  # so that the running statistics are not the initial ones
    oracle.save(theirs.state_dict(), tmp_path / "model.pt")
    assert repr(ours.load_state_dict(wengert.load(tmp_path / "model.pt"))) == "<All keys matched successfully>"
    x = images(oracle, 2)
    np.testing.assert_allclose(
        ours.eval()(wengert.from_numpy(x.numpy())).detach().numpy(),
        theirs.eval()(x).detach().numpy(),
        rtol=1e-5,
        atol=1e-6,
    )


def test_our_checkpoint_gives_the_same_outputs_in_pytorch(oracle: Any, tmp_path: Path) -> None:
    theirs, ours = network(oracle), network(wengert)
    ours(images(wengert))
    wengert.save(ours.state_dict(), tmp_path / "model.pt")
    theirs.load_state_dict(oracle.load(tmp_path / "model.pt", weights_only=True))
    x = images(wengert, 2)
    np.testing.assert_allclose(
        ours.eval()(x).detach().numpy(), theirs.eval()(oracle.tensor(x.numpy())).detach().numpy(), rtol=1e-5, atol=1e-6
    )


def test_metadata_of_a_state_dict_travel_both_ways(oracle: Any) -> None:
    expected = network(oracle).state_dict()._metadata
    assert through(oracle, wengert, network(oracle).state_dict())._metadata == expected
    assert through(wengert, oracle, network(wengert).state_dict())._metadata == expected


def train(t: Any, model: Any, optimizer: Any, steps: int) -> list[float]:
    losses = []
    x, y = images(t), t.tensor([0, 1, 2, 3, 0])
    for _ in range(steps):
        optimizer.zero_grad()
        loss = t.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    "Adam": {"lr": 0.01, "amsgrad": True},
    "AdamW": {"lr": 0.01},
    "RMSprop": {"lr": 0.01, "centered": True},
    "Adagrad": {"lr": 0.05},
    "NAdam": {"lr": 0.01},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("start", ["there", "here"])
def test_training_goes_on_in_the_other_library_as_if_it_had_stayed(oracle: Any, name: str, start: str) -> None:
    first, second = (oracle, wengert) if start == "there" else (wengert, oracle)
    model = network(first)
    optimizer = getattr(first.optim, name)(model.parameters(), **OPTIMIZERS[name])
    train(first, model, optimizer, 3)
    state = through(first, second, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3})
    other = network(second)
    other.load_state_dict(state["model"])
    other_optimizer = getattr(second.optim, name)(other.parameters(), lr=1.0)
    other_optimizer.load_state_dict(state["optimizer"])
    np.testing.assert_allclose(
        train(second, other, other_optimizer, 3), train(first, model, optimizer, 3), rtol=2e-5, atol=1e-6
    )


def test_a_schedule_goes_on(oracle: Any) -> None:
    def schedule(t: Any) -> Any:
        optimizer = t.optim.SGD([t.nn.Parameter(t.ones(1))], lr=1.0)
        return t.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 4], gamma=0.1)

    theirs, ours = schedule(oracle), schedule(wengert)
    for _ in range(3):
        theirs.optimizer.step()
        theirs.step()
    ours.load_state_dict(through(oracle, wengert, theirs.state_dict()))
    assert ours.milestones == theirs.milestones
    assert ours.last_epoch == 3


# -- whole objects -----------------------------------------------------------------------------------------------------


def test_a_whole_model_is_refused_by_default_with_what_to_do() -> None:
    file = io.BytesIO()
    wengert.save(wengert.nn.Linear(1, 1), file)
    file.seek(0)
    with pytest.raises(
        pickle.UnpicklingError, match=r"(?s)GLOBAL wengert\.nn\.linear\.Linear was not.*try: save model\.state"
    ):
        wengert.load(file)


def test_a_whole_model_is_loaded_when_the_file_is_trusted(oracle: Any) -> None:
    x = images(oracle)
    for t in (wengert, oracle):
        file = io.BytesIO()
        model = network(t)
        t.save(model, file)
        file.seek(0)
        loaded = wengert.load(file, weights_only=False)
        assert isinstance(loaded, wengert.nn.Sequential)
        expected = model(t.tensor(x.numpy())).detach().numpy()
        np.testing.assert_allclose(
            loaded(wengert.from_numpy(x.numpy())).detach().numpy(), expected, rtol=1e-4, atol=1e-5
        )


class Settings:
    """A class of a user."""

    def __init__(self) -> None:
        self.depth = 3


def test_classes_can_be_declared_safe(tmp_path: Path) -> None:
    file = tmp_path / "settings.pt"
    wengert.save({"settings": Settings(), "w": wengert.ones(1)}, file)
    name = f"{Settings.__module__}.Settings"
    assert serialization.get_unsafe_globals_in_checkpoint(file) == [name]
    with pytest.raises(pickle.UnpicklingError, match="add_safe_globals"):
        wengert.load(file)
    with serialization.safe_globals([Settings]):
        assert wengert.load(file)["settings"].depth == 3
        assert serialization.get_safe_globals() == [Settings]
        assert serialization.get_unsafe_globals_in_checkpoint(file) == []
    assert serialization.get_safe_globals() == []
    serialization.add_safe_globals([(Settings, name)])
    try:
        assert wengert.load(file)["settings"].depth == 3
    finally:
        serialization.clear_safe_globals()
    with pytest.raises(pickle.UnpicklingError):
        wengert.load(file)


def test_names_are_listed_whatever_they_would_have_made(tmp_path: Path) -> None:
    file = tmp_path / "names.pt"
    wengert.save([{wengert.float32: Settings}, range(3), wengert.ones(1)], file)
    found = serialization.get_unsafe_globals_in_checkpoint(file)
    assert found == [f"{Settings.__module__}.Settings", "__builtin__.xrange"]


def test_pickles_and_copies_of_tensors_and_modules_work_without_a_checkpoint() -> None:
    model = network(wengert)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert [p.tolist() for p in again.parameters()] == [p.tolist() for p in model.parameters()]


def test_a_pickled_view_does_not_carry_its_base() -> None:
    assert len(pickle.dumps(wengert.ones(100_000)[:2])) < 2000


# -- arguments ---------------------------------------------------------------------------------------------------------


def test_places_of_the_cpu_are_accepted(oracle: Any) -> None:
    file = io.BytesIO()
    oracle.save(oracle.ones(2), file)
    seen: list[Any] = []
    for where in (
        None,
        "cpu",
        wengert.device("cpu"),
        {"cuda:0": "cpu"},
        lambda storage, place: seen.append(place) or storage,
    ):
        file.seek(0)
        assert wengert.load(file, map_location=where).tolist() == [1, 1]
    assert seen == ["cpu"]


def test_a_function_cannot_move_storages(oracle: Any) -> None:
    file = io.BytesIO()
    oracle.save(oracle.ones(2), file)
    file.seek(0)
    with pytest.raises(RuntimeError, match="map_location must return the storage that it is given"):
        wengert.load(file, map_location=lambda storage, place: storage.clone())


def test_other_picklers_are_refused() -> None:
    for call in (lambda: wengert.save(1, io.BytesIO(), copy), lambda: wengert.load(io.BytesIO(), None, copy)):
        with pytest.raises(ValueError, match="pickle_module must be Python's pickle"):
            call()


@pytest.mark.parametrize("where", ["cuda", "cuda:1", {"cpu": "cuda:0"}, "foo"])
def test_other_places_are_refused_as_in_pytorch(oracle: Any, where: Any) -> None:
    file = io.BytesIO()
    oracle.save(oracle.ones(2), file)
    texts = []
    for t in (oracle, wengert):
        file.seek(0)
        with pytest.raises(RuntimeError) as caught:
            t.load(file, map_location=where)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_checkpoints_from_a_gpu_are_loaded_on_the_cpu() -> None:
    from .forge import archive, tensor_pickle

    text = tensor_pickle(location="cuda:0")
    assert wengert.load(archive(text, {"0": np.ones(2, np.float32).tobytes()})).device.type == "cpu"


def test_what_is_no_file_is_refused(oracle: Any) -> None:
    for t in (oracle, wengert):
        file = io.BytesIO()
        t.save(1, file)
        file.seek(0)
        with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object"):
            t.save(1, 3)
        with pytest.raises(AttributeError, match="'int' object has no attribute 'seek'"):
            t.load(3)
        with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
            t.load(file, mmap=True)
        with pytest.raises(FileNotFoundError):
            t.load("/nowhere/model.pt")
        with pytest.raises(EOFError):
            t.load(io.BytesIO(b""))


def test_a_file_is_read_from_where_it_stands() -> None:
    file = io.BytesIO()
    wengert.save([1], file)
    assert wengert.load(io.BytesIO(file.getvalue())) == [1]
    ahead = io.BytesIO(b"head" + file.getvalue())
    ahead.seek(4)
    assert wengert.load(ahead) == [1]


def test_mapped_checkpoints_are_read_when_used_and_never_changed(oracle: Any, tmp_path: Path) -> None:
    for t in (oracle, wengert):
        path = tmp_path / "mapped.pt"
        t.save({"x": t.arange(1000.0), "i": t.tensor([1, 2]), "b": t.tensor([True])}, path)
        before = path.read_bytes()
        for u in (oracle, wengert):
            loaded = u.load(path, mmap=True)
            assert (loaded["x"].sum().item(), loaded["i"].tolist(), loaded["b"].tolist()) == (499500, [1, 2], [True])
            loaded["x"].zero_()
            assert path.read_bytes() == before


def test_large_entries_are_aligned_too(oracle: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("zipfile.ZIP64_LIMIT", 2000)  # as if storages of more than 4 GiB were in the file
    path = tmp_path / "large.pt"
    wengert.save({"x": wengert.arange(1000.0), "y": wengert.arange(3.0, dtype=wengert.float64)}, path)
    monkeypatch.undo()
    for t in (oracle, wengert):
        loaded = t.load(path, mmap=True)
        assert (loaded["x"].sum().item(), loaded["y"].tolist()) == (499500, [0, 1, 2])
        assert loaded["x"].data_ptr() % 64 == loaded["y"].data_ptr() % 64 == 0


def test_the_older_form_cannot_be_mapped(oracle: Any, tmp_path: Path) -> None:
    oracle.save(oracle.ones(2), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        wengert.load(tmp_path / "old.pt", mmap=True)


def test_objects_nested_too_deeply_are_not_saved() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(RecursionError, match="nested too deeply to be saved"):
        wengert.save(deep, io.BytesIO())
