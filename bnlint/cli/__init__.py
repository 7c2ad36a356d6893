"""The command line: the only code that prints, reads arguments and sets exit codes."""
