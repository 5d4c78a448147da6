"""How long a batch takes from a worker: through shared memory, and through the pipe.  `python -m tests.data.transport`"""

from __future__ import annotations

import time

import wengert
from wengert.data import DataLoader, Dataset, _transport


class Batches(Dataset[wengert.Tensor]):
    """Ready batches of a size, so that nothing but their way to the main process takes time."""

    def __init__(self, megabytes: float) -> None:
        self.batch = wengert.ones(int(megabytes * 250_000))

    def __len__(self) -> int:
        return 24

    def __getitem__(self, i: int) -> wengert.Tensor:
        return self.batch


def seconds(megabytes: float, shares_memory: bool) -> float:
    """Time of the main process for one batch: the fastest of 24."""
    _transport.SHARES_MEMORY = shares_memory
    best = float("inf")
    batches = iter(DataLoader(Batches(megabytes), batch_size=None, num_workers=1))
    for _ in range(24):
        time.sleep(0.05)  # let the worker be ahead: what counts is what the training loop waits for
        start = time.perf_counter()
        batch = next(batches)
        batch[0].item()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Print a table."""
    for megabytes in (0.01, 0.1, 1.0, 10.0, 40.0):
        piped, shared = seconds(megabytes, False), seconds(megabytes, True)
        print(
            f"{megabytes:6.2f} MB: pipe {piped * 1e3:7.3f} ms, shared {shared * 1e3:7.3f} ms, {piped / shared:6.1f} times"
        )


if __name__ == "__main__":
    main()
