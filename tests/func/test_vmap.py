"""What ``vmap`` promises beyond the values of single operators."""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any

import pytest

import wengert as wg
from wengert import relu as imported_by_name
from wengert.func._dispatch import _WARNED, RULES, dispatch, rule
from wengert.func._entries import PATIENCE

X = wg.arange(6.0).reshape(3, 2)


def test_a_public_function_given_as_it_is_finds_its_rule() -> None:
    assert wg.vmap(wg.dot)(X, X).tolist() == [1.0, 13.0, 41.0]
    assert wg.vmap(functools.partial(wg.add, alpha=2))(X, X).equal(X * 3)
    assert wg.vmap(wg.func.grad(wg.nn.functional.mse_loss))(X, wg.zeros(3, 2)).equal(X)


def test_a_function_imported_by_name_finds_its_rule() -> None:
    assert wg.vmap(lambda x: imported_by_name(x - 2))(X).equal((X - 2).relu())


def test_public_names_are_put_back_after_vmap() -> None:
    before = (wg.stack, wg.nn.functional.relu, imported_by_name, type(wg))
    with pytest.raises(ZeroDivisionError):
        wg.vmap(lambda x: 1 // 0)(X)
    after = (wg.stack, wg.nn.functional.relu, imported_by_name, type(wg))
    assert all(a is b for a, b in zip(before, after, strict=True))


def test_methods_are_put_back_when_a_program_goes_on_without_vmap() -> None:
    plain = getattr(wg.Tensor.add, "__wrapped__", wg.Tensor.add)
    wg.vmap(lambda x: x)(X)
    assert wg.Tensor.add is not plain
    for _ in range(PATIENCE + 1):
        assert X.add(1).equal(X + 1)
    assert wg.Tensor.add is plain
    assert wg.vmap(lambda x: wg.ones(2).add(x))(X).equal(X + 1)


def test_a_name_that_a_program_has_given_a_new_meaning_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wg, "relu", lambda x: x * 10)
    assert wg.vmap(lambda x: wg.relu(x + 0))(X).equal(X * 10)
    assert wg.relu(X).equal(X * 10)


def test_methods_of_ordinary_tensors_take_batched_arguments() -> None:
    w = wg.arange(2.0)
    assert wg.vmap(lambda x: w.mul(x + 0))(X).equal(X * w)
    assert wg.vmap(lambda i: w[i])(wg.tensor([1, 0])).equal(wg.tensor([1.0, 0.0]))


def test_an_ordinary_tensor_cannot_take_a_value_for_each_sample() -> None:
    with pytest.raises(RuntimeError, match="vmap: inplace arithmetic"):
        wg.vmap(lambda x: wg.zeros(2).add_(x))(X)
    with pytest.raises(RuntimeError, match="vmap: inplace arithmetic"):
        wg.vmap(lambda x: wg.zeros(2).__setitem__(0, x[0]))(X)


def test_out_arguments_are_refused() -> None:
    shared = wg.zeros(2)
    with pytest.raises(RuntimeError, match="cannot be transformed"):
        wg.vmap(lambda x: wg.add(x, 1, out=shared))(X)
    assert shared.shape == (2,)


@pytest.mark.parametrize("dims", [1, ([0, 1], [1, 0])])
def test_tensordot_of_samples_refuses_sizes_that_do_not_match(dims: Any) -> None:
    with pytest.raises(RuntimeError, match="contracted dimensions need to match"):
        wg.vmap(lambda x, y: wg.tensordot(x, y, dims))(wg.ones(2, 2, 3), wg.ones(2, 6, 1))


def test_writing_in_place_is_differentiated() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        y[0] = x[1] * 3
        y.mul_(x)
        return y.sum()

    assert wg.vmap(wg.func.grad(f))(X).equal(wg.stack([wg.func.grad(f)(row) for row in X]))


@pytest.mark.parametrize("step", ["t_()", "transpose_(0, -1)", "swapaxes_(0, 1)", "unsqueeze_(-1)", "squeeze_(0)"])
@pytest.mark.parametrize("in_dim", [0, -1])
def test_a_sample_takes_another_shape_in_place(step: str, in_dim: int) -> None:
    def f(x: Any) -> Any:
        y = x * 1
        part = y[:1]
        eval(f"part.{step}")
        part.mul_(x.sum())
        return y, part

    x = wg.arange(12.0).reshape(2, 2, 3)
    expected = [wg.stack(column) for column in zip(*map(f, x), strict=True)]
    before = x.movedim(0, in_dim).contiguous()
    found = wg.vmap(f, in_dim)(before)
    assert all(a.equal(b) for a, b in zip(found, expected, strict=True))
    assert wg.vmap(lambda v: v.t_(), in_dim)(before).shape == (2, 3, 2)
    assert before.equal(x.movedim(0, in_dim))  # what was given keeps its shape


