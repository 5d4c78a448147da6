"""Devices and layouts, of which there is one each, and memory formats."""

from __future__ import annotations

from typing import Any, Final


class device:
    """Where a tensor's memory is; only ``device("cpu")`` holds tensors."""

    def __init__(self, type: Any, index: Any = None) -> None:
        """Parse ``"cpu"``, ``"cpu:0"`` or another device."""
        kind = type.type if isinstance(type, device) else str(type)
        if ":" in kind:
            text = kind
            kind, number = kind.split(":", 1)
            if not number.isdecimal():
                raise RuntimeError(f"Invalid device string: '{text}'")
            index = int(number)
        if kind not in ("cpu", "cuda", "meta", "mps", "xpu"):
            raise RuntimeError(
                f"Expected one of cpu, cuda, mps, xpu, meta device type at start of device string: {kind}"
            )
        self.type: str = kind
        self.index: Any = index

    def __enter__(self) -> device:
        """``with device("cpu"):`` is the default anyway; other devices are refused here."""
        check_device(self)
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        """Nothing changes back."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and other.type == self.type and other.index == self.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __repr__(self) -> str:
        tail = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{tail})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)


class layout:
    """How elements are stored: only ``strided``."""

    def __init__(self, name: str) -> None:
        self.name: str = name

    def __repr__(self) -> str:
        return "torch." + self.name

    def __reduce__(self) -> str:
        return self.name


class memory_format:
    """Order of the elements in memory."""

    def __init__(self, name: str) -> None:
        self.name: str = name

    def __repr__(self) -> str:
        return "torch." + self.name

    def __reduce__(self) -> str:
        return self.name


CPU: Final = device("cpu")
STRIDED: Final = layout("strided")
contiguous_format: Final = memory_format("contiguous_format")
preserve_format: Final = memory_format("preserve_format")
channels_last: Final = memory_format("channels_last")
channels_last_3d: Final = memory_format("channels_last_3d")


def check_device(value: Any) -> None:
    """Accept the CPU only.

    Raises:
        RuntimeError: for any other device.
    """
    if value is None:
        return
    found = value if isinstance(value, device) else device(value)
    if found.type != "cpu":
        raise RuntimeError(f"wengert computes on the CPU; device {str(found)!r} is not available")
