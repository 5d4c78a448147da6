"""What programs written for PyTorch do in passing, and once stopped them here: small spellings, settings, defaults."""

from __future__ import annotations

import numpy as np
import pytest

import wengert
from wengert import tensor


def test_functions_with_an_underscore_write_into_their_argument() -> None:
    x = tensor([0.0, 1.0])
    assert wengert.sin_(x) is x
    assert wengert.clamp_(x, min=0.5) is x
    assert x.tolist() == pytest.approx([0.5, np.sin(1.0)])


def test_functions_with_an_underscore_keep_the_history() -> None:
    x = tensor([0.5, 1.0], requires_grad=True)
    y = x * 1
    wengert.exp_(y)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == pytest.approx(np.exp([0.5, 1.0]).tolist())


def test_functions_with_an_underscore_refuse_numbers() -> None:
    with pytest.raises(TypeError, match=r"exp_\(\): argument 'input' \(position 1\) must be Tensor, not float"):
        wengert.exp_(1.0)


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "logcumsumexp", "logsumexp", "softmax", "log_softmax"])
def test_axis_stands_for_a_dim_without_a_default(name: str) -> None:
    x = tensor([[0.5, 1.0, 2.0], [1.0, 0.0, 3.0]])
    by_dim = getattr(wengert, name)(x, dim=0)
    assert getattr(x, name)(axis=0).tolist() == by_dim.tolist()
    assert getattr(wengert, name)(x, axis=0).tolist() == by_dim.tolist()


def test_a_missing_dim_is_named() -> None:
    with pytest.raises(TypeError, match=r'^cumsum\(\) missing 1 required positional arguments: "dim"'):
        tensor([1.0]).cumsum()


@pytest.mark.parametrize(
    ("name", "expected"), [("add", 6.0), ("sub", -2.0), ("mul", 8.0), ("div", 0.5), ("true_divide", 0.5)]
)
def test_a_number_may_stand_first_in_arithmetic(name: str, expected: float) -> None:
    x = tensor([4.0], dtype=wengert.float16, requires_grad=True)
    result = getattr(wengert, name)(2, x)
    assert (result.dtype, result.tolist(), result.requires_grad) == (wengert.float16, [expected], True)


def test_two_numbers_add_up_to_a_tensor() -> None:
    assert (wengert.add(1, 2).item(), wengert.add(1, 2).dtype) == (3, wengert.int64)


def test_only_numbers_may_stand_first_in_arithmetic() -> None:
    with pytest.raises(TypeError, match=r"div\(\): argument 'input' \(position 1\) must be Tensor, not str"):
        wengert.div("2", tensor([1.0]))


def test_a_bool_that_stands_first_is_not_subtracted_from() -> None:
    with pytest.raises(RuntimeError, match="Subtraction, the `-` operator, with a bool tensor is not supported"):
        wengert.sub(True, tensor([1.0]))


@pytest.mark.parametrize("factor", [2.0, tensor(2.0), np.float64(2.0)])
def test_alpha_and_beta_may_be_tensors_without_dimensions(factor: object) -> None:
    m, v = tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([1.0, -1.0])
    added = wengert.addmm(m, m, m, alpha=factor, beta=factor)
    assert isinstance(added.numpy(), np.ndarray)
    assert added.tolist() == (2 * (m @ m) + 2 * m).tolist()
    assert wengert.addr(m, v, v, alpha=factor).tolist() == (m + 2 * wengert.outer(v, v)).tolist()
    assert wengert.addmv(v, m, v, alpha=factor).tolist() == (v + 2 * (m @ v)).tolist()
    assert wengert.add(v, v, alpha=factor).tolist() == [3.0, -3.0]
    assert wengert.sub(v, v, alpha=factor).tolist() == [-1.0, 1.0]
    assert wengert.rsub(v, v, alpha=factor).tolist() == [-1.0, 1.0]
    assert v.clone().add_(v, alpha=factor).tolist() == [3.0, -3.0]


def test_alpha_that_raises_the_dtype_is_refused_in_place_too() -> None:
    x = tensor([1, 2])
    with pytest.raises(RuntimeError, match="argument alpha must not be a floating point number"):
        x.add_(1, alpha=0.5)
    assert x.tolist() == [1, 2]


def test_alpha_must_be_a_number() -> None:
    with pytest.raises(TypeError, match=r"sub_\(\): argument 'alpha' must be Number, not Tensor"):
        tensor([1.0]).sub_(1, alpha=wengert.ones(2))


