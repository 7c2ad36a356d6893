"""BN103 momentum-zero: running statistics that never leave their initial values."""

from collections.abc import Iterator

from bnlint.facts.passes.momentum import MomentumSetting, momentum_settings
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.site import Site
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule(
    "BN103", "momentum-zero", Severity.ERROR, fix=Applicability.SAFE, reads=(momentum_settings,)
)

_LATER = ("affine", "track_running_stats")


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report constructors that set the momentum to 0 or ``False``; assignments may be toggles."""
    for setting in momentum_settings(graphs):
        call, written = setting.call, setting.argument.site
        if call is None or written is None or setting.argument.number != 0:
            continue
        if setting.agreed and not setting.pretrained:
            yield _finding(setting, call, written)


def _finding(setting: MomentumSetting, call: Site, written: Site) -> Finding:
    affine_meant = setting.argument.value is False and setting.argument.positional
    class_name = setting.layers[0].type.rpartition(".")[2]
    what = (
        f"The third argument of `{class_name}` is `momentum`, and `False` counts as 0"
        if affine_meant
        else f"`momentum={written.text}` is 0"
    )
    return RULE.at(
        written,
        f"{what}: the running statistics stay 0 and 1, so eval mode does not normalise;"
        f" {'write `affine=False`' if affine_meant else 'leave `momentum` at its default of 0.1'}",
        layer=setting.layers[0].name,
        evidence=setting.evidence,
        cause=setting.argument.cause,
        fix=_name_affine(setting, call, written) if affine_meant else _fix(setting, call, written),
    )


def _fix(setting: MomentumSetting, call: Site, written: Site) -> Fix | None:
    arguments = setting.layers[0].arguments
    if written.text not in ("0", "0.", "0.0", "False"):
        change = setting.rewritten("0.1")
        return None if change is None else RULE.fixed_by(*change[:2], applicability=change[2])
    if any(arguments[name].positional for name in _LATER if name in arguments):
        return RULE.fixed_by("Use the default of 0.1", written.replace("0.1"))
    return RULE.fixed_by(f"Remove `{written.text}`", call.remove_argument(written))


def _name_affine(setting: MomentumSetting, call: Site, written: Site) -> Fix | None:
    arguments = setting.layers[0].arguments
    if written.text != "False":
        return None
    if any(arguments[name].given for name in _LATER if name in arguments):
        return _fix(setting, call, written)
    return RULE.fixed_by(
        "Write `affine=False`",
        written.replace("affine=False"),
        applicability=Applicability.UNSAFE,
    )
