"""The comparison itself: what it must notice, and what it must let pass."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.ops.families import FAMILIES, all_samples
from tests.ops.harness import check, missing
from tests.ops.sample import (
    ASPECTS,
    S,
    Sample,
    change_some,
    const,
    f32,
    f64,
    fill,
    place,
    program,
    relax,
    relax_only,
    without,
)


class Altered:
    """Torch with some functions replaced: a package that is wrong in one known way."""

    __name__ = "altered"

    def __init__(self, torch: Any, **replaced: Any) -> None:
        self.__dict__.update(replaced)
        self._torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch, name)


def texts(oracle: Any, sample: Sample, aspect: str, **replaced: Any) -> str:
    """Return what the comparison says about torch with some functions replaced."""
    return "\n".join(map(str, check(oracle, Altered(oracle, **replaced), sample, aspect)))


EXP = S("exp", "t.exp(x)", f64(2, 3))


@pytest.mark.parametrize("aspect", EXP.aspects)
def test_torch_agrees_with_itself(oracle: Any, aspect: str) -> None:
    assert texts(oracle, EXP, aspect) == ""


def test_an_error_of_some_ulps_is_noticed(oracle: Any) -> None:
    assert "ulps, allowed 4" in texts(oracle, EXP, "forward", exp=lambda x: oracle.exp(x) * (1 + 1e-14))


def test_an_error_of_one_ulp_passes(oracle: Any) -> None:
    assert texts(oracle, EXP, "forward", exp=lambda x: oracle.exp(x) * (1 + 2.3e-16)) == ""


def test_a_wrong_dtype_is_noticed(oracle: Any) -> None:
    seen = texts(oracle, EXP, "forward", exp=lambda x: oracle.exp(x).float())
    assert "out0.dtype: expected 'float64', got 'float32'" in seen


def test_a_wrong_shape_is_noticed(oracle: Any) -> None:
    assert "expected shape (2, 3), got (3, 2)" in texts(oracle, EXP, "forward", exp=lambda x: oracle.exp(x).t())


def test_other_strides_are_noticed(oracle: Any) -> None:
    sample = S("exp", "t.exp(x)", f64(3, 4, layout="transposed"))
    assert "out0: expected (1, 3), got (4, 1)" in texts(oracle, sample, "strides", exp=lambda x: x.exp().contiguous())


def test_a_copy_in_place_of_a_view_is_noticed(oracle: Any) -> None:
    sample = S("flatten", "t.flatten(x)", f64(2, 3))
    seen = texts(oracle, sample, "strides", flatten=lambda x: x.flatten().clone())
    assert "out0.shares: expected (0,), got ()" in seen


def test_a_wrong_sign_of_zero_is_noticed(oracle: Any) -> None:
    sample = S("neg", "t.neg(x)", const([0.0, 1.0]), signed_zeros=True)
    assert "wrong sign of zero at [0]" in texts(oracle, sample, "forward", neg=lambda x: 0 - x)


def test_nan_in_place_of_infinity_is_noticed(oracle: Any) -> None:
    sample = S("log", "t.log(x)", const([0.0, 1.0]))
    assert "expected np.float64(-inf)" in texts(oracle, sample, "forward", log=lambda x: oracle.log(x) * float("nan"))


def test_edge_values_have_no_tolerance_from_their_neighbours(oracle: Any) -> None:
    sample = S("exp", "t.exp(x)", f64(17, domain="edge"))
    assert "ulps" in texts(oracle, sample, "forward", exp=lambda x: oracle.exp(x) * (1 + 1e-14))


def test_a_lost_gradient_is_noticed(oracle: Any) -> None:
    sample = S("mul", "t.mul(x, y)", f64(3), f64(3))
    assert "in1: expected [" in texts(oracle, sample, "grad", mul=lambda x, y: x * y.detach())


@pytest.mark.parametrize("aspect", ["grad", "numeric", "second"])
def test_a_wrong_derivative_is_noticed(oracle: Any, aspect: str) -> None:
    class Wrong(oracle.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.exp()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grad * x.exp() * 1.001

    assert "in0: " in texts(oracle, EXP, aspect, exp=Wrong.apply)


def test_a_wrong_tangent_is_noticed(oracle: Any) -> None:
    assert "out0: " in texts(oracle, EXP, "jvp", exp=lambda x: oracle.exp(x) + (x - x.detach()))


def test_another_node_is_noticed(oracle: Any) -> None:
    seen = texts(oracle, EXP, "node", exp=lambda x: oracle.exp(x) * 1)
    assert "name: expected 'ExpBackward0', got 'MulBackward0'" in seen


def test_another_saved_tensor_is_noticed(oracle: Any) -> None:
    sample = S("sqrt", "t.sqrt(x)", f64(3, domain="positive"))
    assert "_saved_self: expected None, got 'in0'" in texts(oracle, sample, "saved", sqrt=lambda x: x**0.5)


def test_an_in_place_twin_that_returns_a_new_tensor_is_noticed(oracle: Any) -> None:
    sample = S("relu", "t.relu(x)", f64(3), inplace="t.relu_(x)")
    assert "same object: expected True, got False" in texts(oracle, sample, "inplace", relu_=oracle.relu)


def test_an_ignored_out_argument_is_noticed(oracle: Any) -> None:
    sample = S("exp", "t.exp(x)", f64(3), out="t.exp(x, out=out)")
    seen = texts(oracle, sample, "out", exp=lambda x, out=None: oracle.exp(x))
    assert "fitting0.returned: expected True, got False" in seen


def test_a_missing_operator_is_named(oracle: Any) -> None:
    sample = S("frobnicate", "t.frobnicate(x)", f64(3))
    assert missing(oracle, "frobnicate")
    assert texts(oracle, sample, "grad") == "operator: frobnicate is missing in altered"


@pytest.mark.parametrize("op", ["exp", "nn.functional.relu", "view", "getitem", "__len__", "special.i1"])
def test_functions_methods_and_special_methods_are_found(oracle: Any, op: str) -> None:
    assert not missing(oracle, op)


def test_a_warning_of_numpy_does_not_pass(oracle: Any) -> None:
    def noisy(x: Any) -> Any:
        warnings.warn("divide by zero encountered in log", RuntimeWarning, stacklevel=1)
        return oracle.exp(x)

    with pytest.raises(RuntimeWarning):
        texts(oracle, EXP, "forward", exp=noisy)


def test_a_missing_second_gradient_counts_as_zero(oracle: Any) -> None:
    sample = S("mul", "t.mul(x, 2)", f64(3))
    assert texts(oracle, sample, "second", mul=lambda x, n: x * n + 0 * x**3) == ""


def test_layouts_keep_the_values() -> None:
    array = np.arange(6.0).reshape(2, 3)
    for layout in ("contiguous", "transposed", "strided"):
        assert np.array_equal(place(array, layout), array)
    assert place(array, "transposed").strides == (8, 16)
    assert place(array, "strided").strides == (96, 16)
    assert place(array, "expanded").strides == (0, 8)


def test_inputs_depend_on_the_sample_only() -> None:
    first, second = S("exp", "t.exp(x)", f32(4)), S("exp", "t.exp(x)", f32(4))
    assert np.array_equal(first.arrays()[0], second.arrays()[0])


def test_arguments_are_put_into_templates_with_their_comma() -> None:
    assert fill("t.sum(x, {}, out=out)", "") == "t.sum(x, out=out)"
    assert fill("t.sum(x, {})", "1, True") == "t.sum(x, 1, True)"


def test_statements_run_on_a_clone_of_x(oracle: Any) -> None:
    x = oracle.zeros(2)
    assert program("x[0] = 1", 1)(oracle, None, x).tolist() == [1.0, 0.0]
    assert x.tolist() == [0.0, 0.0]


def test_every_family_has_samples_and_every_aspect_is_compared() -> None:
    found = all_samples()
    assert {s.family for s in found} == set(FAMILIES)
    assert set(Counter(a for s in found for a in s.aspects)) == set(ASPECTS)


def test_every_looser_tolerance_and_every_omission_has_a_reason() -> None:
    for sample in all_samples():
        assert (sample.slack == 1 and not sample.loose) or sample.why
        assert all(sample.skip.values())


def test_mixed_precision_is_judged_in_ulps_of_the_lower_one(oracle: Any) -> None:
    def rounded(x: Any, y: Any) -> Any:
        return oracle.mul(x, y) * (1 + 1e-7)

    assert texts(oracle, S("mul", "t.mul(x, y)", f32(3), f64(2, 3)), "forward", mul=rounded) == ""
    assert "ulps" in texts(oracle, S("mul", "t.mul(x, y)", f64(3), f64(2, 3)), "forward", mul=rounded)


def test_another_saved_0d_tensor_is_noticed(oracle: Any) -> None:
    sample = S("tanh", "t.tanh(x)", f64())
    assert texts(oracle, sample, "saved", tanh=oracle.tanh) == ""
    seen = texts(oracle, sample, "saved", tanh=lambda x: oracle.sigmoid(2 * x) * 2 - 1)
    assert "_saved_result: expected 'out0'" in seen


def test_a_tolerance_can_be_looser_in_some_aspects_only(oracle: Any) -> None:
    (sample,) = relax_only(["grad"], 1e9, "a reason", [EXP])

    def inexact(x: Any) -> Any:
        return oracle.exp(x) * (1 + 1e-10)

    assert texts(oracle, sample, "grad", exp=inexact) == ""
    assert "ulps, allowed 4" in texts(oracle, sample, "forward", exp=inexact)


def test_all_reasons_for_a_looser_tolerance_are_kept() -> None:
    (sample,) = relax(2, "the second", relax_only(["grad"], 2, "the first", [EXP]))
    assert sample.why == "the first; the second"


def test_only_the_samples_that_are_meant_are_changed() -> None:
    other = S("log", "t.log(x)", f64(2, 3, domain="positive"))
    changed = change_some([EXP, other], lambda s: s.op == "log", lambda found: without({"grad": "a reason"}, found))
    assert changed[0] is EXP
    assert changed[1].skip == {"grad": "a reason"}


def test_a_change_that_meets_no_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="no such sample"):
        change_some([EXP], lambda s: s.op == "log", lambda found: without({"grad": "a reason"}, found))
