"""Complex numbers: parts, conjugates, construction, and gradients across the real-complex border."""

from __future__ import annotations

from tests.ops.sample import Sample, c64, c128, const, each, f32, f64, i64, over, relax

SPECS = (c128(2, 3), c64(4), c128(), c128(0, 2), c128(3, 2, layout="transposed"), c128(3, 2, layout="strided"))
BIT = {"strides": "whether conj shares memory or is computed at once cannot be seen by a program's values"}
EAGER = {
    "forward": "conj computes its values at once, torch sets a bit that asks for them later",
    "node": "there is no lazy conjugate to resolve, so nothing is recorded",
}
FRESH = {"saved": "conj computes its values at once: the factor that is saved has memory of its own"}
REDUCTIONS = ("", ", reduction='sum'", ", reduction='none'")
DTYPE_ONLY = {"saved": "torch keeps both parts, of which the gradient reads the dtype only"}
HALF = {"jvp": "torch drops the imaginary part of the term that belongs to the real one of base and exponent"}

PARTS: list[Sample] = [
    *over("real", "x.real", *SPECS),
    *over("imag", "x.imag", *SPECS),
    *over("real", "t.real(x)", c128(3), f64(3)),
    *over("imag", "t.imag(x)", c128(3)),
    *over("conj", "x.conj()", *SPECS, f64(3), skip=BIT),
    *over("conj", "t.conj(x) * y", (c128(3), c128(3)), (c64(2, 1), c64(3)), skip=FRESH),
    *over("conj_physical", "t.conj_physical(x)", *SPECS, out="t.conj_physical(x, out=out)"),
    *over("conj_physical", "x.conj_physical()", c128(3, 3), inplace="x.conj_physical_()"),
    *over("resolve_conj", "x.conj().resolve_conj()", c128(3), skip={"node": EAGER["node"]}),
    *over("resolve_conj", "x.conj().resolve_conj()", f64(3)),
    *over("is_conj", "x.conj().is_conj()", c128(3), skip={"forward": EAGER["forward"]}, only=("forward",)),
    *over("is_conj", "x.conj().is_conj()", f64(2), only=("forward",)),
    *over("angle", "t.angle(x)", *SPECS, f64(4), f32(4), i64(4)),
    *over(
        "angle", "t.angle(x)", const([0.0, -0.0, 1.0, -1.0]), skip={"numeric": "the angle of a real number jumps at 0"}
    ),
    *over("abs", "x.abs()", *SPECS[4:]),
    *over("abs", "x.abs() ** 2", c128(3)),
]

BUILT: list[Sample] = [
    *over(
        "complex",
        "t.complex(x, y)",
        (f64(2, 3), f64(3)),
        (f32(3), f32(3)),
        (f64(), f64(2)),
        (f64(0), f64(0)),
        skip=DTYPE_ONLY,
    ),
    *over("polar", "t.polar(x, y)", (f64(2, 3, domain="positive"), f64(3)), (f32(3, domain="positive"), f32(3))),
    *over("view_as_complex", "t.view_as_complex(x)", f64(3, 2), f32(2, 3, 2)),
    *over("view_as_real", "t.view_as_real(x)", *SPECS[:3]),
    *over("view_as_real", "t.view_as_real(x.conj().resolve_conj())", c128(3)),
]

BORDER: list[Sample] = [
    *each("mul", "(x * {}).real.sum()", f64(3), "1j", "(1+2j)"),
    *each("mul", "(x * {}).imag", c128(3), "1j", "2"),
    *over("mul", "x * y", (f64(2), c128(2)), (c128(2), f32(2)), (f64(2), c64(2)), (c64(), f64(3))),
    *over("add", "x - y", (f64(2), c128(2)), (c64(2), f32(2, 2))),
    *over("div", "x / y", (f64(3), c128(3, domain="nonzero")), (c128(3), f64(3, domain="nonzero"))),
    *over("pow", "x ** y", (c128(3), c128(3))),
    *over("pow", "x ** y", (f64(3, domain="positive"), c128(3)), (c128(3), f64(3)), skip=HALF),
    *over("exp", "t.exp(1j * x)", f64(4)),
    *over("sum", "(x * x.conj()).real.sum()", c128(4)),
    *over("matmul", "(x @ y).abs().sum()", (c128(2, 3), c128(3, 2))),
    *over("sum", "t.view_as_real(x).sum(-1)", c128(3)),
    *over("where", "t.where(x.real > 0, x, -x)", c128(4)),
    *over("cat", "t.cat([x, y])", (c128(2), c128(3)), (c64(2), c128(2))),
    *over("eq", "x == y", (c128(3), c128(3)), only=("forward",)),
    *over("ldexp", "t.ldexp(x, y)", (c128(3), c128(3)), (c64(2, 3), c64(3)), (c128(2), c128()), (c128(0), c128(0))),
    *over("ldexp", "t.ldexp(x, y)", (c128(3), f64(3, grad=False)), (f64(3, grad=False), c128(3))),
    *over("ldexp", "t.ldexp(x, t.tensor([3, 0, 2]))", c128(3)),
    *over("ldexp", "t.ldexp(x, y)", (c128(3, grad=False), c128(3, grad=False)), inplace="x.ldexp_(y)"),
    *each("nn.functional.l1_loss", "F.l1_loss(x, y{})", (c128(2, 3), c128(2, 3)), *REDUCTIONS),
    *over("nn.functional.l1_loss", "F.l1_loss(x, y)", (c64(4), c64(4)), (c128(), c128()), (c128(3), f64(3))),
    *over("nn.functional.silu", "F.silu(x)", c128(2, 3, grad=False), c64(4, grad=False), c128(grad=False)),
    *over("nn.functional.silu", "F.silu(x)", c128(0, 2, grad=False), c128(3, 2, layout="strided", grad=False)),
]

SAMPLES = relax(4, "complex products and quotients are several roundings deep", [*PARTS, *BUILT, *BORDER])
