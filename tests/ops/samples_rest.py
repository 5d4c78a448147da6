"""Operators that the other families leave out: reflected operators, casts by name, polynomials, random numbers, creation."""

from __future__ import annotations

from tests.ops.sample import (
    CANCELS,
    VALUE,
    S,
    b8,
    c128,
    const,
    each,
    f32,
    f64,
    i32,
    i64,
    index,
    over,
    relax,
    relax_only,
    u8,
    unary,
    without,
)

REFLECTED = [
    *[
        S(f"__r{n}__", f"2.5 {sign} x", f64(2, 3, domain="positive"))
        for n, sign in {"add": "+", "sub": "-", "mul": "*", "pow": "**", "div": "/"}.items()
    ],
    *[S(f"__r{n}__", f"x.__r{n}__(3)", f32(4, domain="positive")) for n in ("add", "sub", "mul", "pow", "div")],
    *[
        S(f"__r{n}__", f"(1 + 2j) {sign} x", c128(3))
        for n, sign in {"add": "+", "sub": "-", "mul": "*", "div": "/"}.items()
    ],
    *[
        S(f"__r{n}__", f"7 {sign} x", i64(5, domain="integral"), only=VALUE)
        for n, sign in {"add": "+", "sub": "-", "mul": "*", "mod": "%", "and": "&", "or": "|", "xor": "^"}.items()
    ],
    *[S(f"__r{n}__", f"True {sign} x", b8(4), only=VALUE) for n, sign in {"and": "&", "or": "|", "xor": "^"}.items()],
    S("__rmod__", "7.5 % x", f64(5, domain="nonzero"), only=VALUE),  # torch has no derivative
    S("__rmatmul__", "x.__rmatmul__(y)", f64(3, 2), f64(4, 3)),
    S("__rmatmul__", "x.__rmatmul__(y)", f64(3), f64(3)),
]

CASTS = [
    *[
        S(name, f"x.{name}()", i, only=VALUE)
        for name in ("byte", "char", "short", "int", "long")
        for i in (f64(2, 3, domain="positive"), i64(4, domain="below100"), b8(3), f32(0, 2))
    ],
    *[
        S(name, f"x.{name}()", i, skip={"numeric": "differences drown in half precision"} if name == "half" else {})
        for name in ("half", "double")
        for i in (f64(2, 3), f32(4, layout="strided"), f64(), f64(0, 3))
    ],
    *[S(name, f"x.{name}()", i, only=VALUE) for name in ("half", "double") for i in (i32(3), u8(2), b8(2))],
    S("double", "x.double()", f32(3, 4, layout="transposed")),
]

DEGREES = (
    (f64(5, domain="unit", grad=False), const([0, 1, 2, 3, 5], "int64")),
    (f32(2, 1, domain="unit", grad=False), const([4, 1], "int64")),
    (f64(0, grad=False), const([], "int64")),
)
POLYNOMIALS = [
    S(f"special.{name}", f"t.special.{name}(x, y)", x, y, only=VALUE, out=f"t.special.{name}(x, y, out=out)")
    for name in (
        "chebyshev_polynomial_t", "chebyshev_polynomial_u", "hermite_polynomial_h", "hermite_polynomial_he",
        "laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u",
    )
    for x, y in DEGREES
]  # fmt: skip

BESSEL = [
    sample
    for name in (
        "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1",
        "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
    )
    for sample in relax(
        8,
        "torch computes float32 in float32, these here in float64",
        unary(f"special.{name}", "positive", kinds="fi", inplace=False, method=False, differentiable=False, edge=False),
    )
]  # fmt: skip
BESSEL += [
    sample
    for name in ("airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1")
    for each_sample in unary(
        f"special.{name}", "positive", kinds="fi", inplace=False, method=False, differentiable=False, edge=False
    )
    for sample in (
        relax(3e4, "torch's rational functions are good to 1e-11 only", [each_sample])
        if each_sample.inputs[0].dtype == "float64"
        else relax(16, "torch computes float32 in float32, these here in float64", [each_sample])
    )
]

