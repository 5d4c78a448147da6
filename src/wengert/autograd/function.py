"""Operators of the user's own: ``Function`` with ``forward`` and ``backward`` in Python."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from .._core import errors, modes, views
from .._core.dtypes import COMPLEX, FLOATING, PREFIX
from .._core.graph import Error, Node
from .._core.saved import Saved, save
from .._core.tensor_base import TensorBase, bump, gradient_edge, requires_grad, version_of
from .._record import common, forward
from .._tensor import Tensor

ONCE = "trying to differentiate twice a function that was marked with @once_differentiable"
BOTH = "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one of them."
NEITHER = (
    "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode "
    "AD."
)


class _Transforms:
    """How ``apply`` works inside of the transforms of ``func``; None until that is imported."""

    apply: Callable[[Any, tuple[Any, ...]], Any] | None = None


TRANSFORMS = _Transforms()


class _HookMixin(Node):
    """The graph's side of a custom node: the real base is ``Node``."""


class FunctionCtx(_HookMixin):
    """What ``forward`` and ``backward`` share: the ``ctx`` argument."""

    to_save: tuple[Any, ...] | None
    saved_for_forward: tuple[Any, ...] | None

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) for ``backward``; version-checked, and freed with the graph. The last call wins."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for ``jvp``."""
        for t in tensors:
            if t is not None and not isinstance(t, TensorBase):
                raise TypeError(f"save_for_forward can only save variables, but argument is of type {type(t).__name__}")
        self.saved_for_forward = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs were changed in place; they must be returned."""
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs carry no gradient."""
        self.non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """With False, ``backward`` gets None for outputs without a gradient instead of zeros."""
        self.materialize_grads = value


class _FunctionBase(FunctionCtx):
    """Saved tensors, edges and metadata of one call."""


class BackwardCFunction(_FunctionBase):
    """Node of one call of a custom Function; the class of each Function's nodes derives from it."""

    forward_cls: Any = None

    def __init__(self) -> None:
        self.many = True
        self.to_save = None
        self.saved_for_forward = None
        self.dirty_tensors: tuple[Any, ...] = ()
        self.non_differentiable: tuple[Any, ...] = ()
        self.materialize_grads = True
        self.needs_input_grad: tuple[bool, ...] = ()
        self.kept: list[Saved | None] | None = None
        self.is_tensor: list[bool] = []
        self.input_kinds: list[tuple[Any, Any]] = []
        self.output_kinds: list[Any] = []
        self.accessed = False

    def output_count(self) -> int:
        """Number of values that ``forward`` returned."""
        return max(1, len(self.output_kinds))

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to ``save_for_backward``; in ``jvp`` those given to ``save_for_forward``."""
        if self.saved_for_forward is not None:
            return self.saved_for_forward
        if self.released and self.to_save:
            raise errors.freed(self)
        kept = self.kept
        if self.forward_cls.clear_saved_tensors_on_access:
            if self.accessed:
                raise RuntimeError(
                    "saved_tensors can only be accessed once when clear_saved_tensors_on_access=True is set on the "
                    "autograd.Function. Save the result in a variable to use it several times."
                )
            self.accessed = True
            self.kept = None
        if kept is None:
            return ()
        return tuple(None if slot is None else slot.unpack(self) for slot in kept)

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """Old name of ``saved_tensors``."""
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    @property
    def _raw_saved_tensors(self) -> tuple[Any, ...]:
        """The saved tensors before unpacking."""
        if self.released:
            raise errors.freed(self)
        return tuple(self.kept or ())

    def release(self) -> None:
        """Drop saved tensors."""
        if self.kept:
            self.kept = None
            self.released = True

    def vjp_many(self, grads: list[Any]) -> list[Any]:
        """Call the user's ``backward`` and check what it returns."""
        values = list(grads)
        if self.materialize_grads:
            for i, kind in enumerate(self.output_kinds):
                if values[i] is None and kind is not None:
                    values[i] = zeros_of(kind)
        results = backward_of(self.forward_cls)(self, *values)
        return self.check_results(results if isinstance(results, tuple) else (results,))

    def check_results(self, results: tuple[Any, ...]) -> list[Any]:
        """One gradient per tensor argument of ``forward``, each of the right shape and dtype."""
        expected = len(self.is_tensor)
        while len(results) > expected and results[-1] is None:
            results = results[:-1]
        if len(results) != expected:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, got {len(results)})"
            )
        checked: list[Any] = []
        for i, (value, is_tensor) in enumerate(zip(results, self.is_tensor, strict=True)):
            if not is_tensor:
                if value is not None:
                    raise RuntimeError(
                        f"function {self.name()} returned a gradient different than None at position {i + 1}, but the "
                        "corresponding forward input was not a Variable"
                    )
                continue
            if value is not None and not isinstance(value, TensorBase):
                raise RuntimeError(f"expected Variable or None (got {type(value).__name__})")
            needed = self.edges()[len(checked)][0] is not None
            checked.append(self.fit(value, len(checked)) if value is not None and needed else None)
        return checked

    def fit(self, grad: Any, index: int) -> Any:
        """Sum a gradient to its input's shape and convert it to its dtype.

        Raises:
            RuntimeError: when the shape cannot be reduced to the input's.
        """
        shape, dt = self.input_kinds[index]
        if grad.shp != shape:
            if not reducible(grad.shp, shape):
                raise RuntimeError(
                    f"Function {self.name()} returned an invalid gradient at index {index} - got "
                    f"{errors.shape_text(grad.shp)} but expected shape compatible with {errors.shape_text(shape)}"
                )
            grad = common.sum_to(grad, shape)
        if grad.dt.category == COMPLEX and dt.category < COMPLEX:
            raise RuntimeError(
                f"Function {self.name()} returned a complex gradient at index {index} for a real input: expected "
                "input_is_complex == grad_is_complex to be true, but got false."
            )
        return common.cast_grad(grad, dt)

    def __dir__(self) -> list[str]:
        return list(object.__dir__(self))

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} object at {hex(id(self))}>"


