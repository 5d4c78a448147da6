"""An index from outside is refused before anything is written in place: PyTorch has written a part of it by then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wengert as wg

CALLS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "scatter_": lambda x, index, source: x.scatter_(0, index, source),
    "scatter_ of a number": lambda x, index, source: x.scatter_(0, index, 1.0),
    "scatter_add_": lambda x, index, source: x.scatter_add_(0, index, source),
    "scatter_reduce_": lambda x, index, source: x.scatter_reduce_(0, index, source, "sum"),
    "index_add_": lambda x, index, source: x.index_add_(0, index, source),
    "index_copy_": lambda x, index, source: x.index_copy_(0, index, source),
    "index_fill_": lambda x, index, source: x.index_fill_(0, index, 1.0),
    "put_": lambda x, index, source: x.put_(index, source),
    "index_put_": lambda x, index, source: x.index_put_((index,), source, accumulate=True),
    "assignment": lambda x, index, source: x.__setitem__(index, source),
}


@pytest.mark.parametrize("size", [8, 5000], ids=["small", "large"])
@pytest.mark.parametrize("call", CALLS)
def test_an_index_from_outside_leaves_the_tensor_as_it_was(call: str, size: int) -> None:
    x, index = wg.zeros(size), wg.arange(size)
    index[-1] = size
    with pytest.raises((RuntimeError, IndexError), match=f"{size}.*(out of bounds|tensor of)"):
        CALLS[call](x, index, wg.ones(size))
    assert x._version == 0
    assert float(x.sum()) == 0.0
