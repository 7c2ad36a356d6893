"""What the code of a class's own ``train`` says."""

from collections.abc import Iterator

import libcst as cst

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.facts.types.train_method import TrainMethod
from bnlint.interpreter.core.objects import Class, Function, Instance
from bnlint.interpreter.torch.norms import has_batchnorm
from bnlint.source.parents import children

_STEPS = frozenset({"backward", "step", "zero_grad"})


def train_method(module: Instance) -> TrainMethod | None:
    """The ``train`` that a module's class has of its own, ``None`` if it is torch's."""
    cls = module.cls
    found = cls.find("train") if isinstance(cls, Class) else None
    if not isinstance(found, Function) or not isinstance(found.node, cst.FunctionDef):
        return None
    assert isinstance(cls, Class)
    node, given = found.node, found.node.params
    behind_self = [*given.posonly_params, *given.params][1:]
    body = list(_own_nodes(node.body))
    returned = [one.value for one in body if isinstance(one, cst.Return)]
    return TrainMethod(
        Site(found.scope.namespace.source, node),
        next(one.name for one in cls.mro if isinstance(one, Class) and "train" in one.names),
        tuple(parameter.name.value for parameter in behind_self),
        sum(parameter.default is None for parameter in behind_self),
        isinstance(given.star_arg, cst.Param),
        frozenset(name for one in body if isinstance(one, cst.For) for name in _names(one.iter)),
        any(isinstance(one, cst.Call) and _method(one) in _STEPS for one in body),
        any(value is not None for value in returned),
        bool(returned),
        isinstance(cls.find("eval"), Function),
        isinstance(cls.find("forward"), Function),
        has_batchnorm(module) is Known.YES,
    )


def _own_nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes of a function, without those of functions in it."""
    for child in children(node):
        if isinstance(child, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            continue
        yield child
        yield from _own_nodes(child)


def _names(node: cst.CSTNode) -> Iterator[str]:
    """The names in what a loop iterates: ``loader`` in ``enumerate(tqdm(loader))``, not attributes."""
    match node:
        case cst.Name(value=name):
            yield name
        case cst.Call(args=arguments):
            for argument in arguments:
                yield from _names(argument.value)


def _method(call: cst.Call) -> str:
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
