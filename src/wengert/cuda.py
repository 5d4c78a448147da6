"""What programs ask before they use a GPU: there is none."""

from __future__ import annotations


def is_available() -> bool:
    """Always False: wengert computes on the CPU."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Without effect, as in PyTorch without a GPU."""


def manual_seed_all(seed: int) -> None:
    """Without effect, as in PyTorch without a GPU."""


def synchronize(device: object = None) -> None:
    """Without effect: every operation has finished when it returns."""


def empty_cache() -> None:
    """Without effect."""
