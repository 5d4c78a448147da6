"""Infinities and counts of zero: the values and gradients of PyTorch, and no floating-point warnings."""

from __future__ import annotations

from typing import Any

import pytest

INF = float("inf")


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5]])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_rows_that_are_ignored_receive_no_gradient_even_if_all_are(
    oracle: Any, package: Any, reduction: str, weight: list[float] | None
) -> None:
    found = []
    for module in (oracle, package):
        x = module.tensor([[1.0, 2.0, -INF], [3.0, 4.0, 5.0]], requires_grad=True)
        factors = None if weight is None else module.tensor(weight)
        loss = module.nn.functional.nll_loss(x, module.tensor([-100, -100]), factors, reduction=reduction)
        loss.sum().backward()
        found.append([loss.detach().numpy().tolist(), x.grad.tolist()])
    assert repr(found[0]) == repr(found[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_products_of_infinities_give_no_warnings(package: Any, dtype: str) -> None:
    kind = getattr(package, dtype)
    a, b = package.tensor([INF, INF, 1.0], dtype=kind), package.tensor([1.0, INF, INF], dtype=kind)
    assert str(package.linalg.cross(a, b).tolist()) == "[nan, -inf, nan]"


def test_products_of_infinities_give_no_warnings(package: Any) -> None:
    row, column = package.tensor([[INF, 0.0]]), package.tensor([[0.0], [1.0]])
    for dtype in (package.float16, package.float32, package.float64):
        assert package.isnan(row.to(dtype) @ column.to(dtype)).all()


CHOICES = {
    "nextafter": lambda t, x, y: t.nextafter(x, y),
    "copysign": lambda t, x, y: t.copysign(x, y),
    "heaviside": lambda t, x, y: t.heaviside(x, y),
    "sign": lambda t, x, y: x.sign(),
    "nan_to_num": lambda t, x, y: x.nan_to_num(),
    "nan_to_num, all given": lambda t, x, y: x.nan_to_num(3, 4, 5),
    "nan_to_num to infinity": lambda t, x, y: x.nan_to_num(float("inf")),
    "softshrink": lambda t, x, y: t.nn.functional.softshrink(x) + 0,  # PyTorch gives zeros of either sign
    "hardshrink": lambda t, x, y: t.nn.functional.hardshrink(x),
    "hardsigmoid": lambda t, x, y: t.nn.functional.hardsigmoid(x),
    "clamp": lambda t, x, y: x.clamp(-0.25, 2),
}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("count", [1, 9000])
@pytest.mark.parametrize("name", CHOICES)
def test_choices_among_special_values_and_neighbours_are_exact(
    oracle: Any, package: Any, name: str, count: int, dtype: str
) -> None:
    values = [0.0, -0.0, 1.0, -1.0, 0.3, 2.5, 65504.0, 6e-8, -6e-8, INF, -INF, float("nan")]
    found = []
    for module in (oracle, package):
        x = module.tensor(values, dtype=getattr(module, dtype)).repeat(count)
        y = x.reshape(count, -1).flip(1).reshape(-1)
        found.append(CHOICES[name](module, x, y).double().tolist())
    assert repr(found[0]) == repr(found[1])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64"])
def test_integers_scaled_by_alpha_wrap_around(oracle: Any, package: Any, dtype: str) -> None:
    found = []
    for module in (oracle, package):
        x = module.tensor([1, 100, 120], dtype=getattr(module, dtype))
        found.append([f(x, x, alpha=a).tolist() for f in (module.add, module.sub, module.rsub) for a in (2, 3, -1, -2)])
        found[-1].append(x.clone().sub_(x, alpha=3).tolist())
    assert found[0] == found[1]


PRODUCTS = (
    "t.addmm(a, b, b{})",
    "t.addmv(a[0], b, b[0]{})",
    "t.addr(a, b[0], b[1]{})",
    "t.addbmm(a, s, s{})",
    "t.baddbmm(s, s, s{})",
)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64"])
@pytest.mark.parametrize("text", PRODUCTS)
def test_factors_of_added_products_of_integers_wrap_around(oracle: Any, package: Any, text: str, dtype: str) -> None:
    found = []
    for module in (oracle, package):
        a = module.tensor([[1, 100], [120, 3]], dtype=getattr(module, dtype))
        space = {"t": module, "a": a, "b": a + 1, "s": module.stack([a, a + 2])}
        found.append(
            [eval(text.format(f", alpha={f}, beta={g}"), space).tolist() for f in (-1, 2, 0) for g in (3, -2, 0)]
        )
    assert found[0] == found[1]


def test_addr_of_bools_takes_numbers_as_truth(oracle: Any, package: Any) -> None:
    found = []
    for module in (oracle, package):
        a, b = module.tensor([[True, False], [False, False]]), module.tensor([True, True])
        for numbers in ({"alpha": 2}, {"beta": 3}, {"alpha": 0, "beta": -1}, {"alpha": False, "beta": 0}):
            result = module.addr(a, b, b, **numbers)
            found.append((str(result.dtype).split(".")[-1], result.numpy().dtype, result.tolist()))
    assert found[:4] == found[4:]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("name", ["svd", "svdvals", "pinv"])
def test_a_matrix_with_infinities_has_no_singular_values_and_leaves_those_beside_it(
    package: Any, capfd: pytest.CaptureFixture[str], dtype: str, name: str
) -> None:
    function = getattr(package.linalg, name)
    x = package.eye(3, dtype=getattr(package, dtype)).repeat(3, 1, 1)
    x[1, 0, 0] = x[1, 2, 1] = -float("inf")
    results = function(x)
    for found, alone in zip(*([r] if name != "svd" else r for r in (results, function(x[0])))):
        assert found[1].isnan().all()
        assert package.equal(found[0], alone)
        assert package.equal(found[2], alone)
    assert capfd.readouterr().out == ""
