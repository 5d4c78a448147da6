"""The operators of ``large.py``: for each family, inputs of about a million elements (times ``scale``) and one call.

A program is written once and run with ``xp`` = torch or wengert; ``F`` is their ``nn.functional``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
Inputs = Callable[[np.random.Generator, int], list[Array]]

SIDE = 1024


@dataclass(frozen=True)
class Case:
    """One call: the first ``wanted`` inputs get a gradient (none: the call has no backward pass)."""

    title: str
    inputs: Inputs
    program: Callable[..., Any]
    wanted: int = 1


def normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape, np.float32)


def rows(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, SIDE * scale, SIDE)]


def long(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, SIDE * SIDE * scale)]


def pair(rng: np.random.Generator, scale: int) -> list[Array]:
    return rows(rng, scale) + rows(rng, scale)


def positive(rng: np.random.Generator, scale: int) -> list[Array]:
    return [np.abs(rows(rng, scale)[0]) + np.float32(0.5)]


def chances(rng: np.random.Generator, scale: int) -> list[Array]:
    return [rng.random((SIDE * scale, SIDE), np.float32), rng.random((SIDE * scale, SIDE), np.float32)]


def affine(rng: np.random.Generator, scale: int) -> list[Array]:
    return [*rows(rng, scale), normal(rng, SIDE), normal(rng, SIDE)]


def masked(rng: np.random.Generator, scale: int) -> list[Array]:
    return [*pair(rng, scale), rng.random((SIDE * scale, SIDE)) < 0.5]


def square(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, SIDE * scale, SIDE), normal(rng, SIDE, SIDE)]


def stacks(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, 64 * scale, 128, 128), normal(rng, 64 * scale, 128, 128)]


def small_matrices(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, 4096 * scale, 16, 16) + 8 * np.eye(16, dtype=np.float32), normal(rng, 4096 * scale, 16, 4)]


def definite(rng: np.random.Generator, scale: int) -> list[Array]:
    a = normal(rng, 4096 * scale, 16, 16)
    return [a @ a.swapaxes(1, 2) + 8 * np.eye(16, dtype=np.float32)]


def row_numbers(rng: np.random.Generator, scale: int) -> list[Array]:
    n = SIDE * scale
    return [normal(rng, n, SIDE), rng.integers(0, n, n), normal(rng, n, SIDE)]


def places(rng: np.random.Generator, scale: int) -> list[Array]:
    n = SIDE * scale
    return [normal(rng, n, SIDE), rng.integers(0, SIDE, (n, SIDE)), normal(rng, n, SIDE)]


def numbered(rng: np.random.Generator, scale: int) -> list[Array]:
    n = SIDE * SIDE * scale
    return [normal(rng, n), rng.integers(0, n, n), normal(rng, n)]


def whole_numbers(rng: np.random.Generator, scale: int) -> list[Array]:
    return [rng.integers(0, 1000, SIDE * SIDE * scale)]


def classes(rng: np.random.Generator, scale: int) -> list[Array]:
    return [*rows(rng, scale), rng.integers(0, SIDE, SIDE * scale)]


def images(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, 4 * scale, 16, 128, 128)]


def filtered(rng: np.random.Generator, scale: int) -> list[Array]:
    return [*images(rng, scale), normal(rng, 16, 16, 3, 3), normal(rng, 16)]


def depthwise(rng: np.random.Generator, scale: int) -> list[Array]:
    return [*images(rng, scale), normal(rng, 16, 1, 3, 3)]


def sampled(rng: np.random.Generator, scale: int) -> list[Array]:
    return [*images(rng, scale), rng.uniform(-1, 1, (4 * scale, 128, 128, 2)).astype(np.float32)]


def signals(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, 64 * scale, 16, SIDE), normal(rng, 16, 16, 5)]


def table(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, 16 * SIDE * scale, 64), rng.integers(0, 16 * SIDE * scale, 16 * SIDE)]


def points(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, SIDE * scale, 16), normal(rng, SIDE, 16)]


def few_points(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, SIDE, 16 * scale)]


def heads(rng: np.random.Generator, scale: int) -> list[Array]:
    return [normal(rng, scale, 16, SIDE, 64) for _ in range(3)]


def F(xp: Any) -> Any:
    return xp.nn.functional


def assigned(xp: Any, x: Any, index: Any, y: Any) -> Any:
    x = x.clone()
    x[index] = y
    return x


def assigned_by_mask(xp: Any, x: Any, y: Any, mask: Any) -> Any:
    x = x.clone()
    x[mask] = 0.0
    return x


POINTWISE = [
    Case("add", pair, lambda xp, x, y: x + y, 2),
    Case("mul", pair, lambda xp, x, y: x * y, 2),
    Case("div", pair, lambda xp, x, y: x / y, 2),
    Case("add row", affine, lambda xp, x, w, b: x + b, 3),
    Case("pow 3", rows, lambda xp, x: x**3),
    Case("pow tensor", lambda r, s: positive(r, s) + rows(r, s), lambda xp, x, y: x**y, 2),
    Case("exp", rows, lambda xp, x: x.exp()),
    Case("log", positive, lambda xp, x: x.log()),
    Case("log1p", positive, lambda xp, x: x.log1p()),
    Case("sqrt", positive, lambda xp, x: x.sqrt()),
    Case("rsqrt", positive, lambda xp, x: x.rsqrt()),
    Case("abs", rows, lambda xp, x: x.abs()),
    Case("sin", rows, lambda xp, x: x.sin()),
    Case("tanh", rows, lambda xp, x: x.tanh()),
    Case("sigmoid", rows, lambda xp, x: x.sigmoid()),
    Case("relu", rows, lambda xp, x: x.relu()),
    Case("leaky_relu", rows, lambda xp, x: F(xp).leaky_relu(x)),
    Case("elu", rows, lambda xp, x: F(xp).elu(x)),
    Case("gelu", rows, lambda xp, x: F(xp).gelu(x)),
    Case("gelu tanh", rows, lambda xp, x: F(xp).gelu(x, approximate="tanh")),
    Case("silu", rows, lambda xp, x: F(xp).silu(x)),
    Case("softplus", rows, lambda xp, x: F(xp).softplus(x)),
    Case("hardswish", rows, lambda xp, x: F(xp).hardswish(x)),
    Case("logsigmoid", rows, lambda xp, x: F(xp).logsigmoid(x)),
    Case("mish", rows, lambda xp, x: F(xp).mish(x)),
    Case("glu", rows, lambda xp, x: F(xp).glu(x)),
    Case("erf", rows, lambda xp, x: x.erf()),
    Case("clamp", rows, lambda xp, x: x.clamp(-1, 1)),
    Case("clamp tensors", pair, lambda xp, x, y: xp.clamp(x, min=y)),
    Case("maximum", pair, lambda xp, x, y: xp.maximum(x, y), 2),
    Case("where", masked, lambda xp, x, y, mask: xp.where(mask, x, y), 2),
    Case("masked_fill", masked, lambda xp, x, y, mask: x.masked_fill(mask, 0.0)),
    Case("masked_select", masked, lambda xp, x, y, mask: x.masked_select(mask)),
    Case("masked_scatter", masked, lambda xp, x, y, mask: x.masked_scatter(mask, y), 2),
    Case("lerp", pair, lambda xp, x, y: x.lerp(y, 0.3), 2),
    Case("addcmul", pair, lambda xp, x, y: xp.addcmul(x, x, y), 2),
    Case("atan2", pair, lambda xp, x, y: xp.atan2(x, y), 2),
    Case("remainder", rows, lambda xp, x: x % 0.7),
    Case("round", rows, lambda xp, x: x.round()),
    Case("compare", pair, lambda xp, x, y: x > y, 0),
    Case("isclose", pair, lambda xp, x, y: xp.isclose(x, y), 0),
    Case("allclose", pair, lambda xp, x, y: xp.allclose(x, y), 0),
    Case("isnan", rows, lambda xp, x: x.isnan(), 0),
    Case("to float64", rows, lambda xp, x: x.double()),
]

REDUCTIONS = [
    Case("sum", rows, lambda xp, x: x.sum()),
    Case("sum 1-d", long, lambda xp, x: x.sum()),
    Case("sum dim 0", rows, lambda xp, x: x.sum(0)),
    Case("sum dim 1", rows, lambda xp, x: x.sum(1)),
    Case("mean dim 0", rows, lambda xp, x: x.mean(0)),
    Case("var", rows, lambda xp, x: x.var()),
    Case("var dim 0", rows, lambda xp, x: x.var(0)),
    Case("var dim 1", rows, lambda xp, x: x.var(1)),
    Case("std dim 1", rows, lambda xp, x: x.std(1)),
    Case("prod dim 1", rows, lambda xp, x: x.prod(1)),
    Case("max", rows, lambda xp, x: x.max()),
    Case("max dim 0", rows, lambda xp, x: x.max(0)),
    Case("max dim 1", rows, lambda xp, x: x.max(1)),
    Case("amax dim 1", rows, lambda xp, x: x.amax(1)),
    Case("argmax dim 0", rows, lambda xp, x: x.argmax(0), 0),
    Case("argmax dim 1", rows, lambda xp, x: x.argmax(1), 0),
    Case("median dim 1", rows, lambda xp, x: x.median(1)),
    Case("quantile", lambda r, s: [rows(r, 1)[0]], lambda xp, x: x.quantile(0.3, 1)),
    Case("logsumexp dim 0", rows, lambda xp, x: x.logsumexp(0)),
    Case("logsumexp dim 1", rows, lambda xp, x: x.logsumexp(1)),
    Case("norm 1-d", long, lambda xp, x: x.norm()),
    Case("norm dim 1", rows, lambda xp, x: x.norm(dim=1)),
    Case("norm 1 dim 1", rows, lambda xp, x: x.norm(p=1, dim=1)),
    Case("norm 3 dim 1", rows, lambda xp, x: x.norm(p=3, dim=1)),
    Case("all", rows, lambda xp, x: (x > 5).all(), 0),
    Case("count_nonzero", rows, lambda xp, x: xp.count_nonzero(x), 0),
    Case("cumsum dim 0", rows, lambda xp, x: x.cumsum(0)),
    Case("cumsum dim 1", rows, lambda xp, x: x.cumsum(1)),
    Case("cumprod dim 1", rows, lambda xp, x: x.cumprod(1)),
    Case("cummax dim 1", rows, lambda xp, x: x.cummax(1)),
    Case("cummax dim 0", rows, lambda xp, x: x.cummax(0)),
    Case("logcumsumexp dim 1", rows, lambda xp, x: x.logcumsumexp(1)),
    Case("logcumsumexp 1-d", long, lambda xp, x: x.logcumsumexp(0)),
    Case("trapezoid", rows, lambda xp, x: xp.trapezoid(x)),
    Case("diff", rows, lambda xp, x: x.diff()),
    Case("sort dim 1", rows, lambda xp, x: x.sort(1)),
    Case("sort 1-d", long, lambda xp, x: x.sort()),
    Case("argsort dim 0", rows, lambda xp, x: x.argsort(0), 0),
    Case("topk", rows, lambda xp, x: x.topk(10, 1)),
    Case("kthvalue", rows, lambda xp, x: x.kthvalue(10, 1)),
    Case("unique", whole_numbers, lambda xp, x: x.unique(), 0),
    Case("bincount", whole_numbers, lambda xp, x: x.bincount(), 0),
    Case("histc", long, lambda xp, x: x.histc(100), 0),
    Case(
        "searchsorted", lambda r, s: [np.sort(normal(r, SIDE)), *long(r, s)], lambda xp, a, x: xp.searchsorted(a, x), 0
    ),
]

LAYERS = [
    Case("softmax dim 1", rows, lambda xp, x: x.softmax(1)),
    Case("softmax dim 0", rows, lambda xp, x: x.softmax(0)),
    Case("log_softmax dim 1", rows, lambda xp, x: x.log_softmax(1)),
    Case("softmin", rows, lambda xp, x: F(xp).softmin(x, 1)),
    Case("layer_norm", affine, lambda xp, x, w, b: F(xp).layer_norm(x, (SIDE,), w, b), 3),
    Case("rms_norm", affine, lambda xp, x, w, b: F(xp).rms_norm(x, (SIDE,), w), 2),
    Case("batch_norm rows", affine, lambda xp, x, w, b: F(xp).batch_norm(x, None, None, w, b, training=True), 3),
    Case("batch_norm images", images, lambda xp, x: F(xp).batch_norm(x, None, None, training=True)),
    Case("group_norm", images, lambda xp, x: F(xp).group_norm(x, 4)),
    Case("instance_norm", images, lambda xp, x: F(xp).instance_norm(x)),
    Case("normalize", rows, lambda xp, x: F(xp).normalize(x)),
    Case("cosine_similarity", pair, lambda xp, x, y: F(xp).cosine_similarity(x, y), 2),
    Case("dropout", rows, lambda xp, x: F(xp).dropout(x, 0.5)),
    Case("mse_loss", pair, lambda xp, x, y: F(xp).mse_loss(x, y), 2),
    Case("l1_loss", pair, lambda xp, x, y: F(xp).l1_loss(x, y), 2),
    Case("smooth_l1_loss", pair, lambda xp, x, y: F(xp).smooth_l1_loss(x, y), 2),
    Case("huber_loss", pair, lambda xp, x, y: F(xp).huber_loss(x, y), 2),
    Case("bce", chances, lambda xp, x, y: F(xp).binary_cross_entropy(x, y)),
    Case("bce with logits", chances, lambda xp, x, y: F(xp).binary_cross_entropy_with_logits(x, y)),
    Case("kl_div", chances, lambda xp, x, y: F(xp).kl_div(x, y, reduction="sum")),
    Case("cross_entropy", classes, lambda xp, x, y: F(xp).cross_entropy(x, y)),
    Case("nll_loss", classes, lambda xp, x, y: F(xp).nll_loss(x, y)),
    Case("multi_margin_loss", classes, lambda xp, x, y: F(xp).multi_margin_loss(x, y)),
    Case("attention", heads, lambda xp, q, k, v: F(xp).scaled_dot_product_attention(q, k, v), 3),
    Case("attention causal", heads, lambda xp, q, k, v: F(xp).scaled_dot_product_attention(q, k, v, is_causal=True), 3),
    Case("embedding", table, lambda xp, w, i: F(xp).embedding(i, w)),
    Case("embedding_bag", table, lambda xp, w, i: F(xp).embedding_bag(i.reshape(-1, 16), w)),
]

SPATIAL = [
    Case("conv2d", filtered, lambda xp, x, w, b: F(xp).conv2d(x, w, b, padding=1), 3),
    Case("conv2d stride 2", filtered, lambda xp, x, w, b: F(xp).conv2d(x, w, b, stride=2, padding=1), 3),
    Case("conv2d depthwise", depthwise, lambda xp, x, w: F(xp).conv2d(x, w, padding=1, groups=16), 2),
    Case("conv1d", signals, lambda xp, x, w: F(xp).conv1d(x, w, padding=2), 2),
    Case("conv_transpose2d", filtered, lambda xp, x, w, b: F(xp).conv_transpose2d(x, w, b), 3),
    Case("max_pool2d", images, lambda xp, x: F(xp).max_pool2d(x, 2)),
    Case("max_pool2d 3/2", images, lambda xp, x: F(xp).max_pool2d(x, 3, 2, 1)),
    Case("avg_pool2d", images, lambda xp, x: F(xp).avg_pool2d(x, 2)),
    Case("avg_pool2d 3/1", images, lambda xp, x: F(xp).avg_pool2d(x, 3, 1, 1)),
    Case("adaptive_avg_pool2d", images, lambda xp, x: F(xp).adaptive_avg_pool2d(x, 7)),
    Case("adaptive_max_pool2d", images, lambda xp, x: F(xp).adaptive_max_pool2d(x, 7)),
    Case("lp_pool2d", images, lambda xp, x: F(xp).lp_pool2d(x, 2, 2)),
    Case("pad", images, lambda xp, x: F(xp).pad(x, (2, 2, 2, 2))),
    Case("pad reflect", images, lambda xp, x: F(xp).pad(x, (2, 2, 2, 2), mode="reflect")),
    Case("pad replicate", images, lambda xp, x: F(xp).pad(x, (2, 2, 2, 2), mode="replicate")),
    Case("interpolate nearest", images, lambda xp, x: F(xp).interpolate(x, scale_factor=2)),
    Case("interpolate bilinear", images, lambda xp, x: F(xp).interpolate(x, scale_factor=2, mode="bilinear")),
    Case("interpolate bicubic", images, lambda xp, x: F(xp).interpolate(x, scale_factor=0.5, mode="bicubic")),
    Case("grid_sample", sampled, lambda xp, x, g: F(xp).grid_sample(x, g, align_corners=False), 2),
    Case("unfold", images, lambda xp, x: F(xp).unfold(x, 3, padding=1)),
    Case("pixel_shuffle", images, lambda xp, x: F(xp).pixel_shuffle(x, 2)),
]

PRODUCTS = [
    Case("matmul", square, lambda xp, x, y: x @ y, 2),
    Case("matmul transposed", square, lambda xp, x, y: x @ y.T, 2),
    Case("matmul vector", lambda r, s: [*rows(r, s), normal(r, SIDE)], lambda xp, x, y: x @ y, 2),
    Case("linear", lambda r, s: [*square(r, s), normal(r, SIDE)], lambda xp, x, w, b: F(xp).linear(x, w, b), 3),
    Case("addmm", lambda r, s: [*square(r, s), normal(r, SIDE)], lambda xp, x, w, b: xp.addmm(b, x, w), 3),
    Case("bmm", stacks, lambda xp, x, y: xp.bmm(x, y), 2),
    Case("einsum bij,bjk", stacks, lambda xp, x, y: xp.einsum("bij,bjk->bik", x, y), 2),
    Case("einsum bij,bij->b", stacks, lambda xp, x, y: xp.einsum("bij,bij->b", x, y), 2),
    Case("outer", lambda r, s: [normal(r, SIDE * s), normal(r, SIDE)], lambda xp, x, y: xp.outer(x, y), 2),
    Case("kron", lambda r, s: [normal(r, 32 * s, 32), normal(r, 32, 32)], lambda xp, x, y: xp.kron(x, y), 2),
    Case("cdist", points, lambda xp, x, y: xp.cdist(x, y), 2),
    Case("cdist p=1", points, lambda xp, x, y: xp.cdist(x, y, p=1), 2),
    Case("pdist", few_points, lambda xp, x: F(xp).pdist(x)),
    Case("inv", small_matrices, lambda xp, x, b: xp.linalg.inv(x)),
    Case("solve", small_matrices, lambda xp, x, b: xp.linalg.solve(x, b), 2),
    Case("det", small_matrices, lambda xp, x, b: xp.linalg.det(x)),
    Case("cholesky", definite, lambda xp, x: xp.linalg.cholesky(x)),
    Case("qr", small_matrices, lambda xp, x, b: xp.linalg.qr(x)),
    Case("eigh", definite, lambda xp, x: xp.linalg.eigh(x)),
    Case("svd", small_matrices, lambda xp, x, b: xp.linalg.svd(x, full_matrices=False), 0),
    Case("lu", small_matrices, lambda xp, x, b: xp.linalg.lu(x)[1]),
    Case("triangular", definite, lambda xp, x: xp.linalg.solve_triangular(x, x, upper=False)),
    Case("matrix_exp", lambda r, s: [normal(r, 1024 * s, 16, 16)], lambda xp, x: xp.linalg.matrix_exp(x)),
    Case("rfft rows", rows, lambda xp, x: xp.fft.rfft(x).abs()),
    Case("fft rows", rows, lambda xp, x: xp.fft.fft(x).real),
    Case("fft2", rows, lambda xp, x: xp.fft.fft2(x).real),
]

PLACES = [
    Case("rows by index", row_numbers, lambda xp, x, i, y: x[i]),
    Case("1-d by index", numbered, lambda xp, x, i, y: x[i]),
    Case("rows by slice", rows, lambda xp, x: x[::2, 1:].contiguous()),
    Case("by mask", masked, lambda xp, x, y, mask: x[mask]),
    Case("set rows by index", row_numbers, assigned),
    Case("set by mask", masked, assigned_by_mask),
    Case("index_select", row_numbers, lambda xp, x, i, y: x.index_select(0, i)),
    Case("index_add", row_numbers, lambda xp, x, i, y: x.index_add(0, i, y)),
    Case("index_add 1-d", numbered, lambda xp, x, i, y: x.index_add(0, i, y)),
    Case("index_put accumulate", numbered, lambda xp, x, i, y: x.index_put((i,), y, accumulate=True)),
    Case("gather dim 1", places, lambda xp, x, i, y: x.gather(1, i)),
    Case("scatter dim 1", places, lambda xp, x, i, y: x.scatter(1, i, y)),
    Case("scatter_add dim 1", places, lambda xp, x, i, y: x.scatter_add(1, i, y)),
    Case("scatter_add 1-d", numbered, lambda xp, x, i, y: x.scatter_add(0, i, y)),
    Case("scatter_reduce amax", places, lambda xp, x, i, y: x.scatter_reduce(1, i, y, "amax"), 0),
    Case("scatter_reduce mean", places, lambda xp, x, i, y: x.scatter_reduce(1, i, y, "mean"), 0),
    Case("take_along_dim", places, lambda xp, x, i, y: xp.take_along_dim(x, i, 1)),
    Case("take", numbered, lambda xp, x, i, y: x.take(i)),
    Case("nonzero", masked, lambda xp, x, y, mask: mask.nonzero(), 0),
    Case("cat", pair, lambda xp, x, y: xp.cat([x, y]), 2),
    Case("stack", pair, lambda xp, x, y: xp.stack([x, y], 1), 2),
    Case("split", rows, lambda xp, x: xp.cat(x.split(64, 1), 1)),
    Case("transpose copy", rows, lambda xp, x: x.T.contiguous()),
    Case("repeat", rows, lambda xp, x: x.repeat(2, 1)),
    Case("repeat_interleave", rows, lambda xp, x: x.repeat_interleave(2, 0)),
    Case("roll", rows, lambda xp, x: x.roll(3, 1)),
    Case("flip", rows, lambda xp, x: x.flip(1)),
    Case("tril", rows, lambda xp, x: x.tril()),
    Case("one_hot", lambda r, s: [r.integers(0, 64, 16384 * s)], lambda xp, i: F(xp).one_hot(i, 64), 0),
    Case("rand", rows, lambda xp, x: xp.rand(x.shape), 0),
    Case("randn", rows, lambda xp, x: xp.randn(x.shape), 0),
    Case("randint", rows, lambda xp, x: xp.randint(0, 10, x.shape), 0),
    Case("randperm", rows, lambda xp, x: xp.randperm(x.numel()), 0),
    Case("bernoulli", chances, lambda xp, x, y: x.bernoulli(), 0),
    Case("multinomial", positive, lambda xp, x: xp.multinomial(x, 5, replacement=True), 0),
    Case("uniform_", rows, lambda xp, x: xp.empty_like(x).uniform_(), 0),
    Case("exponential_", rows, lambda xp, x: xp.empty_like(x).exponential_(), 0),
]

FURTHER = [
    Case("nanmedian", rows, lambda xp, x: x.nanmedian(1)),
    Case("median all", rows, lambda xp, x: x.median()),
    Case("mode", lambda r, s: [r.integers(0, 50, (1024, 1024)).astype(np.float32)], lambda xp, x: x.mode(1)),
    Case("nanquantile", rows, lambda xp, x: x.nanquantile(0.3, 1)),
    Case("histogram", long, lambda xp, x: xp.histogram(x, 100)[0], 0),
    Case("unique inverse", whole_numbers, lambda xp, x: x.unique(return_inverse=True), 0),
    Case("unique_consecutive", whole_numbers, lambda xp, x: x.unique_consecutive(), 0),
    Case("std_mean", rows, lambda xp, x: xp.std_mean(x, 1)),
    Case("dist", pair, lambda xp, x, y: xp.dist(x, y), 2),
    Case("renorm", rows, lambda xp, x: x.renorm(2, 0, 1.0)),
    Case("norm inf", rows, lambda xp, x: x.norm(float("inf"), 1)),
    Case("norm inf dim 0", rows, lambda xp, x: x.norm(float("inf"), 0)),
    Case("norm -inf", rows, lambda xp, x: x.norm(-float("inf"), 1)),
    Case("norm 0", rows, lambda xp, x: x.norm(0, 1)),
    Case("norm 2 dim 0", rows, lambda xp, x: x.norm(2, 0)),
    Case("nansum", rows, lambda xp, x: x.nansum(1)),
    Case("nanmean", rows, lambda xp, x: x.nanmean(1)),
    Case("aminmax", rows, lambda xp, x: xp.aminmax(x, dim=1)[0]),
    Case("argmax all", rows, lambda xp, x: x.argmax(), 0),
    Case("any", rows, lambda xp, x: x.any(1), 0),
    Case("all numbers", rows, lambda xp, x: x.all(), 0),
    Case("cummin", rows, lambda xp, x: x.cummin(1)),
    Case("normal_", rows, lambda xp, x: xp.empty_like(x).normal_(), 0),
    Case("bernoulli_", rows, lambda xp, x: xp.empty_like(x).bernoulli_(0.3), 0),
    Case("random_", rows, lambda xp, x: xp.empty_like(x).random_(), 0),
    Case("cauchy_", rows, lambda xp, x: xp.empty_like(x).cauchy_(), 0),
    Case("log_normal_", rows, lambda xp, x: xp.empty_like(x).log_normal_(), 0),
    Case("geometric_", rows, lambda xp, x: xp.empty_like(x).geometric_(0.3), 0),
    Case("svdvals", small_matrices, lambda xp, x, b: xp.linalg.svdvals(x), 0),
    Case("eigvalsh", definite, lambda xp, x: xp.linalg.eigvalsh(x), 0),
    Case("slogdet", small_matrices, lambda xp, x, b: xp.linalg.slogdet(x)[1]),
    Case("lu_factor", small_matrices, lambda xp, x, b: xp.linalg.lu_factor(x)),
    Case(
        "cholesky_solve",
        lambda r, s: definite(r, s) + [normal(r, 4096, 16, 4)],
        lambda xp, x, b: xp.cholesky_solve(b, x),
    ),
    Case("eig", lambda r, s: [normal(r, 1024, 16, 16)], lambda xp, x: xp.linalg.eig(x)[0], 0),
    Case("pinv", small_matrices, lambda xp, x, b: xp.linalg.pinv(x)),
    Case("matrix_power", small_matrices, lambda xp, x, b: xp.linalg.matrix_power(x, 3)),
    Case("triu", rows, lambda xp, x: x.triu()),
    Case("outer add", rows, lambda xp, x: x.addr(x[0], x[1])),
    Case("baddbmm", stacks, lambda xp, x, y: xp.baddbmm(x, x, y), 2),
    Case("selu", rows, lambda xp, x: F(xp).selu(x)),
    Case("celu", rows, lambda xp, x: F(xp).celu(x)),
    Case("prelu", affine, lambda xp, x, w, b: F(xp).prelu(x, w), 2),
    Case("hardtanh", rows, lambda xp, x: F(xp).hardtanh(x)),
    Case("softshrink", rows, lambda xp, x: F(xp).softshrink(x)),
    Case("hardshrink", rows, lambda xp, x: F(xp).hardshrink(x)),
    Case("tanhshrink", rows, lambda xp, x: F(xp).tanhshrink(x)),
    Case("softsign", rows, lambda xp, x: F(xp).softsign(x)),
    Case("threshold", rows, lambda xp, x: F(xp).threshold(x, 0.1, 20)),
    Case("rrelu", rows, lambda xp, x: F(xp).rrelu(x, training=True)),
    Case("gumbel_softmax", rows, lambda xp, x: F(xp).gumbel_softmax(x)),
    Case("alpha_dropout", rows, lambda xp, x: F(xp).alpha_dropout(x, 0.5, training=True)),
    Case("local_response_norm", images, lambda xp, x: F(xp).local_response_norm(x, 5)),
    Case("pairwise_distance", pair, lambda xp, x, y: F(xp).pairwise_distance(x, y), 2),
    Case("triplet", lambda r, s: rows(r, s) * 3, lambda xp, x, y, z: F(xp).triplet_margin_loss(x, y, z), 3),
    Case("soft_margin", pair, lambda xp, x, y: F(xp).soft_margin_loss(x, y)),
    Case("multilabel_soft", chances, lambda xp, x, y: F(xp).multilabel_soft_margin_loss(x, y)),
    Case("poisson_nll", chances, lambda xp, x, y: F(xp).poisson_nll_loss(x, y)),
    Case("gaussian_nll", chances, lambda xp, x, y: F(xp).gaussian_nll_loss(x, y, y.abs() + 0.5)),
    Case("cross_entropy soft", chances, lambda xp, x, y: F(xp).cross_entropy(x, y)),
    Case("expm1", rows, lambda xp, x: x.expm1()),
    Case("pow 2.5", positive, lambda xp, x: x**2.5),
    Case("2**x", rows, lambda xp, x: 2**x),
    Case("logaddexp", pair, lambda xp, x, y: xp.logaddexp(x, y), 2),
    Case("hypot", pair, lambda xp, x, y: xp.hypot(x, y), 2),
    Case("fmod", pair, lambda xp, x, y: xp.fmod(x, y), 2),
    Case("nan_to_num", rows, lambda xp, x: x.nan_to_num()),
    Case("sinc", rows, lambda xp, x: x.sinc()),
    Case("lgamma", positive, lambda xp, x: x.lgamma()),
    Case("digamma", positive, lambda xp, x: x.digamma(), 0),
    Case("xlogy", lambda r, s: positive(r, s) * 2, lambda xp, x, y: xp.xlogy(x, y), 2),
    Case("copysign", pair, lambda xp, x, y: xp.copysign(x, y), 2),
    Case("sign", rows, lambda xp, x: x.sign(), 0),
    Case("floor_divide", rows, lambda xp, x: x // 0.3, 0),
    Case(
        "bucketize",
        lambda r, s: [normal(r, 1024 * 1024), np.sort(normal(r, 100))],
        lambda xp, x, b: xp.bucketize(x, b),
        0,
    ),
    Case("index_fill", row_numbers, lambda xp, x, i, y: x.index_fill(0, i, 0.0)),
    Case("index_copy", row_numbers, lambda xp, x, i, y: x.index_copy(0, i, y), 1),
    Case("put", numbered, lambda xp, x, i, y: x.put(i, y)),
    Case("diag_embed", lambda r, s: [normal(r, 64, 128)], lambda xp, x: x.diag_embed()),
    Case("meshgrid", lambda r, s: [normal(r, 1024)], lambda xp, x: xp.meshgrid(x, x, indexing="ij")[0].contiguous()),
    Case("tile", rows, lambda xp, x: x.tile(2, 1)),
    Case("rot90", rows, lambda xp, x: x.rot90()),
    Case("channel_shuffle", images, lambda xp, x: F(xp).channel_shuffle(x, 4)),
    Case("fold", lambda r, s: [normal(r, 4, 144, 64 * 64)], lambda xp, x: F(xp).fold(x, 64, 3, padding=1)),
    Case("pad circular", images, lambda xp, x: F(xp).pad(x, (2, 2, 2, 2), mode="circular")),
    Case("max_pool1d", signals, lambda xp, x, w: F(xp).max_pool1d(x, 2)),
    Case("max_unpool2d", images, lambda xp, x: F(xp).max_unpool2d(*F(xp).max_pool2d(x, 2, return_indices=True), 2)),
    Case("fractional", images, lambda xp, x: F(xp).fractional_max_pool2d(x, 2, output_ratio=(0.5, 0.5))),
    Case(
        "bilinear fn",
        lambda r, s: [normal(r, 4096, 64), normal(r, 4096, 64), normal(r, 16, 64, 64)],
        lambda xp, x, y, w: F(xp).bilinear(x, y, w),
        3,
    ),
    Case(
        "nll 2d",
        lambda r, s: [normal(r, 4, 16, 128, 128), r.integers(0, 16, (4, 128, 128))],
        lambda xp, x, t: F(xp).nll_loss(x, t),
    ),
    Case(
        "multilabel_margin",
        lambda r, s: [
            normal(r, 1024, 1024),
            np.concatenate([r.integers(0, 1024, (1024, 5)), -np.ones((1024, 1019), int)], 1),
        ],
        lambda xp, x, t: F(xp).multilabel_margin_loss(x, t),
    ),
    Case("cov", rows, lambda xp, x: x.cov()),
    Case("corrcoef", rows, lambda xp, x: x.corrcoef()),
    Case("cross", lambda r, s: [normal(r, 300000, 3), normal(r, 300000, 3)], lambda xp, x, y: xp.linalg.cross(x, y), 2),
    Case("tensordot", pair, lambda xp, x, y: xp.tensordot(x, y, 1), 2),
    Case("vander", lambda r, s: [normal(r, 4096)], lambda xp, x: xp.linalg.vander(x, N=64)),
    Case("stft", long, lambda xp, x: xp.stft(x, 512, return_complex=True, window=xp.hann_window(512)).abs()),
    Case("cumulative_trapezoid", rows, lambda xp, x: xp.cumulative_trapezoid(x)),
    Case("gradient", rows, lambda xp, x: xp.gradient(x, dim=1)[0]),
    Case("unflatten", rows, lambda xp, x: x.unflatten(1, (32, 32)).sum(2)),
    Case("scatter_reduce prod", places, lambda xp, x, i, y: x.scatter_reduce(1, i, y, "prod"), 1),
    Case("isin", whole_numbers, lambda xp, x: xp.isin(x, x[:100]), 0),
    Case(
        "interp trilinear",
        lambda r, s: [normal(r, 2, 8, 32, 32, 32)],
        lambda xp, x: F(xp).interpolate(x, scale_factor=2, mode="trilinear"),
    ),
    Case("relu6", rows, lambda xp, x: F(xp).relu6(x)),
]

CASES = POINTWISE + REDUCTIONS + LAYERS + SPATIAL + PRODUCTS + PLACES + FURTHER
