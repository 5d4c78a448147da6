"""``fuse``: a Python function of tensors as one operator, one pass over the data forward and one backward.

The function is run once on tensors whose arrays are traced values (kernels/tracing.py): every operator that works element by
element leaves its formula there. Its derivative is the function that runs it and differentiates it, traced the same way;
so derivatives of any order need no rules of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from . import autograd
from ._core.dtypes import dtype_of, float32, float64, intern_size
from ._core.modes import MODES, is_grad_enabled
from ._core.tensor_base import TensorBase
from ._record import forward
from ._record.common import sum_to
from ._record.general import General, general_many
from ._tensor import Tensor
from .autograd.grad_mode import enable_grad, no_grad
from .kernels import elementwise, rowwise
from .kernels.plans import plan
from .kernels.tracing import Traced, constant

Function = Callable[..., Any]

PROGRAMS: Final = 256  # of one function: more shapes than that, and it begins anew


def fuse(function: Function) -> Function:
    """The function as one operator: one pass over the data forward, one pass backward.

    Each element of its results depends on the elements of its arguments at the same place (after broadcasting), or on rows:
    sums, means, maxima and the like over the last dimension with ``keepdim=True``, softmax along it. Values are those of the
    function up to rounding. Other dtypes than float32 and float64, mixed ones, 0-d tensors and ``vmap`` run the function itself.

    Args:
        function: of tensors, which show it the shape to which they broadcast, and of other values, which count as
            constants. It is traced at the first call for each dtype, shape and set of constants: what it reads from
            elsewhere (numbers, flags) is read then, and it may not branch on values of tensors.

    Returns:
        A function of the same arguments, differentiable to any order.

    Raises:
        TypeError: at the call, for an operator that is neither elementwise nor such a reduction; for tensors that are not
            arguments; for a branch that depends on values.

    Example:
        >>> f = fuse(lambda x: (x * x + x).tanh() * 2 - x)
        >>> f(tensor([0., 1.]))
        tensor([0.0000, 0.9281])

    Source: none in PyTorch, where ``torch.compile`` comes near.
    """
    programs: dict[Any, Program] = {}

    @functools.wraps(function)
    def fused(*args: Any, **options: Any) -> Any:
        places = [i for i, x in enumerate(args) if isinstance(x, TensorBase)]
        tensors: list[Any] = [args[i] for i in places]
        if options or not _is_plain(tensors):
            return function(*args, **options)
        constants = tuple(x for i, x in enumerate(args) if i not in places)
        shape = _frame(tensors)
        key = (tensors[0].dt, shape, tuple(places), constants, tuple(map(type, constants)))
        program = programs.get(key)
        if program is None:
            if len(programs) >= PROGRAMS:
                programs.clear()
            program = Program(_of_tensors(function, args, places), len(places), tensors[0].dt.np, shape)
            programs[key] = program
        found = program(tensors)
        if found is None:
            return function(*args)
        return found[0] if program.single else tuple(found)

    return fused


def _is_plain(tensors: Sequence[Any]) -> bool:
    """Whether these tensors are for kernels."""
    if not tensors or tensors[0].dt not in (float32, float64):
        return False
    dtype = tensors[0].dt
    return all(isinstance(t.array, np.ndarray) and t.dt is dtype and len(t.shp) > 0 for t in tensors)


def _frame(tensors: Sequence[Any]) -> tuple[int, ...]:
    """The shape to which the arguments broadcast, and which all of them show to the function."""
    shapes = [tuple(t.shp) for t in tensors]
    if all(shape == shapes[0] for shape in shapes):
        return shapes[0]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise TypeError(f"fuse: the arguments do not broadcast: {', '.join(map(str, shapes))}") from error


def _of_tensors(function: Function, args: tuple[Any, ...], places: list[int]) -> Function:
    """The function with its constants filled in."""
    rest = list(args)
    for place in places:
        rest[place] = None  # a program must not keep the tensors of its first call alive

    def filled(*tensors: Any) -> Any:
        given = list(rest)
        for place, tensor in zip(places, tensors):
            given[place] = tensor
        return function(*given)

    return filled


def _of_result(result: Any, grad: Any) -> Any:
    """The gradient of a result, which a formula sees in the shape of its inputs: one number per row, if that is the result."""
    return grad if grad.shp == result.shp else grad.amax(-1, keepdim=True)


class Program:
    """A function of tensors of one dtype, traced.

    Attributes:
        function: of ``count`` tensors.
        kernel: its formula; None as long as it has not been traced.
        shape: to which its inputs broadcast.
        rows: whether it reduces.
        single: whether it returns one tensor and not a tuple.
        depends: for each result the inputs that it depends on.
    """

    def __init__(self, function: Function, count: int, dtype: Any, shape: tuple[int, ...]) -> None:
        self.function = function
        self.count = count
        self.dtype = dtype
        self.shape = shape
        self.single = True
        traced = plan(self.formula, (True,) * count, True)
        self.rows = traced.reduces
        self.depends = traced.depends
        self.kernel = (rowwise if self.rows else elementwise)(self.formula)
        self.derivatives: dict[tuple[bool, ...], Program] = {}
        self.pushforwards: dict[tuple[bool, ...], Program] = {}

    def formula(self, *arrays: Any) -> Any:
        """The function for arrays or traced values."""
        tensors = [self.shown(x) for x in arrays]
        try:
            with no_grad():
                results = self.function(*tensors)
        except TypeError as error:
            raise TypeError(f"fuse: {error}") from error
        except Exception as error:
            inner = error.__context__  # what an operator made of the refusal of a traced value
            if isinstance(inner, TypeError) and str(inner).startswith("a formula"):
                raise TypeError(f"fuse: {inner}") from error
            asked = error.name if isinstance(error, AttributeError) and isinstance(error.obj, Traced) else None
            reason = error if asked is None else f"an operator asks for the {asked} of an array"
            raise TypeError(f"fuse: the function is neither elementwise nor one of rows: {reason}") from error
        self.single = not isinstance(results, (tuple, list))
        traced = isinstance(arrays[0], Traced)
        found = tuple(self.read(x, traced) for x in ([results] if self.single else results))
        return found[0] if self.single else found

    def shown(self, x: Any) -> Any:
        """A tensor around an array or a traced value."""
        if isinstance(x, Traced) and x.shape is None:
            x.shape, x.dtype = self.shape, self.dtype
        return Tensor(x, dtype_of(x), intern_size(x.shape))

    def read(self, result: Any, traced: bool) -> Any:
        """The array or traced value of a result."""
        if not isinstance(result, TensorBase):
            raise TypeError(f"the function returned a {type(result).__name__}, not a tensor")
        array = result.array
        if not traced:
            return array
        value = array if isinstance(array, Traced) else constant(array, self.shape)
        if not value.vector and tuple(result.shp[-1:]) != (1,):
            return Traced("move", (value,), True)  # one number per row, shown along the row
        return value

    def __call__(self, tensors: Sequence[Any]) -> list[Any] | None:
        """Results, or None where the shapes of results would not be those of the function."""
        shapes = [tuple(t.shp) for t in tensors]
        if any(shape != shapes[0] for shape in shapes):
            frame = self.shape
            if self.rows and any(shape[-1] != frame[-1] for shape in shapes):
                return None
            if any(np.broadcast_shapes(*[shapes[i] for i in found]) != frame for found in self.depends):
                return None
        return self.run(tensors)

    def run(self, tensors: Sequence[Any]) -> list[Any]:
        """Results as one node."""
        return list(general_many(FusedBackward(self), list(tensors)))

    def derivative(self, wanted: tuple[bool, ...]) -> Program:
        """The program that maps gradients of the results and the inputs to the gradients of the wanted inputs."""
        return self.joined(self.derivatives, wanted, self.pullback, len(self.depends))

    def pullback(self, wanted: tuple[bool, ...]) -> Function:
        """That map, as a function of tensors."""
        outputs = len(self.depends)

        def gradients(*tensors: Any) -> Any:
            grads, inputs = tensors[:outputs], tensors[outputs:]
            again = is_grad_enabled()
            with enable_grad():
                seen = [self.tracked(x) for x in inputs]
                results = self.function(*seen)
            results = [results] if self.single else list(results)
            reached = [(r, _of_result(r, g)) for r, g in zip(results, grads) if r.requires_grad]
            asked = [x for x, want in zip(seen, wanted) if want]
            if not reached:
                return tuple(x.new_zeros(x.shp) for x in asked)
            ends, starts = [r for r, _ in reached], [g for _, g in reached]
            found = autograd.grad(ends, asked, starts, create_graph=again, allow_unused=True)
            return tuple(x.new_zeros(x.shp) if g is None else g for x, g in zip(asked, found))

        return gradients

    def pushforward(self, wanted: tuple[bool, ...]) -> Program:
        """The program that maps tangents of the wanted inputs and the inputs to the tangents of the results."""
        return self.joined(self.pushforwards, wanted, self.tangent_map, sum(wanted))

    def joined(self, known: dict[tuple[bool, ...], Program], wanted: tuple[bool, ...], rule: Any, more: int) -> Program:
        """The program of ``rule(wanted)``, a function of so many tensors more than the inputs; made once."""
        found = known.get(wanted)
        if found is None:
            found = known[wanted] = Program(rule(wanted), more + self.count, self.dtype, self.shape)
        return found

    def tangent_map(self, wanted: tuple[bool, ...]) -> Function:
        """That map, as a function of tensors."""

        def tangents(*tensors: Any) -> Any:
            given, inputs = tensors[: sum(wanted)], tensors[sum(wanted) :]
            if MODES.dual_level >= 0:  # there is but one level
                return self.pulled_twice(wanted, given, inputs)
            with forward.own_level():
                for x, tangent in zip([x for x, want in zip(inputs, wanted) if want], given):
                    forward.set_tangent(x, tangent)
                results = self.function(*inputs)
                results = [results] if self.single else list(results)
                found = [forward.tangent_of(r) for r in results]
            return tuple(r.new_zeros(r.shp) if t is None else t for r, t in zip(results, found))

        return tangents

    def pulled_twice(self, wanted: tuple[bool, ...], given: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Tangents of the results: the pullback is linear in the gradients, so its own pullback is the map of tangents."""
        again = is_grad_enabled()
        with enable_grad():
            grads = [self.tracked(inputs[0].new_zeros(self.shape)) for _ in self.depends]
            pulled = self.pullback(wanted)(*grads, *inputs)
        found = autograd.grad(pulled, grads, given, create_graph=again, allow_unused=True)
        return tuple(inputs[0].new_zeros(self.shape) if t is None else t for t in found)

    def tracked(self, x: Any) -> Any:
        """The tensor, with a graph from here on."""
        if x.requires_grad:
            return x
        own = Tensor(x.array, x.dt, x.shp)
        own.rg = True  # not requires_grad_(), which the transforms of func refuse
        tangent = forward.tangent_of(x) if MODES.dual_level >= 0 else None
        if tangent is not None:
            forward.set_tangent(own, tangent)
        return own


