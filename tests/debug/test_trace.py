"""``debug.trace`` remembers where values leave the graph, weakly, and leaves no trace of itself."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import types
import weakref
from pathlib import Path
from typing import Any

import pytest

import wengert as torch
from tests.debug.places import place
from wengert import debug
from wengert.debug import _entry, _trace


def leaf() -> Any:
    return torch.ones(3, requires_grad=True)


def attributes() -> dict[str, Any]:
    """Everything that a trace puts wrappers in the place of."""
    owners = (torch, torch.Tensor, torch.nn.functional, torch.autograd, *torch.Tensor.__mro__[1:-1])
    return {f"{owner.__name__}.{name}": value for owner in owners for name, value in vars(owner).items()}


def test_everything_is_as_before_after_the_block() -> None:
    before = attributes()
    with debug.trace():
        during = attributes()
    after = attributes()
    assert any(during[name] is not before[name] for name in before)
    assert all(after[name] is before[name] for name in before)


def test_everything_is_as_before_after_an_error() -> None:
    before = attributes()
    with pytest.raises(ZeroDivisionError), debug.trace():
        raise ZeroDivisionError
    after = attributes()
    assert all(after[name] is before[name] for name in before)


def test_blocks_nest() -> None:
    with debug.trace():
        with debug.trace():
            pass
        x = leaf()
        loss = x.detach().sum()
    assert debug.explain(loss, x).findings[0].certain


def test_results_and_gradients_are_those_of_an_untraced_run() -> None:
    def program() -> tuple[list[float], list[float]]:
        x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = (2 * x + 1) / x - x**2
        y[0] = 0.0
        y += torch.nn.functional.relu(x)
        y.sum().backward()
        return y.tolist(), x.grad.tolist()

    expected = program()
    with debug.trace():
        assert program() == expected


def test_nodes_name_the_user_s_line_inside_a_trace() -> None:
    x = leaf()
    with debug.trace():
        y = x * 2  # recorded
    assert str(debug.explain(y, x).path[0]) == f"mul at {place(__file__, 'recorded')}"


def test_functions_imported_by_name_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("module_of_a_user")
    exec("from wengert import argmax\ndef choose(x):\n    return argmax(x)\n", module.__dict__)
    monkeypatch.setitem(sys.modules, "module_of_a_user", module)
    x = leaf()
    with debug.trace():
        chosen = module.choose(x)
    assert debug.explain(chosen.float(), x).verdict == "no_graph"  # float() ran outside the block
    assert _trace.REGISTRY.of(chosen)[0].operator == "argmax"


def test_breaks_are_forgotten_with_their_tensors() -> None:
    x = leaf()
    with debug.trace():
        y = x.detach()
    key = id(y)
    assert key in _trace.REGISTRY.tensors
    del y
    gc.collect()
    assert key not in _trace.REGISTRY.tensors


def test_graphs_are_not_kept_alive() -> None:
    with debug.trace():
        x = leaf()
        h = x * 2
        kept = h.detach()
    gone = weakref.ref(h)
    del h
    gc.collect()
    assert gone() is None
    assert _trace.REGISTRY.of(kept)[0].made_by.startswith("mul at")


def test_a_running_average_inherits_each_place_once() -> None:
    x = leaf()
    average = torch.zeros(3)
    with debug.trace():
        for _ in range(50):
            with torch.no_grad():
                average = 0.9 * average + 0.1 * (x * 1)
    assert len(_trace.REGISTRY.of(average)) == 1


def test_a_custom_function_is_one_operation() -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

    x = leaf()
    with debug.trace():
        y = Double.apply(x)
        with torch.no_grad():
            z = Double.apply(x)
    assert debug.explain(y.sum(), x).verdict == "not_yet"
    assert "no_grad" in {b.kind for b in _trace.REGISTRY.of(z)}


def test_other_threads_are_watched_too() -> None:
    x = leaf()
    made: list[Any] = []
    with debug.trace():
        thread = threading.Thread(target=lambda: made.append(x.detach()))
        thread.start()
        thread.join()
    assert debug.explain(made[0], x).verdict == "detached"


# -- the error of backward() --------------------------------------------------------------------------------------------


def message_of(loss: Any) -> str:
    with pytest.raises(RuntimeError) as caught:
        loss.backward()
    return str(caught.value)


SENTENCE = "element 0 of tensors does not require grad and does not have a grad_fn"


def test_backward_without_a_graph_names_the_traced_line() -> None:
    x = leaf()
    with debug.trace():
        loss = (x * 2).argmax().float()  # argmax here
    text = message_of(loss)
    assert text.splitlines()[0] == SENTENCE
    assert f"cut at:  {place(__file__, 'argmax here')}" in text
    assert "argmax is not differentiable" in text


def test_backward_without_a_graph_reads_the_source_where_nothing_was_traced() -> None:
    x = leaf()
    loss = torch.tensor((x * 2).sum().item())  # untraced
    with pytest.raises(RuntimeError) as caught:
        loss.backward()
    text = str(caught.value)
    assert text.splitlines()[0] == SENTENCE
    assert f"cut at:  {place(__file__, 'untraced')}" in text


def test_a_forgotten_requires_grad_is_named() -> None:
    x = torch.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError) as caught:
        (x * 2).sum().backward()
    assert "nothing in it requires grad (x), by the look of the source" in str(caught.value)


def test_without_evidence_the_usual_reasons_are_listed() -> None:
    assert "created without requires_grad=True" in message_of([torch.ones(2).sum()][0])


def test_the_bare_sentence_remains_when_hints_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    from wengert._core import errors

    monkeypatch.setattr(errors.HINTS, "on", False)
    x = leaf()
    with debug.trace():
        loss = x.detach().sum()
    assert message_of(loss) == SENTENCE


def test_no_observer_is_left_behind() -> None:
    assert _entry._OBSERVERS == []


def test_a_function_imported_inside_the_block_still_works_after_it() -> None:
    with debug.trace():
        from wengert import argmax
    assert argmax(torch.tensor([1.0, 3.0])).item() == 1


def test_programs_that_do_not_use_it_do_not_load_it() -> None:
    program = "import sys, wengert; print([name for name in sys.modules if 'debug' in name and 'wengert' in name])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(torch.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"
