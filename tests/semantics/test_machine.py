"""A state machine plays random programs under PyTorch and wengert side by side and compares all that can be seen.

`python -m tests.semantics.machine STEPS` plays more than a test run has time for.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

pytest.importorskip("torch")

from .machine import Duel, play, random_program
from .machine_steps import FAMILIES, draw_step

PROGRAMS = 100  # programs that hypothesis draws, shrinks, and remembers
LENGTH = 30
RANDOM_PROGRAMS = 300  # programs of 40 steps drawn without it, which is many times faster


class Machine(RuleBasedStateMachine):
    """Each rule is a family of steps; the order of the rules is the program."""

    def __init__(self) -> None:
        super().__init__()
        self.duel = Duel()

    def teardown(self) -> None:
        self.duel.end()

    def step(self, family: str, data: st.DataObject) -> None:
        """Draw a step and play it in both worlds."""
        self.duel.play(draw_step(lambda options: data.draw(st.sampled_from(options)), family))

    @initialize(data=st.data())
    def leaves(self, data: st.DataObject) -> None:
        for _ in range(2):
            self.step("leaf", data)

    @rule(family=st.sampled_from(["value", "view", "views", "leaf"]), data=st.data())
    def make(self, family: str, data: st.DataObject) -> None:
        self.step(family, data)

    @rule(family=st.sampled_from(["write", "write", "flag"]), data=st.data())
    def change(self, family: str, data: st.DataObject) -> None:
        self.step(family, data)

    @rule(family=st.sampled_from(["backward", "grad", "dual", "read"]), data=st.data())
    def differentiate(self, family: str, data: st.DataObject) -> None:
        self.step(family, data)

    @rule(family=st.sampled_from(["hook", "open", "close"]), data=st.data())
    def surround(self, family: str, data: st.DataObject) -> None:
        self.step(family, data)


Machine.TestCase.settings = settings(
    max_examples=PROGRAMS,
    stateful_step_count=LENGTH,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestMachine = Machine.TestCase


def test_random_programs_cannot_tell_the_packages_apart() -> None:
    for seed in range(RANDOM_PROGRAMS):
        text, duel = play(random_program(seed))
        assert not text, f"seed {seed}: {text}\nprogram: {[step for step in duel.history if step is not None]}"


def test_the_machine_plays_every_family() -> None:
    played: set[str] = set()
    for seed in range(20):
        duel = play(random_program(seed))[1]
        played |= {step.family for step in duel.history if step is not None}
    assert played == set(FAMILIES)


def test_the_machine_notices_a_difference() -> None:
    duel = Duel()
    duel.play(draw_step(lambda options: options[0], "leaf"))
    (leaf,) = duel.ours.variables.values()
    leaf.data.add_(1)
    with pytest.raises(AssertionError, match="value of variable"):
        duel.play(draw_step(lambda options: options[0], "leaf"))
