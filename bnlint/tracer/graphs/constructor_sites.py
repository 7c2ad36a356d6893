"""The nodes of the user's files that stand at the places of a trace."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.source import Project, SourceFile, Unreadable
from bnlint.tracer.graphs.attribute_sites import assigned_call
from bnlint.tracer.graphs.no_source import Uneditable
from bnlint.tracer.record.records import LayerRecord, TracePlace


@dataclass(slots=True)
class PlacedNodes:
    """Finds the nodes at places; files that cannot be read have none."""

    project: Project
    found: dict[TracePlace, Site | None] = field(default_factory=dict)
    shown: dict[str, Uneditable] = field(default_factory=dict)

    def site(self, place: TracePlace | None) -> Site | None:
        """The site of a place."""
        if place is None:
            return None
        if place not in self.found:
            self.found[place] = self._locate(place)
        return self.found[place]

    def around(self, place: TracePlace | None) -> Site | None:
        """The site of a place, or else the statement that it is in."""
        exact = self.site(place)
        source = self._source(place.file) if place is not None and exact is None else None
        if place is None or source is None:
            return exact
        node = source.located.around(place.line)
        return None if node is None else Site(source, node)

    def constructor(
        self, layer: LayerRecord, layers: Mapping[str, LayerRecord]
    ) -> tuple[Site, ...]:
        """The call that built a layer and those that led to it, nearest first.

        Where nobody watched it being built, its class's source tells: the call that is assigned to
        its attribute, or else the class itself.
        """
        watched = [site for place in layer.places if (site := self.site(place)) is not None]
        if watched:
            return tuple(watched)
        for owner, path in _owners(layer.name, layers):
            for place in owner.class_places:
                definition = self.site(place)
                built = assigned_call(definition, path) if definition is not None else None
                if built is not None:
                    return (built if _calls(built, layer) else self._shown(built),)
        own = (self.site(place) for place in layer.class_places)
        return tuple(self._shown(site) for site in own if site is not None)[:1]

    def _shown(self, site: Site) -> Site:
        """A site that is near the place, but not proven to be it."""
        source = self.shown.setdefault(site.path, Uneditable(site.source))
        return Site(source, site.node)

    def _locate(self, place: TracePlace) -> Site | None:
        source = self._source(place.file)
        if source is None:
            return None
        node: cst.CSTNode | None
        if place.column is None or place.end_column is None:
            node = source.located.definition(place.line, place.function)
        else:
            node = source.located.node(place.line, place.column, place.end_line, place.end_column)
        return None if node is None else Site(source, node)

    def _source(self, file: str) -> SourceFile | None:
        try:
            return self.project.load(Path(file))
        except Unreadable:
            return None


def _owners(
    name: str, layers: Mapping[str, LayerRecord]
) -> Iterator[tuple[LayerRecord, tuple[str, ...]]]:
    """The modules around one, nearest first, each with the rest of the dotted name."""
    parts = name.split(".") if name else []
    for number in range(len(parts) - 1, -1, -1):
        owner = layers.get(".".join(parts[:number]))
        if owner is not None:
            yield owner, tuple(parts[number:])


def _calls(site: Site, layer: LayerRecord) -> bool:
    """Whether the class itself is called there, not something that returns such a layer."""
    node = site.node
    return isinstance(node, cst.Call) and Site(site.source, node.func).text.endswith(
        layer.class_name
    )
