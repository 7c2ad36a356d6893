"""``LightningCLI(Model, Data)`` builds both and a trainer, and calls the trainer's ``fit``."""

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Instance, Scope
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.library.training_frameworks.lightning import fit
from bnlint.interpreter.python.construction import build_library, starts
from bnlint.source.file import SourceFile

TRAINER = "lightning.pytorch.Trainer"


@starts("LightningCLI")
def _start(m: Machine, cli: Instance, arguments: Arguments) -> None:
    """With ``run=False`` the script goes on with ``cli.trainer``, ``cli.model`` and ``cli.datamodule``.

    What a configuration would give the constructors is their defaults, or not known.
    """
    model = _built(m, cli, arguments.get(0, "model_class"))
    data = _built(m, cli, arguments.get(1, "datamodule_class"))
    trainer = build_library(m, TRAINER, Arguments(), cli.site)
    made = {"model": model, "datamodule": data, "trainer": trainer}
    for name, value in made.items():
        m.heap.put(cli.attributes, name, value)
    if arguments.keywords.get("run", True) is True and isinstance(model, Instance):
        fit(m, trainer, model, Arguments([model, data]), cli.site, _scope(m, cli))


def _built(m: Machine, cli: Instance, cls: Value) -> Value:
    if not isinstance(cls, Class):
        return None
    return m.call(cls, Arguments(), cli.site, _scope(m, cli))


def _scope(m: Machine, cli: Instance) -> Scope:
    """The file that calls it: places in a call are places in the file of its scope."""
    source = cli.site.source
    assert isinstance(source, SourceFile)
    return m.namespaces.imported(source).scope
