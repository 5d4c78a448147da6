"""Operators that PyTorch lacks, against NumPy in higher precision; their derivatives are in test_gradcheck.py."""

from __future__ import annotations

import numpy as np

import wengert as torch


def test_log1mexp_keeps_all_digits_at_both_ends() -> None:
    values = np.array([1e-12, 1e-3, 0.5, 0.6931471805599453, 1.0, 5.0, 40.0])
    wide = values.astype(np.longdouble)
    expected = np.where(wide < 0.7, np.log(-np.expm1(-wide)), np.log1p(-np.exp(-wide))).astype(np.float64)
    assert np.allclose(torch.log1mexp(torch.from_numpy(values)).numpy(), expected, rtol=4e-16, atol=0)


def test_log1mexp_is_infinite_at_zero_and_keeps_its_dtype_and_name() -> None:
    x = torch.zeros(2, requires_grad=True)
    y = x.log1mexp()
    assert y.tolist() == [-np.inf, -np.inf]
    assert (y.dtype, y.grad_fn.name()) == (torch.float32, "Log1mexpBackward0")


def test_log1mexp_in_place_and_out_agree_with_the_plain_form() -> None:
    x = torch.tensor([0.25, 2.0])
    y = torch.log1mexp(x)
    out = torch.empty(2)
    assert torch.log1mexp(x, out=out) is out
    assert torch.equal(out, y)
    assert torch.equal(x.clone().log1mexp_(), y)
