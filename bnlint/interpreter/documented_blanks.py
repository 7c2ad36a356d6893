"""Blanks in the calls that documents show: what readers are to fill in, ``--root $DATA`` or ``<folder>``."""

import re
import shlex

_BLANK = (
    r"\$\{\w+\}|\$\w+\$?|<[A-Za-z/][^<>\n]{0,60}>|\[[A-Za-z][^\[\]\n'\",=]{0,60}\]"
    r"|\{[A-Za-z][^{}\n'\",:]{0,60}\}|\.\.\.(?![\w/])"
)
_QUOTED = r"'[^'\n]*'|\"[^\"$\n]*\""
_WORD = re.compile(rf"(?:{_QUOTED}|{_BLANK}|\"[^\"\n]*\"|[^\s'\"<>;])+")
_BLANK_IN = re.compile(rf"{_QUOTED}|(?P<blank>{_BLANK})")
_OPTIONAL = re.compile(r"\[-[^\[\]\n]{0,100}(?:\[[^\[\]\n]{0,60}\][^\[\]\n]{0,60})?\]|\"?\$[@*]\"?")
"""What a synopsis says may be left out, ``[--lr LR]``, and what a shell script hands on."""
_SCRIPT = re.compile(r"(?<!\S)\S{1,300}\.py[\"']?(?!\S)")
_END = re.compile(r"\s{1,40}+(?:#|&&?|\|\|?|\d?>)|\s{0,40}+;")
"""Where the shell's own part of a line begins."""
_PLACE = re.compile(
    r"(?:root|dir|path|folder|file|list|prefix|location|checkpoint|ckpt|weights|resume|output|data)s?$",
    re.IGNORECASE,
)
"""Names of options that take the name of a file or folder."""
_SAYS_PLACE = re.compile(r"path|dir\b|_dir|folder|\bwhere\b|location", re.IGNORECASE)


def without_blanks(command: str) -> tuple[str, bool] | None:
    """A command whose blanks are names of files and folders, and whether it had any.

    Another option with a blank is left out, so that it has its default. ``None`` stands for what is
    no command, or calls a script whose name has a blank.
    """
    script = _SCRIPT.search(command)
    if script is None or _BLANK_IN.search(script[0]) or "](" in command:
        return None
    written = _OPTIONAL.sub(" ", command[script.end() :])
    words, end = list[str](), 0
    while _END.match(written, end) is None and (word := _WORD.match(written, _skip(written, end))):
        words.append(word[0])
        end = word.end()
    if written[end:].strip() and _END.match(written, end) is None:
        return None
    kept = _kept(words)
    return " ".join([shlex.quote(script[0].strip("\"'")), *kept]), kept != words


def _skip(text: str, start: int) -> int:
    """Where the next word begins."""
    return start + len(text[start:]) - len(text[start:].lstrip())


def _kept(words: list[str]) -> list[str]:
    """The words without the options whose values are blanks, unless these name a file or folder."""
    kept: list[str] = []
    dropped = False
    for word in words:
        if not _has_blank(word):
            kept.append(word)
            dropped = False
            continue
        option, equals, value = word.partition("=")
        if equals and not _has_blank(option):
            kept += [f"{option}={_literal(value)}"] if _is_place(option, value) else []
        elif dropped or (kept and _takes_value(kept[-1]) and not _is_place(kept[-1], word)):
            del kept[len(kept) - (not dropped) :]
            dropped = True
        else:
            kept.append(_literal(word))
    return kept


def _literal(word: str) -> str:
    return shlex.quote(word.strip('"'))


def _has_blank(word: str) -> bool:
    return any(found["blank"] for found in _BLANK_IN.finditer(word))


def _takes_value(word: str) -> bool:
    """Whether a word is an option that may have the next one as its value."""
    return word.startswith("-") and "=" not in word and not word[1:2].isdigit()


def _is_place(option: str, blank: str) -> bool:
    return bool(_PLACE.search(option) or _SAYS_PLACE.search(blank))
