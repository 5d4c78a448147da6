"""Schedules give torch's rates, warnings, errors and state dicts."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import pytest

from tests.optim.rules import label

STEPS = 25

Build = Any


def simple(name: str, **options: Any) -> Build:
    return lambda lrs, optimizer: getattr(lrs, name)(optimizer, **options)


class Halving:
    """A callable object whose attributes belong to the state dict."""

    def __init__(self, base: float) -> None:
        self.base = base

    def __call__(self, t: float) -> float:
        return self.base**t


SCHEDULES: dict[str, Build] = {
    "lambda": simple("LambdaLR", lr_lambda=lambda t: 1 / (1 + t)),
    "lambdas": simple("LambdaLR", lr_lambda=[lambda t: 0.9**t, Halving(0.5)]),
    "multiplicative": simple("MultiplicativeLR", lr_lambda=lambda t: 1 / (1 + t)),
    "step": simple("StepLR", step_size=3, gamma=0.5),
    "multistep": simple("MultiStepLR", milestones=[2, 5, 5, 11], gamma=0.3),
    "constant": simple("ConstantLR", factor=0.4, total_iters=4),
    "linear": simple("LinearLR", start_factor=0.2, end_factor=0.7, total_iters=6),
    "linear by default": simple("LinearLR"),
    "exponential": simple("ExponentialLR", gamma=0.8),
    "polynomial": simple("PolynomialLR", total_iters=8, power=1.7),
    "cosine": simple("CosineAnnealingLR", T_max=7, eta_min=0.01),
    "restarts": simple("CosineAnnealingWarmRestarts", T_0=3, T_mult=2, eta_min=0.01),
    "restarts of one length": simple("CosineAnnealingWarmRestarts", T_0=4),
    "triangular": simple("CyclicLR", base_lr=0.01, max_lr=[0.1, 0.2], step_size_up=3, step_size_down=5),
    "triangular2": simple("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=3, mode="triangular2"),
    "exp_range": simple("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=3, mode="exp_range", gamma=0.9),
    "own scale": simple(
        "CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=3, scale_fn=Halving(0.9), scale_mode="iterations"
    ),
    "cyclic, rate only": simple("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=3, cycle_momentum=False),
    "one cycle": simple("OneCycleLR", max_lr=0.5, total_steps=STEPS),
    "one cycle in lines": simple(
        "OneCycleLR", max_lr=[0.5, 1.0], epochs=5, steps_per_epoch=6, anneal_strategy="linear", pct_start=0.4
    ),
    "one cycle in three": simple("OneCycleLR", max_lr=0.5, total_steps=STEPS, three_phase=True),
    "sequence": lambda lrs, o: lrs.SequentialLR(
        o,
        [lrs.ConstantLR(o, factor=0.1, total_iters=3), lrs.ExponentialLR(o, 0.9), lrs.CosineAnnealingLR(o, 6)],
        milestones=[4, 9],
    ),
    "chain": lambda lrs, o: lrs.ChainedScheduler([lrs.ConstantLR(o, 0.1, total_iters=4), lrs.ExponentialLR(o, 0.9)]),
    "chain of a sequence": lambda lrs, o: lrs.ChainedScheduler(
        [lrs.SequentialLR(o, [lrs.LinearLR(o), lrs.StepLR(o, 2)], milestones=[3]), lrs.ExponentialLR(o, 0.9)]
    ),
}
CHAINABLE = ["step", "multistep", "constant", "linear", "exponential", "polynomial", "cosine"]


def new_optimizer(package: Any, name: str = "SGD", lr: Any = 0.1) -> Any:
    params = [package.ones(2, requires_grad=True) for _ in range(2)]
    options = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(package.optim, name)([{"params": params[0]}, {"params": params[1], "lr": 0.3}], lr=lr, **options)


def rates(optimizer: Any) -> list[Any]:
    keys = ("lr", "momentum", "betas", "initial_lr", "max_lr", "min_lr")
    return [
        {key: float(group[key]) if key == "lr" else group[key] for key in keys if key in group}
        for group in optimizer.param_groups
    ]


def run(optimizer: Any, scheduler: Any, steps: int) -> list[Any]:
    seen = [(rates(optimizer), scheduler.get_last_lr())]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        seen.append((rates(optimizer), scheduler.get_last_lr()))
    return seen


@pytest.mark.parametrize("rule", ["SGD", "Adam"])
@pytest.mark.parametrize("name", list(SCHEDULES))
def test_rates_are_those_of_torch(package: Any, oracle: Any, name: str, rule: str) -> None:
    def program(which: Any) -> list[Any]:
        optimizer = new_optimizer(which, rule)
        return run(optimizer, SCHEDULES[name](which.optim.lr_scheduler, optimizer), STEPS - 1)

    assert program(package) == program(oracle)


@pytest.mark.parametrize("name", CHAINABLE)
def test_the_closed_form_is_that_of_torch(package: Any, oracle: Any, name: str) -> None:
    def program(which: Any) -> list[Any]:
        optimizer = new_optimizer(which)
        scheduler = SCHEDULES[name](which.optim.lr_scheduler, optimizer)
        optimizer.step()
        seen = []
        for epoch in (0, 3, 5, 12, 2):
            with pytest.warns(UserWarning, match=r"The epoch parameter in `scheduler\.step\(\)` was not necessary"):
                scheduler.step(epoch)
            seen.append(rates(optimizer))
        return seen

    assert program(package) == program(oracle)


def test_restarts_jump_to_fractions_of_steps_as_in_torch(package: Any, oracle: Any) -> None:
    def program(which: Any) -> list[Any]:
        optimizer = new_optimizer(which)
        scheduler = which.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, 2)
        seen = []
        for epoch in (0.5, 2.9, 3.5, 10.25, 1.0):
            scheduler.step(epoch)
            seen.append((rates(optimizer), scheduler.state_dict()["T_cur"], scheduler.T_i))
        return seen

    assert program(package) == program(oracle)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 1, "factor": 0.5},
        {"patience": 1, "mode": "max", "threshold_mode": "abs", "threshold": 0.1},
        {"patience": 0, "cooldown": 2, "min_lr": [0.02, 0.01]},
        {"patience": 0, "mode": "max", "min_lr": 0.05},
        {"patience": 1, "threshold_mode": "abs", "threshold": 0.3, "eps": 0.01},
    ],
    ids=label,
)
def test_plateaus_are_seen_where_torch_sees_them(package: Any, oracle: Any, options: dict[str, Any]) -> None:
    def program(which: Any) -> list[Any]:
        optimizer = new_optimizer(which)
        scheduler = which.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        seen = []
        for measure in [5, 4, 4, 4, 3.9, 3.99, 3.95, 2, 2, 2, 2, 2, 2.5, 2, 2, 2, 2, 2, 2]:
            scheduler.step(which.tensor(float(measure)))
            seen.append((rates(optimizer), scheduler.state_dict()))
        return seen

    assert program(package) == program(oracle)


def plain(state: Any) -> Any:
    """Return a state dict without what is no value."""
    if isinstance(state, dict):
        return {key: plain(value) for key, value in state.items() if key != "_scale_fn_ref"}
    if isinstance(state, list | tuple):
        return [plain(value) for value in state]
    return state


@pytest.mark.parametrize("direction", ["from torch", "to torch"])
@pytest.mark.parametrize("name", list(SCHEDULES))
def test_a_schedule_goes_on_from_a_state_dict_of_the_other_package(
    package: Any, oracle: Any, name: str, direction: str
) -> None:
    source, target = (oracle, package) if direction == "from torch" else (package, oracle)
    optimizer = new_optimizer(source)
    scheduler = SCHEDULES[name](source.optim.lr_scheduler, optimizer)
    run(optimizer, scheduler, 5)
    other = new_optimizer(target)
    follower = SCHEDULES[name](target.optim.lr_scheduler, other)
    assert plain(follower.state_dict()).keys() == plain(scheduler.state_dict()).keys()
    follower.load_state_dict(pickle.loads(pickle.dumps(plain(scheduler.state_dict()))))
    other.load_state_dict(optimizer.state_dict())
    assert run(other, follower, STEPS - 6) == run(optimizer, scheduler, STEPS - 6)


@pytest.mark.parametrize("name", ["exponential", "cosine", "lambda", "sequence", "one cycle in three"])
def test_a_rate_that_is_a_tensor_is_written_to(package: Any, oracle: Any, name: str) -> None:
    def program(which: Any) -> list[float]:
        lr = which.tensor(0.1, dtype=which.float64)
        optimizer = which.optim.SGD([which.ones(2, requires_grad=True)], lr=lr, momentum=0.9)
        scheduler = SCHEDULES[name](which.optim.lr_scheduler, optimizer)
        seen = []
        for _ in range(12):
            optimizer.step()
            scheduler.step()
            seen.append(lr.item())
        assert optimizer.param_groups[0]["lr"] is lr
        return seen

    assert program(package) == program(oracle)


def complaint(package: Any, program: Any) -> tuple[str, str]:
    """Return what the program raises or warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            program(package.optim.lr_scheduler, new_optimizer(package))
        except Exception as error:
            return type(error).__name__, str(error)
    return "warning", "\n".join(str(warning.message) for warning in caught)


