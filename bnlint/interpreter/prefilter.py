"""What is worth executing: files that do something when they are run, and definitions, by their text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from posixpath import normpath

import libcst as cst

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Class, Function, Instance
from bnlint.interpreter.core.values import Float, Int, Text, Unknown, Value
from bnlint.source import SourceFile

TELLING = frozenset(
    """nn Module Sequential BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm eval train backward
    DataLoader no_grad inference_mode load_state_dict requires_grad momentum LightningModule
    LightningDataModule training_step train_dataloader""".split()
)
"""Words without which a definition that only uses what is known already teaches nothing."""
STATISTICS = frozenset("mean var std var_mean std_mean batch_norm".split())
"""Words that tell of a normalisation, in a class that has a forward."""
USES = frozenset("eval train backward DataLoader no_grad inference_mode load_state_dict".split())
"""Words of definitions that do more with models than build them."""
_NO_OBJECTS = frozenset({type(None), bool, int, float, str, Int, Float, Text, Unknown, Function})
"""Types of attributes that hold no model and no loader."""
_DEFINITION = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_METHOD = re.compile(r"^([ \t]+)(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_NEXT = re.compile(r"^[A-Za-z@_]", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_CALLED = re.compile(r"(?<!def )(?<!class )\b(\w+)\s*\(")
_FILE_NAME = re.compile(
    r"""["']([^"'%{\n]{1,200}\.(?:pth?|pt2|ckpt|pkl|pickle|bin|tar|model|th|t7|net))["']"""
)
_GIVEN = re.compile(r"=[ \t]*([A-Za-z_]\w*)[ \t]*[,)\r\n]")


def given_names(source: SourceFile) -> set[str]:
    """The names that a file gives as they are: defaults of parameters, arguments by name, other names."""
    return set(_GIVEN.findall(source.content))


def called_names(source: SourceFile) -> set[str]:
    """The names that a file calls, whatever they belong to."""
    return set(_CALLED.findall(source.content))


def words_by_definition(source: SourceFile) -> dict[str, frozenset[str]]:
    """The words in the text of each top-level function and class, and of ``Class.method``."""
    text = source.content
    found: dict[str, frozenset[str]] = {}
    for match in _DEFINITION.finditer(text):
        following = _NEXT.search(text, match.end())
        end = following.start() if following is not None else len(text)
        words = frozenset(_WORD.findall(text, match.end(), end))
        found[match[1]] = found.get(match[1], frozenset()) | words
        if text.startswith("class", match.start()):
            for name, start, stop in _methods(text, match.end(), end):
                method = f"{match[1]}.{name}"
                words = frozenset(_WORD.findall(text, start, stop))
                found[method] = found.get(method, frozenset()) | words
    return found


def _methods(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """The names of the functions in the body of a class, with where their texts begin and end."""
    heads = list(_METHOD.finditer(text, start, end))
    indent = min((len(head[1].expandtabs()) for head in heads), default=0)
    own = [head for head in heads if len(head[1].expandtabs()) == indent]
    for head, following in zip_longest(own, own[1:]):
        yield head[2], head.end(), end if following is None else following.start()


def uses_models(words: frozenset[str]) -> bool:
    """Whether a definition does more with models than build them."""
    return not USES.isdisjoint(words)


def is_worth_executing(m: Machine, words: frozenset[str], name: str, namespace: Namespace) -> bool:
    """Whether a definition says something of models, or names what has not been executed yet."""
    if not TELLING.isdisjoint(words) or ("forward" in words and not STATISTICS.isdisjoint(words)):
        return True
    return mentions_unexplored(m, words - {name}, namespace)


def is_method_worth_executing(
    m: Machine, words: frozenset[str], instance: Instance, cls: Class
) -> bool:
    """The same of a method, which may also use what its object holds: a model, a loader."""
    held = (name for name, value in instance.attributes.items() if type(value) not in _NO_OBJECTS)
    return not words.isdisjoint(held) or is_worth_executing(m, words, cls.name, cls.namespace)


def mentions_unexplored(m: Machine, words: frozenset[str], namespace: Namespace) -> bool:
    """Whether one of ``words`` is something of a module's that has not been executed yet."""
    known: Mapping[str, Value] = namespace.names
    mentioned = words & namespace.definitions.keys()
    return any(not _is_explored(m, known.get(other)) for other in mentioned)


def mentions_unexplored_part(m: Machine, words: frozenset[str], namespace: Namespace) -> bool:
    """Whether ``words`` are a module of the project and what it does with models, not executed yet."""
    for name in words & namespace.definitions.keys():
        module = namespace.names.get(name)
        if not isinstance(module, Namespace):
            continue
        told = words_by_definition(module.source)
        parts = (part for part in words & told.keys() if uses_models(told[part]))
        if not all(_is_explored(m, module.names.get(part)) for part in parts):
            return True
    return False


def _is_explored(m: Machine, value: Value) -> bool:
    match value:
        case Class():
            return value.last_instance is not None
        case Function(node=node):
            return node in m.reached
    return value is not None


def is_script(source: SourceFile) -> bool:
    """Whether a file does more than define things when it is run."""
    return any(_acts(source, node) for node in source.tree.body)


def _acts(source: SourceFile, node: cst.CSTNode | None) -> bool:
    """Whether a statement of a module's top level calls something."""
    match node:
        case cst.For() | cst.While() | cst.With():
            return True
        case cst.If(test=test) if "__name__" in source.tree.code_for_node(test):
            return True
        case cst.If(body=body, orelse=orelse):
            return _acts(source, body) or _acts(source, orelse)
        case cst.Try(body=body, orelse=orelse, finalbody=finalbody):
            return any(_acts(source, part) for part in (body, orelse, finalbody))
        case cst.IndentedBlock(body=statements) | cst.SimpleStatementSuite(body=statements):
            return any(_acts(source, statement) for statement in statements)
        case cst.Else(body=body) | cst.Finally(body=body):
            return _acts(source, body)
        case cst.SimpleStatementLine(body=statements):
            return any(_acts(source, statement) for statement in statements)
        case cst.Expr(value=value) | cst.Assign(value=value) | cst.AnnAssign(value=value):
            return _calls(value)
    return False


def _calls(value: cst.BaseExpression | None) -> bool:
    """Whether an expression calls something itself, or for each of several items."""
    match value:
        case cst.Call() | cst.ListComp() | cst.SetComp() | cst.DictComp():
            return True
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            return any(_calls(element.value) for element in elements)
    return False


def shared_files(files: Sequence[SourceFile]) -> frozenset[str]:
    """The names of files that are written in code that saves something, and in other code that loads something."""
    savers = [file for file in files if file.mentions("torch.save(")]
    loaders = [file for file in files if _only_loads(file)] if savers else []
    return _file_names(savers) & _file_names(loaders)


def savers_first(files: Sequence[SourceFile], shared: frozenset[str]) -> list[SourceFile]:
    """The files, those last that load a file which others save."""
    last = {f for f in files if _only_loads(f) and _file_names([f]) & shared} if shared else set()
    return sorted(files, key=last.__contains__)


def _only_loads(file: SourceFile) -> bool:
    return file.mentions("torch.load(") and not file.mentions("torch.save(")


def _file_names(files: Sequence[SourceFile]) -> frozenset[str]:
    return frozenset(normpath(n) for file in files for n in _FILE_NAME.findall(file.content))
