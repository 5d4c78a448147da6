"""Checklist S-69 to S-87: leaves, NumPy arrays, .grad and .grad_fn, gradients that accumulate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.tutorials.packages import plain


def test_s69_four_random_values_print_in_columns_with_signs(torch: Any) -> None:
    x = torch.tensor([[1.2734, -1.4395], [1.9824, 1.8353]], requires_grad=True)
    assert str(x) == "tensor([[ 1.2734, -1.4395],\n        [ 1.9824,  1.8353]], requires_grad=True)"
    assert torch.randn(2, 2, requires_grad=True).requires_grad is True


def test_s70_a_tensor_from_numpy_can_require_grad(torch: Any) -> None:
    x = torch.from_numpy(np.array([1.0, 2.0, 3.0]))
    x.requires_grad_(True)
    assert plain(x) == "tensor([1., 2., 3.], dtype=torch.float64, requires_grad=True)"


def test_s71_from_numpy_shares_memory_with_the_array(torch: Any) -> None:
    array = np.array([1.0, 2.0, 3.0])
    x = torch.from_numpy(array)
    array[0] = 7.0
    x[1] = 8.0
    assert (x.tolist(), array.tolist()) == ([7.0, 8.0, 3.0], [7.0, 8.0, 3.0])


def test_s72_integers_cannot_require_grad(torch: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^Only Tensors of floating point and complex dtype can require gradients"):
        torch.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"^only Tensors of floating point dtype can require gradients"):
        torch.tensor([1, 2]).requires_grad_(True)


def test_s73_data_prints_without_requires_grad(torch: Any) -> None:
    x = torch.from_numpy(np.array([1.0, 2.0, 3.0])).requires_grad_(True)
    assert plain(x.data) == "tensor([1., 2., 3.], dtype=torch.float64)"


def test_s74_a_fresh_leaf_has_neither_grad_nor_grad_fn(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    assert f"{x.grad} {x.grad_fn}" == "None None"


def test_s75_a_sum_prints_itself_and_its_node(torch: Any) -> None:
    y = torch.ones(2, 2, requires_grad=True) + 2
    assert str(y) == "tensor([[3., 3.],\n        [3., 3.]], grad_fn=<AddBackward0>)"
    assert plain(y.grad_fn) == "<AddBackward0 object at 0x...>"


def test_s76_the_mean_is_named_mean_backward_0(torch: Any) -> None:
    y = torch.ones(2, 2, requires_grad=True) + 2
    z = y * y * 3
    assert str(z) == "tensor([[27., 27.],\n        [27., 27.]], grad_fn=<MulBackward0>)"
    assert str(z.mean()) == "tensor(27., grad_fn=<MeanBackward0>)"


def test_s77_results_are_not_leaves_and_the_input_is(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    z = y * y * 3
    assert [(t.is_leaf, t.requires_grad) for t in (y, z, x)] == [(False, True), (False, True), (True, True)]


def test_s78_tensors_that_do_not_require_grad_are_leaves(torch: Any) -> None:
    x = torch.ones(2, 2)
    assert x.is_leaf
    assert (x * 2 + 1).is_leaf


def test_s79_backward_of_the_mean_gives_4_5(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    (y * y * 3).mean().backward()
    assert str(x.grad) == "tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])"


def test_s80_backward_of_ones_through_a_sum_gives_ones(torch: Any) -> None:
    x = torch.ones(2, 2)
    x.requires_grad_(True)
    (x + 2).backward(torch.ones(2, 2))
    assert str(x.grad) == "tensor([[1., 1.],\n        [1., 1.]])"


def test_s81_a_tensor_serves_in_new_expressions_after_backward(torch: Any) -> None:
    y = torch.ones(2, 2, requires_grad=True) + 2
    y.backward(torch.ones(2, 2))
    assert str(y * y) == "tensor([[9., 9.],\n        [9., 9.]], grad_fn=<MulBackward0>)"


def test_s82_backward_repeats_through_an_addition_because_it_saves_nothing(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    for _ in range(3):
        y.backward(torch.full((2, 2), 0.5))
    assert x.grad.tolist() == [[1.5, 1.5], [1.5, 1.5]]


def test_s83_the_accumulated_gradients_print_as_in_the_notebook(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    y.backward(torch.ones(2, 2))
    printed = []
    for _ in range(3):
        y.backward(torch.tensor([[1.44350, -0.48038], [1.40120, -0.89723]]))
        printed.append(str(x.grad))
    assert printed == [
        "tensor([[2.4435, 0.5196],\n        [2.4012, 0.1028]])",
        "tensor([[ 3.8870,  0.0392],\n        [ 3.8024, -0.7945]])",
        "tensor([[ 5.3305, -0.4411],\n        [ 5.2036, -1.6917]])",
    ]


def test_s84_the_old_keyword_retain_variables_is_refused(torch: Any) -> None:
    with pytest.raises(TypeError, match="retain_variables"):
        torch.ones(1, requires_grad=True).sum().backward(retain_variables=True)


def test_s85_tensors_live_on_the_cpu(torch: Any) -> None:
    x = torch.ones(2)
    assert (x.device, str(x.device), x.device.type) == (torch.device("cpu"), "cpu", "cpu")
    assert x.to("cpu") is x
    assert torch.cuda.is_available() is False


def test_s86_variable_is_an_alias_that_still_works(torch: Any) -> None:
    from_variable = torch.autograd.Variable(torch.ones(2), requires_grad=True)
    assert type(from_variable) is torch.Tensor
    assert str(from_variable) == "tensor([1., 1.], requires_grad=True)"


def test_s87_gradients_land_in_leaves_only(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.sum().backward()
    with pytest.warns(UserWarning, match="not a leaf Tensor"):
        assert y.grad is None
    assert x.grad.tolist() == [2.0, 2.0]
