"""Special functions of every build: errors in units of the last place, special values, layouts; NumPy's programs; slopes."""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import torch

import wengert as wg
from tests.kernels.conftest import BUILDS, EDGES
from wengert.kernels import blocks
from wengert.kernels.formula import Blocked

DTYPES = [np.float32, np.float64]
#: NumPy's programs count as one more build where only coarse questions are asked.
PLACES = [*BUILDS, "numpy"]
NOWHERE: Any = pytest.mark.skipif(not BUILDS, reason="the kernels were not built")


def kernel(build: str, op: str) -> Any:
    """A program of one instruction in one build."""

    def formula(x: Any) -> Any:
        return blocks.instruction(op, x)

    blocked = Blocked(formula, False)
    if build == "numpy":
        return blocked
    module = importlib.import_module(f"wengert.kernels._k_{build}")
    return module.Kernel(op, blocked.plan_for, blocked, False)


def inverse_erf(x: Any) -> Any:
    """By Newton's method for the complement, which does not cancel next to 1."""
    rest, y = 1 - abs(x), mpmath.mpf(float(torch.erfinv(torch.tensor(float(x), dtype=torch.float64)).abs()))
    for _ in range(6):
        y += (mpmath.erfc(y) - rest) * mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(y * y)
    return y * mpmath.sign(x)


def scaled_bessel(order: int) -> Callable[[Any], Any]:
    return lambda x: mpmath.besseli(order, x) * mpmath.exp(-abs(x))


def positive(r: Any, n: int) -> Any:
    return np.concatenate([r.uniform(0, 1, n), r.uniform(1, 3, n), r.uniform(2, 12, n), np.exp(r.uniform(-30, 30, n))])


def next_to_one_and_two(r: Any, n: int) -> Any:
    near = r.choice([1, 2], n) + r.choice([-1, 1], n) * 10.0 ** r.uniform(-7, -0.3, n)
    return np.concatenate([near, r.uniform(0.5, 3, n)])


def next_to_the_root(r: Any, n: int) -> Any:
    return 1.4616321449683622 + r.choice([-1, 1], n) * 10.0 ** r.uniform(-15, -1, n)


def negative(r: Any, n: int) -> Any:
    return np.concatenate([r.uniform(-3, 0, n), r.uniform(-50, 0, n)])


def both_sides(r: Any, n: int) -> Any:
    return np.concatenate([r.uniform(-80, 80, n), r.uniform(-9, 9, n), np.exp(r.uniform(-30, 0, n))])


# Instruction and where: reference, arguments, largest error in float32 and in float64 in units of the last place, and the
# smallest magnitude that these units are taken of (roots cancel).
CASES: dict[str, tuple[Callable[[Any], Any], Callable[[Any, int], Any], float, float, float]] = {
    "erfc": (mpmath.erfc, lambda r, n: np.concatenate([r.uniform(-6, 9, n), r.uniform(0, 26, n)]), 6, 6.5, 0),
    "erfcx": (
        lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
        lambda r, n: np.concatenate([r.uniform(-9, 9, n), np.exp(r.uniform(-30, 9, n))]),
        6,
        6.5,
        0,
    ),
    "erfinv": (
        inverse_erf,
        lambda r, n: np.concatenate([r.uniform(-1, 1, n), 1 - np.exp(r.uniform(-15, 0, n)), np.exp(r.uniform(-30, 0, n))]),
        3.5,
        3.5,
        0,
    ),
    "lgamma": (lambda x: mpmath.loggamma(x).real, positive, 4, 4, 1),
    "lgamma next to its roots": (lambda x: mpmath.loggamma(x).real, next_to_one_and_two, 10, 10, 0),
    "lgamma below 0": (lambda x: mpmath.loggamma(x).real, negative, 10, 10, 1),
    "digamma": (lambda x: mpmath.psi(0, x), positive, 4, 4, 0),
    "digamma next to its root": (lambda x: mpmath.psi(0, x), next_to_the_root, 4, 4, 0),
    "digamma below 0": (lambda x: mpmath.psi(0, x), negative, 9, 9, 1),
    "trigamma": (lambda x: mpmath.psi(1, x), positive, 3.5, 3.5, 0),
    "trigamma below 0": (lambda x: mpmath.psi(1, x), negative, 6.5, 6.5, 0),
    "tetragamma": (lambda x: mpmath.psi(2, x), positive, 5, 5, 0),
    "tetragamma below 0": (lambda x: mpmath.psi(2, x), negative, 16, 16, 1),
    "i0": (lambda x: mpmath.besseli(0, x), both_sides, 5, 5, 0),
    "i1": (lambda x: mpmath.besseli(1, x), both_sides, 5, 5, 0),
    "i0e": (scaled_bessel(0), both_sides, 5, 5, 0),
    "i1e": (scaled_bessel(1), both_sides, 5, 5, 0),
}  # fmt: skip
INSTRUCTIONS = ["erfc", "erfcx", "erfinv", "lgamma", "digamma", "trigamma", "tetragamma", "i0", "i1", "i0e", "i1e"]


