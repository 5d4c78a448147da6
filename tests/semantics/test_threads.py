"""Threads: no gradient is lost, modes belong to their thread, backward passes nest, fork works."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

THREADS = 4


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """Threads take turns as often as the interpreter can manage."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work: Callable[[int], None], count: int = THREADS) -> None:
    """Run ``work(i)`` in several threads that start together; raises what one of them raised."""
    errors: list[BaseException] = []
    together = threading.Barrier(count)

    def run(i: int) -> None:
        together.wait()
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize(("shape", "steps"), [((), 1000), ((3,), 1000), ((100_000,), 60)])
def test_gradients_of_all_threads_arrive_at_a_shared_leaf(package: Any, shape: tuple[int, ...], steps: int) -> None:
    x = package.zeros(shape, dtype=package.float64, requires_grad=True)

    def work(i: int) -> None:
        for _ in range(steps):
            (x * (i + 1)).sum().backward()

    in_threads(work)
    np.testing.assert_array_equal(x.grad.numpy(), np.full(shape, steps * sum(range(1, THREADS + 1))))


def test_the_first_gradients_of_all_threads_arrive(package: Any) -> None:
    for _ in range(150):
        x = package.zeros(3, requires_grad=True)
        in_threads(lambda i, x=x: (x * 1).sum().backward())  # type: ignore[misc]
        assert x.grad.tolist() == [THREADS] * 3


@pytest.mark.parametrize("way", ["hook", "post_hook", "node_hook", "inputs", "node"])
def test_gradients_arrive_by_every_way_to_a_leaf(package: Any, way: str) -> None:
    x = package.zeros(3, requires_grad=True)
    seen: list[int] = []
    node = package.autograd.graph.get_gradient_edge(x).node
    if way == "hook":
        x.register_hook(lambda g: seen.append(1))
    elif way == "post_hook":
        x.register_post_accumulate_grad_hook(lambda t: seen.append(1))
    elif way == "node_hook":
        node.register_prehook(lambda grads: seen.append(1))

    def work(i: int) -> None:
        for _ in range(200):
            if way == "node":
                node(package.ones(3))
            else:
                (x * 1).sum().backward(inputs=[x] if way == "inputs" else None)

    in_threads(work)
    assert x.grad.tolist() == [THREADS * 200] * 3
    assert len(seen) == (THREADS * 200 if "hook" in way else 0)


def test_threads_may_share_a_graph_that_is_retained(package: Any) -> None:
    x = package.full((3,), 0.5, dtype=package.float64, requires_grad=True)
    y = x * 2
    y.retain_grad()
    out = (y * y).sum()

    def work(i: int) -> None:
        for _ in range(200):
            out.backward(retain_graph=True)

    in_threads(work)
    assert x.grad.tolist() == [4.0 * THREADS * 200] * 3
    assert y.grad.tolist() == [2.0 * THREADS * 200] * 3


def test_graphs_of_one_thread_are_differentiated_in_another(package: Any) -> None:
    x = package.full((3,), 0.5, dtype=package.float64, requires_grad=True)
    outs = [(x.exp() * i).sum() for i in range(THREADS)]
    in_threads(lambda i: outs[i].backward())
    np.testing.assert_allclose(x.grad.numpy(), np.exp(0.5) * sum(range(THREADS)), rtol=1e-15)


def test_checkpoints_run_in_threads(package: Any) -> None:
    checkpoint = package.utils.checkpoint.checkpoint
    x = package.full((3,), 0.5, dtype=package.float64, requires_grad=True)
    shared = checkpoint(lambda t: t.exp().exp(), x, use_reentrant=False).sum()

    def work(i: int) -> None:
        for k in range(30):
            checkpoint(lambda t: t.exp().exp(), x, use_reentrant=k % 2 == 0, preserve_rng_state=False).sum().backward()
            shared.backward(retain_graph=True)

    in_threads(work)
    np.testing.assert_allclose(x.grad.numpy(), 2 * 30 * THREADS * np.exp(np.exp(0.5)) * np.exp(0.5), rtol=1e-12)


