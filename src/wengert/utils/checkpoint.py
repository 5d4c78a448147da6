"""Activation checkpointing: trade time for memory. What a function saves for its derivatives is computed again when needed.

``checkpoint(f, x, use_reentrant=False)`` is ``f(x)`` with the same value and gradients of every order; see docs/checkpoint.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from .._core import modes
from .._core.tensor_base import TensorBase, requires_grad
from ..autograd import backward
from ..autograd.function import Function, refuse_second
from ..autograd.grad_mode import enable_grad
from ..ops.random import default_generator
from ._region import Checkpoint as _Checkpoint
from ._region import CheckpointError as CheckpointError
from ._region import GraphExecGroup as GraphExecGroup
from ._region import Region as _Region
from ._selective import SAC_IGNORED_OPS as SAC_IGNORED_OPS
from ._selective import CheckpointPolicy as CheckpointPolicy
from ._selective import Selection as _Selection
from ._selective import SelectiveCheckpointContext as SelectiveCheckpointContext
from ._selective import create_selective_checkpoint_contexts as create_selective_checkpoint_contexts

__all__ = [
    "SAC_IGNORED_OPS",
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "DefaultDeviceType",
    "GraphExecGroup",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]

_EXPLICIT = (
    "the use_reentrant parameter should be passed explicitly. {change} use_reentrant=False is recommended, but if you need to "
    "preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for more details on the differences "
    "between the two variants."
)
_EXPLICIT_CHECKPOINT = "torch.utils.checkpoint: " + _EXPLICIT.format(
    change="Starting in PyTorch 2.9, calling checkpoint without use_reentrant will raise an exception."
)
_EXPLICIT_SEQUENTIAL = "torch.utils.checkpoint.checkpoint_sequential: " + _EXPLICIT.format(
    change="In version 2.9 we will raise an exception if use_reentrant is not passed."
)
_SUPPRESSED = (
    "torch.utils.checkpoint: the forward context provided by context_fn suppressed an exception raised during the checkpointed "
    "forward. This is not supported because checkpoint cannot return a value for a failed forward."
)
_WHOLE_PASS = (
    "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` parameter to "
    ".backward(). To resolve this error, you can either set use_reentrant=False, or call .backward() without passing the "
    "`inputs` argument."
)

_ContextFn = Callable[[], tuple[AbstractContextManager[Any], AbstractContextManager[Any]]]


class _Settings:
    """What the two ``set_checkpoint_*`` managers impose on the process; None leaves it to the call."""

    early_stop: bool | None = None
    debug: bool | None = None


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Inside, checkpoints recompute until all that is needed is there (True), or to their end (False).

    It counts when the function runs first; overrides ``early_stop`` of the call.
    """
    before = _Settings.early_stop
    _Settings.early_stop = enable
    try:
        yield
    finally:
        _Settings.early_stop = before


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Inside, checkpoints are made with ``debug=enabled``; None leaves it to the call."""
    before = _Settings.debug
    _Settings.debug = enabled
    try:
        yield
    finally:
        _Settings.debug = before


def noop_context_fn() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """The default ``context_fn``: two contexts without effect."""
    return nullcontext(), nullcontext()


class DefaultDeviceType:
    """Name of the device whose random state would be kept besides the CPU's; here there is the CPU only."""

    _device_type = "cpu"

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        """Set the name; without other effect."""
        DefaultDeviceType._device_type = device

    @staticmethod
    def get_device_type() -> str:
        """The name."""
        return DefaultDeviceType._device_type


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """Numbers and random states of the devices besides the CPU that tensors in ``args`` are on: none."""
    return [], []


def set_device_states(devices: Any, states: Any, *, device_type: str | None = None) -> None:
    """Without effect: there are no devices besides the CPU."""


def detach_variable(inputs: Any) -> tuple[Any, ...]:
    """A tuple with its tensors made leaves that require grad where those did.

    Raises:
        RuntimeError: when it is no tuple.
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple(
        value.detach().requires_grad_(value.requires_grad) if isinstance(value, TensorBase) else value  # type: ignore[attr-defined]
        for value in inputs
    )


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn when no tensor among ``inputs`` requires grad."""
    if not any(isinstance(value, TensorBase) and requires_grad(value) for value in inputs):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


class _RandomState:
    """State of the default generator at a call, for the second one; nothing if not ``wanted``."""

    def __init__(self, wanted: bool) -> None:
        self.state = default_generator.state_array() if wanted else None

    @contextmanager
    def again(self) -> Iterator[None]:
        """Inside, random numbers are those of the call."""
        if self.state is None:
            yield
            return
        now = default_generator.state_array()
        default_generator.set_state_array(self.state)
        try:
            yield
        finally:
            default_generator.set_state_array(now)


