"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from ..._gen import functions
from ..._tensor import Tensor
from ..module_members import typename


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters in one vector; it has a gradient to each of them.

    Raises:
        ValueError: without parameters.
    """
    return functions.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let the parameters, in their order, share the memory of a vector; elements left over are not used.

    Raises:
        TypeError: if ``vec`` is no tensor.
        RuntimeError: if it is too short; no parameter is changed then.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(type(vec))}")
    parts = []
    start = 0
    for p in parameters:
        parts.append((p, vec[start : start + p.numel()].view_as(p).data))
        start += p.numel()
    for p, part in parts:
        p.data = part