@functools.cache
def table(case: str, dtype: Any) -> tuple[Any, Any]:
    """Arguments, and values as long doubles."""
    reference, where, *_ = CASES[case]
    x = where(np.random.default_rng(0), 300).astype(dtype)
    with mpmath.workdps(40):
        values = [reference(mpmath.mpf(float(v))) for v in x]
        expected = np.array([np.longdouble(mpmath.nstr(v, 25)) for v in values])
    inside = np.abs(expected) < np.finfo(dtype).max
    return x[inside], expected[inside]


@NOWHERE
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("build", BUILDS)
def test_errors_stay_within_the_stated_units_of_the_last_place(build: str, case: str, dtype: Any) -> None:
    *_, single, double, least = CASES[case]
    x, expected = table(case, dtype)
    found = kernel(build, case.split()[0])(x)
    unit = np.spacing(np.maximum(np.abs(expected), least).astype(dtype)).astype(np.longdouble)
    ulp = np.abs(found.astype(np.longdouble) - expected) / unit
    assert ulp.max() <= (single if dtype == np.float32 else double), f"{ulp.max()} at {x[ulp.argmax()]!r}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_numpys_programs_give_nearly_the_same(case: str, dtype: Any) -> None:
    x, expected = table(case, dtype)
    lost = 1 + np.minimum(x * x, 800) if case == "erfc" else 1  # SciPy rounds the square
    with np.errstate(all="ignore"):
        error = np.abs(kernel("numpy", case.split()[0])(x) - expected)
    limits = np.finfo(dtype)
    scale = np.maximum(np.abs(expected), 0 if case == "erfc" else 1)
    assert (error <= 256 * limits.eps * scale * lost + limits.tiny).all()


POINTS = [*EDGES, 1.0, -1.0, 2.0, -2.0, -3.0, -0.5, -1.5, 1e-8, -1e-8]
POINTS += [1e30, -1e30, 3e38, -88.0, 60.0, 0.99, -0.75, 9.3, -9.3, 26.5, 1e305, -1e7, 27.2, -12.25, 8.0, 6.25]
INFINITE_AT_POLES = {"trigamma": math.inf, "tetragamma": -math.inf}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", [op for op in INSTRUCTIONS if op not in INFINITE_AT_POLES])
@pytest.mark.parametrize("build", PLACES)
def test_special_values_are_pytorchs(build: str, op: str, dtype: Any) -> None:
    with np.errstate(all="ignore"):
        x = np.array(POINTS, np.float64).astype(dtype)
        found = kernel(build, op)(x)
    theirs: Any = getattr(torch, op, None) or getattr(torch.special, op)
    expected = theirs(torch.tensor(x)).numpy()
    limits = np.finfo(dtype)
    np.testing.assert_allclose(found, expected, rtol=1000 * limits.eps, atol=2 * limits.smallest_subnormal)
    assert (np.signbit(found) == np.signbit(expected))[np.isinf(expected) | (x == 0)].all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", INFINITE_AT_POLES)
@pytest.mark.parametrize("build", PLACES)
def test_derivatives_of_digamma_are_infinite_at_its_poles(build: str, op: str, dtype: Any) -> None:
    pole = INFINITE_AT_POLES[op]
    with np.errstate(all="ignore"):
        found = kernel(build, op)(np.array([0.0, -0.0, -1.0, -2.0, -7.0, math.nan, math.inf, -math.inf, 1e30], dtype))
    np.testing.assert_array_equal(found[:7], [pole] * 5 + [math.nan, 0.0])
    assert np.isnan(found[7])
    np.testing.assert_allclose(found[8], 1e-30 if op == "trigamma" else dtype(-1e-60), rtol=1e-6)


