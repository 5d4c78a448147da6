"""Modes of recording as context managers and decorators."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from .._core import modes
from .._core.dtypes import PREFIX

F = TypeVar("F", bound=Callable[..., Any])


class ModeContext:
    """Base of the modes: ``with mode:``, ``@mode`` and ``@mode()``; reusable and nestable."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Decorate at once when the class itself is used as a decorator."""
        self = super().__new__(cls)
        if len(args) == 1 and not kwargs and callable(args[0]) and not isinstance(args[0], bool):
            return cls()(args[0])
        return self

    def clone(self) -> ModeContext:
        """A context of the same kind for one call of a decorated function."""
        fresh: ModeContext = type(self)()
        return fresh

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(self, *exc: object) -> None:
        raise NotImplementedError

    def __call__(self, func: F) -> F:
        """Run ``func`` in this mode."""
        if inspect.isclass(func):
            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate functions "
                "or methods. To preserve the current behavior of class decoration, you can directly decorate the `__init__` "
                "method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )
            func.__init__ = self(func.__init__)  # type: ignore[method-assign]
            return func
        if inspect.isgeneratorfunction(func):
            return self.wrap_generator(func)  # type: ignore[return-value]

        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return func(*args, **kwargs)

        return decorated  # type: ignore[return-value]

    def wrap_generator(self, func: Callable[..., Generator[Any, Any, Any]]) -> Callable[..., Any]:
        """The mode holds while the generator's body runs, not for the code that consumes it."""

        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            generator = func(*args, **kwargs)
            try:
                with self.clone():
                    value = generator.send(None)
                while True:
                    try:
                        request = yield value
                    except GeneratorExit:
                        with self.clone():
                            generator.close()
                        raise
                    except BaseException as error:
                        with self.clone():
                            value = generator.throw(error)
                    else:
                        with self.clone():
                            value = generator.send(request)
            except StopIteration as stop:
                return stop.value

        return decorated


class no_grad(ModeContext):
    """Do not record: results do not require grad. For evaluation and for updating parameters.

    Example:
        >>> with no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    def __init__(self) -> None:
        self.previous: list[bool] = []

    def __enter__(self) -> None:
        self.previous.append(modes.set_grad(False))

    def __exit__(self, *exc: object) -> None:
        modes.set_grad(self.previous.pop())


class enable_grad(ModeContext):
    """Record, also inside ``no_grad``."""

    def __init__(self) -> None:
        self.previous: list[bool] = []

    def __enter__(self) -> None:
        self.previous.append(modes.set_grad(not modes.is_inference_mode_enabled()))

    def __exit__(self, *exc: object) -> None:
        modes.set_grad(self.previous.pop())


class set_grad_enabled(ModeContext):
    """Record or not, as ``mode`` says: switches at once when called, restores when used with ``with``.

    Args:
        mode: bool.
    """

    def __new__(cls, mode: bool) -> Any:
        """A context for ``mode``."""
        return object.__new__(cls)

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.mode: bool = mode
        self.before: bool = modes.set_grad(mode)

    def __call__(self, func: F) -> F:
        """Decorate without leaking the mode into the surrounding code."""
        modes.set_grad(self.before)
        return super().__call__(func)

    def clone(self) -> ModeContext:
        """A fresh context of the same mode."""
        found: ModeContext = type(self)(self.mode)
        return found

    def __enter__(self) -> None:
        modes.set_grad(self.mode)

    def __exit__(self, *exc: object) -> None:
        modes.set_grad(self.before)

    def __repr__(self) -> str:
        return f"{PREFIX.text}autograd.grad_mode.set_grad_enabled(mode={self.mode})"


class inference_mode(ModeContext):
    """Faster ``no_grad``: new tensors are inference tensors, which can never take part in recorded operations.

    Args:
        mode: False switches inference mode off inside it.
    """

    def __new__(cls, mode: Any = True) -> Any:
        """A context, or the decorated function."""
        if isinstance(mode, bool):
            return object.__new__(cls)
        return cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode: bool = mode
        self.previous: list[tuple[bool, bool]] = []

    def clone(self) -> ModeContext:
        """A fresh context of the same mode."""
        found: ModeContext = type(self)(self.mode)
        return found

    def __enter__(self) -> None:
        before = modes.set_inference(self.mode)
        self.previous.append((before, modes.set_grad(not self.mode)))

    def __exit__(self, *exc: object) -> None:
        inference, grad = self.previous.pop()
        modes.set_inference(inference)
        modes.set_grad(grad)


class set_multithreading_enabled(ModeContext):
    """Present for compatibility: the backward pass always runs on the calling thread."""

    def __new__(cls, mode: bool) -> Any:
        """A context without effect."""
        return object.__new__(cls)

    def __init__(self, mode: bool) -> None:
        self.mode: bool = mode

    def clone(self) -> ModeContext:
        """A fresh context of the same mode."""
        found: ModeContext = type(self)(self.mode)
        return found

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *exc: object) -> None:
        """Do nothing."""


is_grad_enabled = modes.is_grad_enabled
is_inference_mode_enabled = modes.is_inference_mode_enabled

# PyTorch's programs see these classes under their own name, in whichever package they live.
for _mode in (no_grad, enable_grad, set_grad_enabled, inference_mode, set_multithreading_enabled):
    _mode.__module__ = PREFIX.text + "autograd.grad_mode"
