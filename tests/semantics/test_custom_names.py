"""Names that a custom Function may use."""

from __future__ import annotations

from typing import Any

import wengert as wg


def test_a_custom_function_may_keep_values_under_names_that_operators_use() -> None:
    class Keep(wg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx._saved_self = 3
            ctx._raw_saved_weight = 4
            return x * ctx._saved_self

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * ctx._saved_self + ctx._raw_saved_weight

    x = wg.ones(2, requires_grad=True)
    y = Keep.apply(x)
    assert "_saved_self" in dir(y.grad_fn) and "_saved_result" not in dir(y.grad_fn)
    y.sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]
