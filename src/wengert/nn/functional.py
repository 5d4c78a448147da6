"""Functions of networks: activations, losses, normalisations."""

from __future__ import annotations

from .._gen.nn_functional import *  # noqa: F403
