"""Objects that programs keep beside tensors: where they say they live, and that they survive pickle and copy."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert

CLASSES = (
    wengert.Tensor, wengert.Generator, wengert.Size, wengert.device, wengert.dtype, wengert.finfo, wengert.iinfo,
    wengert.layout, wengert.memory_format,
)  # fmt: skip
OBJECTS = {
    "dtype": wengert.bfloat16,
    "boolean dtype": wengert.bool,
    "size": wengert.Size([2, 3]),
    "device": wengert.device("cpu"),
    "device with index": wengert.device("cpu", 0),
    "layout": wengert.strided,
    "memory format": wengert.channels_last,
    "finfo": wengert.finfo(wengert.float32),
    "finfo of bfloat16": wengert.finfo(wengert.bfloat16),
    "iinfo": wengert.iinfo(wengert.uint8),
    "named results": wengert.ones(2).max(0),
}
TWINS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_public_classes_name_the_package_as_their_module(cls: type) -> None:
    assert repr(cls) == f"<class 'wengert.{cls.__name__}'>"


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
@pytest.mark.parametrize("value", OBJECTS.values(), ids=OBJECTS)
def test_objects_survive_pickle_and_copy(value: Any, twin: Callable[[Any], Any]) -> None:
    found = twin(value)
    assert type(found) is type(value)
    assert repr(found) == repr(value)


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
def test_what_there_is_one_of_stays_one(twin: Callable[[Any], Any]) -> None:
    for value in (wengert.float64, wengert.bool, wengert.strided, wengert.channels_last):
        assert twin(value) is value


def test_a_module_that_keeps_a_device_is_copied() -> None:
    layer = wengert.nn.Linear(2, 2)
    layer.home = layer.weight.device
    assert copy.deepcopy(layer).home == wengert.device("cpu")


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128"])
def test_limits_of_floating_point_agree_with_torch(oracle: Any, name: str) -> None:
    ours, theirs = wengert.finfo(getattr(wengert, name)), oracle.finfo(getattr(oracle, name))
    assert repr(ours) == repr(theirs)
    for field in ("dtype", "bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution"):
        assert getattr(ours, field) == getattr(theirs, field), field


@pytest.mark.parametrize("name", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_limits_of_integers_agree_with_torch(oracle: Any, name: str) -> None:
    ours, theirs = wengert.iinfo(getattr(wengert, name)), oracle.iinfo(getattr(oracle, name))
    assert repr(ours) == repr(theirs)
    for field in ("dtype", "bits", "max", "min"):
        assert getattr(ours, field) == getattr(theirs, field), field


def test_a_node_that_is_called_gives_infinities_without_warnings() -> None:
    x = wengert.tensor([500.0], dtype=wengert.float64, requires_grad=True)
    grad = wengert.tensor([1e300], dtype=wengert.float64)
    assert wengert.isinf(x.exp().grad_fn(grad)).all()


def test_parts_of_a_size_are_sizes_of_ints() -> None:
    size = wengert.Size([2, True, np.int64(4)])
    assert [type(n) for n in size] == [int, int, int]
    for part in (size[1:], size[::-1], size[:0], size + (5,), (5,) + size, size * 2):
        assert type(part) is wengert.Size
    assert type(size[1]) is int
    assert wengert.Size(n for n in (1, 2)) == (1, 2)
    with pytest.raises(TypeError, match=r"item 1 is 'float'"):
        wengert.Size([1, 2.0])
    with pytest.raises(IndexError):
        size[3]
