"""``debug.nan_origin`` names the first operator that made a NaN or infinity, forward or backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wengert as torch
from tests.debug.places import place
from wengert import debug

INF = float("inf")


def leaf(*values: float) -> Any:
    return torch.tensor(list(values), requires_grad=True)


# -- forward ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "program"),
    [
        ("log", lambda: (leaf(1.0, 0.0).log() * 2).sum(0)),
        ("sqrt", lambda: leaf(1.0, -1.0).sqrt().mean()),
        ("div", lambda: (leaf(1.0, 0.0) / leaf(1.0, 0.0)).sum(0)),
        ("reciprocal", lambda: (1 / (leaf(1.0, 0.0) * 2)).sum(0)),
        ("exp", lambda: leaf(1.0, 100.0).exp().sum()),
        ("pow", lambda: (leaf(1.0, 0.0) ** -1.5).sum(0)),
        ("acos", lambda: leaf(0.5, 2.0).acos().sum()),
        ("mul", lambda: (leaf(1e30, 1.0) * leaf(1e30, 1.0)).sum(0)),
    ],
)
def test_the_operator_that_made_it_is_named_and_not_one_that_passed_it_on(
    operator: str, program: Callable[[], Any]
) -> None:
    found = debug.nan_origin(program())
    assert found.where == "forward"
    assert found.step is not None and found.step.operator == operator
    assert all(not stat.bad for stat in found.inputs)
    assert any(stat.bad for stat in found.outputs)
    assert found.advice


def test_the_line_and_the_values_at_the_first_bad_element_are_shown() -> None:
    x = leaf(1.0, 0.0, -1.0)
    y = x.log()  # the logarithm
    text = str(debug.nan_origin((y * 2).sum()))
    assert f"first produced by log at {place(__file__, 'the logarithm')}" in text
    assert "self: shape [3], from -1 to 1, all finite" in text
    assert "result: shape [3], from 0 to 0, 1 NaN and 1 inf" in text
    assert "at [1]: self = 0 -> -inf" in text
    assert "log of 0 is -inf" in text


def test_infinities_that_turn_into_nan_later_name_both_operators() -> None:
    e = leaf(1.0, 100.0).exp()
    found = debug.nan_origin((e / e.sum()).sum())
    assert found.step is not None and found.step.operator == "exp"
    assert "the infinities turn into NaN in div" in str(found)


def test_data_that_hold_nan_are_told_from_operators_that_make_it() -> None:
    found = debug.nan_origin((leaf(1.0, float("nan")) * 2).sum())
    assert found.where == "leaf"
    assert "a leaf of mul at" in str(found)
    assert "self: shape [2], from 1 to 1, 1 NaN" in str(found)


def test_a_saved_constant_that_holds_nan_is_not_blamed_on_the_operator() -> None:
    found = debug.nan_origin((leaf(1.0, 2.0) * torch.tensor([1.0, float("nan")])).sum())
    assert found.where == "constant"
    assert "the operand other, which carries no gradient, of mul at" in str(found)


def test_zero_times_a_constant_infinity_is_explained() -> None:
    found = debug.nan_origin((leaf(0.0, 2.0) * torch.tensor([INF, 1.0])).sum())
    assert found.where == "forward"
    assert "0 * inf is NaN" in str(found)


def test_what_is_computed_from_a_mask_of_infinities_is_not_blamed() -> None:
    x = leaf(1.0, 2.0)
    masked = x.masked_fill(x > 1.5, -INF) * 2 + 1
    loss = (masked.softmax(0) * torch.ones(2)).sum() + x.log().sum() + (x - 3).log().sum()
    found = debug.nan_origin(loss)
    assert found.step is not None and found.step.operator == "log"


def test_a_constant_that_was_not_kept_is_suspected_on_its_own_line() -> None:
    c = torch.tensor([1.0, INF])
    found = debug.nan_origin((leaf(1.0, 2.0) + c).sum())
    assert found.step is not None and found.step.operator == "add"
    assert "an operand without gradient (not kept either) held it already" in str(found)


def test_a_mask_with_infinities_is_not_blamed_but_an_empty_row_is_explained() -> None:
    x = leaf(1.0, 2.0)
    masked = x.masked_fill(x > 0, -INF)
    found = debug.nan_origin(masked.softmax(0).sum())
    assert found.step is not None and found.step.operator == "softmax"
    assert "every element of a row is -inf" in str(found)


def test_a_freed_graph_says_so_instead_of_guessing() -> None:
    loss = (leaf(1.0, 0.0).log() * 2).sum()
    loss.backward()
    found = debug.nan_origin(loss)
    assert found.where == "unknown"
    assert "nan_origin(loss) before loss.backward()" in str(found)


# -- backward -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("operator", "f"), [("sqrt", lambda x: x.sqrt()), ("log", lambda x: x.log())])
def test_the_branch_not_taken_by_where_is_explained_as_zero_times_infinity(
    operator: str, f: Callable[[Any], Any]
) -> None:
    x = leaf(1.0, 0.0)
    y = torch.where(x > 0, f(x), torch.zeros(2))  # the mask
    found = debug.nan_origin(y.sum())
    assert found.where == "backward"
    assert found.step is not None and found.step.operator == operator
    assert "0 * inf = NaN" in str(found)
    assert f"made 0 by where at {place(__file__, 'the mask')}" in str(found)
    assert "safe = where(mask, x, 1.0)" in found.advice


def test_a_mask_by_multiplication_is_explained_too() -> None:
    x = leaf(1.0, 0.0)
    y = x.sqrt() * (x > 0)  # the product
    found = debug.nan_origin(y.sum())
    assert found.step is not None and found.step.operator == "sqrt"
    assert (
        f"0 * inf = NaN: a mask on the result comes too late (made 0 by mul at {place(__file__, 'the product')})"
        in str(found)
    )


def test_the_advice_on_where_mends_the_gradient() -> None:
    x = leaf(1.0, 0.0)
    safe = torch.where(x > 0, x, 1.0)
    y = torch.where(x > 0, safe.sqrt(), 0.0)
    assert not debug.nan_origin(y.sum())


def test_an_infinite_slope_without_a_mask_is_not_explained_by_one() -> None:
    found = debug.nan_origin(leaf(1.0, 0.0).sqrt().sum())
    assert found.where == "backward"
    assert "0 * inf" not in str(found)
    assert "1 / (2 sqrt(x))" in str(found)


def test_the_gradient_of_a_distance_of_equal_points_is_found() -> None:
    a = leaf(1.0, 2.0)
    found = debug.nan_origin(((a - a) ** 2).sum().sqrt())
    assert found.step is not None and found.step.operator == "sqrt"


def test_a_custom_backward_that_divides_by_zero_is_found() -> None:
    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 1

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad / (ctx.saved_tensors[0] * 0)

    found = debug.nan_origin(Bad.apply(leaf(1.0, 2.0)).sum())
    assert found.where == "backward"
    assert found.step is not None and found.step.operator == "bad"


# -- both ---------------------------------------------------------------------------------------------------------------


def test_nothing_is_found_where_all_is_finite() -> None:
    found = debug.nan_origin((leaf(1.0, 2.0) * 3).sum())
    assert found.where == "nowhere"
    assert not found


def test_grad_hooks_and_saved_values_are_not_touched() -> None:
    x = leaf(1.0, 4.0)
    called: list[Any] = []
    h = x.sqrt()
    h.register_hook(called.append)
    x.register_hook(called.append)
    loss = (h * h).sum()
    assert not debug.nan_origin(loss)
    assert x.grad is None and called == []
    loss.backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert len(called) == 2


def test_recording_is_on_again_afterwards() -> None:
    x = leaf(1.0)
    debug.nan_origin((x * 2).sum())
    assert (x * 2).requires_grad


def test_views_broadcasts_and_matrix_products_are_followed() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    h = (x @ torch.ones(3, 2)).t()[0].reshape(2, 1) - 3.0
    found = debug.nan_origin(h.log().mean())
    assert found.step is not None and found.step.operator == "log"


def test_a_chain_of_thousands_of_operators_needs_no_recursion() -> None:
    x = leaf(0.0)
    y = x.sqrt()
    for _ in range(3000):
        y = y * 1.0
    found = debug.nan_origin(y.sum())
    assert found.step is not None and found.step.operator == "sqrt"


def test_a_leaf_that_is_not_finite_has_no_operator_to_blame() -> None:
    assert debug.nan_origin(leaf(INF)).where == "leaf"


def test_something_else_than_a_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match="must be Tensor, not float"):
        debug.nan_origin(float("nan"))  # type: ignore[arg-type]
