"""wengert under the name ``torch``: the same module objects, so that ``torch.nn`` is ``wengert.nn``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Final

from .._version import __version__

PACKAGE: Final = "wengert"
PYTORCH: Final = "2.13.0"
"""The version of PyTorch whose behaviour this package has."""


def install_torch() -> ModuleType:
    """Make ``import torch`` and ``import torch.nn.functional as F`` import wengert, for the rest of the process.

    Every public module of wengert is also ``torch.<its name>``: the same object, imported when it is first asked for.
    ``torch.__version__`` becomes that of the PyTorch release whose behaviour wengert has, with wengert's as suffix;
    since both names stand for one module, ``wengert.__version__`` shows it too. ``import torchviz`` works as well: the
    package itself where it is installed and can run, otherwise ``wengert.viz.make_dot`` under that name.
    A second call does nothing.

    Returns:
        The module ``wengert``.

    Raises:
        RuntimeError: PyTorch itself has been imported already. Nothing is changed then.

    Example:
        >>> import wengert
        >>> from wengert.interop import install_torch, uninstall_torch
        >>> install_torch() is wengert
        True
        >>> import torch
        >>> torch is wengert
        True
        >>> uninstall_torch()

    Source: none in PyTorch.
    """
    wengert = importlib.import_module(PACKAGE)
    present = sys.modules.get("torch")
    if present is wengert:
        return wengert
    if present is not None:
        raise RuntimeError(
            f"install_torch() came too late: PyTorch is imported already, from {getattr(present, '__file__', '?')}\n"
            "  try: call install_torch() before anything imports torch; in a notebook, restart the kernel first"
        )
    sys.meta_path.insert(0, _FINDER)
    vars(wengert)["__version__"] = f"{PYTORCH}+{PACKAGE}.{__version__}"
    sys.modules["torch"] = wengert
    _alias_loaded_modules()
    return wengert


def uninstall_torch() -> None:
    """Undo ``install_torch()``: the next ``import torch`` looks for PyTorch again.

    Modules that imported torch in the meantime keep wengert; torchviz is forgotten, so that its next import sees the
    torch of that time. Without an earlier ``install_torch()`` nothing happens.
    """
    wengert = importlib.import_module(PACKAGE)
    if sys.modules.get("torch") is not wengert:
        return
    sys.meta_path.remove(_FINDER)
    vars(wengert)["__version__"] = __version__
    for name in [name for name in sys.modules if name.partition(".")[0] in ("torch", "torchviz")]:
        del sys.modules[name]


def find_module(name: str) -> ModuleType | None:
    """The module of wengert that stands for a module of PyTorch, imported if need be.

    Args:
        name: Dotted name, ``"torch"`` or ``"torch.nn.functional"``.

    Returns:
        The module, or None if wengert has no such module.
    """
    target = PACKAGE + name.removeprefix("torch")
    if any(part.startswith("_") for part in target.split(".")):
        return None
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        if error.name is None or not (target + ".").startswith(error.name + "."):
            raise  # the module is there and lacks something else
    # A namespace may be a module that its parent took from elsewhere, under a name of its own.
    parent, _, child = target.rpartition(".")
    module = vars(sys.modules[parent]).get(child) if parent in sys.modules else None
    return module if isinstance(module, ModuleType) else None


class _Alias(Loader):
    """Loads a module that exists already, under one more name."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # importlib has put the alias's there
        _alias_loaded_modules()


class _TorchFinder(MetaPathFinder):
    """Import finder of ``torch``, ``torch.*`` and, where the package is missing or cannot run, ``torchviz``."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Spec of the module of wengert with that name; None for the names of others."""
        if name == "torchviz" and not _torchviz_runs():
            return ModuleSpec(name, _Alias(_make_torchviz()))
        if name.partition(".")[0] != "torch":
            return None
        module = find_module(name)
        if module is None:
            here = PACKAGE + name.removeprefix("torch")
            raise ModuleNotFoundError(
                f"No module named {name!r}\n"
                f"  here torch is wengert {__version__}, which has no {here}\n"
                f"  try: `python -m wengert check SCRIPT.py` lists all torch names of a script that wengert lacks",
                name=name,
            )
        return ModuleSpec(name, _Alias(module), is_package=hasattr(module, "__path__"))


_FINDER: Final = _TorchFinder()


def _alias_loaded_modules() -> None:
    """Give the public modules of wengert that are imported by now their names below ``torch``.

    Without it, ``import torch.autograd.gradcheck`` would bind that module in its parent once more, over the function
    ``gradcheck`` that the parent took from it.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGE + ".") and "._" not in name:
            sys.modules.setdefault("torch" + name.removeprefix(PACKAGE), module)


def _torchviz_runs() -> bool:
    """Whether the package torchviz is installed, and distutils, which it imports and Python 3.12 no longer has."""
    return PathFinder.find_spec("torchviz") is not None and importlib.util.find_spec("distutils") is not None


def _make_torchviz() -> ModuleType:
    module = ModuleType("torchviz", "make_dot of wengert.viz under the name that programs for PyTorch import.")
    vars(module)["make_dot"] = importlib.import_module(f"{PACKAGE}.viz").make_dot
    return module
