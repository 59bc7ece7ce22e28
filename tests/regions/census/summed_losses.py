"""Losses of several batches with one backward pass."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(50, 8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))


def build():
    return (Net(),)


def train(model, inputs, labels):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    loss_total = 0
    for i, (x, y) in enumerate(zip(inputs, labels)):
        out = model(x)
        loss = F.cross_entropy(out, y)
        loss_total = loss_total + loss
        if (i + 1) % 3 == 0:
            optimizer.zero_grad()
            loss_total.backward()
            optimizer.step()
            losses.append(loss_total.item())
            loss_total = 0
    return losses


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
