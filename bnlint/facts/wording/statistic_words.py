"""How messages speak of running statistics."""

from collections.abc import Sequence

from bnlint.facts.types.hand_written import HandWritten, RunningStatistic


def named(statistics: Sequence[RunningStatistic], layer: HandWritten) -> str:
    """The attributes and their layer: self.mean and self.var, running statistics of Norm."""
    names = " and ".join(f"`self.{statistic.name}`" for statistic in statistics)
    what = "a running statistic" if len(statistics) == 1 else "running statistics"
    return f"{names}, {what} of `{layer.class_name}`"
