"""Special functions: error functions, gamma functions, Bessel functions, entropy."""

from __future__ import annotations

from tests.ops.sample import S, Sample, change_some, const, each, f32, f64, i64, over, relax, relax_only, unary, without

NAMED = [
    *unary("erf", kinds="fib"),
    *unary("erfc", kinds="fib"),
    *unary("erfinv", "unit", kinds="fib", signed_zeros=False),
    *unary("lgamma", "positive", kinds="fi"),
    *unary("digamma", "positive", kinds="fi"),
    *unary("i0", kinds="fi"),
]

PREFIXED = [
    *unary("special.entr", "positive", kinds="fi", inplace=False, method=False),
    *unary("special.ndtr", kinds="fi", inplace=False, method=False),
    *unary("special.log_ndtr", kinds="fi", inplace=False, method=False),
    *unary("special.ndtri", "prob", kinds="f", inplace=False, method=False),
    *unary("special.erfcx", kinds="fi", inplace=False, method=False),
    *unary("special.i0e", kinds="fi", inplace=False, method=False),
    *relax(8, "torch's float32 formula cancels", unary("special.i1", kinds="fi", inplace=False, method=False)),
    *relax_only(
        ("second",), 4, "torch's float32 formula cancels", unary("special.i1e", kinds="fi", inplace=False, method=False)
    ),
    *over("special.xlog1py", "t.special.xlog1py(x, y)", (f64(3), f64(3, domain="positive"))),
    *over(
        "special.zeta",
        "t.special.zeta(x, y)",
        (f64(3, domain="above1", grad=False), f64(3, domain="positive")),
        skip={"jvp": "torch has no forward mode for it"},
    ),
]

FAMILIES_OF_FUNCTIONS = [
    *each("polygamma", "t.polygamma({}, x)", f64(4, domain="positive"), "0", "1", "2"),
    *each("mvlgamma", "t.mvlgamma(x + 3, {})", f64(3, domain="positive"), "1", "2", "3"),
    S("polygamma", "t.polygamma(1, x)", f32(4, domain="positive")),
    S("lgamma", "t.lgamma(x)", i64(4, domain="below4")),
    S("lgamma", "t.lgamma(x)", const([-0.5, -1.5, -2.25, 0.5])),
    S("digamma", "t.digamma(x)", const([-0.5, -1.5, -2.25, 0.5])),
]


def trigamma_aspects(sample: Sample) -> tuple[str, ...]:
    """Return the aspects in which torch evaluates the trigamma function, which its series gives to 1e-9 only."""
    if all(i.dtype != "float64" for i in sample.inputs) or any(i.domain == "edge" for i in sample.inputs):
        return ()
    if sample.op in ("lgamma", "mvlgamma"):
        return ("second",)
    if sample.op == "digamma" or sample.code == "t.polygamma(0, x)":
        return ("grad", "second", "jvp", "inplace")
    return ("forward",) if sample.code == "t.polygamma(1, x)" else ()


def poles(sample: Sample) -> bool:
    """Whether a sample takes the gradient of digamma at its poles."""
    return sample.op == "digamma" and bool(sample.inplace) and any(i.domain == "edge" for i in sample.inputs)


SAMPLES = relax(
    16,
    "series and rational approximations (Cephes, SciPy, sleef) differ by some ulps, more where they are joined",
    change_some(
        change_some(
            [*NAMED, *PREFIXED, *FAMILIES_OF_FUNCTIONS],
            lambda s: bool(trigamma_aspects(s)),
            lambda found: relax_only(trigamma_aspects(found[0]), 4e4, "torch's trigamma is good to 1e-9 only", found),
        ),
        poles,
        lambda found: without({"inplace": "torch's trigamma is finite at its poles, where it is infinite"}, found),
    ),
)
