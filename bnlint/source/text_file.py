"""One Python file as it was read: its text, and what it takes to write it back."""

from pathlib import Path

from bnlint.source.decoding import Decoded


class TextFile:
    """A file's text, with how users call the file and where it is.

    ``content`` is the decoded text without a byte order mark; offsets count its characters.
    """

    def __init__(self, path: str, file: Path, decoded: Decoded) -> None:
        self.path = path
        self.file = file
        self.content = decoded.text
        self.encoding = decoded.encoding
        self.bom = decoded.bom

    @property
    def decoded(self) -> Decoded:
        """The text, and how to turn it into bytes again."""
        return Decoded(self.content, self.encoding, self.bom)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def __reduce__(self) -> tuple[type["TextFile"], tuple[str, Path, Decoded]]:
        """What another process gets: the text, whatever was made of it here."""
        return TextFile, (self.path, self.file, self.decoded)
