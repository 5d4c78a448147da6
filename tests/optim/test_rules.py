"""Every rule, fed with the same gradients, moves the parameters as torch's does."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tests.optim.rules import CASES, REAL_ONLY, RULES, label

SHAPES = [(), (3,), (4, 5), (2, 1, 3)]
STEPS = 20
TOLERANCE = {"float64": 1e-14, "float32": 2e-6, "complex128": 1e-14, "complex64": 2e-6}
MATRIX_TOLERANCE = {"float64": 1e-13, "float32": 5e-6}  # Adafactor and Muon sum over rows, in an order of their own


def numbers(rng: Any, shape: tuple[int, ...], dtype: str) -> Any:
    real = rng.standard_normal(shape)
    return (real + 1j * rng.standard_normal(shape) if dtype.startswith("complex") else real).astype(dtype)


def train(package: Any, name: str, options: dict[str, Any], dtype: str, shapes: Any = SHAPES) -> list[Any]:
    """Return the parameters after twenty steps with gradients that do not depend on them."""
    rng = np.random.default_rng(7)
    params = [package.tensor(numbers(rng, shape, dtype), requires_grad=True) for shape in shapes]
    optimizer = getattr(package.optim, name)(params, **options)
    for i in range(STEPS):
        for p in params:
            p.grad = package.tensor(numbers(rng, tuple(p.shape), dtype))
        if i == 3:
            params[-1].grad = None
        optimizer.step()
    return [p.detach().numpy() for p in params]


def agree(ours: list[Any], theirs: list[Any], tolerance: float) -> None:
    for a, b in zip(ours, theirs):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * float(np.abs(b).max()))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=label)
def test_twenty_steps_give_the_numbers_of_torch(
    package: Any, oracle: Any, name: str, options: dict[str, Any], dtype: str
) -> None:
    tolerance = (MATRIX_TOLERANCE if name == "Adafactor" else TOLERANCE)[dtype]
    agree(train(package, name, options, dtype), train(oracle, name, options, dtype), tolerance)


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
@pytest.mark.parametrize(
    ("name", "options"), [(name, RULES[name][i]) for name in RULES if name not in REAL_ONLY for i in (0, -1)], ids=label
)
def test_complex_parameters_move_as_in_torch(
    package: Any, oracle: Any, name: str, options: dict[str, Any], dtype: str
) -> None:
    agree(train(package, name, options, dtype), train(oracle, name, options, dtype), TOLERANCE[dtype])


@pytest.mark.parametrize("shape", [(4, 5), (7, 3)], ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}, {"weight_decay": 0.0}], ids=label
)
def test_muon_moves_matrices_as_torch_does(
    package: Any, oracle: Any, options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    options = {"lr": 0.02, **options}
    ours, theirs = (train(which, "Muon", options, "float32", [shape]) for which in (package, oracle))
    agree(ours, theirs, 2e-3)  # directions have 8 bits, and a tie in the last one may go the other way


@pytest.mark.parametrize("name", list(RULES))
def test_the_rate_may_be_a_tensor(package: Any, oracle: Any, name: str) -> None:
    ours, theirs = (
        train(which, name, {"lr": which.tensor(0.01, dtype=which.float64)}, "float64") for which in (package, oracle)
    )
    agree(ours, theirs, 1e-13)


@pytest.mark.parametrize("flag", ["foreach", "fused", "capturable"])
def test_flags_about_speed_change_nothing(package: Any, flag: str) -> None:
    agree(train(package, "Adam", {flag: True}, "float64"), train(package, "Adam", {}, "float64"), 0)


def test_betas_may_be_tensors(package: Any, oracle: Any) -> None:
    ours, theirs = (
        train(which, "Adam", {"betas": (which.tensor(0.8), which.tensor(0.9))}, "float32")
        for which in (package, oracle)
    )
    agree(ours, theirs, 2e-6)


@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop"])
def test_a_program_with_groups_trains_as_under_torch(package: Any, oracle: Any, name: str) -> None:
    def program(which: Any) -> list[Any]:
        rng = np.random.default_rng(3)
        params = [which.tensor(rng.standard_normal(shape), requires_grad=True) for shape in SHAPES]
        groups = [{"params": params[:2]}, {"params": params[2], "lr": 0.02, "weight_decay": 0.1}]
        optimizer = getattr(which.optim, name)(groups, lr=0.01)
        optimizer.add_param_group({"params": params[3:]})
        losses = []

        def closure() -> Any:
            optimizer.zero_grad()
            loss = sum((which.sin(3 * p) * p + p**4 / 4).sum() for p in params) + params[1].sum() * params[0]
            loss.backward()
            return loss

        for _ in range(STEPS):
            losses.append(optimizer.step(closure).item())
        return [np.array(losses), *(p.detach().numpy() for p in params)]

    agree(program(package), program(oracle), 1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.3, "max_iter": 5, "history_size": 3},
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "max_iter": 3, "history_size": 2},
        {"line_search_fn": "strong_wolfe", "lr": 4.0, "max_iter": 4},
        {"line_search_fn": "strong_wolfe", "lr": 0.01, "max_eval": 3},
    ],
    ids=label,
)
@pytest.mark.parametrize("kind", ["float64", "complex128"])
def test_lbfgs_calls_the_closure_where_torch_does(
    package: Any, oracle: Any, options: dict[str, Any], kind: str
) -> None:
    def program(which: Any) -> tuple[list[float], list[Any]]:
        rng = np.random.default_rng(0)
        params = [which.tensor(numbers(rng, shape, kind), requires_grad=True) for shape in SHAPES]
        unused = which.tensor(numbers(rng, (2,), kind), requires_grad=True)
        optimizer = which.optim.LBFGS([*params, unused], **options)
        losses = []

        def closure() -> Any:
            optimizer.zero_grad()
            sizes = [(p * p.conj()).real for p in params]
            loss = sum((which.cos(size) + 0.3 * size + 0.05 * size**2).sum() for size in sizes)
            loss = loss + (params[1].real.sum() - params[0].real) ** 2
            loss.backward()
            losses.append(loss.item())
            return loss

        for _ in range(4):
            optimizer.step(closure)
        return losses, [p.detach().numpy() for p in params]

    ours, theirs = program(package), program(oracle)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-7)
    for a, b in zip(ours[1], theirs[1]):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", list(RULES))
def test_a_step_counts_as_a_write_to_the_parameter(package: Any, name: str) -> None:
    p = package.ones(3, requires_grad=True)
    loss = (p * p).sum()
    p.grad = package.ones(3)
    getattr(package.optim, name)([p]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("name", list(RULES))
def test_a_step_leaves_no_graph(package: Any, name: str) -> None:
    p = package.ones(3, requires_grad=True)
    p.grad = package.ones(3)
    optimizer = getattr(package.optim, name)([p])
    optimizer.step()
    assert p.is_leaf
    assert not any(v.requires_grad for v in optimizer.state[p].values() if isinstance(v, package.Tensor))


def differentiable_run(package: Any, name: str, options: dict[str, Any], lr: Any, start: Any) -> Any:
    """Return a function of the parameters after three recorded steps."""
    p = start.clone()
    optimizer = getattr(package.optim, name)([p], lr=lr, differentiable=True, **options)
    for i in range(3):
        p.grad = package.cos(start * (i + 1)) + start
        optimizer.step()
    return p


@pytest.mark.parametrize(
    ("name", "options"),
    [(name, options) for name, options in CASES if name != "Adafactor" and not options.get("maximize")][::3],
    ids=label,
)
def test_recorded_steps_have_the_gradient_of_finite_differences(
    package: Any, name: str, options: dict[str, Any]
) -> None:
    options = {key: value for key, value in options.items() if key != "lr"}
    start = package.tensor([0.3, -0.7, 1.1], dtype=package.float64, requires_grad=True)
    lr = package.tensor(0.05, dtype=package.float64, requires_grad=name not in ("Rprop", "ASGD"))

    def run(start: Any, lr: Any) -> Any:
        return differentiable_run(package, name, options, lr, start)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert package.autograd.gradcheck(run, (start, lr), atol=1e-5)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_recorded_steps_have_the_gradients_of_torch(package: Any, oracle: Any, name: str) -> None:
    def program(which: Any) -> Any:
        start = which.tensor([0.3, -0.7, 1.1], dtype=which.float64, requires_grad=True)
        differentiable_run(which, name, {"weight_decay": 0.1}, 0.05, start).pow(2).sum().backward()
        return start.grad.numpy()

    np.testing.assert_allclose(program(package), program(oracle), rtol=1e-4)  # torch counts its steps in float32
