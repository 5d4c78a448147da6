"""``profile``: which calls become events, with which times, lines, shapes and bytes."""

from __future__ import annotations

import gzip
import json
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.nn.functional as F
from wengert import exp as exp_by_name
from wengert.autograd import profiler
from wengert.profiler import ProfilerActivity, profile, record_function, schedule, tensorboard_trace_handler


def keys(p: Any) -> list[str]:
    return [event.key for event in p.events()]


def leaf(*shape: int) -> Any:
    return wg.ones(*shape, requires_grad=True)


def test_methods_operators_functions_and_formulas_are_events_in_order() -> None:
    x = leaf(3)
    with profile() as p:
        y = 2 * x + x.exp()
        wg.sum(F.relu(y)).backward()
    assert keys(p) == [
        "aten::mul", "aten::exp", "aten::add", "aten::relu", "aten::sum", "autograd::backward",
        "SumBackward0", "ReluBackward0", "AddBackward0", "ExpBackward0", "MulBackward0",
    ]  # fmt: skip


def test_functions_imported_by_name_are_seen() -> None:
    with profile() as p:
        exp_by_name(leaf(3))
    assert keys(p) == ["aten::ones", "aten::exp"]


def test_in_place_operators_indexing_and_assignment_have_events() -> None:
    x = wg.ones(3)
    with profile() as p:
        x += 1
        x[0]
        x[1] = 5.0
        x.mul_(2)
    assert keys(p) == ["aten::add_", "aten::__getitem__", "aten::__setitem__", "aten::mul_"]


def test_questions_are_no_events() -> None:
    x = wg.ones(3)
    with profile() as p:
        assert wg.is_tensor(x) and x.size() == (3,) and not wg.is_complex(x)
        assert wg.get_default_dtype() is wg.float32
    assert keys(p) == []


def test_an_operator_that_fails_is_no_event_and_the_error_is_its_own() -> None:
    x = wg.ones(3)
    with profile() as p:
        with pytest.raises(RuntimeError, match="must match the size"):
            x + wg.ones(2)
        with pytest.raises(TypeError):
            x + object()
        x.exp()
    assert keys(p) == ["aten::ones", "aten::exp"]


def test_results_and_gradients_are_those_without_a_profile() -> None:
    x = wg.randn(4, 4, dtype=wg.float64, requires_grad=True)

    def run() -> Any:
        y = F.softmax(x @ x.t(), -1)[1:].tanh()
        (first,) = wg.autograd.grad((y * y).sum(), x, create_graph=True)
        return wg.autograd.grad((first**2).sum(), x)[0].numpy()

    plain = run()
    with profile(profile_memory=True, record_shapes=True):
        measured = run()
    np.testing.assert_array_equal(measured, plain)


def test_everything_is_put_back() -> None:
    def places() -> list[Any]:
        return [
            wg.exp, F.relu, exp_by_name, wg.autograd.grad, wg.autograd.backward,
            *(vars(cls)[name] for cls in wg.Tensor.__mro__[:2] for name in sorted(vars(cls))),
        ]  # fmt: skip

    before = places()
    with profile():
        assert wg.exp is not before[0]
        assert exp_by_name is not before[2]
    assert all(a is b for a, b in zip(before, places(), strict=True))


def test_operators_take_the_direct_way_again() -> None:
    def calls() -> int:
        x, count = leaf(3), [0]

        def watch(frame: Any, event: str, argument: Any) -> None:
            count[0] += event == "call"

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            _ = (2 * x + x[0] - x / x.exp(), x == x, -x)
        finally:
            sys.setprofile(before)
        return count[0]

    calls()  # what is made on first use is not counted
    plain = calls()
    with profile():
        assert calls() > plain
    assert calls() == plain


def test_everything_is_put_back_after_an_error() -> None:
    before = wg.exp
    with pytest.raises(ZeroDivisionError), profile():
        raise ZeroDivisionError
    assert wg.exp is before
    with profile() as p:
        wg.exp(wg.ones(3))
    assert len(p.events()) == 2


def test_a_function_taken_while_a_profile_ran_works_afterwards() -> None:
    with profile():
        kept = wg.exp
    assert kept(wg.zeros(1)).item() == 1


def test_a_backward_formula_has_the_line_of_its_forward_call() -> None:
    x = leaf(3)
    with profile() as p:
        y = x.exp()
        y.sum().backward()
    forward, backward = (next(e for e in p.events() if e.key == key) for key in ("aten::exp", "ExpBackward0"))
    assert forward.stack == backward.stack
    assert forward.stack[0].startswith("test_profile.py(")
    assert forward.stack[0].endswith("): test_a_backward_formula_has_the_line_of_its_forward_call")
    assert forward.sequence_nr == backward.sequence_nr >= 0
    assert backward.is_backward and not forward.is_backward


