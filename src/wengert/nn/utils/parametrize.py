"""Parametrizations: a parameter or buffer of a module that is computed from others, again at every access.

A parametrized module gets a class of its own, ``ParametrizedLinear`` for ``Linear``, whose property ``weight`` calls
``module.parametrizations.weight``. What is trained and saved is the tensor ``parametrizations.weight.original``, or
``original0``, ``original1``... where the inverse gives several.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..._tensor import Tensor
from ...autograd.grad_mode import no_grad
from ..container import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

NO_PICKLE = (
    "Serialization of parametrized modules is only supported through state_dict(). See:\n"
    "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
    "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
)
NOT_TENSORS = "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
FIRST = "Registering a parametrization may not change the {0} of the tensor, unless `unsafe` flag is enabled."
FURTHER = "Registering a parametrization may not change the {0} of the tensor, unless the `unsafe` flag is enabled."
INVERSE = (
    "The tensor returned by parametrization.right_inverse must have the same {0} as module.NAME, unless the `unsafe` flag is "
    "enabled."
)
NOTHING = "'NoneType' object has no attribute 'shape'"
NOT_A_TENSOR = "A parametrization must return a tensor. Got "
SEVERAL = (
    "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a sequence of "
    "tensors."
)


class _Cache:
    """Values computed inside ``cached()``, by module and name."""

    def __init__(self) -> None:
        self.depth = 0
        self.values: dict[tuple[int, str], Any] = {}


_CACHE = _Cache()


@contextmanager
def cached() -> Iterator[None]:
    """Inside the block every parametrized tensor is computed once, at its first access."""
    _CACHE.depth += 1
    try:
        yield
    finally:
        _CACHE.depth -= 1
        if _CACHE.depth == 0:
            _CACHE.values = {}


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, called one after the other, and the tensors that the first one starts from.

    Args:
        modules: the parametrizations; the ``right_inverse`` of each, last one first, turns ``original`` into what is kept.
        original: the parameter or buffer.
        unsafe: leave out the check that shape and dtype stay.

    Attributes:
        original: what is trained; ``original0``, ``original1``... if ``right_inverse`` gives several tensors.

    Raises:
        ValueError: without modules, for results that are no tensors or have another shape or dtype.
    """

    original: Tensor

    def __init__(self, modules: Sequence[Any], original: Any, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        start = self._start(original)
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if isinstance(start, Tensor) else len(start)
        if not isinstance(start, Tensor):
            self._keep_several(start, original)
            self._check(original)
            return
        if start.dtype != original.dtype:
            raise ValueError(
                "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {start.dtype}"
            )
        before = original.data
        original.data = start  # the same parameter as before, so that optimizers go on
        _register(self, "original", original)
        try:
            self._check(before)
        except Exception:
            original.data = before
            raise

    def _start(self, original: Any) -> Any:
        """What the parametrizations get so that their result is ``original``."""
        start = original
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    return start
                try:
                    start = module.right_inverse(start)
                except NotImplementedError:
                    return start
        if not isinstance(start, Tensor | Sequence):
            raise ValueError(NOT_TENSORS + type(start).__name__)
        return start

    def _keep_several(self, start: Any, original: Any) -> None:
        """Register ``original0``, ``original1``... of the kind of ``original``."""
        trained = original.requires_grad
        for i, t in enumerate(start):
            if not isinstance(t, Tensor):
                raise ValueError(f"{NOT_TENSORS}element {i} of the sequence with type {type(t).__name__}.")
            kept = Parameter(t, trained) if isinstance(original, Parameter) else t.requires_grad_(trained)
            _register(self, f"original{i}", kept)

    def _check(self, before: Any) -> None:
        """Unless unsafe, the result is a tensor of the shape and dtype from before."""
        if self.unsafe:
            return
        result = self()
        if not isinstance(result, Tensor):
            raise ValueError(NOT_A_TENSOR + type(result).__name__ + ".")
        _check_same(before, result, FIRST, "unparametrized {0}", "parametrized {0}")

    def _originals(self) -> list[Any]:
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Change the tensors that are kept so that the result is ``value``.

        Raises:
            RuntimeError: if a parametrization has no ``right_inverse``.
            ValueError: for results of another kind, number or dtype than what is kept.
        """
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            new = self._matching(value)
            for old, t in zip(self._originals(), new, strict=True):
                old.data = t

    def _matching(self, value: Any) -> list[Any]:
        """The tensors that are to be kept, checked."""
        if self.is_tensor:
            if not isinstance(value, Tensor):
                raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
            if value.dtype != self.original.dtype:
                raise ValueError(
                    f"The tensor returned by `right_inverse` has dtype {value.dtype} while `original` has dtype "
                    f"{self.original.dtype}"
                )
            return [value]
        if not isinstance(value, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}.")
        if len(value) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of length "
                f"{len(value)}."
            )
        for i, (t, old) in enumerate(zip(value, self._originals(), strict=True)):
            if not isinstance(t, Tensor):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors or reference-type opaques. Got element "
                    f"{i} of type {type(t).__name__}."
                )
            if t.dtype != old.dtype:
                raise ValueError(
                    f"Tensor {i} returned by `right_inverse` has dtype {t.dtype} while `original{i}` has dtype {old.dtype}"
                )
        return list(value)

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *others = self
        value = first(*self._originals())
        for module in others:
            value = module(value)
        result: Tensor = value
        return result


def _check_same(before: Any, after: Any, text: str, old_name: str, new_name: str) -> None:
    """Refuse another dtype or shape."""
    for what in ("dtype", "shape"):
        old, new = getattr(before, what), getattr(after, what)
        if old != new:
            raise ValueError(f"{text.format(what)}\n{old_name.format(what)}: {old}\n{new_name.format(what)}: {new}")


def _register(module: Module, name: str, value: Any) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


# -- the class of a parametrized module ------------------------------------------------------------------------------------


def _no_state(self: Any) -> Any:
    """Refuse to be pickled: the class is not to be found by name."""
    raise RuntimeError(NO_PICKLE)


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    """A copy of the same class."""
    known = memo.get(id(self))
    if known is None:
        kind: Any = type(self)
        known = kind.__new__(kind)
        memo[id(self)] = known
        known.__dict__ = copy.deepcopy(self.__dict__, memo)
    return known


def _reclass(module: Any) -> None:
    """Give the module a class that has the properties of its present parametrizations; the plain one without them.

    Always a new class, since copies of a module share theirs.
    """
    plain = getattr(type(module), "_plain_class", type(module))
    names = list(module.parametrizations)
    if not names:
        del module.parametrizations
        module.__class__ = plain
        return
    members: dict[str, Any] = {name: _property(name) for name in names}
    members |= {"_plain_class": plain, "__module__": __name__, "__getstate__": _no_state}
    if not hasattr(plain, "__deepcopy__"):
        members["__deepcopy__"] = _deepcopy
    module.__class__ = type(f"Parametrized{plain.__name__}", (plain,), members)


def _property(name: str) -> property:
    """Reads the parametrized tensor, and writes through its inverse."""

    def get(self: Any) -> Any:
        if not _CACHE.depth:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _CACHE.values:
            _CACHE.values[key] = self.parametrizations[name]()
        return _CACHE.values[key]

    def set(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, set)


# -- public functions ------------------------------------------------------------------------------------------------------


def register_parametrization(module: Any, tensor_name: str, parametrization: Any, *, unsafe: bool = False) -> Any:
    """Compute ``module.<tensor_name>`` by ``parametrization`` from now on, after those that are already there.

    Args:
        module: its class becomes a subclass of the present one.
        tensor_name: name of a parameter or buffer.
        parametrization: a module from tensors to a tensor of the same shape and dtype. With a method ``right_inverse`` the
            tensor can be assigned to, and keeps its value now if this is its first parametrization.
        unsafe: leave out the checks, and let shape and dtype change.

    Returns:
        The module.

    Raises:
        ValueError: without such a tensor, and for results of another shape or dtype.

    Example:
        >>> from wengert import nn
        >>> class Symmetric(nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).T
        >>> layer = register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
        >>> bool((layer.weight == layer.weight.T).all())
        True
        >>> list(layer.state_dict())
        ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_further(module, tensor_name, parametrization)
        others: Any = module.parametrizations[tensor_name]
        others.append(parametrization)
        others.unsafe |= unsafe
    elif tensor_name in module._parameters or tensor_name in module._buffers:
        original = getattr(module, tensor_name)
        if original is None:
            raise AttributeError(f"{NOTHING}\n  {tensor_name} of {module} is None: there is nothing to parametrize")
        made = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            module.parametrizations = ModuleDict()
        module.parametrizations[tensor_name] = made
        _reclass(module)
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'"
        )
    return module


