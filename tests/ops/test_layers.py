"""Normalisation, resampling, attention and their losses: what a comparison of values with torch does not see."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import wengert as torch

F = torch.nn.functional


def normal(*shape: int, seed: int = 0) -> Any:
    """A float64 tensor of normal values."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def test_batch_norm_updates_running_statistics_in_place_without_counting_a_write() -> None:
    x, mean, var = normal(8, 3), torch.zeros(3).double(), torch.ones(3).double()
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    values = x.numpy()
    assert np.allclose(mean.numpy(), 0.25 * values.mean(0), rtol=1e-14)
    assert np.allclose(var.numpy(), 0.75 + 0.25 * values.var(0, ddof=1), rtol=1e-14)
    assert (mean._version, var._version) == (0, 0)


def test_batch_norm_in_evaluation_leaves_running_statistics_alone() -> None:
    mean, var = torch.full((3,), 2.0), torch.full((3,), 4.0)
    F.batch_norm(torch.ones(5, 3), mean, var)
    assert mean.tolist() == [2.0] * 3
    assert var.tolist() == [4.0] * 3


def test_gradient_of_batch_norm_in_evaluation_uses_the_statistics_of_its_forward_pass() -> None:
    x = normal(4, 3).requires_grad_()
    mean, var = torch.zeros(3).double(), torch.full((3,), 4.0).double()
    y = F.batch_norm(x, mean, var, eps=0.0)
    F.batch_norm(100 * x.detach(), mean, var, training=True, momentum=1.0)
    y.sum().backward()
    assert np.allclose(x.grad.numpy(), 0.5)


def test_a_training_batch_of_one_value_per_channel_changes_no_statistics() -> None:
    mean = torch.zeros(3)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        F.batch_norm(torch.ones(1, 3), mean, torch.ones(3), training=True)
    assert mean.tolist() == [0.0] * 3


def test_running_statistics_that_require_grad_are_refused() -> None:
    with pytest.raises(RuntimeError, match="not differentiable with respect to argument 'running_mean'"):
        F.batch_norm(torch.ones(2, 3), torch.zeros(3, requires_grad=True), torch.ones(3), training=True)


@pytest.mark.parametrize("name", ["layer_norm", "group_norm", "batch_norm", "instance_norm"])
def test_normalisations_of_values_far_from_zero_are_exact_to_single_precision(name: str) -> None:
    x = (np.random.default_rng(0).normal(size=(4, 8, 16)) + 1e4).astype(np.float32)
    axes: Any = {"layer_norm": 2, "group_norm": (1, 2), "batch_norm": (0, 2), "instance_norm": 2}[name]
    more: Any = {"layer_norm": ((16,),), "group_norm": (1,), "batch_norm": (None, None), "instance_norm": ()}[name]
    options = {"training": True} if name == "batch_norm" else {}
    wide = x.astype(np.float64)
    centred = wide - wide.mean(axes, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(axes, keepdims=True) + 1e-5)
    found = getattr(F, name)(torch.from_numpy(x), *more, **options)
    assert np.abs(found.numpy() - expected).max() < 1e-6


def test_a_table_of_columns_far_from_zero_is_normalised_exactly_to_single_precision() -> None:
    x = (np.random.default_rng(0).normal(size=(50, 32)) + 1e4).astype(np.float32)
    centred = x.astype(np.float64) - x.astype(np.float64).mean(0)
    expected = centred / np.sqrt((centred**2).mean(0) + 1e-5)
    found = F.batch_norm(torch.from_numpy(x), None, None, training=True)
    assert np.abs(found.numpy() - expected).max() < 1e-6


def test_rms_norm_computes_half_precision_in_single() -> None:
    x = torch.full((1, 4), 300.0).half()
    found = F.rms_norm(x, (4,))
    assert found.dtype == torch.float16
    assert found.tolist() == [[1.0] * 4]


def test_nearest_interpolation_to_the_same_size_is_a_copy() -> None:
    x = normal(1, 1, 3, 3)
    y = F.interpolate(x, size=3)
    assert torch.equal(x, y)
    assert y.data_ptr() != x.data_ptr()


def test_antialiasing_preserves_constant_images() -> None:
    x = torch.full((1, 1, 7, 9), 3.0).double()
    for mode in ("bilinear", "bicubic", "lanczos"):
        assert np.allclose(F.interpolate(x, size=(3, 2), mode=mode, antialias=True).numpy(), 3.0, rtol=1e-14)


def test_antialiasing_to_one_column_keeps_the_rows_apart() -> None:
    """PyTorch returns the first row everywhere."""
    x = normal(1, 1, 7, 4)
    whole = F.interpolate(x, size=(5, 1), mode="bilinear", antialias=True)
    turned = F.interpolate(x.transpose(2, 3), size=(1, 5), mode="bilinear", antialias=True)
    assert np.allclose(whole.numpy()[..., 0], turned.numpy()[:, :, 0], atol=1e-15)
    assert whole.flatten().unique().numel() == 5


