"""Train a small classifier, keep an average of its weights, and fine-tune a new head.

python examples/train.py --epochs 2 --arch resnet14
"""

import argparse
import copy
import time

import torch
from data import build_loaders
from evaluate import per_class_accuracy, validate
from models import MODELS, FineTuned, build_model
from torch import nn


def parse_args():
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", default="resnet14", choices=sorted(MODELS))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--finetune-epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--per-class", type=int, default=20, help="training images of each class")
    parser.add_argument("--classes", type=int, default=6)
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--ema-decay", type=float, default=0.95)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--save", default=None, help="where to write the best checkpoint")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


@torch.no_grad()
def update_average(average, model, decay):
    """Move the averaged weights a step towards the current ones."""
    for averaged, current in zip(average.parameters(), model.parameters()):
        averaged.mul_(decay).add_(current, alpha=1 - decay)


def train_one_epoch(model, average, loader, criterion, optimizer, args):
    """One pass over the training images; returns the mean loss."""
    model.train()
    losses = []
    for images, targets in loader:
        images, targets = images.to(args.device), targets.to(args.device)
        loss = criterion(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        update_average(average, model, args.ema_decay)
        losses.append(loss.item())
    return sum(losses) / max(1, len(losses))


def fit(model, train_loader, val_loader, args):
    """Train with validation after every epoch and return the averaged network."""
    average = copy.deepcopy(model)
    average.eval()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=args.lr, momentum=args.momentum, weight_decay=args.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(1, args.epochs))
    best = 0.0
    for epoch in range(args.epochs):
        start = time.time()
        train_loss = train_one_epoch(model, average, train_loader, criterion, optimizer, args)
        scheduler.step()
        val_loss, accuracy = validate(model, val_loader, args.device)
        _, average_accuracy = validate(average, val_loader, args.device)
        print(
            f"epoch {epoch}: train loss {train_loss:.3f}, val loss {val_loss:.3f}, "
            f"accuracy {accuracy:.3f}, averaged {average_accuracy:.3f}, "
            f"{time.time() - start:.1f} s"
        )
        if args.save and accuracy >= best:
            best = accuracy
            state = {"arch": args.arch, "classes": args.classes, "model": model.state_dict()}
            torch.save(state, args.save)
    return average


def finetune(backbone, train_loader, val_loader, args):
    """Train a new classifier on the features of a trained network."""
    model = FineTuned(backbone, args.classes).to(args.device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.head.parameters(), lr=1e-3)
    model.train()
    for epoch in range(args.finetune_epochs):
        for images, targets in train_loader:
            loss = criterion(model(images.to(args.device)), targets.to(args.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        accuracies = per_class_accuracy(model, val_loader, args.device, args.classes)
        print(f"fine-tuning epoch {epoch}: accuracies {[round(a, 2) for a in accuracies.tolist()]}")
    return model


def main():
    """Train, then fine-tune."""
    args = parse_args()
    torch.manual_seed(args.seed)
    train_loader, val_loader = build_loaders(args.per_class, args.batch_size)
    model = build_model(args.arch, num_classes=args.classes).to(args.device)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{args.arch}: {parameters / 1e3:.0f} k parameters")
    fit(model, train_loader, val_loader, args)
    if args.arch.startswith("resnet"):
        finetune(model, train_loader, val_loader, args)


if __name__ == "__main__":
    main()
