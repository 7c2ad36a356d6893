"""Rule pages, ``rules/<id>.md``: what ``bnlint explain`` prints and the tests run."""

import re
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_INSTALLED = _HERE / "rules"
DIRECTORY = _INSTALLED if _INSTALLED.is_dir() else _HERE.parent / "rules"

SECTIONS = ("Why", "Bad", "Fixed", "Good", "Fix safety", "Known limits", "References")
"""The sections that a page may have, in their order."""

_BLOCK = re.compile(
    r"^```python(?P<run> run)?( trace (?P<trace>\S+))?[ \t]*\n(?P<code>.*?)^```[ \t]*$", re.M | re.S
)
_MARK = re.compile(r"[ \t]*#[ \t]*(BN\d{3}(?:[ \t,]+BN\d{3})*)[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^### (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """One code block: its source without marks, and the (line, rule) pairs that its marks expect.

    ``heading`` is the nearest ``###`` heading above it in its section, ``line`` where its code
    starts in the page. ``run`` says that the block can be executed as it stands, ``trace`` is the
    size of an input (``2x3x32x32``) if its last class is to be traced instead of read.
    """

    section: str
    heading: str
    line: int
    code: str
    expected: tuple[tuple[int, str], ...]
    run: bool
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One parsed rule page; ``title`` is ``BN301 missing-eval``."""

    title: str
    sections: tuple[str, ...]
    examples: tuple[Example, ...]

    def of(self, section: str) -> tuple[Example, ...]:
        """Return the examples of one section."""
        return tuple(example for example in self.examples if example.section == section)


def text(rule_id: str) -> str:
    """Return the page of a rule as Markdown."""
    return (DIRECTORY / f"{rule_id}.md").read_text(encoding="utf-8")


def parse(content: str) -> Page:
    """Parse a page."""
    title = content.partition("\n")[0].removeprefix("# ").strip()
    outside = _BLOCK.sub(lambda match: " " * len(match[0]), content)
    heads = list(re.finditer(r"^## (.*)$", outside, re.MULTILINE))
    ends = [*(head.start() for head in heads[1:]), len(content)]
    examples = [
        _example(content, outside, head, block)
        for head, end in zip(heads, ends, strict=False)
        for block in _BLOCK.finditer(content, head.end(), end)
    ]
    return Page(title, tuple(head[1].strip() for head in heads), tuple(examples))


def _example(content: str, outside: str, head: re.Match[str], block: re.Match[str]) -> Example:
    above = _HEADING.findall(outside, head.end(), block.start())
    code = block["code"]
    expected = [
        (number, rule_id)
        for number, line in enumerate(code.split("\n"), 1)
        for marks in _MARK.findall(line)
        for rule_id in re.findall(r"BN\d{3}", marks)
    ]
    return Example(
        head[1].strip(),
        above[-1].strip() if above else "",
        content.count("\n", 0, block.start("code")) + 1,
        _MARK.sub("", code),
        tuple(expected),
        block["run"] is not None,
        block["trace"],
    )
