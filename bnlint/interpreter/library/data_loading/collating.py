"""Functions of the project that collate sequences of different lengths and pad them to one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.objects import Function, Instance, Method
from bnlint.interpreter.core.values import Value
from bnlint.source.parents import children

PLACES = "where parts of a batch are padded"
"""The attribute of loaders that has them; no name of the program's."""
REARRANGING = frozenset(
    "transpose permute swapaxes movedim mT unsqueeze contiguous float double half long to cuda clone".split()
)
"""Methods behind which the padding is in the tensor still."""
BLANK = frozenset("zeros ones full empty new_zeros new_ones new_full new_empty".split())
JOINING = frozenset("cat concat concatenate vstack row_stack".split())
"""Functions that put tensors one after the other."""


Parts = Mapping[int | str, Site | None]
"""The parts of a batch, by their places or keys, and where they are padded, if they are."""


def padded_parts(loader: Instance) -> Parts | None:
    """Where a ``collate_fn`` pads the tensors that it returns, if it pads one and all are known.

    It is read, not executed: a statement pads where it calls ``pad_sequence``, or ``pad`` with a difference of lengths, or
    fills a part of a blank tensor. Samplers may make batches of like lengths, so that with one nothing is said.
    """
    bound = [loader.arguments.get(name) for name in ("sampler", "batch_sampler")]
    if any(given is not None and given.value is not None for given in bound):
        return None
    given = loader.arguments.get("collate_fn")
    function = _function_of(given.value) if given is not None else None
    if function is None or isinstance(function.node, cst.Lambda):
        return None
    returns = [node for node in _below(function.node.body) if isinstance(node, cst.Return)]
    if len(returns) != 1 or returns[0].value is None:
        return None
    padding = _padded_names(function.node)
    found = {key: _padding_of(part, padding) for key, part in _parts(returns[0].value).items()}
    source = function.scope.namespace.source
    if not any(found.values()):
        return None
    return {key: Site(source, node) if node else None for key, node in found.items()}


def joins_samples(loader: Instance) -> bool:
    """Whether a ``collate_fn`` puts samples one after the other: patches of each, its points, its windows.

    What counts is the first that it returns, or anything in a dict: boxes and labels that come later may well be joined.
    """
    given = loader.arguments.get("collate_fn")
    function = _function_of(given.value) if given is not None else None
    if function is None:
        return False
    body = function.node.body
    nodes = [body, *_below(body)]
    returned = [node.value for node in nodes if isinstance(node, cst.Return) and node.value]
    returned += [body] if isinstance(body, cst.BaseExpression) else []
    joined = frozenset(_joined_names(nodes))
    for parts in map(_parts, returned):
        looked_at = [parts[0]] if 0 in parts else parts.values()
        if any(_is_joined(part, joined) for part in looked_at):
            return True
    return False


def _joined_names(nodes: Iterable[cst.CSTNode]) -> Iterator[str]:
    """The names of what is joined."""
    for node in nodes:
        match node:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
                pairs = [(name, value)]
            case cst.Assign(
                targets=[cst.AssignTarget(target=cst.Tuple(elements=names))],
                value=cst.Tuple(elements=values),
            ):
                named = (one.value for one in names)
                given = (one.value for one in values)
                pairs = [
                    (n.value, v)
                    for n, v in zip(named, given, strict=False)
                    if isinstance(n, cst.Name)
                ]
            case _:
                continue
        yield from (name for name, value in pairs if _is_joined(value, frozenset()))


def _is_joined(value: cst.CSTNode, joined: frozenset[str]) -> bool:
    """Whether an expression is a joined tensor, or one that is made of it by methods."""
    match value:
        case cst.Name(value=name):
            return name in joined
        case cst.Call() if _callee(value) in JOINING:
            return True
        case cst.Call(func=cst.Attribute(value=inner)):
            return _is_joined(inner, joined)
    return False


