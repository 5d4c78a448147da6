"""Checklist S-52 to S-68: the vector-Jacobian product, no_grad, detach, Function."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from tests.tutorials.packages import plain


def doubled(x: Any) -> Any:
    """Doubled until its norm reaches 1000."""
    y = x * 2
    while y.data.norm() < 1000:
        y = y * 2
    return y


def printed_vector(torch: Any) -> Any:
    """An input whose doubled value is the vector that the tutorial prints."""
    return (torch.tensor([17.2887, -413.4647, -995.9421]) / 1024).requires_grad_(True)


def test_s52_ones_that_require_grad_print(torch: Any) -> None:
    assert repr(torch.ones(2, 2, requires_grad=True)) == "tensor([[1., 1.],\n        [1., 1.]], requires_grad=True)"


def test_s53_x_plus_2_prints_and_so_does_its_grad_fn(torch: Any) -> None:
    y = torch.ones(2, 2, requires_grad=True) + 2
    assert repr(y) == "tensor([[3., 3.],\n        [3., 3.]], grad_fn=<AddBackward0>)"
    assert plain(repr(y.grad_fn)) == "<AddBackward0 object at 0x...>"


def test_s54_print_joins_two_tensors_with_a_space(torch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    y = torch.ones(2, 2, requires_grad=True) + 2
    z = y * y * 3
    print(z, z.mean())
    expected = (
        "tensor([[27., 27.],\n        [27., 27.]], grad_fn=<MulBackward0>) tensor(27., grad_fn=<MeanBackward0>)\n"
    )
    assert capsys.readouterr().out == expected


def test_s55_tracking_starts_when_requires_grad_is_set(torch: Any) -> None:
    a = torch.randn(2, 2)
    a = (a * 3) / (a - 1)
    before = a.requires_grad
    a.requires_grad_(True)
    assert (before, a.requires_grad) == (False, True)
    assert plain((a * a).sum().grad_fn) == "<SumBackward0 object at 0x...>"


def test_s56_backward_fills_the_gradient_of_the_leaf(torch: Any) -> None:
    x = torch.ones(2, 2, requires_grad=True)
    (3 * (x + 2) ** 2).mean().backward()
    assert str(x.grad) == "tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])"


def test_s57_backward_of_a_scalar_equals_backward_of_1(torch: Any) -> None:
    gradients = []
    for arguments in [(), (torch.tensor(1.0),)]:
        x = torch.ones(2, 2, requires_grad=True)
        (3 * (x + 2) ** 2).mean().backward(*arguments)
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1]


def test_s58_backward_of_v_is_the_product_of_v_and_the_jacobian(torch: Any) -> None:
    matrix = torch.tensor([[1.0, 2.0, 0.5], [-1.0, 3.0, 4.0]])
    jacobian = np.zeros((2, 3))
    for i in range(2):
        x = torch.tensor([0.3, -0.7, 1.1], requires_grad=True)
        torch.tanh(torch.mv(matrix, x))[i].backward()
        jacobian[i] = x.grad.numpy()
    v = torch.tensor([2.0, -5.0])
    x = torch.tensor([0.3, -0.7, 1.1], requires_grad=True)
    torch.tanh(torch.mv(matrix, x)).backward(v)
    np.testing.assert_allclose(x.grad.numpy(), v.numpy() @ jacobian, rtol=1e-5)


def test_s59_with_v_the_gradient_of_l_the_product_is_the_gradient_of_l_of_y(torch: Any) -> None:
    x = torch.tensor([0.3, -0.7, 1.1], requires_grad=True)
    y = torch.exp(x)
    v = torch.autograd.grad((y**3).sum(), y, retain_graph=True)[0]
    y.backward(v)
    direct = torch.tensor([0.3, -0.7, 1.1], requires_grad=True)
    (torch.exp(direct) ** 3).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), direct.grad.numpy(), rtol=1e-6)


def test_s60_the_loop_ends_with_three_values_and_a_multiplication(torch: Any) -> None:
    text = str(doubled(torch.randn(3, requires_grad=True)))
    assert re.fullmatch(r"tensor\(\[ *-?[\d.]+, +-?[\d.]+, +-?[\d.]+\], grad_fn=<MulBackward0>\)", text)


def test_s61_the_widest_value_sets_the_width_of_the_columns(torch: Any) -> None:
    y = doubled(printed_vector(torch))
    assert str(y) == "tensor([  17.2887, -413.4647, -995.9421], grad_fn=<MulBackward0>)"


def test_s62_the_gradient_is_v_times_the_factor_of_the_loop(torch: Any) -> None:
    x = printed_vector(torch)
    v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)
    doubled(x).backward(v)
    assert x.grad.tolist() == (v * 1024).tolist()


def test_s63_values_of_a_wide_range_print_in_scientific_form(torch: Any) -> None:
    x = printed_vector(torch)
    doubled(x).backward(torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float))
    assert str(x.grad) == "tensor([1.0240e+02, 1.0240e+03, 1.0240e-01])"


def test_s64_under_no_grad_a_power_does_not_require_grad(torch: Any) -> None:
    x = torch.randn(3, requires_grad=True)
    flags = [x.requires_grad, (x**2).requires_grad]
    with torch.no_grad():
        flags.append((x**2).requires_grad)
    assert flags == [True, True, False]


def test_s65_a_detached_tensor_equals_its_source(torch: Any) -> None:
    x = torch.randn(3, requires_grad=True)
    y = x.detach()
    assert f"{x.requires_grad} {y.requires_grad} {x.eq(y).all()!s}" == "True False tensor(True)"


def test_s66_no_grad_keeps_no_graph_and_is_left_on_exceptions(torch: Any) -> None:
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(KeyError), torch.no_grad():
        y = x * 2
        raise KeyError
    assert (y.grad_fn, y.is_leaf) == (None, True)
    assert torch.is_grad_enabled()
    with torch.no_grad():
        with torch.no_grad():
            pass
        assert not torch.is_grad_enabled()


def test_s67_every_iteration_may_record_another_graph(torch: Any) -> None:
    x = torch.tensor(3.0, requires_grad=True)
    slopes = []
    for power in range(1, 4):
        y = x
        for _ in range(power - 1):
            y = y * x
        slopes.append(torch.autograd.grad(y, x)[0].item())
    assert slopes == [1.0, 6.0, 27.0]


def test_s68_a_subclass_of_function_is_applied_with_apply(torch: Any) -> None:
    class Square(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 2 * x * grad_output

    x = torch.tensor(3.0, requires_grad=True)
    Square.apply(x).backward()
    assert str(x.grad) == "tensor(6.)"
