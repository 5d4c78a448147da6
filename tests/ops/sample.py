"""Samples: one line of a program, the inputs it runs on, and the small generators that write many of them.

A sample is program text, so that a table reads like the programs it stands for and the text is the test's name:
``Sample("add", "t.add(x, y, alpha=2)", f64(2, 3), f64(3))``. In the text ``t`` is the package under test, ``F`` its
``nn.functional``, and ``x, y, z, w`` are the inputs. A statement (``x[1:] = y``, ``x += y``) runs on a clone of ``x``,
which is then the result.
"""

from __future__ import annotations

import ast
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SEED: Final = int(os.environ.get("WENGERT_TEST_SEED", "0"))
NAMES: Final = "xyzw"
INF: Final = float("inf")
NAN: Final = float("nan")

EDGES: Final = (0.0, -0.0, INF, -INF, NAN, 1.0, -1.0, 0.5, -0.5, 1.5, -2.5, 2.0, 3.0, 1e-18, -1e18, 88.0, -104.0)
"""Values at which elementwise functions of two libraries differ: zeros, infinities, NaN, ties of rounding, overflow."""

VALUE: Final = ("forward", "strides", "node", "inplace", "out")
"""The aspects that need no gradient: for integers, comparisons and edge values."""

ASPECTS: Final = ("forward", "strides", "node", "saved", "grad", "numeric", "second", "jvp", "inplace", "out")


@dataclass(frozen=True)
class Input:
    """One generated tensor: shape, dtype, the domain its values come from, and how it lies in memory."""

    shape: tuple[int, ...]
    dtype: str = "float64"
    domain: str = "any"
    layout: str = "contiguous"
    grad: bool = True
    values: tuple[Any, ...] | None = None

    @property
    def differentiable(self) -> bool:
        """Whether gradients with respect to this input are compared."""
        return self.grad and np.dtype(self.dtype).kind in "fc"

    def array(self, rng: np.random.Generator) -> Array:
        """Return the values as a contiguous array."""
        if self.values is not None:
            return np.array(self.values, dtype=self.dtype).reshape(self.shape)
        kind = np.dtype(self.dtype).kind
        with np.errstate(all="ignore"):
            if kind == "c":
                parts = [_draw(rng, self.domain, self.shape) for _ in range(2)]
                return np.asarray(parts[0] + 1j * parts[1]).astype(self.dtype)
            if kind == "b" and self.domain == "any":
                return rng.integers(0, 2, self.shape).astype(bool)
            if kind in "iu" and self.domain == "any":
                return rng.integers(0 if kind == "u" else -5, 6, self.shape).astype(self.dtype)
            if kind == "u":
                return np.abs(_draw(rng, self.domain, self.shape)).astype(self.dtype)
            return np.asarray(_draw(rng, self.domain, self.shape)).astype(self.dtype)

    def __str__(self) -> str:
        short = {"float": "f", "int": "i", "uint": "u", "complex": "c", "bool": "bool"}
        name = self.dtype.rstrip("0123456789")
        text = short[name] + self.dtype[len(name) :] + "[" + ",".join(map(str, self.shape)) + "]"
        text += "" if self.layout == "contiguous" else "." + self.layout
        text += "" if self.grad or np.dtype(self.dtype).kind not in "fc" else ".constant"
        if self.domain == "const":
            return text + "=" + ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in self.values or ())
        return text + ("" if self.domain == "any" else "." + self.domain)


def _draw(rng: np.random.Generator, domain: str, shape: tuple[int, ...]) -> Array:
    """Draw float64 values of one domain. Only "edge" and "ties" hold values at which a function has a kink."""
    size = int(np.prod(shape))
    if domain == "distinct":
        flat = (rng.permutation(size) - size / 2 + rng.uniform(0.1, 0.4, size)) * 0.7
    elif domain == "edge":
        flat = np.resize(np.array(EDGES), size)
    elif domain == "ties":
        flat = rng.integers(-1, 2, size).astype(float)
    elif domain == "nonzero":
        flat = rng.uniform(0.4, 2.0, size) * rng.choice([-1.0, 1.0], size)
    elif domain == "integral":
        flat = rng.integers(1, 5, size) * rng.choice([-1, 1], size).astype(float)
    elif domain.startswith("below"):
        flat = rng.integers(0, int(domain[5:]), size).astype(float)
    elif domain == "any":
        flat = rng.normal(0.0, 1.3, size)
    else:
        low, high = {"positive": (0.3, 3.0), "unit": (-0.9, 0.9), "prob": (0.1, 0.9), "above1": (1.1, 3.0)}[domain]
        flat = rng.uniform(low, high, size)
    return np.asarray(flat).reshape(shape)


