"""``backward`` and ``grad``: their arguments, checked and brought into the form the engine takes."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np

from . import accumulate, engine, errors
from .dtypes import COMPLEX, dtype
from .graph import Identity, Node, node_of, target_of
from .modes import MODES
from .tensor_base import TensorBase, gradient_edge, requires_grad

CREATE_GRAPH: Final = (
    "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient which can "
    "cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you have to use this "
    "function, make sure to reset the .grad fields of your parameters to None after use to break the cycle and avoid the leak."
)


class GradientEdge:
    """A place where gradients arrive: output ``output_nr`` of ``node``."""

    def __init__(self, node: Node, output_nr: int, ownership_token: Any = None, like: Any = None) -> None:
        self.node: Node = node
        self.output_nr: int = output_nr
        self.ownership_token: Any = ownership_token
        self.like: Any = like

    def __repr__(self) -> str:
        return f"GradientEdge(node={self.node!r}, output_nr={self.output_nr})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradientEdge) and other.node is self.node and other.output_nr == self.output_nr

    def __hash__(self) -> int:
        return hash((id(self.node), self.output_nr))


class Once:
    """Warnings that are given once in a process."""

    def __init__(self) -> None:
        self.create_graph: bool = False


_ONCE: Final = Once()
_ONES: Final[dict[dtype, Any]] = {}


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The place where the gradient of ``tensor`` arrives.

    Raises:
        RuntimeError: when the tensor does not require grad.
    """
    if not isinstance(tensor, TensorBase):
        raise errors.argument_type("get_gradient_edge", "tensor", 1, "Tensor", tensor)
    node = node_of(gradient_edge(tensor)) if requires_grad(tensor) else None
    if node is None and requires_grad(tensor):  # a view made without recording: only its base requires grad
        raise AssertionError("Expected gradient function to be set")
    if node is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    like = (tensor.shp, tensor.dt)
    return GradientEdge(node, int(tensor.nr), None, like)


def backward(tensors: list[Any], grads: Any, retain_graph: Any, create_graph: bool, inputs: Any) -> None:
    """Accumulate gradients of ``tensors`` into the leaves (or into ``inputs``)."""
    if inputs is not None:
        inputs = [inputs] if isinstance(inputs, (TensorBase, GradientEdge)) else list(inputs)
        if len(inputs) == 0:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    seeds = as_list(grads, len(tensors))
    roots = make_roots(tensors, seeds)
    keep = create_graph if retain_graph is None else flag(retain_graph)
    if create_graph and (MODES.warn_always or not _ONCE.create_graph):
        _ONCE.create_graph = True
        warnings.warn(CREATE_GRAPH, UserWarning, stacklevel=3)
    places = None
    if inputs is not None:
        places = [input_place(t) for t in inputs]
    engine.run(roots, keep, create_graph, places, True)


def grad(
    outputs: list[Any], inputs: list[Any], grads: Any, retain_graph: Any, create_graph: bool, allow_unused: bool
) -> list[Any]:
    """Gradients of ``outputs`` with respect to ``inputs``, without touching ``.grad``."""
    seeds = as_list(grads, len(outputs))
    roots = make_roots(outputs, seeds)
    places: list[tuple[object, int]] = []
    for t in inputs:
        if isinstance(t, GradientEdge):
            places.append((target_of(t.node), t.output_nr))
            continue
        if not requires_grad(t):
            raise RuntimeError("One of the differentiated Tensors does not require grad")
        target = gradient_edge(t)
        # A view made under no_grad requires grad through its base, but nothing leads to it: it counts as unused.
        places.append((Identity() if target is None else target, int(t.nr)))
    keep = create_graph if retain_graph is None else flag(retain_graph)
    results = engine.run(roots, keep, create_graph, places, False)
    if not allow_unused:
        check_used(results)
    return list(results)


def check_used(results: list[Any]) -> None:
    """There is a gradient for every input.

    Raises:
        RuntimeError: for an input that the outputs do not depend on.
    """
    for i, result in enumerate(results):
        if result is None:
            raise RuntimeError(
                errors.with_hints(
                    f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                    "allow_unused=True if this is the desired behavior.",
                    "no path leads from the outputs to it; if it was modified in place after use, it stands for its new value",
                )
            )


