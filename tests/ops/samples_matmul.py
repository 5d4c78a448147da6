"""Products of matrices and vectors, and einsum."""

from __future__ import annotations

from tests.ops.sample import S, Sample, c64, c128, each, f32, f64, i64, over, relax, without

SQUARE = (f64(3, 3), f64(3, 3))

PLAIN: list[Sample] = [
    *over(
        "mm", "t.mm(x, y)", (f64(2, 3), f64(3, 4)), (f32(5, 7), f32(7, 2)), (c128(2, 3), c128(3, 2)), (c64(2, 2),) * 2
    ),
    *over("mm", "x.mm(y)", (f64(0, 3), f64(3, 2)), (f64(2, 0), f64(0, 3)), (i64(2, 3), i64(3, 2))),
    *over("mm", "x @ y", (f64(2, 3, layout="transposed"), f64(3, 4)), (f64(4, 6, layout="strided"), f64(6, 2))),
    *over("mm", "x @ y", (f64(2, 3), f64(3, 4, layout="expanded")), (f64(2, 3, grad=False), f64(3, 2)), SQUARE),
    *over("mm", "x @ y", (f64(2, 3), f64(3, 2, grad=False)), (f64(1, 1), f64(1, 1))),
    *over("mm", "x.t() @ y", SQUARE, (f64(3, 2), f64(3, 4)), (c128(3, 2), c128(3, 4))),
    S("mm", "x @ x", f64(3, 3)),
    S("mm", "t.mm(x, y)", f64(2, 2), f64(2, 2), out="t.mm(x, y, out=out)"),
    *over(
        "bmm",
        "t.bmm(x, y)",
        (f64(2, 3, 4), f64(2, 4, 2)),
        (f32(3, 2, 2),) * 2,
        (c128(2, 2, 2),) * 2,
        (f64(0, 2, 3), f64(0, 3, 2)),
    ),
    S("bmm", "t.bmm(x, y)", f64(2, 2, 3), f64(2, 3, 2), out="t.bmm(x, y, out=out)"),
    *over(
        "mv",
        "t.mv(x, y)",
        (f64(2, 3), f64(3)),
        (f32(2, 3), f32(3)),
        (c128(2, 3), c128(3)),
        (f64(2, 0), f64(0)),
        (i64(2, 3), i64(3)),
    ),
    *over(
        "dot",
        "t.dot(x, y)",
        (f64(3), f64(3)),
        (f32(40), f32(40)),
        (c128(3), c128(3)),
        (f64(0), f64(0)),
        (i64(3), i64(3)),
    ),
    S("dot", "t.dot(x, y)", f64(4, layout="strided"), f64(4), out="t.dot(x, y, out=out)"),
    *over("vdot", "t.vdot(x, y)", (f64(3), f64(3)), (c128(3), c128(3))),
    *over("inner", "t.inner(x, y)", (f64(3), f64(3)), (f64(2, 3), f64(4, 3)), (f64(2, 2, 3), f64(3)), (f64(), f64(3))),
    *over(
        "outer",
        "t.outer(x, y)",
        (f64(2), f64(3)),
        (c128(2), c128(3)),
        (f32(2), f64(3)),
        (f64(0), f64(3)),
        (i64(2), i64(3)),
    ),
    S("outer", "x.ger(y)", f64(2), f64(3)),
    *over("kron", "t.kron(x, y)", (f64(2, 3), f64(2, 2)), (f64(2), f64(3))),
    *over("linalg.cross", "t.linalg.cross(x, y)", (f64(3), f64(3)), (c128(3), c128(3))),
    *over(
        "linalg.cross",
        "t.linalg.cross(x, y)",
        (f64(2, 3), f64(1, 3)),
        skip={"saved": "torch keeps the operand, wengert its expansion to the common shape"},
    ),
    *over("cross", "t.cross(x, y, dim=0)", (f64(3, 2), f64(3, 2))),
    *over("trace", "x.trace()", f64(3, 3), f64(2, 4), i64(2, 2)),
]

