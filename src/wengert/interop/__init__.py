"""Doors to other packages: programs that say ``import torch``, and notebooks."""

from __future__ import annotations

from .notebook import load_ipython_extension as load_ipython_extension
from .notebook import unload_ipython_extension as unload_ipython_extension
from .torch_shim import install_torch as install_torch
from .torch_shim import uninstall_torch as uninstall_torch

__all__ = ["install_torch", "load_ipython_extension", "uninstall_torch", "unload_ipython_extension"]
