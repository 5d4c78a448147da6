"""Template of operators that overwrite part of a tensor: scatter, index_put, masked_fill.

The first input is the tensor written to, the second (where there is one) the values; indices and masks follow and have
no gradient. The derivative never reads the old values, so in place nothing is copied: the memory is written directly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import views
from .._core.compat import mypyc_attr
from .._core.dtypes import FLOATING
from .._core.modes import MODES
from .._core.tensor_base import TensorBase, bump, memory, requires_grad
from ..kernels import copied, zeros
from . import forward
from .common import prepare_inplace
from .general import General, connect, general, keep

if TYPE_CHECKING:
    from .._tensor import Tensor

_ndarray: Final[Any] = np.ndarray
_may_share: Final[Any] = np.may_share_memory


@mypyc_attr(allow_interpreted_subclasses=True)
class Writer(General):
    """Base of the nodes of such operators. A subclass writes into an array; copying, recording and in-place are here.

    ``sources`` is the number of inputs that have a gradient: 1, or 2 with values that are a tensor.
    """

    sources: int = 2

    def put(self, target: Any, arrays: list[Any]) -> None:
        """Write into ``target``; ``arrays`` are those of the inputs after the first."""
        raise NotImplementedError

    def check(self, target: Any, arrays: list[Any]) -> None:
        """Refuse what ``put`` finds out only while it writes: a refused call changes nothing."""

    def again(self) -> Writer:
        """A new node with the same parameters, for tangents: a plain value to be written becomes zero."""
        raise NotImplementedError

    def differentiable_inputs(self, count: int) -> int:
        return self.sources

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        target = copied(x)
        self.put(target, arrays[1:])
        return target

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        wide: list[TensorBase] = list(inputs)
        for i in range(self.sources):
            tangent = tangents[i]
            wide[i] = zeros_like(inputs[i]) if tangent is None else tangent
        return [general(self.again(), wide)]


def writer_(op: Writer, inputs: list[TensorBase]) -> Tensor:
    """Write into the memory of the first input and take over the history."""
    x = inputs[0]
    wanted = False
    for t in inputs[: op.sources]:
        if requires_grad(t) and x.dt.category >= FLOATING:
            wanted = True
    record = prepare_inplace(x, x.dt, x.shp, wanted)
    tangent = new_tangent(op, inputs) if MODES.dual_level >= 0 else None
    op.many = True
    if record:
        connect(op, inputs)
    target = memory(x)
    arrays = [apart(t.array, target) for t in inputs[1:]]
    op.check(target, arrays)
    op.put(target, arrays)
    bump(x)
    if record:
        keep(op, inputs, [x])  # type: ignore[list-item]
        views.rebase(x, op)
    if tangent is not None:
        forward.write_tangent(x, tangent)
    return x  # type: ignore[return-value]


def apart(array: Any, target: Any) -> Any:
    """What is read while ``target`` is written: a copy where it may lie in the same memory."""
    return array.copy() if isinstance(array, _ndarray) and _may_share(array, target) else array


def new_tangent(op: Writer, inputs: list[TensorBase]) -> Tensor | None:
    """The tangent that the first input will have after the write; None when nothing has one."""
    tangents = [forward.tangent_of(t) for t in inputs]
    for t in tangents:
        if t is not None:
            level = forward.suspend()
            try:
                return op.jvp(tangents, inputs, [])[0]  # type: ignore[arg-type]
            finally:
                forward.resume(level)
    return None


def zeros_like(t: TensorBase) -> Tensor:
    """Zeros of the shape and dtype of ``t``."""
    return _tensor.Tensor(zeros(t.shp, t.dt.np), t.dt, t.shp)


from .. import _tensor  # noqa: E402
