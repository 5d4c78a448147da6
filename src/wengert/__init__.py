"""PyTorch's Tensor and autograd on NumPy arrays: define-by-run automatic differentiation.

``import wengert as torch`` runs autograd programs written for PyTorch; see the README for what else it does.
"""

from __future__ import annotations

import os as _os
from importlib import import_module as _import_module
from typing import Any as _Any

if _os.environ.get("WENGERT_PURE", "") not in ("", "0"):
    from . import _pure

    _pure.install(__name__)

from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi

from ._core import engine as _engine
from ._core import errors as _errors
from ._core import interpreted as _interpreted
from ._core import return_types as return_types
from ._core.device import STRIDED as _STRIDED
from ._core.device import channels_last as channels_last
from ._core.device import channels_last_3d as channels_last_3d
from ._core.device import contiguous_format as contiguous_format
from ._core.device import device as device
from ._core.device import layout as layout
from ._core.device import memory_format as memory_format
from ._core.device import preserve_format as preserve_format
from ._core.dtypes import bfloat16 as bfloat16
from ._core.dtypes import bool_ as _bool
from ._core.dtypes import complex32 as complex32
from ._core.dtypes import complex64 as complex64
from ._core.dtypes import complex128 as complex128
from ._core.dtypes import dtype as dtype
from ._core.dtypes import float16 as float16
from ._core.dtypes import float32 as float32
from ._core.dtypes import float64 as float64
from ._core.dtypes import int8 as int8
from ._core.dtypes import int16 as int16
from ._core.dtypes import int32 as int32
from ._core.dtypes import int64 as int64
from ._core.dtypes import uint8 as uint8
from ._core.dtypes import uint16 as uint16
from ._core.dtypes import uint32 as uint32
from ._core.dtypes import uint64 as uint64
from ._core.dynamic import Size as Size
from ._core.limits import finfo as finfo
from ._core.limits import iinfo as iinfo
from ._core.modes import is_warn_always_enabled as is_warn_always_enabled
from ._core.modes import set_warn_always as set_warn_always
from ._core.printing import get_printoptions as get_printoptions
from ._core.printing import set_printoptions as set_printoptions
from ._gen.functions import *  # noqa: F403  (generated; its __all__ lists the operators)
from ._settings import are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled
from ._settings import get_default_device as get_default_device
from ._settings import get_float32_matmul_precision as get_float32_matmul_precision
from ._settings import get_num_threads as get_num_threads
from ._settings import (
    is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled,
)
from ._settings import set_default_device as set_default_device
from ._settings import set_float32_matmul_precision as set_float32_matmul_precision
from ._settings import set_num_threads as set_num_threads
from ._settings import use_deterministic_algorithms as use_deterministic_algorithms
from ._tensor import Tensor as Tensor
from ._version import __version__ as __version__
from .ops.random import Generator as Generator
from .ops.random import default_generator as default_generator

for _public in (Tensor, Generator, Size, device, dtype, finfo, iinfo, layout, memory_format):
    _public.__module__ = __name__  # where users find them: `print(type(x))` says <class 'wengert.Tensor'>

_interpreted.install_saved_attributes()
_engine.calibrate()
default_generator.seed()  # unseeded programs differ from run to run, as in PyTorch

from . import autograd as autograd  # noqa: E402
from . import linalg as linalg  # noqa: E402
from . import nn as nn  # noqa: E402
from . import special as special  # noqa: E402
from .autograd import enable_grad as enable_grad  # noqa: E402
from .autograd import inference_mode as inference_mode  # noqa: E402
from .autograd import no_grad as no_grad  # noqa: E402
from .autograd import set_grad_enabled as set_grad_enabled  # noqa: E402
from .autograd.grad_mode import is_grad_enabled as is_grad_enabled  # noqa: E402
from .autograd.grad_mode import is_inference_mode_enabled as is_inference_mode_enabled  # noqa: E402

_LAZY = {
    "accelerator",
    "backends",
    "cpu",
    "cuda",
    "data",
    "debug",
    "fft",
    "func",
    "history",
    "integrate",
    "interop",
    "optim",
    "optimize",
    "profiler",
    "serialization",
    "signal",
    "utils",
    "viz",
}
_INTEROP = {"install_torch", "load_ipython_extension", "uninstall_torch", "unload_ipython_extension"}


def __getattr__(name: str) -> _Any:
    """Import sub-packages that most programs do not need on first use."""
    if name in _LAZY:
        return _import_module(f"{__name__}.{name}")
    if name in _INTEROP:
        return getattr(_import_module(f"{__name__}.interop"), name)
    if name in ("load", "save"):
        return getattr(_import_module(f"{__name__}.serialization"), name)
    if name == "vmap":
        return _import_module(f"{__name__}.func").vmap
    if name == "fuse":
        return _import_module(f"{__name__}._fuse").fuse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _why_no_graph(tensor: Tensor) -> list[str]:
    """Lines for the error of a tensor without a graph; an explanation that fails must not hide the error."""
    try:
        from .debug import why_no_graph

        return why_no_graph(tensor)
    except Exception:
        return []


_errors.HINTS.why_no_graph = _why_no_graph


def show_config(file: _Any = None) -> None:
    """Print version, whether the package is compiled and why, and the libraries below it."""
    from . import _config

    _config.show_config(file)


strided = _STRIDED
bool = _bool
half = float16
float = float32
double = float64
short = int16
int = int32
long = int64
chalf = complex32
cfloat = complex64
cdouble = complex128