def flag(value: Any) -> bool:
    """``retain_graph`` as a bool; numbers count as such, other things are mistakes."""
    if isinstance(value, (bool, int, np.bool_)):
        return bool(value)
    raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")


def as_list(grads: Any, count: int) -> list[Any]:
    """The given gradients, one per output.

    Raises:
        RuntimeError: when the numbers differ.
    """
    if grads is None:
        return [None] * count
    seeds = [grads] if isinstance(grads, TensorBase) else list(grads)
    for seed in seeds:
        if seed is not None and not isinstance(seed, TensorBase):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(seed).__name__}")
    if len(seeds) != count:
        raise RuntimeError(f"got {count} tensors and {len(seeds)} gradients")
    return seeds


def make_roots(outputs: list[Any], seeds: list[Any]) -> list[tuple[object, int, TensorBase]]:
    """Node, output number and gradient of each output."""
    checked: list[TensorBase | None] = []
    for i in range(len(outputs)):
        checked.append(check_seed(i, outputs[i], seeds[i]))
    roots: list[tuple[object, int, TensorBase]] = []
    for i in range(len(outputs)):
        out = outputs[i]
        seed = checked[i]
        if isinstance(out, GradientEdge):
            assert seed is not None
            roots.append((target_of(out.node), out.output_nr, seed))
            continue
        target = gradient_edge(out) if requires_grad(out) else None
        if target is None or seed is None:
            raise errors.no_grad_output(i, out)
        roots.append((target, int(out.nr), seed))
    return roots


def check_seed(index: int, out: Any, seed: TensorBase | None) -> TensorBase | None:
    """The gradient with respect to one output, in its dtype and shape; None for an output that needs none."""
    if seed is None and isinstance(out, TensorBase):
        if not requires_grad(out):
            return None  # refused once all are checked
        return implicit_seed(index, out, out.shp, out.dt)
    shape, dt = output_kind(out)
    if seed is None:
        return implicit_seed(index, out, shape, dt)
    if shape is not None and seed.shp != shape:
        raise RuntimeError(
            errors.with_hints(
                f"Mismatch in shape: grad_output[{index}] has a shape of {seed.shp} and output[{index}] has a shape of {shape}.",
                "a gradient has exactly the shape of what it belongs to; nothing is broadcast here",
            )
        )
    if dt is not None and seed.dt is not dt:
        if seed.dt.category == COMPLEX or dt.category == COMPLEX:
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
                f"grad_output[{index}] has a dtype of {seed.dt!r} and output[{index}] has a dtype of {dt!r}."
            )
        return accumulate.cast(seed, dt)
    return seed


def output_kind(out: Any) -> tuple[Any, Any]:
    """Shape and dtype of an output; None where an edge does not tell."""
    if isinstance(out, GradientEdge):
        return out.like if out.like is not None else (None, None)
    if not isinstance(out, TensorBase):
        raise AssertionError(errors.with_hints("Expected output to be a torch.Tensor", f"got {type(out).__name__}"))
    return out.shp, out.dt


def implicit_seed(index: int, out: Any, shape: Any, dt: Any) -> TensorBase:
    """Ones for a real output with a single element."""
    count = 1 if shape is not None else 2
    for n in shape or ():
        count *= n
    if count != 1:
        raise RuntimeError(
            errors.with_hints(
                "grad can be implicitly created only for scalar outputs",
                f"output {index} has shape {errors.shape_text(shape or ())}",
                "try: reduce it first (.sum(), .mean()), or pass gradient= of the same shape",
            )
        )
    if dt.category == COMPLEX:
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {dt!r}")
    return _tensor.Tensor(one(dt) if len(shape) == 0 else np.ones(shape, dt.np), dt, shape)


def one(dt: dtype) -> Any:
    """The scalar 1; most passes begin with it, and making it takes longer than looking it up."""
    found = _ONES.get(dt)
    if found is None:
        found = dt.np.type(1)
        _ONES[dt] = found
    return found


def input_place(t: Any) -> tuple[object, int]:
    """Node and output number of an input of ``backward(inputs=)``; a computed tensor retains its gradient."""
    if isinstance(t, GradientEdge):
        return target_of(t.node), t.output_nr
    if not isinstance(t, TensorBase):
        raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(t).__name__}")
    wide: Any = t
    wide.retain_grad()
    return gradient_edge(t), int(t.nr)


from .. import _tensor  # noqa: E402
