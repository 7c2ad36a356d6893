"""Building objects: instances of project classes, layers of torch.nn, other library objects."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.bound_arguments import bind_loosely, bind_signature
from bnlint.interpreter.core.dispatch import CALLS, handles
from bnlint.interpreter.core.knowledge import is_further
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Bound, Builtin, Class, Function, Instance, Scope
from bnlint.interpreter.core.unknown_uses import note_unknown_model
from bnlint.interpreter.core.values import (
    MISSING,
    Arguments,
    Choice,
    Configuration,
    Float,
    Int,
    Library,
    Many,
    Maybe,
    Unknown,
    Value,
)
from bnlint.interpreter.library.training_frameworks.frameworks import framework_of
from bnlint.interpreter.python.configurations import NODES
from bnlint.interpreter.python.definitions import VALIDATOR
from bnlint.interpreter.python.functions import run_function
from bnlint.interpreter.python.iteration import listed
from bnlint.interpreter.torch.containers import extend_container
from bnlint.interpreter.torch.model_records import note_built
from bnlint.interpreter.torch.module_classes import (
    AVERAGE,
    canonical,
    is_module_class,
    is_packaged_model,
)
from bnlint.interpreter.torch.modules import (
    CONTAINERS,
    MODE,
    WRAPPERS,
    built_mode,
    modules_in,
    next_name,
    register_child,
)
from bnlint.interpreter.torch.norms import add_norm_group
from bnlint.interpreter.torch.optimized import note_optimized
from bnlint.interpreter.torch.prototypes import built_or_copied
from bnlint.interpreter.torch.training import is_optimizer
from bnlint.vocabulary.layers import ANY_ARGUMENTS, SIGNATURES, bare_name

NOT_OBJECTS = frozenset({"Enum", "IntEnum", "StrEnum", "Exception", "ValueError", "RuntimeError"})


@handles(CALLS, Class)
def _build(m: Machine, cls: Class, arguments: Arguments, site: Site, scope: Scope) -> Value:
    base = cls.library_base()
    if base is not None and base.name in NOT_OBJECTS:
        return Unknown(f"{cls.name} object")
    if base is not None and base.path in NODES:
        return _build_configuration(m, cls, NODES[base.path], arguments, site, scope)
    library = canonical(base.path) if base is not None else ""
    build = partial(_execute, m, cls, library, arguments, site, scope)
    alone = m.recipes is not None or not library or not is_module_class(library)
    made = build() if alone else built_or_copied(m, cls, arguments, site, build)
    note_built(m, made)
    return made


def _execute(
    m: Machine, cls: Class, library: str, arguments: Arguments, site: Site, scope: Scope
) -> Instance:
    made = new_instance(m, cls, library, site)
    cls.last_instance = made
    if m.recipes is not None:
        m.recipes.note_built(made, cls, arguments)
    if made.is_module:
        m.journal.built.append(made)
        m.building += 1
    else:
        made.arguments = bind_loosely(arguments)
    m.journal.unfinished.add(made)
    try:
        _initialise(m, made, cls, arguments, site, scope)
        m.journal.unfinished.remove(made)
    finally:
        m.building -= made.is_module
    if is_optimizer(made):
        note_optimized(m, arguments.values)
    return made


def _build_configuration(
    m: Machine, cls: Class, kind: str, arguments: Arguments, site: Site, scope: Scope
) -> Configuration:
    """An object of a class that is a dict."""
    made = Configuration(kind, cls)
    m.heap.new(made)
    init = cls.find("__init__")
    m.note_read(cls, "__init__", init)
    if isinstance(init, Function):
        run_function(m, init, arguments.prefixed(made), site)
    else:
        m.call(Builtin(made, "__init__"), arguments, site, scope)
    return made


def _initialise(
    m: Machine, made: Instance, cls: Class, arguments: Arguments, site: Site, scope: Scope
) -> None:
    init = cls.find("__init__")
    m.note_read(cls, "__init__", init)
    if isinstance(init, Function):
        run_function(m, init, arguments.prefixed(made), site)
    elif (generated := with_generated_init(cls)) is not None:
        fill_fields(m, made, generated, arguments)
    elif made.library in ("typing.NamedTuple",):
        fill_fields(m, made, cls, arguments)
    else:
        initialise_library(m, made, arguments)


def with_generated_init(cls: Class, after: Class | None = None) -> Class | None:
    """The first dataclass among a class and those that it derives from, behind ``after``."""
    line = (c for c in cls.ancestors(after) if isinstance(c, Class))
    return next((ancestor for ancestor in line if ancestor.dataclass), None)


def fill_fields(m: Machine, made: Instance, cls: Class, arguments: Arguments) -> None:
    """What the generated ``__init__`` of a dataclass does.

    Fields that ``**overrides`` may set are taken to have their defaults, as options are.
    """
    lines = [c.annotated for c in reversed(cls.mro) if isinstance(c, Class)]
    fields = list(dict.fromkeys(name for line in lines for name in line))
    for number, name in enumerate(fields):
        default = cls.find(name)
        if default is MISSING:
            default = Unknown(f"argument {name}")
        elif arguments.opened and isinstance(default, Int | Float) and not default.given_by:
            said = f"the default of `{cls.name}.{name}`, which `**` may change"
            default = with_site(default, default.site, default.option, said)
        value = arguments.get(number, name, default)
        m.heap.put(made.attributes, name, Unknown(VALIDATOR) if _is_validated(cls) else value)
    for name, given in (("__post_init__", []), ("model_post_init", [None])):
        post = (made.cls or cls).find(name)
        if isinstance(post, Function):
            run_function(m, post, Arguments([made, *given]), made.site)


def _is_validated(cls: Class) -> bool:
    """Whether functions of a class may change what its fields are given."""
    own = (value for c in cls.mro if isinstance(c, Class) for value in c.names.values())
    return any(isinstance(value, Unknown) and value.reason == VALIDATOR for value in own)


def new_instance(m: Machine, cls: Class | None, library: str, site: Site) -> Instance:
    """An object without attributes."""
    made = Instance(cls, library, {}, site)
    m.heap.new(made.attributes)
    m.heap.new(made.assigned)
    made.chain = m.frame.chain(m.frames) if m.frames else ()
    made.assumptions = m.assumptions()
    made.order = m.journal.next_order()
    made.in_forward = bool(m.modules)
    made.is_module = is_module_class(library) if library else False
    if made.is_module:
        made.attributes[MODE] = built_mode(m)
    if isinstance(site.node, cst.Call):
        made.class_node = site.node.func
    return made


def build_library(m: Machine, path: str, arguments: Arguments, site: Site) -> Instance:
    """An object of a library class."""
    made = new_instance(m, None, canonical(path), site)
    if m.recipes is not None:
        m.recipes.note_built(made, Library(path), arguments)
    if made.library in WRAPPERS:
        note_unknown_model(m, arguments, site)
    if made.is_module:
        m.journal.built.append(made)
    m.building += made.is_module
    initialise_library(m, made, arguments)
    m.building -= made.is_module
    if made.library in CONTAINERS:
        note_built(m, made)
    return made


Start = Callable[[Machine, Instance, Arguments], None]
_STARTS: dict[str, Start] = {}


def starts(name: str) -> Callable[[Start], Start]:
    """Enter what the constructor of a framework's class does beside keeping its arguments."""

    def enter(start: Start) -> Start:
        _STARTS[name] = start
        return start

    return enter


