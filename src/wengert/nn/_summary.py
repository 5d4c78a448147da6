"""``nn.summary``: the layers of a model with shapes, parameters, bytes and times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .._gen.functions import randn
from .._tensor import Tensor
from ..autograd.grad_mode import no_grad
from ..autograd.graph_memory import bytes_text
from ..ops.random import default_generator
from .parameter_lazy import is_lazy


@dataclass
class LayerSummary:
    """One module of a model; its numbers count all modules below it too, every tensor once.

    Attributes:
        name: dotted name, ``""`` for the model itself.
        kind: name of the class.
        input: shapes of the arguments of its first call, nested as they are; None if it was not called.
        output: shapes of the result of its first call.
        trainable: elements of parameters that require grad.
        frozen: elements of the other parameters.
        parameter_bytes: bytes of all parameters.
        buffer_bytes: bytes of all buffers.
        output_bytes: bytes of the result of its first call.
        calls: how often it was called in one forward pass.
        seconds: time of these calls.
        same_as: name under which the same module has a row above; that row has the numbers of all calls.
    """

    name: str
    kind: str
    input: Any = None
    output: Any = None
    trainable: int = 0
    frozen: int = 0
    parameter_bytes: int = 0
    buffer_bytes: int = 0
    output_bytes: int = 0
    calls: int = 0
    seconds: float = 0.0
    same_as: str | None = None

    @property
    def parameters(self) -> int:
        """Elements of all parameters."""
        return self.trainable + self.frozen

    @property
    def depth(self) -> int:
        """How many modules stand above it."""
        return len(self.name.split(".")) if self.name else 0


@dataclass
class Summary:
    """What ``nn.summary`` found: ``layers``, a list of ``LayerSummary``, the model itself first; ``print`` shows a table.

    Attributes:
        layers: one entry for each module, in the order of registration.
        depth: the table shows modules down to this depth; None for all.
        activation_bytes: bytes of the results of all modules that have no modules below them.
    """

    layers: list[LayerSummary] = field(default_factory=list)
    depth: int | None = None
    activation_bytes: int = 0

    @property
    def total(self) -> LayerSummary:
        """The entry of the model itself."""
        return self.layers[0]

    def __getitem__(self, name: str) -> LayerSummary:
        """The entry of a module by its dotted name; KeyError if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def __str__(self) -> str:
        shown = [layer for layer in self.layers if self.depth is None or layer.depth <= self.depth]
        rows = [("layer", "output", "parameters", "bytes", "time"), *(_cells(layer) for layer in shown)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [_line(row, widths) for row in rows]
        rule = "-" * max(len(line) for line in lines)
        return "\n".join([lines[0], rule, *lines[1:], rule, *self._foot()])

    __repr__ = __str__

    def _foot(self) -> list[str]:
        """Totals below the table."""
        total = self.total
        trained = f"{total.trainable:,} trainable" + (f", {total.frozen:,} frozen" if total.frozen else "")
        lines = [f"parameters: {trained} ({bytes_text(total.parameter_bytes)})"]
        if total.buffer_bytes:
            lines.append(f"buffers: {bytes_text(total.buffer_bytes)}")
        if total.calls:
            lines.append(f"results of layers: {bytes_text(self.activation_bytes)}")
            lines.append(f"forward pass: {_seconds_text(total.seconds)}")
        return lines


def summary(model: Any, *inputs: Any, depth: int | None = None, **kwargs: Any) -> Summary:
    """Call a model once and tell what its layers are: shapes, numbers of parameters, bytes, times.

    The model is called in evaluation mode and without gradients, first to see the shapes and once more to take the times;
    modes, buffers and the random state are afterwards as they were before.

    Args:
        model: a module.
        inputs: its arguments. A tuple of ints is the shape of random numbers, the size of the batch included; anything
            else is given to the model as it is. Without any argument the model is not called.
        depth: show modules in the table down to this depth only.
        kwargs: keyword arguments of the model.

    Returns:
        A ``Summary``; printing it shows a table.

    Raises:
        What the model raises, with a note that says in which layer.

    Example:
        >>> from wengert import nn
        >>> found = summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), (5, 4))
        >>> found["0"].output, found["0"].trainable, found.total.parameter_bytes
        ((5, 8), 40, 232)
    """
    table, records = _entries(model)
    if inputs or kwargs:
        with _evaluation(model):
            given = [_made(value, model) for value in inputs]
            _Watch(records, shapes=True).call(model, given, kwargs)
            watch = _Watch(records, shapes=False)
            watch.call(model, given, kwargs)
        for key, (calls, seconds) in watch.timed.items():
            records[key].calls, records[key].seconds = calls, seconds
    for module in model.modules():
        if id(module) in records:
            _count(module, records[id(module)])
    parents = {id(module) for module in model.modules() if any(True for _ in module.children())}
    results = sum(layer.output_bytes * layer.calls for key, layer in records.items() if key not in parents)
    return Summary(table, depth, results)


# -- counting --------------------------------------------------------------------------------------------------------------


def _entries(model: Any) -> tuple[list[LayerSummary], dict[int, LayerSummary]]:
    """One entry for each name of a module, and the first entry of each module by its id."""
    table: list[LayerSummary] = []
    first: dict[int, LayerSummary] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        known = first.get(id(module))
        if known is not None:
            table.append(LayerSummary(name, known.kind, same_as=known.name))
            continue
        first[id(module)] = LayerSummary(name, type(module).__name__)
        table.append(first[id(module)])
    return table, first


def _count(module: Any, entry: LayerSummary) -> None:
    """Parameters and buffers of a module; after the call, which is what makes those of lazy modules."""
    entry.kind = type(module).__name__
    for p in module.parameters():
        size = 0 if is_lazy(p) else p.numel()
        entry.trainable += size if p.requires_grad else 0
        entry.frozen += 0 if p.requires_grad else size
        entry.parameter_bytes += size * p.element_size()
    entry.buffer_bytes = sum(0 if is_lazy(b) else b.nbytes for b in module.buffers())


def _made(value: Any, model: Any) -> Any:
    """Random numbers for a shape, in the dtype of the model; other values as they are."""
    if not (isinstance(value, tuple) and value and all(type(n) is int for n in value)):
        return value
    dtypes = [p.dtype for p in model.parameters() if p.is_floating_point() or p.is_complex()]
    return randn(value, dtype=dtypes[0] if dtypes else None)


# -- watching a call -------------------------------------------------------------------------------------------------------


@contextmanager
def _evaluation(model: Any) -> Iterator[None]:
    """Evaluation mode; afterwards modes, buffers and random state are as before."""
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers() if not is_lazy(buffer)]
    state = default_generator.get_state()
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        with no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)
        default_generator.set_state(state)


