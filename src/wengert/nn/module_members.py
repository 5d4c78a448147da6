"""What a module holds: parameters, buffers and modules by name, and walks through them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .._tensor import Tensor
from .module_hooks import GLOBAL
from .parameter import Buffer, Parameter

REPORT_BUG = (
    "Please file an issue at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
)


def typename(value: Any) -> str:
    """Name of a value's kind in error texts: ``torch.FloatTensor``, ``int``, ``package.module.Class``."""
    if isinstance(value, Tensor):
        return str(value.type())
    module = getattr(value, "__module__", None)
    prefix = "" if module in (None, "builtins") else f"{module}."
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or type(value).__name__
    return prefix + str(name)


def _replaced(hooks: OrderedDict[int, Callable[..., Any]], owner: Any, name: str, value: Any) -> Any:
    """What the registration hooks make of a value."""
    for hook in hooks.values():
        result = hook(owner, name, value)
        if result is not None:
            value = result
    return value


def children_of(module: Any) -> Iterator[tuple[str, Any]]:
    """The modules directly below with their names, but not the names that stand for None."""
    return ((name, child) for name, child in module._modules.items() if child is not None)


def _joined(path: str, name: str) -> str:
    """A dotted name."""
    return f"{path}.{name}" if path else name


class Members:
    """Attributes that are registered by their kind: a ``Parameter``, a module, a buffer."""

    _version: int = 1
    call_super_init: bool = False
    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _non_persistent_buffers_set: set[str]
    _modules: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        if not self.call_super_init and kwargs:
            raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if not self.call_super_init and args:
            raise TypeError(f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given")
        state = self.__dict__  # past __setattr__, which needs these
        state["training"] = True
        state["_parameters"] = {}
        state["_buffers"] = {}
        state["_non_persistent_buffers_set"] = set()
        for hooks in HOOK_ATTRIBUTES:
            state[hooks] = OrderedDict()
        state["_is_full_backward_hook"] = None
        state["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # -- registration --------------------------------------------------------------------------------------------------

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is part of the state but not trained, such as a running mean.

        Args:
            persistent: whether it is in ``state_dict()``.

        Raises:
            TypeError: for a name that is no string and a value that is neither tensor nor None.
            KeyError: for a name that is empty, taken, or has a dot.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = _replaced(GLOBAL.buffer_registration, self, name, tensor)
        hidden = self._non_persistent_buffers_set
        mark = hidden.discard if persistent else hidden.add
        mark(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None for one that is left out.

        Raises:
            TypeError: for a name that is no string and a value that is neither ``Parameter`` nor None.
            KeyError: for a name that is empty, taken, or has a dot.
            ValueError: for a parameter with a history.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, self._parameters)
        if param is None:
            self._parameters[name] = None
            return
        if not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = _replaced(GLOBAL.parameter_registration, self, name, param)

    def _check_name(self, kind: str, name: Any, registered: dict[str, Any]) -> None:
        """Names of parameters and buffers are strings that can stand in a dotted path."""
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in registered:
            raise KeyError(f"attribute '{name}' already exists")

    def add_module(self, name: str, module: Members | None) -> None:
        """Add a child, reached as an attribute of that name.

        Raises:
            TypeError: for a name that is no string and a value that is neither module nor None.
            KeyError: for a name that is empty, taken, or has a dot.
        """
        if not isinstance(module, Members) and module is not None:
            raise TypeError(f"{typename(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {typename(name)}")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = _replaced(GLOBAL.module_registration, self, name, module)

    def register_module(self, name: str, module: Members | None) -> None:
        """Other name of :meth:`add_module`."""
        self.add_module(name, module)

    # -- attributes ----------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        state = self.__dict__
        parameters = state.get("_parameters", ())  # one after the other: a loop takes twice the time
        if name in parameters:
            return parameters[name]
        buffers = state.get("_buffers", ())
        if name in buffers:
            return buffers[name]
        modules = state.get("_modules", ())
        if name in modules:
            return modules[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        tables = self.__dict__
        for kind in KINDS:
            if isinstance(value, kind.type):
                if kind.table not in tables:
                    raise AttributeError(f"cannot assign {kind.title} before Module.__init__() call")
                self._forget(name, keep=kind.table)
                return self._store(kind, name, value)
            if name in tables.get(kind.table, ()):
                if value is not None and not isinstance(value, kind.replacement):
                    raise TypeError(
                        f"cannot assign '{typename(value)}' as {kind.place} '{name}' ({kind.allowed} or None expected)"
                    )
                return self._store(kind, name, value)
        return object.__setattr__(self, name, value)

    def _store(self, kind: _Kind, name: str, value: Any) -> None:
        """Put a value, or None, into the table of its kind."""
        if kind.table == "_parameters":
            self.register_parameter(name, value)
        elif kind.table == "_modules":
            self._modules[name] = _replaced(GLOBAL.module_registration, self, name, value)
        else:
            hidden = name in self._non_persistent_buffers_set
            self.register_buffer(name, value, value.persistent if isinstance(value, Buffer) else not hidden)

    def _forget(self, name: str, keep: str) -> None:
        """Before a name gets a new kind: drop what it stood for."""
        self.__dict__.pop(name, None)
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind != keep:
                self.__dict__.get(kind, {}).pop(name, None)
        if keep != "_buffers":
            self._non_persistent_buffers_set.discard(name)

    def __delattr__(self, name: str) -> None:
        tables: tuple[dict[str, Any], ...] = (self._parameters, self._buffers, self._modules)
        table = next((table for table in tables if name in table), None)
        if table is None:
            object.__delattr__(self, name)
            return
        del table[name]
        if table is self._buffers:
            self._non_persistent_buffers_set.discard(name)

    def __dir__(self) -> list[str]:
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted(name for name in names if not name[0].isdigit())

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for hooks in HOOK_ATTRIBUTES:
            self.__dict__.setdefault(hooks, OrderedDict())

    # -- walks ---------------------------------------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """This module and all below it with their dotted names; each once, unless ``remove_duplicate`` is False."""
        seen = set() if memo is None else memo
        if self not in seen:
            seen.update({self} if remove_duplicate else ())
            yield prefix, self
            for name, child in children_of(self):
                yield from child.named_modules(seen, _joined(prefix, name), remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Any]:
        """This module and all below it."""
        yield from (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """The modules directly below with their names, each once."""
        seen: set[Any] = set()
        for name, child in children_of(self):
            if child not in seen:
                yield name, child
            seen.add(child)

    def children(self) -> Iterator[Any]:
        """The modules directly below."""
        yield from (child for _, child in self.named_children())

    def _named_members(
        self,
        get_members_fn: Callable[[Any], Any],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        """What ``get_members_fn(module).items()`` gives for each module, with dotted names."""
        owners: Iterable[tuple[str, Any]] = [(prefix, self)]
        if recurse:
            owners = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        found = ((_joined(path, name), member) for path, owner in owners for name, member in get_members_fn(owner))
        seen: set[int] = set()
        for full_name, member in found:
            if member is not None and id(member) not in seen:
                yield full_name, member
                if remove_duplicate:
                    seen.add(id(member))

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Parameters of this module and (with ``recurse``) all below it, with their dotted names."""
        yield from self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Parameters of this module and (with ``recurse``) all below it: what an optimizer takes."""
        yield from (param for _, param in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Buffers of this module and (with ``recurse``) all below it, with their dotted names."""
        yield from self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Buffers of this module and (with ``recurse``) all below it."""
        yield from (buffer for _, buffer in self.named_buffers(recurse=recurse))

    # -- by dotted name ------------------------------------------------------------------------------------------------

    def get_submodule(self, target: str) -> Any:
        """The module of a dotted name; this module for ``""``.

        Raises:
            AttributeError: if there is none, or it is no module.
        """
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Members):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Members, strict: bool = False) -> None:
        """Put a module at a dotted name.

        Args:
            strict: only where there is one already.

        Raises:
            ValueError: for an empty name, and a value that is no module.
            AttributeError: if the way there does not exist, or something else stands there.
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Members):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Members):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name; AttributeError if there is none."""
        _, name, value = self._member(target)
        if not isinstance(value, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return value

    def get_buffer(self, target: str) -> Any:
        """The buffer of a dotted name; AttributeError if there is none."""
        owner, name, value = self._member(target)
        if name not in owner._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return value

    def _member(self, target: str) -> tuple[Any, str, Any]:
        """A dotted name's module, its last part and what stands there."""
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
        return owner, name, getattr(owner, name)

    def _get_name(self) -> str:
        """Name of the class."""
        return type(self).__name__


HOOK_ATTRIBUTES = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


class _Kind(NamedTuple):
    """One kind of registered attribute."""

    table: str
    type: Any  # a value of this type makes any name one of the kind
    replacement: Any  # what else than None a name that is one already can get
    title: str
    place: str
    allowed: str


KINDS = (
    _Kind("_parameters", Parameter, Parameter, "parameters", "parameter", "torch.nn.Parameter"),
    _Kind("_modules", Members, Members, "module", "child module", "torch.nn.Module"),
    _Kind("_buffers", Buffer, Tensor, "buffer", "buffer", "torch.nn.Buffer, torch.Tensor"),
)
