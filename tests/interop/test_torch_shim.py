"""``install_torch()`` serves wengert under the name torch. Each test has a process without PyTorch to itself."""

from __future__ import annotations

import pytest

from tests.tutorials.packages import run_python

INSTALL = "import wengert; from wengert.interop import install_torch, uninstall_torch; install_torch()\n"
MODULES = [
    "autograd",
    "autograd.forward_ad",
    "autograd.function",
    "autograd.functional",
    "autograd.gradcheck",
    "autograd.graph",
    "linalg",
    "nn",
    "nn.functional",
    "special",
]


def shown(code: str) -> str:
    """What a program prints after ``install_torch()``."""
    return run_python("-c", INSTALL + code).rstrip("\n")


def test_torch_is_the_module_wengert_itself() -> None:
    assert shown("import torch; print(torch is wengert)") == "True"


@pytest.mark.parametrize("name", MODULES)
def test_a_submodule_of_torch_is_the_one_of_wengert(name: str) -> None:
    code = (
        f"import sys, torch.{name}, wengert.{name}; print(sys.modules['torch.{name}'] is sys.modules['wengert.{name}'])"
    )
    assert shown(code) == "True"


def test_a_submodule_can_be_imported_by_its_torch_name_first() -> None:
    code = (
        "import torch.nn.functional as F; import wengert.nn.functional as G; print(F is G, F is wengert.nn.functional)"
    )
    assert shown(code) == "True True"


def test_names_can_be_imported_from_a_submodule() -> None:
    code = "from torch.autograd import Function, grad; print(grad is wengert.autograd.grad, Function.__name__)"
    assert shown(code) == "True Function"


def test_importing_the_module_gradcheck_leaves_the_function_of_that_name_alone() -> None:
    code = "import torch.autograd.gradcheck; import torch; print(callable(torch.autograd.gradcheck))"
    assert shown(code) == "True"


def test_a_module_keeps_its_own_spec() -> None:
    assert shown("import torch.nn.functional as F; print(F.__spec__.name, F.__name__)") == " ".join(
        ["wengert.nn.functional"] * 2
    )


def test_a_missing_module_raises_an_error_that_names_wengert() -> None:
    code = """
try:
    import torch.distributed.rpc
except ModuleNotFoundError as error:
    print(error.name, error, sep="|")
"""
    text = shown(code)
    assert text.startswith("torch.distributed|No module named 'torch.distributed'\n")
    assert "which has no wengert.distributed" in text


def test_private_modules_have_no_torch_name() -> None:
    code = """
try:
    import torch._core
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert shown(code) == "torch._core"


def test_installing_twice_changes_nothing() -> None:
    code = "import sys; before = list(sys.meta_path); print(install_torch() is wengert, sys.meta_path == before)"
    assert shown(code) == "True True"


def test_installing_refuses_when_pytorch_is_imported_already() -> None:
    code = """
import sys, types
from wengert.interop import install_torch
sys.modules["torch"] = pytorch = types.ModuleType("torch")
pytorch.__file__ = "/site-packages/torch/__init__.py"
before = list(sys.meta_path)
try:
    install_torch()
except RuntimeError as error:
    print(error)
print(sys.modules["torch"] is pytorch, sys.meta_path == before)
"""
    lines = run_python("-c", code).splitlines()
    assert lines[0] == (
        "install_torch() came too late: PyTorch is imported already, from /site-packages/torch/__init__.py"
    )
    assert lines[-1] == "True True"


def test_uninstalling_gives_the_name_back_to_pytorch() -> None:
    code = """
import sys, torch.nn.functional
uninstall_torch()
print([name for name in sys.modules if name.partition(".")[0] == "torch"], wengert.__version__)
import importlib.util
spec = importlib.util.find_spec("torch")
print(spec is None or "wengert" not in spec.origin)
"""
    names, ours = shown(code).splitlines()
    assert names.startswith("[] 0.")
    assert ours == "True"


def test_uninstalling_without_installing_changes_nothing() -> None:
    code = "import sys, wengert; from wengert.interop import uninstall_torch as u; b = list(sys.meta_path); u(); "
    assert run_python("-c", code + "print(sys.meta_path == b)") == "True\n"


def test_installing_works_again_after_uninstalling() -> None:
    assert shown("uninstall_torch(); install_torch(); import torch.nn; print(torch is wengert)") == "True"


def test_the_version_is_that_of_pytorch_with_a_suffix() -> None:
    assert shown("import torch; print(torch.__version__)").startswith("2.13.0+wengert.")


def test_tools_can_parse_the_version() -> None:
    packaging = pytest.importorskip("packaging.version")
    version = packaging.Version(shown("import torch; print(torch.__version__)"))
    assert packaging.Version("2.13") <= version < packaging.Version("2.14")


def test_dtypes_print_with_the_name_torch() -> None:
    assert shown("import torch; print(torch.float64, torch.ones(1, dtype=torch.float64))") == (
        "torch.float64 tensor([1.], dtype=torch.float64)"
    )


def test_torchviz_draws_a_graph_of_wengert() -> None:
    pytest.importorskip("graphviz")
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import torch; from torchviz import make_dot\n"
        "print('MulBackward0' in make_dot(torch.ones(2, requires_grad=True) * 2).source)"
    )
    assert shown(code) == "True"


def test_without_the_package_torchviz_is_the_drawing_of_wengert() -> None:
    code = (
        "from wengert.interop import torch_shim\n"
        "torch_shim._torchviz_runs = lambda: False\n"
        "from torchviz import make_dot; import wengert.viz\n"
        "print(make_dot is wengert.viz.make_dot)"
    )
    assert shown(code) == "True"


def test_the_notebook_extension_installs_and_uninstalls() -> None:
    code = """
import sys, wengert
wengert.interop.load_ipython_extension(None)
import torch
print(torch is wengert)
wengert.interop.unload_ipython_extension(None)
print("torch" in sys.modules)
"""
    assert run_python("-c", "import wengert.interop\n" + code) == "True\nFalse\n"


def test_load_ext_finds_the_extension_in_the_package() -> None:
    code = "import wengert; print(callable(wengert.load_ipython_extension), callable(wengert.unload_ipython_extension))"
    assert run_python("-c", code) == "True True\n"
