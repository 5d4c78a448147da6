"""The sigmoid and relu families, softmax, dropout in evaluation mode, normalisation of rows."""

from __future__ import annotations

from tests.ops.sample import (
    EDGES,
    INF,
    VALUE,
    S,
    Sample,
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

KINK = {"numeric": "the function has a kink there"}
RESHAPED = {"saved": "torch keeps a reshaped or expanded copy of the input, wengert the input"}
NO_INF = tuple(v for v in EDGES if v != INF)


def hardsigmoid() -> list[Sample]:
    """Return the samples of hardsigmoid, whose slope 1/6 torch keeps as a float32 number."""
    why = "torch's slope of hardsigmoid is 1/6 rounded to float32: 3e-8 off"
    return change_some(
        without({"second": "torch has no derivative of hardsigmoid_backward"}, activation("hardsigmoid")),
        lambda s: s.inputs[0].dtype == "float64" and s.inputs[0].domain != "edge",
        lambda found: relax_only(("grad", "jvp", "inplace"), 4e6, why, found),
    )


def gelu() -> list[Sample]:
    """Return the samples of gelu; torch's vectorised float32 kernel gives NaN at infinity, where the value is infinite."""
    return [
        *change_some(
            change_some(
                activation("gelu", "approximate='tanh'", "approximate='none'", inplace=False),
                lambda s: s.inputs[0].dtype == "float32" and s.inputs[0].domain == "edge",
                lambda found: without({"forward": "torch's float32 kernel gives NaN at infinity"}, found),
            ),
            lambda s: s.inputs[0].dtype == "float64" and s.inputs[0].domain == "edge",
            lambda found: relax_only(
                ("forward",), 16, "1 + erf cancels below -2: a rounding of erf is 40 units", found
            ),
        ),
        S("nn.functional.gelu", "F.gelu(x)", const(NO_INF, "float32"), only=VALUE),
    ]


def activation(name: str, *arguments: str, inplace: bool = True) -> list[Sample]:
    """Return the samples of a function of nn.functional: layouts, edge values, arguments, inplace=True."""
    op = f"nn.functional.{name}"
    twin = f"F.{name}(x{{}}, inplace=True)" if inplace else ""
    specs = (
        f64(2, 3),
        f64(),
        f64(0, 3),
        f32(2, 3),
        f32(35),
        f64(3, 4, layout="transposed"),
        f64(3, 4, layout="strided"),
    )
    return [
        *(sample for spec in specs for sample in each(op, f"F.{name}(x{{}})", spec, "", inplace=twin)),
        *each(op, f"F.{name}(x, {{}})", f64(6, domain="distinct"), *arguments, inplace=twin.replace("{}", ", {}")),
        *over(op, f"F.{name}(x)", f64(17, domain="edge"), f32(17, domain="edge"), only=VALUE),
    ]


RELUS = [
    *unary("relu", kinds="fi", out=False),
    *activation("relu"),
    *over("relu", "t.relu(x)", const([0.0, -0.0, 1.0]), skip=KINK),
    *activation("relu6"),
    *activation("leaky_relu", "0.2", "negative_slope=0.5"),
    *activation("elu", "0.5", "alpha=2.0"),
    *activation("selu"),
    *activation("celu", "0.5"),
    *activation("hardtanh", "-0.5, 0.5", "min_val=-2.0, max_val=1.0"),
    *hardsigmoid(),
    *activation("hardswish"),
    *each(
        "nn.functional.threshold",
        "F.threshold(x, {})",
        f64(2, 3),
        "0.5, 0.0",
        "0.0, 2.0",
        inplace="F.threshold_(x, {})",
    ),
    *activation("softshrink", "0.3", inplace=False),
    *activation("hardshrink", "0.3", inplace=False),
    *over("nn.functional.prelu", "F.prelu(x, y)", (f64(4, 3), f64(3)), (f64(2, 3, 2), f64(3))),
    *over("nn.functional.prelu", "F.prelu(x, y)", (f64(4, 3), f64(1)), skip=RESHAPED),
    *over("nn.functional.leaky_relu", "F.leaky_relu(x)", const([0.0, 1.0]), skip=KINK),
    *over("nn.functional.elu", "F.elu(x)", const([0.0, 1.0]), skip=KINK),
    *over("nn.functional.hardtanh", "F.hardtanh(x)", const([-1.0, 1.0, 0.0]), skip=KINK),
    *over("nn.functional.hardswish", "F.hardswish(x)", const([3.0, -3.0]), skip=KINK),
]

SMOOTH = [
    *gelu(),
    *activation("silu"),
    *activation("mish"),
    *activation("softplus", "2.0", "beta=3.0, threshold=1.0", inplace=False),
    *activation("logsigmoid", inplace=False),
    *activation("softsign", inplace=False),
    *activation("tanhshrink", inplace=False),
    *activation("sigmoid", inplace=False),
    *activation("tanh", inplace=False),
    *each("nn.functional.glu", "F.glu(x{})", f64(2, 4), "", ", 0", ", dim=1"),
    *over("nn.functional.softplus", "F.softplus(x)", const([-50.0, 19.0, 21.0, 100.0])),
]

ROWS = (f64(4), f64(0, 3), f32(3, 5), f64(3, 4, layout="transposed"), f64(3, 4, layout="strided"), f64())


def softmax(name: str) -> list[Sample]:
    """Return the samples of softmax or log_softmax."""
    return [
        *each(name, f"t.{name}(x, {{}})", f64(2, 3, 4), "0", "1", "-1", "dim=2"),
        *over(name, f"x.{name}(0)", *ROWS, f64(2, 0)),
        *over(name, f"x.{name}(-1, dtype=t.float64)", f32(2, 3), i64(3)),
        *over(name, f"x.{name}(0)", const([1000.0, 1001.0]), const([-INF, 0.0, 1.0]), const([-1e30, 0.0]), skip=KINK),
        *over(f"nn.functional.{name}", f"F.{name}(x, dim=1)", f64(2, 3), f32(2, 3)),
        S(name, f"t.{name}(x, 1)", f64(3, 4), out=f"t.{name}(x, 1, out=out)"),
    ]


SOFTMAX = [
    *softmax("softmax"),
    *softmax("log_softmax"),
    *over("nn.functional.softmin", "F.softmin(x, dim=1)", f64(2, 3)),
]

LAYERS = [
    *each("nn.functional.dropout", "F.dropout(x, {})", f64(2, 3), "0.5, training=False", "0.0", "1.0"),
    *each("nn.functional.normalize", "F.normalize(x{})", f64(2, 3), "", ", dim=0", ", p=1.0"),
    *each("nn.functional.layer_norm", "F.layer_norm(x, {})", f64(2, 3, 4), "(4,)", "(3, 4)", "(4,), eps=1e-3"),
    *over("nn.functional.layer_norm", "F.layer_norm(x, (4,), y, z)", (f64(2, 4), f64(4), f64(4))),
    *over("nn.functional.rms_norm", "F.rms_norm(x, (4,), y)", (f64(2, 4), f64(4))),
    *each("nn.functional.group_norm", "F.group_norm(x, {})", f64(2, 4, 3), "1", "2"),
    *each("nn.functional.batch_norm", "F.batch_norm(x, None, None, y, z, True)", (f64(4, 3), f64(3), f64(3)), ""),
    *each("nn.functional.cosine_similarity", "F.cosine_similarity(x, y{})", (f64(2, 3), f64(2, 3)), "", ", dim=0"),
    *each("nn.functional.pad", "F.pad(x, {})", f64(2, 3), "(1, 2)", "(1, 0, 0, 1)", "(1, 1), value=2.5", "(-1, 1)"),
    *each("nn.functional.pairwise_distance", "F.pairwise_distance(x, y{})", (f64(2, 3), f64(2, 3)), "", ", p=1.0"),
]

SAMPLES = relax(4, "exp and log of either library, one or two roundings deep", [*RELUS, *SMOOTH, *SOFTMAX, *LAYERS])
