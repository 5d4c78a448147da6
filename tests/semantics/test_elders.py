"""The garbage collector and what is old from birth: Note [Old from birth] in kernels/src/elders.h.

Whatever runs (compiled or not), cycles of references are found, and nothing is lost when collections come at bad moments.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import wengert as torch
from wengert import _config
from wengert.kernels import _load
from wengert.kernels.elders import collected_objects

ELDERS = _load.MODULE is not None and _config.is_compiled() and sys.version_info < (3, 14)


class Witness:
    """Something with weak references, which dies with what holds it."""


@pytest.fixture(autouse=True)
def no_collections_in_between() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def chain(x: Any, length: int) -> Any:
    for _ in range(length):
        x = (x * x).tanh()
    return x


def looped(length: int) -> Any:
    """A tensor that its own graph holds, forgotten: a weak reference to what dies with it."""
    x = torch.ones(3, requires_grad=True) * 1.0
    x.result, x.witness = chain(x, length), Witness()
    return weakref.ref(x.witness)


def known_to_collector(thing: object) -> bool:
    return any(other is thing for other in gc.get_objects())


@pytest.mark.skipif(not ELDERS, reason="needs compiled modules and kernels, and a CPython whose layout is known")
def test_nodes_and_tensors_are_out_of_the_collectors_sight_until_a_full_collection() -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * 2.0
    assert not known_to_collector(y) and not known_to_collector(y.grad_fn)
    gc.collect(0)
    gc.collect(1)
    assert not known_to_collector(y)
    gc.collect()
    assert known_to_collector(y) and known_to_collector(y.grad_fn)


def test_all_live_tensors_are_among_the_collected_objects() -> None:
    y = torch.ones(3, requires_grad=True) * 2.0
    assert any(thing is y for thing in collected_objects())


def test_a_graph_dies_with_its_last_tensor_without_any_collection() -> None:
    x = torch.ones(3, requires_grad=True)
    y = chain(x, 50)
    node = y.grad_fn.next_functions[0][0]
    node.metadata["witness"] = witness = Witness()
    alive = weakref.ref(witness)
    del witness, node, y
    assert alive() is None


def test_a_full_collection_finds_a_cycle_through_a_graph() -> None:
    alive = looped(20)
    assert alive() is not None
    gc.collect()
    assert alive() is None


def hooked(y: Any) -> Any:
    """Give a tensor, which is forgotten, a hook that holds it: a weak reference to what dies with it."""
    witness = Witness()
    y.register_hook(lambda grad: (y, witness)[0])
    return weakref.ref(witness)


def test_a_hook_that_holds_its_tensor_is_found_by_a_collection_of_the_young() -> None:
    forgotten = [hooked(torch.ones(3, requires_grad=True)), hooked(torch.ones(3, requires_grad=True) * 2.0)]
    assert all(alive() is not None for alive in forgotten)
    gc.collect(0)
    assert all(alive() is None for alive in forgotten)


def test_a_hook_on_a_node_that_holds_the_node_is_found_by_a_collection_of_the_young() -> None:
    def forgotten() -> Any:
        node = (torch.ones(3, requires_grad=True) * 2.0).grad_fn
        witness = Witness()
        node.register_prehook(lambda grads: (node, witness)[:0])
        return weakref.ref(witness)

    alive = forgotten()
    assert alive() is not None
    gc.collect(0)
    assert alive() is None


def test_a_gradient_with_history_and_its_leaf_are_found() -> None:
    x = torch.ones(3, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the reference cycle, given once in a process
        (x * x * x).sum().backward(create_graph=True)
    x.witness = Witness()
    alive = weakref.ref(x.witness)
    del x
    gc.collect()
    assert alive() is None


def test_a_tensor_may_become_one_of_a_subclass_and_back() -> None:
    class Sample(torch.Tensor):
        pass

    x = torch.ones(3, requires_grad=True)
    y = x * 2.0
    y.__class__ = Sample
    assert type(y) is Sample
    y.__class__ = torch.Tensor
    gc.collect()
    y.sum().backward()
    assert type(y) is torch.Tensor and x.grad.tolist() == [2.0] * 3


def test_forgotten_cycles_do_not_pile_up() -> None:
    gc.enable()
    alive = [looped(2000) for _ in range(60)]
    assert sum(reference() is not None for reference in alive) < 59
    gc.collect()
    assert not any(reference() for reference in alive)


def test_collections_while_graphs_are_made_and_run_change_nothing() -> None:
    x = torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)
    chain(x, 300).sum().backward()
    wanted, x.grad = x.grad.tolist(), None
    thresholds = gc.get_threshold()
    gc.set_threshold(3, 2, 2)
    gc.enable()
    try:
        chain(x, 300).sum().backward()
    finally:
        gc.set_threshold(*thresholds)
    assert x.grad.tolist() == wanted


def test_full_collections_at_every_occasion_change_nothing() -> None:
    x = torch.full((2,), 0.3, dtype=torch.float64, requires_grad=True)
    thresholds = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    gc.enable()
    try:
        for _ in range(200):
            y = chain(x, 3)
            held = [[] for _ in range(100)]  # else new lists are old ones
            y.register_hook(lambda grad: None)
            assert any(thing is y for thing in collected_objects())
            y.sum().backward()
            del held
    finally:
        gc.set_threshold(*thresholds)
    once = torch.full((2,), 0.3, dtype=torch.float64, requires_grad=True)
    chain(once, 3).sum().backward()
    assert x.grad.tolist() == pytest.approx([200 * value for value in once.grad.tolist()], rel=1e-12)


def test_graphs_of_many_threads_survive_collections() -> None:
    thresholds = gc.get_threshold()
    gc.set_threshold(50, 2, 2)
    gc.enable()
    found: list[Any] = []

    def work() -> None:
        for _ in range(20):
            x = torch.full((2,), 0.3, dtype=torch.float64, requires_grad=True)
            chain(x, 100).sum().backward()
            found.append(x.grad.tolist())

    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*thresholds)
    assert len(found) == 80 and all(grad == found[0] for grad in found)


def test_a_finalizer_may_make_and_run_graphs_in_the_middle_of_a_collection() -> None:
    found: list[float] = []

    class Late:
        def __init__(self) -> None:
            self.me = self
            self.x = torch.tensor(2.0, requires_grad=True)

        def __del__(self) -> None:
            (self.x * self.x).backward()
            found.append(self.x.grad.item())
            self.x.register_hook(lambda grad: None)

    Late()
    kept = chain(torch.ones(2, requires_grad=True), 10)
    gc.collect()
    gc.collect()
    kept.sum().backward()
    assert found == [4.0]


def test_frozen_objects_and_those_of_a_forked_child_are_whole() -> None:
    code = """
import gc, os, wengert as torch
x = torch.ones(2, requires_grad=True)
y = x
for _ in range(100):
    y = (y * x).tanh()
gc.freeze()
z = y * 2.0
child = os.fork() if hasattr(os, "fork") else 0
gc.collect(); gc.unfreeze(); gc.collect()
z.sum().backward()
del y, z
gc.collect()
if child:
    assert os.waitpid(child, 0)[1] == 0
print(x.grad.tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    assert lines[0] and set(lines[:-1]) == {lines[0]}
