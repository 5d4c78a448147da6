"""First values of parameters: the same numbers, errors and warnings as torch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tests.nn.programs import said, warned

FILLS: list[tuple[str, tuple[int, ...], tuple[Any, ...], dict[str, Any]]] = [
    ("uniform_", (3, 4), (), {}),
    ("uniform_", (40, 30), (-2.0, 3.0), {}),
    ("normal_", (3, 4), (1.0, 2.0), {}),
    ("normal_", (40, 30), (), {"std": 0.1}),
    ("trunc_normal_", (40, 30), (), {}),
    ("trunc_normal_", (5, 6), (1.0, 2.0), {"a": -1.0, "b": 1.5}),
    ("trunc_normal_", (5, 6), (), {"a": 1.0, "b": 3.0}),
    ("trunc_normal_", (5, 6), (0.5, 1.0, 0.4, 0.7), {}),
    ("trunc_normal_", (5, 6), (0.0, 3.0, -4.5, -4.0), {}),
    ("constant_", (3,), (0.3,), {}),
    ("ones_", (3, 2), (), {}),
    ("zeros_", (3, 2), (), {}),
    ("eye_", (3, 5), (), {}),
    ("dirac_", (4, 3, 3), (), {}),
    ("dirac_", (6, 2, 3, 4), (3,), {}),
    ("dirac_", (2, 2, 3, 3, 3), (), {}),
    ("xavier_uniform_", (4, 5, 3), (2.0,), {}),
    ("xavier_normal_", (4, 5), (), {}),
    ("kaiming_uniform_", (4, 5, 3, 3), (), {"a": 0.2, "mode": "fan_out"}),
    ("kaiming_uniform_", (4, 5), (), {"nonlinearity": "relu"}),
    ("kaiming_normal_", (40, 50), (), {"mode": "fan_out", "nonlinearity": "tanh"}),
    ("orthogonal_", (3, 5), (), {}),
    ("orthogonal_", (5, 3), (1.5,), {}),
    ("orthogonal_", (4, 2, 3), (), {}),
    ("sparse_", (10, 4), (0.35,), {}),
    ("sparse_", (10, 4), (0.2, 2.0), {}),
]


@pytest.mark.parametrize(("name", "shape", "args", "options"), FILLS)
def test_the_values_are_those_of_torch(
    name: str, shape: tuple[int, ...], args: Any, options: Any, package: Any, oracle: Any
) -> None:
    values = []
    for torch in (package, oracle):
        torch.manual_seed(11)
        param = torch.nn.Parameter(torch.zeros(shape))
        assert getattr(torch.nn.init, name)(param, *args, **options) is param
        assert param.grad_fn is None and param.requires_grad
        values.append((param.detach().numpy(), torch.rand(3).numpy()))
    np.testing.assert_allclose(values[0][0], values[1][0], rtol=3e-6, atol=3e-7)
    np.testing.assert_array_equal(values[0][1], values[1][1], err_msg="the generators differ afterwards")


@pytest.mark.parametrize(
    "name", ["uniform_", "normal_", "xavier_uniform_", "kaiming_normal_", "orthogonal_", "trunc_normal_"]
)
def test_a_generator_of_its_own_leaves_the_default_one_alone(name: str, package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        torch.manual_seed(1)
        own = torch.Generator().manual_seed(7)
        found.append(getattr(torch.nn.init, name)(torch.empty(4, 3), generator=own).tolist() + torch.rand(1).tolist())
    np.testing.assert_allclose(np.hstack(found[0]), np.hstack(found[1]), rtol=3e-6, atol=3e-7)


def refusals(torch: Any) -> list[Any]:
    """What bad arguments are answered."""
    init, vector, matrix = torch.nn.init, torch.ones(3), torch.ones(3, 2)
    empty = torch.ones(0, 2)
    return [
        *[said(lambda f=f: getattr(init, f)(vector)) for f in ("eye_", "dirac_", "xavier_normal_", "orthogonal_")],
        said(lambda: init.kaiming_uniform_(vector)),
        said(lambda: init.sparse_(vector, 0.1)),
        said(lambda: init.dirac_(torch.ones(3, 2, 2), 2)),
        said(lambda: init.kaiming_normal_(matrix, mode="Fan_Both")),
        said(lambda: init.kaiming_normal_(matrix, nonlinearity="soft")),
        *[
            init.calculate_gain(f)
            for f in ("linear", "conv_transpose2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu")
        ],
        init.calculate_gain("leaky_relu", 0.3),
        said(lambda: init.calculate_gain("leaky_relu", True)),
        said(lambda: init.calculate_gain("leaky_relu", "x")),
        *[
            warned(lambda f=f: getattr(init, f)(empty).tolist())
            for f in ("kaiming_uniform_", "kaiming_normal_", "orthogonal_")
        ],
        warned(lambda: init.trunc_normal_(torch.ones(0), 9.0).tolist()),
        warned(lambda: init.xavier_uniform(torch.ones(0, 1)).tolist()),
        warned(lambda: init.constant(torch.ones(2), 3.0).tolist()),
        warned(lambda: init.eye(torch.ones(2, 2)).tolist()),
    ]


def test_refusals_gains_and_warnings_are_those_of_torch(package: Any, oracle: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert refusals(package) == refusals(oracle)
