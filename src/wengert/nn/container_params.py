"""``ParameterList`` and ``ParameterDict``: lists and dictionaries whose tensors are parameters."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from .._tensor import Tensor
from .container import pairs_of
from .module import Module
from .parameter import Parameter


def _as_parameter(value: Any) -> Any:
    """A tensor becomes a parameter; anything else stays."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _line(key: Any, value: Any, kind: str) -> str:
    """One line of the text of a container."""
    if not isinstance(value, Tensor):
        return f"  ({key}): Object of type: {type(value).__name__}"
    label = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"  ({key}): {label} containing: [{kind} of size {'x'.join(str(n) for n in value.size())}]"


class ParameterList(Module):
    """A list; tensors in it become parameters, other values are kept as they are."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._count = 0
        self.extend([] if values is None else values)

    def _key(self, index: Any) -> str:
        """Name of the attribute at an index, which may count from the end."""
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return str(index % len(self))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            out = type(self)()
            for i in range(*index.indices(len(self))):
                out.append(self[i])
            return out
        return getattr(self, self._key(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._key(index), _as_parameter(value))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        yield from [getattr(self, str(place)) for place in range(self._count)]

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a value at the end; returns the list."""
        setattr(self, str(self._count), _as_parameter(value))
        self._count += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end; returns the list.

        Raises:
            TypeError: for something that is not iterable, and for one tensor.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for new in [*values]:
            self.append(new)
        return self

    def extra_repr(self) -> str:
        """One line for each value."""
        return "\n".join(
            _line(i, value, str(value.dtype) if isinstance(value, Tensor) else "") for i, value in enumerate(self)
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises: a list has no forward pass."""
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """A dictionary with strings as keys; tensors in it become parameters, other values are kept as they are."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._names: dict[str, None] = {}  # a set that keeps its order
        self.update({} if parameters is None else parameters)

    def _attribute(self, key: Any) -> str:
        """The key, which must be a string."""
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string (type is "
                f"'{type(key).__name__}'). Open an issue on github if you need non-string keys."
            )
        return key

    def __contains__(self, key: object) -> bool:
        return key in self._names

    def __iter__(self) -> Iterator[str]:
        yield from self._names

    def __reversed__(self) -> Iterator[str]:
        yield from reversed(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, key: str) -> Any:
        return getattr(self, self._attribute(key))

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, self._attribute(key), _as_parameter(value))
        self._names.setdefault(key)

    def __delitem__(self, key: str) -> None:
        del self._names[key]
        delattr(self, self._attribute(key))

    def copy(self) -> ParameterDict:
        """Another dictionary of the same values."""
        return ParameterDict(OrderedDict(self.items()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a key, which is set if it is not there."""
        if key in self:
            return self[key]
        self[key] = default
        return self[key]

    def clear(self) -> None:
        """Remove everything."""
        while self:
            self.popitem()

    def pop(self, key: str) -> Any:
        """Remove a value, and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove the last key, and return it with its value."""
        key, _ = self._names.popitem()
        value = getattr(self, key)
        delattr(self, key)
        return key, value

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or the default."""
        return self[key] if key in self._names else default

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dictionary with one value for all keys."""
        return ParameterDict((key, default) for key in keys)

    def keys(self) -> Any:
        """The keys."""
        return self._names.keys()

    def items(self) -> Any:
        """Pairs of keys and values."""
        return ((key, self[key]) for key in self._names)

    def values(self) -> Any:
        """The values."""
        return (self[key] for key in self._names)

    def update(self, parameters: Any) -> None:
        """Add the values of a dictionary or of an iterable of pairs.

        Raises:
            TypeError, ValueError: for something else.
        """
        pairs = pairs_of(parameters, "ParametersDict", "ParameterDict")
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            pairs = iter(
                sorted(pairs, key=lambda pair: pair[0])
            )  # as in PyTorch, from the time when dictionaries had no order
        for key, value in pairs:
            self[key] = value

    def extra_repr(self) -> str:
        """One line for each value."""
        return "\n".join(
            _line(key, value, str(value.type()) if isinstance(value, Tensor) else "") for key, value in self.items()
        )

    def __call__(self, input: Any) -> Any:
        """Raises: a dictionary has no forward pass."""
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other: Any) -> ParameterDict:
        out = self.copy()
        out.update(other)
        return out

    def __ror__(self, other: Any) -> ParameterDict:
        out = ParameterDict(OrderedDict(other.items()))
        out.update(self)
        return out

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self