def reducible(shape: Any, target: Any) -> bool:
    """Whether a gradient can be summed to ``target``: it must be what ``target`` broadcasts to."""
    if len(shape) < len(target):
        return False
    tail = shape[len(shape) - len(target) :]
    return all(a == b or b == 1 for a, b in zip(tail, target, strict=True))


def zeros_of(kind: tuple[Any, Any]) -> Any:
    """A zero gradient for an output that received none."""
    import numpy as np

    shape, dt = kind
    return common.make(np.zeros(shape, dt.np))


def backward_of(cls: Any) -> Callable[..., Any]:
    """The user's ``backward`` (or ``vjp``)."""
    own_backward = cls.backward is not Function.backward
    own_vjp = cls.vjp is not Function.vjp
    if own_backward and own_vjp:
        raise RuntimeError(BOTH)
    found: Callable[..., Any] = cls.vjp if own_vjp else cls.backward
    return found


class FunctionMeta(type):
    """Gives every Function the class of its nodes, named after it."""

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,), {"forward_cls": cls})
        cls._backward_cls.__module__ = PREFIX.text + "autograd.function"
        super().__init__(name, bases, attrs)


class Function(metaclass=FunctionMeta):
    """Base of operators with a derivative of their own.

    Subclass it, give static methods ``forward`` and ``backward``, and call ``MyFunction.apply(...)``. ``forward(ctx, *args)``
    computes with recording off and may keep tensors with ``ctx.save_for_backward``; or split it into ``forward(*args)`` and
    ``setup_context(ctx, inputs, output)``. ``backward(ctx, *grads)`` returns one gradient (or None) per argument of ``forward``.

    Example:
        >>> class Cube(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x ** 3
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 3 * x ** 2 * grad
    """

    _backward_cls: Any
    generate_vmap_rule = False
    clear_saved_tensors_on_access = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke them "
            "on the class itself. Instantiating an autograd function will raise an error in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: Functions are applied, not instantiated.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function with "
            "static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the value. To be overridden."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what ``backward`` needs, when ``forward`` takes no ``ctx``. May be overridden."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Gradients of the arguments of ``forward``. To be overridden."""
        raise NotImplementedError(NEITHER)

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name for ``backward``; override only one of them."""
        raise NotImplementedError(NEITHER)

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Tangents of the outputs, given those of the inputs. May be overridden, for forward mode."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """Batched version. May be overridden."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the operator and record it."""
        args = bind(cls, args, kwargs)
        if TRANSFORMS.apply is not None:
            transformed = TRANSFORMS.apply(cls, args)
            if transformed is not NotImplemented:
                return transformed
        node = cls._backward_cls()
        edges = describe_inputs(node, args)
        previous = modes.set_grad(False)
        try:
            if cls.setup_context is not Function.setup_context:
                output = cls.forward(*args)
                cls.setup_context(node, args, output)
            else:
                output = cls.forward(node, *args)
        finally:
            modes.set_grad(previous)
        return wrap_outputs(node, args, edges, output)


