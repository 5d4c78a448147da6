"""While some ``vmap`` runs, public names lead to its rules.

Methods of a batched tensor always do, its class overrides them. Functions (``stack``, ``nn.functional.linear``), and methods
of ordinary tensors that take a batched one as argument, are replaced from the beginning of the outermost ``vmap`` to its
end, as ``debug`` does for watching: compiled code calls compiled code directly and never meets a replacement.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from .. import autograd
from .._gen import tensor_methods
from .._tensor import Tensor
from ..autograd.public_names import PACKAGE, bound_in, is_program, public_functions
from ._batched import BatchedTensor
from ._dispatch import ORIGINALS, REPLACEMENTS, RULES, dispatch, method
from ._levels import STACK
from ._rules.pointwise import UNARY

# Questions about a tensor, answered from its shape and dtype, which a batched tensor has.
METADATA: Final = frozenset(
    {
        *("is_tensor", "is_floating_point", "is_complex", "is_signed", "is_conj", "is_neg", "is_inference", "numel"),
        *("broadcast_shapes", "can_cast", "promote_types", "result_type", "get_default_dtype", "set_default_dtype"),
        *("get_rng_state", "set_rng_state", "manual_seed", "seed", "initial_seed", "size", "dim", "ndimension"),
        *("nelement", "element_size", "is_same_size", "get_device", "is_contiguous", "stride", "storage_offset"),
        *("data_ptr", "requires_grad_", "share_memory_", "pin_memory", "legacy_init", "ensure_meta"),
        *("change_requires_grad", "read_grad", "assign_grad", "only_value", "as_index", "item", "tolist", "numpy"),
        *("backward", "register_hook", "register_post_accumulate_grad_hook", "retain_grad", "cuda", "cpu"),
    }
)
OPERATORS: Final = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift"),
    *("neg", "abs", "invert", "pos", "eq", "ne", "lt", "le", "gt", "ge", "getitem", "setitem"),
)
# Pages of rules for operators with one tensor: called on an ordinary one, they meet no batched tensor; and the exceptions.
ONE_OPERAND: Final = ("reduce", "shape", "shifted")
SEVERAL: Final = frozenset(
    {"max", "min", "equal", "allclose", "expand_as", "reshape_as", "view_as", "type_as", "to", "diff"}
)
UNARY_NAMES: Final = frozenset(UNARY)
PROPERTIES: Final = ("T", "H", "mT", "mH", "real", "imag", "data")


def _takes_one_operand(name: str) -> bool:
    if name in SEVERAL:
        return False
    page = getattr(RULES.get(name), "__module__", "").rpartition(".")[2]
    return name.removesuffix("_") in UNARY_NAMES or page in ONE_OPERAND


def _operator_names() -> Iterator[str]:
    """Names of the methods that compute something."""
    for owner in (tensor_methods.TensorMethods, Tensor):
        for name, value in list(vars(owner).items()):
            if name.startswith("__"):
                stem = name[2:-2]
                known = stem in OPERATORS or (stem[:1] in "ri" and stem[1:] in OPERATORS)
            else:
                known = not name.startswith("_") and name not in METADATA and name not in PROPERTIES
            if known and callable(value):
                yield name


def _property(name: str) -> property:
    original = getattr(Tensor, name)

    def read(self: Any) -> Any:
        return dispatch(f".{name}", original.__get__, (self,), {})

    return property(read)


def override_methods() -> None:
    """Give ``BatchedTensor`` a dispatching method for every operator that it does not define itself."""
    own = vars(BatchedTensor)
    for name in list(_operator_names()):
        if name not in own:
            setattr(BatchedTensor, name, method(name))
    for name in PROPERTIES:
        setattr(BatchedTensor, name, _property(name))


def _replacement(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def entry(*args: Any, **kwargs: Any) -> Any:
        return dispatch(name, original, args, kwargs) if STACK.levels else original(*args, **kwargs)

    entry.__name__ = getattr(original, "__name__", name)
    entry.__doc__ = original.__doc__
    return entry


def _operators() -> Iterator[tuple[str, Any]]:
    """Operator name and function; ``linalg`` and ``fft`` use names of the main namespace for other things."""
    for namespace, name, function in public_functions():
        prefix = {"linalg": "linalg.", "fft": "fft.", "nn.functional": "nn."}.get(namespace, "")
        if prefix == "nn." and f"nn.{name}" not in RULES:
            prefix = ""
        if name not in METADATA and getattr(function, "__module__", "").startswith(PACKAGE):
            yield prefix + name, function
    yield "autograd.grad", autograd.grad


class Entries:
    """Where public names are bound, and what stands there meanwhile."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.users = 0
        self.methods: list[tuple[Any, str, Any, Any]] = []
        self.places: dict[str, tuple[ModuleType, list[tuple[str, Any, Any]]]] = {}
        self.seen: set[str] = set()
        self.searched = 0
        self.present: list[tuple[dict[str, Any], str, Any]] = []

    def prepare(self) -> None:
        """Make the replacements, at the first ``vmap``."""
        if self.methods:
            return
        for name in ("fft", "linalg", "nn.functional", "special"):  # which would otherwise be imported in between
            import_module(f"{PACKAGE}.{name}")
        for name, original in _operators():
            if id(original) not in REPLACEMENTS:
                ORIGINALS.setdefault(name, original)
                REPLACEMENTS[id(original)] = (original, _replacement(name, original))
        for name in _operator_names():
            if name.startswith("__") and name not in ("__getitem__", "__setitem__") and not name.startswith("__i"):
                continue  # the batched operand's reflected operator comes first
            if _takes_one_operand(name):
                continue
            owner = Tensor if name in vars(Tensor) else tensor_methods.TensorMethods
            original = vars(owner)[name]
            self.methods.append((owner, name, original, _replacement(name, original)))

    def acquire(self, func: Any) -> None:
        """One more ``vmap`` runs, on any thread; ``func`` is what it maps."""
        with self.lock:
            self.users += 1
            if self.users > 1:
                return
            self.prepare()
            for owner, name, _, replacement in self.methods:
                setattr(owner, name, replacement)
            self.search(func)
            for module, names in list(self.places.values()):
                bound = vars(module)
                for name, original, replacement in names:
                    bound[name] = replacement
                    self.present.append((bound, name, original))

    def search(self, func: Any) -> None:
        """Find where public functions are bound: in modules that came since the last time, and where ``func`` is from."""
        own = {getattr(func, "__module__", None), "__main__"}
        modules = sys.modules
        if len(modules) == self.searched:
            names = [name for name in own if name in modules]
        else:
            names = [name for name in list(modules) if name not in self.seen or name in own]
            self.seen.update(names)
            self.searched = len(modules)
        for name in names:
            module = modules[name]
            if is_program(module):
                found = bound_in(module, REPLACEMENTS)
                if found:
                    self.places[name] = (module, found)
                else:
                    self.places.pop(name, None)

    def release(self) -> None:
        """A ``vmap`` has ended; the last puts everything back."""
        with self.lock:
            self.users -= 1
            if self.users > 0:
                return
            for owner, name, original, _ in self.methods:
                setattr(owner, name, original)
            for bound, name, original in self.present:
                bound[name] = original
            self.present.clear()


ENTRIES: Final = Entries()
