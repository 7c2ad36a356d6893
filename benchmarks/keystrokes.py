"""How long one keystroke takes until its diagnostics, in the language server over standard input and output.

``python benchmarks/keystrokes.py [NUMBER]`` types in a training script of 500 lines that uses two modules of its own.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bnlint.language_server.server import PAUSE
from tests.editor import Editor, editing

ROOT = Path(__file__).parents[1]
LINES = 500


def script() -> str:
    """The example's script, with further models, loaders and loops up to so many lines."""
    text = (ROOT / "examples" / "train.py").read_text()
    number = 0
    while text.count("\n") < LINES:
        number += 1
        text += FURTHER.replace("NUMBER", str(number))
    return text


FURTHER = """

class BlockNUMBER(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(y)))


def stepNUMBER(model, loader, optimizer, device):
    model.train()
    for images, targets in loader:
        loss = F.cross_entropy(model(images.to(device)), targets.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        return sum(model(images).argmax(1).eq(targets).sum() for images, targets in loader)
"""


async def measure(folder: Path, number: int) -> list[float]:
    """Seconds from each of so many keystrokes to its diagnostics."""
    async with editing(folder) as editor:
        await editor.open("train.py")
        return [await keystroke(editor, count) for count in range(number)]


async def keystroke(editor: Editor, count: int) -> float:
    """Type one more character into a comment in the middle of the script, or a number in its code."""
    lines = script().split("\n")
    lines[LINES // 2] += f"  # {'x' * (count + 1)}" if count % 2 else ""
    lines.append(f"factor = {count}")
    start = time.perf_counter()
    editor.type("train.py", "\n".join(lines))
    await editor.news()
    return time.perf_counter() - start


def main() -> None:
    """Print the median and the worst."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in (ROOT / "examples").rglob("*.py"):
            place = folder / file.relative_to(ROOT / "examples")
            place.parent.mkdir(exist_ok=True)
            place.write_text(file.read_text())
        (folder / "train.py").write_text(script())
        seconds = asyncio.run(measure(folder, number))
    told = f"median {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s"
    print(f"{number} keystrokes in {script().count(chr(10))} lines: {told}, of it {PAUSE} s pause")


if __name__ == "__main__":
    main()
