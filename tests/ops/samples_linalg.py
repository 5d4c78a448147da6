"""Samples of equations, inverses, determinants, and of triangular and Cholesky factors.

Inputs are made well-conditioned within the program text (``x + 4 * t.eye(3)``): a general random matrix may be nearly
singular, and then two libraries agree in a few digits only.
"""

from __future__ import annotations

from tests.ops.sample import ASPECTS, Input, Sample, c64, c128, const, each, f32, f64, over, relax, without

PLAIN = ("strides", "node", "saved", "out")
SQUARE = (f64(3, 3), f64(2, 3, 3), f64(2, 1, 2, 2), f64(1, 1), f32(4, 4), c128(2, 2), c128(2, 3, 3), c64(3, 3))
LAID_OUT = (f64(3, 3, layout="transposed"), f64(3, 3, layout="strided"), f64(2, 3, 3, layout="expanded"))
EMPTY = (f64(0, 3, 3), f64(2, 0, 0), f64(0, 0))
MANY = f64(70, 3, 3)


def shifted(code: str) -> str:
    """The program with its first input made well-conditioned: X stands for it."""
    return code.replace("X", "(x + 4 * t.eye(x.shape[-1]).to(x.dtype))")


def of_matrix(op: str, call: str, groups: tuple[Input, ...] = (*SQUARE, *LAID_OUT, *EMPTY, MANY)) -> list[Sample]:
    """Samples of a function of one matrix: values and derivatives of well-conditioned ones, layout and node of plain ones."""
    return [
        *over(op, shifted(call.format("X")), *groups, only=tuple(a for a in ASPECTS if a not in PLAIN)),
        *over(
            op,
            call.format("x"),
            f64(3, 3),
            f64(2, 3, 3),
            c128(2, 2),
            *LAID_OUT,
            only=PLAIN,
            out=call.format("x, out=out"),
        ),
    ]


