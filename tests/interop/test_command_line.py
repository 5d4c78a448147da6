"""``python -m wengert`` runs programs that say ``import torch``, and checks them."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.tutorials.packages import start_python

PROGRAM = """
import sys
import torch
from torch.autograd import grad
import neighbour

x = torch.ones(2, requires_grad=True)
print(grad((x * 3).sum(), x)[0])
print(__name__, sys.argv[1:], sys.argv[0].endswith("program.py"), __file__.endswith("program.py"))
print(neighbour.HERE == sys.path[0])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder below the current one with a program and a module that it imports."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "program.py").write_text(PROGRAM)
    (programs / "neighbour.py").write_text("import os\nHERE = os.path.dirname(__file__)\n")
    return tmp_path


def wengert(*args: str, cwd: Path) -> CompletedProcess[str]:
    return start_python("-m", "wengert", *args, cwd=cwd)


def test_a_script_runs_as_python_would_run_it(folder: Path) -> None:
    done = wengert("programs/program.py", "--epochs", "3", cwd=folder)
    expected = "tensor([3., 3.])\n__main__ ['--epochs', '3'] True True\nTrue\n"
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)


def test_a_module_runs_with_m(folder: Path) -> None:
    done = wengert("-m", "program", "7", cwd=folder / "programs")
    assert done.stdout.splitlines()[:2] == ["tensor([3., 3.])", "__main__ ['7'] True True"]


def test_a_string_runs_with_c(tmp_path: Path) -> None:
    done = wengert("-c", "import sys, torch; print(torch.ones(1), __name__, sys.argv)", "a", cwd=tmp_path)
    assert done.stdout == "tensor([1.]) __main__ ['-c', 'a']\n"


def test_the_exit_status_is_that_of_the_program(tmp_path: Path) -> None:
    assert wengert("-c", "raise SystemExit(7)", cwd=tmp_path).returncode == 7


def test_an_exception_of_a_script_ends_with_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text("import torch\nraise KeyError('here')\n")
    done = wengert("fails.py", cwd=tmp_path)
    assert done.returncode == 1
    assert 'fails.py", line 2' in done.stderr
    assert done.stderr.endswith("KeyError: 'here'\n")


def test_a_class_of_a_script_can_be_pickled(tmp_path: Path) -> None:
    program = "import pickle\nclass Point: x = 3\nprint(pickle.loads(pickle.dumps(Point())).x)\n"
    (tmp_path / "pickles.py").write_text(program)
    assert wengert("pickles.py", cwd=tmp_path).stdout == "3\n"


@pytest.mark.parametrize("args", [["missing.py"], ["-m"], ["-c"], ["--frobnicate"], ["check"]])
def test_a_command_line_without_sense_is_refused_with_status_2(args: list[str], tmp_path: Path) -> None:
    done = wengert(*args, cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith("python -m wengert: ")
    assert done.stderr.endswith("try: python -m wengert --help\n")


@pytest.mark.parametrize("args", [[], ["-h"], ["--help"]])
def test_help_shows_every_command(args: list[str], tmp_path: Path) -> None:
    done = wengert(*args, cwd=tmp_path)
    assert done.returncode == 0
    assert all(
        f"python -m wengert {command}" in done.stdout for command in ("SCRIPT.py", "-m", "-c", "check", "config")
    )


def test_version_prints_the_version(tmp_path: Path) -> None:
    assert wengert("--version", cwd=tmp_path).stdout.startswith("wengert 0.")


def test_config_prints_the_configuration(tmp_path: Path) -> None:
    text = wengert("config", cwd=tmp_path).stdout
    assert text.startswith("wengert 0.")
    assert "numpy:" in text


def test_check_accepts_a_script_whose_names_are_all_there(tmp_path: Path) -> None:
    (tmp_path / "fine.py").write_text("import torch\nx = torch.ones(2, dtype=torch.float64)\n")
    done = wengert("check", "fine.py", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("", "2 torch names used in 1 file; wengert has them all\n")
    assert done.returncode == 0


def test_check_tells_what_is_missing_from_what_is_out_of_scope(tmp_path: Path) -> None:
    source = "import torch\nfrom torch.distributed import rpc\n\nx = torch.ones(2).whatever()\ntorch.frobnicate(x)\n"
    (tmp_path / "lacks.py").write_text(source)
    done = wengert("check", "lacks.py", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "missing:",
        "  torch.frobnicate  lacks.py:5",
        "out of scope:",
        "  torch.distributed (several processes or devices)  lacks.py:2",
    ]
    assert done.stderr == "3 torch names used in 1 file; 1 missing, 1 out of scope\n"
    assert done.returncode == 1


def test_check_lists_a_name_once_with_its_first_places_and_the_most_used_first(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import torch\ntorch.rare\ntorch.frequent\n")
    (tmp_path / "b.py").write_text("import torch as t\nt.frequent.x\nt.frequent.y\n")
    assert wengert("check", ".", cwd=tmp_path).stdout.splitlines() == [
        "missing:",
        "  torch.frequent  a.py:3, b.py:2, and 1 more",
        "  torch.rare      a.py:2",
    ]


def test_check_does_not_run_the_script(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("import torch\nopen('ran', 'w').close()\n")
    wengert("check", "loud.py", cwd=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_check_reads_all_scripts_below_a_folder(folder: Path) -> None:
    (folder / "programs" / "other.py").write_text("import torch\ntorch.frobnicate\n")
    done = wengert("check", "programs", cwd=folder)
    assert done.stdout == f"missing:\n  torch.frobnicate  {Path('programs/other.py')}:2\n"


def test_check_ends_with_status_2_for_a_file_that_is_not_python(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("print 'A', A\n")
    done = wengert("check", "broken.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("broken.py: cannot be read: ")
