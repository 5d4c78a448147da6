"""Attention: scaled dot products, and many heads between projections."""

from __future__ import annotations

from tests.ops.sample import S, Sample, const, each, f32, f64, over, relax, without

DOT = "nn.functional.scaled_dot_product_attention"
QUERY, KEY, VALUE = f64(1, 2, 2, 3), f64(1, 2, 3, 3), f64(1, 2, 3, 3)
ONE_OPERATOR = {
    "second": "torch has no second derivative of this kernel",
    "jvp": "torch has no forward mode of this kernel",
}
SOFT = "softmax of sums that are added in another order"

ONE: list[Sample] = [
    *each(DOT, "F.scaled_dot_product_attention(x, y, z, {})", (QUERY, KEY, VALUE), "", "scale=0.3", "is_causal=True"),
    *each(DOT, "F.scaled_dot_product_attention(x, y, z, {})", (f32(2, 3, 4, 8), f32(2, 3, 5, 8), f32(2, 3, 5, 8)), ""),
    *each(
        DOT,
        "F.scaled_dot_product_attention(x, y, z, w{})",
        (QUERY, KEY, VALUE, f64(2, 3, grad=False)),
        "",
        ", scale=-0.4",
    ),
    *over(
        DOT,
        "F.scaled_dot_product_attention(x, y, z, w)",
        (QUERY, KEY, VALUE, const([[True, False, True], [True, True, True]], "bool")),
        (QUERY, KEY, VALUE, const([[True, False, True], [False, False, False]], "bool")),
        (QUERY, KEY, VALUE, const([[[[True, False, True]]]], "bool")),
        (QUERY, KEY, VALUE, f64(1, 2, 2, 3, grad=False)),
        (QUERY, KEY, VALUE, f64(1, 3, grad=False)),
    ),
    S(
        DOT,
        "F.scaled_dot_product_attention(x, y, z, enable_gqa=True)",
        f64(1, 4, 2, 3),
        f64(1, 2, 2, 3),
        f64(1, 2, 2, 3),
    ),
    S(
        DOT,
        "F.scaled_dot_product_attention(x.transpose(1, 2), y.transpose(1, 2), z.transpose(1, 2))",
        f64(2, 3, 2, 4),
        f64(2, 2, 2, 4),
        f64(2, 2, 2, 4),
    ),
]

STEPS: list[Sample] = [
    *over(
        DOT,
        "F.scaled_dot_product_attention(x, y, z)",
        (f64(3, 4), f64(2, 4), f64(2, 4)),
        (f64(2, 3, 4), f64(2, 2, 4), f64(2, 2, 4)),
        (QUERY, KEY, f64(1, 2, 3, 5)),
        (f64(2, 1, 3, 4), f64(1, 2, 2, 4), f64(1, 2, 2, 4)),
        (f32(3, 4), f32(2, 4), f32(2, 3)),
    ),
    *over(
        DOT,
        "F.scaled_dot_product_attention(x, y, z, w)",
        (f64(2, 4), f64(3, 4), f64(3, 4), const([[True, False, True], [False, False, False]], "bool")),
        (f64(2, 3, 4), f64(2, 2, 4), f64(2, 2, 4), f64(2, 1, 2)),
    ),
    *each(
        DOT,
        "F.scaled_dot_product_attention(x, y, z, {})",
        (f64(4, 3, 2), f64(2, 2, 2), f64(2, 2, 2)),
        "enable_gqa=True",
        "enable_gqa=True, is_causal=True",
        "enable_gqa=True, scale=0.7",
    ),
    *without(
        {"jvp": "torch takes its kernel without forward mode"},
        each(
            DOT,
            "F.scaled_dot_product_attention(x, y, z, w, {})",
            (QUERY, KEY, VALUE, f64(2, 3)),
            "scale=-0.7",
            "dropout_p=0.0",
        ),
    ),
]

HEADS = "nn.functional.multi_head_attention_forward"
MANY = "F.multi_head_attention_forward({}, 4, 2, y, z, None, None, False, 0.0, w, None{})"
INPUTS = (f64(3, 2, 4), f64(12, 4), f64(12), f64(4, 4))


def heads(inputs: str, more: str) -> Sample:
    """Return one sample of multi-head attention on x, with weights y, bias z and output weights w."""
    return S(HEADS, MANY.format(inputs, more), *INPUTS)


PAIRS = "attn_mask=t.ones(3, 3).tril().logical_not()"
PROJECTED: list[Sample] = [
    heads("x, x, x", ""),
    heads("x, x, x", ", average_attn_weights=False"),
    heads("x, x * 2, x * 3", ""),
    heads("x, (x * 2)[:2], (x * 3)[:2]", ""),
    heads("x[:, 0], x[:, 0], x[:, 1]", ""),
    heads("x, x, x", f", {PAIRS}"),
    heads("x, x, x", ", attn_mask=t.ones(4, 3, 3, dtype=t.float64)"),
    heads("x, x, x", ", key_padding_mask=t.tensor([[False, False, True], [False, True, False]])"),
    heads("x, x, x", f", key_padding_mask=t.tensor([[False, False, True], [False, True, False]]), {PAIRS}"),
    S(
        HEADS,
        "F.multi_head_attention_forward(x, x, x, 4, 2, y, None, z[:1, None, :4], z[1:, None, :4], True, 0.0, w, None, "
        "key_padding_mask=t.tensor([[False, False, True], [False, True, False]]))",
        f64(3, 2, 4),
        f64(12, 4),
        f64(2, 4),
        f64(4, 4),
    ),
    S(
        HEADS,
        "F.multi_head_attention_forward(x, y, y, 4, 2, None, None, None, None, False, 0.0, z, None, "
        "use_separate_proj_weight=True, q_proj_weight=z, k_proj_weight=w, v_proj_weight=w)",
        f64(3, 2, 4),
        f64(2, 2, 3),
        f64(4, 4),
        f64(4, 3),
    ),
]
FUSED: list[Sample] = [
    heads("x, x, x", ", need_weights=False"),
    heads("x, x * 2, x * 3", ", need_weights=False"),
    heads("x, x, x", f", need_weights=False, {PAIRS}"),
    heads("x, x, x", f", need_weights=False, is_causal=True, {PAIRS}"),
    heads("x, x, x", ", need_weights=False, key_padding_mask=t.tensor([[False, False, True], [False, True, False]])"),
]

SAMPLES = [
    *relax(16, SOFT, [*without(ONE_OPERATOR, ONE), *STEPS]),
    *relax(
        64,
        SOFT + ", between products",
        [*PROJECTED, *relax(4, "weights made again from saved sums", without(ONE_OPERATOR, FUSED))],
    ),
]
