"""nn.utils: programs give the same numbers, names, texts and errors under torch and under the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nn import utils_parametrize_programs as utils_parametrize_programs  # adds its programs
from tests.nn import utils_prune_programs as utils_prune_programs  # adds its programs
from tests.nn.utils_programs import PROGRAMS, assert_same, linear, part, plain


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_about_utils_gives_the_same_as_under_torch(name: str, package: Any, oracle: Any) -> None:
    theirs = plain(PROGRAMS[name](oracle))
    assert_same(plain(PROGRAMS[name](package)), theirs, name)


# What is better here than in PyTorch.


def test_a_vector_that_is_too_short_changes_no_parameter(package: Any) -> None:
    layer = linear(package)
    before = layer.weight.detach().clone()
    with pytest.raises(RuntimeError, match="is invalid for input of size"):
        package.nn.utils.vector_to_parameters(package.ones(13), layer.parameters())
    assert bool((layer.weight == before).all())


def test_a_transposed_convolution_is_fused_along_its_own_channels_without_being_told(package: Any) -> None:
    nn = package.nn
    conv, norm = nn.ConvTranspose2d(3, 3, 2).eval(), nn.BatchNorm2d(3).eval()
    norm.running_var.uniform_(0.5, 2)
    x = package.randn(1, 3, 4, 4)
    fused = nn.utils.fuse_conv_bn_eval(conv, norm)
    np.testing.assert_allclose(plain(fused(x)), plain(norm(conv(x))), rtol=1e-4, atol=1e-6)


def test_removing_a_parametrization_of_a_copy_leaves_the_original_parametrized(package: Any) -> None:
    import copy

    parametrize = part(package, "parametrize")
    layer = part(package, "parametrizations").weight_norm(linear(package))
    twin = copy.deepcopy(layer)
    parametrize.remove_parametrizations(twin, "weight")
    assert type(twin) is package.nn.Linear
    assert parametrize.is_parametrized(layer, "weight")
    np.testing.assert_allclose(plain(layer.weight), plain(twin.weight), rtol=1e-6)


def test_a_parametrization_that_is_refused_leaves_the_module_as_it_was(package: Any) -> None:
    class Half(package.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return x

        def right_inverse(self, x: Any) -> Any:
            return x[:1]

    layer = linear(package)
    before = plain(layer.state_dict())
    with pytest.raises(ValueError, match="may not change the shape"):
        part(package, "parametrize").register_parametrization(layer, "weight", Half())
    assert type(layer) is package.nn.Linear
    assert_same(plain(layer.state_dict()), before)


def test_pruning_that_is_refused_keeps_the_pruning_from_before(package: Any) -> None:
    prune = part(package, "prune")
    layer = prune.l1_unstructured(linear(package), "weight", 2)
    before = plain(layer.state_dict())
    with pytest.raises(ValueError, match="should be smaller than"):
        prune.l1_unstructured(layer, "weight", 100)
    assert prune.is_pruned(layer)
    assert_same(plain(layer.state_dict()), before)


def test_the_cache_is_empty_after_the_block(package: Any) -> None:
    parametrize = part(package, "parametrize")
    layer = part(package, "parametrizations").weight_norm(linear(package))
    with parametrize.cached():
        first = layer.weight
        assert layer.weight is first
    assert layer.weight is not first
