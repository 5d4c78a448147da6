"""What a tensor is to the core: an array, its dtype and shape, and its place in the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..kernels.elders import old_from_birth
from . import errors
from .compat import i64, mypyc_attr
from .dtypes import BOOL, FLOATING, Size, dtype, dtype_of, size_of
from .dynamic import Dynamic
from .modes import MODES

if TYPE_CHECKING:
    from .graph import Node
    from .views import ViewInfo

_generic: Final[Any] = np.generic


# Note [First come]
#     What a tensor or node gets on first use may be asked for by two threads at once. Making it calls a function, and there
#     another thread may take over; so the maker looks again afterwards, and of two the one that came first stays. Between
#     looking again and storing nothing is called, so no thread comes in between. Nor may storing add a name to an instance:
#     for names beyond those of the first instances of a class CPython 3.11 has little room (none after one or a few names of
#     the user's own), and then builds the instance's dictionary at such a moment, may collect garbage there, and breaks when
#     a finalizer lets another thread do the same. So what is replaced later is set when the instance is made.


class Counter:
    """Version shared by a tensor, its views and its detached twins.

    Attributes:
        value: the version.
        written: the version after the last write that was recorded; ``code`` and ``lasti`` are its place in the program.
    """

    def __init__(self, value: i64) -> None:
        self.value: i64 = value
        self.written: i64 = 0
        self.code: Any = None
        self.lasti: i64 = 0


old_from_birth(Counter)


class Meta:
    """What few tensors have: a gradient, hooks, a tangent."""

    def __init__(self) -> None:
        self.grad: TensorBase | None = None
        self.accumulate: Any = None
        self.pinned: Any = None
        self.hooks: Any = None
        self.post_hooks: Any = None
        self.retains: bool = False
        self.dropped_at: i64 = -1  # the number of the youngest node when ``detach_`` dropped the history
        self.grad_dtype: Any = None
        self.grad_dtype_set: bool = False
        self.tangent: TensorBase | None = None
        self.name: Any = None


@mypyc_attr(allow_interpreted_subclasses=True)
class TensorBase(Dynamic):
    """Storage and graph fields of a tensor.

    ``array`` is an ndarray, or for a 0-d tensor possibly a NumPy scalar: see Note [Scalars until memory is needed].
    """

    array: Any
    dt: dtype
    shp: Size
    rg: bool
    fn: Node | None
    nr: i64
    ver: i64
    counter: Counter | None
    view_of: ViewInfo | None
    meta: Meta | None
    inference: bool

    def __init__(self, array: Any = None, dt: Any = None, shp: Any = None, *more: Any) -> None:
        # Set here and not as defaults of the class: plain Python reads what is in the instance three times as fast, and
        # what is there already can be replaced while another thread does the same; see Note [First come].
        self.rg = False
        self.view_of = None
        self.counter = None
        self.fn = None
        self.nr = 0
        self.ver = 0
        self.meta = None
        self.inference = False
        if type(dt) is dtype:
            self.array = array
            self.dt = dt
            self.shp = shp
        else:
            self.legacy_init(array, dt, shp, more)

    def legacy_init(self, first: Any, second: Any, third: Any, more: Any) -> None:
        """``Tensor(2, 3)`` and ``Tensor([1, 2])``: sizes or data, in the default dtype."""
        raise NotImplementedError

    def ensure_meta(self) -> Meta:
        """The tensor's rarely used part, made on first use."""
        found = self.meta
        if found is None:
            fresh = Meta()
            found = self.meta  # Note [First come]
            if found is None:
                found = fresh
                self.meta = fresh
        return found


def memory(t: TensorBase) -> Any:
    """The tensor's ndarray.

    Note [Scalars until memory is needed]
        0-d results of NumPy are scalars, and arithmetic on scalars is 9 times faster than on 0-d
        arrays (benchmarks/micro.py), so a 0-d tensor
        may hold a scalar. Whatever needs memory that can be shared or written (views, in-place operations, ``numpy()``)
        calls this first, and from then on the tensor holds a 0-d array.
    """
    array = t.array
    if isinstance(array, _generic):
        array = np.array(array)
        t.array = array
    return array


def replace_array(t: TensorBase, array: Any) -> None:
    """Give the tensor other storage or another geometry."""
    t.array = array
    t.shp = size_of(array)
    t.dt = dtype_of(array)


def version_of(t: TensorBase) -> i64:
    """How often the tensor's memory has been written to."""
    counter = t.counter
    return t.ver if counter is None else counter.value


def bump(t: TensorBase) -> None:
    """Count one in-place write."""
    counter = t.counter
    if counter is None:
        t.ver = t.ver + 1
    else:
        counter.value = counter.value + 1


def shared_counter(t: TensorBase) -> Counter:
    """The version counter of ``t`` in a form that another tensor can share."""
    counter = t.counter
    if counter is None:
        fresh = Counter(t.ver)
        counter = t.counter  # Note [First come]
        if counter is None:
            counter = fresh
            t.counter = fresh
    return counter


def requires_grad(t: TensorBase) -> bool:
    """Whether a gradient may flow to ``t``; a view of a tensor that requires grad does too."""
    if t.rg:
        return True
    view = t.view_of
    return view is not None and view.base.rg


def gradient_edge(t: TensorBase) -> object:
    """Where a gradient for ``t`` goes: its ``grad_fn``, or the leaf itself (see Note [Edges lead to leaves])."""
    fn = t.fn if t.view_of is None else views.current_fn(t)
    if fn is not None:
        return fn
    return t if t.rg else None


def accumulator(t: TensorBase) -> Node:
    """The one ``AccumulateGrad`` of a leaf, made on demand and held weakly."""
    meta = t.ensure_meta()
    known = meta.accumulate
    found: Node | None = None if known is None else known()
    if found is None:
        fresh = views.new_accumulator(t)
        reference = weakref_ref(fresh)
        if meta.accumulate is not known:  # Note [First come]
            return accumulator(t)
        meta.accumulate = reference
        found = fresh
    return found


def detached(t: TensorBase) -> TensorBase:
    """A leaf without history that shares the storage and the version."""
    out = _tensor.Tensor(memory(t), t.dt, t.shp)
    out.counter = shared_counter(t)
    out.inference = t.inference
    return out


def from_array(array: Any) -> TensorBase:
    """Wrap an array (or NumPy scalar) whose dtype and shape are not known yet."""
    out = _tensor.Tensor(array, dtype_of(array), size_of(array))
    if MODES.inference > 0:
        mark_inference(out)
    return out


def mark_inference(t: TensorBase) -> None:
    """New storage made in inference mode is an inference tensor."""
    if modes.thread_modes().inference:
        t.inference = True


def check_can_require_grad(t: TensorBase, text: str) -> None:
    """Only floating and complex tensors have gradients."""
    if t.dt.category < FLOATING:
        hint = "convert with .float() first" if t.dt.category > BOOL else "a mask has no gradient"
        raise RuntimeError(errors.with_hints(text, f"this tensor is {t.dt!r}; {hint}"))


def is_dense(array: Any) -> bool:
    """Whether the elements fill a block of memory, each once, in some order of the dimensions."""
    if array.flags.forc:
        return True
    expected = array.itemsize
    for stride, n in sorted([(s, n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1]):
        if stride != expected:
            return False
        expected *= n
    return True


from weakref import ref as weakref_ref  # noqa: E402

from .. import _tensor  # noqa: E402  (module import: the class comes later in the cycle)
from . import modes, views  # noqa: E402
