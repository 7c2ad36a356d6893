"""The standard library, as far as model code computes with it, and numpy's arithmetic."""

from collections.abc import Mapping

import libcst as cst

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.knowledge import is_known, open_one
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Class, Function, Instance, Method, Partial, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import EXIT, Arguments, Library, Tensor, Unknown, Value
from bnlint.interpreter.evaluation import FUNCTIONS, evaluate, operate, rows
from bnlint.interpreter.evaluation.vectors import NUMPY, array
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.torch_library.tensor_functions import call_tensor_function
from bnlint.interpreter.python.construction import copy_of, new_instance
from bnlint.interpreter.python.iteration import NAMED_TUPLE, elements
from bnlint.interpreter.python.registries import register


@library_function("functools.partial")
def _partial(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if not arguments.positional or arguments.opened:
        return Unknown("partial()")
    first, *rest = arguments.positional
    return Partial(first, tuple(rest), tuple(arguments.keywords.items()))


@library_function("functools.wraps")
def _wraps(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return Library("functools.wraps.decorator")


@library_function("functools.reduce")
def _reduce(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """Of tensors whose number is not known, one meets itself."""
    iterable = arguments.get(1, "iterable")
    items = elements(m, iterable)
    if items is None:
        items = list(tensors_in([iterable]))
        items += items[:1]
    values = [*arguments.positional[2:3], *items]
    result = values[0] if values else Unknown("reduce()")
    for value in values[1:]:
        result = m.call(arguments.positional[0], Arguments([result, value]), site, scope)
    return result


@library_function("copy.deepcopy", "copy.copy")
def _copy(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "x")
    if path == "copy.copy" and isinstance(value, list):
        return list(value)
    return copy_of(m, value, site)


@library_function("collections.namedtuple")
def _namedtuple(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name, fields = arguments.get(0, "typename"), arguments.get(1, "field_names")
    if isinstance(fields, str):
        fields = fields.replace(",", " ").split()
    if not isinstance(name, str) or not isinstance(fields, list | tuple):
        return Unknown("namedtuple")
    known = [field for field in fields if isinstance(field, str)]
    defaults = elements(m, arguments.keywords.get("defaults", ())) or []
    behind = known[len(known) - len(defaults) :]
    values: dict[str, Value] = dict(zip(behind, defaults, strict=False))
    assert isinstance(site.node, cst.CSTNode)
    return Class(name, site.node, (Library(NAMED_TUPLE),), values, scope.namespace, annotated=known)


@library_function(*(f"os.path.{name}" for name in ("join", "basename", "dirname", "splitext")))
def _path(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if arguments.opened:
        return Unknown(f"{path}()")
    if None in arguments.positional:
        m.command_line.note_file(None)
    made = evaluate(path, arguments.positional, m.allowance)
    if not isinstance(made, Unknown):
        return made
    return Unknown(made.reason, site, open_one(arguments.positional))


@library_function("torch.linspace")
def _linspace(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """Rates that a constructor spreads over its blocks are numbers, not data."""
    bounds = [arguments.get(i, name) for i, name in enumerate(("start", "end", "steps"))]
    numbers = [bound for bound in bounds if isinstance(bound, int | float)]
    if m.building and not m.modules and len(numbers) == 3:
        return evaluate("numpy.linspace", numbers, m.allowance)
    return call_tensor_function(m, "linspace", arguments, site)


@library_function("dataclasses.field", "pydantic.Field", "attrs.field", "attr.field")
def _field(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    factory = arguments.keywords.get("default_factory")
    if factory is not None:
        return m.call(factory, Arguments(), site, scope)
    return arguments.get(0, "default", Unknown("field"))


@library_function("dataclasses.replace", "copy.replace", "attr.evolve", "attrs.evolve")
def _replace(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """What is not named keeps its value; ``**overrides`` that are not known are taken to be empty."""
    record = arguments.get(0, "obj")
    if not isinstance(record, Instance) or record.is_module:
        return Unknown("replace()")
    made = new_instance(m, record.cls, record.library, site)
    made.attributes.update(record.attributes)
    made.attributes.update(arguments.keywords)
    return made


@library_function("types.MethodType")
def _method(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    function, receiver = arguments.get(0, "function"), arguments.get(1, "instance")
    return Method(function, receiver) if isinstance(function, Function) else Unknown("method")


@library_function("inspect.isfunction", "inspect.isclass")
def _inspect(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "object")
    wanted: type = Function if path.endswith("function") else Class
    if isinstance(value, Unknown | Library):
        return Unknown("inspect")
    return isinstance(value, wanted)


@library_function("builtins.__import__")
def _import_top(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """Without a list of names to import, what ``import a.b`` binds: ``a``."""
    name, names = arguments.get(0, "name"), arguments.get(3, "fromlist")
    module = _import(m, path, arguments, site, scope)
    if not isinstance(name, str) or names or "." not in name:
        return module
    return m.namespaces.load(name.partition(".")[0], 0, scope.namespace)


@library_function("importlib.import_module")
def _import(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = arguments.get(0, "name")
    if not isinstance(name, str):
        return Unknown("module", site, name)
    level, package = len(name) - len(name.lstrip(".")), arguments.get(1, "package")
    module = m.namespaces.load(name.lstrip("."), level, scope.namespace)
    if level == 1 and isinstance(module, Unknown) and isinstance(package, str):
        module = m.namespaces.load(package + name, 0, scope.namespace)
    if isinstance(module, Namespace):
        register(m, module)
    return module


@library_function("sys.exit", "os._exit", "builtins.exit", "builtins.quit")
def _exit(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return EXIT


ARRAYS = ("array", "asarray")
ITERTOOLS = ("repeat", "accumulate", "islice", "combinations", "permutations")
OPERATORS: Mapping[str, str] = {
    "add": "Add",
    "iadd": "Add",
    "mul": "Multiply",
    "sub": "Subtract",
    "truediv": "Divide",
    "floordiv": "FloorDivide",
    "mod": "Modulo",
}


@library_function(*(f"operator.{name}" for name in OPERATORS))
def _operator(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = path.rpartition(".")[2]
    if tensors_in(arguments.values):
        return call_tensor_function(m, name, arguments, site)
    if len(arguments.positional) != 2 or not is_known(arguments.positional):
        return Unknown(f"{path}()")
    left, right = arguments.positional
    return operate(OPERATORS[name], left, right, m.allowance)


@library_function(*(f"itertools.{name}" for name in ITERTOOLS))
def _rows(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = path.rpartition(".")[2]
    if inputs := tensors_in(arguments.values):
        return m.tape.tensor(Kind.OTHER, name, inputs, site)
    if not all(is_known(value) for value in arguments.values):
        return Unknown(f"{path}()")
    listed = rows(name, arguments.positional, m.allowance, arguments.keywords)
    return Unknown(f"{path}()") if listed is None else listed


@library_function(*(name for name in FUNCTIONS if name.startswith(("math.", "re."))))
def _compute(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if inputs := tensors_in(arguments.values):
        return m.tape.tensor(Kind.OTHER, path.rpartition(".")[2], inputs, site)
    return evaluate(path, arguments.positional, m.allowance, arguments.keywords)


@library_function(*(f"numpy.{name}" for name in (*NUMPY, *ARRAYS)))
def _numpy(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = path.rpartition(".")[2]
    if inputs := tensors_in(arguments.values):
        m.journal.measure(inputs)
        return Tensor(depends=inputs[0].depends, loaders=inputs[0].loaders)
    if name not in ARRAYS:
        return evaluate(path, arguments.positional, m.allowance, arguments.keywords)
    values = arguments.get(0, "object")
    known = not arguments.values[1:] and is_known(values)
    return array(values, m.allowance) if known else Unknown(f"{path}()")
