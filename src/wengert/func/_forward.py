"""Forward mode as functions of functions: ``jvp``, ``linearize``.

Note [One forward level]
    Tangents beside values exist at one level. The outermost ``jvp`` uses it; one inside takes the derivative of a
    vector-Jacobian product, which is linear in its cotangent, with respect to that: the same number, and the tangents of the
    outer level pass through it as through any computation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._core import backward as _backward
from .._core import errors
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import TensorBase, requires_grad
from .._gen import functions
from ..autograd import forward_ad
from ..autograd.grad_mode import enable_grad
from . import _physical
from ._batched_backward import gradients
from ._dispatch import visible
from ._levels import STACK, entered, wrapping_levels
from ._reverse import Pullback, TensorFunction
from ._tree import flatten, tree_map, unflatten

JVP = "jvp(f, primals, tangents)"


def jvp(func: TensorFunction, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The value of ``func`` and its derivative in a direction.

    Args:
        func: function of tensors, or of nested tuples, lists and dicts of them.
        primals: tuple of its arguments.
        tangents: the direction, nested and shaped like ``primals``.
        strict: raise if an output does not depend on the primals, instead of giving zeros.
        has_aux: whether ``func`` returns a pair of its value and something else.

    Returns:
        ``(value, tangent)``, or ``(value, tangent, aux)``.

    Raises:
        RuntimeError: when tangents do not fit the primals, or ``func`` gives anything but tensors.

    Example:
        >>> import wengert as wg
        >>> wg.func.jvp(wg.exp, (wg.tensor(0.0),), (wg.tensor(2.0),))
        (tensor(1.), tensor(2.))
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    leaves, structure = flatten(primals)
    directions, tangent_structure = flatten(tangents)
    if structure != tangent_structure:
        raise RuntimeError(
            f"{JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 "
            f"tensors, tangents also must be. Got primals with structure {structure!r} and tangents with structure "
            f"{tangent_structure!r}"
        )
    _check_leaves(leaves, "primals")
    _check_leaves(directions, "tangents")
    for x, v in zip(leaves, directions, strict=True):
        if x.shp != v.shp:
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
                f"supported. Tensor is of size {errors.shape_text(x.shp)} while the given forward gradient is of size "
                f"{errors.shape_text(v.shp)}."
            )
    run = _by_tangents if MODES.dual_level < 0 else _by_two_pullbacks
    value, found, aux = run(func, leaves, directions, structure, has_aux)
    outputs, out_structure = flatten(value)
    if strict and any(t is None for t in found):
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with "
            "strict=True."
        )
    filled = [_physical.zeros_like(o) if t is None else t for o, t in zip(outputs, found, strict=True)]
    result = (value, unflatten(filled, out_structure))
    return (*result, aux) if has_aux else result


def _check_leaves(leaves: list[Any], name: str) -> None:
    if not leaves:
        raise RuntimeError(f"{JVP}: Expected {name} to contain at least one Tensor.")
    for leaf in leaves:
        if not isinstance(leaf, TensorBase):
            raise RuntimeError(f"{JVP}: Expected {name} to only contain Tensors, got {type(leaf)}")


def _value_and_aux(output: Any, has_aux: bool) -> tuple[Any, Any]:
    aux = None
    if has_aux:
        if not (isinstance(output, tuple) and len(output) == 2):
            raise RuntimeError(f"{JVP}: output of function f should be a tuple: (output, aux) if has_aux is True")
        output, aux = output
    for out in flatten(output)[0]:
        if not isinstance(out, TensorBase):
            raise RuntimeError(f"{JVP}: expected f(*primals) to return only tensors, got unsupported type {type(out)}")
    return output, aux


def _by_tangents(func: Any, leaves: list[Any], directions: list[Any], structure: Any, has_aux: bool) -> Any:
    """One pass in forward mode."""
    with entered("jvp"), forward_ad.dual_level():
        batch = wrapping_levels()
        duals = []
        for x, v in zip(leaves, directions, strict=True):
            physical, tangent = _physical.spread(x, batch), _physical.spread(v, batch)
            if tangent.dt is not physical.dt:
                tangent = tangent.to(physical.dt)
            duals.append(_physical.gathered(forward_ad.make_dual(physical, tangent), batch))
        value, aux = _value_and_aux(visible(func)(*unflatten(duals, structure)), has_aux)
        outputs, out_structure = flatten(value)
        primal_out: list[Any] = []
        tangents: list[Any] = []
        for out in outputs:
            physical, levels = _physical.peeled(out)
            unpacked = forward_ad.unpack_dual(physical)
            primal_out.append(_physical.gathered(unpacked.primal, levels))
            tangents.append(None if unpacked.tangent is None else _physical.gathered(unpacked.tangent, levels))
        return unflatten(primal_out, out_structure), tangents, tree_map(_without_tangent, aux)


def _without_tangent(t: Any) -> Any:
    if not isinstance(t, TensorBase):
        return t
    physical, levels = _physical.peeled(t)
    return _physical.gathered(forward_ad.unpack_dual(physical).primal, levels)


class Linear:
    """The derivative of a function at a point as a linear map, recorded once."""

    def __init__(self, func: Any, leaves: list[Any], structure: Any, has_aux: bool) -> None:
        with entered("grad") as level:
            self.pullback = Pullback(level)
            own = unflatten([self.pullback.own(x) for x in leaves], structure)
            self.keep = is_grad_enabled()
            with enable_grad():
                value, self.aux = _value_and_aux(visible(func)(*own), has_aux)
                outputs, self.structure = flatten(value)
                self.outputs = [_physical.spread(o, self.pullback.batch) for o in outputs]
                self.cotangents = [functions.zeros_like(o.detach()) for o in self.outputs]
                for c in self.cotangents:
                    c.rg = True
                self.forward = self._pulled()
            self.value = unflatten([self.pullback.released(o) for o in outputs], self.structure)
            self.aux = tree_map(self.pullback.released, self.aux)

    def _pulled(self) -> list[Any]:
        pairs = [(o, c) for o, c in zip(self.outputs, self.cotangents, strict=True) if requires_grad(o)]
        inputs = self.pullback.inputs
        if not pairs:
            return [None] * len(inputs)
        return _backward.grad([o for o, _ in pairs], inputs, [c for _, c in pairs], True, True, True)

    def apply(self, directions: list[Any]) -> list[Any]:
        """The derivative in a direction, one tensor (or None for zero) per output."""
        own = self.pullback
        pairs = [(p, v) for p, v in zip(self.forward, directions, strict=True) if p is not None and requires_grad(p)]
        if not pairs:
            return [None] * len(self.outputs)
        roots = [p for p, _ in pairs]
        records = self.keep and is_grad_enabled()
        rows = _physical.Rows(own.batch, _physical.foreign_levels(directions, own.batch))
        if rows.foreign:
            found = gradients(roots, self.cotangents, [rows.front(v) for _, v in pairs], True, records)
        else:
            seeds = [_physical.spread(v, own.batch) for _, v in pairs]
            found = _backward.grad(roots, self.cotangents, seeds, True, records, True)
        for level in (own.level, *STACK.levels):  # these leaves are nobody's outside
            level.inputs.extend(c for c in self.cotangents if not any(c is i for i in level.inputs))
        back = rows.back if rows.foreign else functools.partial(_physical.gathered, levels=own.batch)
        return [None if t is None else own.released(back(t)) for t in found]

    def _filled(self, directions: list[Any]) -> list[Any]:
        found = self.apply(directions)
        pairs = zip(found, flatten(self.value)[0], strict=True)
        return [_physical.zeros_like(o) if t is None else t for t, o in pairs]


def _by_two_pullbacks(func: Any, leaves: list[Any], directions: list[Any], structure: Any, has_aux: bool) -> Any:
    """The derivative of the vector-Jacobian product, see Note [One forward level]."""
    linear = Linear(func, leaves, structure, has_aux)
    return linear.value, linear.apply(directions), linear.aux


def linearize(func: TensorFunction, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of ``func``, and its derivative there as a function of the direction.

    Args:
        func: function of tensors, or of nested tuples, lists and dicts of them.
        primals: its arguments.

    Returns:
        ``(value, jvp_fn)``; ``jvp_fn`` takes a direction shaped like the primals and may be called any number of times
        without computing ``func`` again.

    Raises:
        RuntimeError: when a direction does not fit the primals.

    Example:
        >>> import wengert as wg
        >>> value, derivative = wg.func.linearize(lambda x: x * x, wg.tensor([1.0, 2.0]))
        >>> derivative(wg.ones(2))
        tensor([2., 4.])
    """
    leaves, structure = flatten(primals)
    _check_leaves(leaves, "primals")
    linear = Linear(func, leaves, structure, False)

    def jvp_fn(*tangents: Any) -> Any:
        """The derivative in the direction of ``tangents``."""
        directions, tangent_structure = flatten(tangents)
        if tangent_structure != structure:
            raise RuntimeError(
                f"Expected the tangents {tangent_structure!r} to have the same argspec as the primals {structure!r}"
            )
        for i, (v, x) in enumerate(zip(directions, leaves, strict=True)):
            for what, mine, wanted in (("shape", v.shp, x.shp), ("dtype", v.dt, x.dt)):
                if mine != wanted:
                    raise RuntimeError(
                        f"tangent:{i} with {what} {mine} in flattened pytree doesn't match the {what} {wanted} of the "
                        "corresponding primal."
                    )
        found = linear._filled(directions)
        return unflatten(found, linear.structure)

    return linear.value, jvp_fn
