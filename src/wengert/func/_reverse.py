"""Reverse mode as functions of functions: ``grad``, ``grad_and_value``, ``vjp``.

Note [Levels without wrappers]
    ``grad`` gives the function inputs of its own: a fresh leaf for each tensor, or a fresh view where somebody outside records
    (an outer transform or the user's graph). A gradient is asked for at those inputs, so it follows no path but those
    that begin there: the same number used outside is another place in the graph, and nested derivatives cannot be mixed
    up. What is returned keeps a graph only if that leads to leaves other than the level's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._core import backward as _backward
from .._core import errors, views
from .._core.dtypes import FLOATING
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import TensorBase, detached, requires_grad, version_of
from .._gen.functions import zeros, zeros_like
from .._record import forward
from ..autograd.grad_mode import enable_grad
from . import _physical, _scattered
from ._batched_backward import gradients
from ._dispatch import visible
from ._levels import Level, entered, leads_elsewhere, wrapping_levels
from ._tree import Structure, flatten, tree_map, unflatten

TensorFunction = Callable[..., Any]


def drop_history(t: Any, tangent: Any) -> Any:
    """The tensor as a constant, with that tangent."""
    out = detached(t)
    if tangent is not None:
        forward.set_tangent(out, tangent)
    return out


def tangent_of(t: Any) -> Any:
    """The tangent of a tensor while some forward level runs, else None."""
    return forward.tangent_of(t) if MODES.dual_level >= 0 else None


class Pullback:
    """The inputs of one level, and gradients with respect to them.

    Attributes:
        outer: whether somebody outside records.
        batch: the levels of wrapped tensors that ran when the inputs were made.
        inputs: the level's own physical tensors.
        graph: whether the graph leads out of the level.
    """

    def __init__(self, level: Level) -> None:
        self.level = level
        self.outer = is_grad_enabled()
        self.batch = wrapping_levels()
        self.inputs: list[Any] = []
        self.graph = False

    def own(self, x: Any) -> Any:
        """The level's own version of an argument."""
        if not isinstance(x, TensorBase):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        if x.dt.category < FLOATING:
            raise RuntimeError(
                errors.with_hints(
                    "only Tensors of floating point dtype can require gradients", f"this tensor is {x.dt!r}"
                )
            )
        physical = _physical.spread(x, self.batch)
        if self.outer and requires_grad(physical):
            with enable_grad():
                made = physical.view_as(physical)
            made.view_of.kind = views.CUSTOM_FUNCTION  # writing to it would change the argument
            made.view_of.version = version_of(made)
            self.graph = True
        else:
            made = drop_history(physical, tangent_of(physical))
            made.rg = True
        self.level.inputs.append(made)
        self.inputs.append(made)
        return _physical.gathered(made, self.batch)

    def arguments(self, tree: Any) -> Any:
        """``own`` for all leaves of an argument."""
        return tree_map(self.own, tree)

    def released(self, t: Any) -> Any:
        """A result as it looks from outside: without a graph, unless that leads out of the level."""
        if not isinstance(t, TensorBase):
            return t
        physical, levels = _physical.peeled(t)
        tangent = tangent_of(physical)
        ends = self.ends_here(physical)
        if tangent is not None and self.ends_here(tangent):
            tangent = detached(tangent)
        elif not ends:
            return t
        if ends:
            return _physical.gathered(drop_history(physical, tangent), levels)
        forward.set_tangent(physical, tangent)
        return t

    def ends_here(self, t: Any) -> bool:
        """Whether ``t`` has a graph that means nothing outside: it leads to the level's own leaves only, or nobody records."""
        return requires_grad(t) and not (is_grad_enabled() and leads_elsewhere(t, self.level.inputs))

    def pull(self, outputs: list[Any], seeds: list[Any], keep: bool) -> list[Any]:
        """Gradients with respect to the level's inputs, zeros where nothing depends on one.

        Args:
            outputs: results of the function.
            seeds: gradient with respect to each.
            keep: whether the graph will be used again.
        """
        foreign = _physical.foreign_levels(seeds, self.batch)
        if foreign:
            return self.pull_batched(outputs, seeds, foreign)
        roots: list[Any] = []
        grads: list[Any] = []
        for out, seed in zip(outputs, seeds, strict=True):
            physical = _physical.spread(out, self.batch)
            if requires_grad(physical):
                roots.append(physical)
                grads.append(_physical.transposed(_physical.spread(seed, self.batch), self.batch))
        found: list[Any] = [None] * len(self.inputs)
        if roots:
            recorded = self.records(roots, grads)
            found = _backward.grad(roots, self.inputs, grads, keep or recorded, recorded, True)
        results = []
        for g, x in zip(found, self.inputs, strict=True):
            if g is None:
                g = zeros_like(x.detach())
            else:
                g = _physical.transposed(g, self.batch)
                if requires_grad(g) or MODES.dual_level >= 0:  # else there is neither graph nor tangent
                    g = self.released(g)
            results.append(_physical.gathered(g, self.batch))
        return results

    def pull_batched(self, outputs: list[Any], seeds: list[Any], foreign: list[Level]) -> list[Any]:
        """``pull`` for cotangents that are batched at levels which began after the function ran."""
        rows = _physical.Rows(self.batch, foreign)
        physical = [_physical.spread(out, self.batch) for out in outputs]
        return [rows.back(g) for g in self.pull_rows(physical, [rows.front(s) for s in seeds], rows.count)]

    def pull_rows(self, outputs: list[Any], seeds: list[Any], count: int) -> list[Any]:
        """Gradients for many cotangents of physical tensors at once, the rows in front; zeros where nothing depends on one."""
        pairs = [(out, seed) for out, seed in zip(outputs, seeds, strict=True) if requires_grad(out)]
        found: list[Any] = [None] * len(self.inputs)
        if pairs:
            roots = [out for out, _ in pairs]
            grads = [_physical.transposed(seed, self.batch, 1) for _, seed in pairs]
            found = gradients(roots, self.inputs, grads, True, self.records(roots, grads))
        return [
            zeros((count, *x.shp), dtype=x.dt) if g is None else self.released(_physical.transposed(g, self.batch, 1))
            for g, x in zip(found, self.inputs, strict=True)
        ]

    def records(self, roots: list[Any], seeds: list[Any]) -> bool:
        """Whether the backward pass must itself be recorded: somebody outside may differentiate it."""
        if not is_grad_enabled():
            return False
        if self.graph or any(isinstance(s, TensorBase) and requires_grad(s) for s in seeds):
            return True
        return self.outer and any(leads_elsewhere(r, self.level.inputs) for r in roots)


