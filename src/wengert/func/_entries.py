"""While some ``vmap`` runs, public names lead to its rules.

Methods of a batched tensor always do, its class overrides them. Functions (``stack``, ``nn.functional.linear``) lead to
their rules from the beginning of the outermost ``vmap`` to its end. Compiled code calls compiled code directly and never
meets a replacement.

Note [Entering vmap is cheap]
    A thousand names in and out took 0.1 ms, more than many a mapped function. A namespace of the package (``wengert``,
    ``nn.functional``) therefore changes its class, which looks names up in ``REPLACEMENTS``; only what other modules have
    imported by name is replaced there. Methods of ordinary tensors that may take a batched one as argument stay replaced
    afterwards, until ``PATIENCE`` calls have passed through them: a loop over ``vmap`` does not pay every time, and a
    program that goes on without it soon has the plain methods back.
"""

from __future__ import annotations

import functools
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
PATIENCE: Final = 300
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
    @functools.wraps(original)
    def entry(*args: Any, **kwargs: Any) -> Any:
        return dispatch(name, original, args, kwargs) if STACK.levels else original(*args, **kwargs)

    return entry


def _method(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """``_replacement`` for a method, which may stay when no ``vmap`` runs any more."""

    @functools.wraps(original)
    def entry(*args: Any, **kwargs: Any) -> Any:
        if ENTRIES.users and STACK.levels:
            return dispatch(name, original, args, kwargs)
        ENTRIES.passed()
        return original(*args, **kwargs)

    return entry


class Namespace(ModuleType):
    """Class of the package's public modules while some ``vmap`` runs."""

    def __getattribute__(self, name: str) -> Any:
        found = ModuleType.__getattribute__(self, name)
        entry = REPLACEMENTS.get(id(found))
        return entry[1] if entry is not None and entry[0] is found else found


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
        self.idle = 0
        self.methods: list[tuple[Any, str, Any, Any]] = []
        self.namespaces: list[ModuleType] = []
        self.places: dict[str, tuple[ModuleType, list[tuple[str, Any, Any]]]] = {}
        self.seen: set[str] = set()
        self.searched = 0
        self.present: list[tuple[dict[str, Any], str, Any]] = []

    def prepare(self) -> None:
        """Make the replacements, at the first ``vmap``."""
        names = [f"{PACKAGE}.{name}" for name in ("fft", "linalg", "nn.functional", "special")]
        self.namespaces = [import_module(name) for name in (PACKAGE, *names)]
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
            self.methods.append((owner, name, original, _method(name, original)))

    def acquire(self, func: Any) -> None:
        """One more ``vmap`` runs, on any thread; ``func`` is what it maps."""
        with self.lock:
            self.users += 1
            if self.users > 1:
                return
            if not self.methods:
                self.prepare()
            owner, name, _, replacement = self.methods[0]
            if vars(owner)[name] is not replacement:
                for owner, name, _, replacement in self.methods:
                    setattr(owner, name, replacement)
            for module in self.namespaces:
                module.__class__ = Namespace
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
            if is_program(module) and module not in self.namespaces:
                found = bound_in(module, REPLACEMENTS)
                if found:
                    self.places[name] = (module, found)
                else:
                    self.places.pop(name, None)

    def release(self) -> None:
        """A ``vmap`` has ended; the last puts everything back but the methods."""
        with self.lock:
            self.users -= 1
            if self.users > 0:
                return
            self.idle = 0
            for module in self.namespaces:
                module.__class__ = ModuleType
            for bound, name, original in self.present:
                bound[name] = original
            self.present.clear()

    def passed(self) -> None:
        """A method was called that no ``vmap`` needs: after some of those they are put back."""
        self.idle += 1
        if self.idle > PATIENCE:
            with self.lock:
                self.idle = 0
                if self.users == 0:
                    for owner, name, original, replacement in self.methods:
                        if vars(owner)[name] is replacement:
                            setattr(owner, name, original)


ENTRIES: Final = Entries()
