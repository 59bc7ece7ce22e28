"""A class that trains, with its loaders and the model in attributes, and generators around loaders."""

import copy

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

WEIGHT = torch.tensor([1.0, -2.0, 0.5])


def exists(value):
    return value is not None


def cycle(loader):
    while True:
        for data in loader:
            yield data


def endless(loader):
    while True:
        yield from loader


class Line(Dataset):
    """Points on a plane, perhaps with noise."""

    def __init__(self, count, noise=None):
        self.points = torch.linspace(-1, 1, count * 3).reshape(3, count).t()
        self.values = self.points @ WEIGHT
        if exists(noise):
            self.values = self.values + noise * torch.sin(37 * self.values)

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        return self.points[index], self.values[index : index + 1]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x, scale=None):
        x = self.body(x)
        return x * scale if exists(scale) else x


class Trainer:
    def __init__(self, model, loader, validation, lr=0.1, device="cpu"):
        self.model = model.to(device)
        self.loader = loader
        self.validation = validation
        self.device = device
        self.batches = cycle(loader)
        self.criterion = nn.MSELoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.history = {"train": [], "validation": []}

    def epoch(self):
        self.model.train()
        total = 0.0
        for x, y in self.loader:
            x = x.to(self.device)
            y = y.to(self.device)
            loss = self.criterion(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.loader)

    def steps(self, count):
        for _ in range(count):
            x, y = next(self.batches)
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x, scale=torch.tensor(0.5)), y)
            loss.backward()
            self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        predictions, total = [], 0.0
        for x, y in self.validation:
            prediction = self.model(x)
            total += self.criterion(prediction, y).item() * x.size(0)
            predictions.append(prediction.cpu().numpy())
        return total / len(self.validation.dataset), np.concatenate(predictions).std(0)

    def fit(self, epochs):
        for _ in range(epochs):
            self.history["train"].append(self.epoch())
            self.history["validation"].append(self.validate())
        return self.history


def run(model: Net):
    generator = torch.Generator().manual_seed(4)
    loader = DataLoader(Line(24, noise=0.1), batch_size=8, shuffle=True, generator=generator)
    trainer = Trainer(model, loader, DataLoader(Line(10), batch_size=4), lr=0.01)
    results = [trainer.fit(3), trainer.steps(4), trainer.validate()]
    total = 0.0
    for i, (x, y) in enumerate(endless(loader)):
        total += (model(x) - y).abs().sum().item()
        if i == 4:
            break
    return [*results, total]
