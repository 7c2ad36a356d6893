"""Which numbers of a program serve for more than one thing, so that none of them may change alone."""

import re
from collections.abc import Iterable, Iterator

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.values import Float, Int, Value
from bnlint.source import Project, SourceFile

CARRIERS = frozenset(
    """builtins.dict builtins.list builtins.tuple builtins.print builtins.isinstance builtins.str
    builtins.repr builtins.setattr functools.partial argparse.Namespace types.SimpleNamespace
    easydict.EasyDict addict.Dict""".split()
)
"""Library functions that only pass a number on, or show it."""
_WRITTEN = (Int, Float)
_OPERATOR = r"(?:[*/%+-]|[<>]=?|[=!]=)"
_COMPUTED = (
    r"(?<![\w.])(?:\w+\.)*{name}\s*" + _OPERATOR + "|" + _OPERATOR + r"=?\s*\(?(?:\w+\.)*{name}\b"
)


class NumberUses:
    """The numbers that something else than a layer's own setting is computed from.

    A number counts by the place where it is written. What was rehearsed is noted as it happens; code
    that was not is searched for the name that the number is given there.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._noted: set[int] = set()
        """The identities of their nodes."""

    def note(self, values: Iterable[Value]) -> None:
        """Something is computed from values."""
        for value in values:
            if isinstance(value, _WRITTEN):
                self._noted.add(id(value.site.node))

    def __contains__(self, origin: object) -> bool:
        if not isinstance(origin, Site) or id(origin.node) in self._noted:
            return True
        source, node = origin.source, origin.node
        if not isinstance(source, SourceFile) or not isinstance(node, cst.CSTNode):
            return True
        return any(pattern.search(text) for pattern, text in self._code_with(source, node))

    def _texts(self) -> list[str]:
        files = {file.file: file for file in (*self._project.files, *self._project.overrides)}
        return [file.content for file in files.values()]

    def _code_with(
        self, source: SourceFile, node: cst.CSTNode
    ) -> Iterator[tuple[re.Pattern[str], str]]:
        """The code that knows a number by name, and how it would compute with that name."""
        holder = source.parents.of_node.get(node)
        match holder:
            case cst.Assign(targets=targets):
                names = [name for t in targets if (name := _last_name(t.target))]
                texts = self._texts()
            case cst.AnnAssign(target=target):
                names = [_last_name(target)]
                texts = self._texts()
            case cst.Param(name=cst.Name(value=name)):
                above = source.parents.above(holder)
                function = next(f for f in above if isinstance(f, cst.FunctionDef | cst.Lambda))
                names, texts = [name], [source.text(function)]
            case _:
                return
        for name in filter(None, names):
            pattern = re.compile(_COMPUTED.format(name=re.escape(name)))
            yield from ((pattern, text) for text in texts if name in text)


def _last_name(target: cst.CSTNode) -> str:
    match target:
        case cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name)):
            return name
    return ""
