"""`python -m tests.semantics.show SEED`: one program step by step under both packages."""

from __future__ import annotations

import sys
import traceback
import warnings

import torch

import wengert

from . import programs


def main() -> None:
    """Print the steps up to the first difference, with the errors in full."""
    from .test_random_programs import same

    steps = programs.make_program(int(sys.argv[1]), 14)
    programs.LOUD = True
    logs = [programs.run_program(p, steps) for p in (torch, wengert)]
    for i, (step, a, b) in enumerate(zip(steps, *logs)):
        print(
            i,
            step.source,
            f"t={step.t} u={step.u}",
            step.mode,
            "->",
            2 + sum(s.keeps for s in steps[: i + 1]) if step.keeps else "",
        )
        if not same(a, b):
            print("  torch  ", a)
            print("  wengert", b)
            break


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    try:
        main()
    except Exception:
        traceback.print_exc()
