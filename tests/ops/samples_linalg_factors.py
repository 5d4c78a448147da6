"""Samples of LU and QR factors, and of products of reflections."""

from __future__ import annotations

from tests.ops.sample import (
    ASPECTS,
    c128,
    const,
    each,
    f32,
    f64,
    over,
    relax,
    without,
)
from tests.ops.samples_linalg import CONDITION, EMPTY, LAID_OUT, PLAIN, SQUARE, shifted

VALUES = tuple(a for a in ASPECTS if a not in PLAIN)
LAYOUT = ("strides", "node", "saved")
TALL = (f64(4, 2), f64(2, 3, 2), c128(3, 2), f32(5, 3))
WIDE = (f64(2, 4), f64(2, 2, 3), c128(2, 3), f32(2, 3))
MANY = f64(70, 3, 3)

LU = [
    *over(
        "linalg.lu",
        "t.linalg.lu(x)",
        *SQUARE,
        *TALL,
        *WIDE,
        *LAID_OUT,
        f64(70, 3, 3),
        f64(70, 3, 2),
        f64(70, 2, 3),
        *EMPTY,
        f64(0, 3),
    ),
    *over("linalg.lu", "t.linalg.lu(x)", f64(4, 4), only=("out",), out="t.linalg.lu(x, out=out)"),
    *over("linalg.lu", "t.linalg.lu(x)[1]", f64(3, 3), f64(2, 3), f64(3, 2)),
    *over("linalg.lu", "t.linalg.lu(x)[2]", f64(3, 3), f64(2, 3), f64(3, 2)),
    *over(
        "linalg.lu_factor",
        "t.linalg.lu_factor(x)",
        *(s for s in SQUARE if s.shape != (1, 1)),
        *TALL,
        *WIDE,
        MANY,
        *LAID_OUT,
    ),
    *over("linalg.lu_factor", "t.linalg.lu_factor(x)", f64(4, 4), only=("out",), out="t.linalg.lu_factor(x, out=out)"),
    *over("linalg.lu_factor_ex", "t.linalg.lu_factor_ex(x)", f64(3, 3), c128(2, 2, 2)),
    *over("linalg.lu_factor_ex", "t.linalg.lu_factor_ex(x)", const([[1.0, 2.0], [2.0, 4.0]]), only=("forward", "node")),
    *over("lu", "t.lu(x)", f64(3, 3), f64(2, 2, 2), c128(2, 2)),
    *over("lu", "x.lu(get_infos=True)", f64(3, 3)),
    *over("lu_unpack", "t.lu_unpack(*t.linalg.lu_factor(x))", f64(3, 3), f64(2, 3, 2), f64(2, 2, 3), c128(2, 2)),
    *over("lu_unpack", "t.lu_unpack(*t.linalg.lu_factor(x), unpack_pivots=False)", f64(3, 3)),
    *over("lu_unpack", "t.lu_unpack(*t.linalg.lu_factor(x), unpack_data=False)", f64(3, 3), only=("forward",)),
]
PIVOTS = "t.tensor([2, 3, 3], dtype=t.int32)"
LU_SOLVE = [
    *each(
        "linalg.lu_solve",
        shifted(f"t.linalg.lu_solve(X, {PIVOTS}, y{{}})"),
        (f64(3, 3), f64(3, 3)),
        "",
        ", adjoint=True",
        ", left=False",
        ", left=False, adjoint=True",
        out=shifted(f"t.linalg.lu_solve(X, {PIVOTS}, y{{}}, out=out)"),
    ),
    *each(
        "linalg.lu_solve",
        shifted(f"t.linalg.lu_solve(X, {PIVOTS}, y{{}})"),
        (c128(3, 3), c128(3, 3)),
        "",
        ", adjoint=True",
        ", left=False",
        ", left=False, adjoint=True",
    ),
    *each(
        "linalg.lu_solve",
        shifted("t.linalg.lu_solve(*t.linalg.lu_factor(X), y{})"),
        (f64(50, 2, 2), f64(50, 2, 2)),
        "",
        ", adjoint=True",
        ", left=False",
    ),
    *over(
        "linalg.lu_solve",
        shifted("t.linalg.lu_solve(*t.linalg.lu_factor(X), y)"),
        (f64(2, 3, 3), f64(3, 2)),
        (f64(3, 3), f64(2, 3, 1)),
        (f32(3, 3), f32(3, 1)),
        (f64(3, 3, grad=False), f64(3, 1)),
        (f64(3, 3), f64(3, 1, grad=False)),
    ),
    *over(
        "lu_solve", shifted("t.lu_solve(y, *t.linalg.lu_factor(X))"), (f64(3, 3), f64(3, 2)), (c128(2, 2), c128(2, 1))
    ),
    *over("lu_solve", shifted(f"y.lu_solve(X, {PIVOTS})"), (f64(3, 3), f64(3, 2))),
]
QR = [
    *over("linalg.qr", "t.linalg.qr(x)", *SQUARE, *TALL, *WIDE, *LAID_OUT, f64(0, 3), f64(3, 0)),
    *over("linalg.qr", "t.linalg.qr(x)", f64(70, 3, 3), only=("forward", "grad", "jvp")),
    *over("linalg.qr", "t.linalg.qr(x)", f64(5, 2), only=("out",), out="t.linalg.qr(x, out=out)"),
    *over("linalg.qr", "t.linalg.qr(x)[0]", f64(3, 3), f64(3, 2), f64(2, 3), c128(2, 2)),
    *over("linalg.qr", "t.linalg.qr(x)[1]", f64(3, 3), f64(3, 2), f64(2, 3), c128(2, 2)),
    *over("linalg.qr", "t.linalg.qr(x, mode='complete')", f64(2, 3), f64(3, 3)),
    *over(
        "linalg.qr", "t.linalg.qr(x, mode='complete')", f64(3, 2), f64(2, 3, 2), f64(3, 0), only=("forward", *LAYOUT)
    ),
    *over("linalg.qr", "t.linalg.qr(x, mode='r')", f64(3, 2), f64(2, 2, 3), only=("forward", *LAYOUT)),
    *over("qr", "t.qr(x)", f64(3, 2), f64(2, 3), c128(3, 2)),
    *over("qr", "x.qr(some=False)", f64(3, 2), only=("forward", *LAYOUT)),
    *over("geqrf", "t.geqrf(x)", f64(3, 2), f64(2, 3), f64(2, 3, 3), f32(3, 3), only=("forward", "strides", "node")),
    *over("geqrf", "t.geqrf(x)", c128(3, 2, grad=False), only=("forward", "strides")),
    *over("geqrf", "t.geqrf(x)", f64(4, 2), only=("out",), out="t.geqrf(x, out=out)"),
]
REFLECTED = (
    (f64(3, 2), f64(2)),
    (f64(3, 3), f64(2)),
    (f64(2, 3, 2), f64(2, 2)),
    (f64(4, 3), f64(1)),
    (f32(3, 2), f32(2)),
    (c128(3, 2), c128(2)),
)
SIDES = ((f64(3, 2), f64(2), f64(3, 2)), (f64(2, 3, 3), f64(2, 3), f64(2, 3, 1)), (c128(3, 2), c128(2), c128(3, 2)))
ORMQR = [
    *over("ormqr", "t.ormqr(x, y, z)", *SIDES),
    *over("ormqr", "t.ormqr(x, y, z, transpose=True)", *SIDES),
    *over("ormqr", "t.ormqr(x, y, z.mT, left=False)", *SIDES),
    *over("ormqr", "x.ormqr(y, z.mT, False, True)", *SIDES),
]
REFLECTIONS = [
    *over("linalg.householder_product", "t.linalg.householder_product(x, y)", *REFLECTED),
    *over(
        "linalg.householder_product",
        "t.linalg.householder_product(x, y)",
        (f64(4, 2), f64(2)),
        only=("out",),
        out="t.linalg.householder_product(x, y, out=out)",
    ),
    *over("orgqr", "x.orgqr(y)", (f64(3, 2), f64(2))),
    *without({"jvp": "torch has none; compared with differences in test_linalg_derivatives.py"}, ORMQR),
    *over("ormqr", "t.ormqr(x, y, z)", (f64(4, 2), f64(2), f64(4, 2)), only=("out",), out="t.ormqr(x, y, z, out=out)"),
]
SAMPLES = relax(200, CONDITION, [*LU, *LU_SOLVE, *QR, *REFLECTIONS])