@NOWHERE
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", INSTRUCTIONS)
@pytest.mark.parametrize("build", BUILDS)
def test_an_element_has_one_value_in_any_layout_and_company(build: str, op: str, dtype: Any) -> None:
    f = kernel(build, op)
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(0.1, 0.9, 300), rng.normal(size=401) * 20, rng.uniform(-1, 1, 299)]).astype(dtype)
    alone = np.array([f(x[i : i + 1])[0] for i in range(x.size)])
    for n in (0, 1, 63, 64, 65, 1000):
        np.testing.assert_array_equal(f(x[:n]), alone[:n])
    np.testing.assert_array_equal(f(x[::-3]), alone[::-3])
    np.testing.assert_array_equal(f(x.reshape(20, 50).T), alone.reshape(20, 50).T)
    np.testing.assert_array_equal(f(x[5]), alone[5])
    large = np.tile(x, 70)
    np.testing.assert_array_equal(f(large), np.tile(alone, 70))
    f.into([large], large)
    np.testing.assert_array_equal(large, np.tile(alone, 70))


def derivative(function: Callable[[Any], Any], x: Any, recorded: bool) -> Any:
    leaf = x.clone().requires_grad_()
    y = function(leaf)
    weights = wg.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
    return wg.autograd.grad(y, leaf, weights, create_graph=recorded)[0].detach().numpy()


SLOPES: dict[str, Callable[[Any], Any]] = {
    "erf": wg.erf, "erfc": wg.erfc, "erfcx": wg.special.erfcx, "erfinv": wg.erfinv, "ndtri": wg.special.ndtri,
    "log_ndtr": wg.special.log_ndtr, "entr": wg.special.entr, "lgamma": wg.lgamma, "digamma": wg.digamma,
    "trigamma": lambda x: wg.polygamma(1, x), "polygamma 3": lambda x: wg.polygamma(3, x), "i0": wg.i0,
    "i0e": wg.special.i0e, "i1": wg.special.i1, "i1e": wg.special.i1e, "logit": wg.logit,
    "logit eps": lambda x: wg.logit(x, 0.3), "mvlgamma": lambda x: wg.mvlgamma(x + 3, 2),
    "xlogy": lambda x: wg.xlogy(x, x + 1), "xlogy of a number": lambda x: wg.xlogy(2.5, x) + wg.xlogy(x, 2.5),
    "xlog1py": lambda x: wg.special.xlog1py(x, x),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [wg.float32, wg.float64], ids=str)
@pytest.mark.parametrize("name", SLOPES)
def test_fused_slopes_are_the_recorded_formulas(name: str, dtype: Any) -> None:
    x = wg.linspace(0.01, 0.99, 2000, dtype=dtype)
    fused, recorded = (derivative(SLOPES[name], x, create) for create in (False, True))
    tolerance = 2e-5 if dtype is wg.float32 else 1e-13
    np.testing.assert_allclose(fused, recorded, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["i1", "i1e"])
def test_slopes_at_zero_are_a_half(name: str) -> None:
    assert derivative(SLOPES[name], wg.zeros(2), False).tolist() == [-0.5, 1.0]


@pytest.mark.parametrize("name", [name for name in SLOPES if name != "polygamma 3"])
def test_half_precision_goes_through_single(name: str) -> None:
    x = wg.linspace(0.1, 0.9, 50, dtype=wg.float16)
    found = SLOPES[name](x)
    assert found.dtype is wg.float16
    np.testing.assert_allclose(found.float().numpy(), SLOPES[name](x.float()).numpy(), rtol=4e-3, atol=1e-3)


def test_orders_of_polygamma_without_a_kernel_are_scipys_and_cannot_be_fused() -> None:
    x = wg.linspace(0.5, 3, 7, dtype=wg.float64)
    np.testing.assert_allclose(wg.polygamma(3, x).numpy(), [float(mpmath.psi(3, v)) for v in x.tolist()], rtol=1e-12)
    with pytest.raises(TypeError, match="zeta"):
        wg.fuse(lambda y: wg.polygamma(3, y))(x)
