"""Error texts. Hot code raises ``errors.something(...)``; every string is built here, and only when something is wrong.

The first line of each text is PyTorch's; what follows says where, with which shapes, and what to do.
"""

from __future__ import annotations

import linecache
import os
from typing import TYPE_CHECKING, Any, Final

from .dtypes import tensor_type_name as tensor_type_name

if TYPE_CHECKING:
    from .dtypes import dtype
    from .graph import Node
    from .tensor_base import TensorBase


class Hints:
    """Whether errors carry more than PyTorch's sentence (environment variable ``WENGERT_HINTS``).

    ``why_no_graph`` says how a tensor lost its history; the package sets it, because ``wengert.debug`` lies above the core.
    """

    def __init__(self) -> None:
        self.on: bool = os.environ.get("WENGERT_HINTS", "1") != "0"
        self.why_no_graph: Any = None


HINTS: Final = Hints()


def with_hints(text: str, *lines: str) -> str:
    """PyTorch's sentence, then our lines, indented."""
    if not HINTS.on:
        return text
    return text + "".join(f"\n  {line}" for line in lines if line)


def source_line(code: Any, lasti: int) -> str:
    """``file.py:12   y = x.tanh()`` for a place in the user's program; empty when unknown."""
    if code is None:
        return ""
    number = line_number(code, lasti)
    text = linecache.getline(code.co_filename, number).strip()
    return f"{os.path.basename(code.co_filename)}:{number}" + (f"   {text}" if text else "")


def line_number(code: Any, lasti: int) -> int:
    """Line of the instruction at byte offset ``lasti``."""
    found: int = code.co_firstlineno
    for start, end, line in code.co_lines():
        if start <= lasti < end and line is not None:
            found = line
            break
    return found


def operator_name(node: Node) -> str:
    """``tanh`` for a ``TanhBackward0``."""
    return type(node).__name__.split("Backward")[0].lower()


def made_by(node: Node | None) -> str:
    """``tanh at train.py:12   y = x.tanh()``."""
    if node is None or node.code is None:
        return ""
    return f"{operator_name(node)} at {source_line(node.code, node.lasti)}"


def shape_text(shape: Any) -> str:
    """A shape as PyTorch's messages write it."""
    return "[" + ", ".join(str(n) for n in shape) + "]"


def c_type(dt: dtype) -> str:
    """PyTorch's C++ name of the element type, as its messages have it."""
    return "long int" if dt.c_name == "long" else dt.c_name


def no_attribute(obj: Any, name: str) -> AttributeError:
    """The text of Python for a missing attribute."""
    return AttributeError(f"'{type(obj).__name__}' object has no attribute '{name}'")


def freed(node: Node) -> RuntimeError:
    """A second pass over a node whose saved values are gone."""
    place = made_by(node)
    return RuntimeError(
        with_hints(
            "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
            "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
            "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
            "saved tensors after calling backward.",
            f"values were saved by: {place}" if place else "",
            "try: pass retain_graph=True to the first backward() or grad(), or compute the result again",
        )
    )


NOT_RECORDED: Final = "a write that was not recorded: inside no_grad(), or through detach()"


def modified(
    node: Node, tensor_dtype: dtype, shape: Any, origin: str, now: int, expected: int, change: str
) -> RuntimeError:
    """A saved value that an in-place operation has overwritten."""
    from .modes import MODES

    what = f"[{tensor_type_name(tensor_dtype)} {shape_text(shape)}]"
    if MODES.anomaly:
        hint = (
            "Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in "
            "question was changed in there or anywhere later. Good luck!"
        )
    else:
        hint = (
            "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
            "torch.autograd.set_detect_anomaly(True, check_nan=False)."
        )
    place = made_by(node)
    return RuntimeError(
        with_hints(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"{what}{origin} is at version {now}; expected version {expected} instead. {hint}",
            f"saved by: {place}" if place else "",
            f"changed by: {change or NOT_RECORDED}",
            "try: the out-of-place form of the operation that changed it, or clone() before changing it",
        )
    )


def origin_text(node: Node | None, output: int) -> str:
    """``, which is output 0 of Exp,`` for a saved tensor with a history."""
    if node is None:
        return ""
    return f", which is output {output} of {short_name(node)},"


def short_name(node: Node) -> str:
    """``Exp`` for ``ExpBackward0``, ``Squeeze1`` for ``SqueezeBackward1``."""
    name = node.name()
    stem = name.rstrip("0123456789")
    number = name[len(stem) :]
    return stem[:-8] + ("" if number == "0" else number) if stem.endswith("Backward") else name


