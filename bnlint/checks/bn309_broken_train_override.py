"""BN309: a class replaces ``train`` by one that takes no mode, or that returns nothing."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.train_overrides import is_training_loop, train_methods
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.train_method import TrainMethod
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule

RULE = Rule(
    "BN309",
    "broken-train-override",
    Severity.ERROR,
    fix=Applicability.SAFE,
    reads=(train_methods,),
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each method once."""
    for method in train_methods(graphs):
        if is_training_loop(method):
            continue
        if not method.parameters and not method.is_open:
            yield _takes_no_mode(method)
        elif not method.returns:
            yield _returns_nothing(method)


def _takes_no_mode(method: TrainMethod) -> Finding:
    return RULE.at(
        method.site,
        f"`{method.owner}.train` takes no mode, so that `eval()`, which calls `train(False)`, raises a "
        "TypeError, on a model that contains it, too; write `def train(self, mode=True)`, hand "
        "`mode` to `super().train` and return `self`",
    )


def _returns_nothing(method: TrainMethod) -> Finding:
    return RULE.at(
        method.site,
        f"`{method.owner}.train` returns nothing, so that `model = model.eval()` makes `model` None; end "
        "it with `return self`",
        severity=Severity.ADVICE,
        fix=RULE.fixed_by(
            "End it with `return self`",
            None if method.leaves else method.site.insert_last("return self"),
        ),
    )
