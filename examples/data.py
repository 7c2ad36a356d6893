"""Synthetic images of simple patterns, so that the example needs no download."""

import torch
from torch.utils.data import DataLoader, Dataset


class Patterns(Dataset):
    """Noisy stripes and checks; the class is the pattern, its period and its orientation."""

    def __init__(self, per_class, classes=6, size=32, noise=0.5, seed=0):
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.arange(classes).repeat_interleave(per_class)
        self.noise = noise * torch.randn(len(self.labels), 3, size, size, generator=generator)
        axis = torch.arange(size)
        self.rows, self.columns = torch.meshgrid(axis, axis, indexing="ij")

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        label = int(self.labels[index])
        period = 2 + 2 * (label // 3)
        stripes = (self.rows // period, self.columns // period)
        pattern = (stripes[0], stripes[1], stripes[0] + stripes[1])[label % 3] % 2
        return pattern.float() + self.noise[index], label


def build_loaders(per_class, batch_size, workers=0):
    """Loaders of the training and of the validation images."""
    train_set = Patterns(per_class, seed=1)
    val_set = Patterns(max(1, per_class // 4), seed=2)
    train_loader = DataLoader(train_set, batch_size=batch_size, num_workers=workers, drop_last=True)
    val_loader = DataLoader(val_set, batch_size=64, num_workers=workers)
    return train_loader, val_loader