GAMMA = [
    S(
        "igamma",
        "t.igamma(x, y)",
        f64(4, domain="positive", grad=False),
        f64(4, domain="positive"),
        inplace="x.igamma_(y)",
        out="t.igamma(x, y, out=out)",
        only=(*VALUE, "grad", "second", "numeric"),
    ),
    *relax(
        8,
        "1 - igamma cancels in torch",
        [
            S(
                "igammac",
                "t.igammac(x, y)",
                f64(4, domain="positive", grad=False),
                f64(2, 4, domain="positive"),
                out="t.igammac(x, y, out=out)",
                only=(*VALUE, "grad", "second", "numeric"),
            )
        ],
    ),
    S(
        "special.polygamma",
        "t.special.polygamma(2, x)",
        f64(4, domain="positive"),
        out="t.special.polygamma(2, x, out=out)",
    ),
    *relax(
        8,
        "digamma near its root",
        [S("special.polygamma", "t.special.polygamma(0, x)", f64(2, 2, domain="positive"), only=VALUE)],
    ),
]

INTEGERS = [
    *over(
        "gcd",
        "t.gcd(x, y)",
        (i64(6), i64(6)),
        (i32(2, 3), i32(3)),
        (u8(4), u8(4)),
        only=VALUE,
        inplace="x.gcd_(y)",
        out="t.gcd(x, y, out=out)",
    ),
    *over(
        "lcm",
        "t.lcm(x, y)",
        (i64(6), i64(6)),
        (i32(2, 3), i32(3)),
        only=VALUE,
        inplace="x.lcm_(y)",
        out="t.lcm(x, y, out=out)",
    ),
    *over(
        "bitwise_right_shift",
        "t.bitwise_right_shift(x, y)",
        (i64(6), const([0, 1, 2, 3, 4, 5], "int64")),
        (i32(2, 3), const([1, 2, 3], "int32")),
        only=VALUE,
        inplace="x.bitwise_right_shift_(y)",
    ),
]

PARTS = [
    S("float_power", "t.float_power(x, y)", f64(2, 3, domain="positive"), f64(3), inplace="x.float_power_(y)"),
    *over("frexp", "t.frexp(x)", f64(5), f32(2, 3), f64(0), f64(), const([0.0, -0.0, 1.0, 1024.0, 1e-300]), only=VALUE),
    S("frexp", "t.frexp(x)[0]", f64(4), only=("grad",)),
    *each("trapz", "t.trapz(x, {})", f64(3, 4), "dx=0.5", "dim=0"),
    S("trapz", "t.trapz(x, y)", f64(3, 4), f64(4)),
    *each(
        "nanquantile",
        "t.nanquantile(x, {})",
        f64(3, 5, domain="distinct"),
        "0.3",
        "0.5, dim=1",
        "0.25, dim=0, keepdim=True",
        "0.7, dim=1, interpolation='lower'",
    ),
    S("nanquantile", "t.nanquantile(x, 0.5, dim=1)", const([[1.0, float("nan"), 3.0], [2.0, 5.0, 4.0]])),
    *each("linalg.vecdot", "t.linalg.vecdot(x, y, {})", (f64(3, 4), f64(3, 4)), "", "dim=0"),
    S("linalg.vecdot", "t.linalg.vecdot(x, y)", c128(2, 3), c128(2, 3), out="t.linalg.vecdot(x, y, out=out)"),
    S(
        "linalg.multi_dot",
        "t.linalg.multi_dot([x, y, z])",
        f64(2, 3),
        f64(3, 5),
        f64(5, 2),
        out="t.linalg.multi_dot([x, y, z], out=out)",
    ),
    S("linalg.multi_dot", "t.linalg.multi_dot([x, y, z])", f64(3), f64(3, 4), f64(4)),
    *without(
        dict.fromkeys(("second", "jvp"), "torch has neither second derivative nor forward mode"),
        [
            *each("cdist", "t.cdist(x, y, {})", (f64(4, 3), f64(5, 3)), "", "p=1.0", "p=3.0", "p=float('inf')"),
            S("cdist", "t.cdist(x, y)", f64(2, 4, 3), f64(2, 5, 3)),
        ],
    ),
    *over("histogram", "t.histogram(x, 4)", f64(20, grad=False), f32(3, 4, grad=False), only=("forward",)),
    *over("histogram", "t.histogram(x, 3)", f64(1, grad=False), f64(0, grad=False), only=("forward",)),
    S("histogram", "t.histogram(x, 3, range=(1.0, 1.0))", f64(4, grad=False), only=("forward",)),
    S("histogram", "t.histogram(x, 5, range=(-1.0, 2.0), density=True)", f64(20, grad=False), only=("forward",)),
    S(
        "histogram",
        "t.histogram(x, 3, weight=y)",
        f64(10, grad=False),
        f64(10, domain="positive", grad=False),
        only=("forward",),
    ),
]

