"""``save_on_disk``: the same gradients from files, which come and go with the graph."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.autograd.graph import allow_mutation_on_saved_tensors, save_on_cpu, save_on_disk, saved_tensors_hooks
from wengert.autograd.graph_disk import compact


def files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


def computed(x: Any) -> Any:
    """A program that saves inputs, results, views of several layouts, and numbers."""
    h = x.exp()
    wide = h.t() * h.t().tanh()
    return (wide[:, ::2].sin() * h[::2].t()).sum() + (h.flip(0).mean() * h.unsqueeze(0).expand(2, 4, 6) ** 2).sum()


@pytest.mark.parametrize("dtype", [wg.float32, wg.float64, wg.complex128])
def test_gradients_are_those_of_plain_saving(tmp_path: Path, dtype: Any) -> None:
    x = wg.randn(4, 6, dtype=dtype, requires_grad=True)
    (plain,) = wg.autograd.grad(computed(x).abs(), x)
    with save_on_disk(tmp_path, threshold_bytes=0):
        out = computed(x).abs()
    assert len(files(tmp_path)) > 5
    (grad,) = wg.autograd.grad(out, x)
    np.testing.assert_array_equal(grad.numpy(), plain.numpy())


def test_second_derivatives_go_through_files(tmp_path: Path) -> None:
    x = wg.randn(4, 6, dtype=wg.float64, requires_grad=True)

    def second() -> Any:
        (first,) = wg.autograd.grad(computed(x), x, create_graph=True)
        return wg.autograd.grad((first * first).sum(), x)[0]

    plain = second()
    with save_on_disk(tmp_path, threshold_bytes=0):
        np.testing.assert_array_equal(second().numpy(), plain.numpy())


@pytest.mark.parametrize(
    "take",
    [
        lambda a: a,
        lambda a: a.T,
        lambda a: a[::-1, ::-1],
        lambda a: a[:, ::-2],
        lambda a: a[1],
        lambda a: a[1, 1],
        lambda a: np.broadcast_to(a[:, :1], (3, 4, 5)),
        lambda a: a.reshape(2, 2, 5).transpose(2, 0, 1)[::-1],
    ],
)
def test_any_layout_is_described_within_its_compact_copy(take: Any) -> None:
    array = np.asarray(take(np.arange(20.0).reshape(4, 5)))
    core, strides, offset = compact(array)
    copy = np.ascontiguousarray(core).reshape(-1)
    np.testing.assert_array_equal(np.ndarray(array.shape, array.dtype, copy, offset, strides), array)


def test_strides_and_dtype_come_back(tmp_path: Path) -> None:
    x = wg.randn(5, 7, dtype=wg.float64, requires_grad=True)
    with save_on_disk(tmp_path, threshold_bytes=0):
        y = (x * 1).t().sin()
    saved = y.grad_fn._saved_self
    assert (saved.stride(), saved.dtype, saved.shape) == ((1, 7), wg.float64, (7, 5))


def test_a_tensor_without_dimensions_and_an_empty_one_are_saved(tmp_path: Path) -> None:
    x = wg.tensor(2.0, requires_grad=True)
    e = wg.zeros(0, 3, requires_grad=True)
    with save_on_disk(tmp_path, threshold_bytes=0):
        y = (x * 1).view(()).sin()
        z = (e * 1).sin().sum()
    (y + z).backward()
    assert x.grad.item() == pytest.approx(np.cos(2.0))
    assert e.grad.shape == (0, 3)


def test_the_same_memory_saved_twice_is_one_file(tmp_path: Path) -> None:
    h = wg.randn(50, 40, requires_grad=True) * 1
    with save_on_disk(tmp_path, threshold_bytes=0):
        kept = [h.sin(), h.cos(), h.t().sin(), h.unsqueeze(0).expand(3, 50, 40).sin(), h.flip(0).T.flip(1)]
    assert len(files(tmp_path)) == 1
    del kept


def test_memory_that_was_changed_in_between_is_another_file(tmp_path: Path) -> None:
    array = np.ones((30, 30))
    x = wg.from_numpy(array)
    w = wg.ones(30, 30, dtype=wg.float64, requires_grad=True)
    with save_on_disk(tmp_path, threshold_bytes=0):
        first = (w * x).sum()
        array[:] = 5  # NumPy writes without anybody counting
        second = (w * x).sum()
    assert len(files(tmp_path)) == 2
    assert wg.autograd.grad(first, w)[0][0, 0].item() == 1
    assert wg.autograd.grad(second, w)[0][0, 0].item() == 5


def test_a_write_after_saving_does_not_reach_the_file(tmp_path: Path) -> None:
    x = wg.full((30, 30), 2.0, requires_grad=True)
    with save_on_disk(tmp_path, threshold_bytes=0):
        h = x * 1
        y = (h * h).sum()
    h.detach().zero_()
    y.backward()
    assert x.grad[0, 0].item() == 4


def test_what_stays_in_memory_is_version_checked(tmp_path: Path) -> None:
    x = wg.ones(3, requires_grad=True)
    with save_on_disk(tmp_path):
        h = x * 1
        y = h.sin().sum()
    assert files(tmp_path) == []
    h.detach().zero_()
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation: .* is at version 1; expected version 0"):
        y.backward()


def test_small_results_that_are_saved_make_no_cycle(tmp_path: Path) -> None:
    gc.disable()
    try:
        with save_on_disk(tmp_path):
            y = wg.ones(3, requires_grad=True).exp()
        saved = weakref.ref(y.array)  # the graph's own: nodes of the compiled build have no weak references
        del y
        assert saved() is None
    finally:
        gc.enable()


def test_leaves_and_their_views_are_not_written(tmp_path: Path) -> None:
    w = wg.randn(40, 40, requires_grad=True)
    with save_on_disk(tmp_path, threshold_bytes=0):
        y = w.t().sin() + w.sin()
    assert files(tmp_path) == []
    y.sum().backward()


def test_files_go_as_the_backward_pass_goes_on_and_the_directory_after_them(tmp_path: Path) -> None:
    x = wg.randn(30, 30, requires_grad=True)
    with save_on_disk(tmp_path, threshold_bytes=0):
        a = x.exp()
        b = a.sin().cos()
    left: list[int] = []
    a.register_hook(lambda grad: left.append(len(files(tmp_path))))
    assert len(files(tmp_path)) == 2
    b.sum().backward()
    assert left == [1]
    assert list(tmp_path.iterdir()) == []


def test_a_value_read_back_outlives_graph_and_file(tmp_path: Path) -> None:
    with save_on_disk(tmp_path, threshold_bytes=0):
        y = wg.full((30, 30), 2.0, requires_grad=True).exp().sin()
    saved = y.grad_fn._saved_self
    del y
    gc.collect()
    saved.mul_(2)  # a private copy: writing is allowed
    assert saved[0, 0].item() == pytest.approx(2 * np.exp(2.0))
    del saved
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_one_context_serves_again_and_again(tmp_path: Path) -> None:
    context = save_on_disk(tmp_path, threshold_bytes=0)
    for _ in range(2):
        with context:
            y = wg.randn(20, 20, requires_grad=True).exp().sum()
        assert len(files(tmp_path)) == 1
        y.backward()
        del y
        assert list(tmp_path.iterdir()) == []


def test_a_path_that_is_no_directory_is_refused_on_entering(tmp_path: Path) -> None:
    before = wg.randn(2, requires_grad=True)
    with (
        pytest.raises(FileNotFoundError, match=r"save_on_disk\(\): cannot make a directory(.|\n)*missing"),
        save_on_disk(tmp_path / "missing"),
    ):
        pass
    before.exp().sum().backward()  # no hook stayed behind


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold_bytes must not be negative, got -1"):
        save_on_disk(threshold_bytes=-1)


def test_a_file_that_somebody_removed_is_an_error_and_no_wrong_number(tmp_path: Path) -> None:
    x = wg.randn(30, 30, requires_grad=True)
    with save_on_disk(tmp_path, threshold_bytes=0):
        y = x.exp().sum()
    files(tmp_path)[0].unlink()
    with pytest.raises(FileNotFoundError, match="cannot read a saved tensor back"):
        y.backward()


def test_a_file_that_somebody_cut_short_is_an_error_and_no_wrong_number(tmp_path: Path) -> None:
    x = wg.randn(30, 30, requires_grad=True)
    with save_on_disk(tmp_path, threshold_bytes=0):
        y = x.exp().sum()
    os.truncate(files(tmp_path)[0], 100)
    with pytest.raises(RuntimeError, match=r"was changed: 100 bytes in .*, 3600 were written"):
        y.backward()


def run(program: str, *arguments: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FULL_DISK = """
import os, resource, sys
import wengert as wg
from wengert.autograd.graph import save_on_disk
x = wg.ones(1000, requires_grad=True)
w = wg.ones(400, 1000, requires_grad=True)
with save_on_disk(sys.argv[1], threshold_bytes=0):
    small = x.exp()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        (w * 1).exp()
    except OSError as error:
        print(error)
    print([len(names) for _, _, names in os.walk(sys.argv[1])])
