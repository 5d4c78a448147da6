"""Containers: modules in a row, and lists and dictionaries of modules."""

from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self

from .module import Module
from .module_call import indented


class Sequential(Module):
    """Modules that are called one after the other.

    Args:
        args: the modules, or one ``OrderedDict`` of them by name.

    Example:
        >>> Sequential(Module(), Module())
        Sequential(
          (0): Module()
          (1): Module()
        )
    """

    _modules: dict[str, Module]

    def __init__(self, *args: Any) -> None:
        super().__init__()
        entries: Iterable[tuple[str, Any]]
        match args:
            case (OrderedDict() as by_name,):
                entries = by_name.items()
            case _:
                entries = ((str(place), module) for place, module in enumerate(args))
        for name, module in entries:
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        """The result of the last module."""
        for module in self:
            input = module(input)
        return input

    def _key(self, index: Any) -> str:
        """Name of the module at an index, which may count from the end."""
        place = operator.index(index)
        if not -len(self) <= place < len(self):
            raise IndexError(f"index {place} is out of range")
        return list(self._modules)[place]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: Any) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]
        for name in names:
            delattr(self, name)
        self._renumber(list(self._modules.values()))

    def _renumber(self, modules: list[Any]) -> None:
        """Make these the modules, named by their places."""
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __add__(self, other: Any) -> Sequential:
        out = Sequential()
        out._extend_checked(self)
        out._extend_checked(other)
        return out

    def __iadd__(self, other: Any) -> Self:
        return self._extend_checked(other)

    def _extend_checked(self, other: Any) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        for module in list(other):
            self.append(module)
        return self

    def __mul__(self, times: Any) -> Sequential:
        out = Sequential()
        out._extend_checked(self)
        return out._repeat(times, type(self))

    def __rmul__(self, times: Any) -> Sequential:
        return self.__mul__(times)

    def __imul__(self, times: Any) -> Self:
        return self._repeat(times, type(self))

    def _repeat(self, times: Any, kind: type) -> Self:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {kind} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {kind}")
        modules = list(self)
        for _ in range(times - 1):
            self.extend(modules)
        return self

    def append(self, module: Module) -> Self:
        """Add a module at the end; returns the container."""
        self.add_module(f"{len(self)}", module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at ``index``; returns the container.

        Raises:
            AssertionError: for something that is no module.
            IndexError: for an index out of range.
        """
        modules: list[Any] = list(self)
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if abs(index) > len(modules):
            raise IndexError(f"Index out of range: {index}")
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add modules at the end; returns the container."""
        for module in list(sequential):
            self.append(module)
        return self

    def pop(self, key: Any) -> Module:
        """Remove the module at an index, and return it."""
        module: Module = self[key]
        del self[key]
        return module


class ModuleList(Module):
    """A list of modules that registers them."""

    _modules: dict[str, Module]

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is None:
            return
        self.extend(modules)

    def _key(self, index: Any) -> str:
        """Name of the module at an index, which may count from the end."""
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return str(index % len(self))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self._modules.values())[index])
        return self._modules[self._key(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: Any) -> None:
        modules = list(self._modules.values())
        del modules[index if isinstance(index, slice) else int(self._key(index))]
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        yield from self._modules.values()

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        self.extend(modules)
        return self

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def insert(self, index: int, module: Module) -> None:
        """Put a module before the one at ``index``."""
        modules = list(self._modules.values())
        modules.insert(index, module)
        for i, moved in enumerate(modules):
            self._modules[str(i)] = moved

    def append(self, module: Module) -> Self:
        """Add a module at the end; returns the list."""
        self.add_module(f"{len(self)}", module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; returns the list.

        Raises:
            TypeError: for something that is not iterable.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleList.extend should be called with an iterable, but got {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, key: Any) -> Any:
        """Remove the module at an index, and return it."""
        module = self[key]
        del self[key]
        return module

    def __repr__(self) -> str:
        name = self._get_name()
        groups: list[list[Any]] = []  # [first, last, text] of equal neighbours
        for i, text in enumerate(repr(module) for module in self):
            if groups and groups[-1][2] == text:
                groups[-1][1] = i
            else:
                groups.append([i, i, text])
        if not groups:
            return f"{name}()"
        lines = [
            indented(f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}")
            for first, last, text in groups
        ]
        return f"{name}(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dictionary of modules that registers them."""

    _modules: dict[str, Module]

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is None:
            return
        self.update(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Module]:
        """Names and modules."""
        return self._modules.items()

    def pop(self, key: str) -> Module:
        """Remove a module, and return it."""
        return self._modules.pop(key)

    def clear(self) -> None:
        """Remove everything."""
        self._modules.clear()

    def update(self, modules: Any) -> None:
        """Add the modules of a dictionary or of an iterable of pairs.

        Raises:
            TypeError, ValueError: for something else.
        """
        for key, module in pairs_of(modules, "ModuleDict", "ModuleDict"):
            self[key] = module


def pairs_of(values: Any, caller: str, owner: str) -> Iterator[tuple[Any, Any]]:
    """Pairs of keys and values from a dictionary, or an iterable of pairs."""
    if not isinstance(values, Iterable):
        raise TypeError(
            f"{caller}.update should be called with an iterable of key/value pairs, but got {type(values).__name__}"
        )
    if hasattr(values, "items"):
        yield from values.items()
        return
    for place, pair in enumerate(values):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{owner} update sequence element #{place} should be Iterable; is{type(pair).__name__}")
        both: Any = pair
        if len(both) != 2:
            raise ValueError(f"{owner} update sequence element #{place} has length {len(both)}; 2 is required")
        yield both[0], both[1]


class Container(Module):
    """PyTorch's older name of a module with the given children."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        warnings.warn(
            "`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. Subclass that instead.",
            FutureWarning,
            stacklevel=2,
        )
        for name, module in kwargs.items():
            self.add_module(name, module)