def chosen(argnums: Any, count: int) -> list[int]:
    """Positions of the arguments to differentiate, counted from the front.

    Raises:
        RuntimeError: when there is no such argument.
    """
    if isinstance(argnums, tuple):
        if len(argnums) == 0:
            raise RuntimeError("argnums must be non-empty")
        if len(set(argnums)) != len(argnums):
            raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    elif not isinstance(argnums, int):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    found = []
    for argnum in argnums if isinstance(argnums, tuple) else (argnums,):
        if not isinstance(argnum, int):
            raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
        if not -count <= argnum < count:
            raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
        found.append(argnum % count)
    return found


def grad_and_value(func: TensorFunction, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> TensorFunction:
    """A function that computes the gradient of ``func`` and its value.

    Args:
        func: gives a tensor without dimensions; with ``has_aux`` a pair of that and anything else.
        argnums: which argument (or arguments) to differentiate; each may be nested tuples, lists and dicts of tensors.
        has_aux: whether ``func`` returns something besides its value.

    Returns:
        Function of the same arguments giving ``(gradient, value)``, or ``(gradient, (value, aux))``. The gradient is nested
        as the argument is; a tuple of them if ``argnums`` is a tuple.

    Raises:
        RuntimeError: when ``func`` gives something else, or there is no such argument.

    Example:
        >>> import wengert as wg
        >>> wg.func.grad_and_value(lambda x: x * x)(wg.tensor(3.0))
        (tensor(6.), tensor(9.))
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value, aux = _differentiated(func, argnums, has_aux, True, args, kwargs)
        return (gradient, (value, aux)) if has_aux else (gradient, value)

    return wrapper


def _differentiated(
    func: TensorFunction, argnums: Any, has_aux: bool, with_value: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any, Any]:
    """The gradient of ``func``, its value (None unless ``with_value``) and what it returns beside that."""
    with entered("grad") as level:
        pullback = Pullback(level)
        places = chosen(argnums, len(args))
        own = list(args)
        structures = []
        for place in places:
            leaves, structure = flatten(args[place])
            own[place] = unflatten([pullback.own(x) for x in leaves], structure)
            structures.append(structure)
        with enable_grad():
            output = visible(func)(*own, **kwargs)
        value, aux = _split_aux(output, has_aux, "grad_and_value(f)(*args)")
        _check_scalar(value)
        grads = pullback.pull([value], [_physical.ones_like(value)], False)
        gradient = _nested(grads, structures, isinstance(argnums, tuple))
        value = pullback.released(value) if with_value else None
        return gradient, value, tree_map(pullback.released, aux) if has_aux else None


def grad(func: TensorFunction, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> TensorFunction:
    """A function that computes the gradient of ``func``.

    Args:
        func: gives a tensor without dimensions; with ``has_aux`` a pair of that and anything else.
        argnums: which argument (or arguments) to differentiate; each may be nested tuples, lists and dicts of tensors.
        has_aux: whether ``func`` returns something besides its value.

    Returns:
        Function of the same arguments giving the gradient, nested as the argument is (a tuple of gradients if ``argnums`` is
        a tuple), or ``(gradient, aux)``. It can be differentiated again.

    Raises:
        RuntimeError: when ``func`` gives something else, or there is no such argument.

    Example:
        >>> import wengert as wg
        >>> wg.func.grad(wg.func.grad(wg.sin))(wg.tensor(0.5)) + wg.sin(wg.tensor(0.5))
        tensor(0.)
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, _, aux = _differentiated(func, argnums, has_aux, False, args, kwargs)
        return (gradient, aux) if has_aux else gradient

    return wrapper


def vjp(func: TensorFunction, *primals: Any, has_aux: bool = False) -> Any:
    """The value of ``func``, and a function that multiplies a cotangent with its Jacobian.

    Args:
        func: function of tensors, or of nested tuples, lists and dicts of them.
        primals: its arguments.
        has_aux: whether ``func`` returns a pair of its value and something else.

    Returns:
        ``(value, vjp_fn)`` or ``(value, vjp_fn, aux)``. ``vjp_fn`` takes a cotangent nested as the value and returns a tuple
        with one gradient per primal; it may be called any number of times.

    Raises:
        RuntimeError: when ``func`` gives anything but floating or complex tensors, or a cotangent does not fit.

    Example:
        >>> import wengert as wg
        >>> value, pull = wg.func.vjp(lambda x: x * x, wg.tensor([1.0, 2.0]))
        >>> pull(wg.ones(2))
        (tensor([2., 4.]),)
    """
    pulled = Pulled(func, primals, has_aux)

    def vjp_fn(cotangents: Any, retain_graph: bool = True) -> Any:
        """Gradients of the primals, given that of the value."""
        seeds, seed_structure = flatten(cotangents)
        if seed_structure != pulled.out_structure:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. "
                f"cotangents: {seed_structure!r}, primal output: {pulled.out_structure!r}"
            )
        _check_seeds(pulled.outputs, seeds)
        return unflatten(pulled.pullback.pull(pulled.outputs, seeds, retain_graph), pulled.in_structure)

    return (pulled.value, vjp_fn, pulled.aux) if has_aux else (pulled.value, vjp_fn)


