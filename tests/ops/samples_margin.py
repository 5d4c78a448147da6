"""Losses of margins, of sequences and of linear classifiers; distances of rows; bags of rows of a table."""

from __future__ import annotations

from tests.ops.sample import Input, S, Sample, const, each, f32, f64, index, over, relax, without

ONCE = {"second": "torch has no second derivative of it", "jvp": "torch has no forward mode for it"}
NO_FORWARD = {"jvp": "torch has no forward mode for it"}
REDUCTIONS = ("", ", reduction='sum'", ", reduction='none'")
SUMS = "a mean of functions of exp, log and powers, added in another order"
WEIGHTS = f64(4, domain="positive", grad=False)

MULTI = "nn.functional.multi_margin_loss"
LABELS = "nn.functional.multilabel_margin_loss"
TARGETS = const([[1, 0, -1, 2], [3, -1, 1, 1], [0, 1, 2, 3]], "int64")
MARGINS: list[Sample] = [
    *each(MULTI, "F.multi_margin_loss(x, y{})", (f64(3, 4), index(3, below=4)), *REDUCTIONS, ", p=2", ", margin=0.5"),
    *each(
        MULTI, "F.multi_margin_loss(x, y, weight=z{})", (f64(3, 4), index(3, below=4), WEIGHTS), *REDUCTIONS, ", p=2"
    ),
    *over(
        MULTI, "F.multi_margin_loss(x, y, reduction='none')", (f64(4), const(2, "int64")), (f64(4), const([2], "int64"))
    ),
    *over(MULTI, "F.multi_margin_loss(x, y, p=2)", (f32(3, 4), index(3, below=4)), (f64(4), const(1, "int64"))),
    *over(
        MULTI,
        "F.multi_margin_loss(x, y)",
        (f64(4, 4, layout="transposed"), index(4, below=4)),
    ),
    *each(LABELS, "F.multilabel_margin_loss(x, y{})", (f64(3, 4), TARGETS), *REDUCTIONS),
    *over(
        LABELS,
        "F.multilabel_margin_loss(x, y, reduction='none')",
        (f64(4), const([3, 1, -1, 0], "int64")),
        (f64(0, 4), Input((0, 4), "int64")),
        (f32(2, 3), const([[0, -1, 1], [2, 1, -1]], "int64")),
        (f64(4, 4, layout="transposed"), const([[0, -1, 1, 1], [2, 1, -1, 0], [-1, 0, 0, 0], [3, 3, -1, -1]], "int64")),
    ),
]

PAIRS = "nn.functional.pdist"
TRIPLET = "nn.functional.triplet_margin_with_distance_loss"
DISTANCES: list[Sample] = [
    *without(
        ONCE,
        [
            *each(PAIRS, "F.pdist(x, {})", f64(4, 3), "2", "1", "3", "0", "1.5", "inf"),
            *over(PAIRS, "F.pdist(x)", f64(1, 3), f32(6, 4)),
            S(PAIRS, "F.pdist(x)", f64(3, 4, layout="transposed"), skip={"saved": "torch keeps a row-major copy"}),
            S(PAIRS, "F.pdist(x)", const([[1.0, 2.0], [1.0, 2.0], [0.0, 1.0]]), skip={"numeric": "a kink"}),
            S(PAIRS, "F.pdist(x)", f64(0, 3), only=("forward", "strides")),  # the gradient of nothing crashes torch
            S("pdist", "t.pdist(x, p=1)", f64(3, 2)),
        ],
    ),
    *each(
        TRIPLET,
        "F.triplet_margin_with_distance_loss(x, y, z{})",
        (f64(3, 4), f64(3, 4), f64(3, 4)),
        *REDUCTIONS,
        ", swap=True, margin=2.0",
        ", distance_function=lambda a, b: (a - b).abs().sum(-1)",
    ),
]

CTC = "nn.functional.ctc_loss"
FRAMES = "F.ctc_loss(x.log_softmax(-1), {})"
FAMILIAR = "t.tensor([[1, 2, 3], [2, 2, 1]]), t.tensor([6, 5]), t.tensor([3, 2])"
SEQUENCES: list[Sample] = [
    *each(
        CTC,
        FRAMES,
        f64(6, 2, 5),
        *[FAMILIAR + r for r in (*REDUCTIONS, ", blank=4", ", zero_infinity=True")],
        "t.tensor([1, 2, 3, 2, 2]), (6, 5), (3, 2), reduction='none'",
        "t.tensor([[1, 2, 3], [2, 2, 1]]), (6, 5), (0, 1), reduction='none'",
        "t.tensor([[1, 2, 3], [2, 2, 1]]), (6, 2), (3, 2), zero_infinity=True",
        "t.tensor([[1, 2, 3], [2, 2, 2]]), (4, 5), (3, 3), reduction='none'",
        "t.tensor([[1, 2, 3], [2, 2, 1]]), (6, 4), (0, 0), reduction='none'",
    ),
    *each(CTC, FRAMES, f64(4, 3), "t.tensor([1, 2]), t.tensor(4), t.tensor(2), reduction='none'"),
    *each(CTC, FRAMES, f32(8, 3, 4), "t.tensor([[1, 2, 3], [2, 2, 1], [3, 3, 3]]), (8, 7, 8), (3, 2, 3)"),
    S("ctc_loss", "t.ctc_loss(x.log_softmax(-1), t.tensor([[1, 2]]), (4,), (2,), 0, 2, False)", f64(4, 1, 3)),
]

