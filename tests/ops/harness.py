"""Run one sample under one package, and compare what two packages did.

An outcome is a flat dict of plain values: NumPy arrays, strings, numbers, tuples, None. Nothing in it belongs to the
package it came from, so outcomes of torch and of the package under test are compared key by key.
"""

from __future__ import annotations

import importlib
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from tests.ops.sample import SEED, Array, Sample, place, program

Outcome = dict[str, Any]

ULPS: Final = {"forward": 4.0, "out": 4.0, "jvp": 16.0, "grad": 16.0, "inplace": 16.0, "second": 64.0}
"""Tolerance by aspect, in units of the last place of |expected| + a tenth of the largest |expected|.

The last place is that of the narrowest floating dtype among the inputs: in an expression of mixed precision the two
libraries convert at different steps. Elementwise functions are good to 1-2 ulps in either library, each on its own. A
gradient is a product of a few such values, a second gradient a sum of such products; the share of the largest value
covers cancellation within them.
"""
LENIENT: Final = ("second", "jvp")
"""Aspects in which a missing gradient and a zero gradient are the same: which one it is depends on how the formula is
written, and no program can tell them apart by value."""

NUMERIC_STEP: Final = 1e-6
NUMERIC_TOLERANCE: Final = 2e-6  # error of central differences in float64: eps / step, and step**2 times f'''


@cache
def load(name: str) -> Any:
    """Import a package to compare (torch on one thread, so that sums have one order)."""
    package = importlib.import_module(name)
    if name == "torch":
        package.set_num_threads(1)
        importlib.import_module("torch.autograd.forward_ad")
    return package


def package_name() -> str:
    """Return the name of the package under test (environment WENGERT_TEST_PACKAGE; default wengert)."""
    return os.environ.get("WENGERT_TEST_PACKAGE", "wengert")


def seed_generators() -> None:
    """Seed Python's and NumPy's generators, and the packages' where they are loaded already."""
    random.seed(SEED)
    np.random.seed(SEED)
    for name in ("torch", "wengert"):
        package: Any = sys.modules.get(name)
        # torch.manual_seed formats a stack trace for each kind of device: ten times the cost of a small test
        generator = getattr(package, "default_generator", package)
        if hasattr(generator, "manual_seed"):
            generator.manual_seed(SEED)


def missing(package: Any, op: str) -> bool:
    """Whether the package has no operator of this name: function, method or special method."""
    places = [(package, op), (package.Tensor, op), (package.Tensor, f"__{op}__")]
    return not any(_has(place, name) for place, name in places)


def _has(value: Any, path: str) -> bool:
    for name in path.split("."):
        if not hasattr(value, name):
            return False
        value = getattr(value, name)
    return True


def run(package: Any, sample: Sample, aspect: str) -> Outcome:
    """Return what the package does for one aspect of a sample. NumPy's RuntimeWarnings must not reach the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        return RUNNERS[aspect](package, sample)


# Inputs and outputs


def tensors(package: Any, sample: Sample, arrays: Sequence[Array], grad: bool) -> list[Any]:
    """Return the inputs as tensors of the package; they share memory with arrays laid out as the sample says."""
    made = []
    for spec, array in zip(sample.inputs, arrays, strict=True):
        tensor = package.from_numpy(place(array, spec.layout))
        made.append(tensor.requires_grad_() if grad and spec.differentiable else tensor)
    return made


def call(package: Any, sample: Sample, code: str, inputs: Sequence[Any], *extra: Any) -> Any:
    """Run program text of a sample."""
    functional = getattr(getattr(package, "nn", None), "functional", None)
    return program(code, len(inputs), "out" if extra else "")(package, functional, *inputs, *extra)


def flat(result: Any) -> list[Any]:
    """Return the leaves of nested tuples and lists."""
    if isinstance(result, (tuple, list)):
        return [leaf for part in result for leaf in flat(part)]
    return [result]


def array_of(tensor: Any) -> Array:
    """Return a copy of a tensor's values."""
    return np.array(view_of(tensor))


def view_of(tensor: Any) -> Array:
    """Return a tensor's values as NumPy sees them, without a copy where that is possible."""
    view: Array = tensor.numpy(force=True)
    return view


