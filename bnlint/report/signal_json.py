"""The propagation of a model's signal as JSON, for programs."""

import json
from pathlib import Path

from bnlint.facts.types.signal import Signal, to_json
from bnlint.facts.wording.signal_verdict import verdict
from bnlint.visible import display_path, inert_json


def text(signal: Signal) -> str:
    """Return one JSON object: the model, the verdict on it, and all blocks.

    Numbers that JSON cannot write are the strings ``"Infinity"`` and ``"NaN"``. Paths are relative
    to the working directory.
    """
    data = to_json(signal)
    judged = verdict(signal)
    blocks = data.pop("blocks")
    for block in blocks:
        if block["path"] is not None:
            block["path"] = display_path(Path(block["path"]))
    data["verdict"] = {
        "pattern": judged.pattern.value,
        "text": judged.text,
        "advice": judged.advice,
    }
    return inert_json(json.dumps(data | {"blocks": blocks}, indent=2, allow_nan=False)) + "\n"