INVERSE = [
    *of_matrix("linalg.inv", "t.linalg.inv({})"),
    *of_matrix("inverse", "t.inverse({})", (f64(3, 3),)),
    *over("inverse", "x.inverse()", f64(3, 3), only=("forward", "node")),
    *of_matrix("linalg.inv_ex", "t.linalg.inv_ex({})", SQUARE[:3]),
]
DETERMINANT = [
    *of_matrix("linalg.det", "t.linalg.det({})", (*(s for s in SQUARE if s.shape != (1, 1)), *LAID_OUT, *EMPTY, MANY)),
    *over("linalg.det", "t.linalg.det(x)", f64(1, 1), only=("forward", "node", "grad", "jvp")),
    *over("det", "x.det()", f64(3, 3), f64(40, 2, 2)),
    *over("det", "t.det(x)", f64(2, 2)),
    *of_matrix("linalg.slogdet", "t.linalg.slogdet({})"),
    *over("slogdet", "x.slogdet()", f64(3, 3)),
    *over("slogdet", "t.slogdet(x)", f64(2, 2), c128(2, 2)),
    *over("logdet", shifted("X.logdet()"), f64(3, 3), f64(2, 3, 3), c128(2, 2), f32(2, 2)),
    *over("logdet", "t.logdet(x)", const([[1.0, 2.0], [2.0, 4.0]]), const([[0.0, 1.0], [1.0, 0.0]]), only=("forward",)),
]
SYSTEMS: tuple[tuple[Input, ...], ...] = (
    (f64(3, 3), f64(3)),
    (f64(3, 3), f64(3, 2)),
    (f64(2, 3, 3), f64(2, 3, 2)),
    (f64(2, 3, 3), f64(2, 3)),
    (f64(2, 3, 3), f64(3, 2)),
    (f64(3, 3), f64(2, 3, 2)),
    (f64(2, 1, 3, 3), f64(4, 3, 1)),
    (f64(60, 3, 3), f64(60, 3, 2)),
    (f64(2, 2, grad=False), f64(2, 3)),
    (f64(2, 2), f64(2, 3, grad=False)),
    (f32(4, 4), f32(4, 2)),
    (c128(2, 2), c128(2, 3)),
    (c128(2, 2, 2), c128(2, 2)),
    (f64(0, 0), f64(0, 2)),
    (f64(2, 2), f64(2, 0)),
    (f64(3, 3, layout="transposed"), f64(3, 2, layout="transposed")),
)
MATRIX_SYSTEMS = [
    s
    for s in SYSTEMS
    if (len(s[1].shape) > 1 and s[1].shape not in ((2, 3), (2, 2))) or (len(s[0].shape) == 2 and len(s[1].shape) == 2)
]
EQUATIONS = [
    *over("linalg.solve", shifted("t.linalg.solve(X, y)"), *SYSTEMS, only=tuple(a for a in ASPECTS if a not in PLAIN)),
    *over("linalg.solve", "t.linalg.solve(x, y)", *SYSTEMS[:6], only=PLAIN, out="t.linalg.solve(x, y, out=out)"),
    *over(
        "linalg.solve",
        shifted("t.linalg.solve(X, y, left=False)"),
        (f64(3, 3), f64(2, 3)),
        (f64(2, 3, 3), f64(2, 3, 3)),
        (f64(50, 2, 2), f64(50, 1, 2)),
        (c128(2, 2), c128(3, 2)),
    ),
    *over(
        "linalg.solve_ex", shifted("t.linalg.solve_ex(X, y)"), (f64(3, 3), f64(3, 2)), (c128(2, 2, 2), c128(2, 2, 1))
    ),
    *without(
        {"node": "whether the last view is a reshape or a view is torch's choice"},
        over("linalg.tensorinv", shifted("t.linalg.tensorinv(X.reshape(2, 2, 4))"), f64(4, 4), c128(4, 4))
        + over("linalg.tensorinv", shifted("t.linalg.tensorinv(X.reshape(4, 2, 2), ind=1)"), f64(4, 4)),
    ),
    *over(
        "linalg.tensorsolve",
        shifted("t.linalg.tensorsolve(X.reshape(2, 2, 4), y)"),
        (f64(4, 4), f64(2, 2)),
        (c128(4, 4), c128(2, 2)),
    ),
    *over(
        "linalg.tensorsolve", shifted("t.linalg.tensorsolve(X.reshape(2, 4, 2), y, dims=(1,))"), (f64(4, 4), f64(2, 2))
    ),
]
UNMASKED = (
    "torch lets the triangle that is not read into the tangent; test_linalg_derivatives.py compares with differences"
)
TRIANGULAR_SOLVE = [
    *each(
        "triangular_solve",
        shifted("t.triangular_solve(y, X{})"),
        (f64(3, 3), f64(3, 2)),
        "",
        ", upper=False",
        ", transpose=True",
        ", upper=False, transpose=True, unitriangular=True",
    ),
    *over("triangular_solve", shifted("t.triangular_solve(y, X, transpose=True)"), (c128(2, 2, 2), c128(2, 2, 1))),
    *over("triangular_solve", shifted("y.triangular_solve(X)"), (f64(2, 2), f64(2, 2, 2))),
]
TRIANGULAR = [
    *each(
        "linalg.solve_triangular",
        shifted("t.linalg.solve_triangular(X, y, {})"),
        (f64(3, 3), f64(3, 3)),
        "upper=True",
        "upper=False",
        "upper=True, left=False",
        "upper=False, left=False",
        "upper=True, unitriangular=True",
        "upper=False, left=False, unitriangular=True",
        out=shifted("t.linalg.solve_triangular(X, y, {}, out=out)"),
    ),
    *over(
        "linalg.solve_triangular",
        shifted("t.linalg.solve_triangular(X, y, upper=True)"),
        (f64(2, 3, 3), f64(2, 3, 2)),
        (f64(3, 3), f64(2, 3, 2)),
        (f64(2, 1, 3, 3), f64(2, 3, 1)),
        (f64(60, 3, 3), f64(60, 3, 2)),
        (f64(2, 2, grad=False), f64(2, 2)),
        (f64(2, 2), f64(2, 2, grad=False)),
        (f32(4, 4), f32(4, 2)),
        (c128(3, 3), c128(3, 2)),
        (c128(50, 2, 2), c128(50, 2, 1)),
        (f64(0, 0), f64(0, 2)),
    ),
    *without({"jvp": UNMASKED}, TRIANGULAR_SOLVE),
    *over(
        "triangular_solve", shifted("t.triangular_solve(y, X.triu())"), (f64(3, 3), f64(3, 2)), (c128(2, 2), c128(2, 1))
    ),
    *over("triangular_solve", shifted("t.triangular_solve(y, X.tril(), upper=False)"), (f64(2, 2, 2), f64(2, 2, 1))),
]

