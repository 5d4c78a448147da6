"""Taylor mode: conventions, nesting, writing in place, errors."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.func import derivative, derivatives, directional_derivative, grad, jet, vmap
from wengert.func._jet_dispatch import _WARNED

X = wg.tensor(0.3, dtype=wg.float64)


def numbers(values: Any) -> list[float]:
    """0-d tensors as numbers."""
    return [float(v) for v in values]


def test_tanh_to_order_10_in_one_call() -> None:
    # 1 - tanh**2 = sech**2: Taylor coefficients of tanh at 0 from the Bernoulli numbers.
    bernoulli = {2: 1 / 6, 4: -1 / 30, 6: 1 / 42, 8: -1 / 30, 10: 5 / 66}
    wanted = [0.0] * 11
    for n, b in bernoulli.items():
        wanted[n - 1] = 2**n * (2**n - 1) * b / n
    found = numbers(derivatives(wg.tanh, 10)(wg.zeros((), dtype=wg.float64)))
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_the_ninth_derivative_of_nested_functions_takes_milliseconds() -> None:
    def f(x: Any) -> Any:
        return wg.tanh(wg.sin(2 * wg.tanh(x)))

    ninth = derivative(f, 9)
    assert float(ninth(X)) == pytest.approx(3643229.9822902894, rel=1e-9)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        ninth(X)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.02  # milliseconds, with room for a busy machine; seconds where gradients are nested


def test_the_series_holds_derivatives() -> None:
    # x(t) = 0.3 + 2 t + 3 t**2 / 2: f = x**2 has f' = 2 x x', f'' = 2 x'**2 + 2 x x''.
    value, series = jet(lambda x: x * x, (X,), ([X * 0 + 2, X * 0 + 3],))
    assert numbers([value, *series]) == pytest.approx([0.09, 1.2, 8 + 1.8])


def test_the_series_can_hold_taylor_coefficients() -> None:
    value, series = jet(lambda x: x * x, (X,), ([X * 0 + 2, X * 0 + 1.5],), factorial_scaled=False)
    assert numbers([value, *series]) == pytest.approx([0.09, 1.2, 4 + 0.9])


def test_an_empty_series_gives_the_value() -> None:
    value, series = jet(wg.exp, (X,), ([],))
    assert float(value) == pytest.approx(math.exp(0.3))
    assert series == []
    assert len(derivatives(wg.tanh, 0)(X)) == 1


def test_nested_arguments_and_results() -> None:
    a, b = wg.tensor([1.0, 2.0]), wg.tensor(3.0)
    value, series = jet(
        lambda d, c: {"sum": d["a"].sum() * c, "all": [d["a"] * c]},
        ({"a": a}, b),
        ({"a": [wg.ones(2), wg.zeros(2)]}, [wg.ones(()), wg.zeros(())]),
    )
    assert value["all"][0].equal(a * b)
    assert numbers(series["sum"]) == [2 * 3 + 3, 2 * 2]
    assert [t.tolist() for t in series["all"][0]] == [[4.0, 5.0], [2.0, 2.0]]


def test_results_that_do_not_depend_on_the_primals_have_zero_derivatives() -> None:
    constant = wg.tensor([1.0, 2.0])
    value, series = jet(lambda x: (constant, x.detach(), x), (X,), ([X, X],))
    assert value[0].equal(constant)
    assert [t.tolist() for t in series[0]] == [[0.0, 0.0], [0.0, 0.0]]
    assert numbers(series[1]) == [0.0, 0.0]
    assert numbers(series[2]) == [0.3, 0.3]


def test_auxiliary_results_are_constants() -> None:
    _, series, aux = jet(lambda x: (x.exp(), {"seen": x * 2, "name": "a"}), (X,), ([X],), has_aux=True)
    assert type(aux["seen"]) is wg.Tensor
    assert float(aux["seen"]) == 0.6
    assert aux["name"] == "a"
    assert len(series) == 1


def test_derivatives_work_element_by_element_and_with_further_arguments() -> None:
    x = wg.tensor([0.1, 0.2, 0.3], dtype=wg.float64)
    found = derivatives(lambda v, k: {"y": (v * k).sin()}, 2)(x, 2.0)
    np.testing.assert_allclose(found[2]["y"].numpy(), -4 * np.sin(2 * x.numpy()))


def test_a_directional_derivative_of_any_order() -> None:
    x, v = wg.tensor([1.0, 2.0], dtype=wg.float64), wg.tensor([1.0, -1.0], dtype=wg.float64)
    found = [float(directional_derivative(lambda a, b: (a * b).prod(), (x, x), (v, v), n)) for n in range(5)]
    # (1 + t)**2 (2 - t)**2 = ((1 + t)(2 - t))**2 = (2 + t - t**2)**2
    assert found == pytest.approx([4, 4, -6, -12, 24])


def test_control_flow_and_numbers_see_the_value() -> None:
    def f(x: Any) -> Any:
        y = x * x if x > 0 and x.item() < 1 and 0.2 < float(x) < 0.4 else x
        return y * int(x.detach() * 10)

    assert numbers(derivatives(f, 3)(X)) == pytest.approx([0.09 * 3, 0.6 * 3, 6, 0])


def test_an_array_would_lose_the_series() -> None:
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        derivative(lambda x: wg.tensor(x.numpy()), 2)(X)
    assert float(derivative(lambda x: x * wg.tensor(x.detach().numpy()), 1)(X)) == 0.3


def test_writing_in_place() -> None:
    x = wg.tensor([0.3, 0.5, 0.7], dtype=wg.float64)

    def written(x: Any) -> Any:
        y = x * 2
        part = y[1:]
        y[0] = x[1] * 3
        part.mul_(x[:2])
        y += 1
        part.exp_()
        y[2] = 4.0
        buffer = wg.zeros_like(x)
        buffer[:2] = y[:2]
        buffer.index_fill_(0, wg.tensor([2]), 5.0)
        buffer[buffer > 4.5] = 2.5
        return buffer

    def pure(x: Any) -> Any:
        return wg.stack([x[1] * 3 + 1, (x[1] * 2 * x[0] + 1).exp(), wg.tensor(2.5, dtype=wg.float64)])

    for found, wanted in zip(derivatives(written, 3)(x), derivatives(pure, 3)(x), strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy())


def test_a_constant_takes_no_series() -> None:
    for write in (
        lambda x: wg.zeros(3).add_(x),
        lambda x: wg.zeros(3).__setitem__(0, x),
        lambda x: wg.zeros(3).copy_(x),
        lambda x: wg.zeros(3).index_add_(0, wg.tensor([0]), x.reshape(1)),
    ):
        with pytest.raises(RuntimeError, match="would write a Taylor series into a tensor that has none"):
            derivative(write, 2)(wg.tensor(1.0))


def test_writing_a_result_of_another_shape_is_refused() -> None:
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        derivative(lambda x: (x * 1).mul_(wg.ones(3)), 2)(wg.tensor([1.0]))


def test_an_operator_without_a_rule_gives_exact_derivatives_and_says_so_once() -> None:
    _WARNED.discard("i0")
    with pytest.warns(UserWarning, match="jet has no rule for i0"):
        found = derivatives(wg.i0, 3)(X)
    nested = [wg.i0, grad(wg.i0), grad(grad(wg.i0)), grad(grad(grad(wg.i0)))]
    assert numbers(found) == pytest.approx([float(f(X)) for f in nested])
    derivatives(wg.i0, 3)(X)  # a warning would be an error here


def test_an_operator_whose_derivatives_fail_is_named() -> None:
    _WARNED.add("igamma")
    with pytest.raises(NotImplementedError, match="jet has no rule for igamma, and its derivatives failed"):
        derivative(lambda x: wg.igamma(x, x), 2)(X)


def test_a_function_that_was_put_away_says_so() -> None:
    kept = {"relu": wg.relu}

    def f(x: Any) -> Any:
        return kept["relu"](x)

    with pytest.raises(RuntimeError, match="reached an operator that jet does not see"):
        derivative(f, 2)(X)


def test_a_jet_that_has_ended_is_refused() -> None:
    leaked: list[Any] = []
    derivative(lambda x: (leaked.append(x), x)[1], 2)(X)
    with pytest.raises(RuntimeError, match="of a jet that has ended"):
        grad(lambda y: y * leaked[0])(X)


def test_public_names_are_put_back_after_an_error() -> None:
    before = (wg.stack, wg.nn.functional.relu)  # methods may wait for the next call: it would replace them again
    with pytest.raises(ZeroDivisionError):
        derivative(lambda x: 1 // 0, 2)(X)
    assert all(a is b for a, b in zip(before, (wg.stack, wg.nn.functional.relu), strict=True))


def test_text_shows_order_and_coefficients() -> None:
    shown: list[str] = []
    jet(lambda x: (shown.append(repr(x)), x)[1], (wg.tensor(1.0),), ([wg.tensor(2.0), wg.tensor(6.0)],))
    assert shown == ["JetTensor(lvl=1, order=2, value=\n    tensor([1., 2., 3.])\n)"]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: jet(wg.exp, X, ([X],)), RuntimeError, "Expected primals to be a tuple or list"),
        (lambda: jet(wg.exp, (X,), X), RuntimeError, "Expected series to be a tuple or list"),
        (lambda: jet(wg.exp, (X,), (X,)), RuntimeError, "the series of a tensor is a tuple or list"),
        (lambda: jet(wg.add, (X, X), ([X],)), RuntimeError, "nested like the primals"),
        (lambda: jet(wg.add, (X, X), ([X], [X, X])), RuntimeError, r"as many terms, got \[1, 2\]"),
        (lambda: jet(wg.exp, (X,), ([wg.ones(2)],)), RuntimeError, r"got \(2,\) in order 1 for a primal of shape \(\)"),
        (lambda: jet(wg.exp, (X,), ([1.0],)), RuntimeError, "series to only contain Tensors, got <class 'float'>"),
        (lambda: jet(wg.exp, (1.0,), ([X],)), RuntimeError, "primals to only contain Tensors, got <class 'float'>"),
        (
            lambda: jet(wg.exp, (wg.tensor(1),), ([X],)),
            RuntimeError,
            "floating-point or complex, got a tensor of dtype",
        ),
        (lambda: jet(lambda x: 1.0, (X,), ([X],)), RuntimeError, "return only tensors, got unsupported type"),
        (lambda: jet(wg.exp, (X,), ([X],), has_aux=True), RuntimeError, r"should be a tuple: \(output, aux\)"),
        (lambda: derivative(wg.exp, -1), ValueError, "not negative, got -1"),
        (lambda: derivatives(wg.exp, 1.5), TypeError, "is an int, got float"),
        (lambda: derivative(wg.exp, True), TypeError, "is an int, got bool"),
        (lambda: derivative(wg.exp)(1.0), TypeError, "the first argument must be a Tensor"),
        (lambda: directional_derivative(wg.exp, (X,), (X, X)), RuntimeError, "same python structure"),
        (lambda: directional_derivative(wg.exp, (X,), (1.0,), 2), TypeError, "tangents to only contain Tensors"),
        (lambda: directional_derivative(wg.exp, (X,), (wg.ones(2),)), RuntimeError, "the shape of its primal"),
    ],
)
def test_bad_input_is_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_a_custom_function_is_differentiated_through_its_backward() -> None:
    class Cube(wg.autograd.Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x**3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(inputs[0])

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 3 * ctx.saved_tensors[0] ** 2

    _WARNED.add("Cube.apply")
    assert numbers(derivatives(lambda x: Cube.apply(x.sin()), 3)(X)) == pytest.approx(
        numbers(derivatives(lambda x: x.sin() ** 3, 3)(X))
    )


def test_powers_at_zero_are_exact() -> None:
    zero = wg.zeros((), dtype=wg.float64)
    assert numbers(derivatives(lambda x: x**3, 4)(zero)) == [0, 0, 0, 6, 0]
    assert numbers(derivatives(lambda x: x**2.5, 2)(zero)) == [0, 0, 0]
    assert numbers(derivatives(lambda x: x ** wg.tensor(2.0, dtype=wg.float64), 3)(zero)) == [0, 0, 2, 0]
    assert numbers(derivatives(wg.sinc, 4)(zero)) == pytest.approx([1, 0, -(math.pi**2) / 3, 0, math.pi**4 / 5])


def test_complex_functions_have_derivatives() -> None:
    z = wg.tensor(0.3 + 0.4j, dtype=wg.complex128)
    wanted = [complex(f(z)) for f in (wg.sin, wg.cos, lambda v: -wg.sin(v), lambda v: -wg.cos(v))]
    assert [complex(v) for v in derivatives(wg.sin, 3)(z)] == pytest.approx(wanted)


def test_real_functions_of_complex_numbers_have_derivatives() -> None:
    x = wg.tensor(0.3, dtype=wg.float64)

    def plane(t: Any) -> Any:
        return wg.complex(t, t * t)

    def direction(t: Any) -> Any:
        return (plane(t).sgn() * plane(t).abs() * plane(t).conj()).real + plane(t).angle()

    def real(t: Any) -> Any:
        return t * t + t**4 + (t * t / t).atan()

    assert numbers(derivatives(direction, 4)(x)) == pytest.approx(numbers(derivatives(real, 4)(x)))
    spectrum = derivatives(lambda t: wg.fft.fft(wg.stack([t, t * t, t**3])), 2)(x)
    assert spectrum[2][0].item() == pytest.approx(2 + 1.8)


def test_modules_run_on_jets() -> None:
    wg.manual_seed(0)
    net = wg.nn.Sequential(wg.nn.Linear(2, 5), wg.nn.Tanh(), wg.nn.LayerNorm(5), wg.nn.Linear(5, 1)).double()
    x, v = wg.randn(2, dtype=wg.float64), wg.randn(2, dtype=wg.float64)
    hessian = wg.func.hessian(lambda a: net(a).sum())(x)
    found = directional_derivative(lambda a: net(a).sum(), (x,), (v,), 2)
    assert float(found) == pytest.approx(float(v @ hessian @ v))
    assert found.requires_grad
    found.backward()
    assert net[0].weight.grad is not None


def test_dropout_scales_all_orders_alike() -> None:
    wg.manual_seed(0)
    x = wg.ones(1000, dtype=wg.float64)
    value, series = jet(lambda a: wg.nn.functional.dropout(a * a, 0.5), (x,), ([x, x * 0],))
    assert set(value.tolist()) == {0.0, 2.0}
    assert series[0].equal(value * 2)
    assert series[1].equal(value * 2)


def test_many_threads_may_run_jets() -> None:
    import threading

    found: list[float] = []
    threads = [threading.Thread(target=lambda: found.append(float(derivative(wg.tanh, 5)(X)))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [found[0]] * 4


def test_vmap_inside_and_outside_of_a_jet() -> None:
    rows = wg.arange(6.0, dtype=wg.float64).reshape(3, 2) * 0.1

    def f(x: Any) -> Any:
        return (x.sin() * x.sum()).exp()

    inside = derivative(vmap(f), 3)(rows)
    outside = vmap(derivative(f, 3))(rows)
    wanted = wg.stack([derivative(f, 3)(row) for row in rows])
    np.testing.assert_allclose(outside.numpy(), wanted.numpy())
    np.testing.assert_allclose(inside.numpy(), wanted.numpy())


def test_whole_numbers_beside_series_are_constants() -> None:
    x, n = wg.tensor([0.3, 0.5], dtype=wg.float64), wg.tensor([1, 2])

    def f(x: Any) -> Any:
        y = wg.cat([x, n]) + wg.stack([n[0], x[1], n[1], x[0]])
        y = wg.select_scatter(y, wg.tensor(7), 0, 3) * wg.cat([n, n])
        return wg.where(n[:1] > 0, y, 0) + wg.atan2(n[1], x[0])

    def same(x: Any) -> Any:
        m = n.to(wg.float64)
        y = wg.cat([x, m]) + wg.stack([m[0], x[1], m[1], x[0]])
        y = wg.cat([y[:3], m[:1] * 7]) * wg.cat([m, m])
        return y + wg.atan2(m[1], x[0])

    def into(x: Any) -> Any:
        return (x * x).copy_(n) + x.exp().fill_(n[1]) * x

    for found, wanted in zip(derivatives(f, 3)(x), derivatives(same, 3)(x), strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy())
    assert [t.tolist() for t in derivatives(into, 2)(x)] == [[1.6, 3.0], [2.0, 2.0], [0.0, 0.0]]


def test_numbers_that_are_written_go_into_the_value() -> None:
    x, rows = wg.tensor([0.3, 0.5], dtype=wg.float64), wg.tensor([1])
    calls: list[Any] = [
        lambda v: wg.nn.functional.pad(v, (1, 1), value=3.0),
        lambda v: wg.nn.functional.pad(v.reshape(1, 2), (1, 1), mode="reflect"),
        lambda v: wg.constant_pad_nd(v, (1, 0)) + wg.constant_pad_nd(v, (1, 0), 2.0),
        lambda v: v.scatter(0, rows, 4.0) + v.index_fill(0, rows, 2.0) + v.masked_fill(v > 0.4, 1.0),
        lambda v: v.scatter(0, rows, v[:1] * v[1]) + v.scatter_add(0, rows, v[:1]),
        lambda v: wg.diff(v, prepend=v[:1] * 2, append=wg.ones(1, dtype=wg.float64)),
        lambda v: (v - 0.1).nan_to_num(0.5).log().nan_to_num(2.0),
    ]
    for k, call in enumerate(calls):
        for found, expected in zip(derivatives(lambda v, c=call: c(v * v), 2)(x), chained(call, x), strict=True):
            np.testing.assert_allclose(found.numpy(), expected.numpy(), err_msg=str(k))


def grad_along(function: Any, x: Any) -> Any:
    """The derivative of ``t -> function(x + t)``."""
    return wg.func.jvp(function, (x,), (wg.ones_like(x),))[1]


def chained(function: Any, x: Any) -> list[Any]:
    """Value and two derivatives of ``t -> function((x + t)**2)``."""

    def f(v: Any) -> Any:
        return function(v * v)

    return [f(x), grad_along(f, x), grad_along(lambda v: grad_along(f, v), x)]


def test_a_scatter_that_multiplies_is_refused_as_it_is_under_grad() -> None:
    _WARNED.add("scatter")
    with pytest.raises(NotImplementedError, match="jet has no rule for scatter, and its derivatives failed"):
        derivative(lambda v: v.scatter(0, wg.tensor([1]), 3.0, reduce="multiply"), 1)(wg.ones(2))


def test_an_operator_without_a_rule_raises_its_own_error_for_bad_arguments() -> None:
    _WARNED.add("linalg.svd")
    with pytest.raises(RuntimeError, match="must have at least 2 dimensions"):
        derivative(wg.linalg.svd, 2)(wg.ones(3))


def test_norms_are_constant_at_zero_as_their_gradients_say() -> None:
    zero = wg.zeros(3, dtype=wg.float64)
    for norm in (
        wg.linalg.vector_norm,
        wg.norm,
        lambda v: wg.cdist(v[None], v[None]).sum(),
        lambda v: wg.complex(v, v).abs().sum(),
    ):
        assert numbers(derivatives(norm, 2)(zero)) == [0.0, 0.0, 0.0]


def test_powers_of_zero_with_a_series_in_the_exponent() -> None:
    x = wg.tensor([0.0, 0.5], dtype=wg.float64)
    found = derivatives(lambda v: v ** (v + 2), 2)(x)
    near = derivatives(lambda v: ((v + 2) * v.log()).exp(), 2)(x[1])
    assert [float(t[0]) for t in found] == [0.0, 0.0, 2.0]
    assert [float(t[1]) for t in found] == pytest.approx(numbers(near))
    assert derivatives(lambda v: v ** wg.tensor([1.0, 2.0, 3.0]), 1)(wg.tensor(2.0))[1].tolist() == [1.0, 4.0, 12.0]


def test_decompositions_of_complex_matrices_and_vectors_for_each_matrix() -> None:
    rng = np.random.default_rng(0)
    A, B = (wg.tensor(rng.standard_normal((2, 3, 3)) + np.eye(3) * 4) for _ in range(2))

    def sign(t: Any) -> Any:
        M = A + t * B * 1j
        return wg.linalg.slogdet(M).sign * wg.linalg.slogdet(M).logabsdet.exp() / wg.linalg.det(M)

    t = wg.tensor(0.3, dtype=wg.float64)
    value, first, second = derivatives(sign, 2)(t)
    np.testing.assert_allclose(value.numpy(), np.ones(2), atol=1e-12)
    np.testing.assert_allclose(np.abs([first.numpy(), second.numpy()]), 0.0, atol=1e-10)
    solved = derivatives(lambda t: (A + t * B) @ wg.linalg.solve(A + t * B, A[0, :2] * t).unsqueeze(-1), 2)(t)
    np.testing.assert_allclose(solved[1].squeeze(-1).numpy(), A[0, :2].numpy(), rtol=1e-9)
    np.testing.assert_allclose(solved[2].numpy(), 0.0, atol=1e-9)


def test_dtypes_are_those_of_the_operators() -> None:
    single, double = wg.tensor([0.5, 2.0]), wg.tensor(3.0, dtype=wg.float64)
    for call in (wg.div, wg.mul, wg.add, wg.pow, wg.copysign, wg.atan2, wg.hypot, wg.maximum, wg.remainder):
        for a, b in ((single, double), (double, single)):
            value, series = jet(call, (a, b), ([a, a], [b, b]))
            assert [value.dtype, *(t.dtype for t in series)] == [call(a, b).dtype] * 3, call
            assert [value.shape, *(t.shape for t in series)] == [call(a, b).shape] * 3, call


def test_padding_of_an_embedding_is_constant() -> None:
    weight = wg.arange(6.0).reshape(3, 2)
    found = derivative(lambda w: wg.nn.functional.embedding(wg.tensor([0, 1]), w * w, padding_idx=1))(weight)
    assert found.tolist() == [[0.0, 2.0], [0.0, 0.0]]
