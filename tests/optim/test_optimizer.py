"""Groups, state dicts, hooks and errors of optimizers, against torch's."""

from __future__ import annotations

import copy
import importlib
import pickle
from typing import Any

import numpy as np
import pytest

from tests.optim.rules import CASES, RULES, label
from tests.optim.test_rules import SHAPES, numbers

NAMES = [*RULES, "LBFGS", "Muon"]


def converted(value: Any, package: Any) -> Any:
    """Return a state dict with its tensors as those of another package."""
    if hasattr(value, "detach"):
        return package.tensor(value.detach().numpy().copy(), dtype=getattr(package, str(value.dtype).split(".")[1]))
    if isinstance(value, dict):
        return {key: converted(inner, package) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(converted(inner, package) for inner in value)
    return value


def description(value: Any) -> Any:
    """Return keys, types and shapes of a state dict."""
    if hasattr(value, "detach"):
        return "tensor", str(value.dtype).split(".")[1], tuple(value.shape)
    if isinstance(value, dict):
        return {key: description(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value).__name__, [description(inner) for inner in value]
    return type(value).__name__, value


def trained(package: Any, name: str, options: dict[str, Any], steps: int, saved: Any = None) -> tuple[Any, list[Any]]:
    """Return an optimizer after some steps with given gradients, and its parameters; it may go on from a state dict."""
    shapes = [(4, 5)] if name == "Muon" else SHAPES
    start = 0 if saved is None else saved[2]
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(shape) for shape in shapes] if saved is None else saved[1]
    params = [package.tensor(array, requires_grad=True) for array in arrays]
    optimizer = getattr(package.optim, name)(params, **options)
    if saved is not None:
        optimizer.load_state_dict(saved[0])
    for i in range(start, start + steps):

        def closure(i: int = i) -> Any:
            rng = np.random.default_rng(i)
            for p in params:
                p.grad = package.tensor(numbers(rng, tuple(p.shape), "float64") * (i + 1) + 2)
            return package.tensor(1.0 / (i + 1))

        closure()
        optimizer.step(closure) if name == "LBFGS" else optimizer.step()
    return optimizer, [p.detach().numpy() for p in params]


EXCHANGE = [*CASES[::5], *[(name, {}) for name in NAMES], ("LBFGS", {"line_search_fn": "strong_wolfe"})]


@pytest.mark.parametrize("direction", ["from torch", "to torch"])
@pytest.mark.parametrize(("name", "options"), EXCHANGE, ids=label)
def test_training_goes_on_from_a_state_dict_of_the_other_package(
    package: Any, oracle: Any, name: str, options: dict[str, Any], direction: str
) -> None:
    source, target = (oracle, package) if direction == "from torch" else (package, oracle)
    optimizer, params = trained(source, name, options, 5)
    params = [p.copy() for p in params]

    def more(which: Any) -> list[Any]:
        return trained(which, name, options, 5, (converted(optimizer.state_dict(), which), params, 5))[1]

    ours, theirs = more(target), more(source)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a, b, rtol=1e-5 if name == "Muon" else 1e-12, atol=1e-14)


@pytest.mark.parametrize(("name", "options"), EXCHANGE, ids=label)
def test_state_dicts_have_the_structure_of_torch(package: Any, oracle: Any, name: str, options: dict[str, Any]) -> None:
    ours, theirs = (trained(which, name, options, 3)[0].state_dict() for which in (package, oracle))
    assert description(ours["param_groups"]) == description(theirs["param_groups"])
    if name != "LBFGS":
        assert description(ours["state"]) == description(theirs["state"])
    else:
        assert set(ours["state"][0]) == set(theirs["state"][0])


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_that_of_torch(package: Any, oracle: Any, name: str) -> None:
    ours, theirs = (trained(which, name, {}, 1)[0] for which in (package, oracle))
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("copied", [lambda o: pickle.loads(pickle.dumps(o)), copy.deepcopy], ids=["pickle", "deepcopy"])
@pytest.mark.parametrize("name", NAMES)
def test_copies_go_on_like_the_original(package: Any, name: str, copied: Any) -> None:
    optimizer = trained(package, name, {}, 3)[0]
    twin = copied(optimizer)
    for one in (optimizer, twin):
        for p in one.param_groups[0]["params"]:
            p.grad = package.ones_like(p)
        one.step(lambda: package.tensor(1.0)) if name == "LBFGS" else one.step()
    for p, q in zip(optimizer.param_groups[0]["params"], twin.param_groups[0]["params"]):
        assert q is not p
        assert package.equal(p, q)