class Pulled:
    """A function that has run, and the way back through it.

    Attributes:
        outputs, out_structure: what it gave, with the graph, and how it is nested.
        in_structure: how the primals are nested.
        value, aux: what it gave, as it looks from outside.
    """

    def __init__(self, func: TensorFunction, primals: tuple[Any, ...], has_aux: bool) -> None:
        with entered("grad") as level:
            self.pullback = Pullback(level)
            leaves, self.in_structure = flatten(primals)
            own = unflatten([self.pullback.own(x) for x in leaves], self.in_structure)
            with enable_grad():
                output = visible(func)(*own)
            value, aux = _split_aux(output, has_aux, "vjp(f, *primals)")
            self.outputs, self.out_structure = flatten(value)
            _check_outputs(self.outputs)
            self.value = unflatten([self.pullback.released(o) for o in self.outputs], self.out_structure)
            self.aux = tree_map(self.pullback.released, aux)

    def rows(self, cotangents: list[Any]) -> list[Any]:
        """Gradients of the inputs for many cotangents at once.

        Args:
            cotangents: for each output plain tensors, the rows in front.

        Returns:
            For each input the gradients, the rows in front.
        """
        pullback = self.pullback
        batch = pullback.batch
        count = cotangents[0].shp[0]
        if count == 1:
            return [g.unsqueeze(0) for g in pullback.pull(self.outputs, [c.select(0, 0) for c in cotangents], True)]
        outputs = [_physical.spread(o, batch) for o in self.outputs]
        seeds = [_physical.spread(c, batch).movedim(len(batch), 0) for c in cotangents] if batch else cotangents
        found = pullback.pull_rows(outputs, seeds, count)
        return [_physical.gathered(g.movedim(0, len(batch)), batch) for g in found] if batch else found

    def all_rows(self) -> list[Any] | None:
        """``rows`` for all unit cotangents of a single output; None where they are no ``Scattered``."""
        if len(self.outputs) > 1 or self.pullback.batch or MODES.unusual:  # scattered rows have no tangents
            return None
        out = self.outputs[0]
        if out.shp.numel() < 2 or not _scattered.kind_fits(out.dt):
            return None
        seed = _scattered.identity(out)
        return self.pullback.pull_rows(self.outputs, [seed], seed.count)


