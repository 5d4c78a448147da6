"""Reading of arguments that are sizes and dimensions: given one by one or as one sequence."""

from __future__ import annotations

from typing import Any

from .._core import errors
from .._core.tensor_base import TensorBase
from .._record.common import int_of, wrap_dim


def listed(given: tuple[Any, ...], keyword: Any) -> tuple[Any, ...]:
    """The items of ``f(2, 3)``, ``f((2, 3))`` or ``f(size=(2, 3))``."""
    if keyword is not None:
        return tuple(keyword) if isinstance(keyword, (tuple, list)) else (keyword,)
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        return tuple(given[0])
    return given


def sizes_of(given: tuple[Any, ...], keyword: Any, function: str, argument: str = "size") -> tuple[int, ...]:
    """Integers given one by one or as one sequence (see ``listed``).

    Raises:
        TypeError: for an item that is not an integer.
    """
    items = listed(given, keyword)
    for item in items:
        if type(item) is not int:
            return tuple([whole(n, function, argument, i + 1) for i, n in enumerate(items)])
    return items


def whole(value: Any, function: str, argument: str, position: int) -> int:
    """One integer argument: an int, a NumPy integer, or an integer tensor with one element.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, TensorBase):
        if value.array.size == 1 and value.dt.category <= 1:
            return int(value.array.item())
    elif not isinstance(value, float) and hasattr(value, "__index__"):
        return int_of(value)
    raise TypeError(
        f"{function}(): argument '{argument}' (position {position}) must be tuple of ints, not {type(value).__name__}"
    )


def count(shape: tuple[int, ...]) -> int:
    """Number of elements of a shape."""
    total = 1
    for n in shape:
        total *= n
    return total


def inferred(shape: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """The shape with its one ``-1`` replaced by what ``numel`` elements leave.

    Raises:
        RuntimeError: when the shape does not fit, or cannot be inferred.
    """
    known = 1
    unknown = -1
    for i, n in enumerate(shape):
        if n >= 0:
            known *= n
        elif n < -1:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {errors.shape_text(shape)}")
        elif unknown >= 0:
            raise RuntimeError("only one dimension can be inferred")
        else:
            unknown = i
    if unknown < 0:
        if known != numel:
            raise RuntimeError(f"shape '{errors.shape_text(shape)}' is invalid for input of size {numel}")
        return shape
    if known == 0 and numel == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {errors.shape_text(shape)} because the unspecified dimension "
            "size -1 can be any value and is ambiguous"
        )
    if known == 0 or numel % known != 0:
        raise RuntimeError(f"shape '{errors.shape_text(shape)}' is invalid for input of size {numel}")
    return (*shape[:unknown], numel // known, *shape[unknown + 1 :])


def distinct_dims(dims: Any, ndim: int) -> list[int]:
    """Dimensions counted from the front, in the order given.

    Raises:
        IndexError: out of range.
        RuntimeError: the same dimension twice.
    """
    found = [wrap_dim(d, ndim) for d in dims]
    for i, d in enumerate(found):
        if d in found[:i]:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return found
