"""Checklist S-1 to S-40: construction, printing, graphs, gradients and first higher derivatives."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tutorials.packages import plain

TWOS = "tensor([[2., 2.],\n        [2., 2.]])"


def loop(x: Any) -> tuple[Any, int]:
    """Doubled until its norm reaches 1000, and the number of doublings."""
    y, count = x * 2, 1
    while y.data.norm() < 1000:
        y, count = y * 2, count + 1
    return y, count


def test_s1_ones_that_require_grad_print_the_flag(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    assert str(x) == "tensor([[1., 1.],\n        [1., 1.]], requires_grad=True)"


def test_s2_a_tensor_made_by_the_user_is_a_leaf_without_grad_fn_or_grad(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    assert (x.grad_fn, x.grad, x.is_leaf) == (None, None, True)


def test_s3_a_sum_prints_its_grad_fn(torch: Any) -> None:
    y = torch.ones(2, 2, requires_grad=True) + 2
    assert str(y) == "tensor([[3., 3.],\n        [3., 3.]], grad_fn=<AddBackward0>)"


def test_s4_a_grad_fn_prints_as_an_object_without_module(torch: Any) -> None:
    y = torch.ones(2, 2, requires_grad=True) + 2
    assert plain(y.grad_fn) == "<AddBackward0 object at 0x...>"


def test_s5_a_product_and_its_mean_print_their_grad_fn(torch: Any) -> None:
    y = torch.ones(2, 2, requires_grad=True) + 2
    z = y * y * 3
    assert str(z) == "tensor([[27., 27.],\n        [27., 27.]], grad_fn=<MulBackward0>)"
    assert str(z.mean()) == "tensor(27., grad_fn=<MeanBackward0>)"


def test_s6_a_power_prints_its_grad_fn(torch: Any) -> None:
    q = torch.ones(2, 2, requires_grad=True) ** 2
    assert str(q) == "tensor([[1., 1.],\n        [1., 1.]], grad_fn=<PowBackward0>)"


def test_s7_random_tensors_and_their_quotients_are_not_tracked(torch: Any) -> None:
    a = torch.randn(2, 2)
    a = (a * 3) / (a - 1)
    assert (a.requires_grad, a.grad_fn) == (False, None)


def test_s8_requires_grad_in_place_returns_the_tensor_itself(torch: Any) -> None:
    a = torch.randn(2, 2)
    assert a.requires_grad_(True) is a
    assert a.requires_grad is True


def test_s9_requires_grad_in_place_means_true_and_can_be_cleared(torch: Any) -> None:
    a = torch.randn(2, 2)
    assert a.requires_grad_().requires_grad is True
    assert a.requires_grad_(False).requires_grad is False


def test_s10_the_sum_of_squares_has_a_sum_node(torch: Any) -> None:
    a = torch.randn(2, 2).requires_grad_(True)
    assert plain((a * a).sum().grad_fn) == "<SumBackward0 object at 0x...>"


def test_s11_detach_stops_tracking_and_shares_the_data(torch: Any) -> None:
    x = torch.ones(3, requires_grad=True)
    y = (x * 2).detach()
    assert (y.requires_grad, (y + 1).grad_fn) == (False, None)
    assert x.detach().data_ptr() == x.data_ptr()


def test_s12_the_graph_is_reached_from_grad_fn_through_next_functions(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    out = ((x + 2) * 3).mean()
    node, names = out.grad_fn, []
    while node.next_functions:
        names.append(node.name())
        node = node.next_functions[0][0]
    assert names == ["MeanBackward0", "MulBackward0", "AddBackward0"]
    assert type(node).__name__ == "AccumulateGrad"
    assert node.variable is x


def test_s13_backward_of_several_elements_needs_a_gradient(torch: Any) -> None:
    y = torch.ones(3, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match=r"^grad can be implicitly created only for scalar outputs"):
        y.backward()


def test_s14_the_gradient_must_have_the_shape_of_the_output(torch: Any) -> None:
    y = torch.ones(3, requires_grad=True) * 2
    text = (
        r"^Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[2\]\)"
        r" and output\[0\] has a shape of torch.Size\(\[3\]\)\."
    )
    with pytest.raises(RuntimeError, match=text):
        y.backward(torch.ones(2))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_s15_one_element_of_any_shape_needs_no_gradient(torch: Any, shape: tuple[int, ...]) -> None:
    x = torch.ones(shape, requires_grad=True)
    (x * 3).backward()
    assert x.grad.tolist() == torch.full(shape, 3.0).tolist()


def test_s21_the_gradient_of_the_mean_is_4_5_everywhere(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    (y * y * 3).mean().backward()
    assert str(x.grad) == "tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])"


@pytest.mark.parametrize("one", [1, 1.0])
def test_s22_backward_of_a_scalar_equals_backward_of_one_even_of_integer_one(torch: Any, one: float) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    (x * x).sum().backward(torch.tensor(one))
    assert str(x.grad) == TWOS


def test_s23_gradients_accumulate(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    for _ in range(2):
        x.sum().backward()
    assert str(x.grad) == TWOS


def test_s24_the_gradient_of_a_sum_of_squares_is_twice_the_vector(torch: Any) -> None:
    a = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], requires_grad=True)
    total = torch.sum(a * a)
    total.backward()
    assert str(total) == "tensor(55., grad_fn=<SumBackward0>)"
    assert str(a.grad) == "tensor([ 2.,  4.,  6.,  8., 10.])"


def test_s25_a_comparison_of_tensors_decides_a_while_loop(torch: Any) -> None:
    y, count = loop(torch.tensor([3.0, 4.0], requires_grad=True))
    assert (y.data.norm().item(), count) == (1280.0, 8)


def test_s26_the_norm_is_a_scalar_with_the_name_of_the_vector_norm(torch: Any) -> None:
    y = torch.tensor([3.0, 4.0], requires_grad=True).norm()
    assert str(y) == "tensor(5., grad_fn=<LinalgVectorNormBackward0>)"


def test_s28_backward_through_the_norm_gives_the_scaled_direction(torch: Any) -> None:
    x = torch.tensor([3.0, 4.0], requires_grad=True)
    y, count = loop(x)
    y.norm().backward()
    assert x.grad.tolist() == pytest.approx([2**count * 0.6, 2**count * 0.8], rel=1e-6)


def test_s29_no_grad_switches_tracking_off_inside_its_block_only(torch: Any) -> None:
    x = torch.ones(3, requires_grad=True)
    with torch.no_grad():
        inside = (x**2).requires_grad
    assert (x.requires_grad, (x**2).requires_grad, inside) == (True, True, False)


def test_s30_print_takes_a_label_and_a_tensor(torch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    print("A", torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True))
    assert capsys.readouterr().out == "A tensor([[1., 2.],\n        [3., 4.]], requires_grad=True)\n"


def test_s31_a_matrix_product_prints_its_grad_fn(torch: Any) -> None:
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert str(torch.mm(a, a)) == "tensor([[ 7., 10.],\n        [15., 22.]], grad_fn=<MmBackward0>)"


def test_s32_an_entry_of_a_product_depends_on_its_row_and_column_only(torch: Any) -> None:
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    torch.mm(a, a)[0, 0].backward()
    assert str(a.grad) == "tensor([[2., 3.],\n        [2., 0.]])"


def test_s33_the_argument_of_backward_selects_an_entry(torch: Any) -> None:
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    torch.mm(a, a).backward(torch.tensor([[1.0, 0], [0, 0]]))
    assert str(a.grad) == "tensor([[2., 3.],\n        [2., 0.]])"


def test_s34_a_cube_prints_beside_its_input_and_an_empty_gradient(torch: Any) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    shown = f"{x!s} {x.grad!s} {x**3!s}"
    assert shown == "tensor(2., requires_grad=True) None tensor(8., grad_fn=<PowBackward0>)"


def test_s35_autograd_grad_returns_a_tuple_of_one_differentiable_gradient(torch: Any) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    result = torch.autograd.grad(outputs=x**3, inputs=x, create_graph=True)
    assert isinstance(result, tuple)
    assert repr(result) == "(tensor(12., grad_fn=<MulBackward0>),)"


def test_s36_autograd_grad_leaves_grad_empty(torch: Any) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    torch.autograd.grad(x**3, x)
    assert x.grad is None
    assert f"{x.detach()}" == "2.0"


def test_s37_backward_of_a_gradient_gives_the_second_derivative(torch: Any) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    torch.autograd.grad(x**3, x, create_graph=True)[0].backward()
    assert str(x.grad) == "tensor(12.)"


def test_s38_tanh_prints_four_digits_and_its_grad_fn(torch: Any) -> None:
    y = torch.tanh(torch.tensor(2.0, requires_grad=True))
    assert str(y) == "tensor(0.9640, grad_fn=<TanhBackward0>)"


def test_s39_the_derivative_of_tanh_names_the_double_backward(torch: Any) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    a = torch.autograd.grad(torch.tanh(x), x, create_graph=True)[0]
    assert str(a) == "tensor(0.0707, grad_fn=<TanhBackwardBackward0>)"


def test_s40_the_second_derivative_of_tanh_is_minus_0_1362(torch: Any) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    a = torch.autograd.grad(torch.tanh(x), x, create_graph=True)[0]
    a.backward(torch.ones_like(x))
    assert str(x.grad) == "tensor(-0.1362)"