RANKS = (
    (f64(3), f64(3)),
    (f64(2, 3), f64(3)),
    (f64(3), f64(3, 2)),
    (f64(2, 3), f64(3, 4)),
    (f64(2, 2, 3), f64(3)),
    (f64(2, 2, 3), f64(3, 4)),
    (f64(3), f64(2, 3, 4)),
    (f64(2, 3), f64(2, 3, 2)),
    (f64(2, 2, 3), f64(2, 3, 2)),
    (f64(2, 1, 2, 3), f64(2, 3, 2)),
    (f64(1, 2, 3), f64(4, 3, 2)),
    (f64(2, 0, 3), f64(2, 3, 2)),
    (f64(2, 2, 0), f64(2, 0, 2)),
    (f64(0, 2, 3), f64(3, 2)),
    (f32(2, 4, 5), f32(2, 5, 3)),
    (c128(2, 2, 3), c128(3)),
    (c128(2, 2, 3), c128(2, 3, 2)),
    (f64(2, 3, 4, layout="transposed"), f64(4, 2)),
    (f64(2, 3, 4, layout="strided"), f64(2, 4, 3, layout="transposed")),
    (f64(2, 3, 4, grad=False), f64(4, 2)),
    (f64(2, 3, 4), f64(4, 2, grad=False)),
    (i64(2, 2, 3), i64(3, 2)),
)
MATMUL = [
    *over("matmul", "t.matmul(x, y)", *RANKS),
    S("matmul", "x.matmul(y)", f64(2, 3), f64(3)),
    S("matmul", "t.matmul(x, y)", f64(2, 2, 3), f64(3, 2), out="t.matmul(x, y, out=out)"),
    *each(
        "tensordot",
        "t.tensordot(x, y, {})",
        (f64(2, 3, 3), f64(3, 3, 2)),
        "1",
        "2",
        "dims=([1], [0])",
        "([2, 1], [0, 1])",
    ),
    S("tensordot", "t.tensordot(x, y, 0)", f64(2), f64(3)),
    S("tensordot", "t.tensordot(x.to(t.uint8), y.to(t.uint8), ([0, 1], [1, 0]))", i64(3, 1), i64(3, 3)),
    *over("tensordot", "t.tensordot(x, y, 2)", (f64(2, 1, 3), f64(2, 3, 2)), (f64(2, 2, 3), f64(2, 1, 2))),
    *each("chain_matmul", "t.linalg.multi_dot([x, y, z])", (f64(2, 3), f64(3, 4), f64(4, 2)), ""),
    *over("matrix_power", "t.linalg.matrix_power(x, 3)", f64(2, 2), f64(2, 2, 2)),
]

SUMMED: list[Sample] = [
    *each(
        "addmm",
        "t.addmm(x, y, z{})",
        (f64(2, 4), f64(2, 3), f64(3, 4)),
        "",
        ", beta=0.5",
        ", alpha=2",
        ", beta=0, alpha=-1",
    ),
    *over(
        "addmm", "t.addmm(x, y, z)", (f64(4), f64(2, 3), f64(3, 4)), (f64(), f64(2, 3), f64(3, 4)), (c128(2, 2),) * 3
    ),
    *over(
        "addmm", "t.addmm(x, y, z)", (f32(4), f32(2, 3), f32(3, 4)), (f64(2, 1), f64(2, 3), f64(3, 4)), (i64(2, 2),) * 3
    ),
    *over("addmm", "t.addmm(x, y, z)", (f64(4), f64(2, 0), f64(0, 4)), (f64(4), f64(0, 3), f64(3, 4))),
    *over("addmm", "t.addmm(x, y.t(), z.t())", (f64(3), f64(4, 2), f64(3, 4))),
    *each(
        "addmm",
        "x.addmm(y, z{})",
        (f64(2, 4), f64(2, 3), f64(3, 4)),
        "",
        ", beta=2, alpha=3",
        inplace="x.addmm_(y, z{})",
        out="t.addmm(x, y, z{}, out=out)",
    ),
    *each(
        "addmv",
        "t.addmv(x, y, z{})",
        (f64(2), f64(2, 3), f64(3)),
        "",
        ", beta=0.5, alpha=2",
        inplace="x.addmv_(y, z{})",
    ),
    *each(
        "addr", "t.addr(x, y, z{})", (f64(2, 3), f64(2), f64(3)), "", ", beta=0.5, alpha=2", inplace="x.addr_(y, z{})"
    ),
    *each("baddbmm", "t.baddbmm(x, y, z{})", (f64(2, 2, 2), f64(2, 2, 3), f64(2, 3, 2)), "", ", beta=0.5, alpha=2"),
    *each("addbmm", "t.addbmm(x, y, z{})", (f64(2, 2), f64(2, 2, 3), f64(2, 3, 2)), "", ", beta=0.5, alpha=2"),
    *over(
        "addbmm", "t.addbmm(x, y, z)", (f64(1, 2), f64(0, 2, 3), f64(0, 3, 2)), (f64(2, 1), f64(2, 2, 3), f64(2, 3, 0))
    ),
    *over("baddbmm", "t.baddbmm(x, y, z)", (f64(2), f64(2, 2, 3), f64(2, 3, 2)), (c128(2, 2, 2),) * 3),
    *over(
        "nn.functional.linear",
        "F.linear(x, y, z)",
        *((f64(*n, 3), f64(2, 3), f64(2)) for n in ((), (4,), (2, 4), (0,))),
    ),
    *over("nn.functional.linear", "F.linear(x, y)", *((f32(*n, 3), f32(2, 3)) for n in ((), (4,), (2, 4)))),
    *over("nn.functional.bilinear", "F.bilinear(x, y, z)", (f64(4, 2), f64(4, 3), f64(2, 2, 3))),
]

