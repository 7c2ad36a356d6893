"""The pages of the site that nobody writes: rules, their table and navigation, what stands elsewhere in the repository.

MkDocs calls the functions that begin with ``on_``; the others need no MkDocs. Paths are those of files
from the top of the repository, or of pages from the top of the site.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

from bnlint import registry
from bnlint.report.html import ASPECTS
from bnlint.rule import Rule
from bnlint.urls import REPOSITORY

ROOT = Path(__file__).parents[1]

INDEX = "rules/index.md"
INDEX_TEXT = """# Rules

Each page says why, shows bad and good code, and names its limits. The examples on the pages are the tests.

<!-- generated: rules -->
"""
"""The page above those of the rules."""

_CODE_OR_LINK = re.compile(
    r"^(?P<fence>`{3,}).*?^(?P=fence)[ \t]*$|(?P<ticks>`+)[^`].*?(?P=ticks)|\]\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)
_FENCE_WORDS = re.compile(r"^(```\w+) .*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"<!-- generated: ([\w-]+) -->")
_VERDICTS = ("right", "debatable", "wrong")


def on_config(config: Any) -> None:
    """Put the pages of the rules under the entry of their table."""
    for entry in config.nav:
        if "Rules" in entry:
            entry["Rules"] = [entry["Rules"], *navigation()]


def on_files(files: Any, config: Any) -> None:
    """Add what does not stand in ``docs/``."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, INDEX, content=INDEX_TEXT))
    for path, page in sources().items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what is generated, and let links lead to pages of the site where there are such."""
    return content(markdown, page.file.src_uri)


@cache
def sources() -> dict[str, str]:
    """The page of each file that stands outside ``docs/``, README as the first page."""
    top = {path.name: f"{path.stem.lower()}.md" for path in ROOT.glob("*.md")}
    rules = {f"rules/{rule_id}.md": f"rules/{rule_id}.md" for rule_id in registry.rules()}
    pictures = {
        f"pictures/{path.name}": f"pictures/{path.name}" for path in ROOT.glob("pictures/*.svg")
    }
    return {**top, "README.md": "index.md", **rules, **pictures}


def navigation() -> list[dict[str, list[dict[str, str]]]]:
    """The pages of the rules by aspect, in the order of their ids."""
    return [
        {aspect: [{f"{rule.id} {rule.name}": f"rules/{rule.id}.md"} for rule in rules]}
        for aspect, rules in _by_aspect()
    ]


def content(markdown: str, page: str) -> str:
    """The Markdown of a page as the site has it."""
    if (rule := registry.rules().get(Path(page).stem)) is not None:
        title, _, rest = markdown.partition("\n")
        markdown = "\n\n".join((title, _table([rule]), _FENCE_WORDS.sub(r"\1", rest)))
    markdown = _PLACEHOLDER.sub(lambda found: _GENERATED[found[1]](), markdown)
    return _CODE_OR_LINK.sub(lambda found: _led(found, page), markdown)


def _by_aspect() -> Iterator[tuple[str, list[Rule]]]:
    for start, rules in groupby(registry.rules().values(), key=lambda rule: rule.id[:3]):
        yield ASPECTS.get(start, start), list(rules)


def _led(found: re.Match[str], page: str) -> str:
    """A link of a page, whose target is written from its file, to where that is on the site."""
    target = found["target"]
    if target is None or re.match(r"[a-z]+:|#", target):
        return found[0]
    path, mark, anchor = target.partition("#")
    file = normpath(join(dirname(_file_of(page)), path))
    there = _page_of(file)
    if there is None:
        return f"]({REPOSITORY}/blob/main/{file}{mark}{anchor})"
    return f"]({relpath(there, dirname(page) or '.')}{mark}{anchor})"


def _file_of(page: str) -> str:
    if page == INDEX:
        return page
    files = {there: path for path, there in sources().items()}
    return files.get(page, f"docs/{page}")


def _page_of(file: str) -> str | None:
    """The page of a file, ``None`` if the site has none."""
    if file == "rules":
        return INDEX
    if file.startswith("docs/"):
        return file.removeprefix("docs/")
    return sources().get(file)


def _table(rules: list[Rule]) -> str:
    lines = ["| id | name | severity | default | fix |", "|---|---|---|---|---|"]
    for rule in rules:
        name = f"[{rule.id}](../rules/{rule.id}.md)"
        traits = (rule.name, rule.severity.label, "on" if rule.default else "off")
        fix = f"[{rule.fix.value}](../docs/fixes.md)" if rule.fix else "none"
        lines.append(f"| {' | '.join((name, *traits, fix))} |")
    return "\n".join(lines) + "\n"


def _rules() -> str:
    return "\n".join(f"## {aspect}\n\n{_table(rules)}" for aspect, rules in _by_aspect())


def _review() -> str:
    """What readers judged of the findings in other people's code, by rule."""
    text = (ROOT / "benchmarks" / "review.jsonl").read_text(encoding="utf-8")
    places = [json.loads(line) for line in text.splitlines()]
    counts = Counter((place["rule"], place["verdict"]) for place in places)
    lines = [
        f"{len(places)} places in {len({place['repository'] for place in places})} repositories:\n",
        f"| rule | {' | '.join(_VERDICTS)} |",
        "|---|---:|---:|---:|",
    ]
    for rule in registry.rules().values():
        numbers = [counts[rule.id, verdict] for verdict in _VERDICTS]
        if any(numbers):
            cells = " | ".join(map(str, numbers))
            lines.append(f"| [{rule.id}](../rules/{rule.id}.md) {rule.name} | {cells} |")
    return "\n".join(lines) + "\n"


def _configuration() -> str:
    """README's example of the table, which a test holds to be complete."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return "```toml" + readme.partition("```toml")[2].partition("```")[0] + "```"


_GENERATED = {"rules": _rules, "review": _review, "configuration": _configuration}