def test_the_width_of_a_running_integral_may_be_a_tensor() -> None:
    y = tensor([1.0, 2.0, 3.0])
    assert wengert.cumulative_trapezoid(y, dx=tensor(2.0)).tolist() == [3.0, 8.0]


def test_the_legacy_constructors_take_a_range() -> None:
    assert wengert.Tensor(range(3)).tolist() == [0.0, 1.0, 2.0]
    assert wengert.ones(1, dtype=wengert.float64).new(range(2)).dtype is wengert.float64


@pytest.mark.parametrize(("python", "dtype"), [(float, wengert.float64), (complex, wengert.complex128)])
def test_finfo_takes_the_types_of_python(python: type, dtype: wengert.dtype) -> None:
    assert wengert.finfo(python).eps == wengert.finfo(dtype).eps


def test_iinfo_takes_the_types_of_python() -> None:
    assert wengert.iinfo(int).max == 2**63 - 1
    with pytest.raises(TypeError, match=r"torch.bool is not supported by torch.iinfo"):
        wengert.iinfo(bool)


def test_a_histogram_has_a_hundred_intervals_by_default() -> None:
    hist, edges = wengert.histogram(tensor([0.0, 0.5, 1.0]), density=True)
    assert (hist.shape, edges.shape) == ((100,), (101,))
    assert (hist.sum() * 0.01).item() == pytest.approx(1.0)


def test_a_histogram_refuses_to_pass_a_gradient() -> None:
    x = tensor([0.0, 0.5, 1.0], requires_grad=True)
    hist, edges = wengert.histogram(x, 2)
    assert hist.requires_grad
    for result in (hist, edges):
        with pytest.raises(RuntimeError, match="derivative for aten::histogram is not implemented"):
            result.sum().backward()


def test_detach_is_a_function_too() -> None:
    x = tensor([1.0], requires_grad=True)
    y = wengert.detach(x)
    assert (y.requires_grad, y.data_ptr()) == (False, x.data_ptr())
    z = x * 2
    assert wengert.detach_(z) is z
    assert z.is_leaf


def test_the_cpu_is_accepted_as_default_device() -> None:
    wengert.set_default_device("cpu")
    wengert.set_default_device(None)
    assert wengert.get_default_device() == wengert.device("cpu")
    with wengert.device("cpu") as device:
        assert wengert.ones(1).device == device


def test_other_default_devices_are_refused() -> None:
    with pytest.raises(RuntimeError, match="device 'cuda' is not available"):
        wengert.set_default_device("cuda")
    with pytest.raises(RuntimeError, match="device 'meta' is not available"), wengert.device("meta"):
        pass


def test_settings_of_a_run_are_remembered() -> None:
    threads = wengert.get_num_threads()
    try:
        wengert.set_num_threads(1)
        wengert.use_deterministic_algorithms(True, warn_only=True)
        wengert.set_float32_matmul_precision("high")
        assert wengert.get_num_threads() == 1
        assert wengert.are_deterministic_algorithms_enabled()
        assert wengert.is_deterministic_algorithms_warn_only_enabled()
        assert wengert.get_float32_matmul_precision() == "high"
    finally:
        wengert.set_num_threads(threads)
        wengert.use_deterministic_algorithms(False)
        wengert.set_float32_matmul_precision("highest")


def test_settings_refuse_what_pytorch_refuses() -> None:
    with pytest.raises(RuntimeError, match="set_num_threads expects a positive integer"):
        wengert.set_num_threads(0)
    with pytest.raises(TypeError, match=r"argument .mode' .position 1. must be bool, not str"):
        wengert.use_deterministic_algorithms("yes")  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="is not one of 'highest', 'high', or 'medium'"):
        wengert.set_float32_matmul_precision("low")
    assert wengert.get_float32_matmul_precision() == "highest"


def test_no_accelerator_and_no_backend_is_there() -> None:
    assert not wengert.accelerator.is_available()
    assert wengert.accelerator.current_accelerator() is None
    assert wengert.accelerator.device_count() == 0
    assert not wengert.backends.mps.is_available()
    assert not wengert.backends.cuda.is_built()
    assert wengert.backends.cudnn.version() is None


def test_programs_may_set_what_they_want_of_cudnn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wengert.backends.cudnn, "deterministic", True)
    monkeypatch.setattr(wengert.backends.cudnn, "benchmark", False)
    assert wengert.backends.cudnn.deterministic
