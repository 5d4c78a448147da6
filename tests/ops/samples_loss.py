"""Losses of nn.functional."""

from __future__ import annotations

from tests.ops.sample import S, Sample, change_some, const, each, f32, f64, index, over, relax, relax_only

SCORES = f64(4, 3)
CLASSES = index(4, below=3)
WEIGHTS = f64(3, domain="positive", grad=False)
REDUCTIONS = ("", ", reduction='sum'", ", reduction='none'", ", reduction='mean'")
KINK = {"numeric": "the loss has a kink there"}
PROBABILITIES = f64(2, 3, domain="prob")
FIXED = f64(2, 3, domain="prob", grad=False)
FLATTENED = {"saved": "torch keeps copies with pixels flattened to rows, wengert the inputs"}
GUARD = "torch adds 1e-12 to the denominator x (1 - x) of the second derivative"


def of_pairs(name: str, first: str = "any", second: str = "any", *arguments: str) -> list[Sample]:
    """Return the samples of an elementwise loss of input and target."""
    op, code = f"nn.functional.{name}", f"F.{name}(x, y{{}})"
    pair = (f64(2, 3, domain=first), f64(2, 3, domain=second))
    fixed = (f64(3, domain=first), f64(3, domain=second, grad=False))
    return [
        *each(op, code, pair, *REDUCTIONS, *arguments),
        *each(op, code, fixed, "", ", reduction='none'"),
        *each(op, code, (f32(5, domain=first), f32(5, domain=second)), "", ", reduction='sum'"),
        *each(op, code, (f64(domain=first), f64(domain=second)), ""),
    ]


BINARY = "nn.functional.binary_cross_entropy"
ENTROPIES = [
    *each(BINARY, "F.binary_cross_entropy(x, y{})", (PROBABILITIES, FIXED), *REDUCTIONS),
    S(BINARY, "F.binary_cross_entropy(x, y)", PROBABILITIES, f64(2, 3, domain="prob")),
    S(BINARY, "F.binary_cross_entropy(x, y, weight=z)", PROBABILITIES, FIXED, WEIGHTS),
]

PAIRS = [
    *of_pairs("mse_loss"),
    *of_pairs("l1_loss"),
    *of_pairs("smooth_l1_loss", "any", "any", ", beta=0.5"),
    *of_pairs("huber_loss", "any", "any", ", delta=0.5"),
    *of_pairs("poisson_nll_loss", "any", "positive", ", log_input=True"),
    *of_pairs("binary_cross_entropy_with_logits", "any", "prob"),
    *over(
        "nn.functional.mse_loss",
        "F.mse_loss(x, y)",
        (f64(0, 3), f64(0, 3)),
        (f64(3, 4, layout="transposed"), f64(3, 4)),
    ),
    *over("nn.functional.l1_loss", "F.l1_loss(x, y)", (const([0.0, 1.0]), const([0.0, 0.0])), skip=KINK),
    *over("nn.functional.huber_loss", "F.huber_loss(x, y)", (const([1.0, -1.0]), const([0.0, 0.0])), skip=KINK),
    *each(
        "nn.functional.soft_margin_loss",
        "F.soft_margin_loss(x, y{})",
        (f64(4), const([1.0, -1.0, 1.0, -1.0], grad=False)),
        *REDUCTIONS,
        skip={"jvp": "torch has no forward mode for it"},
    ),
    *relax_only(("second",), 1e3, GUARD, ENTROPIES),
    *each("nn.functional.kl_div", "F.kl_div(x, y{})", (f64(2, 3), FIXED), ", reduction='batchmean'", *REDUCTIONS[1:3]),
    *each("nn.functional.kl_div", "F.kl_div(x, y, reduction='sum'{})", (f64(2, 3), f64(2, 3)), ", log_target=True"),
]

KINDS: list[Sample] = [
    *each("nn.functional.nll_loss", "F.nll_loss(x, y{})", (SCORES, CLASSES), *REDUCTIONS, ", ignore_index=1"),
    *each(
        "nn.functional.nll_loss",
        "F.nll_loss(x, y, z{})",
        (SCORES, CLASSES, WEIGHTS),
        "",
        ", reduction='sum'",
        ", reduction='none'",
    ),
    *over(
        "nn.functional.nll_loss",
        "F.nll_loss(x, y)",
        (f64(3), const(1, "int64")),
        (f32(4, 3), CLASSES),
    ),
    *over("nn.functional.nll_loss", "F.nll_loss(x, y)", (f64(2, 3, 2), index(2, 2, below=3)), skip=FLATTENED),
    *each(
        "nn.functional.cross_entropy",
        "F.cross_entropy(x, y{})",
        (SCORES, CLASSES),
        *REDUCTIONS,
        ", ignore_index=1",
        ", label_smoothing=0.1",
    ),
    *each(
        "nn.functional.cross_entropy", "F.cross_entropy(x, y, z{})", (SCORES, CLASSES, WEIGHTS), "", ", reduction='sum'"
    ),
    *over(
        "nn.functional.cross_entropy",
        "F.cross_entropy(x, y)",
        (f64(3), const(1, "int64")),
        (f32(4, 3), CLASSES),
    ),
    *over("nn.functional.cross_entropy", "F.cross_entropy(x, y)", (f64(2, 3, 2), index(2, 2, below=3)), skip=FLATTENED),
    *each(
        "nn.functional.cross_entropy",
        "F.cross_entropy(x, y{})",
        (SCORES, f64(4, 3, domain="prob")),
        "",
        ", reduction='none'",
    ),
    *over(
        "nn.functional.cross_entropy",
        "F.cross_entropy(x, y)",
        (const([[1000.0, 0.0], [0.0, -1000.0]]), const([0, 1], "int64")),
    ),
]

RANKING: list[Sample] = [
    *each(
        "nn.functional.margin_ranking_loss",
        "F.margin_ranking_loss(x, y, z{})",
        (f64(4), f64(4), const([1.0, -1.0, 1.0, -1.0], grad=False)),
        "",
        ", margin=0.5",
    ),
    *each(
        "nn.functional.hinge_embedding_loss",
        "F.hinge_embedding_loss(x, y)",
        (f64(4), const([1.0, -1.0, 1.0, -1.0], grad=False)),
        "",
    ),
    *each("nn.functional.triplet_margin_loss", "F.triplet_margin_loss(x, y, z)", (f64(2, 3), f64(2, 3), f64(2, 3)), ""),
    *each(
        "nn.functional.gaussian_nll_loss",
        "F.gaussian_nll_loss(x, y, z)",
        (f64(4), f64(4), f64(4, domain="positive")),
        "",
    ),
]

SAMPLES = change_some(
    relax(4, "a mean of functions of exp and log, added in another order", [*PAIRS, *KINDS, *RANKING]),
    lambda s: s.code == "F.cross_entropy(x, y)" and s.inputs[0].shape == (2, 3, 2),
    lambda found: relax_only(("jvp",), 8, "the tangents of four pixels nearly cancel in the mean", found),
)