POSITIVE = "(x @ x.mH + 2 * t.eye(x.shape[-1]).to(x.dtype))"


def positive(code: str) -> str:
    """The program with P for a positive-definite matrix made of its first input."""
    return code.replace("P", POSITIVE)


EYES = const([[4.0, 1.0], [1.0, 3.0]])
CHOLESKY = [
    *over("linalg.cholesky", positive("t.linalg.cholesky(P)"), *SQUARE, f64(2, 0, 0), f64(50, 3, 3)),
    *over("linalg.cholesky", positive("t.linalg.cholesky(P, upper=True)"), f64(3, 3), c128(2, 2)),
    *over("linalg.cholesky", "t.linalg.cholesky(x)", EYES, only=PLAIN, out="t.linalg.cholesky(x, out=out)"),
    *over(
        "linalg.cholesky",
        "t.linalg.cholesky(x, upper=True)",
        const([[4.0, 1.0], [7.0, 3.0]]),
        only=("forward", "grad", "second"),
    ),
    *over("linalg.cholesky_ex", positive("t.linalg.cholesky_ex(P)"), f64(3, 3), f64(2, 2, 2), c128(2, 2)),
    *over("linalg.cholesky_ex", "t.linalg.cholesky_ex(x)", const([[4.0, 2.0], [2.0, -1.0]]), only=("forward", "node")),
    *without({"jvp": "torch has none"}, each("cholesky", positive("t.cholesky(P{})"), f64(3, 3), "", ", upper=True")),
    *over("cholesky", "x.cholesky()", EYES, only=PLAIN, out="t.cholesky(x, out=out)"),
    *without(
        {"jvp": "torch's is wrong; test_linalg_derivatives.py compares with differences"},
        over("cholesky_inverse", positive("t.cholesky_inverse(t.linalg.cholesky(P))"), *SQUARE)
        + over(
            "cholesky_inverse",
            positive("t.cholesky_inverse(t.linalg.cholesky(P, upper=True), True)"),
            f64(3, 3),
            c128(2, 2),
        ),
    ),
    *over("cholesky_inverse", "t.cholesky_inverse(x)", EYES, only=PLAIN, out="t.cholesky_inverse(x, out=out)"),
    *over("cholesky_inverse", "x.cholesky_inverse()", EYES, only=("forward",)),
    *over("cholesky_solve", positive("t.cholesky_solve(y, t.linalg.cholesky(P))"), *MATRIX_SYSTEMS),
    *over(
        "cholesky_solve",
        positive("t.cholesky_solve(y, t.linalg.cholesky(P, upper=True), upper=True)"),
        (f64(2, 2), f64(2, 1)),
        (c128(2, 2), c128(2, 1)),
    ),
    *over(
        "cholesky_solve", "t.cholesky_solve(y, x)", (EYES, f64(2, 3)), only=PLAIN, out="t.cholesky_solve(y, x, out=out)"
    ),
]
CONDITION = "LAPACK of two makers adds in another order; errors grow with the condition of the matrix"
LAYOUT = "the layout of this intermediate result is an accident of the last step"
SAMPLES = relax(1000, CONDITION, [*INVERSE, *DETERMINANT, *EQUATIONS, *TRIANGULAR, *CHOLESKY])
