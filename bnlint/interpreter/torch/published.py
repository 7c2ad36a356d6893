"""Models for which the world already has weights, so that their parameters are not free."""

import re

from bnlint.interpreter.core.objects import Class, Instance
from bnlint.interpreter.core.values import Unknown
from bnlint.source import SourceFile

PUBLISHED_WEIGHTS = Unknown("published weights")
"""What a function that fetches published weights returns."""
_FETCHING = re.compile(
    r"\b(load_url|load_state_dict_from_url|hf_hub_download|load_pretrained|load_param"
    r"|build_model_with_cfg)\s*\(|\bdef from_pretrained\b|\bdefault_cfgs?\b"
)
_DEFINITION = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_NEXT = re.compile(r"^[A-Za-z@_]", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_COMMENT = re.compile(r"#.*")


class PublishedModels:
    """Knows which classes of a file get published weights; each file is looked through once."""

    def __init__(self) -> None:
        self._by_file: dict[SourceFile, frozenset[str]] = {}

    def include(self, module: Instance) -> bool:
        """Whether code of the file of a model's class fetches weights for it."""
        line = module.cls.mro if module.cls is not None else ()
        return any(cls.name in self._of(cls) for cls in line if isinstance(cls, Class))

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


def _definitions(text: str) -> dict[str, str]:
    """The code of each function and class at the top of a file, without comments."""
    found: dict[str, str] = {}
    for match in _DEFINITION.finditer(text):
        following = _NEXT.search(text, match.end())
        end = following.start() if following is not None else len(text)
        found[match[1]] = found.get(match[1], "") + _COMMENT.sub("", text[match.start() : end])
    return found
