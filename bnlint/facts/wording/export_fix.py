"""What to do about a model that is exported in train mode."""

from dataclasses import dataclass

from bnlint.facts.passes.forwards import norms_in_training
from bnlint.facts.types.run import Mode, Run, Stored
from bnlint.facts.wording.code_text import first_argument
from bnlint.facts.wording.evidence import Proof, how_it_came_into, in_time
from bnlint.finding import Edit


@dataclass(frozen=True, slots=True)
class ExportCure:
    """How the exported model is called, the line that cures it, and where that goes."""

    name: str
    line: str
    edit: Edit | None


def cure_of_export(event: Stored) -> ExportCure:
    """``eval()`` on what is handed over; no line where that is more than a name."""
    given = first_argument(event.site.text)
    if given is None:
        return ExportCure(event.models[0].name, "", None)
    line = f"{given}.eval()"
    return ExportCure(given, line, event.site.insert_before(line))


def how_it_is_in_training(run: Run, event: Stored) -> list[Proof]:
    """Where the BatchNorm layers of an exported model came into train mode."""
    mode: Mode = frozenset().union(*(norm.mode for norm in norms_in_training(event)))
    return in_time(how_it_came_into(run, mode, event.models[0]))
