"""DataLoader with workers: the same batches, PyTorch's seeds, and a clear end whatever happens to a worker."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert
from wengert.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

from .both import Program, assert_same

# Python 3.12 warns of forks beside threads, those of torch, which is loaded for comparison; the other warning is right where
# there is one processor.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker:UserWarning"),
]


class Computed(Dataset[Any]):
    """Samples that a function gives."""

    def __init__(self, function: Callable[[int], Any], n: int = 8) -> None:
        self.function = function
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        return self.function(i)


class Shared(IterableDataset[int]):
    """The numbers below n, shared out among the workers."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> Iterator[int]:
        info = get_worker_info()
        assert info is not None
        return iter(range(info.id, self.n, info.num_workers))


def load(function: Callable[[int], Any], **options: Any) -> list[Any]:
    return list(DataLoader(Computed(function), **{"num_workers": 1, "batch_size": None, **options}))


def square(i: int) -> int:
    return i * i


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# -- the same as in PyTorch --------------------------------------------------------------------------------------------


def numbers(t: Any, d: Any) -> Any:
    class Seeds(d.Dataset):  # type: ignore[misc, name-defined]
        def __len__(self) -> int:
            return 4

        def __getitem__(self, i: int) -> Any:
            info = d.get_worker_info()
            drawn = (random.random(), np.random.rand(), t.rand(1).item(), t.get_num_threads())
            return (info.id, info.num_workers, info.seed, t.initial_seed(), drawn)

    return Seeds()


