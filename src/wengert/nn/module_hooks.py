"""Hooks of modules: their handles, those common to all modules, and how backward hooks are tied into the graph."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .._core.hooks import RemovableHandle
from .._core.modes import is_grad_enabled
from .._tensor import Tensor
from ..autograd.function import Function

MIXED_GLOBAL = (
    "Cannot use both regular backward hooks and full backward hooks as a global Module hook. "
    "Please use only one of them."
)
NO_INPUT_GRAD = (
    "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require "
    "gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
    "#torch.nn.Module.register_full_backward_hook for more details."
)
Hooks = OrderedDict[int, Callable[..., Any]]
Flags = OrderedDict[int, bool]


class Handle(RemovableHandle):
    """Handle of a module's hook, which takes its flags away with it."""

    def __init__(self, hooks: Any, hook: Any, flags: tuple[Flags, ...] = (), prepend: bool = False) -> None:
        super().__init__(hooks, hook)
        self.flags = flags
        for flag in flags:
            flag[self.id] = True
        if prepend:
            hooks.move_to_end(self.id, last=False)

    def remove(self) -> None:
        """Take the hook away; again and again does no harm."""
        super().remove()
        for flag in self.flags:
            flag.pop(self.id, None)


class WrappedHook:
    """A hook that gets its module as first argument and does not keep it alive; copied and pickled with the module."""

    def __init__(self, hook: Callable[..., Any], module: Any = None) -> None:
        functools.update_wrapper(self, hook)
        self.hook = hook
        self.module = None if module is None else weakref.ref(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the hook."""
        return self.hook(*self._first(), *args, **kwargs)

    def _first(self) -> tuple[Any, ...]:
        """The module, for a hook that gets it."""
        if self.module is None:
            return ()
        if (alive := self.module()) is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return (alive,)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {"hook": self.hook, "with_module": self.module is not None}
        if self.module is not None:
            state["module"] = self.module()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.hook = state["hook"]
        module = state.get("module")
        if state["with_module"] and module is None:
            raise RuntimeError("You are trying to revive the hook of a dead Module!")
        self.module = None if module is None else weakref.ref(module)


class GlobalHooks:
    """The hooks common to all modules."""

    def __init__(self) -> None:
        self.buffer_registration: Hooks = OrderedDict()
        self.module_registration: Hooks = OrderedDict()
        self.parameter_registration: Hooks = OrderedDict()
        self.forward_pre: Hooks = OrderedDict()
        self.forward: Hooks = OrderedDict()
        self.forward_with_kwargs: Flags = OrderedDict()
        self.forward_always_called: Flags = OrderedDict()
        self.backward_pre: Hooks = OrderedDict()
        self.backward: Hooks = OrderedDict()
        self.backward_is_full: bool | None = None


GLOBAL = GlobalHooks()


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` for every registered buffer; a result that is not None replaces the buffer."""
    return Handle(GLOBAL.buffer_registration, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, child)`` for every registered child; a result that is not None replaces the child."""
    return Handle(GLOBAL.module_registration, hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, param)`` for every registered parameter; a result that is not None replaces it."""
    return Handle(GLOBAL.parameter_registration, hook)


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before every forward pass, ahead of the module's own; it may return new arguments."""
    return Handle(GLOBAL.forward_pre, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after every forward pass, ahead of the module's own; it may return a new output.

    Args:
        with_kwargs: the hook takes the keyword arguments too: ``hook(module, args, kwargs, output)``.
        always_call: also after an exception.
    """
    return Handle(GLOBAL.forward, hook, _flags(GLOBAL, with_kwargs, always_call))


def _flags(hooks: GlobalHooks, with_kwargs: bool, always_call: bool) -> tuple[Flags, ...]:
    """The sets in which a forward hook is marked."""
    return (hooks.forward_with_kwargs,) * with_kwargs + (hooks.forward_always_called,) * always_call


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Deprecated: call ``hook(module, grad_input, grad_output)`` with the gradients of a module's last node."""
    if GLOBAL.backward_is_full is True:
        raise RuntimeError(MIXED_GLOBAL)
    GLOBAL.backward_is_full = False
    return Handle(GLOBAL.backward, hook)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the gradients of every module; it may return other gradients."""
    return Handle(GLOBAL.backward_pre, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` for every module; it may return other gradients of the inputs."""
    if GLOBAL.backward_is_full is False:
        raise RuntimeError(MIXED_GLOBAL)
    GLOBAL.backward_is_full = True
    return Handle(GLOBAL.backward, hook)


class BackwardHookFunction(Function):
    """The identity: one node around all inputs, or all outputs, of a module, for hooks to sit on."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        """The arguments themselves."""
        ctx.mark_non_differentiable(*[a for a in args if not a.requires_grad])
        return args

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradients themselves."""
        return grads


class BackwardHook:
    """The full backward hooks of one call of a module."""

    def __init__(self, module: Any, hooks: list[Any], pre_hooks: list[Any]) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.grad_outputs: tuple[Any, ...] | None = None
        self.n_inputs = -1
        self.n_outputs = -1
        self.input_places: list[int] | None = None
        self.output_places: list[int] = []
        self.constant: dict[int, Tensor] = {}

    def wrap_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, behind the node whose gradients are those of the module's inputs."""
        wrapped, self.input_places = _behind_identity(args, self._at_inputs)
        self.n_inputs = len(args)
        for i in self.input_places or ():
            if not args[i].requires_grad:
                self.constant[i] = args[i].new_zeros(()).expand(args[i].shape)
        return wrapped

    def wrap_outputs(self, result: Any) -> Any:
        """The result, behind the node whose gradients are those of the module's outputs."""
        outputs = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(outputs)
        wrapped, places = _behind_identity(outputs, self._at_outputs)
        self.output_places = places or []
        return wrapped if isinstance(result, tuple) else wrapped[0]

    def _at_inputs(self, grads: tuple[Any, ...], _: Any) -> Any:
        """All gradients are there: call the hooks."""
        if self.grad_outputs is None or self.input_places is None:
            return None  # the gradient came around the outputs, as in a second backward pass
        spread = _spread(self.input_places, grads, self.n_inputs)
        grad_input = tuple(self.constant.get(i, grad) for i, grad in enumerate(spread))
        for hook in self.hooks:
            out = hook(self.module, grad_input, self.grad_outputs)
            if out is None:
                continue
            out = out if isinstance(out, tuple) else (out,)
            if len(out) != len(grad_input):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(out)}, but expected {len(grad_input)}"
                )
            grad_input = out
        self.grad_outputs = None
        return tuple(None if i in self.constant else grad_input[i] for i in self.input_places)

    def _at_outputs(self, _: Any, grads: tuple[Any, ...]) -> Any:
        """The gradients of the outputs are there; without inputs to wait for, call the hooks."""
        grad_outputs = _spread(self.output_places, grads, self.n_outputs)
        for hook in self.pre_hooks:
            out = hook(self.module, grad_outputs)
            if out is None:
                continue
            out = out if isinstance(out, tuple) else (out,)
            if len(out) != len(grad_outputs):
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, got "
                    f"{len(out)}, but expected {len(grad_outputs)}"
                )
            grad_outputs = out
        self.grad_outputs = grad_outputs
        if self.input_places is None:
            self._without_input_gradients(grad_outputs)
        return tuple(grad_outputs[i] for i in self.output_places)

    def _without_input_gradients(self, grad_outputs: tuple[Any, ...]) -> None:
        """Call the hooks with None for each input."""
        warnings.warn(NO_INPUT_GRAD, stacklevel=5)
        for hook in self.hooks:
            out = hook(self.module, (None,) * self.n_inputs, grad_outputs)
            if out is not None and not (isinstance(out, tuple) and all(g is None for g in out)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for all "
                    "gradients."
                )
        self.grad_outputs = None


def _spread(places: list[int], grads: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    """The gradients at their places, None at others."""
    out: list[Any] = [None] * n
    for i, grad in zip(places, grads):
        out[i] = grad
    return tuple(out)


def _behind_identity(values: tuple[Any, ...], hook: Callable[..., Any]) -> tuple[tuple[Any, ...], list[int] | None]:
    """The values with their tensors behind one identity that has the hook, and where the tensors are; None: no gradient."""
    places = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
    if not (is_grad_enabled() and any(values[i].requires_grad for i in places)):
        return values, None
    tensors = BackwardHookFunction.apply(*[values[i] for i in places])
    node = next(t.grad_fn for t in tensors if t.grad_fn is not None)
    node.register_hook(hook)
    out = list(values)
    for i, tensor in zip(places, tensors):
        out[i] = tensor
    kind: Any = type(values)
    return (kind(*out) if hasattr(kind, "_fields") else tuple(out)), places
