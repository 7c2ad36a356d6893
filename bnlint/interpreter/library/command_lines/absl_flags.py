"""absl: flags that are defined one by one, and read from one object."""

from collections.abc import Mapping

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.interruptions import ProgramEnds
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.evaluation.command_grammar import Grammar as WordGrammar
from bnlint.interpreter.evaluation.command_grammar import GrammarRule, NotReadable, Refused, read
from bnlint.interpreter.library.calls import library_function

KINDS: Mapping[str, type | None] = {
    "integer": int,
    "float": float,
    "string": None,
    "enum": None,
    "list": None,
    "bool": bool,
    "boolean": bool,
}


@immutable
class _Flag:
    """What a rule is about, and for a switch, what it gives."""

    kind: type | None
    site: Site
    on: bool = True


@library_function(
    *(f"{package}.DEFINE_{kind}" for package in ("absl.flags", "gflags") for kind in KINDS)
)
def _define(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name, default = arguments.get(0, "name"), arguments.get(1, "default")
    if not isinstance(name, str):
        return Unknown("flag")
    kind, flags = KINDS[path.rpartition("_")[2]], (f"--{name}", f"-{name}")
    line = m.command_line
    if kind is bool:
        line.flags[name] = [
            GrammarRule(flags, {"dest": name, "nargs": "?"}, owner=_Flag(kind, site)),
            GrammarRule(
                (f"--no{name}", f"-no{name}"),
                {"dest": name, "nargs": 0},
                owner=_Flag(kind, site, False),
            ),
        ]
    else:
        line.flags[name] = [GrammarRule(flags, {"dest": name}, kind, owner=_Flag(kind, site))]
    value = line.switch(name, f"--{name}") if default is False else default
    m.heap.put(line.namespace, name, with_site(value, site, f"--{name}"))
    return Unknown("flag")


def read_flags(m: Machine) -> None:
    """Give the flags what the command line says, as ``app.run`` does.

    Raises:
        ProgramEnds: a flag is not known.
    """
    line = m.command_line
    if line.invocation is None:
        return
    rules = [rule for own in line.flags.values() for rule in own if isinstance(rule, GrammarRule)]
    try:
        reading = read(WordGrammar({"allow_abbrev": False}, rules), line.words(), partly=True)
    except NotReadable:
        for name in line.flags:
            m.heap.put(line.namespace, name, Unknown(f"flag {name}"))
        return
    except Refused as error:
        line.refuse(str(error))
        raise ProgramEnds from None
    unknown = [word for word in reading.rest if word.startswith("-")]
    if unknown and not m.assumptions():
        line.refuse(f"unknown command line flag '{unknown[0].lstrip('-').partition('=')[0]}'")
        raise ProgramEnds
    for given in reading.given:
        flag = given.rule.owner
        assert isinstance(flag, _Flag)
        values = [word.value for word in given.words]
        value: Value = values[0] if values else flag.on
        if flag.kind is bool and values:
            value = str(values[0]).lower() in ("true", "t", "1", "yes", "y")
        written = f"`{given}`, {line.source}"
        name = str(given.rule.settings["dest"])
        m.heap.put(line.namespace, name, with_site(value, flag.site, given_by=written))