small.sum().backward()
print(x.grad[0].item())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as a full disk does: resource, POSIX")
def test_a_full_disk_is_a_clear_error_that_loses_nothing(tmp_path: Path) -> None:
    message, *hints, counts, grad = run(FULL_DISK, tmp_path).splitlines()
    assert "save_on_disk(): cannot write a saved tensor of 1600000 bytes: File too large" in message
    assert "unharmed" in hints[0]
    assert counts == "[0, 1]"  # the one file of `small`; the broken one is gone
    assert float(grad) == pytest.approx(np.e, rel=1e-6)


LEFT_OVER = """
import os, sys
import wengert as wg
from wengert.autograd.graph import save_on_disk
with save_on_disk(sys.argv[1], threshold_bytes=0):
    y = wg.ones(100, requires_grad=True).exp()
if os.fork() == 0:
    sys.exit()
os.wait()
y.sum().backward(retain_graph=True)
print(sum(len(names) for _, _, names in os.walk(sys.argv[1])))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_files_are_removed_when_the_program_ends_but_not_by_a_forked_child(tmp_path: Path) -> None:
    assert run(LEFT_OVER, tmp_path) == "1\n"
    assert list(tmp_path.iterdir()) == []


PEAK = """
import contextlib, sys
import wengert as wg
from wengert.autograd.graph import save_on_disk
x = wg.ones(1_000_000, requires_grad=True)
with save_on_disk(sys.argv[1]) if sys.argv[2] == "disk" else contextlib.nullcontext():
    h = x * 1
    for _ in range(40):
        h = h.sin()
