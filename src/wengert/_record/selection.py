"""Template of operators that pick elements along a dimension and tell where they were: max, sort, topk, kthvalue..."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.compat import mypyc_attr
from .._core.dtypes import INTEGER, Size
from .._core.tensor_base import TensorBase
from ..kernels import zeros
from ..kernels.arrays import move_axis
from ..kernels.blocks import places
from .common import check_out, make, untracked, wrap_dim, write_out
from .general import General

if TYPE_CHECKING:
    from .._tensor import Tensor


@mypyc_attr(allow_interpreted_subclasses=True)
class Selection(General):
    """Base of the nodes of operators with results ``values`` and ``indices``; gradients go where values came from.

    Attributes:
        shape: shape of the operand.
        dim: the dimension, counted from the front.
        drops: whether the result lacks that dimension.
        block: how many elements ``choose`` takes at once, as whole lines, so that it needs little memory; 0 for all.
    """

    block: int = 0

    def __init__(self, x: TensorBase, dim: Any, drops: bool) -> None:
        self.shape: Size = x.shp
        self.dim: int = wrap_dim(dim, len(x.shp))
        self.drops: bool = drops

    def choose(self, x: Any) -> tuple[Any, Any]:
        """Values and indices along dimension ``dim`` of an array, which stays (with size 1 for a reduction)."""
        raise NotImplementedError

    def length(self) -> int:
        """How many elements of each line are chosen."""
        return 1

    def chosen(self, x: Any) -> tuple[Any, Any]:
        """``choose``, for a block of lines at a time."""
        shape = list(x.shape)
        shape[self.dim] = self.length()
        values = np.empty_like(x) if shape[self.dim] == x.shape[self.dim] else np.empty(shape, x.dtype)
        indices = np.empty_like(values, np.int64)
        lines = [move_axis(a, self.dim, -1) for a in (x, values, indices)]
        for place in places(lines[0].shape, x.ndim - 1, self.block):
            found = self.choose(move_axis(lines[0][place], -1, self.dim))
            whole = (*place[:-1], slice(None))
            lines[1][whole], lines[2][whole] = [move_axis(a, self.dim, -1) for a in found]
        return values, indices

    def output_names(self) -> list[str]:
        """Both results."""
        return ["values", "indices"]

    def differentiable_outputs(self) -> list[bool]:
        """Indices have no gradient."""
        return [True, False]

    def saves(self) -> list[str]:
        """Where the values came from."""
        return ["indices"]

    def parameters(self) -> dict[str, Any]:
        """PyTorch's names."""
        return {"dim": self.dim, "self_sym_sizes": self.shape}

    def forward(self, arrays: list[Any]) -> Any:
        """Both results."""
        x = np.asarray(arrays[0])
        if len(self.shape) == 0:
            values, indices = self.choose(x.reshape(1))
            return [values.reshape(()), indices.reshape(()).astype(np.int64)]
        values, indices = self.chosen(x) if 0 < self.block < x.size and x.ndim > 1 else self.choose(x)
        if self.drops:
            values = values.squeeze(self.dim)
            indices = indices.squeeze(self.dim)
        return [values, indices.astype(np.int64, copy=False)]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        """Zeros with the gradient put where the values came from."""
        grad = grads[0]
        if grad is None:
            return [None]
        if len(self.shape) == 0:
            return [grad]
        indices = self.tensor("indices")
        if untracked(grad):
            whole = zeros(self.shape, grad.dt.np)
            np.put_along_axis(whole, self.opened_array(indices.array), self.opened_array(grad.array), self.dim)
            return [make(whole)]
        none: Tensor = make(zeros(self.shape, grad.dt.np))
        return [none.scatter(self.dim, self.opened(indices), self.opened(grad))]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        """The tangents of the chosen elements."""
        tangent = tangents[0]
        if tangent is None or len(self.shape) == 0:
            return [tangent, None]
        chosen = tangent.gather(self.dim, self.opened(results[1]))
        return [chosen.squeeze(self.dim) if self.drops else chosen, None]

    def opened(self, t: Tensor) -> Tensor:
        """A result with the dimension back."""
        return t.unsqueeze(self.dim) if self.drops else t

    def opened_array(self, array: Any) -> Any:
        """The same for arrays."""
        return np.expand_dims(array, self.dim) if self.drops else array


def deliver(name: str, out: Any, results: list[Tensor]) -> list[Tensor]:
    """Store the results into the tensors given as ``out=``, if any."""
    if out is None:
        return results
    if not isinstance(out, (tuple, list)) or len(out) != len(results):
        raise TypeError(f"{name}(): argument 'out' must be tuple of Tensors, not {type(out).__name__}")
    for target, result in zip(out, results):
        if isinstance(target, TensorBase) and target.dt is not result.dt:
            raise RuntimeError(
                f"Expected out tensor to have dtype {errors.c_type(result.dt)}, but got {errors.c_type(target.dt)} instead"
            )
        check_out(name, target, result)
    return [write_out(name, target, result) for target, result in zip(out, results)]


def check_order(x: TensorBase, kernel: str) -> None:
    """Complex numbers have no order."""
    if x.dt.category > INTEGER + 1:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{x.dt.title}'")


def check_not_empty(name: str, x: TensorBase, dim: int) -> None:
    """A dimension to choose from must have elements."""
    if len(x.shp) > 0 and x.shp[dim] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
