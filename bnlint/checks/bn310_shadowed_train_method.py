"""BN310: a model's training loop is called ``train`` and hides the switch of the mode."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.train_overrides import is_training_loop, train_methods
from bnlint.facts.types.graph import Graphs
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule

RULE = Rule("BN310", "shadowed-train-method", Severity.ERROR, reads=(train_methods,))


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each method once."""
    for method in train_methods(graphs):
        if is_training_loop(method):
            given = method.parameters[0] if method.parameters else ""
            how = f"with False for `{given}`" if given else "with an argument that it does not take"
            yield RULE.at(
                method.site,
                f"`{method.owner}.train` trains the model, but `eval()` and `train()` of `nn.Module` switch "
                f"the mode by a method of this name: `eval()` calls it {how}, and BatchNorm "
                "stays in train mode; call it `fit`",
            )
