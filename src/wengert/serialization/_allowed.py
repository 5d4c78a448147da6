"""The names that a checkpoint may use, and what they stand for here."""

from __future__ import annotations

import pickle
from collections import Counter, OrderedDict
from typing import Any

import numpy as np

from .._core import device as devices
from .._core.copying import FIELDS
from .._core.dtypes import Size
from .._tensor import Tensor
from ..nn.parameter import Parameter
from . import _arrays as arrays
from ._machine import Known, Part, checked_keys
from ._names import DTYPES, STORAGES
from ._shown import shown
from ._storage import Typed, is_whole, known_dtype, place_tensor, retype

HEAD = "Weights only load failed. WeightsUnpickler error: Unsupported global: GLOBAL {} was not an allowed global by default."
DANGEROUS = "Weights only load failed. Trying to load unsupported GLOBAL {} whose module {} is blocked."
BLOCKED = (
    "_pickle builtins __builtin__ code commands ctypes gc importlib inspect io marshal multiprocessing nt operator os pickle "
    "pkgutil platform popen2 posix posixpath pty runpy shutil signal site socket socketserver subprocess sys tempfile "
    "threading types webbrowser zipimport"
)
"""Modules through whose functions pickles are known to do harm."""


class StorageKind(Part):
    """The class of a storage, as a checkpoint names it; ``dtype_name`` is None for bytes."""

    def __init__(self, name: str, dtype_name: str | None) -> None:
        self.label = f"the class torch.{name}"
        self.dtype_name = dtype_name


def _tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, about: Any = None
) -> Any:
    if type(storage) is not Typed or storage.name is None:
        raise TypeError("no storage")
    return place_tensor(storage, storage.name, offset, tuple(size), tuple(stride), requires_grad, about)


def _tensor_v1(storage: Any, offset: Any, size: Any, stride: Any) -> Any:
    return _tensor_v2(storage, offset, size, stride, False, None)


def _tensor_v3(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    kind: Any,
    about: Any = None,
) -> Any:
    if type(storage) is not Typed or storage.name is not None:
        raise TypeError("no storage of bytes")
    name = known_dtype(kind)
    if storage.storage.raw.size % DTYPES[name].itemsize:
        raise ValueError(f"{storage.storage.raw.size} bytes are no whole number of {name}")
    return place_tensor(storage, name, offset, tuple(size), tuple(stride), requires_grad, about)


