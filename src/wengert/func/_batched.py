"""``BatchedTensor``: what a function under ``vmap`` sees instead of its argument.

Note [Batched tensors have no array]
    A batched tensor says it has the shape of one sample and holds a physical tensor with one dimension more. Every method
    finds a rule that works on the physical tensor with ordinary, recorded operators; so gradients under ``vmap`` need no
    formulas of their own. Its ``array`` is a stand-in that refuses all use: an operator that no rule knows of cannot go
    wrong silently.
"""

from __future__ import annotations

import textwrap
from typing import Any, Final, NoReturn

from .._core import text
from .._core.dtypes import intern_size
from .._core.tensor_base import TensorBase, requires_grad
from .._tensor import Tensor
from ._levels import STACK, Level, depends_on

ITEM: Final = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a Tensor, please try "
    "to rewrite what you're doing with other operations. If error is occurring somewhere inside PyTorch internals, please file "
    "a bug report."
)
CONTROL_FLOW: Final = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that yet, "
    "please file an issue at https://github.com/pytorch/pytorch/issues .\n"
    "  there is a truth value for every sample; try: where()"
)


UNSEEN: Final = (
    "vmap: a batched tensor reached an operator that vmap does not see\n"
    "  try: call it as a method of the tensor or by its public name; or compute it outside of vmap"
)


class NoArray:
    """The array of a batched tensor."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)  # Python and NumPy asking what this is
        raise RuntimeError(self._message)

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(self._message)

    __array_ufunc__ = __array_function__ = __getitem__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = (
        __rmul__
    ) = __array__
    __truediv__ = __rtruediv__ = __matmul__ = __pow__ = __neg__ = __lt__ = __le__ = __gt__ = __ge__ = __array__


_NO_ARRAY: Final = NoArray(UNSEEN)


class BatchedTensor(Tensor):
    """A tensor under ``vmap``: the shape is that of one sample.

    Attributes:
        value: the physical tensor.
        bdim: which of its dimensions is the batch.
        level: the ``vmap`` it belongs to.
    """

    def __init__(self, value: Any, bdim: int, level: Level) -> None:
        self.value = value
        self.bdim = bdim
        self.level = level
        shape = tuple(value.shp)
        sample = shape[1:] if bdim == 0 else shape[:bdim] + shape[bdim + 1 :]
        Tensor.__init__(self, _NO_ARRAY, value.dt, intern_size(sample))

    def front(self) -> Any:
        """The physical tensor with the batch as its first dimension."""
        return self.value if self.bdim == 0 else self.value.movedim(self.bdim, 0)

    def opening(self) -> str:
        """How its text begins."""
        return f"BatchedTensor(lvl={self.level.number}, bdim={self.bdim}, value="

    def refresh(self) -> None:
        """Take over the shape and dtype of the physical tensor, which was written to."""
        shape = tuple(self.value.shp)
        self.shp = intern_size(shape[: self.bdim] + shape[self.bdim + 1 :])
        self.dt = self.value.dt

    def __repr__(self) -> str:
        return repr_of(self)

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __hash__(self) -> int:
        return id(self)

    # -- values do not leave ---------------------------------------------------------------------------------------------

    def item(self) -> Any:
        """Refused: there is a value for every sample."""
        raise RuntimeError(ITEM)

    __float__ = __int__ = __complex__ = as_index = only_value = item

    def __bool__(self) -> bool:
        raise RuntimeError(CONTROL_FLOW)

    def __contains__(self, element: Any) -> bool:
        raise RuntimeError(CONTROL_FLOW)

    def is_nonzero(self) -> bool:
        """Refused: there is an answer for every sample."""
        raise RuntimeError(CONTROL_FLOW)

    def numpy(self, *, force: bool = False) -> Any:
        """Refused: the array would have one dimension more than the tensor."""
        raise RuntimeError(
            "Cannot access data pointer of Tensor that doesn't have storage\n"
            "  numpy() was called on a tensor under vmap\n  try: convert outside of the function that is vmapped"
        )

    def tolist(self) -> Any:
        """Refused: see ``numpy``."""
        return self.numpy()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.numpy()

    def data_ptr(self) -> int:
        """Refused: see ``numpy``."""
        self.numpy()
        return 0

    def __copy__(self) -> Any:
        return BatchedTensor(self.value, self.bdim, self.level)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.clone()

    # -- metadata of the physical tensor ---------------------------------------------------------------------------------

    @property  # type: ignore[misc]
    def requires_grad(self) -> Any:
        """Whether gradients are computed for the physical tensor."""
        return self.value.requires_grad

    @property
    def grad_fn(self) -> Any:
        """The node that made the physical tensor."""
        return self.value.grad_fn

    @property
    def is_leaf(self) -> bool:
        """Whether the physical tensor is a leaf."""
        return bool(self.value.is_leaf)

    @property
    def _version(self) -> Any:
        return self.value._version

    def numel(self) -> int:
        """Number of elements of one sample."""
        return self.shp.numel()

    nelement = numel

    @property
    def nbytes(self) -> int:
        """Bytes of one sample."""
        return self.numel() * self.dt.itemsize

    def stride(self, dim: Any = None) -> Any:
        """Steps between neighbours along each dimension of a sample."""
        strides = self.value.stride()
        own = strides[: self.bdim] + strides[self.bdim + 1 :]
        return own if dim is None else own[dim]

    def storage_offset(self) -> int:
        """Where the first element of the physical tensor lies."""
        return int(self.value.storage_offset())

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether each sample lies in memory without gaps."""
        return bool(self.front().is_contiguous()) if memory_format is None else False

    def __iter__(self) -> Any:
        if len(self.shp) == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))


