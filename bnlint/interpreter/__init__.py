"""The rehearsal: what a program builds and does, learnt without running it."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import libcst as cst

from bnlint.facts.types.graph import Graphs, ModelGraph
from bnlint.facts.types.invocation import Invocation
from bnlint.facts.types.recipe import Recipe
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.bias_reads import BiasReads
from bnlint.interpreter.core.journal import Journal
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespaces
from bnlint.interpreter.core.number_uses import NumberUses
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.tape import Tape
from bnlint.interpreter.entry_points import Rehearser
from bnlint.interpreter.evaluation.allowance import FILE
from bnlint.interpreter.library import methods, packaged_classes
from bnlint.interpreter.library.command_lines import commands, ranks
from bnlint.interpreter.library.config_files import (
    data_reading,
    hydra_configs,
    hydra_objects,
    python_configs,
)
from bnlint.interpreter.library.data_loading.data import loader_fact
from bnlint.interpreter.library.standard_library import (
    builtin_functions,
    code_folders,
    evaluated_texts,
    executors,
    exit_stacks,
    iterators,
    launchers,
    module_specs,
    paths,
    randomness,
    signatures,
    standard,
)
from bnlint.interpreter.library.torch_library import (
    averaging,
    fusions,
    operation_counters,
    pruning,
    regions,
    sample_gradients,
    summaries,
    timm_models,
    torch_functions,
)
from bnlint.interpreter.library.training_frameworks import (
    accelerate,
    fabric,
    hugging_face,
    ignite,
    lightning_cli,
    lightning_options,
    trainers,
    web_services,
)
from bnlint.interpreter.prefilter import is_script, savers_first, shared_files
from bnlint.interpreter.python import (
    attributes,
    configurations,
    context_managers,
    displays,
    exceptions,
    expressions,
    functions,
    import_statements,
    literals,
    loops,
    matching,
    setters,
    statements,
)
from bnlint.interpreter.recipes.model_recipes import Recipes
from bnlint.interpreter.results.facts_maker import FactsMaker
from bnlint.interpreter.torch import script_forwards
from bnlint.interpreter.unreached import Unreached
from bnlint.source import Project, SourceFile

HANDLERS = (
    accelerate,
    averaging,
    attributes,
    builtin_functions,
    code_folders,
    commands,
    configurations,
    context_managers,
    data_reading,
    displays,
    evaluated_texts,
    exceptions,
    executors,
    expressions,
    exit_stacks,
    fabric,
    fusions,
    script_forwards,
    functions,
    hugging_face,
    hydra_configs,
    hydra_objects,
    ignite,
    import_statements,
    iterators,
    launchers,
    lightning_cli,
    lightning_options,
    literals,
    loops,
    matching,
    methods,
    module_specs,
    operation_counters,
    packaged_classes,
    paths,
    pruning,
    python_configs,
    randomness,
    ranks,
    regions,
    sample_gradients,
    setters,
    signatures,
    standard,
    summaries,
    statements,
    timm_models,
    torch_functions,
    trainers,
    web_services,
)
"""The modules that fill the machine's dispatch tables when they are imported."""
NO_CALLS: Mapping[Path, Sequence[Invocation]] = {}
DEEPEST = 12_000
"""Python's own recursion limit while rehearsing: each call of the code takes several of ours."""


def rehearse(
    files: Sequence[SourceFile],
    project: Project,
    progress: Callable[[int, int], None] | None = None,
    *,
    recipes: bool = False,
    calls: Mapping[Path, Sequence[Invocation]] = NO_CALLS,
) -> Rehearsal:
    """Rehearse files and the project modules that they import.

    ``progress`` is called with the number of files done and of all. With ``recipes`` the rehearsal
    also says how to build each model again. ``calls`` are known calls of scripts, by their files.
    """
    machine, facts = _machine(project)
    machine.allowance.run += FILE * len(files)
    machine.recipes = Recipes(machine) if recipes else None
    rehearser = Rehearser(machine, facts)
    scripts: dict[Instance, SourceFile] = {}
    machine.memory.shared_files = shared = shared_files(files)
    with _deep_recursion():
        for number, source in enumerate(savers_first(files, shared)):
            if progress is not None:
                progress(number, len(files))
            if is_script(source) or source.file in calls:
                built = len(machine.journal.built)
                rehearser.run_script(source, calls.get(source.file, ()))
                rehearser.follow_forwards(built)
                scripts.update(dict.fromkeys(machine.journal.built[built:], source))
        built = len(machine.journal.built)
        Unreached(rehearser).run(files)
        rehearser.follow_forwards(built)
        if progress is not None:
            progress(len(files), len(files))
        return _rehearsal(machine, facts, rehearser, scripts)


def _rehearsal(
    machine: Machine,
    facts: FactsMaker,
    rehearser: Rehearser,
    scripts: Mapping[Instance, SourceFile],
) -> Rehearsal:
    """What was learnt; ``scripts`` are the files whose runs built modules."""
    graphs = facts.graphs()
    found = Rehearsal(
        Graphs(graphs.values()),
        tuple(rehearser.runs()),
        refusals=tuple(machine.command_line.refusals),
        unread=tuple(rehearser.unread),
        entered=rehearser.scripts,
    )
    if machine.recipes is None:
        return replace(found, failures=tuple(machine.journal.failures))
    made: dict[ModelGraph, Recipe | None] = {}
    for model, graph in graphs.items():
        with machine.journal.surviving(model.type_name, model.site):
            made[graph] = machine.recipes.of_model(model)
    run = {g: str(scripts[model].file) for model, g in graphs.items() if model in scripts}
    return replace(
        found,
        recipes={graph: recipe for graph, recipe in made.items() if recipe is not None},
        scripts=run,
        unreached=frozenset(graphs.values()) - run.keys(),
        failures=tuple(machine.journal.failures),
    )


def graph_of(file: Path, expression: str, project: Project | None = None) -> ModelGraph:
    """The graph of the model that ``expression`` builds in the scope of a file.

    Raises:
        ValueError: the expression gives no module.
    """
    project = project or Project()
    machine, facts = _machine(project)
    rehearser = Rehearser(machine, facts)
    source = project.load(file)
    namespace, site = machine.namespaces.imported(source), Site(source, source.tree)
    node = cst.parse_expression(expression)
    held: list[object] = []
    with _deep_recursion():
        rehearser.enter_whole(
            expression, lambda: held.append(machine.evaluate(node, namespace.scope)), site
        )
        if not held or not isinstance(held[0], Instance) or not held[0].is_module:
            raise ValueError(f"`{expression}` gives no module: {held}")
        model = held[0]
        rehearser.enter_whole(expression, lambda: rehearser.follow(model), site)
    return facts.graph(model)


def _machine(project: Project) -> tuple[Machine, FactsMaker]:
    tape, journal = Tape(), Journal(NumberUses(project), BiasReads(project))
    machine = Machine(Namespaces(project), tape, journal)
    tape.machine = machine
    journal.make_loader = loader_fact
    return machine, FactsMaker(tape, journal)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


__all__ = ["graph_of", "rehearse"]
