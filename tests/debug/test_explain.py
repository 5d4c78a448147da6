"""``debug.explain`` says why a gradient is there or missing, and names lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wengert as torch
from tests.debug.places import place
from wengert import debug


def leaf(n: int = 3) -> Any:
    return torch.ones(n, requires_grad=True)


# -- a path is there ----------------------------------------------------------------------------------------------------


def test_before_backward_the_path_is_shown_with_operators_and_lines_in_order() -> None:
    x, w = leaf(), leaf()
    y = x * w  # the product
    loss = y.exp().sum()  # the sum
    found = debug.explain(loss, x)
    assert found.verdict == "not_yet"
    assert [step.operator for step in found.path] == ["mul", "exp", "sum"]
    assert str(found.path[0]) == f"mul at {place(__file__, 'the product')}"
    assert str(found.path[2]) == f"sum at {place(__file__, 'the sum')}"
    assert "loss.backward() will" in str(found)


def test_after_backward_the_gradient_is_described() -> None:
    x = leaf()
    loss = (x * 3).sum()
    loss.backward()
    found = debug.explain(loss, x)
    assert found.verdict == "has_grad"
    assert "x.grad is there: shape [3], largest magnitude 3" in str(found)


def test_cleared_gradients_of_a_freed_graph_are_told_from_a_pass_that_never_ran() -> None:
    x = leaf()
    loss = (x * x).sum()
    loss.backward()
    x.grad = None
    found = debug.explain(loss, x)
    assert found.verdict == "cleared"
    assert "zero_grad()" in str(found)


def test_a_computed_tensor_is_told_to_retain_its_gradient() -> None:
    h = leaf() * 2  # computes h
    loss = h.sum()
    found = debug.explain(loss, h)
    assert found.verdict == "not_leaf"
    assert f"it was computed by mul at {place(__file__, 'computes h')}" in str(found)
    assert "h.retain_grad() before backward()" in str(found)


def test_a_computed_tensor_that_retains_its_gradient_has_it() -> None:
    h = leaf() * 2
    h.retain_grad()
    loss = h.sum()
    loss.backward()
    assert debug.explain(loss, h).verdict == "has_grad"


def test_a_zero_gradient_is_put_down_to_rounding() -> None:
    x = leaf()
    loss = x.round().sum()
    loss.backward()
    assert "it is zero: round is flat, its derivative is 0" in str(debug.explain(loss, x))


def test_a_gradient_with_nan_points_to_nan_origin() -> None:
    x = torch.zeros(1, requires_grad=True)
    loss = (x.sqrt() * 0).sum()
    loss.backward()
    assert "nan_origin(loss)" in str(debug.explain(loss, x))


def test_a_long_path_is_shortened_and_needs_no_recursion() -> None:
    x = leaf()
    y = x
    for _ in range(5000):
        y = y + 1
    found = debug.explain(y.sum(), x)
    assert len(found.path) == 5001
    assert "... 4987 more ..." in str(found)


def test_the_shortest_of_several_paths_is_shown() -> None:
    x = leaf()
    loss = (x.exp().sin() + x).sum()
    assert [step.operator for step in debug.explain(loss, x).path] == ["add", "sum"]


def test_a_leaf_as_its_own_loss_has_the_empty_path() -> None:
    x = leaf(1)
    assert debug.explain(x, x).verdict == "not_yet"


# -- no path ------------------------------------------------------------------------------------------------------------


def test_a_leaf_that_does_not_require_grad_is_told_how_to() -> None:
    x, w = torch.ones(3), leaf()
    loss = (x * w).sum()
    found = debug.explain(loss, x)
    assert found.verdict == "no_requires_grad"
    assert "x.requires_grad_() before loss is computed" in str(found)


def test_integers_have_no_gradient() -> None:
    x, w = torch.arange(3), leaf()
    loss = (x * w).sum()
    assert debug.explain(loss, x).verdict == "not_floating"


def test_an_unrelated_loss_names_what_it_does_depend_on() -> None:
    x, w = leaf(), leaf(2)
    loss = w.exp().sum()
    found = debug.explain(loss, x)
    assert found.verdict == "unused"
    assert len(found.depends_on) == 1 and found.depends_on[0] is w
    assert "w (leaf, shape [2]) through exp, sum" in str(found)


def test_a_tensor_overwritten_after_use_stands_for_its_new_value() -> None:
    u = leaf() * 1
    loss = (u * 2).sum()
    u.add_(1)  # overwrites
    found = debug.explain(loss, u)
    assert found.verdict == "overwritten"
    assert f"changed at: {place(__file__, 'overwrites')}" in str(found)


def test_a_value_that_was_never_used_is_not_called_overwritten() -> None:
    a = leaf()
    loss = a.exp().sum()
    u = a * 1
    u.add_(1)
    assert debug.explain(loss, u).verdict == "unused"


def test_a_gradient_of_another_loss_is_told_from_one_of_this() -> None:
    x, w = leaf(), leaf()
    x.sum().backward()
    loss = w.sum()
    assert str(debug.explain(loss, x)).startswith("x.grad is not of this loss: loss does not depend on x.")


def test_an_input_computed_from_data_is_told_that_nothing_requires_grad() -> None:
    data, w = torch.ones(3), leaf()
    x = data * 2
    loss = (x * w).sum()
    found = debug.explain(loss, x)
    assert found.verdict == "no_requires_grad"
    assert "nothing in it requires grad (data)" in str(found)


def detached() -> tuple[Any, Any]:
    x, w = leaf(), leaf()
    h = (x * 2).detach()
    return (h * w).sum(), x


def data() -> tuple[Any, Any]:
    x, w = leaf(), leaf()
    return ((x * 2).data * w).sum(), x


def without_recording() -> tuple[Any, Any]:
    x = leaf()
    with torch.no_grad():
        h = x * 2
    return (h + 1).sum(), x


def item() -> tuple[Any, Any]:
    x = leaf()
    return torch.tensor(x.sum().item()), x


def numpy() -> tuple[Any, Any]:
    x, w = leaf(), leaf()
    array = (x * 2).detach().numpy()
    return (torch.from_numpy(array) * w).sum(), x


def copied() -> tuple[Any, Any]:
    x = leaf()
    with pytest.warns(UserWarning, match="clone"):
        return torch.tensor(x * 2).sum(), x


def argmax() -> tuple[Any, Any]:
    x = leaf()
    return x.argmax().float(), x


def comparison() -> tuple[Any, Any]:
    x = leaf()
    return (x > 0.5).float().mean(), x


def new_leaf() -> tuple[Any, Any]:
    x = leaf()
    h = (x * 2).detach().requires_grad_()
    return h.sum(), x


def dropped_in_place() -> tuple[Any, Any]:
    x = leaf()
    h = x * 2
    h.detach_()
    return h.sum(), x


@pytest.mark.parametrize(
    ("program", "verdict", "operator"),
    [
        (detached, "detached", "detach"),
        (data, "detached", ".data"),
        (without_recording, "no_grad", "'*'"),
        (item, "number", "item"),
        (numpy, "detached", "detach"),
        (copied, "copied", "tensor"),
        (argmax, "not_differentiable", "argmax"),
        (comparison, "not_differentiable", "'>'"),
        (new_leaf, "detached", "detach"),
        (dropped_in_place, "detached", "detach_"),
    ],
)
def test_a_traced_cut_names_the_operation_and_its_line(
    program: Callable[[], tuple[Any, Any]], verdict: str, operator: str
) -> None:
    with debug.trace():
        loss, x = program()
    found = debug.explain(loss, x)
    assert found.verdict == verdict
    assert found.findings[0].certain
    assert operator in found.findings[0].text
    assert f"cut at:  {found.findings[0].site}" in str(found)
    assert found.findings[0].site.file == __file__


def test_a_tensor_rebuilt_from_a_number_names_both_lines() -> None:
    x = leaf()
    with debug.trace():
        total = x.sum().item()  # leaves
        loss = torch.tensor(total)  # comes back
    text = str(debug.explain(loss, x))
    assert f"cut at:  {place(__file__, 'leaves')}" in text
    assert f"made a tensor by tensor() at {place(__file__, 'comes back')}" in text


def test_a_number_that_was_computed_with_is_the_likely_cut() -> None:
    x = leaf()
    with debug.trace():
        total = x.sum().item()  # exported
        made = [torch.tensor(total * 2)]
    found = debug.explain(made[0], x)
    assert found.verdict == "number" and not found.findings[0].certain
    assert f"cut at:  {place(__file__, 'exported')}" in str(found)
    assert "what follows was probably made of them" in str(found)


def test_a_cut_elsewhere_is_not_blamed() -> None:
    x, w = leaf(), leaf()
    with debug.trace():
        (w * 2).detach()
        loss = w.sum()
    assert debug.explain(loss, x).findings == []


def test_shapes_taken_from_a_tensor_are_no_cut() -> None:
    x, w = leaf(), leaf()
    with debug.trace():
        loss = (torch.zeros_like(x) + w).sum()
    assert debug.explain(loss, x).findings == []


# -- untraced -----------------------------------------------------------------------------------------------------------


def test_untraced_a_detached_value_is_found_by_its_memory() -> None:
    x, w = leaf(), leaf()
    h = x * 2
    parts = [h.detach()]
    loss = (parts[0] * w).sum()
    found = debug.explain(loss, x)
    assert found.verdict == "detached"
    assert "shares the memory of a tensor that requires grad (made by mul at" in str(found)


def test_untraced_the_source_of_the_calling_function_is_read() -> None:
    x = leaf()
    pred = x * 2
    value = pred.sum().item()  # taken out
    loss = torch.tensor(value)
    found = debug.explain(loss, x)
    assert found.verdict == "number"
    assert not found.findings[0].certain
    assert f"cut at:  {place(__file__, 'taken out')}" in str(found)
    assert "by the look of the source" in str(found)


def test_untraced_a_block_without_recording_is_read_from_the_source() -> None:
    x = leaf()
    with torch.no_grad():
        h = x * 2  # unrecorded
    loss = h.sum()
    found = debug.explain(loss, x)
    assert found.verdict == "no_grad"
    assert f"cut at:  {place(__file__, 'unrecorded')}" in str(found)


def test_untraced_data_are_not_taken_for_a_cut() -> None:
    x = leaf()
    data = torch.tensor([1.0, 2.0])
    labels = (data > 1.5).float()
    loss = ((data - labels) ** 2).sum()  # no parameter in it
    found = debug.explain(loss, x)
    assert found.verdict == "nothing_required"
    assert f"made at: {place(__file__, 'no parameter in it')}" in str(found)
    assert "nothing in it requires grad (data and labels)" in str(found)


def test_untraced_a_function_of_the_program_may_hide_the_cut() -> None:
    def predict(x: Any) -> Any:
        with torch.no_grad():
            return x * 2

    x = leaf()
    h = predict(torch.ones(3))
    loss = h.sum()
    assert debug.explain(loss, x).verdict == "no_graph"


def test_untraced_a_function_that_is_decorated_with_no_grad_is_named() -> None:
    @torch.no_grad()
    def predict(x: Any) -> Any:
        return x * 2

    x = leaf()
    h = predict(x)  # decorated
    loss = h.sum()
    found = debug.explain(loss, x)
    assert found.verdict == "no_grad"
    assert f"cut at:  {place(__file__, 'decorated')}" in str(found)
    assert "predict is decorated with no_grad, by the look of the source" in str(found)


def test_untraced_without_any_evidence_a_trace_is_advised() -> None:
    x = leaf()
    made = [torch.tensor(4.0)]
    found = debug.explain(made[0], x)
    assert found.verdict == "no_graph"
    assert "try: run it again under `with wengert.debug.trace():`" in str(found)


# -- form ---------------------------------------------------------------------------------------------------------------


def test_it_prints_as_its_text() -> None:
    x = leaf()
    found = debug.explain(x.sum(), x)
    assert str(found) == repr(found) == found.text


def test_arguments_that_are_no_tensors_are_refused() -> None:
    with pytest.raises(TypeError, match="argument 'x' \\(position 2\\) must be Tensor, not float"):
        debug.explain(leaf(), 1.0)  # type: ignore[arg-type]


def test_nothing_is_changed() -> None:
    x = leaf()
    h = x * 2
    loss = (h * h).sum()
    debug.explain(loss, x)
    assert x.grad is None and not h.retains_grad
    loss.backward()
    assert x.grad.tolist() == [8.0, 8.0, 8.0]
