"""Shared fixtures: the package under test, torch as the oracle, and seeds that are printed."""

from __future__ import annotations

import gc
import random
import sys
from typing import Any

import numpy as np
import pytest

from tests.ops.harness import load, package_name
from tests.ops.sample import SEED


def pytest_report_header() -> str:
    """Name the seed and the package, so that any run can be repeated."""
    return f"WENGERT_TEST_SEED={SEED} WENGERT_TEST_PACKAGE={package_name()}"


def pytest_collection_finish() -> None:
    """Take what stands when the tests begin (60,000 of them) out of every later garbage collection: 0.3 s each."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Start every test from the same random state; the packages' generators too where they are loaded already."""
    random.seed(SEED)
    np.random.seed(SEED)
    for name in ("torch", "wengert"):
        package: Any = sys.modules.get(name)
        # torch.manual_seed formats a stack trace for each kind of device: ten times the cost of a small test
        generator = getattr(package, "default_generator", package)
        if hasattr(generator, "manual_seed"):
            generator.manual_seed(SEED)


@pytest.fixture(scope="session")
def oracle() -> Any:
    """Live torch, on one thread."""
    return load("torch")


@pytest.fixture(scope="session")
def package() -> Any:
    """The package under test: wengert, or what WENGERT_TEST_PACKAGE names."""
    return load(package_name())
