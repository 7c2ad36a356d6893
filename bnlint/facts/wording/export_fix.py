"""What to do about a model that is exported in train mode."""

from bnlint.facts.passes.forwards import norms_in_training
from bnlint.facts.types.run import Fused, Mode, Run, Stored
from bnlint.facts.wording.code_text import first_argument
from bnlint.facts.wording.evidence import Proof, how_it_came_into, in_time
from bnlint.finding import Edit
from bnlint.immutable import immutable


@immutable
class ExportCure:
    """How the exported model is called, and the edits that cure it, with their title."""

    name: str
    title: str = ""
    edits: tuple[Edit | None, ...] = ()


def cure_of_export(run: Run, event: Stored | Fused) -> ExportCure:
    """``eval()`` on what is handed over, where that is a name.

    In a function that other scripts may call while they train, the mode is given back; not where
    that would thaw a part.
    """
    name = first_argument(event.site.text)
    if name is None:
        return ExportCure(event.models[0].name)
    line = f"{name}.eval()"
    if run.main and run.complete and not run.options and event.site.path == run.entry:
        return ExportCure(name, f"Call `{line}` before", (event.site.insert_before(line),))
    if len(norms_in_training(event)) < len(event.norms):
        return ExportCure(name)
    kept = f"{name.replace('.', '_').removeprefix('self_')}_was_training"
    edits = event.site.around(
        [f"{kept} = {name}.training", line], f"{name}.train({kept})", caught=True
    )
    return ExportCure(name, f"Call `{line}` before, and give the mode back after", edits)


def how_it_is_in_training(run: Run, event: Stored | Fused) -> list[Proof]:
    """Where the BatchNorm layers of an exported model came into train mode."""
    mode: Mode = frozenset().union(*(norm.mode for norm in norms_in_training(event)))
    return in_time(how_it_came_into(run, mode, event.models[0]))
