"""What no script reaches: functions, classes and methods, with arguments that nothing gives."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.objects import (
    Class,
    Command,
    ComposedMain,
    Function,
    Instance,
    Method,
    Property,
    Static,
)
from bnlint.interpreter.core.values import Value
from bnlint.interpreter.entry_points import ENTRY_STEPS, LEAST_STEPS, Rehearser
from bnlint.interpreter.library.training_frameworks.lifecycles import (
    ENDPOINT,
    answer,
    lifecycle_of,
    live,
)
from bnlint.interpreter.prefilter import (
    called_names,
    given_names,
    is_method_worth_executing,
    is_worth_executing,
    uses_models,
    words_by_definition,
)
from bnlint.interpreter.torch.hooks import framework_of_class, run_hook
from bnlint.interpreter.torch.module_classes import is_module_class
from bnlint.source import SourceFile

FEWEST_FILE_STEPS = 6_000
LINE_STEPS = 10
"""Steps for functions and classes that nothing calls: about as long as parsing their files takes.

What one file does not need is left for the others.
"""
MOST_FILE_STEPS = 60_000
"""Of these, steps for any one file."""
NO_WORDS: frozenset[str] = frozenset()
SKIPPED_METHODS = frozenset({"__init__", "__repr__", "__str__", "extra_repr", "__init_subclass__"})


class Unreached:
    """Executes what is left when all scripts were executed."""

    def __init__(self, rehearser: Rehearser) -> None:
        self.m, self.rehearser = rehearser.m, rehearser
        self.steps = ENTRY_STEPS
        """Steps for the next function, class or method."""

    def run(self, sources: Sequence[SourceFile]) -> None:
        """Execute functions, classes and methods that no entry point has executed.

        Those whose name is neither called nor given to others come first, since they may call the
        others, and among them those that do something with models, before those that only build one.
        """
        given: set[str] = set()
        for source in sources:
            self.rehearser.called |= called_names(source)
            given |= given_names(source)
        for source in sources:
            self._run_endpoint(source)
        left = dict.fromkeys(sources, MOST_FILE_STEPS)
        pool = self.m.steps + sum(_steps_for(source) for source in sources)
        words = {source: words_by_definition(source) for source in sources}
        for wanted, using in product((False, True), (True, False)):
            for source in sources:
                for name, node in _definitions(source):
                    uses = uses_models(words[source].get(name, NO_WORDS))
                    used = name in self.rehearser.called or name in given
                    if (used, uses) != (wanted, using):
                        continue
                    before = self.m.steps
                    rest = min(pool - before, left[source])
                    self.steps = min(max(rest, LEAST_STEPS), ENTRY_STEPS)
                    self._run_definition(source, name, node, words[source])
                    left[source] -= self.m.steps - before

    def _run_endpoint(self, source: SourceFile) -> None:
        """Execute the functions of a file that a server calls by their names."""
        nodes = dict(_definitions(source))
        if not nodes.keys() >= ENDPOINT or not ENDPOINT.isdisjoint(self.rehearser.called):
            return
        site = Site(source, nodes["model_fn"])

        def execute() -> None:
            namespace = self.rehearser.namespace_of(source)
            values = {name: namespace.lookup(self.m, name) for name in nodes}
            functions = {n: value for n, value in values.items() if isinstance(value, Function)}
            if functions.keys() >= ENDPOINT:
                answer(self.m, functions, site)

        self.rehearser.enter("predict_fn", False, self.steps, execute, site)

    def _run_definition(
        self,
        source: SourceFile,
        name: str,
        node: cst.FunctionDef | cst.ClassDef,
        words: Mapping[str, frozenset[str]],
    ) -> None:
        namespace = self.rehearser.namespace_of(source)
        own = words.get(name, NO_WORDS)
        if node in self.m.reached or not is_worth_executing(self.m, own, name, namespace):
            return
        held: list[Value] = []
        site = Site(source, node)
        self.rehearser.enter(
            name, False, self.steps, lambda: held.append(namespace.lookup(self.m, name)), site
        )
        value = held[0] if held else None
        value = value.function if isinstance(value, ComposedMain | Command) else value
        if isinstance(value, Function) and value.node is node:
            self.rehearser.enter(
                name, False, self.steps, lambda: self.rehearser.call(value, site), site
            )
        elif isinstance(value, Class) and value.node is node:
            self._run_class(value, site, words)

    def _run_class(self, cls: Class, site: Site, words: Mapping[str, frozenset[str]]) -> None:
        base = cls.library_base()
        module = base is not None and is_module_class(base.path)
        if self._instance_of(cls) is None and (module or _has_methods(cls)):
            self.rehearser.enter(
                cls.name, False, self.steps, lambda: self.rehearser.call(cls, site), site
            )
        instance = self._instance_of(cls)
        if instance is None:
            return
        if (lifecycle := lifecycle_of(cls)) is not None:
            whole = partial(live, self.m, instance, lifecycle, site)
            self.rehearser.enter(cls.name, False, self.steps, whole, site)
        for name, value in list(cls.names.items()):
            function = _function_of(value)
            if function is None or name in SKIPPED_METHODS or function.node in self.m.reached:
                continue
            if instance.is_module and name == "forward":
                continue
            own = words.get(f"{cls.name}.{name}", NO_WORDS)
            if not is_method_worth_executing(self.m, own, instance, cls):
                continue
            self.rehearser.enter(
                f"{cls.name}.{name}",
                False,
                self.steps,
                partial(self._run_method, instance, function, site),
                Site(site.source, function.node),
            )

    def _instance_of(self, cls: Class) -> Instance | None:
        """The last object of a class, if what made it, and set its mode, came to its end."""
        instance, journal = cls.last_instance, self.m.journal
        left = instance in journal.unfinished or instance in journal.interrupted
        return None if left else instance

    def _run_method(self, instance: Instance, function: Function, site: Site) -> None:
        if instance.cls is not None and framework_of_class(instance.cls) is not None:
            run_hook(self.m, instance, function, site)
        else:
            self.rehearser.call(Method(function, instance), site)


def _steps_for(source: SourceFile) -> int:
    return max(FEWEST_FILE_STEPS, LINE_STEPS * source.content.count("\n"))


def _definitions(source: SourceFile) -> Iterator[tuple[str, cst.FunctionDef | cst.ClassDef]]:
    for node in source.tree.body:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            yield node.name.value, node


def _function_of(value: Value) -> Function | None:
    match value:
        case Function():
            return value
        case Static(function=Function() as function) | Property(getter=function):
            return None if isinstance(value, Static) else function
    return None


def _has_methods(cls: Class) -> bool:
    return any(isinstance(v, Function) and n not in SKIPPED_METHODS for n, v in cls.names.items())