h.sum().backward()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read from /proc")
def test_peak_memory_falls_by_what_went_to_disk(tmp_path: Path) -> None:
    plain, disk = (int(run(PEAK, tmp_path, how)) / 1024 for how in ("memory", "disk"))
    assert plain - disk > 0.8 * 40 * 4  # 40 values of 4 MB


def test_save_on_cpu_keeps_copies() -> None:
    x = wg.full((3,), 2.0, requires_grad=True)
    with save_on_cpu(pin_memory=True):
        h = x * 1
        y = (h * h).sum()
    h.detach().zero_()
    y.backward()
    assert x.grad.tolist() == [4.0, 4.0, 4.0]


def test_mutation_on_saved_results_makes_no_cycle() -> None:
    gc.disable()
    try:
        with allow_mutation_on_saved_tensors():
            y = wg.ones(3, requires_grad=True).exp()
            saved = weakref.ref(y.array)
            y.mul_(2)
            del y
            assert saved() is None
    finally:
        gc.enable()


def test_only_the_innermost_hooks_are_used(tmp_path: Path) -> None:
    seen: list[Any] = []
    inner = saved_tensors_hooks(lambda t: seen.append(t) or t.detach(), lambda t: t)
    x = wg.ones(30, requires_grad=True) + 1
    with save_on_disk(tmp_path, threshold_bytes=0), inner:
        x.sin()
    assert len(seen) == 1
    assert files(tmp_path) == []


def test_what_a_hook_packed_is_not_kept_by_the_graph() -> None:
    h = wg.ones(3, requires_grad=True) * 1
    with saved_tensors_hooks(lambda t: t.clone(), lambda packed: packed):
        y = h.sin()
    memory = weakref.ref(h.array)
    del h
    assert memory() is None
    y.sum().backward()


@pytest.mark.parametrize("torch", ["wengert", "torch"])
def test_a_value_read_back_has_the_history_it_had_when_it_was_saved(torch: str, request: pytest.FixtureRequest) -> None:
    module: Any = wg if torch == "wengert" else request.getfixturevalue("oracle")
    x = module.full((3,), 0.5, requires_grad=True)
    h = x * 1
    with module.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda packed: packed):
        y = h.sin()
    h.mul_(2)  # a new history, in which h depends on x with factor 2
    (first,) = module.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = module.autograd.grad(first.sum(), x)
    np.testing.assert_allclose(second.numpy(), -np.sin(np.full(3, 0.5)), rtol=1e-6)