LINEAR = "nn.functional.linear_cross_entropy"
CLASSIFIERS: list[Sample] = [
    *each(
        LINEAR,
        "F.linear_cross_entropy(x, y, z{})",
        (f64(3, 2), f64(4, 2), index(3, below=4)),
        *REDUCTIONS,
        ", ignore_index=1",
        ", label_smoothing=0.1",
    ),
    S(LINEAR, "F.linear_cross_entropy(x, y, z, linear_bias=w)", f64(3, 2), f64(4, 2), index(3, below=4), f64(4)),
    *over(
        LINEAR,
        "F.linear_cross_entropy(x, y, z)",
        (f64(2), f64(4, 2), const(1, "int64")),
        (f64(3, 2), f64(4, 2), f64(3, 4, domain="prob")),
        (f32(3, 2), f32(4, 2), index(3, below=4)),
    ),
]

BAG = "nn.functional.embedding_bag"
TABLE = f64(6, 2)
ROW, STARTS = const([1, 2, 4, 5, 4, 3], "int64"), const([0, 3, 3, 5], "int64")
MODES = ("mode='sum'", "mode='mean'", "mode='max'")
BAGS: list[Sample] = [
    *each(BAG, "F.embedding_bag(x, y, z, {})", (ROW, TABLE, STARTS), *MODES, *[m + ", padding_idx=4" for m in MODES]),
    *each(BAG, "F.embedding_bag(x, y, {})", (const([[1, 2, 2], [5, 4, 0]], "int64"), TABLE), *MODES),
    *each(
        BAG,
        "F.embedding_bag(x, y, t.tensor([0, 3, 6]), include_last_offset=True, {})",
        (ROW, TABLE),
        *MODES,
    ),
    S(
        BAG,
        "F.embedding_bag(x, y, z, mode='sum', scale_grad_by_freq=True)",
        ROW,
        TABLE,
        STARTS,
        skip={
            "grad": "torch divides some rows by the count of another one",
            "numeric": "the gradient is scaled on purpose",
        },
    ),
    *each(
        BAG,
        "F.embedding_bag(x, y, z, mode='sum', per_sample_weights=w{})",
        (ROW, TABLE, STARTS, f64(6)),
        "",
        ", padding_idx=2",
    ),
    S(BAG, "F.embedding_bag(x, y, z, mode='sum', per_sample_weights=w)", ROW, TABLE, STARTS, f64(6, grad=False)),
    S(BAG, "F.embedding_bag(x, y)", const([[1, 2, 2], [5, 4, 0]], "int32"), f32(6, 3)),
    S(BAG, "F.embedding_bag(x, y, max_norm=0.5)", const([[1, 2, 2], [5, 4, 0]], "int64"), f64(6, 2, grad=False)),
    *each(
        "embedding_bag",
        "t.embedding_bag(x, y, z, False, {})",
        (TABLE, ROW, STARTS),
        "0",
        "1",
        "2",
        "0, False, None, False, 4",
        "1, False, None, False, 4",
    ),
]

SIGNS = const([1.0, -1.0, 1.0], grad=False)
TWINS: list[Sample] = [
    S("kl_div", "t.kl_div(x, y)", f64(2, 3), f64(2, 3, domain="prob", grad=False)),
    *each(
        "binary_cross_entropy_with_logits",
        "t.binary_cross_entropy_with_logits(x, y, {})",
        (f64(2, 3), f64(2, 3, domain="prob", grad=False)),
        "",
        "None, None, 1",
    ),
    *each("cosine_embedding_loss", "t.cosine_embedding_loss(x, y, z, {})", (f64(3, 2), f64(3, 2), SIGNS), "", "0.1, 2"),
    *each("hinge_embedding_loss", "t.hinge_embedding_loss(x, y, {})", (f64(3), SIGNS), "", "0.5, 1"),
    *each("margin_ranking_loss", "t.margin_ranking_loss(x, y, z, {})", (f64(3), f64(3), SIGNS), "", "0.5, 1"),
    *each(
        "triplet_margin_loss",
        "t.triplet_margin_loss(x, y, z, {})",
        (f64(3, 2), f64(3, 2), f64(3, 2)),
        "",
        "reduction=1",
    ),
    S(
        "poisson_nll_loss",
        "t.poisson_nll_loss(x, y, True, False, 1e-8, 1)",
        f64(3),
        f64(3, domain="positive", grad=False),
    ),
    S("bilinear", "t.bilinear(x, y, z)", f64(2, 2), f64(2, 3), f64(1, 2, 3)),
    S("embedding", "t.embedding(x, y)", f64(4, 2), index(3, below=4)),
    S(
        "embedding",
        "t.embedding(x, y, 1)",
        f64(4, 2),
        const([1, 2, 1], "int64"),
        skip={"numeric": "row 1 has no gradient"},
    ),
]

SAMPLES = [
    *relax(4, SUMS, TWINS),
    *without(ONCE, MARGINS),
    *relax(4, SUMS, DISTANCES),
    *relax(16, SUMS, without({"numeric": "the gradient stands for that of logits", **ONCE}, SEQUENCES)),
    *relax(4, SUMS, CLASSIFIERS),
    *without(ONCE, BAGS),
]