SHAPES = [
    *[
        S(f"atleast_{n}d", f"t.atleast_{n}d(x)", i)
        for n in (2, 3)
        for i in (f64(1), f64(4), f64(2, 3), f64(0), c128(2))
    ],
    S("atleast_2d", "t.atleast_2d(x, y)", f64(), f64(3)),
    S("broadcast_shapes", "tuple(t.broadcast_shapes((2, 1), (3,), ()))", only=("forward",)),
    *each("combinations", "t.combinations(x, {})", f64(4), "", "3", "2, with_replacement=True"),
    *each("dsplit", "t.dsplit(x, {})", f64(2, 2, 6), "3", "[1, 4]"),
    *without(
        dict.fromkeys(("strides", "node"), "copies here, so that writing into one cannot spoil a gradient"),
        [
            *each("unsafe_chunk", "t.unsafe_chunk(x, {})", f64(6, 2), "3", "2, dim=1"),
            *each("unsafe_split", "t.unsafe_split(x, {})", f64(6, 2), "2", "4", "1, dim=1"),
        ],
    ),
    *each(
        "as_strided_scatter",
        "t.as_strided_scatter(x, y, (2, 2), {})",
        (f64(3, 3), f64(2, 2)),
        "(1, 2)",
        "(3, 1), 1",
        only=(*VALUE, "numeric"),  # torch loses gradients of elements that were not written
    ),
    S("resize_", "x.clone().resize_(2, 2)", f64(3, 4, grad=False), only=("forward", "strides")),
    S("triu_indices", "t.triu_indices(3, 4)", only=VALUE),
    S("triu_indices", "t.triu_indices(4, 3, offset=-1)", only=VALUE),
    S("unravel_index", "t.unravel_index(x, (2, 3))", index(4, below=6), only=("forward",)),
    S("nonzero_static", "t.nonzero_static(x, size=4, fill_value=-1)", const([[1, 0], [2, 3]], "int64"), only=VALUE),
    *[
        S("__getitem__", f"x[{key}]", f64(4, 5))
        for key in ("1", "-1, 2", "1:3", "..., ::2", "None, 0", "[0, 2]", "[[0, 1], [2, 3]]", ":, 1:4:2")
    ],
    S("__getitem__", "x[y]", f64(4, 5), index(3, below=4)),
    S("__getitem__", "x[y]", f64(4, 5), b8(4)),
    S("__getitem__", "x[y, z]", f64(4, 5), index(2, below=4), index(2, below=5)),
    *each(
        "index_reduce",
        "t.index_reduce(x, 0, y, z, {})",
        (f64(4, 2), const([0, 2, 0], "int64"), f64(3, 2, domain="distinct")),
        "'prod'",
        "'mean'",
        "'amax'",
        "'amin'",
        "'amax', include_self=False",
        skip={"saved": "the index is kept broadcast to the source", "jvp": "torch has no forward mode for it"},
    ),
    S("resolve_neg", "x.resolve_neg()", f64(3)),
]