def test_modes_belong_to_their_thread(package: Any) -> None:
    x = package.ones(3, requires_grad=True)
    wrong: list[tuple[int, int]] = []

    def work(i: int) -> None:
        for k in range(300):
            with package.set_grad_enabled(i % 2 == 0):
                if x.exp().requires_grad != (i % 2 == 0) or package.is_grad_enabled() != (i % 2 == 0):
                    wrong.append((i, k))
            if not x.exp().requires_grad:
                wrong.append((i, k))

    in_threads(work)
    assert wrong == []
    assert x.exp().requires_grad


def test_hooks_on_saved_tensors_belong_to_their_thread(package: Any) -> None:
    x = package.ones(3, requires_grad=True)
    packed: list[int] = [0] * THREADS

    def work(i: int) -> None:
        def pack(t: Any) -> Any:
            packed[i] += 1
            return t

        for _ in range(200):
            if i % 2:
                with package.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
                    x.exp().sum().backward()
            else:
                x.exp().sum().backward()

    in_threads(work)
    assert packed == [0, 200, 0, 200]


def test_a_new_thread_records_whatever_its_parent_does(package: Any) -> None:
    x = package.ones(3, requires_grad=True)
    with package.no_grad(), package.inference_mode():
        found: list[bool] = []
        in_threads(lambda i: found.append(x.exp().requires_grad and not package.is_inference_mode_enabled()))
    assert found == [True] * THREADS


def test_sequence_numbers_are_distinct_and_rise_in_each_thread(package: Any) -> None:
    numbers: list[list[int]] = [[] for _ in range(THREADS)]

    def work(i: int) -> None:
        x = package.ones(1, requires_grad=True)
        for _ in range(2000):
            numbers[i].append(x.exp().grad_fn._sequence_nr())

    in_threads(work)
    for own in numbers:
        assert own == sorted(own)
    assert len({n for own in numbers for n in own}) == THREADS * 2000


def test_unrelated_nodes_with_one_number_do_no_harm() -> None:
    import wengert
    from wengert._core.modes import MODES

    x = wengert.ones(3, dtype=wengert.float64, requires_grad=True)
    a = x.exp()
    MODES.sequence -= 1
    b = x.sin()
    assert a.grad_fn._sequence_nr() == b.grad_fn._sequence_nr()
    (a * b).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(1) * (np.sin(1) + np.cos(1)), rtol=1e-15)


def test_a_backward_pass_inside_a_hook_is_a_pass_of_its_own(package: Any) -> None:
    x = package.full((3,), 2.0, requires_grad=True)
    w = package.full((3,), 3.0, requires_grad=True)
    y = x * x
    y.register_hook(package.enable_grad()(lambda g: (w * w).sum().backward()))
    (y * 1).sum().backward()
    assert (x.grad.tolist(), w.grad.tolist()) == ([4.0] * 3, [6.0] * 3)


@pytest.mark.parametrize("depth", [1, 60])
def test_a_custom_function_may_differentiate_in_its_backward(package: Any, depth: int) -> None:
    class Nested(package.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, level: int) -> Any:
            ctx.save_for_backward(x)
            ctx.level = level
            return x * x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            x = ctx.saved_tensors[0].detach().requires_grad_()
            with package.enable_grad():
                out = Nested.apply(x, ctx.level - 1) if ctx.level else x * x
            out.backward(grad)
            return x.grad, None

    x = package.full((3,), 3.0, requires_grad=True)
    Nested.apply(x, depth).sum().backward()
    assert x.grad.tolist() == [6.0] * 3


