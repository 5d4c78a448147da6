"""Checklist S-144 to S-163: frozen parts, detach, retain_grad, in-place operations, gradients of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

MODIFIED = (
    "one of the variables needed for gradient computation has been modified by an inplace operation: "
    "[torch.FloatTensor [3]], which is output 0 of Exp, is at version 1; expected version 0 instead."
)


def triple(torch: Any, *size: int) -> list[Any]:
    return [torch.randn(*size, requires_grad=True) for _ in range(3)]


def gradient_penalty(torch: Any, weight: Any, points: Any) -> Any:
    """Mean squared distance to 1 of the norm of the input gradient of a small critic."""
    points = points.detach().requires_grad_(True)
    score = torch.tanh(points @ weight).sum()
    (slope,) = torch.autograd.grad(score, points, create_graph=True)
    return ((slope.norm(dim=1) - 1) ** 2).mean()


def test_s144_the_gradient_penalty_has_the_gradient_of_finite_differences(torch: Any) -> None:
    weight = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    points = torch.randn(6, 2, dtype=torch.float64)
    gradient_penalty(torch, weight, points).backward()
    step, numeric = 1e-6, np.zeros((2, 4))
    for index in np.ndindex(2, 4):
        shifted = []
        for sign in (1, -1):
            moved = weight.detach().clone()
            moved[index] += sign * step
            shifted.append(gradient_penalty(torch, moved, points).item())
        numeric[index] = (shifted[0] - shifted[1]) / (2 * step)
    np.testing.assert_allclose(weight.grad.numpy(), numeric, rtol=1e-6, atol=1e-8)


def test_s145_a_result_requires_grad_if_one_input_does(torch: Any) -> None:
    x, y, z = torch.randn(3, 5), torch.randn(3, 5), torch.randn(3, 5, requires_grad=True)
    assert " o = x + y requires grad ? : %s " % ((x + y).requires_grad) == " o = x + y requires grad ? : False "  # noqa: UP031
    assert (x + y + z).requires_grad is True


def test_s146_backward_never_runs_in_a_frozen_part(torch: Any) -> None:
    ran = []

    class Frozen(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            ran.append("frozen")
            return grad_output

    trained = torch.ones(3, requires_grad=True)
    frozen = Frozen.apply(torch.ones(3))
    (frozen * trained).sum().backward()
    assert (frozen.grad_fn, ran, trained.grad.tolist()) == (None, [], [2.0, 2.0, 2.0])


def test_s147_detach_leaves_the_gradients_behind_it_empty(torch: Any) -> None:
    x, y, z = triple(torch, 3, 5)
    m1 = (x + y).detach()
    (m1 + z**2).backward(torch.ones(3, 5))
    assert (x.grad, y.grad) == (None, None)
    assert z.grad.tolist() == (2 * z).tolist()


def test_s148_twice_a_leaf_displays_its_multiplication(torch: Any) -> None:
    z = torch.tensor([[-0.5, 1.0]], requires_grad=True)
    assert repr(2 * z) == "tensor([[-1.,  2.]], grad_fn=<MulBackward0>)"


def test_s149_two_factors_retain_their_gradients(torch: Any) -> None:
    x, y, z = triple(torch, 3, 5)
    m1, m2 = x + y, z**2
    m1.retain_grad()
    m2.retain_grad()
    (m1 * m2).backward(torch.ones(3, 5), retain_graph=True)
    assert (m1.grad.tolist(), m2.grad.tolist()) == (m2.tolist(), m1.tolist())


def test_s150_the_grad_fn_stands_on_a_line_of_its_own_when_80_columns_are_full(torch: Any) -> None:
    short = torch.tensor([[0.3754, 1.0937, -0.2501, 6.1322, 0.0873]], requires_grad=True) * 1
    assert str(short) == "tensor([[ 0.3754,  1.0937, -0.2501,  6.1322,  0.0873]], grad_fn=<MulBackward0>)"
    long = torch.tensor([[3.3108e-06, 1.5486e-02, 0.63853, 3.6232, -1.0513]], requires_grad=True) * 1
    values = "3.3108e-06,  1.5486e-02,  6.3853e-01,  3.6232e+00, -1.0513e+00"
    assert str(long) == f"tensor([[ {values}]],\n       grad_fn=<MulBackward0>)"


def test_s151_grad_of_intermediate_tensors_displays_as_a_tuple(torch: Any) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    m1, m2 = x + 1, x**2
    gradients = torch.autograd.grad(m1 * m2, [m1, m2], grad_outputs=torch.ones(2))
    assert repr(gradients) == "(tensor([1., 4.]), tensor([2., 3.]))"


def test_s152_autograd_grad_adds_to_a_retained_gradient_on_its_way(torch: Any) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    m = x * 3
    m.retain_grad()
    (m**2).sum().backward(retain_graph=True)
    first = m.grad.tolist()
    torch.autograd.grad((m**2).sum(), x)
    assert (first, m.grad.tolist()) == ([6.0, 12.0], [12.0, 24.0])


def test_s153_the_retained_gradient_prints_as_in_the_lecture(torch: Any) -> None:
    values = [
        [0.6212, 0.5811, 0.2544, 4.1275, 0.8646],
        [1.0281, 0.2820, 3.6466, 0.5199, 0.0090],
        [1.5856, 3.1191, 0.2506, 0.2187, 0.9117],
    ]
    m1 = torch.zeros(3, 5, requires_grad=True) * 1
    m1.retain_grad()
    (m1 * torch.tensor(values)).sum().backward()
    rows = [
        "[0.6212, 0.5811, 0.2544, 4.1275, 0.8646]",
        "[1.0281, 0.2820, 3.6466, 0.5199, 0.0090]",
        "[1.5856, 3.1191, 0.2506, 0.2187, 0.9117]",
    ]
    assert "dm3/dm1 \n\n %s " % (m1.grad) == "dm3/dm1 \n\n tensor([" + ",\n        ".join(rows) + "]) "  # noqa: UP031


@pytest.mark.parametrize("name", ["log_", "uniform_", "zero_", "exp_"])
def test_s154_in_place_methods_end_in_an_underscore_and_return_their_tensor(torch: Any, name: str) -> None:
    t = torch.ones(3)
    assert getattr(t, name)() is t
    assert t._version == 1


def test_s155_the_logarithm_in_place_of_an_intermediate_tensor_is_differentiable(torch: Any) -> None:
    x = torch.tensor([1.0, 2.0, 4.0], requires_grad=True)
    y = x * 1
    y.log_()
    assert type(y.grad_fn).__name__ == "LogBackward0"
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 0.5, 0.25]


def test_s156_overwriting_a_value_that_the_gradient_needs_raises(torch: Any) -> None:
    x = torch.ones(3, requires_grad=True)
    y = torch.exp(x)
    y.add_(1)
    with pytest.raises(RuntimeError) as caught:
        y.sum().backward()
    assert str(caught.value).startswith(MODIFIED)


@pytest.mark.parametrize("view", [lambda t: t[0], lambda t: t.t(), lambda t: t.view(4)])
def test_s157_writing_to_a_view_rewrites_the_history_of_its_base(torch: Any, view: Callable[[Any], Any]) -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    base = x * 1
    view(base).mul_(10)
    base.sum().backward()
    expected = torch.ones(2, 2)
    view(expected).mul_(10)
    assert x.grad.tolist() == expected.tolist()
    assert base.grad_fn.name() != "MulBackward0"


def test_s157_writing_to_one_of_several_views_of_one_call_raises(torch: Any) -> None:
    first, _ = (torch.ones(2, 3, requires_grad=True) * 1).unbind()
    text = "^Output 0 of Unbind is a view and is being modified inplace. This view is the output of a function"
    with pytest.raises(RuntimeError, match=text):
        first.mul_(2)


def test_s158_writing_to_a_leaf_or_to_a_view_of_a_leaf_raises(torch: Any) -> None:
    x = torch.ones(2, requires_grad=True)
    leaf = r"^a leaf Variable that requires grad is being used in an in-place operation\."
    with pytest.raises(RuntimeError, match=leaf):
        x.add_(1)
    view = r"^a view of a leaf Variable that requires grad is being used in an in-place operation\."
    with pytest.raises(RuntimeError, match=view):
        x[0].add_(1)


def test_s159_a_gradient_with_a_graph_prints_its_grad_fn(torch: Any) -> None:
    z = torch.tensor([0.5, -1.0], requires_grad=True)
    gradient = torch.autograd.grad(z**2, z, grad_outputs=torch.ones(2), retain_graph=True, create_graph=True)[0]
    assert str(gradient) == "tensor([ 1., -2.], grad_fn=<MulBackward0>)"


def test_s160_a_gradient_is_part_of_another_expression(torch: Any) -> None:
    x, y, z = torch.randn(5, 3), torch.randn(3, 5), torch.randn(5, 5, requires_grad=True)
    ones = torch.ones(5, 5)
    o = torch.mm(x, y) + z**2
    slope = torch.autograd.grad(o, z, grad_outputs=ones, create_graph=True)[0]
    (second,) = torch.autograd.grad(o**3 + slope, z, grad_outputs=ones)
    expected = (3 * o**2 * 2 * z + 2).detach().numpy()
    np.testing.assert_allclose(second.numpy(), expected, rtol=1e-5, atol=1e-5)


def test_s161_rows_of_a_wide_range_print_in_scientific_form(torch: Any) -> None:
    values = torch.tensor([[34.253, -9.4891, 1.9251, -0.5524, 37.409], [1.6217, 941.63, -13.887, -432.27, 6.7477]])
    assert str(values) == (
        "tensor([[ 3.4253e+01, -9.4891e+00,  1.9251e+00, -5.5240e-01,  3.7409e+01],\n"
        "        [ 1.6217e+00,  9.4163e+02, -1.3887e+01, -4.3227e+02,  6.7477e+00]])"
    )


def test_s162_a_gradient_without_graph_cannot_be_differentiated(torch: Any) -> None:
    z = torch.ones(3, requires_grad=True)
    (gradient,) = torch.autograd.grad((z**2).sum(), z)
    assert gradient.requires_grad is False
    with pytest.raises(RuntimeError, match=r"^element 0 of tensors does not require grad"):
        gradient.sum().backward()


def test_s163_the_gradient_of_an_unused_input_raises_or_is_none(torch: Any) -> None:
    x, unused = torch.ones(3, requires_grad=True), torch.ones(2, requires_grad=True)
    text = "^The differentiated Tensor at index 0 appears to not have been used in the graph. Set allow_unused=True"
    with pytest.raises(RuntimeError, match=text):
        torch.autograd.grad(x.sum(), unused)
    assert torch.autograd.grad(x.sum(), [x, unused], allow_unused=True)[1] is None
