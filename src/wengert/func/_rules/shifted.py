"""Operators that take dimensions as plain parameters: each is counted one further in the physical tensor."""

from __future__ import annotations

from typing import Any, Final

from ..._record.common import wrap_dim
from .._batched import Batch
from .._dispatch import RULES, Rule, rule
from .reduce import tree

SIGNATURES: Final = """
    softmax dim*; log_softmax dim*; softmin dim*; cumsum dim*; cumprod dim*; logcumsumexp dim*; cummax dim*; cummin dim*
    sort dim*=-1 descending stable; argsort dim*=-1 descending stable; topk k dim*=-1 largest sorted
    flip dims*; narrow dim* start length; narrow_copy dim* start length; select dim* index
    split size dim*=0; split_with_sizes size dim*=0; chunk chunks dim*=0; tensor_split parts dim*=0; unsafe_chunk chunks dim*=0
    unsafe_split size dim*=0; unbind dim*=0; unsafe_split_with_sizes size dim*=0; unbind_copy dim*=0
    transpose dim0* dim1*; swapaxes dim0* dim1*; swapdims dim0* dim1*; movedim source* destination*; moveaxis source* destination*
    diagonal offset dim1*=0 dim2*=1; diff n dim*=-1 prepend append; unfold dimension* size step; glu dim*=-1
    rot90 k dims*=(0,1); trapezoid_ dim*=-1
    fft.fft n dim*=-1 norm; fft.ifft n dim*=-1 norm; fft.rfft n dim*=-1 norm; fft.irfft n dim*=-1 norm; fft.hfft n dim*=-1 norm
    fft.ihfft n dim*=-1 norm; fft.fft2 s dim*=(-2,-1) norm; fft.ifft2 s dim*=(-2,-1) norm; fft.rfft2 s dim*=(-2,-1) norm
    fft.irfft2 s dim*=(-2,-1) norm
    linalg.diagonal offset dim1*=-2 dim2*=-1
    diagonal_copy offset dim1*=0 dim2*=1; transpose_copy dim0* dim1*; unfold_copy dimension* size step
    split_with_sizes_copy size dim*=0; split_copy size dim*=0
    fft.hfft2 s dim*=(-2,-1) norm; fft.ihfft2 s dim*=(-2,-1) norm
"""


class Shifted:
    """The rule of one operator."""

    def __init__(self, parameters: list[str]) -> None:
        self.names = [p.partition("*")[0] for p in parameters]
        self.dims = {p.partition("*")[0] for p in parameters if "*" in p}
        defaults = [(p.partition("*")[0], p.partition("=")[2]) for p in parameters if "=" in p]
        self.defaults: dict[str, Any] = {name: _constant(text) for name, text in defaults}

    def __call__(self, batch: Batch, call: Rule, self_: Any, *args: Any, **kwargs: Any) -> Any:
        given = list(args)
        if self.names == ["dims"] and len(args) > 1:
            given = [args]  # flip(0, 1)
        named = dict(kwargs)
        for i, name in enumerate(self.names):
            if i >= len(given) and name in self.defaults and name not in named:
                named[name] = self.defaults[name]
            if i == len(given) and name in named and name in self.dims:
                given.append(named.pop(name))
        ndim = len(self_.shp)
        for i, name in enumerate(self.names):
            if name in self.dims:
                if i < len(given):
                    given[i] = _shift(given[i], ndim)
                elif name in named:
                    named[name] = _shift(named[name], ndim)
        physical = batch.front(self_)
        if ndim == 0:
            physical = physical.unsqueeze(-1)
        result = batch.wrap(call(physical, *given, **named))
        return tree(result, lambda t: t.reshape(())) if ndim == 0 else result


def _constant(text: str) -> Any:
    return tuple(int(part) for part in text[1:-1].split(",")) if text[0] == "(" else int(text)


def _shift(dim: Any, ndim: int) -> Any:
    if isinstance(dim, (tuple, list)):
        return tuple(wrap_dim(d, ndim) + 1 for d in dim)
    return wrap_dim(dim, ndim) + 1


def _enter() -> None:
    for entry in SIGNATURES.replace("\n", ";").split(";"):
        words = entry.split()
        if words:
            RULES[words[0]] = Shifted(words[1:])


_enter()


@rule("fft.fftn", "fft.ifftn", "fft.rfftn", "fft.irfftn", "fft.hfftn", "fft.ihfftn")
def transform(batch: Batch, call: Rule, self: Any, s: Any = None, dim: Any = None, norm: Any = None) -> Any:
    """Over given dimensions; by default over the last ones that ``s`` names, or over all."""
    ndim = len(self.shp)
    if dim is None:
        dim = tuple(range(ndim if s is None else len(s)))
        dim = tuple(d - len(dim) for d in dim)
    return batch.wrap(call(batch.front(self), s, _shift(dim, ndim), norm))


@rule("fft.fftshift", "fft.ifftshift")
def centred(batch: Batch, call: Rule, self: Any, dim: Any = None) -> Any:
    """Along given dimensions, by default along all."""
    ndim = len(self.shp)
    return batch.wrap(call(batch.front(self), _shift(tuple(range(ndim)) if dim is None else dim, ndim)))