def test_ranges_contain_what_runs_inside() -> None:
    x = leaf(3)
    with profile() as p, record_function("outer"):
        x.exp()
        with record_function("inner"):
            x.sin()
    outer, exp, inner, sin = p.events()
    assert [e.key for e in (outer, exp, inner, sin)] == ["outer", "aten::exp", "inner", "aten::sin"]
    assert outer.cpu_children == [exp, inner]
    assert sin.cpu_parent is inner
    assert outer.self_cpu_time_total == pytest.approx(outer.cpu_time_total - exp.cpu_time_total - inner.cpu_time_total)


def test_record_function_decorates_functions_that_call_themselves() -> None:
    @record_function("down")
    def down(n: int) -> int:
        return n if n == 0 else down(n - 1)

    assert down(2) == 0  # without a profile
    with profile() as p:
        down(2)
    assert [e.cpu_parent is None for e in p.events()] == [True, False, False]


def test_times_are_those_of_the_clock() -> None:
    with profile() as p, record_function("sleep"):
        time.sleep(0.02)
    (event,) = p.events()
    assert 20_000 <= event.cpu_time_total < 2_000_000
    assert event.time_range.elapsed_us() == event.cpu_time_total == p.self_cpu_time_total


def test_self_times_add_up_to_the_time_of_top_level_events() -> None:
    x = leaf(50, 50)
    with profile() as p:
        for _ in range(3):
            with record_function("step"):
                (x @ x).sum().backward()
    top = sum(e.cpu_time_total for e in p.events() if e.cpu_parent is None)
    assert p.self_cpu_time_total == pytest.approx(top)
    assert p.total_average().self_cpu_time_total == pytest.approx(top)


def test_operators_inside_custom_functions_are_events_in_both_passes() -> None:
    class Cube(wg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * x**2 * grad

    x = leaf(3)
    with profile() as p:
        Cube.apply(x).sum().backward()
    assert [e.key for e in p.events()] == [
        "aten::pow", "aten::sum", "autograd::backward", "SumBackward0", "CubeBackward",
        "aten::pow", "aten::mul", "aten::mul",
    ]  # fmt: skip
    node = p.events()[4]
    assert [child.key for child in node.cpu_children] == ["aten::pow", "aten::mul", "aten::mul"]


def test_operators_in_hooks_are_events() -> None:
    x = leaf(3)
    y = x.exp()
    y.register_hook(lambda grad: grad * 2)
    with profile() as p:
        y.sum().backward()
    assert "aten::mul" in keys(p)
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(np.ones(3)), rtol=1e-6)


def test_memory_of_results_counts_new_memory_only() -> None:
    x = leaf(256)
    with profile(profile_memory=True) as p:
        y = x.exp()
        y.view(16, 16)
        y.detach().mul_(2)
    memory = {e.key: e.cpu_memory_usage for e in p.events()}
    assert memory == {"aten::exp": 1024, "aten::view": 0, "aten::detach": 0, "aten::mul_": 0}


def test_saved_memory_counts_each_array_once_and_no_leaves() -> None:
    x = leaf(256)
    with profile(profile_memory=True) as p:
        y = x.exp()  # saves its result
        y.sin()  # saves the same array
        x.cos()  # saves a leaf
        F.softmax(y * 1, 0)
    saved = {e.key: e.saved_memory_usage for e in p.events()}
    assert saved == {"aten::exp": 1024, "aten::sin": 0, "aten::cos": 0, "aten::mul": 0, "aten::softmax": 1024}


def test_memory_of_ranges_is_that_of_what_runs_inside() -> None:
    with profile(profile_memory=True) as p, record_function("range"):
        leaf(256).exp()
    (average,) = [e for e in p.key_averages() if e.key == "range"]
    assert (average.cpu_memory_usage, average.self_cpu_memory_usage) == (2048, 0)


def test_key_averages_add_up_calls() -> None:
    x = leaf(3)
    with profile() as p:
        for _ in range(4):
            x.exp()
    (average,) = p.key_averages()
    assert (average.key, average.count) == ("aten::exp", 4)
    assert average.cpu_time_total == pytest.approx(sum(e.cpu_time_total for e in p.events()))
    assert average.cpu_time == pytest.approx(average.cpu_time_total / 4)


