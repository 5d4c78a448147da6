"""Gradients that are handed on before they are written down."""

from __future__ import annotations

from .tensor_base import TensorBase


class Unwritten(TensorBase):
    """A gradient that is handed on as what it is made of.

    Note [Unwritten gradients]
        A gradient that is zero but for a few elements costs as much as a dense one to write and read. A node may hand on an
        instance of a subclass instead, if nothing records and the node it goes to has a ``vjp`` that knows this subclass. The
        engine has it written down wherever anybody else could look: before hooks, captures, anomaly mode, a profile, and
        before it is added to another gradient.
    """

    def written(self) -> TensorBase:
        """The gradient as a tensor."""
        raise NotImplementedError


def write_down(grads: list[TensorBase | None]) -> None:
    """Replace the gradients that are not written down yet."""
    for i, grad in enumerate(grads):
        if isinstance(grad, Unwritten):
            grads[i] = grad.written()