@pytest.mark.parametrize("name", ["upsample", "upsample_nearest", "upsample_bilinear"])
def test_older_names_of_interpolate_warn(name: str) -> None:
    with pytest.warns(UserWarning, match=f"`nn.functional.{name}` is deprecated"):
        getattr(F, name)(torch.ones(1, 1, 2, 2), scale_factor=2)


def test_sampling_with_the_identity_grid_returns_the_image() -> None:
    x = normal(2, 3, 4, 5)
    theta = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]).double().expand(2, 2, 3)
    for corners in (False, True):
        grid = F.affine_grid(theta, (2, 3, 4, 5), align_corners=corners)
        assert np.allclose(F.grid_sample(x, grid, align_corners=corners).numpy(), x.numpy(), atol=1e-13)


def test_grid_functions_warn_when_the_corners_are_not_spoken_of() -> None:
    with pytest.warns(UserWarning, match="align_corners=False since 1.3.0"):
        grid = F.affine_grid(torch.ones(1, 2, 3), (1, 1, 2, 2))
    with pytest.warns(UserWarning, match="align_corners=False since 1.3.0"):
        F.grid_sample(torch.ones(1, 1, 2, 2), grid)


def test_pixel_unshuffle_undoes_pixel_shuffle() -> None:
    x = normal(2, 12, 3, 2)
    assert torch.equal(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), x)


@pytest.mark.parametrize("dims", [4, 3])
def test_queries_that_see_no_key_attend_to_nothing_and_have_no_gradient(dims: int) -> None:
    shape = (1, 2, 3, 4)[4 - dims :]
    q, k, v = [normal(*shape, seed=i).requires_grad_() for i in range(3)]
    mask = torch.ones(3, 3).bool()
    mask[1] = False
    out = F.scaled_dot_product_attention(q, k, v, mask)
    assert bool((out[..., 1, :] == 0).all())
    out.sum().backward()
    assert bool((q.grad[..., 1, :] == 0).all())
    assert bool(v.grad.isfinite().all())


def test_attention_as_one_operator_agrees_with_its_steps() -> None:
    q, k, v = normal(2, 4, 5, 8), normal(2, 2, 7, 8, seed=1), normal(2, 2, 7, 8, seed=2)
    mask = normal(5, 7, seed=3)
    one = F.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True)
    steps = F.scaled_dot_product_attention(q, k, v, mask.clone().requires_grad_(), enable_gqa=True)
    assert np.allclose(one.numpy(), steps.detach().numpy(), atol=1e-14)


def test_attention_probabilities_are_dropped_with_the_random_numbers_of_dropout() -> None:
    q, k, v = normal(3, 2), normal(4, 2, seed=1), normal(4, 2, seed=2)
    torch.manual_seed(5)
    found = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5)
    torch.manual_seed(5)
    weights = F.dropout((q @ k.t() / 2**0.5).softmax(-1), 0.5)
    assert np.allclose(found.numpy(), (weights @ v).numpy(), atol=1e-15)


def test_a_mask_and_is_causal_together_are_refused_where_torch_refuses_them() -> None:
    with pytest.raises(RuntimeError, match="Explicit attn_mask should not be set when is_causal=True"):
        F.scaled_dot_product_attention(
            torch.ones(2, 3), torch.ones(2, 3), torch.ones(2, 3), torch.ones(2, 2), 0.0, True
        )


def test_ctc_loss_is_the_sum_over_all_alignments() -> None:
    logs = normal(3, 1, 3).log_softmax(-1)
    p = logs.exp().numpy()[:, 0]
    paths = [(1, 2, 0), (1, 0, 2), (0, 1, 2), (1, 1, 2), (1, 2, 2)]
    total = sum(p[0, a] * p[1, b] * p[2, c] for a, b, c in paths)
    found = F.ctc_loss(logs, torch.tensor([[1, 2]]), (3,), (2,), reduction="sum")
    assert np.isclose(found.item(), -np.log(total), rtol=1e-14)


def test_ctc_loss_of_more_labels_than_steps_is_infinite_with_no_usable_gradient() -> None:
    x = normal(2, 1, 3).requires_grad_()
    loss = F.ctc_loss(x.log_softmax(-1), torch.tensor([[1, 1]]), (2,), (2,))
    assert loss.item() == np.inf
    loss.backward()
    assert bool(x.grad.isnan().all())


def test_ctc_loss_refuses_labels_that_do_not_exist() -> None:
    with pytest.raises(RuntimeError, match="targets must be in label range"):
        F.ctc_loss(torch.zeros(3, 1, 3), torch.tensor([[3]]), (3,), (1,))