def dtype_name(tensor: Any) -> str:
    """Return "float32" for torch.float32."""
    return str(tensor.dtype).rpartition(".")[2]


def differentiable(package: Any, result: Any) -> list[Any]:
    """Return the outputs that require grad."""
    return [o for o in flat(result) if isinstance(o, package.Tensor) and o.requires_grad]


def cotangents(package: Any, sample: Sample, outputs: Sequence[Any], purpose: str = "cotangents") -> list[Any]:
    """Return one fixed random tensor like each output."""
    rng = sample.rng(purpose)
    made = []
    for output in outputs:
        array = rng.normal(size=tuple(output.shape))
        if output.dtype.is_complex:
            array = array + 1j * rng.normal(size=tuple(output.shape))
        made.append(package.from_numpy(np.asarray(array).astype(dtype_name(output))))
    return made


def gradients(package: Any, outputs: Sequence[Any], inputs: Sequence[Any], seeds: Sequence[Any], **kw: Any) -> Any:
    """Return the gradient of every input, None where the outputs do not depend on it."""
    return package.autograd.grad(list(outputs), list(inputs), list(seeds), allow_unused=True, **kw)


# Aspects: each returns the outcome of one sample


def _forward(package: Any, sample: Sample) -> Outcome:
    """Value, dtype and shape of every output."""
    inputs = tensors(package, sample, sample.arrays(), grad=False)
    result = call(package, sample, sample.code, inputs)
    seen: Outcome = {"sequence": isinstance(result, (tuple, list)), "outputs": len(flat(result))}
    for i, leaf in enumerate(flat(result)):
        if isinstance(leaf, package.Tensor):
            seen |= {f"out{i}": array_of(leaf), f"out{i}.dtype": dtype_name(leaf), f"out{i}.shape": tuple(leaf.shape)}
        else:
            plain = leaf if isinstance(leaf, (bool, int, float, complex, str)) else str(leaf).rpartition(".")[2]
            seen[f"out{i}"] = plain  # torch.float32 and wengert.float32 are both "float32"
    return seen


def _strides(package: Any, sample: Sample) -> Outcome:
    """Strides (of the dimensions where they mean something), and whether memory is shared with an input."""
    inputs = tensors(package, sample, sample.arrays(), grad=False)
    memory = [view_of(x) for x in inputs]
    seen: Outcome = {}
    for i, leaf in enumerate(flat(call(package, sample, sample.code, inputs))):
        if isinstance(leaf, package.Tensor) and leaf.numel() > 0:
            seen[f"out{i}"] = _meant_strides(leaf)
            shares = [j for j, m in enumerate(memory) if np.shares_memory(m, view_of(leaf))]
            seen[f"out{i}.shares"] = tuple(shares)
    return seen


def _meant_strides(tensor: Any) -> tuple[int | None, ...]:
    """Return the strides, None where they mean nothing: where a dimension has at most one element, or the tensor has none."""
    some = tensor.numel() > 0
    return tuple(s if n > 1 and some else None for n, s in zip(tensor.shape, tensor.stride(), strict=True))


def _node(package: Any, sample: Sample) -> Outcome:
    """Which outputs require grad, and the name of the node that made the first of them."""
    inputs = tensors(package, sample, sample.arrays(), grad=True)
    result = call(package, sample, sample.code, inputs)
    leaves = [o for o in flat(result) if isinstance(o, package.Tensor)]
    nodes = [o.grad_fn for o in leaves if o.grad_fn is not None]
    return {
        "requires_grad": tuple(bool(o.requires_grad) for o in leaves),
        "output_nr": tuple(o.output_nr for o in leaves),
        "name": nodes[0].name() if nodes else None,
        "type": type(nodes[0]).__name__ if nodes else None,
    }


def _saved(package: Any, sample: Sample) -> Outcome:
    """The saved tensors of the node, each with where it comes from: in0, out0, new, or None when not needed."""
    inputs = tensors(package, sample, sample.arrays(), grad=True)
    outputs = [o for o in flat(call(package, sample, sample.code, inputs)) if isinstance(o, package.Tensor)]
    node = next((o.grad_fn for o in outputs if o.grad_fn is not None), None)
    seen: Outcome = {}
    for name in dir(node):
        if name.startswith("_saved_") and hasattr(node, "_raw" + name):
            value = getattr(node, name)
            if not isinstance(value, (tuple, list)):
                seen[name] = None if value is None else _origin(value, inputs, outputs)
    return seen


