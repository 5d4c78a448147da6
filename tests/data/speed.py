"""How long an epoch of 20,000 rows in memory takes, beside PyTorch.  `python -m tests.data.speed`"""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np


def seconds(library: Any, workers: int) -> float:
    """The fastest of five epochs."""
    data = importlib.import_module(f"{library.__name__}.utils.data")
    rows = library.from_numpy(np.zeros((20_000, 64), np.float32)), library.from_numpy(np.arange(20_000))
    loader = data.DataLoader(data.TensorDataset(*rows), batch_size=64, shuffle=True, num_workers=workers)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _batch in loader:
            pass
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Print a table."""
    torch, wengert = importlib.import_module("torch"), importlib.import_module("wengert")
    torch.set_num_threads(1)
    for workers in (0, 1, 2):
        theirs, ours = seconds(torch, workers), seconds(wengert, workers)
        print(
            f"{workers} workers: torch {theirs * 1e3:6.1f} ms, wengert {ours * 1e3:6.1f} ms, {ours / theirs:.2f} of torch"
        )


if __name__ == "__main__":
    main()
