"""Lines of test files, found by a comment at their end."""

from __future__ import annotations

from pathlib import Path


def place(file: str, marker: str) -> str:
    """``file.py:12   source`` of the line that ends with ``# marker``."""
    path = Path(file)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.endswith("# " + marker):
            return f"{path.name}:{number}   {line.strip()}"
    raise LookupError(marker)