class CheckpointFunction(Function):
    """``checkpoint(use_reentrant=True)``: the function runs unrecorded; backward runs it again and differentiates that."""

    INSIDE_TRANSFORMS = (
        "\n  checkpoint(use_reentrant=True) was called inside of a transform\n  try: use_reentrant=False"
    )

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        """Values without a graph."""
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.random = _RandomState(preserve_rng_state)
        ctx.inputs = [None if isinstance(value, TensorBase) else value for value in args]
        ctx.positions = [i for i, value in enumerate(args) if isinstance(value, TensorBase)]
        ctx.save_for_backward(*[args[i] for i in ctx.positions])
        return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """A second run, recorded, and a backward pass through it.

        Raises:
            RuntimeError: in a pass for some inputs only, and when no output of the second run has a graph.
        """
        if not _is_whole_pass():
            raise RuntimeError(_WHOLE_PASS)
        inputs = list(ctx.inputs)
        for position, tensor in zip(ctx.positions, ctx.saved_tensors, strict=True):
            inputs[position] = tensor
        leaves = detach_variable(tuple(inputs))
        with ctx.random.again(), enable_grad():
            outputs = ctx.run_function(*leaves)
        if isinstance(outputs, TensorBase):
            outputs = (outputs,)
        pairs = [(out, g) for out, g in zip(outputs, grads, strict=False) if isinstance(out, TensorBase)]
        pairs = [(out, g) for out, g in pairs if requires_grad(out)]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([out for out, _ in pairs], [g for _, g in pairs])
        found = [leaf.grad if isinstance(leaf, TensorBase) else None for leaf in leaves]
        if modes.is_grad_enabled():
            sources = [t for t in inputs if isinstance(t, TensorBase) and requires_grad(t)]
            found = [refuse_second(g, sources) for g in found]
        return (None, None, *found)


def _is_whole_pass() -> bool:
    """Whether the running pass, and those around it, go to all leaves."""
    task = modes.thread_modes().task
    while task is not None:
        if task.needed is not None:
            return False
        task = task.outer
    return True


def _shape_dtype_device(x: Any) -> tuple[Any, ...]:
    """What ``determinism_check="default"`` compares."""
    return x.shape, x.dtype, x.device


def _nothing(x: Any) -> tuple[Any, ...]:
    """What ``determinism_check="none"`` compares."""
    return ()


_CHECKS: dict[str, Callable[[Any], tuple[Any, ...]]] = {"default": _shape_dtype_device, "none": _nothing}


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: _ContextFn = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, keeping its arguments for the backward pass instead of what it saves on the way.

    Args:
        function: computes the same when it is called again.
        args, kwargs: its arguments. ``preserve_rng_state=True`` among the latter is taken out: whether the second run draws
            the random numbers of the first from the default generator.
        use_reentrant: False is the better choice: nodes are recorded as usual, and what they saved is recomputed when it is
            asked for; all ways to differentiate work. True records one node, needs a tensor that requires grad among
            ``args``, takes no ``kwargs``, and allows only ``backward()`` to all leaves, once. None warns and means True.
        context_fn: gives two context managers, for the first run and for the second.
        determinism_check: "default": recomputed tensors have the shape and dtype of the first ones; "none".
        debug: errors list what was saved in both runs.
        early_stop: end the second run when nothing more is needed from it.

    Returns:
        What ``function`` returns.

    Gradient:
        That of ``function``. With ``use_reentrant=True`` differentiating twice raises.

    Raises:
        ValueError: for arguments that do not go together.
        CheckpointError: in the backward pass, when the second run saves other tensors than the first.

    Example:
        >>> import wengert as wg
        >>> from wengert.utils.checkpoint import checkpoint
        >>> x = wg.ones(2, requires_grad=True)
        >>> checkpoint(lambda t: (t * t).reciprocal(), x, use_reentrant=False).sum().backward()
        >>> x.grad
        tensor([-2., -2.])

    Source: ``torch.utils.checkpoint.checkpoint``. Besides, keyword arguments are checked for in-place changes, a recomputed
        tensor that the function overwrites is an error, and a saved tensor may be read several times.
    """
    if use_reentrant is None:
        warnings.warn(_EXPLICIT_CHECKPOINT, stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    debug = debug if _Settings.debug is None else _Settings.debug
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    if determinism_check not in _CHECKS:
        raise ValueError(f"determinism_check should be one of {list(_CHECKS)}, but got {determinism_check}")
    first, second = context_fn()
    if not modes.is_grad_enabled():
        return function(*args, **kwargs)
    rerun = _Rerun(function, second, _RandomState(preserve))
    stop = early_stop if _Settings.early_stop is None else _Settings.early_stop
    call = _Checkpoint(args, kwargs)
    keeps = first.of_call(int(call.sequence)) if isinstance(first, _Selection) else None
    region = _Region(rerun, call, _CHECKS[determinism_check], stop, keeps, debug)
    with region.recording(), first:
        result = function(*args, **kwargs)
        region.finish()
    if not region.complete:
        raise RuntimeError(_SUPPRESSED)
    return result


class _Rerun:
    """The second run of a function: in its context, with the random numbers of the first."""

    def __init__(
        self, function: Callable[..., Any], context: AbstractContextManager[Any], random: _RandomState
    ) -> None:
        self.function = function
        self.context = context
        self.random = random

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        with self.random.again(), self.context:
            self.function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Apply functions one after the other, in segments each but the last of which is a checkpoint.

    Args:
        functions: a list of functions, or a module with children (``nn.Sequential``).
        segments: number of segments, of equal length but for the last.
        input: what the first function takes.
        use_reentrant: see ``checkpoint``.
        kwargs: ``preserve_rng_state`` only.

    Returns:
        What the last function returns.

    Raises:
        ValueError: for other keyword arguments, and for more segments than functions.

    Example:
        >>> import wengert as wg
        >>> x = wg.ones(2, requires_grad=True)
        >>> checkpoint_sequential([wg.exp, wg.sin, wg.tanh, wg.neg], 2, x, use_reentrant=False)
        tensor([-0.3891, -0.3891], grad_fn=<NegBackward0>)
    """
    if use_reentrant is None:
        warnings.warn(_EXPLICIT_SEQUENTIAL, stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(steps) // segments
    done = 0
    for start in range(0, size * (segments - 1), size):
        done = start + size
        input = checkpoint(_chain(steps[start:done]), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return _chain(steps[done:])(input)


def _chain(steps: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """The functions one after the other, as one function."""

    def run(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    return run
