"""Batches from samples: PyTorch's structures, dtypes and errors."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import wengert
from wengert.data import default_collate, default_convert

from .both import assert_same

Point = collections.namedtuple("Point", "a b")


@dataclasses.dataclass
class Record:
    a: int = 1


class Table(Mapping[str, Any]):
    """A mapping that is made from a dict."""

    def __init__(self, items: dict[str, Any]) -> None:
        self.items_ = items

    def __getitem__(self, key: str) -> Any:
        return self.items_[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.items_)

    def __len__(self) -> int:
        return len(self.items_)


class Pair(Table):
    """A mapping that is not made from a dict."""

    def __init__(self, key: str, value: Any) -> None:
        super().__init__({key: value})


class Row(list[Any]):
    """A list with a class of its own."""


BATCHES: dict[str, Any] = {
    "ints": [1, 2],
    "floats": [1.0, 2.0],
    "bools": [True, False],
    "a bool and an int": [True, 1],
    "an int and a float": [1, 2.5],
    "a float and an int": [1.5, 2],
    "strings": ["a", "b"],
    "bytes": [b"a", b"b"],
    "complex numbers": [1j, 2j],
    "None": [None, None],
    "dataclasses": [Record(), Record()],
    "named tuples": [Point(1, 2.0), Point(3, 4.0)],
    "tuples": [(1, "a"), (2, "b")],
    "lists": [[1, 2], [3, 4]],
    "dicts": [{"a": 1, "b": [1.0]}, {"a": 2, "b": [2.0]}],
    "different keys": [{"a": 1}, {"b": 2}],
    "more keys": [{"a": 1}, {"a": 2, "c": 1}],
    "ordered dicts": [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    "default dicts": [collections.defaultdict(int, a=1), collections.defaultdict(int, a=2)],
    "lists with a class": [Row([1, 2]), Row([3, 4])],
    "different lengths": [[1, 2], [3]],
    "arrays": [np.ones(2), np.zeros(2)],
    "arrays without dimensions": [np.array(1.0), np.array(2.0)],
    "numpy floats": [np.float32(1), np.float32(2)],
    "numpy ints": [np.int64(1), np.int64(2)],
    "numpy bools": [np.bool_(True)],
    "numpy halves": [np.float16(1)],
    "numpy strings": [np.str_("a"), "b"],
    "arrays of strings": [np.array(["a"]), np.array(["b"])],
    "arrays of objects": [np.array([None]), np.array([None])],
    "dates": [np.datetime64("2020-01-01")],
    "different shapes": [np.ones(2), np.ones(3)],
    "nothing": [],
    "sets": [{1}],
    "ranges": [range(2), range(2)],
    "objects": [object()],
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_is_pytorchs(oracle: Any, package: Any, name: str) -> None:
    assert_same(oracle, package, lambda t, d: d.default_collate(BATCHES[name]))


@pytest.mark.parametrize("name", BATCHES)
def test_a_converted_sample_is_pytorchs(oracle: Any, package: Any, name: str) -> None:
    if name in ("sets", "objects", "dataclasses", "complex numbers"):
        assert default_convert(BATCHES[name])[0] is BATCHES[name][0]
    else:
        assert_same(oracle, package, lambda t, d: d.default_convert(BATCHES[name]))


def test_tensors_are_stacked() -> None:
    batch = default_collate([wengert.ones(2, requires_grad=True) * 1, wengert.zeros(2)])
    assert batch.tolist() == [[1, 1], [0, 0]]
    assert batch.requires_grad


def test_a_mapping_keeps_its_class_where_it_can() -> None:
    assert type(default_collate([Table({"a": 1}), Table({"a": 2})])) is Table
    assert type(default_collate([Pair("a", 1), Pair("a", 2)])) is dict


def test_converted_arrays_share_their_memory() -> None:
    array = np.zeros(2)
    converted = default_convert(array)
    array[0] = 5
    assert converted.tolist() == [5, 0]
