"""Normalisations of layers, batches, groups and instances."""

from __future__ import annotations

from tests.ops.sample import S, Sample, each, f32, f64, over, relax

W6, W4 = f64(6, domain="positive"), f64(4, domain="positive")
MEAN, VAR = f64(4, grad=False), f64(4, domain="positive", grad=False)
NO_WEIGHT = {"second": "torch's formula takes the missing weight for a tensor and raises"}
STATS = "the mean of a group is rounded once here, accumulated in another order there"

LAYER: list[Sample] = [
    *each("nn.functional.layer_norm", "F.layer_norm(x, (6,){})", f64(2, 4, 6), "", ", eps=0.1"),
    *over(
        "nn.functional.layer_norm",
        "F.layer_norm(x, (6,), y, z)",
        (f64(2, 4, 6), W6, f64(6)),
        (f32(3, 6), f32(6), f32(6)),
        (f64(6), W6, f64(6)),
        (f64(4, 6, layout="transposed"), W6, f64(6)),
        (f64(4, 6, layout="strided"), W6, f64(6)),
        (f64(4, 6, layout="expanded"), W6, f64(6)),
        (f64(0, 6), W6, f64(6)),
        (f64(2, 6, grad=False), W6, f64(6)),
        (f64(2, 6), f64(6, grad=False), f64(6)),
        (f32(16, 6), f32(6), f32(6, grad=False)),
    ),
    S("nn.functional.layer_norm", "F.layer_norm(x, (4, 6), y)", f64(3, 4, 6), f64(4, 6)),
    S("nn.functional.layer_norm", "F.layer_norm(x, (6,), None, y)", f64(3, 6), f64(6), skip=NO_WEIGHT),
    S("layer_norm", "t.layer_norm(x, (3,), y, z, 1e-3)", f64(2, 3), f64(3), f64(3)),
]

BATCH: list[Sample] = [
    *each("nn.functional.batch_norm", "F.batch_norm(x, None, None, training=True{})", f64(5, 4), "", ", eps=0.1"),
    *over(
        "nn.functional.batch_norm",
        "F.batch_norm(x, y, z, training=True)",
        (f64(3, 4), MEAN, VAR),
        (f64(2, 4, 3), MEAN, VAR),
        (f64(2, 4, 3, 2), MEAN, VAR),
        (f64(4, 4, layout="transposed"), MEAN, VAR),
        (f64(3, 4, 5, layout="strided"), MEAN, VAR),
    ),
    *over(
        "nn.functional.batch_norm",
        "F.batch_norm(x, y, z)",
        (f64(3, 4), MEAN, VAR),
        (f64(2, 4, 3), MEAN, VAR),
        (f32(0, 4), f32(4, grad=False), f32(4, grad=False, domain="positive")),
        (f32(5, 4, 3), f32(4, grad=False), f32(4, grad=False, domain="positive")),
    ),
    *each(
        "nn.functional.batch_norm",
        "F.batch_norm(x, None, None, y, z, training=True{})",
        (f64(3, 4, 2), W4, f64(4)),
        "",
        ", momentum=0.5",
    ),
    *each(
        "nn.functional.batch_norm",
        "F.batch_norm(x, t.zeros(4, dtype=t.float64), t.ones(4, dtype=t.float64), y, z, {})",
        (f64(3, 4, 2), W4, f64(4)),
        "training=False",
        "training=True",
    ),
    S("nn.functional.batch_norm", "F.batch_norm(x, None, None, y, training=True)", f64(3, 4, 2, grad=False), W4),
    S(
        "nn.functional.batch_norm",
        "F.batch_norm(x, None, None, None, y, training=True)",
        f64(3, 4, 2),
        W4,
        skip=NO_WEIGHT,
    ),
    S("nn.functional.batch_norm", "F.batch_norm(x.transpose(1, 3), None, None, training=True)", f64(2, 3, 2, 4)),
    S("batch_norm", "t.batch_norm(x, y, None, None, None, True, 0.1, 1e-5, True)", f64(3, 4), W4),
    S(
        "nn.functional.batch_norm",
        "(F.batch_norm(x, y, z, training=True, momentum=0.3), y, z)",
        f64(3, 4, 2),
        MEAN,
        VAR,
    ),
]

