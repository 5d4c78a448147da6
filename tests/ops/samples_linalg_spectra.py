"""Samples of eigenvalues, singular values and what is computed from them.

Signs and phases of singular and eigenvectors are arbitrary: two libraries choose them differently, and the gradients of a
loss that depends on them differ too. So values and derivatives are compared of what does not depend on them (absolute
values); layout, node and saved values of the plain results.
"""

from __future__ import annotations

from tests.ops.sample import S, b8, c64, c128, const, each, f32, f64, i32, i64, over, relax, without
from tests.ops.samples_linalg import CONDITION, shifted

LAYOUT = ("strides", "node", "saved")
HERMITIAN = "(x + x.mH)"
SQUARES = (
    f64(3, 3),
    f64(2, 3, 3),
    f64(2, 1, 2, 2),
    f32(3, 3),
    c128(2, 2),
    c128(2, 3, 3),
    c64(2, 2),
    f64(3, 3, layout="transposed"),
)
EMPTY = (f64(0, 0), f64(2, 0, 0), f64(0, 3, 3))
TALL = (f64(4, 2), f64(2, 3, 2), c128(3, 2), f32(4, 3))
WIDE = (f64(2, 4), f64(2, 2, 3), c128(2, 3), f32(2, 4))


REAL = tuple(s for s in (*TALL, *WIDE) if s.dtype != "complex128")


def parts(code: str, *wanted: str) -> list[str]:
    """One program for each part of the results, which are R in the text."""
    return [w.replace("R", code) for w in wanted]


