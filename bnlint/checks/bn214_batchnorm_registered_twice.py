"""BN214 batchnorm-registered-twice: one BatchNorm that ``state_dict()`` has under two names."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.finding import Finding, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN214", "batchnorm-registered-twice", Severity.ADVICE, in_tests=False)

_SEQUENTIAL = "torch.nn.Sequential"
_LISTS = (_SEQUENTIAL, "torch.nn.ModuleList", "torch.nn.ModuleDict")
_WRAPPERS = ("DataParallel", "DistributedDataParallel")


@immutable
class _Twice:
    """A module of ``owner`` with two names: ``batch_norm``, or one that has it in it."""

    module: Layer
    other: str
    batch_norm: Layer
    owner: Layer
    container: Layer | None
    """The Sequential or list that it is a member of, too, if an attribute of the owner is."""
    calls: tuple[Call, ...]
    """Those of the BatchNorm that are known."""
    attribute: str
    """The owner's attribute that leads to it without a list, ``""`` if none or more than one does."""

    @property
    def keys(self) -> tuple[str, str]:
        """Two keys of one tensor in the owner's state."""
        inner = self.batch_norm.name.removeprefix(self.module.name)
        tracks = self.batch_norm.arguments.get("track_running_stats")
        entry = "weight" if tracks is not None and tracks.value is False else "running_mean"
        first, second = self.within_owner(self.module.name), self.within_owner(self.other)
        return f"{first}{inner}.{entry}", f"{second}{inner}.{entry}"

    def within_owner(self, name: str) -> str:
        """A dotted name as the owner's code has it."""
        return name.removeprefix(f"{self.owner.name}.") if self.owner.name else name

    @property
    def is_used(self) -> bool:
        """Whether the owner's methods use the attribute; if no forward is known, whether its file does."""
        if not self.attribute or self.attribute in self.owner.own_reads:
            return bool(self.attribute)
        return not self.calls and self.place.source.mentions(f".{self.attribute}(")

    @property
    def remedy(self) -> str:
        """What to do; where only the attribute is called, the container is the name too many."""
        container = self.container
        if container is None or container.type != _SEQUENTIAL:
            return "register it once; a plain list can hold it, too, and registers nothing"
        if self.calls and not any(container.name in call.modules for call in self.calls):
            return "register it once"
        return f"build it where it is used, in `{self.within_owner(container.name)}`"

    @property
    def place(self) -> Site:
        """The call in the owner's code that builds the module, in that of its class which does so."""
        ways = (self.module.site, *self.module.chain)
        if self.owner.site not in ways[1:]:
            return self.module.site
        inside = [w for w in ways[: ways.index(self.owner.site)] if ".__init__(" not in w.text]
        direct = "." not in self.within_owner(self.module.name)
        assigned = (w for w in inside if direct and w.statement.text.startswith("self."))
        return next(assigned, inside[-1] if inside else self.module.site)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report BatchNorm layers that are an attribute and a member of a container, class by class."""
    classes: dict[tuple[str, str], list[_Twice]] = defaultdict(list)
    found = (twice for graph in graphs for twice in _registered_twice(graph))
    for twice in first_of_each(found, key=lambda twice: twice.place):
        owner = twice.place.path, twice.owner.class_name
        classes[owner].append(twice)
    for alike in classes.values():
        yield _finding(alike)


def _registered_twice(graph: ModelGraph) -> Iterator[_Twice]:
    named = {layer.name: layer for layer in graph.layers}
    if not any(layer.aliases for layer in graph.layers):
        return
    for batch_norm in graph.of_kind(Kind.BATCH_NORM):
        module = _outermost_shared(named, batch_norm)
        if module is None or "?" in batch_norm.name:
            continue
        calls = graph.calls_by_layer.get(batch_norm, ())
        twice = _named_twice(named, module, batch_norm, calls)
        if not _is_wrapped(named, twice) and not _is_meant(twice):
            yield twice


def _outermost_shared(named: Mapping[str, Layer], batch_norm: Layer) -> Layer | None:
    parts = batch_norm.name.split(".")
    around = (named.get(".".join(parts[:count])) for count in range(1, len(parts) + 1))
    return next((m for m in around if m is not None and m.aliases), None)


def _named_twice(
    named: Mapping[str, Layer], module: Layer, batch_norm: Layer, calls: tuple[Call, ...]
) -> _Twice:
    other = module.aliases[0]
    holders = sorted((_holder(module.name), _holder(other)), key=len)
    around = (name for name in _and_holders(holders[0]) if name in named)
    owner = next(name for name in around if _is_within(holders[1], name))
    inner = named.get(holders[1])
    listed = inner is not None and inner.type in _LISTS and _is_within(holders[1], holders[0])
    container = inner if listed and holders[0] != holders[1] else None
    direct = [name for name in (module.name, other) if not _is_listed(named, name)]
    attribute = direct[0].removeprefix(f"{owner}.").split(".")[0] if len(direct) == 1 else ""
    return _Twice(module, other, batch_norm, named[owner], container, calls, attribute)


def _is_listed(named: Mapping[str, Layer], name: str) -> bool:
    """Whether a module has its name from a Sequential or list."""
    holder = named.get(_holder(name))
    return holder is not None and holder.type in _LISTS


def _holder(name: str) -> str:
    return name.rpartition(".")[0]


def _and_holders(name: str) -> Iterator[str]:
    """A dotted name and those of the modules around it; the last one is the model's, ``""``."""
    while name:
        yield name
        name = _holder(name)
    yield ""


def _is_within(name: str, owner: str) -> bool:
    return owner in ("", name) or name.startswith(f"{owner}.")


def _is_wrapped(named: Mapping[str, Layer], twice: _Twice) -> bool:
    """Whether one of the names is that of what DataParallel wraps, to be reached without it."""
    wrappers = [n for n, layer in named.items() if layer.type.rpartition(".")[2] in _WRAPPERS]
    names = twice.module.name, twice.other
    return any(_is_within(name, wrapper) for wrapper in wrappers for name in names)


def _is_meant(twice: _Twice) -> bool:
    """Whether it is shared on purpose: called by both names, or more than once, or listed twice.

    Without an attribute that only leads to a container, a forward must show that it is not. Other
    methods than a forward may use the attribute by its own name.
    """
    holders = [_holder(name) for name in twice.module.aliases]
    if len(set(holders)) < len(holders):
        return True
    if twice.is_used:
        return True
    if twice.container is None:
        return len(twice.calls) != 1
    return len({twice.container.name in call.modules for call in twice.calls}) > 1


def _finding(found: list[_Twice]) -> Finding:
    first = found[0]
    others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    keys = " and ".join(f"`{key}`" for key in first.keys)
    container = first.container
    evidence = []
    if container is not None:
        again = first.within_owner(max(first.module.name, first.other, key=len))
        evidence.append((container.site, f"it is registered again here, as `{again}`"))
    return RULE.at(
        first.place,
        f"`{first.within_owner(first.module.name)}`{others} of `{first.owner.class_name}` is registered"
        f" twice, so `state_dict()` has its tensors twice ({keys}), and what averages states in place"
        f" counts them twice; {first.remedy}",
        layer=first.module.name,
        evidence=evidence,
    )