class FusedBackward(General):
    """The node of a call."""

    def __init__(self, program: Program) -> None:
        self.program: Program = program

    def input_names(self) -> list[str]:
        return [f"input{i}" for i in range(self.program.count)]

    def output_names(self) -> list[str]:
        return [f"result{i}" for i in range(len(self.program.depends))]

    def saves(self) -> list[str]:
        return self.input_names()

    def forward(self, arrays: list[Any]) -> Any:
        found = self.program.kernel(1, *arrays) if self.program.rows else self.program.kernel(*arrays)
        return list(found) if isinstance(found, tuple) else [found]

    def backward(self, grads: list[Any]) -> list[Any]:
        inputs = [self.tensor(name) for name in self.input_names()]
        wanted = tuple(self.wanted(i) for i in range(len(inputs)))
        given = [inputs[0].new_zeros(self.program.shape) if g is None else g for g in grads]
        found = self.program.derivative(wanted).run([*given, *inputs])
        left = iter(found)
        return [sum_to(next(left), x.shp) if want else None for x, want in zip(inputs, wanted)]

    def jvp(self, tangents: list[Any], inputs: list[Any], results: list[Any]) -> list[Any]:
        given = [t for t in tangents if t is not None]
        return self.program.pushforward(tuple(t is not None for t in tangents)).run([*given, *inputs])
