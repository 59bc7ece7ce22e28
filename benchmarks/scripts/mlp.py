"""A perceptron on images of MNIST's size, with dropout left out: Adam, a sum of the losses."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 256)
        self.fc2 = nn.Linear(256, 256)
        self.fc3 = nn.Linear(256, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def build():
    model = MLP()
    return model, torch.optim.Adam(model.parameters(), lr=1e-3)


def train(model, optimizer, batches):
    model.train()
    total_loss = 0.0
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total_loss += loss.item()
    return total_loss / len(batches)


def main():
    model, optimizer = build()
    batches = [(torch.randn(64, 784), torch.randint(0, 10, (64,))) for _ in range(20)]
    print(train(model, optimizer, batches))


if __name__ == "__main__":
    main()
