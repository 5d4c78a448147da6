"""The text of a tensor, and the options that govern it.

This module works on NumPy arrays and strings and knows no Tensor: the caller says which array is stored, under which
prefix it appears and what history it has.

A text is built in three steps. `_shown` picks the elements that will appear (all of them, or the edges of a long
dimension), `_element_texts` gives them one common style and width, and `_body` folds the flat list of texts into
brackets, innermost dimension first. `tensor_text` then adds the suffixes (`dtype=...`, `grad_fn=...`).
"""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any, Final, SupportsFloat, SupportsIndex

import numpy as np


class PrintOptions:
    """The settings that decide how tensors are printed.

    Args:
        precision: Digits after the point of a floating-point element.
        threshold: A tensor of more elements than this is summarised.
        edgeitems: Elements shown at each end of a summarised dimension.
        linewidth: Characters per line after which rows and suffixes wrap.
        sci_mode: True forces scientific notation, False forbids it, None decides for each tensor.
    """

    def __init__(
        self,
        precision: int = 4,
        threshold: int | float = 1000,
        edgeitems: int = 3,
        linewidth: int | float = 80,
        sci_mode: bool | None = None,
    ) -> None:
        self.precision = precision
        self.threshold = threshold
        self.edgeitems = edgeitems
        self.linewidth = linewidth
        self.sci_mode = sci_mode


PRINT_OPTIONS: Final = PrintOptions()

_PROFILES: Final = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}


