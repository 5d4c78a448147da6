"""``%load_ext wengert``: notebooks that say ``import torch``."""

from __future__ import annotations

from typing import Any

from .torch_shim import install_torch, uninstall_torch


def load_ipython_extension(ipython: Any) -> None:
    """Make ``import torch`` import wengert in the cells that follow; IPython calls this for ``%load_ext wengert``.

    Args:
        ipython: The shell, unused.

    Raises:
        RuntimeError: A cell has imported PyTorch already.
    """
    install_torch()


def unload_ipython_extension(ipython: Any) -> None:
    """Undo ``load_ipython_extension``; IPython calls this for ``%unload_ext wengert``.

    Args:
        ipython: The shell, unused.
    """
    uninstall_torch()
