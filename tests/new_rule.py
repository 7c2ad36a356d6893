"""Begin a rule that the catalogue knows: ``python -m tests.new_rule BN305`` in a checkout.

It writes the page, the check and a file of cases, each with its example still to be thought of, and
puts the rule into the tables of README and of ``rules/README.md``. ``pytest -k BN305`` is red until page
and check agree. Without an id it only writes the tables again.
"""

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from bnlint import registry
from bnlint.rule import ASPECTS, Rule

ROOT = Path(__file__).parents[1]

PAGE = """# {id} {name}

What the code does, in one sentence.

## Why

What goes wrong, by how much, and from whom that is known. What to do instead.

## Bad

```python
pass  # {id}
```
{fixed}
## Good

```python
pass
```
{safety}"""

INDEX = """# Rules

Each page says why, shows bad and good code, and names its limits. The examples on the pages are the tests.
BN216 and BN808 need a traced model, BN808 a measured one; BN204 and BN205 see more of one.
"""
"""How the page above those of the rules begins."""

FIXED = """
## Fixed

```python
pass
```
"""

SAFETY = """
## Fix safety

What else the fix changes.
"""

CASES = """# {id} {name}

## Good

### the first trap of its entry

```python
pass
```
"""

CHECK = '''"""{id}: what the code does."""

from collections.abc import Iterator

from bnlint.facts.types.run import (Forward, Run)
from bnlint.finding import {imported}
from bnlint.rule import ASPECTS, Rule, Settings

RULE = Rule({arguments})


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report what is wrong, once for each cause."""
    for forward in run.of_type(Forward):
        if _is_wrong(forward):
            yield RULE.at(forward.site, "What, why, what to do")


def _is_wrong(forward: Forward) -> bool:
    """Whether the code proves it."""
    return False
'''


def catalogue() -> dict[str, dict[str, str]]:
    """The rules that are planned or there, by id."""
    with (ROOT / "tests" / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def files(row: Mapping[str, str]) -> dict[Path, str]:
    """What a new rule consists of, by path in the repository."""
    rule_id, name = row["id"], row["name"]
    fixed = FIXED if row["fix"] != "-" else ""
    safety = SAFETY if row["fix"] == "unsafe" else ""
    module = f"{rule_id.lower()}_{name.replace('-', '_')}.py"
    return {
        Path("rules") / f"{rule_id}.md": PAGE.format(**row, fixed=fixed, safety=safety),
        Path("tests") / "cases" / f"{rule_id}.md": CASES.format(**row),
        Path("bnlint") / "checks" / module: _check(row),
    }


def _check(row: Mapping[str, str]) -> str:
    severity = row["severity"].split("/")[0].upper()
    arguments = [f'"{row["id"]}"', f'"{row["name"]}"', f"Severity.{severity}"]
    imported = ["Finding", "Severity"]
    if row["fix"] != "-":
        arguments.append(f"fix=Applicability.{row['fix'].upper()}")
        imported.insert(0, "Applicability")
    if row["default"] == "off":
        arguments.append("default=False")
    return CHECK.format(id=row["id"], arguments=", ".join(arguments), imported=", ".join(imported))


def overview(rules: Mapping[str, Rule]) -> str:
    """README's table: the rules of each aspect in a row."""
    lines = ["| id | about | rules |", "|---|---|---|"]
    for start, aspect, own in _by_aspect(rules):
        names = ", ".join(f"[{rule.name}](rules/{rule.id}.md)" for rule in own)
        lines.append(f"| {start} | {aspect} | {names} |")
    return "\n".join(lines)


def index(rules: Mapping[str, Rule]) -> str:
    """The page above those of the rules, ``rules/README.md``."""
    return "\n".join([INDEX, *(_section(aspect, own) for _, aspect, own in _by_aspect(rules))])


def _section(aspect: str, rules: list[Rule]) -> str:
    lines = [f"## {aspect}\n", "| id | name | severity | default | fix |", "|---|---|---|---|---|"]
    for rule in rules:
        default = "on" if rule.default else "off"
        fix = f"[{rule.fix.value}](../docs/fixes.md)" if rule.fix else "none"
        cells = (f"[{rule.id}]({rule.id}.md)", rule.name, rule.severity.label, default, fix)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _by_aspect(rules: Mapping[str, Rule]) -> Iterator[tuple[str, str, list[Rule]]]:
    for start, own in groupby(rules.values(), key=lambda rule: rule.id[:3]):
        yield start, ASPECTS[start], list(own)


def with_overview(readme: str, rules: Mapping[str, Rule]) -> str:
    """README with its table of rules made anew."""
    head = re.escape("| id | about | rules |")
    return re.sub(
        rf"^{head}\n(\|.*\n)*", lambda _: overview(rules) + "\n", readme, flags=re.MULTILINE
    )


def write_tables() -> None:
    """Make the tables of rules anew: README's and that of ``rules/README.md``."""
    registry.rules.cache_clear()
    rules, readme = registry.rules(), ROOT / "README.md"
    readme.write_text(with_overview(readme.read_text("utf-8"), rules), encoding="utf-8")
    (ROOT / "rules" / "README.md").write_text(index(rules), encoding="utf-8")


def main(words: list[str]) -> int:
    """Write what is missing; returns the exit status."""
    for rule_id in words:
        row = catalogue().get(rule_id)
        if row is None:
            print(f"error: the catalogue has no rule `{rule_id}`", file=sys.stderr)
            return 2
        for path in files(row):
            if (ROOT / path).exists():
                print(f"error: `{path}` is there already", file=sys.stderr)
                return 2
        for path, content in files(row).items():
            (ROOT / path).write_text(content, encoding="utf-8")
            print(f"wrote {path}")
    write_tables()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
