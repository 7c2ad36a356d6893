"""Accuracy of a network, and predictions of a saved one.

python examples/evaluate.py checkpoint.pt
"""

import argparse

import torch
import torch.nn.functional as F
from data import build_loaders
from models import build_model


@torch.no_grad()
def validate(model, loader, device):
    """Mean loss and accuracy over a loader."""
    total, correct, loss = 0, 0, 0.0
    for images, targets in loader:
        images, targets = images.to(device), targets.to(device)
        outputs = model(images)
        loss += F.cross_entropy(outputs, targets, reduction="sum").item()
        correct += (outputs.argmax(dim=1) == targets).sum().item()
        total += targets.size(0)
    return loss / total, correct / total


def per_class_accuracy(model, loader, device, classes=6):
    """Accuracy of every class."""
    model.eval()
    hits, counts = torch.zeros(classes), torch.zeros(classes)
    with torch.no_grad():
        for images, targets in loader:
            predictions = model(images.to(device)).argmax(1).cpu()
            for label in range(classes):
                chosen = targets == label
                hits[label] += (predictions[chosen] == label).sum()
                counts[label] += chosen.sum()
    return hits / counts.clamp(min=1)


def predict(checkpoint, loader, device="cpu"):
    """Predicted classes of a loader's images by the network in a checkpoint."""
    state = torch.load(checkpoint, map_location=device)
    model = build_model(state["arch"], num_classes=state["classes"])
    model.load_state_dict(state["model"])
    model.to(device)
    model.eval
    with torch.no_grad():
        return torch.cat([model(images.to(device)).argmax(1) for images, _ in loader])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--per-class", type=int, default=20)
    options = parser.parse_args()
    _, val_loader = build_loaders(options.per_class, batch_size=64)
    print(predict(options.checkpoint, val_loader).tolist())
