"""Checklist S-41 to S-50: derivatives of tanh on NumPy arrays, their plots, float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.harness import package_name
from tests.tutorials.packages import run_python


def derivatives(torch: Any, values: np.ndarray[Any, Any], order: int) -> list[np.ndarray[Any, Any]]:
    """tanh and its derivatives up to ``order``, as the notebook computes them: x.grad emptied and filled again."""
    x = torch.tensor(values, requires_grad=True)
    terms = [torch.tanh(x)]
    ones = torch.ones_like(x)
    for _ in range(order - 1):
        terms += torch.autograd.grad(outputs=terms[-1], inputs=x, grad_outputs=ones, create_graph=True)
    results = [terms[0].detach().numpy()]
    for term in terms:
        if x.grad is not None:
            x.grad.data.zero_()
        term.backward(ones, retain_graph=True)
        results.append(x.grad.numpy().copy())
    return results


def test_s41_grad_can_be_imported_from_the_autograd_module() -> None:
    package = package_name()
    shim = "" if package == "torch" else f"from {package}.interop import install_torch; install_torch(); "
    code = shim + "from torch.autograd import grad; import torch; print(grad is torch.autograd.grad)"
    assert run_python("-c", code) == "True\n"


def test_s42_a_tensor_of_a_float64_array_is_a_copy_and_stays_float64(torch: Any) -> None:
    array = np.linspace(-3, 3, 5)
    x = torch.tensor(array, requires_grad=True)
    array[0] = 99.0
    assert (x.dtype, x[0].item(), x.requires_grad) == (torch.float64, -3.0, True)


def test_s43_tanh_and_its_derivative_equal_those_of_numpy(torch: Any) -> None:
    values = np.linspace(-3, 3, 100)
    y, dy = derivatives(torch, values, 1)
    np.testing.assert_allclose(y, np.tanh(values), rtol=1e-15)
    np.testing.assert_allclose(dy, 1 - np.tanh(values) ** 2, rtol=1e-12)


def test_s44_matplotlib_plots_values_and_gradients(torch: Any) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    values = np.linspace(-3, 3, 100)
    x = torch.tensor(values, requires_grad=True)
    y = torch.tanh(x)
    y.backward(torch.ones_like(x))
    lines = pyplot.plot(values, y.detach().numpy()) + pyplot.plot(values, x.grad.numpy())
    drawn = [line.get_ydata() for line in lines]
    pyplot.close("all")
    np.testing.assert_allclose(drawn, [np.tanh(values), 1 - np.tanh(values) ** 2], rtol=1e-12)


def test_s45_numpy_refuses_a_tensor_that_requires_grad(torch: Any) -> None:
    text = r"^Can't call numpy\(\) on Tensor that requires grad. Use tensor.detach\(\).numpy\(\) instead."
    with pytest.raises(RuntimeError, match=text):
        torch.ones(2, requires_grad=True).numpy()


def test_s46_backward_of_x_weights_the_gradient_by_x(torch: Any) -> None:
    values = np.linspace(-3, 3, 100)
    x = torch.tensor(values, requires_grad=True)
    torch.tanh(x).backward(x)
    np.testing.assert_allclose(x.grad.numpy(), values * (1 - np.tanh(values) ** 2), rtol=1e-12)


def test_s47_the_second_derivative_equals_its_closed_form(torch: Any) -> None:
    values = np.linspace(-3, 3, 100)
    tanh = np.tanh(values)
    np.testing.assert_allclose(derivatives(torch, values, 2)[2], -2 * tanh * (1 - tanh**2), rtol=1e-11)


def test_s48_the_third_derivative_equals_its_closed_form(torch: Any) -> None:
    values = np.linspace(-7, 7, 100)
    tanh = np.tanh(values)
    third = (1 - tanh**2) * (6 * tanh**2 - 2)
    np.testing.assert_allclose(derivatives(torch, values, 3)[3], third, rtol=1e-9, atol=1e-15)


def test_s49_float64_is_named_on_a_line_of_its_own_when_the_last_line_is_full(torch: Any) -> None:
    assert str(torch.tensor([0.5], dtype=torch.float64)) == "tensor([0.5000], dtype=torch.float64)"
    full = torch.tensor([0.5] * 7, dtype=torch.float64)
    row = ", ".join(["0.5000"] * 7)
    assert str(full) == f"tensor([{row}],\n       dtype=torch.float64)"


def test_s50_at_minus_2_tanh_and_its_second_derivative_change_their_sign(torch: Any) -> None:
    x = torch.tensor(-2.0, requires_grad=True)
    y = torch.tanh(x)
    a = torch.autograd.grad(y, x, grad_outputs=torch.ones_like(x), create_graph=True)[0]
    a.backward(torch.ones_like(x))
    assert f"{y!s} {x.grad!s}" == "tensor(-0.9640, grad_fn=<TanhBackward0>) tensor(0.1362)"
