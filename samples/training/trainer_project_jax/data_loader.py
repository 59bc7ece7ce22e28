"""Images that look a little like digits: a prototype for each class, and noise."""

import torch
from torch.utils.data import DataLoader, Dataset, random_split
from torch2jax_helpers import numpy_collate


class NoisyDigits(Dataset):
    def __init__(self, count, num_classes=10, size=12):
        prototypes = torch.rand(num_classes, 1, size, size)
        self.targets = torch.randint(0, num_classes, (count,))
        self.data = prototypes[self.targets] + 0.3 * torch.randn(count, 1, size, size)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, idx):
        return self.data[idx], self.targets[idx]


def make_loaders(batch_size, validation_split=0.2):
    dataset = NoisyDigits(300)
    n_valid = int(len(dataset) * validation_split)
    train_set, valid_set = random_split(dataset, [len(dataset) - n_valid, n_valid])
    data_loader = DataLoader(
        train_set, batch_size=batch_size, shuffle=True, collate_fn=numpy_collate
    )
    valid_data_loader = DataLoader(valid_set, batch_size=batch_size, collate_fn=numpy_collate)
    return data_loader, valid_data_loader
