"""Forward mode: tensors that carry a tangent through the operations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from .._core import errors, modes
from .._core.dtypes import FLOATING
from .._core.graph import Identity
from .._record import forward


class UnpackedDualTensor(NamedTuple):
    """Primal and tangent of a dual tensor; the tangent is None if there is none."""

    primal: Any
    tangent: Any


def enter_dual_level() -> int:
    """Start forward mode; returns the level, 0.

    Raises:
        RuntimeError: inside another level: only one exists.
    """
    if modes.MODES.dual_level >= 0:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    modes.set_dual_level(0)
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End forward mode: all tangents are gone.

    Raises:
        RuntimeError: when no level was entered, or another one.
    """
    if modes.MODES.dual_level < 0:
        raise RuntimeError("Trying to exit a forward AD level but no level was entered")
    if level is not None and level != modes.MODES.dual_level:
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created.")
    forward.clear()
    modes.set_dual_level(-1)


@contextmanager
def dual_level() -> Iterator[int]:
    """Forward mode as a context."""
    level = enter_dual_level()
    try:
        yield level
    finally:
        exit_dual_level(level=level)


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """A view of ``tensor`` that carries ``tangent``.

    Args:
        tensor: floating or complex tensor.
        tangent: same shape.

    Raises:
        RuntimeError: outside a dual level, for another shape, or when ``tensor`` has a tangent already.
        ValueError: for integer tensors.
    """
    if modes.MODES.dual_level < 0:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    if level is not None and level != modes.MODES.dual_level:
        raise RuntimeError(f"Invalid level given to _make_dual: {level}, the only level is {modes.MODES.dual_level}")
    for what, t in (("primal", tensor), ("tangent", tangent)):
        if t.dt.category < FLOATING:
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {t.dt!r}")
    if forward.tangent_of(tangent) is not None:
        raise RuntimeError(
            "Setting a forward grad that itself has a forward gradient at the same level0 is not supported."
        )
    if tangent.shp != tensor.shp:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. "
            f"Tensor is of size {errors.shape_text(tensor.shp)} while the given forward gradient is of size "
            f"{errors.shape_text(tangent.shp)}."
        )
    if forward.tangent_of(tensor) is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not supported."
        )
    level_now = forward.suspend()
    try:
        out = tensor.view_as(tensor)
    finally:
        forward.resume(level_now)
    forward.set_tangent(out, forward.laid_out(out, tangent))
    return out


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """Primal (a view without tangent) and tangent of a tensor."""
    if modes.MODES.dual_level < 0:
        return UnpackedDualTensor(tensor, None)
    level_now = forward.suspend()
    try:
        primal = tensor.view_as(tensor)
    finally:
        forward.resume(level_now)
    if primal.view_of is not None:
        primal.view_of.primal = True
    if primal.fn is not None:
        node = Identity()
        node.set_edges(primal.fn.edges())
        node.stamp(1)
        primal.fn = node
    return UnpackedDualTensor(primal, forward.tangent_of(tensor))
