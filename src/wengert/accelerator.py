"""What programs ask before they use an accelerator of any kind: there is none."""

from __future__ import annotations

from ._core.device import device


def is_available() -> bool:
    """Always False: wengert computes on the CPU."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def current_accelerator(check_available: bool = False) -> device | None:
    """Always None."""
    return None


def synchronize(device: object = None) -> None:
    """Without effect: every operation has finished when it returns."""
