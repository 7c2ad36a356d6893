"""Where the code reads the bias of a layer, and so would get ``None`` if the layer had none."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import libcst as cst

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Choice, Many, Unknown, Value
from bnlint.source import Project, SourceFile
from bnlint.source.deciding import tests
from bnlint.source.name_bindings import dotted
from bnlint.source.notebook import NOTEBOOK
from bnlint.vocabulary.layers import KINDS, bare_name

_CONFIGURATION = frozenset(
    """args arg kw kwargs cfg conf config opt opts option options param params hparams setting
    settings""".split()
)
_PATH_SIGNS = frozenset("_.*\\$^")
_FAMILIES = re.compile(r"Conv|Linear|Norm|LSTM|GRU|RNN|Embedding|Module\b")
_KIND_TESTS = (
    "isinstance",
    "class",
    "type(",
    "__name__",
    ".find(",
    "startswith(",
    '" in ',
    "' in ",
)
_MENTION = re.compile(r"""\.[\s\\]*bias\b|bias[\w.*\\$^]*["']|\.[\s\\]*parameters\b""")
"""What a file has that reads biases."""
_ASKS_ONLY = frozenset({"hasattr", "register_parameter", "register_buffer", "add_argument"})


@immutable(slots=False)
class _Read:
    """A place that says ``.bias`` or names a bias in a string.

    What stands around it is looked at only where it matters, since that takes the whole file's positions.
    """

    source: SourceFile
    node: cst.CSTNode
    text: str | None
    """The string."""
    receiver: cst.CSTNode | None = None

    @property
    def site(self) -> Site:
        """Where it is."""
        return Site(self.source, self.node)

    @cached_property
    def families(self) -> frozenset[str]:
        """Kinds of layers that the tests around it speak of."""
        return frozenset(_families(self.source, self.node))

    @cached_property
    def is_harmless(self) -> bool:
        """Whether it is ready for ``None``, or only asks."""
        match self.node:
            case cst.Attribute(attr=cst.Name(value="bias")):
                return _is_prepared(self.source, self.node)
            case cst.SimpleString():
                return _only_asks(self.source, self.node)
        return False


@dataclass(slots=True)
class _Receivers:
    """What the biases that one place read were those of."""

    anything: bool = False
    one_of_several: bool = False
    sites: set[Site] = field(default_factory=set)
    """Where the layers are built."""
    families: set[str] = field(default_factory=set)
    """The kinds of those that are not known well."""

    def add(self, receiver: Value) -> None:
        """The place reads ``receiver.bias``."""
        self.anything |= _is_anything(receiver)
        self.one_of_several |= isinstance(receiver, Choice)
        for one in _instances(receiver):
            self.sites.add(one.site)
            if not one.resolved:
                self.families.add(_family(one))


class BiasReads:
    """The reads of biases in all files of a program.

    What was rehearsed is known to read the biases of the layers that it got; of other code the names
    and tests around it say which layers it may read.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._receivers: dict[Site, _Receivers] = {}
        self._handed: dict[Site, Site] = {}
        self._paired: dict[Site, Site] = {}
        self._found: tuple[_Read, ...] | None = None
        self.places: list[Site] = []
        """Where biases of known layers were read, each time that one was."""

    def note(self, site: Site, receiver: Value) -> None:
        """``receiver.bias`` is evaluated."""
        self.places.append(site)
        if site not in self._receivers:
            self._receivers[site] = _Receivers()
        self._receivers[site].add(receiver)

    def note_handed(self, site: Site, one: Instance, other: Instance) -> None:
        """The state of a layer is loaded into another, which needs a bias if the first has one."""
        if one.site != other.site:
            self._handed.setdefault(one.site, site)
            self._handed.setdefault(other.site, site)

    def note_paired(self, site: Site, layer: Instance) -> None:
        """The parameters of a layer's model are paired by position with those of another one."""
        self._paired.setdefault(layer.site, site)

    def pairing(self, layer: Instance) -> Site | None:
        """The place that counts on the order of parameters among which a layer's are."""
        return self._paired.get(layer.site)

    def of(self, layer: Instance, name: str) -> Site | None:
        """A place that reads the bias of a layer, which has this name in its model."""
        if layer.site in self._handed:
            return self._handed[layer.site]
        if self._found is None:
            files = {file.file: file for file in (*self._project.files, *self._project.overrides)}
            self._found = tuple(read for file in files.values() for read in _reads(file))
        concern = (read for read in self._found if self._concerns(read, layer, name))
        return next((read.site for read in concern if not read.is_harmless), None)

    def _concerns(self, read: _Read, layer: Instance, name: str) -> bool:
        if _are_apart(read.source.path, layer.site.path):
            return False
        if read.text is not None:
            return _names(read.text, name)
        receivers = self._receivers.get(read.site)
        if receivers is None or receivers.anything:
            return _may_concern(read, layer, name)
        if receivers.one_of_several and _is_excluded(read, layer):
            return False
        return layer.site in receivers.sites or _family(layer) in receivers.families


def _are_apart(one: str, other: str) -> bool:
    """Whether two paths are those of two notebooks, of which none can import the other."""
    return one != other and one.endswith(NOTEBOOK) and other.endswith(NOTEBOOK)


def _instances(value: Value) -> Iterator[Instance]:
    match value:
        case Instance():
            yield value
        case Choice(values=values):
            yield from (one for one in values if isinstance(one, Instance))
        case Many(element=element):
            yield from _instances(element)


