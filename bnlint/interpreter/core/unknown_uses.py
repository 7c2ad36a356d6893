"""What a script uses as a model, or as data for one, and is not known: noted where it is used."""

import libcst as cst

from bnlint.facts.types.account import ScriptRole
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin, Instance
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Library, Tensor, Unknown, Value
from bnlint.source.name_bindings import dotted
from bnlint.vocabulary.packages import WITHOUT_BATCHNORM

OF_MODELS = frozenset({"train", "eval", "parameters", "named_parameters", "named_modules"})
"""Methods, called without further arguments, that tell a model."""


@immutable
class Use:
    """What a script uses for what, under which name, though it is not known."""

    role: ScriptRole
    name: str
    value: Value
    owner: str = ""
    """The class of the model that a layer belongs to."""


def note_unknown_call(m: Machine, callee: Value, arguments: Arguments, site: Site) -> None:
    """Something that is not known is called: is it a model's method, or a layer in a forward?

    ``callee`` is the function, or the object whose method it is.
    """
    if not m.journal.in_script or not isinstance(site.node, cst.Call):
        return
    function = site.node.func
    if m.modules:
        _note_layer(m, dotted(function), callee, arguments, site)
    elif isinstance(function, cst.Attribute):
        method, receiver = function.attr.value, _named(function.value)
        plain = all(isinstance(value, bool) for value in arguments.values)
        if receiver and plain and (method in OF_MODELS or method == "step"):
            role = ScriptRole.OPTIMIZER if method == "step" else ScriptRole.MODEL
            _note(m, Use(role, receiver, callee), site)


def _note_layer(m: Machine, name: str, layer: Value, arguments: Arguments, site: Site) -> None:
    name = name.removesuffix(".forward")
    if _is_no_layer(layer):
        return
    if name.startswith("self.") and name.count(".") == 1 and tensors_in(arguments.values):
        _note(m, Use(ScriptRole.LAYER, name, layer, m.modules[-1].type_name), site)


def _is_no_layer(value: Value) -> bool:
    """Whether it has no BatchNorm for sure, or is a method that a model has from a class of a package."""
    match value:
        case Instance(library=path):
            return path.startswith(WITHOUT_BATCHNORM)
        case Unknown(cause=Instance(is_module=True)):
            return True
    return False


def _named(node: cst.CSTNode | None) -> str:
    """How the code calls something: a dotted name, or a function whose result it is."""
    if isinstance(node, cst.Call):
        return f"{name}()" if (name := dotted(node.func)) else ""
    return dotted(node)


def note_unknown_model(m: Machine, arguments: Arguments, site: Site) -> None:
    """A wrapper, such as DataParallel, is given its model: is that known?"""
    value = arguments.get(0, "module")
    if m.journal.in_script and isinstance(value, Unknown):
        name = _named(arguments.nodes[0] if arguments.nodes else None)
        _note(m, Use(ScriptRole.MODEL, name or "the model", value), site)


def note_unknown_architecture(m: Machine, path: str, arguments: Arguments, site: Site) -> None:
    """A model of a package is built of which it is not known whether it has BatchNorm."""
    if m.journal.in_script:
        given = next((v for v in arguments.values if isinstance(v, Unknown)), None)
        what = "norm_layer" if "norm_layer" in arguments.keywords else "architecture"
        value = given or Unknown(f"{what} {path}", site)
        _note(m, Use(ScriptRole.MODEL, f"{path.rpartition('.')[2]}()", value), site)


def note_unknown_data(m: Machine, inputs: list[Tensor]) -> None:
    """A script calls a model in a loop: is it known what that draws from?"""
    if not m.journal.in_script or not m.loops or any(t.loaders or t.made_up for t in inputs):
        return
    loop = m.loops[-1]
    if loop.loader is not None or loop.scope is None or not isinstance(loop.node, cst.For):
        return
    source = _drawn_from(loop.node.iter)
    value = m.evaluate(source, loop.scope) if dotted(source) else None
    if isinstance(value, Unknown | Builtin | Library) and not isinstance(_owner(value), Instance):
        _note(m, Use(ScriptRole.DATA, dotted(source), value), Site(loop.site.source, source))


def _drawn_from(node: cst.BaseExpression) -> cst.BaseExpression:
    """``loader`` in ``enumerate(tqdm(loader), 1)``."""
    while isinstance(node, cst.Call) and node.args and dotted(node.func) != "range":
        node = node.args[0].value
    return node


def _owner(value: Value) -> Value:
    while isinstance(value, Builtin):
        value = value.receiver
    return value


def _note(m: Machine, use: Use, site: Site) -> None:
    m.journal.unknown_models += use.role in (ScriptRole.MODEL, ScriptRole.LAYER)
    context = m.context()
    m.journal.note(lambda facts, order: facts.not_understood(order, site, context, use))