EIGH = [
    *(
        s
        for code in parts(f"t.linalg.eigh({HERMITIAN})", "R[0]", "R[1].abs()", "(lambda r: [r[0], r[1].abs()])(R)")
        for s in over("linalg.eigh", code, *SQUARES, *EMPTY[:2])
    ),
    *over("linalg.eigh", "t.linalg.eigh(x)", *SQUARES[:4], c128(2, 2), only=LAYOUT),
    *over("linalg.eigh", "t.linalg.eigh(x, UPLO='U')[0]", f64(3, 3), c128(3, 3), only=("forward", "grad", "second")),
    *over("linalg.eigvalsh", f"t.linalg.eigvalsh({HERMITIAN})", *SQUARES, *EMPTY),
    *over("linalg.eigvalsh", "t.linalg.eigvalsh(x, UPLO='U')", f64(3, 3), only=("forward", "grad", *LAYOUT)),
    *over("linalg.eigvalsh", "t.linalg.eigvalsh(x)", f64(3, 3), only=("out",), out="t.linalg.eigvalsh(x, out=out)"),
    *over("linalg.eigvalsh", "t.linalg.eigvalsh(x)", const([[2.0, 0.0], [0.0, 2.0]]), only=("forward", "grad")),
]
EIG = [
    *(
        s
        for code in parts("t.linalg.eig(x)", "R[0]", "R[1].abs()", "(lambda r: [r[0], r[1].abs()])(R)")
        for s in over("linalg.eig", code, *SQUARES, *EMPTY[:2])
    ),
    *over("linalg.eig", "t.linalg.eig(x)", *SQUARES, only=LAYOUT),
    *over("linalg.eigvals", "t.linalg.eigvals(x)", *SQUARES, *EMPTY),
    *over("linalg.eigvals", "t.linalg.eigvals(x)", f64(4, 4), only=("out",), out="t.linalg.eigvals(x, out=out)"),
]
SVD = [
    *(
        s
        for code in parts(
            "t.linalg.svd(x, full_matrices=False)",
            "R[0].abs()",
            "R[1]",
            "R[2].abs()",
            "(lambda r: (r[0] * r[1].unsqueeze(-2) @ r[2]) ** 2)(R)",
            "(lambda r: [r[0].abs(), r[1], r[2].abs()])(R)",
        )
        for s in over("linalg.svd", code, *SQUARES, *TALL, *WIDE, f64(0, 3))
    ),
    *over("linalg.svd", "[r.abs() for r in t.linalg.svd(x)]", *SQUARES),
    *over("linalg.svd", "t.linalg.svd(x)", *SQUARES, *TALL, *WIDE, f64(0, 3), only=LAYOUT),
    *over("linalg.svd", "t.linalg.svd(x)[0][..., :2].abs()", *TALL[:2], only=("forward", "grad", "second")),
    *over("linalg.svd", "t.linalg.svd(x)[2][..., :2, :].abs()", *WIDE[:2], only=("forward", "grad", "second")),
    *over("linalg.svdvals", "t.linalg.svdvals(x)", *SQUARES, *TALL, *WIDE, *EMPTY),
    *over("linalg.svdvals", "t.linalg.svdvals(x)", f64(5, 2), only=("out",), out="t.linalg.svdvals(x, out=out)"),
    *over("linalg.svdvals", "t.linalg.svdvals(x)", const([[1.0, 0.0], [0.0, 1.0]]), only=("forward",)),
    *over("svd", "[r.abs() for r in t.svd(x)]", *SQUARES[:3], *TALL, *WIDE),
    *over("svd", "t.svd(x)", *REAL, only=LAYOUT),
    *over("svd", "t.svd(x, some=False)", *REAL, only=LAYOUT),
    *over("svd", "x.svd(compute_uv=False)", *TALL[:3]),
]
NORMS = [
    *each(
        "linalg.matrix_norm",
        "t.linalg.matrix_norm(x, {})",
        f64(2, 3, 2),
        "'nuc'",
        "2",
        "-2",
        "'fro'",
        "1",
        "-1",
        "inf",
        "-inf",
    ),
    *each(
        "linalg.matrix_norm",
        "t.linalg.matrix_norm(x, {})",
        f64(3, 2, 4),
        "'nuc', dim=(0, 2)",
        "1, dim=(0, 1), keepdim=True",
    ),
    *without(
        {"node": "torch permutes where this unsqueezes"},
        each("linalg.matrix_norm", "t.linalg.matrix_norm(x, {})", f64(3, 2, 4), "2, dim=(2, 0), keepdim=True"),
    ),
    *each("linalg.norm", "t.linalg.norm(x, {})", f64(3, 2), "'nuc'", "2", "-2", "1", "inf", "'fro'"),
    *each("linalg.norm", "t.linalg.norm(x, {})", c128(2, 3), "'nuc'", "2", "1"),
    *each("linalg.matrix_norm", "t.linalg.matrix_norm(x, {})", c128(3, 2), "'nuc'", "2", "-2", "'fro'", "1", "-inf"),
    *each("norm", "x.norm({})", f64(3, 2), "'nuc'"),
]
DIAGONAL = const([[1.0, 0.0], [0.0, 2.0]])
OUT = [
    S(op, call.format(""), DIAGONAL, only=("forward", "out"), out=call.format(", out=out"))
    for op, call in (
        ("linalg.eigh", "t.linalg.eigh(x{})"),
        ("linalg.eig", "t.linalg.eig(x{})"),
        ("linalg.svd", "t.linalg.svd(x{})"),
        ("svd", "t.svd(x{})"),
        ("linalg.ldl_factor", "t.linalg.ldl_factor(x{})"),
        ("linalg.ldl_factor_ex", "t.linalg.ldl_factor_ex(x{})"),
    )
]
RANK = [
    *over("linalg.pinv", "t.linalg.pinv(x)", *SQUARES, *TALL, *WIDE, f64(0, 3), f64(3, 0)),
    *over("linalg.pinv", "t.linalg.pinv(x)", f64(5, 2), only=("out",), out="t.linalg.pinv(x, out=out)"),
    *over("linalg.pinv", "t.linalg.pinv(x @ y)", (f64(3, 1), f64(1, 3))),
    *over("linalg.pinv", f"t.linalg.pinv({HERMITIAN}, hermitian=True)", f64(3, 3), f64(2, 2, 2), c128(3, 3)),
    *without(
        {"numeric": "the formula, torch's too, is for singular values that are cut off because they are zero"},
        each("linalg.pinv", "t.linalg.pinv(x, {})", f64(3, 3), "0.5", "rtol=0.3", "atol=0.4", "atol=0.1, rtol=0.1")
        + over("linalg.pinv", "t.linalg.pinv(x, atol=t.tensor([0.1, 0.9]))", f64(2, 3, 3)),
    ),
    *over("pinverse", "x.pinverse()", f64(3, 2), c128(3, 2)),
    *over("pinverse", "t.pinverse(x, rcond=0.3)", f64(3, 2)),
    *over("linalg.matrix_rank", "t.linalg.matrix_rank(x)", *SQUARES, *TALL, f64(0, 3), f64(2, 0, 0)),
    *over("linalg.matrix_rank", "t.linalg.matrix_rank(x @ y)", (f64(2, 4, 2), f64(2, 2, 4)), (f64(3, 1), f64(1, 3))),
    *each(
        "linalg.matrix_rank",
        "t.linalg.matrix_rank(x, {})",
        f64(4, 4),
        "0.9",
        "tol=0.9",
        "atol=1.1",
        "rtol=0.4",
        "hermitian=True",
    ),
    *over(
        "linalg.matrix_rank",
        "t.linalg.matrix_rank(x)",
        f64(5, 2),
        only=("out",),
        out="t.linalg.matrix_rank(x, out=out)",
    ),
    *each("linalg.cond", shifted("t.linalg.cond(X, {})"), f64(2, 3, 3), "None", "2", "-2", "'nuc'"),
    *each("linalg.cond", shifted("t.linalg.cond(X, {})"), c128(2, 2), "None", "'nuc'"),
    *without(
        dict.fromkeys(("grad", "second"), "torch fails: it changes the inverse in place"),
        each("linalg.cond", shifted("t.linalg.cond(X, {})"), f64(2, 3, 3), "'fro'", "1", "-1", "inf", "-inf")
        + each("linalg.cond", shifted("t.linalg.cond(X, {})"), c128(2, 2), "'fro'", "1"),
    ),
    *over("linalg.cond", "t.linalg.cond(x)", f64(3, 2), f64(2, 4), f64(2, 0, 0)),
    *over("linalg.cond", "t.linalg.cond(x, 1)", const([[1.0, 2.0], [2.0, 4.0]]), only=("forward",)),
    *over("linalg.cond", "t.linalg.cond(x)", f64(4, 3), only=("out",), out="t.linalg.cond(x, out=out)"),
]
PROBLEMS = (
    (f64(4, 2), f64(4, 3)),
    (f64(2, 4), f64(2, 1)),
    (f64(3, 3), f64(3, 2)),
    (f64(2, 4, 2), f64(2, 4, 1)),
    (f64(2, 4, 2), f64(2, 4)),
    (f64(4, 2), f64(4)),
    (f32(4, 2), f32(4, 3)),
    (c128(3, 2), c128(3, 2)),
    (f64(4, 2, grad=False), f64(4, 1)),
)
LEAST = [
    *over("linalg.lstsq", "t.linalg.lstsq(x, y)", *PROBLEMS),
    *each("linalg.lstsq", "t.linalg.lstsq(x, y, driver={})", PROBLEMS[0], "'gels'", "'gelsd'", "'gelss'", "'gelsy'"),
    *each("linalg.lstsq", "t.linalg.lstsq(x, y, driver={})", PROBLEMS[3], "'gels'", "'gelsd'"),
    *each("linalg.lstsq", "t.linalg.lstsq(x, y, driver={})", PROBLEMS[7], "'gels'", "'gelsd'"),
    *over("linalg.lstsq", "t.linalg.lstsq(x @ y, z)", (f64(4, 1), f64(1, 2), f64(4, 2)), only=("forward",)),
    *over("linalg.lstsq", "t.linalg.lstsq(x, y, rcond=0.9, driver='gelsd')", PROBLEMS[0], only=("forward",)),
]
IN_PLACE = "torch fills the columns of an empty matrix in place"
FILLED = dict.fromkeys(("grad", "second"), IN_PLACE + ", and fails in backward")
FUNCTIONS = [
    *over("matrix_exp", "t.matrix_exp(x)", *SQUARES, *EMPTY, f64(1, 1)),
    *over("matrix_exp", "x.matrix_exp()", f64(2, 2)),
    *over("linalg.matrix_exp", "t.linalg.matrix_exp(x)", f64(2, 2), c128(2, 2, 2)),
    *each(
        "linalg.matrix_power",
        "t.linalg.matrix_power(x, {})",
        f64(3, 3),
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "7",
        out="t.linalg.matrix_power(x, {}, out=out)",
    ),
    *each("linalg.matrix_power", "t.linalg.matrix_power(x, {})", f64(2, 2, 2), "0", "1", "2", "5"),
    *each("linalg.matrix_power", shifted("t.linalg.matrix_power(X, {})"), c128(2, 2), "-1", "-2", "-3"),
    *each("matrix_power", "x.matrix_power({})", f64(2, 2), "2"),
    *each("matrix_power", "t.matrix_power(x, {})", i64(2, 2), "3", only=("forward",)),
    *over("linalg.vander", "t.linalg.vander(x)", f64(3), f64(2, 3), f32(4), c128(3), i64(3), i32(3), f64(0, 2)),
    *each("linalg.vander", "t.linalg.vander(x, N={})", f64(3), "2", "5"),
    *without(FILLED, over("vander", "t.vander(x)", f64(4), i64(3), c128(3), b8(3), i32(2))),
    *without(FILLED, each("vander", "t.vander(x, {})", f64(4), "0", "1", "5")),
    *without(
        {**FILLED, "node": IN_PLACE}, each("vander", "t.vander(x, {})", f64(4), "2, increasing=True", "increasing=True")
    ),
    *each(
        "linalg.diagonal",
        "t.linalg.diagonal(x{})",
        f64(2, 3, 4),
        "",
        ", offset=1",
        ", dim1=0, dim2=2",
        ", offset=-1, dim1=1, dim2=0",
    ),
]
LDL = [
    *over(
        "linalg.ldl_factor",
        f"t.linalg.ldl_factor({HERMITIAN})",
        f64(3, 3),
        f64(2, 3, 3),
        f32(4, 4),
        only=("forward", "strides", "node"),
    ),
    *over("linalg.ldl_factor", "t.linalg.ldl_factor(x + x.mT)", c128(3, 3), only=("forward", "strides")),
    *over(
        "linalg.ldl_factor",
        f"t.linalg.ldl_factor({HERMITIAN}, hermitian=True)",
        c128(3, 3),
        only=("forward", "strides"),
    ),
    *over(
        "linalg.ldl_factor_ex", f"t.linalg.ldl_factor_ex({HERMITIAN})", f64(3, 3), only=("forward", "strides", "node")
    ),
    *over(
        "linalg.ldl_solve",
        f"t.linalg.ldl_solve(*t.linalg.ldl_factor({HERMITIAN}), y)",
        (f64(4, 4), f64(4, 2)),
        (f64(2, 3, 3), f64(3, 1)),
        (f32(3, 3), f32(3, 1)),
        only=("forward", "strides"),
    ),
    *over(
        "linalg.ldl_solve",
        "t.linalg.ldl_solve(*t.linalg.ldl_factor(x + x.mT), y)",
        (c128(4, 4), c128(4, 2)),
        only=("forward",),
    ),
    *over(
        "linalg.ldl_solve",
        f"t.linalg.ldl_solve(*t.linalg.ldl_factor({HERMITIAN}, hermitian=True), y, hermitian=True)",
        (c128(4, 4), c128(4, 2)),
        only=("forward",),
    ),
    *over(
        "linalg.ldl_solve",
        "t.linalg.ldl_solve(*t.linalg.ldl_factor(x), y)",
        (const([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]]), f64(3, 2)),
        only=("forward", "out"),
        out="t.linalg.ldl_solve(*t.linalg.ldl_factor(x), y, out=out)",
    ),
]
EXACT = ("forward", "node", "grad", "second", "jvp")
LOWRANK = [
    # As many vectors as the matrix has columns: the projection is exact, whatever the random numbers.
    *over("svd_lowrank", "t.svd_lowrank(x, q=2)[1]", f64(4, 2), c128(4, 2), f64(2, 3), only=EXACT),
    *over("pca_lowrank", "t.pca_lowrank(x, q=2)[1]", f64(4, 2), c128(4, 2), only=EXACT),
    *over("svd_lowrank", "[r.abs() for r in t.svd_lowrank(x @ y, q=2)]", (c128(4, 2), c128(2, 3)), only=("forward",)),
    *over(
        "svd_lowrank",
        "[r.abs() for r in t.svd_lowrank(x @ y, q=2)]",
        (f64(5, 2), f64(2, 4)),
        (f64(2, 3, 2), f64(2, 2, 5)),
        only=("forward",),
    ),
    *over(
        "svd_lowrank",
        "t.svd_lowrank(x @ y, q=2, niter=1, M=z)[1]",
        (f64(5, 1), f64(1, 4), f64(5, 1)),
        only=("forward",),
    ),
    *over("svd_lowrank", "t.svd_lowrank(x, q=2)", f64(4, 2), only=("node",)),
    *over("pca_lowrank", "t.pca_lowrank(x, q=2)[1]", f64(6, 2), f64(2, 3, 2), only=("forward",)),
    *over("pca_lowrank", "t.pca_lowrank(x, center=False)[1]", f64(4, 3), only=("forward",)),
]
SAMPLES = relax(300, CONDITION, [*EIGH, *EIG, *SVD])
SAMPLES += relax(100, CONDITION, [*NORMS, *OUT])
SAMPLES += relax(300, CONDITION, [*RANK, *LEAST, *FUNCTIONS, *LDL, *LOWRANK])
