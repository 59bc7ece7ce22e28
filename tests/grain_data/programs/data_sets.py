"""Data sets that compute with tensors, parts of them, a collate function of one's own, and a sampler."""

import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Sampler, SequentialSampler, Subset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(x)


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


class Signals(Dataset):
    def __init__(self, count: int, transform=None):
        super().__init__()
        self.signals = torch.arange(count * 4).view(count, 4).double() / 32
        self.labels = torch.tensor([i % 3 for i in range(count)])
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        signal = self.signals[index]
        if self.transform is not None:
            signal = self.transform(signal)
        signal = (signal - signal.mean()) / signal.std()
        shifted = torch.cat([signal[1:], torch.zeros(1)])
        return torch.stack([signal, shifted], dim=0), self.labels[index]


class Backwards(Sampler):
    def __init__(self, data):
        super().__init__()
        self.data = data

    def __iter__(self):
        return iter(torch.arange(len(self.data) - 1, -1, -1).tolist())

    def __len__(self):
        return len(self.data)


def first_channel(samples):
    signals, labels = zip(*samples)
    return torch.stack(signals)[:, 0], torch.tensor([int(label) for label in labels])


def fit(model: Net, loader):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for signals, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(signals), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def run(model: Net):
    signals = Signals(10, Scale(2.0))
    both = ConcatDataset([Subset(signals, [7, 2, 9]), Signals(6)])
    losses = fit(model, DataLoader(both, 4, collate_fn=first_channel))
    losses += fit(model, DataLoader(signals, 3, sampler=Backwards(signals), collate_fn=first_channel))
    order = [
        label for _, labels in DataLoader(signals, 4, sampler=SequentialSampler(signals)) for label in labels.tolist()
    ]
    total = 0.0
    for pairs, labels in DataLoader(signals, batch_size=4, collate_fn=lambda batch: (batch[0][0], batch[-1][1])):
        total += float(pairs.sum()) + int(labels)
    return losses, order, total, len(both)
