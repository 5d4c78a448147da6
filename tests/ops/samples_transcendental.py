"""Roots, exponentials, logarithms, trigonometric and hyperbolic functions, and functions of two reals."""

from __future__ import annotations

from tests.ops.sample import (
    INF,
    NAN,
    VALUE,
    S,
    Sample,
    binary,
    c64,
    c128,
    change_some,
    const,
    each,
    f32,
    f64,
    i64,
    over,
    relax,
    relax_only,
    unary,
    without,
)

EXPONENTIALS = [
    *unary("exp"),
    *unary("exp2"),
    *unary("expm1"),
    *unary("sqrt", "positive"),
    *unary("rsqrt", "positive"),
    *unary("log", "positive"),
    *unary("log2", "positive"),
    *unary("log10", "positive"),
    *unary("log1p", "positive"),
    *unary("sigmoid"),
    *unary("special.expit", kinds="f", inplace=False, method=False),
    *change_some(
        unary("logit", "prob", kinds="fi"),
        lambda s: s.inputs[0].domain == "edge" and s.inputs[0].dtype == "float32",
        lambda found: without({"inplace": "torch's float32 slope at -0.0 has the sign that 0.0 would have"}, found),
    ),
    *each("logit", "t.logit(x{})", f64(4, domain="prob"), ", 0.2", ", eps=1e-3"),
    S("logit", "t.logit(x, 0.3)", const([-1.0, 0.1, 0.3, 0.7, 0.9, 2.0]), skip={"numeric": "clamped at kinks"}),
]

NOISE = {"second": "torch's second gradient of copysign is rounding noise where the derivative is zero"}

CIRCULAR = [
    *unary("sin"),
    *unary("cos"),
    *unary("tan", "unit"),
    *unary("asin", "unit"),
    *unary("acos", "unit"),
    *unary("atan"),
    *relax(4, "the argument pi * x of the sine is rounded first", unary("sinc", "nonzero")),
    *unary("deg2rad", kinds="fi"),
    *unary("rad2deg", kinds="fi"),
    *over("arcsin", "t.arcsin(x)", f64(3, domain="unit")),
    *over("arccos", "t.arccos(x)", f64(3, domain="unit")),
    *over("arctan", "t.arctan(x)", f64(3)),
    S(
        "sinc",
        "t.sinc(x)",
        const([0.0, 0.5, 0.0]),
        skip={"numeric": "central differences of sin(x)/x lose digits at 0"},
    ),
]

HYPERBOLIC = [
    *unary("sinh"),
    *unary("cosh"),
    *unary("tanh"),
    *unary("asinh"),
    *unary("acosh", "above1"),
    *unary("atanh", "unit"),
]

TWO_REALS = [
    *change_some(
        binary("atan2", kinds="fi"),
        lambda s: [i.shape for i in s.inputs] == [(), ()],
        lambda found: relax_only(("second",), 4, "terms cancel, and one number has no larger neighbours", found),
    ),
    *binary("hypot", kinds="f", promote=False),
    *binary("logaddexp", kinds="f", inplace=False, promote=False),
    *binary("logaddexp2", kinds="f", inplace=False, promote=False, edge=False),
    *over(
        "logaddexp2", "t.logaddexp2(x, y)", (const([INF, -INF, NAN, 0.0]), const([0.0, -INF, 1.0, -INF])), only=VALUE
    ),
    *binary("xlogy", "nonzero", "positive", kinds="fi"),
    *without(NOISE, binary("copysign", "nonzero", "nonzero", kinds="fi")),
    *binary("ldexp", other="nonzero", kinds="f", promote=False, edge=False),
    *each("xlogy", "t.xlogy({})", f64(3, domain="positive"), "x, 2", "2, x", "0, x"),
    *each("copysign", "t.copysign(x, {})", f64(3, domain="nonzero"), "-1", "1.0", "-0.0", skip=NOISE),
    S("xlogy", "t.xlogy(x, y)", const([0.0, 0.0, 1.0]), const([1.0, 2.0, 3.0]), skip={"numeric": "0 log y has a kink"}),
    S("atan2", "x.arctan2(y)", f64(3), f64(3)),
    *binary("nextafter", kinds="f", differentiable=False, promote=False, edge=False),
]

KINKS: list[Sample] = [
    *each("sqrt", "t.sqrt(x)", const([0.0, 1.0]), "", only=("forward", "grad")),
    *each("pow", "x ** {}", const([0.0, 2.0]), "0", "1", "2", "0.5", "-1", only=("forward", "grad")),
    *each("abs", "t.abs(x)", const([0.0, -0.0, 1.0, -1.0]), "", only=("forward", "grad", "second")),
    *each("abs", "t.abs(x)", const([0.0, 1.0j], "complex128"), "", only=("forward", "grad")),
    *each("sgn", "t.sgn(x)", const([0.0, 1.0j], "complex128"), "", only=("forward", "grad")),
    *over("pow", "t.pow(x, y)", (const([0.0, 0.0, 0.0]), const([0.0, 2.0, 1.0])), only=("forward", "grad")),
    *over("hypot", "t.hypot(x, y)", (const([0.0, 3.0]), const([0.0, 4.0])), only=("forward", "grad")),
    *over("log", "t.log(x)", i64(3, domain="below4"), only=("forward",)),
]

CHAINS = [
    S("exp", "(x * y).exp().sum()", f64(2, 3), f64(3)),
    S("tanh", "t.tanh(x @ y + z)", f64(2, 3), f64(3, 2), f64(2)),
    S("sin", "t.sin(x) * t.cos(x) + x ** 3", f64(4)),
    S("exp", "t.exp(-x.square() / 2) / (2 * np.pi) ** 0.5", f32(5)),
    S("log", "t.log(x.abs() + 1).mean()", c128(3)),
    S("exp", "t.exp(x * 1j).real", c64(3)),
]

SAMPLES = [
    *relax(2, "both libraries are good to 1-2 ulps, and float32 formulas differ", EXPONENTIALS + CIRCULAR + HYPERBOLIC),
    *relax(4, "functions of two reals are several roundings deep in either library", TWO_REALS),
    *KINKS,
    *relax(4, "several functions in a row", CHAINS),
]