def _parameter(data: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Any:
    if not isinstance(data, Tensor) or type(requires_grad) is not bool:
        raise TypeError("no tensor")
    out = Parameter(data.detach(), requires_grad)
    if state is not None:
        set_attributes(out, state)
    return out


def _of_type(function: Any, kind: Any, args: Any, state: Any) -> Any:
    if type(function) is not Known or type(kind) is not Known or kind.kind is None or not issubclass(kind.kind, Tensor):
        raise TypeError("no class of tensors")
    out = retype(function.build(*args), kind.kind)
    set_attributes(out, state)
    return out


def set_attributes(value: Any, state: Any) -> None:
    """Set attributes that are not those of the class, so that no method can be hidden.

    Raises:
        UnpicklingError: for others, and for states that are no dict.
    """
    if type(state) is tuple and len(state) == 2 and state[1] in (None, {}):
        state = state[0]
    if not isinstance(state, dict):
        raise pickle.UnpicklingError(f"the state of a {type(value).__name__} is a {type(state).__name__}, not a dict")
    for name in state:
        if type(name) is not str or hasattr(type(value), name) or name in FIELDS:
            raise pickle.UnpicklingError(f"the attribute {shown(name)} of a {type(value).__name__} cannot be set")
    vars(value).update(state)


def _ordered(pairs: Any = ()) -> Any:
    pairs = [(key, value) for key, value in pairs]
    checked_keys([key for key, _ in pairs])
    return OrderedDict(pairs)


def _counter(counts: Any = ()) -> Any:
    if not isinstance(counts, dict):
        raise TypeError("no dict")
    return Counter(counts)


def _size(sizes: Any = ()) -> Any:
    if not isinstance(sizes, tuple | list) or not all(map(is_whole, sizes)):
        raise TypeError("no sizes")
    return Size(sizes)


def _device(kind: Any, index: Any = None) -> Any:
    if type(kind) is not str or not (index is None or type(index) is int):
        raise TypeError("no device")
    return devices.device(kind, index)


def _encoded(text: Any, encoding: Any = "latin1") -> Any:
    if type(text) is not str or encoding != "latin1":
        raise TypeError("no text in latin1")
    return text.encode("latin1")


def _bytearray(text: Any = b"", encoding: Any = "latin1") -> Any:
    return bytearray(text if type(text) in (bytes, list) else _encoded(text, encoding))


def _no_call(*args: Any) -> Any:
    raise TypeError("a class that is only named, not called")


def _set(kind: Any) -> Any:
    def build(members: Any = ()) -> Any:
        if not isinstance(members, list | tuple):
            raise TypeError("no list")
        return kind(checked_keys(list(members)))

    return build


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise TypeError("no numbers")
    return complex(real, imaginary)


_FUNCTIONS: dict[str, Any] = {
    "torch._utils._rebuild_tensor": _tensor_v1,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch.Size": _size,
    "torch.device": _device,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _counter,
    "_codecs.encode": _encoded,
    **{
        f"{module}.{name}": function
        for module in ("builtins", "__builtin__")
        for name, function in (
            ("set", _set(set)),
            ("frozenset", _set(frozenset)),
            ("complex", _complex),
            ("bytearray", _bytearray),
        )
    },
    **arrays.FUNCTIONS,
}
_CLASSES = {"torch.Tensor": Tensor, "torch.nn.parameter.Parameter": Parameter}
ALLOWED: dict[str, Any] = {
    **{name: Known(name, function) for name, function in _FUNCTIONS.items()},
    **{name: Known(name, _no_call, kind) for name, kind in _CLASSES.items()},
    **{f"torch.{storage}": StorageKind(storage, name) for storage, name in STORAGES.items()},
    "torch.storage.UntypedStorage": StorageKind("UntypedStorage", None),
    **{f"torch.{name}": value for name, value in DTYPES.items()},
    **{
        f"torch.{form.name}": form
        for form in (
            devices.contiguous_format,
            devices.preserve_format,
            devices.channels_last,
            devices.channels_last_3d,
        )
    },
}
"""Full name -> what a checkpoint gets for it."""

_USER: dict[str, Any] = {}


def find(module: str, name: str) -> Any:
    """What a name of a checkpoint stands for.

    Raises:
        UnpicklingError: it is not allowed; says its name and how to allow it.
    """
    full = f"{module}.{name}"
    if full in ALLOWED:
        return ALLOWED[full]
    if full in _USER:
        value = _USER[full]
        return Known(full, value, value if isinstance(value, type) else None, by_user=True)
    raise pickle.UnpicklingError(refusal(module, name))


def refusal(module: str, name: str) -> str:
    """PyTorch's sentences, with what a reader may want to know."""
    full = f"{module}.{name}"
    kinds = "tensors, parameters, numbers, texts, lists, tuples, dicts, sets, dtypes, sizes, devices, NumPy arrays of numbers"
    if module.partition(".")[0] in BLOCKED.split():
        text = DANGEROUS.format(full, module)
        return f"{text}\n  the file would have called {full}: do not trust it\n  allowed are {kinds}"
    text = HEAD.format(full)
    return (
        f"{text} Please use `torch.serialization.add_safe_globals([{full}])` or the "
        f"`torch.serialization.safe_globals([{full}])` context manager to allowlist this global if you trust this "
        f"class/function.\n  allowed are {kinds}\n  try: save model.state_dict() instead of the model; or, if you know who "
        "made the file, load(..., weights_only=False), which runs whatever it says"
    )


def set_state(value: Any, state: Any) -> None:
    """Complete an object that a checkpoint has made.

    Raises:
        UnpicklingError: for objects that have no state.
    """
    if isinstance(value, np.ndarray):
        arrays.set_array_state(value, state)
    elif type(value) is arrays.NumberType:
        value.set_state(state)
    elif type(value) is OrderedDict:
        set_attributes(value, state)
    elif type(value) in [kind for kind in _USER.values() if isinstance(kind, type)]:
        _set_user_state(value, state)
    else:
        raise pickle.UnpicklingError(f"a {type(value).__name__} has no state to be set")


def _set_user_state(value: Any, state: Any) -> None:
    """As pickle does it: the user trusts the class."""
    if hasattr(value, "__setstate__"):
        value.__setstate__(state)
        return
    members, slots = state if type(state) is tuple and len(state) == 2 else (state, None)
    if members:
        vars(value).update(members)
    for name, member in (slots or {}).items():
        setattr(value, name, member)


def user_globals() -> dict[str, Any]:
    """The names that the user has declared safe; the dict itself."""
    return _USER
