"""The optimizers with the options that change what they do, for the comparison with torch."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

Options = dict[str, Any]


def combinations(**choices: list[Any]) -> list[Options]:
    """Return every combination of the choices; a choice of "default" leaves the option out."""
    found = []
    for values in product(*choices.values()):
        found.append({name: value for name, value in zip(choices, values) if value != "default"})
    return found


FLAGS: Final = [False, True]
DECAY: Final = ["default", 0.1]
BOTH: Final = {"weight_decay": DECAY, "maximize": FLAGS}

RULES: Final[dict[str, list[Options]]] = {
    "SGD": [
        *combinations(lr=[0.05], momentum=[0, 0.9], dampening=[0, 0.3], **BOTH),
        *combinations(lr=[0.05], momentum=[0.9], nesterov=[True], **BOTH),
    ],
    "Adam": combinations(
        lr=["default", 0.1], betas=["default", (0.5, 0.6)], amsgrad=FLAGS, decoupled_weight_decay=FLAGS, **BOTH
    ),
    "AdamW": combinations(lr=["default", 0.1], eps=["default", 0.1], amsgrad=FLAGS, **BOTH),
    "Adamax": combinations(lr=["default", 0.1], betas=["default", (0.5, 0.6)], **BOTH),
    "NAdam": combinations(lr=["default", 0.1], momentum_decay=["default", 0.1], decoupled_weight_decay=FLAGS, **BOTH),
    "RAdam": combinations(lr=["default", 0.1], betas=["default", (0.8, 0.9)], decoupled_weight_decay=FLAGS, **BOTH),
    "Adagrad": combinations(lr_decay=["default", 0.2], initial_accumulator_value=[0, 0.3], **BOTH),
    "Adadelta": combinations(rho=["default", 0.5], eps=["default", 0.1], **BOTH),
    "RMSprop": combinations(momentum=[0, 0.9], centered=FLAGS, alpha=["default", 0.5], **BOTH),
    "Rprop": combinations(etas=["default", (0.3, 1.7)], step_sizes=["default", (1e-3, 0.02)], maximize=FLAGS),
    "ASGD": combinations(lambd=["default", 0.1], t0=["default", 5], alpha=["default", 0.5], **BOTH),
    "Adafactor": combinations(
        lr=["default", 0.5], beta2_decay=["default", -0.5], d=[1.0, 2.0], eps=["default", (1e-3, 1e-2)], **BOTH
    ),
}
CASES: Final = [(name, options) for name, many in RULES.items() for options in many]
REAL_ONLY: Final = ("Adafactor", "Muon")


def label(value: Any) -> str:
    """Return a readable test id."""
    return value if isinstance(value, str) else ",".join(f"{k}={v}" for k, v in value.items()) or "defaults"
