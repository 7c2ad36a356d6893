"""The table ``[tool.bnlint]`` of the closest pyproject.toml, or a bnlint.toml, which is one as a whole."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import field, fields
from pathlib import Path
from typing import Any

from bnlint.errors import UsageError, did_you_mean
from bnlint.finding import Severity
from bnlint.immutable import immutable
from bnlint.rule import Settings
from bnlint.source.regular import read_bytes
from bnlint.torch_version import release

LARGEST = 256 << 10
"""Bytes of a file that is read."""
MOST_DOTS = 1000
"""In one line of it; reading a dotted key takes time that grows with the square of its length."""
MOST_PATTERNS = 1000
"""Of `exclude` and of `per-file-ignores`: each is held against each file."""

MOST_EXTENDED = 20
NAMES = ("bnlint.toml", "pyproject.toml")
"""Of one folder the first counts."""
FAIL_ON = ("error", "warning", "advice", "never")


@immutable
class Config:
    """What a project has configured. Patterns are relative to ``root`` and follow .gitignore.

    ``origin`` names the file in messages; ``select`` is ``None`` when the defaults are to run.
    """

    root: Path
    origin: str = ""
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    severity: Mapping[str, Severity] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    fail_on: str = "warning"
    trace: bool = False
    lint_tests: bool = False
    runs: tuple[str, ...] = ()
    baseline: str | None = None
    settings: Settings = field(default_factory=Settings)


def closest(folder: Path) -> Config:
    """Read the nearest bnlint.toml, or pyproject.toml with a table for bnlint, from ``folder`` upwards.

    Raises :class:`UsageError` when a file on the way cannot be read or the table is wrong.
    """
    for candidate in (folder, *folder.parents):
        for file in (candidate / name for name in NAMES):
            table = _table(file) if os.path.isfile(file) else None
            if table is not None:
                return parse(_extended(table, file), candidate, str(file))
    return Config(folder)


def read(file: Path) -> Config:
    """Read the table of one file.

    Raises :class:`UsageError` when it cannot be read, has no table for bnlint, or a wrong one.
    """
    table = _extended(_named(file), file)
    return parse(table, Path(os.path.abspath(file)).parent, str(file))


def _named(file: Path) -> Any:
    table = _table(file)
    if table is None:
        raise UsageError(f"{file} has no table [tool.bnlint]")
    return table


def _extended(table: Any, file: Path, over: tuple[Path, ...] = ()) -> Any:
    """A table on top of the one that it extends; patterns of that are relative to this one's folder."""
    parse(table, file.parent, str(file))
    if "extend" not in table:
        return table
    own = Path(os.path.abspath(file))
    other = Path(os.path.normpath(own.parent / Path(table["extend"]).expanduser()))
    if other in (*over, own):
        raise UsageError(f"`extend` in {file} leads back to {other}")
    if len(over) > MOST_EXTENDED:
        raise UsageError(f"`extend` in {file} leads to more than {MOST_EXTENDED} files")
    return _merged(_extended(_named(other), other, (*over, own)), table)


def _merged(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Both, where one value goes before the other's; tables and further rules are added up."""
    merged = {**base, **table}
    for key in ("per-file-ignores", "severity"):
        if key in base and key in table:
            merged[key] = {**base[key], **table[key]}
    if "extend-select" in base and "extend-select" in table:
        merged["extend-select"] = [*base["extend-select"], *table["extend-select"]]
    return merged


def parse(table: Mapping[str, object], root: Path, origin: str) -> Config:
    """Check the table and turn it into a :class:`Config`; raises :class:`UsageError`."""
    if not isinstance(table, dict):
        raise UsageError(f"`tool.bnlint` in {origin} must be a table")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            raise UsageError(f"unknown key `{key}` in [tool.bnlint] of {origin}{_similar(key)}")
        expected, convert = _KEYS[key]
        converted = convert(value)
        if converted is None:
            raise UsageError(f"`{key}` in [tool.bnlint] of {origin} must be {expected}")
        values[key.replace("-", "_")] = converted
    for key in ("exclude", "per_file_ignores"):
        if len(values.get(key, ())) > MOST_PATTERNS:
            shown = key.replace("_", "-")
            raise UsageError(f"`{shown}` in {origin} has more than {MOST_PATTERNS} patterns")
    values.pop("extend", None)
    of_rules = {name: values.pop(name) for name in _OF_RULES if name in values}
    return Config(root, origin, settings=Settings(**of_rules), **values)


def _lowered(reason: str | None) -> str:
    return f"{reason[:1].lower()}{reason[1:]}" if reason else "it cannot be opened"


def _table(file: Path) -> Any:
    try:
        text = read_bytes(file, LARGEST).decode()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {_lowered(error.strerror)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not valid UTF-8") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MOST_DOTS:
            raise UsageError(f"cannot read {file}: line {number} has more than {MOST_DOTS} dots")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
    except ValueError:  # Python's limit of digits
        raise UsageError(f"cannot read {file}: one of its numbers is too long") from None
    except RecursionError:
        raise UsageError(f"cannot read {file}: it nests too deeply") from None
    if file.name != "pyproject.toml" and "tool" not in content:
        return content
    tool = content.get("tool")
    return tool.get("bnlint") if isinstance(tool, dict) else None


def _similar(key: str) -> str:
    return did_you_mean(key.replace("_", "-").lower(), _KEYS)


def _strings(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def _strings_by_pattern(value: object) -> dict[str, tuple[str, ...]] | None:
    if not isinstance(value, dict):
        return None
    found: dict[str, tuple[str, ...]] = {}
    for pattern, selectors in value.items():
        strings = _strings(selectors)
        if strings is None:
            return None
        found[pattern] = strings
    return found


def _severity_by_selector(value: object) -> dict[str, Severity] | None:
    if not isinstance(value, dict):
        return None
    levels = {level.label: level for level in Severity}
    found = {selector: levels.get(str(label)) for selector, label in value.items()}
    known = {selector: level for selector, level in found.items() if level is not None}
    return known if len(known) == len(found) else None


def _fail_on(value: object) -> str | None:
    return value if isinstance(value, str) and value in FAIL_ON else None


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _version(value: object) -> str | None:
    return release(value) if isinstance(value, str) else None


_LIST = "a list of strings"
_OF_RULES = tuple(setting.name for setting in fields(Settings))
_KEYS: dict[str, tuple[str, Callable[[object], object]]] = {
    "select": (_LIST, _strings),
    "ignore": (_LIST, _strings),
    "extend-select": (_LIST, _strings),
    "per-file-ignores": ("a table of lists of strings", _strings_by_pattern),
    "severity": ('a table of "error", "warning" or "advice"', _severity_by_selector),
    "exclude": (_LIST, _strings),
    "extend": ("the name of a file", _name),
    "fail-on": ("one of " + ", ".join(f'"{level}"' for level in FAIL_ON), _fail_on),
    "trace": ("true or false", _truth),
    "lint-tests": ("true or false", _truth),
    "runs": (_LIST, _strings),
    "baseline": ("the name of a file", _name),
    "min-normalization-batch": ("a whole number above 0", _positive),
    "torch-version": ('a string such as "2.4"', _version),
}
