"""What breaks an execution off, besides a budget that is used."""


class ProgramEnds(Exception):
    """The program does not take the command line that it is called with."""


class ScriptActivity(Exception):
    """A loop whose passes were to be executed one by one turns out to train or evaluate."""
