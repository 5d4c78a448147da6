"""`python -m tests.semantics.fuzz [first] [count]`: look for programs that differ; prints the kinds of difference."""

from __future__ import annotations

import collections
import sys

import torch

import wengert

from .programs import make_program, run_program
from .test_random_programs import same


def main() -> None:
    """Run programs and print differences, most frequent instruction first."""
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    kinds: dict[str, list[str]] = collections.defaultdict(list)
    for seed in range(first, first + count):
        steps = make_program(seed, 14)
        for step, a, b in zip([*steps, None], run_program(torch, steps), run_program(wengert, steps)):
            if not same(a, b):
                kinds[step.source if step else "final state"].append(
                    f"seed {seed} {step}\n  torch   {a}\n  wengert {b}"
                )
                break
    for source, cases in sorted(kinds.items(), key=lambda item: -len(item[1])):
        print(len(cases), source)
        print("  " + cases[0][:900])
    print(f"{sum(map(len, kinds.values()))} of {count} programs differ")


if __name__ == "__main__":
    main()