def place(array: Array, layout: str) -> Array:
    """Return the values of `array` in memory as `layout` says ("expanded" repeats the first row)."""
    if layout == "transposed":
        return np.ascontiguousarray(array.T).T
    if layout == "strided":
        room = np.zeros(tuple(2 * n for n in array.shape), array.dtype)
        view = room[tuple(slice(None, None, 2) for _ in array.shape)]
        view[...] = array
        return view
    if layout == "expanded":
        row = np.ascontiguousarray(array[:1])
        return np.lib.stride_tricks.as_strided(row, array.shape, (0, *row.strides[1:]), writeable=True)
    return np.ascontiguousarray(array).reshape(array.shape)


def _maker(dtype: str) -> Callable[..., Input]:
    def make(*shape: int, **fields: Any) -> Input:
        return Input(tuple(shape), dtype, **fields)

    return make


f64, f32, f16 = _maker("float64"), _maker("float32"), _maker("float16")
i64, i32, i16, i8, u8 = (_maker(name) for name in ("int64", "int32", "int16", "int8", "uint8"))
b8, c128, c64 = _maker("bool"), _maker("complex128"), _maker("complex64")


def const(values: Any, dtype: str = "float64", **fields: Any) -> Input:
    """Return an input with the given values (nested lists, or a scalar)."""
    array = np.array(values, dtype=dtype)
    return Input(array.shape, dtype, values=tuple(array.ravel().tolist()), domain="const", **fields)


def index(*shape: int, below: int) -> Input:
    """Return an int64 index input with values in [0, below)."""
    return Input(tuple(shape), "int64", f"below{below}")


@dataclass(frozen=True, eq=False)
class Sample:
    """One comparison: program text, its in-place twin and out= form, inputs, and what is compared how closely.

    `skip` maps an aspect to the reason why it is not compared; `slack` multiplies the tolerance, `loose` that of some
    aspects further, and `why` says why.
    """

    op: str
    code: str
    inputs: tuple[Input, ...] = ()
    inplace: str = ""
    out: str = ""
    only: tuple[str, ...] = ASPECTS
    skip: Mapping[str, str] = field(default_factory=dict)
    slack: float = 1.0
    loose: Mapping[str, float] = field(default_factory=dict)
    why: str = ""
    signed_zeros: bool = False
    family: str = ""

    @property
    def id(self) -> str:
        """Name of the sample in reports: its text and its inputs."""
        return " ".join([self.code, *map(str, self.inputs)])

    @property
    def aspects(self) -> tuple[str, ...]:
        """The aspects that are compared, in the order of ASPECTS."""
        return tuple(a for a in ASPECTS if a in self.only and a not in self.skip and self._applies(a))

    def _applies(self, aspect: str) -> bool:
        if aspect == "inplace":
            return bool(self.inplace)
        if aspect == "out":
            return bool(self.out)
        if aspect in VALUE:
            return True
        wanted = [i for i in self.inputs if i.differentiable]
        if aspect == "saved" and any(0 in i.shape for i in self.inputs):
            return False  # where a saved tensor comes from is told by its address: empty tensors have none
        if aspect == "jvp" and any(i.layout == "expanded" for i in wanted):
            return False  # torch copies a tangent into the primal's layout, and refuses to where memory overlaps
        if aspect == "numeric":
            small = sum(int(np.prod(i.shape)) for i in wanted) <= 24
            whole = all(i.dtype in ("float64", "complex128") and i.layout != "expanded" for i in wanted)
            return bool(wanted) and small and whole
        return bool(wanted)

    def rng(self, purpose: str) -> np.random.Generator:
        """Return a generator that depends on this sample, the purpose and the seed only."""
        return np.random.default_rng([SEED, zlib.crc32(self.id.encode()), zlib.crc32(purpose.encode())])

    def arrays(self) -> list[Array]:
        """Return the values of the inputs as contiguous arrays."""
        rng = self.rng("inputs")
        return [spec.array(rng) for spec in self.inputs]


def S(op: str, code: str, *inputs: Input, **fields: Any) -> Sample:
    """Return one sample."""
    return Sample(op, code, inputs, **fields)


@cache
def program(code: str, count: int, extra: str = "") -> Callable[..., Any]:
    """Compile the text of a sample to a function of (t, F, inputs...[, extra])."""
    parameters = ", ".join(["t", "F", *NAMES[:count], *([extra] if extra else [])])
    try:
        ast.parse(code, mode="eval")
        body = f"return {code}"
    except SyntaxError:
        body = f"x = x.clone()\n    {code}\n    return x"
    space: dict[str, Any] = {"np": np, "inf": INF, "nan": NAN}
    exec(compile(f"def sample({parameters}):\n    {body}\n", f"<{code}>", "exec"), space)
    function: Callable[..., Any] = space["sample"]
    return function