def outcome(package: Any, program: Any) -> tuple[str, str]:
    try:
        with pytest.warns(UserWarning) as caught:
            program(package)
    except Exception as error:
        return type(error).__name__, str(error).replace("wengert", "torch")
    except BaseException as error:  # pytest: DID NOT WARN
        return "", type(error).__name__
    return "warning", str(caught[0].message)


def leaf(package: Any) -> Any:
    return package.ones(2, requires_grad=True)


REFUSED = {
    "a tensor as params": lambda t: t.optim.SGD(leaf(t)),
    "no params": lambda t: t.optim.SGD([]),
    "a number as param": lambda t: t.optim.SGD([1]),
    "a string as param": lambda t: t.optim.SGD(["weight"]),
    "a class as param": lambda t: t.optim.SGD([dict]),
    "a set in a group": lambda t: t.optim.SGD([{"params": {leaf(t)}}]),
    "a result as param": lambda t: t.optim.SGD([leaf(t) * 2]),
    "a group that is no dict": lambda t: t.optim.SGD([leaf(t)]).add_param_group([leaf(t)]),
    "a group without params": lambda t: t.optim.SGD([{"lr": 1.0}]),
    "a missing option": lambda t: t.optim.Optimizer(
        [leaf(t)], {"lr": importlib.import_module(f"{t.__name__}.optim.optimizer").required}
    ),
    "a param twice in a group": lambda t: t.optim.SGD([leaf(t)] * 2),
    "a param in two groups": lambda t: (lambda p: t.optim.SGD([{"params": p}, {"params": p}]))(leaf(t)),
    "some names": lambda t: t.optim.SGD([("a", leaf(t)), leaf(t)]),
    "a group without names": lambda t: t.optim.SGD([("a", leaf(t))]).add_param_group({"params": leaf(t)}),
    "a group with names": lambda t: t.optim.SGD([leaf(t)]).add_param_group({"params": [("a", leaf(t))]}),
    "a base that steps": lambda t: t.optim.Optimizer([leaf(t)], {}).step(),
    "nothing to complain of": lambda t: t.optim.SGD([leaf(t)]),
    "other number of groups": lambda t: t.optim.SGD([leaf(t)]).load_state_dict({"state": {}, "param_groups": []}),
    "other size of a group": lambda t: t.optim.SGD([leaf(t)]).load_state_dict(
        {"state": {}, "param_groups": [{"params": [0, 1]}]}
    ),
    "a tensor rate with elements": lambda t: t.optim.SGD([leaf(t)], lr=t.ones(2)),
    "nesterov without momentum": lambda t: t.optim.SGD([leaf(t)], nesterov=True),
    "betas of two kinds": lambda t: t.optim.Adam([leaf(t)], betas=(0.9, t.tensor(0.9))),
    "fused and foreach": lambda t: t.optim.SGD([leaf(t)], fused=True, foreach=True),
    "fused and differentiable": lambda t: t.optim.Adam([leaf(t)], fused=True, differentiable=True),
    "rho": lambda t: t.optim.Adadelta([leaf(t)], rho=1.5),
    "etas": lambda t: t.optim.Rprop([leaf(t)], etas=(1.5, 0.5)),
    "d": lambda t: t.optim.Adafactor([leaf(t)], d=0.5),
    "beta2_decay": lambda t: t.optim.Adafactor([leaf(t)], beta2_decay=0.5),
    "epsilon1": lambda t: t.optim.Adafactor([leaf(t)], eps=(-1.0, 1.0)),
    "epsilon2": lambda t: t.optim.Adafactor([leaf(t)], eps=(1.0, -1.0)),
    "a vector for Muon": lambda t: t.optim.Muon([leaf(t)]),
    "unknown size rule": lambda t: t.optim.Muon([t.ones(2, 2)], adjust_lr_fn="best"),
    "two groups for LBFGS": lambda t: t.optim.LBFGS([{"params": leaf(t)}, {"params": leaf(t)}]),
    **{f"rate of {name}": (lambda t, name=name: getattr(t.optim, name)([leaf(t)], lr=-1.0)) for name in NAMES},
    **{
        f"{option} of {name}": (lambda t, name=name, option=option: getattr(t.optim, name)([leaf(t)], **{option: -1.0}))
        for name, options in {
            "SGD": ["momentum", "weight_decay"],
            "Adam": ["eps", "weight_decay"],
            "AdamW": ["eps", "weight_decay"],
            "Adamax": ["eps", "weight_decay"],
            "NAdam": ["eps", "weight_decay", "momentum_decay"],
            "RAdam": ["eps", "weight_decay"],
            "Adagrad": ["eps", "weight_decay", "lr_decay", "initial_accumulator_value"],
            "Adadelta": ["eps", "weight_decay"],
            "RMSprop": ["eps", "weight_decay", "momentum", "alpha"],
            "ASGD": ["weight_decay"],
            "Adafactor": ["weight_decay"],
            "Muon": ["weight_decay", "momentum"],
        }.items()
        for option in options
    },
    **{
        f"beta {i} of {name}": (
            lambda t, name=name, i=i: getattr(t.optim, name)([leaf(t)], betas=(0.9, 1.0) if i else (-0.1, 0.9))
        )
        for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")
        for i in (0, 1)
    },
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_bad_input_is_refused_in_the_words_of_torch(package: Any, oracle: Any, case: str) -> None:
    assert outcome(package, REFUSED[case]) == outcome(oracle, REFUSED[case])


def test_a_rate_that_is_no_number_is_refused(package: Any) -> None:
    with pytest.raises(ValueError, match="Invalid learning rate: nan"):
        package.optim.SGD([leaf(package)], lr=float("nan"))


def hook_events(which: Any) -> list[str]:
    events: list[str] = []
    p = leaf(which)
    p.grad = which.ones(2)
    optimizer = which.optim.SGD([p], lr=0.1)

    def note(name: str) -> Any:
        return lambda *args: events.append(f"{name} {len(args)}")

    module = importlib.import_module(f"{which.__name__}.optim.optimizer")
    handles = [
        module.register_optimizer_step_pre_hook(note("global pre")),
        module.register_optimizer_step_post_hook(note("global post")),
        optimizer.register_step_pre_hook(note("pre")),
        optimizer.register_step_post_hook(note("post")),
        optimizer.register_state_dict_pre_hook(note("save pre")),
        optimizer.register_state_dict_pre_hook(note("save pre first"), prepend=True),
        optimizer.register_state_dict_post_hook(note("save post")),
        optimizer.register_load_state_dict_pre_hook(note("load pre")),
        optimizer.register_load_state_dict_post_hook(note("load post")),
    ]
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    for handle in handles:
        handle.remove()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    return events


def test_hooks_run_in_the_order_of_torch(package: Any, oracle: Any) -> None:
    assert hook_events(package) == hook_events(oracle)


def test_hooks_replace_what_they_return(package: Any) -> None:
    optimizer = package.optim.SGD([leaf(package)], lr=0.1)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: "loss"), {}))
    optimizer.register_state_dict_post_hook(lambda o, saved: {**saved, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(
        lambda o, saved: {**saved, "param_groups": [{**saved["param_groups"][0], "lr": 7.0}]}
    )
    assert optimizer.step() == "loss"
    saved = optimizer.state_dict()
    assert saved["extra"] == 1
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr"] == 7.0


def test_a_step_hook_that_returns_something_else_is_refused(package: Any) -> None:
    optimizer = package.optim.SGD([leaf(package)])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3\."):
        optimizer.step()


def test_hooks_run_for_optimizers_that_users_write(package: Any) -> None:
    class Mine(package.optim.Optimizer):  # type: ignore[misc,name-defined]
        def step(self, closure: Any = None) -> str:
            return "stepped"

    optimizer, events = Mine([leaf(package)], {}), []
    optimizer.register_step_post_hook(lambda o, args, kwargs: events.append(o))
    assert optimizer.step() == "stepped"
    assert events == [optimizer]


def test_zero_grad_forgets_gradients(package: Any) -> None:
    p = leaf(package)
    p.grad = package.ones(2)
    package.optim.SGD([p]).zero_grad()
    assert p.grad is None


def test_zero_grad_may_keep_the_memory_and_cut_the_graph(package: Any) -> None:
    p = leaf(package)
    grad = (p**3).detach() * p
    p.grad = grad
    package.optim.SGD([p]).zero_grad(set_to_none=False)
    assert p.grad is grad
    assert grad.tolist() == [0, 0]
    assert not grad.requires_grad


def test_names_are_kept_with_the_group(package: Any) -> None:
    optimizer = package.optim.SGD([("a", leaf(package)), ("b", leaf(package))])
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]


def test_loaded_state_takes_the_dtype_of_the_parameter(package: Any) -> None:
    saved = trained(package, "Adam", {}, 1)[0].state_dict()
    params = [package.ones(shape, requires_grad=True) for shape in SHAPES]
    optimizer = package.optim.Adam(params)
    optimizer.load_state_dict(saved)
    assert optimizer.state[params[1]]["exp_avg"].dtype == package.float32


def test_state_dicts_of_old_releases_load(package: Any) -> None:
    p = leaf(package)
    p.grad = package.ones(2)
    optimizer = package.optim.Adam([p])
    group = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "params": [0]}
    state = {"step": 3, "exp_avg": package.ones(2), "exp_avg_sq": package.ones(2)}
    optimizer.load_state_dict({"state": {0: state}, "param_groups": [group]})
    optimizer.step()
    assert optimizer.state[p]["step"].item() == 4
    assert optimizer.param_groups[0]["amsgrad"] is False


