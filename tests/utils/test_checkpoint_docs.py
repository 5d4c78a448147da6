"""The page on checkpoints and the docstrings say what happens."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "checkpoint.md"


def test_the_examples_of_the_page_run() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert (failed, tried > 10) == (0, True)


@pytest.mark.parametrize("name", ["checkpoint", "checkpoint_sequential"])
def test_the_examples_of_the_docstrings_run(name: str) -> None:
    from wengert.utils import checkpoint

    examples = doctest.DocTestFinder().find(getattr(checkpoint, name), name)
    runner = doctest.DocTestRunner()
    for example in examples:
        runner.run(example)
    assert runner.summarize(verbose=False).failed == 0
    assert sum(len(example.examples) for example in examples) > 1
