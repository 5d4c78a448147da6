"""Anomaly mode: find the forward call whose backward failed or gave NaN."""

from __future__ import annotations

import warnings
from typing import Any

from .._core import modes


class set_detect_anomaly:
    """Switch anomaly mode on or off, at once; restores it when used with ``with``.

    Args:
        mode: on or off.
        check_nan: also raise when a backward formula returns NaN.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.before = (modes.MODES.anomaly, modes.MODES.check_nan)
        self.mode = mode
        self.check_nan = check_nan
        modes.set_anomaly(mode, check_nan)

    def __enter__(self) -> None:
        modes.set_anomaly(self.mode, self.check_nan)

    def __exit__(self, *exc: object) -> None:
        modes.set_anomaly(*self.before)


class detect_anomaly(set_detect_anomaly):
    """Anomaly mode as a context: slow, for debugging."""

    def __init__(self, check_nan: bool = True) -> None:
        before: Any = (modes.MODES.anomaly, modes.MODES.check_nan)
        super().__init__(True, check_nan)
        self.before = before
        modes.set_anomaly(*before)
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.",
            UserWarning,
            stacklevel=2,
        )


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return modes.MODES.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode looks for NaN."""
    return modes.MODES.check_nan
