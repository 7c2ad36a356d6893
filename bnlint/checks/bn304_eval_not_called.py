"""BN304: ``model.eval`` stands as a statement without being called."""

from collections.abc import Iterator

from bnlint.facts.types.mode_events import ModeNotCalled
from bnlint.facts.types.run import Run
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN304", "eval-not-called", Severity.ERROR, fix=Applicability.SAFE)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report mode switches that are looked up and not called."""
    for event in first_of_each(run.of_type(ModeNotCalled), key=lambda event: event.site):
        code = event.site.text
        yield RULE.at(
            event.site,
            f"`{code}` without parentheses does nothing, so `{event.receiver}` stays in the mode "
            f"that it was in; write `{code}()`",
            fix=RULE.fixed_by(f"Call `{code}()`", event.site.replace(f"{code}()")),
        )