def _split_aux(output: Any, has_aux: bool, what: str) -> tuple[Any, Any]:
    if not has_aux:
        return output, None
    if not (isinstance(output, tuple) and len(output) == 2):
        raise RuntimeError(f"{what}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return output


def _check_scalar(value: Any) -> None:
    """The value of a function whose gradient is wanted has no dimensions."""
    what = "grad_and_value(f)(*args): Expected f(*args) to return a"
    if not isinstance(value, TensorBase):
        raise RuntimeError(f"{what} Tensor, got {type(value)}")
    if len(value.shp) != 0:
        raise RuntimeError(
            f"{what} scalar Tensor, got tensor with {len(value.shp)} dims. Maybe you wanted to use the vjp or jacrev APIs "
            "instead?"
        )


def _check_outputs(outputs: list[Any]) -> None:
    if len(outputs) == 0:
        raise RuntimeError("vjp(f, *primals): Expected f to be a function that has non-empty output (got output = ())")
    for out in outputs:
        if not isinstance(out, TensorBase):
            raise RuntimeError(
                f"vjp(f, *primals): expected f(*primals) to return only tensors, got unsupported type {type(out)}"
            )
        if out.dt.category < FLOATING:
            raise RuntimeError(
                f"vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype {out.dt!r}"
            )


def _check_seeds(outputs: list[Any], seeds: list[Any]) -> None:
    for i, (out, seed) in enumerate(zip(outputs, seeds, strict=True)):
        if not isinstance(seed, TensorBase):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(seed).__name__}")
        if seed.shp != out.shp:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {seed.shp} and output[{i}] has a shape of {out.shp}."
            )


def _nested(grads: list[Any], structures: list[Structure], several: bool) -> Any:
    """Gradients nested as the arguments were."""
    found = []
    start = 0
    for structure in structures:
        found.append(unflatten(grads[start : start + structure.count], structure))
        start += structure.count
    return tuple(found) if several else found[0]
