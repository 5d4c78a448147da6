"""Checkpoints of whole models and other objects: pickles that run what they say, for files whose maker is known."""

from __future__ import annotations

import importlib
import io
import pickle
from typing import Any

from . import _allowed as allowed
from ._read import Storages


class Unpickler(pickle.Unpickler):
    """Python's own, with names of ``torch`` leading here."""

    def __init__(self, text: bytes, storages: Storages) -> None:
        super().__init__(io.BytesIO(text))
        self.storages = storages

    def persistent_load(self, pid: Any) -> Any:
        """The storage of a persistent id."""
        return self.storages.load(pid)

    def find_class(self, module: str, name: str) -> Any:
        """What ``module.name`` stands for.

        Raises:
            UnpicklingError: a name of PyTorch that is not here.
        """
        full = f"{module}.{name}"
        if full in allowed.ALLOWED and not full.startswith(
            ("numpy.", "builtins.", "__builtin__.", "_codecs.", "collections.")
        ):
            known = allowed.ALLOWED[full]
            return getattr(known, "kind", None) or known
        if module.partition(".")[0] != "torch":
            return super().find_class(module, name)
        parts = module.split(".")[1:]
        for end in range(len(parts), -1, -1):  # torch.nn.modules.linear.Linear is wengert.nn.Linear
            try:
                found = importlib.import_module(".".join(["wengert", *parts[:end]]))
                return getattr(found, name)
            except (ImportError, AttributeError):
                continue
        raise pickle.UnpicklingError(f"wengert has no {full}, which the file names")


def unpickle_anything(text: bytes, storages: Storages) -> Any:
    """The object of a pickle; runs whatever the pickle says."""
    return Unpickler(text, storages).load()
