"""Saving and loading: PyTorch's checkpoints, safetensors, NumPy's archives; nothing in a file is run unless asked for."""

from __future__ import annotations

from ._api import load as load
from ._api import load_safetensors as load_safetensors
from ._api import safetensors_metadata as safetensors_metadata
from ._api import save as save
from ._api import save_safetensors as save_safetensors
from ._safe import add_safe_globals as add_safe_globals
from ._safe import clear_safe_globals as clear_safe_globals
from ._safe import get_safe_globals as get_safe_globals
from ._safe import get_unsafe_globals_in_checkpoint as get_unsafe_globals_in_checkpoint
from ._safe import safe_globals as safe_globals