def bind(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Keyword arguments in the places that ``forward`` gives them."""
    if not kwargs:
        return args
    signature = inspect.signature(cls.forward)
    own_context = cls.setup_context is not Function.setup_context
    bound = signature.bind(*args, **kwargs) if own_context else signature.bind(None, *args, **kwargs)
    bound.apply_defaults()
    return bound.args if own_context else bound.args[1:]


def describe_inputs(node: Any, args: tuple[Any, ...]) -> list[tuple[Any, int]]:
    """Note which arguments are tensors and which need gradients; returns their edges as they are before the call."""
    node.is_tensor = [isinstance(a, TensorBase) for a in args]
    node.needs_input_grad = tuple(isinstance(a, TensorBase) and requires_grad(a) for a in args)
    edges: list[tuple[Any, int]] = []
    for a in args:
        if isinstance(a, TensorBase):
            edges.append((gradient_edge(a) if requires_grad(a) else None, int(a.nr)))
            node.input_kinds.append((a.shp, a.dt))
    return edges


def wrap_outputs(node: Any, args: tuple[Any, ...], edges: list[tuple[Any, int]], output: Any) -> Any:
    """Give the outputs of ``forward`` their place in the graph."""
    record = modes.is_grad_enabled() and any(node.needs_input_grad)
    single = not isinstance(output, tuple)
    raw = (output,) if single else output
    tensors = [t for t in raw if isinstance(t, TensorBase)]
    check_dirty(node, args, tensors)
    if record:
        node.set_edges(edges)
        node.stamp()
    node.output_kinds = [(t.shp, t.dt) if isinstance(t, TensorBase) else None for t in raw]
    wrapped: list[Any] = []
    done: dict[int, Any] = {}
    for i, t in enumerate(raw):
        if not isinstance(t, TensorBase):
            wrapped.append(t)
            continue
        if id(t) in done:
            done[id(t)].nr = i
        else:
            done[id(t)] = place_output(node, t, i, args, record, len(tensors))
        wrapped.append(done[id(t)])
    keep_saved(node, wrapped, done, record)
    add_tangents(node, args, wrapped)
    return wrapped[0] if single else tuple(wrapped)


def check_dirty(node: Any, args: tuple[Any, ...], outputs: list[Any]) -> None:
    """Inputs marked as changed in place must be outputs."""
    for t in node.dirty_tensors:
        if not any(t is out for out in outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
                "modified inplace must all be outputs of the Function."
            )
        if not any(t is a for a in args):
            warnings.warn(
                "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been mutated should be "
                "passed to ctx.mark_dirty().",
                UserWarning,
                stacklevel=4,
            )


def place_output(node: Any, t: Any, i: int, args: tuple[Any, ...], record: bool, count: int) -> Any:
    """One output tensor with its history."""
    is_input = any(t is a for a in args)
    dirty = any(t is d for d in node.dirty_tensors)
    carries = record and t.dt.category >= FLOATING and not any(t is d for d in node.non_differentiable)
    if not carries:
        if dirty:
            bump(t)
            return t
        if is_input:
            return alias(t) if not requires_grad(t) else t.detach()
        return t if not t.rg else t.detach()
    if dirty and is_input:
        return rewrite(node, t, i, count)
    out = alias(t) if is_input else t
    out.rg = True
    out.fn = node
    out.nr = i
    view = out.view_of
    if view is not None:
        view.kind = views.MULTI_OUTPUT if count > 1 else views.CUSTOM_FUNCTION
        view.version = version_of(out)
    return out


def alias(t: Any) -> Any:
    """A view of the whole tensor, without history."""
    previous = modes.set_grad(False)
    try:
        return t.view_as(t)
    finally:
        modes.set_grad(previous)


def rewrite(node: Any, t: Any, i: int, count: int) -> Any:
    """An input changed in place: the same object, with a new history."""
    if t.rg and t.grad_fn is None:
        raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
    if t.view_of is not None and count > 1:
        raise RuntimeError(
            "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return more than "
            "one Tensor. This is not supported by the current autograd engine. You should either make sure the input is not a "
            "view (using .clone() for example) or make your Function only return one Tensor (potentially splitting it into two "
            "Functions: one doing the inplace that returns a single Tensor and a second one that does the other operations). "
            "You can ask on the forum https://discuss.pytorch.org/ if you need help to do this change."
        )
    bump(t)
    views.rebase(t, node)
    if t.view_of is None:
        t.nr = i
    return t


def keep_saved(node: Any, outputs: list[Any], done: dict[int, Any], record: bool) -> None:
    """Store what ``save_for_backward`` was given: outputs without a cycle, inputs as themselves."""
    if node.to_save is None:
        return
    for i, t in enumerate(node.to_save):
        if t is not None and not isinstance(t, TensorBase):
            raise TypeError(
                f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}"
            )
    if not record:
        node.to_save = None
        return
    kept: list[Saved | None] = []
    for t in node.to_save:
        if t is None:
            kept.append(None)
            continue
        placed = done.get(id(t), t)
        kept.append(save(placed, node, placed.fn is node))
    node.kept = kept
    node.to_save = (True,) * len(kept)  # only their number matters from here on: holding them would make a cycle


def add_tangents(node: Any, args: tuple[Any, ...], outputs: list[Any]) -> None:
    """Forward mode: call the user's ``jvp`` when some input has a tangent."""
    if modes.MODES.dual_level < 0:
        node.saved_for_forward = None
        return
    tangents = [forward.tangent_of(a) if isinstance(a, TensorBase) else None for a in args]
    if all(t is None for t in tangents):
        node.saved_for_forward = None
        return
    for i, a in enumerate(args):
        if isinstance(a, TensorBase) and tangents[i] is None and a.dt.category >= FLOATING:
            tangents[i] = zeros_of((a.shp, a.dt))
    level = forward.suspend()
    try:
        results = node.forward_cls.jvp(node, *tangents)
    finally:
        node.saved_for_forward = None  # saved_tensors are from now on those of the backward pass
        forward.resume(level)
    for out, tangent in zip(outputs, results if isinstance(results, tuple) else (results,), strict=False):
        if isinstance(out, TensorBase) and tangent is not None:
            if tangent.shp != out.shp:
                raise RuntimeError(
                    "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
                    f"supported. Tensor is of size {errors.shape_text(out.shp)} while the given forward gradient is of size "
                    f"{errors.shape_text(tangent.shp)}."
                )
            forward.set_tangent(out, tangent)


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate ``backward`` whose own derivative would be wrong: differentiating through it raises."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        previous = modes.set_grad(False)
        try:
            outputs = fn(ctx, *args)
        finally:
            modes.set_grad(previous)
        if not modes.is_grad_enabled():
            return outputs
        inputs = [a for a in args if isinstance(a, TensorBase) and requires_grad(a)]
        if not inputs:
            return outputs
        single = not isinstance(outputs, tuple)
        marked = tuple(refuse_second(t, inputs) for t in ((outputs,) if single else outputs))
        return marked[0] if single else marked

    return wrapper


def refuse_second(t: Any, inputs: list[Any]) -> Any:
    """An output of ``backward`` behind which stands an error."""
    if not isinstance(t, TensorBase) or t.dt.category < FLOATING:
        return t
    out = Tensor(t.array, t.dt, t.shp)
    node = Error(ONCE)
    node.set_edges([(gradient_edge(i), int(i.nr)) for i in inputs])
    node.stamp()
    out.rg = True
    out.fn = node
    return out


class InplaceFunction(Function):
    """Old helper: a Function with an ``inplace`` flag."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """Old helper, kept by name only: nested inputs and outputs are not unpacked."""