def test_squeezing_nothing_gives_another_tensor() -> None:
    def f(x: Any) -> Any:
        x.squeeze().unsqueeze_(0)
        return x * 1

    assert wg.vmap(f)(X).equal(X)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_what_the_samples_share_is_not_written_once_for_each() -> None:
    def f(x: Any, y: Any) -> Any:
        x.cumsum_(0)
        return x * y

    def g(x: Any, y: Any) -> Any:
        x[[0]] = y[:1]
        return x

    for h in (f, g):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
            wg.vmap(lambda x, y, h=h: wg.func.jvp(h, (x, y), (x, y)), (None, 0))(X[0], X)


def test_fill_takes_a_number_for_each_sample() -> None:
    def f(x: Any) -> Any:
        return (x * 1).fill_(x.sum() ** 2)

    assert wg.vmap(f)(X).equal(wg.stack([f(row) for row in X]))
    gradient = wg.func.grad(lambda x: f(x).sum())
    assert wg.vmap(gradient)(X).equal(wg.stack([gradient(row) for row in X]))


def test_an_operator_without_a_rule_is_looped_over_and_says_so_once() -> None:
    assert "histc" not in RULES
    _WARNED.discard("histc")
    with pytest.warns(UserWarning, match="not yet implemented the batching rule for histc"):
        first = wg.vmap(lambda x: wg.histc(x, 3, 0.0, 6.0))(X)
    assert first.equal(wg.stack([wg.histc(row, 3, 0.0, 6.0) for row in X]))
    assert wg.vmap(lambda x: wg.histc(x, 3, 0.0, 6.0))(X).equal(first)  # a warning would be an error here


def test_a_batched_argument_that_a_rule_does_not_foresee_is_looped_over() -> None:
    calls: dict[str, Any] = {
        "diff": lambda x: wg.diff(x, prepend=x[:1] * 2),
        "quantile": lambda x: wg.quantile(x + 1, x[0] / 10),
        "full_like": lambda x: wg.full_like(wg.zeros(2), x[0]),
    }
    for name, call in calls.items():
        _WARNED.discard(name)
        with pytest.warns(UserWarning, match=f"batching rule for {name}"):
            assert wg.vmap(call)(X).equal(wg.stack([call(row) for row in X])), name


def test_a_batched_tensor_that_escaped_is_refused() -> None:
    kept: list[Any] = []
    wg.vmap(lambda x: (kept.append(x), x)[1])(X)
    with pytest.raises(RuntimeError, match="a vmap that has ended"):
        wg.func.grad(lambda x: x.sum())(kept[0])


def test_compiled_code_cannot_take_a_batched_tensor_for_an_array() -> None:
    kept: list[Any] = []
    wg.vmap(lambda x: (kept.append(x), x)[1])(X)
    with pytest.raises(RuntimeError, match="a batched tensor reached an operator that vmap does not see"):
        kept[0].array.sum()


@pytest.mark.parametrize("function", [wg.relu, wg.add, wg.sum, wg.sub, wg.neg, wg.matmul])
def test_a_function_that_was_put_away_before_raises_instead_of_computing(function: Any) -> None:
    put_away = {"function": function}
    arguments = {"add": 2, "sub": 2, "matmul": 2}.get(function.__name__, 1)
    with pytest.raises(RuntimeError, match="that vmap does not see"):
        wg.vmap(lambda x: put_away["function"](*[x] * arguments))(X)


def test_threads_map_independently() -> None:
    results: list[Any] = []

    def work() -> None:
        for _ in range(20):
            results.append(wg.vmap(lambda x: wg.stack([x, x]).sum())(X).tolist())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [[2.0, 10.0, 18.0]] * 60


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_randomness_says_how_often_numbers_are_drawn(randomness: str) -> None:
    draws: dict[str, Any] = {
        "rand": lambda x: wg.rand(50),
        "rand_like": wg.rand_like,
        "uniform_": lambda x: (x * 1).uniform_(),
        "dropout": lambda x: wg.nn.functional.dropout(x + 1),
        "randperm": lambda x: wg.randperm(50),
        "normal": lambda x: wg.normal(x, 1.0),
        "gumbel_softmax": wg.nn.functional.gumbel_softmax,
    }
    for name, draw in draws.items():
        first, second = wg.vmap(draw, randomness=randomness)(wg.zeros(2, 50))
        assert first.equal(second) == (randomness == "same"), name