def set_printoptions(
    precision: SupportsIndex | None = None,
    threshold: SupportsFloat | None = None,
    edgeitems: SupportsIndex | None = None,
    linewidth: SupportsFloat | None = None,
    profile: str | None = None,
    sci_mode: object = None,
) -> None:
    """Sets how tensors are printed, for the whole process.

    The profile is applied first, then the other arguments. An argument left at None keeps its setting, except
    `sci_mode`, which every call sets.

    Args:
        precision: Digits after the point of a floating-point element (4 at start).
        threshold: A tensor of more elements than this is summarised (1000 at start); `math.inf` shows everything.
        edgeitems: Elements shown at each end of a summarised dimension (3 at start).
        linewidth: Characters per line (80 at start).
        profile: "default", "short" (2 digits, 2 edge items) or "full" (never summarise).
        sci_mode: True forces scientific notation, False forbids it, None decides for each tensor.

    Raises:
        ValueError: `profile` is unknown, or `precision` or `edgeitems` is negative. No setting changes then.
        TypeError: `precision` or `edgeitems` is not an integer. No setting changes then.

    Example:
        >>> import numpy as np
        >>> from wengert._core.printing import set_printoptions, tensor_text
        >>> set_printoptions(precision=2)
        >>> tensor_text(np.array([1.12345]))
        'tensor([1.12])'
        >>> set_printoptions(profile="default")
        >>> tensor_text(np.array([1.12345]))
        'tensor([1.1235])'

    Source: torch.set_printoptions, which ignores an unknown profile and fails on a bad number only when it prints.
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"set_printoptions(): profile must be one of {', '.join(_PROFILES)}, but got {profile!r}")
    options = PRINT_OPTIONS
    start = options if profile is None else _PROFILES[profile]
    new_precision = start.precision if precision is None else _count("precision", precision)
    new_threshold = start.threshold if threshold is None else _number(threshold)
    new_edgeitems = start.edgeitems if edgeitems is None else _count("edgeitems", edgeitems)
    new_linewidth = start.linewidth if linewidth is None else _number(linewidth)
    options.precision = new_precision
    options.threshold = new_threshold
    options.edgeitems = new_edgeitems
    options.linewidth = new_linewidth
    options.sci_mode = None if sci_mode is None else bool(sci_mode)


def get_printoptions() -> dict[str, Any]:
    """Returns the print options as a dict, fit to be passed back as `set_printoptions(**options)`.

    Example:
        >>> from wengert._core.printing import get_printoptions
        >>> get_printoptions()
        {'precision': 4, 'threshold': 1000, 'edgeitems': 3, 'linewidth': 80, 'sci_mode': None}

    Source: torch._tensor_str.get_printoptions.
    """
    options = PRINT_OPTIONS
    return {
        "precision": options.precision,
        "threshold": options.threshold,
        "edgeitems": options.edgeitems,
        "linewidth": options.linewidth,
        "sci_mode": options.sci_mode,
    }


@contextlib.contextmanager
def printoptions(
    precision: SupportsIndex | None = None,
    threshold: SupportsFloat | None = None,
    edgeitems: SupportsIndex | None = None,
    linewidth: SupportsFloat | None = None,
    profile: str | None = None,
    sci_mode: object = None,
) -> Iterator[None]:
    """Sets print options inside a `with` block and puts the former ones back at its end.

    Args: as for `set_printoptions`.

    Raises: as `set_printoptions`, on entry.

    Example:
        >>> import numpy as np
        >>> from wengert._core.printing import printoptions, tensor_text
        >>> with printoptions(threshold=5, edgeitems=2):
        ...     tensor_text(np.arange(10))
        'tensor([0, 1,  ..., 8, 9])'

    Source: torch._tensor_str.printoptions.
    """
    former = get_printoptions()
    set_printoptions(precision, threshold, edgeitems, linewidth, profile, sci_mode)
    try:
        yield
    finally:
        set_printoptions(**former)


def tensor_text(array: Any, *, prefix: str = "tensor(", suffixes: Sequence[str] = ()) -> str:
    """Returns the printed text of a tensor: prefix, elements, suffixes and a closing parenthesis.

    A suffix goes on a line of its own, indented to the end of the prefix, if it would pass the line width.

    Args:
        array: The elements, an ndarray or NumPy scalar of any shape; bool, integer, float or complex.
            When it is summarised, only the shown elements are read.
        prefix: The text up to and including the opening parenthesis; its length is the indent of later lines.
        suffixes: Texts such as "requires_grad=True", as `suffix_list` gives them.

    Returns:
        The text, of several lines if need be.

    Example:
        >>> import numpy as np
        >>> from wengert._core.printing import tensor_text
        >>> tensor_text(np.float32([1.5, -2]), suffixes=["requires_grad=True"])
        'tensor([ 1.5000, -2.0000], requires_grad=True)'

    Source: repr of torch.Tensor, strided CPU tensors.
    """
    linewidth = PRINT_OPTIONS.linewidth
    indent = len(prefix)
    text = prefix + _body(np.asarray(array), indent)
    # Two more than the line holds, as in PyTorch: the first suffix wraps two columns earlier than the later ones.
    column = len(text) - (text.rfind("\n") + 1) + 2
    for suffix in suffixes:
        # A suffix of several lines (a tangent) counts with its whole length, as in PyTorch.
        if column + len(suffix) + 2 > linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"


def suffix_list(
    array_shape: Sequence[int],
    numel: int,
    dtype_name: str,
    default_dtype_name: str,
    requires_grad: bool,
    grad_fn_name: str | None,
    tangent_text: str | None,
) -> list[str]:
    """Returns the suffixes a tensor is printed with, in order: size, dtype, grad_fn or requires_grad, tangent.

    Args:
        array_shape: The shape of the tensor.
        numel: Its number of elements.
        dtype_name: The full name of its dtype, such as "torch.float64" or "wengert.float64".
        default_dtype_name: The full name of the default dtype, with the same module.
        requires_grad: Whether it requires grad.
        grad_fn_name: The class name of its `grad_fn`, "Invalid" if reading `grad_fn` raises, None for a leaf.
        tangent_text: `format(tangent, "")` of its forward-mode tangent (of a 0-d tangent that is the bare number,
            see `number_text`), or None.

    Returns:
        Texts for the `suffixes` of `tensor_text`.

    Example:
        >>> from wengert._core.printing import suffix_list
        >>> suffix_list((2,), 2, "torch.float64", "torch.float32", True, "MulBackward0", None)
        ['dtype=torch.float64', 'grad_fn=<MulBackward0>']
        >>> suffix_list((0, 3), 0, "torch.float32", "torch.float32", True, None, None)
        ['size=(0, 3)', 'requires_grad=True']
    """
    suffixes: list[str] = []
    # The size is told where the brackets do not show it: no elements, or (edgeitems=0) no edges.
    if (len(array_shape) != 1) if numel == 0 else (PRINT_OPTIONS.edgeitems == 0):
        suffixes.append(f"size={tuple(array_shape)}")
    if dtype_name != default_dtype_name and (numel == 0 or not _is_implied(dtype_name, default_dtype_name)):
        suffixes.append(f"dtype={dtype_name}")
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    if tangent_text is not None:
        suffixes.append(f"tangent={tangent_text}")
    return suffixes


def number_text(array: Any, spec: str = "") -> str:
    """Returns the element of a 0-d array formatted as the Python number it holds: what `format(t, spec)` gives.

    Args:
        array: A 0-d ndarray or a NumPy scalar.
        spec: A format specification of Python.

    Raises:
        ValueError: `spec` does not suit the number, or `array` has more than one element.

    Example:
        >>> import numpy as np
        >>> from wengert._core.printing import number_text
        >>> number_text(np.float32(1.5)), number_text(np.float32(1.5), ".2f")
        ('1.5', '1.50')
    """
    return format(array.item(), spec)


def return_type_text(type_name: str, field_names: Sequence[str], texts: Sequence[str]) -> str:
    """Returns the printed text of the named tuple of an operator with several results.

    Args:
        type_name: The full name of the tuple, such as "torch.return_types.max".
        field_names: The names of its fields.
        texts: The repr of each field.

    Example:
        >>> from wengert._core.printing import return_type_text
        >>> print(return_type_text("torch.return_types.max", ["values", "indices"], ["tensor(2.)", "tensor(1)"]))
        torch.return_types.max(
        values=tensor(2.),
        indices=tensor(1))
    """
    fields = [f"{name}={text}" for name, text in zip(field_names, texts, strict=True)]
    return f"{type_name}(\n" + ",\n".join(fields) + ")"


def _count(name: str, value: SupportsIndex) -> int:
    count = operator.index(value)
    if count < 0:
        raise ValueError(f"set_printoptions(): {name} must be an integer >= 0, but got {count}")
    return count


def _number(value: SupportsFloat) -> int | float:
    """Returns an int as it is, since `get_printoptions` shows it, and anything else as a float."""
    return value if isinstance(value, int) else float(value)


def _is_implied(dtype_name: str, default_dtype_name: str) -> bool:
    """Whether the elements alone tell the dtype: int64, bool and the complex dtype of the default dtype."""
    default_complex = "complex128" if default_dtype_name.endswith("float64") else "complex64"
    return dtype_name.rpartition(".")[2] in ("int64", "bool", default_complex)


def _body(array: Any, indent: int) -> str:
    """Returns the elements in brackets; the first bracket stands at column `indent`."""
    options = PRINT_OPTIONS
    if array.size == 0:
        return "[]"
    summarise = array.size > options.threshold
    if summarise and options.edgeitems == 0 and array.ndim > 0:
        return "[...]"
    elided = [summarise and length > 2 * options.edgeitems for length in array.shape]
    shown = _shown(array, elided)
    texts, width = _element_texts(shown.ravel())
    for axis in range(array.ndim - 1, -1, -1):
        length = shown.shape[axis]
        groups = [texts[start : start + length] for start in range(0, len(texts), length)]
        if axis == array.ndim - 1:
            texts = [_row_text(group, elided[axis], indent + axis, width) for group in groups]
        else:
            newlines = "\n" * (array.ndim - 1 - axis)
            texts = [_stack_text(group, elided[axis], indent + axis, newlines) for group in groups]
    return texts[0]


def _shown(array: Any, elided: list[bool]) -> Any:
    """Returns the elements that will appear: of an elided dimension only both edges."""
    if True not in elided:
        return array
    edge = PRINT_OPTIONS.edgeitems
    kept = [
        [*range(edge), *range(length - edge, length)] if cut else range(length)
        for length, cut in zip(array.shape, elided, strict=True)
    ]
    return array[np.ix_(*kept)]


def _row_text(cells: list[str], elided: bool, indent: int, width: int) -> str:
    """Returns one row, wrapped at the line width; `width` is that of the common style, which inf and nan may pass."""
    if elided:
        cells = _with_dots(cells, " ...")
    # In this order a line width of inf or nan means one line.
    per_line = int(max(1, min(len(cells), (PRINT_OPTIONS.linewidth - indent) / (width + 2))))
    lines = [", ".join(cells[start : start + per_line]) for start in range(0, len(cells), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _stack_text(slices: list[str], elided: bool, indent: int, newlines: str) -> str:
    """Returns the slices of an outer dimension below each other; more dimensions, more blank lines between."""
    if elided:
        slices = _with_dots(slices, "...")
    return "[" + ("," + newlines + " " * (indent + 1)).join(slices) + "]"


def _with_dots(texts: list[str], dots: str) -> list[str]:
    """Returns the two edges of an elided dimension, which are equally long, with dots between them."""
    edge = len(texts) // 2
    return [*texts[:edge], dots, *texts[edge:]]


def _element_texts(values: Any) -> tuple[list[str], int]:
    """Returns the texts of a 1-d array of elements, right-aligned, and their common width."""
    kind = values.dtype.kind
    if kind == "c":
        real, real_width = _float_texts(values.real)
        imag, imag_width = _float_texts(values.imag)
        # Imaginary parts are not aligned: they follow their sign.
        joined = [
            re.rjust(real_width) + (im if im.startswith("-") else "+" + im) + "j"
            for re, im in zip(real, imag, strict=True)
        ]
        return joined, real_width + imag_width + 1
    if kind == "f":
        texts, width = _float_texts(values)
    else:
        texts = [str(value) for value in values.tolist()]
        width = max([len(text) for text in texts])
    return [text.rjust(width) for text in texts], width


def _float_texts(values: Any) -> tuple[list[str], int]:
    """Returns the unaligned texts of real floating-point elements and the width of their common style.

    Zeros, infinities and nans have no say in style or width.
    """
    counted = np.isfinite(values) & (values != 0)
    # Only the finite ones are cast: casting a signalling nan warns.
    spec, dot = _float_style(np.abs(values[counted].astype(np.float64)))
    texts = [format(value, spec) + (dot if math.isfinite(value) else "") for value in values.tolist()]
    widths = [len(text) for text, counts in zip(texts, counted.tolist(), strict=True) if counts]
    return texts, max(widths, default=1)


def _float_style(magnitudes: Any) -> tuple[str, str]:
    """Returns the format specification for elements of these magnitudes, and the dot that follows whole numbers."""
    if magnitudes.size == 0:
        return ".0f", "."
    options = PRINT_OPTIONS
    scientific = options.sci_mode
    if scientific is None:
        largest, smallest = float(magnitudes.max()), float(magnitudes.min())
        scientific = largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4
    if scientific:
        return f".{options.precision}e", ""
    if (magnitudes == np.floor(magnitudes)).all():
        return ".0f", "."
    return f".{options.precision}f", ""
