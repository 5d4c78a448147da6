"""Names, order and defaults of the arguments are torch's."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

MISSING = {"SparseAdam", "swap_in_optimizer_params_and_state"}  # no sparse tensors here; parameters are never swapped
MODULES = ("optim", "optim.lr_scheduler", "optim.swa_utils")


def public(module: str) -> list[str]:
    """Return the functions and classes that torch lists."""
    theirs = importlib.import_module(f"torch.{module}")
    return sorted(name for name in theirs.__all__ if callable(getattr(theirs, name)) and name not in MISSING)


def arguments(function: Any) -> list[Any]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("module", MODULES)
def test_every_name_takes_the_arguments_of_torch(package: Any, oracle: Any, module: str) -> None:
    ours, theirs = (importlib.import_module(f"{which.__name__}.{module}") for which in (package, oracle))
    names = public(module)
    assert names
    assert {name: arguments(getattr(ours, name)) for name in names} == {
        name: arguments(getattr(theirs, name)) for name in names
    }


METHODS = [name for name in dir(importlib.import_module("torch.optim").Optimizer) if not name.startswith("_")]


@pytest.mark.parametrize("name", [name for name in METHODS if not name.startswith("Optimizer")])
def test_every_method_takes_the_arguments_of_torch(package: Any, oracle: Any, name: str) -> None:
    ours, theirs = (getattr(which.optim.Optimizer, name) for which in (package, oracle))
    assert arguments(ours) == arguments(theirs)