def initialise_library(m: Machine, made: Instance, arguments: Arguments) -> None:
    """What the constructor of a library base class does."""
    if made.library in CONTAINERS:
        _fill_container(m, made, arguments)
        return
    bare = bare_name(made.library)
    if bare is not None and bare in SIGNATURES and bare not in ANY_ARGUMENTS:
        made.arguments = bind_signature(bare, arguments)
        made.resolved = not arguments.opened
    else:
        made.arguments = bind_loosely(arguments)
        made.resolved = not arguments.opened
    if is_packaged_model(made.library):
        add_norm_group(made, made.attributes[MODE])
        if arguments.opened or m.exchanged.has_batchnorm():
            made.arguments.setdefault("norm_layer", Bound(Unknown("argument norm_layer")))
        return
    if not made.is_module and framework_of(made.library):
        for name, value in arguments.keywords.items():
            m.heap.put(made.attributes, name, value)
        if (start := _STARTS.get(made.library.rpartition(".")[2])) is not None:
            start(m, made, arguments)
        return
    for bound in made.arguments.values():
        for module in modules_in(bound.value):
            inner = copy_of(m, module, made.site) if made.library == AVERAGE else module
            register_child(m, made, "module", inner)
            module.has_parent = made.library not in WRAPPERS


def _fill_container(m: Machine, made: Instance, arguments: Arguments) -> None:
    values = arguments.values
    single = values[0] if len(values) == 1 else None
    if isinstance(single, dict):
        for name, value in single.items():
            known_name = str(name) if isinstance(name, str) else next_name(made)
            register_child(m, made, known_name, value)
        return
    if made.library == "torch.nn.Sequential":
        items: Value = values
        if arguments.opened and not values:
            items = [Unknown("children")]
    elif single is None:
        items = []
    else:
        known = listed(m, single)
        items = single if known is None else known
    if made.library == "torch.nn.ModuleDict" and isinstance(items, list):
        for pair in items:
            if isinstance(pair, list | tuple) and len(pair) == 2:
                register_child(m, made, str(pair[0]), pair[1])
            elif is_further(pair):
                register_child(m, made, next_name(made), pair)
        return
    extend_container(m, made, items)


