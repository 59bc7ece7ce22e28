"""Dictionaries go into the step and come out of it; the order of their entries is not that of their keys."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoders = nn.ModuleDict({"text": nn.Linear(20, 4), "image": nn.Linear(30, 5)})
        self.head = nn.Linear(9, 3)

    def forward(self, parts):
        return self.head(torch.cat([self.encoders[name](part) for name, part in parts.items()], dim=1))


def losses_of(logits, labels):
    return {"main": F.cross_entropy(logits, labels), "decay": 0.01 * logits.pow(2).mean(), "last": logits.mean()}


def build():
    return [Net()]


def train(model, inputs, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = []
    for x in inputs:
        flat = x.flatten(1)
        batches.append({"text": flat[:, :20], "image": flat[:, 20:]})
    history = []
    for epoch in range(3):
        for parts, y in zip(batches, labels):
            losses = losses_of(model(parts), y)
            loss = sum(losses.values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append([value.item() for value in losses.values()])
        model.eval()
        history.append([model(parts).abs().sum().item() for parts in batches])
        model.train()
    return history
