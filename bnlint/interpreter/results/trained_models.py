"""Which models a program trains, and in which mode."""

from dataclasses import dataclass
from functools import cached_property

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.journal import Journal, ModelRecord
from bnlint.interpreter.core.objects import Class, Instance
from bnlint.interpreter.torch.modules import named_parts


@dataclass(eq=False)
class TrainedModels:
    """What the records of a whole rehearsal say of training; to be asked when it is over."""

    journal: Journal

    def gets_steps(self, record: ModelRecord) -> Known:
        """Whether some optimizer gets parameters of a model."""
        journal = self.journal
        modules = (record.module, *(norm.module for norm in record.norms))
        if not journal.optimized.isdisjoint(modules):
            return Known.YES
        known = journal.optimizers > 0 and not journal.optimizes_unknown
        return Known.NO if known else Known.UNKNOWN

    @cached_property
    def sites(self) -> set[Site]:
        """Where models are built into which weights are loaded that the program itself trains.

        One of several models is built in one place, and which of them is trained may be said elsewhere.
        """
        loaded = self.journal.loaded
        return {module.site for module in loaded if _kind_of(module) in self._kinds}

    @cached_property
    def _kinds(self) -> set[Class | Site | None]:
        """The classes of the models that are trained, and of their parts."""
        trained = {
            r.model.module for r in self.journal.forwards if r.backpropagated is not Known.NO
        }
        return {_kind_of(part.module) for model in trained for part in named_parts(model)}

    @cached_property
    def live(self) -> dict[Instance, bool]:
        """For each BatchNorm layer that is trained, whether it may be in train mode in a step.

        It may not where it may have been put into eval mode for each step.
        """
        trained: dict[Instance, bool] = {}
        for record in self.journal.forwards:
            if record.backpropagated is Known.NO or record.inner:
                continue
            for norm in record.norms:
                live = all(s.training or (s.training is None and not s.site) for s in norm.mode)
                trained[norm.instance] = trained.get(norm.instance, False) or live
        return trained


def _kind_of(module: Instance) -> Class | Site | None:
    """What modules of one kind have in common: their class or, of library modules, the line."""
    return module.cls or module.site
