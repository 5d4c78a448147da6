"""Interpreted base classes: what a compiled class cannot be by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final


class LinAlgError(RuntimeError):
    """A matrix for which the result does not exist: singular, not positive-definite, or without convergence."""


class Dynamic:
    """Gives a compiled subclass what mypyc classes lack: attributes, weak references, properties that can be deleted."""

    def as_index(self) -> int:
        """The one element of an integer tensor as an int."""
        raise NotImplementedError

    def __index__(self) -> int:
        return self.as_index()

    def read_grad(self) -> Any:
        """Value of ``grad``."""
        raise NotImplementedError

    def assign_grad(self, value: Any) -> None:
        """Check and set ``grad``."""
        raise NotImplementedError

    @property
    def grad(self) -> Any:
        """Gradient accumulated by ``backward()``: a tensor like this one, or None. Assignable; ``del t.grad`` sets None."""
        return self.read_grad()

    @grad.setter
    def grad(self, value: Any) -> None:
        self.assign_grad(value)

    @grad.deleter
    def grad(self) -> None:
        self.assign_grad(None)


def bind_grad(tensor: Any) -> None:
    """Let ``grad`` call the methods of the class of tensors themselves: those above stand between, one call more each time."""
    declared: Any = Dynamic.grad
    Dynamic.grad = property(tensor.read_grad, tensor.assign_grad, declared.fdel, declared.__doc__)  # type: ignore[assignment]


# Shapes are taken apart in most calls of most operators: tuple's own functions, without a search for them.
_new: Final[Any] = tuple.__new__
_item: Final[Any] = tuple.__getitem__


def checked_sizes(items: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes as ints.

    Raises:
        TypeError: for what is none.
    """
    for i, item in enumerate(items):
        if not hasattr(item, "__index__"):
            raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(item).__name__}')")
    return tuple(map(int, items))


class Size(tuple[int, ...]):
    """Shape of a tensor: a tuple of ints that prints as ``torch.Size([2, 3])``.

    Slicing, ``+`` and ``*`` give a ``Size`` again.

    Example:
        >>> Size((2, 3)).numel()
        6
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        """Make a size from an iterable of ints."""
        items = tuple(sizes)
        for item in items:
            if type(item) is not int:
                items = checked_sizes(items)
                break
        made: Size = _new(cls, items)
        return made

    def numel(self) -> int:
        """Number of elements of a tensor of this shape."""
        total = 1
        for n in self:
            total *= n
        return total

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    __str__ = __repr__

    def __getitem__(self, index: Any) -> Any:
        item = _item(self, index)
        return _new(Size, item) if type(item) is tuple else item

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple(self) + tuple(other))

    def __radd__(self, other: Any) -> Any:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times: Any) -> Any:
        return Size(tuple(self) * times)

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[Any, ...]:
        return (Size, (tuple(self),))
