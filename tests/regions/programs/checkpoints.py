"""The best state is kept in memory, the last one in a file; training is resumed from the file."""

import copy
import os

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8, bias=False)
        self.bn = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.0)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(self.drop(torch.tanh(self.bn(self.fc1(x.flatten(1))))))


def build():
    return (Net(),)


def train_epoch(model, optimizer, inputs, labels):
    total = 0.0
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(inputs)


def train(model, inputs, labels):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    best_loss, best_state = float("inf"), copy.deepcopy(model.state_dict())
    losses = []
    for epoch in range(3):
        loss = train_epoch(model, optimizer, inputs, labels)
        losses.append(loss)
        if loss < best_loss:
            best_loss = loss
            best_state = copy.deepcopy(model.state_dict())
        torch.save(
            {"epoch": epoch, "state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "loss": loss},
            os.path.join("model.pth"),
        )
    train_epoch(model, optimizer, inputs, labels)

    checkpoint = torch.load("model.pth", map_location="cpu")
    model.load_state_dict(checkpoint["state_dict"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    losses.append(checkpoint["loss"])
    for epoch in range(checkpoint["epoch"] + 1, 6):
        losses.append(train_epoch(model, optimizer, inputs, labels))
    model.load_state_dict(best_state)
    return losses
