"""``state_dict()`` and ``load_state_dict()``."""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .._core.hooks import RemovableHandle
from .._tensor import Tensor
from ..autograd.grad_mode import no_grad
from .module_hooks import Handle, WrappedHook
from .module_members import REPORT_BUG, Members, children_of
from .parameter import Parameter
from .parameter_lazy import is_lazy

EXTRA = "_extra_state"
POSITIONAL = (
    "Positional args are being deprecated, use kwargs instead. Refer to "
    "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details."
)
SAME_HOOK = (
    "Cannot register the same function as the state dict post hook that was previously registered via "
    "register_state_dict_post_hook"
)
POST_HOOK = (
    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, if "
    "incompatible_keys need to be modified, it should be done inplace."
)

_Keys = namedtuple("_Keys", ["missing_keys", "unexpected_keys"])


class _IncompatibleKeys(_Keys):
    """Result of ``load_state_dict``: the keys that were missing, and those that were unexpected."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


class State(Members):
    """Parameters and persistent buffers as a dictionary of dotted names, and back."""

    _state_dict_hooks: OrderedDict[int, Callable[..., Any]]
    _state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    def get_extra_state(self) -> Any:
        """Override to put something of your own into ``state_dict()``, together with :meth:`set_extra_state`."""
        raise RuntimeError(f"Reached a code path in Module.get_extra_state() that should never be called. {REPORT_BUG}")

    def set_extra_state(self, state: Any) -> None:
        """Override to take back what :meth:`get_extra_state` gave."""
        raise RuntimeError(f"Reached a code path in Module.set_extra_state() that should never be called. {REPORT_BUG}")

    # -- out -----------------------------------------------------------------------------------------------------------

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Parameters and persistent buffers of this module and all below it, by their dotted names.

        The values share memory with the module; ``_metadata`` of the result has the version of each module.

        Args:
            destination: dictionary to add to.
            prefix: what all names begin with.
            keep_vars: the parameters themselves instead of detached tensors.
        """
        if args:
            warnings.warn(POSITIONAL, FutureWarning, stacklevel=2)
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars
        state = _empty_state() if destination is None else destination
        about = {"version": self._version}
        getattr(state, "_metadata", {})[prefix[:-1]] = about
        for before in self._state_dict_pre_hooks.values():
            before(self, prefix, keep_vars)
        self._save_to_state_dict(state, prefix, keep_vars)
        for name, child in children_of(self):
            child.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for after in self._state_dict_hooks.values():
            replacement = after(self, state, prefix, about)
            if replacement is None:
                continue
            if getattr(after, "_from_public_api", False):
                raise RuntimeError("state_dict post-hook must return None")
            state = replacement
        return state

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Add the module's own members."""
        for name, value in self._own_state():
            if value is not None:
                destination[prefix + name] = value if keep_vars else value.detach()
        if type(self).get_extra_state is not State.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def _own_state(self) -> Iterator[tuple[str, Any]]:
        """The module's own parameters and persistent buffers."""
        yield from self._parameters.items()
        for name, buffer in self._buffers.items():
            if name not in self._non_persistent_buffers_set:
                yield name, buffer

    # -- back ----------------------------------------------------------------------------------------------------------

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy values of a ``state_dict()`` into the parameters and buffers of the same names.

        Args:
            strict: the names must be the same on both sides.
            assign: put the given tensors themselves in place of the present ones.

        Returns:
            ``missing_keys`` and ``unexpected_keys``, two lists.

        Raises:
            RuntimeError: lists all that does not fit.
            TypeError: for something that is no dictionary.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state: Any = OrderedDict(state_dict)
        if metadata is not None:
            state._metadata = metadata
        loading = _Loading(metadata, assign)
        loading.load(self, state, "")
        texts = loading.errors
        if strict and loading.unexpected:
            texts.insert(0, f"Unexpected key(s) in state_dict: {_quoted(loading.unexpected)}. ")
        if strict and loading.missing:
            texts.insert(0, f"Missing key(s) in state_dict: {_quoted(loading.missing)}. ")
        if texts:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(texts))
        return _IncompatibleKeys(loading.missing, loading.unexpected)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take the module's own members; what does not fit is added to the lists. Override to read older versions."""
        arguments = (state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        for before in self._load_state_dict_pre_hooks.values():
            before(*arguments)
        own = {name: value for name, value in self._own_state() if value is not None}
        assign = bool(local_metadata.get("assign_to_params_buffers", False))
        if strict:
            missing_keys += [prefix + name for name in own if prefix + name not in state_dict]
        for name in [name for name in own if prefix + name in state_dict]:
            text = self._load_member(name, prefix + name, own[name], state_dict[prefix + name], assign)
            if text is not None:
                error_msgs.append(text)
        extra_key = prefix + EXTRA
        if type(self).set_extra_state is not State.set_extra_state:
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            unexpected_keys.extend(self._unexpected(state_dict, prefix, own))

    def _unexpected(self, state_dict: Any, prefix: str, own: dict[str, Any]) -> Iterator[str]:
        """Keys that belong neither to the module nor to one below it."""
        for key in state_dict:
            if key.startswith(prefix) and key != prefix + EXTRA:
                first, dot, _ = key[len(prefix) :].partition(".")
                if first not in (self._modules if dot else own):
                    yield key

    def _load_member(self, name: str, key: str, value: Any, new: Any, assign: bool) -> str | None:
        """Copy or assign one value; returns what is wrong with it."""
        if not isinstance(new, Tensor):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint but '
                f"received {type(new)}"
            )
        lazy = is_lazy(value)
        if not lazy and value.dim() == 0 and new.dim() == 1 and len(new) == 1:
            new = new[0]  # numbers were once saved as vectors of one element
        if not lazy and new.shape != value.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {new.shape} from checkpoint, the shape in current model "
                f"is {value.shape}."
            )
        try:
            with no_grad():
                if assign:
                    setattr(self, name, _assignable(value, new))
                else:
                    value.copy_(new)
        except Exception as error:
            return (
                f'While copying the parameter named "{key}", whose dimensions in the model are {value.size()} and whose '
                f"dimensions in the checkpoint are {new.size()}, an exception occurred : {error.args}."
            )
        return None

    # -- hooks ---------------------------------------------------------------------------------------------------------

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after ``state_dict()``; its result replaces the dict."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(SAME_HOOK)
        return Handle(self._state_dict_hooks, hook)

    def register_state_dict_post_hook(self, hook: Any) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after ``state_dict()``, to change the dict in place."""
        hook._from_public_api = True
        return Handle(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict()``."""
        return Handle(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        """Call ``hook`` with the arguments of ``_load_from_state_dict``, after the module if ``with_module``."""
        return Handle(self._load_state_dict_pre_hooks, WrappedHook(hook, self if with_module else None))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`` first.

        It may change the dict, for instance to rename keys.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after the module was loaded; it may change the two lists in place."""
        return Handle(self._load_state_dict_post_hooks, hook)


class _Loading:
    """One call of ``load_state_dict``."""

    def __init__(self, metadata: Any, assign: bool) -> None:
        self.metadata = metadata
        self.assign = assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []

    def load(self, module: State, state: Any, prefix: str) -> None:
        """Load a module and all below it."""
        metadata = {} if self.metadata is None else self.metadata.get(prefix[:-1], {})
        if self.assign:
            metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(state, prefix, metadata, True, self.missing, self.unexpected, self.errors)
        for name, child in children_of(module):
            below = f"{prefix}{name}."
            self.load(child, {k: v for k, v in state.items() if k.startswith(below)}, below)
        keys = _IncompatibleKeys(self.missing, self.unexpected)
        if any(after(module, keys) is not None for after in module._load_state_dict_post_hooks.values()):
            raise AssertionError(POST_HOOK)


def _empty_state() -> Any:
    """A dictionary that also takes the versions of the modules."""
    state: Any = OrderedDict()
    state._metadata = OrderedDict()
    return state


def _assignable(old: Any, new: Any) -> Any:
    """What takes the place of a member: a parameter for a parameter, which requires grad as the old one did."""
    if not isinstance(old, Parameter):
        return new
    if not isinstance(new, Parameter):
        return Parameter(new, requires_grad=old.requires_grad)
    return new.requires_grad_(old.requires_grad)


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
