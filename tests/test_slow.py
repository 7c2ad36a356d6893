"""What is called slow is there, and what is left covers every rule."""

from pathlib import Path

import pytest

from bnlint import registry
from tests import slow

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("beginning", sorted(slow.SLOW | slow.SAMPLED))
def test_a_slow_test_is_there(beginning: str) -> None:
    path, _, name = beginning.partition("::")
    assert (ROOT / path).exists()
    assert not name or f"def {name.partition('[')[0]}" in (ROOT / path).read_text(encoding="utf-8")


def test_of_each_rule_some_blocks_are_quick(request: pytest.FixtureRequest) -> None:
    marked = "tests/test_pages.py::test_a_block_reports_exactly_its_marks["
    blocks = [item for item in request.session.items if item.nodeid.startswith(marked)]
    if not blocks:
        pytest.skip("the blocks of the pages are not collected")
    quick = [item.nodeid for item in blocks if item.get_closest_marker("slow") is None]
    for rule_id in registry.rules():
        for section in ("Bad", "Good"):
            assert any(f"{rule_id}-{section}" in test for test in quick), (rule_id, section)
