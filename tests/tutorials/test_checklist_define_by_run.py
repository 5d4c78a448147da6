"""Checklist S-120 to S-143: define-by-run, autograd.grad, printing of wide tensors, graphs that were freed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

TWICE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)

# What the lecture prints of x, w and of two gradients; b follows from them to five digits.
X = [
    [0.2177, -2.6580, 1.0147],
    [-0.6363, -0.6095, 1.7360],
    [-0.3301, -1.1459, 0.1440],
    [1.2289, 1.0900, -0.4834],
    [1.5760, -0.5638, -0.1654],
]
W = [
    [1.2075, 0.0066, 0.8835, -0.1077, 1.9702, -0.9342, 1.1622, -0.3672, -0.8283, -1.8957],
    [1.9502, 1.4504, 0.6729, 1.2803, -0.9831, 1.2466, -0.5352, -0.4427, -0.5211, 0.1783],
    [1.7587, 0.4763, 0.1377, -0.1767, -0.4174, -2.3581, -0.0181, -0.5909, 0.1494, -0.0503],
]
B = [-1.2090, 2.4478, 0.6289, -0.4855, -0.1159, -0.5819, 0.0804, 0.0051, 0.8396, 0.3468]
DO_DX = [-78.0972, -89.0173, -108.0126]
DO_DW = [
    [-1.7009, 0.8401, 3.2694, -4.2352, -17.7416, -3.5337, 25.5621, 399.4747, 2.4492, 5.9285],
    [3.2153, -1.5881, -6.1805, 8.0062, 33.5385, 6.6800, -48.3222, -755.1607, -4.6299, -11.2072],
    [-1.8577, 0.9175, 3.5708, -4.6257, -19.3772, -3.8594, 27.9186, 436.3015, 2.6750, 6.4751],
]
DO_DB = [0.78524, 0.76015, 1.2382, 23.736, -516.28, 35.622, -684.51, 13629.0, -0.93367, 39.101]


def inputs(torch: Any) -> tuple[Any, Any, Any]:
    """x, w and b of the lecture."""
    b = np.sum(X, axis=0)[0] / np.array(DO_DW[0], dtype=np.float32)
    leaves = [torch.tensor(X), torch.tensor(W), torch.from_numpy(b.astype(np.float32))]
    return tuple(leaf.requires_grad_(True) for leaf in leaves)  # type: ignore[return-value]


def random_inputs(torch: Any) -> tuple[Any, Any, Any]:
    return tuple(torch.randn(*size, requires_grad=True) for size in [(5, 3), (3, 10), (10,)])  # type: ignore[return-value]


def test_s120_one_input_that_requires_grad_is_enough_for_a_node(torch: Any) -> None:
    z = torch.mm(torch.randn(5, 3, requires_grad=True), torch.randn(3, 5))
    assert z.grad_fn.name() == "MmBackward0"
    assert type(z.grad_fn).__name__ == "MmBackward0"


def test_s121_calling_a_grad_fn_evaluates_it(torch: Any) -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * torch.tensor([2.0, 2.0, 5.0])
    result = y.grad_fn(torch.tensor([1.0, 10.0, 1.0]))
    first = result[0] if isinstance(result, tuple) else result
    assert first.tolist() == [2.0, 20.0, 5.0]


def test_s122_each_iteration_records_the_branch_it_took(torch: Any) -> None:
    names = []
    for value in (-1.0, 1.0):
        x = torch.tensor(value, requires_grad=True)
        y = x * 2 if x > 0 else x + 2
        names.append(y.grad_fn.name())
    assert names == ["AddBackward0", "MulBackward0"]


def test_s123_backward_takes_its_gradient_by_keyword(torch: Any) -> None:
    x = torch.randn(5, 3, requires_grad=True)
    y = torch.randn(5, 3, requires_grad=True)
    (x**2 + 3 * y).backward(gradient=torch.ones(5, 3))
    assert x.grad is not None
    assert str(x).endswith("]], requires_grad=True)")


def test_s124_one_small_value_makes_the_whole_tensor_scientific(torch: Any) -> None:
    x = torch.tensor([[-0.48153, -1.3644], [-1.7590, -0.00081949]], requires_grad=True)
    rows = "[[-4.8153e-01, -1.3644e+00],\n        [-1.7590e+00, -8.1949e-04]]"
    assert str(x) == f"tensor({rows}, requires_grad=True)"


def test_s125_the_gradient_displayed_is_twice_the_input(torch: Any) -> None:
    x = torch.randn(5, 3, requires_grad=True)
    (x**2).backward(gradient=torch.ones(5, 3))
    assert repr(x.grad) == repr((2 * x).detach())


def test_s126_the_gradient_of_a_multiple_is_its_factor(torch: Any) -> None:
    y = torch.randn(5, 3, requires_grad=True)
    (3 * y).backward(gradient=torch.ones(5, 3))
    assert repr(y.grad) == "tensor([" + ",\n        ".join(["[3., 3., 3.]"] * 5) + "])"


def test_s127_eq_compares_elementwise_and_the_gradient_is_exact(torch: Any) -> None:
    x = torch.randn(5, 3, requires_grad=True)
    (x**2).backward(gradient=torch.ones(5, 3))
    equal = torch.eq(x.grad, 2 * x)
    assert equal.dtype is torch.bool
    assert repr(equal) == "tensor([" + ",\n        ".join(["[True, True, True]"] * 5) + "])"


def test_s128_a_call_of_grad_frees_only_the_nodes_that_it_runs(torch: Any) -> None:
    x = torch.randn(5, 3, requires_grad=True)
    y = torch.randn(5, 3, requires_grad=True)
    z = x**2 + 3 * y
    ones = torch.ones(5, 3)
    (dx,) = torch.autograd.grad(z, x, grad_outputs=ones)
    (dy,) = torch.autograd.grad(z, y, grad_outputs=ones)
    assert (dx.tolist(), dy.tolist()) == ((2 * x).tolist(), [[3.0] * 3] * 5)
    with pytest.raises(RuntimeError, match=r"^Trying to backward through the graph a second time"):
        torch.autograd.grad(z, x, grad_outputs=ones)


def test_s129_data_of_a_matrix_prints_in_rows(torch: Any) -> None:
    x = torch.tensor(X, requires_grad=True)
    rows = (
        "[[ 0.2177, -2.6580,  1.0147],",
        "        [-0.6363, -0.6095,  1.7360],",
        "        [-0.3301, -1.1459,  0.1440],",
        "        [ 1.2289,  1.0900, -0.4834],",
        "        [ 1.5760, -0.5638, -0.1654]]",
    )
    assert str(x.data) == "tensor(" + "\n".join(rows) + ")"


def test_s130_long_rows_wrap_at_80_columns(torch: Any) -> None:
    first = str(torch.tensor(W).data).splitlines()[:2]
    assert first == [
        "tensor([[ 1.2075,  0.0066,  0.8835, -0.1077,  1.9702, -0.9342,  1.1622, -0.3672,",
        "         -0.8283, -1.8957],",
    ]


def test_s131_a_long_vector_wraps_under_its_first_value(torch: Any) -> None:
    assert str(torch.tensor(B)).splitlines() == [
        "tensor([-1.2090,  2.4478,  0.6289, -0.4855, -0.1159, -0.5819,  0.0804,  0.0051,",
        "         0.8396,  0.3468])",
    ]


def test_s132_matmul_plus_a_vector_has_the_values_of_the_lecture(torch: Any) -> None:
    x, w, _ = inputs(torch)
    o = torch.matmul(x, w) + torch.tensor(B, requires_grad=True)
    assert str(o).endswith("grad_fn=<AddBackward0>)")
    first = [-4.3450, -0.9225, -0.8276, -4.0915, 2.5027, -6.4917, 1.7377, 0.5024, 2.1961, -0.5907]
    np.testing.assert_allclose(o[0].tolist(), first, atol=5e-4)


def test_s133_grad_of_three_inputs_returns_a_tuple_of_three(torch: Any) -> None:
    x, w, b = inputs(torch)
    gradients = torch.autograd.grad(torch.matmul(x, w) + b, [x, w, b], grad_outputs=torch.ones(5, 10))
    assert isinstance(gradients, tuple)
    assert [tuple(gradient.shape) for gradient in gradients] == [(5, 3), (3, 10), (10,)]
    np.testing.assert_allclose(gradients[0][0].tolist(), [1.0969, 4.2964, -1.0893], atol=5e-4)
    assert str(gradients[2]) == "tensor([5., 5., 5., 5., 5., 5., 5., 5., 5., 5.])"


def test_s134_percent_s_formats_a_tensor(torch: Any) -> None:
    assert "do/db : \n\n %s " % (torch.ones(3)) == "do/db : \n\n tensor([1., 1., 1.]) "  # noqa: UP031


def test_s135_the_gradients_of_a_quotient_have_the_values_of_the_lecture(torch: Any) -> None:
    x, w, b = inputs(torch)
    o = torch.matmul(x, w) / b
    dx, dw, db = torch.autograd.grad(o, [x, w, b], grad_outputs=torch.ones(5, 10))
    np.testing.assert_allclose(dx.numpy(), [DO_DX] * 5, atol=0.05)
    np.testing.assert_allclose(dw.numpy(), DO_DW, rtol=2e-4)
    np.testing.assert_allclose(db.numpy(), DO_DB, rtol=5e-3)


def test_s136_values_of_three_digits_print_in_columns(torch: Any) -> None:
    row = "[ -78.0972,  -89.0173, -108.0126]"
    assert str(torch.tensor([DO_DX] * 5)) == "tensor([" + ",\n        ".join([row] * 5) + "])"


def test_s137_wide_columns_wrap_after_six(torch: Any) -> None:
    assert str(torch.tensor(DO_DW)).splitlines() == [
        "tensor([[  -1.7009,    0.8401,    3.2694,   -4.2352,  -17.7416,   -3.5337,",
        "           25.5621,  399.4747,    2.4492,    5.9285],",
        "        [   3.2153,   -1.5881,   -6.1805,    8.0062,   33.5385,    6.6800,",
        "          -48.3222, -755.1607,   -4.6299,  -11.2072],",
        "        [  -1.8577,    0.9175,    3.5708,   -4.6257,  -19.3772,   -3.8594,",
        "           27.9186,  436.3015,    2.6750,    6.4751]])",
    ]


def test_s138_a_scientific_vector_wraps_after_five(torch: Any) -> None:
    assert str(torch.tensor(DO_DB)).splitlines() == [
        "tensor([ 7.8524e-01,  7.6015e-01,  1.2382e+00,  2.3736e+01, -5.1628e+02,",
        "         3.5622e+01, -6.8451e+02,  1.3629e+04, -9.3367e-01,  3.9101e+01])",
    ]


def test_s139_backward_of_a_matrix_takes_ones_of_its_shape(torch: Any) -> None:
    x, w, b = random_inputs(torch)
    (torch.mm(x, w) + b).backward(torch.ones(5, 10))
    np.testing.assert_allclose(x.grad.numpy(), np.tile(w.detach().numpy().sum(axis=1), (5, 1)), rtol=1e-5, atol=1e-6)


def fail_to_backward_twice(torch: Any, x: Any, w: Any, b: Any) -> str:
    """The message of a backward pass through a graph that an earlier one has freed."""
    o = torch.mm(x, w) + b
    o.backward(torch.ones(5, 10))
    with pytest.raises(RuntimeError) as caught:
        (o**3).backward(torch.ones(5, 10))
    return str(caught.value)


def test_s140_backward_through_a_freed_graph_raises_the_text_of_the_lecture(torch: Any) -> None:
    assert fail_to_backward_twice(torch, *random_inputs(torch)).splitlines()[0] == TWICE


def test_s141_the_failed_backward_reached_the_gradient_of_b_but_not_those_of_x_and_w(torch: Any) -> None:
    x, w, b = random_inputs(torch)
    fail_to_backward_twice(torch, x, w, b)
    x_once = np.tile(w.detach().numpy().sum(axis=1), (5, 1))
    w_once = np.tile(x.detach().numpy().sum(axis=0)[:, None], (1, 10))
    np.testing.assert_allclose(x.grad.numpy(), x_once, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(w.grad.numpy(), w_once, rtol=1e-5, atol=1e-6)
    o = (torch.mm(x, w) + b).detach().numpy()
    np.testing.assert_allclose(b.grad.numpy(), 5 + (3 * o**2).sum(axis=0), rtol=1e-5)


def test_s142_three_backward_passes_give_three_times_the_gradient(torch: Any) -> None:
    x, w, b = random_inputs(torch)
    (torch.mm(x, w) + b).backward(torch.ones(5, 10))
    once = x.grad.clone()
    o = torch.mm(x, w) + b
    for _ in range(2):
        o.backward(torch.ones(5, 10), retain_graph=True)
    np.testing.assert_allclose(x.grad.numpy(), 3 * once.numpy(), rtol=1e-6)


def test_s143_saved_values_cannot_be_read_once_they_are_freed(torch: Any) -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * x
    assert y.grad_fn._saved_self.tolist() == [1.0, 1.0, 1.0]
    y.sum().backward()
    with pytest.raises(RuntimeError) as caught:
        _ = y.grad_fn._saved_self
    assert str(caught.value).splitlines()[0] == TWICE
