"""Checklist S-88 to S-119: retain_graph, detach, hooks, Functions of one's own, no_grad, retain_grad."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tutorials.packages import plain

TWICE = r"^Trying to backward through the graph a second time \(or directly access saved tensors"
MODIFIED = r"^one of the variables needed for gradient computation has been modified by an inplace operation"


@pytest.fixture
def a(torch: Any) -> Any:
    return torch.tensor((1.0, 2.0, 3.0), requires_grad=True)


@pytest.fixture
def b(torch: Any) -> Any:
    return torch.tensor((2.0, 4.0, 6.0), requires_grad=True)


@pytest.fixture
def custom_function(torch: Any) -> Any:
    """The product, with gradients of the wrong sign and in the wrong order."""

    class custom_function(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.x = x
            ctx.y = y
            return x * y

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            print(f"bp_grad : {grad_output}")
            return -ctx.x * grad_output, -ctx.y * grad_output

    return custom_function


def test_s88_wrapping_in_variable_works_and_is_not_needed(torch: Any) -> None:
    x = torch.autograd.Variable(torch.rand(3, 3))
    assert (type(x), tuple(x.shape), x.requires_grad) == (torch.Tensor, (3, 3), False)


def test_s89_tensors_from_tuples_print(a: Any, b: Any) -> None:
    assert f"{a.data!s} {b.data!s}" == "tensor([1., 2., 3.]) tensor([2., 4., 6.])"


def test_s90_gradients_print_in_columns_of_equal_width(a: Any, b: Any) -> None:
    ((a * b) ** 2).sum().backward()
    assert f"{a.grad!s} {b.grad!s}" == "tensor([  8.,  64., 216.]) tensor([  4.,  32., 108.])"


def test_s91_every_operation_names_its_node(torch: Any, a: Any, b: Any) -> None:
    c = a * b
    d = c**2
    names = [plain(t.grad_fn) for t in (c, d, torch.sum(d))]
    assert names == [f"<{name} object at 0x...>" for name in ("MulBackward0", "PowBackward0", "SumBackward0")]


def test_s92_grad_fn_is_the_same_object_on_every_access(a: Any, b: Any) -> None:
    c = a * b
    assert c.grad_fn is c.grad_fn
    assert (c**2).grad_fn.next_functions[0][0] is c.grad_fn


def test_s93_the_grad_of_an_intermediate_tensor_is_none_and_warns(a: Any, b: Any) -> None:
    c = a * b
    c.sum().backward()
    with pytest.warns(UserWarning, match=r"use \.retain_grad\(\) on the non-leaf Tensor"):
        assert c.grad is None


def test_s94_retain_graph_allows_a_second_backward_that_doubles_the_gradients(a: Any, b: Any) -> None:
    e = ((a * b) ** 2).sum()
    e.backward(retain_graph=True)
    e.backward()
    assert f"{a.grad!s} {b.grad!s}" == "tensor([ 16., 128., 432.]) tensor([  8.,  64., 216.])"


def test_s95_without_retain_graph_a_second_backward_raises(a: Any, b: Any) -> None:
    e = ((a * b) ** 2).sum()
    e.backward()
    with pytest.raises(RuntimeError, match=TWICE):
        e.backward()


def test_s96_backward_of_a_vector_takes_ones_of_its_length(torch: Any, a: Any, b: Any) -> None:
    c = a * b
    (c**2).backward(torch.ones(c.shape[0]))
    assert f"{a.grad!s} {b.grad!s}" == "tensor([  8.,  64., 216.]) tensor([  4.,  32., 108.])"


def test_s97_backward_of_z_equals_backward_of_the_sum_of_the_product_with_z(torch: Any, a: Any) -> None:
    z = torch.tensor([3.0, -1.0, 0.5])
    (a**2).backward(z)
    other = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
    torch.sum(other**2 * z).backward()
    assert a.grad.tolist() == other.grad.tolist()


def test_s98_backward_starts_in_the_middle_of_the_graph_with_the_gradient_there(torch: Any, a: Any, b: Any) -> None:
    c = a * b
    middle = torch.autograd.grad((c**2).sum(), c, retain_graph=True)[0]
    c.backward(middle)
    assert str(a.grad) == "tensor([  8.,  64., 216.])"


def test_s99_backward_of_a_detached_expression_raises(torch: Any) -> None:
    one = torch.tensor((1.0, 1.0, 1.0), requires_grad=True)
    text = r"^element 0 of tensors does not require grad and does not have a grad_fn"
    with pytest.raises(RuntimeError, match=text):
        torch.sum(one.detach() ** 2).backward()


def test_s100_a_detached_tensor_neither_requires_grad_nor_has_a_grad_fn(a: Any, b: Any) -> None:
    c = (a * b).detach()
    assert f"{c.requires_grad} {c.grad_fn}" == "False None"


def test_s101_detach_shares_storage_so_that_writing_changes_the_source(a: Any) -> None:
    a.detach().zero_()
    assert a.tolist() == [0.0, 0.0, 0.0]


def test_s102_a_hook_sees_and_prints_the_gradient(a: Any, b: Any, capsys: pytest.CaptureFixture[str]) -> None:
    d = (a * b) ** 2
    d.register_hook(print)
    d.sum().backward()
    assert capsys.readouterr().out == "tensor([1., 1., 1.])\n"


def test_s103_the_return_value_of_a_hook_replaces_the_gradient(a: Any, b: Any) -> None:
    d = (a * b) ** 2
    d.register_hook(lambda grad: -grad)
    d.sum().backward()
    assert f"{a.grad!s} {b.grad!s}" == "tensor([  -8.,  -64., -216.]) tensor([  -4.,  -32., -108.])"


def test_s104_hooks_run_in_order_may_return_none_and_can_be_removed(a: Any) -> None:
    seen: list[Any] = []
    d = a * 2
    d.register_hook(lambda grad: seen.append(("first", grad.tolist())))
    d.register_hook(lambda grad: grad * 10)
    removed = d.register_hook(lambda grad: grad * 1000)
    d.register_hook(lambda grad: seen.append(("last", grad.tolist())))
    removed.remove()
    d.sum().backward()
    assert seen == [("first", [1.0] * 3), ("last", [10.0] * 3)]
    assert a.grad.tolist() == [20.0] * 3


def test_s105_the_backward_of_a_function_reads_what_forward_put_on_ctx(
    a: Any, b: Any, custom_function: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    custom_function.apply(a, b).sum().backward()
    assert capsys.readouterr().out == "bp_grad : tensor([1., 1., 1.])\n"


def test_s106_gradients_of_a_function_are_used_as_they_are(a: Any, b: Any, custom_function: Any) -> None:
    custom_function.apply(a, b).sum().backward()
    assert f"{a.grad!s} {b.grad!s}" == "tensor([-1., -2., -3.]) tensor([-2., -4., -6.])"


def test_s107_the_node_of_a_function_names_its_module(a: Any, b: Any, custom_function: Any) -> None:
    node = custom_function.apply(a, b).grad_fn
    assert plain(node) == "<torch.autograd.function.custom_functionBackward object at 0x...>"


def test_s108_the_result_of_a_function_prints_its_node(a: Any, b: Any, custom_function: Any) -> None:
    c = custom_function.apply(a, b)
    assert str(c) == "tensor([ 2.,  8., 18.], grad_fn=<custom_functionBackward>)"


def test_s109_a_grad_fn_still_prints_after_its_graph_was_freed(a: Any, b: Any) -> None:
    d = (a * b) ** 2
    d.sum().backward()
    assert plain(d.grad_fn) == "<PowBackward0 object at 0x...>"


def test_s110_saved_inputs_come_back_identical(torch: Any, a: Any) -> None:
    found = []

    class Square(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            found.append(ctx.saved_tensors[0])
            return 2 * found[0] * grad_output

    Square.apply(a).sum().backward()
    assert found[0] is a
    assert a.grad.tolist() == [2.0, 4.0, 6.0]


def returning(torch: Any, *gradients: Any) -> Any:
    """A Function of two inputs whose backward returns the given gradients."""

    class Fixed(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x * y

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            return gradients

    return Fixed


def test_s111_backward_must_return_one_gradient_per_input_in_its_shape(torch: Any, a: Any, b: Any) -> None:
    ones = torch.ones(3)
    count = r"^function FixedBackward returned an incorrect number of gradients \(expected 2, got 1\)"
    with pytest.raises(RuntimeError, match=count):
        returning(torch, ones).apply(a, b).sum().backward()
    shape = r"^Function FixedBackward returned an invalid gradient at index 1 - got \[7\] but expected shape compatible"
    with pytest.raises(RuntimeError, match=shape):
        returning(torch, ones, torch.ones(7)).apply(a, b).sum().backward()


def test_s112_forward_records_nothing_and_other_arguments_take_none(torch: Any, a: Any) -> None:
    modes = []

    class Scale(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, factor: float, name: str) -> Any:
            modes.append((torch.is_grad_enabled(), (x * factor).grad_fn))
            ctx.factor = factor
            return x * factor

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            return grad_output * ctx.factor, None, None

    Scale.apply(a, 3.0, "triple").sum().backward()
    assert modes == [(False, None)]
    assert a.grad.tolist() == [3.0, 3.0, 3.0]


def test_s113_writing_under_no_grad_keeps_the_grad_fn(torch: Any, a: Any, b: Any) -> None:
    d = (a * b) ** 2
    with torch.no_grad():
        d.mul_(2)
    assert plain(d.grad_fn) == "<PowBackward0 object at 0x...>"
    assert d.tolist() == [8.0, 128.0, 648.0]


def test_s114_the_gradients_are_those_of_the_recorded_expression(torch: Any, a: Any, b: Any) -> None:
    d = (a * b) ** 2
    with torch.no_grad():
        d.mul_(2)
    d.sum().backward()
    assert f"{a.grad!s} {b.grad!s}" == "tensor([  8.,  64., 216.]) tensor([  4.,  32., 108.])"


def test_s115_a_node_that_saved_the_value_notices_the_write(torch: Any, a: Any) -> None:
    y = torch.exp(a)
    with torch.no_grad():
        y.mul_(2)
    assert y._version == 1
    with pytest.raises(RuntimeError, match=MODIFIED):
        y.sum().backward()


def test_s116_a_leaf_may_be_written_under_no_grad_only(torch: Any, a: Any) -> None:
    with torch.no_grad():
        a.mul_(2)
    assert a.tolist() == [2.0, 4.0, 6.0]
    text = r"^a leaf Variable that requires grad is being used in an in-place operation\."
    with pytest.raises(RuntimeError, match=text):
        a.mul_(2)


def test_s117_retain_grad_keeps_the_gradient_of_an_intermediate_tensor(a: Any, b: Any) -> None:
    d = (a * b) ** 2
    d.retain_grad()
    before = str(d.grad)
    d.sum().backward()
    assert (before, str(d.grad)) == ("None", "tensor([1., 1., 1.])")


def test_s118_retain_grad_needs_a_tensor_that_requires_grad_and_changes_no_leaf(torch: Any, a: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^can't retain_grad on Tensor that has requires_grad=False"):
        torch.ones(2).retain_grad()
    a.retain_grad()
    assert a.retains_grad is False
    a.sum().backward()
    assert a.grad.tolist() == [1.0, 1.0, 1.0]


def test_s119_a_retained_gradient_is_the_one_after_the_hooks(a: Any) -> None:
    d = a * 2
    d.retain_grad()
    d.register_hook(lambda grad: grad * 7)
    d.sum().backward()
    assert d.grad.tolist() == [7.0, 7.0, 7.0]