def _function_of(value: Value) -> Function | None:
    match value:
        case Function():
            return value
        case Method(function=Function() as function):
            return function
        case Instance(cls=cls) if cls is not None:
            called = cls.find("__call__")
            return called if isinstance(called, Function) else None
    return None


def _parts(returned: cst.BaseExpression) -> Mapping[int | str, cst.BaseExpression]:
    """What a batch consists of, by places or keys; a single tensor has the place 0, and a dict with other keys no parts."""
    match returned:
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            return {number: element.value for number, element in enumerate(elements)}
        case cst.Dict(elements=elements):
            named: dict[int | str, cst.BaseExpression] = {
                _text(e.key): e.value for e in elements if isinstance(e, cst.DictElement)
            }
            return named if len(named) == len(elements) and "" not in named else {}
    return {0: returned}


def _below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What is executed in a block, in its order; not what functions in it do."""
    for child in children(node):
        if not isinstance(child, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            yield child
            yield from _below(child)


def _padded_names(function: cst.FunctionDef) -> dict[str, cst.CSTNode]:
    """Names of padded tensors, and where they are padded."""
    found: dict[str, cst.CSTNode] = {}
    blank: dict[str, cst.CSTNode] = {}
    for node in _below(function.body):
        match node:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
                padding = _padding_of(value, found)
                found.pop(name, None)
                blank.pop(name, None)
                if padding is not None:
                    found[name] = padding
                elif _callee(value) in BLANK:
                    blank[name] = value
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Subscript() as target)]):
                name = target.value.value if isinstance(target.value, cst.Name) else ""
                if name in blank and _is_part(target):
                    found[name] = blank[name]
            case cst.Call(func=cst.Attribute(value=cst.Name(value=name), attr=attr), args=[arg]):
                if attr.value == "append" and (padding := _padding_of(arg.value, found)):
                    found[name] = padding
    return found


def _padding_of(value: cst.CSTNode, padded: dict[str, cst.CSTNode]) -> cst.CSTNode | None:
    """What pads the sequences in the value of an expression."""
    match value:
        case cst.Name(value=name):
            return padded.get(name)
        case cst.Call(func=cst.Attribute(value=inner, attr=attr)) if attr.value in REARRANGING:
            return _padding_of(inner, padded)
        case cst.Call(args=[first, *_]) if _callee(value) in ("stack", "cat", "tensor", "array"):
            return _padding_of(first.value, padded)
        case cst.ListComp(elt=item) | cst.GeneratorExp(elt=item):
            return _padding_of(item, padded)
        case cst.Call() if _callee(value) == "pad_sequence":
            return value
        case cst.Call(args=args) if _callee(value) == "pad" and _adds_zeros(args):
            return value
    return None


def _adds_zeros(args: Sequence[cst.Arg]) -> bool:
    """Whether ``pad`` fills the difference of two lengths with a constant."""
    if len(args) < 2:
        return False
    modes = [arg for arg in args if arg.keyword is not None and arg.keyword.value == "mode"]
    modes = modes or [arg for arg in args[2:3] if arg.keyword is None]
    if any(_text(arg.value) != "constant" for arg in modes):
        return False
    amount = [args[1].value, *_below(args[1].value)]
    return any(
        isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Subtract)
        for node in amount
    )


def _text(value: cst.CSTNode) -> str:
    return str(value.raw_value) if isinstance(value, cst.SimpleString) else ""


def _is_part(target: cst.Subscript) -> bool:
    """Whether a target is a row of a tensor up to a length that is no number."""
    first, *further = [element.slice for element in target.slice]
    return isinstance(first, cst.Index) and any(
        isinstance(part, cst.Slice)
        and part.upper is not None
        and not isinstance(part.upper, cst.Integer)
        for part in further
    )


def _callee(value: cst.CSTNode) -> str:
    match value:
        case cst.Call(func=cst.Attribute(attr=attr)):
            return attr.value
        case cst.Call(func=cst.Name(value=name)):
            return name
    return ""
