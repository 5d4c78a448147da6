from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def torch(package: Any) -> Any:
    """The package under test, under the name that tutorials use."""
    return package