class _Watch:
    """Hooks on all modules during one call of the model: either the shapes of first calls, or number and time of all."""

    def __init__(self, records: dict[int, LayerSummary], shapes: bool) -> None:
        self.records = records
        self.shapes = shapes
        self.running: list[tuple[Any, tuple[Any, ...], float]] = []
        self.timed: dict[int, tuple[int, float]] = {}

    def call(self, model: Any, inputs: list[Any], kwargs: dict[str, Any]) -> None:
        """Call the model and take the hooks away again."""
        handles = []
        for module in model.modules():
            handles.append(module.register_forward_pre_hook(self.before, prepend=True, with_kwargs=True))
            handles.append(module.register_forward_hook(self.after, with_kwargs=True))
        try:
            model(*inputs, **kwargs)
        except Exception as error:
            self.explain(error)
            raise
        finally:
            for handle in handles:
                handle.remove()

    def before(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A module begins."""
        self.running.append((module, (*args, *kwargs.values()), time.perf_counter()))

    def after(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """A module has ended."""
        _, given, start = self.running.pop()
        entry = self.records.get(id(module))
        if entry is None:  # made during the call
            return
        if not self.shapes:
            calls, seconds = self.timed.get(id(module), (0, 0.0))
            self.timed[id(module)] = calls + 1, seconds + time.perf_counter() - start
        elif entry.output is None:
            inputs = tuple(_shapes(value) for value in given)
            entry.input = inputs[0] if len(inputs) == 1 else inputs
            entry.output = _shapes(output)
            entry.output_bytes = sum(t.numel() * t.element_size() for t in _tensors(output))

    def explain(self, error: Exception) -> None:
        """Say in which layer an exception was raised."""
        if not self.running:
            return
        module, given, _ = self.running[-1]
        entry = self.records.get(id(module))
        name = type(module).__name__ if entry is None else f"{entry.name or 'the model'} ({entry.kind})"
        shapes = ", ".join(_shape_text(_shapes(value)) for value in given)
        error.add_note(f"nn.summary: raised in {name}, which was called with {shapes or 'no arguments'}")


def _shapes(value: Any) -> Any:
    """Shapes in the place of tensors; names of classes in the place of everything else that holds none."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, dict):
        return {key: _shapes(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shapes(item) for item in value]
    return None if value is None else type(value).__name__


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in a nested value."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)


# -- text ------------------------------------------------------------------------------------------------------------------


def _cells(layer: LayerSummary) -> tuple[str, ...]:
    """One line of the table."""
    last = layer.name.rpartition(".")[2]
    title = "  " * layer.depth + (f"{last}: {layer.kind}" if last else layer.kind)
    if layer.same_as is not None:
        return f"{title} (same as {layer.same_as})", "", "", "", ""
    parameters = f"{layer.parameters:,}" if layer.parameters else ""
    if layer.frozen:
        parameters += " frozen" if not layer.trainable else f" ({layer.frozen:,} frozen)"
    size = layer.parameter_bytes + layer.buffer_bytes
    repeated = f" ({layer.calls} calls)" if layer.calls > 1 else ""
    return (
        title,
        (_shape_text(layer.output) if layer.calls else "") + repeated,
        parameters,
        bytes_text(size) if size else "",
        _seconds_text(layer.seconds) if layer.calls else "",
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    """Names and shapes to the left, numbers to the right."""
    parts = [cell.ljust(n) if i < 2 else cell.rjust(n) for i, (cell, n) in enumerate(zip(cells, widths, strict=True))]
    return "  ".join(parts).rstrip()


def _shape_text(shapes: Any) -> str:
    """``5 x 8`` for a shape, ``(5 x 8, 2)`` for several."""
    match shapes:
        case tuple():
            return " x ".join(map(str, shapes)) or "scalar"
        case dict():
            return "{" + ", ".join(f"{key}: {_shape_text(item)}" for key, item in shapes.items()) + "}"
        case list():
            return "(" + ", ".join(_shape_text(item) for item in shapes) + ")"
        case _:
            return str(shapes)


def _seconds_text(seconds: float) -> str:
    """``1.5 ms``."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.0f} us"
