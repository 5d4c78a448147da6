"""``graph.holders`` and ``graph.memory``: who keeps a graph alive, and what it costs."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections import deque
from pathlib import Path
from typing import Any

import pytest

import wengert as wg
from wengert.autograd.graph import holders, memory, save_on_disk

KEPT: list[Any] = []
TABLE: dict[str, Any] = {}


@pytest.fixture(autouse=True, scope="module")
def _all_objects_searched() -> Any:
    gc.unfreeze()  # the globals of modules may be holders
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_kept(_all_objects_searched: None) -> Any:
    gc.collect()
    yield
    KEPT.clear()
    TABLE.clear()


def graph() -> Any:
    return (wg.ones(3, requires_grad=True) * 2).exp()


def names(found: Any, kind: str) -> list[str]:
    return sorted(row.name for row in found if row.kind == kind)


def test_a_local_variable_is_named_with_function_and_line() -> None:
    loss = graph()
    (row,) = holders(loss)
    assert (row.kind, row.name) == ("local", "loss")
    assert row.place.startswith(
        "test_a_local_variable_is_named_with_function_and_line (test_holders.py:"
    ) and row.place.endswith(")")
    assert row.holds == "tensor [3], from ExpBackward0"


def test_variables_of_all_callers_are_found() -> None:
    def inner(node: Any) -> list[str]:
        return names(holders(node), "local")

    outer = graph()
    found = inner(outer.grad_fn)
    assert found == ["node", "outer"]


def test_a_node_inside_is_held_by_what_was_computed_from_it() -> None:
    loss = graph().sum().reshape(1)[0]
    node = loss.grad_fn.next_functions[0][0].next_functions[0][0]
    found = holders(node)
    assert names(found, "local") == ["loss", "node"]


def test_lists_in_module_globals_are_found_and_equal_entries_counted() -> None:
    KEPT.extend([graph()] * 3)
    (row,) = holders(KEPT[0].grad_fn)
    assert (row.kind, row.name) == ("global", "KEPT[0] and 2 more")
    assert row.place == f"module {__name__} (test_holders.py)"


def test_the_way_leads_through_dicts_deques_and_objects() -> None:
    class Trainer:
        history: Any

    trainer = Trainer()
    trainer.history = deque([{"loss": graph()}])
    TABLE["run"] = (trainer,)
    found = holders(trainer.history[0]["loss"])
    assert names(found, "global") == ["TABLE['run'][0].history[0]['loss']"]


def test_attributes_in_slots_are_found() -> None:
    class Slotted:
        __slots__ = ("last",)

    thing = Slotted()
    thing.last = graph()
    found = holders(thing.last)
    assert names(found, "local") == ["thing.last"]


def test_class_attributes_are_found() -> None:
    class Trainer:
        last = graph()

    (name,) = names(holders(Trainer.last), "attribute")
    assert name.endswith("Trainer.last")


def test_closures_and_default_arguments_are_found() -> None:
    def make() -> Any:
        loss = graph()

        def closed() -> Any:
            return loss

        def default(given: Any = loss, *, named: Any = loss) -> None:
            pass

        return closed, default

    functions = make()
    found = holders(functions[0]().grad_fn)
    assert names(found, "closure") == ["loss"]
    assert names(found, "default") == ["given", "named"]


def test_globals_of_code_run_by_exec_are_found() -> None:
    space: dict[str, Any] = {"graph": graph}
    exec("loss = graph()\ndef step(): pass\ndef other(): pass", space)
    node, functions = space["loss"].grad_fn, [space["step"], space["other"]]
    del space
    found = [(row.name, row.place) for row in holders(node) if row.kind == "global"]
    assert found == [("loss", "globals of <string>")]
    del functions


def test_variables_of_suspended_generators_are_found() -> None:
    def steps() -> Any:
        loss = graph()
        yield loss.grad_fn
        yield loss

    generator = steps()
    found = [row for row in holders(next(generator)) if row.name == "loss"]
    assert [row.kind for row in found] == ["local"]
    assert found[0].place.endswith(", suspended")


def test_variables_that_an_exception_keeps_are_found() -> None:
    def fail() -> None:
        loss = graph()
        raise ValueError(loss.grad_fn)

    try:
        fail()
    except ValueError as error:
        rows = [row for row in holders(error.args[0]) if row.name == "loss"]
    assert [row.place.startswith("fail (") and "traceback" in row.place for row in rows] == [True]


def test_a_leaf_whose_grad_is_part_of_the_graph_is_found() -> None:
    x = wg.ones(3, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x.exp().sum().backward(create_graph=True)
    found = holders(x.grad)
    assert names(found, "local") == ["x.grad"]
    x.grad = None


def test_a_hook_that_holds_the_loss_is_found() -> None:
    x = wg.ones(3, requires_grad=True)

    def attach(loss: Any) -> Any:
        x.register_hook(lambda grad: loss)
        return loss.grad_fn

    found = holders(attach(x.exp()))
    assert names(found, "closure") == ["loss"]


def test_what_nobody_names_is_reported_as_unnamed() -> None:
    cycle: list[Any] = [graph()]
    node = cycle[0].grad_fn
    cycle.append(cycle)
    gc.disable()
    try:
        del cycle
        found = holders(node)
        assert names(found, "unnamed") == ["<list object>[0]"]
    finally:
        gc.enable()
        gc.collect()


def test_looking_keeps_nothing_alive() -> None:
    loss = graph()
    found = holders(loss)
    alive = weakref.ref(loss)
    del loss
    assert (len(found), alive()) == (1, None)


def test_the_table_has_a_line_for_each_name() -> None:
    loss = graph()
    head, line = str(holders(loss)).splitlines()
    assert head.split() == ["kind", "kept", "alive", "by", "where", "holds"]
    assert line.startswith("local  loss")


@pytest.mark.parametrize("function", [holders, memory])
def test_other_things_than_tensors_and_nodes_are_refused(function: Any) -> None:
    with pytest.raises(TypeError, match="argument 't_or_node' must be Tensor or Node, not list"):
        function([])


def test_backward_with_create_graph_leaves_nothing_that_gc_cannot_collect() -> None:
    x = wg.ones(3, requires_grad=True)
    y = x.exp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (y * y).sum().backward(create_graph=True)
    watched = [weakref.ref(x), weakref.ref(y), weakref.ref(x.grad)]
    del x, y
    gc.collect()
    assert [reference() for reference in watched] == [None, None, None]
    assert gc.garbage == []


def test_memory_counts_each_array_once_by_line_and_operator() -> None:
    x = wg.ones(256, requires_grad=True)
    y = x.exp()
    z = y.sin() + y.cos()
    found = memory(z.sum())
    rows = {row.operator: row for row in found.rows}
    assert (rows["ExpBackward0"].bytes, rows["SinBackward0"].bytes, rows["CosBackward0"].bytes) == (1024, 0, 0)
    assert "test_holders.py:" in rows["ExpBackward0"].place and "y = x.exp()" in rows["ExpBackward0"].place
    assert (found.bytes, found.leaf_bytes, found.nodes) == (1024, 1024, 5)


def test_memory_joins_the_calls_of_one_line() -> None:
    h = wg.ones(256, requires_grad=True) * 1
    for _ in range(4):
        h = h.sin()
    (row,) = [row for row in memory(h).rows if row.operator == "SinBackward0"]
    assert (row.nodes, row.arrays, row.bytes) == (4, 4, 4096)


def test_a_small_view_counts_with_the_memory_that_it_keeps() -> None:
    h = wg.ones(256, requires_grad=True) * 1
    assert memory(h[:2].sin()).bytes >= 1024


def test_memory_counts_what_custom_functions_keep() -> None:
    class Twice(wg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x * 1)
            ctx.mask = x.detach().numpy() > 0
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

    rows = memory(Twice.apply(wg.ones(256, requires_grad=True))).rows
    assert [(row.operator, row.arrays, row.bytes) for row in rows] == [("TwiceBackward", 2, 1024 + 256)]


def test_memory_counts_files_apart(tmp_path: Path) -> None:
    with save_on_disk(tmp_path):
        y = wg.ones(1024, 1024, requires_grad=True).exp().sin().cos()
    found = memory(y)
    assert (found.bytes, found.disk_bytes) == (0, 2 * 4 * 1024**2)
    assert str(found).endswith("0 B saved by 3 nodes; leaves: 4.00 MB; on disk: 8.00 MB")


def test_memory_of_a_freed_graph_is_nothing() -> None:
    y = wg.ones(256, requires_grad=True).exp().sum()
    y.backward()
    assert memory(y).bytes == 0


def test_memory_prints_a_table() -> None:
    y = wg.ones(1024, 1024, requires_grad=True).exp()
    head, line, total = str(memory(y)).splitlines()
    assert head.split() == ["saved", "arrays", "calls", "operator", "where"]
    assert line.startswith("4.00 MB       1      1  ExpBackward0  test_holders.py:")
    assert total == "4.00 MB saved by 1 nodes; leaves: 4.00 MB"


def test_a_long_chain_is_walked_without_recursion() -> None:
    h = wg.ones(1, requires_grad=True)
    for _ in range(5000):
        h = h.sin()
    assert memory(h).nodes == 5000
    node = h.grad_fn
    while node.next_functions[0][0].name() == "SinBackward0":
        node = node.next_functions[0][0]
    found = holders(node)
    assert names(found, "local") == ["h", "node"]
