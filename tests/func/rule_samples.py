"""Calls for the batching rules: a function of samples, and the shapes of its arguments (without the batch).

``f`` stands for float64 arguments, ``i`` for integers below 3, ``b`` for masks, ``p`` for positive numbers, ``s`` for symmetric
positive definite matrices.
"""

from __future__ import annotations


def words(text: str) -> list[str]:
    """Names that are separated by blanks."""
    return text.split()


UNARY = words(
    "abs acos angle asin atan ceil conj cos cosh deg2rad digamma erf erfc exp exp2 expm1 floor frac isfinite isnan lgamma log "
    "log10 log1p log2 logical_not nan_to_num neg positive rad2deg reciprocal relu round rsqrt sgn sigmoid sign signbit sin sinc "
    "sinh sqrt square tan tanh trunc i0 clone zeros_like ones_like softmax log_softmax sort argsort sum mean prod amax amin "
    "all any std var norm max min median argmax argmin cumsum flip"
)
NN = words(
    "celu elu gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu6 selu silu softplus softshrink "
    "softsign tanhshrink"
)
BINARY = words(
    "add sub mul div pow atan2 maximum minimum fmax fmin hypot copysign logaddexp logaddexp2 xlogy eq ne lt le gt ge isclose "
    "remainder fmod floor_divide"
)

