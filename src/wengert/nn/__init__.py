"""Parts of networks: parameters, and functions in ``nn.functional``."""

from __future__ import annotations

from . import functional as functional
from .parameter import Parameter as Parameter