def test_lbfgs_needs_a_closure(package: Any) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'closure'"):
        package.optim.LBFGS([leaf(package)]).step()


def test_lbfgs_refuses_other_line_searches(package: Any) -> None:
    p = leaf(package)
    optimizer = package.optim.LBFGS([p], line_search_fn="golden")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optimizer.step(closure)


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_rules_for_real_numbers_refuse_complex_ones(package: Any, name: str) -> None:
    p = package.ones(2, 2, dtype=package.complex64, requires_grad=True)
    p.grad = package.ones_like(p)
    with pytest.raises(RuntimeError, match=f"{name} does not support complex parameters"):
        getattr(package.optim, name)([p]).step()


def test_profiles_name_the_step(package: Any) -> None:
    p = leaf(package)
    p.grad = package.ones(2)
    optimizer = package.optim.SGD([p], lr=0.1)
    with package.profiler.profile() as profile:
        optimizer.step()
        optimizer.zero_grad()
    names = {event.key for event in profile.key_averages()}
    assert {"Optimizer.step#SGD.step", "Optimizer.zero_grad#SGD.zero_grad"} <= names


def test_groups_are_shown_with_an_empty_line_between_them(oracle: Any, package: Any) -> None:
    shown = []
    for library in (oracle, package):
        weights = [library.nn.Parameter(library.zeros(1)) for _ in range(2)]
        shown.append(repr(library.optim.Adagrad([{"params": weights[:1]}, {"params": weights[1:], "lr": 0.5}])))
    assert shown[0] == shown[1]
