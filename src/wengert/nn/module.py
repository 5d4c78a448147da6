"""``Module``: the base class of everything that has parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

from .._core.device import device as Device
from .._core.dtypes import dtype as Dtype
from .._tensor import Tensor
from ..autograd.grad_mode import no_grad
from .module_call import Calls, with_children

COMPLEX = (
    "Complex modules are a new feature under active development whose design may change, and some modules might not work as "
    "expected when using complex tensors as parameters or buffers. Please file an issue at "
    "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a complex module does not work as expected."
)


class Module(Calls):
    """Base class of layers and networks: a callable that owns parameters, buffers and other modules.

    Subclasses call ``super().__init__()`` first, assign ``Parameter`` objects and modules as attributes, and define
    ``forward``.

    Example:
        >>> class Twice(Module):
        ...     def forward(self, x):
        ...         return 2 * x
        >>> Twice()
        Twice()
    """

    dump_patches: bool = False

    # -- mode ----------------------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set ``training`` of this module and all below it; returns the module."""
        if mode is not True and mode is not False:
            raise ValueError("training mode is expected to be boolean")
        for child in self.children():
            child.train(mode)
        self.training = mode
        return self

    def eval(self) -> Self:
        """Same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all parameters require grad, or freeze them; returns the module."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or with False fill them with zeros."""
        for param in self.parameters():
            if param.grad is None:
                continue
            if set_to_none:
                param.grad = None
                continue
            if param.grad.grad_fn is not None:
                param.grad.detach_()
            else:
                param.grad.requires_grad_(False)
            param.grad.zero_()

    # -- conversion ----------------------------------------------------------------------------------------------------

    def apply(self, fn: Callable[[Any], Any]) -> Self:
        """Call ``fn`` on all modules below, then on this one; returns the module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        """Replace data and gradients of all parameters, and all buffers, by what ``fn`` makes of them."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            with no_grad():
                param.data = fn(param)
                if param.grad is not None:
                    param.grad.data = fn(param.grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating and complex members: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``, ``to(tensor)``.

        Raises:
            TypeError: for an integer or bool dtype.
        """
        target = Tensor().to(*args, **kwargs).dtype  # checks the arguments as a tensor does
        wanted = _named_dtype(args, kwargs)
        if wanted is None:
            return self
        if not (target.is_floating_point or target.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={target}"
            )
        if target.is_complex:
            warnings.warn(COMPLEX, stacklevel=2)
        return self._apply(lambda t: t.to(target) if t.is_floating_point() or t.is_complex() else t)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Replace all parameters and buffers by uninitialised ones."""
        return self._apply(lambda t: _empty_like(t, device), recurse)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers, those of integers too."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Floating parameters and buffers in float32."""
        return self._floating("float")

    def double(self) -> Self:
        """Floating parameters and buffers in float64."""
        return self._floating("double")

    def half(self) -> Self:
        """Floating parameters and buffers in float16."""
        return self._floating("half")

    def bfloat16(self) -> Self:
        """Floating parameters and buffers in bfloat16."""
        return self._floating("bfloat16")

    def _floating(self, method: str) -> Self:
        """Call a method of the floating members."""
        return self._apply(lambda t: getattr(t, method)() if t.is_floating_point() else t)

    def cpu(self) -> Self:
        """The module itself: there is no other device."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raises what ``Tensor.cuda`` raises: there is no such device."""
        return self._apply(lambda t: t.cuda(device))

    def share_memory(self) -> Self:
        """Call ``share_memory_()`` of all parameters and buffers."""
        return self._apply(lambda t: t.share_memory_())

    # -- text ----------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands in the parentheses of ``repr``; to be overridden."""
        return ""

    def __repr__(self) -> str:
        children = [(key, repr(module)) for key, module in self._modules.items()]
        return with_children(self._get_name(), self.extra_repr(), children)


def _named_dtype(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The argument of ``to`` that names a dtype, None if there is none."""
    for value in (*args[:2], kwargs.get("dtype"), kwargs.get("tensor"), kwargs.get("other")):
        if isinstance(value, Dtype | Tensor):
            return value
    return None


def _empty_like(t: Tensor, device: Any) -> Tensor:
    from .._gen.functions import empty_like

    return empty_like(t, device=Device(device) if isinstance(device, str) else device)
