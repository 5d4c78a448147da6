"""What torch has and NumPy cannot hold is refused in words, not approximated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ops.harness import package_name

pytestmark = pytest.mark.skipif(package_name() == "torch", reason="torch has bfloat16")


@pytest.mark.parametrize(
    "convert",
    [lambda t, x: x.bfloat16(), lambda t, x: x.to(t.bfloat16), lambda t, x: x.to(dtype=t.bfloat16)],
    ids=["bfloat16", "to", "to-dtype"],
)
def test_conversion_to_bfloat16_says_what_to_use_instead(package: Any, convert: Any) -> None:
    with pytest.raises(NotImplementedError, match="use float32 or float16"):
        convert(package, package.ones(2))