def overridden(lrs: Any, optimizer: Any) -> None:
    scheduler = lrs.StepLR(optimizer, 2)
    optimizer.step = lambda: None
    scheduler.step()


def late_group(lrs: Any, optimizer: Any, package: Any) -> None:
    scheduler = lrs.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.0, 0.0])
    optimizer.param_groups.append(dict(optimizer.param_groups[0]))
    scheduler.step(1.0)
    scheduler.step(2.0)


COMPLAINTS: dict[str, Any] = {
    "no optimizer": lambda lrs, o: lrs.StepLR(3, 2),
    "no optimizer for a cycle": lambda lrs, o: lrs.CyclicLR(3, 0.1, 0.2),
    "no optimizer for one cycle": lambda lrs, o: lrs.OneCycleLR(3, 0.1, 10),
    "no optimizer for a plateau": lambda lrs, o: lrs.ReduceLROnPlateau(3),
    "going on without a rate at the start": lambda lrs, o: lrs.StepLR(o, 2, last_epoch=3),
    "schedule before optimizer": lambda lrs, o: lrs.StepLR(o, 2).step(),
    "step replaced": overridden,
    "rates asked for outside a step": lambda lrs, o: lrs.StepLR(o, 2).get_lr(),
    "rates of a cosine outside a step": lambda lrs, o: lrs.CosineAnnealingLR(o, 2).get_lr(),
    "number of functions": lambda lrs, o: lrs.LambdaLR(o, [lambda t: t]),
    "number of factors": lambda lrs, o: lrs.MultiplicativeLR(o, [lambda t: t]),
    "a factor that is no function": lambda lrs, o: lrs.MultiplicativeLR(o, 0.5),
    "constant factor": lambda lrs, o: lrs.ConstantLR(o, 1.5),
    "start factor": lambda lrs, o: lrs.LinearLR(o, 0.0),
    "end factor": lambda lrs, o: lrs.LinearLR(o, 0.5, 1.5),
    "empty sequence": lambda lrs, o: lrs.SequentialLR(o, [], []),
    "milestones": lambda lrs, o: lrs.SequentialLR(o, [lrs.StepLR(o, 2)], [3]),
    "a part without optimizer": lambda lrs, o: lrs.SequentialLR(o, [3], []),
    "a plateau in a sequence": lambda lrs, o: lrs.SequentialLR(o, [lrs.ReduceLROnPlateau(o)], []),
    "a plateau in a chain": lambda lrs, o: lrs.ChainedScheduler([lrs.ReduceLROnPlateau(o)]),
    "empty chain": lambda lrs, o: lrs.ChainedScheduler([]),
    "parts of two optimizers": lambda lrs, o: lrs.ChainedScheduler(
        [lrs.StepLR(o, 2), lrs.StepLR(type(o)(o.param_groups[0]["params"], lr=1.0), 2)]
    ),
    "plateau factor": lambda lrs, o: lrs.ReduceLROnPlateau(o, factor=1.0),
    "plateau mode": lambda lrs, o: lrs.ReduceLROnPlateau(o, mode="least"),
    "plateau threshold mode": lambda lrs, o: lrs.ReduceLROnPlateau(o, threshold_mode="none"),
    "plateau bounds": lambda lrs, o: lrs.ReduceLROnPlateau(o, min_lr=[0.1]),
    "plateau epoch": lambda lrs, o: lrs.ReduceLROnPlateau(o).step(1.0, epoch=3),
    "plateau with a late group": lambda lrs, o: late_group(lrs, o, None),
    "cycle mode": lambda lrs, o: lrs.CyclicLR(o, 0.1, 0.2, mode="square"),
    "cycle rates": lambda lrs, o: lrs.CyclicLR(o, [0.1], 0.2),
    "cycle without momentum": lambda lrs, o: lrs.CyclicLR(
        __import__(type(o.param_groups[0]["params"][0]).__module__.split(".")[0]).optim.Adagrad(
            o.param_groups[0]["params"]
        ),
        0.1,
        0.2,
    ),
    "one cycle without steps": lambda lrs, o: lrs.OneCycleLR(o, 0.1),
    "one cycle of no steps": lambda lrs, o: lrs.OneCycleLR(o, 0.1, total_steps=0),
    "one cycle of no epochs": lambda lrs, o: lrs.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=2),
    "one cycle of empty epochs": lambda lrs, o: lrs.OneCycleLR(o, 0.1, epochs=2, steps_per_epoch=0),
    "one cycle that starts late": lambda lrs, o: lrs.OneCycleLR(o, 0.1, 10, pct_start=1.5),
    "one cycle along what": lambda lrs, o: lrs.OneCycleLR(o, 0.1, 10, anneal_strategy="sin"),
    "one cycle too many": lambda lrs, o: [run(o, s, 5) for s in [lrs.OneCycleLR(o, 0.1, 4)]],
    "restarts T_0": lambda lrs, o: lrs.CosineAnnealingWarmRestarts(o, 0),
    "restarts T_mult": lambda lrs, o: lrs.CosineAnnealingWarmRestarts(o, 2, 0),
    "restarts eta_min": lambda lrs, o: lrs.CosineAnnealingWarmRestarts(o, 2, 1, "low"),
    "restarts before the start": lambda lrs, o: lrs.CosineAnnealingWarmRestarts(o, 2).step(-1),
    "a base that is stepped": lambda lrs, o: lrs.LRScheduler(o),
    "nothing to complain of": lambda lrs, o: run(o, lrs.StepLR(o, 2), 3),
}


@pytest.mark.parametrize("case", list(COMPLAINTS))
def test_complaints_are_in_the_words_of_torch(package: Any, oracle: Any, case: str) -> None:
    assert complaint(package, COMPLAINTS[case]) == complaint(oracle, COMPLAINTS[case])


def test_users_write_schedules_of_their_own(package: Any) -> None:
    class Doubling(package.optim.lr_scheduler.LRScheduler):  # type: ignore[misc,name-defined]
        def get_lr(self) -> list[float]:
            return [base * 2**self.last_epoch for base in self.base_lrs]

    optimizer = new_optimizer(package)
    scheduler = Doubling(optimizer)
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [0.2, 0.6]


def test_a_schedule_does_not_keep_the_optimizer_from_being_pickled(package: Any) -> None:
    optimizer = new_optimizer(package)
    package.optim.lr_scheduler.StepLR(optimizer, 2)
    assert pickle.loads(pickle.dumps(optimizer)).param_groups[0]["initial_lr"] == 0.1
