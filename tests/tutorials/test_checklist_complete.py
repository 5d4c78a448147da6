"""Every item of the checklist has a test."""

from __future__ import annotations

import re

from tests.tutorials.packages import HERE

ITEMS = 163


def test_every_item_from_s1_to_s163_has_a_test() -> None:
    text = "".join(path.read_text() for path in HERE.glob("test_checklist_*.py"))
    tested = {int(number) for number in re.findall(r"^def test_s(\d+)_", text, flags=re.MULTILINE)}
    assert tested == set(range(1, ITEMS + 1))
