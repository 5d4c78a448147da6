"""Shared fixtures: the package under test, torch as the oracle, and seeds that are printed."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from tests.ops.harness import load, package_name, seed_generators
from tests.ops.sample import SEED


def pytest_report_header() -> str:
    """Name the seed and the package, so that any run can be repeated."""
    return f"WENGERT_TEST_SEED={SEED} WENGERT_TEST_PACKAGE={package_name()}"


def pytest_collection_finish() -> None:
    """Take what stands when the tests begin (20,000 of them) out of every later garbage collection: 0.3 s each."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Start every test from the same random state."""
    seed_generators()


@pytest.fixture(scope="session")
def oracle() -> Any:
    """Live torch, on one thread."""
    return load("torch")


@pytest.fixture(scope="session")
def package() -> Any:
    """The package under test: wengert, or what WENGERT_TEST_PACKAGE names."""
    return load(package_name())