def _origin(value: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> str:
    for kind, group in (("in", inputs), ("out", outputs)):
        for i, tensor in enumerate(group):
            if tensor.data_ptr() == value.data_ptr() and tensor.shape == value.shape:
                return f"{kind}{i}"
    for i, tensor in enumerate(outputs):  # a 0-d result may be held as a plain number: it has no address to compare
        if value.shape == tensor.shape == () and array_of(value).tobytes() == array_of(tensor).tobytes():
            return f"out{i}"
    return "new"


def _grad(package: Any, sample: Sample) -> Outcome:
    """Gradient of every input for fixed random gradients of the outputs."""
    inputs = tensors(package, sample, sample.arrays(), grad=True)
    outputs = differentiable(package, call(package, sample, sample.code, inputs))
    wanted = {i: x for i, x in enumerate(inputs) if x.requires_grad}
    if not outputs:
        return {}
    found = gradients(package, outputs, list(wanted.values()), cotangents(package, sample, outputs))
    return _tensors_seen("in", dict(zip(wanted, found, strict=True)))


def _tensors_seen(kind: str, found: dict[int, Any]) -> Outcome:
    seen: Outcome = {}
    for i, tensor in found.items():
        seen[f"{kind}{i}"] = None if tensor is None else array_of(tensor)
        if tensor is not None:
            seen[f"{kind}{i}.dtype"] = dtype_name(tensor)
    return seen


def _second(package: Any, sample: Sample) -> Outcome:
    """Gradients of the gradients, with respect to the inputs and to the gradients of the outputs."""
    inputs = tensors(package, sample, sample.arrays(), grad=True)
    outputs = differentiable(package, call(package, sample, sample.code, inputs))
    seeds = [c.requires_grad_() for c in cotangents(package, sample, outputs)]
    wanted = [x for x in inputs if x.requires_grad]
    first = gradients(package, outputs, wanted, seeds, create_graph=True) if outputs else []
    first = [g for g in first if g is not None and g.requires_grad]
    if not first:
        return {}
    found = gradients(package, first, [*wanted, *seeds], cotangents(package, sample, first, "second"))
    ends = len(wanted)
    return {
        **{f"in{i}": None if g is None else array_of(g) for i, g in enumerate(found[:ends])},
        **{f"cotangent{i}": None if g is None else array_of(g) for i, g in enumerate(found[ends:])},
    }


def _jvp(package: Any, sample: Sample) -> Outcome:
    """Tangents of the outputs in forward mode, for fixed random tangents of the inputs."""
    forward_ad = package.autograd.forward_ad
    inputs = tensors(package, sample, sample.arrays(), grad=False)
    tangents = cotangents(package, sample, inputs, "tangents")
    with forward_ad.dual_level():
        duals = [
            forward_ad.make_dual(x, dx) if spec.differentiable else x
            for spec, x, dx in zip(sample.inputs, inputs, tangents, strict=True)
        ]
        outputs = [o for o in flat(call(package, sample, sample.code, duals)) if isinstance(o, package.Tensor)]
        found = [forward_ad.unpack_dual(o).tangent for o in outputs]
        return {f"out{i}": None if dx is None else array_of(dx) for i, dx in enumerate(found)}


def _inplace(package: Any, sample: Sample) -> Outcome:
    """The in-place twin: value, identity, version, node and gradients; after an error, what is left of the target."""
    inputs = tensors(package, sample, sample.arrays(), grad=True)
    target = inputs[0].clone()
    version = target._version
    try:
        result = call(package, sample, sample.inplace, [target, *inputs[1:]])
    except RuntimeError as error:
        return {"raises": type(error).__name__, "target": array_of(target), "version": target._version - version}
    seen: Outcome = {"same object": result is target, "version": target._version - version}
    seen |= {"value": array_of(target), "dtype": dtype_name(target), "strides": _meant_strides(target)}
    seen["node"] = target.grad_fn.name() if target.grad_fn is not None else None
    wanted = {i: x for i, x in enumerate(inputs) if x.requires_grad}
    if target.requires_grad and wanted:
        try:
            found = gradients(package, [target], list(wanted.values()), cotangents(package, sample, [target]))
        except RuntimeError as error:  # such as "derivative for aten::floor_divide_ is not implemented"
            return {**seen, "backward raises": str(error).splitlines()[0]}
        seen |= _tensors_seen("in", dict(zip(wanted, found, strict=True)))
    return seen


def _out(package: Any, sample: Sample) -> Outcome:
    """The out= form: into tensors of the right shape, and into empty ones that must be resized."""
    inputs = tensors(package, sample, sample.arrays(), grad=False)
    plain = call(package, sample, sample.code, inputs)
    seen: Outcome = {}
    for name, shape in (("fitting", None), ("empty", (0,))):
        like = [package.empty(o.shape if shape is None else shape, dtype=o.dtype) for o in flat(plain)]
        given = tuple(like) if isinstance(plain, (tuple, list)) else like[0]
        result = call(package, sample, sample.out, inputs, given)
        for i, (target, back) in enumerate(zip(like, flat(result), strict=True)):
            seen |= {f"{name}{i}": array_of(target), f"{name}{i}.returned": back is target}
            seen[f"{name}{i}.dtype"] = dtype_name(target)
    return seen


def _numeric(package: Any, sample: Sample) -> Outcome:
    """Gradients by central differences of the package's own values: an oracle that shares no formula with either."""
    arrays = sample.arrays()
    outputs = flat(call(package, sample, sample.code, tensors(package, sample, arrays, grad=True)))
    graded = [i for i, o in enumerate(outputs) if isinstance(o, package.Tensor) and o.requires_grad]
    seeds = [array_of(c) for c in cotangents(package, sample, [outputs[i] for i in graded])]

    def loss() -> float:
        values = flat(call(package, sample, sample.code, tensors(package, sample, arrays, grad=False)))
        pairs = zip(graded, seeds, strict=True)
        return float(sum(np.sum(np.conj(c) * array_of(values[i])).real for i, c in pairs))

    seen: Outcome = {}
    for k, spec in enumerate(sample.inputs):
        if spec.differentiable and graded:
            seen[f"in{k}"] = _difference(arrays[k], loss)
    return seen


def _difference(array: Array, loss: Callable[[], float]) -> Array:
    """Return d loss / d array element by element (real and imaginary part each)."""
    found = np.zeros_like(array)
    units = (1.0, 1j) if np.iscomplexobj(array) else (1.0,)
    for at in np.ndindex(array.shape):
        kept = array[at]
        for unit in units:
            array[at] = kept + NUMERIC_STEP * unit
            above = loss()
            array[at] = kept - NUMERIC_STEP * unit
            found[at] += (above - loss()) / (2 * NUMERIC_STEP) * unit
            array[at] = kept
    return found


RUNNERS: Final[dict[str, Callable[[Any, Sample], Outcome]]] = {
    "forward": _forward,
    "strides": _strides,
    "node": _node,
    "saved": _saved,
    "grad": _grad,
    "numeric": _numeric,
    "second": _second,
    "jvp": _jvp,
    "inplace": _inplace,
    "out": _out,
}


# Comparison


@dataclass(frozen=True)
class Difference:
    """One disagreement: which part of the outcome, in words, and the error in units of the tolerance's ulp."""

    part: str
    text: str
    ulps: float = 0.0

    def __str__(self) -> str:
        return f"{self.part}: {self.text}"


def compare(sample: Sample, aspect: str, expected: Outcome, seen: Outcome) -> list[Difference]:
    """Return the disagreements between two outcomes; none means they agree within the tolerance."""
    limit = ULPS.get(aspect, 0.0) * sample.slack * sample.loose.get(aspect, 1.0)
    parts = [*expected, *(k for k in seen if k not in expected)]
    return [d for part in parts for d in _compare_part(sample, aspect, part, limit, expected, seen)]


def _compare_part(
    sample: Sample, aspect: str, part: str, limit: float, expected: Outcome, seen: Outcome
) -> Iterator[Difference]:
    want, have = expected.get(part), seen.get(part)
    if aspect in LENIENT and (want is None or have is None):
        other = want if have is None else have
        if isinstance(other, np.ndarray) and np.any(other != 0):
            yield Difference(part, f"expected {_brief(want)}, got {_brief(have)}", np.inf)
    elif isinstance(want, np.ndarray) and isinstance(have, np.ndarray):
        yield from _compare_arrays(sample, part, limit, want, have)
    elif not _same(want, have):
        yield Difference(part, f"expected {_brief(want)}, got {_brief(have)}")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b) or abs(a - b) <= 1e-6 * abs(a)
    return type(a) is type(b) and bool(a == b)