def test_averages_can_be_told_apart_by_shape_and_by_line() -> None:
    with profile(record_shapes=True) as p:
        for n in (2, 3):
            wg.ones(n).exp()
        wg.ones(2).exp()
    exps = [e for e in p.key_averages(group_by_input_shape=True) if e.key == "aten::exp"]
    assert [(e.count, e.input_shapes) for e in exps] == [(2, [[2]]), (1, [[3]])]
    exps = [e for e in p.key_averages(group_by_stack_n=1) if e.key == "aten::exp"]
    assert [e.count for e in exps] == [2, 1]


def test_line_averages_join_forward_and_backward() -> None:
    x = leaf(256)
    with profile(profile_memory=True) as p:
        y = x.exp().sin()
        y.sum().backward()
    first, second = sorted(p.line_averages(), key=lambda row: row.line)
    assert (first.calls, first.operators) == (2, {"aten::exp": 1, "aten::sin": 1})
    assert first.forward_time > 0 and first.backward_time > 0
    assert first.total_time == first.forward_time + first.backward_time
    assert (first.saved_bytes, first.result_bytes) == (1024, 4 * 1024)
    assert first.source.startswith("test_profile.py:") and first.source.endswith("y = x.exp().sin()")
    assert second.operators == {"aten::sum": 1}
    assert str(p.line_averages()).splitlines()[0].split() == [
        "forward", "backward", "calls", "results", "saved", "line",
    ]  # fmt: skip


def test_the_table_is_in_pytorchs_form(oracle: Any) -> None:
    def table(torch: Any) -> list[str]:
        x = torch.ones(3, requires_grad=True)
        with torch.autograd.profiler.profile() as p:
            for _ in range(5):
                x.exp()
        text: str = p.key_averages().table(sort_by="self_cpu_time_total", row_limit=1)
        return text.splitlines()

    ours, theirs = table(wg), table(oracle)
    assert ours[1].split() == theirs[1].split()
    assert [len(line.split()) for line in ours] == [len(line.split()) for line in theirs]
    assert ours[3].split()[0] == "aten::exp" and ours[3].split()[-1] == "5"
    assert ours[-1].startswith("Self CPU time total: ") and theirs[-2 if not theirs[-1] else -1].startswith("Self CPU")


def test_rows_fall_by_what_is_asked_for_and_are_limited() -> None:
    x = leaf(3)
    with profile() as p:
        x.exp()
        for _ in range(3):
            x.sin()
    rows = p.key_averages().table(sort_by="count", row_limit=1).splitlines()
    assert rows[3].split()[0] == "aten::sin"
    assert len(rows) == 6


def test_an_unknown_sort_key_is_pytorchs_error() -> None:
    with profile() as p:
        wg.ones(3)
    with pytest.raises(AttributeError, match="'FunctionEventAvg' object has no attribute 'speed'"):
        p.key_averages().table(sort_by="speed")


def test_the_table_can_leave_out_inner_events_and_cut_names() -> None:
    with profile() as p, record_function("a long name indeed"):
        wg.ones(3)
    text = p.table(top_level_events_only=True, max_name_column_width=10, header="Head")
    assert text.startswith("Head\n")
    assert "a long ..." in text and "aten::ones" not in text


def test_the_trace_has_a_bar_per_event_and_arrows_to_the_backward_pass(tmp_path: Path) -> None:
    x = leaf(3)
    with profile(record_shapes=True, profile_memory=True) as p:
        x.exp().sum().backward()
    p.export_chrome_trace(tmp_path / "trace.json")
    entries = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    bars = [e for e in entries if e["ph"] == "X"]
    assert [bar["name"] for bar in bars] == keys(p)
    assert all(bar["dur"] >= 0 and bar["tid"] == 1 for bar in bars)
    assert bars[0]["args"]["Input Dims"] == [[3]]
    starts = {e["id"]: e["ts"] for e in entries if e["ph"] == "s"}
    ends = {e["id"]: e["ts"] for e in entries if e["ph"] == "f"}
    begin = {bar["name"]: bar["ts"] for bar in bars}
    assert sorted((starts[i], ends[i]) for i in starts) == [
        (begin["aten::exp"], begin["ExpBackward0"]),
        (begin["aten::sum"], begin["SumBackward0"]),
    ]


def test_a_trace_can_be_compressed(tmp_path: Path) -> None:
    with profile() as p:
        wg.ones(3)
    p.export_chrome_trace(tmp_path / "trace.json.gz")
    with gzip.open(tmp_path / "trace.json.gz", "rt") as stream:
        assert len(json.load(stream)["traceEvents"]) == 1


def test_threads_have_events_of_their_own() -> None:
    def work() -> None:
        with record_function("work"):
            leaf(3).exp().sum().backward()

    with profile() as p:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ranges = [e for e in p.events() if e.key == "work"]
    assert len({e.thread for e in ranges}) == 2
    assert [len(e.cpu_children) for e in ranges] == [4, 4]


