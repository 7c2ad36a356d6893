"""Why a value is not known: back to the first one that is not, and that in words for users."""

import re
from collections.abc import Iterator

import libcst as cst

from bnlint.facts.types.reason import Reason
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.objects import Builtin, Class, Instance
from bnlint.interpreter.core.values import CONDITIONAL, Library, Many, Unknown, Value

_LONGEST_CHAIN = 200
_READERS = frozenset(
    """yaml oyaml ruamel ruamel_yaml json simplejson ujson orjson toml tomllib tomli pickle numpy torch
    joblib scipy configparser""".split()
)
_READING = ("builtins.open", "OmegaConf.load", "Config.fromfile")
_ENVIRONMENT = re.compile(r"os\.(?:getenv|environ\b.*)")
_PYTHON = frozenset("builtins os sys importlib inspect functools copy random time".split())
_WORDS = (
    (r"option (-.+)", "the option `{0}` has no default; give it with `-- {0} ...`"),
    (r"option (.+)", "the argument `{0}` has no default; give it behind `--`"),
    (r"argument (.+)", "nothing says what the argument `{0}` is"),
    (r"(?:name|global) (.+)", "`{0}` is not defined in files that are read"),
    (r"module (.+)", "the module `{0}` was not found"),
    (CONDITIONAL, "which one it is depends on a condition that is not known"),
    (r"file (.+) load\(\)", "the file `{0}` is not there, or cannot be read"),
    (r"large (.+)", "`{0}` is too large to be read"),
    (r"malformed (.+)", "`{0}` is not the data that its name promises"),
    (r"architecture (.+)", "whether `{0}` has BatchNorm is not in bnlint's list"),
    (r"norm_layer (.+)", "whether the `norm_layer` given to `{0}` is BatchNorm is not known"),
    (r"raises", "every path through it raises"),
    (r"recursion", "it calls itself without an end that is known"),
    (r"one of very many", "it is one of very many"),
)


def first_cause(value: Value) -> Reason:
    """Why a value is not known."""
    chain = list(_chain(value))
    root = chain[-1]
    sites = [link.site for link in chain if isinstance(link, Unknown) and link.site is not None]
    own = root.site if isinstance(root, Unknown | Instance) else None
    place = own or (sites[-1] if sites else None)
    words = _words_for(root)
    if words is None:
        return Reason("", place, place)
    code = next((_key_of(site) for site in reversed(sites) if site is not own), None)
    return Reason(words, code, place)


def _chain(value: Value) -> Iterator[Value]:
    """A value and those that it comes from, the first cause last."""
    for _ in range(_LONGEST_CHAIN):
        while isinstance(value, Builtin):
            value = value.receiver
        yield value
        if not isinstance(value, Unknown) or value.cause is None:
            return
        value = value.cause


def _words_for(root: Value) -> str | None:
    """What the first cause says by itself; ``None`` where it only makes sense with its code."""
    match root:
        case Unknown(reason=reason):
            return _of_reason(reason)
        case Instance(cls=Class() as cls) if cls.open:
            return f"a base class of `{cls.name}` is not defined in files that are read"
        case Instance(library=path) if path and not path.startswith("torch."):
            return f"the code of `{path}` is not read"
        case Library(path=path):
            return f"`{path}` is outside of what is read"
        case Many():
            return "it is one of many"
    return None


def _of_reason(reason: str) -> str | None:
    for pattern, words in _WORDS:
        if found := re.fullmatch(pattern, reason):
            return words.format(*found.groups())
    path = reason.removesuffix("()")
    if path == reason or "." not in path:
        return None
    short = path.removeprefix("builtins.") + "()"
    if _reads_a_file(path):
        return f"`{short}` reads it from a file"
    if _ENVIRONMENT.match(path):
        return f"`{short}` reads it from the environment"
    if path.partition(".")[0] in _PYTHON:
        return f"it is what `{short}` gives"
    return f"the code of `{path}` is not read"


def _reads_a_file(path: str) -> bool:
    """Whether a library function gives what stands in a file."""
    package, _, rest = path.partition(".")
    name = rest.rpartition(".")[2]
    read = name == "read" or name.startswith("read_")
    return read or path.endswith(_READING) or (package in _READERS and "load" in name)


def _key_of(site: Site) -> Site:
    """Of an item the key that decides which one it is, unless that is written out."""
    match site.node:
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            return (
                site if isinstance(key, cst.BaseString | cst.BaseNumber) else Site(site.source, key)
            )
    return site
