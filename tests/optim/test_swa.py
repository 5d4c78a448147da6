"""Averaged models against torch's."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

AVERAGES: dict[str, Any] = {
    "equal weights": lambda swa: {},
    "equal weights, one by one": lambda swa: {"avg_fn": swa.get_swa_avg_fn()},
    "equal weights, in lists": lambda swa: {"multi_avg_fn": swa.get_swa_multi_avg_fn()},
    "decaying weights": lambda swa: {"avg_fn": swa.get_ema_avg_fn(0.8)},
    "decaying weights, in lists": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.8)},
    "buffers too": lambda swa: {"use_buffers": True},
    "buffers with decaying weights": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.8), "use_buffers": True},
}


def swa_utils(which: Any) -> Any:
    return importlib.import_module(f"{which.__name__}.optim.swa_utils")


def new_model(which: Any, rng: Any) -> Any:
    model = which.nn.Sequential(which.nn.Linear(3, 4), which.nn.BatchNorm1d(4), which.nn.Linear(4, 2)).double()
    set_weights(which, model, rng)
    return model


def set_weights(which: Any, model: Any, rng: Any) -> None:
    for t in [*model.parameters(), *model.buffers()]:
        value = rng.standard_normal(tuple(t.shape)) ** 2
        t.detach().copy_(which.tensor(value if t.is_floating_point() else value * 10).to(t.dtype))


def numbers(model: Any) -> list[Any]:
    return [t.detach().numpy() for t in [*model.parameters(), *model.buffers()]]


@pytest.mark.parametrize("name", list(AVERAGES))
def test_averages_are_those_of_torch(package: Any, oracle: Any, name: str) -> None:
    def program(which: Any) -> list[Any]:
        rng = np.random.default_rng(0)
        swa = swa_utils(which)
        model = new_model(which, rng)
        average = swa.AveragedModel(model, **AVERAGES[name](swa))
        for _ in range(5):
            set_weights(which, model, rng)
            average.update_parameters(model)
        return [*numbers(average), np.array(list(average.state_dict()))]

    for a, b in zip(program(package), program(oracle), strict=True):
        if a.dtype.kind == "U":
            assert a.tolist() == b.tolist()
        else:
            np.testing.assert_allclose(a, b, rtol=1e-14)


def test_an_averaged_model_does_not_follow_the_model_by_itself(package: Any) -> None:
    rng = np.random.default_rng(0)
    model = new_model(package, rng)
    average = swa_utils(package).AveragedModel(model)
    before = [a.copy() for a in numbers(average)]
    set_weights(package, model, rng)
    assert all(np.array_equal(a, b) for a, b in zip(before, numbers(average)))


def test_batch_statistics_are_computed_anew(package: Any, oracle: Any) -> None:
    def program(which: Any) -> list[Any]:
        rng = np.random.default_rng(0)
        model = new_model(which, rng).eval()
        batches = [which.tensor(rng.standard_normal((6, 3))) for _ in range(4)]
        swa_utils(which).update_bn([batches[0], (batches[1], 0), [batches[2]], batches[3]], model)
        assert not model.training
        assert model[1].momentum == 0.1
        return numbers(model)

    for a, b in zip(program(package), program(oracle), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 7])
def test_rates_go_to_the_last_one_as_in_torch(package: Any, oracle: Any, strategy: str, epochs: int) -> None:
    def program(which: Any) -> list[Any]:
        params = [which.ones(2, requires_grad=True) for _ in range(2)]
        optimizer = which.optim.SGD([{"params": params[0]}, {"params": params[1], "lr": 0.3}], lr=1.0)
        scheduler = swa_utils(which).SWALR(optimizer, [0.05, 0.1], epochs, strategy)
        seen = [scheduler.get_last_lr()]
        for _ in range(10):
            optimizer.step()
            scheduler.step()
            seen.append(scheduler.get_last_lr())
        return [*seen, sorted(scheduler.state_dict())]

    ours, theirs = program(package), program(oracle)
    assert ours[-1] == theirs[-1]
    np.testing.assert_allclose(ours[:-1], theirs[:-1], rtol=1e-14)


REFUSED: dict[str, Any] = {
    "decay": lambda swa, o: swa.get_ema_avg_fn(1.5),
    "decay of lists": lambda swa, o: swa.get_ema_multi_avg_fn(-0.5),
    "both functions": lambda swa, o: swa.AveragedModel(None, None, swa.get_swa_avg_fn(), swa.get_swa_multi_avg_fn()),
    "strategy": lambda swa, o: swa.SWALR(o, 0.1, anneal_strategy="sin"),
    "epochs": lambda swa, o: swa.SWALR(o, 0.1, anneal_epochs=-1),
    "rates": lambda swa, o: swa.SWALR(o, [0.1, 0.2]),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_bad_input_is_refused_in_the_words_of_torch(package: Any, oracle: Any, case: str) -> None:
    def program(which: Any) -> tuple[str, str]:
        optimizer = which.optim.SGD([which.ones(2, requires_grad=True)], lr=0.1)
        try:
            REFUSED[case](swa_utils(which), optimizer)
        except (ValueError, AssertionError) as error:
            return type(error).__name__, str(error)
        return "nothing", ""

    assert program(package) == program(oracle)
    assert program(package)[0] != "nothing"
