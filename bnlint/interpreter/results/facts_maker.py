"""From the records of a rehearsal to the facts that rules read."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bnlint.facts.types.context import Context
from bnlint.facts.types.graph import Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.not_understood import NotUnderstood
from bnlint.facts.types.run import Event, Forward, Model, NormState, Run
from bnlint.facts.types.site import Argument, Site
from bnlint.interpreter.core.journal import (
    ForwardRecord,
    Journal,
    ModelRecord,
    Named,
    NormRecord,
    Note,
    Recorded,
)
from bnlint.interpreter.core.objects import Bound, Class, Instance
from bnlint.interpreter.core.tape import Tape
from bnlint.interpreter.core.unknown_uses import Use
from bnlint.interpreter.results.cuts import Cut, left_open
from bnlint.interpreter.results.first_cause import first_cause
from bnlint.interpreter.results.graph_calls import GraphCalls
from bnlint.interpreter.results.hand_written_norms import functional_norms
from bnlint.interpreter.results.kept_tensors import kept_tensors
from bnlint.interpreter.results.layer_facts import (
    BiasPlaces,
    LayerArguments,
    assigned_arguments,
    frozen_parameters,
    replaces_forward,
    takes_any_rank,
)
from bnlint.interpreter.results.loose_norms import (
    built_in_forward,
    loose_norms,
    replaced_in_forward,
    unregistered,
)
from bnlint.interpreter.results.own_norms import OwnNorms
from bnlint.interpreter.results.own_reads import OwnReads
from bnlint.interpreter.results.train_methods import train_method
from bnlint.interpreter.results.trained_models import TrainedModels
from bnlint.interpreter.torch.given_models import is_given
from bnlint.interpreter.torch.mode_answers import answers_by_mode
from bnlint.interpreter.torch.modules import (
    has_unknown_children,
    is_wrapper,
    named_parts,
    parts_of,
)
from bnlint.interpreter.torch.norms import SYNCHRONISED
from bnlint.interpreter.torch.parameters import is_opaque
from bnlint.interpreter.torch.published import PublishedModels
from bnlint.interpreter.torch.weight_fills import (
    drawn_weight,
    fills_of,
)
from bnlint.interpreter.torch.wrappers import unwrapped
from bnlint.vocabulary.layers import KINDS, bare_name


class FactsMaker:
    """Converts records; layers and models are converted once."""

    def __init__(self, tape: Tape, journal: Journal) -> None:
        self.tape = tape
        self.journal = journal
        self._layers: dict[tuple[Instance, str], Layer] = {}
        self._models: dict[ModelRecord, Model] = {}
        self._arguments: dict[object, tuple[Bound, Argument]] = {}
        self._numbers: dict[Instance, int] = {}
        self._read: dict[int, ModelGraph] = {}
        self._reads: dict[Class | None, OwnReads] = {}
        self._given: dict[tuple[int, ...], int] = {}
        self._published = PublishedModels()
        self._trained = TrainedModels(journal)
        self._own_norms = OwnNorms(tape, journal)
        self._calls = GraphCalls(tape, journal, self.layer)

    # -- models and layers ------------------------------------------------------------------

    def model(self, record: ModelRecord) -> Model:
        """A module that the script uses as a whole, as it was then."""
        module = record.module
        if record not in self._models:
            answer = answers_by_mode(unwrapped(module))
            own = self._own_norms.among(self._parts(module))
            has_own = any(part.certain for part in own)
            self._models[record] = Model(
                record.name,
                module.type_name,
                module.site,
                Known.YES if has_own else record.has_batchnorm,
                tuple(self._named(norm, module) for norm in (*record.norms, *own)),
                self._is_pretrained(module),
                self._number(module),
                module in self.journal.overwritten,
                answer is not None,
                None if answer is None else answer.site,
                any(norm.module in self.journal.buffers_used for norm in record.norms),
                is_given(unwrapped(module)),
                self._trained.gets_steps(record),
                self._is_handed_over(module),
                self._number(self.journal.copies[module]) if module in self.journal.copies else -1,
                module.order if module in self.journal.copies else -1,
            )
        return self._models[record]

    def _parts(self, module: Instance) -> list[Named]:
        machine = self.tape.machine
        return named_parts(module) if machine is None else parts_of(machine, module)

    def _number(self, module: Instance) -> int:
        """A number that is the same for a module and its wrappers."""
        return self._numbers.setdefault(unwrapped(module), len(self._numbers))

    def _is_handed_over(self, module: Instance) -> bool:
        given = self.journal.handed_over
        return bool(given) and any(part.module in given for part in self._parts(module))

    def _is_pretrained(self, module: Instance) -> bool:
        return any(
            name.startswith(("pretrained", "weights")) and bound.value not in (None, False)
            for part in self._parts(module)
            if is_opaque(part.module)
            for name, bound in part.module.arguments.items()
        )

    def layer(
        self,
        module: Instance,
        name: str,
        aliases: tuple[str, ...] = (),
        whole: Instance | None = None,
        *,
        certain: bool = True,
    ) -> Layer:
        """A module as part of ``whole``, under its dotted name."""
        key = (module, name)
        if key not in self._layers:
            sure = certain and module.resolved and _goes_with(module, whole)
            self._layers[key] = self._new_layer(module, name, aliases, sure)
        return self._layers[key]

    def _new_layer(
        self, module: Instance, name: str, aliases: tuple[str, ...], certain: bool
    ) -> Layer:
        bare = bare_name(module.library) or ""
        node, fills = module.class_node, fills_of(module)
        return Layer(
            name,
            self._kind(module, bare),
            self._type(module),
            module.type_name,
            module.site,
            LayerArguments(module, self.journal.numbers, self._arguments)
            if bare not in ("", "Module")
            else {},
            None if node is None else Site(module.site.source, node),
            module.chain,
            aliases,
            replaces_forward(module),
            fills.constant,
            assigned_arguments(module),
            certain,
            drawn_weight(module),
            frozen_parameters(module),
            BiasPlaces(module, name, self.journal.biases),
            KINDS.get(bare) in (Kind.CONV, Kind.LINEAR)
            and self._published.were_built_at(module.site),
            self._number(module),
            module.repeated,
            train_method(module),
            fills.at,
            fills.unknown,
            takes_any_rank(module),
            self._own_reads(module.cls),
        )

    def _own_reads(self, cls: Class | None) -> OwnReads:
        """What methods of a class read, which is looked for once."""
        if cls not in self._reads:
            self._reads[cls] = OwnReads(cls)
        return self._reads[cls]

    def _named(self, named: Named, whole: Instance) -> Layer:
        aliases = tuple(named.aliases)
        return self.layer(named.module, named.name, aliases, whole, certain=named.certain)

    def _type(self, module: Instance) -> str:
        if module.attributes.get(SYNCHRONISED) is True:
            return "torch.nn.SyncBatchNorm"
        return module.library or "torch.nn.Module"

    def _kind(self, module: Instance, bare: str) -> Kind:
        if is_opaque(module):
            return Kind.UNKNOWN
        return KINDS.get(bare, Kind.CONTAINER)

    # -- graphs -----------------------------------------------------------------------------

    def graphs(self) -> dict[Instance, ModelGraph]:
        """One graph per model that was built: roots, and layers outside of any."""
        made: dict[Instance, ModelGraph] = {}
        for module in self._roots():
            with self.journal.surviving(module.type_name, module.site):
                made[module] = self.graph(module)
        self._read.update((self._number(module), graph) for module, graph in made.items())
        return made

    def _roots(self) -> Iterator[Instance]:
        seen: set[object] = set()
        for module in self.journal.built:
            if module.has_parent and module not in self.journal.graphs:
                continue
            if is_wrapper(module):
                continue
            key = (module.site, module.chain[:2])
            if key in seen and module not in self.journal.graphs:
                continue
            seen.add(key)
            yield module

    def graph(self, module: Instance) -> ModelGraph:
        """The graph of one model."""
        named = self._parts(module)
        layers = {part.module: self._named(part, module) for part in named}
        recorded = self.journal.graphs.get(module)
        calls = self._calls.of(recorded, layers) if recorded is not None else ()
        outputs = self._outputs(recorded) if recorded is not None else ()
        problems = tuple(
            f"{call.op} is not known" for call in calls if call.kind in (Kind.UNKNOWN, Kind.PHI)
        )
        complete = bool(calls) and not problems and not has_unknown_children(named)
        loose = loose_norms(calls, layers, self.tape.ops[recorded.start :] if recorded else ())
        return ModelGraph(
            module.type_name,
            module.site,
            tuple(layers.values()),
            calls,
            outputs,
            complete,
            problems,
            self._is_published(module),
            self._number(module),
            frozen_norms=self._norms_trained(layers, live=False),
            live_norms=self._norms_trained(layers, live=True),
            kept=kept_tensors(recorded, list(layers), self.journal.states, self.tape),
            loaded=not layers.keys().isdisjoint(self.journal.loaded),
            unregistered=tuple(unregistered(loose, layers, self.journal.plain_containers)),
            built_in_forward=(
                *built_in_forward(loose, layers, self.journal.loaded),
                *replaced_in_forward(calls, layers),
            ),
            functional_norms=tuple(functional_norms(list(layers), self.journal.states)),
            hand_written=tuple(filter(None, map(self._own_norms.of, layers))),
        )

    def _is_published(self, module: Instance) -> bool:
        """Whether weights exist that its parameters must go on fitting; as they do where none trains."""
        if module in self.journal.published or self._published.include(module):
            return True
        return module in self.journal.loaded and module.site not in self._trained.sites

    def _norms_trained(self, layers: dict[Instance, Layer], *, live: bool) -> frozenset[str]:
        """The names of the BatchNorm layers that are live in training, or of those that are not."""
        found = (
            layer.name for part, layer in layers.items() if self._trained.live.get(part) is live
        )
        return frozenset(found)

    def _outputs(self, recorded: Recorded) -> tuple[int, ...]:
        return tuple(index - recorded.start for index in recorded.outputs)

    # -- runs -------------------------------------------------------------------------------

    def run(
        self,
        entry: str,
        main: bool,
        notes: list[Note],
        cut: Cut | None,
        options: tuple[str, ...],
        *,
        asked: bool = False,
    ) -> Run:
        """The run of one entry point; where it was cut, forwards in blocks that did not end may be trained."""
        events, whole = tuple(self.events(notes)), cut is None
        loaders, place = self._loaders(), cut.context if cut is not None else None
        run = Run(
            entry, main, events, whole, options, asked, self._read, loaders=loaders, cut_at=place
        )
        return run if whole else replace(run, events=tuple(left_open(run, e) for e in events))

    def _loaders(self) -> tuple[Loader, ...]:
        facts = (self.journal.loader_fact(loader) for loader in self.journal.loaders_built)
        return tuple(fact for fact in facts if fact is not None)

    def events(self, notes: list[Note]) -> Iterator[Event]:
        """Notes as events, in order."""
        return (note.make(self, note.order) for note in notes)

    def not_understood(self, order: int, site: Site, context: Context, use: Use) -> NotUnderstood:
        """Something that a script uses and that is not known, with the first cause of that."""
        why = first_cause(use.value)
        return NotUnderstood(order, site, context, use.role, use.name, use.owner, why)

    def forward(self, record: ForwardRecord, order: int, context: Context) -> Forward:
        """A forward, with all that later events said about it."""
        loaders = frozenset().union(*(t.loaders for t in record.inputs))
        facts = [self.journal.loader_fact(loader) for loader in loaders]
        return Forward(
            order,
            record.site,
            context,
            self.model(record.model),
            record.mode,
            self.norm_states(record.norms, record.model.module, record.keeping),
            record.grad,
            record.backpropagated,
            record.measured,
            tuple(sorted((f for f in facts if f is not None), key=_in_order)),
            record.batch,
            record.devices,
            record.inner,
            record.made_up,
            bool(record.backwards),
            record.device_count,
            record.receiver,
            record.samples,
            record.in_loss,
            record.slopes_at,
            self._data(record),
            record.number,
            tuple(sorted(record.inputs[0].depends)) if record.inputs else (),
            any(tensor.depends for tensor in record.inputs),
            any(tensor.mixed for tensor in record.inputs),
            record.supervised,
            record.constants,
            any(tensor.single for tensor in record.inputs),
            record.taught,
            record.criterion,
            record.attacked_at,
            record.answer,
            record.inputs[0].padded if record.inputs else None,
        )

    def _data(self, record: ForwardRecord) -> int:
        """A number for what a forward is given."""
        given = tuple(
            map(id, record.inputs)
        )  # records keep them, so that no other gets their place
        return self._given.setdefault(given, len(self._given)) if given else -1

    def norm_states(
        self, records: Sequence[NormRecord], model: Instance, keeping: Sequence[NormRecord] = ()
    ) -> tuple[NormState, ...]:
        """The states of the BatchNorm layers of a model, of torch's and of its own."""
        own = self._own_norms.recognised(keeping)
        return (
            *(self._norm(record, model) for record in records),
            *(replace(self._norm(record, model), own=fact) for record, fact in own),
        )

    def _norm(self, record: NormRecord, model: Instance) -> NormState:
        module, many = record.instance, record.instance.stands_for_many
        built = many or (module.resolved and _goes_with(module, model))
        return NormState(
            record.name,
            None if many else self.layer(module, record.name, (), model),
            record.mode,
            Known.NO if module in self.journal.overwritten else record.frozen,
            record.frozen_at,
            record.tracks,
            record.synchronised,
            record.certain and built,
            record.converted_at,
            self._number(module),
            record.alternative,
            self.journal.passed_over.get(module),
            record.lowered_at,
            record.also,
        )


def _goes_with(part: Instance, whole: Instance | None) -> bool:
    """Whether a part is built wherever the whole is."""
    around = set() if whole is None else set(whole.assumptions)
    return set(part.assumptions) <= around


def _in_order(loader: Loader) -> tuple[tuple[str, ...], str, int]:
    """By its names, then by where it is built."""
    return loader.names, loader.site.path, loader.site.span.start
