"""The networks of the example, by name."""

from models.plain import plain26
from models.resnet import FineTuned, resnet14, resnet26

MODELS = {
    "resnet14": resnet14,
    "resnet26": resnet26,
    "plain26": plain26,
}


def build_model(name, **kwargs):
    """Build the network called ``name``."""
    if name not in MODELS:
        raise ValueError(f"unknown model {name!r}, choose from {sorted(MODELS)}")
    return MODELS[name](**kwargs)


__all__ = ["MODELS", "FineTuned", "build_model"]