ONE = (
    ("i->", (4,)),
    ("i->i", (4,)),
    ("ii->i", (3, 3)),
    ("ii->", (3, 3)),
    ("ij->ji", (2, 3)),
    ("ij->j", (2, 3)),
    ("ij", (2, 3)),
    ("ji", (2, 3)),
    ("...i->...", (2, 3, 4)),
    ("i...->...i", (2, 3, 4)),
    ("ijj->i", (2, 3, 3)),
    ("...ii->...i", (2, 3, 3)),
)
TWO = (
    ("i,i->", (3,), (3,)),
    ("i,j->ij", (2,), (3,)),
    ("i,j->ji", (2,), (3,)),
    ("i,j", (2,), (3,)),
    ("ij,j->i", (2, 3), (3,)),
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk->ki", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij,kj->ik", (2, 3), (4, 3)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,ij->j", (2, 3), (2, 3)),
    ("ij,kl->", (2, 3), (2, 2)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    ("bij,jk->bik", (2, 2, 3), (3, 2)),
    ("bij,bkj->bik", (2, 2, 3), (2, 4, 3)),
    ("bhqd,bhkd->bhqk", (2, 2, 2, 3), (2, 2, 3, 3)),
    ("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
    ("...ij,...jk", (2, 2, 3), (2, 3, 2)),
    ("i...,j...->ij...", (2, 3), (3, 3)),
    ("...i,...i->...", (2, 3), (2, 3)),
    ("ii,i->i", (3, 3), (3,)),
    ("ij,ji->", (2, 3), (3, 2)),
    ("ij , jk -> ik", (2, 3), (3, 4)),
    ("ijk,k->ij", (2, 2, 1), (3,)),
    ("iJ,Jk->ik", (2, 3), (3, 2)),
    ("ij,j->", (2, 0), (0,)),
)
EINSUM = [
    *(S("einsum", f"t.einsum('{e}', x)", f64(*a)) for e, a in ONE),
    *(S("einsum", f"t.einsum('{e}', x, y)", f64(*a), f64(*b)) for e, a, b in TWO),
    *(S("einsum", f"t.einsum('{e}', x, y)", c128(*a), c128(*b)) for e, a, b in TWO[4:8]),
    *(S("einsum", f"t.einsum('{e}', x, y)", f32(*a), f32(*b)) for e, a, b in TWO[13:16]),
    S("einsum", "t.einsum('ij,jk,kl->il', x, y, z)", f64(2, 3), f64(3, 2), f64(2, 4)),
    S("einsum", "t.einsum('bn,anm,bm->ba', x, y, z)", f64(2, 3), f64(4, 3, 2), f64(2, 2)),
    S("einsum", "t.einsum('ij,jk->ik', [x, y])", f64(2, 3), f64(3, 2)),
    S("einsum", "t.einsum(x, [0, 1], y, [1, 2], [0, 2])", f64(2, 3), f64(3, 2)),
    S("einsum", "t.einsum('ij,jk->ik', x, y)", f64(2, 3, layout="transposed"), f64(3, 2, layout="strided")),
    S("einsum", "t.einsum('ij,ij->i', x, x)", f64(2, 3)),
    S("einsum", "t.einsum('ij,jk->ik', x, y)", i64(2, 3), i64(3, 2)),
    *over("einsum", "t.einsum('ij,ik->ijk', x, y)", (f64(2, 3), c128(2, 2)), (f32(2, 3), i64(2, 2))),
    *(
        S("einsum", f"t.einsum('{e}', x.to(t.{d}), y.to(t.{d}))", i64(2, 3), i64(n))
        for d in ("int32", "bool")
        for e, n in (("ij,j->i", 1), ("ij,k->k", 2), ("ij,j->", 1))
    ),
]

PATH = "which products, views and permutations einsum is made of is torch's choice of path, except where facts.csv says"
CHOSEN = [s for s in EINSUM if s.code == "t.einsum('ij,jk->ik', x, y)"]
SAMPLES = relax(
    8,
    "BLAS adds products in blocks and with fused multiply-add, in another order in either library",
    [
        *PLAIN,
        *MATMUL,
        *SUMMED,
        *CHOSEN,
        *without({"node": PATH, "strides": PATH, "saved": PATH}, (s for s in EINSUM if s not in CHOSEN)),
    ],
)
