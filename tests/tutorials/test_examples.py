"""The examples run as a reader would run them, say what they promise and leave their pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.ops.harness import package_name
from tests.tutorials.packages import HERE, ROOT, run_python

PICTURES = {
    "tutorial_01_first_steps": ["first_graph.dot", "tanh.png"],
    "tutorial_02_products": ["gradient_field.png"],
    "tutorial_03_leaves": ["leaves.dot"],
    "tutorial_04_hooks": [],
    "tutorial_05_graphs": ["layer.dot", "newton.png"],
}


@pytest.fixture(autouse=True)
def _packages_of_the_examples() -> None:
    for name in ("matplotlib", "graphviz", "sklearn"):
        pytest.importorskip(name)


def run_example(name: str, out: Path, *args: str) -> str:
    """What an example prints, in a folder of its own."""
    example = str(ROOT / "examples" / f"{name}.py")
    start = [example] if package_name() == "wengert" else [str(HERE / "run_example.py"), package_name(), example]
    return run_python("-W", "ignore", *start, "--out", str(out), *args, cwd=out)


def shape_of(picture: Path) -> tuple[int, ...]:
    """Height, width and channels of a picture; reading it fails if it is not a whole PNG."""
    from matplotlib import image

    pixels: Any = image.imread(picture)
    assert pixels.std() > 0.01, "the picture is of one colour"
    return tuple(pixels.shape)


@pytest.mark.parametrize("name", PICTURES)
def test_a_tutorial_runs_and_leaves_its_pictures(name: str, tmp_path: Path) -> None:
    printed = run_example(name, tmp_path)
    assert len(printed.splitlines()) > 15
    for file in PICTURES[name]:
        assert f"wrote {tmp_path / file}" in printed
        assert (tmp_path / file).stat().st_size > 200
        if file.endswith(".png"):
            assert min(shape_of(tmp_path / file)[:2]) > 400


def test_the_first_tutorial_shows_the_gradient_and_the_second_derivative(tmp_path: Path) -> None:
    printed = run_example("tutorial_01_first_steps", tmp_path)
    assert "d mean / dx = tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])" in printed
    assert "and the slope has the slope tensor(12.)" in printed


def test_newton_finds_the_minimum_in_the_fifth_tutorial(tmp_path: Path) -> None:
    assert run_example("tutorial_05_graphs", tmp_path).count("-1.752332") == 2


def test_the_digits_are_read_with_more_than_95_percent(tmp_path: Path) -> None:
    printed = run_example("digits", tmp_path)
    found = re.search(r"accuracy on held-out digits: ([\d.]+)%", printed)
    assert found is not None
    assert float(found[1]) > 95
    for file in ("digits.png", "digits_predictions.png"):
        assert min(shape_of(tmp_path / file)[:2]) > 400


def test_the_gradient_penalty_agrees_with_finite_differences(tmp_path: Path) -> None:
    printed = run_example("wgan_gp", tmp_path, "--steps", "60")
    found = re.search(r"relative difference ([\d.e-]+)", printed)
    assert found is not None
    assert float(found[1]) < 1e-7
    assert min(shape_of(tmp_path / "wgan_gp.png")[:2]) > 400


def test_the_demo_lists_its_files_accuracy_and_time(tmp_path: Path) -> None:
    printed = run_example("demo", tmp_path, "--epochs", "8")
    summary = printed.partition("\nDone\n")[2]
    listed = [Path(line.strip()) for line in summary.splitlines() if line.startswith("  ")]
    assert [file.name for file in listed if file.suffix != ".svg"] == [
        "graph.dot",
        "tanh.png",
        "digits.png",
        "digits_predictions.png",
    ]
    assert all(file.exists() for file in listed)
    assert re.search(r"\d\d\.\d% of the held-out digits read, after [\d.]+ seconds", summary)
    assert "grad can be implicitly created only for scalar outputs" in printed


def test_without_tqdm_the_digits_print_a_line_per_epoch(tmp_path: Path) -> None:
    arguments = [package_name(), str(ROOT / "examples" / "digits.py"), "--out", str(tmp_path), "--epochs", "2"]
    code = f"import runpy, sys; sys.modules['tqdm'] = None; sys.argv += {arguments}\n"
    printed = run_python(
        "-W", "ignore", "-c", code + f"runpy.run_path({str(HERE / 'run_example.py')!r}, run_name='__main__')"
    )
    assert re.findall(r"^epoch  (\d): loss \d\.\d{4}, test accuracy \d\d\.\d%$", printed, re.MULTILINE) == ["1", "2"]