def test_a_pass_inside_a_pass_into_the_same_leaf_adds_up(package: Any) -> None:
    x = package.zeros(3, requires_grad=True)
    y = x * 1
    y.register_hook(package.enable_grad()(lambda g: (x * 10).sum().backward()))
    in_threads(lambda i: (y * 100).sum().backward(retain_graph=True))
    assert x.grad.tolist() == [110.0 * THREADS] * 3


DYING = """
import gc, sys, importlib
package = importlib.import_module(sys.argv[1])
x = package.zeros(3, requires_grad=True)

class Dying:
    def __init__(self):
        self.cycle = self

    def __del__(self):
        with package.enable_grad():
            (x * 1).sum().backward()

# Collected at one place only: in CPython 3.11 a finalizer that sets a context variable (np.errstate does) while another
# is being set is undefined behaviour of the interpreter.
gc.disable()
for _ in range(20):
    Dying()
    y = x * 1
    y.register_hook(lambda g: gc.collect() and None)
    y.sum().backward()
print(x.grad.tolist())
"""


def test_a_finalizer_may_run_a_pass_inside_a_pass(package: Any) -> None:
    # In a process of its own: see the comment in the program.
    command = [sys.executable, "-c", DYING, package.__name__]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([40.0] * 3)


FORKING = """
import os, signal, threading
import wengert as t
x = t.zeros(200_000, requires_grad=True)
stop = False
def work():
    while not stop:
        (x * 1).sum().backward()
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
failed = 0
for i in range(25):
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # a child that hangs dies of this
        torn = x.grad is not None and x.grad.min() != x.grad.max()
        x.grad = None
        (x * 2).sum().backward()
        with t.no_grad():
            assert not x.exp().requires_grad
        os._exit(0 if x.grad.min() == 2 and x.grad.max() == 2 and not torn else 1)
    failed += os.waitpid(child, 0)[1] != 0
stop = True
for thread in threads:
    thread.join()
print("failed:", failed)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_works_whatever_the_threads_of_its_parent_held() -> None:
    done = subprocess.run([sys.executable, "-c", FORKING], check=False, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("failed: 0", 0), done.stderr


class Mixed:
    """One thread of the stress test: whole numbers only, so that sums are exact in any order."""

    def __init__(self, package: Any, leaves: list[Any], seed: int) -> None:
        self.t = package
        self.leaves = leaves
        self.rng = np.random.default_rng(seed)
        self.expected = [np.zeros(tuple(leaf.shape)) for leaf in leaves]
        self.steps = [self.product, self.view, self.hooked, self.unrecorded, self.fails, self.twice, self.recomputed]

    def step(self) -> None:
        """One random program on two random leaves, and the gradient it must give."""
        i, j = self.rng.choice(len(self.leaves), 2, replace=False)
        self.steps[self.rng.integers(len(self.steps))](int(i), int(j), float(self.rng.integers(1, 5)))

    def product(self, i: int, j: int, c: float) -> None:
        x, y = self.leaves[i], self.leaves[j]
        (x * y * c).sum().backward()
        self.expected[i] += c * y.detach().numpy()
        self.expected[j] += c * x.detach().numpy()

    def view(self, i: int, j: int, c: float) -> None:
        x = self.leaves[i]
        y = x * 1
        y[1].mul_(c)
        y.sum().backward()
        self.expected[i] += 1
        self.expected[i][1] += c - 1

    def hooked(self, i: int, j: int, c: float) -> None:
        y = self.leaves[i] * 1
        y.register_hook(lambda g: g * c)
        y.sum().backward()
        self.expected[i] += c

    def unrecorded(self, i: int, j: int, c: float) -> None:
        with self.t.no_grad():
            scale = self.leaves[j] * c
        (self.leaves[i] * scale).sum().backward()
        self.expected[i] += scale.numpy()

    def fails(self, i: int, j: int, c: float) -> None:
        y = self.leaves[i] * 1
        y.register_hook(lambda g: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            y.sum().backward()

    def twice(self, i: int, j: int, c: float) -> None:
        x = self.leaves[i]
        (g,) = self.t.autograd.grad((x * x * x).sum(), x, create_graph=True)
        (g * c).sum().backward()
        self.expected[i] += 6 * c * x.detach().numpy()

    def recomputed(self, i: int, j: int, c: float) -> None:
        checkpoint = self.t.utils.checkpoint.checkpoint
        x, y = self.leaves[i], self.leaves[j]
        checkpoint(lambda a: a * y * a, x, use_reentrant=c > 2, preserve_rng_state=False).sum().backward()
        self.expected[i] += 2 * (x * y).detach().numpy()
        self.expected[j] += (x * x).detach().numpy()


def test_stress_of_random_programs_on_shared_leaves(package: Any) -> None:
    seed = int(os.environ.get("WENGERT_TEST_SEED", "0")) or 20_260_101
    seconds = float(os.environ.get("WENGERT_STRESS_SECONDS", "4"))
    rng = np.random.default_rng(seed)
    shapes = [(3, 4), (3, 4), (3, 4), (3, 4)]
    leaves = [package.tensor(rng.integers(-3, 4, s).astype(float), requires_grad=True) for s in shapes]
    workers = [Mixed(package, leaves, seed + i) for i in range(THREADS)]
    end = time.monotonic() + seconds

    def work(i: int) -> None:
        while time.monotonic() < end:
            workers[i].step()

    in_threads(work)
    for n, leaf in enumerate(leaves):
        total = sum(worker.expected[n] for worker in workers)
        np.testing.assert_array_equal(leaf.grad.numpy(), total, err_msg=f"leaf {n}, seed {seed}")


@pytest.mark.parametrize("what", ["counter", "meta", "accumulator", "extras", "shape"])
def test_what_is_made_on_first_use_is_made_once(what: str) -> None:
    import wengert
    from wengert._core import dtypes, tensor_base

    use: dict[str, Callable[[Any], Any]] = {
        "counter": tensor_base.shared_counter,
        "meta": lambda t: t.ensure_meta(),
        "accumulator": tensor_base.accumulator,
        "extras": lambda t: t.grad_fn.extra(),
        "shape": lambda t: dtypes.intern_size((7, int(t.item()), 1)),
    }
    tensors = [wengert.tensor(float(i), requires_grad=True) for i in range(5000)]
    if what == "extras":
        tensors = [t.exp() for t in tensors]
    found: list[list[Any]] = [[] for _ in range(THREADS)]
    in_threads(lambda i: found[i].extend(use[what](t) for t in tensors))
    for same in zip(*found, strict=True):
        assert all(value is same[0] for value in same)


MANY_NAMES = """
import contextlib, gc, sys, threading
import wengert

# More names than CPython keeps for all instances of a class: from here on a new name makes the instance's dictionary.
for i in range(40):
    with contextlib.suppress(AttributeError):  # compiled nodes take none
        setattr({thing}, f"name{{i}}", i)
gc.callbacks.append(lambda phase, info: sum(range(20)))  # lets other threads in, as finalizers do
sys.setswitchinterval(1e-6)
for _ in range(10):
    things = [{thing} for _ in range(5000)]
    together = threading.Barrier(8)

    def run():
        together.wait()
        for t in things:
            {use}

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("done")
"""
FIRST_USES = {
    "tensors": ("wengert.tensor(1.0, requires_grad=True)", "t.ensure_meta(), t.register_hook(abs)"),
    "nodes": ("wengert.tensor(1.0, requires_grad=True).exp().grad_fn", "t.extra()"),
}


@pytest.mark.parametrize("kind", FIRST_USES)
def test_first_uses_do_not_crash_where_instances_carry_many_names(kind: str) -> None:
    thing, use = FIRST_USES[kind]
    program = MANY_NAMES.format(thing=thing, use=use)
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=120, env=environment
    )
    assert (done.stdout.strip(), done.returncode) == ("done", 0), done.stderr
