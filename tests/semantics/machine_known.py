"""What the machine leaves out: steps that PyTorch promises nothing about, and the differences on purpose.

Each rule states its reason; those that begin with "known" have their row in docs/differences.md.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import torch

from ..errors.compare import first_sentence
from .machine_steps import Step
from .machine_world import KEEPS_MORE, World, strides

# The variables that a template mentions (`.t(` is a method).
VARIABLE = re.compile(r"(?<![.\w])[tu]\b(?!\()")
RESHAPES = re.compile(r"squeeze_|transpose_|swapaxes_|\bt_\(")
REQUIRES_GRAD = re.compile(r"requires_grad|Parameter|\.data =|gradient_edge|multi_grad")
# Writes that PyTorch still lets through to expanded tensors.
MASKED_WRITE = re.compile(r"masked_fill_|index_put_|index_fill_|tril_|^t\[(t|u|torch|\[).*\] = ")
# What autograd has to say about a call, as opposed to its arguments (shapes, dtypes, indices), which tests/errors compares.
AUTOGRAD = re.compile(
    r"in-place|in_place|inplace|grad|dual|inference|tangent|backward|saved|hook|\bview (of|was|and)|leaf|freed|detach|numpy\(\)"
)
ARGUMENT_ERRORS = (RuntimeError, IndexError, TypeError, NotImplementedError)
FAILED_ITSELF = re.compile(
    r"INTERNAL ASSERT|not implemented for|unallocated storage"
    r"|_will_engine_execute_node"  # a hook on several tensors, one of them a leaf, during autograd.grad
    r"|moved into the graph interior"  # a leaf made a computed tensor while a graph holds it
    r"|invalid gradient at index"  # the gradient of scatter_ from a source larger than its index
)


def out_of_play(step: Step, theirs: World, ours: World) -> bool:
    """Whether a step is passed over."""
    inference = torch.is_inference_mode_enabled()
    if inference and REQUIRES_GRAD.search(step.source):
        return True  # PyTorch lets inference tensors that require grad be made, and then records nothing
    if inference and step.family in ("dual", "backward"):
        return True  # PyTorch sets tangents there without looking at them, and makes gradients that nobody can add to
    if inference and theirs.inside("allow_mutation") and step.family != "close":
        return True  # inside both, PyTorch forgets views and versions
    if theirs.inside("hooks(w.") and KEEPS_MORE.search(step.source):
        return True  # known: operands that are saved although no gradient reads them
    if "[t, u]" in step.source and any(theirs.variables[i]._backward_hooks for i in (step.t, step.u)):
        return True  # known: the gradient of a tensor with hooks, when that of something behind it is asked for too
    if "make_dual(t, u)" in step.source and theirs.variables[step.u].requires_grad:
        return True  # how the graph of a tangent grows is left to the formulas
    if ".data" in step.source and theirs.variables[step.t].is_inference():
        return True  # PyTorch gives the data of an inference tensor a version
    if re.search(r"t\.mean|t\.roll|\.cat|as_strided|as_complex", step.source) and theirs.variables[step.t].numel() == 0:
        return True  # PyTorch makes the NaN of an empty mean by writes, and does not look at the dims of an empty roll or cat
    if step.family == "open" and "allow_mutation" in step.source and theirs.inside("allow_mutation"):
        return True  # the refusal leaves PyTorch in neither
    if step.family == "hook":
        return any(unrecorded(theirs.variables[i]) for i in (step.t, step.u) if i in theirs.variables)
    return step.family in ("write", "flag") and bad_write(step, theirs, ours)


def unrecorded(t: Any) -> bool:
    """Whether a view requires grad through its base only: PyTorch crashes when it is given a hook."""
    return bool(t._is_view() and t.requires_grad) and (not refresh(t) or t.grad_fn is None)


def bad_write(step: Step, theirs: World, ours: World) -> bool:
    """Whether a write is passed over."""
    t = theirs.variables[step.t]
    for world in (theirs, ours):
        refresh(world.variables[step.t])  # known: a view of a tensor that began to require grad through another view
    if overlaps_itself(t):
        return True  # the result depends on the order of the loop
    if t.requires_grad and not torch.is_grad_enabled() and RESHAPES.search(step.source):
        return True  # a graph may hold the tensor, and finds another shape
    inference = torch.is_inference_mode_enabled()
    watched = inference or t.retains_grad or t._backward_hooks or theirs.inside("dual_level")
    if watched and RESHAPES.search(step.source):
        return True  # PyTorch leaves requests and hooks, later ones too, with the node before, and counts a write to the tangent
    if "detach_()" in step.source and any(v._is_view() and v._base is t for v in theirs.variables.values()):
        return True  # what the history of its views is then is nobody's promise
    if t.numel() == 0 and "[" in step.source:
        return True  # PyTorch does not look at indices where there is nothing to write
    if t.is_complex() and "sqrt_" in step.source:
        return True  # on which side of the cut -2 lies depends on the sign of a zero
    if 0 in strides(t) and MASKED_WRITE.search(step.source):
        return True  # known: refused here like every write to an expanded tensor
    return "u" in VARIABLE.findall(step.source) and bad_source(step, theirs, ours)


def bad_source(step: Step, theirs: World, ours: World) -> bool:
    """Whether a write from another tensor is passed over."""
    t, u = theirs.variables[step.t], theirs.variables[step.u]
    for world in (theirs, ours):
        if not refresh(world.variables[step.u]):
            return True  # the step may be refused for either operand
    if same_storage(t, u):
        return True  # known: partial overlap, and t.mul_(t)
    return (
        bool(u.requires_grad) and not t.is_floating_point() and not t.is_complex()
    )  # known: integers carry no gradient


def failed_itself(outcome: Any) -> bool:
    """Whether PyTorch gave up on something that is no mistake of the program: a bug of its own, a dtype without a kernel."""
    return isinstance(outcome, RuntimeError) and bool(FAILED_ITSELF.search(str(outcome)))


def cannot_be_retaken(t: Any) -> bool:
    """A real view of complex memory that was written to in inference mode: PyTorch cannot take it again."""
    return bool(t._is_view()) and t._base.dtype is not t.dtype and not refresh(t)


def saved_more(theirs: Any, ours: Any, world: World, history: list[Step | None]) -> bool:
    """Known: what PyTorch saves without need it misses in a second pass; and what formulas save is left to them."""
    if isinstance(ours, Exception) or not isinstance(theirs, RuntimeError):
        return False
    if "modified by an inplace operation" in str(theirs):
        return bool(world.gradients)
    if "backward through the graph a second time" not in str(theirs):
        return False
    return bool(world.gradients) or any(step is not None and KEEPS_MORE.search(step.source) for step in history)


def wrong_call(theirs: Any, ours: Any) -> bool:
    """Both refuse, at least one for the sake of the arguments: a call that is wrong twice may be refused for either reason."""
    if isinstance(ours, Exception) and "ReshapeAlias" in str(theirs):
        return True  # a shortcut of PyTorch's reshape; here it is a View
    if all(isinstance(e, RuntimeError) and "has been modified by an inplace" in str(e) for e in (theirs, ours)):
        return True  # which of several stale tensors is found first, and what it is called after further writes
    if not isinstance(theirs, ARGUMENT_ERRORS) or not isinstance(ours, ARGUMENT_ERRORS):
        return False
    return not all(AUTOGRAD.search(first_sentence(e)) for e in (theirs, ours))


def comparable_log(world: World, step: Step) -> list[Any]:
    """Calls of hooks, as far as they are promised.

    In which order the tensors that one node saves are packed is not; nor what backward formulas save under ``create_graph``,
    which need not be written alike. PyTorch does not count the root of a pass among the nodes that will run, and so calls hooks
    on several tensors early.
    """
    log = world.log
    if "create_graph" in step.source or world.gradients:
        log = [entry for entry in log if "pack" not in entry[0]]
    if step.source.startswith("t.backward"):
        log = [entry for entry in log if "several" not in entry[0]]
    settled: list[Any] = []
    for _, group in itertools.groupby(log, key=lambda entry: entry[0]):
        entries = list(group)
        settled += sorted(entries, key=rounded) if "pack" in entries[0][0] else entries
    return settled


def without_unwanted(theirs: list[Any], ours: list[Any]) -> list[Any]:
    """Our log with None where PyTorch shows a hook of a node None: for inputs without gradient, or that nobody asked for.

    Formulas here may have computed them all the same.
    """
    found: list[Any] = []
    for a, b in zip(theirs, ours):
        if a[0].startswith("node") and a[0] == b[0] and len(a[1]) == len(b[1]):
            b = (b[0], [None if x is None else y for x, y in zip(a[1], b[1])], b[2])
        found.append(b)
    return found + ours[len(found) :]


def rounded(value: Any) -> str:
    """A text to sort by that does not depend on rounding."""
    return re.sub(r"-?\d+\.\d+(e[-+]\d+)?", lambda found: f"{float(found[0]):.3g}", repr(value))


def refresh(t: Any) -> bool:
    """Let a view whose base was modified renew its history; False when it cannot."""
    try:
        t.grad_fn  # noqa: B018
    except RuntimeError:
        return False
    return True


def overlaps_itself(t: Any) -> bool:
    """Whether elements share one place in memory otherwise than by a stride of zero, which is refused."""
    reach = 0
    for s, n in sorted((s, n) for s, n in zip(t.stride(), t.shape) if n > 1 and s > 0):
        if s <= reach:
            return True
        reach += s * (n - 1)
    return False


def same_storage(t: Any, u: Any) -> bool:
    """Whether two tensors of PyTorch look at one storage."""
    return bool(t.untyped_storage().data_ptr() == u.untyped_storage().data_ptr())


def same(a: Any, b: Any) -> bool:
    """Equality up to rounding of nested results."""
    if isinstance(a, (float, complex)) and isinstance(b, (float, complex, int)):
        return a == b or (a != a and b != b) or abs(a - b) <= 1e-4 * max(1.0, abs(a), abs(b)) or overflown(a, b)
    if isinstance(a, (list, tuple)):
        return isinstance(b, (list, tuple)) and len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def overflown(a: Any, b: Any) -> bool:
    """Complex numbers of which a part is not finite: which part, is nobody's promise."""
    parts = (a.real, a.imag, b.real, b.imag)
    return isinstance(a, complex) and not all(math.isfinite(p) for p in parts)
