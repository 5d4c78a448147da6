"""What the comparison with torch does not reach: empty batches, precision, warnings, start-up, and the unusual calls."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from tests.ops.harness import package_name

ONLY_HERE = pytest.mark.skipif(package_name() == "torch", reason="torch raises an error of MKL")


@ONLY_HERE
@pytest.mark.parametrize(
    "call", ["fft.fft(x)", "fft.rfft(x)", "fft.irfft(x)", "fft.fftn(x, dim=1)", "fft.hfft(x, n=5)"]
)
def test_an_empty_batch_has_an_empty_transform(package: Any, call: str) -> None:
    x = package.zeros(0, 3, requires_grad=True)
    result = eval("t." + call, {"t": package, "x": x})
    assert result.shape[0] == 0
    result.abs().sum().backward()
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize("name", ["fft", "rfft", "hfft", "fftn", "rfft2", "ihfft"])
def test_single_precision_stays_single_through_the_gradient(package: Any, name: str) -> None:
    x = package.ones(2, 4, dtype=package.float32, requires_grad=True)
    result = getattr(package.fft, name)(x)
    assert result.dtype in (package.complex64, package.float32)
    result.abs().sum().backward()
    assert x.grad.dtype is package.float32


def test_the_transform_of_a_shifted_pulse_is_a_wave(package: Any) -> None:
    pulse = package.zeros(8, dtype=package.float64)
    pulse[1] = 1.0
    expected = np.exp(-2j * np.pi * np.arange(8) / 8)
    np.testing.assert_allclose(package.fft.fft(pulse).numpy(), expected, atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_irfft_of_rfft_gives_the_signal_back_and_passes_gradients_unchanged(package: Any, n: int) -> None:
    x = package.arange(1, n + 1, dtype=package.float64, requires_grad=True)
    back = package.fft.irfft(package.fft.rfft(x), n=n)
    np.testing.assert_allclose(back.detach().numpy(), x.detach().numpy(), atol=1e-14)
    weights = package.arange(n, dtype=package.float64)
    back.backward(weights)
    np.testing.assert_allclose(x.grad.numpy(), weights.numpy(), atol=1e-14)


@pytest.mark.parametrize("mode", ["backward", "ortho", "forward"])
def test_every_scaling_of_a_transform_is_undone_by_that_of_its_inverse(package: Any, mode: str) -> None:
    x = package.randn(3, 6, dtype=package.float64)
    back = package.fft.ifft2(package.fft.fft2(x, norm=mode), norm=mode)
    np.testing.assert_allclose(back.real.numpy(), x.numpy(), atol=1e-14)


@pytest.mark.parametrize("name", ["fft2", "rfft2", "hfft2"])
def test_gradients_of_transforms_pass_gradcheck_twice(package: Any, name: str) -> None:
    x = package.randn(3, 4, dtype=package.float64, requires_grad=True)
    call = lambda x: package.fft.rfft2(getattr(package.fft, name)(x).abs())  # noqa: E731
    assert package.autograd.gradcheck(call, (x,))
    assert package.autograd.gradgradcheck(call, (x,))


def test_stft_without_window_warns_and_counts_every_point_the_same(package: Any) -> None:
    x = package.arange(12, dtype=package.float64)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = package.stft(x, 4, 2, return_complex=True)
    ones = package.ones(4, dtype=package.float64)
    np.testing.assert_allclose(result.numpy(), package.stft(x, 4, 2, window=ones, return_complex=True).numpy())
    if package_name() != "torch":  # torch warns once in a process
        assert [str(w.message).split(".")[0] for w in caught] == ["A window was not provided"]


def test_stft_as_pairs_of_real_numbers_is_the_complex_result_seen_as_real(package: Any) -> None:
    x, window = package.arange(12, dtype=package.float64), package.hann_window(4, dtype=package.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = package.stft(x, 4, 2, window=window, return_complex=False)
    spectra = package.stft(x, 4, 2, window=window, return_complex=True)
    np.testing.assert_array_equal(pairs.numpy(), package.view_as_real(spectra).numpy())


def test_istft_fills_up_a_signal_that_is_too_short_and_warns(package: Any) -> None:
    x, window = package.arange(12, dtype=package.float64), package.hann_window(4, dtype=package.float64)
    spectra = package.stft(x, 4, 1, window=window, return_complex=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        back = package.istft(spectra, 4, 1, window=window, length=20)
    np.testing.assert_allclose(back[:12].numpy(), x.numpy(), atol=1e-12)
    assert back.shape == (20,)
    assert (back[14:] == 0).all()


@ONLY_HERE
def test_aligned_windows_that_leave_an_odd_rest_of_the_frame_are_transformed_too(package: Any) -> None:
    x, window = package.arange(1.0, 21.0), package.ones(5)
    result = package.stft(x, 8, 1, 5, window, center=False, align_to_window=True, return_complex=True)
    sums = package.tensor([float(sum(range(i, i + 5))) for i in range(1, 17)])
    np.testing.assert_allclose(result[0].real.numpy(), sums.numpy(), rtol=1e-6)


def test_windows_that_require_grad_train_through_stft(package: Any) -> None:
    window = package.hann_window(4, dtype=package.float64, requires_grad=True)
    package.stft(package.arange(12.0), 4, 2, window=window, return_complex=True).abs().sum().backward()
    assert window.is_leaf and window.grad.shape == (4,)


@ONLY_HERE
def test_scipy_is_imported_only_when_something_is_transformed() -> None:
    program = "import sys, wengert; wengert.fft; wengert.signal.windows.hann(4); assert 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.skipif(package_name() == "torch", reason="torch's are results of recorded operations")
def test_signal_windows_that_require_grad_are_leaves(package: Any) -> None:
    window = package.signal.windows.gaussian(5, requires_grad=True)
    assert window.requires_grad and window.is_leaf


def test_every_name_of_the_fourier_and_window_modules_of_pytorch_is_there(oracle: Any, package: Any) -> None:
    for name in ("fft", "signal.windows"):
        theirs, ours = oracle, package
        for part in name.split("."):
            theirs, ours = getattr(theirs, part), getattr(ours, part)
        assert [n for n in theirs.__all__ if n != "Tensor" and not hasattr(ours, n)] == []
