"""Models for which the world already has weights, so that their parameters are not free."""

import re
from collections.abc import Iterator

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.objects import Class, Instance
from bnlint.interpreter.core.values import Unknown
from bnlint.source import SourceFile

PUBLISHED_WEIGHTS = Unknown("published weights")
"""What a function that fetches published weights returns."""
_FETCHING = re.compile(
    r"\b(load_url|load_state_dict_from_url|hf_hub_download|load_pretrained|load_param"
    r"|build_model_with_cfg|\w*pretrained_weights)\s*\(|\bdef from_pretrained\b|\bdefault_cfgs?\b"
    r"|\bif\b[^\n]*pretrained[^\n]*:(?:\n[^\n]*){0,10}?\bload_state_dict\b"
)
_DEFINITION = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_NEXT = re.compile(r"^[A-Za-z@_]", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_COMMENT = re.compile(r"#.*")


class PublishedModels:
    """Knows which classes of a file get published weights; each file is looked through once."""

    def __init__(self) -> None:
        self._by_file: dict[SourceFile, frozenset[str]] = {}
        self._lines: dict[SourceFile, frozenset[int]] = {}

    def include(self, module: Instance) -> bool:
        """Whether code of the file of a model's class fetches weights for it."""
        line = module.cls.mro if module.cls is not None else ()
        return any(cls.name in self._of(cls) for cls in line if isinstance(cls, Class))

    def were_built_at(self, site: Site) -> bool:
        """Whether a line builds layers of a model for which code of its file fetches weights."""
        source = site.source
        if not isinstance(source, SourceFile):
            return False
        if source not in self._lines:
            self._lines[source] = _published_lines(source)
        return bool(self._lines[source]) and site.span.line in self._lines[source]

    def _of(self, cls: Class) -> frozenset[str]:
        source = cls.namespace.source
        if source not in self._by_file:
            self._by_file[source] = _published_names(source)
        return self._by_file[source]


def _published_names(source: SourceFile) -> frozenset[str]:
    """The functions and classes that fetch weights, and all that they mention."""
    if _FETCHING.search(source.content) is None:
        return frozenset()
    texts = _definitions(source.content)
    pending = [name for name, text in texts.items() if _FETCHING.search(text)]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += set(_WORD.findall(texts[name])) & texts.keys()
    return frozenset(found)


def _published_lines(source: SourceFile) -> frozenset[int]:
    """The lines of what fetches weights, and of all that it mentions."""
    names, text = _published_names(source), source.content
    found: set[int] = set()
    for name, start, end in _places(text) if names else ():
        if name in names:
            found.update(range(text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 2))
    return frozenset(found)


def _places(text: str) -> Iterator[tuple[str, int, int]]:
    """The name, start and end of each function and class at the top of a file."""
    for match in _DEFINITION.finditer(text):
        following = _NEXT.search(text, match.end())
        yield match[1], match.start(), following.start() if following is not None else len(text)


def _definitions(text: str) -> dict[str, str]:
    """The code of each function and class at the top of a file, without comments."""
    found: dict[str, str] = {}
    for name, start, end in _places(text):
        found[name] = found.get(name, "") + _COMMENT.sub("", text[start:end])
    return found