def _compare_arrays(sample: Sample, part: str, limit: float, want: Array, have: Array) -> Iterator[Difference]:
    if want.shape != have.shape:
        yield Difference(part, f"expected shape {want.shape}, got {have.shape}")
    elif want.dtype.kind in "fc":
        edges = any(i.domain == "edge" for i in sample.inputs)  # values of any size: no share of the largest
        worst, at = error_in_ulps(want, have, 0.0 if edges else 0.1, _last_place(sample, want))
        if not worst <= limit:
            text = f"at {list(at)} expected {want[at]!r}, got {have[at]!r} ({worst:.3g} ulps, allowed {limit:g})"
            yield Difference(part, text, worst)
        elif sample.signed_zeros and want.dtype.kind == "f":
            wrong = (want == 0) & (np.signbit(want) != np.signbit(have))
            if wrong.any():
                yield Difference(part, f"wrong sign of zero at {np.argwhere(wrong)[0].tolist()}")
    elif not np.array_equal(want, have):
        at = tuple(int(i) for i in np.argwhere(np.asarray(want != have))[0])
        yield Difference(part, f"at {list(at)} expected {want[at]!r}, got {have[at]!r}", np.inf)


def _last_place(sample: Sample, want: Array) -> float:
    """Return eps of the narrowest of the precisions that meet in a sample; of the result when the inputs have one."""
    precisions = {float(np.finfo(i.dtype).eps) for i in sample.inputs if np.dtype(i.dtype).kind in "fc"}
    own = float(np.finfo(want.dtype).eps)
    return max(precisions | {own}) if len(precisions) > 1 else own


