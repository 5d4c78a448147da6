"""Parameters and buffers whose shape is not known yet."""

from __future__ import annotations

import copy
from typing import Any

from .._core.copying import attributes_of
from .._gen.functions import empty
from .._tensor import Tensor
from .parameter import Parameter

NO_SHAPE = (
    "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` when "
    "trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the parameters before "
    "accessing their attributes."
)
NO_SHARING = (
    "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters before calling "
    "`module.share_memory()`."
)


def _refusing(name: str) -> Any:
    """A method that says that there are no values yet."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        kind = type(self).__name__
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {name}. This error happens when you are using a `LazyModule` or "
            f"explicitly manipulating `torch.nn.parameter.{kind}` objects. When using LazyModules Call `forward` with a dummy "
            "batch to initialize the parameters before calling torch functions"
        )

    return method


class UninitializedTensorMixin:
    """What has a dtype but no shape yet; ``materialize`` gives it one, and makes it an ordinary tensor."""

    cls_to_become: type

    def materialize(self: Any, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become a tensor of this shape with uninitialised memory."""
        self.data = empty(tuple(shape), device=device, dtype=self.data.dtype if dtype is None else dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        """Raises: it is not known yet."""
        raise RuntimeError(NO_SHAPE)

    def share_memory_(self) -> Any:
        """Raises: there is no memory yet."""
        raise RuntimeError(NO_SHARING)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        return _rebuild, (type(self), self.requires_grad, self.data.dtype, attributes_of(self))

    def __deepcopy__(self: Any, memo: Any) -> Any:
        if id(self) not in memo:
            memo[id(self)] = _rebuild(
                type(self), self.requires_grad, self.data.dtype, copy.deepcopy(attributes_of(self), memo)
            )
        return memo[id(self)]

    # What would compute with elements that are not there.
    detach = _refusing("detach")
    numel = _refusing("numel")
    clone = _refusing("clone")
    copy_ = _refusing("copy_")
    item = _refusing("item")
    numpy = _refusing("numpy")
    tolist = _refusing("tolist")
    sum = _refusing("sum")
    __getitem__ = _refusing("__getitem__")
    __add__ = __radd__ = __iadd__ = _refusing("add")
    __sub__ = __rsub__ = __isub__ = _refusing("sub")
    __mul__ = __rmul__ = __imul__ = _refusing("mul")
    __truediv__ = __rtruediv__ = __itruediv__ = _refusing("div")
    __pow__ = __rpow__ = _refusing("pow")
    __matmul__ = __rmatmul__ = _refusing("matmul")
    __neg__ = _refusing("neg")


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A ``Parameter`` whose shape is not known yet."""

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        Parameter.__init__(self, empty((0,), device=device, dtype=dtype), requires_grad)


def _converting(name: str) -> Any:
    """A method that changes the dtype of what has no values yet."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        dtype = getattr(self.data, name)(*args, **kwargs).dtype
        return self if dtype is self.dtype else type(self)(self.requires_grad, dtype=dtype, persistent=self.persistent)

    return method


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A ``Buffer`` whose shape is not known yet."""

    cls_to_become = Tensor

    def __init__(
        self, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> None:
        Tensor.__init__(self, 0)
        self.data = empty((0,), device=device, dtype=dtype)
        self.requires_grad_(requires_grad)
        self.persistent = persistent
        self._is_buffer = True

    to = _converting("to")
    double = _converting("double")
    float = _converting("float")
    half = _converting("half")


def is_lazy(param: Any) -> bool:
    """Whether the shape of a parameter or buffer is not known yet."""
    return isinstance(param, UninitializedTensorMixin)


def _rebuild(kind: Any, requires_grad: bool, dtype: Any, attributes: dict[str, Any]) -> Any:
    """Make a copied or pickled one again."""
    out = kind(requires_grad, dtype=dtype)
    out.__dict__.update(attributes)
    return out
