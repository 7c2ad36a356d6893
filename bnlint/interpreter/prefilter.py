"""Which definitions that nothing calls are worth executing, judged by their text."""

import re
from collections.abc import Mapping

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Class, Function
from bnlint.interpreter.core.values import Value
from bnlint.source import SourceFile

TELLING = frozenset(
    """nn Module Sequential BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm eval train backward
    DataLoader no_grad inference_mode load_state_dict requires_grad momentum LightningModule
    LightningDataModule training_step train_dataloader""".split()
)
"""Words without which a definition that only uses what is known already teaches nothing."""
_DEFINITION = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_NEXT = re.compile(r"^[A-Za-z@_]", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_CALLED = re.compile(r"(?<!def )(?<!class )\b(\w+)\s*\(")


def called_names(source: SourceFile) -> set[str]:
    """The names that a file calls, whatever they belong to."""
    return set(_CALLED.findall(source.content))


def words_by_definition(source: SourceFile) -> dict[str, frozenset[str]]:
    """The words in the text of each top-level function and class."""
    text = source.content
    found: dict[str, frozenset[str]] = {}
    for match in _DEFINITION.finditer(text):
        following = _NEXT.search(text, match.end())
        end = following.start() if following is not None else len(text)
        words = frozenset(_WORD.findall(text, match.end(), end))
        found[match[1]] = found.get(match[1], frozenset()) | words
    return found


def is_worth_executing(m: Machine, words: frozenset[str], name: str, namespace: Namespace) -> bool:
    """Whether a definition says something of models, or names what has not been executed yet."""
    if not TELLING.isdisjoint(words):
        return True
    return mentions_unexplored(m, words - {name}, namespace)


def mentions_unexplored(m: Machine, words: frozenset[str], namespace: Namespace) -> bool:
    """Whether one of ``words`` is something of a module's that has not been executed yet."""
    known: Mapping[str, Value] = namespace.names
    mentioned = words & namespace.definitions.keys()
    return any(not _is_explored(m, known.get(other)) for other in mentioned)


def _is_explored(m: Machine, value: Value) -> bool:
    match value:
        case Class():
            return value.last_instance is not None
        case Function(node=node):
            return node in m.reached
    return value is not None
