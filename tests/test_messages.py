"""Messages are whole, alike sentences: a capital first, no period last."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bnlint import pages, registry
from bnlint.finding import Finding
from bnlint.lint import engine
from tests.traced_examples import traced

DOUBLED = re.compile(r"[.,;:]\s*[.,;:]|\s[.,;:]|  |\(\)(?!`)|``")


def findings(rule_id: str, folder: Path) -> Iterator[Finding]:
    for example in pages.parse(pages.text(rule_id)).of("Bad"):
        if example.trace is not None:
            yield from traced(example, rule_id, folder)
            continue
        yield from engine.lint_text(example.code, rules=[registry.rules()[rule_id]])


@pytest.mark.parametrize("rule_id", registry.rules())
def test_messages_read_alike(rule_id: str, tmp_path: Path) -> None:
    found = list(findings(rule_id, tmp_path))
    assert found
    for finding in found:
        titles = [finding.fix.title] if finding.fix else []
        for text in (finding.message, *titles):
            assert text[0].isupper() or text[0] == "`", text
        for text in (finding.message, *titles, *(item.message for item in finding.evidence)):
            assert not text.endswith((".", ";", ",", ":")), text
            assert not DOUBLED.search(re.sub(r"`[^`]*`|\"[^\"]*\"", "code", text)), text
            assert text.count("`") % 2 == 0, text