def test_a_profile_that_is_not_enabled_does_nothing() -> None:
    with profile(enabled=False) as p:
        wg.ones(3)
    assert len(p.events()) == 0
    assert p.function_events is None


def test_profiles_do_not_nest_and_are_used_once() -> None:
    with profile() as p:
        with pytest.raises(RuntimeError, match="a profile is running already"):
            profile().start()
        with pytest.raises(RuntimeError, match="Profiler context manager is not reentrant"):
            p.start()
        wg.ones(3)
    assert keys(p) == ["aten::ones"]


def test_an_unfinished_profile_has_no_results() -> None:
    p = profile()
    with pytest.raises(RuntimeError, match="Profiler didn't finish running"):
        p.key_averages()
    assert str(p) == "<unfinished profile>"


def test_arguments_without_meaning_are_accepted_and_unknown_ones_refused() -> None:
    with profile(activities=[ProfilerActivity.CPU], use_cuda=False, with_stack=True):
        pass
    with pytest.raises(TypeError, match="unexpected keyword argument 'speed'"):
        profile(speed=1)


def test_a_schedule_records_the_steps_that_it_names() -> None:
    ready: list[list[str]] = []
    plan = schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=1)
    with profile(schedule=plan, on_trace_ready=lambda p: ready.append(keys(p))) as p:
        for _ in range(12):
            wg.ones(3)
            p.step()
    steps = [f"ProfilerStep#{n}" for n in (3, 4, 7, 8)]
    assert ready == [[steps[0], "aten::ones", steps[1], "aten::ones"], [steps[2], "aten::ones", steps[3], "aten::ones"]]


@pytest.mark.parametrize("numbers", [(0, 0, 1, 0, 0), (1, 2, 3, 0, 0), (2, 0, 2, 2, 3), (0, 1, 1, 1, 0)])
def test_a_schedule_is_that_of_pytorch(numbers: tuple[int, ...], oracle: Any) -> None:
    names = ("wait", "warmup", "active", "repeat", "skip_first")
    ours = schedule(**dict(zip(names, numbers, strict=True)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants a warm-up
        theirs = oracle.profiler.schedule(**dict(zip(names, numbers, strict=True)))
    assert [ours(step).name for step in range(20)] == [theirs(step).name for step in range(20)]


def test_a_schedule_that_never_records_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"Invalid profiler schedule arguments. Got .* active=0 \(need > 0\)"):
        schedule(wait=1, warmup=1, active=0)


def test_a_schedule_that_comes_to_nothing_has_no_events() -> None:
    with profile(schedule=schedule(wait=5, warmup=1, active=1)) as p:
        wg.ones(3)
        p.step()
    assert keys(p) == []


def test_a_program_that_ends_within_a_cycle_has_what_was_recorded(tmp_path: Path) -> None:
    write = tensorboard_trace_handler(str(tmp_path / "traces"), "worker", use_gzip=True)
    with profile(schedule=schedule(wait=0, warmup=0, active=5), on_trace_ready=write) as p:
        wg.ones(3)
        p.step()
    assert keys(p) == ["ProfilerStep#0", "aten::ones", "ProfilerStep#1"]
    (file,) = (tmp_path / "traces").iterdir()
    assert file.name.startswith("worker.") and file.name.endswith(".pt.trace.json.gz")


def test_the_handler_is_called_at_the_end_without_a_schedule() -> None:
    ready: list[Any] = []
    p = profile(on_trace_ready=ready.append)
    p.start()
    p.step()  # means nothing without a schedule
    wg.ones(3)
    p.stop()
    assert (keys(p), ready) == (["aten::ones"], [p])


def test_anomaly_mode_still_names_the_culprit_while_a_profile_runs() -> None:
    x = wg.zeros(1, requires_grad=True)
    with profile(), wg.autograd.set_detect_anomaly(True):
        y = (x.sqrt() * 0).sum()
        with (
            pytest.warns(UserWarning, match="Error detected in SqrtBackward0"),
            pytest.raises(RuntimeError, match="nan"),
        ):
            y.backward()


def test_autograd_profiler_is_the_same_profiler() -> None:
    assert profiler.profile is profile
    assert profiler.record_function is record_function
    assert "profile" in dir(profiler)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = profiler.nothing


def test_a_pass_outside_a_profile_does_not_look_for_one_again() -> None:
    x = leaf(3)
    with profile() as p:
        y = x.exp().sum()
    y.backward()
    assert keys(p) == ["aten::exp", "aten::sum"]
    np.testing.assert_allclose(x.grad.numpy(), np.exp(np.ones(3)), rtol=1e-6)