def test_scaling_by_frequency_divides_the_gradient_of_each_row_by_its_uses() -> None:
    table = torch.zeros(4, 1).requires_grad_()
    bags = torch.tensor([[1, 1, 3], [1, 2, 2]])
    F.embedding_bag(bags, table, mode="sum", scale_grad_by_freq=True).sum().backward()
    assert table.grad.flatten().tolist() == [0.0, 1.0, 1.0, 1.0]


def test_embedding_bag_scales_long_rows_down_in_place() -> None:
    table = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    F.embedding_bag(torch.tensor([[0, 1]]), table, max_norm=1.0)
    assert np.allclose(table.numpy(), [[0.6, 0.8], [0.3, 0.4]], atol=1e-6)


def test_hard_gumbel_samples_are_one_hot_and_have_the_gradient_of_the_soft_ones() -> None:
    x = normal(5, 4).requires_grad_()
    torch.manual_seed(2)
    hard = F.gumbel_softmax(x, 0.7, hard=True)
    torch.manual_seed(2)
    soft = F.gumbel_softmax(x, 0.7)
    assert np.allclose(np.sort(hard.detach().numpy(), 1), [[0.0, 0.0, 0.0, 1.0]] * 5)
    weights = normal(5, 4, seed=1)
    slopes = [torch.autograd.grad((y * weights).sum(), x)[0] for y in (hard, soft)]
    assert torch.equal(slopes[0], slopes[1])


def test_distances_of_equal_rows_have_gradient_zero() -> None:
    x = torch.ones(2, 3).requires_grad_()
    F.pdist(x).sum().backward()
    assert x.grad.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("options", ["", ", reduction='sum'", ", size_average=False", ", reduce=False"])
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weighted_losses_are_reduced_like_those_of_torch(oracle: Any, name: str, options: str) -> None:
    if name == "huber_loss":
        options = options if "reduction" in options else ", delta=0.5"
    seen = []
    for package in (oracle, torch):
        x, y, w = (package.tensor(v) for v in ([3.0, -1.0, 0.5], [1.0, 0.0, 0.25], [1.0, 2.0, 4.0]))
        space = {"F": package.nn.functional, "x": x, "y": y, "w": w}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # size_average is deprecated
            seen.append(eval(f"F.{name}(x, y, weight=w{options})", space).tolist())
    assert seen[0] == pytest.approx(seen[1])


def test_the_affine_grid_of_no_images_has_a_gradient() -> None:
    theta = torch.zeros(0, 2, 3, requires_grad=True)
    torch.affine_grid_generator(theta, (0, 1, 2, 2), False).sum().backward()
    assert theta.grad.shape == (0, 2, 3)


def test_fractional_pooling_to_no_windows_is_empty(oracle: Any) -> None:
    program = "F.fractional_max_pool2d(t.ones(2, 1, 3), 1, output_ratio=(0.5, 0.5))"
    for package in (oracle, torch):
        assert tuple(eval(program, {"F": package.nn.functional, "t": package}).shape) == (2, 0, 1)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 2), (0, 3, 2)])
def test_the_gradient_of_a_bias_alone_has_its_shape(shape: tuple[int, ...]) -> None:
    bias = torch.zeros(3, 2, requires_grad=True)
    F.layer_norm(torch.ones(shape), (3, 2), None, bias).sum().backward()
    assert bias.grad.shape == (3, 2)


def test_rms_norm_adds_the_epsilon_of_the_dtype_it_computes_in(oracle: Any) -> None:
    seen = [t.rms_norm(t.tensor([0.01, 0.02], dtype=t.float16), (2,)).tolist() for t in (oracle, torch)]
    assert seen[0] == pytest.approx(seen[1], rel=2e-3)


def test_a_table_of_bags_has_no_last_offset(oracle: Any) -> None:
    for t in (oracle, torch):
        bags = t.nn.EmbeddingBag.from_pretrained(t.eye(4), mode="sum", include_last_offset=True)
        assert bags(t.tensor([[0, 1], [2, 3]])).tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize(
    "shapes", [((4, 3), (4, 3), (0, 3, 3)), ((4, 0), (4, 3), (2, 0, 3)), ((0, 3), (0, 2), (2, 3, 2))]
)
def test_bilinear_forms_of_nothing_are_zero(shapes: Any, requires_grad: bool) -> None:
    found = F.bilinear(*(torch.ones(shape, requires_grad=requires_grad) for shape in shapes))
    assert found.tolist() == torch.zeros(shapes[0][0], shapes[2][0]).tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_elements_between_two_old_ones_are_those_of_torch(oracle: Any, mode: str, dtype: str) -> None:
    for old, new in [(2, 41), (2, 82), (4, 94), (48, 79)]:
        for shape in [(1, 1, old), (1, 1, 1, old), (1, 1, 1, 1, old)]:
            array, size = np.arange(old, dtype=dtype).reshape(shape), [1] * (len(shape) - 3) + [new]
            seen = [t.nn.functional.interpolate(t.from_numpy(array), size, mode=mode).tolist() for t in (oracle, torch)]
            assert seen[0] == seen[1]
