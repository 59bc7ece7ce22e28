"""A method gives a weight, which is kept over the steps."""

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


def first_weights(model):
    return model.fc1.weight.detach()


def train(model, inputs, labels):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    before = first_weights(model)
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return before.sum().item()


def main():
    train(Net(), torch.randn(3, 6, 2, 5, 5), torch.randint(0, 3, (3, 6)))


if __name__ == "__main__":
    main()