def error_in_ulps(want: Array, have: Array, share: float, eps: float) -> tuple[float, tuple[int, ...]]:
    """Return the largest error and its place, in ulps of |want| + share * max|want|; infinite where kinds differ."""
    if want.size == 0:
        return 0.0, ()
    with np.errstate(all="ignore"):
        finite = np.isfinite(want)
        size = np.abs(np.where(finite, want, 0)).astype(np.float64)
        unit = eps * (size + share * size.max()) + np.finfo(want.dtype).smallest_subnormal
        error = np.abs(want.astype(np.complex128) - have.astype(np.complex128)) / unit
        equal = (want == have) | (np.isnan(want) & np.isnan(have))
        error = np.where(equal, 0.0, np.where(finite & np.isfinite(have), error, np.inf))
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(error)), want.shape))
    return float(error[at]), at


def numeric_differences(sample: Sample, numeric: Outcome, analytic: Outcome) -> list[Difference]:
    """Return where gradients disagree with central differences."""
    found = []
    for part, want in numeric.items():
        have = analytic.get(part)
        have = np.zeros_like(want) if have is None else have
        scale = 1.0 + float(np.max(np.abs(want), initial=0.0))
        error = float(np.max(np.abs(want - have), initial=0.0)) / scale
        if not error <= NUMERIC_TOLERANCE * sample.slack:
            found.append(Difference(part, f"expected {_brief(want)}, got {_brief(have)} (off by {error:.2g})", error))
    return found


def _brief(value: Any) -> str:
    text = np.array2string(value, threshold=8, precision=5) if isinstance(value, np.ndarray) else repr(value)
    return " ".join(text.split())[:160]


def check(oracle: Any, package: Any, sample: Sample, aspect: str) -> list[Difference]:
    """Run one aspect under both packages and return the disagreements. An error of the oracle is the sample's fault."""
    if missing(package, sample.op):
        return [Difference("operator", f"{sample.op} is missing in {package.__name__}")]
    if aspect == "numeric":
        return numeric_differences(sample, run(package, sample, "numeric"), run(package, sample, "grad"))
    return compare(sample, aspect, run(oracle, sample, aspect), run(package, sample, aspect))
