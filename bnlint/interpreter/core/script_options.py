"""Options with values that they do not have by default, and those that have none."""

import re

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.values import Unknown, Value

FREEZING = re.compile(r"freeze|frozen|fix[-_]|finetune|fine[-_]tune", re.IGNORECASE)
"""Names of options whose effect on BatchNorm is worth an execution of the script."""
_TRAINING = re.compile(r"-+(?:(?:do|is|run)[-_])?train(?:ing)?", re.IGNORECASE)
"""Names of options without which a script that has them does not train."""

ASSIGNED = " ="
"""How the flag of an option ends that is a constant of the script."""
_OPTION = "option "


@immutable
class Option:
    """An option of the command line with a value that it does not have by default.

    A constant of the script that chooses what it does is one, too: its flag is ``name =``.
    """

    flag: str
    value: Value = True

    def __str__(self) -> str:
        if self.is_constant:
            return (
                f'{self.flag} "{self.value}"'
                if isinstance(self.value, str)
                else f"{self.flag} {self.value}"
            )
        if not self.flag.startswith("-"):
            return str(self.value)
        return self.flag if self.value is True else f"{self.flag} {self.value}".strip()

    @property
    def is_constant(self) -> bool:
        """Whether it is written in the script itself."""
        return self.flag.endswith(ASSIGNED)

    @property
    def trains(self) -> bool:
        """Whether its name says that it lets the script train."""
        return self.value is True and _TRAINING.fullmatch(self.flag) is not None

    @property
    def freezes(self) -> bool:
        """Whether its name says that it freezes something."""
        return FREEZING.search(self.flag) is not None


def unknown_option(flag: str, site: Site | None = None) -> Unknown:
    """An option of the command line that has no default, and was not given."""
    return Unknown(_OPTION + flag, site)


def option_without_default(value: Value) -> str | None:
    """The flag of such an option."""
    if isinstance(value, Unknown) and value.reason.startswith(_OPTION):
        return value.reason.removeprefix(_OPTION)
    return None