def fill(template: str, arguments: str) -> str:
    """Put argument text in place of {} in a template, minding the comma before it when there is none."""
    return template.replace(", {}", f", {arguments}" if arguments else "").replace("{}", arguments)


def each(op: str, template: str, inputs: Input | Iterable[Input], *arguments: str, **fields: Any) -> list[Sample]:
    """Return one sample for every argument text, put into the template (and into the in-place and out= templates)."""
    given = (inputs,) if isinstance(inputs, Input) else tuple(inputs)
    inplace, out = fields.pop("inplace", ""), fields.pop("out", "")
    return [
        Sample(op, fill(template, a), given, inplace=fill(inplace, a), out=fill(out, a), **fields) for a in arguments
    ]


def over(op: str, code: str, *groups: Input | tuple[Input, ...], **fields: Any) -> list[Sample]:
    """Return one sample of the same text for every group of inputs."""
    return [Sample(op, code, g if isinstance(g, tuple) else (g,), **fields) for g in groups]


CANCELS: Final = "the terms of the sum nearly cancel, and the libraries add them up in another order"


def relax(slack: float, why: str, samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples with a looser tolerance, for a reason."""
    return [replace(s, slack=s.slack * slack, why=_reasons(s, why)) for s in samples]


def relax_only(aspects: Iterable[str], slack: float, why: str, samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples with a looser tolerance in some aspects, for a reason."""
    return [replace(s, loose={**s.loose, **dict.fromkeys(aspects, slack)}, why=_reasons(s, why)) for s in samples]


def _reasons(sample: Sample, why: str) -> str:
    return f"{sample.why}; {why}" if sample.why else why


def without(skip: Mapping[str, str], samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples without some aspects, for the reasons given."""
    return [replace(s, skip={**s.skip, **skip}) for s in samples]


def change_some(
    samples: Iterable[Sample], wanted: Callable[[Sample], bool], change: Callable[[list[Sample]], list[Sample]]
) -> list[Sample]:
    """Return the samples in order, those that are wanted changed (by `relax`, `without`, ...)."""
    given = list(samples)
    if not any(map(wanted, given)):
        raise ValueError("no such sample: what was to be changed is no longer there")
    return [change([s])[0] if wanted(s) else s for s in given]


def unary(
    op: str,
    domain: str = "any",
    kinds: str = "fibc",
    *,
    call: str = "t.{op}(x)",
    inplace: bool = True,
    out: bool = True,
    differentiable: bool = True,
    method: bool = True,
    edge: bool = True,
    signed_zeros: bool = True,
    **fields: Any,
) -> list[Sample]:
    """Return the samples of an elementwise function of one tensor: layouts, dtypes, edge values, in-place, out=.

    `kinds` are the kinds of dtype PyTorch has it for, as in NumPy: f floats, i integers, b bool, c complex.
    """
    code = call.format(op=op)
    forms = {
        "inplace": f"x.{op}_()" if inplace else "",
        "out": code.replace("(x)", "(x, out=out)") if out else "",
    }
    only = ASPECTS if differentiable else VALUE
    full = {**forms, **fields}
    samples = [S(op, code, i, only=only, **full) for i in _floats(domain)]
    if edge:
        samples += [
            S(op, code, d(17, domain="edge"), only=VALUE, signed_zeros=signed_zeros, **full) for d in (f64, f32)
        ]
    if "i" in kinds:
        samples += [S(op, code, d(6, domain=_of_integers(domain)), only=VALUE, **full) for d in (i64, i32, u8)]
    if "b" in kinds:
        samples.append(S(op, code, const([True, True, domain != "any"], "bool"), only=VALUE, **full))
    if "c" in kinds:
        specs = (c128(2, 3, domain=domain), c64(4, domain=domain), c128(domain=domain), c128(3, 2, layout="transposed"))
        samples += [S(op, code, i, only=only, **full) for i in specs]
    if method:
        samples.append(S(op, f"x.{op}()", f64(3, domain=domain), only=("forward",)))
    return samples


def _floats(domain: str) -> list[Input]:
    return [
        f64(2, 3, domain=domain),
        f64(domain=domain),
        f64(0, 3, domain=domain),
        f32(2, 3, domain=domain),
        f32(67, domain=domain),
        f64(3, 4, domain=domain, layout="transposed"),
        f64(3, 4, domain=domain, layout="strided"),
        f64(3, 4, domain=domain, layout="expanded"),
    ]


def _of_integers(domain: str) -> str:
    return {"any": "any", "nonzero": "integral", "unit": "below2", "prob": "below2"}.get(domain, "integral")


def binary(
    op: str,
    domain: str = "any",
    other: str = "",
    kinds: str = "fibc",
    arguments: str = "",
    *,
    inplace: bool = True,
    out: bool = True,
    differentiable: bool = True,
    edge: bool = True,
    signed_zeros: bool = True,
    promote: bool = True,
    method: bool = True,
    **fields: Any,
) -> list[Sample]:
    """Return the samples of an elementwise function of two tensors: broadcasting, promotion, layouts, edge values."""
    extra = f", {arguments}" if arguments else ""
    code = f"t.{op}(x, y{extra})"
    full = {
        "inplace": f"x.{op}_(y{extra})" if inplace else "",
        "out": f"t.{op}(x, y{extra}, out=out)" if out else "",
        **fields,
    }
    only = ASPECTS if differentiable else VALUE
    second = other or domain
    samples = [S(op, code, *pair, only=only, **full) for pair in _pairs(domain, second)]
    if edge:
        samples += [S(op, code, *p, only=VALUE, signed_zeros=signed_zeros, **full) for p in _edge_pairs()]
    if "i" in kinds:
        whole = [(i64(6), i64(6, domain="integral")), (u8(6), u8(6, domain="integral"))]
        samples += [S(op, code, *pair, only=VALUE, **full) for pair in whole]
        samples += [S(op, code, *pair, only=only, **full) for pair in _mixed(domain, second) if promote]
    if "b" in kinds:
        samples.append(S(op, code, b8(4), const([True, True, False, True], "bool"), only=VALUE, **full))
    if "c" in kinds:
        samples += [S(op, code, *pair, only=only, **full) for pair in _complex_pairs(domain, second)]
    if method:
        pair = (f64(3, domain=domain), f64(3, domain=second))
        samples.append(S(op, f"x.{op}(y{extra})", *pair, only=("forward",)))
    return samples


def _edge_pairs() -> list[tuple[Input, ...]]:
    """Return every edge value against every other, in two dtypes."""
    grid = np.array(np.meshgrid(EDGES, EDGES)).reshape(2, -1)
    return [
        tuple(Input(side.shape, dtype, "edge", values=tuple(side.tolist())) for side in grid)
        for dtype in ("float64", "float32")
    ]


def _complex_pairs(a: str, b: str) -> list[tuple[Input, Input]]:
    return [
        (c128(2, 3, domain=a), c128(3, domain=b)),
        (c64(4, domain=a), c64(4, domain=b)),
        (c128(2, domain=a), f64(2, domain=b)),
    ]


def _pairs(a: str, b: str) -> list[tuple[Input, Input]]:
    return [
        (f64(2, 3, domain=a), f64(2, 3, domain=b)),
        (f64(2, 3, domain=a), f64(3, domain=b)),
        (f64(2, 1, domain=a), f64(1, 3, domain=b)),
        (f64(2, 3, domain=a), f64(domain=b)),
        (f64(domain=a), f64(domain=b)),
        (f64(0, 3, domain=a), f64(1, domain=b)),
        (f32(2, 3, domain=a), f32(2, 3, domain=b)),
        (f32(35, domain=a), f32(35, domain=b)),
        (f32(3, domain=a), f64(2, 3, domain=b)),
        (f64(2, 3, domain=a), f32(3, domain=b)),
        (f32(3, domain=a), f64(domain=b)),
        (f64(3, 2, domain=a, layout="transposed"), f64(3, 2, domain=b)),
        (f64(3, 2, domain=a), f64(3, 2, domain=b, layout="transposed")),
        (f64(3, 2, domain=a, layout="strided"), f64(3, 2, domain=b, layout="expanded")),
        (f64(2, 3, domain=a, grad=False), f64(2, 3, domain=b)),
        (f64(2, 3, domain=a), f64(2, 3, domain=b, grad=False)),
    ]


def _mixed(a: str, b: str) -> list[tuple[Input, Input]]:
    whole = _of_integers(b)
    return [
        (f32(3, domain=a), i64(3, domain=whole)),
        (i64(3, domain=_of_integers(a)), f32(domain=b)),
        (i32(3, domain=_of_integers(a)), i64(domain=whole)),
        (u8(3, domain=_of_integers(a)), i8(3, domain=whole)),
    ]