def _is_anything(value: Value) -> bool:
    match value:
        case Unknown():
            return True
        case Choice(values=values):
            return any(map(_is_anything, values))
        case Many(element=element):
            return _is_anything(element)
    return False


def _names(text: str, layer: str) -> bool:
    """Whether a string means the bias of a layer, among others perhaps."""
    own = f"{layer}.bias"
    path = text.strip("^$.*\\").replace("\\.", ".")
    return path in own or path.endswith(f".{own}")


def _may_concern(read: _Read, layer: Instance, name: str) -> bool:
    """What code that was not followed may read, by the names in it and the tests around it."""
    return _may_be(read.receiver, name) and not _is_excluded(read, layer)


def _may_be(receiver: cst.CSTNode | None, layer: str) -> bool:
    """Whether an expression may stand for a layer of this name."""
    while isinstance(receiver, cst.Subscript):
        receiver = receiver.value
    match receiver:
        case cst.Name(value=owner):
            return owner not in ("self", "cls", "ctx") and not _is_configuration(owner)
        case cst.Attribute(attr=cst.Name(value=owner)):
            return owner in layer.split(".")
    return True


def _is_excluded(read: _Read, layer: Instance) -> bool:
    """Whether the tests around a place let only layers of other kinds through."""
    families = {_family(layer), "Module"}
    return bool(read.families) and read.families.isdisjoint(families)


def _family(layer: Instance) -> str:
    kind = KINDS.get(bare_name(layer.library) or "")
    return {Kind.CONV: "Conv", Kind.LINEAR: "Linear"}.get(kind or Kind.OTHER, "")


def _reads(source: SourceFile) -> Iterator[_Read]:
    """All reads in a file, in no particular order."""
    if _MENTION.search(source.content) is None:
        return
    for node in source.parents.of_node:
        match node:
            case cst.Attribute(attr=cst.Name(value="bias")):
                yield _Read(source, node, None, node.value)
            case cst.SimpleString() if "bias" in node.value:
                if text := _text(node):
                    yield _Read(source, node, text)
            case (
                cst.Subscript(value=cst.Call(args=[cst.Arg(value=value)]))
                | cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple())], value=value)
            ) if _lists_parameters(value):
                yield _Read(source, value, "bias")


def _lists_parameters(node: cst.CSTNode) -> bool:
    """Whether code counts on which parameters there are: ``weight, bias = layer.parameters()``."""
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="parameters"))):
            return True
    return False


def _text(node: cst.SimpleString) -> str | None:
    value = node.evaluated_value
    if not isinstance(value, str) or "bias" not in value:
        return None
    return value if all(sign.isalnum() or sign in _PATH_SIGNS for sign in value) else None


def _is_prepared(source: SourceFile, node: cst.Attribute) -> bool:
    """Whether a place assigns the bias, compares it with ``None`` or runs only where it is there."""
    match source.parents.of_node.get(node):
        case (
            cst.AssignTarget()
            | cst.Comparison(comparisons=[cst.ComparisonTarget(operator=cst.Is() | cst.IsNot())])
        ):
            return True
        case cst.If(test=test) | cst.UnaryOperation(operator=cst.Not(), expression=test):
            if test is node:
                return True
        case cst.BooleanOperation():
            return True
    own = "".join(source.text(node).split())
    return any(_rules_out_none(source.text(t), holds, own) for t, holds in tests(source, node))


def _rules_out_none(test: str, holds: bool, own: str) -> bool:
    """Whether a test with this answer says that ``own`` is not ``None``."""
    parts = [part.strip("() ") for part in re.split(r"\band\b" if holds else r"\bor\b", test)]
    squeezed = {"".join(part.split()) for part in parts}
    if holds:
        return not squeezed.isdisjoint({own, f"{own}isnotNone", f"{own}!=None"})
    return not squeezed.isdisjoint({f"{own}isNone", f"{own}==None", f"not{own}"})


def _families(source: SourceFile, node: cst.CSTNode) -> Iterator[str]:
    for test, holds in tests(source, node):
        text = source.text(test)
        if holds and any(word in text for word in _KIND_TESTS):
            yield from _FAMILIES.findall(text)


def _only_asks(source: SourceFile, node: cst.SimpleString) -> bool:
    """Whether a string is a key of a configuration, documentation or a question."""
    above = list(source.parents.above(node))[:3]
    plain = _text(node) == "bias"
    match above:
        case [cst.Expr(), *_] | [cst.ConcatenatedString(), *_]:
            return True
        case [cst.DictElement(key=key), *_] if key is node:
            return True
        case [cst.Arg(), cst.Call(func=function, args=args), *_]:
            name = dotted(function).rpartition(".")[2]
            harmless = name in _ASKS_ONLY or (name == "getattr" and len(args) == 3)
            return harmless or (plain and _is_configuration(dotted(function).rpartition(".")[0]))
        case [cst.Index(), cst.SubscriptElement(), cst.Subscript(value=value)]:
            return plain and _is_configuration(dotted(value))
        case [cst.Comparison(comparisons=[cst.ComparisonTarget(comparator=value)]), *_]:
            return plain and _is_configuration(dotted(value))
    return False


def _is_configuration(name: str) -> bool:
    """Whether a name is that of arguments or settings."""
    last = name.rpartition(".")[2].lower()
    return not _CONFIGURATION.isdisjoint(last.split("_"))
