"""Command lines that are made of signatures: of functions (typer, tyro) and of dataclasses."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.interruptions import ProgramEnds
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Function, Instance, Method, Partial, Scope
from bnlint.interpreter.core.script_options import unknown_option
from bnlint.interpreter.core.values import (
    MISSING,
    Arguments,
    Library,
    Unknown,
    Value,
)
from bnlint.interpreter.evaluation.command_grammar import (
    READING,
    Given,
    Grammar,
    GrammarRule,
    NotReadable,
    Refused,
    read,
)
from bnlint.source.parents import children

KINDS: Mapping[str, type | None] = {"int": int, "float": float, "str": None, "bool": bool}
TRUE = frozenset(("true", "yes", "t", "y", "1", "on"))
_LIST = re.compile(r"(?:typing\.)?(?:List|list|Sequence|Tuple|tuple)\[(\w+)")
_PLAIN = re.compile(r"(?:typing\.)?(?:Optional\[)?(?:Annotated\[)?(?:Optional\[)?(\w+)")


@immutable
class Spelling:
    """How a package spells options.

    ``no`` begins the flag that turns a switch off. With ``values`` a switch may have one; what has no
    default stands in its place with ``places``; ``dashes`` replace underscores. With ``nested`` the
    fields of a dataclass within another are options with a dot: ``--data.batch-size``.
    """

    no: str
    values: bool = False
    places: bool = False
    dashes: bool = False
    nested: bool = False


TYPER = Spelling("--no-", places=True, dashes=True)
TYRO = Spelling("--no-", dashes=True, nested=True)
DATACLASSES = Spelling("--no_", values=True)


@immutable
class ParameterOption:
    """A parameter of a function or field of a dataclass, as an option."""

    name: str
    default: Value
    kind: type | None
    several: bool
    flags: tuple[str, ...]
    node: cst.CSTNode
    annotation: cst.Annotation | None = None

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        return self.kind is bool and not self.several


def parameters_of(component: Value) -> list[ParameterOption]:
    """The options that a function or a dataclass has."""
    match component:
        case Function(node=cst.FunctionDef() as node, defaults=defaults):
            params = [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]
            return [
                _parameter(
                    p.name.value, defaults.get(p.name.value, MISSING), p.annotation, p, p.default
                )
                for p in params
            ]
        case Class(dataclass=True):
            found: dict[str, ParameterOption] = {}
            for cls in reversed(component.mro):
                if isinstance(cls, Class):
                    found |= {p.name: p for p in _fields(component, cls)}
            return list(found.values())
    return []


def _fields(whole: Class, cls: Class) -> Iterator[ParameterOption]:
    body = cls.node.body.body if isinstance(cls.node, cst.ClassDef) else ()
    for line in body:
        for node in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match node:
                case cst.AnnAssign(target=cst.Name(value=name), annotation=annotation, value=value):
                    yield _parameter(name, whole.find(name), annotation, node, value)


def _parameter(
    name: str,
    default: Value,
    annotation: cst.Annotation | None,
    node: cst.CSTNode,
    written: cst.BaseExpression | None,
) -> ParameterOption:
    text = cst.Module([]).code_for_node(annotation.annotation) if annotation is not None else ""
    several, plain = _LIST.match(text), _PLAIN.match(text)
    word = several[1] if several is not None else plain[1] if plain is not None else ""
    kind = KINDS.get(word)
    if not text and isinstance(default, bool | int | float):
        kind = bool if isinstance(default, bool) else int if isinstance(default, int) else float
    default = MISSING if isinstance(default, Unknown) else default
    flags = tuple(_flags_in(written)) or tuple(_flags_in(annotation))
    return ParameterOption(name, default, kind, several is not None, flags, node, annotation)


def _flags_in(node: cst.CSTNode | None) -> Iterator[str]:
    """``typer.Option(4, "--batch-size", "-b")``: the spellings."""
    pending = [node] if node is not None else []
    while pending:
        part = pending.pop()
        if isinstance(part, cst.SimpleString) and isinstance(part.evaluated_value, str):
            text = part.evaluated_value
            if re.fullmatch(r"--?[A-Za-z][\w-]*(/--?[A-Za-z][\w-]*)?", text):
                yield text.partition("/")[0]
        pending.extend(reversed(children(part)))


DEEPEST = 6
"""Dataclasses within dataclasses that are options."""


def _inner_class(m: Machine, component: Value, parameter: ParameterOption) -> Class | None:
    """The dataclass that a parameter is annotated with."""
    if parameter.annotation is None or parameter.several or parameter.kind is not None:
        return None
    match component:
        case Class(namespace=namespace) | Function(scope=Scope(namespace=namespace)):
            found = m.evaluate(parameter.annotation.annotation, namespace.scope)
            return found if isinstance(found, Class) and found.dataclass else None
    return None


def _nested(
    m: Machine, component: Value, spelling: Spelling, depth: int = DEEPEST
) -> Iterator[ParameterOption]:
    """The parameters of a component, in place of dataclasses among them their fields."""
    for parameter in parameters_of(component):
        inner = _inner_class(m, component, parameter) if spelling.nested and depth else None
        if inner is None:
            yield parameter
            continue
        for part in _nested(m, inner, spelling, depth - 1):
            yield replace(part, name=f"{parameter.name}.{part.name}", flags=())


def _gathered(
    m: Machine, component: Value, given: Mapping[str, Value], site: Site
) -> dict[str, Value]:
    """The values by the names of the parameters themselves: dataclasses are built of their fields.

    Where a field has a default of its own, only what is given of it is replaced.
    """
    found = {name: value for name, value in given.items() if "." not in name}
    for parameter in parameters_of(component):
        start = f"{parameter.name}."
        inside = {n.removeprefix(start): v for n, v in given.items() if n.startswith(start)}
        cls = _inner_class(m, component, parameter) if inside else None
        if cls is None:
            continue
        fields = Arguments([], _gathered(m, cls, inside, site))
        made_by: Value = cls
        if isinstance(parameter.default, Instance):
            made_by, fields.positional = Library("dataclasses.replace"), [parameter.default]
            fields.nodes = [None]
        found[parameter.name] = m.call(made_by, fields, site, m.namespaces.anywhere)
    return found


@immutable
class _Effect:
    """What a rule gives a value to, and for a switch, which."""

    parameter: ParameterOption
    on: bool = True


def rules_for(parameters: Sequence[ParameterOption], spelling: Spelling) -> list[GrammarRule]:
    """The rules of a grammar that takes the parameters."""
    found: list[GrammarRule] = []
    for parameter in parameters:
        name = parameter.name.replace("_", "-") if spelling.dashes else parameter.name
        flags = parameter.flags or (f"--{name}",)
        if parameter.is_switch:
            number: dict[str, object] = {"nargs": "?" if spelling.values else 0}
            found.append(
                GrammarRule(flags, {"dest": parameter.name, **number}, owner=_Effect(parameter))
            )
            off = {"dest": parameter.name, "nargs": 0}
            around, _, last = f"--{name}".rpartition(".")
            no = f"{around}.no-{last}" if around else spelling.no + name
            if no not in flags:
                found.append(GrammarRule((no,), off, owner=_Effect(parameter, False)))
            continue
        settings: dict[str, object] = {"nargs": "+"} if parameter.several else {}
        missing = parameter.default is MISSING
        if missing and spelling.places and not parameter.flags:
            flags = (parameter.name,)
        else:
            settings |= {"dest": parameter.name, "required": missing and not parameter.several}
        found.append(GrammarRule(flags, settings, parameter.kind, owner=_Effect(parameter)))
    return found


def given_parameters(
    m: Machine, components: Sequence[Value], spelling: Spelling, site: Site, *, first: int = 0
) -> dict[str, Value] | None:
    """The values that the command line gives, by their names; ``None`` where it is not known.

    The words before ``first`` are for somebody else.

    Raises:
        ProgramEnds: the program does not take the command line.
    """
    line = m.command_line
    if line.invocation is None:
        return None
    parameters = [p for component in components for p in _nested(m, component, spelling)]
    open_ = any(not isinstance(c, Function | Class) for c in components)
    words = line.words()[first:]
    names = sum(1 + len(parameter.flags) for parameter in parameters)
    m.step(READING * (names + len(words)))
    try:
        grammar = Grammar({"allow_abbrev": True}, rules_for(parameters, spelling))
        reading = read(grammar, words, partly=open_)
    except NotReadable:
        return {p.name: unknown_option(p.name) for p in parameters}
    except Refused as error:
        if open_ or m.assumptions():
            return {p.name: unknown_option(p.name) for p in parameters}
        line.refuse(str(error))
        raise ProgramEnds from None
    found: dict[str, Value] = {}
    for given in reading.given:
        effect = given.rule.owner
        assert isinstance(effect, _Effect)
        found[effect.parameter.name] = _value(m, given, effect, site)
    if not spelling.nested:
        return found
    return {k: v for c in components for k, v in _gathered(m, c, found, site).items()}


def _value(m: Machine, given: Given, effect: _Effect, site: Site) -> Value:
    parameter = effect.parameter
    written = f"`{given}`, {m.command_line.source}"
    words = [with_site(word.value, site, given_by=written) for word in given.words]
    if parameter.is_switch:
        texts = [word.text.lower() for word in given.words]
        return texts[0] in TRUE if texts else effect.on
    if parameter.several:
        return words
    known = parameter.kind is not None or not words or _is_text(parameter)
    return words[0] if known and words else unknown_option(parameter.name)


def _is_text(parameter: ParameterOption) -> bool:
    """Whether a word stays as it is: nothing else is known to convert it."""
    return parameter.kind is None and (
        parameter.default is MISSING or isinstance(parameter.default, str | type(None))
    )


def callee_of(component: Value) -> Value:
    """The function that has the options: what a partial or a method is of."""
    match component:
        case Partial(callee=callee):
            return callee
        case Method(function=function):
            return function
    return component