def uneven(t: Any, d: Any) -> Any:
    class Uneven(d.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Iterator[int]:
            return iter(range(d.get_worker_info().id * 5 + 2))

    return Uneven()


PROGRAMS: dict[str, Program] = {
    "seeds of workers": lambda t, d: (list(d.DataLoader(numbers(t, d), batch_size=None, num_workers=2)), t.rand(1)),
    "shuffled": lambda t, d: (list(d.DataLoader(range(9), batch_size=2, num_workers=2, shuffle=True)), t.rand(1)),
    "streams of different lengths": lambda t, d: list(d.DataLoader(uneven(t, d), batch_size=2, num_workers=2)),
    "samples of such streams": lambda t, d: list(d.DataLoader(uneven(t, d), batch_size=None, num_workers=2)),
    "whole batches": lambda t, d: list(d.DataLoader(uneven(t, d), batch_size=3, num_workers=2, drop_last=True)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_workers_do_what_pytorchs_do(oracle: Any, package: Any, name: str) -> None:
    assert_same(oracle, package, PROGRAMS[name])


def test_persistent_workers_go_on_as_pytorchs(oracle: Any, package: Any) -> None:
    def program(t: Any, d: Any) -> Any:
        loader = d.DataLoader(numbers(t, d), batch_size=None, num_workers=2, persistent_workers=True, shuffle=True)
        return [list(loader) for _ in range(3)], t.rand(1)

    assert_same(oracle, package, program)


# -- batches -----------------------------------------------------------------------------------------------------------


def test_order_is_kept_when_a_worker_is_slow() -> None:
    def slow(i: int) -> int:
        time.sleep(0.05 if i % 2 == 0 else 0)
        return i

    assert load(slow, num_workers=2) == list(range(8))


def test_without_order_fast_workers_are_not_held_up() -> None:
    def slow(i: int) -> int:
        time.sleep(0.3 if i == 0 else 0)
        return i

    loaded = load(slow, num_workers=2, in_order=False)
    assert sorted(loaded) == list(range(8))
    assert loaded.index(0) > 3


def test_a_stream_is_shared_out() -> None:
    batches = list(DataLoader(Shared(9), batch_size=2, num_workers=2))
    assert [b.tolist() for b in batches] == [[0, 2], [1, 3], [4, 6], [5, 7], [8]]


@pytest.mark.parametrize("shares_memory", [True, False])
@pytest.mark.parametrize("n", [3, 100_000])
def test_arrays_arrive_whole_and_can_be_written_to(monkeypatch: Any, n: int, shares_memory: bool) -> None:
    from wengert.data import _transport

    monkeypatch.setattr(_transport, "SHARES_MEMORY", shares_memory)

    def sample(i: int) -> Any:
        return {
            "x": wengert.full((n,), i),
            "y": np.arange(n) * i,
            "z": wengert.tensor(1.5),
            "t": wengert.ones(2, 3).t(),
        }

    for i, batch in enumerate(load(sample, num_workers=2)):
        assert batch["x"].sum().item() == n * i
        assert batch["y"][-1] == (n - 1) * i
        assert (batch["z"].item(), batch["z"].shape) == (1.5, ())
        assert batch["t"].add_(1).sum().item() == 12
        assert batch["x"].mul_(2).sum().item() == 2 * n * i


def test_attributes_and_requires_grad_arrive() -> None:
    def sample(i: int) -> Any:
        x = wengert.ones(1, requires_grad=True)
        x.label = "a"
        return x

    assert [(x.requires_grad, x.label) for x in load(sample)] == [(True, "a")] * 8


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_may_be_started_afresh(method: str) -> None:
    dataset = TensorDataset(np.arange(5.0))
    batches = DataLoader(dataset, batch_size=2, num_workers=1, multiprocessing_context=method)
    assert [b[0].tolist() for b in batches] == [[0, 1], [2, 3], [4]]


PROGRAM_FOR_PYTORCH = """
import torch
from torch.utils.data import DataLoader, Dataset

class Squares(Dataset):
    def __len__(self): return 3
    def __getitem__(self, i): return torch.tensor(i) ** 2

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        print(list(DataLoader(Squares(), num_workers=1, multiprocessing_context=method)), torch.__name__)
"""


def test_programs_for_pytorch_have_workers_that_see_wengert_as_torch(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM_FOR_PYTORCH, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "wengert", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "[tensor([0]), tensor([1]), tensor([4])] wengert\n" * 3


def test_large_tasks_and_large_answers_do_not_block_each_other() -> None:
    def collate(samples: list[int]) -> str:
        return "x" * 300_000

    sampler = [list(range(50_000))] * 6
    loader = DataLoader(range(50_000), batch_sampler=sampler, num_workers=1, collate_fn=collate)
    assert [len(batch) for batch in loader] == [300_000] * 6


def test_the_main_process_is_no_worker() -> None:
    assert get_worker_info() is None


def test_worker_info_names_its_dataset() -> None:
    def sample(i: int) -> Any:
        info = get_worker_info()
        assert info is not None
        return info.id, info.num_workers, len(info.dataset)

    assert load(sample, num_workers=2)[:2] == [[0, 2, 8], [1, 2, 8]]


def test_worker_init_fn_comes_first() -> None:
    seen: list[int] = []
    assert load(lambda i: list(seen), worker_init_fn=seen.append, num_workers=2)[:2] == [[0], [1]]


# -- epochs ------------------------------------------------------------------------------------------------------------


def test_persistent_workers_are_the_same_processes_with_the_same_dataset() -> None:
    seen: list[int] = []

    def sample(i: int) -> Any:
        seen.append(i)
        return os.getpid(), len(seen)

    loader = DataLoader(Computed(sample, 3), batch_size=None, num_workers=1, persistent_workers=True)
    first, second = list(loader), list(loader)
    assert first[0][0] == second[0][0] != os.getpid()
    assert [count for _, count in second] == [4, 5, 6]


def test_an_epoch_that_was_left_does_not_reach_into_the_next() -> None:
    loader = DataLoader(Computed(square, 10), batch_size=None, num_workers=2, persistent_workers=True)
    for batch in loader:
        if batch == 4:
            break
    assert list(loader) == [i * i for i in range(10)]


def test_persistent_streams_begin_anew() -> None:
    loader = DataLoader(Shared(4), batch_size=None, num_workers=2, persistent_workers=True)
    assert [list(loader) for _ in range(2)] == [[0, 1, 2, 3]] * 2


def test_workers_end_when_the_loop_is_left() -> None:
    def pid(i: int) -> int:
        return os.getpid()

    start = time.monotonic()
    batches = iter(DataLoader(Computed(pid, 100), batch_size=None, num_workers=1))
    worker = next(batches)
    del batches
    gc.collect()
    assert not alive(worker)
    assert time.monotonic() - start < 3


def test_workers_end_when_the_main_process_is_killed() -> None:
    program = (
        "import os, signal, wengert\n"
        "from wengert.data import DataLoader, Dataset\n"
        "class Pid(Dataset):\n"
        "    def __len__(self): return 100\n"
        "    def __getitem__(self, i): return os.getpid()\n"
        "batches = iter(DataLoader(Pid(), batch_size=None, num_workers=2))\n"
        "print(next(batches), next(batches), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    workers = [int(pid) for pid in done.stdout.split()]
    assert len(workers) == 2
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in workers)


# -- failures ----------------------------------------------------------------------------------------------------------


def test_an_exception_comes_with_the_workers_traceback() -> None:
    def fail(i: int) -> int:
        raise ValueError("boom")

    with pytest.raises(
        ValueError, match=r"(?s)Caught ValueError in DataLoader worker process 0\.\nOriginal Trace.*in fail"
    ):
        load(fail)


def test_a_key_error_is_readable() -> None:
    with pytest.raises(KeyError) as caught:
        load({}.__getitem__)
    assert "process 0.\nOriginal Traceback" in str(caught.value)


def test_an_exception_that_cannot_be_made_from_a_text_is_a_runtime_error() -> None:
    class Local(Exception):
        def __init__(self, a: int, b: int) -> None:
            super().__init__(a, b)

    def fail(i: int) -> int:
        raise Local(1, 2)

    with pytest.raises(RuntimeError, match="Caught Local in DataLoader worker process 0"):
        load(fail)


def test_after_an_exception_the_other_batches_come() -> None:
    def fail(i: int) -> int:
        return 6 // i - i

    batches = iter(DataLoader(Computed(fail, 3), batch_size=None, num_workers=2))
    with pytest.raises(ZeroDivisionError):
        next(batches)
    assert list(batches) == [5, 1]


def test_a_stop_iteration_in_a_worker_is_an_error() -> None:
    def stop(i: int) -> int:
        raise StopIteration

    with pytest.raises(RuntimeError, match="raised StopIteration"):
        load(stop)


def test_what_cannot_be_sent_is_an_error_and_no_hang() -> None:
    with pytest.raises(Exception, match=r"(?s)Caught .*pickle"):
        load(lambda i: lambda: i)


def test_results_of_computations_are_not_sent() -> None:
    x = wengert.ones(1, requires_grad=True)
    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor"):
        load(lambda i: x * 2)


def test_a_failing_init_function_is_reported() -> None:
    def fail(worker: int) -> None:
        raise OSError(f"no disk for {worker}")

    with pytest.raises(OSError, match="no disk for 0"):
        load(square, worker_init_fn=fail)


def test_a_dataset_that_cannot_be_sent_leaves_no_process_behind() -> None:
    before = set(multiprocessing.active_children())
    with pytest.raises(Exception, match="pickle"):
        load(lambda i: i, multiprocessing_context="spawn")
    assert set(multiprocessing.active_children()) <= before


ENDS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "killed": (lambda: os.kill(os.getpid(), signal.SIGKILL), "is killed by signal: Killed", "memory runs out"),
    "terminated": (lambda: os.kill(os.getpid(), signal.SIGTERM), "is killed by signal: Terminated", "signal 15"),
    "left": (lambda: os._exit(3), "exit code 3", "sys.exit or os._exit"),
    "left without an error": (lambda: os._exit(0), "exit code 0", "sys.exit or os._exit"),
    "asked to exit": (lambda: sys.exit(4), "exit code 4", "sys.exit or os._exit"),
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_ends_is_reported_within_a_second(how: str, workers: int) -> None:
    end, reason, hint = ENDS[how]
    start = time.monotonic()
    with pytest.raises(
        RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly\n  worker 0"
    ) as caught:
        load(lambda i: end() if i == 2 else i, num_workers=workers)
    assert time.monotonic() - start < 4
    assert hint in str(caught.value)
    assert re.search(reason, str(caught.value.__cause__))


def test_a_worker_killed_from_outside_between_batches_is_reported() -> None:
    batches = iter(DataLoader(Computed(lambda i: os.getpid(), 50), batch_size=None, num_workers=1))
    os.kill(next(batches), signal.SIGKILL)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(batches)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        next(batches)


def test_a_worker_that_takes_too_long_is_reported_in_time() -> None:
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.3 seconds"):
        load(lambda i: time.sleep(30), timeout=0.3)
    assert time.monotonic() - start < 3


def test_a_new_epoch_after_a_death_has_new_workers() -> None:
    def die(i: int) -> int:
        if i == 1 and not os.path.exists(marker):
            open(marker, "w").close()
            os._exit(1)
        return i

    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        marker = os.path.join(folder, "died")
        loader = DataLoader(Computed(die, 3), batch_size=None, num_workers=1, persistent_workers=True)
        with pytest.raises(RuntimeError):
            list(loader)
        assert list(loader) == [0, 1, 2]


def test_interrupted_programs_end_at_once_and_show_one_traceback() -> None:
    program = (
        "import os, signal, time, wengert\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # of a job in the background it is ignored
        "from wengert.data import DataLoader, Dataset\n"
        "class Slow(Dataset):\n"
        "    def __len__(self): return 100\n"
        "    def __getitem__(self, i): time.sleep(0.1); return i\n"
        "print('ready', flush=True)\n"
        "for i in DataLoader(Slow(), batch_size=None, num_workers=2): pass\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, shown = process.communicate(timeout=10)
    assert shown.count("KeyboardInterrupt") == 1
    assert shown.count("Traceback") == 1
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_ten_thousand_batches_of_workers_leave_memory_flat() -> None:
    import tracemalloc

    x = np.zeros((20_000, 4), np.float32)
    batches = iter(DataLoader(TensorDataset(x), batch_size=2, num_workers=1))
    for _ in range(500):
        next(batches)
    files = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    tracemalloc.start()
    for _ in batches:
        pass
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 200_000
    assert not files or len(os.listdir("/proc/self/fd")) <= files


def test_shared_memory_is_given_back() -> None:
    def large(i: int) -> Any:
        return wengert.zeros(1_000_000)

    def mapped() -> int:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            return sum("wengert-batch" in line for line in maps)

    if not os.path.exists("/proc/self/maps"):
        pytest.skip("the system does not show its maps")
    for _ in DataLoader(Computed(large, 20), batch_size=None, num_workers=1):
        assert mapped() <= 2
    del _
    assert mapped() == 0
