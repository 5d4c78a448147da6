"""Threads: the same bits for any number of them, several callers at once, forks, the end of the interpreter."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import kernels
from wengert.kernels import arrays, formulas, normalizations

if kernels.COMPILED is None:
    pytest.skip("NumPy does the work", allow_module_level=True)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = kernels.get_num_threads()
    yield
    kernels.set_num_threads(before)


def sample(*shape: int, dtype: Any = np.float32) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


CALLS: dict[str, Callable[[Any], Any]] = {
    "direct": lambda x: arrays.add(x, x),
    "elementwise": formulas.gelu,
    "broadcast": lambda x: formulas.add_scaled(x, x[:1].copy(), 0.5),
    "rows": lambda x: formulas.softmax(1, x),
    "long rows": lambda x: formulas.variance(2, x, 10.0),
    "strided rows": lambda x: formulas.softmax(1, x.T),
    "columns": lambda x: normalizations.normalize_slopes(1, x, x, 1.0, 0.0, 1.0)[1],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_results_are_the_same_to_the_last_bit_for_any_number_of_threads(name: str, dtype: Any) -> None:
    x = sample(400, 501, dtype=dtype)
    found = []
    for count in (1, 2, 3, 4):
        kernels.set_num_threads(count)
        assert kernels.get_num_threads() == count
        found.append(CALLS[name](x).tobytes())
    assert len(set(found)) == 1


def test_several_python_threads_may_call_at_once() -> None:
    kernels.set_num_threads(2)
    inputs = [sample(300, 257) + i for i in range(4)]
    expected = [(formulas.softmax(1, x).tobytes(), formulas.gelu(x).tobytes()) for x in inputs]

    def work(i: int) -> bool:
        x = inputs[i % 4]
        return (formulas.softmax(1, x).tobytes(), formulas.gelu(x).tobytes()) == expected[i % 4]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(120)))


def test_the_number_of_threads_may_change_while_another_thread_calls() -> None:
    x = sample(500, 400)
    expected = formulas.gelu(x).tobytes()
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(lambda: formulas.gelu(x).tobytes()) for _ in range(60)]
        for count in (1, 3, 2, 4) * 5:
            kernels.set_num_threads(count)
        assert {r.result() for r in running} == {expected}


def in_child(x: Any, queue: Any) -> None:
    queue.put(formulas.gelu(x).tobytes())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_computes_and_so_does_its_parent_afterwards() -> None:
    kernels.set_num_threads(3)
    x = sample(500, 400)
    expected = formulas.gelu(x).tobytes()  # the workers run
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=in_child, args=(x, queue))
    child.start()
    assert queue.get(timeout=30) == expected
    child.join(30)
    assert child.exitcode == 0
    assert formulas.gelu(x).tobytes() == expected


@pytest.mark.parametrize("ending", ["pass", "import os; os._exit(0)", "import sys; sys.exit(0)"])
def test_the_interpreter_ends_while_workers_wait(ending: str) -> None:
    program = (
        "import numpy as np\nfrom wengert import kernels\nfrom wengert.kernels import formulas\n"
        f"kernels.set_num_threads(4)\nformulas.gelu(np.ones((500, 400)))\n{ending}\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_setting_of_the_package_is_that_of_the_kernels() -> None:
    wg.set_num_threads(3)
    assert wg.get_num_threads() == kernels.get_num_threads() == 3
