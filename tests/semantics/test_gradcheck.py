"""gradcheck and gradgradcheck: what they accept, what they find wrong, and how they say it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import wengert as torch
from wengert.autograd.gradcheck import GradcheckError

gradcheck = torch.autograd.gradcheck
gradgradcheck = torch.autograd.gradgradcheck
both_modes = pytest.mark.parametrize("fast_mode", [False, True], ids=["slow", "fast"])


def real() -> Any:
    return torch.tensor([0.3, -0.7, 1.2], dtype=torch.float64, requires_grad=True)


def complex_() -> Any:
    return torch.tensor([0.3 + 1j, -0.7 + 0.2j], dtype=torch.complex128, requires_grad=True)


def custom(forward: Any, backward: Any, jvp: Any = None) -> Any:
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    if jvp is not None:
        members["jvp"] = staticmethod(jvp)
    return type("Custom", (torch.autograd.Function,), members).apply


def without_materializing(ctx: Any, x: Any) -> Any:
    ctx.set_materialize_grads(False)
    return x * 2


def cube(ctx: Any, x: Any) -> Any:
    ctx.save_for_backward(x)
    return x**3


tripled = custom(lambda ctx, x: x * 2, lambda ctx, g: g * 3)
wrong_jvp = custom(lambda ctx, x: x * 2, lambda ctx, g: g * 2, lambda ctx, v: v * 3)
unconjugated = custom(lambda ctx, z: z * (1 + 2j), lambda ctx, g: g * (1 + 2j))
once = custom(cube, lambda ctx, g: g * 3 * ctx.saved_tensors[0].detach() ** 2)


def test_the_name_in_autograd_is_the_function_and_the_module_can_be_imported() -> None:
    import wengert.autograd.gradcheck

    assert callable(wengert.autograd.gradcheck)


@both_modes
@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda a: a.sin(), (real,)),
        (lambda a, b: a * b.sin(), (real, real)),
        (lambda a, b: a * 2, (real, real)),
        (lambda a: (a[1:], a.view(3, 1).t()), (real,)),
        (lambda a: a, (real,)),
        (lambda a: a.clone().mul_(2), (real,)),
        (lambda a: a.sort(), (real,)),
        (lambda a: (a * 2, a.detach()), (real,)),
        (lambda a: torch.complex(a, a * 2), (real,)),
        (lambda z: z * z, (complex_,)),
        (lambda z: z * z.conj(), (complex_,)),
        (lambda z: z.abs(), (complex_,)),
        (lambda a, z: (a[:2] * z).sum(), (real, complex_)),
        (lambda a: a.detach().sign(), (real,)),
    ],
    ids=[
        "one input", "two inputs", "unused input", "views", "identity", "in place", "integer output", "constant output",
        "complex output", "analytic", "conjugate", "real of complex", "real and complex", "no derivative",
    ],
)  # fmt: skip
def test_right_derivatives_pass_in_both_directions(function: Any, inputs: Any, fast_mode: bool) -> None:
    assert gradcheck(function, tuple(make() for make in inputs), check_forward_ad=True, fast_mode=fast_mode)


@both_modes
@pytest.mark.parametrize("make", [real, complex_])
def test_right_second_derivatives_pass(make: Any, fast_mode: bool) -> None:
    assert gradgradcheck(lambda x: x * x.sin(), make(), check_fwd_over_rev=True, fast_mode=fast_mode)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0)])
def test_inputs_without_dimensions_or_elements_pass(shape: Any) -> None:
    x = torch.full(shape, 2.0, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda a: a * a, x, check_forward_ad=True)


def test_strided_inputs_pass() -> None:
    x = torch.arange(12, dtype=torch.float64)[::2].requires_grad_()
    assert gradcheck(lambda a: a * a, x)


def test_plain_arguments_go_to_the_function() -> None:
    assert gradcheck(lambda a, factor, flag: a * factor if flag else a, [real(), 3, True])


@both_modes
def test_the_inputs_are_restored(fast_mode: bool) -> None:
    x = real()
    gradcheck(lambda a: a * a, x, check_forward_ad=True, fast_mode=fast_mode)
    assert x.tolist() == real().tolist() and x._version == 0 and x.grad is None


def test_the_inputs_are_restored_when_the_function_raises() -> None:
    x = real()

    def picky(a: Any) -> Any:
        if a[0].item() > 0.3:
            raise ZeroDivisionError
        return a * 2

    with pytest.raises(ZeroDivisionError):
        gradcheck(picky, x)
    assert x.tolist() == real().tolist()


@both_modes
def test_a_wrong_gradient_can_be_reported_as_false(fast_mode: bool) -> None:
    assert gradcheck(tripled, real(), raise_exception=False, fast_mode=fast_mode) is False


MISMATCH = "Jacobian mismatch for output 0 with respect to input 0,\nnumerical:tensor("


@both_modes
@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda **o: gradcheck(tripled, real(), **o), MISMATCH),
        (
            lambda **o: gradcheck(lambda a, b: (a * b, tripled(b)), (real(), real()), **o),
            "Jacobian mismatch for output 1 with respect to input 1,\n",
        ),
        (
            lambda **o: gradcheck(wrong_jvp, real(), check_forward_ad=True, **o),
            "Jacobian computed with forward mode mismatch for output 0 with respect to input 0,\n",
        ),
        (
            lambda **o: gradcheck(unconjugated, complex_(), **o),
            "While considering the imaginary part of complex outputs only, " + MISMATCH,
        ),
        (lambda **o: gradgradcheck(once, real(), **o), MISMATCH),
        (lambda **o: gradcheck(lambda a: (a - a.detach()).sqrt(), real(), **o), MISMATCH),
        (lambda **o: gradcheck(lambda a: a.detach(), real(), **o), "Numerical gradient for function expected to be zero"),
    ],
    ids=["backward", "second output", "forward", "complex", "second derivative", "NaN", "no graph"],
)  # fmt: skip
def test_a_wrong_derivative_is_reported(call: Any, text: str, fast_mode: bool) -> None:
    with pytest.raises(GradcheckError, match=re.escape(text)):
        call(fast_mode=fast_mode)


def test_the_fast_mode_shows_the_matrices_of_the_slow_mode() -> None:
    with pytest.raises(GradcheckError) as caught:
        gradcheck(tripled, real(), fast_mode=True)
    text = str(caught.value)
    assert "in fast mode" in text
    assert "Analytical:\ntensor([[3., 0., 0.],\n        [0., 3., 0.],\n        [0., 0., 3.]]" in text
    assert "The max per-element difference (slow mode) is: 1.0" in text


class Counter:
    def __init__(self) -> None:
        self.n = 0

    def backward(self, ctx: Any, g: Any) -> Any:
        self.n += 1
        return g * (2 + 1e-7 * self.n)


@both_modes
def test_a_backward_that_differs_from_run_to_run_needs_a_tolerance(fast_mode: bool) -> None:
    random = custom(lambda ctx, x: x * 2, Counter().backward)
    with pytest.raises(GradcheckError, match="Backward is not reentrant"):
        gradcheck(random, real(), fast_mode=fast_mode)
    assert gradcheck(random, real(), nondet_tol=1e-6, fast_mode=fast_mode)


def test_a_backward_that_ignores_its_gradient_is_reported() -> None:
    ignoring = custom(lambda ctx, x: x * 2, lambda ctx, g: torch.full_like(g, 2))
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradcheck(ignoring, real())
    one = torch.ones(1, dtype=torch.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match="backward not multiplied by grad_output"):
        gradcheck(ignoring, one)


def test_a_gradient_for_a_missing_gradient_is_reported() -> None:
    generous = custom(without_materializing, lambda ctx, g: torch.ones(3, dtype=torch.float64) if g is None else g * 2)
    with pytest.raises(GradcheckError, match="Expected all input grads to be undefined or zero when all output grads"):
        gradcheck(generous, real())
    assert gradcheck(generous, real(), check_undefined_grad=False)


def test_a_backward_that_refuses_a_missing_gradient_is_reported() -> None:
    def strict(ctx: Any, g: Any) -> Any:
        if g is None:
            raise RuntimeError("where is it?")
        return g * 2

    with pytest.raises(
        GradcheckError, match=r"Expected backward function to handle undefined output grads\.(.|\n)*where"
    ):
        gradcheck(custom(without_materializing, strict), real())


def test_gradients_of_another_dtype_are_reported_on_request() -> None:
    low = custom(lambda ctx, x: x * 2, lambda ctx, g: (g * 2).to(torch.float32))
    tolerant = custom(lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    assert gradcheck(tolerant, real(), check_grad_dtypes=True)
    assert gradcheck(low, real())  # the engine casts what a Function gives


def test_batched_gradients_are_checked_on_request() -> None:
    assert gradcheck(lambda a: (a.exp(), a.sum()), real(), check_batched_grad=True)
    assert gradgradcheck(lambda a: a.sin(), real(), check_batched_grad=True)


def test_forward_mode_alone_does_not_ask_for_backward() -> None:
    assert gradcheck(
        custom(lambda ctx, x: x * 2, None, lambda ctx, v: v * 2),
        real(),
        check_forward_ad=True,
        check_backward_ad=False,
    )


def test_gradgradcheck_takes_gradients_of_the_outputs() -> None:
    assert gradgradcheck(lambda a: a.exp(), real(), real())
    assert gradgradcheck(lambda a: a.exp(), real(), gen_non_contig_grad_outputs=True)


def test_exceptions_of_the_function_come_through() -> None:
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda a: 1 // 0, real(), raise_exception=False)


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "batched without backward": (
        lambda: gradcheck(torch.sin, real(), check_batched_grad=True, check_backward_ad=False, check_forward_ad=True),
        AssertionError,
        "Setting check_batched_grad=True requires check_backward_ad to be True",
    ),
    "batched forward without forward": (
        lambda: gradcheck(torch.sin, real(), check_batched_forward_grad=True),
        AssertionError,
        "Setting check_batched_forward_grad=True requires check_forward_ad to be True",
    ),
    "batched forward": (
        lambda: gradcheck(torch.sin, real(), check_batched_forward_grad=True, check_forward_ad=True),
        NotImplementedError,
        "needs vmap",
    ),
    "no second direction": (
        lambda: gradgradcheck(torch.sin, real(), check_rev_over_rev=False),
        AssertionError,
        "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True",
    ),
    "undefined without reverse": (
        lambda: gradgradcheck(torch.sin, real(), check_rev_over_rev=False, check_fwd_over_rev=True),
        AssertionError,
        "Setting check_undefined_grad=True requires check_rev_over_rev to be True",
    ),
    "a shape that depends on the values": (
        lambda: gradcheck(lambda a: a[a > 0.3], real()),
        AssertionError,
        "Expected `func` to return outputs with the same shape when inputs are perturbed",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(name: str) -> None:
    call, kind, text = REFUSED[name]
    with pytest.raises(kind, match=re.escape(text)):
        call()