def repr_of(t: Any) -> str:
    """A tensor with the levels that it takes part in, the innermost outermost, as PyTorch shows them."""
    layers: list[tuple[int, str]] = []
    while isinstance(t, BatchedTensor):
        layers.append((t.level.number, t.opening()))
        t = t.value
    if requires_grad(t):
        inside = [level.number for level in STACK.levels if level.inputs and depends_on(t, level.inputs)]
        layers += [(number, f"GradTrackingTensor(lvl={number}, value=") for number in inside]
        t = t.detach() if inside else t
    shown: str = text.tensor_repr(t)
    for _, opening in sorted(layers):
        shown = f"{opening}\n{textwrap.indent(shown, '    ')}\n)"
    return shown


def alike(x: Any, y: Any) -> bool:
    """Whether two operands are batched at one level, of one dtype and with as many dimensions: their batches broadcast."""
    if not (isinstance(x, BatchedTensor) and isinstance(y, BatchedTensor)):
        return False
    return x.level is y.level and x.dt is y.dt and len(x.shp) == len(y.shp)


def innermost(values: Any, found: Level | None = None) -> Level | None:
    """The innermost ``vmap`` that some tensor among ``values`` (lists and tuples included) belongs to."""
    for value in values:
        if isinstance(value, BatchedTensor):
            if found is None or value.level.number > found.number:
                found = value.level
        elif isinstance(value, (list, tuple)):
            found = innermost(value, found)
    return found


class Batch:
    """One application of a rule: takes arguments of one level apart and wraps results."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self.size = level.batch_size

    def has(self, value: Any) -> bool:
        """Whether ``value`` is batched at this level."""
        return isinstance(value, BatchedTensor) and value.level is self.level

    def front(self, value: Any) -> Any:
        """The physical tensor, batch first, of what is batched; other values as they are."""
        return value.front() if isinstance(value, BatchedTensor) and value.level is self.level else value

    def full(self, value: Any) -> Any:
        """The physical tensor, batch first; what is not batched is expanded."""
        if self.has(value):
            return value.front()
        return value.expand(self.size, *value.shp)

    def padded(self, value: Any, ndim: int) -> Any:
        """``front`` with dimensions of size 1 after the batch, so that it broadcasts against ``ndim`` dimensions."""
        if not self.has(value):
            return value
        physical = value.front()
        missing = ndim - len(value.shp)
        return physical[(slice(None),) + (None,) * missing] if missing > 0 else physical

    def wrap(self, result: Any) -> Any:
        """Results of a rule, whose tensors have the batch first."""
        if isinstance(result, TensorBase):
            return BatchedTensor(result, 0, self.level)
        if isinstance(result, (tuple, list)):
            items = [self.wrap(item) for item in result]
            return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
        return result

    def sample(self, value: Any, i: int) -> Any:
        """Sample ``i`` of what is batched, in nested lists and tuples too; other values as they are."""
        if isinstance(value, BatchedTensor) and value.level is self.level:
            return value.value.select(value.bdim, i)
        if isinstance(value, (tuple, list)) and innermost(value) is not None:
            items = [self.sample(item, i) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        return value

    def blank(self, value: Any) -> Any:
        """Zeros in the form of a sample of what is batched, in nested lists and tuples too; other values as they are."""
        if isinstance(value, BatchedTensor) and value.level is self.level:
            return value.value.new_zeros(tuple(value.shp))
        if isinstance(value, (tuple, list)) and innermost(value) is not None:
            items = [self.blank(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        return value

    def emptied(self, result: Any) -> Any:
        """A wrapped result without its samples."""
        if isinstance(result, BatchedTensor):
            return BatchedTensor(result.front().narrow(0, 0, 0), 0, self.level)
        if isinstance(result, (tuple, list)):
            items = [self.emptied(item) for item in result]
            return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
        return result


BATCHES: Final[dict[str, type[Batch]]] = {"vmap": Batch}
"""By kind of level: how its tensors are wrapped."""


def batch_of(level: Level) -> Batch:
    """How tensors of this level are wrapped; the same object every time."""
    found: Batch | None = level.batch
    if found is None:
        found = level.batch = BATCHES[level.kind](level)
    return found
