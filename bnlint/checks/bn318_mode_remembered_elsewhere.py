"""BN318: a mode that was kept long before is given back, and undoes one that was set since."""

from collections.abc import Iterator

from bnlint.facts.passes.mode_switches.undone_modes import UndoneMode, undone_modes
from bnlint.facts.types.run import ModeSwitched, Run
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.evidence import loader_name
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN318",
    "mode-remembered-elsewhere",
    Severity.WARNING,
    default=False,
    fix=Applicability.DISPLAY,
    reads=(undone_modes,),
    instead_of=("BN301", "BN303"),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each place that keeps a mode once, with the first forward that runs in it."""
    for undone in first_of_each(undone_modes(run), key=lambda found: found.given_back.kept_at):
        yield _finding(run, undone)


def _finding(run: Run, undone: UndoneMode) -> Finding:
    given, forward = undone.given_back, undone.forward
    name, kept = forward.model.name, "train" if given.training else "eval"
    was_set = "eval" if given.training else "train"
    return RULE.at(
        given.kept_at,
        f"The mode of `{name}` is kept here, and given back after `{was_set}()` was called, so"
        f" {_harm(undone)}; read the mode anew each time, right before it is changed for a while",
        evidence=[
            (undone.switched.site, f"the mode is set to {was_set} here"),
            (given.site, f"the mode that was kept, {kept}, is given back here"),
            (forward.site, f"`{name}` runs in {kept} mode here"),
        ],
        fix=_fix(run, undone),
    )


def _harm(undone: UndoneMode) -> str:
    name, data = undone.forward.model.name, loader_name(undone.forward.loaders)
    if undone.given_back.training:
        return (
            f"`{name}` is evaluated in train mode: BatchNorm normalises each batch of {data} by its own"
            " statistics and updates the running ones with them"
        )
    return f"`{name}` is trained in eval mode: BatchNorm's running statistics do not follow the weights"


def _fix(run: Run, undone: UndoneMode) -> Fix | None:
    """The mode is read where an object changes it for a while."""
    target, changed = undone.given_back.target, _changed_for_a_while(run, undone)
    if changed is None or not _belongs_to_self(changed.receiver) or not _belongs_to_self(target):
        return None
    line = f"{target} = {changed.receiver}.training"
    return RULE.fixed_by("Read the mode before it is changed", changed.site.insert_before(line))


def _belongs_to_self(name: str) -> bool:
    return is_dotted_name(name) and name.startswith("self.")


def _changed_for_a_while(run: Run, undone: UndoneMode) -> ModeSwitched | None:
    """The first switch that what gives the mode back was to end."""
    given, since = undone.given_back, undone.switched.order
    return next(
        (
            switch
            for switch in run.of_type(ModeSwitched)
            if since < switch.order < given.order
            and switch.model.is_same(given.model)
            and switch.site.path == given.kept_at.path
        ),
        None,
    )