SEEDED = "generator=t.Generator().manual_seed(7)"
RANDOM = [
    *over(
        "bernoulli",
        f"t.bernoulli(x, {SEEDED})",
        f64(2, 5, domain="prob"),
        f32(17, domain="prob"),
        only=(*VALUE, "grad"),
    ),
    *each(
        "multinomial",
        f"t.multinomial(x, {{}}, {SEEDED})",
        f64(2, 6, domain="positive", grad=False),
        "4",
        "8, replacement=True",
        only=VALUE,
    ),
    S("normal", f"t.normal(x, y, {SEEDED})", f64(2, 3), f64(2, 3, domain="positive"), only=(*VALUE, "grad")),
    S("normal", f"t.normal(0.5, 2.0, (3, 7), {SEEDED})", only=VALUE),
    *[
        S(f"{name}_", f"x.clone().{name}_({arguments}{SEEDED})", i, only=("forward",))
        for name, arguments in (
            ("cauchy", ""),
            ("exponential", ""),
            ("geometric", "0.3, "),
            ("log_normal", ""),
            ("normal", ""),
            ("uniform", "-1.0, 2.0, "),
        )
        for i in (f64(5, grad=False), f32(3, 7, grad=False))
    ],
    S("randint", f"t.randint(3, 50, (4, 5), {SEEDED})", only=VALUE),
    S("randn", f"t.randn(3, 7, {SEEDED}, dtype=t.float64)", only=VALUE),
    S("randn", f"t.randn(20, {SEEDED})", only=VALUE),
    *[
        S(f"{name}_like", f"(t.manual_seed(3), t.{name}_like(x{arguments}))[1]", f64(4, 5, grad=False), only=VALUE)
        for name, arguments in (("rand", ""), ("randn", ""), ("randint", ", 10"))
    ],
    *[
        S(
            f"nn.functional.{name}",
            f"(t.manual_seed(3), F.{name}(x, training=True))[1]",
            f64(*shape),
            inplace=f"(t.manual_seed(3), F.{name}(x, training=True, inplace=True))[1]",
            skip={"saved": "the noise of rrelu is a parameter of the node here"} if name == "rrelu" else {},
        )
        for name, shape in (
            ("alpha_dropout", (4, 6)),
            ("dropout2d", (2, 3, 4, 4)),
            ("dropout3d", (2, 3, 2, 2, 2)),
            ("feature_alpha_dropout", (2, 3, 4)),
            ("dropout", (3, 4)),
            ("rrelu", (4, 5)),
        )
    ],
    *without(
        {"saved": "without training there is no noise to save"}, [S("nn.functional.rrelu", "F.rrelu(x)", f64(4, 5))]
    ),
]

CREATION = [
    *over("ones_like", "t.ones_like(x)", f64(3, 3), f32(3, 2, layout="transposed"), i64(3), b8(2), only=VALUE),
    *[
        S(f"new_{name}", f"x.new_{name}((2, 3){value})", i, only=VALUE)
        for name, value in (("ones", ""), ("full", ", 7"))
        for i in (f64(2), i64(2), f32())
    ],
    *[
        S(name, f"{call}.shape", f64(2), only=("forward",))
        for name, call in (
            ("new_empty", "x.new_empty((2, 3))"),
            ("new_empty_strided", "x.new_empty_strided((2, 3), (1, 2))"),
        )
    ],
    S(
        "new_empty_strided",
        "x.new_empty_strided((2, 3), (1, 2)).fill_(1)",
        f64(2, grad=False),
        only=("forward", "strides"),
    ),
    S("empty_strided", "t.empty_strided((2, 3), (1, 2)).fill_(2)", only=("forward", "strides")),
    *each("fill", "t.fill(x, {})", f64(2, 3), "2.5"),
    S("fill", "t.fill(x, y)", f64(2, 3), f64()),
]

LOSSES = [
    *relax_only(
        ("grad",),
        4,
        CANCELS,
        each(
            "nn.functional.cosine_embedding_loss",
            "F.cosine_embedding_loss(x, y, z, {})",
            (f64(4, 3), f64(4, 3), const([1, -1, 1, -1], "int64")),
            "",
            "margin=0.3, reduction='sum'",
            "reduction='none'",
        ),
    ),
    *each(
        "nn.functional.multilabel_soft_margin_loss",
        "F.multilabel_soft_margin_loss(x, y, {})",
        (f64(3, 4), const([[1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 1, 0]], "float64", grad=False)),
        "",
        "reduction='sum'",
    ),
]

SAMPLES = [
    *REFLECTED, *CASTS, *POLYNOMIALS, *BESSEL, *GAMMA, *INTEGERS, *PARTS, *SHAPES, *RANDOM, *CREATION, *LOSSES,
]  # fmt: skip