def test_randomness_of_one_draw_is_reproducible() -> None:
    wg.manual_seed(3)
    first = wg.vmap(lambda x: wg.randn(4) + x, randomness="same")(wg.zeros(2))
    wg.manual_seed(3)
    assert first[0].equal(wg.randn(4))


def test_chunks_give_what_one_pass_gives() -> None:
    x = wg.arange(14.0).reshape(7, 2)
    f = wg.func.grad(lambda v: (v**3).sum())
    for size in (1, 2, 3, 7, 100):
        assert wg.vmap(f, chunk_size=size)(x).equal(wg.vmap(f)(x))


def test_a_custom_function_is_mapped_by_its_own_rule() -> None:
    seen: list[Any] = []

    class Double(wg.autograd.Function):
        @staticmethod
        def forward(x: Any, k: Any) -> Any:
            return x * k

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.k = inputs[1]

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * ctx.k, None

        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any, k: Any) -> Any:
            seen.append((info.batch_size, info.randomness, in_dims, tuple(x.shape)))
            return Double.apply(x, k), in_dims[0]

    assert wg.vmap(lambda x: Double.apply(x, 2.0), in_dims=1)(X).equal(X.t() * 2)
    assert seen == [(2, "error", (1, None), (3, 2))]
    assert wg.vmap(wg.func.grad(lambda x: Double.apply(x, 3.0).sum()))(X).equal(wg.full((3, 2), 3.0))


def test_a_custom_function_with_a_generated_rule_is_differentiated_per_sample() -> None:
    class Cube(wg.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            return x**3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return 3 * ctx.saved_tensors[0] ** 2 * grad

    assert wg.vmap(wg.func.grad(lambda x: Cube.apply(x).sum()))(X).equal(3 * X**2)


def test_a_new_rule_is_one_decorated_function() -> None:
    @rule("my_operator")
    def doubled(batch: Any, call: Any, x: Any) -> Any:
        return batch.wrap(batch.front(x) * 2)

    try:
        assert wg.vmap(lambda x: dispatch("my_operator", wg.exp, (x,), {}))(X).equal(X * 2)
    finally:
        del RULES["my_operator"]


def test_an_ensemble_of_modules_is_mapped() -> None:
    models = [wg.nn.Linear(2, 2) for _ in range(3)]
    parameters, buffers = wg.func.stack_module_state(models)
    assert parameters["weight"].shape == (3, 2, 2)
    assert parameters["weight"].is_leaf
    assert parameters["weight"].requires_grad
    x = wg.ones(4, 2)
    out = wg.vmap(lambda p, b, v: wg.func.functional_call(models[0], (p, b), (v,)), (0, 0, None))(
        parameters, buffers, x
    )
    for k, model in enumerate(models):
        assert wg.allclose(out[k], model(x))


def test_gradients_of_each_sample_of_a_convolutional_network_are_those_of_a_loop() -> None:
    nn, F = wg.nn, wg.func
    model = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.GroupNorm(3, 3), nn.Flatten(),
                          nn.Linear(48, 5))  # fmt: skip
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    images, targets = wg.randn(4, 1, 8, 8), wg.tensor([0, 3, 1, 4])

    def loss(p: Any, image: Any, target: Any) -> Any:
        return nn.functional.cross_entropy(F.functional_call(model, p, (image.unsqueeze(0),)), target.unsqueeze(0))

    at_once = F.vmap(F.grad(loss), (None, 0, 0))(parameters, images, targets)
    for name, gradient in at_once.items():
        for k in range(4):
            assert wg.allclose(gradient[k], F.grad(loss)(parameters, images[k], targets[k])[name], atol=1e-6)


def test_functional_call_leaves_the_module_as_it_was() -> None:
    model = wg.nn.Linear(2, 2)
    before = model(wg.ones(2))
    with pytest.raises(RuntimeError):
        wg.func.functional_call(model, {"weight": wg.ones(5, 5)}, wg.ones(2))
    assert wg.func.functional_call(model, {"weight": wg.zeros(2, 2)}, wg.ones(2)).equal(model.bias)
    assert model(wg.ones(2)).equal(before)
    with pytest.raises(RuntimeError, match=r"Missing key\(s\): 'bias'\."):
        wg.func.functional_call(model, {"weight": wg.ones(2, 2)}, wg.ones(2), strict=True)


def test_importing_wengert_does_not_import_func() -> None:
    import subprocess

    code = "import wengert, sys; sys.exit('wengert.func' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
