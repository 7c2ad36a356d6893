"""Text that others wrote, made safe to print: nothing in it acts on a terminal or on a log.

What acts are control characters, escapes, line ends, characters that turn the direction of writing or
cannot be seen, lone surrogates; and, in the log of a workflow, ``::name ...`` where a line begins and
``##[name]`` or ``##vso[name]`` anywhere, which GitHub and Azure take for commands.
"""

import os
import re
import unicodedata
from pathlib import Path

_COMMAND = re.compile(r"(?<!\S)::(?=[\w-]+[ :])|#(?=#(?:vso)?\[)")
_COMMAND_ANYWHERE = re.compile(r"#(?=#(?:vso)?\[)")


def visible(text: str) -> str:
    """Return a path, a name, a message or a reason in one line, with escapes as Python writes them."""
    if not text.isprintable():
        text = "".join(_spelled(character) if _acts(character) else character for character in text)
    return _COMMAND.sub(lambda found: f"\\x{ord(found[0][0]):x}{found[0][1:]}", text)


def pictured(line: str) -> str:
    """Return a line of code, of the same length, with pictures of what would act; tabs stay."""
    if not line.isprintable():
        line = "".join(_picture(character) if _acts(character) else character for character in line)
    return _COMMAND_ANYWHERE.sub("\N{MUSIC SHARP SIGN}", line)


def inert_json(text: str) -> str:
    """Return JSON in ASCII as it is, but for what a log takes for commands."""
    return _COMMAND_ANYWHERE.sub(r"\\u0023", text)


def _acts(character: str) -> bool:
    return not character.isprintable() and unicodedata.category(character) != "Zs"


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _picture(character: str) -> str:
    code = ord(character)
    if character == "\t":
        return character
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"


def display_path(file: Path) -> str:
    """Return the path from the working directory when it is inside it, else the absolute one."""
    try:
        relative = os.path.relpath(file)
    except ValueError:  # another drive
        return file.as_posix()
    inside = relative != os.pardir and not relative.startswith(os.pardir + os.sep)
    return (relative if inside else str(file)).replace(os.sep, "/")