GROUP: list[Sample] = [
    *each("nn.functional.group_norm", "F.group_norm(x, {})", f64(2, 4, 4), "2", "1", "2, eps=0.1"),
    S("nn.functional.group_norm", "F.group_norm(x, 4)", f64(2, 4, 3)),
    *over(
        "nn.functional.group_norm",
        "F.group_norm(x, 2, y, z)",
        (f64(2, 4, 3), W4, f64(4)),
        (f64(2, 4, 3, 2), W4, f64(4)),
        (f32(2, 4, 5), f32(4), f32(4)),
        (f64(0, 4, 3), W4, f64(4)),
        (f64(2, 4, 3), f64(4, grad=False), f64(4)),
    ),
    S("nn.functional.group_norm", "F.group_norm(x, 1, y, z)", f64(3, 4), W4, f64(4)),
    S(
        "nn.functional.group_norm",
        "F.group_norm(x, 2, y, z)",
        f64(3, 4, 2, layout="transposed"),
        W4,
        f64(4),
        skip={"saved": "torch keeps a row-major copy, wengert the input"},
    ),
    S("group_norm", "t.group_norm(x, 2, y)", f64(2, 4, 3), W4),
]

INSTANCE: list[Sample] = [
    *each("nn.functional.instance_norm", "F.instance_norm(x{})", f64(2, 4, 3), "", ", eps=0.1"),
    *over(
        "nn.functional.instance_norm",
        "F.instance_norm(x, None, None, y, z)",
        (f64(2, 4, 3), W4, f64(4)),
        (f32(2, 4, 3, 2), f32(4), f32(4)),
    ),
    S("nn.functional.instance_norm", "F.instance_norm(x, y, z, use_input_stats=False)", f64(2, 4, 3), MEAN, VAR),
    S("nn.functional.instance_norm", "(F.instance_norm(x, y, z, momentum=0.3), y, z)", f64(2, 4, 3), MEAN, VAR),
    S("instance_norm", "t.instance_norm(x, None, None, None, None, True, 0.1, 1e-5, True)", f64(2, 4, 3)),
]

MEAN_SQUARE: list[Sample] = [
    *each("nn.functional.rms_norm", "F.rms_norm(x, (6,){})", f64(2, 4, 6), "", ", eps=0.1"),
    *over(
        "nn.functional.rms_norm",
        "F.rms_norm(x, (6,), y)",
        (f64(2, 4, 6), W6),
        (f32(3, 6), f32(6)),
        (f64(6), W6),
        (f64(0, 6), W6),
    ),
    S("rms_norm", "t.rms_norm(x, (4, 6), y, 0.01)", f64(3, 4, 6), f64(4, 6)),
]

RESPONSE: list[Sample] = [
    *each(
        "nn.functional.local_response_norm",
        "F.local_response_norm(x, {})",
        f64(2, 5, 3),
        "3",
        "2, alpha=0.5",
        "1, k=2.0, beta=0.5",
        "7, alpha=1.0",
    ),
    S("nn.functional.local_response_norm", "F.local_response_norm(x, 3, alpha=0.3)", f64(2, 4, 3, 2)),
    S("nn.functional.local_response_norm", "F.local_response_norm(x, 3)", f32(2, 4, 3, 2, 2)),
    S("nn.functional.local_response_norm", "F.local_response_norm(x, 3)", f64(2, 0, 3)),
]

# The statistics themselves are no part of the graph; torch says otherwise of those of groups.
NATIVE: list[Sample] = [
    S("native_layer_norm", "t.native_layer_norm(x, (3,), y, None, 1e-3)", f64(2, 3), f64(3), skip=NO_WEIGHT),
    S("native_batch_norm", "t.native_batch_norm(x, y, None, None, None, True, 0.1, 1e-3)", f64(4, 3), f64(3)),
    S("native_group_norm", "t.native_group_norm(x, y, None, 2, 4, 3, 2, 1e-3)[0]", f64(2, 4, 3), f64(4)),
    S("native_group_norm", "t.native_group_norm(x, None, None, 2, 4, 3, 2, 1e-3)", f64(2, 4, 3), only=("forward",)),
]

SAMPLES = relax(8, STATS, [*LAYER, *BATCH, *GROUP, *INSTANCE, *MEAN_SQUARE, *RESPONSE, *NATIVE])
