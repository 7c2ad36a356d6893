"""BN404: a checkpoint has the parameters of a network and not its running statistics."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.lost_statistics import lost_statistics
from bnlint.facts.types.run import Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import network_of_parameters
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN404",
    "parameters-only-checkpoint",
    Severity.WARNING,
    fix=Applicability.UNSAFE,
    in_tests=False,
    reads=(lost_statistics,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each place that saves parameters of a trained network alone."""
    for lost in first_of_each(lost_statistics(run), lambda lost: lost.stored.site):
        model = lost.trained.model
        yield RULE.at(
            lost.stored.site,
            f"Only parameters of `{model.name}` are saved, without the running statistics of its "
            "BatchNorm layers: what loads them normalises by other numbers in eval mode; save "
            f"`{model.name}.state_dict()`",
            evidence=[(lost.trained.site, "the statistics that are lost are gathered here")],
            fix=_fix(lost.stored.value),
        )


def _fix(value: Site | None) -> Fix | None:
    """The whole state, where all parameters are listed in the call itself."""
    name = None if value is None else network_of_parameters(value.text)
    if value is None or name is None:
        return None
    whole = f"{name}.state_dict()"
    return RULE.fixed_by(f"Save `{whole}`", value.replace(whole))
