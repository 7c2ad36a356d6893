"""Loops that write the parameters of one network from those of another, by their text."""

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache

from bnlint.facts.wording.code_text import first_name, is_dotted_name
from bnlint.facts.wording.parsed_code import expression, statements
from bnlint.immutable import immutable

_COLLECTED = frozenset({"dict", "OrderedDict", "list", "tuple", "iter"})
_VIEWS = frozenset({"items", "keys", "values"})


@immutable
class NetworkPair:
    """Two networks, as code names them: the one whose parameters are written, and the other."""

    target: str
    source: str


@immutable
class _Owned:
    """What a name stands for: parameters of a network or, with ``whole``, all of its state."""

    network: str
    whole: bool = False


_Owners = Mapping[str, _Owned]


@lru_cache(maxsize=256)
def networks_of_loop(loop: str, written: str, function: str) -> NetworkPair | None:
    """The networks of ``for a, b in zip(net.parameters(), other.parameters()): a.copy_(b)``.

    ``written`` is the code that writes, and ``function`` that of the function around the loop,
    whose variables may hold the parameters. ``None`` where the loop is not known to be about two.
    """
    around = _assigned(statements(_without_decorators(function)))
    return _networks_of(loop, written, around)


@lru_cache(maxsize=256)
def networks_of_call(
    loop: str, written: str, function: str, call: str, caller: str
) -> NetworkPair | None:
    """The networks, as ``call`` names them, whose parameters it hands to the function with the loop.

    ``caller`` is the code of the function around the call.
    """
    match statements(_without_decorators(function)), expression(call):
        case [ast.FunctionDef() as defined], ast.Call() as called:
            outer = _assigned(statements(_without_decorators(caller)))
            handed = {
                name: owned
                for name, value in _arguments(defined, called)
                if (owned := _owned(value, outer)) is not None
            }
            changed = {name for node in ast.walk(defined) for name, _ in _assignments(node)}
            around = {name: owned for name, owned in handed.items() if name not in changed}
            return _networks_of(loop, written, around)
    return None


def _networks_of(loop: str, written: str, around: _Owners) -> NetworkPair | None:
    match statements(loop):
        case [ast.For(target=target, iter=iterated, body=body)]:
            owners = {**around, **_bound(target, iterated, around)}
            used = {owned.network for node in body for owned in _used(node, owners)}
            own = owners.get(first_name(written))
            others = used - {own.network} if own is not None else set()
            if own is not None and not own.whole and len(others) == 1:
                return NetworkPair(own.network, others.pop())
    return None


def _arguments(defined: ast.FunctionDef, called: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of a function, each with what a call gives for it."""
    names = [argument.arg for argument in defined.args.args]
    if isinstance(called.func, ast.Attribute) and names[:1] == ["self"]:
        names = names[1:]
    yield from zip(names, called.args, strict=False)
    yield from ((given.arg, given.value) for given in called.keywords if given.arg is not None)


def _without_decorators(function: str) -> str:
    """A function from its ``def`` on, which then stands at the start of its line."""
    lines = function.splitlines()
    starts = (n for n, line in enumerate(lines) if line.lstrip().startswith(("def ", "async ")))
    start = next(starts, None)
    return "" if start is None else "\n".join([lines[start].lstrip(), *lines[start + 1 :]])


def _assigned(statements: list[ast.stmt]) -> dict[str, _Owned]:
    """The variables that hold parameters, if they have one meaning in all of the function."""
    found: dict[str, set[_Owned | None]] = {}
    for statement in statements:
        for node in ast.walk(statement):
            for name, value in _assignments(node):
                found.setdefault(name, set()).add(_owned(value, {}))
    meanings = {name: next(iter(values)) for name, values in found.items() if len(values) == 1}
    return {name: owned for name, owned in meanings.items() if owned is not None}


def _assignments(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign([ast.Name(name)], value):
            yield name, value
        case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if len(names) == len(values):
            for one, value in zip(names, values, strict=True):
                if isinstance(one, ast.Name):
                    yield one.id, value


def _bound(target: ast.expr, iterated: ast.expr, owners: _Owners) -> dict[str, _Owned]:
    """The variables of a loop that are parameters."""
    match target, iterated:
        case ast.Tuple([_, inner]), ast.Call(ast.Name("enumerate"), [counted, *_]):
            return _bound(inner, counted, owners)
        case ast.Tuple(parts), ast.Call(ast.Name("zip"), zipped) if len(parts) == len(zipped):
            pairs = zip(parts, zipped, strict=True)
            return {n: o for p, z in pairs for n, o in _bound(p, z, owners).items()}
    owned = _owned(iterated, owners)
    return {} if owned is None else dict.fromkeys(_names_in(target), owned)


def _owned(node: ast.expr, owners: _Owners) -> _Owned | None:
    """Whose parameters an expression gives, through lists and dicts of them."""
    match node:
        case ast.Name(name):
            return owners.get(name)
        case ast.Call(
            ast.Attribute(owner, "parameters" | "named_parameters" | "state_dict" as how)
        ):
            network = ast.unparse(owner)
            return _Owned(network, how == "state_dict") if is_dotted_name(network) else None
        case ast.Call(ast.Name(name), [inner]) if name in _COLLECTED:
            return _owned(inner, owners)
        case ast.Call(ast.Attribute(inner, view), []) if view in _VIEWS:
            return _owned(inner, owners)
    return None


def _used(node: ast.AST, owners: _Owners) -> Iterator[_Owned]:
    """What a statement takes from networks."""
    for part in ast.walk(node):
        owned = _owned(part, owners) if isinstance(part, ast.Name | ast.Call) else None
        if owned is not None:
            yield owned


def _names_in(node: ast.expr) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
