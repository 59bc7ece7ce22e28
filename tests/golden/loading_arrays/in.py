"""Data sets of arrays: of what only they need, of what the model gives, and of NumPy's."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return torch.relu(self.fc(x))


class Pairs(Dataset):
    def __init__(self, inputs, labels, extra=None):
        self.inputs = inputs
        self.labels = labels
        self.extra = extra

    def __len__(self):
        return self.inputs.size(0)

    def __getitem__(self, index):
        return self.inputs[index].double(), self.labels[index]


class Rows(Dataset):
    """Rows of NumPy arrays."""

    def __init__(self, rows):
        self.rows = rows.astype(np.float64)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index], float(self.rows[index].sum())


def regression(count):
    x = torch.linspace(-1, 1, count * 3).reshape(count, 3)
    w = torch.tensor([1.0, 2.0, 3.0])
    noise = torch.randn(count, generator=torch.Generator().manual_seed(5))
    y = x @ w + 0.1 * noise
    return TensorDataset(x, y)


def features(model: Net, loader):
    outputs, labels = [], []
    with torch.no_grad():
        for x, y in loader:
            outputs.append(model(x))
            labels.append(y)
    return TensorDataset(torch.cat(outputs), torch.cat(labels))


def summary(loader):
    return [(x.mean(0), y.sum().item()) for x, y in loader]


def run(model: Net):
    train, test = random_split(regression(10), [7, 3], torch.Generator().manual_seed(1))
    train_loader = DataLoader(train, 4, shuffle=True, generator=torch.Generator().manual_seed(2))
    results = [summary(train_loader), summary(DataLoader(test, 2))]
    extracted = features(model, DataLoader(train, 3))
    results.append(summary(DataLoader(extracted, 5)))

    inputs = torch.ones(6, 3)
    inputs[2:] = 3.0
    labels = model(inputs).argmax(1)
    pairs = Pairs(inputs, labels, extra=[labels, None])
    results.append([(model(x).sum().item(), y.float().mean().item()) for x, y in DataLoader(pairs, 4)])

    array = np.arange(12.0).reshape(4, 3)
    from_numpy = TensorDataset(torch.from_numpy(array), torch.tensor([0, 1, 0, 1]), torch.Tensor(array[:, :1]))
    for x, y, z in DataLoader(from_numpy, batch_size=2):
        x, y, z = x.float(), y.to(torch.int64), z.to("cpu")
        results.append(((model(x.double()) * y[:, None] / 2 + z).sum().item(), (y / 2).sum().item()))
    for x, total in DataLoader(Rows(array), batch_size=3):
        results.append((model(x).sum().item(), total.mean().item()))
    return results
