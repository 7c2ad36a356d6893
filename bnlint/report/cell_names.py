"""Places in notebooks for reports that have a file and a line of their own."""

from bnlint.source.notebook import NOTEBOOK

_BETWEEN = f"{NOTEBOOK}:cell "


def file_and_cell(path: str) -> tuple[str, int | None]:
    """The file that a path names, and the cell of a notebook: ``train.ipynb:cell 3``."""
    file, between, cell = path.rpartition(_BETWEEN)
    return (f"{file}{NOTEBOOK}", int(cell)) if between and cell.isdigit() else (path, None)
