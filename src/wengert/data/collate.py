"""Batches from samples: ``default_collate`` and ``default_convert``."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from .._core.dtypes import float64
from .._gen.functions import as_tensor, stack, tensor
from .._tensor import Tensor

__all__ = ["default_collate", "default_convert"]

UNKNOWN = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def default_collate(batch: Any) -> Any:
    """A list of samples as one sample with a new first dimension.

    Tensors, arrays and numbers become tensors (floats in float64); of dicts, named tuples, lists and tuples, each member is
    collated on its own; strings and bytes stay lists.

    Args:
        batch: samples of one structure.

    Raises:
        TypeError: for what is none of these.
        RuntimeError: for members of different sizes.

    Example:
        >>> default_collate([{"x": 1.5, "name": "a"}, {"x": 2.5, "name": "b"}])
        {'x': tensor([1.5000, 2.5000], dtype=torch.float64), 'name': ['a', 'b']}
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch, 0)
    if isinstance(first, np.ndarray):
        _check_array(first)
        return stack([as_tensor(array) for array in batch], 0)
    if isinstance(first, np.number | np.bool_):
        return as_tensor(batch)
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return _like_mapping(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        return _collate_sequences(first, batch)
    raise TypeError(UNKNOWN.format(type(first)))


def _check_array(array: Any) -> None:
    """Refuse arrays of strings and objects."""
    if array.dtype.kind in "SUO":
        raise TypeError(UNKNOWN.format(array.dtype.str if array.dtype.kind != "O" else array.dtype))


def _collate_sequences(first: Any, batch: Any) -> Any:
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(list(members)) for members in zip(*batch)))
    if any(len(sample) != len(first) for sample in batch):
        raise RuntimeError("each element in list of batch should be of equal size")
    columns = list(zip(*batch))
    collated = [default_collate(column) for column in columns]
    return collated if isinstance(first, tuple) else _like_sequence(first, collated)


def default_convert(data: Any) -> Any:
    """The data with every NumPy array and number in it as a tensor; what is neither that nor a container stays as it is.

    Used by ``DataLoader`` where it does not batch. Arrays share their memory with the tensors.

    Example:
        >>> import numpy as np
        >>> default_convert({"x": np.arange(2), "name": "a"})
        {'x': tensor([0, 1]), 'name': 'a'}
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, np.ndarray | np.generic) and not isinstance(data, str | bytes):
        return data if isinstance(data, np.ndarray) and data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple):
        converted = [default_convert(value) for value in data]
        return type(data)(*converted) if hasattr(data, "_fields") else converted
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _like_sequence(data, [default_convert(value) for value in data])
    return data


def _like_mapping(like: Any, values: dict[Any, Any]) -> Any:
    """A mapping of the same class where it can be made, otherwise a dict."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)  # what a class of dicts has besides its items (a default factory) stays
            clone.update(values)
            return clone
        return type(like)(values)
    except TypeError:
        return values


def _like_sequence(like: Any, values: list[Any]) -> Any:
    """A sequence of the same class where it can be made, otherwise a list."""
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return type(like)(values)
    except TypeError:
        return values
