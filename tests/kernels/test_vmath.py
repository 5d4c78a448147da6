"""The elementary functions of every build: errors in units of the last place, and special values."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.kernels.conftest import BUILDS, EDGES
from wengert.kernels import blocks
from wengert.kernels.formula import Blocked
from wengert.kernels.tracing import make

if not BUILDS:
    pytest.skip("the kernels were not built", allow_module_level=True)

SPECIAL = [*EDGES, 1e-3, -1e-8, 1e30, -1e30, 89.0, -104.0, 710.0, -745.2, 1.0, -1.0, 0.75, -0.75, 4.1, 5.95, 1e-38]
SPECIAL += [-88.0, 20.0, -20.0]


def erf(x: Any) -> Any:
    import mpmath

    with mpmath.workdps(30):
        values = [np.longdouble(mpmath.nstr(mpmath.erf(mpmath.mpf(float(v))), 25)) for v in x]
    return np.copysign(values, x)  # mpmath has no negative zero


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


# Instruction: reference in long double, where to look, largest error in float32 and in float64.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any, float, float]] = {
    "exp": (np.exp, lambda r, n: r.uniform(-87, 88, n), 1.1, 1.0),
    "expm1": (np.expm1, lambda r, n: r.uniform(-20, 20, n) * r.uniform(size=n) ** 4, 1.6, 2.0),
    "log": (np.log, lambda r, n: np.exp(r.uniform(-80, 80, n)), 1.3, 1.3),
    "log1p": (np.log1p, lambda r, n: np.expm1(r.uniform(-3, 10, n)) * r.uniform(size=n) ** 4, 2.2, 2.2),
    "tanh": (np.tanh, lambda r, n: r.uniform(-9, 9, n) * r.uniform(size=n) ** 2, 2.5, 2.5),
    "sigmoid": (sigmoid, lambda r, n: r.uniform(-80, 80, n), 2.5, 2.5),
    "erf": (erf, lambda r, n: r.uniform(-5, 5, n), 3.0, 2.0),
    "silu": (lambda x: x * sigmoid(x), lambda r, n: r.uniform(-80, 80, n), 2.5, 2.5),
    "sin": (np.sin, lambda r, n: r.uniform(-1.6e6, 1.6e6, n) * r.uniform(size=n) ** 8, 1.5, 1.0),
    "cos": (np.cos, lambda r, n: r.uniform(-1.6e6, 1.6e6, n) * r.uniform(size=n) ** 8, 1.5, 1.0),
    "tan": (np.tan, lambda r, n: r.uniform(-10, 10, n), 1.5, 1.0),
    "arcsin": (np.arcsin, lambda r, n: r.uniform(-1, 1, n), 1.0, 1.0),
    "arccos": (np.arccos, lambda r, n: r.uniform(-1, 1, n), 1.0, 1.0),
    "arctan": (np.arctan, lambda r, n: r.uniform(-10, 10, n), 1.0, 1.0),
    "sinh": (np.sinh, lambda r, n: r.uniform(-20, 20, n), 2.0, 2.0),
    "cosh": (np.cosh, lambda r, n: r.uniform(-20, 20, n), 2.0, 2.0),
    "arcsinh": (np.arcsinh, lambda r, n: r.uniform(-20, 20, n), 2.0, 2.0),
    "arccosh": (np.arccosh, lambda r, n: r.uniform(1, 20, n), 2.0, 2.0),
    "arctanh": (np.arctanh, lambda r, n: r.uniform(-1, 1, n), 2.0, 2.0),
    "exp2": (np.exp2, lambda r, n: r.uniform(-120, 120, n), 1.1, 1.0),
    "log2": (np.log2, lambda r, n: np.exp(r.uniform(-80, 80, n)), 1.0, 1.0),
    "log10": (np.log10, lambda r, n: np.exp(r.uniform(-80, 80, n)), 2.0, 2.0),
    "sqrt": (np.sqrt, lambda r, n: np.exp(r.uniform(-80, 80, n)), 0.5, 0.5),
    "reciprocal": (lambda x: 1 / x, lambda r, n: np.exp(r.uniform(-80, 80, n)), 0.5, 0.5),
}


def kernel(build: str, op: str) -> Any:
    """A program of one instruction in one build."""

    def formula(*operands: Any) -> Any:
        return make(op, *operands)

    module = importlib.import_module(f"wengert.kernels._k_{build}")
    return module.Kernel(op, Blocked(formula, False).plan_for, formula, False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", FUNCTIONS)
@pytest.mark.parametrize("build", BUILDS)
def test_errors_stay_within_the_stated_units_of_the_last_place(build: str, op: str, dtype: Any) -> None:
    reference, where, single, double = FUNCTIONS[op]
    count = 2000 if op == "erf" else 40_000
    x = where(np.random.default_rng(0), count).astype(dtype)
    expected = reference(x.astype(np.longdouble))
    found = kernel(build, op)(x)
    ulp = np.abs(found.astype(np.longdouble) - expected) / np.spacing(np.abs(expected).astype(dtype)).astype(
        np.longdouble
    )
    assert ulp.max() <= (single if dtype == np.float32 else double), f"{ulp.max()} at {x[ulp.argmax()]!r}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", FUNCTIONS)
@pytest.mark.parametrize("build", BUILDS)
def test_special_values_are_those_of_c(build: str, op: str, dtype: Any) -> None:
    with np.errstate(all="ignore"):
        x = np.array(SPECIAL, np.float64).astype(dtype)
        expected = (erf if op == "erf" else FUNCTIONS[op][0])(x).astype(dtype)
    found = kernel(build, op)(x)
    tiny = np.finfo(dtype).smallest_subnormal
    # Next to the subnormal numbers one unit of them is all that can be asked for.
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps, atol=2 * tiny)
    exact = (expected == 0) | np.isinf(expected)
    assert (np.signbit(found) == np.signbit(expected))[exact].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", ["gelu", "gelu_slope", "silu_slope"])
@pytest.mark.parametrize("build", BUILDS)
def test_activations_and_their_slopes_are_close_to_the_formula_in_double_precision(
    build: str, op: str, dtype: Any
) -> None:
    ends = [5.4, 5.9, np.nextafter(dtype(5.4), dtype(6)), np.nextafter(dtype(5.9), dtype(6)), 6.0, 30.0, 1e30]
    x = np.concatenate([np.linspace(-8, 8, 20_001), ends, np.negative(ends), [0.0, -0.0]]).astype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        expected = getattr(blocks, op)(x.astype(np.float64))
    limit = 2 * np.finfo(dtype).eps * np.maximum(1, np.abs(x))
    error = np.abs(kernel(build, op)(x) - expected)
    assert (error <= limit).all(), f"{(error / limit).max()} at {x[(error / limit).argmax()]!r}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", ["gelu", "gelu_slope", "silu", "silu_slope", "hardswish"])
@pytest.mark.parametrize("build", BUILDS)
def test_activations_of_special_values_are_those_of_the_formula(build: str, op: str, dtype: Any) -> None:
    x = np.array([math.nan, math.inf, -math.inf, -1e30, 1e30, 0.0, -0.0], dtype)
    with np.errstate(all="ignore"):
        expected = getattr(blocks, op)(x)
    found = kernel(build, op)(x)
    np.testing.assert_array_equal(found, expected)
    assert (np.signbit(found) == np.signbit(expected))[2:].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("op", "operands"),
    [
        ("signum", 1), ("frac", 1), ("hardsigmoid", 1), ("softshrink", 2), ("unless_nan", 2), ("heaviside", 2),
        ("nextafter", 2), ("copysign", 2), ("divide_add", 3), ("clamp", 3), ("outside", 3),
        ("huber", 3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("build", BUILDS)
def test_choices_among_special_values_are_those_of_the_formula(build: str, op: str, operands: int, dtype: Any) -> None:
    ends = [np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal, np.nextafter(dtype(1), dtype(2)), 0.5]
    values = np.array([*SPECIAL, *ends, *np.negative(ends)]).astype(dtype)
    arrays = [x.copy() for x in np.broadcast_arrays(*np.ix_(*[values] * operands))]
    reference = np.copysign if op == "copysign" else lambda *x: blocks.instruction(op, *x)
    with np.errstate(all="ignore"):
        expected = reference(*arrays)
        found = kernel(build, op)(*arrays)
        np.testing.assert_array_equal(found, expected)
        told = ~np.isnan(expected) & ((expected != 0) | (op != "clamp"))  # of two zeros NumPy takes either
        assert (np.signbit(found) == np.signbit(expected))[told].all()
        if operands == 3:  # the last two may be one number each for all elements
            for y in values[::5]:
                for z in values[::5]:
                    np.testing.assert_array_equal(kernel(build, op)(values, y, z), reference(values, y, z))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("build", BUILDS)
def test_elu_is_exact_wherever_its_few_negative_numbers_are(build: str, dtype: Any) -> None:
    elu = kernel(build, "elu")
    x = np.random.default_rng(0).uniform(0, 3, 1000).astype(dtype)
    x[[0, 70, 131, 500, 999]] = [-0.5, -2.0, -1e-6, -50.0, -0.25]
    x[[1, 2, 3, 200, 201, 300]] = [math.nan, math.inf, -math.inf, 0.0, -0.0, -1000.0]
    expected = np.where(x < 0, np.expm1(2 * x.astype(np.float64)) * 1.5, x)
    for n in (1, 63, 64, 65, 640, 1000):
        for found in (elu(x[:n], 1.5, 2.0), elu(x[:n], np.full(n, 1.5, dtype), dtype(2))):
            np.testing.assert_allclose(found, expected[:n], rtol=4 * np.finfo(dtype).eps)
            np.testing.assert_array_equal(np.signbit(found), np.signbit(expected[:n]))
    written = x.copy()
    elu.into([written], written, 1.5, 2.0)
    np.testing.assert_array_equal(written, elu(x, 1.5, 2.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", ["sin", "cos"])
@pytest.mark.parametrize("build", BUILDS)
def test_angles_next_to_quarter_turns_and_far_away_are_exact(build: str, op: str, dtype: Any) -> None:
    reference: Any = FUNCTIONS[op][0]
    turns = (np.arange(-40_000, 40_000) * (np.pi / 2)).astype(dtype)
    x = np.concatenate([turns, np.nextafter(turns, dtype(0)), np.geomspace(1e6, 1e18, 1000).astype(dtype)])
    expected = reference(x.astype(np.longdouble))
    error = np.abs(kernel(build, op)(x).astype(np.longdouble) - expected)
    units = error / np.spacing(np.abs(expected).astype(dtype)).astype(np.longdouble)
    assert units[: 2 * turns.size].max() <= 1.5
    assert error[2 * turns.size :].max() <= 2 * np.finfo(dtype).eps  # long double reduces huge angles less well itself


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("build", BUILDS)
def test_logarithms_are_exact_next_to_one_and_among_numbers_that_are_not_normal(build: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    limits = np.finfo(dtype)
    near = 1 + rng.uniform(-1, 1, 20_000) * 10.0 ** rng.uniform(-8, 0, 20_000) * 0.4
    any_exponent = np.exp(rng.uniform(np.log(float(limits.tiny)), np.log(float(limits.max)), 20_000))
    x = np.concatenate([near, any_exponent, [limits.tiny, limits.max]]).astype(dtype)
    expected = np.log(x.astype(np.longdouble))
    log = kernel(build, "log")
    found = log(x)
    assert (np.abs(found - expected) / np.spacing(np.abs(expected).astype(dtype))).max() <= 1.3
    mixed = x.copy()
    mixed[::7] = np.resize(
        np.array([0.0, -0.0, -1.0, math.inf, -math.inf, math.nan, limits.tiny / 8], dtype), x[::7].size
    )
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(log(mixed)[::7], np.log(mixed)[::7], rtol=limits.eps)
    kept = np.arange(x.size) % 7 != 0
    np.testing.assert_array_equal(log(mixed)[kept], found[kept])
    np.testing.assert_array_equal([log(x[i : i + 1])[0] for i in range(500)], found[:500])
    np.testing.assert_array_equal(log(x[:509]), found[:509])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", ["power", "arctan2", "hypot", "fmod"])
@pytest.mark.parametrize("build", BUILDS)
def test_functions_of_two_numbers_are_those_of_c(build: str, op: str, dtype: Any) -> None:
    def formula(x: Any, y: Any) -> Any:
        return make(op, x, y)

    module = importlib.import_module(f"wengert.kernels._k_{build}")
    binary = module.Kernel(op, Blocked(formula, False).plan_for, formula, False)
    rng = np.random.default_rng(0)
    numbers = np.concatenate([SPECIAL, [2.0, 3.0, -2.5], rng.normal(size=200) * 3]).astype(dtype)
    x, y = (np.ascontiguousarray(a) for a in np.broadcast_arrays(numbers[:, None], numbers))
    with np.errstate(all="ignore"):
        expected = getattr(np, op)(x, y)
    limits = np.finfo(dtype)
    np.testing.assert_allclose(binary(x, y), expected, rtol=4 * limits.eps, atol=2 * limits.smallest_subnormal)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("build", BUILDS)
def test_remainders_are_exact_next_to_multiples_and_for_any_quotient(build: str, dtype: Any) -> None:
    module = importlib.import_module(f"wengert.kernels._k_{build}")

    def formula(x: Any, y: Any) -> Any:
        return make("fmod", x, y)

    fmod = module.Kernel("fmod", Blocked(formula, False).plan_for, formula, False)
    rng = np.random.default_rng(0)
    divisor = (rng.normal(size=20_000) * 10.0 ** rng.integers(-25, 15, 20_000)).astype(dtype)
    multiple = divisor * np.exp2(rng.integers(-3, 60, 20_000)).astype(dtype) * rng.integers(1, 50, 20_000).astype(dtype)
    tiny = np.finfo(dtype).smallest_subnormal * rng.integers(1, 1000, 20_000).astype(dtype)
    for x, y in [
        (multiple, divisor),
        (np.nextafter(multiple, dtype(0)), divisor),
        (np.nextafter(multiple, dtype(np.inf)), divisor),
        (tiny, tiny[::-1].copy()),
        (divisor, tiny),
        (tiny, divisor),
    ]:
        with np.errstate(all="ignore"):
            expected = np.fmod(x, y)
        found = fmod(x, y)
        np.testing.assert_array_equal(found, expected)
        assert (np.signbit(found) == np.signbit(expected))[~np.isnan(expected)].all()


@pytest.mark.parametrize("build", BUILDS)
def test_python_and_the_machine_know_the_same_instructions(build: str) -> None:
    from wengert.kernels import tracing

    names = set(importlib.import_module(f"wengert.kernels._k_{build}").opcode_names())
    assert names == (set(blocks._UFUNCS) - set(tracing.SWAPPED)) | set(blocks._OTHERS) | set(tracing.REDUCTIONS)
