"""Convolution, pooling and padding beyond the samples: blocks of large inputs, infinities, memory, derivatives of gradients."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import wengert as wg

F = wg.nn.functional
INF = float("inf")


def numbers(*shape: int, seed: int = 0, dtype: str = "float64") -> Any:
    """Return an array of fixed random numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def results(package: Any, program: str, *arrays: Any) -> list[Any]:
    """Return value and gradients of a program of tensors x, y, z, as arrays."""
    inputs = [package.from_numpy(a.copy()).requires_grad_() for a in arrays]
    space = {"F": package.nn.functional, **dict(zip("xyz", inputs, strict=False))}
    value = eval(program, space)
    seed = package.from_numpy(np.random.default_rng(1).normal(size=tuple(value.shape)).astype(arrays[0].dtype))
    return [t.detach().numpy() for t in (value, *package.autograd.grad(value, inputs, seed))]


@pytest.mark.parametrize(
    ("program", "shapes"),
    [
        ("F.conv2d(x, y, padding=1)", ((1, 16, 200, 90), (4, 16, 3, 3))),
        ("F.conv2d(x, y, stride=2)", ((1, 20, 250, 260), (3, 20, 4, 3))),
        ("F.conv1d(x, y, z, dilation=3)", ((2, 30, 30000), (5, 30, 5), (5,))),
        ("F.conv_transpose2d(x, y, stride=2)", ((1, 3, 120, 130), (3, 16, 3, 3))),
        ("F.conv2d(x, y, padding=2)", ((130, 3, 20, 20), (5, 3, 5, 5))),
        ("F.conv3d(x, y, padding=1)", ((40, 4, 6, 7, 8), (4, 4, 3, 3, 3))),
        ("F.conv2d(x, y, groups=4)", ((70, 8, 12, 12), (8, 2, 3, 3))),
    ],
)
def test_a_convolution_done_in_blocks_is_that_of_the_whole(oracle: Any, program: str, shapes: Any) -> None:
    arrays = [numbers(*shape, seed=i) for i, shape in enumerate(shapes)]
    for expected, seen in zip(results(oracle, program, *arrays), results(wg, program, *arrays), strict=True):
        np.testing.assert_allclose(seen, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("program", "shapes"),
    [
        ("F.conv_transpose1d(x, y, dilation=2, output_padding=1)", ((2, 3, 7), (3, 5, 1))),
        ("F.conv_transpose2d(x, y, z, dilation=(1, 3), output_padding=(0, 2))", ((2, 24, 6, 9), (24, 17, 1, 1), (17,))),
        ("F.conv_transpose3d(x, y, dilation=2, output_padding=1)", ((1, 2, 3, 4, 5), (2, 3, 1, 1, 1))),
        ("F.conv_transpose2d(x, y, stride=2, output_padding=1)", ((2, 3, 6, 9), (3, 4, 1, 1))),
    ],
)
def test_places_behind_the_last_of_a_transposed_convolution_hold_the_bias(
    oracle: Any, program: str, shapes: Any, dtype: str
) -> None:
    arrays = [numbers(*shape, seed=i, dtype=dtype) for i, shape in enumerate(shapes)]
    for expected, seen in zip(results(oracle, program, *arrays), results(wg, program, *arrays), strict=True):
        np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=1e-5)


def reference(x: Any, weight: Any) -> Any:
    """Return the convolution of one image with one kernel, window by window."""
    (h, w), (kh, kw) = x.shape, weight.shape
    out = np.empty((h - kh + 1, w - kw + 1))
    for i, j in np.ndindex(out.shape):
        out[i, j] = (x[i : i + kh, j : j + kw] * weight).sum()
    return out


def test_an_infinite_input_reaches_only_the_windows_that_contain_it() -> None:
    image, kernel = numbers(5, 6), numbers(2, 3, seed=1)
    image[2, 0] = INF
    x, weight = wg.from_numpy(image[None, None]), wg.from_numpy(kernel[None, None]).requires_grad_()
    value = F.conv2d(x, weight)
    np.testing.assert_allclose(value[0, 0].detach().numpy(), reference(image, kernel))
    seed = numbers(4, 4, seed=2)
    (grad,) = wg.autograd.grad(value, weight, wg.from_numpy(seed[None, None]))
    np.testing.assert_allclose(grad[0, 0].numpy(), reference(image, seed))
    assert np.isinf(grad.numpy()).sum() == 2, "the column of the kernel that met the infinite element, nothing else"