CALLS: list[tuple[str, tuple[str, ...]]] = [
    *((f"lambda x: torch.{n}(x)", ("p3",)) for n in UNARY if n not in ("softmax", "log_softmax", "cumsum", "flip")),
    *((f"lambda x: torch.nn.functional.{n}(x)", ("f3",)) for n in NN),
    *((f"lambda x, y: torch.{n}(x, y)", ("p2,3", "p3")) for n in BINARY),
    *((f"lambda x, y: x.{n}(y)", ("p", "p3")) for n in ("add", "mul", "pow", "maximum", "lt")),
    *(
        (f"lambda x, y: x {o} y", ("p3", "p2,3"))
        for o in ("+", "-", "*", "/", "**", "//", "%", "<", "<=", ">", ">=", "==", "!=")
    ),
    *(
        (f"lambda x: {e}", ("p2,3",))
        for e in (
            "2 + x",
            "2 - x",
            "2 * x",
            "2 / x",
            "2 ** x",
            "2 // x",
            "2 % x",
            "x + 2",
            "-x",
            "abs(x)",
            "x > 1",
            "1 > x",
        )
    ),
    *((f"lambda x, y: x {o} y", ("b3", "b3")) for o in ("&", "|", "^")),
    ("lambda x: ~x", ("b3",)),
    *(
        (f"lambda x: x.{n}({a})", ("p2,3,4",))
        for n in ("sum", "mean", "amax", "amin", "std", "var", "logsumexp", "norm")
        for a in ("dim=1", "dim=-1", "dim=(0, 2)", "dim=-3, keepdim=True")
        if not (n == "norm" and a == "")
    ),
    *(
        (f"lambda x: x.{n}({a})", ("p2,3,4",))
        for n in ("prod", "argmax", "argmin", "all", "any", "nansum", "median", "mode", "max", "min")
        for a in ("dim=1", "dim=-1, keepdim=True")
    ),
    *(
        (f"lambda x: x.{n}()", ("p2,3",))
        for n in (
            "sum",
            "mean",
            "prod",
            "max",
            "min",
            "median",
            "argmax",
            "std",
            "norm",
            "t",
            "ravel",
            "flatten",
            "count_nonzero",
        )[:-1]
    ),
    *((f"lambda x: x.{n}()", ("p",)) for n in ("sum", "mean", "max", "exp", "flatten", "argmax")),
    *((f"lambda x: x.{n}(0)", ("p",)) for n in ("sum", "softmax", "cumsum", "unsqueeze", "sort", "max")),
    *(
        (f"lambda x: x.{n}(dim={d})", ("f2,3,4",))
        for n in ("softmax", "log_softmax", "cumsum", "cumprod", "logcumsumexp", "cummax", "cummin", "sort", "argsort")
        for d in (0, -1)
    ),
    *(
        (f"lambda x: {e}", ("f2,3,4",))
        for e in (
            "x.topk(2, 1)",
            "x.topk(2)",
            "x.flip(0)",
            "x.flip(0, 2)",
            "x.flip((-1,))",
            "x.roll(1)",
            "x.roll(1, 0)",
            "x.roll((1, 2), (0, -1))",
            "x.reshape(6, 4)",
            "x.reshape(-1)",
            "x.reshape((2, -1))",
            "x.view(2, -1)",
            "x.permute(2, 0, 1)",
            "x.permute((-1, 0, 1))",
            "x.transpose(0, 2)",
            "x.transpose(-1, -2)",
            "x.mT",
            "x.movedim(0, -1)",
            "x.movedim((0, 1), (1, 2))",
            "x.unsqueeze(0)",
            "x.unsqueeze(-1)",
            "x.unsqueeze(1)",
            "x[:, :1].squeeze(1)",
            "x[:1].squeeze()",
            "x.squeeze(0)",
            "x.flatten()",
            "x.flatten(1)",
            "x.flatten(0, 1)",
            "x.unflatten(2, (2, 2))",
            "x.expand(5, 2, 3, 4)",
            "x.expand(-1, -1, -1)",
            "x[:, :, :1].expand_as(x)",
            "x.repeat(2, 1, 1)",
            "x.repeat(2, 1, 1, 3)",
            "x.tile(2)",
            "x.narrow(1, 1, 2)",
            "x.select(2, 1)",
            "x.select(-1, -1)",
            "x.split(2, 1)",
            "x.split((1, 2), 1)",
            "x.chunk(2, -1)",
            "x.unbind(1)",
            "x.unbind()",
            "x.diagonal()",
            "x.diagonal(1, 1, 2)",
            "x.tril()",
            "x.triu(1)",
            "x.unfold(2, 2, 1)",
            "x.diff()",
            "x.diff(dim=0)",
            "x.new_zeros(3)",
            "x.new_ones((2, 2))",
            "x.new_full((2,), 3.0)",
            "x.sum((0, 1))",
            "x.clamp(-1, 1)",
            "x.clamp(min=0)",
            "x.double()",
            "x.to(torch.float32)",
            "x.long()",
            "x.masked_fill(x > 0, 2.0)",
            "torch.where(x > 0, x, 0.0)",
            "torch.where(x > 0, x, -x)",
            "x.type_as(x)",
            "x.logsumexp((0, 1))",
            "torch.var_mean(x, 1)",
            "torch.std_mean(x)",
            "x.std(1, False)",
            "x.std(False)",
            "x.amax()",
            "x.aminmax()",
            "x.aminmax(dim=1)",
            "torch.stack([x, x], 1)",
            "torch.cat([x, x], -1)",
            "x.kthvalue(2)",
            "torch.rot90(x)",
            "torch.linalg.norm(x)",
            "torch.linalg.vector_norm(x, dim=1)",
            "torch.linalg.vector_norm(x)",
            "torch.quantile(x, 0.5)",
            "torch.quantile(x, 0.5, dim=1)",
            "x.nanmean()",
            "x.mean()",
            "x.contiguous()",
            "x.msort()",
            "torch.nn.functional.normalize(x, dim=1)",
            "torch.logcumsumexp(x, 1)",
            "torch.nn.functional.softmin(x, 1)",
            "torch.nn.functional.glu(x)",
            "torch.nn.functional.pad(x, (1, 2))",
            "x.diag_embed()",
            "torch.nn.functional.layer_norm(x, (4,))",
            "torch.nn.functional.threshold(x, 0.1, 2.0)",
            "x.size(0) * x",
            "x.numel() * x",
            "torch.fft.fft(x)",
            "torch.fft.rfft(x, dim=1)",
            "torch.fft.fft2(x)",
            "torch.broadcast_to(x, (3, 2, 3, 4))",
            "len(x) * x",
            "torch.stack(list(x))",
            "sum(x)",
            "torch.meshgrid(x[0, 0], x[0, :, 0], indexing='ij')",
            "torch.column_stack([x[0], x[0]])",
            "torch.hstack([x, x])",
            "torch.vstack([x, x])",
            "torch.dstack([x, x])",
        )
    ),
    *(
        (f"lambda x: {e}", ("f4,5",))
        for e in (
            "x[0]",
            "x[-1]",
            "x[1:3]",
            "x[:, 1]",
            "x[..., 1]",
            "x[None]",
            "x[:, None, 1:]",
            "x[1, 2]",
            "x[torch.tensor([0, 2])]",
            "x[:, torch.tensor([0, 2])]",
            "x[torch.tensor([0, 2]), torch.tensor([1, 3])]",
            "x[[0, 2]]",
            "x[::2]",
            "x[[0, 1], 1:]",
            "x[torch.tensor([[0, 1], [2, 3]])]",
            "x.index_select(1, torch.tensor([0, 2]))",
            "x.take(torch.tensor([0, 7]))",
            "x.gather(1, torch.tensor([[0, 1], [1, 2], [0, 0], [3, 3]]))",
            "x.diag()",
            "x[0].diag()",
            "x.trace()",
            "x.T",
            "torch.nn.functional.pad(x, (1, 1, 2, 0), value=3.0)",
            "x.matmul(x.T)",
            "torch.linalg.matrix_norm(x)",
            "torch.linalg.svdvals(x)",
            "torch.linalg.pinv(x)",
            "torch.linalg.qr(x)[1].abs()",
            "torch.linalg.norm(x, 1)",
        )
    ),
    *(
        (f"lambda x, i: {e}", ("f4,5", "i2"))
        for e in (
            "x[i]",
            "x[:, i]",
            "x[i, i]",
            "x[i][:, i]",
            "x[i, 1:3]",
            "x[1:, i]",
            "x.index_select(0, i)",
            "x.index_select(1, i)",
            "x[:, i, None]",
            "x[None, :, i]",
            "x.take(i)",
        )
    ),
    *(
        (f"lambda x, i: {e}", ("f4,5", "i2,5"))
        for e in ("x.gather(0, i)", "torch.take_along_dim(x, i, 0)", "x.scatter(0, i, 1.0)")
    ),
    ("lambda x, i, y: x.scatter_add(0, i, y)", ("f4,5", "i2,5", "f2,5")),
    ("lambda x, i, y: x.scatter(0, i, y)", ("f4,5", "i1,5", "f1,5")),
    ("lambda x, i: x[i]", ("f4,5", "i")),
    ("lambda x, i: x[i]", ("f4,5", "i2,2")),
    ("lambda x, i: x[:, i]", ("f3,4,5", "i2,2")),
    ("lambda x, i: x[i, :, i]", ("f3,4,5", "i2")),
    ("lambda x, i: torch.nn.functional.embedding(i, x)", ("f3,4", "i2,2")),
    ("lambda i: torch.nn.functional.one_hot(i, 4)", ("i3",)),
    *(
        (f"lambda x, y: {e}", ("f3,4", "f4,2"))
        for e in (
            "x @ y",
            "torch.mm(x, y)",
            "x.matmul(y)",
            "torch.einsum('ij,jk->ik', x, y)",
            "torch.einsum('ij,jk', x, y)",
            "torch.tensordot(x, y, 1)",
            "torch.chain_matmul(x, y)",
            "torch.linalg.multi_dot([x, y])",
        )
    ),
    *(
        (f"lambda x, y: {e}", ("f3,4", "f4"))
        for e in ("x @ y", "torch.mv(x, y)", "x.mv(y)", "y @ x.T", "torch.einsum('ij,j', x, y)")
    ),
    *(
        (f"lambda x, y: {e}", ("f4", "f4"))
        for e in (
            "x @ y",
            "torch.dot(x, y)",
            "torch.inner(x, y)",
            "torch.outer(x, y)",
            "torch.vdot(x, y)",
            "torch.linalg.vecdot(x, y)",
            "torch.kron(x, y)",
            "torch.nn.functional.cosine_similarity(x, y, 0)",
            "torch.cat([x, y])",
            "torch.stack([x, y])",
            "torch.stack([x, y], 1)",
            "torch.hstack([x, y])",
            "torch.cat((x, y), 0)",
            "torch.nn.functional.mse_loss(x, y)",
            "torch.nn.functional.l1_loss(x, y, reduction='sum')",
            "torch.nn.functional.smooth_l1_loss(x, y, reduction='none')",
            "torch.nn.functional.huber_loss(x, y)",
            "torch.where(x > y, x, y)",
            "torch.lerp(x, y, 0.3)",
            "torch.addcmul(x, x, y)",
            "torch.addcdiv(x, x, y.exp())",
            "x.clamp(max=y)",
            "torch.nn.functional.kl_div(x, y.exp(), reduction='batchmean')",
            "torch.nn.functional.binary_cross_entropy_with_logits(x, y.sigmoid())",
            "torch.nn.functional.soft_margin_loss(x, y.sign())",
            "torch.nn.functional.pairwise_distance(x, y)",
            "x.expand_as(y)",
        )
    ),
    *(
        (f"lambda x, y: {e}", ("f2,3,4", "f2,4,3"))
        for e in (
            "x @ y",
            "torch.bmm(x, y)",
            "torch.einsum('bij,bjk->bik', x, y)",
            "torch.einsum('...ij,...jk', x, y)",
            "torch.tensordot(x, y, ((2,), (1,)))",
        )
    ),
    ("lambda x, y: x @ y", ("f2,3,4", "f4")),
    ("lambda x, y: x @ y", ("f3", "f2,3,4")),
    ("lambda x, y: x @ y", ("f3,4", "f5,4,2")),
    ("lambda x, w, b: torch.nn.functional.linear(x, w, b)", ("f2,4", "f3,4", "f3")),
    ("lambda x, w, b: torch.nn.functional.linear(x, w, b)", ("f4", "f3,4", "f3")),
    ("lambda c, x, y: torch.addmm(c, x, y, beta=2, alpha=3)", ("f3", "f3,4", "f4,3")),
    ("lambda c, x, y: torch.addmv(c, x, y)", ("f3", "f3,4", "f4")),
    ("lambda c, x, y: torch.baddbmm(c, x, y)", ("f2,3,3", "f2,3,4", "f2,4,3")),
    ("lambda x, y, w: torch.nn.functional.bilinear(x, y, w)", ("f2,3", "f2,4", "f5,3,4")),
    *(
        (f"lambda x: {e}", ("s3,3",))
        for e in (
            "torch.linalg.inv(x)",
            "torch.linalg.det(x)",
            "torch.linalg.slogdet(x)",
            "torch.logdet(x)",
            "torch.linalg.cholesky(x)",
            "torch.linalg.eigvalsh(x)",
            "torch.linalg.eigh(x)[0]",
            "torch.matrix_exp(x)",
            "torch.linalg.matrix_power(x, 2)",
            "torch.linalg.svd(x)[1]",
            "torch.inverse(x)",
            "torch.linalg.cond(x)",
            "torch.linalg.matrix_rank(x)",
        )
    ),
    *((f"lambda x, y: {e}", ("s3,3", "f3")) for e in ("torch.linalg.solve(x, y)",)),
    *(
        (f"lambda x, y: {e}", ("s3,3", "f3,2"))
        for e in (
            "torch.linalg.solve(x, y)",
            "torch.linalg.solve_triangular(x, y, upper=False)",
            "torch.cholesky_solve(y, torch.linalg.cholesky(x))",
        )
    ),
    ("lambda x, y: torch.linalg.cross(x, y)", ("f3", "f3")),
    ("lambda x, y: torch.cross(x, y, dim=0)", ("f3,2", "f3,2")),
    *(
        (f"lambda x, w, b: torch.nn.functional.conv2d(x, w, b{a})", ("f2,4,5,5", f"f6,{c},3,3", "f6"))
        for a, c in (("", 4), (", stride=2, padding=1", 4), (", groups=2", 2), (", padding='same'", 4))
    ),
    ("lambda x, w: torch.nn.functional.conv1d(x, w)", ("f4,5", "f2,4,3")),
    ("lambda x, w: torch.nn.functional.conv1d(x, w)", ("f2,4,5", "f2,4,3")),
    ("lambda x, w, b: torch.nn.functional.conv_transpose1d(x, w, b, stride=2)", ("f2,4,5", "f4,2,3", "f2")),
    ("lambda x, w: torch.nn.functional.conv3d(x, w)", ("f1,2,3,3,3", "f2,2,2,2,2")),
    *(
        (f"lambda x: torch.nn.functional.{e}", ("f2,4,6,6",))
        for e in (
            "max_pool2d(x, 2)",
            "avg_pool2d(x, 2)",
            "adaptive_avg_pool2d(x, 3)",
            "adaptive_max_pool2d(x, 2)",
            "interpolate(x, scale_factor=2)",
            "pad(x, (1, 1, 1, 1), mode='reflect')",
            "pixel_shuffle(x, 2)",
            "group_norm(x, 2)",
            "instance_norm(x)",
            "max_pool2d(x[0], 2)",
            "unfold(x, 2)",
            "local_response_norm(x, 2)",
            "lp_pool2d(x, 2.0, 2)",
            "batch_norm(x, None, None, training=True)",
            "max_pool2d(x, 2, return_indices=True)",
            "dropout(x, 0.5, False)",
        )
    ),
    ("lambda x, w, b: torch.nn.functional.layer_norm(x, (4,), w, b)", ("f2,4", "f4", "f4")),
    ("lambda x, w, b: torch.nn.functional.group_norm(x, 2, w, b)", ("f2,4,3", "f4", "f4")),
    ("lambda x, w: torch.nn.functional.rms_norm(x, (4,), w)", ("f2,4", "f4")),
    ("lambda x, w: torch.nn.functional.prelu(x, w)", ("f2,4", "f4")),
    *(
        (f"lambda x, t: torch.nn.functional.{n}(x, t{a})", ("f4,3", "i4"))
        for n in ("cross_entropy", "nll_loss")
        for a in (
            "",
            ", reduction='sum'",
            ", reduction='none'",
            ", ignore_index=1",
            ", weight=torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)",
        )
    ),
    ("lambda x, t: torch.nn.functional.cross_entropy(x, t)", ("f3", "i")),
    ("lambda x, t: torch.nn.functional.cross_entropy(x, t, label_smoothing=0.1)", ("f4,3", "i4")),
    ("lambda x, t: torch.nn.functional.cross_entropy(x, t.softmax(1))", ("f4,3", "f4,3")),
    ("lambda x, t: torch.nn.functional.cross_entropy(x, t)", ("f2,3,4", "i2,4")),
    ("lambda q, k, v: torch.nn.functional.scaled_dot_product_attention(q, k, v)", ("f2,4,3", "f2,5,3", "f2,5,3")),
    ("lambda q, k: torch.cdist(q, k)", ("f4,3", "f5,3")),
    ("lambda x: torch.polygamma(1, x)", ("p3",)),
    ("lambda x: x.polygamma(1)", ("p3",)),
    ("lambda x: torch.nn.functional.unfold(x, 2)", ("f2,4,4",)),
    ("lambda x: torch.nn.functional.fold(x, (4, 4), 2)", ("f8,9",)),
    ("lambda x: torch.nn.functional.fold(x, (4, 4), 2)", ("f2,8,9",)),
    ("lambda x: torch.nn.functional.channel_shuffle(x, 2)", ("f2,4,3,3",)),
]
INPLACE = [
    "x = x.clone(); x.add_(y); x",
    "x = x.clone(); x.mul_(2).sub_(y); x",
    "x = x.clone(); x += y; x",
    "x = x.clone(); x[0] = y[0]; x",
    "x = x.clone(); x[:, 1] = 3.0; x",
    "x = x.clone(); x[1:] = y[1:]; x",
    "x = x.clone(); x[x > 0] = 0.0; x",
    "x = x.clone(); x.zero_(); x",
    "x = x.clone(); x.copy_(y); x",
    "x = x.clone(); x[torch.tensor([0, 1])] = y[0]; x",
    "x = x.clone(); x.t().mul_(y.t()); x",
    "x = x.clone(); x.clamp_(0, 1); x",
    "x = x.clone(); x[0].fill_(2.0); x",
    "z = torch.zeros_like(x); z.add_(x); z",
    "x = x.exp(); x.relu_(); x",
    "x = x.clone(); x.masked_fill_(y > 0, 1.0); x",
    "x = x.clone(); x.index_add_(0, torch.tensor([0, 1]), y[:2]); x",
]