def copy_of(m: Machine, value: Value, site: Site, memo: dict[int, Value] | None = None) -> Value:
    """``copy.deepcopy(value)``: what is shared within the value is shared within its copy."""
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    match value:
        case Instance():
            return _copy_of_instance(m, value, site, memo)
        case list() | dict() | tuple() if not m.allowance.takes(len(value)):
            return Unknown("copy")
        case list():
            items: list[Value] = m.new(value.copy())
            memo[id(value)] = items
            items[:] = [copy_of(m, item, site, memo) for item in value]
            return items
        case Maybe(value=inner):
            return Maybe(copy_of(m, inner, site, memo))
        case Choice(values=values, selection=selection):
            return Choice(tuple(copy_of(m, v, site, memo) for v in values), selection)
        case Many(element=element):
            return replace(value, element=copy_of(m, element, site, memo))
        case tuple():
            return memo.setdefault(id(value), tuple(copy_of(m, i, site, memo) for i in value))
        case dict():
            pairs: dict[Value, Value] = m.new(empty_like(value))
            memo[id(value)] = pairs
            pairs.update((key, copy_of(m, item, site, memo)) for key, item in value.items())
            adopt(pairs)
            return pairs
    return value


def empty_like(value: dict[Value, Value]) -> dict[Value, Value]:
    """An empty dict of the same kind."""
    return Configuration(value.kind, value.cls) if isinstance(value, Configuration) else {}


def adopt(value: dict[Value, Value]) -> None:
    """Let the configurations in one know what holds them."""
    for item in value.values() if isinstance(value, Configuration) else ():
        if isinstance(item, Configuration):
            item.parent = value  # type: ignore[assignment]


STEPS_A_COPY = 4
"""What a copy of one object costs, and what is done with it later: facts about it, for one."""


def _copy_of_instance(m: Machine, value: Instance, site: Site, memo: dict[int, Value]) -> Instance:
    m.step(STEPS_A_COPY)
    is_part = any(isinstance(made, Instance) for made in memo.values())
    made = Instance(value.cls, value.library, {}, value.site, value.class_node)
    memo[id(value)] = made
    m.heap.new(made.attributes)
    made.chain, made.arguments = value.chain, dict(value.arguments)
    made.assumptions, made.resolved = value.assumptions, value.resolved
    made.assigned, made.is_module = dict(value.assigned), value.is_module
    made.stands_for_many, made.part = value.stands_for_many, value.part
    made.order = m.journal.next_order()
    made.has_parent = value.has_parent and is_part
    if made.is_module:
        m.journal.copies[made] = value
    for name, item in list(value.attributes.items()):
        made.attributes[name] = copy_of(m, item, site, memo)
    if m.recipes is not None:
        m.recipes.note_copied(value, made)
    return made