def no_grad_output(index: int, tensor: TensorBase | None) -> RuntimeError:
    """backward() of something that has no graph."""
    lines: list[str] = []
    if tensor is not None and HINTS.on and HINTS.why_no_graph is not None:
        lines = HINTS.why_no_graph(tensor)
    if tensor is not None and len(lines) == 0:
        lines = [
            "this tensor is a leaf that does not require grad: it was created without requires_grad=True, detached, or "
            "computed under no_grad or from such tensors only; run under `with wengert.debug.trace():`, this message names the "
            "operation and the line"
        ]
    return RuntimeError(
        with_hints(f"element {index} of tensors does not require grad and does not have a grad_fn", *lines)
    )


def broadcast(a: Any, b: Any, name: str = "") -> RuntimeError:
    """Two shapes that do not broadcast."""
    for i in range(1, min(len(a), len(b)) + 1):
        if a[-i] != b[-i] and a[-i] != 1 and b[-i] != 1:
            dim = max(len(a), len(b)) - i
            return RuntimeError(
                with_hints(
                    f"The size of tensor a ({a[-i]}) must match the size of tensor b ({b[-i]}) at non-singleton "
                    f"dimension {dim}",
                    f"{name + ': ' if name else ''}shapes {shape_text(a)} and {shape_text(b)}",
                )
            )
    return RuntimeError(f"shapes {shape_text(a)} and {shape_text(b)} do not broadcast")


def dim_range(dim: int, ndim: int) -> IndexError:
    """A dimension that the tensor does not have."""
    n = max(ndim, 1)
    return IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")


def no_dimensions(dim: int) -> IndexError:
    """A dimension of a 0-d tensor where one is needed."""
    return IndexError(f"Dimension specified as {dim} but tensor has no dimensions")


def overflow(c_type: str) -> RuntimeError:
    """A number that a type cannot hold."""
    return RuntimeError(f"value cannot be converted to type {c_type} without overflow")


def no_cast(computed: dtype, target: dtype) -> RuntimeError:
    """A result that cannot be stored in the tensor it should be written to."""
    return RuntimeError(
        with_hints(
            f"result type {computed.title} can't be cast to the desired output type {target.title}",
            "try: the out-of-place form, or convert first with .to(dtype)",
        )
    )


def argument_type(function: str, argument: str, position: int, expected: str, value: Any) -> TypeError:
    """An argument of the wrong type; position 0 for one that is given by name."""
    where = f"'{argument}' (position {position})" if position else f"'{argument}'"
    return TypeError(f"{function}(): argument {where} must be {expected}, not {type(value).__name__}")


def not_int(argument: str, value: Any) -> TypeError:
    """Something else in place of an integer, such as a dimension."""
    what = f"argument '{argument}'" if argument else "argument"
    return TypeError(f"{what} must be int, not {type(value).__name__}")


def not_implemented(kernel: str, dt: dtype) -> NotImplementedError:
    """An operator that does not exist for a dtype."""
    return NotImplementedError(
        with_hints(f"\"{kernel}\" not implemented for '{dt.title}'", "try: convert the tensor first with .to(dtype)")
    )


def out_requires_grad(function: str) -> RuntimeError:
    """``out=`` while something requires grad."""
    return RuntimeError(
        with_hints(
            f"{function}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad.",
            "try: without out=, or under no_grad()",
        )
    )


def out_has_tangent(function: str) -> NotImplementedError:
    """``out=`` while something has a tangent."""
    return NotImplementedError(
        with_hints(
            f"Trying to use forward AD with {function}_out that does not support it because it is an out= function",
            "try: without out=",
        )
    )


LEAF_INPLACE: Final = "a leaf Variable that requires grad is being used in an in-place operation."
LEAF_VIEW_INPLACE: Final = "a view of a leaf Variable that requires grad is being used in an in-place operation."
EXPANDED: Final = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please "
    "clone() the tensor before performing the operation."
)
OVERLAP: Final = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. "
    "Please clone() the tensor before performing the operation."
)


def leaf_inplace(is_view: bool) -> RuntimeError:
    """In-place on a leaf that requires grad, or on a view of one."""
    return RuntimeError(
        with_hints(
            LEAF_VIEW_INPLACE if is_view else LEAF_INPLACE,
            "try: the out-of-place form, or update parameters inside no_grad()",
        )
    )


def inference_inplace() -> RuntimeError:
    """In-place on an inference tensor outside inference mode."""
    return RuntimeError(
        "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor "
        "before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
    )


def inference_saved() -> RuntimeError:
    """An inference tensor that a recorded operation would have to save."""
    return RuntimeError(
        "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation "
        "tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or "
        "use `torch.no_grad()` instead of `torch.inference_mode()`."
    )
