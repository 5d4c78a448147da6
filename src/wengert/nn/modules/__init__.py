"""PyTorch's names of the places of the layers, such as ``nn.modules.conv``: all are in files of ``wengert.nn``."""

from __future__ import annotations

import sys as _sys
from importlib import import_module as _import_module
from types import ModuleType as _ModuleType
from typing import Any as _Any

from . import module as module
from . import utils as utils

# The families whose names are in other files here than in PyTorch, or in several.
_FAMILIES = {
    "activation": "activation multihead",
    "adaptive": "adaptive",
    "batchnorm": "batchnorm lazy parallel",
    "channelshuffle": "shape",
    "container": "container container_params",
    "conv": "conv lazy",
    "distance": "shape",
    "dropout": "dropout",
    "flatten": "shape",
    "fold": "shape",
    "instancenorm": "batchnorm lazy",
    "lazy": "lazy",
    "linear": "linear multihead lazy",
    "linear_cross_entropy_options": "loss",
    "loss": "loss",
    "normalization": "normalization",
    "padding": "padding",
    "pixelshuffle": "shape",
    "pooling": "pooling",
    "rnn": "rnn",
    "sparse": "sparse",
    "transformer": "transformer",
    "upsampling": "shape",
}


class _Family(_ModuleType):
    """The names of some files of ``wengert.nn``, which are imported when one is asked for."""

    def __init__(self, name: str, files: str) -> None:
        super().__init__(f"{__name__}.{name}", f"PyTorch's name of the place of {', '.join(files.split())}.")
        self._files = files.split()

    def __getattr__(self, name: str) -> _Any:
        if not name.startswith("__"):
            for file in self._files:
                found = vars(_import_module(f"..{file}", __name__)).get(name)
                if found is not None:
                    return found
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({name for file in self._files for name in vars(_import_module(f"..{file}", __name__))})


for _name, _files in _FAMILIES.items():
    globals()[_name] = _sys.modules[f"{__name__}.{_name}"] = _Family(_name, _files)


def __getattr__(name: str) -> _Any:
    """A name of ``wengert.nn``."""
    from .. import __dict__ as _names
    from .. import __getattr__ as _lazy

    return _names[name] if name in _names else _lazy(name)


def __dir__() -> list[str]:
    from .. import _PLACES

    return sorted({*globals(), *_PLACES})
