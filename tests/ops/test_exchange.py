"""Memory shared by the DLPack protocol, with NumPy and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

torch = pytest.importorskip("torch")

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


@pytest.mark.parametrize("name", DTYPES)
def test_values_cross_in_both_directions(name: str) -> None:
    ours = wg.tensor([[1, 0, 3], [2, 2, 0]]).to(getattr(wg, name))
    for theirs in (np.from_dlpack(ours), torch.from_dlpack(ours)):
        assert str(theirs.dtype).endswith(name)
        assert theirs.tolist() == ours.tolist()
        back = wg.from_dlpack(theirs)
        assert back.dtype is ours.dtype
        assert back.equal(ours)


@pytest.mark.parametrize("package", [np, torch], ids=["numpy", "torch"])
def test_memory_is_shared(package: Any) -> None:
    ours = wg.zeros(3)
    theirs = package.from_dlpack(ours)
    theirs[1] = 5
    assert ours.tolist() == [0, 5, 0]
    back = wg.from_dlpack(theirs)
    back[2] = 7
    assert ours.tolist() == [0, 5, 7]


@pytest.mark.parametrize(
    "view", [lambda t: t.T, lambda t: t[1:, ::2], lambda t: t[0], lambda t: t[0, 0], lambda t: t[:0]]
)
def test_strides_are_kept(view: Any) -> None:
    ours = view(wg.arange(12.0).reshape(3, 4))
    theirs = torch.from_dlpack(ours)
    assert theirs.tolist() == ours.tolist()
    assert wg.from_dlpack(theirs).equal(ours)


def test_a_copy_on_demand() -> None:
    a = np.zeros(2)
    t = wg.from_dlpack(a, copy=True)
    t[0] = 1
    assert a.tolist() == [0, 0]
    assert wg.from_dlpack(a, copy=False).add_(1).sum() == a.sum()


def test_a_number_of_its_own_is_shared_too() -> None:
    ours = wg.tensor([1.0, 2.0]).sum()
    theirs = np.from_dlpack(ours)
    theirs[...] = 4
    assert ours.item() == 4


def test_tensors_that_require_grad_are_refused_as_in_torch() -> None:
    for package in (wg, torch):
        x = package.ones(2, requires_grad=True)
        with pytest.raises(BufferError, match=r"tensors that require gradient, use tensor\.detach"):
            x.__dlpack__()
        assert np.from_dlpack(x.detach()).tolist() == [1, 1]
        assert tuple(x.__dlpack_device__()) == (1, 0)


def test_what_is_no_array_is_refused() -> None:
    for wrong in ([1.0], wg.ones(2).__dlpack__()):
        with pytest.raises(TypeError, match="expected an object with __dlpack__"):
            wg.from_dlpack(wrong)


def test_tensors_under_vmap_have_no_memory() -> None:
    with pytest.raises(RuntimeError, match="under vmap"):
        wg.vmap(lambda x: wg.tensor(np.from_dlpack(x)))(wg.ones(2, 3))