def _check_further(module: Any, name: str, parametrization: Any) -> None:
    """One more parametrization, and its inverse, keep shape and dtype."""
    own = f"module.{name}"
    before = getattr(module, name)
    after = parametrization(before)
    if not isinstance(after, Tensor):
        raise ValueError(NOT_A_TENSOR + type(after).__name__ + ".")
    _check_same(before, after, FURTHER, own + ".{0}", f"parametrization({own}).{{0}}")
    if hasattr(parametrization, "right_inverse"):
        back = parametrization.right_inverse(after)
        if not isinstance(back, Tensor):
            raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}")
        _check_same(before, back, INVERSE.replace("module.NAME", own), own + ".{0}", "returned {0}")


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether the tensor of that name, or without a name any tensor of the module, is parametrized."""
    table = getattr(module, "parametrizations", None)
    if not isinstance(table, ModuleDict):
        return False
    return len(table) > 0 if tensor_name is None else tensor_name in table


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Make a parametrized tensor an ordinary parameter or buffer again; returns the module.

    Args:
        leave_parametrized: with the value it has now; False: with that of ``original``.

    Raises:
        ValueError: if it is not parametrized, and for False if it is computed from several tensors.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    made = module.parametrizations[tensor_name]
    if made.is_tensor:
        final = made.original
        if leave_parametrized:
            with no_grad():
                final.data = getattr(module, tensor_name)
    elif leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name)
        trained = any(t.requires_grad for t in made._originals())
        final = Parameter(value) if trained else value
    else:
        raise ValueError(SEVERAL)
    del module.parametrizations[tensor_name]
    _reclass(module)
    _register(module, tensor_name, final)
    return module


def type_before_parametrizations(module: Any) -> type:
    """The class of the module without its parametrizations."""
    plain: type = getattr(type(module), "_plain_class", type(module))
    return plain


def transfer_parametrizations_and_params(from_module: Any, to_module: Any, tensor_name: str | None = None) -> Any:
    """Let ``to_module`` share the parametrizations of ``from_module`` and the tensors they start from.

    Args:
        from_module: stays as it is.
        to_module: gets the tensors it does not have.
        tensor_name: one tensor; all of them when left out.

    Returns:
        ``to_module``.
    """
    if not is_parametrized(from_module):
        return to_module
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        if not hasattr(to_module, name):
            _register(to_module, name, copy.deepcopy(from_module.parametrizations[name]._originals()[0]))
        made = from_module.parametrizations[name]
        for parametrization in made:
            register_parametrization(to_module, name, parametrization)
        for key in list(made._parameters) + list(made._buffers):
            _register(to_module.parametrizations[name], key, getattr(made, key))
    return to_module