def test_an_infinite_weight_reaches_only_the_gradients_of_elements_that_it_met() -> None:
    kernel = numbers(2, 3, seed=1)
    kernel[0, 0] = INF
    x = wg.from_numpy(numbers(1, 1, 4, 5)).requires_grad_()
    (grad,) = wg.autograd.grad(F.conv2d(x, wg.from_numpy(kernel[None, None])).sum(), x)
    expected = np.zeros((4, 5), bool)
    expected[:3, :3] = True
    np.testing.assert_array_equal(np.isinf(grad[0, 0].numpy()), expected)
    assert not np.isnan(grad.numpy()).any()


def test_a_convolution_never_holds_the_columns_of_the_whole_input() -> None:
    x, weight = (
        wg.from_numpy(numbers(64, 16, 64, 64, dtype="float32")),
        wg.from_numpy(numbers(16, 16, 3, 3, dtype="float32")),
    )
    weight.requires_grad_()
    size = x.numel() * 4
    value = F.conv2d(x, weight, padding=1)
    seed = wg.ones_like(value)
    tracemalloc.start()
    try:
        value = F.conv2d(x, weight, padding=1)
        wg.autograd.grad(value, weight, seed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * size, f"{peak / size:.2f} times the input: the result itself is 1, all columns would be 9"


@pytest.mark.parametrize(
    ("program", "shapes"),
    [
        ("F.conv2d(x, y, z, padding=1, stride=2)", ((2, 2, 5, 4), (3, 2, 3, 2), (3,))),
        ("F.conv_transpose1d(x, y, z, stride=2, groups=2)", ((2, 2, 4), (2, 2, 3), (4,))),
        ("F.max_pool2d(x, 2) * y", ((1, 2, 4, 4), (1, 2, 2, 2))),
        ("F.max_pool3d(x, 2, 1, 1) * y", ((1, 2, 2, 2), (1, 3, 3, 3))),
        ("F.avg_pool2d(x, 2, 1, 1) ** 2", ((1, 3, 4),)),
        ("F.avg_pool3d(x, 2) ** 2", ((1, 2, 4, 2),)),
        ("F.adaptive_avg_pool2d(x, (2, 3)) ** 2", ((1, 3, 4),)),
        ("F.adaptive_avg_pool3d(x, 2) ** 2", ((1, 3, 4, 2),)),
        ("F.adaptive_max_pool2d(x, (2, 3)) ** 2", ((1, 3, 4),)),
        ("F.pad(x, (1, 2), 'reflect') ** 3", ((2, 3),)),
        ("F.pad(x, (1, 2, 0, 1), 'replicate') ** 3", ((1, 2, 3),)),
        ("F.pad(x, (1, -1), value=2.0) ** 3", ((2, 3),)),
        ("F.unfold(x, 2, padding=1) ** 3", ((1, 3, 3),)),
        ("F.fold(x, (3, 3), 2) ** 3", ((4, 4),)),
    ],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own, at its first dual tensor
def test_tangents_of_gradients_agree_with_torch(oracle: Any, program: str, shapes: Any) -> None:
    arrays = [numbers(*shape, seed=i) for i, shape in enumerate(shapes)]
    expected, seen = tangents_of_gradients(oracle, program, arrays), tangents_of_gradients(wg, program, arrays)
    for a, b in zip(expected, seen, strict=True):
        np.testing.assert_allclose(
            np.zeros(1) if b is None else b, np.zeros(1) if a is None else a, rtol=1e-9, atol=1e-9
        )


def tangents_of_gradients(package: Any, program: str, arrays: list[Any]) -> list[Any]:
    """Return the tangents of the gradients of all inputs, for fixed tangents of the inputs."""
    ad = package.autograd.forward_ad
    with ad.dual_level():
        inputs = [package.from_numpy(a.copy()).requires_grad_() for a in arrays]
        duals = [ad.make_dual(x, package.from_numpy(numbers(*x.shape, seed=7))) for x in inputs]
        value = eval(program, {"F": package.nn.functional, **dict(zip("xyz", duals, strict=False))})
        grads = package.autograd.grad(value.sum(), duals, create_graph=True)
        parts = [ad.unpack_dual(g).tangent for g in grads]
        return [None if t is None else t.detach().numpy() for t in parts]


@pytest.mark.parametrize("transposed", [False, True])
def test_third_derivatives_of_a_convolution_agree_with_torch(oracle: Any, transposed: bool) -> None:
    arrays = [numbers(1, 2, 4, 3), numbers(2, 2, 2, 2, seed=1)]

    def third(package: Any) -> Any:
        x, y = [package.from_numpy(a.copy()).requires_grad_() for a in arrays]
        conv = package.nn.functional.conv_transpose2d if transposed else package.nn.functional.conv2d
        (first,) = package.autograd.grad((conv(x, y) ** 3).sum(), x, create_graph=True)
        (second,) = package.autograd.grad((first**2).sum(), y, create_graph=True)
        return [g.numpy() for g in package.autograd.grad((second**2).sum(), (x, y))]

    for expected, seen in zip(third(oracle), third(wg), strict=True):
        np.testing.assert_allclose(seen, expected, rtol=1e-8)


def test_the_nodes_of_gradients_are_named_as_in_torch(oracle: Any) -> None:
    programs = {
        "F.conv2d(x, x.detach())": (1, 1, 3, 3),
        "F.max_pool2d(x, 2)": (1, 1, 4, 4),
        "F.max_pool3d(x, 2)": (1, 4, 4, 4),
        "F.avg_pool2d(x, 2)": (1, 1, 4, 4),
        "F.avg_pool3d(x, 2)": (1, 4, 4, 4),
        "F.adaptive_avg_pool2d(x, 2)": (1, 3, 3),
        "F.adaptive_avg_pool3d(x, 2)": (1, 3, 3, 3),
        "F.adaptive_max_pool2d(x, 2)": (1, 3, 3),
        "F.adaptive_max_pool3d(x, 2)": (1, 3, 3, 3),
        "F.fractional_max_pool2d(x, 2, 2)": (1, 4, 4),
        "F.pad(x, (1, 1))": (2, 3),
        "F.pad(x, (1, 1), 'reflect')": (2, 3),
        "F.pad(x, (1, 1, 1, 1), 'replicate')": (2, 3, 3),
        "F.unfold(x, 2)": (1, 3, 3),
        "F.fold(x, (3, 3), 2)": (4, 4),
    }

    def names(package: Any) -> dict[str, str]:
        found = {}
        for program, shape in programs.items():
            x = package.from_numpy(numbers(*shape)).requires_grad_()
            value = eval(program, {"F": package.nn.functional, "x": x})
            seed = package.ones_like(value).requires_grad_()
            grad = package.autograd.grad(value, x, seed, create_graph=True)[0]
            found[program] = f"{value.grad_fn.name()} {grad.grad_fn.name()}"
        return found

    assert names(wg) == names(oracle)


def test_max_pooling_remembers_positions_only_where_a_derivative_may_ask() -> None:
    x = wg.from_numpy(numbers(1, 1, 4, 4)).requires_grad_()
    node = F.max_pool2d(x, 2).grad_fn
    assert node is not None
    assert node._saved_result1.tolist() == F.max_pool2d(x, 2, return_indices=True)[1].tolist()
    with wg.no_grad():
        assert F.max_pool2d(x, 2).grad_fn is None


def test_fractional_pooling_draws_the_random_numbers_of_torch(oracle: Any) -> None:
    array = numbers(2, 3, 9, 8, dtype="float32")
    oracle.manual_seed(3)
    wg.manual_seed(3)
    expected = oracle.nn.functional.fractional_max_pool2d(oracle.from_numpy(array), 2, output_size=(4, 3))
    np.testing.assert_array_equal(
        F.fractional_max_pool2d(wg.from_numpy(array), 2, output_size=(4, 3)).numpy(), expected.numpy()
    )
